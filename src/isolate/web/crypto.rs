//! The primitives of Web Crypto: bytes in, bytes out. Keys, names and formats are `crypto.js`.

use super::bytes::{ByteView, array_buffer, buffer_source, from_latin1, text, uint8_array};
use super::interface::{dom_exception, functions, type_error};
use super::random;
use aes_gcm::aead::array::ArraySize;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::aes::{Aes128, Aes192, Aes256};
use aes_gcm::{AesGcm, Nonce};
use boa_engine::builtins::typed_array::TypedArrayKind;
use boa_engine::{Context, JsArgs, JsObject, JsResult, JsValue};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

pub use super::random::{RandomError, reseed};

// The quota of the standard.
const RANDOM_BYTES_MAX: usize = 65_536;

/// The functions.
pub fn natives(context: &mut Context) -> JsResult<JsObject> {
    Ok(functions(
        &[
            ("getRandomValues", 1, get_random_values),
            ("randomUUID", 0, random_uuid),
            ("randomBytes", 1, random_bytes),
            ("copy", 1, copy),
            ("equal", 2, equal),
            ("digest", 2, digest),
            ("hmac", 3, hmac),
            ("pbkdf2", 5, pbkdf2),
            ("hkdf", 5, hkdf),
            ("seal", 4, seal),
            ("open", 4, open),
        ],
        context,
    ))
}

/// The hash functions of the standard.
#[derive(Debug, Clone, Copy)]
enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn of(value: &JsValue) -> JsResult<Self> {
        let name = value
            .as_string()
            .ok_or_else(|| type_error("The hash has no name"))?;
        match text(&name).as_ref() {
            "SHA-1" => Ok(Self::Sha1),
            "SHA-256" => Ok(Self::Sha256),
            "SHA-384" => Ok(Self::Sha384),
            "SHA-512" => Ok(Self::Sha512),
            name => Err(type_error(format!("{name} is no hash"))),
        }
    }

    fn digest(self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(data).to_vec(),
            Self::Sha256 => Sha256::digest(data).to_vec(),
            Self::Sha384 => Sha384::digest(data).to_vec(),
            Self::Sha512 => Sha512::digest(data).to_vec(),
        }
    }

    fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Sha1 => mac::<Hmac<Sha1>>(key, parts),
            Self::Sha256 => mac::<Hmac<Sha256>>(key, parts),
            Self::Sha384 => mac::<Hmac<Sha384>>(key, parts),
            Self::Sha512 => mac::<Hmac<Sha512>>(key, parts),
        }
    }

    fn pbkdf2(self, password: &[u8], salt: &[u8], rounds: u32, out: &mut [u8]) {
        match self {
            Self::Sha1 => ::pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, rounds, out),
            Self::Sha256 => ::pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, rounds, out),
            Self::Sha384 => ::pbkdf2::pbkdf2_hmac::<Sha384>(password, salt, rounds, out),
            Self::Sha512 => ::pbkdf2::pbkdf2_hmac::<Sha512>(password, salt, rounds, out),
        }
    }

    /// HKDF, RFC 5869; nothing when more is asked than 255 blocks.
    fn hkdf(self, secret: &[u8], salt: &[u8], info: &[u8], length: usize) -> Option<Vec<u8>> {
        let extracted = self.hmac(salt, &[secret]);
        let mut out = Vec::new();
        let mut block = Vec::new();
        let mut counter: u8 = 0;
        while out.len() < length {
            counter = counter.checked_add(1)?;
            block = self.hmac(&extracted, &[&block, info, &[counter]]);
            out.extend_from_slice(&block);
        }
        out.truncate(length);
        Some(out)
    }
}

fn mac<M: Mac + hmac::KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let Ok(mut mac) = <M as hmac::KeyInit>::new_from_slice(key) else {
        // HMAC takes keys of every length, so there is no such key.
        return Vec::new();
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

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
    if view.read(<[u8]>::len) > RANDOM_BYTES_MAX {
        let message = format!("getRandomValues: more than {RANDOM_BYTES_MAX} bytes at a time");
        return Err(dom_exception("QuotaExceededError", &message, context));
    }
    let filled = view.write(random::fill)?;
    filled.map_err(|error| dom_exception("OperationError", &error.to_string(), context))?;
    Ok(value.clone())
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
    let length = arguments.get_or_undefined(0).to_index(context)?;
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0).min(RANDOM_BYTES_MAX)];
    random::fill(&mut bytes)
        .map_err(|error| dom_exception("OperationError", &error.to_string(), context))?;
    uint8_array(&bytes, context)
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
    if a.len() != b.len() {
        return Ok(false.into());
    }
    let difference = a
        .iter()
        .zip(&b)
        .fold(0, |found, (a, b)| std::hint::black_box(found | (a ^ b)));
    Ok((difference == 0).into())
}

