//! Tests of the function's library on in-memory adapters.
#![allow(missing_docs, clippy::unwrap_used)]

mod images;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use images::change;
use payment_events::{Money, PaymentId, PaymentStatus, Timestamp};
use payment_recovery::{ChangeBatch, Recoverer};
use payments::testing::{MemoryCharges, MemoryPayments};
use payments::{
    Action, Authorization, Begun, Caller, Lease, Outcome, PaymentProcessor, PaymentRecord, PaymentRequest,
    PaymentStore, ProcessorError, ProcessorRecord, RecoverPayment, Refusal, Replaced, RequestKey, Status, Step,
    StoreError,
};
use quarantine::MemoryQuarantine;
use serde_json::{Value, json};
use telemetry::Metrics;

const LEASE_MS: u64 = 10_000;
const HOUR: Duration = Duration::from_hours(1);

/// Counts the reads, and can be set to fail.
#[derive(Default)]
struct Store {
    payments: MemoryPayments,
    reads: AtomicU32,
    fails_to_write: bool,
    fails_to_read: Mutex<Option<PaymentId>>,
}

fn failed() -> StoreError {
    StoreError { context: "could not call".to_owned(), source: "set to fail".into() }
}

#[async_trait]
impl PaymentStore for Store {
    async fn begin(&self, record: &PaymentRecord) -> Result<Begun, StoreError> {
        self.payments.begin(record).await
    }

    async fn load(&self, payment_id: &PaymentId) -> Result<Option<PaymentRecord>, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        if self.fails_to_read.lock().unwrap().as_ref() == Some(payment_id) {
            return Err(failed());
        }
        self.payments.load(payment_id).await
    }

    async fn replace(&self, known: &PaymentRecord, next: &PaymentRecord) -> Result<Replaced, StoreError> {
        if self.fails_to_write { Err(failed()) } else { self.payments.replace(known, next).await }
    }

    async fn refuse(&self, known: &PaymentRecord, refusal: &Refusal) -> Result<Replaced, StoreError> {
        self.payments.refuse(known, refusal).await
    }
}

/// A processor that fails for one key, or for all.
struct Processor {
    failing: Failing,
    inner: Arc<dyn PaymentProcessor>,
}

enum Failing {
    None,
    One(PaymentId),
    /// The first look-ups, this many.
    First(AtomicU32),
    All,
}

#[async_trait]
impl PaymentProcessor for Processor {
    async fn authorize(&self, authorization: Authorization<'_>) -> Result<Outcome, ProcessorError> {
        self.inner.authorize(authorization).await
    }

    async fn look_up(&self, key: &PaymentId) -> Result<ProcessorRecord, ProcessorError> {
        match &self.failing {
            Failing::One(failing) if failing == key => Err(ProcessorError::TimedOut(1)),
            Failing::First(left)
                if left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok() =>
            {
                Err(ProcessorError::TimedOut(1))
            }
            Failing::All => Err(ProcessorError::TimedOut(1)),
            _ => self.inner.look_up(key).await,
        }
    }

    async fn void(&self, key: &PaymentId) -> Result<(), ProcessorError> {
        self.inner.void(key).await
    }
}

struct World {
    store: Arc<Store>,
    quarantine: Arc<MemoryQuarantine>,
    failing: Failing,
    delay_ms: u64,
    lines: Arc<Mutex<Vec<Value>>>,
}

impl World {
    fn new() -> Self {
        Self {
            store: Arc::default(),
            quarantine: Arc::default(),
            failing: Failing::None,
            delay_ms: 0,
            lines: Arc::default(),
        }
    }

    /// Handles a batch. Returns the reported sequence numbers.
    async fn handle(&mut self, records: &[Value], left: Duration) -> Vec<String> {
        let failing = std::mem::replace(&mut self.failing, Failing::None);
        let processor = Processor { failing, inner: MemoryCharges::simulator() };
        let recover = RecoverPayment::new(self.store.clone(), Arc::new(processor), LEASE_MS, self.delay_ms);
        let into = Arc::clone(&self.lines);
        let metrics =
            Metrics::new("recovery", move |line| into.lock().unwrap().push(serde_json::from_str(line).unwrap()));
        let batch: ChangeBatch = serde_json::from_str(&json!({"Records": records}).to_string()).unwrap();
        let recoverer = Recoverer::new(recover, self.quarantine.clone(), metrics);
        recoverer.handle(batch, SystemTime::now() + left).await.into_iter().collect()
    }

