//! What a value is inside, whatever its prototype says.

use boa_engine::builtins::error::Error as ErrorData;
use boa_engine::builtins::proxy::Proxy;
use boa_engine::native_function::NativeFunctionPointer;
use boa_engine::object::builtins::{
    JsArrayBuffer, JsDataView, JsDate, JsMap, JsPromise, JsRegExp, JsSet, JsSharedArrayBuffer,
    JsTypedArray, JsWeakMap, JsWeakSet,
};
use boa_engine::{
    Context, JsArgs, JsBigInt, JsObject, JsResult, JsString, JsSymbol, JsValue, js_string,
};

/// The functions, by the names under which the scripts have them.
pub const FUNCTIONS: &[(&str, NativeFunctionPointer)] = &[("kind", kind)];

/// `(value)`: the kind of a built-in object; undefined of anything else.
fn kind(_: &JsValue, args: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    let object = args.get_or_undefined(0).as_object();
    Ok(match object.as_ref().and_then(kind_of) {
        Some(kind) => js_string!(kind).into(),
        None => JsValue::undefined(),
    })
}

fn kind_of(object: &JsObject) -> Option<&'static str> {
    let made = || object.clone();
    if object.is::<Proxy>() {
        return Some("Proxy");
    }
    if object.is::<ErrorData>() {
        return Some("Error");
    }
    let boxed = object.is::<bool>()
        || object.is::<f64>()
        || object.is::<JsString>()
        || object.is::<JsSymbol>()
        || object.is::<JsBigInt>();
    if boxed {
        return Some("Boxed");
    }
    if JsTypedArray::from_object(made()).is_ok() {
        return Some("TypedArray");
    }
    if JsPromise::from_object(made()).is_ok() {
        return Some("Promise");
    }
    if JsMap::from_object(made()).is_ok() {
        return Some("Map");
    }
    if JsSet::from_object(made()).is_ok() {
        return Some("Set");
    }
    if JsDate::from_object(made()).is_ok() {
        return Some("Date");
    }
    if JsRegExp::from_object(made()).is_ok() {
        return Some("RegExp");
    }
    if JsArrayBuffer::from_object(made()).is_ok() {
        return Some("ArrayBuffer");
    }
    if JsSharedArrayBuffer::from_object(made()).is_ok() {
        return Some("SharedArrayBuffer");
    }
    if JsDataView::from_object(made()).is_ok() {
        return Some("DataView");
    }
    if JsWeakMap::from_object(made()).is_ok() {
        return Some("WeakMap");
    }
    if JsWeakSet::from_object(made()).is_ok() {
        return Some("WeakSet");
    }
    None
}
