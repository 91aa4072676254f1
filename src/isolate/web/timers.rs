//! Timers, microtasks and tasks, on the engine's job queue; the executor is the event loop's.

use std::collections::HashMap;

use boa_engine::{
    Context, Finalize, JsArgs, JsData, JsError, JsObject, JsResult, JsValue, Trace,
    job::{CancellationToken, GenericJob, NativeJob, PromiseJob, TimeoutJob},
    js_error,
    object::builtins::JsFunction,
};

use super::native_object;

/// A repeating timer of 0 would leave no room for anything else.
const INTERVAL_MS_MIN: u32 = 1;

/// The functions that `timers.js` is handed.
pub fn natives(context: &mut Context) -> JsResult<JsObject> {
    native_object(
        &[
            ("start", start),
            ("clear", clear),
            ("microtask", microtask),
            ("task", task),
            ("reportWith", report_with),
        ],
        context,
    )
}

/// What the timers of a context share.
#[derive(Default, Trace, Finalize, JsData)]
struct Timers {
    /// Where errors nobody caught go.
    report: Option<JsFunction>,
    #[unsafe_ignore_trace]
    active: HashMap<u32, CancellationToken>,
    last_id: u32,
}

impl Timers {
    fn of(context: &mut Context) -> &mut Self {
        if !context.has_data::<Self>() {
            context.insert_data(Self::default());
        }
        context
            .host_defined_mut()
            .get_mut::<Self>()
            .expect("it was inserted above if missing")
    }

    /// An id that no active timer has; ids count up and never are 0.
    fn next_id(&mut self) -> u32 {
        loop {
            self.last_id = self.last_id % (u32::MAX >> 1) + 1;
            if !self.active.contains_key(&self.last_id) {
                return self.last_id;
            }
        }
    }
}

/// Hands an error to `report`. What JavaScript cannot catch (a reached limit) goes to the executor.
fn report(error: JsError, context: &mut Context) -> JsResult<()> {
    let reason = error.into_opaque(context)?;
    if let Some(report) = Timers::of(context).report.clone() {
        report.call(&JsValue::undefined(), &[reason], context)?;
    }
    Ok(())
}

fn report_with(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    Timers::of(context).report = Some(function_argument(args)?);
    Ok(JsValue::undefined())
}

fn function_argument(args: &[JsValue]) -> JsResult<JsFunction> {
    args.get_or_undefined(0)
        .as_function()
        .ok_or_else(|| js_error!(TypeError: "The handler is not a function"))
}

/// `(handler, milliseconds, arguments, repeat)`; answers the timer's id.
fn start(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let handler = function_argument(args)?;
    // Web IDL `long`: negative delays are none.
    let delay = args.get_or_undefined(1).to_i32(context)?;
    let delay = u32::try_from(delay).unwrap_or(0);
    let arguments = match args.get_or_undefined(2).as_object() {
        Some(list) => list_of(&list, context)?,
        None => Vec::new(),
    };
    let repeat = args.get_or_undefined(3).to_boolean();
    let id = Timers::of(context).next_id();
    let timer = Timer {
        id,
        handler,
        arguments,
        delay,
        repeat,
    };
    timer.enqueue(context);
    Ok(id.into())
}

fn list_of(list: &JsObject, context: &mut Context) -> JsResult<Vec<JsValue>> {
    let length = list
        .get(boa_engine::js_string!("length"), context)?
        .to_length(context)?;
    (0..length).map(|index| list.get(index, context)).collect()
}

struct Timer {
    id: u32,
    handler: JsFunction,
    arguments: Vec<JsValue>,
    delay: u32,
    repeat: bool,
}

impl Timer {
    fn enqueue(self, context: &mut Context) {
        let id = self.id;
        let delay = if self.repeat {
            self.delay.max(INTERVAL_MS_MIN)
        } else {
            self.delay
        };
        let realm = context.realm().clone();
        let job = NativeJob::with_realm(move |context| self.run(context), realm);
        let job = TimeoutJob::new(job, u64::from(delay));
        Timers::of(context)
            .active
            .insert(id, job.cancellation_token().clone());
        context.enqueue_job(job.into());
    }

    fn run(self, context: &mut Context) -> JsResult<JsValue> {
        if !self.repeat {
            Timers::of(context).active.remove(&self.id);
        }
        let this = context.global_object().into();
        if let Err(error) = self.handler.call(&this, &self.arguments, context) {
            report(error, context)?;
        }
        // An interval that was cleared while its handler ran is gone from the table.
        if self.repeat && Timers::of(context).active.contains_key(&self.id) {
            self.enqueue(context);
        }
        Ok(JsValue::undefined())
    }
}

fn clear(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let id = args.get_or_undefined(0).to_i32(context)?;
    if let Ok(id) = u32::try_from(id)
        && let Some(token) = Timers::of(context).active.remove(&id)
    {
        token.cancel(context);
    }
    Ok(JsValue::undefined())
}

/// Runs a function among the reactions of promises; its error is reported.
fn microtask(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let callback = function_argument(args)?;
    let realm = context.realm().clone();
    let job = PromiseJob::with_realm(move |context| call_reported(&callback, context), realm);
    context.enqueue_job(job.into());
    Ok(JsValue::undefined())
}

/// Runs a function as a task of its own, after the microtasks; its error is reported.
fn task(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let callback = function_argument(args)?;
    let realm = context.realm().clone();
    let job = GenericJob::new(move |context| call_reported(&callback, context), realm);
    context.enqueue_job(job.into());
    Ok(JsValue::undefined())
}

fn call_reported(callback: &JsFunction, context: &mut Context) -> JsResult<JsValue> {
    if let Err(error) = callback.call(&JsValue::undefined(), &[], context) {
        report(error, context)?;
    }
    Ok(JsValue::undefined())
}
