//! Records of runs as JavaScript objects: what `tail` is called with.

use boa_engine::object::builtins::JsArray;
use boa_engine::{Context, JsResult, JsValue, js_string};

use super::calls::{from_run, number, object};
use crate::eval::record::{RunEvent, TailEvent};
use crate::wire::Failure;

/// The list of events.
pub fn list(events: Vec<TailEvent>, context: &mut Context) -> JsResult<JsValue> {
    let mut made = Vec::with_capacity(events.len());
    for event in events {
        made.push(match event {
            TailEvent::Run(event) => run(*event, context)?,
            TailEvent::Log {
                run,
                id,
                at_ms,
                level,
                text,
            } => object(
                &[
                    ("type", js_string!("log").into()),
                    ("run", from_run(run)),
                    ("id", optional(id)),
                    ("at", number(at_ms)),
                    ("level", js_string!(level.word()).into()),
                    ("text", js_string!(text.as_str()).into()),
                ],
                context,
            )?,
        });
    }
    Ok(JsArray::from_iter(made, context).into())
}

fn run(event: RunEvent, context: &mut Context) -> JsResult<JsValue> {
    let error = match event.error {
        None => JsValue::null(),
        Some(failure) => error(failure, context)?,
    };
    #[allow(
        clippy::cast_precision_loss,
        reason = "CPU times are far below 2^53 us"
    )]
    let cpu_ms = event.cpu_us as f64 / 1000.0;
    object(
        &[
            ("type", js_string!("run").into()),
            ("run", from_run(event.run)),
            ("parent", event.parent.map_or(JsValue::null(), from_run)),
            ("id", optional(event.id)),
            ("kind", js_string!(event.kind.word()).into()),
            ("startedAt", number(event.started_ms)),
            ("endedAt", number(event.ended_ms)),
            ("cpuMs", cpu_ms.into()),
            ("memoryPeak", number(event.memory_peak)),
            ("outcome", js_string!(event.outcome.word()).into()),
            ("error", error),
            ("method", optional(event.method)),
            ("url", optional(event.url)),
            (
                "status",
                event.status.map_or(JsValue::null(), JsValue::from),
            ),
            ("linesDropped", event.lines_dropped.into()),
        ],
        context,
    )
}

fn error(failure: Failure, context: &mut Context) -> JsResult<JsValue> {
    let mut fields = vec![
        ("message", js_string!(failure.message.as_str()).into()),
        ("stack", js_string!(failure.stack.as_str()).into()),
    ];
    if let Some((limit, value)) = &failure.limit {
        fields.push(("limit", js_string!(limit.as_str()).into()));
        fields.push(("value", number(*value)));
    }
    object(&fields, context)
}

fn optional(text: Option<String>) -> JsValue {
    text.map_or(JsValue::null(), |text| js_string!(text.as_str()).into())
}
