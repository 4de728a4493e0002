//! Time, concurrency and failures of one invocation.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use payment_events::Timestamp;
use payments::RecoverPayment;
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

/// Time before the deadline at which the last recovery begins. A recovery has up to five calls, each with a timeout of
/// about 3 s; two more tell whether the dependencies answer; and storing an image in the quarantine takes up to 20 s.
const MARGIN: Duration = Duration::from_secs(45);

/// Maximum number of recoveries that make calls at the same time. Any number of payments may wait.
const AT_ONCE_MAX: usize = 16;

/// State that the recoveries of one batch share.
pub(crate) struct Invocation {
    begin_until: SystemTime,
    permits: Semaphore,
    dependencies_answer: OnceCell<bool>,
    undecided: Mutex<UndecidedPayments>,
}

/// Payments that could not be decided.
#[derive(Default)]
pub(crate) struct UndecidedPayments {
    /// Number of recoveries that failed.
    pub(crate) failed: usize,
    /// Age of each payment that could not be decided, in milliseconds.
    pub(crate) ages_ms: Vec<u64>,
}

impl Invocation {
    pub(crate) fn new(deadline: SystemTime) -> Self {
        Self {
            begin_until: deadline.checked_sub(MARGIN).unwrap_or(SystemTime::UNIX_EPOCH),
            permits: Semaphore::new(AT_ONCE_MAX),
            dependencies_answer: OnceCell::new(),
            undecided: Mutex::default(),
        }
    }

    /// Waits for permission to make the calls of a recovery. Returns `None` if no time is left for them.
    pub(crate) async fn begin(&self) -> Option<SemaphorePermit<'_>> {
        let permit = self.permits.acquire().await.ok()?;
        (SystemTime::now() < self.begin_until).then_some(permit)
    }

    /// Sleeps for `pause`, but not longer than there is time to begin a recovery.
    pub(crate) async fn sleep(&self, pause: Duration) {
        let left = self.begin_until.duration_since(SystemTime::now()).unwrap_or_default();
        tokio::time::sleep(pause.min(left)).await;
    }

    /// Returns true if store and processor answer for another payment. Asks them once per invocation.
    pub(crate) async fn dependencies_answer(&self, recover: &RecoverPayment) -> bool {
        *self.dependencies_answer.get_or_init(|| recover.dependencies_answer()).await
    }

    /// Records a payment that could not be decided, because its recovery failed or because no time is left.
    pub(crate) fn record_undecided(&self, begun_at: Timestamp, has_failed: bool) {
        let age_ms = Timestamp::now().ms_since(begun_at);
        let mut undecided = self.undecided.lock().unwrap_or_else(PoisonError::into_inner);
        undecided.failed = undecided.failed.saturating_add(usize::from(has_failed));
        undecided.ages_ms.push(age_ms);
    }

    /// Returns the payments that could not be decided.
    pub(crate) fn into_undecided(self) -> UndecidedPayments {
        self.undecided.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