fn digest(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let hash = Hash::of(arguments.get_or_undefined(0))?;
    let data = bytes_at(arguments, 1, context)?;
    Ok(array_buffer(&hash.digest(&data), context)?.into())
}

/// `(hash, key, data)`.
fn hmac(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let hash = Hash::of(arguments.get_or_undefined(0))?;
    let key = bytes_at(arguments, 1, context)?;
    let data = bytes_at(arguments, 2, context)?;
    Ok(array_buffer(&hash.hmac(&key, &[&data]), context)?.into())
}

/// `(hash, password, salt, iterations, bytes)`.
fn pbkdf2(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let hash = Hash::of(arguments.get_or_undefined(0))?;
    let password = bytes_at(arguments, 1, context)?;
    let salt = bytes_at(arguments, 2, context)?;
    let rounds = arguments.get_or_undefined(3).to_u32(context)?;
    let mut out = vec![0; length_at(arguments, 4, context)?];
    hash.pbkdf2(&password, &salt, rounds, &mut out);
    Ok(array_buffer(&out, context)?.into())
}

/// `(hash, secret, salt, info, bytes)`.
fn hkdf(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let hash = Hash::of(arguments.get_or_undefined(0))?;
    let secret = bytes_at(arguments, 1, context)?;
    let salt = bytes_at(arguments, 2, context)?;
    let info = bytes_at(arguments, 3, context)?;
    let length = length_at(arguments, 4, context)?;
    match hash.hkdf(&secret, &salt, &info, length) {
        Some(out) => Ok(array_buffer(&out, context)?.into()),
        None => Err(dom_exception(
            "OperationError",
            "HKDF cannot give that many bits",
            context,
        )),
    }
}

/// AES-GCM encryption: `(key, iv, additionalData, data)`.
fn seal(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    aes_gcm(arguments, Direction::Seal, context)
}

/// AES-GCM decryption: `(key, iv, additionalData, data)`.
fn open(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    aes_gcm(arguments, Direction::Open, context)
}

#[derive(Debug, Clone, Copy)]
enum Direction {
    Seal,
    Open,
}

/// What a run of AES-GCM is about.
struct GcmInput {
    key: Vec<u8>,
    iv: Vec<u8>,
    additional: Vec<u8>,
    data: Vec<u8>,
    direction: Direction,
}

fn aes_gcm(
    arguments: &[JsValue],
    direction: Direction,
    context: &mut Context,
) -> JsResult<JsValue> {
    let input = GcmInput {
        key: bytes_at(arguments, 0, context)?,
        iv: bytes_at(arguments, 1, context)?,
        additional: bytes_at(arguments, 2, context)?,
        data: bytes_at(arguments, 3, context)?,
        direction,
    };
    match input.run() {
        Some(out) => Ok(array_buffer(&out, context)?.into()),
        None => Err(dom_exception("OperationError", "AES-GCM failed", context)),
    }
}

impl GcmInput {
    fn run(&self) -> Option<Vec<u8>> {
        use aes_gcm::aead::consts::{U12, U16};
        match (self.key.len(), self.iv.len()) {
            (16, 12) => self.run_with::<Aes128, U12>(),
            (16, 16) => self.run_with::<Aes128, U16>(),
            (24, 12) => self.run_with::<Aes192, U12>(),
            (24, 16) => self.run_with::<Aes192, U16>(),
            (32, 12) => self.run_with::<Aes256, U12>(),
            (32, 16) => self.run_with::<Aes256, U16>(),
            _ => None,
        }
    }

    fn run_with<A, N>(&self) -> Option<Vec<u8>>
    where
        N: ArraySize,
        AesGcm<A, N>: Aead + KeyInit,
    {
        let cipher = AesGcm::<A, N>::new_from_slice(&self.key).ok()?;
        let nonce = Nonce::try_from(self.iv.as_slice()).ok()?;
        let payload = Payload {
            msg: &self.data,
            aad: &self.additional,
        };
        match self.direction {
            Direction::Seal => cipher.encrypt(&nonce, payload).ok(),
            Direction::Open => cipher.decrypt(&nonce, payload).ok(),
        }
    }
}

fn bytes_at(arguments: &[JsValue], index: usize, context: &mut Context) -> JsResult<Vec<u8>> {
    buffer_source(arguments.get_or_undefined(index), "crypto.subtle", context)
}

fn length_at(arguments: &[JsValue], index: usize, context: &mut Context) -> JsResult<usize> {
    // What one call may derive; more is a mistake, and 2^26 bits are many keys.
    const LENGTH_BYTES_MAX: usize = 1 << 23;
    let length = arguments.get_or_undefined(index).to_index(context)?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > LENGTH_BYTES_MAX {
        return Err(dom_exception(
            "OperationError",
            "The length is too great",
            context,
        ));
    }
    Ok(length)
}
