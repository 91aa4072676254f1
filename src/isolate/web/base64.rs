//! Base64 and hex: `atob`, `btoa`, and the methods of `Uint8Array` that engines are gaining.

use super::bytes::{ByteView, from_latin1, str_text, uint8_array};
use super::interface::{dom_exception, functions, put, require, type_error};
use base64_simd::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use boa_engine::builtins::typed_array::TypedArrayKind;
use boa_engine::string::JsStrVariant;
use boa_engine::{
    Context, JsArgs, JsError, JsNativeError, JsObject, JsResult, JsStr, JsString, JsValue,
    js_string,
};

/// The functions; those of `Uint8Array` in two objects, of the constructor and of the prototype.
pub fn natives(context: &mut Context) -> JsResult<JsObject> {
    let natives = functions(&[("atob", 1, atob), ("btoa", 1, btoa)], context);
    let of_constructor = functions(
        &[("fromBase64", 1, from_base64), ("fromHex", 1, from_hex)],
        context,
    );
    let of_prototype = functions(
        &[
            ("toBase64", 0, to_base64),
            ("toHex", 0, to_hex),
            ("setFromBase64", 1, set_from_base64),
            ("setFromHex", 1, set_from_hex),
        ],
        context,
    );
    put(&natives, "ofConstructor", of_constructor);
    put(&natives, "ofPrototype", of_prototype);
    Ok(natives)
}

fn atob(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    require(arguments, 1, "atob")?;
    let data = arguments.get_or_undefined(0).to_string(context)?;
    let decoded =
        latin1(data.as_str()).and_then(|bytes| base64_simd::forgiving_decode_to_vec(&bytes).ok());
    match decoded {
        Some(bytes) => Ok(from_latin1(&bytes).into()),
        None => {
            let message = "The string to be decoded is not correctly encoded";
            Err(dom_exception("InvalidCharacterError", message, context))
        }
    }
}

fn btoa(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    require(arguments, 1, "btoa")?;
    let data = arguments.get_or_undefined(0).to_string(context)?;
    match latin1(data.as_str()) {
        Some(bytes) => Ok(from_latin1(STANDARD.encode_to_string(&bytes).as_bytes()).into()),
        None => {
            let message = "The string to be encoded has characters outside of the Latin1 range";
            Err(dom_exception("InvalidCharacterError", message, context))
        }
    }
}

/// The string as bytes, one a character, if each fits.
fn latin1(string: JsStr<'_>) -> Option<Vec<u8>> {
    match string.variant() {
        JsStrVariant::Latin1(units) => Some(units.to_vec()),
        JsStrVariant::Utf16(units) => units.iter().map(|unit| u8::try_from(*unit).ok()).collect(),
    }
}

/// Which characters stand for 62 and 63.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    Standard,
    Url,
}

/// What a decoder makes of an unpadded end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastChunk {
    Loose,
    Strict,
    StopBeforePartial,
}

/// What decoding gave: the bytes before any fault.
struct Decoded {
    read: usize,
    bytes: Vec<u8>,
    fault: Option<&'static str>,
}

fn from_base64(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (text, alphabet, last_chunk) = base64_arguments(arguments, context)?;
    let decoded = decode_base64(text.as_str(), alphabet, last_chunk, usize::MAX);
    match decoded.fault {
        Some(fault) => Err(syntax_error(fault)),
        None => uint8_array(&decoded.bytes, context),
    }
}

fn set_from_base64(
    this: &JsValue,
    arguments: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    this_bytes(this, context)?;
    let (text, alphabet, last_chunk) = base64_arguments(arguments, context)?;
    let target = this_bytes(this, context)?;
    let room = target.read(<[u8]>::len);
    let decoded = decode_base64(text.as_str(), alphabet, last_chunk, room);
    set_decoded(&target, &decoded, context)
}

fn from_hex(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let text = string_argument(arguments)?;
    let decoded = decode_hex(text.as_str(), usize::MAX);
    match decoded.fault {
        Some(fault) => Err(syntax_error(fault)),
        None => uint8_array(&decoded.bytes, context),
    }
}

fn set_from_hex(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let target = this_bytes(this, context)?;
    let text = string_argument(arguments)?;
    let decoded = decode_hex(text.as_str(), target.read(<[u8]>::len));
    set_decoded(&target, &decoded, context)
}

fn to_base64(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    this_bytes(this, context)?;
    let options = arguments.get_or_undefined(0);
    let alphabet = alphabet_option(options, context)?;
    let omit_padding = match options.as_object() {
        Some(options) => options
            .get(js_string!("omitPadding"), context)?
            .to_boolean(),
        None => false,
    };
    let codec = match (alphabet, omit_padding) {
        (Alphabet::Standard, false) => STANDARD,
        (Alphabet::Standard, true) => STANDARD_NO_PAD,
        (Alphabet::Url, false) => URL_SAFE,
        (Alphabet::Url, true) => URL_SAFE_NO_PAD,
    };
    let encoded = this_bytes(this, context)?.read(|bytes| codec.encode_to_string(bytes));
    Ok(from_latin1(encoded.as_bytes()).into())
}

