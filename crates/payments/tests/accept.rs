//! Tests of [`AcceptPayment`] on in-memory adapters.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use payment_events::{Money, PaymentId, PaymentStatus, Timestamp};
use payments::testing::{MemoryCharges, MemoryPayments, RecordingPublisher, TwiceWritten};
use payments::{
    AcceptError, AcceptPayment, Accepted, Action, Authorization, Begun, Caller, Change, Lease, Outbox, Outcome,
    PaymentProcessor, PaymentRecord, PaymentRequest, PaymentStore, ProcessorError, ProcessorRecord, Publication,
    PublishMode, Published, RebuiltPayment, Refusal, Rejection, Replaced, RequestKey, SimulatedProcessor, Status, Step,
    StoreError,
};

/// Counts the authorizations, and passes them on to the simulator.
struct CountingProcessor {
    authorizations: AtomicU32,
    simulator: Arc<SimulatedProcessor>,
}

impl Default for CountingProcessor {
    fn default() -> Self {
        Self { authorizations: AtomicU32::new(0), simulator: MemoryCharges::simulator() }
    }
}

#[async_trait]
impl PaymentProcessor for CountingProcessor {
    async fn authorize(&self, authorization: Authorization<'_>) -> Result<Outcome, ProcessorError> {
        self.authorizations.fetch_add(1, Ordering::Relaxed);
        self.simulator.authorize(authorization).await
    }

    async fn look_up(&self, idempotency_key: &PaymentId) -> Result<ProcessorRecord, ProcessorError> {
        self.simulator.look_up(idempotency_key).await
    }

    async fn void(&self, idempotency_key: &PaymentId) -> Result<(), ProcessorError> {
        self.simulator.void(idempotency_key).await
    }
}

#[derive(Default)]
struct World {
    store: Arc<MemoryPayments>,
    publisher: Arc<RecordingPublisher>,
    processor: Arc<CountingProcessor>,
}

impl World {
    async fn accept(&self, request: &PaymentRequest) -> Result<Accepted, AcceptError> {
        let mode = PublishMode::Direct(Publication::new(self.publisher.clone(), self.store.clone()));
        AcceptPayment::new(self.store.clone(), self.processor.clone(), mode, 10_000).accept(request).await
    }

    fn record(&self, request: &PaymentRequest) -> PaymentRecord {
        self.store.record(&request.payment_id().unwrap()).unwrap()
    }

    fn charges(&self) -> u32 {
        self.processor.authorizations.load(Ordering::Relaxed)
    }
}

fn request(token: &str) -> PaymentRequest {
    PaymentRequest {
        caller: Caller::named(None),
        key: "key-1".parse().unwrap(),
        order_id: "ord-1".parse().unwrap(),
        amount: Money::new(1299, "EUR".parse().unwrap()).unwrap(),
        token: token.parse().unwrap(),
        trace_parent: None,
    }
}

#[tokio::test]
async fn an_approved_payment_is_stored_and_published_and_its_position_raised() {
    let world = World::default();
    let request = request("tok_approve");
    let accepted = world.accept(&request).await.unwrap();
    assert_eq!(accepted.published, Some(Published::Now));
    assert_eq!(accepted.payment.status, Status::Public(PaymentStatus::Authorized));
    assert_eq!(accepted.payment.version, 1);
    let record = world.record(&request);
    assert_eq!(world.publisher.published(), record.events_after(0).unwrap());
    assert_eq!(record.payment, accepted.payment);
    assert_eq!(record.published_version, 1);
}

#[tokio::test]
async fn a_retry_gets_the_first_result_and_charges_nothing() {
    for token in ["tok_approve", "tok_decline_fraud"] {
        let world = World::default();
        let first = world.accept(&request(token)).await.unwrap();
        let second = world.accept(&request(token)).await.unwrap();
        assert_eq!(second, Accepted { published: None, ..first });
        assert_eq!((world.charges(), world.publisher.published().len()), (1, 1));
    }
}

#[tokio::test]
async fn a_retry_gets_the_first_result_even_if_the_payment_has_changed_since() {
    let world = World::default();
    let first = world.accept(&request("tok_approve")).await.unwrap();
    let record = world.record(&request("tok_approve"));
    let step =
        Step { key: RequestKey::random(), action: Action::Change(Change::Void), at: Timestamp::now().plus_ms(1_000) };
    world.store.seed(record.after(step, None).unwrap());
    let second = world.accept(&request("tok_approve")).await.unwrap();
    assert_eq!((second.payment.status, second.payment.version), (first.payment.status, 1));
    assert_eq!(second.payment.updated_at, first.payment.updated_at);
}

