//! Buffers for the streams: what a view covers, transfer, copies.

use boa_engine::{
    Context, JsArgs, JsObject, JsResult, JsValue, js_error, js_string,
    object::builtins::{
        AlignedVec, JsArray, JsArrayBuffer, JsDataView, JsTypedArray, JsUint8Array,
    },
};

use super::native_object;

/// The functions that `streams.js` is handed.
pub fn natives(context: &mut Context) -> JsResult<JsObject> {
    native_object(
        &[
            ("view", view),
            ("transfer", transfer),
            ("detached", detached),
            ("copy", copy),
            ("slice", slice),
            ("cloneView", clone_view),
        ],
        context,
    )
}

/// A part of a buffer, as seen by a typed array or a DataView.
pub(crate) struct View {
    /// The buffer below it.
    pub(crate) buffer: JsArrayBuffer,
    /// Where it begins.
    pub(crate) offset: usize,
    /// Bytes it covers.
    pub(crate) length: usize,
    element_size: usize,
    name: JsValue,
}

impl View {
    /// What the view covers; a TypeError for anything else, and for shared memory.
    pub(crate) fn of(value: &JsValue, context: &mut Context) -> JsResult<Self> {
        let Some(object) = value.as_object() else {
            return Err(js_error!(TypeError: "not an ArrayBufferView"));
        };
        let (buffer, offset, length, element_size, name) =
            if let Ok(array) = JsTypedArray::from_object(object.clone()) {
                let name = array.to_string_tag(context)?;
                let length = array.byte_length(context)?;
                let count = array.length(context)?;
                let size = length.checked_div(count).unwrap_or(1);
                (
                    array.buffer(context)?,
                    array.byte_offset(context)?,
                    length,
                    size,
                    name,
                )
            } else {
                let view = JsDataView::from_object(object.clone())
                    .map_err(|_| js_error!(TypeError: "not an ArrayBufferView"))?;
                let buffer = view.buffer(context)?;
                // A DataView's own getters throw on a detached buffer; a length of 0 says the same.
                let offset = view.byte_offset(context).unwrap_or(0);
                let length = view.byte_length(context).unwrap_or(0);
                let (offset, length) = (clamp(offset), clamp(length));
                (buffer, offset, length, 1, js_string!("DataView").into())
            };
        Ok(Self {
            buffer: buffer_of(&buffer)?,
            offset,
            length,
            element_size,
            name,
        })
    }
}

