//! Ed25519 and X25519: keys of 32 bytes, and their wrapping in PKCS #8 and SPKI.

use super::{CryptoError, Function, bytes_at, bytes_or_throw, text_at};
use boa_engine::{Context, JsResult, JsValue};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use pkcs8::der::asn1::{BitStringRef, OctetStringRef};
use pkcs8::der::{Decode, Encode};
use pkcs8::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use x25519_dalek::{X25519_BASEPOINT_BYTES, x25519};

pub(super) const FUNCTIONS: &[Function] = &[
    ("curvePublic", 2, curve_public),
    ("curveUnwrap", 3, curve_unwrap),
    ("curveWrap", 3, curve_wrap),
    ("ed25519Sign", 2, sign),
    ("ed25519Verify", 3, verify),
    ("x25519", 2, agree),
];

const X25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.110");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

type Key = [u8; 32];

fn identifier(name: &str) -> AlgorithmIdentifierRef<'static> {
    let oid = if name == "Ed25519" { ED25519 } else { X25519 };
    AlgorithmIdentifierRef {
        oid,
        parameters: None,
    }
}

fn key_of(bytes: &[u8]) -> Result<Key, CryptoError> {
    Key::try_from(bytes).map_err(|_| CryptoError::Data)
}

/// The public key of a private one.
fn public_of(name: &str, private: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let private = key_of(private)?;
    let public = match name {
        "Ed25519" => SigningKey::from_bytes(&private).verifying_key().to_bytes(),
        _ => x25519(private, X25519_BASEPOINT_BYTES),
    };
    Ok(public.to_vec())
}

/// The key in a PKCS #8 or SPKI structure.
fn unwrapped(name: &str, format: &str, der: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let data = |_| CryptoError::Data;
    if format == "spki" {
        let info = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| CryptoError::Data)?;
        let bytes = info.subject_public_key.as_bytes();
        let bytes = bytes.ok_or(CryptoError::Data)?;
        return match info.algorithm == identifier(name) {
            true => Ok(key_of(bytes)?.to_vec()),
            false => Err(CryptoError::Data),
        };
    }
    let info = PrivateKeyInfoRef::from_der(der).map_err(|_| CryptoError::Data)?;
    if info.algorithm != identifier(name) {
        return Err(CryptoError::Data);
    }
    let inner = <&OctetStringRef>::from_der(info.private_key.as_bytes()).map_err(data)?;
    Ok(key_of(inner.as_bytes())?.to_vec())
}

/// The key in such a structure.
fn wrapped(name: &str, format: &str, key: &[u8]) -> Result<Vec<u8>, pkcs8::der::Error> {
    let algorithm = identifier(name);
    if format == "spki" {
        let subject_public_key = BitStringRef::from_bytes(key)?;
        return SubjectPublicKeyInfoRef {
            algorithm,
            subject_public_key,
        }
        .to_der();
    }
    let inner = OctetStringRef::new(key)?.to_der()?;
    PrivateKeyInfoRef::new(algorithm, OctetStringRef::new(&inner)?).to_der()
}

/// `(name, private)`.
fn curve_public(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let name = text_at(arguments, 0, context)?;
    let private = bytes_at(arguments, 1, context)?;
    bytes_or_throw(public_of(&name, &private), context)
}

/// `(name, format, der)`.
fn curve_unwrap(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let name = text_at(arguments, 0, context)?;
    let format = text_at(arguments, 1, context)?;
    let der = bytes_at(arguments, 2, context)?;
    bytes_or_throw(unwrapped(&name, &format, &der), context)
}

/// `(name, format, key)`.
fn curve_wrap(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let name = text_at(arguments, 0, context)?;
    let format = text_at(arguments, 1, context)?;
    let key = bytes_at(arguments, 2, context)?;
    let der = wrapped(&name, &format, &key).map_err(|_| CryptoError::Operation);
    bytes_or_throw(der, context)
}

/// `(private, data)`.
fn sign(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let private = bytes_at(arguments, 0, context)?;
    let data = bytes_at(arguments, 1, context)?;
    let signature =
        key_of(&private).map(|key| SigningKey::from_bytes(&key).sign(&data).to_bytes().to_vec());
    bytes_or_throw(signature, context)
}

/// `(public, signature, data)`.
fn verify(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let public = bytes_at(arguments, 0, context)?;
    let signature = bytes_at(arguments, 1, context)?;
    let data = bytes_at(arguments, 2, context)?;
    let verified = || {
        let key = VerifyingKey::from_bytes(&key_of(&public).ok()?).ok()?;
        let signature = Signature::from_slice(&signature).ok()?;
        key.verify_strict(&data, &signature).ok()
    };
    Ok(verified().is_some().into())
}

/// What two X25519 keys agree on: `(private, public)`.
fn agree(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let private = bytes_at(arguments, 0, context)?;
    let public = bytes_at(arguments, 1, context)?;
    let secret = || {
        let secret = x25519(key_of(&private)?, key_of(&public)?);
        // A public key of small order takes every private key to zero.
        if secret.iter().all(|byte| *byte == 0) {
            return Err(CryptoError::Operation);
        }
        Ok(secret.to_vec())
    };
    bytes_or_throw(secret(), context)
}
