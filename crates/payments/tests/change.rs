//! Tests of [`ChangePayment`] on in-memory adapters.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use payment_events::{Money, PaymentId, PaymentStatus, Timestamp};
use payments::testing::{MemoryPayments, RecordingPublisher, TwiceWritten};
use payments::{
    AcceptPayment, Access, Begun, Caller, Change, ChangeError, ChangePayment, ChangeRequest, Changed,
    IllegalTransition, Lease, PaymentRecord, PaymentRequest, PaymentStore, Preconditions, Publication, PublishMode,
    Published, REFUSALS_MAX, Refusal, Replaced, RequestKey, SimulatedProcessor, Status, StepError, StoreError,
    Versions,
};

#[derive(Default)]
struct World {
    store: Arc<MemoryPayments>,
    publisher: Arc<RecordingPublisher>,
    requests: AtomicU32,
}

impl World {
    /// Creates a world with a payment of 1,000 minor units, after `changes`.
    async fn with_payment(changes: &[Change]) -> (Self, PaymentId) {
        let world = Self::default();
        let request = payment_request();
        let accept = AcceptPayment::new(world.store.clone(), Arc::new(SimulatedProcessor), world.mode(), 10_000);
        let payment_id = accept.accept(&request).await.unwrap().payment.payment_id;
        for change in changes {
            world.change(&world.request(&payment_id, *change)).await.unwrap();
        }
        (world, payment_id)
    }

    /// Stores a payment of 1,000 minor units whose processor has not decided, and returns its id.
    fn processing(&self, key: &str) -> PaymentId {
        let request = PaymentRequest { key: key.parse().unwrap(), ..payment_request() };
        let lease = Lease { until: Timestamp::now().plus_ms(10_000), attempt: 1, holder: RequestKey::random() };
        let record = PaymentRecord::begin(&request, request.payment_id().unwrap(), lease, Timestamp::now());
        self.store.seed(record.clone());
        record.payment.payment_id
    }

    fn mode(&self) -> PublishMode {
        PublishMode::Direct(Publication::new(self.publisher.clone(), self.store.clone()))
    }

    /// Creates a request with a key of its own.
    fn request(&self, payment_id: &PaymentId, change: Change) -> ChangeRequest {
        let key = format!("change-{}", self.requests.fetch_add(1, Ordering::Relaxed)).parse().unwrap();
        let key = Some(RequestKey::given(&Caller::named(None), payment_id, &key));
        let preconditions = Preconditions::default();
        ChangeRequest {
            payment_id: payment_id.clone(),
            change,
            access: Access::Every,
            key,
            preconditions,
            trace_parent: None,
        }
    }

    async fn change(&self, request: &ChangeRequest) -> Result<Changed, ChangeError> {
        ChangePayment::new(self.store.clone(), self.mode()).change(request).await
    }

    /// Makes the change while `others` intervene, one before each of its writes.
    async fn change_against(&self, request: &ChangeRequest, others: &[ChangeRequest]) -> Result<Changed, ChangeError> {
        let others = Mutex::new(others.to_vec());
        let store = Arc::new(Overtaking { store: self.store.clone(), mode: self.mode(), others });
        ChangePayment::new(store, self.mode()).change(request).await
    }

    fn record(&self, payment_id: &PaymentId) -> PaymentRecord {
        self.store.record(payment_id).unwrap()
    }
}

/// A store in which a concurrent change precedes each write.
struct Overtaking {
    store: Arc<MemoryPayments>,
    mode: PublishMode,
    others: Mutex<Vec<ChangeRequest>>,
}

#[async_trait]
impl PaymentStore for Overtaking {
    async fn begin(&self, record: &PaymentRecord) -> Result<Begun, StoreError> {
        self.store.begin(record).await
    }

    async fn load(&self, payment_id: &PaymentId) -> Result<Option<PaymentRecord>, StoreError> {
        self.store.load(payment_id).await
    }

    async fn replace(&self, known: &PaymentRecord, next: &PaymentRecord) -> Result<Replaced, StoreError> {
        self.intervene().await;
        self.store.replace(known, next).await
    }

