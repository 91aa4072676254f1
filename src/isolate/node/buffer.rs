//! The bytes of a `Buffer`: encodings, numbers, comparison. Bounds that Node reports by an error of
//! its own come back as undefined or false, and `buffer.js` throws it.

use boa_engine::native_function::NativeFunctionPointer;
use boa_engine::string::JsStrVariant;
use boa_engine::value::JsVariant;
use boa_engine::{Context, JsArgs, JsBigInt, JsNativeError, JsResult, JsStr, JsString, JsValue};
use memchr::memmem;

use crate::isolate::web::bytes::{ByteView, from_latin1, from_units, from_utf8, uint8_array};

/// The most bytes of one string that is encoded: what one buffer may have.
const BUFFER_BYTES_MAX: usize = 512 << 20;

/// The functions, by the names under which the scripts have them.
pub const FUNCTIONS: &[(&str, NativeFunctionPointer)] = &[
    ("encode", encode),
    ("byteLength", byte_length),
    ("decode", decode),
    ("write", write),
    ("compare", compare),
    ("equal", equal),
    ("indexOf", index_of),
    ("repeat", repeat),
    ("swap", swap),
    ("read", read),
    ("put", put),
];

/// How text is written as bytes. The numbers are those of `buffer.js`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Hex,
    Base64,
    Base64Url,
    Latin1,
    Ascii,
    Utf16,
}

impl Encoding {
    fn at(args: &[JsValue], index: usize, context: &mut Context) -> JsResult<Self> {
        Ok(match args.get_or_undefined(index).to_u32(context)? {
            1 => Encoding::Hex,
            2 => Encoding::Base64,
            3 => Encoding::Base64Url,
            4 => Encoding::Latin1,
            5 => Encoding::Ascii,
            6 => Encoding::Utf16,
            _ => Encoding::Utf8,
        })
    }

    fn encode(self, text: JsStr<'_>) -> Vec<u8> {
        match (self, text.variant()) {
            (Encoding::Utf8, JsStrVariant::Latin1(units)) => {
                let mut bytes = vec![0; units.len() * 2];
                let count = encoding_rs::mem::convert_latin1_to_utf8(units, &mut bytes);
                bytes.truncate(count);
                bytes
            }
            (Encoding::Utf8, JsStrVariant::Utf16(units)) => {
                let mut bytes = vec![0; units.len() * 3];
                let count = encoding_rs::mem::convert_utf16_to_utf8(units, &mut bytes);
                bytes.truncate(count);
                bytes
            }
            (Encoding::Latin1 | Encoding::Ascii, JsStrVariant::Latin1(units)) => units.to_vec(),
            (Encoding::Latin1 | Encoding::Ascii, JsStrVariant::Utf16(units)) => {
                units.iter().map(|unit| (unit & 0xFF) as u8).collect()
            }
            (Encoding::Utf16, _) => text.iter().flat_map(u16::to_le_bytes).collect(),
            (Encoding::Hex, _) => from_hex(text),
            (Encoding::Base64 | Encoding::Base64Url, _) => from_base64(text),
        }
    }

    fn decode(self, bytes: &[u8]) -> JsString {
        match self {
            Encoding::Utf8 => from_utf8(bytes),
            Encoding::Latin1 => from_latin1(bytes),
            Encoding::Ascii => {
                let low: Vec<u8> = bytes.iter().map(|byte| byte & 0x7F).collect();
                from_latin1(&low)
            }
            Encoding::Hex => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                let digits = |byte: &u8| {
                    [
                        DIGITS[usize::from(byte >> 4)],
                        DIGITS[usize::from(byte & 15)],
                    ]
                };
                let digits: Vec<u8> = bytes.iter().flat_map(digits).collect();
                from_latin1(&digits)
            }
            Encoding::Base64 => JsString::from(base64_simd::STANDARD.encode_to_string(bytes)),
            Encoding::Base64Url => {
                JsString::from(base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes))
            }
            Encoding::Utf16 => {
                let (pairs, _) = bytes.as_chunks::<2>();
                let units: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
                from_units(&units)
            }
        }
    }
}

// Up to the first pair that is no number.
fn from_hex(text: JsStr<'_>) -> Vec<u8> {
    let digit = |unit: u16| char::from_u32(unit.into()).and_then(|c| c.to_digit(16));
    let units: Vec<u16> = text.iter().collect();
    let (pairs, _) = units.as_chunks::<2>();
    pairs
        .iter()
        .map_while(|[high, low]| {
            let byte = digit(*high)? * 16 + digit(*low)?;
            u8::try_from(byte).ok()
        })
        .collect()
}

// Either alphabet; what is in none is passed over, and padding ends it.
fn from_base64(text: JsStr<'_>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut count) = (0u32, 0);
    for unit in text.iter() {
        let value = match u8::try_from(unit) {
            Ok(letter @ b'A'..=b'Z') => letter - b'A',
            Ok(letter @ b'a'..=b'z') => letter - b'a' + 26,
            Ok(digit @ b'0'..=b'9') => digit - b'0' + 52,
            Ok(b'+' | b'-') => 62,
            Ok(b'/' | b'_') => 63,
            Ok(b'=') => break,
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xFF) as u8);
        }
    }
    bytes
}

