//! The modules of Node: each a script beside this file, evaluated when a program first asks for it.
//!
//! A script's completion value is a function `(native, web, require)` that returns the module. That
//! is frozen with all it leads to: modules with authority and without share it.
//! Names that begin with `internal/` are for the scripts themselves; no program can import them.

use std::collections::HashMap;
use std::path::Path;

use boa_engine::object::builtins::{JsArray, JsFunction};
use boa_engine::{
    Context, Finalize, JsArgs, JsData, JsObject, JsResult, JsString, JsValue, NativeFunction,
    Trace, js_string,
};

use super::harden::harden_later;
use super::host::{Host, type_error};
use super::modules::Modules;
use super::web::{crypto, native_object};

mod buffer;
mod codecs;
mod hashes;
mod text;
mod values;

/// What every program is given as globals, so what is evaluated before the fork.
const EAGER: [&str; 3] = ["internal/process", "buffer", "timers"];

/// Makes what Node has as globals those of the program: given what `EAGER` loads.
const GLOBALS: &str = "(_, { Buffer }, { setImmediate, clearImmediate }) => {
    const globals = { Buffer, global: globalThis, setImmediate, clearImmediate };
    for (const name in globals) {
        const value = globals[name];
        const property = { value, writable: true, enumerable: false, configurable: true };
        Object.defineProperty(globalThis, name, property);
    }
}";

/// A module: its name, and the script that makes it. Scripts that make several return an object of
/// functions, by the names of the modules.
struct Builtin {
    name: &'static str,
    file: &'static str,
    script: &'static str,
    made_by_name: bool,
}

const fn one(name: &'static str, file: &'static str, script: &'static str) -> Builtin {
    Builtin {
        name,
        file,
        script,
        made_by_name: false,
    }
}

const fn small(name: &'static str) -> Builtin {
    Builtin {
        name,
        file: "small.js",
        script: include_str!("small.js"),
        made_by_name: true,
    }
}

const fn refused(name: &'static str) -> Builtin {
    Builtin {
        name,
        file: "refused.js",
        script: include_str!("refused.js"),
        made_by_name: true,
    }
}

const BUILTINS: &[Builtin] = &[
    one("internal/errors", "errors.js", include_str!("errors.js")),
    one("internal/equal", "equal.js", include_str!("equal.js")),
    one("assert", "assert.js", include_str!("assert.js")),
    one(
        "async_hooks",
        "async_hooks.js",
        include_str!("async_hooks.js"),
    ),
    one("buffer", "buffer.js", include_str!("buffer.js")),
    one("crypto", "crypto.js", include_str!("crypto.js")),
    one(
        "diagnostics_channel",
        "diagnostics_channel.js",
        include_str!("diagnostics_channel.js"),
    ),
    one("events", "events.js", include_str!("events.js")),
    one("fs", "fs.js", include_str!("fs.js")),
    one("path", "path.js", include_str!("path.js")),
    one("internal/process", "process.js", include_str!("process.js")),
    one(
        "querystring",
        "querystring.js",
        include_str!("querystring.js"),
    ),
    one("stream", "stream.js", include_str!("stream.js")),
    one(
        "string_decoder",
        "string_decoder.js",
        include_str!("string_decoder.js"),
    ),
    one("timers", "timers.js", include_str!("timers.js")),
    one("url", "url.js", include_str!("url.js")),
    one("util", "util.js", include_str!("util.js")),
    one("util/types", "util_types.js", include_str!("util_types.js")),
    one("zlib", "zlib.js", include_str!("zlib.js")),
    small("constants"),
    small("module"),
    small("os"),
    small("perf_hooks"),
    small("punycode"),
    small("stream/consumers"),
    small("stream/web"),
    small("test"),
    refused("child_process"),
    refused("cluster"),
    refused("dgram"),
    refused("dns"),
    refused("http"),
    refused("http2"),
    refused("https"),
    refused("inspector"),
    refused("net"),
    refused("readline"),
    refused("repl"),
    refused("sqlite"),
    refused("tls"),
    refused("tty"),
    refused("v8"),
    refused("vm"),
    refused("worker_threads"),
];