    async fn refuse(&self, known: &PaymentRecord, refusal: &Refusal) -> Result<Replaced, StoreError> {
        self.intervene().await;
        self.store.refuse(known, refusal).await
    }
}

impl Overtaking {
    /// Makes the next concurrent change, which may be refused.
    async fn intervene(&self) {
        let other = self.others.lock().unwrap().pop();
        if let Some(other) = other {
            let result = ChangePayment::new(self.store.clone(), self.mode.clone()).change(&other).await;
            assert!(matches!(result, Ok(_) | Err(ChangeError::Refused { .. })), "{result:?}");
        }
    }
}

fn only(versions: &[u64]) -> Preconditions {
    Preconditions { only: Versions::Listed(versions.to_vec()), ..Preconditions::default() }
}

/// Returns the refusal, and whether it repeats an earlier one.
#[track_caller]
fn refused(result: Result<Changed, ChangeError>) -> (Refusal, bool) {
    match result {
        Err(ChangeError::Refused { refusal, replayed }) => (*refusal, replayed),
        other => panic!("not refused: {other:?}"),
    }
}

fn payment_request() -> PaymentRequest {
    PaymentRequest {
        caller: Caller::named(None),
        key: "key-1".parse().unwrap(),
        order_id: "ord-1".parse().unwrap(),
        amount: eur(1_000),
        token: "tok_approve".parse().unwrap(),
        trace_parent: None,
    }
}

fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap()).unwrap()
}

const CAPTURE: Change = Change::Capture(None);

fn refund(minor: i64) -> Change {
    Change::Refund(Some(eur(minor)))
}

