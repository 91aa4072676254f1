//! What a process does from which others are forked, before any is: all that they then need not.

use std::cell::RefCell;

use boa_engine::{Context, JsResult};
use boa_gc::Gc;

use super::{HEAP, Process, fatal, harden, web};

impl Process {
    // Touches what is made lazily once per process, so that it is shared by all forks and needs
    // nothing that the sandbox refuses.
    pub(super) fn warm_up(&self, cell: &RefCell<&mut Context>) {
        const WARM: &str = "Symbol.for('town'); new Date(0).toString(); /a(b)+/u.exec('abb'); \
            'aXb'.replace('X', '-').split('-'); JSON.parse('{\"a\":[1]}'); [1,2].map(String);";
        let warm = cell.borrow_mut().eval_text(WARM, None).map(drop);
        if let Err(error) = warm.and_then(|()| self.rehearse(cell)) {
            fatal(&format!("warming up failed: {error}"));
        }
        if let Err(error) = web::reseed() {
            fatal(&error.to_string());
        }
        keep_all();
    }

    // Freezes what all modules share, in a process that goes on as a zygote.
    pub(super) fn harden(&self, cell: &RefCell<&mut Context>) -> JsResult<()> {
        harden::harden(&mut cell.borrow_mut())?;
        // What the code remembers of objects was of others before.
        self.rehearse(cell)?;
        keep_all();
        HEAP.gather();
        Ok(())
    }
}

// All that is alive serves for ever: no child counts or visits it, or copies a page of it for that.
fn keep_all() {
    boa_gc::keep_all();
    collect_rarely();
    boa_gc::force_collect();
}

// The collector runs whenever as much was allocated as it found alive at its last run, and visits
// what is alive of that: for a program of a few megabytes too often at a threshold of one. What is
// alive here for a moment moves it, which only ever grows, to `GARBAGE_BYTES`.
fn collect_rarely() {
    const BLOCK_BYTES: usize = 1 << 20;
    /// Enough for some hundred requests, and little beside the memory limit.
    const GARBAGE_BYTES: usize = 4 << 20;
    #[derive(Clone, Copy, boa_gc::Trace, boa_gc::Finalize)]
    #[boa_gc(empty_trace)]
    struct Block(#[expect(dead_code, reason = "it is only there to be large")] [u8; BLOCK_BYTES]);
    // It sets the threshold to twice what it finds.
    let alive: Vec<Gc<Block>> = (0..GARBAGE_BYTES / 2 / BLOCK_BYTES)
        .map(|_| Gc::new(Block([0; BLOCK_BYTES])))
        .collect();
    boa_gc::force_collect();
    drop(alive);
}