#[tokio::test]
async fn a_write_whose_response_is_lost_is_recognised() {
    let world = World::default();
    for token in ["tok_approve", "tok_fail_once"] {
        let request = PaymentRequest { key: token.parse().unwrap(), ..request(token) };
        let store = Arc::new(TwiceWritten(world.store.clone()));
        let mode = PublishMode::Direct(Publication::new(world.publisher.clone(), world.store.clone()));
        let accept = AcceptPayment::new(store, world.processor.clone(), mode, 10_000);
        if token == "tok_fail_once" {
            assert!(matches!(accept.accept(&request).await, Err(AcceptError::Processor { .. })));
        }
        let accepted = accept.accept(&request).await.unwrap();
        assert_eq!(accepted.published, Some(Published::Now), "{token}: no other request made it");
    }
}

#[tokio::test]
async fn concurrent_requests_make_one_payment() {
    let world = Arc::new(World::default());
    let requests = (0..50).map(|_| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.accept(&request("tok_approve")).await })
    });
    let mut made = 0;
    for answer in futures::future::join_all(requests).await {
        match answer.unwrap() {
            Ok(accepted) => made += u32::from(accepted.published.is_some()),
            Err(error) => assert!(matches!(error, AcceptError::InProgress), "{error}"),
        }
    }
    assert_eq!((made, world.charges(), world.publisher.published().len()), (1, 1, 1));
}

#[tokio::test]
async fn a_key_is_valid_for_one_payment_only() {
    let world = World::default();
    let first = world.accept(&request("tok_approve")).await.unwrap();
    let other = PaymentRequest { order_id: "ord-2".parse().unwrap(), ..request("tok_approve") };
    assert!(matches!(world.accept(&other).await, Err(AcceptError::KeyReused)));
    assert_eq!(world.record(&request("tok_approve")).payment, first.payment);
}

#[tokio::test]
async fn keys_of_different_callers_never_collide() {
    let world = World::default();
    let mine = world.accept(&request("tok_approve")).await.unwrap();
    let theirs = PaymentRequest { caller: Caller::named(Some("them")), ..request("tok_approve") };
    let theirs = world.accept(&theirs).await.unwrap();
    assert!(theirs.published.is_some());
    assert_ne!(mine.payment.payment_id, theirs.payment.payment_id);
}

#[tokio::test]
async fn a_running_request_is_left_alone_and_an_abandoned_one_is_completed() {
    let world = World::default();
    let request = request("tok_fail_once");
    assert!(matches!(world.accept(&request).await, Err(AcceptError::Processor { .. })));
    let mut running = world.record(&request);
    assert_eq!(running.payment.status, Status::Processing);

    running.lease.until = Timestamp::now().plus_ms(5_000);
    world.store.seed(running.clone());
    let in_progress = world.accept(&request).await.unwrap_err();
    assert!(matches!(in_progress, AcceptError::InProgress));
    assert_eq!(world.charges(), 1);

    running.lease.until = Timestamp::now();
    world.store.seed(running);
    let finished = world.accept(&request).await.unwrap();
    assert_eq!(finished.payment.status, Status::Public(PaymentStatus::Authorized));
    assert!(finished.published.is_some(), "this request made the payment");
    assert_eq!(world.publisher.published().len(), 1);
}

#[tokio::test]
async fn a_retry_calls_the_processor_again_after_a_failure() {
    let world = World::default();
    let request = request("tok_fail_once");
    assert!(matches!(
        world.accept(&request).await,
        Err(AcceptError::Processor { error: ProcessorError::Failed(_), .. })
    ));
    let accepted = world.accept(&request).await.unwrap();
    assert_eq!(accepted.payment.status, Status::Public(PaymentStatus::Authorized));
    assert_eq!(world.charges(), 2);
}

#[tokio::test]
async fn a_payment_is_accepted_while_the_stream_is_down() {
    let world = World::default();
    world.publisher.fail_for("ord-1");
    let accepted = world.accept(&request("tok_approve")).await.unwrap();
    assert_eq!(accepted.payment.status, Status::Public(PaymentStatus::Authorized));
    assert_eq!(accepted.published, Some(Published::Deferred));
    assert!(world.record(&request("tok_approve")).is_due(), "the version is left to the relay");
}

