//! Random values and UUIDs, copies and comparison of bytes.

use super::{Function, bytes_at, number_at, random};
use crate::isolate::web::bytes::{ByteView, from_latin1, uint8_array};
use crate::isolate::web::interface::{dom_exception, type_error, web_member};
use boa_engine::builtins::typed_array::TypedArrayKind;
use boa_engine::{Context, JsArgs, JsError, JsResult, JsString, JsValue};

// The quota of the standard.
const RANDOM_BYTES_MAX: usize = 65_536;

pub(super) const FUNCTIONS: &[Function] = &[
    ("getRandomValues", 1, get_random_values),
    ("randomUUID", 0, random_uuid),
    ("randomBytes", 1, random_bytes),
    ("isBytes", 1, is_bytes),
    ("copy", 1, copy),
    ("equal", 2, equal),
];

fn get_random_values(
    _: &JsValue,
    arguments: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    let value = arguments.get_or_undefined(0);
    let Some(view) = ByteView::of(value, context)? else {
        return Err(type_error(
            "getRandomValues: an array of integers is required",
        ));
    };
    let integers = match view.kind {
        Some(
            TypedArrayKind::Int8
            | TypedArrayKind::Uint8
            | TypedArrayKind::Uint8Clamped
            | TypedArrayKind::Int16
            | TypedArrayKind::Uint16
            | TypedArrayKind::Int32
            | TypedArrayKind::Uint32
            | TypedArrayKind::BigInt64
            | TypedArrayKind::BigUint64,
        ) => true,
        Some(_) | None => false,
    };
    if !integers {
        let message = "getRandomValues: the view is not of integers";
        return Err(dom_exception("TypeMismatchError", message, context));
    }
    if view.is_shared() {
        return Err(type_error("getRandomValues: shared memory is not accepted"));
    }
    if view.read(<[u8]>::len) > RANDOM_BYTES_MAX {
        let message = format!("getRandomValues: more than {RANDOM_BYTES_MAX} bytes at a time");
        return Err(quota_exceeded(&message, context)?);
    }
    let filled = view.write(random::fill)?;
    filled.map_err(|error| dom_exception("OperationError", &error.to_string(), context))?;
    Ok(value.clone())
}

fn quota_exceeded(message: &str, context: &mut Context) -> JsResult<JsError> {
    let class = web_member("QuotaExceededError", context)?;
    match class.as_constructor() {
        Some(class) => {
            let error = class.construct(&[JsString::from(message).into()], None, context)?;
            Ok(JsError::from_opaque(error.into()))
        }
        None => Ok(dom_exception("QuotaExceededError", message, context)),
    }
}

fn random_uuid(_: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut bytes = [0; 16];
    random::fill(&mut bytes)
        .map_err(|error| dom_exception("OperationError", &error.to_string(), context))?;
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let mut uuid = Vec::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            uuid.push(b'-');
        }
        uuid.push(DIGITS[usize::from(byte >> 4)]);
        uuid.push(DIGITS[usize::from(byte & 15)]);
    }
    Ok(from_latin1(&uuid).into())
}

/// Random bytes for a new key: `(length)`.
fn random_bytes(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let mut bytes = vec![0; number_at(arguments, 0, context)?.min(RANDOM_BYTES_MAX)];
    random::fill(&mut bytes)
        .map_err(|error| dom_exception("OperationError", &error.to_string(), context))?;
    uint8_array(&bytes, context)
}

/// Whether this is a buffer source.
fn is_bytes(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let view = ByteView::of(arguments.get_or_undefined(0), context)?;
    Ok(view.is_some().into())
}

/// The bytes of a buffer source at this moment, in an array of their own.
fn copy(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let bytes = bytes_at(arguments, 0, context)?;
    uint8_array(&bytes, context)
}

/// Whether two buffer sources are equal, in a time that depends on their lengths only.
fn equal(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (a, b) = (
        bytes_at(arguments, 0, context)?,
        bytes_at(arguments, 1, context)?,
    );
    Ok(same(&a, &b).into())
}

/// The same for slices.
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    let difference = a
        .iter()
        .zip(b)
        .fold(0, |found, (a, b)| std::hint::black_box(found | (a ^ b)));
    a.len() == b.len() && difference == 0
}
