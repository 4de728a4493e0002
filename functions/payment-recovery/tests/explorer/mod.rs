//! The payments table and the payment processor, and the processes that use them.

mod gated;
mod process;
mod random_keys;

use std::sync::{Mutex, MutexGuard};

use payment_events::{Money, PaymentStatus};
use payments::testing::MemoryPayments;
use payments::{Caller, PaymentRecord, PaymentRequest, Status};
use paystream_explorer::{Choice, Explored, Faults, Scenario};

use gated::described;
use process::Process;
pub(crate) use process::Script;

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
struct Charge {
    state: ChargeState,
    /// Number of times that the amount was held.
    holds: u32,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum ChargeState {
    #[default]
    Unknown,
    Held,
    Voided,
}

/// The only payment.
fn request() -> PaymentRequest {
    PaymentRequest {
        caller: Caller::named(None),
        key: "key-1".parse().unwrap(),
        order_id: "ord-1".parse().unwrap(),
        amount: Money::new(1299, "EUR".parse().unwrap()).unwrap(),
        token: "tok_approve".parse().unwrap(),
        trace_parent: None,
    }
}

/// Explores every run of these scripts. Counts the runs that end with a declined payment.
pub(crate) fn explore(scripts: &[Script], faults: Faults, ignores_known_states: bool) -> Explored {
    let processes = scripts.iter().copied().map(Process::new).collect();
    Scenario { processes, faults, ignores_known_states }.explore()
}

impl World {
    fn images(&self) -> MutexGuard<'_, Vec<PaymentRecord>> {
        self.images.lock().unwrap()
    }

    fn charge(&self) -> MutexGuard<'_, Charge> {
        self.charge.lock().unwrap()
    }

    fn record(&self) -> Option<PaymentRecord> {
        self.table.record(&request().payment_id().unwrap())
    }

    /// Status of the payment; `None` if it was not begun.
    fn status(&self) -> Option<Status> {
        self.record().map(|record| record.payment.status)
    }
}

impl paystream_explorer::World for World {
    type Process = Process;

    fn describe(&self) -> String {
        let stored = self.record().as_ref().map(described).unwrap_or_default();
        format!("{stored} {:?}", *self.charge())
    }

    fn canonical(state: String) -> String {
        random_keys::numbered(&state)
    }

    /// Checks that the key was charged once at most, that an authorized payment is held and that a declined one is not.
    fn check(&self, choices: &[Choice]) {
        let charge = *self.charge();
        assert!(charge.holds <= 1, "a key is charged twice after {choices:?}");
        match self.status() {
            Some(Status::Public(PaymentStatus::Authorized)) => {
                assert_eq!(charge.state, ChargeState::Held, "an authorized payment is not held after {choices:?}");
            }
            Some(Status::Public(_)) => {
                assert_eq!(charge.state, ChargeState::Voided, "a declined key can be charged after {choices:?}");
            }
            _ => {}
        }
    }

    /// Checks that the payment is decided, as its clients were told. Returns true if it is declined.
    fn check_end<'a>(&self, processes: impl Iterator<Item = &'a Process>, choices: &[Choice]) -> bool {
        let status = self.status();
        assert_ne!(status, Some(Status::Processing), "the payment is undecided after {choices:?}");
        for answer in processes.filter_map(|process| process.answer) {
            assert_eq!(Some(answer), status, "a client was told otherwise after {choices:?}");
        }
        status == Some(Status::Public(PaymentStatus::Declined))
    }
}
