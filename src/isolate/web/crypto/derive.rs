//! Keys from secrets: PBKDF2 and HKDF.

use super::hash::Hash;
use super::{CryptoError, Function, bytes_at, bytes_or_throw, number_at};
use std::num::NonZeroU32;

use boa_engine::{Context, JsArgs, JsResult, JsValue};
use ring::pbkdf2::{self, Algorithm};

pub(super) const FUNCTIONS: &[Function] = &[("pbkdf2", 5, pbkdf2), ("hkdf", 5, hkdf)];

// What one call may derive; more is a mistake, and 2^26 bits are many keys.
const LENGTH_BYTES_MAX: usize = 1 << 23;

/// HKDF, RFC 5869. It fails when more is asked than 255 blocks.
fn hkdf_of(
    hash: Hash,
    secret: &[u8],
    salt: &[u8],
    info: &[u8],
    length: usize,
) -> Result<Vec<u8>, CryptoError> {
    let extracted = hash.hmac(salt, &[secret])?;
    let mut out = Vec::new();
    let mut block = Vec::new();
    let mut counter: u8 = 0;
    while out.len() < length {
        counter = counter.checked_add(1).ok_or(CryptoError::Operation)?;
        block = hash.hmac(&extracted, &[&block, info, &[counter]])?;
        out.extend_from_slice(&block);
    }
    out.truncate(length);
    Ok(out)
}

/// `(hash, password, salt, iterations, bytes)`.
fn pbkdf2(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let hash = Hash::at(arguments, 0, context)?;
    let password = bytes_at(arguments, 1, context)?;
    let salt = bytes_at(arguments, 2, context)?;
    let rounds = arguments.get_or_undefined(3).to_u32(context)?;
    let Some(rounds) = NonZeroU32::new(rounds) else {
        return Err(CryptoError::Operation.thrown(context));
    };
    let mut out = vec![0; length_at(arguments, context)?];
    pbkdf2::derive(rounds_of(hash), rounds, &salt, &password, &mut out);
    bytes_or_throw(Ok(out), context)
}

fn rounds_of(hash: Hash) -> Algorithm {
    match hash {
        Hash::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
        Hash::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
        Hash::Sha384 => pbkdf2::PBKDF2_HMAC_SHA384,
        Hash::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
    }
}

/// `(hash, secret, salt, info, bytes)`.
fn hkdf(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let hash = Hash::at(arguments, 0, context)?;
    let secret = bytes_at(arguments, 1, context)?;
    let salt = bytes_at(arguments, 2, context)?;
    let info = bytes_at(arguments, 3, context)?;
    let length = length_at(arguments, context)?;
    bytes_or_throw(hkdf_of(hash, &secret, &salt, &info, length), context)
}

/// How many bytes to derive: the last argument of both.
fn length_at(arguments: &[JsValue], context: &mut Context) -> JsResult<usize> {
    let length = number_at(arguments, 4, context)?;
    if length > LENGTH_BYTES_MAX {
        return Err(CryptoError::Operation.thrown(context));
    }
    Ok(length)
}
