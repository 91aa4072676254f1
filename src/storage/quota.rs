//! Quotas: how many bytes a database and those below it may have, as a value that only narrows.

use crate::limits::NAMESPACE_DEPTH_MAX;

/// The quotas that hold for a database: at most one for each level from the root down to it.
#[derive(Clone, Debug)]
pub(super) struct Quotas {
    // By level, 0 for the root. `u64::MAX` where a level has none.
    bytes_max: Vec<u64>,
}

impl Quotas {
    /// The quota of the whole tree.
    pub(super) fn of_root(bytes_max: u64) -> Self {
        Quotas {
            bytes_max: vec![bytes_max],
        }
    }

    /// The same for a database further down.
    pub(super) fn narrowed(&self, depth: usize, bytes_max: u64) -> Self {
        debug_assert!(depth <= NAMESPACE_DEPTH_MAX);
        let mut quotas = self.clone();
        if quotas.bytes_max.len() <= depth {
            quotas.bytes_max.resize(depth + 1, u64::MAX);
        }
        quotas.bytes_max[depth] = quotas.bytes_max[depth].min(bytes_max);
        quotas
    }

    /// What may still be added, given the bytes of every level from the root down, and the quota
    /// that says so.
    pub(super) fn allowance(&self, used: &[u64]) -> Allowance {
        let levels = self.bytes_max.iter().enumerate();
        levels
            .map(|(depth, &bytes_max)| {
                let bytes_used = used.get(depth).copied().unwrap_or(0);
                Allowance {
                    bytes: bytes_max.saturating_sub(bytes_used),
                    bytes_max,
                }
            })
            .min_by_key(|allowance| allowance.bytes)
            .unwrap_or(Allowance {
                bytes: u64::MAX,
                bytes_max: u64::MAX,
            })
    }
}

/// Room for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allowance {
    /// Bytes that may be added.
    pub(super) bytes: u64,
    /// The quota that leaves the least room.
    pub(super) bytes_max: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn narrowing_never_leaves_more_room(
            root in 0u64..1000,
            steps in prop::collection::vec((0usize..6, 0u64..1000), 0..8),
            used in prop::collection::vec(0u64..1000, 0..6),
        ) {
            let mut quotas = Quotas::of_root(root);
            let mut room = quotas.allowance(&used).bytes;
            for (depth, bytes) in steps {
                quotas = quotas.narrowed(depth, bytes);
                let narrower = quotas.allowance(&used).bytes;
                prop_assert!(narrower <= room);
                room = narrower;
            }
        }
    }
}
