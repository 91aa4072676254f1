//! RSA: signatures by PKCS #1 and PSS, encryption by OAEP. Keys are PKCS #1 structures.

use super::hash::{Hash, with_hash};
use super::{CryptoError, Function, bytes_at, bytes_or_throw, number_at, random, text_at};
use crate::isolate::web::bytes::uint8_array;
use boa_engine::object::builtins::JsArray;
use boa_engine::{Context, JsArgs, JsResult, JsValue};
use rsa::pkcs1::{
    DecodeRsaPrivateKey, DecodeRsaPublicKey, EncodeRsaPrivateKey, EncodeRsaPublicKey,
};
use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey};
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rsa::{BoxedUint, Oaep, Pkcs1v15Sign, Pss, RsaPrivateKey, RsaPublicKey};

pub(super) const FUNCTIONS: &[Function] = &[
    ("rsaImport", 2, import),
    ("rsaExport", 2, export),
    ("rsaJoin", 1, join),
    ("rsaParts", 2, parts),
    ("rsaSign", 5, sign),
    ("rsaVerify", 6, verify),
    ("rsaEncrypt", 4, encrypt),
    ("rsaDecrypt", 4, decrypt),
];

fn private_of(key: &[u8]) -> Result<RsaPrivateKey, CryptoError> {
    RsaPrivateKey::from_pkcs1_der(key).map_err(|_| CryptoError::Data)
}

fn public_of(key: &[u8]) -> Result<RsaPublicKey, CryptoError> {
    RsaPublicKey::from_pkcs1_der(key).map_err(|_| CryptoError::Data)
}

/// A private key as it is kept.
pub(super) fn kept_private(key: &RsaPrivateKey) -> Result<Vec<u8>, CryptoError> {
    let der = key.to_pkcs1_der().map_err(|_| CryptoError::Data)?;
    Ok(der.as_bytes().to_vec())
}

fn kept_public(key: &RsaPublicKey) -> Result<Vec<u8>, CryptoError> {
    let der = key.to_pkcs1_der().map_err(|_| CryptoError::Data)?;
    Ok(der.as_bytes().to_vec())
}

fn imported(format: &str, der: &[u8]) -> Result<Vec<u8>, CryptoError> {
    if format == "spki" {
        let key = RsaPublicKey::from_public_key_der(der).map_err(|_| CryptoError::Data)?;
        return kept_public(&key);
    }
    let key = RsaPrivateKey::from_pkcs8_der(der).map_err(|_| CryptoError::Data)?;
    kept_private(&key)
}

fn exported(format: &str, key: &[u8]) -> Result<Vec<u8>, CryptoError> {
    if format == "spki" {
        let der = public_of(key)?.to_public_key_der();
        return Ok(der.map_err(|_| CryptoError::Operation)?.as_bytes().to_vec());
    }
    let key = private_of(key)?;
    if format == "public" {
        return kept_public(key.as_public_key());
    }
    let der = key.to_pkcs8_der();
    Ok(der.map_err(|_| CryptoError::Operation)?.as_bytes().to_vec())
}

/// A key of the numbers of a JSON Web Key: n and e; or n, e, d, p and q.
fn joined(numbers: &[Vec<u8>]) -> Result<Vec<u8>, CryptoError> {
    let number = |bytes: &Vec<u8>| {
        let bits = u32::try_from(bytes.len() * 8).map_err(|_| CryptoError::Data)?;
        BoxedUint::from_be_slice(bytes, bits).map_err(|_| CryptoError::Data)
    };
    match numbers {
        [n, e] => {
            let key = RsaPublicKey::new(number(n)?, number(e)?);
            kept_public(&key.map_err(|_| CryptoError::Data)?)
        }
        [n, e, d, primes @ ..] => {
            let primes = primes.iter().map(number).collect::<Result<_, _>>()?;
            let key = RsaPrivateKey::from_components(number(n)?, number(e)?, number(d)?, primes);
            kept_private(&key.map_err(|_| CryptoError::Data)?)
        }
        _ => Err(CryptoError::Data),
    }
}

/// The numbers of a key, as a JSON Web Key has them: n, e, and of a private key also d, p, q, dp,
/// dq, qi.
fn numbers_of(private: bool, key: &[u8]) -> Result<Vec<Box<[u8]>>, CryptoError> {
    let bytes = BoxedUint::to_be_bytes_trimmed_vartime;
    if !private {
        let key = public_of(key)?;
        return Ok(vec![bytes(key.n().as_ref()), bytes(key.e())]);
    }
    let key = private_of(key)?;
    let [p, q] = key.primes() else {
        return Err(CryptoError::Data);
    };
    let (Some(dp), Some(dq), Some(qi)) = (key.dp(), key.dq(), key.crt_coefficient()) else {
        return Err(CryptoError::Operation);
    };
    let numbers = [key.n().as_ref(), key.e(), key.d(), p, q, dp, dq, &qi];
    Ok(numbers.into_iter().map(bytes).collect())
}

