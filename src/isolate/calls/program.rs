//! What a program gives to start another: its modules, its grant, its limits.

use boa_engine::object::JsObject;
use boa_engine::property::PropertyKey;
use boa_engine::{Context, JsResult, JsValue, js_string};

use super::values::{items, names, text};
use crate::grant::{GrantRequest, LoaderRequest, OutboundRequest};
use crate::isolate::host::{bytes_of, text_property, type_error};
use crate::isolate::web::clone;
use crate::limits::{LimitsRequest, MODULES_MAX};
use crate::wire::{Env, Isolation, ModuleKind, ModuleSpec, ProgramSpec, Trust};

pub(super) fn program(value: Option<&JsValue>, context: &mut Context) -> JsResult<ProgramSpec> {
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
    let repairs = text_property(&given, "repairs", context)?;
    Ok(ProgramSpec {
        main,
        modules,
        env,
        grant,
        isolation,
        resolve,
        record_id,
        repairs,
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
