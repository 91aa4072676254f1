//! `TextEncoder` and `TextDecoder`, on the tables of `encoding_rs`.

use super::bytes::{ByteView, from_latin1, from_units, uint8_array};
use super::interface::{Interface, construct, put, receiver, require, require_new, type_error};
use boa_engine::builtins::typed_array::TypedArrayKind;
use boa_engine::string::JsStrVariant;
use boa_engine::{
    Context, Finalize, JsArgs, JsData, JsNativeError, JsObject, JsResult, JsString, JsValue, Trace,
    js_string,
};
use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8};

/// A `TextEncoder`: it has no state.
#[derive(Debug, Trace, Finalize, JsData)]
struct TextEncoder;

/// A `TextDecoder`.
#[derive(Trace, Finalize, JsData)]
struct TextDecoder {
    #[unsafe_ignore_trace]
    encoding: &'static Encoding,
    fatal: bool,
    ignore_bom: bool,
    // Present between the calls of a stream; without one, a call starts anew.
    #[unsafe_ignore_trace]
    decoder: Option<Decoder>,
}

/// The two classes.
pub fn natives(context: &mut Context) -> JsResult<JsObject> {
    let encoder = Interface::new("TextEncoder", 0, new_encoder, context)
        .getter("encoding", encoder_encoding)
        .method("encode", 0, encode)
        .method("encodeInto", 2, encode_into)
        .build::<TextEncoder>();
    let decoder = Interface::new("TextDecoder", 0, new_decoder, context)
        .getter("encoding", decoder_encoding)
        .getter("fatal", fatal)
        .getter("ignoreBOM", ignore_bom)
        .method("decode", 0, decode)
        .build::<TextDecoder>();
    let natives = JsObject::with_object_proto(context.intrinsics());
    put(&natives, "TextEncoder", encoder);
    put(&natives, "TextDecoder", decoder);
    Ok(natives)
}

fn new_encoder(new_target: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    Ok(construct(new_target, TextEncoder, context)?.into())
}

fn encoder_encoding(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    receiver::<TextEncoder>(this)?;
    Ok(js_string!("utf-8").into())
}

fn encode(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    receiver::<TextEncoder>(this)?;
    let input = arguments.get_or_undefined(0);
    if input.is_undefined() {
        return uint8_array(&[], context);
    }
    let input = input.to_string(context)?;
    uint8_array(super::bytes::text(&input).as_bytes(), context)
}

fn encode_into(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    receiver::<TextEncoder>(this)?;
    require(arguments, 2, "TextEncoder.encodeInto")?;
    let source = arguments.get_or_undefined(0).to_string(context)?;
    let target = ByteView::of(arguments.get_or_undefined(1), context)?;
    let Some(target) = target.filter(|view| view.kind == Some(TypedArrayKind::Uint8)) else {
        return Err(type_error(
            "TextEncoder.encodeInto: the destination must be a Uint8Array",
        ));
    };
    let (read, written) = target.write(|bytes| match source.as_str().variant() {
        JsStrVariant::Latin1(units) => {
            encoding_rs::mem::convert_latin1_to_utf8_partial(units, bytes)
        }
        JsStrVariant::Utf16(units) => encoding_rs::mem::convert_utf16_to_utf8_partial(units, bytes),
    })?;
    let result = JsObject::with_object_proto(context.intrinsics());
    put(&result, "read", number(read));
    put(&result, "written", number(written));
    Ok(result.into())
}

fn new_decoder(
    new_target: &JsValue,
    arguments: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    require_new(new_target)?;
    let label = arguments.get_or_undefined(0);
    let encoding = if label.is_undefined() {
        UTF_8
    } else {
        let label = label.to_string(context)?;
        let label = super::bytes::text(&label);
        match Encoding::for_label_no_replacement(label.as_bytes()) {
            Some(encoding) => encoding,
            None => {
                let message = format!("The encoding label '{label}' is not known");
                return Err(JsNativeError::range().with_message(message).into());
            }
        }
    };
    let options = arguments.get_or_undefined(1);
    let fatal = option(options, "fatal", context)?;
    let ignore_bom = option(options, "ignoreBOM", context)?;
    let decoder = TextDecoder {
        encoding,
        fatal,
        ignore_bom,
        decoder: None,
    };
    Ok(construct(new_target, decoder, context)?.into())
}

fn decoder_encoding(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    let this = receiver::<TextDecoder>(this)?;
    let name = this.borrow().data().encoding.name().to_ascii_lowercase();
    Ok(JsString::from(name).into())
}

fn fatal(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    Ok(receiver::<TextDecoder>(this)?.borrow().data().fatal.into())
}

fn ignore_bom(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    Ok(receiver::<TextDecoder>(this)?
        .borrow()
        .data()
        .ignore_bom
        .into())
}

fn decode(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let this = receiver::<TextDecoder>(this)?;
    let input = arguments.get_or_undefined(0);
    let input = if input.is_undefined() {
        None
    } else {
        let view = ByteView::of(input, context)?;
        Some(view.ok_or_else(|| {
            type_error("TextDecoder.decode: an ArrayBuffer or a view of one is required")
        })?)
    };
    let stream = option(arguments.get_or_undefined(1), "stream", context)?;
    let mut this = this.borrow_mut();
    let decoder = this.data_mut();
    let decoded = match &input {
        Some(view) => view.read(|bytes| decoder.decode(bytes, stream)),
        None => decoder.decode(&[], stream),
    };
    match decoded {
        Some(string) => Ok(string.into()),
        None => Err(type_error("The encoded data was not valid")),
    }
}

impl TextDecoder {
    /// Decodes a chunk; nothing when it is malformed and the decoder fatal.
    fn decode(&mut self, bytes: &[u8], stream: bool) -> Option<JsString> {
        if self.decoder.is_none() && !stream && self.encoding == UTF_8 && bytes.is_ascii() {
            return Some(from_latin1(bytes));
        }
        let mut decoder = self.decoder.take().unwrap_or_else(|| {
            if self.ignore_bom {
                self.encoding.new_decoder_without_bom_handling()
            } else {
                self.encoding.new_decoder_with_bom_removal()
            }
        });
        let room = decoder.max_utf16_buffer_length(bytes.len())?;
        let mut units = vec![0; room];
        let last = !stream;
        let written = if self.fatal {
            let (result, _, written) =
                decoder.decode_to_utf16_without_replacement(bytes, &mut units, last);
            match result {
                DecoderResult::InputEmpty => written,
                DecoderResult::OutputFull | DecoderResult::Malformed(..) => return None,
            }
        } else {
            decoder.decode_to_utf16(bytes, &mut units, last).2
        };
        if stream {
            self.decoder = Some(decoder);
        }
        Some(from_units(&units[..written]))
    }
}

/// A boolean member of an options object that may be missing.
fn option(options: &JsValue, name: &str, context: &mut Context) -> JsResult<bool> {
    if options.is_null_or_undefined() {
        return Ok(false);
    }
    let Some(options) = options.as_object() else {
        return Err(type_error("The options are not an object"));
    };
    Ok(options.get(JsString::from(name), context)?.to_boolean())
}

fn number(count: usize) -> JsValue {
    // A string is shorter than 2^32 units, so its counts are exact.
    JsValue::from(count as f64)
}
