//! The hash functions of the standard, and HMAC over them.

use super::{CryptoError, Function, bytes_at, bytes_or_throw, text_at};
use crate::isolate::web::bytes::ByteView;
use crate::isolate::web::interface::type_error;
use boa_engine::{Context, JsArgs, JsResult, JsValue};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

pub(super) const FUNCTIONS: &[Function] = &[("digest", 2, digest), ("hmac", 3, hmac)];

/// The hash functions of the standard.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// Evaluates an expression with a type parameter that is the hash's type.
macro_rules! with_hash {
    ($hash:expr, $type:ident => $result:expr) => {
        match $hash {
            $crate::isolate::web::crypto::hash::Hash::Sha1 => {
                type $type = sha1::Sha1;
                $result
            }
            $crate::isolate::web::crypto::hash::Hash::Sha256 => {
                type $type = sha2::Sha256;
                $result
            }
            $crate::isolate::web::crypto::hash::Hash::Sha384 => {
                type $type = sha2::Sha384;
                $result
            }
            $crate::isolate::web::crypto::hash::Hash::Sha512 => {
                type $type = sha2::Sha512;
                $result
            }
        }
    };
}
pub(super) use with_hash;

impl Hash {
    fn named(name: &str) -> Result<Self, CryptoError> {
        match name {
            "SHA-1" => Ok(Self::Sha1),
            "SHA-256" => Ok(Self::Sha256),
            "SHA-384" => Ok(Self::Sha384),
            "SHA-512" => Ok(Self::Sha512),
            _ => Err(CryptoError::Unsupported),
        }
    }

    /// The hash whose name is an argument.
    pub(super) fn at(arguments: &[JsValue], index: usize, context: &mut Context) -> JsResult<Self> {
        let name = text_at(arguments, index, context)?;
        Self::named(&name).map_err(|error| error.thrown(context))
    }

    pub(super) fn digest(self, data: &[u8]) -> Vec<u8> {
        with_hash!(self, H => H::digest(data).to_vec())
    }

    pub(super) fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Result<Vec<u8>, CryptoError> {
        match self {
            Self::Sha1 => mac::<Hmac<Sha1>>(key, parts),
            Self::Sha256 => mac::<Hmac<Sha256>>(key, parts),
            Self::Sha384 => mac::<Hmac<Sha384>>(key, parts),
            Self::Sha512 => mac::<Hmac<Sha512>>(key, parts),
        }
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Result<Vec<u8>, CryptoError> {
    let mut mac = <M as KeyInit>::new_from_slice(key).map_err(|_| CryptoError::Operation)?;
    for part in parts {
        mac.update(part);
    }
    Ok(mac.finalize().into_bytes().to_vec())
}

/// `(hash, data)`.
fn digest(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let hash = Hash::at(arguments, 0, context)?;
    let Some(view) = ByteView::of(arguments.get_or_undefined(1), context)? else {
        return Err(type_error(
            "digest: an ArrayBuffer or a view of one is required",
        ));
    };
    // In place: what is hashed may be large.
    let digest = view.read(|data| hash.digest(data));
    bytes_or_throw(Ok(digest), context)
}

/// `(hash, key, data)`.
fn hmac(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let hash = Hash::at(arguments, 0, context)?;
    let key = bytes_at(arguments, 1, context)?;
    let data = bytes_at(arguments, 2, context)?;
    bytes_or_throw(hash.hmac(&key, &[&data]), context)
}
