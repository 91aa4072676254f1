//! Regular expressions over long texts: the engine widens a text of one byte a character for every
//! match it looks for, which makes a global search quadratic. Here it is widened once.

use boa_engine::object::JsObject;
use boa_engine::object::builtins::JsRegExp;
use boa_engine::property::PropertyDescriptor;
use boa_engine::string::JsStrVariant;
use boa_engine::{
    Context, Finalize, JsArgs, JsData, JsResult, JsString, JsValue, NativeFunction, Trace,
    js_string,
};

use crate::isolate::host::type_error;

/// Shorter texts are widened faster than they are looked up.
const WIDENED_UNITS_MIN: usize = 128;

/// The engine's `exec`, and the text that was widened last.
#[derive(Trace, Finalize, JsData)]
struct Engine {
    exec: JsObject,
    #[unsafe_ignore_trace]
    last: Option<Widened>,
}

struct Widened {
    narrow: JsString,
    wide: JsString,
}

/// Puts an `exec` into the realm that widens a text once.
pub fn install(context: &mut Context) -> JsResult<()> {
    let prototype = context.intrinsics().constructors().regexp().prototype();
    let exec = prototype.get(js_string!("exec"), context)?;
    let exec = exec
        .as_object()
        .ok_or_else(|| type_error("There is no RegExp.prototype.exec"))?;
    context.insert_data(Engine { exec, last: None });
    let ours = boa_engine::object::FunctionObjectBuilder::new(
        context.realm(),
        NativeFunction::from_fn_ptr(exec_widened),
    )
    .name(js_string!("exec"))
    .length(1)
    .build();
    let property = PropertyDescriptor::builder()
        .value(ours)
        .writable(true)
        .enumerable(false)
        .configurable(true);
    prototype.define_property_or_throw(js_string!("exec"), property, context)?;
    Ok(())
}

/// Lets go of the text that was searched last.
pub fn forget(context: &mut Context) {
    if let Some(engine) = context.host_defined_mut().get_mut::<Engine>() {
        engine.last = None;
    }
}

fn exec_widened(this: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let text = args.get_or_undefined(0).to_string(context)?;
    let text = match text.as_str().variant() {
        JsStrVariant::Latin1(units) if units.len() >= WIDENED_UNITS_MIN => widen(&text, context),
        JsStrVariant::Latin1(_) | JsStrVariant::Utf16(_) => text,
    };
    let exec = context.get_data::<Engine>().map(|e| e.exec.clone());
    let exec = exec.ok_or_else(|| type_error("There is no RegExp.prototype.exec"))?;
    exec.call(this, &[text.into()], context)
}

/// `(value)`: whether it is a regular expression by its inside.
pub fn is_regexp(_: &JsValue, args: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    let object = args.get_or_undefined(0).as_object();
    let found = object.is_some_and(|object| JsRegExp::from_object(object.clone()).is_ok());
    Ok(found.into())
}

fn widen(text: &JsString, context: &mut Context) -> JsString {
    let host = context.host_defined_mut();
    let Some(engine) = host.get_mut::<Engine>() else {
        return text.clone();
    };
    if let Some(last) = &engine.last
        && same_place(&last.narrow, text)
    {
        return last.wide.clone();
    }
    let units: Vec<u16> = text.as_str().iter().collect();
    let wide = JsString::from(units.as_slice());
    engine.last = Some(Widened {
        narrow: text.clone(),
        wide: wide.clone(),
    });
    wide
}

// Whether two strings are the same memory, which is known without reading it. The one that is kept
// keeps its memory from being another's.
fn same_place(a: &JsString, b: &JsString) -> bool {
    match (a.as_str().variant(), b.as_str().variant()) {
        (JsStrVariant::Latin1(a), JsStrVariant::Latin1(b)) => std::ptr::eq(a, b),
        _ => false,
    }
}
