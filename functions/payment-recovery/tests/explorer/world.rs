//! A payments table with its change stream, and a payment processor, whose calls wait until the explorer lets them through.

use std::fmt::Write;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use payment_events::{Decline, PaymentId};
use payments::testing::MemoryPayments;
use payments::{
    Authorization, Begun, Outcome, PaymentProcessor, PaymentRecord, PaymentStore, ProcessorError, ProcessorRecord,
    Refusal, Replaced, StoreError,
};

/// State shared by all processes.
#[derive(Default)]
pub(crate) struct World {
    table: MemoryPayments,
    /// Images of all writes, in their order.
    images: Mutex<Vec<PaymentRecord>>,
    charge: Mutex<Charge>,
}

/// State of the only idempotency key at the processor, which approves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) state: ChargeState,
    /// Number of times that the amount was held.
    pub(crate) holds: u32,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ChargeState {
    #[default]
    Unknown,
    Held,
    Voided,
}

impl World {
    pub(crate) fn record(&self, payment_id: &PaymentId) -> Option<PaymentRecord> {
        self.table.record(payment_id)
    }

    pub(crate) fn images(&self) -> Vec<PaymentRecord> {
        self.images.lock().unwrap().clone()
    }

    pub(crate) fn charge(&self) -> MutexGuard<'_, Charge> {
        self.charge.lock().unwrap()
    }

    fn written(&self, image: &PaymentRecord) {
        self.images.lock().unwrap().push(image.clone());
    }
}

/// What becomes of a call that is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Succeeds,
    /// The call has no effect, and fails.
    Fails,
    /// The call takes effect, and its response is lost.
    LosesResponse,
}

/// One process's gated access to the world.
pub(crate) struct Gated {
    world: Arc<World>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: Option<Fate>,
    waiting: Option<Waker>,
    /// Calls with the results that the process has received.
    results: Vec<String>,
}

impl Gated {
    pub(crate) fn new(world: &Arc<World>) -> Arc<Self> {
        Arc::new(Self { world: Arc::clone(world), state: Mutex::default() })
    }

    /// Lets one call through.
    pub(crate) fn open(&self, fate: Fate) {
        let mut state = self.state.lock().unwrap();
        state.open = Some(fate);
        if let Some(waiting) = state.waiting.take() {
            waiting.wake();
        }
    }

    /// Results received so far.
    pub(crate) fn results(&self) -> String {
        format!("{:?}", self.state.lock().unwrap().results)
    }

    pub(crate) fn has_results(&self) -> bool {
        !self.state.lock().unwrap().results.is_empty()
    }

    /// Makes one call when it is let through.
    async fn call<T, E>(
        &self,
        call: impl FnOnce(&World) -> T,
        describe: impl FnOnce(&T) -> String,
        failed: impl FnOnce() -> E,
    ) -> Result<T, E> {
        let fate = poll_fn(|context| {
            let mut state = self.state.lock().unwrap();
            match state.open.take() {
                Some(fate) => Poll::Ready(fate),
                None => {
                    state.waiting = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await;
        let result = if fate == Fate::Fails { None } else { Some(call(&self.world)) };
        let result = result.filter(|_| fate == Fate::Succeeds);
        let described = result.as_ref().map_or("failed".to_owned(), describe);
        self.state.lock().unwrap().results.push(described);
        result.ok_or_else(failed)
    }
}

fn store_failed() -> StoreError {
    StoreError { context: "could not call".to_owned(), source: "set to fail".into() }
}

fn processor_failed() -> ProcessorError {
    ProcessorError::TimedOut(1)
}

#[async_trait]
impl PaymentStore for Gated {
    async fn begin(&self, record: &PaymentRecord) -> Result<Begun, StoreError> {
        let begin = |world: &World| {
            let begun = ready(world.table.begin(record)).unwrap();
            if begun == Begun::New {
                world.written(record);
            }
            begun
        };
        let describe = |begun: &Begun| match begun {
            Begun::New => format!("begun {}", described(record)),
            Begun::Known(known) => format!("known {}", described(known)),
        };
        self.call(begin, describe, store_failed).await
    }

    async fn load(&self, payment_id: &PaymentId) -> Result<Option<PaymentRecord>, StoreError> {
        let describe = |record: &Option<PaymentRecord>| record.as_ref().map(described).unwrap_or_default();
        self.call(|world| world.record(payment_id), describe, store_failed).await
    }

    async fn replace(&self, known: &PaymentRecord, next: &PaymentRecord) -> Result<Replaced, StoreError> {
        let replace = |world: &World| {
            let replaced = ready(world.table.replace(known, next)).unwrap();
            if replaced == Replaced::Done {
                world.written(next);
            }
            replaced
        };
        let describe = |replaced: &Replaced| match replaced {
            Replaced::Lost(stored) => format!("lost to {}", described(stored)),
            other => format!("{other:?} {}", described(next)),
        };
        self.call(replace, describe, store_failed).await
    }

    async fn refuse(&self, _: &PaymentRecord, _: &Refusal) -> Result<Replaced, StoreError> {
        Err(store_failed())
    }
}

#[async_trait]
impl PaymentProcessor for Gated {
    async fn authorize(&self, _: Authorization<'_>) -> Result<Outcome, ProcessorError> {
        let authorize = |world: &World| {
            let mut charge = world.charge();
            if charge.state == ChargeState::Unknown {
                *charge = Charge { state: ChargeState::Held, holds: charge.holds + 1 };
            }
            match charge.state {
                ChargeState::Voided => {
                    Outcome::Declined(Decline { code: "voided".to_owned(), message: "void".to_owned() })
                }
                _ => Outcome::Approved,
            }
        };
        self.call(authorize, |outcome| format!("{outcome:?}"), processor_failed).await
    }

    async fn look_up(&self, _: &PaymentId) -> Result<ProcessorRecord, ProcessorError> {
        let look_up = |world: &World| match world.charge().state {
            ChargeState::Unknown => ProcessorRecord::Unknown,
            ChargeState::Held => ProcessorRecord::Decided(Outcome::Approved),
            ChargeState::Voided => ProcessorRecord::Voided,
        };
        self.call(look_up, |record| format!("{record:?}"), processor_failed).await
    }

    async fn void(&self, _: &PaymentId) -> Result<(), ProcessorError> {
        let void = |world: &World| world.charge().state = ChargeState::Voided;
        self.call(void, |()| "void".to_owned(), processor_failed).await
    }
}

/// Everything of a record that influences a process. Omits times, which differ between runs.
pub(crate) fn described(record: &PaymentRecord) -> String {
    let PaymentRecord { payment, lease, is_abandoned, steps, .. } = record;
    let mut text = format!("{} {is_abandoned} {}", payment.status, lease.holder.as_str());
    for step in steps {
        write!(text, " {}", step.key.as_str()).unwrap();
    }
    text
}

/// Number of characters of a random request key.
const KEY_CHARACTERS: usize = 26;

/// Replaces the random keys in a description, which differ between runs, by their order of appearance.
pub(crate) fn without_random_keys(text: &str) -> String {
    let mut known: Vec<&str> = Vec::new();
    let is_key =
        |word: &str| word.len() == KEY_CHARACTERS && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let mut canonical = String::with_capacity(text.len());
    for word in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let key = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if is_key(key) {
            let number = known.iter().position(|known| *known == key).unwrap_or_else(|| {
                known.push(key);
                known.len() - 1
            });
            write!(canonical, "key{number}{}", &word[key.len()..]).unwrap();
        } else {
            canonical.push_str(word);
        }
    }
    canonical
}

/// Returns the output of a future that never waits.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("the future is pending"),
    }
}
