//! Kernel calls as native functions: JavaScript arguments to `Call`, `Answer` to JavaScript.

use boa_engine::object::builtins::{JsArray, JsUint8Array};
use boa_engine::object::{FunctionObjectBuilder, JsObject};
use boa_engine::property::PropertyKey;
use boa_engine::{
    Context, JsArgs, JsBigInt, JsResult, JsString, JsValue, NativeFunction, js_string,
};

use serde::de::DeserializeOwned;

use super::errors;
use super::forward;
use super::host::{Host, bytes_of, text_property, type_error, uint8_array};
use super::meter;
use super::modules::Modules;
use super::web::clone;
use crate::eval::compile::{Options, SourceKind};
use crate::grant::{GrantRequest, LoaderRequest, OutboundRequest};
use crate::limits::{BATCH_STATEMENTS_MAX, LimitsRequest, MODULES_MAX};
use crate::storage::{BatchMode, ResultSet, SqlArguments, SqlValue, Statement, Usage};
use crate::wire::{
    Answer, BodyDown, BodyUp, Call, Env, FileContent, FileFrom, Header, Isolation, Level,
    ModuleKind, ModuleSpec, ProgramSpec, Redirect, Refused, RequestHead, Spent, SystemChange,
    SystemFile, Target, Trust, Up,
};

/// Integers up to here are exact in a JavaScript number.
const SAFE_INTEGER: i64 = (1 << 53) - 1;

type Native = fn(&JsValue, &[JsValue], &mut Context) -> JsResult<JsValue>;

/// The object that the bridge script gets.
pub fn natives(context: &mut Context) -> JsResult<JsObject> {
    let table: &[(&str, usize, Native)] = &[
        ("execute", 2, execute),
        ("batch", 3, batch),
        ("subs", 2, subs),
        ("drop", 2, drop_below),
        ("changed", 2, changed),
        ("usage", 1, usage),
        ("setAlarm", 2, set_alarm),
        ("export", 2, export),
        ("import", 3, import),
        ("copy", 3, copy),
        ("revision", 1, revision),
        ("compile", 2, compile),
        ("isolateFetch", 6, isolate_fetch),
        ("isolateCall", 3, isolate_call),
        ("isolateAlarm", 4, isolate_alarm),
        ("isolateCancel", 2, isolate_cancel),
        ("isolateUsage", 1, isolate_usage),
        ("fetch", 6, fetch),
        ("systemList", 0, system_list),
        ("systemRead", 1, system_read),
        ("systemWrite", 3, system_write),
        ("systemRestore", 2, system_restore),
        ("systemChange", 3, system_change),
        ("systemHistory", 3, system_history),
        ("systemText", 1, system_text),
        ("systemReload", 0, system_reload),
        ("systemHealth", 0, system_health),
        ("respond", 5, respond),
        ("returned", 2, returned),
        ("fail", 2, fail),
        ("done", 1, done),
        ("resolved", 2, resolved),
        ("openSink", 0, open_sink),
        ("write", 2, write),
        ("closeSink", 2, close_sink),
        ("pull", 1, pull),
        ("cancelSource", 1, cancel_source),
        ("untouched", 1, untouched),
        ("line", 2, line),
        ("refuse", 2, refuse),
        ("run", 0, run),
        ("enter", 1, enter),
        ("renew", 0, renew),
        ("describe", 1, describe),
    ];
    let object = JsObject::with_null_proto();
    for (name, length, function) in table {
        let function =
            FunctionObjectBuilder::new(context.realm(), NativeFunction::from_fn_ptr(*function))
                .name(js_string!(*name))
                .length(*length)
                .build();
        object.create_data_property_or_throw(js_string!(*name), function, context)?;
    }
    Ok(object)
}

// ---- Storage

fn execute(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let names = names(args.get_or_undefined(0), context)?;
    let statement = statement(args.get_or_undefined(1), context)?;
    let call = Call::StorageExecute {
        names: names.clone(),
        statement,
    };
    Host::of(context).call(call, names, one_set, context)
}

