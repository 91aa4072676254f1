//! Another program in a slot's place: loaded beside the one that serves, tried, and adopted or not.

use std::sync::Arc;
use std::time::Duration;

use super::{Slot, lock, no_process};
use crate::eval::process::Process;
use crate::eval::program::Prepared;
use crate::wire::{Down, Failure, Outcome};

/// A program that has loaded, and may take the place of the one that serves.
pub struct Beside {
    pub prepared: Arc<Prepared>,
    template: Arc<Process>,
}

impl Beside {
    /// It will not serve.
    pub fn discard(self) {
        if !self.template.shared() {
            self.template.retire();
        }
    }
}

impl Slot {
    /// Loads a program beside the one that serves.
    pub async fn load_beside(&self, prepared: Prepared) -> Result<Beside, Failure> {
        let prepared = Arc::new(prepared);
        let template = self.load(&prepared)?;
        // Sooner than the deadline of the request that asked for it, so that it gets the answer.
        let patience_ms = self.grant.limits().deadline_ms / 2;
        let loading = tokio::time::timeout(Duration::from_millis(patience_ms), template.loaded());
        let Ok(loaded) = loading.await else {
            let message = format!("The program had not loaded within {patience_ms} ms");
            let failure = Failure::limit(Outcome::Deadline, "deadlineMs", patience_ms, message);
            template.kill(failure.clone());
            return Err(failure);
        };
        let loaded = loaded?;
        if !loaded.exports.fetch {
            template.retire();
            let message = "The program has no handler: its default export has no fetch";
            return Err(Failure::new(Outcome::Load, message));
        }
        Ok(Beside { prepared, template })
    }

    /// A process of a program that does not serve yet, to try it.
    pub fn process_beside(&self, beside: &Beside) -> Result<Arc<Process>, Failure> {
        self.kernel.admit(&self.lineage)?;
        let forks = self.kernel.nursery.forks();
        let link = if forks {
            beside.template.fork(false)
        } else {
            self.kernel.nursery.birth(beside.prepared.realm)
        };
        let link = link.map_err(no_process)?;
        if !forks {
            link.send_encoded(beside.prepared.start.clone());
            link.send(&Down::Seal);
        }
        let template = forks.then(|| beside.template.clone());
        let (prepared, limits) = (beside.prepared.clone(), self.grant.limits());
        Ok(self
            .kernel
            .attach(link, self.member(), prepared, limits, template))
    }

    /// Lets a program that was loaded beside this one take its place.
    pub fn adopt(&self, beside: Beside) {
        let Beside { prepared, template } = beside;
        self.watch.begin(prepared.overridden);
        let keep = self.kernel.nursery.forks();
        self.routes().clear();
        let (old, isolates) = {
            let mut running = lock(&self.running);
            running.prepared = prepared;
            running.starts += 1;
            let old = running.template.replace(template.clone());
            if !keep {
                running.template = None;
            }
            (old, std::mem::take(&mut running.isolates))
        };
        if !keep {
            template.retire();
        }
        old.iter()
            .filter(|template| !template.shared())
            .chain(&isolates)
            .for_each(|process| process.retire());
    }
}
