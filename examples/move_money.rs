//! Moves money as payment events say, each movement exactly once (docs/api/contracts.md#consumers-that-move-money).
//! Reads events from standard input: `cargo run -p paystream-contracts --example move_money -- LEDGER [SINCE] < EVENTS`

use std::{collections::BTreeMap, env, error::Error, fs, io};

use payment_events::{Currency, PaymentEvent, PaymentId, Timestamp, Transition, TransitionAction};
use serde::{Deserialize, Serialize};
use serde_json::{Deserializer, value::RawValue};

/// Maximum versions kept beyond a gap of a payment. Later ones are dropped; `paystream replay` publishes them again.
const PARKED_MAX: usize = 128;

/// The consumer's state. A movement is stored in one write with the version that caused it, so neither is without the
/// other. Another process makes the movements, with their ids as idempotency keys, and removes them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ledger {
    /// Start of this consumer's responsibility: earlier transitions were somebody else's, and move nothing here.
    pub(crate) since: Timestamp,
    pub(crate) progress: BTreeMap<PaymentId, Progress>,
    pub(crate) movements: Vec<Movement>,
}

/// Last version acted on, and the later ones that wait for the version after it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) version: u64,
    pub(crate) parked: BTreeMap<u64, Movement>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Movement {
    pub(crate) event_id: String,
    pub(crate) transition: Transition,
    pub(crate) currency: Currency,
    pub(crate) at: Timestamp,
}

impl Ledger {
    /// Acts on an event, or parks it. Changes nothing if the event is a duplicate, or has no transition.
    pub(crate) fn receive(&mut self, event: &PaymentEvent) {
        let (payment, Some(transition)) = (event.payment(), event.transition()) else { return };
        // A payment made before `since` starts with the first version seen, any other with version 1.
        let version = if payment.created_at < self.since { payment.version - 1 } else { 0 };
        let new = || Progress { version, parked: BTreeMap::new() };
        let progress = self.progress.entry(payment.payment_id.clone()).or_insert_with(new);
        if payment.version <= progress.version {
            return;
        }
        let (event_id, currency, at) = (event.id(), payment.amount.currency(), payment.updated_at);
        progress.parked.insert(payment.version, Movement { event_id, transition, currency, at });
        while let Some(next) = progress.parked.remove(&(progress.version + 1)) {
            progress.version += 1;
            // The processor was called to authorize. It still has to learn of a capture, a void and a refund.
            let is_known = matches!(next.transition.action, TransitionAction::Authorize | TransitionAction::Decline);
            self.movements.extend(Some(next).filter(|next| next.at >= self.since && !is_known));
        }
        progress.parked.split_off(&(progress.version + 2 + PARKED_MAX as u64));
    }
}

#[expect(clippy::print_stdout, reason = "the example prints its results")]
fn main() -> Result<(), Box<dyn Error>> {
    let (path, since) = (env::args().nth(1).ok_or("the path of the ledger is missing")?, env::args().nth(2));
    let new = |since| Ledger { since, progress: BTreeMap::new(), movements: Vec::new() };
    let known = if fs::exists(&path)? { Some(serde_json::from_slice(&fs::read(&path)?)?) } else { None };
    let mut ledger = known.unwrap_or(new(since.as_deref().unwrap_or("1970-01-01T00:00:00Z").parse()?));
    for event in Deserializer::from_reader(io::stdin()).into_iter::<Box<RawValue>>() {
        ledger.receive(&PaymentEvent::decode(event?.get().as_bytes())?);
    }
    fs::write(format!("{path}.new"), serde_json::to_vec(&ledger)?)?;
    fs::rename(format!("{path}.new"), &path)?;
    for Movement { event_id, transition, currency, .. } in ledger.movements {
        println!("{event_id}: {} {} {currency}", transition.action, transition.amount_minor);
    }
    for (payment_id, progress) in ledger.progress.iter().filter(|(_, progress)| !progress.parked.is_empty()) {
        println!("{payment_id}: waits for version {}", progress.version + 1);
    }
    Ok(())
}
