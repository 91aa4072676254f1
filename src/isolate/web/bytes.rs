//! Bytes and text on the border of the engine: buffer sources, byte arrays, strings.

use super::interface::type_error;
use boa_engine::builtins::typed_array::TypedArrayKind;
use boa_engine::object::builtins::{
    AlignedVec, JsArrayBuffer, JsDataView, JsSharedArrayBuffer, JsTypedArray, JsUint8Array,
};
use boa_engine::string::JsStrVariant;
use boa_engine::{Context, JsNativeError, JsObject, JsResult, JsStr, JsString, JsValue};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::atomic::Ordering;

// What the engine aligns its own buffers to.
const BUFFER_ALIGNMENT: usize = 64;

/// A buffer source: an `ArrayBuffer`, or a view of a part of one.
#[derive(Debug, Clone)]
pub struct ByteView {
    memory: Memory,
    range: Range<usize>,
    /// The element type; none for an `ArrayBuffer` or a `DataView`.
    pub kind: Option<TypedArrayKind>,
}

#[derive(Debug, Clone)]
enum Memory {
    Own(JsArrayBuffer),
    Shared(JsSharedArrayBuffer),
}

impl ByteView {
    /// The bytes behind a value, or nothing when it is no buffer source.
    pub fn of(value: &JsValue, context: &mut Context) -> JsResult<Option<Self>> {
        let Some(object) = value.as_object() else {
            return Ok(None);
        };
        if let Ok(array) = JsTypedArray::from_object(object.clone()) {
            let memory = array.buffer(context)?;
            let Some(memory) = memory.as_object().and_then(|buffer| Memory::of(&buffer)) else {
                return Ok(None);
            };
            let start = array.byte_offset(context)?;
            let end = start.saturating_add(array.byte_length(context)?);
            return Ok(Some(Self {
                memory,
                range: start..end,
                kind: array.kind(),
            }));
        }
        if let Ok(view) = JsDataView::from_object(object.clone()) {
            let memory = view.buffer(context)?;
            let Some(memory) = memory.as_object().and_then(|buffer| Memory::of(&buffer)) else {
                return Ok(None);
            };
            // Both throw when the view is out of bounds or its buffer detached: then it has no
            // bytes.
            let start = view.byte_offset(context).unwrap_or(0);
            let length = view.byte_length(context).unwrap_or(0);
            let start = usize::try_from(start).unwrap_or(usize::MAX);
            let end = start.saturating_add(usize::try_from(length).unwrap_or(0));
            return Ok(Some(Self {
                memory,
                range: start..end,
                kind: None,
            }));
        }
        Ok(Memory::of(&object).map(|memory| Self {
            memory,
            range: 0..usize::MAX,
            kind: None,
        }))
    }

    /// Where the bytes are in their buffer; nothing when it is detached or shared.
    pub fn bounds(&self) -> Option<Range<usize>> {
        match &self.memory {
            Memory::Own(buffer) => Some(clamp(&self.range, buffer.data()?.len())),
            Memory::Shared(_) => None,
        }
    }

    /// Whether the memory is a `SharedArrayBuffer`, which most of the standards refuse.
    pub fn is_shared(&self) -> bool {
        matches!(self.memory, Memory::Shared(_))
    }

    /// Reads the bytes; a detached buffer has none.
    pub fn read<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
        match &self.memory {
            Memory::Own(buffer) => match buffer.data() {
                Some(data) => read(&data[clamp(&self.range, data.len())]),
                None => read(&[]),
            },
            Memory::Shared(buffer) => {
                let data = buffer.to_vec();
                read(&data[clamp(&self.range, data.len())])
            }
        }
    }

    /// Writes the bytes in place; those of shared memory after they are written elsewhere.
    pub fn write<R>(&self, write: impl FnOnce(&mut [u8]) -> R) -> JsResult<R> {
        match &self.memory {
            Memory::Own(buffer) => match buffer.data_mut() {
                Some(mut data) => {
                    let range = clamp(&self.range, data.len());
                    Ok(write(&mut data[range]))
                }
                None => Ok(write(&mut [])),
            },
            Memory::Shared(buffer) => {
                let shared = buffer.inner();
                let places = shared.bytes(Ordering::Relaxed);
                let places = &places[clamp(&self.range, places.len())];
                let mut data: Vec<u8> = places.iter().map(|p| p.load(Ordering::Relaxed)).collect();
                let result = write(&mut data);
                for (place, byte) in places.iter().zip(data) {
                    place.store(byte, Ordering::Relaxed);
                }
                Ok(result)
            }
        }
    }

    /// A copy of the bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        self.read(<[u8]>::to_vec)
    }
}