/// Modules that are a property of another.
const PARTS: [(&str, &str, &str); 13] = [
    ("assert/strict", "assert", "strict"),
    ("dns/promises", "dns", "promises"),
    ("fs/promises", "fs", "promises"),
    ("inspector/promises", "inspector", "promises"),
    ("path/posix", "path", "posix"),
    ("path/win32", "path", "win32"),
    ("readline/promises", "readline", "promises"),
    ("stream/promises", "stream", "promises"),
    ("sys", "util", ""),
    ("timers/promises", "timers", "promises"),
    ("console", "", "console"),
    ("process", "", "process"),
    ("test/reporters", "test", ""),
];

/// Those that have no name without `node:`.
const ONLY_WITH_SCHEME: [&str; 3] = ["test", "test/reporters", "sqlite"];

/// What the scripts share, and what they have made so far.
#[derive(Trace, Finalize, JsData)]
struct State {
    native: JsObject,
    web: JsObject,
    require: JsFunction,
    made: HashMap<String, JsValue>,
}

/// Prepares the modules and puts the globals of Node into the realm.
pub fn install(context: &mut Context, web: &JsObject) -> JsResult<()> {
    let native = native_object(
        &[
            ("frame", frame),
            ("setFrame", set_frame),
            ("builtin", builtin),
            ("names", names),
            ("createRequire", create_require),
        ],
        context,
    )?;
    for part in [
        buffer::FUNCTIONS,
        codecs::FUNCTIONS,
        hashes::FUNCTIONS,
        text::FUNCTIONS,
        values::FUNCTIONS,
    ] {
        for &(name, pointer) in part {
            let function = NativeFunction::from_fn_ptr(pointer).to_js_function(context.realm());
            native.create_data_property_or_throw(js_string!(name), function, context)?;
        }
    }
    // The ciphers are those of `crypto.subtle`.
    let aes = crypto::natives(context)?.get(js_string!("aes"), context)?;
    native.create_data_property_or_throw(js_string!("aes"), aes, context)?;
    let read_file = NativeFunction::from_fn_ptr(read_file).to_js_function(context.realm());
    web.create_data_property_or_throw(js_string!("readFile"), read_file, context)?;
    let require = NativeFunction::from_fn_ptr(|_, args, context| {
        let name = args.get_or_undefined(0).to_string(context)?;
        let name = name.to_std_string_lossy();
        load(&name, context)?
            .ok_or_else(|| type_error(format!("There is no module {name} in Node")))
    });
    let require = require.to_js_function(context.realm());
    context.insert_data(State {
        native,
        web: web.clone(),
        require,
        made: HashMap::new(),
    });
    for name in EAGER {
        load(name, context)?;
    }
    let mut arguments = Vec::new();
    for name in EAGER {
        arguments.extend(load(name, context)?);
    }
    let globals = context.eval_text(GLOBALS, None)?;
    if let Some(globals) = globals.as_callable() {
        globals.call(&JsValue::undefined(), &arguments, context)?;
    }
    Ok(())
}

/// Whether a specifier names a module of Node.
pub fn knows(specifier: &str) -> bool {
    public_name(specifier).is_some()
}

/// The module that a specifier names, evaluated at its first use.
pub fn module(specifier: &str, context: &mut Context) -> JsResult<Option<JsValue>> {
    match public_name(specifier) {
        Some(name) => load(name, context),
        None => Ok(None),
    }
}

fn public_name(specifier: &str) -> Option<&str> {
    let (name, scheme) = match specifier.strip_prefix("node:") {
        Some(name) => (name, true),
        None => (specifier, false),
    };
    let known = BUILTINS.iter().any(|builtin| builtin.name == name)
        || PARTS.iter().any(|(part, _, _)| *part == name);
    let named = known && !name.starts_with("internal/");
    (named && (scheme || !ONLY_WITH_SCHEME.contains(&name))).then_some(name)
}

