//! Hashes that take their data piece by piece, and keys from secrets: bytes in, bytes out.

use boa_engine::native_function::NativeFunctionPointer;
use boa_engine::{Context, Finalize, JsArgs, JsData, JsObject, JsResult, JsValue, Trace};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use ripemd::Ripemd160;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};

use crate::isolate::host::type_error;
use crate::isolate::web::bytes::{buffer_source, uint8_array};

/// What one call may derive: far more than any key has.
const DERIVED_BYTES_MAX: usize = 1 << 20;

/// The functions, by the names under which the scripts have them.
pub const FUNCTIONS: &[(&str, NativeFunctionPointer)] = &[
    ("hasher", hasher),
    ("update", update),
    ("finish", finish),
    ("copy", copy),
    ("pbkdf2", pbkdf2),
    ("scrypt", scrypt),
    ("hkdf", hkdf),
];

/// A hash under way, keyed or not.
trait Running {
    fn update(&mut self, bytes: &[u8]);
    fn finish(&self) -> Vec<u8>;
    fn copy(&self) -> Box<dyn Running>;
}

#[derive(Clone)]
struct Plain<D>(D);

impl<D: Digest + Clone + 'static> Running for Plain<D> {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> Vec<u8> {
        self.0.clone().finalize().to_vec()
    }

    fn copy(&self) -> Box<dyn Running> {
        Box::new(self.clone())
    }
}

#[derive(Clone)]
struct Keyed<M>(M);

impl<M: Mac + Clone + 'static> Running for Keyed<M> {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> Vec<u8> {
        self.0.clone().finalize().into_bytes().to_vec()
    }

    fn copy(&self) -> Box<dyn Running> {
        Box::new(self.clone())
    }
}

fn keyed<M: Mac + KeyInit + Clone + 'static>(key: &[u8]) -> Option<Box<dyn Running>> {
    let mac = <M as KeyInit>::new_from_slice(key).ok()?;
    Some(Box::new(Keyed(mac)))
}

// The hash of that name, with a key its HMAC.
fn running(name: &str, key: Option<&[u8]>) -> Option<Box<dyn Running>> {
    macro_rules! of {
        ($hash:ty) => {
            match key {
                Some(key) => keyed::<Hmac<$hash>>(key),
                None => Some(Box::new(Plain(<$hash>::new()))),
            }
        };
    }
    match name {
        "md5" => of!(Md5),
        "ripemd160" | "rmd160" => of!(Ripemd160),
        "sha1" => of!(Sha1),
        "sha224" => of!(Sha224),
        "sha256" => of!(Sha256),
        "sha384" => of!(Sha384),
        "sha512" => of!(Sha512),
        "sha512-224" => of!(Sha512_224),
        "sha512-256" => of!(Sha512_256),
        _ => None,
    }
}

#[derive(Trace, Finalize, JsData)]
#[boa_gc(unsafe_empty_trace)]
struct Hasher(Box<dyn Running>);

fn text_at(args: &[JsValue], index: usize, context: &mut Context) -> JsResult<String> {
    let text = args.get_or_undefined(index).to_string(context)?;
    Ok(text.to_std_string_lossy())
}

fn bytes_at(args: &[JsValue], index: usize, context: &mut Context) -> JsResult<Vec<u8>> {
    buffer_source(args.get_or_undefined(index), "crypto", context)
}

fn length_at(args: &[JsValue], index: usize, context: &mut Context) -> JsResult<usize> {
    let length = args.get_or_undefined(index).to_index(context)?;
    match usize::try_from(length) {
        Ok(length) if length <= DERIVED_BYTES_MAX => Ok(length),
        _ => Err(type_error(format!(
            "A key has at most {DERIVED_BYTES_MAX} bytes"
        ))),
    }
}

fn state_of(value: &JsValue) -> JsResult<JsObject<Hasher>> {
    value
        .as_object()
        .and_then(|object| object.downcast::<Hasher>().ok())
        .ok_or_else(|| type_error("This is no hash"))
}

fn wrap(running: Box<dyn Running>) -> JsValue {
    JsObject::from_proto_and_data(None, Hasher(running)).into()
}

