//! Loading: a program comes, its modules are linked and evaluated, and the kernel is told of it.

use std::cell::RefCell;
use std::time::Duration;

use boa_engine::builtins::promise::PromiseState;
use boa_engine::{Context, JsError, JsResult, JsValue, js_string};

use super::modules::{Authority, Capabilities};
use super::{Process, Task, end, errors, host, web};
use crate::eval::sandbox;
use crate::wire::{Env, Exports, Failure, Outcome, Start, Up};

impl Process {
    pub(super) fn start(&self, mut start: Start, cell: &RefCell<&mut Context>) {
        sandbox::limit_memory(start.memory_mb);
        self.host.lines.set_budget(start.log_bytes);
        match self.load(&mut start, cell) {
            Ok(exports) => {
                let pure = self.host.pure() && web::untouched();
                self.host.send(&Up::Loaded { pure, exports });
            }
            Err(mut failure) => {
                if failure.outcome == Outcome::Exception {
                    failure.outcome = Outcome::Load;
                }
                self.host.send(&Up::LoadFailed(failure));
                let _ = self.host.flush();
                end(0);
            }
        }
        self.host.executor.enter(0);
    }

    // Parses, links and evaluates; waits for top-level `await`.
    pub(super) fn load(
        &self,
        start: &mut Start,
        cell: &RefCell<&mut Context>,
    ) -> Result<Exports, Failure> {
        let fail = |error: JsError| errors::failure(&error, &mut cell.borrow_mut());
        self.prepare(start, cell).map_err(fail)?;
        let main = {
            let made = self.modules.main(&mut cell.borrow_mut());
            made.map_err(fail)?
        };
        let promise = main.load_link_evaluate(&mut cell.borrow_mut());
        let mut tasks: Vec<Task<'_>> = Vec::new();
        loop {
            self.run_all(cell, &mut tasks);
            match promise.state() {
                PromiseState::Fulfilled(_) => break,
                PromiseState::Rejected(reason) => {
                    // It is told to the caller; nobody else need hear of it.
                    drop(self.host.take_rejections());
                    return Err(errors::value_failure(&reason, &mut cell.borrow_mut()));
                }
                PromiseState::Pending => {}
            }
            // Top-level await of a kernel call or a timer.
            let left = self.host.executor.next_timer();
            self.wait_for_load(left, cell);
        }
        let context = &mut cell.borrow_mut();
        let namespace = main.namespace(context);
        let flags = self.bridge.call("loaded", &[namespace.into()], context);
        let flags = match flags {
            Ok(flags) => flags,
            Err(error) => return Err(errors::failure(&error, context)),
        };
        let flag = |index: u32, context: &mut Context| {
            flags
                .as_object()
                .and_then(|list| list.get(index, context).ok())
                .is_some_and(|flag| flag.to_boolean())
        };
        let (fetch, alarm, tail) = (flag(0, context), flag(1, context), flag(2, context));
        Ok(Exports { fetch, alarm, tail })
    }

    fn wait_for_load(&self, timer: Option<Duration>, cell: &RefCell<&mut Context>) {
        let timeout =
            timer.map(|left| u32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(u32::MAX));
        let read = self
            .host
            .flush()
            .and_then(|()| self.host.socket.borrow_mut().read(timeout));
        if read.is_err() {
            end(0);
        }
        // Only what loading can have asked for is taken; work that is already here waits.
        loop {
            let frame = self.host.socket.borrow_mut().next();
            match frame {
                Ok(Some(frame)) if !frame.answers() => self.held.borrow_mut().push_back(frame),
                Ok(Some(frame)) => {
                    if let Err(error) = self.take(frame, cell) {
                        self.report(0, &error, cell);
                    }
                }
                Ok(None) => break,
                Err(_) => end(0),
            }
        }
        let meter = &self.host.meter;
        let ran = self.host.executor.run_timers(meter, &mut cell.borrow_mut());
        if let Err((run, error)) = ran {
            self.report(run, &error, cell);
        }
    }

    fn prepare(&self, start: &mut Start, cell: &RefCell<&mut Context>) -> JsResult<()> {
        let context = &mut cell.borrow_mut();
        let env = match &start.env {
            Env::Clone(bytes) => web::clone::deserialize(bytes, context)?,
            Env::Strings(pairs) => {
                let object = boa_engine::JsObject::with_object_proto(context.intrinsics());
                for (key, value) in pairs {
                    let (key, value) = (js_string!(key.as_str()), js_string!(value.as_str()));
                    object.create_data_property_or_throw(key, value, context)?;
                }
                object.into()
            }
        };
        self.bridge
            .call("setEnv", std::slice::from_ref(&env), context)?;
        let grant = boa_engine::JsObject::with_null_proto();
        for (name, granted) in [("storage", start.storage), ("loader", start.loader)] {
            grant.create_data_property_or_throw(js_string!(name), granted, context)?;
        }
        let object = |value: JsValue| {
            value
                .as_object()
                .ok_or_else(|| host::type_error("The bridge made no object"))
        };
        let mut authority = |grant: JsValue, with: bool| -> JsResult<Authority> {
            Ok(Authority {
                kernel: object(self.bridge.call("kernel", &[grant], context)?)?,
                globals: object(self.bridge.call("globals", &[with.into()], context)?)?,
            })
        };
        let full = authority(grant.into(), true)?;
        let none = authority(JsValue::null(), false)?;
        let wait_until = self.bridge.get("waitUntil", context)?;
        let capabilities = Capabilities {
            full,
            none,
            wait_until,
        };
        self.modules.fill(start, capabilities);
        Ok(())
    }
}
