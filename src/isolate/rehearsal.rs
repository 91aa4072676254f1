//! The rehearsal: a program is loaded and asked once, before there is any, and leaves no trace.
//!
//! In the zygote it makes what is made lazily, for all. In a process that waits for its program it
//! makes the process's own whatever memory such a run writes to, and finds its way to the code that
//! it needs, so that no visitor waits for that. No more than what most programs do, since each page
//! that is touched is one that an idle process keeps.

use std::cell::RefCell;

use boa_engine::{Context, JsResult, JsValue};

use super::Process;
use super::host::type_error;
use crate::wire::{BodyDown, Down, Env, ModuleBody, RequestHead, RunId, Start, StartModule, Trust};

/// A program as they are.
const PROGRAM: &str = "export default async function (request) { \
    return Response.json({ path: new URL(request.url).pathname }); }";

/// Its name, which no module has.
const SPECIFIER: &str = "town:rehearsal";

/// Its run. Those of the kernel are drawn at random.
const RUN: RunId = 1;

/// For a process that has its program already.
const AMONG_OTHERS: &str = "new Request('http://localhost/'); Response.json('')";

impl Process {
    /// Does once what every program does.
    pub(super) fn rehearse(&self, cell: &RefCell<&mut Context>) -> JsResult<()> {
        if !self.modules.is_empty() {
            let context = &mut cell.borrow_mut();
            return context.eval_text(AMONG_OTHERS, None).map(|_: JsValue| ());
        }
        let unsent = self.host.socket.borrow().unsent();
        let played = self.play(cell);
        self.modules.clear();
        self.host.socket.borrow_mut().take_back(unsent);
        self.host.executor.enter(0);
        played
    }

    fn play(&self, cell: &RefCell<&mut Context>) -> JsResult<()> {
        let mut start = Start {
            main: SPECIFIER.into(),
            modules: vec![StartModule {
                specifier: SPECIFIER.into(),
                body: ModuleBody::Code(PROGRAM.into()),
                trust: Trust::full(),
                imports: Vec::new(),
            }],
            env: Env::Strings(Vec::new()),
            storage: true,
            loader: false,
            outbound: true,
            resolve: false,
            memory_mb: 0,
            log_bytes: 0,
        };
        self.load(&mut start, cell)
            .map_err(|failure| type_error(failure.message))?;
        let request = Down::Fetch {
            run: RUN,
            head: RequestHead {
                method: "GET".into(),
                url: "http://localhost/".into(),
                headers: vec![("accept".into(), b"*/*".to_vec())],
            },
            body: BodyDown::Empty,
            failure: None,
            revisions: Vec::new(),
        };
        self.take(request, cell)?;
        self.run_all(cell, &mut Vec::new());
        Ok(())
    }
}