fn signed(
    scheme: &str,
    hash: Hash,
    salt_bytes: usize,
    key: &[u8],
    data: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let key = private_of(key)?;
    let digest = hash.digest(data);
    let mut random = random::generator()?;
    let signature = with_hash!(hash, H => match scheme {
        "RSA-PSS" if salt_bytes > key.size() => return Err(CryptoError::Operation),
        "RSA-PSS" => key.sign_with_rng(&mut random, Pss::<H>::new_with_salt(salt_bytes), &digest),
        _ => key.sign_with_rng(&mut random, Pkcs1v15Sign::new::<H>(), &digest),
    });
    signature.map_err(|_| CryptoError::Operation)
}

fn verified(
    scheme: &str,
    hash: Hash,
    salt_bytes: usize,
    key: &[u8],
    signature: &[u8],
    data: &[u8],
) -> Result<bool, CryptoError> {
    let key = public_of(key)?;
    let digest = hash.digest(data);
    let verified = with_hash!(hash, H => match scheme {
        "RSA-PSS" if salt_bytes > key.size() => return Ok(false),
        "RSA-PSS" => key.verify(Pss::<H>::new_with_salt(salt_bytes), &digest, signature),
        _ => key.verify(Pkcs1v15Sign::new::<H>(), &digest, signature),
    });
    Ok(verified.is_ok())
}

fn encrypted(hash: Hash, label: Vec<u8>, key: &[u8], data: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let key = public_of(key)?;
    let mut random = random::generator()?;
    with_hash!(hash, H => key.encrypt(&mut random, Oaep::<H>::new_with_label(label), data))
        .map_err(|_| CryptoError::Operation)
}

fn decrypted(hash: Hash, label: Vec<u8>, key: &[u8], data: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let key = private_of(key)?;
    let mut random = random::generator()?;
    with_hash!(hash, H => key.decrypt_blinded(&mut random, Oaep::<H>::new_with_label(label), data))
        .map_err(|_| CryptoError::Operation)
}

/// `(format, der)`.
fn import(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let format = text_at(arguments, 0, context)?;
    let der = bytes_at(arguments, 1, context)?;
    bytes_or_throw(imported(&format, &der), context)
}

/// `(format, key)`; the format `public` gives the public key of a private one.
fn export(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let format = text_at(arguments, 0, context)?;
    let key = bytes_at(arguments, 1, context)?;
    bytes_or_throw(exported(&format, &key), context)
}

/// `(...numbers)`.
fn join(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let mut numbers = Vec::with_capacity(arguments.len());
    for index in 0..arguments.len() {
        numbers.push(bytes_at(arguments, index, context)?);
    }
    bytes_or_throw(joined(&numbers), context)
}

/// `(isPrivate, key)`.
fn parts(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let private = arguments.get_or_undefined(0).to_boolean();
    let key = bytes_at(arguments, 1, context)?;
    let numbers = numbers_of(private, &key).map_err(|error| error.thrown(context))?;
    let list = JsArray::new(context)?;
    for number in numbers {
        let number = uint8_array(&number, context)?;
        list.push(number, context)?;
    }
    Ok(list.into())
}

/// `(scheme, hash, saltLength, key, data)`.
fn sign(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let scheme = text_at(arguments, 0, context)?;
    let hash = Hash::at(arguments, 1, context)?;
    let salt = number_at(arguments, 2, context)?;
    let key = bytes_at(arguments, 3, context)?;
    let data = bytes_at(arguments, 4, context)?;
    bytes_or_throw(signed(&scheme, hash, salt, &key, &data), context)
}

/// `(scheme, hash, saltLength, key, signature, data)`.
fn verify(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let scheme = text_at(arguments, 0, context)?;
    let hash = Hash::at(arguments, 1, context)?;
    let salt = number_at(arguments, 2, context)?;
    let key = bytes_at(arguments, 3, context)?;
    let signature = bytes_at(arguments, 4, context)?;
    let data = bytes_at(arguments, 5, context)?;
    match verified(&scheme, hash, salt, &key, &signature, &data) {
        Ok(verified) => Ok(verified.into()),
        Err(error) => Err(error.thrown(context)),
    }
}

/// `(hash, label, key, data)`.
fn encrypt(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let hash = Hash::at(arguments, 0, context)?;
    let label = bytes_at(arguments, 1, context)?;
    let key = bytes_at(arguments, 2, context)?;
    let data = bytes_at(arguments, 3, context)?;
    bytes_or_throw(encrypted(hash, label, &key, &data), context)
}

/// `(hash, label, key, data)`.
fn decrypt(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let hash = Hash::at(arguments, 0, context)?;
    let label = bytes_at(arguments, 1, context)?;
    let key = bytes_at(arguments, 2, context)?;
    let data = bytes_at(arguments, 3, context)?;
    bytes_or_throw(decrypted(hash, label, &key, &data), context)
}