impl Memory {
    fn of(object: &JsObject) -> Option<Self> {
        if let Ok(buffer) = JsArrayBuffer::from_object(object.clone()) {
            return Some(Self::Own(buffer));
        }
        JsSharedArrayBuffer::from_object(object.clone())
            .ok()
            .map(Self::Shared)
    }
}

fn clamp(range: &Range<usize>, length: usize) -> Range<usize> {
    let start = range.start.min(length);
    start..range.end.clamp(start, length)
}

/// A copy of the bytes of a buffer source, or a `TypeError` naming the operation.
pub fn buffer_source(value: &JsValue, operation: &str, context: &mut Context) -> JsResult<Vec<u8>> {
    match ByteView::of(value, context)? {
        Some(view) => Ok(view.to_vec()),
        None => Err(type_error(format!(
            "{operation}: an ArrayBuffer or a view of one is required"
        ))),
    }
}

/// A new `ArrayBuffer` with these bytes.
pub fn array_buffer(bytes: &[u8], context: &mut Context) -> JsResult<JsArrayBuffer> {
    let mut block = AlignedVec::<u8>::new(BUFFER_ALIGNMENT);
    if block.try_reserve_exact(bytes.len()).is_err() {
        return Err(JsNativeError::range()
            .with_message("Out of memory for a buffer")
            .into());
    }
    block.extend_from_slice(bytes);
    JsArrayBuffer::from_byte_block(block, context)
}

/// A new `Uint8Array` with these bytes.
pub fn uint8_array(bytes: &[u8], context: &mut Context) -> JsResult<JsValue> {
    let buffer = array_buffer(bytes, context)?;
    Ok(JsUint8Array::from_array_buffer(buffer, context)?.into())
}

/// The string as UTF-8; a lone surrogate becomes U+FFFD. Borrows what is ASCII already.
pub fn text(string: &JsString) -> Cow<'_, str> {
    str_text(string.as_str())
}

/// As [`text`], for a string slice.
pub fn str_text(string: JsStr<'_>) -> Cow<'_, str> {
    match string.variant() {
        JsStrVariant::Latin1(units) => encoding_rs::mem::decode_latin1(units),
        JsStrVariant::Utf16(units) => Cow::Owned(String::from_utf16_lossy(units)),
    }
}

/// The string of these code units, in the engine's narrow form where it fits.
pub fn from_units(units: &[u16]) -> JsString {
    if encoding_rs::mem::is_utf16_latin1(units) {
        let mut narrow = vec![0; units.len()];
        for (byte, unit) in narrow.iter_mut().zip(units) {
            *byte = (*unit & 0xFF) as u8;
        }
        return JsString::from(JsStr::latin1(&narrow));
    }
    JsString::from(units)
}

/// The string of these Latin-1 bytes, one character a byte.
pub fn from_latin1(bytes: &[u8]) -> JsString {
    JsString::from(JsStr::latin1(bytes))
}

/// The string of these UTF-8 bytes; what is malformed becomes U+FFFD.
pub fn from_utf8(bytes: &[u8]) -> JsString {
    if bytes.is_ascii() {
        return from_latin1(bytes);
    }
    let mut units = vec![0; bytes.len() + 1];
    let written = encoding_rs::mem::convert_utf8_to_utf16(bytes, &mut units);
    units.truncate(written);
    from_units(&units)
}

/// Converts to a string without lone surrogates, as Web IDL's `USVString`.
pub fn usv_string(value: &JsValue, context: &mut Context) -> JsResult<JsString> {
    Ok(well_formed(value.to_string(context)?))
}

/// The same string with each lone surrogate replaced by U+FFFD.
pub fn well_formed(string: JsString) -> JsString {
    let JsStrVariant::Utf16(units) = string.as_str().variant() else {
        return string;
    };
    let valid = encoding_rs::mem::utf16_valid_up_to(units);
    if valid == units.len() {
        return string;
    }
    let mut units = units.to_vec();
    encoding_rs::mem::ensure_utf16_validity(&mut units[valid..]);
    JsString::from(units.as_slice())
}