fn batch(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let names = names(args.get_or_undefined(0), context)?;
    let list = items(args.get_or_undefined(1), context)?;
    if list.len() > BATCH_STATEMENTS_MAX {
        return Err(type_error(format!(
            "A batch of {} statements is over the limit of {BATCH_STATEMENTS_MAX}",
            list.len()
        )));
    }
    let statements = list
        .iter()
        .map(|item| statement(item, context))
        .collect::<JsResult<Vec<_>>>()?;
    let mode = match optional_text(args.get_or_undefined(2), context)?.as_deref() {
        None | Some("write") => BatchMode::Write,
        Some("read") => BatchMode::Read,
        Some("deferred") => BatchMode::Deferred,
        Some(other) => {
            return Err(type_error(format!(
                "{other} is no mode: write, read or deferred"
            )));
        }
    };
    let call = Call::StorageBatch {
        names: names.clone(),
        statements,
        mode,
    };
    Host::of(context).call(call, names, all_sets, context)
}

fn subs(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let names = names(args.get_or_undefined(0), context)?;
    let prefix = optional_text(args.get_or_undefined(1), context)?.unwrap_or_default();
    Host::of(context).call(
        Call::StorageSubs { names, prefix },
        Vec::new(),
        plain,
        context,
    )
}

fn drop_below(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let names = names(args.get_or_undefined(0), context)?;
    let name = text(args.get_or_undefined(1), context)?;
    Host::of(context).call(
        Call::StorageDrop { names, name },
        Vec::new(),
        plain,
        context,
    )
}

fn changed(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let names = names(args.get_or_undefined(0), context)?;
    let after = args.get_or_undefined(1).to_number(context)?;
    let after = if after.is_finite() && after > 0.0 {
        after as u64
    } else {
        0
    };
    let call = Call::StorageChanged {
        names: names.clone(),
        after,
    };
    Host::of(context).call(call, names, plain, context)
}

fn usage(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let names = names(args.get_or_undefined(0), context)?;
    Host::of(context).call(Call::StorageUsage { names }, Vec::new(), plain, context)
}

fn set_alarm(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let names = names(args.get_or_undefined(0), context)?;
    let at = args.get_or_undefined(1);
    let at_ms = if at.is_null() {
        None
    } else {
        Some(milliseconds(at, context)?)
    };
    let call = Call::StorageSetAlarm { names, at_ms };
    Host::of(context).call(call, Vec::new(), plain, context)
}

fn export(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let names = names(args.get_or_undefined(0), context)?;
    let note = optional_text(args.get_or_undefined(1), context)?;
    let call = Call::StorageExport { names, note };
    Host::of(context).call(call, Vec::new(), response, context)
}

fn import(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let names = names(args.get_or_undefined(0), context)?;
    let name = text(args.get_or_undefined(1), context)?;
    let body = body_up(args.get_or_undefined(2), context)?;
    let call = Call::StorageImport { names, name, body };
    Host::of(context).call(call, Vec::new(), plain, context)
}

fn copy(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let into = names(args.get_or_undefined(0), context)?;
    let name = text(args.get_or_undefined(1), context)?;
    let from = names(args.get_or_undefined(2), context)?;
    let call = Call::StorageCopy {
        names: into,
        name,
        from,
    };
    Host::of(context).call(call, Vec::new(), plain, context)
}

fn revision(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let names = names(args.get_or_undefined(0), context)?;
    Ok(number(Host::of(context).revision(&names)))
}

fn statement(value: &JsValue, context: &mut Context) -> JsResult<Statement> {
    let Some(object) = value.as_object() else {
        return Ok(Statement {
            sql: text(value, context)?,
            arguments: SqlArguments::None,
        });
    };
    let sql = text_property(&object, "sql", context)?
        .ok_or_else(|| type_error("A statement is a string, or an object with `sql`"))?;
    let args = object.get(js_string!("args"), context)?;
    let Some(args) = args.as_object() else {
        return Ok(Statement {
            sql,
            arguments: SqlArguments::None,
        });
    };
    let arguments = if args.is_array() {
        let values = items(&args.into(), context)?;
        let values = values.iter().map(|value| sql_value(value, context));
        SqlArguments::Positional(values.collect::<JsResult<_>>()?)
    } else {
        let mut named = Vec::new();
        for key in args.own_property_keys(context)? {
            let PropertyKey::String(name) = &key else {
                continue;
            };
            let name = name.to_std_string_lossy();
            let value = args.get(key, context)?;
            named.push((name, sql_value(&value, context)?));
        }
        SqlArguments::Named(named)
    };
    Ok(Statement { sql, arguments })
}