#[tokio::test]
async fn each_change_is_stored_published_and_unmarked() {
    let (world, payment_id) = World::with_payment(&[CAPTURE, refund(300), Change::Refund(None)]).await;
    let record = world.record(&payment_id);
    assert_eq!(record.payment.status, Status::Public(PaymentStatus::Refunded));
    assert_eq!((record.payment.version, record.published_version), (4, 4));
    let published: Vec<_> = world.publisher.published().iter().map(|event| event.payment().version).collect();
    assert_eq!(published, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_repeated_request_gets_its_first_result_and_changes_nothing() {
    let (world, payment_id) = World::with_payment(&[CAPTURE]).await;
    let request = world.request(&payment_id, refund(300));
    let first = world.change(&request).await.unwrap();
    world.change(&world.request(&payment_id, refund(200))).await.unwrap();
    let again = world.change(&ChangeRequest { preconditions: only(&[2]), ..request }).await.unwrap();
    assert_eq!(again, Changed { published: None, ..first });
    assert_eq!(world.record(&payment_id).payment.refunded_minor, 500);
}

#[tokio::test]
async fn a_key_is_valid_for_one_change_only() {
    let (world, payment_id) = World::with_payment(&[CAPTURE]).await;
    let request = world.request(&payment_id, refund(300));
    world.change(&request).await.unwrap();
    for other in [refund(301), Change::Refund(None), CAPTURE, Change::Void] {
        let reused = world.change(&ChangeRequest { change: other, ..request.clone() }).await;
        assert!(matches!(reused, Err(ChangeError::KeyReused)), "{other:?}: {reused:?}");
    }
    assert_eq!(world.record(&payment_id).payment.refunded_minor, 300);
}

#[test]
fn keys_of_different_callers_and_payments_never_collide() {
    let (mine, theirs) = (Caller::named(Some("me")), Caller::named(Some("them")));
    let (a, b) = ("pay_a".parse().unwrap(), "pay_b".parse().unwrap());
    let key = "key-1".parse().unwrap();
    assert_eq!(RequestKey::given(&mine, &a, &key), RequestKey::given(&mine, &a, &key));
    assert_ne!(RequestKey::given(&mine, &a, &key), RequestKey::given(&theirs, &a, &key));
    assert_ne!(RequestKey::given(&mine, &a, &key), RequestKey::given(&mine, &b, &key));
    assert_ne!(RequestKey::random(), RequestKey::random());
}

#[tokio::test]
async fn only_a_caller_with_access_to_the_payment_changes_it() {
    let (world, payment_id) = World::with_payment(&[]).await;
    let mut record = world.store.record(&payment_id).unwrap();
    record.payment.made_by = Caller::named(Some("client-7"));
    world.store.seed(record);
    let request_of = |caller| {
        let access = Access::MadeBy(Caller::named(caller));
        ChangeRequest { access, ..world.request(&payment_id, CAPTURE) }
    };
    for other in [Some("client-8"), None] {
        let refused = world.change(&request_of(other)).await;
        assert!(matches!(refused, Err(ChangeError::NotAccessible)), "{refused:?}");
    }
    let captured = world.change(&request_of(Some("client-7"))).await.unwrap();
    assert_eq!(captured.payment.made_by, Caller::named(Some("client-7")));
    let refund = world.request(&payment_id, Change::Refund(None));
    assert_eq!(world.change(&refund).await.unwrap().payment.version, 3, "with access to every payment");
    let event = format!("{:?}", world.publisher.published());
    assert!(!event.contains("client-7"), "the caller is in no event: {event}");
}

#[tokio::test]
async fn only_the_versions_that_the_caller_allows_are_changed() {
    let (world, payment_id) = World::with_payment(&[CAPTURE]).await;
    let request = world.request(&payment_id, refund(300));
    for versions in [vec![], vec![1], vec![3]] {
        let refused = world.change(&ChangeRequest { preconditions: only(&versions), ..request.clone() }).await;
        assert!(matches!(refused, Err(ChangeError::VersionMismatch { version: 2 })), "{refused:?}");
    }
    world.change(&ChangeRequest { preconditions: only(&[1, 2]), ..request }).await.unwrap();
}

#[tokio::test]
async fn a_version_that_the_caller_excludes_is_not_changed() {
    let (world, payment_id) = World::with_payment(&[CAPTURE]).await;
    let request = world.request(&payment_id, refund(300));
    let except = |except| Preconditions { except, ..Preconditions::default() };
    for excluded in [Versions::All, Versions::Listed(vec![1, 2])] {
        let refused = world.change(&ChangeRequest { preconditions: except(excluded), ..request.clone() }).await;
        assert!(matches!(refused, Err(ChangeError::VersionMismatch { version: 2 })), "{refused:?}");
    }
    let others = except(Versions::Listed(vec![1, 3]));
    world.change(&ChangeRequest { preconditions: others, ..request }).await.unwrap();
}

#[tokio::test]
async fn an_impossible_change_reports_the_status_and_changes_nothing_but_its_refusal() {
    let (world, payment_id) = World::with_payment(&[CAPTURE, refund(300)]).await;
    let before = world.record(&payment_id);
    let mut refusals = Vec::new();
    for (change, reason) in [
        (CAPTURE, IllegalTransition::Status { from: before.payment.status, to: PaymentStatus::Captured }),
        (Change::Void, IllegalTransition::Status { from: before.payment.status, to: PaymentStatus::Voided }),
        (refund(701), IllegalTransition::Amount { available_minor: 700 }),
    ] {
        let request = world.request(&payment_id, change);
        let (refusal, replayed) = refused(world.change(&request).await);
        let key = request.key.unwrap();
        assert_eq!(refusal, Refusal { key, change, status: PaymentStatus::Captured, reason: reason.into() });
        assert!(!replayed);
        refusals.push(refusal);
    }
    assert_eq!(world.record(&payment_id), PaymentRecord { refusals, ..before });
    let unknown = world.change(&world.request(&"pay_none".parse().unwrap(), CAPTURE)).await;
    assert!(matches!(unknown, Err(ChangeError::NotFound)));
}

#[tokio::test]
async fn a_refused_request_never_takes_effect_later() {
    let (world, payment_id) = World::with_payment(&[]).await;
    let early = world.request(&payment_id, refund(300));
    let (refusal, _) = refused(world.change(&early).await);
    world.change(&world.request(&payment_id, CAPTURE)).await.unwrap();
    assert_eq!(refused(world.change(&early).await), (refusal.clone(), true));
    let stale = ChangeRequest { preconditions: only(&[7]), ..early.clone() };
    assert_eq!(refused(world.change(&stale).await), (refusal, true), "a repeat wins over preconditions");
    let other = world.change(&ChangeRequest { change: refund(301), ..early }).await;
    assert!(matches!(other, Err(ChangeError::KeyReused)), "{other:?}");
    assert_eq!(world.record(&payment_id).payment.refunded_minor, 0);
}

#[tokio::test]
async fn a_refused_request_without_a_key_stores_nothing() {
    let (world, payment_id) = World::with_payment(&[CAPTURE]).await;
    let before = world.record(&payment_id);
    refused(world.change(&ChangeRequest { key: None, ..world.request(&payment_id, Change::Void) }).await);
    assert_eq!(world.record(&payment_id), before);
}

#[tokio::test]
async fn unmet_preconditions_bind_no_key() {
    let (world, payment_id) = World::with_payment(&[CAPTURE]).await;
    let request = world.request(&payment_id, Change::Void);
    let unmet = world.change(&ChangeRequest { preconditions: only(&[1]), ..request.clone() }).await;
    assert!(matches!(unmet, Err(ChangeError::VersionMismatch { version: 2 })));
    assert_eq!(world.record(&payment_id).refusals, []);
    world.change(&ChangeRequest { change: refund(1), ..request }).await.unwrap();
}

#[tokio::test]
async fn refusals_are_bounded_and_one_that_is_not_stored_is_not_reported_as_one() {
    let (world, payment_id) = World::with_payment(&[]).await;
    for _ in 0..REFUSALS_MAX {
        refused(world.change(&world.request(&payment_id, refund(1))).await);
    }
    let late = world.request(&payment_id, refund(1));
    assert!(matches!(world.change(&late).await, Err(ChangeError::TooManyRefusals)));
    assert_eq!(world.record(&payment_id).refusals.len(), REFUSALS_MAX);
    // The change is still possible once the state allows it.
    world.change(&world.request(&payment_id, CAPTURE)).await.unwrap();
    world.change(&late).await.unwrap();
}

#[tokio::test]
async fn a_refusal_that_loses_to_a_change_is_decided_again() {
    let (world, payment_id) = World::with_payment(&[]).await;
    let (early, capture) = (world.request(&payment_id, refund(300)), world.request(&payment_id, CAPTURE));
    let changed = world.change_against(&early, &[capture]).await.unwrap();
    assert_eq!((changed.payment.refunded_minor, changed.payment.version), (300, 3));
}

#[tokio::test]
async fn a_change_that_loses_to_a_refusal_keeps_it() {
    let (world, payment_id) = World::with_payment(&[]).await;
    let (capture, early) = (world.request(&payment_id, CAPTURE), world.request(&payment_id, refund(300)));
    world.change_against(&capture, std::slice::from_ref(&early)).await.unwrap();
    let (_, is_replayed) = refused(world.change(&early).await);
    assert!(is_replayed);
    assert_eq!(world.record(&payment_id).payment.refunded_minor, 0);
}

#[tokio::test]
async fn a_payment_that_is_not_decided_is_in_progress_and_binds_no_key() {
    let world = World::default();
    let payment_id = world.processing("key-1");
    let request = world.request(&payment_id, CAPTURE);
    assert!(matches!(world.change(&request).await, Err(ChangeError::InProgress)));
    assert_eq!(world.record(&payment_id).refusals, []);
}

#[tokio::test]
async fn everything_that_is_left_after_100_refunds_is_refundable() {
    let (world, payment_id) = World::with_payment(&[CAPTURE]).await;
    for _ in 0..100 {
        world.change(&world.request(&payment_id, refund(1))).await.unwrap();
    }
    assert_eq!(refused(world.change(&world.request(&payment_id, refund(1))).await).0.reason, StepError::TooMany);
    let rest = world.change(&world.request(&payment_id, Change::Refund(None))).await.unwrap();
    assert_eq!((rest.payment.refunded_minor, rest.payment.version), (1_000, 103));
}

#[tokio::test]
async fn concurrent_refunds_both_succeed_if_the_amount_covers_both() {
    let (world, payment_id) = World::with_payment(&[CAPTURE]).await;
    let (mine, theirs) = (world.request(&payment_id, refund(600)), world.request(&payment_id, refund(400)));
    let changed = world.change_against(&mine, &[theirs]).await.unwrap();
    assert_eq!((changed.payment.refunded_minor, changed.payment.version), (1_000, 4));
    assert_eq!(world.record(&payment_id).payment, changed.payment);
}

#[tokio::test]
async fn concurrent_refunds_never_exceed_the_captured_amount() {
    let (world, payment_id) = World::with_payment(&[CAPTURE]).await;
    let (mine, theirs) = (world.request(&payment_id, refund(601)), world.request(&payment_id, refund(400)));
    let (refusal, _) = refused(world.change_against(&mine, &[theirs]).await);
    assert_eq!(refusal.reason, IllegalTransition::Amount { available_minor: 600 }.into());
    assert_eq!(world.record(&payment_id).payment.refunded_minor, 400);
}

#[tokio::test]
async fn a_capture_that_loses_to_a_void_is_refused() {
    let (world, payment_id) = World::with_payment(&[]).await;
    let (capture, void) = (world.request(&payment_id, CAPTURE), world.request(&payment_id, Change::Void));
    let (refusal, _) = refused(world.change_against(&capture, &[void]).await);
    assert_eq!(refusal.status, PaymentStatus::Voided);
    assert_eq!(world.record(&payment_id).payment.captured_minor, 0);
}

#[tokio::test]
async fn a_change_that_lost_a_race_checks_the_allowed_versions_again() {
    let (world, payment_id) = World::with_payment(&[CAPTURE]).await;
    let (mine, theirs) = (world.request(&payment_id, refund(100)), world.request(&payment_id, refund(100)));
    let mine = ChangeRequest { preconditions: only(&[2]), ..mine };
    let refused = world.change_against(&mine, &[theirs]).await;
    assert!(matches!(refused, Err(ChangeError::VersionMismatch { version: 3 })), "{refused:?}");
}

#[tokio::test]
async fn a_request_that_races_its_own_retry_is_made_once() {
    let (world, payment_id) = World::with_payment(&[CAPTURE]).await;
    let request = world.request(&payment_id, refund(300));
    let changed = world.change_against(&request, std::slice::from_ref(&request)).await.unwrap();
    assert_eq!(changed.payment.refunded_minor, 300);
    assert_eq!(world.record(&payment_id).payment.refunded_minor, 300);
}

#[tokio::test]
async fn a_change_that_loses_every_race_fails_as_contended() {
    let (world, payment_id) = World::with_payment(&[CAPTURE]).await;
    let others: Vec<_> = (0..4).map(|_| world.request(&payment_id, refund(1))).collect();
    let refused = world.change_against(&world.request(&payment_id, refund(1)), &others).await;
    assert!(matches!(refused, Err(ChangeError::Contended)), "{refused:?}");
    assert_eq!(world.record(&payment_id).payment.refunded_minor, 4);
}

#[tokio::test]
async fn a_change_whose_response_is_lost_is_recognised() {
    let (world, payment_id) = World::with_payment(&[]).await;
    let store = Arc::new(TwiceWritten(world.store.clone()));
    let change = ChangePayment::new(store, world.mode());
    let (refusal, replayed) = refused(change.change(&world.request(&payment_id, refund(1))).await);
    assert_eq!((world.record(&payment_id).refusals, replayed), (vec![refusal], false));
    let request = ChangeRequest { key: None, ..world.request(&payment_id, CAPTURE) };
    let changed = change.change(&request).await.unwrap();
    assert_eq!((changed.payment.version, changed.published), (2, Some(Published::Now)));
}

#[tokio::test]
async fn a_change_is_made_while_the_stream_is_down() {
    let (world, payment_id) = World::with_payment(&[]).await;
    world.publisher.fail_for("ord-1");
    let changed = world.change(&world.request(&payment_id, CAPTURE)).await.unwrap();
    assert_eq!(changed.published, Some(Published::Deferred));
    assert!(world.record(&payment_id).is_due(), "the version is left to the relay");
}
