//! The search for a new RSA key, in steps between which the event loop goes on.

use super::rsa::kept_private;
use super::{CryptoError, Function, bytes_or_throw, number_at, random};
use crate::isolate::web::interface::receiver;
use boa_engine::{Context, Finalize, JsArgs, JsData, JsObject, JsResult, JsValue, Trace};
use crypto_primes::hazmat::{SetBits, SmallFactorsSieve, random_odd_integer};
use crypto_primes::{Flavor, is_prime};
use rsa::{BoxedUint, RsaPrivateKey};
use std::cell::RefCell;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

pub(super) const FUNCTIONS: &[Function] =
    &[("rsaSearch", 2, search), ("rsaSearchStep", 1, search_step)];

// A page that generates a key should still answer others in between.
const STEP: Duration = Duration::from_millis(20);

/// A search under way.
#[derive(Trace, Finalize, JsData)]
struct Search {
    #[unsafe_ignore_trace]
    state: RefCell<SearchState>,
}

struct SearchState {
    prime_bits: NonZeroU32,
    exponent: u64,
    candidates: Option<SmallFactorsSieve<BoxedUint>>,
    first: Option<BoxedUint>,
}

impl SearchState {
    /// Searches until the time is up. The key, once there is one.
    fn step(&mut self, until: Instant) -> Result<Option<RsaPrivateKey>, CryptoError> {
        while Instant::now() < until {
            let Some(candidate) = self.candidate()? else {
                continue;
            };
            if !is_prime(Flavor::Any, &candidate) {
                continue;
            }
            self.candidates = None;
            let Some(first) = self.first.take() else {
                self.first = Some(candidate);
                continue;
            };
            // No key comes of a prime whose predecessor shares a factor with the exponent.
            let exponent = BoxedUint::from(self.exponent);
            if let Ok(key) = RsaPrivateKey::from_p_q(first, candidate, exponent) {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    /// The next number that no small prime divides; none at the end of a range.
    fn candidate(&mut self) -> Result<Option<BoxedUint>, CryptoError> {
        let candidates = match &mut self.candidates {
            Some(candidates) => candidates,
            None => {
                let mut random = random::generator()?;
                let bits = self.prime_bits;
                let start = random_odd_integer::<BoxedUint, _>(&mut random, bits, SetBits::TwoMsb)
                    .map(|start| start.get())
                    .map_err(|_| CryptoError::Operation)?;
                let sieve = SmallFactorsSieve::new(start, bits, false)
                    .map_err(|_| CryptoError::Operation)?;
                self.candidates.insert(sieve)
            }
        };
        let next = candidates.next();
        if next.is_none() {
            self.candidates = None;
        }
        Ok(next)
    }
}

/// Begins a search: `(modulusBits, exponent)`.
fn search(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let bits = u32::try_from(number_at(arguments, 0, context)?).unwrap_or(0);
    let exponent = number_at(arguments, 1, context)? as u64;
    let Some(prime_bits) = NonZeroU32::new(bits / 2) else {
        return Err(CryptoError::Operation.thrown(context));
    };
    let state = RefCell::new(SearchState {
        prime_bits,
        exponent,
        candidates: None,
        first: None,
    });
    Ok(JsObject::from_proto_and_data(None, Search { state }).into())
}

/// Goes on with a search: the private key, or undefined as long as there is none.
fn search_step(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let search = receiver::<Search>(arguments.get_or_undefined(0))?;
    let found = {
        let search = search.borrow();
        let mut state = search.data().state.borrow_mut();
        state.step(Instant::now() + STEP)
    };
    match found {
        Ok(None) => Ok(JsValue::undefined()),
        Ok(Some(key)) => bytes_or_throw(kept_private(&key), context),
        Err(error) => Err(error.thrown(context)),
    }
}
