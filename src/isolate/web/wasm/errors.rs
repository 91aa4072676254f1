//! Errors on the border: what the interpreter says, as the error that the standard names.

use std::fmt;

use boa_engine::{Context, JsError, JsNativeError, JsString};
use wasmi::TrapCode;
use wasmi::errors::{ErrorKind, HostError, InstantiationError};

use super::machine::Machine;
use crate::isolate::web::interface::web_member;

/// Says that an imported function has thrown; what, the machine knows.
#[derive(Debug)]
pub struct Thrown;

impl fmt::Display for Thrown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an imported function has thrown")
    }
}

impl HostError for Thrown {}

/// The errors that are WebAssembly's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The bytes are no module.
    Compile,
    /// The imports are not what the module wants.
    Link,
    /// The code has trapped.
    Runtime,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Compile => "WebAssemblyCompileError",
            Self::Link => "WebAssemblyLinkError",
            Self::Runtime => "WebAssemblyRuntimeError",
        }
    }

    /// Such an error.
    pub fn error(self, message: &str, context: &mut Context) -> JsError {
        let made = web_member(self.name(), context).and_then(|class| {
            let message = JsString::from(message).into();
            match class.as_constructor() {
                Some(class) => class.construct(&[message], None, context),
                None => Err(JsNativeError::error().into()),
            }
        });
        match made {
            Ok(error) => JsError::from_opaque(error.into()),
            Err(error) => error,
        }
    }
}

/// A `RangeError` to throw.
pub fn range_error(message: &'static str) -> JsError {
    JsNativeError::range().with_message(message).into()
}

/// What running code, or making an instance, has failed with.
pub fn error_of(error: &wasmi::Error, machine: &Machine, context: &mut Context) -> JsError {
    if error.downcast_ref::<Thrown>().is_some()
        && let Some(thrown) = machine.thrown()
    {
        return thrown;
    }
    let said = match error.kind() {
        ErrorKind::TrapCode(TrapCode::StackOverflow) => {
            return range_error("Maximum call stack size exceeded");
        }
        ErrorKind::TrapCode(code) => trap(*code).to_owned(),
        ErrorKind::Instantiation(error) => match error {
            InstantiationError::FailedToInstantiateMemory(_)
            | InstantiationError::FailedToInstantiateTable(_)
            | InstantiationError::TooManyInstances
            | InstantiationError::TooManyMemories
            | InstantiationError::TooManyTables => {
                return range_error("WebAssembly.Instance(): Out of memory");
            }
            InstantiationError::ElementSegmentDoesNotFit { .. } => {
                "table initializer is out of bounds".to_owned()
            }
            _ => {
                let message = format!("WebAssembly.Instance(): {error}");
                return Kind::Link.error(&message, context);
            }
        },
        ErrorKind::Memory(_) => "data segment is out of bounds".to_owned(),
        other => other.to_string(),
    };
    Kind::Runtime.error(&said, context)
}

// In V8's words, which libraries look for.
fn trap(code: TrapCode) -> &'static str {
    match code {
        TrapCode::UnreachableCodeReached => "unreachable",
        TrapCode::MemoryOutOfBounds => "memory access out of bounds",
        TrapCode::TableOutOfBounds => "table index is out of bounds",
        TrapCode::IndirectCallToNull | TrapCode::BadSignature => {
            "null function or function signature mismatch"
        }
        TrapCode::IntegerDivisionByZero => "divide by zero",
        // Of a division, and of a float that is too large for an integer.
        TrapCode::IntegerOverflow => "integer overflow",
        TrapCode::BadConversionToInteger => "float unrepresentable in integer range",
        TrapCode::StackOverflow
        | TrapCode::OutOfFuel
        | TrapCode::GrowthOperationLimited
        | TrapCode::OutOfSystemMemory => "out of memory",
    }
}
