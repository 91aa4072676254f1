//! Whether a value is a regular expression, which no program can pretend.

use boa_engine::object::builtins::JsRegExp;
use boa_engine::{Context, JsArgs, JsResult, JsValue};

/// `(value)`: whether it is a regular expression by its inside.
pub fn is_regexp(_: &JsValue, args: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    let object = args.get_or_undefined(0).as_object();
    let found = object.is_some_and(|object| JsRegExp::from_object(object.clone()).is_ok());
    Ok(found.into())
}
