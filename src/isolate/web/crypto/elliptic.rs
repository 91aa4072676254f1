//! The NIST curves: ECDSA and ECDH.
//!
//! A private key is its scalar, a public one its uncompressed point; both as SEC 1 has them.

use super::hash::Hash;
use super::{CryptoError, Function, bytes_at, bytes_or_throw, random, text_at};
use boa_engine::{Context, JsResult, JsValue};
use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use p256::elliptic_curve::Generate;
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey};

pub(super) const FUNCTIONS: &[Function] = &[
    ("ecGenerate", 1, generate),
    ("ecImport", 3, import),
    ("ecExport", 3, export),
    ("ecdsaSign", 4, sign),
    ("ecdsaVerify", 5, verify),
    ("ecdh", 3, agree),
];

/// Evaluates an expression with the crate of the curve named so.
macro_rules! on_curve {
    ($name:expr, $curve:ident => $result:expr) => {
        match $name {
            "P-256" => {
                use p256 as $curve;
                $result
            }
            "P-384" => {
                use p384 as $curve;
                $result
            }
            "P-521" => {
                use p521 as $curve;
                $result
            }
            _ => Err(CryptoError::Unsupported),
        }
    };
}

fn generated(curve: &str) -> Result<Vec<u8>, CryptoError> {
    let mut random = random::generator()?;
    on_curve!(curve, c => {
        Ok(c::SecretKey::generate_from_rng(&mut random).to_bytes().to_vec())
    })
}

/// The key in a structure: a scalar of `pkcs8` and `scalar`, a point of the others.
fn imported(curve: &str, format: &str, bytes: &[u8]) -> Result<Vec<u8>, CryptoError> {
    on_curve!(curve, c => {
        let scalar = match format {
            "pkcs8" => c::SecretKey::from_pkcs8_der(bytes).ok(),
            "scalar" => c::SecretKey::from_slice(bytes).ok(),
            _ => None,
        };
        if let Some(scalar) = scalar {
            return Ok(scalar.to_bytes().to_vec());
        }
        let point = match format {
            "raw" => c::PublicKey::from_sec1_bytes(bytes).ok(),
            "spki" => c::PublicKey::from_public_key_der(bytes).ok(),
            _ => None,
        };
        let point = point.ok_or(CryptoError::Data)?;
        Ok(point.to_sec1_point(false).as_bytes().to_vec())
    })
}

/// The structure around a key, or the point of a scalar.
fn exported(curve: &str, format: &str, key: &[u8]) -> Result<Vec<u8>, CryptoError> {
    on_curve!(curve, c => {
        if format == "spki" {
            let point = c::PublicKey::from_sec1_bytes(key).map_err(|_| CryptoError::Data)?;
            let der = point.to_public_key_der().map_err(|_| CryptoError::Operation)?;
            return Ok(der.as_bytes().to_vec());
        }
        let scalar = c::SecretKey::from_slice(key).map_err(|_| CryptoError::Data)?;
        if format == "point" {
            return Ok(scalar.public_key().to_sec1_point(false).as_bytes().to_vec());
        }
        let der = scalar.to_pkcs8_der().map_err(|_| CryptoError::Operation)?;
        Ok(der.as_bytes().to_vec())
    })
}

fn signed(curve: &str, key: &[u8], digest: &[u8]) -> Result<Vec<u8>, CryptoError> {
    on_curve!(curve, c => {
        let key = c::ecdsa::SigningKey::from_slice(key).map_err(|_| CryptoError::Data)?;
        let signature: c::ecdsa::Signature =
            key.sign_prehash(digest).map_err(|_| CryptoError::Operation)?;
        Ok(signature.to_bytes().to_vec())
    })
}

fn verified(curve: &str, key: &[u8], signature: &[u8], digest: &[u8]) -> Result<bool, CryptoError> {
    on_curve!(curve, c => {
        let key = c::ecdsa::VerifyingKey::from_sec1_bytes(key).map_err(|_| CryptoError::Data)?;
        Ok(c::ecdsa::Signature::from_slice(signature)
            .is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok()))
    })
}

fn agreed(curve: &str, private: &[u8], public: &[u8]) -> Result<Vec<u8>, CryptoError> {
    on_curve!(curve, c => {
        let private = c::SecretKey::from_slice(private).map_err(|_| CryptoError::Data)?;
        let public = c::PublicKey::from_sec1_bytes(public).map_err(|_| CryptoError::Data)?;
        Ok(private.diffie_hellman(&public).raw_secret_bytes().to_vec())
    })
}

/// `(curve)`.
fn generate(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let curve = text_at(arguments, 0, context)?;
    bytes_or_throw(generated(&curve), context)
}

/// `(curve, format, bytes)`.
fn import(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let curve = text_at(arguments, 0, context)?;
    let format = text_at(arguments, 1, context)?;
    let bytes = bytes_at(arguments, 2, context)?;
    bytes_or_throw(imported(&curve, &format, &bytes), context)
}

/// `(curve, format, key)`.
fn export(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let curve = text_at(arguments, 0, context)?;
    let format = text_at(arguments, 1, context)?;
    let key = bytes_at(arguments, 2, context)?;
    bytes_or_throw(exported(&curve, &format, &key), context)
}

/// `(curve, hash, key, data)`.
fn sign(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let curve = text_at(arguments, 0, context)?;
    let hash = Hash::at(arguments, 1, context)?;
    let key = bytes_at(arguments, 2, context)?;
    let data = bytes_at(arguments, 3, context)?;
    bytes_or_throw(signed(&curve, &key, &hash.digest(&data)), context)
}

/// `(curve, hash, key, signature, data)`.
fn verify(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let curve = text_at(arguments, 0, context)?;
    let hash = Hash::at(arguments, 1, context)?;
    let key = bytes_at(arguments, 2, context)?;
    let signature = bytes_at(arguments, 3, context)?;
    let data = bytes_at(arguments, 4, context)?;
    match verified(&curve, &key, &signature, &hash.digest(&data)) {
        Ok(verified) => Ok(verified.into()),
        Err(error) => Err(error.thrown(context)),
    }
}

/// `(curve, private, public)`.
fn agree(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let curve = text_at(arguments, 0, context)?;
    let private = bytes_at(arguments, 1, context)?;
    let public = bytes_at(arguments, 2, context)?;
    bytes_or_throw(agreed(&curve, &private, &public), context)
}