    /// Begins a payment whose lease ended this long ago.
    fn begin(&self, key: &str, lease_ended_ms_ago: u64) -> PaymentRecord {
        let now = Timestamp::now();
        let begun_at =
            Timestamp::from_unix_ms(now.unix_ms() - i64::try_from(lease_ended_ms_ago + LEASE_MS).unwrap()).unwrap();
        let request = PaymentRequest {
            caller: Caller::named(None),
            key: key.parse().unwrap(),
            order_id: "ord-1".parse().unwrap(),
            amount: Money::new(1299, "EUR".parse().unwrap()).unwrap(),
            token: "tok_approve".parse().unwrap(),
            trace_parent: None,
        };
        let lease = Lease {
            until: begun_at.plus_ms(LEASE_MS),
            attempt: 1,
            holder: RequestKey::stored(format!("holder of {key}")),
        };
        let record = PaymentRecord::begin(&request, request.payment_id().unwrap(), lease, begun_at);
        self.store.payments.seed(record.clone());
        record
    }

    fn status(&self, record: &PaymentRecord) -> Status {
        self.store.payments.record(&record.payment.payment_id).unwrap().payment.status
    }

    fn counted(&self, name: &str) -> u64 {
        self.lines.lock().unwrap().iter().filter_map(|line| line[name].as_u64()).sum()
    }
}

/// The payment as the processor approved it.
fn approved(record: &PaymentRecord) -> PaymentRecord {
    let step = Step { key: RequestKey::random(), action: Action::Decide(Outcome::Approved), at: Timestamp::now() };
    record.after(step, None).unwrap()
}

const DECLINED: Status = Status::Public(PaymentStatus::Declined);

#[tokio::test]
async fn a_payment_whose_decision_is_in_the_batch_costs_no_call() {
    let mut world = World::new();
    let record = world.begin("a", 1_000);
    assert_eq!(world.handle(&[change(1, &record), change(2, &approved(&record))], HOUR).await, [""; 0]);
    assert_eq!((world.store.reads.load(Ordering::Relaxed), world.status(&record)), (0, Status::Processing));
    assert!(world.lines.lock().unwrap().is_empty(), "no metric");
}

#[tokio::test]
async fn undecided_payments_are_decided_and_unreadable_images_left_to_the_relay() {
    let mut world = World::new();
    let records: Vec<_> = ["a", "b", "c"].map(|key| world.begin(key, 1_000)).into();
    let mut changes: Vec<_> = records.iter().zip(1..).map(|(record, number)| change(number, record)).collect();
    changes.push(json!({"dynamodb": {"Keys": {"payment_id": {"S": "pay_x"}}, "SequenceNumber": "9",
        "NewImage": {"payment_id": {"S": "pay_x"}, "version": {"N": "0"}}}}));
    assert_eq!(world.handle(&changes, HOUR).await, [""; 0]);
    assert!(records.iter().all(|record| world.status(record) == DECLINED));
    assert_eq!((world.counted("Recovered"), world.quarantine.records().len()), (3, 0));
}

/// The payment is due in a second. The batch is not acknowledged before.
#[tokio::test]
async fn a_payment_that_is_not_due_is_waited_for() {
    let mut world = World::new();
    world.delay_ms = 2_000;
    let record = world.begin("a", 1_000);
    let begun = Instant::now();
    assert_eq!(world.handle(&[change(1, &record)], HOUR).await, [""; 0]);
    assert_eq!(world.status(&record), DECLINED);
    assert!(begun.elapsed() > Duration::from_millis(500), "not before it is due");
    let reads = world.store.reads.load(Ordering::Relaxed);
    assert!((2..=8).contains(&reads), "{reads} reads, with pauses between them");
}

#[tokio::test]
async fn a_payment_that_is_not_due_before_the_deadline_is_redelivered() {
    let mut world = World::new();
    world.delay_ms = 60_000;
    let (record, decided) = (world.begin("a", 0), world.begin("b", 0));
    let batch = [change(1, &approved(&decided)), change(2, &record)];
    for left in [Duration::from_secs(46), Duration::ZERO] {
        assert_eq!(world.handle(&batch, left).await, ["2"]);
        assert_eq!(world.status(&record), Status::Processing);
    }
    assert_eq!(world.lines.lock().unwrap().iter().filter(|line| line["UndecidedAge"].is_array()).count(), 2);
}