fn to_hex(this: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let encoded = this_bytes(this, context)?.read(|bytes| {
        let pairs = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        pairs
            .map(|digit| DIGITS[usize::from(digit)])
            .collect::<Vec<u8>>()
    });
    Ok(from_latin1(&encoded).into())
}

fn this_bytes(this: &JsValue, context: &mut Context) -> JsResult<ByteView> {
    ByteView::of(this, context)?
        .filter(|view| view.kind == Some(TypedArrayKind::Uint8))
        .ok_or_else(|| type_error("The receiver is not a Uint8Array"))
}

fn string_argument(arguments: &[JsValue]) -> JsResult<JsString> {
    // The proposal converts nothing: what is no string is a mistake.
    let argument = arguments.get_or_undefined(0).as_string();
    argument.ok_or_else(|| type_error("The argument is not a string"))
}

fn base64_arguments(
    arguments: &[JsValue],
    context: &mut Context,
) -> JsResult<(JsString, Alphabet, LastChunk)> {
    let text = string_argument(arguments)?;
    let options = arguments.get_or_undefined(1);
    let alphabet = alphabet_option(options, context)?;
    let last_chunk = match string_option(options, "lastChunkHandling", context)?.as_deref() {
        None | Some("loose") => LastChunk::Loose,
        Some("strict") => LastChunk::Strict,
        Some("stop-before-partial") => LastChunk::StopBeforePartial,
        Some(_) => {
            return Err(type_error(
                "lastChunkHandling is not one of its three values",
            ));
        }
    };
    Ok((text, alphabet, last_chunk))
}

fn alphabet_option(options: &JsValue, context: &mut Context) -> JsResult<Alphabet> {
    match string_option(options, "alphabet", context)?.as_deref() {
        None | Some("base64") => Ok(Alphabet::Standard),
        Some("base64url") => Ok(Alphabet::Url),
        Some(_) => Err(type_error("alphabet is neither base64 nor base64url")),
    }
}

fn string_option(options: &JsValue, name: &str, context: &mut Context) -> JsResult<Option<String>> {
    if options.is_undefined() {
        return Ok(None);
    }
    let Some(options) = options.as_object() else {
        return Err(type_error("The options are not an object"));
    };
    let value = options.get(JsString::from(name), context)?;
    if value.is_undefined() {
        return Ok(None);
    }
    match value.as_string() {
        Some(value) => Ok(Some(str_text(value.as_str()).into_owned())),
        None => Err(type_error(format!("{name} is not a string"))),
    }
}

fn set_decoded(target: &ByteView, decoded: &Decoded, context: &mut Context) -> JsResult<JsValue> {
    target.write(|bytes| {
        // Never more than was asked for, which was the room there is.
        let length = decoded.bytes.len().min(bytes.len());
        bytes[..length].copy_from_slice(&decoded.bytes[..length]);
    })?;
    if let Some(fault) = decoded.fault {
        return Err(syntax_error(fault));
    }
    let result = JsObject::with_object_proto(context.intrinsics());
    put(&result, "read", decoded.read as f64);
    put(&result, "written", decoded.bytes.len() as f64);
    Ok(result.into())
}

fn syntax_error(message: &'static str) -> JsError {
    JsNativeError::syntax().with_message(message).into()
}

/// `FromBase64` of the specification; reads on until `room` bytes are there.
fn decode_base64(
    text: JsStr<'_>,
    alphabet: Alphabet,
    last_chunk: LastChunk,
    room: usize,
) -> Decoded {
    if room == usize::MAX
        && let JsStrVariant::Latin1(units) = text.variant()
    {
        let codec = if alphabet == Alphabet::Url {
            URL_SAFE
        } else {
            STANDARD
        };
        // Whole and padded is what all three ways of handling the end agree on.
        if let Ok(bytes) = codec.decode_to_vec(units) {
            return Decoded {
                read: units.len(),
                bytes,
                fault: None,
            };
        }
    }
    let mut decoder = Base64Decoder {
        text,
        alphabet,
        last_chunk,
        room,
        chunk: 0,
        chunk_length: 0,
        decoded: Decoded {
            read: 0,
            bytes: Vec::new(),
            fault: None,
        },
    };
    if room > 0
        && let Err(fault) = decoder.run()
    {
        decoder.decoded.fault = Some(fault);
    }
    decoder.decoded
}