fn clamp(number: u64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

fn buffer_of(value: &JsValue) -> JsResult<JsArrayBuffer> {
    value
        .as_object()
        .and_then(|object| JsArrayBuffer::from_object(object.clone()).ok())
        .ok_or_else(|| js_error!(TypeError: "not an ArrayBuffer, or a shared one"))
}

fn index(args: &[JsValue], position: usize) -> usize {
    match args.get_or_undefined(position).as_number() {
        // Truncation is what a JavaScript index means.
        Some(number) if number >= 0.0 => number as usize,
        _ => 0,
    }
}

/// Makes a Uint8Array over the bytes.
pub(crate) fn uint8_array(bytes: &[u8], context: &mut Context) -> JsResult<JsUint8Array> {
    let block = AlignedVec::from_iter(0, bytes.iter().copied());
    let buffer = JsArrayBuffer::from_byte_block(block, context)?;
    JsUint8Array::from_array_buffer(buffer, context)
}

/// Calls `with` on the bytes that a view or an ArrayBuffer covers.
pub(crate) fn with_bytes<T>(
    value: &JsValue,
    context: &mut Context,
    with: impl FnOnce(&[u8], &mut Context) -> JsResult<T>,
) -> JsResult<T> {
    let (buffer, range) = match buffer_of(value) {
        Ok(buffer) => {
            let length = buffer.byte_length();
            (buffer, 0..length)
        }
        Err(_) => {
            let view = View::of(value, context)?;
            (view.buffer, view.offset..view.offset + view.length)
        }
    };
    let bytes = buffer.data();
    // A detached buffer reads as an empty one.
    let bytes = bytes
        .as_ref()
        .and_then(|bytes| bytes.get(range))
        .unwrap_or_default();
    with(bytes, context)
}

/// `{ buffer, offset, length, elementSize, name }` of a view.
fn view(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let view = View::of(args.get_or_undefined(0), context)?;
    let object = JsObject::with_object_proto(context.intrinsics());
    object.create_data_property(js_string!("buffer"), view.buffer, context)?;
    object.create_data_property(js_string!("offset"), view.offset, context)?;
    object.create_data_property(js_string!("length"), view.length, context)?;
    object.create_data_property(js_string!("elementSize"), view.element_size, context)?;
    object.create_data_property(js_string!("name"), view.name, context)?;
    Ok(object.into())
}

/// TransferArrayBuffer: the same memory under a new ArrayBuffer; the old one is detached.
fn transfer(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let buffer = buffer_of(args.get_or_undefined(0))?;
    let block = buffer.detach(&JsValue::undefined())?;
    Ok(JsArrayBuffer::from_byte_block(block, context)?.into())
}

fn detached(_: &JsValue, args: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    Ok(buffer_of(args.get_or_undefined(0))?.data().is_none().into())
}

/// `(target, targetOffset, source, sourceOffset, length)`; the buffers differ.
fn copy(_: &JsValue, args: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    let target = buffer_of(args.get_or_undefined(0))?;
    let source = buffer_of(args.get_or_undefined(2))?;
    let (to, from, length) = (index(args, 1), index(args, 3), index(args, 4));
    if JsObject::equals(&target, &source) {
        return Err(js_error!(TypeError: "cannot copy a buffer onto itself"));
    }
    let (Some(mut target), Some(source)) = (target.data_mut(), source.data()) else {
        return Err(js_error!(TypeError: "the buffer is detached"));
    };
    let source = source.get(from..from.saturating_add(length));
    let target = target.get_mut(to..to.saturating_add(length));
    let (Some(target), Some(source)) = (target, source) else {
        return Err(js_error!(RangeError: "out of the buffer's bounds"));
    };
    target.copy_from_slice(source);
    Ok(JsValue::undefined())
}

/// `(buffer, offset, length)`: a copy of a part, as an ArrayBuffer.
fn slice(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let buffer = buffer_of(args.get_or_undefined(0))?;
    let (offset, length) = (index(args, 1), index(args, 2));
    let block = {
        let bytes = buffer.data();
        let range = offset..offset.saturating_add(length);
        let Some(bytes) = bytes.as_ref().and_then(|bytes| bytes.get(range)) else {
            return Err(js_error!(TypeError: "the buffer is detached"));
        };
        AlignedVec::from_iter(0, bytes.iter().copied())
    };
    Ok(JsArrayBuffer::from_byte_block(block, context)?.into())
}

/// A Uint8Array over a copy of what a view or an ArrayBuffer covers.
pub(crate) fn clone_view(
    _: &JsValue,
    args: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    with_bytes(args.get_or_undefined(0), context, |bytes, context| {
        Ok(uint8_array(bytes, context)?.into())
    })
}

/// `(chunks)`: one Uint8Array of all of them, in order.
pub(crate) fn concat(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let Some(chunks) = args.get_or_undefined(0).as_object() else {
        return Err(js_error!(TypeError: "not an array"));
    };
    let chunks = JsArray::from_object(chunks.clone())?;
    let mut all = Vec::new();
    for position in 0..chunks.length(context)? {
        let chunk = chunks.get(position, context)?;
        with_bytes(&chunk, context, |bytes, _| {
            all.extend_from_slice(bytes);
            Ok(())
        })?;
    }
    Ok(uint8_array(&all, context)?.into())
}
