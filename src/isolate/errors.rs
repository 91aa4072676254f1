//! Errors across the boundary: what a failed call becomes in JavaScript, and what an exception
//! becomes for the owner of the program.

use boa_engine::error::EngineError;
use boa_engine::object::JsObject;
use boa_engine::property::PropertyKey;
use boa_engine::{Context, JsError, JsNativeError, JsResult, JsValue, js_string};

use super::host::type_error;
use crate::eval::compile::CompileError;
use crate::limits::RECURSION_MAX;
use crate::storage::StorageError;
use crate::wire::{CallError, Failure, Outcome};

/// Bytes of an exception's text that are kept: a page of stack and a long message.
const TEXT_BYTES_MAX: usize = 32 << 10;

/// What a failed kernel call throws.
pub fn call_error(error: CallError, context: &mut Context) -> JsError {
    let made = match error {
        CallError::Refused(message) => named("NotAllowedError", &message, &[], context),
        CallError::Invalid(message) | CallError::Network(message) => return type_error(message),
        CallError::Storage(error) => {
            let code = js_string!(sqlite_code(&error)).into();
            named(
                "SqliteError",
                &error.to_string(),
                &[("code", code)],
                context,
            )
        }
        CallError::Isolate(failure) => isolate_error(&failure, context),
        // Not the author's mistake, so nothing to remember of the source.
        CallError::Compile(error @ CompileError::Internal { .. }) => {
            named("InternalError", &error.to_string(), &[], context)
        }
        CallError::Compile(error) => compile_error(&error, context),
        CallError::Internal(message) => named("InternalError", &message, &[], context),
    };
    match made {
        Ok(object) => JsError::from_opaque(object.into()),
        Err(error) => error,
    }
}

fn compile_error(error: &CompileError, context: &mut Context) -> JsResult<JsObject> {
    let message = error
        .diagnostic()
        .map_or_else(|| error.to_string(), |d| d.message.clone());
    let object = JsNativeError::syntax()
        .with_message(message)
        .into_opaque(context);
    if let Some(diagnostic) = error.diagnostic() {
        let fields = [
            ("line", diagnostic.line.into()),
            ("column", diagnostic.column.into()),
            ("excerpt", js_string!(diagnostic.excerpt.as_str()).into()),
        ];
        set_all(&object, &fields, context)?;
    }
    Ok(object)
}

// The name by which programs tell errors of storage apart: SQLite's, or the nearest to it.
fn sqlite_code(error: &StorageError) -> &str {
    match error {
        StorageError::Sqlite { code, .. } => code,
        StorageError::Refused { .. } => "SQLITE_AUTH",
        StorageError::Empty
        | StorageError::MultipleStatements
        | StorageError::ArgumentCount { .. }
        | StorageError::ArgumentMissing { .. }
        | StorageError::Name(_) => "SQLITE_MISUSE",
        StorageError::ReadOnly => "SQLITE_READONLY",
        StorageError::Deadline => "SQLITE_INTERRUPT",
        StorageError::Quota { .. } => "SQLITE_FULL",
        StorageError::ResultTooLarge
        | StorageError::BatchTooLarge { .. }
        | StorageError::TooManySubs
        | StorageError::OverrideTooLarge => "SQLITE_TOOBIG",
        StorageError::Memory => "SQLITE_NOMEM",
        StorageError::Dropped => "SQLITE_ABORT",
        StorageError::Exists => "SQLITE_CONSTRAINT",
        StorageError::Archive { .. } => "SQLITE_CORRUPT",
        StorageError::Busy => "SQLITE_BUSY",
        StorageError::Failed { .. } => "SQLITE_IOERR",
    }
}

