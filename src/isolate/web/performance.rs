//! `performance` and `navigator`: a clock that starts with the process, and a name.

use super::interface::{Interface, create, put, receiver};
use boa_engine::{Context, Finalize, JsData, JsObject, JsResult, JsValue, Trace, js_string};
use std::cell::Cell;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

// Steps of the clock: fine enough to measure code by, too coarse to measure the machine by.
const STEPS_PER_MS: f64 = 10.0;

thread_local! {
    // None until needed: time read before a fork would be that of another process.
    static ORIGIN: Cell<Option<Origin>> = const { Cell::new(None) };
}

/// When the clock was at zero.
#[derive(Debug, Clone, Copy)]
struct Origin {
    started: Instant,
    // Milliseconds since 1970.
    at_ms: f64,
}

impl Origin {
    fn now() -> Self {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            started: Instant::now(),
            at_ms: since_epoch.as_secs_f64() * 1000.0,
        }
    }

    fn of_process() -> Self {
        ORIGIN.get().unwrap_or_else(|| {
            let origin = Self::now();
            ORIGIN.set(Some(origin));
            origin
        })
    }
}

/// Sets the clock to zero. To be called in every child.
pub fn restart_clock() {
    ORIGIN.set(Some(Origin::now()));
}

#[derive(Debug, Trace, Finalize, JsData)]
struct Performance;

#[derive(Debug, Trace, Finalize, JsData)]
struct Navigator;

/// The two objects and their classes.
pub fn natives(context: &mut Context) -> JsResult<JsObject> {
    let performance_class = Interface::unconstructible("Performance", context)
        .getter("timeOrigin", time_origin)
        .method("now", 0, now)
        .method("toJSON", 0, to_json)
        .build::<Performance>();
    let navigator_class = Interface::unconstructible("Navigator", context)
        .getter("userAgent", user_agent)
        .build::<Navigator>();
    let performance = create(Performance, context);
    let navigator = create(Navigator, context);
    let natives = JsObject::with_object_proto(context.intrinsics());
    put(&natives, "Performance", performance_class);
    put(&natives, "performance", performance);
    put(&natives, "Navigator", navigator_class);
    put(&natives, "navigator", navigator);
    Ok(natives)
}

fn coarse(ms: f64) -> f64 {
    (ms * STEPS_PER_MS).floor() / STEPS_PER_MS
}

fn now(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    receiver::<Performance>(this)?;
    let elapsed = Origin::of_process().started.elapsed();
    Ok(JsValue::from(coarse(elapsed.as_secs_f64() * 1000.0)))
}

fn time_origin(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    receiver::<Performance>(this)?;
    Ok(JsValue::from(coarse(Origin::of_process().at_ms)))
}

fn to_json(this: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let origin = time_origin(this, &[], context)?;
    let json = JsObject::with_object_proto(context.intrinsics());
    put(&json, "timeOrigin", origin);
    Ok(json.into())
}

fn user_agent(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    receiver::<Navigator>(this)?;
    // One product token and nothing more, as ECMA-429 recommends.
    Ok(js_string!("ValTownTown").into())
}
