//! The module loader: a closed map of specifiers, each module once with authority and once without.
//!
//! A module is *(specifier, authority)*. The main module has authority. A module reached from one
//! with authority has it too if it is trusted, if both are of one group, or if the importing line
//! hands it over; all else, and all reached from that, has none.

mod address;
mod given;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

use boa_engine::module::{ModuleLoader, ModuleRequest, Referrer};
use boa_engine::object::JsObject;
use boa_engine::object::builtins::JsPromise;
use boa_engine::{Context, JsNativeError, JsResult, JsValue, Module, js_string};

pub use self::address::{directory, missing, resolve};
use self::given::{GLOBALS, KERNEL, RUNTIME, wrap};
use super::common_js;
use super::defences::{self, Defence};
use super::harden::harden;
use super::host::{Host, type_error, uint8_array};
use crate::limits::MODULES_MAX;
use crate::wire::{Answer, Call, ModuleBody, Refusal, Refused, Start, StartModule, Trust};

/// The import attribute by which a module hands over the authority that it has, and its value.
const HANDOVER: (&str, &str) = ("authority", "caller");
/// Redirects in a row before a specifier counts as going in circles.
const REDIRECTS_MAX: usize = 8;

/// The modules of one program.
#[derive(Default)]
pub struct Modules {
    bodies: RefCell<HashMap<String, StartModule>>,
    loaded: RefCell<HashMap<(String, bool), Module>>,
    authority: RefCell<HashMap<Module, bool>>,
    main: RefCell<String>,
    /// The `module` objects of CommonJS modules, by specifier and authority.
    pub common: RefCell<HashMap<(String, bool), JsObject>>,
    // Whether a specifier that is not here may be asked for.
    resolve: std::cell::Cell<bool>,
    capabilities: RefCell<Option<Capabilities>>,
}

/// What the modules of the kernel export.
pub struct Capabilities {
    /// With authority.
    pub full: Authority,
    /// Without.
    pub none: Authority,
    /// `waitUntil`.
    pub wait_until: JsValue,
}

/// What a module sees that depends on its authority.
pub struct Authority {
    /// The exports of `town:kernel`; `env` among them is `import.meta.env` as well.
    pub kernel: JsObject,
    /// Globals, by name.
    pub globals: JsObject,
}

impl Capabilities {
    fn of(&self, authority: bool) -> &Authority {
        if authority { &self.full } else { &self.none }
    }
}

/// The side of an import that imports.
#[derive(Clone, Default)]
pub struct Importer {
    address: String,
    authority: bool,
    trusted: bool,
    group: Option<String>,
    /// Whether this import hands authority over.
    hands_over: bool,
}

impl Modules {
    /// The modules of this context.
    pub fn of(context: &Context) -> JsResult<Rc<Self>> {
        context
            .downcast_module_loader::<Self>()
            .ok_or_else(|| type_error("The realm has another module loader"))
    }

    /// Takes over the modules of a program.
    pub fn fill(&self, start: &mut Start, capabilities: Capabilities) {
        *self.main.borrow_mut() = start.main.clone();
        self.resolve.set(start.resolve);
        let mut bodies = self.bodies.borrow_mut();
        for module in start.modules.drain(..) {
            bodies.insert(module.specifier.clone(), module);
        }
        *self.capabilities.borrow_mut() = Some(capabilities);
    }

    /// Whether there is no program.
    pub fn is_empty(&self) -> bool {
        self.bodies.borrow().is_empty()
    }

    /// Forgets the program.
    pub fn clear(&self) {
        self.bodies.borrow_mut().clear();
        self.loaded.borrow_mut().clear();
        self.authority.borrow_mut().clear();
        self.common.borrow_mut().clear();
    }

    /// The main module, parsed, with authority.
    pub fn main(&self, context: &mut Context) -> JsResult<Module> {
        let main = self.main.borrow().clone();
        let start = Importer {
            authority: true,
            ..Importer::default()
        };
        self.find(&main, &start, context)?
            .ok_or_else(|| missing(&main, None))
    }