/// What a run that gave no answer is to the program that asked for it.
pub fn isolate_error(failure: &Failure, context: &mut Context) -> JsResult<JsObject> {
    let outcome = failure.outcome.word();
    let mut fields = vec![("outcome", js_string!(outcome).into())];
    if let Some((limit, value)) = &failure.limit {
        fields.push(("limit", js_string!(limit.as_str()).into()));
        #[allow(clippy::cast_precision_loss, reason = "limits are far below 2^53")]
        fields.push(("value", JsValue::from(*value as f64)));
    }
    fields.push(("stack", js_string!(failure.stack.as_str()).into()));
    named("IsolateError", &failure.message, &fields, context)
}

fn named(
    name: &str,
    message: &str,
    fields: &[(&str, JsValue)],
    context: &mut Context,
) -> JsResult<JsObject> {
    let object = JsNativeError::error()
        .with_message(message.to_string())
        .into_opaque(context);
    define(&object, "name", js_string!(name).into(), false, context)?;
    set_all(&object, fields, context)?;
    Ok(object)
}

fn set_all(object: &JsObject, fields: &[(&str, JsValue)], context: &mut Context) -> JsResult<()> {
    for (key, value) in fields {
        define(object, key, value.clone(), *key != "stack", context)?;
    }
    Ok(())
}

fn define(
    object: &JsObject,
    key: &str,
    value: JsValue,
    enumerable: bool,
    context: &mut Context,
) -> JsResult<()> {
    let descriptor = boa_engine::property::PropertyDescriptor::builder()
        .value(value)
        .writable(true)
        .enumerable(enumerable)
        .configurable(true);
    object.define_property_or_throw(PropertyKey::from(js_string!(key)), descriptor, context)?;
    Ok(())
}

/// What an exception is to the owner of the program. Runs no code of the program but getters of
/// `name`, `message` and `stack`, as any console does.
pub fn failure(error: &JsError, context: &mut Context) -> Failure {
    if let Some(engine) = error.as_engine() {
        return engine_failure(engine);
    }
    let value = match error.clone().into_opaque(context) {
        Ok(value) => value,
        Err(_) => return Failure::new(Outcome::Exception, error.to_string()),
    };
    value_failure(&value, context)
}

/// What the engine throws where calls are nested too deep. As in V8, a program may catch it.
const TOO_DEEP: &str = "RangeError: Maximum call stack size exceeded";

/// What a thrown value or a reason of rejection is to the owner of the program.
pub fn value_failure(value: &JsValue, context: &mut Context) -> Failure {
    let Some(object) = value.as_object() else {
        let text = value.display().to_string();
        return Failure::new(Outcome::Exception, cut(format!("Uncaught {text}")));
    };
    let name = text(&object, "name", context).unwrap_or_else(|| "Error".to_string());
    let message = text(&object, "message", context).unwrap_or_default();
    let mut stack = text(&object, "stack", context).unwrap_or_default();
    let headline = match (name.as_str(), message.as_str()) {
        (name, "") => name.to_string(),
        (name, message) => format!("{name}: {message}"),
    };
    if !stack.starts_with(&headline) {
        stack = format!("{headline}\n{stack}");
    }
    let stack = cut(stack.trim_end().to_string());
    if headline == TOO_DEEP {
        let message = format!("{TOO_DEEP}: calls are nested {RECURSION_MAX} deep at most");
        let failure = Failure::limit(
            Outcome::Recursion,
            "recursion",
            RECURSION_MAX as u64,
            message,
        );
        return Failure { stack, ..failure };
    }
    Failure {
        outcome: Outcome::Exception,
        message: cut(headline),
        stack,
        limit: None,
    }
}

fn engine_failure(error: &EngineError) -> Failure {
    Failure::new(Outcome::Crash, format!("The engine stopped: {error}"))
}

fn text(object: &JsObject, key: &str, context: &mut Context) -> Option<String> {
    let value = object.get(js_string!(key), context).ok()?;
    value.as_string().map(|text| text.to_std_string_lossy())
}

fn cut(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        let mut end = TEXT_BYTES_MAX;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}
