//! Templates that any instance may fork.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::process::Process;

// When it was last used, and its process.
type Template = (Instant, Arc<Process>);

/// Templates that any instance may fork: by digest, the ones used longest ago going first.
#[derive(Default)]
pub struct Templates {
    known: Mutex<HashMap<[u8; 32], Template>>,
}

/// Templates kept. Ten towns' worth of busy programs.
const TEMPLATES_MAX: usize = 128;

/// Resident memory of all templates together; each shares some 15 MB of it with all others.
const TEMPLATES_BYTES_MAX: u64 = 2 << 30;

impl Templates {
    pub(super) fn find(&self, digest: &[u8; 32]) -> Option<Arc<Process>> {
        let mut known = lock(&self.known);
        let (used, template) = known.get_mut(digest)?;
        if !template.alive() || !template.shared() {
            return None;
        }
        *used = Instant::now();
        Some(template.clone())
    }

    pub(super) fn keep(&self, digest: [u8; 32], template: Arc<Process>) {
        let mut known = lock(&self.known);
        known.retain(|_, (_, template)| template.alive());
        let mut bytes: u64 = known
            .values()
            .map(|(_, template)| template.resident_bytes())
            .sum();
        while known.len() >= TEMPLATES_MAX || bytes > TEMPLATES_BYTES_MAX {
            let oldest = known.iter().min_by_key(|(_, (used, _))| *used);
            let Some(oldest) = oldest.map(|(digest, _)| *digest) else {
                break;
            };
            if let Some((_, template)) = known.remove(&oldest) {
                bytes = bytes.saturating_sub(template.resident_bytes());
                template.retire();
            }
        }
        known.insert(digest, (Instant::now(), template));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
