//! Promises for the scripts, out of reach of a program that replaces `Promise.prototype.then`.

use boa_engine::{
    Context, JsArgs, JsError, JsObject, JsResult, JsValue, NativeFunction,
    builtins::promise::ResolvingFunctions, js_error, js_string, object::builtins::JsPromise,
};

use super::native_object;

/// The functions that `prelude.js` is handed.
pub fn natives(context: &mut Context) -> JsResult<JsObject> {
    native_object(
        &[
            ("resolve", resolve),
            ("reject", reject),
            ("deferred", deferred),
            ("then", then),
            ("handled", handled),
            ("attempt", attempt),
        ],
        context,
    )
}

/// PromiseResolve(%Promise%, value): a genuine promise comes back as it is.
pub(crate) fn promise_of(value: &JsValue, context: &mut Context) -> JsResult<JsObject> {
    if let Some(object) = value.as_object()
        && JsPromise::from_object(object.clone()).is_ok()
    {
        let constructor = object.get(js_string!("constructor"), context)?;
        let intrinsic = context.intrinsics().constructors().promise().constructor();
        if constructor
            .as_object()
            .is_some_and(|made_by| JsObject::equals(&made_by, &intrinsic))
        {
            return Ok(object.clone());
        }
    }
    let (promise, settle) = JsPromise::new_pending(context);
    settle
        .resolve
        .call(&JsValue::undefined(), std::slice::from_ref(value), context)?;
    Ok(promise.into())
}

fn rejected(reason: &JsValue, context: &mut Context) -> JsResult<JsObject> {
    let (promise, settle) = JsPromise::new_pending(context);
    settle
        .reject
        .call(&JsValue::undefined(), std::slice::from_ref(reason), context)?;
    Ok(promise.into())
}

fn resolve(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    Ok(promise_of(args.get_or_undefined(0), context)?.into())
}

fn reject(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    Ok(rejected(args.get_or_undefined(0), context)?.into())
}

/// `{ promise, resolve, reject }`.
fn deferred(_: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (promise, ResolvingFunctions { resolve, reject }) = JsPromise::new_pending(context);
    let object = JsObject::with_object_proto(context.intrinsics());
    object.create_data_property(js_string!("promise"), promise, context)?;
    object.create_data_property(js_string!("resolve"), resolve, context)?;
    object.create_data_property(js_string!("reject"), reject, context)?;
    Ok(object.into())
}

fn promise_argument(args: &[JsValue]) -> JsResult<JsPromise> {
    match args.get_or_undefined(0).as_object() {
        Some(object) => JsPromise::from_object(object.clone()),
        None => Err(js_error!(TypeError: "not a promise")),
    }
}

fn then(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let promise = promise_argument(args)?;
    let fulfilled = args.get_or_undefined(1).as_function();
    let rejected = args.get_or_undefined(2).as_function();
    Ok(promise.then(fulfilled, rejected, context)?.into())
}

/// Marks a promise as handled: its rejection is not to be reported.
fn handled(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let nothing = NativeFunction::from_fn_ptr(|_, _, _| Ok(JsValue::undefined()))
        .to_js_function(context.realm());
    let promise = promise_argument(args)?;
    promise.then(None, Some(nothing), context)?;
    Ok(args.get_or_undefined(0).clone())
}

/// Calls `args[0]` with this `args[1]` and the rest, and answers a promise of the outcome.
fn attempt(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let Some(function) = args.get_or_undefined(0).as_callable() else {
        return Err(js_error!(TypeError: "not a function"));
    };
    let rest = args.get(2..).unwrap_or_default();
    let outcome = function.call(args.get_or_undefined(1), rest, context);
    match outcome {
        // Web IDL: what a callback returns is converted to a promise of its own.
        Ok(value) => {
            let (promise, settle) = JsPromise::new_pending(context);
            settle
                .resolve
                .call(&JsValue::undefined(), &[value], context)?;
            Ok(promise.into())
        }
        Err(error) => {
            // What JavaScript cannot catch (a reached limit) ends the program instead.
            let reason = JsError::into_opaque(error, context)?;
            Ok(rejected(&reason, context)?.into())
        }
    }
}