fn sql_value(value: &JsValue, context: &mut Context) -> JsResult<SqlValue> {
    if value.is_null_or_undefined() {
        return Ok(SqlValue::Null);
    }
    if let Some(flag) = value.as_boolean() {
        return Ok(SqlValue::Integer(i64::from(flag)));
    }
    if let Some(string) = value.as_string() {
        return Ok(SqlValue::Text(string.to_std_string_lossy()));
    }
    if let Some(real) = value.as_number() {
        #[allow(clippy::cast_precision_loss, reason = "the bound is exact")]
        let integral = real.fract() == 0.0 && real.abs() <= SAFE_INTEGER as f64;
        return Ok(if integral {
            SqlValue::Integer(real as i64)
        } else {
            SqlValue::Real(real)
        });
    }
    if let Some(big) = value.as_bigint() {
        let integer = big
            .to_string()
            .parse()
            .map_err(|_| type_error("A bigint beyond 64 bits does not fit into SQLite"))?;
        return Ok(SqlValue::Integer(integer));
    }
    if let Some(object) = value.as_object() {
        if let Ok(array) = JsUint8Array::from_object(object.clone()) {
            return Ok(SqlValue::Blob(array.to_vec(context)?));
        }
        if let Ok(buffer) = boa_engine::object::builtins::JsArrayBuffer::from_object(object.clone())
        {
            return Ok(SqlValue::Blob(buffer.to_vec().unwrap_or_default()));
        }
        if let Ok(date) = boa_engine::object::builtins::JsDate::from_object(object.clone()) {
            let iso = date.to_iso_string(context)?;
            return Ok(SqlValue::Text(text(&iso, context)?));
        }
    }
    Err(type_error(
        "SQLite takes null, numbers, bigints, strings, booleans, Dates and Uint8Arrays",
    ))
}

fn one_set(answer: Answer, context: &mut Context) -> JsResult<JsValue> {
    let Answer::Rows { sets, .. } = answer else {
        return unexpected();
    };
    match sets.into_iter().next() {
        Some(set) => result_set(set, context),
        None => unexpected(),
    }
}

fn all_sets(answer: Answer, context: &mut Context) -> JsResult<JsValue> {
    let Answer::Rows { sets, .. } = answer else {
        return unexpected();
    };
    let sets = sets
        .into_iter()
        .map(|set| result_set(set, context))
        .collect::<JsResult<Vec<_>>>()?;
    Ok(JsArray::from_iter(sets, context).into())
}

fn result_set(set: ResultSet, context: &mut Context) -> JsResult<JsValue> {
    let mut rows = Vec::with_capacity(set.rows.len());
    for row in set.rows {
        let values = row
            .into_iter()
            .map(|v| from_sql(v, context))
            .collect::<JsResult<Vec<_>>>()?;
        rows.push(JsValue::from(JsArray::from_iter(values, context)));
    }
    let columns = strings(&set.columns, context);
    let column_types = strings(&set.column_types, context);
    let rows = JsArray::from_iter(rows, context).into();
    let rowid = integer(set.last_insert_rowid);
    object(
        &[
            ("columns", columns),
            ("columnTypes", column_types),
            ("rows", rows),
            ("rowsAffected", number(set.rows_affected)),
            ("lastInsertRowid", rowid),
        ],
        context,
    )
}

fn from_sql(value: SqlValue, context: &mut Context) -> JsResult<JsValue> {
    Ok(match value {
        SqlValue::Null => JsValue::null(),
        SqlValue::Integer(value) => integer(value),
        SqlValue::Real(value) => value.into(),
        SqlValue::Text(value) => js_string!(value.as_str()).into(),
        SqlValue::Blob(bytes) => uint8_array(bytes, context)?,
    })
}

fn integer(value: i64) -> JsValue {
    if let Ok(small) = i32::try_from(value) {
        small.into()
    } else if value.unsigned_abs() <= SAFE_INTEGER.unsigned_abs() {
        #[allow(clippy::cast_precision_loss, reason = "just checked")]
        let exact = value as f64;
        exact.into()
    } else {
        JsBigInt::from(value).into()
    }
}

// ---- Loader and isolates

