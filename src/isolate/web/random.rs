//! Randomness, which a fork must not share: nothing is drawn before the fork, and every child
//! reseeds.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::cell::{Cell, RefCell};

thread_local! {
    // None until first needed. A generator seeded before a fork would give every child the same
    // numbers.
    static GENERATOR: RefCell<Option<StdRng>> = const { RefCell::new(None) };
    static DRAWN: Cell<bool> = const { Cell::new(false) };
}

/// The system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("The system gives no randomness: {reason}")]
pub struct RandomError {
    reason: String,
}

/// Gives this process randomness of its own, `Math.random` included. To be called in every child,
/// before the sandbox closes.
pub fn reseed() -> Result<(), RandomError> {
    // Whatever happens below, what was inherited is gone.
    GENERATOR.set(None);
    GENERATOR.set(Some(seeded()?));
    let reason = |error| RandomError {
        reason: format!("{error}"),
    };
    rand::rng().reseed().map_err(reason)
}

/// Whether nothing was drawn in this process or in those it was forked from.
pub fn untouched() -> bool {
    !DRAWN.get()
}

/// A number of `Math.random`: 53 random bits, at least 0 and below 1.
pub fn fraction() -> Result<f64, RandomError> {
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    #[allow(clippy::cast_precision_loss, reason = "53 bits are exact")]
    Ok((u64::from_le_bytes(bytes) >> 11) as f64 / (1_u64 << 53) as f64)
}

/// Fills a buffer with random bytes fit for keys.
pub fn fill(bytes: &mut [u8]) -> Result<(), RandomError> {
    DRAWN.set(true);
    GENERATOR.with_borrow_mut(|generator| {
        let generator = match generator {
            Some(generator) => generator,
            None => generator.insert(seeded()?),
        };
        generator.fill_bytes(bytes);
        Ok(())
    })
}

/// A generator of its own for code that wants one, seeded from this process's.
pub fn generator() -> Result<StdRng, RandomError> {
    let mut seed = [0; 32];
    fill(&mut seed)?;
    Ok(StdRng::from_seed(seed))
}

fn seeded() -> Result<StdRng, RandomError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| RandomError {
        reason: error.to_string(),
    })?;
    Ok(StdRng::from_seed(seed))
}
