//! The child's side: a process with one JavaScript realm and one socket to the kernel.
//!
//! Every process runs the same loop. The zygote is one that has loaded nothing and forks; a
//! template has loaded a program and forks; an isolate is sealed and serves. It knows no paths, no
//! network and no other process.

mod calls;
mod common_js;
pub mod defences;
mod errors;
mod executor;
mod forward;
mod harden;
pub mod heap;
mod host;
pub mod json;
pub mod language;
mod libraries;
mod lines;
mod load;
mod meter;
mod modules;
mod node;
mod realm;
mod rehearsal;
mod socket;
mod text;
pub mod web;
mod zygote;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as TaskContext, Poll, Waker};

use boa_engine::builtins::promise::PromiseState;
use boa_engine::object::builtins::JsArray;
use boa_engine::{Context, JsError, JsResult, JsString, JsValue, js_string};

use self::executor::Executor;
use self::host::{Host, SourceEvent};
use self::modules::Modules;
use self::realm::Bridge;
use self::socket::{Socket, SocketError};
use crate::eval::compile;
use crate::eval::sandbox;
use crate::limits::STACK_BYTES;
use crate::wire::{Down, Outcome, RunId, Up};

pub use modules::resolve;

/// The allocator of the whole binary: the system's, but for processes that fork.
#[global_allocator]
static HEAP: heap::Heap = heap::Heap::new();

/// Exit status of a process that met a fault of its own making.
pub const EXIT_FATAL: i32 = 70;

/// Ends the process with a word on standard error, which the kernel passes on to its log.
pub fn fatal(message: &str) -> ! {
    eprintln!("town: isolate: {message}");
    end(EXIT_FATAL)
}

/// Ends the process at once. Its memory goes back as a whole: the engine's own way would visit
/// every object that it inherited, and in a fork copy the pages they are on, to free each of them.
fn end(status: i32) -> ! {
    // SAFETY: nothing is left to be done; standard error has no buffer, the socket was flushed.
    unsafe { libc::_exit(status) }
}

/// Runs a process on its socket, for ever.
pub fn main(socket: OwnedFd) -> ! {
    HEAP.prepare();
    text::move_to_huge_pages();
    std::panic::set_hook(Box::new(|panic| eprintln!("town: isolate: {panic}")));
    die_of_overflow();
    bound_the_stack();
    let executor = Rc::new(Executor::default());
    let host = Host::new(Socket::new(socket), executor);
    let modules = Rc::new(Modules::default());
    let (mut context, bridge) = match realm::build(host.clone(), modules.clone()) {
        Ok(made) => made,
        Err(error) => fatal(&format!("the realm could not be made: {error}")),
    };
    let process = Process {
        host,
        modules,
        bridge,
        held: RefCell::default(),
    };
    let cell = RefCell::new(&mut context);
    process.warm_up(&cell);
    sandbox::enter();
    process.host.send(&Up::Born {
        pid: std::process::id().cast_signed(),
    });
    let why = process.run(&cell);
    match why {
        SocketError::Closed => end(0),
        other => fatal(&other.to_string()),
    }
}