#[tokio::test]
async fn a_payment_that_cannot_be_decided_is_redelivered_and_the_others_are_decided() {
    let mut world = World::new();
    let (failing, other) = (world.begin("a", 1_000), world.begin("b", 1_000));
    world.failing = Failing::One(failing.payment.payment_id.clone());
    assert_eq!(world.handle(&[change(1, &failing), change(2, &other)], HOUR).await, ["1"]);
    assert_eq!((world.status(&failing), world.status(&other)), (Status::Processing, DECLINED));
    assert_eq!((world.counted("RecoveryFailed"), world.quarantine.records().len()), (1, 0));
}

const PATIENCE_OVER_MS: u64 = 16 * 60 * 1_000;

#[tokio::test(start_paused = true)]
async fn a_payment_whose_recovery_alone_keeps_failing_is_quarantined() {
    for fails_to_read in [false, true] {
        let mut world = World::new();
        let failing = world.begin("a", PATIENCE_OVER_MS);
        let id = failing.payment.payment_id.clone();
        if fails_to_read {
            *world.store.fails_to_read.lock().unwrap() = Some(id);
        } else {
            world.failing = Failing::One(id);
        }
        let batch = [change(1, &failing)];
        assert_eq!(world.handle(&batch, HOUR).await, [""; 0], "it does not hold up other payments");
        let [quarantined] = &world.quarantine.records()[..] else { panic!("quarantined once") };
        assert_eq!(quarantined.data, batch[0]["dynamodb"]["NewImage"].to_string().into_bytes());
        assert_eq!(world.counted("QuarantinedPayments"), 1);
    }
}

/// After an outage, all payments that wait are overdue.
#[tokio::test(start_paused = true)]
async fn a_payment_is_not_quarantined_for_a_failure_that_passes() {
    let mut world = World::new();
    let record = world.begin("a", PATIENCE_OVER_MS);
    world.failing = Failing::First(AtomicU32::new(1));
    assert_eq!(world.handle(&[change(1, &record)], HOUR).await, [""; 0]);
    assert_eq!((world.status(&record), world.quarantine.records().len()), (DECLINED, 0));
}

/// The lease says nothing, and neither does the time at which the payment began. The image has DynamoDB's time.
#[tokio::test(start_paused = true)]
async fn a_payment_that_a_clock_far_ahead_began_holds_up_no_other_and_is_seen_by_the_alarm() {
    let mut world = World::new();
    let mut failing = world.begin("a", 0);
    let in_a_year = Timestamp::now().plus_ms(365 * 24 * 3_600_000);
    (failing.payment.created_at, failing.lease.until) = (in_a_year, in_a_year);
    world.store.payments.seed(failing.clone());
    let mut batch = [change(1, &failing)];
    for (minutes_ago, reported) in [(20, &["1"][..]), (31, &[])] {
        let written_at_s = Timestamp::now().unix_ms() / 1_000 - minutes_ago * 60;
        batch[0]["dynamodb"]["ApproximateCreationDateTime"] = json!(written_at_s);
        world.failing = Failing::One(failing.payment.payment_id.clone());
        assert_eq!(world.handle(&batch, HOUR).await, reported, "{minutes_ago} minutes after the begin");
        let ages = world.lines.lock().unwrap().last().unwrap()["UndecidedAge"].clone();
        assert!(ages[0].as_i64().unwrap() >= minutes_ago * 60_000, "{ages}");
    }
    assert_eq!(world.quarantine.records().len(), 1);
}

#[tokio::test]
async fn a_payment_is_redelivered_for_as_long_as_a_dependency_fails() {
    for fails_to_write in [false, true] {
        let mut world = World::new();
        let store = Store { fails_to_write, ..Store::default() };
        world.store = Arc::new(store);
        world.failing = if fails_to_write { Failing::None } else { Failing::All };
        let record = world.begin("a", PATIENCE_OVER_MS);
        assert_eq!(world.handle(&[change(1, &record)], HOUR).await, ["1"]);
        assert_eq!(world.quarantine.records().len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_payment_is_redelivered_if_its_image_cannot_be_quarantined() {
    let mut world = World::new();
    let record = world.begin("a", PATIENCE_OVER_MS);
    world.failing = Failing::One(record.payment.payment_id.clone());
    let batch = [change(1, &record)];
    world.quarantine.fail_for_data(batch[0]["dynamodb"]["NewImage"].to_string().as_bytes());
    assert_eq!(world.handle(&batch, HOUR).await, ["1"]);
}
