//! Values on the border: `ToJSValue` and `ToWebAssemblyValue` of the standard.

use std::rc::Rc;

use boa_engine::{Context, JsBigInt, JsResult, JsValue};
use wasmi::{F32, F64, Func, Nullable, Ref, RefType};
pub use wasmi::{Val as Value, ValType as ValueType};

use super::functions::function_object;
use super::island::Island;
use super::machine::Machine;
use crate::isolate::web::interface::type_error;

/// What values are converted with.
pub struct Border<'realm> {
    /// The machine that they are of.
    pub machine: &'realm Rc<Machine>,
    /// The island that they are on, or come to.
    pub island: &'realm Island,
}

/// The number by which a handle of the interpreter is known.
pub fn key_of<H: Copy>(handle: &H) -> u64 {
    const { assert!(size_of::<H>() == size_of::<u64>()) };
    // SAFETY: a handle is two numbers of 32 bits: its store's, and its own.
    unsafe { std::mem::transmute_copy(handle) }
}

impl Border<'_> {
    /// A value of the interpreter, for JavaScript.
    pub fn value_out(&self, value: &Value, context: &mut Context) -> JsResult<JsValue> {
        Ok(match value {
            Value::I32(number) => JsValue::from(*number),
            Value::I64(number) => JsValue::from(JsBigInt::from(*number)),
            Value::F32(number) => float(f64::from(f32::from(*number))),
            Value::F64(number) => float(f64::from(*number)),
            Value::FuncRef(func) => match Option::from(*func) {
                Some(func) => self.function_out(func, context)?,
                None => JsValue::null(),
            },
            Value::ExternRef(reference) => match Option::from(*reference) {
                Some(reference) => self.island.root().referred(reference, self.machine)?,
                None => JsValue::null(),
            },
            Value::V128(_) => return Err(not_for_javascript()),
        })
    }

    /// A value of JavaScript, for the interpreter.
    pub fn value_from(
        &self,
        value: &JsValue,
        kind: ValueType,
        context: &mut Context,
    ) -> JsResult<Value> {
        Ok(match kind {
            ValueType::I32 => Value::I32(match value.as_i32() {
                Some(number) => number,
                None => value.to_i32(context)?,
            }),
            ValueType::I64 => Value::I64(value.to_big_int64(context)?),
            // The nearest of the narrower kind, as Math.fround has it.
            ValueType::F32 => Value::F32(F32::from(value.to_number(context)? as f32)),
            ValueType::F64 => Value::F64(F64::from(value.to_number(context)?)),
            ValueType::FuncRef => Value::FuncRef(self.function_from(value)?),
            ValueType::ExternRef if value.is_null() => Value::ExternRef(Nullable::Null),
            ValueType::ExternRef => {
                let reference = self.island.root().reference(value, self.machine)?;
                Value::ExternRef(Nullable::from(reference))
            }
            ValueType::V128 => return Err(not_for_javascript()),
        })
    }

    /// As [`Self::value_out`], for an element of a table.
    pub fn element_out(&self, element: Ref, context: &mut Context) -> JsResult<JsValue> {
        let value = match element {
            Ref::Func(func) => Value::FuncRef(func),
            Ref::Extern(reference) => Value::ExternRef(reference),
        };
        self.value_out(&value, context)
    }

    /// As [`Self::value_from`], for an element of a table; what is not given is the kind's own.
    pub fn element_from(
        &self,
        value: Option<&JsValue>,
        kind: RefType,
        context: &mut Context,
    ) -> JsResult<Ref> {
        let undefined = JsValue::undefined();
        let (kind, value) = match (kind, value) {
            (RefType::Func, None) => return Ok(Ref::null(RefType::Func)),
            (RefType::Func, Some(value)) => (ValueType::FuncRef, value),
            (RefType::Extern, value) => (ValueType::ExternRef, value.unwrap_or(&undefined)),
        };
        Ok(match self.value_from(value, kind, context)? {
            Value::FuncRef(func) => Ref::Func(func),
            Value::ExternRef(reference) => Ref::Extern(reference),
            _ => Ref::null(RefType::Func),
        })
    }

    fn function_out(&self, func: Func, context: &mut Context) -> JsResult<JsValue> {
        Ok(function_object(self, func, None, context)?.into())
    }

    fn function_from(&self, value: &JsValue) -> JsResult<Nullable<Func>> {
        if value.is_null() {
            return Ok(Nullable::Null);
        }
        let exported = value
            .as_object()
            .and_then(|object| self.machine.exported(&object));
        let Some((func, island)) = exported else {
            return Err(type_error(
                "A function reference must be null or a function that WebAssembly exports",
            ));
        };
        self.island.join(&island);
        Ok(Nullable::from(func))
    }
}

// The engine has one NaN, whose other bits mean something else.
fn float(number: f64) -> JsValue {
    JsValue::from(if number.is_nan() { f64::NAN } else { number })
}

fn not_for_javascript() -> boa_engine::JsError {
    type_error("A v128 cannot be a value of JavaScript")
}