fn string_at(args: &[JsValue], index: usize, context: &mut Context) -> JsResult<JsString> {
    let text = args.get_or_undefined(index).to_string(context)?;
    if text.len() > BUFFER_BYTES_MAX {
        return Err(JsNativeError::range()
            .with_message("The string is longer than a buffer may be")
            .into());
    }
    Ok(text)
}

fn view_at(args: &[JsValue], index: usize, context: &mut Context) -> JsResult<ByteView> {
    ByteView::of(args.get_or_undefined(index), context)?.ok_or_else(|| {
        JsNativeError::typ()
            .with_message("argument must be a buffer")
            .into()
    })
}

fn size_at(args: &[JsValue], index: usize, context: &mut Context) -> JsResult<usize> {
    let number = args.get_or_undefined(index).to_index(context)?;
    Ok(usize::try_from(number).unwrap_or(usize::MAX))
}

/// `(text, encoding)`: a `Uint8Array`.
fn encode(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let text = string_at(args, 0, context)?;
    let bytes = Encoding::at(args, 1, context)?.encode(text.as_str());
    uint8_array(&bytes, context)
}

/// `(text, encoding)`: how many bytes that would be, without looking whether it is well-formed.
fn byte_length(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let text = string_at(args, 0, context)?;
    let units = text.len();
    let bytes = match Encoding::at(args, 1, context)? {
        Encoding::Utf8 => match text.as_str().variant() {
            JsStrVariant::Latin1(units) => {
                units.len() + units.iter().filter(|unit| **unit > 0x7F).count()
            }
            JsStrVariant::Utf16(_) => Encoding::Utf8.encode(text.as_str()).len(),
        },
        Encoding::Hex => units / 2,
        Encoding::Base64 | Encoding::Base64Url => {
            let is_padding = |back: usize| {
                let at = units.checked_sub(back);
                at.and_then(|at| text.as_str().get(at)) == Some(u16::from(b'='))
            };
            let padding = (1..=2).take_while(|back| is_padding(*back)).count();
            (units - padding) * 3 / 4
        }
        Encoding::Latin1 | Encoding::Ascii => units,
        Encoding::Utf16 => units * 2,
    };
    Ok(JsValue::from(bytes))
}

/// `(view, encoding, start, end)`: a string.
fn decode(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let view = view_at(args, 0, context)?;
    let encoding = Encoding::at(args, 1, context)?;
    let (start, end) = (size_at(args, 2, context)?, size_at(args, 3, context)?);
    let text = view.read(|bytes| {
        let end = end.min(bytes.len());
        encoding.decode(&bytes[start.min(end)..end])
    });
    Ok(text.into())
}

/// `(view, text, encoding, offset, length)`: the bytes written; a character is written whole.
fn write(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let view = view_at(args, 0, context)?;
    let text = string_at(args, 1, context)?;
    let encoding = Encoding::at(args, 2, context)?;
    let (offset, length) = (size_at(args, 3, context)?, size_at(args, 4, context)?);
    let bytes = encoding.encode(text.as_str());
    let count = view.write(|target| {
        let offset = offset.min(target.len());
        let mut count = bytes.len().min(length).min(target.len() - offset);
        match encoding {
            Encoding::Utf8 => {
                while count < bytes.len() && count > 0 && bytes[count] & 0xC0 == 0x80 {
                    count -= 1;
                }
            }
            Encoding::Utf16 => count -= count % 2,
            _ => {}
        }
        target[offset..offset + count].copy_from_slice(&bytes[..count]);
        count
    })?;
    Ok(JsValue::from(count))
}

/// `(a, b)`: -1, 0 or 1.
fn compare(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (a, b) = (view_at(args, 0, context)?, view_at(args, 1, context)?);
    let order = a.read(|a| b.read(|b| a.cmp(b)));
    Ok(JsValue::from(order as i32))
}

/// `(a, b)`: whether they are equal, in a time that depends on their lengths only.
fn equal(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (a, b) = (view_at(args, 0, context)?, view_at(args, 1, context)?);
    let (a, b) = (a.to_vec(), b.to_vec());
    let differing = a
        .iter()
        .zip(&b)
        .fold(0, |found, (a, b)| std::hint::black_box(found | (a ^ b)));
    Ok(JsValue::from(a.len() == b.len() && differing == 0))
}

/// `(view, needle, from, backwards)`: where it is, or -1.
fn index_of(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let view = view_at(args, 0, context)?;
    let needle = view_at(args, 1, context)?.to_vec();
    let from = size_at(args, 2, context)?;
    let backwards = args.get_or_undefined(3).to_boolean();
    let found = view.read(|bytes| {
        if backwards {
            let end = from.saturating_add(needle.len()).min(bytes.len());
            memmem::rfind(&bytes[..end], &needle)
        } else {
            let from = from.min(bytes.len());
            memmem::find(&bytes[from..], &needle).map(|at| at + from)
        }
    });
    Ok(match found {
        Some(at) => JsValue::from(at),
        None => JsValue::from(-1),
    })
}