/// `(name, key)`: a hash to be updated; undefined when there is none of that name.
fn hasher(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let name = text_at(args, 0, context)?;
    let key = if args.get_or_undefined(1).is_undefined() {
        None
    } else {
        Some(bytes_at(args, 1, context)?)
    };
    Ok(running(&name, key.as_deref()).map_or_else(JsValue::undefined, wrap))
}

fn update(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let state = state_of(args.get_or_undefined(0))?;
    let bytes = bytes_at(args, 1, context)?;
    state.borrow_mut().data_mut().0.update(&bytes);
    Ok(JsValue::undefined())
}

fn finish(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let state = state_of(args.get_or_undefined(0))?;
    let bytes = state.borrow().data().0.finish();
    uint8_array(&bytes, context)
}

fn copy(_: &JsValue, args: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    let state = state_of(args.get_or_undefined(0))?;
    let copied = state.borrow().data().0.copy();
    Ok(wrap(copied))
}

fn hmac(start: &dyn Running, parts: &[&[u8]]) -> Vec<u8> {
    let mut running = start.copy();
    for part in parts {
        running.update(part);
    }
    running.finish()
}

/// `(hash, password, salt, rounds, bytes)`, RFC 8018; undefined when there is no such hash.
fn pbkdf2(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let name = text_at(args, 0, context)?;
    let (password, salt) = (bytes_at(args, 1, context)?, bytes_at(args, 2, context)?);
    let rounds = args.get_or_undefined(3).to_u32(context)?;
    let mut out = vec![0; length_at(args, 4, context)?];
    macro_rules! derive {
        ($hash:ty) => {
            ::pbkdf2::pbkdf2_hmac::<$hash>(&password, &salt, rounds, &mut out)
        };
    }
    match name.as_str() {
        "md5" => derive!(Md5),
        "sha1" => derive!(Sha1),
        "sha224" => derive!(Sha224),
        "sha256" => derive!(Sha256),
        "sha384" => derive!(Sha384),
        "sha512" => derive!(Sha512),
        _ => return Ok(JsValue::undefined()),
    }
    uint8_array(&out, context)
}

/// `(password, salt, N, r, p, bytes)`, RFC 7914; undefined when the numbers do not fit.
fn scrypt(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (password, salt) = (bytes_at(args, 0, context)?, bytes_at(args, 1, context)?);
    let rounds = args.get_or_undefined(2).to_u32(context)?;
    let block = args.get_or_undefined(3).to_u32(context)?;
    let lanes = args.get_or_undefined(4).to_u32(context)?;
    let mut out = vec![0; length_at(args, 5, context)?];
    if out.is_empty() {
        return uint8_array(&out, context);
    }
    let exponent = u8::try_from(rounds.trailing_zeros()).unwrap_or(u8::MAX);
    let params = match rounds.is_power_of_two() && rounds > 1 {
        true => ::scrypt::Params::new(exponent, block, lanes).ok(),
        false => None,
    };
    let derived =
        params.and_then(|params| ::scrypt::scrypt(&password, &salt, &params, &mut out).ok());
    match derived {
        Some(()) => uint8_array(&out, context),
        None => Ok(JsValue::undefined()),
    }
}

/// `(hash, secret, salt, info, bytes)`, RFC 5869; undefined when that is more than 255 blocks.
fn hkdf(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let name = text_at(args, 0, context)?;
    let (secret, salt) = (bytes_at(args, 1, context)?, bytes_at(args, 2, context)?);
    let info = bytes_at(args, 3, context)?;
    let length = length_at(args, 4, context)?;
    let Some(extract) = running(&name, Some(&salt)) else {
        return Ok(JsValue::undefined());
    };
    let extracted = hmac(&*extract, &[&secret]);
    let Some(expand) = running(&name, Some(&extracted)) else {
        return Ok(JsValue::undefined());
    };
    let (mut out, mut block, mut counter) = (Vec::new(), Vec::new(), 0u8);
    while out.len() < length {
        let Some(next) = counter.checked_add(1) else {
            return Ok(JsValue::undefined());
        };
        counter = next;
        block = hmac(&*expand, &[&block, &info, &[counter]]);
        out.extend_from_slice(&block);
    }
    out.truncate(length);
    uint8_array(&out, context)
}
