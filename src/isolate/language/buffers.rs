//! `ArrayBuffer.prototype.transfer`: the bytes go over to another buffer, and this one is detached.

use boa_engine::object::builtins::JsArrayBuffer;
use boa_engine::{Context, JsArgs, JsNativeError, JsResult, JsValue};

use crate::isolate::host::type_error;

fn buffer_at(args: &[JsValue]) -> JsResult<JsArrayBuffer> {
    args.get_or_undefined(0)
        .as_object()
        .and_then(|object| JsArrayBuffer::from_object(object.clone()).ok())
        .ok_or_else(|| type_error("This is no ArrayBuffer"))
}

/// `(buffer)`: whether its bytes have gone.
pub fn detached(_: &JsValue, args: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    Ok(buffer_at(args)?.data().is_none().into())
}

/// `(buffer, length)`: a buffer of that length with its bytes; the rest is zero.
pub fn transfer(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let buffer = buffer_at(args)?;
    let length = args.get_or_undefined(1).to_index(context)?;
    if buffer.data().is_none() {
        return Err(type_error("The ArrayBuffer is detached"));
    }
    let too_long = || {
        JsNativeError::range()
            .with_message("Out of memory for a buffer")
            .into()
    };
    let limit = context.host_hooks().max_buffer_size(context);
    let length = match usize::try_from(length) {
        Ok(count) if length <= limit => count,
        _ => return Err(too_long()),
    };
    let mut bytes = buffer.detach(&JsValue::undefined())?;
    let more = length.saturating_sub(bytes.len());
    if bytes.try_reserve_exact(more).is_err() {
        return Err(too_long());
    }
    bytes.resize(length, 0);
    Ok(JsArrayBuffer::from_byte_block(bytes, context)?.into())
}
