//! `performance` and `navigator`: a clock that starts with the process, and a name.

use super::interface::{Interface, create, functions, put, receiver};
use boa_engine::object::IntegrityLevel;
use boa_engine::object::builtins::JsArray;
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
struct Navigator;

/// The clock, and `navigator` with its class.
pub fn natives(context: &mut Context) -> JsResult<JsObject> {
    let natives = functions(&[("now", 0, now), ("timeOrigin", 0, time_origin)], context);
    let navigator_class = Interface::unconstructible("Navigator", context)
        .getter("hardwareConcurrency", |this, _, _| {
            receiver::<Navigator>(this)?;
            Ok(JsValue::from(1))
        })
        .getter("language", language)
        .getter("languages", languages)
        .getter("onLine", |this, _, _| {
            receiver::<Navigator>(this)?;
            Ok(JsValue::from(true))
        })
        .getter("platform", platform)
        .getter("userAgent", user_agent)
        .build::<Navigator>();
    let navigator = create(Navigator, context);
    put(&natives, "Navigator", navigator_class);
    put(&natives, "navigator", navigator);
    Ok(natives)
}

fn coarse(ms: f64) -> f64 {
    (ms * STEPS_PER_MS).floor() / STEPS_PER_MS
}

fn now(_: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    let elapsed = Origin::of_process().started.elapsed();
    Ok(JsValue::from(coarse(elapsed.as_secs_f64() * 1000.0)))
}

fn time_origin(_: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    Ok(JsValue::from(coarse(Origin::of_process().at_ms)))
}

fn language(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    receiver::<Navigator>(this)?;
    Ok(js_string!("en-US").into())
}

fn languages(this: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    receiver::<Navigator>(this)?;
    let list = JsArray::from_iter([js_string!("en-US").into()], context);
    JsObject::from(list.clone()).set_integrity_level(IntegrityLevel::Frozen, context)?;
    Ok(list.into())
}

fn platform(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    receiver::<Navigator>(this)?;
    Ok(js_string!("Linux x86_64").into())
}

fn user_agent(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    receiver::<Navigator>(this)?;
    // One product token and nothing more, as ECMA-429 recommends.
    Ok(js_string!("ValTownTown").into())
}
