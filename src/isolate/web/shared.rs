//! What the scripts of the web APIs want of each other's native parts.

use std::borrow::Cow;

use boa_engine::{Context, JsArgs, JsObject, JsResult, JsValue, js_string};

use super::bytes::{buffer_source, from_utf8, text, uint8_array};
use super::native_object;

/// The functions that `shared.js` is handed.
pub fn natives(context: &mut Context) -> JsResult<JsObject> {
    native_object(
        &[("encodeUtf8", encode_utf8), ("decodeUtf8", decode_utf8)],
        context,
    )
}

fn encode_utf8(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let string = args.get_or_undefined(0).to_string(context)?;
    uint8_array(text(&string).as_bytes(), context)
}

// UTF-8 decode of the Encoding Standard: without the byte order mark, U+FFFD for what is no UTF-8.
fn decode_utf8(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let bytes = buffer_source(args.get_or_undefined(0), "decode", context)?;
    let (decoded, _) = encoding_rs::UTF_8.decode_with_bom_removal(&bytes);
    Ok(match decoded {
        Cow::Borrowed(valid) => from_utf8(valid.as_bytes()),
        Cow::Owned(mended) => js_string!(mended.as_str()),
    }
    .into())
}
