//! The loader, isolates, and `fetch`.

use boa_engine::JsArgs as _;
use boa_engine::object::JsObject;
use boa_engine::object::builtins::JsArray;
use boa_engine::{Context, JsResult, JsValue, js_string};

use super::http::{body_up, request_head, response};
use super::program::program;
use super::values::{
    items, milliseconds, names, object, optional_text, plain, strings, text, unexpected,
};
use crate::eval::compile::{Options, SourceKind};
use crate::isolate::forward;
use crate::isolate::host::{Host, text_property, type_error};
use crate::isolate::web::clone;
use crate::wire::{Answer, Call, Redirect, Target};

pub(super) fn compile(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let source = text(args.get_or_undefined(0), context)?;
    let given = args
        .get_or_undefined(1)
        .as_object()
        .ok_or_else(|| type_error("compile needs options with a `type`"))?;
    let kind = match text_property(&given, "type", context)?.as_deref() {
        Some("ts") => SourceKind::Ts,
        Some("tsx") => SourceKind::Tsx,
        Some("js") => SourceKind::Js,
        Some("jsx") => SourceKind::Jsx,
        _ => return Err(type_error("The type of a source is ts, tsx, js or jsx")),
    };
    let options = Options {
        kind,
        jsx_import_source: text_property(&given, "jsxImportSource", context)?,
        runs_here: given.get(js_string!("forProgram"), context)?.to_boolean(),
    };
    let specifier = text_property(&given, "specifier", context)?;
    let call = Call::LoaderCompile {
        source,
        options,
        specifier: specifier.unwrap_or_else(|| "source".into()),
    };
    Host::of(context).call(call, Vec::new(), compiled, context)
}

fn compiled(answer: Answer, context: &mut Context) -> JsResult<JsValue> {
    let Answer::Compiled(compiled) = answer else {
        return unexpected();
    };
    let mut imports = Vec::new();
    for import in &compiled.imports {
        let attributes = JsObject::with_object_proto(context.intrinsics());
        for (key, value) in &import.attributes {
            let value = js_string!(value.as_str());
            attributes.create_data_property_or_throw(js_string!(key.as_str()), value, context)?;
        }
        let fields = [
            ("specifier", js_string!(import.specifier.as_str()).into()),
            ("line", import.line.into()),
            ("column", import.column.into()),
            ("dynamic", import.dynamic.into()),
            ("attributes", attributes.into()),
        ];
        imports.push(object(&fields, context)?);
    }
    let imports = JsArray::from_iter(imports, context).into();
    let exports = strings(&compiled.exports, context);
    let fields = [
        ("code", js_string!(compiled.code.as_str()).into()),
        ("map", js_string!(compiled.map.as_str()).into()),
        ("imports", imports),
        ("exports", exports),
    ];
    object(&fields, context)
}

pub(super) fn isolate_fetch(
    _: &JsValue,
    args: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    let target = target(args.get_or_undefined(0), context)?;
    let mut head = request_head(&args[1..], context)?;
    let body = body_up(args.get_or_undefined(4), context)?;
    let forward = forward::read(args.get_or_undefined(5), context)?;
    forward::set_headers(&mut head.headers, &forward.headers);
    let call = Call::IsolateFetch {
        target,
        head,
        body,
        forward: Box::new(forward),
    };
    Host::of(context).call(call, Vec::new(), response, context)
}

pub(super) fn isolate_call(
    _: &JsValue,
    args: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    let target = target(args.get_or_undefined(0), context)?;
    let name = text(args.get_or_undefined(1), context)?;
    let args = clone::serialize(args.get_or_undefined(2), context)?;
    let call = Call::IsolateCall { target, name, args };
    Host::of(context).call(call, Vec::new(), plain, context)
}

pub(super) fn isolate_alarm(
    _: &JsValue,
    args: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    let target = target(args.get_or_undefined(0), context)?;
    let names = names(args.get_or_undefined(1), context)?;
    let scheduled_ms = milliseconds(args.get_or_undefined(2), context)?;
    let retries = args.get_or_undefined(3).to_u32(context)?;
    let call = Call::IsolateAlarm {
        target,
        names,
        scheduled_ms,
        retries,
    };
    Host::of(context).call(call, Vec::new(), plain, context)
}

pub(super) fn isolate_cancel(
    _: &JsValue,
    args: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    let id = text(args.get_or_undefined(0), context)?;
    let reason = optional_text(args.get_or_undefined(1), context)?.unwrap_or_default();
    Host::of(context).call(
        Call::IsolateCancel { id, reason },
        Vec::new(),
        plain,
        context,
    )
}

pub(super) fn isolate_prepare(
    _: &JsValue,
    args: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    let target = target(args.get_or_undefined(0), context)?;
    let call = Call::IsolatePrepare { target };
    let known = |answer, _: &mut Context| {
        Ok(match answer {
            Answer::NeedProgram => JsValue::undefined(),
            _ => true.into(),
        })
    };
    Host::of(context).call(call, Vec::new(), known, context)
}

pub(super) fn isolate_usage(
    _: &JsValue,
    args: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    let id = text(args.get_or_undefined(0), context)?;
    Host::of(context).call(Call::IsolateUsage { id }, Vec::new(), plain, context)
}

pub(super) fn fetch(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let head = request_head(args, context)?;
    let body = body_up(args.get_or_undefined(3), context)?;
    let redirect = match optional_text(args.get_or_undefined(4), context)?.as_deref() {
        Some("manual") => Redirect::Manual,
        Some("error") => Redirect::Error,
        _ => Redirect::Follow,
    };
    Host::of(context).call(
        Call::Fetch {
            head,
            body,
            redirect,
        },
        Vec::new(),
        response,
        context,
    )
}

// `[0, id]`, `[1, id, program]` or `[2, null, program]`: what the bridge makes.
pub(super) fn target(value: &JsValue, context: &mut Context) -> JsResult<Target> {
    let parts = items(value, context)?;
    let [kind, id, rest @ ..] = parts.as_slice() else {
        return Err(type_error("No isolate was named"));
    };
    Ok(match kind.to_u32(context)? {
        0 => Target::Id(text(id, context)?),
        1 => Target::Define(
            text(id, context)?,
            Box::new(program(rest.first(), context)?),
        ),
        _ => Target::Load(Box::new(program(rest.first(), context)?)),
    })
}