    /// Whether a specifier is that of a module here.
    pub fn has(&self, specifier: &str) -> bool {
        self.bodies.borrow().contains_key(specifier)
    }

    /// What a specifier leads to, and whether that has authority as it is imported from there.
    pub fn body(
        &self,
        specifier: &str,
        importer: &Importer,
        context: &Context,
    ) -> Option<(ModuleBody, bool)> {
        let specifier = self.target(specifier);
        let bodies = self.bodies.borrow();
        let module = bodies.get(&specifier)?;
        let authority = self.passes(&specifier, &module.trust, importer, context)?;
        Some((module.body.clone(), authority))
    }

    // Whether authority is passed on to that module; nothing where it may not be imported at all.
    fn passes(
        &self,
        specifier: &str,
        trust: &Trust,
        importer: &Importer,
        context: &Context,
    ) -> Option<bool> {
        if !defences::is_on(Defence::Authority) {
            return Some(true);
        }
        let refuse = |what: Refused| {
            self.refuse(what, specifier, Some(&importer.address), context);
        };
        if trust.private && !importer.authority {
            refuse(Refused::Private);
            return None;
        }
        if importer.hands_over && !importer.authority {
            refuse(Refused::Authority);
        }
        let is_main = *self.main.borrow() == specifier;
        let together = trust.group.is_some() && trust.group == importer.group;
        if importer.authority && (is_main || trust.trusted || together || importer.hands_over) {
            return Some(true);
        }
        let is_here = self.has(specifier);
        if specifier == KERNEL && !importer.trusted {
            refuse(Refused::Kernel);
        } else if is_here && trust.trusted && !importer.trusted {
            refuse(Refused::Trusted);
        } else if is_here && !trust.trusted {
            let host = Host::of(context);
            let name = trust.group.as_deref().unwrap_or(specifier);
            if let Some(frame) = host.libraries.add(name) {
                host.send(&frame);
            }
        }
        Some(false)
    }

    /// Notes what a module without authority was not given: the one at that address, or the one
    /// that runs.
    pub fn refuse(&self, what: Refused, name: &str, by: Option<&str>, context: &Context) {
        let module = by.map_or_else(
            || {
                let frames = context.stack_trace();
                let mut paths = frames.map(|frame| frame.position().path.to_string());
                paths.find(|path| self.has(path)).unwrap_or_default()
            },
            str::to_string,
        );
        let host = Host::of(context);
        let refusal = Refusal {
            what,
            name: name.to_string(),
            module,
        };
        if let Some(frame) = host.libraries.refuse(host.executor.run(), refusal) {
            host.send(&frame);
        }
    }

    /// The importer that a module without attributes on its imports is.
    pub fn importer_of(&self, address: &str, authority: bool) -> Importer {
        let bodies = self.bodies.borrow();
        let trust = bodies.get(address).map(|body| body.trust.clone());
        let trust = trust.unwrap_or_default();
        Importer {
            address: address.to_string(),
            authority,
            trusted: trust.trusted,
            group: trust.group,
            hands_over: false,
        }
    }

