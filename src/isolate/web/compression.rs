//! The codecs of the compression streams, as objects that `compression.js` drives.

use super::bytes::{ByteView, text, uint8_array};
use super::codec::{Codec, CodecError};
use super::interface::{functions, receiver, type_error};
use boa_engine::{Context, Finalize, JsArgs, JsData, JsError, JsObject, JsResult, JsValue, Trace};

/// A codec on the engine's heap.
#[derive(Trace, Finalize, JsData)]
struct Coder {
    #[unsafe_ignore_trace]
    codec: Codec,
}

/// The functions.
pub fn natives(context: &mut Context) -> JsResult<JsObject> {
    Ok(functions(
        &[
            ("open", 2, open),
            ("feed", 2, feed),
            ("finish", 1, finish),
            ("take", 1, take),
        ],
        context,
    ))
}

/// `(format, compresses)`.
fn open(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let format = arguments.get_or_undefined(0).to_string(context)?;
    let compresses = arguments.get_or_undefined(1).to_boolean();
    let codec = Codec::new(&text(&format), compresses).map_err(thrown)?;
    Ok(JsObject::from_proto_and_data(None, Coder { codec }).into())
}

/// `(coder, chunk)`.
fn feed(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let coder = receiver::<Coder>(arguments.get_or_undefined(0))?;
    let view = ByteView::of(arguments.get_or_undefined(1), context)?;
    let Some(view) = view.filter(|view| !view.is_shared()) else {
        return Err(type_error("A chunk is not a BufferSource"));
    };
    coder.borrow_mut().data_mut().codec.feed(view.to_vec());
    Ok(JsValue::undefined())
}

/// `(coder)`.
fn finish(_: &JsValue, arguments: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    let coder = receiver::<Coder>(arguments.get_or_undefined(0))?;
    coder.borrow_mut().data_mut().codec.finish();
    Ok(JsValue::undefined())
}

/// The next piece, `(coder)`; undefined when there is none before more is fed.
fn take(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let coder = receiver::<Coder>(arguments.get_or_undefined(0))?;
    let piece = coder.borrow_mut().data_mut().codec.take();
    match piece.map_err(thrown)? {
        Some(piece) => uint8_array(&piece, context),
        None => Ok(JsValue::undefined()),
    }
}

fn thrown(error: CodecError) -> JsError {
    type_error(error.to_string())
}
