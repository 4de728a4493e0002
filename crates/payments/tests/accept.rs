//! Tests of [`AcceptPayment`] on in-memory adapters.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use payment_events::{Money, PaymentStatus, Timestamp};
use payments::testing::{MemoryPayments, RecordingPublisher, TwiceWritten};
use payments::{
    AcceptError, AcceptPayment, Accepted, Action, Authorization, Caller, Change, Outcome, PaymentProcessor,
    PaymentRecord, PaymentRequest, ProcessorError, Publication, Published, RequestKey, SimulatedProcessor, Status,
    Step,
};

/// Counts the calls, and passes them on to the simulator.
#[derive(Default)]
struct CountingProcessor(AtomicU32);

#[async_trait]
impl PaymentProcessor for CountingProcessor {
    async fn authorize(&self, authorization: Authorization<'_>) -> Result<Outcome, ProcessorError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        SimulatedProcessor.authorize(authorization).await
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
        let publication = Publication::new(self.publisher.clone(), self.store.clone());
        AcceptPayment::new(self.store.clone(), self.processor.clone(), publication, 10_000).accept(request).await
    }

    fn record(&self, request: &PaymentRequest) -> PaymentRecord {
        self.store.record(&request.payment_id().unwrap()).unwrap()
    }

    fn charges(&self) -> u32 {
        self.processor.0.load(Ordering::Relaxed)
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
    assert_eq!(world.publisher.published(), [accepted.payment.event().unwrap().unwrap()]);
    let record = world.record(&request);
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
        let publication = Publication::new(world.publisher.clone(), world.store.clone());
        let accept = AcceptPayment::new(store, world.processor.clone(), publication, 10_000);
        if token == "tok_fail_once" {
            assert!(matches!(accept.accept(&request).await, Err(AcceptError::Processor(_))));
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
            Err(error) => assert!(matches!(error, AcceptError::InProgress { .. }), "{error}"),
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
    assert!(matches!(world.accept(&request).await, Err(AcceptError::Processor(_))));
    let mut running = world.record(&request);
    assert_eq!(running.payment.status, Status::Processing);

    running.lease.until = Timestamp::now().plus_ms(60_000);
    world.store.seed(running.clone());
    let in_progress = world.accept(&request).await.unwrap_err();
    assert!(matches!(in_progress, AcceptError::InProgress { retry_after_ms } if retry_after_ms > 0));
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
    assert!(matches!(world.accept(&request).await, Err(AcceptError::Processor(ProcessorError::Failed(_)))));
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
    assert!(matches!(timed_out, Err(AcceptError::Processor(ProcessorError::TimedOut(_)))));
    assert_eq!(world.record(&request("tok_timeout")).payment.status, Status::Processing);
    assert_eq!(world.publisher.published(), []);
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
        records.push(other.record(&request));
    }
    let publication = Publication::new(world.publisher.clone(), world.store.clone());
    let published = publication.publish_all(&records).await;
    assert_eq!(published, [Published::Now, Published::Deferred, Published::Now]);
    assert_eq!(world.publisher.published().len(), 2);
}
