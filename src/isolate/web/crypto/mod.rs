//! The primitives of Web Crypto: bytes in, bytes out. Names, usages and formats are the scripts'.

mod aes;
mod curve25519;
mod derive;
mod elliptic;
mod hash;
mod rsa;
mod rsa_search;
mod values;

use super::bytes::{array_buffer, buffer_source, text};
use super::interface::{dom_exception, functions};
use super::random;
use boa_engine::{Context, JsArgs, JsError, JsObject, JsResult, JsValue};

pub use super::random::{RandomError, reseed};

/// The functions.
pub fn natives(context: &mut Context) -> JsResult<JsObject> {
    let lists = [
        values::FUNCTIONS,
        hash::FUNCTIONS,
        derive::FUNCTIONS,
        aes::FUNCTIONS,
        elliptic::FUNCTIONS,
        curve25519::FUNCTIONS,
        rsa::FUNCTIONS,
        rsa_search::FUNCTIONS,
    ];
    Ok(functions(&lists.concat(), context))
}

/// A native function: its name, how many arguments it takes, what it is.
type Function = (
    &'static str,
    usize,
    boa_engine::native_function::NativeFunctionPointer,
);

/// Why a key, a text or a signature was not to be had. The scripts see it as a `DOMException`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum CryptoError {
    /// What was given to import is no such key.
    #[error("This is no such key")]
    Data,
    /// The arithmetic cannot be done with this.
    #[error("The operation failed")]
    Operation,
    /// The standard allows it and this platform does not have it.
    #[error("This is not supported")]
    Unsupported,
}

impl CryptoError {
    fn thrown(self, context: &mut Context) -> JsError {
        let name = match self {
            Self::Data => "DataError",
            Self::Operation => "OperationError",
            Self::Unsupported => "NotSupportedError",
        };
        dom_exception(name, &self.to_string(), context)
    }
}

impl From<RandomError> for CryptoError {
    fn from(_: RandomError) -> Self {
        Self::Operation
    }
}

fn bytes_at(arguments: &[JsValue], index: usize, context: &mut Context) -> JsResult<Vec<u8>> {
    buffer_source(arguments.get_or_undefined(index), "crypto.subtle", context)
}

fn text_at(arguments: &[JsValue], index: usize, context: &mut Context) -> JsResult<String> {
    let string = arguments.get_or_undefined(index).to_string(context)?;
    Ok(text(&string).into_owned())
}

fn number_at(arguments: &[JsValue], index: usize, context: &mut Context) -> JsResult<usize> {
    let number = arguments.get_or_undefined(index).to_index(context)?;
    Ok(usize::try_from(number).unwrap_or(usize::MAX))
}

/// An `ArrayBuffer` of the bytes, or the exception.
fn bytes_or_throw(
    result: Result<Vec<u8>, CryptoError>,
    context: &mut Context,
) -> JsResult<JsValue> {
    match result {
        Ok(bytes) => Ok(array_buffer(&bytes, context)?.into()),
        Err(error) => Err(error.thrown(context)),
    }
}