fn compile(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
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

fn isolate_fetch(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
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

fn isolate_call(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let target = target(args.get_or_undefined(0), context)?;
    let name = text(args.get_or_undefined(1), context)?;
    let args = clone::serialize(args.get_or_undefined(2), context)?;
    let call = Call::IsolateCall { target, name, args };
    Host::of(context).call(call, Vec::new(), plain, context)
}

fn isolate_alarm(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
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

fn isolate_cancel(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let id = text(args.get_or_undefined(0), context)?;
    let reason = optional_text(args.get_or_undefined(1), context)?.unwrap_or_default();
    Host::of(context).call(
        Call::IsolateCancel { id, reason },
        Vec::new(),
        plain,
        context,
    )
}

fn isolate_usage(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let id = text(args.get_or_undefined(0), context)?;
    Host::of(context).call(Call::IsolateUsage { id }, Vec::new(), plain, context)
}

fn fetch(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
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
fn target(value: &JsValue, context: &mut Context) -> JsResult<Target> {
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

fn program(value: Option<&JsValue>, context: &mut Context) -> JsResult<ProgramSpec> {
    let given = value
        .and_then(JsValue::as_object)
        .ok_or_else(|| type_error("A program is an object with `main` and `modules`"))?;
    let main = text_property(&given, "main", context)?
        .ok_or_else(|| type_error("A program needs `main`, the specifier of its first module"))?;
    let listed = given
        .get(js_string!("modules"), context)?
        .as_object()
        .ok_or_else(|| type_error("A program needs `modules`: specifier to source"))?;
    let keys = listed.own_property_keys(context)?;
    if keys.len() > MODULES_MAX {
        return Err(type_error(format!(
            "A program of {} modules is over the limit of {MODULES_MAX}",
            keys.len()
        )));
    }
    let mut modules = Vec::with_capacity(keys.len());
    for key in keys {
        let specifier = match &key {
            PropertyKey::String(name) => name.to_std_string_lossy(),
            PropertyKey::Index(index) => index.get().to_string(),
            PropertyKey::Symbol(_) => continue,
        };
        let module = listed.get(key, context)?;
        let module = module_spec(&module, context)
            .map_err(|error| type_error(format!("Module {specifier}: {error}")))?;
        modules.push((specifier, module));
    }
    let env = given.get(js_string!("env"), context)?;
    let env = if env.is_undefined() {
        JsObject::with_object_proto(context.intrinsics()).into()
    } else {
        env
    };
    let storage = given.get(js_string!("storage"), context)?;
    let storage = if storage.is_undefined() {
        None
    } else {
        Some(names(&storage, context)?)
    };
    let mounts = given.get(js_string!("mounts"), context)?;
    let mounts = if mounts.is_undefined() {
        Vec::new()
    } else {
        mounts_of(&mounts, context)?
    };
    let isolation = match text_property(&given, "isolation", context)?.as_deref() {
        None | Some("shared") => Isolation::Shared,
        Some("request") => Isolation::Request,
        Some(other) => {
            return Err(type_error(format!(
                "{other} is no isolation: shared or request"
            )));
        }
    };
    let resolve = given.get(js_string!("resolve"), context)?;
    let resolve = if resolve.is_undefined() {
        None
    } else {
        Some(resolve.to_u32(context)?)
    };
    let grant = GrantRequest {
        storage,
        mounts,
        loader: loader_request(&given, context)?,
        outbound: outbound_request(&given, context)?,
        limits: limits_request(&given, context)?,
    };
    let env = Env::Clone(clone::serialize(&env, context)?);
    let record_id = text_property(&given, "recordId", context)?;
    Ok(ProgramSpec {
        main,
        modules,
        env,
        grant,
        isolation,
        resolve,
        record_id,
    })
}

// `[name, names, ...]`: what the bridge makes of the storages it is given.
fn mounts_of(value: &JsValue, context: &mut Context) -> JsResult<Vec<(String, Vec<String>)>> {
    let parts = items(value, context)?;
    parts
        .chunks_exact(2)
        .map(|pair| Ok((text(&pair[0], context)?, names(&pair[1], context)?)))
        .collect()
}

fn loader_request(given: &JsObject, context: &mut Context) -> JsResult<Option<LoaderRequest>> {
    let Some(loader) = given.get(js_string!("loader"), context)?.as_object() else {
        return Ok(None);
    };
    let depth = loader.get(js_string!("depth"), context)?;
    let depth = depth.as_number().map(|depth| depth.clamp(0.0, 255.0) as u8);
    Ok(Some(LoaderRequest { depth }))
}

fn outbound_request(given: &JsObject, context: &mut Context) -> JsResult<Option<OutboundRequest>> {
    let Some(outbound) = given.get(js_string!("outbound"), context)?.as_object() else {
        return Ok(None);
    };
    let hosts = outbound.get(js_string!("hosts"), context)?;
    let hosts = if hosts.is_undefined() {
        None
    } else {
        Some(names(&hosts, context)?)
    };
    let private = outbound.get(js_string!("private"), context)?.to_boolean();
    Ok(Some(OutboundRequest { hosts, private }))
}

fn limits_request(given: &JsObject, context: &mut Context) -> JsResult<LimitsRequest> {
    let Some(limits) = given.get(js_string!("limits"), context)?.as_object() else {
        return Ok(LimitsRequest::default());
    };
    let mut read = |key: &str| -> JsResult<Option<u64>> {
        let value = limits.get(js_string!(key), context)?;
        if value.is_undefined() {
            return Ok(None);
        }
        match value.as_number() {
            Some(value) if value >= 0.0 => Ok(Some(value as u64)),
            _ => Err(type_error(format!(
                "The limit {key} is a number that is not negative"
            ))),
        }
    };
    let count = |value: Option<u64>| value.map(|v| u32::try_from(v).unwrap_or(u32::MAX));
    Ok(LimitsRequest {
        deadline_ms: read("deadlineMs")?,
        cpu_ms: read("cpuMs")?,
        stall_ms: read("stallMs")?,
        memory_mb: read("memoryMb")?,
        body_bytes: read("bodyBytes")?,
        log_bytes: read("logBytes")?,
        requests_open: count(read("requestsOpen")?),
        isolates: count(read("isolates")?),
        storage_bytes: read("storageBytes")?,
    })
}

/// A `Module` or `Redirect` of `kernel.d.ts`.
pub fn module_spec(value: &JsValue, context: &mut Context) -> JsResult<ModuleSpec> {
    let given = value
        .as_object()
        .ok_or_else(|| type_error("is an object with `type` and `source`, or with `redirect`"))?;
    if let Some(redirect) = text_property(&given, "redirect", context)? {
        return Ok(ModuleSpec::Redirect(redirect));
    }
    let trust = Trust {
        trusted: given.get(js_string!("trusted"), context)?.to_boolean(),
        group: text_property(&given, "group", context)?,
        private: given.get(js_string!("private"), context)?.to_boolean(),
    };
    let source = given.get(js_string!("source"), context)?;
    let kind = match text_property(&given, "type", context)?.as_deref() {
        Some("ts") => ModuleKind::Ts,
        Some("tsx") => ModuleKind::Tsx,
        Some("js") => ModuleKind::Js,
        Some("jsx") => ModuleKind::Jsx,
        Some("cjs") => ModuleKind::Cjs,
        Some("json") => ModuleKind::Json,
        Some("text") => ModuleKind::Text,
        Some("bytes") => {
            return Ok(ModuleSpec::Bytes {
                bytes: bytes_of(&source, context)?,
                trust,
            });
        }
        _ => {
            return Err(type_error(
                "`type` is ts, tsx, js, jsx, cjs, json, text or bytes",
            ));
        }
    };
    let source = source
        .as_string()
        .ok_or_else(|| type_error("`source` is a string"))?
        .to_std_string_lossy();
    let jsx_import_source = text_property(&given, "jsxImportSource", context)?;
    let imports = match given.get(js_string!("imports"), context)?.as_object() {
        None => Vec::new(),
        Some(imports) => imports_of(&imports, context)?,
    };
    Ok(ModuleSpec::Source {
        kind,
        source,
        trust,
        jsx_import_source,
        imports,
    })
}

fn imports_of(given: &JsObject, context: &mut Context) -> JsResult<Vec<(String, String)>> {
    let keys = given.own_property_keys(context)?;
    if keys.len() > MODULES_MAX {
        return Err(type_error(format!(
            "`imports` has more than {MODULES_MAX} names"
        )));
    }
    let mut imports = Vec::with_capacity(keys.len());
    for key in keys {
        let specifier = match &key {
            PropertyKey::String(name) => name.to_std_string_lossy(),
            PropertyKey::Index(index) => index.get().to_string(),
            PropertyKey::Symbol(_) => continue,
        };
        let target = given.get(key, context)?;
        imports.push((specifier, text(&target, context)?));
    }
    Ok(imports)
}

fn response(answer: Answer, context: &mut Context) -> JsResult<JsValue> {
    let (status, headers, url, redirected, body) = match answer {
        Answer::NeedProgram => return Ok(JsValue::undefined()),
        Answer::Response {
            status,
            headers,
            url,
            redirected,
            body,
        } => (status, headers, url, redirected, body),
        _ => return unexpected(),
    };
    let headers = flat_headers(&headers, context);
    let body = body_down(body, context)?;
    object(
        &[
            ("status", status.into()),
            ("headers", headers),
            ("url", js_string!(url.as_str()).into()),
            ("redirected", redirected.into()),
            ("body", body),
        ],
        context,
    )
}

/// What the bridge makes a body from: null, bytes, or the number of a stream.
pub fn body_down(body: BodyDown, context: &mut Context) -> JsResult<JsValue> {
    Ok(match body {
        BodyDown::Empty => JsValue::null(),
        BodyDown::Bytes(bytes) => uint8_array(bytes, context)?,
        BodyDown::Stream(stream) => {
            Host::of(context).open_source(stream);
            stream.into()
        }
    })
}

/// `[name, value, ...]`; each byte of a value is a character.
pub fn flat_headers(headers: &[Header], context: &mut Context) -> JsValue {
    let mut flat = Vec::with_capacity(2 * headers.len());
    for (name, value) in headers {
        flat.push(JsValue::from(js_string!(name.as_str())));
        let value = match std::str::from_utf8(value) {
            Ok(text) if text.is_ascii() => js_string!(text),
            _ => {
                let units: Vec<u16> = value.iter().copied().map(u16::from).collect();
                JsString::from(units.as_slice())
            }
        };
        flat.push(value.into());
    }
    JsArray::from_iter(flat, context).into()
}

fn request_head(args: &[JsValue], context: &mut Context) -> JsResult<RequestHead> {
    Ok(RequestHead {
        method: text(args.get_or_undefined(0), context)?,
        url: text(args.get_or_undefined(1), context)?,
        headers: headers(args.get_or_undefined(2), context)?,
    })
}

fn headers(value: &JsValue, context: &mut Context) -> JsResult<Vec<Header>> {
    let flat = items(value, context)?;
    flat.chunks_exact(2)
        .map(|pair| {
            let name = text(&pair[0], context)?;
            let value = pair[1].to_string(context)?;
            let bytes = value.iter().map(|unit| unit.to_le_bytes()[0]).collect();
            Ok((name, bytes))
        })
        .collect()
}

// null, a Uint8Array, the number of a kernel stream to join, or `[number]` of a stream of ours.
fn body_up(value: &JsValue, context: &mut Context) -> JsResult<BodyUp> {
    if value.is_null_or_undefined() {
        return Ok(BodyUp::Empty);
    }
    if value.is_number() {
        let stream = value.to_u32(context)?;
        Host::of(context).give_up(stream);
        return Ok(BodyUp::Join(stream));
    }
    if value.as_object().is_some_and(|object| object.is_array()) {
        let parts = items(value, context)?;
        let stream = parts.as_slice().get_or_undefined(0).to_u32(context)?;
        let length = parts.as_slice().get_or_undefined(2).as_number();
        #[allow(clippy::cast_sign_loss, reason = "the length of an array of bytes")]
        let length = length.map(|length| length as u64);
        return Ok(BodyUp::Stream { stream, length });
    }
    Ok(BodyUp::Bytes(bytes_of(value, context)?))
}

// ---- System

fn system_list(_: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    Host::of(context).call(Call::SystemList, Vec::new(), plain, context)
}

fn system_read(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let path = text(args.get_or_undefined(0), context)?;
    Host::of(context).call(Call::SystemRead { path }, Vec::new(), plain, context)
}

fn system_write(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let call = Call::SystemWrite {
        path: text(args.get_or_undefined(0), context)?,
        source: text(args.get_or_undefined(1), context)?,
        note: optional_text(args.get_or_undefined(2), context)?,
    };
    Host::of(context).call(call, Vec::new(), plain, context)
}

fn system_restore(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let call = Call::SystemRestore {
        path: optional_text(args.get_or_undefined(0), context)?,
        note: optional_text(args.get_or_undefined(1), context)?,
    };
    Host::of(context).call(call, Vec::new(), plain, context)
}

fn system_change(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let reload = args.get_or_undefined(2);
    let change = SystemChange {
        changes: data(args.get_or_undefined(0), "changes", context)?,
        note: optional_text(args.get_or_undefined(1), context)?,
        reload: if reload.is_undefined() {
            None
        } else {
            Some(data(reload, "reload", context)?)
        },
    };
    let call = Call::SystemChange(Box::new(change));
    Host::of(context).call(call, Vec::new(), plain, context)
}

fn system_history(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let before = args.get_or_undefined(1);
    let limit = args.get_or_undefined(2);
    let call = Call::SystemHistory {
        path: optional_text(args.get_or_undefined(0), context)?,
        before: if before.is_undefined() {
            None
        } else {
            Some(before.to_length(context)?.try_into().unwrap_or(i64::MAX))
        },
        limit: if limit.is_undefined() {
            u32::MAX
        } else {
            limit.to_u32(context)?
        },
    };
    Host::of(context).call(call, Vec::new(), plain, context)
}

fn system_text(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let digest = text(args.get_or_undefined(0), context)?;
    Host::of(context).call(Call::SystemText { digest }, Vec::new(), plain, context)
}

// An argument that is plain data of a shape.
fn data<T: DeserializeOwned>(value: &JsValue, name: &str, context: &mut Context) -> JsResult<T> {
    let json = value.to_json(context)?.unwrap_or_default();
    serde_json::from_value(json).map_err(|error| type_error(format!("`{name}`: {error}")))
}

fn system_reload(_: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    Host::of(context).call(Call::SystemReload, Vec::new(), plain, context)
}

fn system_health(_: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    Host::of(context).call(Call::SystemHealth, Vec::new(), plain, context)
}

// ---- Runs and bodies

fn respond(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
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

fn returned(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let run = run_id(args.get_or_undefined(0), context)?;
    let value = clone::serialize(args.get_or_undefined(1), context)?;
    let host = Host::of(context);
    let cpu_us = host.meter.spent_us(run);
    host.send(&Up::Returned { run, value, cpu_us });
    Ok(JsValue::undefined())
}

fn fail(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
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

fn done(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
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

fn resolved(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
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

fn open_sink(_: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    Ok(Host::of(context).open_sink().into())
}

fn write(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let stream = args.get_or_undefined(0).to_u32(context)?;
    let bytes = bytes_of(args.get_or_undefined(1), context)?;
    Host::of(context).write(stream, &bytes, context)
}

fn close_sink(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
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

fn pull(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let stream = args.get_or_undefined(0).to_u32(context)?;
    Host::of(context).pull(stream, context)
}

fn cancel_source(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let stream = args.get_or_undefined(0).to_u32(context)?;
    Host::of(context).cancel_source(stream);
    Ok(JsValue::undefined())
}

fn untouched(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let stream = args.get_or_undefined(0).to_u32(context)?;
    Ok(Host::of(context).untouched(stream).into())
}

fn line(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
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
fn refuse(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let what = match text(args.get_or_undefined(0), context)?.as_str() {
        "env" => Refused::Env,
        _ => Refused::File,
    };
    let name = text(args.get_or_undefined(1), context)?;
    Modules::of(context)?.refuse(what, &name, None, context);
    Ok(JsValue::undefined())
}

fn run(_: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    Ok(from_run(Host::of(context).executor.run()))
}

// What has come for the run now running is work of its own: a message on a socket.
fn renew(_: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let host = Host::of(context);
    host.meter.renew(host.executor.run());
    Ok(JsValue::undefined())
}

fn enter(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let run = run_id(args.get_or_undefined(0), context)?;
    Ok(from_run(Host::of(context).executor.enter(run)))
}

fn describe(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
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

// ---- Plain values

fn plain(answer: Answer, context: &mut Context) -> JsResult<JsValue> {
    Ok(match answer {
        Answer::Nothing | Answer::NeedProgram => JsValue::undefined(),
        Answer::Names(names) => strings(&names, context),
        Answer::Revision(revision) => number(revision),
        Answer::Value(bytes) => {
            // One more level, so that `undefined` as a value is not "no program".
            let value = clone::deserialize(&bytes, context)?;
            JsArray::from_iter([value], context).into()
        }
        Answer::Usage(Usage {
            bytes,
            bytes_below,
            bytes_max,
        }) => object(
            &[
                ("bytes", number(bytes)),
                ("bytesBelow", number(bytes_below)),
                ("bytesMax", number(bytes_max)),
            ],
            context,
        )?,
        Answer::Spent(Spent {
            isolates,
            runs,
            cpu_us,
        }) => object(
            &[
                ("isolates", number(isolates)),
                ("runs", number(runs)),
                ("cpuMs", number(cpu_us / 1000)),
            ],
            context,
        )?,
        Answer::Imported {
            databases,
            bytes,
            note,
        } => {
            let note = note.map_or(JsValue::null(), |note| js_string!(note.as_str()).into());
            let fields = [
                ("databases", number(databases)),
                ("bytes", number(bytes)),
                ("note", note),
            ];
            object(&fields, context)?
        }
        Answer::File(None) => JsValue::undefined(),
        Answer::File(Some(SystemFile {
            content,
            from,
            image,
            base,
            note,
        })) => {
            let or_null = |text: Option<String>| {
                text.map_or(JsValue::null(), |text| js_string!(text.as_str()).into())
            };
            let source = match content {
                FileContent::Text(text) => js_string!(text.as_str()).into(),
                FileContent::Bytes(bytes) => uint8_array(bytes, context)?,
            };
            let fields = [
                ("source", source),
                ("from", file_from(from)),
                ("image", or_null(image)),
                ("base", or_null(base)),
                ("note", or_null(note)),
            ];
            object(&fields, context)?
        }
        Answer::Json(json) => {
            let json = serde_json::from_str(&json)
                .map_err(|_| type_error("The kernel gave an answer that is no JSON"))?;
            JsValue::from_json(&json, context)?
        }
        Answer::Rows { .. } | Answer::Compiled(_) | Answer::Response { .. } | Answer::Module(_) => {
            return unexpected();
        }
    })
}

fn file_from(from: FileFrom) -> JsValue {
    let word = match from {
        FileFrom::Image => "image",
        FileFrom::Override => "override",
        FileFrom::Added => "added",
    };
    js_string!(word).into()
}

fn unexpected() -> JsResult<JsValue> {
    Err(type_error("The kernel gave an answer of another kind"))
}

/// A plain object.
pub fn object(fields: &[(&str, JsValue)], context: &mut Context) -> JsResult<JsValue> {
    let object = JsObject::with_object_proto(context.intrinsics());
    for (key, value) in fields {
        object.create_data_property_or_throw(js_string!(*key), value.clone(), context)?;
    }
    Ok(object.into())
}

fn strings(list: &[String], context: &mut Context) -> JsValue {
    let values: Vec<JsValue> = list
        .iter()
        .map(|text| js_string!(text.as_str()).into())
        .collect();
    JsArray::from_iter(values, context).into()
}

#[allow(
    clippy::cast_precision_loss,
    reason = "counts and sizes are far below 2^53"
)]
pub fn number(value: u64) -> JsValue {
    match i32::try_from(value) {
        Ok(small) => small.into(),
        Err(_) => (value as f64).into(),
    }
}

/// The value as text, lone surrogates replaced.
pub fn text(value: &JsValue, context: &mut Context) -> JsResult<String> {
    Ok(value.to_string(context)?.to_std_string_lossy())
}

fn optional_text(value: &JsValue, context: &mut Context) -> JsResult<Option<String>> {
    if value.is_null_or_undefined() {
        Ok(None)
    } else {
        text(value, context).map(Some)
    }
}

/// The items of an array as texts.
pub fn names(value: &JsValue, context: &mut Context) -> JsResult<Vec<String>> {
    items(value, context)?
        .iter()
        .map(|item| text(item, context))
        .collect()
}

fn milliseconds(value: &JsValue, context: &mut Context) -> JsResult<i64> {
    let at = value.to_number(context)?;
    if !at.is_finite() {
        return Err(type_error("A time is a Date or a number of milliseconds"));
    }
    Ok(at as i64)
}

fn items(value: &JsValue, context: &mut Context) -> JsResult<Vec<JsValue>> {
    let object = value
        .as_object()
        .ok_or_else(|| type_error("A list is needed"))?;
    let array = JsArray::from_object(object)?;
    let length = array.length(context)?;
    (0..length).map(|index| array.get(index, context)).collect()
}
