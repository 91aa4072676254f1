//! Values as text, for `util.inspect` and `util.format`.

use boa_engine::native_function::NativeFunctionPointer;
use boa_engine::{Context, JsArgs, JsResult, JsString, JsValue};

use crate::isolate::web::{console, inspect as inspector};

/// The functions, by the names under which the scripts have them.
pub const FUNCTIONS: &[(&str, NativeFunctionPointer)] = &[("inspect", inspect), ("format", format)];

/// `(value, depth)`.
fn inspect(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let depth = args.get_or_undefined(1).to_u32(context)?;
    let depth = usize::try_from(depth).unwrap_or(usize::MAX);
    let value = args.get_or_undefined(0);
    let text = inspector::inspect_by(value, depth, inspector::SINGLE_FIRST, context);
    Ok(JsString::from(text).into())
}

fn format(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    Ok(JsString::from(console::format(args, context)).into())
}