    /// The bytes of a file of the program that is data, by its path from the main module or by its
    /// whole address.
    pub fn file(&self, path: &str) -> JsResult<Option<Vec<u8>>> {
        let bodies = self.bodies.borrow();
        let main = self.main.borrow();
        let below = path.strip_prefix("file://").unwrap_or(path);
        let below = below.trim_start_matches("./").trim_start_matches('/');
        let below = resolve(&format!("./{below}"), &main, &[]);
        // A path made of `__dirname` has lost one of the slashes after the scheme.
        let whole = match path.split_once(":/") {
            Some((scheme, rest)) if !rest.starts_with('/') => format!("{scheme}://{rest}"),
            _ => path.to_string(),
        };
        let Some((name, module)) = bodies
            .get_key_value(&below)
            .or_else(|| bodies.get_key_value(&whole))
        else {
            return Ok(None);
        };
        match &module.body {
            ModuleBody::Json(text) | ModuleBody::Text(text) | ModuleBody::CommonJs(text) => {
                Ok(Some(text.as_bytes().to_vec()))
            }
            ModuleBody::Bytes(bytes) => Ok(Some(bytes.clone())),
            ModuleBody::Code(_) | ModuleBody::Redirect(_) | ModuleBody::Broken(_) => {
                Err(type_error(format!(
                    "{name} is code, which is not kept as it was written: \
                     import it with {{ type: \"text\" }} to read it"
                )))
            }
        }
    }

    /// The module of that specifier, made at its first use.
    pub fn find(
        &self,
        specifier: &str,
        importer: &Importer,
        context: &mut Context,
    ) -> JsResult<Option<Module>> {
        let specifier = self.target(specifier);
        let (body, trust) = match self.bodies.borrow().get(&specifier) {
            Some(module) => (Some(module.body.clone()), module.trust.clone()),
            None => (None, Trust::full()),
        };
        let Some(authority) = self.passes(&specifier, &trust, importer, context) else {
            return Err(missing(&specifier, None));
        };
        let key = (specifier.clone(), authority);
        if let Some(module) = self.loaded.borrow().get(&key) {
            return Ok(Some(module.clone()));
        }
        // The names of the runtime's own modules lead to no code that could do harm.
        if !authority && body.is_some() {
            harden(context)?;
        }
        let module = match (body, specifier.as_str()) {
            (_, KERNEL) => self.kernel(authority, context),
            (_, RUNTIME) => self.runtime(context),
            (_, GLOBALS) => self.globals(authority, context)?,
            (Some(ModuleBody::CommonJs(code)), _) => {
                let modules = Modules::of(context)?;
                let module = common_js::run(&modules, &specifier, &code, authority, context)?;
                let exports = module.get(js_string!("exports"), context)?;
                wrap(&specifier, exports, context)?
            }
            (Some(body), _) => make(&specifier, body, context)?,
            (None, _) => match self.builtin(&specifier, authority, context)? {
                Some(exports) => wrap(&specifier, exports, context)?,
                None => return Ok(None),
            },
        };
        self.authority
            .borrow_mut()
            .insert(module.clone(), authority);
        self.loaded.borrow_mut().insert(key, module.clone());
        Ok(Some(module))
    }

    // Where redirects lead, as far as they are known.
    fn target(&self, specifier: &str) -> String {
        let bodies = self.bodies.borrow();
        let mut specifier = specifier;
        for _ in 0..REDIRECTS_MAX {
            match bodies.get(specifier).map(|module| &module.body) {
                Some(ModuleBody::Redirect(next)) => specifier = next,
                _ => break,
            }
        }
        specifier.to_string()
    }

    /// Where a specifier leads as it is written in a module, before redirects.
    pub fn resolved(&self, specifier: &str, referrer: &str) -> String {
        match self.bodies.borrow().get(referrer) {
            Some(module) => resolve(specifier, referrer, &module.imports),
            None => resolve(specifier, referrer, &[]),
        }
    }

    // Code that was made of a string is of no module.
    fn importer(&self, referrer: &Referrer, path: &str) -> Importer {
        let Referrer::Module(module) = referrer else {
            return Importer::default();
        };
        self.importer_of(path, self.has_authority(module))
    }

    fn has_authority(&self, module: &Module) -> bool {
        self.authority.borrow().get(module) == Some(&true)
    }
}

