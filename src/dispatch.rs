//! Kernel calls: each is answered within the grant of the program that makes it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::carrying;
use crate::eval::compile::Compiled;
use crate::eval::process::{Process, Work};
use crate::eval::program::late_module;
use crate::eval::slot::{Caller, Slot};
use crate::grant::GrantError;
use crate::storage::{Deadline, Namespace, Statement};
use crate::system;
use crate::wire::{
    Answer, BodyUp, Call, CallError, CallId, Failure, Forward, Outcome, RequestHead, RunId, Spent,
    Target,
};

/// Answers a call when it is done.
pub fn dispatch(slot: Arc<Slot>, process: Arc<Process>, run: RunId, id: CallId, call: Call) {
    let cancelled = process.cancelled(run);
    tokio::spawn(async move {
        let result = match cancelled {
            None => answer(&slot, &process, run, call).await,
            Some(cancelled) => tokio::select! {
                result = answer(&slot, &process, run, call) => result,
                // Dropping what is under way cancels what it has started in turn.
                () = cancelled.notified() => {
                    Err(CallError::Refused("The run was cancelled".into()))
                }
            },
        };
        process.answer(id, result);
    });
}

async fn answer(
    slot: &Arc<Slot>,
    process: &Arc<Process>,
    run: RunId,
    call: Call,
) -> Result<Answer, CallError> {
    match call {
        Call::StorageExecute { names, statement } => {
            execute(&namespace(slot, &names)?, statement, deadline(slot)).await
        }
        Call::StorageBatch {
            names,
            statements,
            mode,
        } => {
            let namespace = namespace(slot, &names)?;
            let (sets, revision) = namespace.batch(statements, mode, deadline(slot)).await?;
            Ok(Answer::Rows { sets, revision })
        }
        Call::StorageSubs { names, prefix } => {
            Ok(Answer::Names(namespace(slot, &names)?.subs(&prefix).await?))
        }
        Call::StorageDrop { names, name } => {
            let dropped = place(slot, &names, &name)?;
            slot.cancel_having(&dropped, "Its database was deleted");
            namespace(slot, &names)?.drop_sub(&name).await?;
            Ok(Answer::Nothing)
        }
        Call::StorageChanged { names, after } => {
            let namespace = namespace(slot, &names)?;
            Ok(Answer::Revision(namespace.changed(after).await))
        }
        Call::StorageUsage { names } => Ok(Answer::Usage(namespace(slot, &names)?.usage())),
        Call::StorageSetAlarm { names, at_ms } => {
            let at = at_ms.map(|ms| {
                SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(ms).unwrap_or(0))
            });
            namespace(slot, &names)?.set_alarm(at).await?;
            Ok(Answer::Nothing)
        }
        Call::StorageExport { names, note } => {
            carrying::export(slot, process, &namespace(slot, &names)?, note).await
        }
        Call::StorageImport { names, name, body } => {
            let body = process.body_up(body);
            carrying::import(slot, &place(slot, &names, &name)?, body).await
        }
        Call::StorageCopy {
            names,
            name,
            from,
            selection,
        } => {
            let from = namespace(slot, &from)?;
            carrying::copy(slot, &from, &place(slot, &names, &name)?, &selection).await
        }
        Call::LoaderCompile {
            source,
            options,
            specifier,
        } => {
            if slot.grant.depth().is_none() {
                return Err(CallError::Refused("This program has no loader".into()));
            }
            let output = slot.kernel.compiler.compile(&source, &options).await;
            let output = output.map_err(CallError::Compile)?;
            Ok(Answer::Compiled(Box::new(Compiled {
                map: output.compiled.map_of(&specifier),
                ..output.compiled.clone()
            })))
        }
        Call::IsolateFetch {
            target,
            head,
            body,
            forward,
        } => isolate_fetch(slot, process, run, target, (head, body), *forward).await,
        Call::IsolateCall { target, name, args } => {
            isolate_work(slot, process, run, target, Work::Call { name, args }).await
        }
        Call::IsolateAlarm {
            target,
            names,
            scheduled_ms,
            retries,
        } => {
            let work = Work::Alarm {
                names,
                scheduled_ms,
                retries,
            };
            isolate_work(slot, process, run, target, work).await
        }
        Call::IsolateCancel { id, reason } => {
            slot.cancel_below(&id, &reason);
            Ok(Answer::Nothing)
        }
        Call::IsolatePrepare { target } => Ok(match target_slot(slot, process, target).await? {
            Some(_) => Answer::Nothing,
            None => Answer::NeedProgram,
        }),
        Call::IsolateUsage { id } => {
            let known = slot.below(&id);
            let spent = known.map_or_else(Spent::default, |below| below.spent());
            Ok(Answer::Spent(spent))
        }
        Call::Fetch {
            head,
            body,
            redirect,
        } => {
            let Some(outbound) = slot.grant.outbound() else {
                return Err(CallError::Refused(
                    "This program may not use the network".into(),
                ));
            };
            let body = process.body_up(body);
            let kernel = &slot.kernel;
            let answer = kernel
                .outside
                .fetch(kernel, outbound, run, head, body, redirect)
                .await?;
            Ok(Answer::Response {
                status: answer.status,
                headers: answer.headers,
                url: answer.url,
                redirected: answer.redirected,
                body: process.body_down_lazy(answer.body),
            })
        }
        Call::Resolve {
            specifier,
            referrer,
        } => resolve(slot, specifier, referrer).await,
        Call::SystemList => system::list(slot).await,
        Call::SystemRead { path } => system::read(slot, path).await,
        Call::SystemWrite { path, source, note } => system::write(slot, path, source, note).await,
        Call::SystemRestore { path, note } => system::restore(slot, path, note).await,
        Call::SystemChange(change) => system::change(slot, *change).await,
        Call::SystemHistory {
            path,
            before,
            limit,
        } => system::history(slot, path, before, limit).await,
        Call::SystemText { digest } => system::text(slot, digest).await,
        Call::SystemReload => {
            slot.kernel.reload(slot).await?;
            Ok(Answer::Nothing)
        }
        Call::SystemHealth => Ok(system::health(slot)),
    }
}