fn load(name: &str, context: &mut Context) -> JsResult<Option<JsValue>> {
    if let Some((_, whole, property)) = PARTS.iter().find(|(part, _, _)| *part == name) {
        let whole = if whole.is_empty() {
            Some(context.global_object().into())
        } else {
            load(whole, context)?
        };
        return match (whole, *property) {
            (Some(whole), "") => Ok(Some(whole)),
            (Some(whole), property) => {
                let whole = whole.to_object(context)?;
                Ok(Some(whole.get(js_string!(property), context)?))
            }
            (None, _) => Ok(None),
        };
    }
    if let Some(made) = context.get_data::<State>().and_then(|s| s.made.get(name)) {
        return Ok(Some(made.clone()));
    }
    let Some(builtin) = BUILTINS.iter().find(|builtin| builtin.name == name) else {
        return Ok(None);
    };
    let module = if builtin.made_by_name {
        let makers = script(builtin, context)?.to_object(context)?;
        let maker = makers.get(js_string!(name), context)?;
        let maker = maker
            .as_callable()
            .ok_or_else(|| type_error(format!("{} does not make {name}", builtin.file)))?;
        maker.call(&JsValue::undefined(), &[], context)?
    } else {
        script(builtin, context)?
    };
    harden_later(&module, context)?;
    keep(name, module.clone(), context);
    Ok(Some(module))
}

// What a script returns, once for each file.
fn script(builtin: &Builtin, context: &mut Context) -> JsResult<JsValue> {
    let state = context.get_data::<State>();
    if let Some(made) = state.and_then(|state| state.made.get(builtin.file)) {
        return Ok(made.clone());
    }
    let path = format!("node:{}", builtin.file.trim_end_matches(".js"));
    let function = context.eval_text(builtin.script, Some(Path::new(&path)))?;
    let function = function
        .as_callable()
        .ok_or_else(|| type_error(format!("{} is no function", builtin.file)))?;
    let Some(state) = context.get_data::<State>() else {
        return Err(type_error("The modules of Node are not installed"));
    };
    let arguments: [JsValue; 3] = [
        state.native.clone().into(),
        state.web.clone().into(),
        state.require.clone().into(),
    ];
    let made = function.call(&JsValue::undefined(), &arguments, context)?;
    keep(builtin.file, made.clone(), context);
    Ok(made)
}

/// The modules that are there already.
pub fn made(context: &Context) -> Vec<JsValue> {
    let state = context.get_data::<State>();
    state.map_or_else(Vec::new, |state| state.made.values().cloned().collect())
}

fn keep(name: &str, value: JsValue, context: &mut Context) {
    let host = context.host_defined_mut();
    if let Some(state) = host.get_mut::<State>() {
        state.made.insert(name.to_string(), value);
    }
}

/// What travels with promises and timers: see `async_hooks.js`.
fn frame(_: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    Ok(match Host::of(context).executor.frame() {
        Some(frame) => frame.into(),
        None => JsValue::undefined(),
    })
}

fn set_frame(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let frame = args.get_or_undefined(0).as_object();
    Host::of(context).executor.set_frame(frame);
    Ok(JsValue::undefined())
}

fn builtin(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let name = args.get_or_undefined(0).to_string(context)?;
    let found = module(&name.to_std_string_lossy(), context)?;
    Ok(found.unwrap_or_default())
}

fn names(_: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let parts = PARTS.iter().map(|(name, _, _)| *name);
    let mut names: Vec<&str> = BUILTINS.iter().map(|builtin| builtin.name).collect();
    names.extend(parts);
    names.retain(|name| public_name(name).is_some());
    names.sort_unstable();
    let names: Vec<JsValue> = names
        .into_iter()
        .map(|name| JsString::from(name).into())
        .collect();
    Ok(JsArray::from_iter(names, context).into())
}

/// A `require` for a module of that address, without authority.
fn create_require(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let referrer = args.get_or_undefined(0).to_string(context)?;
    let require = super::common_js::require_of(referrer.to_std_string_lossy(), false, context)?;
    Ok(require.into())
}

/// The bytes of a file of the program; undefined when there is none.
fn read_file(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let path = args.get_or_undefined(0).to_string(context)?;
    let path = path.to_std_string_lossy();
    let modules = Modules::of(context)?;
    match modules.file(&path)? {
        Some(bytes) => super::host::uint8_array(bytes, context),
        None => Ok(JsValue::undefined()),
    }
}
