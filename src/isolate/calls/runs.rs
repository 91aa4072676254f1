//! What the bridge tells of a run and of its bodies.

use boa_engine::JsArgs as _;
use boa_engine::{Context, JsResult, JsValue, js_string};

use super::http::{body_up, headers};
use super::program::module_spec;
use super::values::text;
use crate::isolate::host::{Host, bytes_of, type_error};
use crate::isolate::modules::Modules;
use crate::isolate::web::clone;
use crate::isolate::{errors, meter};
use crate::wire::{Level, Refused, Up};

pub(super) fn respond(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let run = run_id(args.get_or_undefined(0), context)?;
    let status = args.get_or_undefined(1).to_uint16(context)?;
    let headers = headers(args.get_or_undefined(2), context)?;
    let body = body_up(args.get_or_undefined(3), context)?;
    let host = Host::of(context);
    let cpu_us = host.meter.spent_us(run);
    host.send(&Up::Response {
        run,
        status,
        headers,
        body,
        cpu_us,
    });
    Ok(JsValue::undefined())
}

pub(super) fn returned(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let run = run_id(args.get_or_undefined(0), context)?;
    let value = clone::serialize(args.get_or_undefined(1), context)?;
    let host = Host::of(context);
    let cpu_us = host.meter.spent_us(run);
    host.send(&Up::Returned { run, value, cpu_us });
    Ok(JsValue::undefined())
}

pub(super) fn fail(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let run = run_id(args.get_or_undefined(0), context)?;
    let failure = errors::value_failure(args.get_or_undefined(1), context);
    let host = Host::of(context);
    let cpu_us = host.meter.spent_us(run);
    host.send(&Up::Failed {
        run,
        failure,
        cpu_us,
    });
    Ok(JsValue::undefined())
}

pub(super) fn done(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let run = run_id(args.get_or_undefined(0), context)?;
    let host = Host::of(context);
    host.executor.forget(run);
    let lines_dropped = host.lines.close(run);
    host.libraries.close(run);
    let cpu_us = host.meter.close(run);
    host.send(&Up::Done {
        run,
        cpu_us,
        memory_peak: meter::memory_peak(),
        lines_dropped,
    });
    Ok(JsValue::undefined())
}

pub(super) fn resolved(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let ask = args.get_or_undefined(0).to_u32(context)?;
    let value = args.get_or_undefined(1);
    let module = if value.is_null_or_undefined() {
        Ok(None)
    } else if let Some(message) = value.as_string() {
        Err(message.to_std_string_lossy())
    } else {
        module_spec(value, context)
            .map(Some)
            .map_err(|error| error.to_string())
    };
    Host::of(context).send(&Up::Resolved { ask, module });
    Ok(JsValue::undefined())
}

pub(super) fn open_sink(_: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    Ok(Host::of(context).open_sink().into())
}

pub(super) fn write(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let stream = args.get_or_undefined(0).to_u32(context)?;
    let bytes = bytes_of(args.get_or_undefined(1), context)?;
    Host::of(context).write(stream, &bytes, context)
}

pub(super) fn close_sink(
    _: &JsValue,
    args: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    let stream = args.get_or_undefined(0).to_u32(context)?;
    let failure = args.get_or_undefined(1);
    let failure = if failure.is_undefined() {
        None
    } else {
        Some(errors::value_failure(failure, context).message)
    };
    Host::of(context).close_sink(stream, failure);
    Ok(JsValue::undefined())
}

pub(super) fn pull(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let stream = args.get_or_undefined(0).to_u32(context)?;
    Host::of(context).pull(stream, context)
}

pub(super) fn cancel_source(
    _: &JsValue,
    args: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    let stream = args.get_or_undefined(0).to_u32(context)?;
    Host::of(context).cancel_source(stream);
    Ok(JsValue::undefined())
}

pub(super) fn untouched(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let stream = args.get_or_undefined(0).to_u32(context)?;
    Ok(Host::of(context).untouched(stream).into())
}

pub(super) fn line(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let level = match text(args.get_or_undefined(0), context)?.as_str() {
        "debug" => Level::Debug,
        "info" => Level::Info,
        "warn" => Level::Warn,
        "error" => Level::Error,
        _ => Level::Log,
    };
    let text = text(args.get_or_undefined(1), context)?;
    let host = Host::of(context);
    let run = host.executor.run();
    if host.lines.spend(run, text.len()) {
        host.send(&Up::Line { run, level, text });
        if host.lines.is_early(run) {
            // A lost kernel is noticed at the next read.
            let _ = host.flush();
        }
    }
    Ok(JsValue::undefined())
}

/// `(what, name)`: a module without authority has asked for it.
pub(super) fn refuse(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let what = match text(args.get_or_undefined(0), context)?.as_str() {
        "env" => Refused::Env,
        _ => Refused::File,
    };
    let name = text(args.get_or_undefined(1), context)?;
    Modules::of(context)?.refuse(what, &name, None, context);
    Ok(JsValue::undefined())
}

pub(super) fn run(_: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    Ok(from_run(Host::of(context).executor.run()))
}

// What has come for the run now running is work of its own: a message on a socket.
pub(super) fn renew(_: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let host = Host::of(context);
    host.meter.renew(host.executor.run());
    Ok(JsValue::undefined())
}

pub(super) fn enter(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let run = run_id(args.get_or_undefined(0), context)?;
    Ok(from_run(Host::of(context).executor.enter(run)))
}

pub(super) fn describe(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let failure = errors::value_failure(args.get_or_undefined(0), context);
    let text = if failure.stack.is_empty() {
        failure.message
    } else {
        failure.stack
    };
    Ok(js_string!(text.as_str()).into())
}

/// A run's id in JavaScript: its 64 bits as a number would lose some, so it is 16 digits of text.
pub fn from_run(run: u64) -> JsValue {
    js_string!(format!("{run:016x}").as_str()).into()
}

fn run_id(value: &JsValue, context: &mut Context) -> JsResult<u64> {
    let digits = text(value, context)?;
    u64::from_str_radix(&digits, 16).map_err(|_| type_error("No run of that id"))
}
