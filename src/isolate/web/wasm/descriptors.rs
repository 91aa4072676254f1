//! Descriptors: what constructors are told of memories, tables and globals, by Web IDL.

use boa_engine::{Context, JsObject, JsResult, JsString, JsValue};

use super::errors::range_error;
use super::values::ValueType;
use crate::isolate::web::bytes::text;
use crate::isolate::web::interface::type_error;

/// How large something is, and may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// At first.
    pub initial: u32,
    /// At most.
    pub maximum: Option<u32>,
}

/// A dictionary that must be there.
pub fn dictionary(value: &JsValue, what: &str) -> JsResult<JsObject> {
    value
        .as_object()
        .ok_or_else(|| type_error(format!("{what} must be an object")))
}

/// `[EnforceRange] unsigned long`.
pub fn unsigned(value: &JsValue, what: &str, context: &mut Context) -> JsResult<u32> {
    let number = value.to_number(context)?;
    let whole = number.trunc();
    if !number.is_finite() || whole < 0.0 || whole > f64::from(u32::MAX) {
        return Err(type_error(format!(
            "{what} must be a number from 0 to 2^32 - 1"
        )));
    }
    // In range, so nothing is lost.
    Ok(whole as u32)
}

/// `initial` and `maximum` of a descriptor.
pub fn limits(descriptor: &JsObject, what: &str, context: &mut Context) -> JsResult<Limits> {
    let mut member = |name: &str| -> JsResult<Option<u32>> {
        let value = descriptor.get(JsString::from(name), context)?;
        if value.is_undefined() {
            return Ok(None);
        }
        unsigned(&value, &format!("{what}: '{name}'"), context).map(Some)
    };
    let initial = member("initial")?;
    let maximum = member("maximum")?;
    let Some(initial) = initial else {
        return Err(type_error(format!("{what}: 'initial' is required")));
    };
    Ok(Limits { initial, maximum })
}

impl Limits {
    /// Refuses what is not in order, or too large.
    pub fn check(self, most: u32) -> JsResult<Self> {
        if self.maximum.is_some_and(|maximum| maximum < self.initial) {
            return Err(range_error("'initial' is greater than 'maximum'"));
        }
        if self.initial > most {
            return Err(range_error("'initial' is too large"));
        }
        Ok(self)
    }
}

/// The kind of value that a name means.
pub fn value_kind(value: &JsValue, what: &str, context: &mut Context) -> JsResult<ValueType> {
    let name = value.to_string(context)?;
    Ok(match &*text(&name) {
        "i32" => ValueType::I32,
        "i64" => ValueType::I64,
        "f32" => ValueType::F32,
        "f64" => ValueType::F64,
        "v128" => ValueType::V128,
        "externref" => ValueType::ExternRef,
        "anyfunc" | "funcref" => ValueType::FuncRef,
        _ => return Err(type_error(format!("{what}: there is no type of that name"))),
    })
}
