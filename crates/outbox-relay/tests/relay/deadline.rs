//! Publishing ends before the deadline of the invocation, and each invocation makes progress.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use outbox_relay::RelayMode;
use payment_events::PaymentEvent;
use payments::testing::MemoryPayments;
use payments::{EventPublisher, Outbox, Publication, PublishError, RecordAge, StoreError, StreamPublication};

use crate::support::{Relaying, change};

/// Time left of an invocation that allows one round, the first.
const SHORT: Duration = Duration::from_secs(10);

/// A relay in each mode.
fn both_modes() -> [Relaying; 2] {
    let stream = Relaying::in_mode(|publisher| {
        RelayMode::Stream(StreamPublication::new(publisher, RecordAge::of_mapping(u64::MAX)))
    });
    [Relaying::new(), stream]
}

/// The image says that versions 1 to 3 are due, because their steps are old. It is redelivered unchanged.
#[tokio::test]
async fn each_invocation_continues_after_the_version_that_the_previous_one_reached() {
    for relaying in both_modes() {
        let batch = [change(1, "a", 3, true), change(2, "b", 1, true)];
        for (reported, published) in [
            (&["1"][..], &["pay_a:1", "pay_b:1"][..]),
            (&["1"], &["pay_a:1", "pay_b:1", "pay_a:2", "pay_b:1"]),
            (&[], &["pay_a:1", "pay_b:1", "pay_a:2", "pay_b:1", "pay_a:3", "pay_b:1"]),
        ] {
            assert_eq!(relaying.batch_within(SHORT, batch.clone()).await, reported);
            assert_eq!(relaying.published(), published);
        }
        relaying.batch([change(1, "a", 3, true)]).await;
        assert_eq!(relaying.published().len(), 9, "the progress of a completed payment is forgotten");
    }
}

/// A table that was restored to an earlier time has another step at the version that was reached.
#[tokio::test]
async fn progress_counts_for_the_same_steps_only() {
    for relaying in both_modes() {
        let mut other = change(1, "a", 3, true);
        relaying.batch_within(SHORT, [other.clone()]).await;
        relaying.batch_within(SHORT, [other.clone()]).await;
        other["dynamodb"]["NewImage"]["steps"]["L"][1]["M"]["key"]["S"] = "OTHER".into();
        relaying.batch([other]).await;
        assert_eq!(relaying.published(), ["pay_a:1", "pay_a:2", "pay_a:1", "pay_a:2", "pay_a:3"]);
    }
}

/// A hub that never responds.
struct Silent;

#[async_trait]
impl EventPublisher for Silent {
    async fn publish(&self, _: &PaymentEvent) -> Result<(), PublishError> {
        std::future::pending().await
    }

    async fn publish_all(&self, _: &[PaymentEvent]) -> Vec<Result<(), PublishError>> {
        std::future::pending().await
    }
}

/// The test only ends because the round does.
#[tokio::test]
async fn a_round_without_a_response_is_abandoned_and_its_payments_are_reported() {
    let direct = RelayMode::Direct(Publication::new(Arc::new(Silent), Arc::new(MemoryPayments::default())));
    let stream = RelayMode::Stream(StreamPublication::new(Arc::new(Silent), RecordAge::of_mapping(60)));
    for mode in [direct, stream] {
        let relaying = Relaying::in_mode(|_| mode);
        let batch = [change(1, "a", 3, true), change(2, "b", 1, true)];
        assert_eq!(relaying.batch_within(Duration::ZERO, batch).await, ["1", "2"]);
    }
}

/// A table whose positions cannot be raised.
struct Refusing;

#[async_trait]
impl Outbox for Refusing {
    async fn raise_position(&self, _: &payment_events::PaymentId, _: u64) -> Result<(), StoreError> {
        Err(StoreError { context: "could not raise".to_owned(), source: "set to fail".into() })
    }
}

#[tokio::test]
async fn a_payment_whose_position_could_not_be_raised_is_reported_and_not_sent_again() {
    let relaying = Relaying::in_mode(|publisher| RelayMode::Direct(Publication::new(publisher, Arc::new(Refusing))));
    for _ in 0..2 {
        assert_eq!(relaying.batch([change(1, "a", 3, true)]).await, ["1"]);
        assert_eq!(relaying.published(), ["pay_a:1", "pay_a:2", "pay_a:3"]);
    }
}
