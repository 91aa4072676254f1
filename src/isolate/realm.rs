//! The realm: an engine context with the web APIs and the bridge in it, made once, in the zygote.

use std::rc::Rc;

use boa_engine::builtins::promise::OperationType;
use boa_engine::context::{ContextBuilder, HostHooks};
use boa_engine::job::JobCallback;
use boa_engine::object::builtins::JsFunction;
use boa_engine::object::{FunctionObjectBuilder, JsObject};
use boa_engine::property::PropertyDescriptor;
use boa_engine::realm::Realm;
use boa_engine::{
    Context, JsData, JsNativeError, JsResult, JsString, JsValue, NativeFunction, js_string,
};
use boa_gc::{Finalize, Trace};

use super::calls;
use super::defences::{self, Defence};
use super::executor::Frame;
use super::harden;
use super::host::{Host, type_error};
use super::json;
use super::language;
use super::modules::Modules;
use super::node;
use super::web;
use crate::eval::compile::check_nesting;
use crate::limits::RECURSION_MAX;
use crate::wire::RunId;

/// Values of the engine's own stack. Ten times a call's worth for each level of recursion.
const ENGINE_STACK_VALUES: usize = 10 * 1024 * 16;

/// One `ArrayBuffer`. What counts is the memory limit of the process; this makes one absurd
/// request an ordinary RangeError.
const BUFFER_BYTES_MAX: u64 = 512 << 20;

/// What the event loop calls in JavaScript.
pub struct Bridge {
    object: JsObject,
}

impl Bridge {
    /// A function of the bridge, as a value.
    pub fn get(&self, name: &'static str, context: &mut Context) -> JsResult<JsValue> {
        self.object.get(js_string!(name), context)
    }

    /// Calls a function of the bridge.
    pub fn call(
        &self,
        name: &'static str,
        args: &[JsValue],
        context: &mut Context,
    ) -> JsResult<JsValue> {
        let function = self
            .object
            .get(js_string!(name), context)?
            .as_object()
            .and_then(JsFunction::from_object)
            .ok_or_else(|| type_error(format!("The bridge has no function {name}")))?;
        function.call(&self.object.clone().into(), args, context)
    }
}

/// Makes the context of a process.
pub fn build(host: Rc<Host>, modules: Rc<Modules>) -> JsResult<(Context, Bridge)> {
    let mut context = ContextBuilder::new()
        .host_hooks(Rc::new(Hooks { host: host.clone() }))
        .job_executor(host.executor.clone())
        .module_loader(modules)
        .build()?;
    context
        .runtime_limits_mut()
        .set_recursion_limit(RECURSION_MAX);
    context
        .runtime_limits_mut()
        .set_stack_size_limit(ENGINE_STACK_VALUES);
    context.insert_data(host);
    // Before whatever keeps the engine's for itself.
    json::install(&mut context)?;
    language::install(&mut context)?;
    let web = web::install(&mut context)?;
    // The engine's own generator does not know of forks, nor whether anybody has drawn.
    let random = NativeFunction::from_fn_ptr(|_, _, _| {
        web::random::fraction()
            .map(JsValue::from)
            .map_err(|error| type_error(error.to_string()))
    });
    let random = FunctionObjectBuilder::new(context.realm(), random).name(js_string!("random"));
    let random = random.build();
    let math = context
        .global_object()
        .get(js_string!("Math"), &mut context)?;
    let math = math
        .as_object()
        .ok_or_else(|| type_error("There is no Math"))?;
    let descriptor = PropertyDescriptor::builder()
        .value(random)
        .writable(true)
        .enumerable(false)
        .configurable(true);
    math.define_property_or_throw(js_string!("random"), descriptor, &mut context)?;
    let native = calls::natives(&mut context)?;
    node::install(&mut context, &web)?;
    let deno = script("deno.js", include_str!("deno.js"), &mut context)?.call(
        &JsValue::undefined(),
        &[native.clone().into(), web.clone().into()],
        &mut context,
    )?;
    let bridge = script("bridge.js", include_str!("bridge.js"), &mut context)?.call(
        &JsValue::undefined(),
        &[native.into(), web.into(), deno],
        &mut context,
    )?;
    let object = bridge
        .as_object()
        .ok_or_else(|| type_error("The bridge is no object"))?;
    if defences::is_on(Defence::Hardening) {
        let shared = object.get(js_string!("shared"), &mut context)?;
        harden::note(shared, &mut context)?;
    }
    Ok((context, Bridge { object }))
}

// A script whose completion value is a function.
fn script(name: &str, source: &str, context: &mut Context) -> JsResult<JsFunction> {
    let path = format!("town:runtime/{name}");
    context
        .eval_text(source, Some(std::path::Path::new(&path)))?
        .as_object()
        .and_then(JsFunction::from_object)
        .ok_or_else(|| type_error(format!("{name} is no function")))
}

struct Hooks {
    host: Rc<Host>,
}

// For which run, and in which frame, a promise's callback was registered.
#[derive(Clone, Trace, Finalize, JsData)]
struct OfRun {
    #[unsafe_ignore_trace]
    run: RunId,
    frame: Frame,
}

impl HostHooks for Hooks {
    fn make_job_callback(&self, callback: JsFunction, _context: &mut Context) -> JobCallback {
        let executor = &self.host.executor;
        let registered = OfRun {
            run: executor.run(),
            frame: executor.frame(),
        };
        JobCallback::new(callback, registered)
    }

    fn call_job_callback(
        &self,
        job: &JobCallback,
        this: &JsValue,
        args: &[JsValue],
        context: &mut Context,
    ) -> JsResult<JsValue> {
        if let Some(registered) = job.host_defined().as_any().downcast_ref::<OfRun>() {
            self.host.executor.enter(registered.run);
            self.host.executor.set_frame(registered.frame.clone());
        }
        job.callback().call(this, args, context)
    }

    fn promise_rejection_tracker(
        &self,
        promise: &JsObject<boa_engine::builtins::promise::Promise>,
        operation: OperationType,
        _context: &mut Context,
    ) {
        let promise = promise.clone().upcast();
        match operation {
            OperationType::Reject => self.host.note_rejection(promise),
            OperationType::Handle => self.host.forget_rejection(&promise),
        }
    }

    // A text that is run as code has been read by no compiler.
    fn ensure_can_compile_strings(
        &self,
        _realm: Realm,
        parameters: &[JsString],
        body: &JsString,
        _direct: bool,
        _context: &mut Context,
    ) -> JsResult<()> {
        for source in parameters.iter().chain([body]) {
            if let Err(error) = check_nesting(&source.to_std_string_lossy()) {
                let error = JsNativeError::syntax().with_message(error.to_string());
                return Err(error.into());
            }
        }
        Ok(())
    }

    // No time zones inside: the data base is a file, and the sandbox has none.
    fn local_timezone_offset_seconds(&self, _unix_time_seconds: i64) -> i32 {
        0
    }

    fn max_buffer_size(&self, _context: &mut Context) -> u64 {
        BUFFER_BYTES_MAX
    }
}
