//! A context with the web APIs as every isolate has them, an event loop, and assertions.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::{Duration, Instant};

use boa_engine::builtins::promise::{OperationType, Promise, PromiseState};
use boa_engine::context::{ContextBuilder, HostHooks};
use boa_engine::job::{GenericJob, Job, JobExecutor, PromiseJob, TimeoutJob};
use boa_engine::object::builtins::JsPromise;
use boa_engine::{Context, JsObject, JsResult, JsValue, js_string};
use town::isolate::web;

/// Notes rejections like a host does, and reports those nobody handled when the jobs are done.
#[derive(Default)]
struct Hooks {
    rejected: RefCell<Vec<JsObject>>,
}

impl HostHooks for Hooks {
    fn promise_rejection_tracker(
        &self,
        promise: &JsObject<Promise>,
        operation: OperationType,
        _: &mut Context,
    ) {
        let promise = promise.clone().upcast();
        let mut rejected = self.rejected.borrow_mut();
        match operation {
            OperationType::Reject => rejected.push(promise),
            OperationType::Handle => rejected.retain(|other| !JsObject::equals(other, &promise)),
        }
    }
}

/// The order of HTML's event loop: all microtasks, then one task, and so on until nothing is left.
#[derive(Default)]
struct Loop {
    microtasks: RefCell<VecDeque<PromiseJob>>,
    tasks: RefCell<VecDeque<GenericJob>>,
    timers: RefCell<BTreeMap<(Instant, u64), TimeoutJob>>,
    count: Cell<u64>,
}

impl JobExecutor for Loop {
    fn enqueue_job(self: Rc<Self>, job: Job, _: &mut Context) {
        match job {
            Job::PromiseJob(job) => self.microtasks.borrow_mut().push_back(job),
            Job::GenericJob(job) => self.tasks.borrow_mut().push_back(job),
            Job::TimeoutJob(job) => {
                let due = Instant::now() + Duration::from_millis(job.timeout().as_millis());
                self.count.set(self.count.get() + 1);
                let key = (due, self.count.get());
                self.timers.borrow_mut().insert(key, job);
            }
            // The standard lets a host leave these out, and the process's own loop does.
            Job::FinalizationRegistryCleanupJob(_) => {}
            _ => panic!("the web APIs queue no such job"),
        }
    }

    fn run_jobs(self: Rc<Self>, context: &mut Context) -> JsResult<()> {
        loop {
            loop {
                let first = self.microtasks.borrow_mut().pop_front();
                let Some(job) = first else { break };
                job.call(context)?;
            }
            context.clear_kept_objects();
            let first = self.tasks.borrow_mut().pop_front();
            if let Some(job) = first {
                job.call(context)?;
                continue;
            }
            let first = self.timers.borrow_mut().pop_first();
            let Some(((due, _), job)) = first else {
                return Ok(());
            };
            if !job.cancelled() {
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                job.call(context)?;
            }
        }
    }
}

/// A context of its own for a test.
pub struct Page {
    pub context: Context,
    hooks: Rc<Hooks>,
    web: JsObject,
}

impl Page {
    /// A context with every API installed, and what the scripts of tests use.
    pub fn new() -> Page {
        let hooks = Rc::new(Hooks::default());
        let mut context = ContextBuilder::new()
            .host_hooks(hooks.clone())
            .job_executor(Rc::new(Loop::default()))
            .build()
            .expect("a context");
        let web = web::install(&mut context).expect("the web APIs install");
        let assertions = context
            .eval_text(include_str!("assertions.js"), None)
            .expect("the assertions are a script");
        let assertions = assertions.as_callable().expect("the script is a function");
        assertions
            .call(&JsValue::undefined(), &[web.clone().into()], &mut context)
            .expect("the assertions load");
        Page {
            context,
            hooks,
            web,
        }
    }

    /// Runs a script, which may await, and everything it leads to; a failed assertion or a script
    /// without assertions fails the test.
    #[track_caller]
    pub fn check(&mut self, script: &str) {
        let before = self.checks();
        let wrapped = format!("(async () => {{\n{script}\n}})()");
        let promise = match self.context.eval_text(&wrapped, None) {
            Ok(promise) => promise,
            Err(error) => panic!("{error}"),
        };
        let promise = promise
            .as_promise()
            .expect("an async function gives a promise");
        self.settle();
        match promise.state() {
            PromiseState::Fulfilled(_) => {}
            PromiseState::Pending => panic!("the script never ended"),
            PromiseState::Rejected(reason) => panic!("{}", self.described(&reason)),
        }
        assert!(self.checks() > before, "nothing was asserted");
    }

    /// Runs jobs; rejections nobody handled become events.
    fn settle(&mut self) {
        loop {
            self.context.run_jobs().expect("the jobs run");
            let rejected = std::mem::take(&mut *self.hooks.rejected.borrow_mut());
            if rejected.is_empty() {
                return;
            }
            for promise in rejected {
                let state = JsPromise::from_object(promise.clone())
                    .expect("a promise")
                    .state();
                let PromiseState::Rejected(reason) = state else {
                    panic!("it was noted because it was rejected");
                };
                let report = self
                    .web
                    .get(js_string!("unhandledRejection"), &mut self.context);
                let report = report
                    .expect("a plain property")
                    .as_callable()
                    .expect("a function");
                report
                    .call(
                        &JsValue::undefined(),
                        &[promise.into(), reason],
                        &mut self.context,
                    )
                    .expect("reporting does not throw");
            }
        }
    }

    fn checks(&mut self) -> f64 {
        let checks = self
            .context
            .eval_text("checks", None)
            .expect("the counter is there");
        checks.as_number().expect("a number")
    }

    fn described(&mut self, reason: &JsValue) -> String {
        let text = reason.to_string(&mut self.context);
        let text = text.map_or_else(|error| error.to_string(), |text| text.to_std_string_lossy());
        let stack = reason.as_object().and_then(|reason| {
            reason
                .get(js_string!("stack"), &mut self.context)
                .ok()?
                .as_string()
        });
        let stack = stack.map_or_else(String::new, |stack| stack.to_std_string_lossy());
        format!("{text}\n{stack}")
    }
}

/// Runs a script of assertions in a context of its own.
#[track_caller]
pub fn check(script: &str) {
    Page::new().check(script);
}