async fn execute(
    namespace: &Namespace,
    statement: Statement,
    deadline: Deadline,
) -> Result<Answer, CallError> {
    let (set, revision) = namespace.execute(statement, deadline).await?;
    Ok(Answer::Rows {
        sets: vec![set],
        revision,
    })
}

// The way down from the program's own namespace and its mounts; there is no other way.
pub(crate) fn namespace(slot: &Slot, names: &[String]) -> Result<Namespace, CallError> {
    slot.grant.namespace(names).map_err(|error| match error {
        GrantError::Name(error) => CallError::Invalid(error.to_string()),
        error => CallError::Refused(error.to_string()),
    })
}

// The database of that name, where it is not one that was mounted there.
fn place(slot: &Slot, names: &[String], name: &str) -> Result<Namespace, CallError> {
    if names.is_empty() && slot.grant.mount(name).is_some() {
        return Err(CallError::Refused(format!("{name} is another's database")));
    }
    let place = namespace(slot, names)?.sub(name);
    place.map_err(|error| CallError::Invalid(error.to_string()))
}

pub(crate) fn deadline(slot: &Slot) -> Deadline {
    // A statement is synchronous work: it may take as long as the event loop may stand still.
    Deadline::after(Duration::from_millis(slot.grant.limits().stall_ms))
}

// The slot a call is for; `None`: none of that id lives.
async fn target_slot(
    slot: &Arc<Slot>,
    process: &Arc<Process>,
    target: Target,
) -> Result<Option<Arc<Slot>>, Failure> {
    match target {
        Target::Id(id) => Ok(slot.below(&id)),
        Target::Define(id, spec) => {
            if let Some(known) = slot.below(&id) {
                return Ok(Some(known));
            }
            let made = slot
                .kernel
                .slot_below(slot, Some(id.clone()), *spec, process)
                .await?;
            Ok(Some(slot.put_below(id, made)))
        }
        Target::Load(spec) => slot
            .kernel
            .slot_below(slot, None, *spec, process)
            .await
            .map(Some),
    }
}

async fn isolate_fetch(
    slot: &Arc<Slot>,
    process: &Arc<Process>,
    run: RunId,
    target: Target,
    (head, body): (RequestHead, BodyUp),
    forward: Forward,
) -> Result<Answer, CallError> {
    let id = target.id().map(str::to_string);
    let Some(target) = target_slot(slot, process, target).await? else {
        return Ok(Answer::NeedProgram);
    };
    let rules = forward.rules;
    if let (Some(id), Some(route)) = (id, forward.route) {
        slot.add_route(id, route, forward.headers, rules.clone());
    }
    let body = process.body_up(body);
    let caller = Caller {
        run: Some(run),
        hops: 0,
        cause: None,
    };
    let url = head.url.clone();
    let (status, mut headers, body) = target.fetch(head, body, caller).await?;
    rules.apply(&mut headers);
    Ok(Answer::Response {
        status,
        headers,
        url,
        redirected: false,
        body: process.body_down_lazy(body),
    })
}

async fn isolate_work(
    slot: &Arc<Slot>,
    process: &Arc<Process>,
    run: RunId,
    target: Target,
    work: Work,
) -> Result<Answer, CallError> {
    let Some(target) = target_slot(slot, process, target).await? else {
        return Ok(Answer::NeedProgram);
    };
    let caller = Caller {
        run: Some(run),
        hops: 0,
        cause: None,
    };
    Ok(Answer::Value(target.call(work, caller).await?))
}

async fn resolve(slot: &Slot, specifier: String, referrer: String) -> Result<Answer, CallError> {
    let asker = slot.asker.as_ref().and_then(std::sync::Weak::upgrade);
    let (Some(program), Some(asker)) = (slot.spec.resolve, asker) else {
        return Ok(Answer::Module(None));
    };
    let found = asker.resolve(program, specifier.clone(), referrer).await;
    match found.map_err(CallError::Invalid)? {
        None => Ok(Answer::Module(None)),
        Some(module) => {
            let module = late_module(&specifier, &module, &slot.kernel.compiler).await?;
            Ok(Answer::Module(Some(module)))
        }
    }
}

impl From<Failure> for CallError {
    fn from(failure: Failure) -> Self {
        CallError::Isolate(failure)
    }
}

impl From<crate::storage::StorageError> for CallError {
    fn from(error: crate::storage::StorageError) -> Self {
        CallError::Storage(error)
    }
}

/// The status that a failure has for a visitor.
pub fn status_of(outcome: Outcome) -> u16 {
    match outcome {
        Outcome::Deadline | Outcome::Stall | Outcome::Cpu => 504,
        Outcome::Overload => 503,
        Outcome::Body => 413,
        Outcome::Depth => 508,
        Outcome::Ok
        | Outcome::Exception
        | Outcome::Load
        | Outcome::Crash
        | Outcome::Canceled
        | Outcome::Memory
        | Outcome::Recursion => 500,
    }
}
