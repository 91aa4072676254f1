//! Stacks of errors: the engine has the frames; what V8 writes above them, and what programs of
//! V8 do to them, is here and in `language.js`.

use boa_engine::builtins::error::Error as ErrorData;
use boa_engine::object::JsObject;
use boa_engine::property::{PropertyDescriptor, PropertyKey};
use boa_engine::{
    Context, Finalize, JsArgs, JsData, JsResult, JsString, JsValue, NativeFunction, Trace,
    js_string,
};

use crate::isolate::host::type_error;

/// The engine's own accessor of `stack`.
#[derive(Trace, Finalize, JsData)]
struct Engine {
    get: JsObject,
    set: JsObject,
}

/// Remembers the engine's accessor, and puts one in its place that writes the headline too.
pub fn keep(context: &mut Context) -> JsResult<()> {
    let prototype = context.intrinsics().constructors().error().prototype();
    let key = PropertyKey::from(js_string!("stack"));
    let own = prototype.borrow().properties().get(&key);
    let own = own.ok_or_else(|| type_error("Errors have no stack"))?;
    let accessor = |function: Option<&JsValue>| function.and_then(JsValue::as_object);
    let (Some(get), Some(set)) = (accessor(own.get()), accessor(own.set())) else {
        return Err(type_error("Error.prototype.stack is no accessor"));
    };
    context.insert_data(Engine { get, set });
    let read = NativeFunction::from_fn_ptr(|this, _, context| text(this, context));
    let read = read.to_js_function(context.realm());
    let write = own.set().cloned().unwrap_or_default();
    let property = PropertyDescriptor::builder()
        .get(read)
        .set(write)
        .enumerable(false)
        .configurable(true);
    prototype.define_property_or_throw(js_string!("stack"), property, context)?;
    Ok(())
}

fn frames(error: &JsValue, context: &mut Context) -> JsResult<JsValue> {
    let Some(get) = context.get_data::<Engine>().map(|e| e.get.clone()) else {
        return Ok(JsValue::undefined());
    };
    get.call(error, &[], context)
}

// The headline and the frames; undefined of what is no error.
fn text(error: &JsValue, context: &mut Context) -> JsResult<JsValue> {
    let frames = frames(error, context)?;
    let Some(frames) = frames.as_string() else {
        return Ok(frames);
    };
    let headline = headline_of(error, context)?;
    let separator = if frames.is_empty() { "" } else { "\n" };
    Ok(js_string!(&headline, &js_string!(separator), &frames).into())
}

// As `Error.prototype.toString`, of what is not a getter of the program's.
fn headline_of(error: &JsValue, context: &mut Context) -> JsResult<JsString> {
    let Some(object) = error.as_object() else {
        return error.to_string(context);
    };
    let mut part = |key: &str, otherwise: &str| -> JsResult<JsString> {
        let value = object.get(js_string!(key), context)?;
        if value.is_undefined() {
            return Ok(js_string!(otherwise));
        }
        value.to_string(context)
    };
    let name = part("name", "Error")?;
    let message = part("message", "")?;
    Ok(if message.is_empty() {
        name
    } else if name.is_empty() {
        message
    } else {
        js_string!(&name, &js_string!(": "), &message)
    })
}

/// `(value)`: whether it is an error by its inside.
pub fn is_error(_: &JsValue, args: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    let object = args.get_or_undefined(0).as_object();
    Ok(object.is_some_and(|object| object.is::<ErrorData>()).into())
}

/// `(error)`: its frames, a line each.
pub fn stack_of(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    frames(args.get_or_undefined(0), context)
}

/// `(error)`: the headline and the frames.
pub fn get_stack(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    text(args.get_or_undefined(0), context)
}

/// `(error)`: the first line of its stack.
pub fn headline(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    Ok(headline_of(args.get_or_undefined(0), context)?.into())
}

/// `(error, value)`: what an assignment to `stack` does.
pub fn set_stack(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let set = context
        .get_data::<Engine>()
        .map(|engine| engine.set.clone());
    if let Some(set) = set {
        set.call(args.get_or_undefined(0), &args[1..], context)?;
    }
    Ok(JsValue::undefined())
}