// Rust's own handler would end the process by SIGABRT, as a failed allocation does; so each has a
// signal of its own and the kernel can tell the program's owner which it was.
fn die_of_overflow() {
    for signal in [libc::SIGSEGV, libc::SIGBUS] {
        // SAFETY: the default action runs no code.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

// Built-in functions that call each other without end get an error before the stack is used up.
fn bound_the_stack() {
    /// For what is called without asking: the parser, whose nesting has a bound of its own, begins
    /// near the stack's beginning.
    const SPARE_BYTES: usize = 6 << 20;
    let here = 0u8;
    let bytes = usize::try_from(STACK_BYTES).unwrap_or(usize::MAX);
    let end = std::ptr::from_ref(&here).addr();
    let end = end.saturating_sub(bytes.saturating_sub(SPARE_BYTES));
    Context::set_native_stack_end(end);
}

struct Process {
    host: Rc<Host>,
    modules: Rc<Modules>,
    bridge: Bridge,
    // Came while the program was loading, and is for after.
    held: RefCell<VecDeque<Down>>,
}

/// Bytes through the socket after which garbage is collected: the engine counts what is on its own
/// heap, and not the strings and buffers that hang on it, which are about five times what came in.
const COLLECT_AFTER_BYTES: usize = 8 << 20;

type Task<'a> = (RunId, Pin<Box<dyn Future<Output = JsResult<JsValue>> + 'a>>);

impl Process {
    fn run(&self, cell: &RefCell<&mut Context>) -> SocketError {
        let mut tasks: Vec<Task<'_>> = Vec::new();
        loop {
            if let Err(error) = self.turn(cell, &mut tasks) {
                return error;
            }
        }
    }

    // All that is ready, then the next frames.
    fn turn<'a>(
        &self,
        cell: &'a RefCell<&mut Context>,
        tasks: &mut Vec<Task<'a>>,
    ) -> Result<(), SocketError> {
        self.run_all(cell, tasks);
        self.host.flush()?;
        if self.host.has_carried(COLLECT_AFTER_BYTES) {
            boa_gc::force_collect();
        }
        let timeout = self.host.executor.next_timer().map(|left| {
            // Rounded up: waking early would spin.
            u32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(u32::MAX)
        });
        let timeout = if self.held.borrow().is_empty() {
            timeout
        } else {
            Some(0)
        };
        self.host.socket.borrow_mut().read(timeout)?;
        loop {
            let held = self.held.borrow_mut().pop_front();
            let frame = match held {
                Some(frame) => Some(frame),
                None => self.host.socket.borrow_mut().next()?,
            };
            let Some(frame) = frame else { break };
            self.host.meter.begin(0);
            if let Err(error) = self.take(frame, cell) {
                self.report(0, &error, cell);
            }
            // Whose answer, chunk or credit it was is known by now.
            self.host.meter.charge_to(self.host.executor.run());
            self.run_all(cell, tasks);
            self.report_rejections(cell);
            self.host.meter.end();
        }
        let meter = &self.host.meter;
        let ran = self.host.executor.run_timers(meter, &mut cell.borrow_mut());
        if let Err((run, error)) = ran {
            self.report(run, &error, cell);
        }
        self.report_rejections(cell);
        Ok(())
    }

    // Jobs and futures until none can go on.
    fn run_all<'a>(&self, cell: &'a RefCell<&mut Context>, tasks: &mut Vec<Task<'a>>) {
        loop {
            let ran = self.host.executor.run_ready(&mut cell.borrow_mut());
            if let Err((run, error)) = ran {
                self.report(run, &error, cell);
            }
            for (run, job) in self.host.executor.take_futures() {
                tasks.push((run, Box::pin(job.call(cell))));
            }
            let mut progressed = false;
            let mut index = 0;
            while index < tasks.len() {
                let (run, task) = &mut tasks[index];
                self.host.executor.enter(*run);
                let polled = task
                    .as_mut()
                    .poll(&mut TaskContext::from_waker(Waker::noop()));
                match polled {
                    Poll::Pending => index += 1,
                    Poll::Ready(result) => {
                        let run = *run;
                        drop(tasks.swap_remove(index));
                        progressed = true;
                        if let Err(error) = result {
                            self.report(run, &error, cell);
                        }
                    }
                }
            }
            if !progressed {
                break;
            }
        }
    }

    // An error that nothing in JavaScript could catch. The engine leaves promises pending for ever
    // after it, so the run has failed and the process with it.
    fn report(&self, run: RunId, error: &JsError, cell: &RefCell<&mut Context>) {
        let failure = errors::failure(error, &mut cell.borrow_mut());
        let fatal = !matches!(failure.outcome, Outcome::Exception | Outcome::Recursion);
        let cpu_us = self.host.meter.spent_us(run);
        self.host.send(&Up::Failed {
            run,
            failure,
            cpu_us,
        });
        if fatal {
            let _ = self.host.flush();
            end(EXIT_FATAL);
        }
    }

    fn report_rejections(&self, cell: &RefCell<&mut Context>) {
        for (run, promise) in self.host.take_rejections() {
            let context = &mut cell.borrow_mut();
            self.host.executor.enter(run);
            let PromiseState::Rejected(reason) = promise.state() else {
                continue;
            };
            let args = [promise.clone().into(), reason];
            // What a listener throws has been reported by the event's own rules.
            let _ = self.bridge.call("unhandled", &args, context);
            self.host.note_told(promise.into());
        }
        for (run, promise) in self.host.take_handled() {
            let context = &mut cell.borrow_mut();
            self.host.executor.enter(run);
            if let PromiseState::Rejected(reason) = promise.state() {
                let args = [promise.into(), reason];
                let _ = self.bridge.call("handled", &args, context);
            }
        }
    }

    fn take(&self, frame: Down, cell: &RefCell<&mut Context>) -> JsResult<()> {
        let host = &self.host;
        match frame {
            Down::Fork => self.fork(),
            // A program may have made it fail, and then waits a little longer.
            Down::Rehearse => drop(self.rehearse(cell)),
            Down::Harden => self.harden(cell)?,
            Down::BeCompiler => self.compile_for_ever(),
            Down::Compile { .. } => {}
            Down::Start(start) => self.start(*start, cell),
            Down::Seal => self.seal(),
            Down::Fetch {
                run,
                head,
                body,
                failure,
                revisions,
            } => {
                self.begin(run, &revisions);
                let context = &mut cell.borrow_mut();
                let headers = calls::flat_headers(&head.headers, context);
                let body = calls::body_down(body, context)?;
                let failure = match failure {
                    Some(failure) => errors::isolate_error(&failure, context)?.into(),
                    None => JsValue::undefined(),
                };
                let args = [
                    calls::from_run(run),
                    js_string!(head.method.as_str()).into(),
                    js_string!(head.url.as_str()).into(),
                    headers,
                    body,
                    failure,
                ];
                self.bridge.call("fetch", &args, context)?;
            }
            Down::Call {
                run,
                name,
                args,
                revisions,
            } => {
                self.begin(run, &revisions);
                let context = &mut cell.borrow_mut();
                let list = web::clone::deserialize(&args, context)?;
                let args = [calls::from_run(run), js_string!(name.as_str()).into(), list];
                self.bridge.call("call", &args, context)?;
            }
            Down::Alarm {
                run,
                names,
                scheduled_ms,
                retries,
                revisions,
            } => {
                self.begin(run, &revisions);
                let context = &mut cell.borrow_mut();
                let names: Vec<JsValue> = names
                    .iter()
                    .map(|name| js_string!(name.as_str()).into())
                    .collect();
                let names = JsArray::from_iter(names, context).into();
                #[allow(
                    clippy::cast_precision_loss,
                    reason = "a time in milliseconds is exact"
                )]
                let at = JsValue::from(scheduled_ms as f64);
                let args = [calls::from_run(run), names, at, retries.into()];
                self.bridge.call("alarm", &args, context)?;
            }
            Down::Tail {
                run,
                json,
                revisions,
            } => {
                self.begin(run, &revisions);
                let context = &mut cell.borrow_mut();
                let json = JsString::from(json.as_str());
                let args = [calls::from_run(run), json.into()];
                self.bridge.call("tail", &args, context)?;
            }
            Down::Answer { call, result } => host.answer(call, result, &mut cell.borrow_mut())?,
            Down::Resolve {
                ask,
                program,
                specifier,
                referrer,
            } => {
                let args = [
                    ask.into(),
                    program.into(),
                    js_string!(specifier.as_str()).into(),
                    js_string!(referrer.as_str()).into(),
                ];
                self.bridge.call("resolve", &args, &mut cell.borrow_mut())?;
            }
            Down::Chunk { stream, bytes } => {
                host.feed(stream, SourceEvent::Chunk(bytes), &mut cell.borrow_mut())?;
            }
            Down::End { stream } => {
                host.feed(stream, SourceEvent::End, &mut cell.borrow_mut())?;
            }
            Down::Fail { stream, message } => {
                host.feed(stream, SourceEvent::Fail(message), &mut cell.borrow_mut())?;
            }
            Down::Credit { stream, bytes } => {
                host.credit(stream, bytes, &mut cell.borrow_mut())?;
            }
            Down::CancelStream { stream } => {
                let context = &mut cell.borrow_mut();
                if host.drop_sink(stream, context)? {
                    self.bridge.call("cancelSink", &[stream.into()], context)?;
                }
            }
            Down::CancelRun { run, reason } => {
                host.executor.enter(run);
                let args = [calls::from_run(run), js_string!(reason.as_str()).into()];
                self.bridge
                    .call("cancelRun", &args, &mut cell.borrow_mut())?;
            }
            Down::Ping { number } => {
                host.send(&Up::Pong {
                    number,
                    cpu_us: host.meter.all_us(),
                });
            }
        }
        Ok(())
    }

    fn begin(&self, run: RunId, revisions: &[u64]) {
        self.host.meter.open(run);
        self.host.executor.enter(run);
        self.host.executor.set_frame(None);
        self.host.note_revisions(revisions);
    }

    // One process becomes two. The new one goes on with the socket that came with the frame.
    fn fork(&self) {
        let Some(socket) = self.host.socket.borrow_mut().take_descriptor() else {
            fatal("a fork without a socket");
        };
        match sandbox::fork() {
            Ok(sandbox::Forked::Parent) => drop(socket),
            Ok(sandbox::Forked::Child { pid }) => {
                HEAP.begin_generation();
                boa_engine::string::keep(&HEAP.inherited());
                self.host.socket.borrow_mut().replace(socket);
                if let Err(error) = web::reseed() {
                    fatal(&error.to_string());
                }
                self.host.send(&Up::Born { pid });
                for frame in self.host.libraries.inherited() {
                    self.host.send(&frame);
                }
                // The kernel learns the new process's number before anything slow begins.
                if self.host.flush().is_err() {
                    end(0);
                }
            }
            // The kernel sees the socket close and tries another way.
            Err(error) => eprintln!("town: isolate: fork: {error}"),
        }
    }

    fn seal(&self) {
        sandbox::seal();
        self.host.socket.borrow_mut().seal();
    }

    // The compiler: the same process, another trade.
    fn compile_for_ever(&self) -> ! {
        self.seal();
        loop {
            let next = {
                let mut socket = self.host.socket.borrow_mut();
                socket.flush().and_then(|()| socket.next())
            };
            match next {
                Ok(Some(Down::Compile {
                    call,
                    source,
                    options,
                })) => {
                    let result = compile::compile(&source, &options);
                    self.host.send(&Up::Compiled { call, result });
                }
                Ok(Some(_)) => {}
                Ok(None) => {
                    if self.host.socket.borrow_mut().read(None).is_err() {
                        end(0);
                    }
                }
                Err(_) => end(0),
            }
        }
    }
}
