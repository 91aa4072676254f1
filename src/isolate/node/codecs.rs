//! Whole buffers through the codecs of the compression streams, for `zlib.js`.

use boa_engine::native_function::NativeFunctionPointer;
use boa_engine::{Context, JsArgs, JsNativeError, JsResult, JsValue};

use crate::isolate::web::bytes::{buffer_source, uint8_array};
use crate::isolate::web::codec::Codec;

/// What one call may give: as much as one buffer may have.
const OUTPUT_BYTES_MAX: usize = 512 << 20;

/// The functions, by the names under which the scripts have them.
pub const FUNCTIONS: &[(&str, NativeFunctionPointer)] = &[("code", code)];

/// `(format, compresses, bytes)`: the bytes coded or decoded; undefined when they cannot be.
fn code(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let format = args.get_or_undefined(0).to_string(context)?;
    let compresses = args.get_or_undefined(1).to_boolean();
    let input = buffer_source(args.get_or_undefined(2), "zlib", context)?;
    let Ok(mut codec) = Codec::new(&format.to_std_string_lossy(), compresses) else {
        return Ok(JsValue::undefined());
    };
    let mut output = Vec::new();
    codec.feed(input);
    // Once for what was fed, and once for what ends it.
    for _ in 0..2 {
        loop {
            match codec.take() {
                Ok(Some(piece)) => output.extend_from_slice(&piece),
                Ok(None) => break,
                Err(_) => return Ok(JsValue::undefined()),
            }
            if output.len() > OUTPUT_BYTES_MAX {
                let message = "The output is longer than a buffer may be";
                return Err(JsNativeError::range().with_message(message).into());
            }
        }
        codec.finish();
    }
    uint8_array(&output, context)
}
