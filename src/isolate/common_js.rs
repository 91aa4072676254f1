//! CommonJS: modules that call `require` and say by running what they export. One is run when it is
//! first imported or required, before the modules that import it are linked.

use std::cell::RefCell;
use std::future::Future;
use std::path::Path;
use std::rc::Rc;
use std::task::{Context as TaskContext, Poll, Waker};

use boa_engine::builtins::promise::PromiseState;
use boa_engine::object::builtins::JsFunction;
use boa_engine::object::{FunctionObjectBuilder, JsObject};
use boa_engine::property::PropertyKey;
use boa_engine::{
    Context, JsArgs, JsNativeError, JsResult, JsString, JsValue, Module, NativeFunction, js_string,
};

use super::host::{Host, type_error};
use super::modules::{Modules, directory, missing};
use super::node;
use crate::eval::compile::check_nesting;
use crate::wire::ModuleBody;

/// What a specifier without an extension may stand for, in the order of Node.
const ENDINGS: [&str; 9] = [
    "",
    ".js",
    ".cjs",
    ".json",
    ".ts",
    ".mjs",
    "/index.js",
    "/index.cjs",
    "/index.json",
];

/// What every function has, and none means to export.
const OF_FUNCTIONS: [&str; 5] = ["length", "name", "prototype", "arguments", "caller"];

/// The `require` of a module.
pub fn require_of(
    referrer: String,
    authority: bool,
    context: &mut Context,
) -> JsResult<JsFunction> {
    let make = |steps: fn(&Rc<Modules>, &str, &Referrer, &mut Context) -> JsResult<JsValue>,
                name: &'static str,
                context: &mut Context| {
        let referrer = Referrer {
            address: referrer.clone(),
            authority,
        };
        // SAFETY: what is captured has nothing of the engine's heap in it.
        let native = unsafe {
            NativeFunction::from_closure(move |_, args, context| {
                let asked = args.get_or_undefined(0);
                let Some(asked) = asked.as_string() else {
                    return Err(type_error("require takes the name of a module"));
                };
                let modules = Modules::of(context)?;
                steps(&modules, &asked.to_std_string_lossy(), &referrer, context)
            })
        };
        FunctionObjectBuilder::new(context.realm(), native)
            .name(js_string!(name))
            .length(1)
            .build()
    };
    let require = make(require, "require", context);
    let resolve = make(resolve, "resolve", context);
    require.create_data_property_or_throw(js_string!("resolve"), resolve, context)?;
    let cache = JsObject::with_null_proto();
    require.create_data_property_or_throw(js_string!("cache"), cache, context)?;
    Ok(require)
}

/// Who asks.
struct Referrer {
    address: String,
    authority: bool,
}

fn require(
    modules: &Rc<Modules>,
    asked: &str,
    from: &Referrer,
    context: &mut Context,
) -> JsResult<JsValue> {
    if let Some(specifier) = lookup(modules, asked, &from.address)
        && let Some((body, authority)) = modules.body(
            &specifier,
            &modules.importer_of(&from.address, from.authority),
            context,
        )
    {
        return match body {
            ModuleBody::CommonJs(code) => {
                let module = run(modules, &specifier, &code, authority, context)?;
                module.get(js_string!("exports"), context)
            }
            ModuleBody::Json(_) | ModuleBody::Text(_) | ModuleBody::Bytes(_) => {
                let namespace = required(modules, &specifier, from, context)?;
                namespace.get(js_string!("default"), context)
            }
            ModuleBody::Code(_) | ModuleBody::Redirect(_) | ModuleBody::Broken(_) => {
                let namespace = required(modules, &specifier, from, context)?;
                interoperable(&namespace, context)
            }
        };
    }
    let specifier = modules.resolved(asked, &from.address);
    match modules.builtin(&specifier, from.authority, context)? {
        Some(module) => Ok(module),
        None if specifier.starts_with("town:") => {
            Ok(required(modules, &specifier, from, context)?.into())
        }
        None => Err(missing(asked, Some(&from.address))),
    }
}

// The module here that `require` finds.
fn lookup(modules: &Modules, asked: &str, referrer: &str) -> Option<String> {
    let specifier = modules.resolved(asked, referrer);
    let mut names = ENDINGS.iter().map(|ending| format!("{specifier}{ending}"));
    names.find(|name| modules.has(name))
}

fn resolve(
    modules: &Rc<Modules>,
    asked: &str,
    from: &Referrer,
    _: &mut Context,
) -> JsResult<JsValue> {
    let found = lookup(modules, asked, &from.address);
    match found {
        Some(specifier) => Ok(js_string!(specifier.as_str()).into()),
        None if node::knows(asked) => Ok(js_string!(asked).into()),
        None => Err(missing(asked, Some(&from.address))),
    }
}