/// `(view, pattern, start, end)`: fills with copies of the pattern.
fn repeat(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let view = view_at(args, 0, context)?;
    let pattern = view_at(args, 1, context)?.to_vec();
    let (start, end) = (size_at(args, 2, context)?, size_at(args, 3, context)?);
    view.write(|bytes| {
        let end = end.min(bytes.len());
        let target = &mut bytes[start.min(end)..end];
        for (byte, copy) in target.iter_mut().zip(pattern.iter().cycle()) {
            *byte = *copy;
        }
    })?;
    Ok(JsValue::undefined())
}

/// `(view, size)`: turns the order of the bytes of each group around.
fn swap(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let view = view_at(args, 0, context)?;
    let size = size_at(args, 1, context)?.max(1);
    view.write(|bytes| bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse))?;
    Ok(JsValue::undefined())
}

/// What a number is. The numbers are those of `buffer.js`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unsigned,
    Signed,
    Float,
    BigSigned,
    BigUnsigned,
}

/// Where a number is and how it is written: `(..., offset, bytes, kind, big)`.
struct Place {
    offset: Option<usize>,
    bytes: usize,
    kind: Kind,
    big: bool,
}

impl Place {
    fn at(args: &[JsValue], index: usize, context: &mut Context) -> JsResult<Self> {
        let offset = args.get_or_undefined(index).as_number();
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is a whole number in the range"
        )]
        let offset = offset
            .filter(|offset| offset.fract() == 0.0 && (0.0..=4_294_967_295.0).contains(offset))
            .map(|offset| offset as usize);
        let kind = match args.get_or_undefined(index + 2).to_u32(context)? {
            0 => Kind::Unsigned,
            1 => Kind::Signed,
            2 => Kind::Float,
            3 => Kind::BigSigned,
            _ => Kind::BigUnsigned,
        };
        Ok(Self {
            offset,
            bytes: size_at(args, index + 1, context)?.min(8),
            kind,
            big: args.get_or_undefined(index + 3).to_boolean(),
        })
    }

    fn range(&self, length: usize) -> Option<std::ops::Range<usize>> {
        let offset = self.offset?;
        let end = offset.checked_add(self.bytes)?;
        (end <= length).then_some(offset..end)
    }
}

/// `(view, offset, bytes, kind, big)`: the number, or undefined when it is not all there.
fn read(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let view = view_at(args, 0, context)?;
    let place = Place::at(args, 1, context)?;
    let raw = view.read(|bytes| {
        let found = &bytes[place.range(bytes.len())?];
        let mut raw = [0; 8];
        raw[..found.len()].copy_from_slice(found);
        if place.big {
            raw[..found.len()].reverse();
        }
        Some(u64::from_le_bytes(raw))
    });
    let Some(raw) = raw else {
        return Ok(JsValue::undefined());
    };
    let unused = 64 - 8 * u32::try_from(place.bytes).unwrap_or(8);
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "six bytes are exact, and four are what a float has"
    )]
    Ok(match place.kind {
        Kind::Unsigned => JsValue::from(raw as f64),
        Kind::Signed => JsValue::from(((raw << unused).cast_signed() >> unused) as f64),
        Kind::Float if place.bytes == 4 => JsValue::from(f64::from(f32::from_bits(raw as u32))),
        Kind::Float => JsValue::from(f64::from_bits(raw)),
        Kind::BigSigned => JsBigInt::from(raw.cast_signed()).into(),
        Kind::BigUnsigned => JsBigInt::from(raw).into(),
    })
}

/// `(view, value, offset, bytes, kind, big)`: whether there was room. The value is in the range.
fn put(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let view = view_at(args, 0, context)?;
    let value = args.get_or_undefined(1);
    let place = Place::at(args, 2, context)?;
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the script has looked at the range, and a float is rounded"
    )]
    let raw = match (place.kind, value.variant()) {
        (Kind::BigSigned | Kind::BigUnsigned, JsVariant::BigInt(number)) => {
            // The script gives what is negative as its complement.
            u64::from_str_radix(&number.to_string_radix(16), 16).unwrap_or(0)
        }
        (Kind::Float, _) if place.bytes == 4 => {
            u64::from((value.to_number(context)? as f32).to_bits())
        }
        (Kind::Float, _) => value.to_number(context)?.to_bits(),
        _ => (value.to_number(context)? as i64).cast_unsigned(),
    };
    let written = view.write(|bytes| {
        let Some(range) = place.range(bytes.len()) else {
            return false;
        };
        let mut raw = raw.to_le_bytes();
        if place.big {
            raw[..place.bytes].reverse();
        }
        bytes[range].copy_from_slice(&raw[..place.bytes]);
        true
    })?;
    Ok(JsValue::from(written))
}