impl Modules {
    // Asks whoever started this program for a module. Whether there is one, which then is here.
    async fn ask(
        &self,
        specifier: String,
        referrer: String,
        context: &RefCell<&mut Context>,
    ) -> JsResult<bool> {
        let answer = {
            let context = &mut context.borrow_mut();
            let call = Call::Resolve {
                specifier,
                referrer,
            };
            let promise = Host::of(context).call(call, Vec::new(), keep_module, context)?;
            let promise = promise
                .as_object()
                .ok_or_else(|| type_error("No promise"))?;
            JsPromise::from_object(promise)?.into_js_future(context)?
        };
        Ok(answer.await?.to_boolean())
    }
}

impl ModuleLoader for Modules {
    async fn load_imported_module(
        self: Rc<Self>,
        referrer: Referrer,
        request: ModuleRequest,
        context: &RefCell<&mut Context>,
    ) -> JsResult<Module> {
        let asked = request.specifier().to_std_string_lossy();
        let path = referrer
            .path()
            .and_then(Path::to_str)
            .unwrap_or_default()
            .to_string();
        let specifier = self.resolved(&asked, &path);
        let mut importer = self.importer(&referrer, &path);
        importer.hands_over = request.attributes().iter().any(|attribute| {
            let (key, value) = HANDOVER;
            *attribute.key() == js_string!(key) && *attribute.value() == js_string!(value)
        });
        // What is asked for may be a redirect to what has to be asked for in turn.
        for _ in 0..=REDIRECTS_MAX {
            if let Some(module) = self.find(&specifier, &importer, &mut context.borrow_mut())? {
                return Ok(module);
            }
            if !self.resolve.get() || self.bodies.borrow().len() >= MODULES_MAX {
                break;
            }
            let asked = self.target(&specifier);
            if !self.ask(asked, path.clone(), context).await? {
                break;
            }
        }
        Err(missing(&asked, Some(&path)))
    }

    fn init_import_meta(
        self: Rc<Self>,
        import_meta: &JsObject,
        module: &Module,
        context: &mut Context,
    ) {
        let url = module.path().and_then(Path::to_str).unwrap_or_default();
        let main = *self.main.borrow() == url;
        let mut fields = vec![
            ("url", js_string!(url).into()),
            ("main", JsValue::from(main)),
        ];
        let authority = self.has_authority(module);
        if let Some(capabilities) = &*self.capabilities.borrow()
            && let Ok(env) = capabilities
                .of(authority)
                .kernel
                .get(js_string!("env"), context)
        {
            fields.push(("env", env));
        }
        for (key, value) in fields {
            // A fresh object takes any property.
            let _ = import_meta.create_data_property(js_string!(key), value, context);
        }
    }
}

// The answer to `Call::Resolve`: keeps the module and says whether there was one.
fn keep_module(answer: Answer, context: &mut Context) -> JsResult<JsValue> {
    let Answer::Module(Some(module)) = answer else {
        return Ok(false.into());
    };
    let modules = Modules::of(context)?;
    modules
        .bodies
        .borrow_mut()
        .insert(module.specifier.clone(), module);
    Ok(true.into())
}

fn make(specifier: &str, body: ModuleBody, context: &mut Context) -> JsResult<Module> {
    match body {
        ModuleBody::Code(code) => Module::parse_text(&code, Some(Path::new(specifier)), context),
        ModuleBody::Json(text) => Module::parse_json(js_string!(text.as_str()), context),
        ModuleBody::Text(text) => Ok(Module::from_value_as_default(
            js_string!(text.as_str()).into(),
            context,
        )),
        ModuleBody::Bytes(bytes) => {
            let array = uint8_array(bytes, context)?;
            Ok(Module::from_value_as_default(array, context))
        }
        ModuleBody::Broken(message) => Err(JsNativeError::syntax().with_message(message).into()),
        ModuleBody::CommonJs(_) => Err(type_error("CommonJS is run and not parsed")),
        ModuleBody::Redirect(next) => Err(type_error(format!(
            "The redirects from {specifier} to {next} go in circles"
        ))),
    }
}