#[tokio::test]
async fn every_declining_test_token_has_its_decline_code() {
    let declines = [
        ("tok_decline_insufficient_funds", "insufficient_funds"),
        ("tok_decline_expired_card", "expired_card"),
        ("tok_decline_lost_card", "lost_card"),
        ("tok_decline_fraud", "suspected_fraud"),
        ("tok_decline_do_not_honor", "do_not_honor"),
        ("tok_anything_else", "unknown_token"),
    ];
    for (token, code) in declines {
        let payment = World::default().accept(&request(token)).await.unwrap().payment;
        assert_eq!(payment.status, Status::Public(PaymentStatus::Declined), "{token}");
        assert_eq!(payment.decline.unwrap().code, code);
    }
}

#[tokio::test(start_paused = true)]
async fn slow_decisions_are_awaited_and_timeouts_leave_the_payment_resumable() {
    let slow = World::default().accept(&request("tok_slow")).await.unwrap();
    assert_eq!(slow.payment.status, Status::Public(PaymentStatus::Authorized));
    let world = World::default();
    let timed_out = world.accept(&request("tok_timeout")).await;
    assert!(matches!(timed_out, Err(AcceptError::Processor { error: ProcessorError::TimedOut(_), .. })));
    assert_eq!(world.record(&request("tok_timeout")).payment.status, Status::Processing);
    assert_eq!(world.publisher.published(), []);
}

fn in_a_minute() -> SystemTime {
    SystemTime::now() + Duration::from_mins(1)
}

#[tokio::test]
async fn a_batch_publish_reports_an_outcome_for_each_payment() {
    let world = World::default();
    world.publisher.fail_for("ord-2");
    let mut records = Vec::new();
    for order_id in ["ord-1", "ord-2", "ord-3"] {
        let request = PaymentRequest {
            order_id: order_id.parse().unwrap(),
            key: order_id.parse().unwrap(),
            ..request("tok_approve")
        };
        let other = World { publisher: Arc::default(), ..World::default() };
        other.publisher.fail_for(order_id);
        other.accept(&request).await.unwrap();
        records.push(RebuiltPayment::new(other.record(&request)).unwrap());
    }
    let publication = Publication::new(world.publisher.clone(), world.store.clone());
    let published = publication.publish_all(&records, in_a_minute()).await;
    assert_eq!(published, [Published::Now, Published::Deferred, Published::Now]);
    assert_eq!(world.publisher.published().len(), 2);
}

/// The relay, and not the request, decides about a version that the hub rejects.
#[tokio::test]
async fn a_rejected_event_is_left_to_the_relay_by_a_request_and_named_in_a_batch() {
    let world = World::default();
    let event_id = format!("{}:1", request("tok_approve").payment_id().unwrap());
    world.publisher.reject(&event_id);
    let accepted = world.accept(&request("tok_approve")).await.unwrap();
    assert_eq!(accepted.published, Some(Published::Deferred));
    let record = world.record(&request("tok_approve"));
    let publication = Publication::new(world.publisher.clone(), world.store.clone());
    let published = publication.publish_all(&[RebuiltPayment::new(record).unwrap()], in_a_minute()).await;
    let [Published::Rejected(Rejection { version: 1, cause })] = &published[..] else { panic!("{published:?}") };
    assert_eq!(cause, "this event is set to be rejected");
    assert_eq!(world.record(&request("tok_approve")).published_version, 0);
}

/// A store whose chosen write fails, with or without effect, and every later one if it is down.
struct Failing {
    store: Arc<MemoryPayments>,
    /// Number of writes before the one that fails.
    before: AtomicU32,
    failure: Failure,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    Refused,
    ResponseLost,
    StoreDown,
}

impl Failing {
    async fn write<T>(&self, write: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let failed = || StoreError { context: "could not write".to_owned(), source: "set to fail".into() };
        let before = self.before.load(Ordering::Relaxed);
        self.before.store(before.wrapping_sub(1), Ordering::Relaxed);
        match (before, self.failure) {
            (0, Failure::ResponseLost) => write.await.and(Err(failed())),
            (0, Failure::Refused | Failure::StoreDown) => Err(failed()),
            (later, Failure::StoreDown) if later > u32::MAX / 2 => Err(failed()),
            _ => write.await,
        }
    }
}

#[async_trait]
impl PaymentStore for Failing {
    async fn begin(&self, record: &PaymentRecord) -> Result<Begun, StoreError> {
        self.write(self.store.begin(record)).await
    }

