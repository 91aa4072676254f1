//! Modules that no file has: what the kernel gives a program, and what Node has, as modules with
//! and without authority see it.

use std::path::Path;

use boa_engine::module::SyntheticModuleInitializer;
use boa_engine::object::JsObject;
use boa_engine::property::PropertyKey;
use boa_engine::{Context, JsResult, JsString, JsValue, Module, NativeFunction, js_string};

use super::Modules;
use crate::isolate::host::type_error;
use crate::isolate::{common_js, node};
use crate::wire::Refused;

/// The specifier under which the capabilities are imported.
pub(super) const KERNEL: &str = "town:kernel";
/// The specifier under which compiled modules import those globals that depend on authority.
pub(super) const GLOBALS: &str = "town:globals";
/// What a program may ask of its own process.
pub(super) const RUNTIME: &str = "town:runtime";

impl Modules {
    pub(super) fn kernel(&self, authority: bool, context: &mut Context) -> Module {
        let capabilities = self.capabilities.borrow();
        let exports = capabilities
            .as_ref()
            .map(|capabilities| capabilities.of(authority).kernel.clone());
        let exports = exports.unwrap_or_else(JsObject::with_null_proto);
        let names = ["storage", "loader", "env", "system"].map(|name| js_string!(name));
        synthetic(KERNEL, &names, exports, context)
    }

    pub(super) fn runtime(&self, context: &mut Context) -> Module {
        let exports = JsObject::with_null_proto();
        if let Some(capabilities) = &*self.capabilities.borrow() {
            let wait_until = capabilities.wait_until.clone();
            // A fresh object takes any property.
            let _ = exports.create_data_property(js_string!("waitUntil"), wait_until, context);
        }
        synthetic(RUNTIME, &[js_string!("waitUntil")], exports, context)
    }

    /// The globals that depend on authority.
    pub fn globals_of(&self, authority: bool) -> JsObject {
        let capabilities = self.capabilities.borrow();
        capabilities
            .as_ref()
            .map(|capabilities| capabilities.of(authority).globals.clone())
            .unwrap_or_else(JsObject::with_null_proto)
    }

    pub(super) fn globals(&self, authority: bool, context: &mut Context) -> JsResult<Module> {
        let exports = self.globals_of(authority);
        let names: Vec<JsString> = exports
            .own_property_keys(context)?
            .into_iter()
            .filter_map(|key| match key {
                PropertyKey::String(name) => Some(name),
                PropertyKey::Symbol(_) | PropertyKey::Index(_) => None,
            })
            .collect();
        Ok(synthetic(GLOBALS, &names, exports, context))
    }

    /// One of Node's modules, as a module sees it that has authority or not.
    pub fn builtin(
        &self,
        specifier: &str,
        authority: bool,
        context: &mut Context,
    ) -> JsResult<Option<JsValue>> {
        let name = specifier.strip_prefix("node:").unwrap_or(specifier);
        match name {
            "process" => {
                let globals = self.globals_of(authority);
                Ok(Some(globals.get(js_string!("process"), context)?))
            }
            "fs" | "fs/promises" if !authority => {
                let whole = node::module(specifier, context)?;
                whole
                    .map(|whole| refusing(name, &whole, context))
                    .transpose()
            }
            _ => node::module(specifier, context),
        }
    }
}

// The same names as of a module of Node's, none of which can be used.
fn refusing(name: &str, whole: &JsValue, context: &mut Context) -> JsResult<JsValue> {
    let refused = JsObject::with_object_proto(context.intrinsics());
    let Some(whole) = whole.as_object() else {
        return Ok(refused.into());
    };
    let message = format!("{name} is not available to modules without authority");
    for key in whole.own_property_keys(context)? {
        let message = message.clone();
        // SAFETY: what is captured has nothing of the engine's heap in it.
        let refuse = unsafe {
            NativeFunction::from_closure(move |_, args, context| {
                if let Some(path) = args.first().and_then(JsValue::as_string) {
                    let path = path.to_std_string_lossy();
                    Modules::of(context)?.refuse(Refused::File, &path, None, context);
                }
                Err(type_error(message.clone()))
            })
        };
        let refuse = refuse.to_js_function(context.realm());
        refused.create_data_property_or_throw(key, refuse, context)?;
    }
    Ok(refused.into())
}

/// A module of what something exports, as its importers see it.
pub(super) fn wrap(specifier: &str, exports: JsValue, context: &mut Context) -> JsResult<Module> {
    let (names, made) = common_js::exported(exports, context)?;
    Ok(synthetic(specifier, &names, made, context))
}

fn synthetic(
    specifier: &str,
    names: &[JsString],
    exports: JsObject,
    context: &mut Context,
) -> Module {
    let listed: Vec<JsString> = names.to_vec();
    let steps = SyntheticModuleInitializer::from_copy_closure_with_captures(
        |module, (names, exports): &(Vec<JsString>, JsObject), context| {
            for name in names {
                let value = exports.get(name.clone(), context)?;
                module.set_export(name, value)?;
            }
            Ok(())
        },
        (listed, exports),
    );
    Module::synthetic(
        names,
        steps,
        Some(Path::new(specifier).to_path_buf()),
        None,
        context,
    )
}
