//! Versions that the hub can never accept, in both modes.

use std::sync::Arc;
use std::time::Duration;

use outbox_relay::RelayMode;
use payments::testing::RecordingPublisher;
use payments::{RecordAge, StreamPublication};
use quarantine::QuarantinedRecord;
use serde_json::json;

use crate::stream::made;
use crate::support::{Relaying, change, image, undecodable};

fn in_stream_mode() -> Relaying {
    Relaying::in_mode(|publisher: Arc<RecordingPublisher>| {
        RelayMode::Stream(StreamPublication::new(publisher, RecordAge::of_mapping(43_200)))
    })
}

#[tokio::test]
async fn a_payment_that_the_hub_rejects_is_quarantined_and_blocks_nobody() {
    for relaying in [Relaying::new(), in_stream_mode()] {
        relaying.publisher.reject("pay_a:2");
        let batch = [change(1, "a", 1, true), change(2, "a", 3, true), change(3, "b", 1, true)];
        let newest = batch[1]["dynamodb"]["NewImage"].to_string();
        assert_eq!(relaying.batch(batch).await, Vec::<String>::new(), "acknowledged");
        assert_eq!(relaying.published(), ["pay_a:1", "pay_b:1"], "no version after the rejected one");
        let [QuarantinedRecord { id, data, reason, partition_key, .. }] = &relaying.quarantine.records()[..] else {
            panic!("one record")
        };
        assert_eq!((id.to_string().as_str(), partition_key.as_str()), ("payments-table#2:pay_a", "pay_a"));
        assert_eq!(String::from_utf8_lossy(data), newest);
        assert_eq!(reason.as_str(), "the hub can never accept version 2: this event is set to be rejected");
    }
}

/// The checkpoint must not pass a version that is neither on the hub nor in quarantine.
#[tokio::test]
async fn a_rejected_payment_that_cannot_be_quarantined_is_redelivered_from_its_first_image() {
    for relaying in [Relaying::new(), in_stream_mode()] {
        relaying.publisher.reject("pay_a:2");
        relaying.quarantine.fail_for("3:pay_a");
        let batch = [change(1, "b", 1, true), change(2, "a", 1, true), change(3, "a", 2, true)];
        assert_eq!(relaying.batch(batch).await, ["2"]);
        assert_eq!(relaying.published(), ["pay_b:1", "pay_a:1"]);
    }
}

#[tokio::test]
async fn no_rejected_payment_is_quarantined_shortly_before_the_deadline() {
    let relaying = in_stream_mode();
    relaying.publisher.reject("pay_a:1");
    assert_eq!(relaying.batch_within(Duration::from_secs(10), [change(1, "a", 1, true)]).await, ["1"]);
    assert_eq!(relaying.quarantined(), Vec::<String>::new());
}

/// In `direct` mode the position stays below the rejected version, so that no later one is sent.
#[tokio::test]
async fn a_later_change_does_not_pass_the_rejected_version_in_direct_mode() {
    let relaying = Relaying::new();
    relaying.publisher.reject("pay_a:2");
    for batch in [image(1, "a", 2, 1), image(2, "a", 3, 1)] {
        assert_eq!(relaying.batch([batch]).await, Vec::<String>::new());
    }
    assert_eq!(relaying.published(), Vec::<String>::new());
    assert_eq!(relaying.quarantined(), ["payments-table#1:pay_a", "payments-table#2:pay_a"]);
}

/// It leaves a gap, as after an unreadable image.
#[tokio::test]
async fn a_later_change_is_published_after_a_rejected_version_in_stream_mode() {
    let relaying = in_stream_mode();
    relaying.publisher.reject("pay_a:1");
    for batch in [made(1, "a", &[0]), made(2, "a", &[0; 2])] {
        assert_eq!(relaying.batch([batch]).await, Vec::<String>::new());
    }
    assert_eq!(
        (relaying.published(), relaying.quarantined()),
        (vec!["pay_a:2".to_owned()], vec!["payments-table#1:pay_a".to_owned()])
    );
}

#[tokio::test]
async fn rejected_payments_are_counted_beside_unreadable_images() {
    let relaying = in_stream_mode();
    relaying.publisher.reject("pay_a:1");
    relaying.batch([change(1, "a", 1, true), change(2, "b", 1, true), undecodable(3, "x")]).await;
    let lines = relaying.lines.lock().unwrap();
    let [published, quarantined] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!((&published["PublishedByRelay"], published.get("Deferred")), (&json!(1), None));
    assert_eq!((&quarantined["RejectedPayments"], &quarantined["UnreadableImages"]), (&json!(1), &json!(1)));
}