    async fn load(&self, payment_id: &PaymentId) -> Result<Option<PaymentRecord>, StoreError> {
        self.store.load(payment_id).await
    }

    async fn replace(&self, known: &PaymentRecord, next: &PaymentRecord) -> Result<Replaced, StoreError> {
        self.write(self.store.replace(known, next)).await
    }

    async fn refuse(&self, known: &PaymentRecord, refusal: &Refusal) -> Result<Replaced, StoreError> {
        self.write(self.store.refuse(known, refusal)).await
    }
}

#[tokio::test]
async fn after_a_failure_of_the_store_a_retry_succeeds_at_the_time_given_and_charges_once() {
    for failure in [Failure::Refused, Failure::ResponseLost, Failure::StoreDown] {
        // Begin and decide.
        for before in [0, 1] {
            let world = World::default();
            let store = Failing { store: world.store.clone(), before: AtomicU32::new(before), failure };
            let mode = PublishMode::Direct(Publication::new(world.publisher.clone(), world.store.clone()));
            let accept = AcceptPayment::new(Arc::new(store), world.processor.clone(), mode, 10_000);
            let error = accept.accept(&request("tok_approve")).await.unwrap_err();
            let AcceptError::Store { retry_after_ms, .. } = error else { panic!("{failure:?} {before}: {error}") };
            let is_at_once = retry_after_ms == 0;
            assert_eq!(is_at_once, failure != Failure::StoreDown, "{failure:?} {before}: {retry_after_ms}");
            // A lease that could not be released is left until the time given.
            let begun = world.store.record(&request("tok_approve").payment_id().unwrap());
            if let Some(begun) = begun.filter(|_| !is_at_once) {
                let lease_left_ms = begun.lease.until.ms_since(Timestamp::now());
                assert!(lease_left_ms <= retry_after_ms, "{failure:?} {before}");
                let expired = Lease { until: Timestamp::now(), ..begun.lease.clone() };
                world.store.seed(PaymentRecord { lease: expired, ..begun });
            }
            let retried = world.accept(&request("tok_approve")).await.unwrap();
            assert_eq!(retried.payment.version, 1, "{failure:?} {before}");
        }
    }
}

#[tokio::test]
async fn after_a_failure_of_the_processor_a_retry_may_come_at_once_if_the_lease_was_released() {
    let world = World::default();
    let released = world.accept(&request("tok_fail_once")).await;
    assert!(matches!(released, Err(AcceptError::Processor { retry_after_ms: 0, .. })), "{released:?}");
    let world = World::default();
    let failure = Failure::StoreDown;
    let store = Failing { store: world.store.clone(), before: AtomicU32::new(1), failure };
    let mode = PublishMode::Direct(Publication::new(world.publisher.clone(), world.store.clone()));
    let accept = AcceptPayment::new(Arc::new(store), world.processor.clone(), mode, 10_000);
    let held = accept.accept(&request("tok_fail_once")).await;
    let Err(AcceptError::Processor { retry_after_ms, .. }) = held else { panic!("{held:?}") };
    assert!((1..=10_000).contains(&retry_after_ms), "{retry_after_ms}");
}

#[tokio::test]
async fn a_lease_written_by_a_clock_far_ahead_is_taken_over() {
    let world = World::default();
    assert!(world.accept(&request("tok_fail_once")).await.is_err());
    let mut abandoned = world.record(&request("tok_fail_once"));
    for (ahead_ms, is_held) in [(19_000, true), (60_000, false), (u64::MAX, false)] {
        abandoned.lease.until = Timestamp::now().plus_ms(ahead_ms);
        world.store.seed(abandoned.clone());
        let result = world.accept(&request("tok_fail_once")).await;
        assert_eq!(matches!(result, Err(AcceptError::InProgress)), is_held, "{ahead_ms}: {result:?}");
    }
}

/// An outbox that never responds.
struct Hanging;

#[async_trait::async_trait]
impl Outbox for Hanging {
    async fn raise_position(&self, _: &PaymentId, _: u64) -> Result<(), StoreError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_direct_publish_ends_although_its_position_cannot_be_raised() {
    let world = World::default();
    world.publisher.fail_for("ord-1");
    world.accept(&request("tok_approve")).await.unwrap();
    let publisher = Arc::new(RecordingPublisher::default());
    let publication = Publication::new(publisher.clone(), Arc::new(Hanging));
    assert_eq!(publication.publish(&world.record(&request("tok_approve"))).await, Published::Deferred);
    assert_eq!(publisher.published().len(), 1);
}