struct Base64Decoder<'text> {
    text: JsStr<'text>,
    alphabet: Alphabet,
    last_chunk: LastChunk,
    room: usize,
    chunk: u32,
    chunk_length: u32,
    decoded: Decoded,
}

impl Base64Decoder<'_> {
    fn run(&mut self) -> Result<(), &'static str> {
        const UNFINISHED: &str = "The base64 text ends in the middle of a chunk";
        let length = self.text.len();
        let mut index = 0;
        loop {
            index = skip_whitespace(self.text, index);
            let Some(unit) = self.text.get(index) else {
                match (self.chunk_length, self.last_chunk) {
                    (0, _) => {}
                    (_, LastChunk::StopBeforePartial) => return Ok(()),
                    (_, LastChunk::Strict) | (1, LastChunk::Loose) => return Err(UNFINISHED),
                    (_, LastChunk::Loose) => self.end_chunk(false)?,
                }
                self.decoded.read = length;
                return Ok(());
            };
            index += 1;
            if unit == u16::from(b'=') {
                return self.padding(index, UNFINISHED);
            }
            let Some(value) = self.value(unit) else {
                return Err("The base64 text has a character outside of its alphabet");
            };
            let left = self.room - self.decoded.bytes.len();
            if (left == 1 && self.chunk_length == 2) || (left == 2 && self.chunk_length == 3) {
                return Ok(());
            }
            self.chunk = self.chunk << 6 | value;
            self.chunk_length += 1;
            if self.chunk_length == 4 {
                self.end_chunk(false)?;
                self.decoded.read = index;
                if self.decoded.bytes.len() >= self.room {
                    return Ok(());
                }
            }
        }
    }

    /// What follows the first `=`.
    fn padding(&mut self, mut index: usize, unfinished: &'static str) -> Result<(), &'static str> {
        if self.chunk_length < 2 {
            return Err("The base64 text has padding where none belongs");
        }
        index = skip_whitespace(self.text, index);
        if self.chunk_length == 2 {
            match self.text.get(index) {
                None if self.last_chunk == LastChunk::StopBeforePartial => return Ok(()),
                None => return Err(unfinished),
                Some(unit) if unit == u16::from(b'=') => {
                    index = skip_whitespace(self.text, index + 1);
                }
                Some(_) => {}
            }
        }
        if index < self.text.len() {
            return Err("The base64 text goes on after its padding");
        }
        self.end_chunk(self.last_chunk == LastChunk::Strict)?;
        self.decoded.read = self.text.len();
        Ok(())
    }

    fn end_chunk(&mut self, strict: bool) -> Result<(), &'static str> {
        let bits = self.chunk << (6 * (4 - self.chunk_length));
        let bytes = bits.to_be_bytes();
        let count = self.chunk_length as usize - 1;
        if strict && bytes[1 + count..].iter().any(|byte| *byte != 0) {
            return Err("The base64 text has bits after its last byte");
        }
        self.decoded.bytes.extend_from_slice(&bytes[1..1 + count]);
        self.chunk = 0;
        self.chunk_length = 0;
        Ok(())
    }

    fn value(&self, unit: u16) -> Option<u32> {
        let byte = u8::try_from(unit).ok()?;
        let value = match (byte, self.alphabet) {
            (b'A'..=b'Z', _) => byte - b'A',
            (b'a'..=b'z', _) => byte - b'a' + 26,
            (b'0'..=b'9', _) => byte - b'0' + 52,
            (b'+', Alphabet::Standard) | (b'-', Alphabet::Url) => 62,
            (b'/', Alphabet::Standard) | (b'_', Alphabet::Url) => 63,
            _ => return None,
        };
        Some(u32::from(value))
    }
}

fn skip_whitespace(text: JsStr<'_>, mut index: usize) -> usize {
    while let Some(9 | 10 | 12 | 13 | 32) = text.get(index) {
        index += 1;
    }
    index
}

/// `FromHex` of the specification.
fn decode_hex(text: JsStr<'_>, room: usize) -> Decoded {
    let mut decoded = Decoded {
        read: 0,
        bytes: Vec::new(),
        fault: None,
    };
    if !text.len().is_multiple_of(2) {
        decoded.fault = Some("The hex text has an odd number of digits");
        return decoded;
    }
    let digit = |index| {
        let unit = text.get(index)?;
        char::from_u32(u32::from(unit))?.to_digit(16)
    };
    while decoded.read < text.len() && decoded.bytes.len() < room {
        let (Some(high), Some(low)) = (digit(decoded.read), digit(decoded.read + 1)) else {
            decoded.fault = Some("The hex text has a character that is no digit");
            return decoded;
        };
        decoded.bytes.push((high << 4 | low) as u8);
        decoded.read += 2;
    }
    decoded
}