/// Runs a module once; its `module` object. Who is required in a circle is found half made.
pub fn run(
    modules: &Rc<Modules>,
    specifier: &str,
    code: &str,
    authority: bool,
    context: &mut Context,
) -> JsResult<JsObject> {
    let key = (specifier.to_string(), authority);
    if let Some(module) = modules.common.borrow().get(&key) {
        return Ok(module.clone());
    }
    let code = if code.starts_with("#!") {
        format!("//{code}")
    } else {
        code.to_string()
    };
    // A function around it, so that the module may declare such names itself.
    let wrapped = format!(
        "(function (Deno, process) {{ return function \
         (exports, require, module, __filename, __dirname) {{{code}\n}} }})"
    );
    // No compiler has read it, as it has modules.
    if let Err(error) = check_nesting(&code) {
        let error = JsNativeError::syntax().with_message(format!("{error} ({specifier})"));
        return Err(error.into());
    }
    let function = context.eval_text(&wrapped, Some(Path::new(specifier)))?;
    let no_function = || type_error("A CommonJS module did not compile to a function");
    let function = function.as_function().ok_or_else(no_function)?;
    let globals = modules.globals_of(authority);
    let globals = [
        globals.get(js_string!("Deno"), context)?,
        globals.get(js_string!("process"), context)?,
    ];
    let function = function.call(&JsValue::undefined(), &globals, context)?;
    let function = function.as_function().ok_or_else(no_function)?;
    let module = JsObject::with_object_proto(context.intrinsics());
    let exports = JsObject::with_object_proto(context.intrinsics());
    let require = require_of(specifier.to_string(), authority, context)?;
    let name = JsValue::from(js_string!(specifier));
    for (key, value) in [
        ("id", name.clone()),
        ("filename", name.clone()),
        ("exports", exports.clone().into()),
        ("loaded", false.into()),
        ("require", require.clone().into()),
    ] {
        module.create_data_property_or_throw(js_string!(key), value, context)?;
    }
    modules
        .common
        .borrow_mut()
        .insert(key.clone(), module.clone());
    let arguments: [JsValue; 5] = [
        exports.clone().into(),
        require.into(),
        module.clone().into(),
        name,
        js_string!(directory(specifier)).into(),
    ];
    let ran = function.call(&exports.into(), &arguments, context);
    if let Err(error) = ran {
        modules.common.borrow_mut().remove(&key);
        return Err(error);
    }
    module.create_data_property_or_throw(js_string!("loaded"), true, context)?;
    Ok(module)
}

/// The names and values that an importer of what a module exports sees: `default` is all of it.
pub fn exported(value: JsValue, context: &mut Context) -> JsResult<(Vec<JsString>, JsObject)> {
    let made = JsObject::with_null_proto();
    let mut names = vec![js_string!("default")];
    made.create_data_property_or_throw(js_string!("default"), value.clone(), context)?;
    if let Some(object) = value.as_object() {
        for key in object.own_property_keys(context)? {
            let PropertyKey::String(name) = &key else {
                continue;
            };
            let of_function = object.is_callable() && OF_FUNCTIONS.iter().any(|own| name == own);
            if *name == js_string!("default") || of_function {
                continue;
            }
            // What throws when it is read is no export.
            let Ok(value) = object.get(key.clone(), context) else {
                continue;
            };
            made.create_data_property_or_throw(key.clone(), value, context)?;
            names.push(name.clone());
        }
    }
    Ok((names, made))
}

// The namespace of a module that is no CommonJS, loaded and evaluated on the spot.
fn required(
    modules: &Rc<Modules>,
    specifier: &str,
    from: &Referrer,
    context: &mut Context,
) -> JsResult<JsObject> {
    let module = modules
        .find(
            specifier,
            &modules.importer_of(&from.address, from.authority),
            context,
        )?
        .ok_or_else(|| missing(specifier, Some(&from.address)))?;
    load(&module, specifier, context)?;
    module.link(context)?;
    let evaluated = module.evaluate(context)?;
    match evaluated.state() {
        PromiseState::Fulfilled(_) => Ok(module.namespace(context)),
        PromiseState::Rejected(reason) => Err(boa_engine::JsError::from_opaque(reason)),
        PromiseState::Pending => Err(type_error(format!(
            "{specifier} cannot be required: it awaits at its top level. Import it instead"
        ))),
    }
}

// Loading is queued as futures, which the event loop would only poll once this call is over.
fn load(module: &Module, specifier: &str, context: &mut Context) -> JsResult<()> {
    let executor = Host::of(context).executor.clone();
    let others = executor.take_futures();
    let loading = module.load(context);
    let cell = RefCell::new(context);
    let mut left = executor.take_futures();
    while let Some((_, job)) = left.pop() {
        let mut task = Box::pin(job.call(&cell));
        let polled = task
            .as_mut()
            .poll(&mut TaskContext::from_waker(Waker::noop()));
        match polled {
            Poll::Ready(result) => {
                result?;
            }
            Poll::Pending => {
                executor.put_back(others);
                return Err(type_error(format!(
                    "{specifier} cannot be required: it imports what has to be asked for"
                )));
            }
        }
        left.extend(executor.take_futures());
    }
    executor.put_back(others);
    match loading.state() {
        PromiseState::Rejected(reason) => Err(boa_engine::JsError::from_opaque(reason)),
        PromiseState::Fulfilled(_) | PromiseState::Pending => Ok(()),
    }
}

// What transpiled modules expect of one that has a default export.
fn interoperable(namespace: &JsObject, context: &mut Context) -> JsResult<JsValue> {
    if !namespace.has_property(js_string!("default"), context)? {
        return Ok(namespace.clone().into());
    }
    let copy = JsObject::with_object_proto(context.intrinsics());
    copy.create_data_property_or_throw(js_string!("__esModule"), true, context)?;
    for key in namespace.own_property_keys(context)? {
        if let PropertyKey::String(_) = &key {
            let value = namespace.get(key.clone(), context)?;
            copy.create_data_property_or_throw(key, value, context)?;
        }
    }
    Ok(copy.into())
}
