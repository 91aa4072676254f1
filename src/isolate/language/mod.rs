//! The language where the engine lacks a part of it: built-ins of ES2025 and 2026, stacks as V8 has
//! them, dates as people write them. Syntax is lowered by the compiler instead.

use std::path::Path;

use boa_engine::{Context, JsResult, JsValue};

use super::host::type_error;
use super::web::native_object;

mod buffers;
mod dates;
mod intl;
mod regexps;
mod stacks;

/// Adds what is missing to the realm.
pub fn install(context: &mut Context) -> JsResult<()> {
    dates::install(context)?;
    let native = native_object(
        &[
            ("isError", stacks::is_error),
            ("stackOf", stacks::stack_of),
            ("setStack", stacks::set_stack),
            ("getStack", stacks::get_stack),
            ("headline", stacks::headline),
            ("detached", buffers::detached),
            ("transfer", buffers::transfer),
            ("isRegExp", regexps::is_regexp),
        ],
        context,
    )?;
    stacks::keep(context)?;
    let path = Path::new("town:runtime/language.js");
    let script = context.eval_text(include_str!("language.js"), Some(path))?;
    let script = script
        .as_callable()
        .ok_or_else(|| type_error("language.js is no function"))?;
    script.call(&JsValue::undefined(), &[native.into()], context)?;
    // After the dates, whose methods it changes.
    intl::install(context)
}
