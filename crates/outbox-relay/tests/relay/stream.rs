//! `stream` mode: the relay alone publishes, each version when its image arrives.

use std::sync::Arc;

use outbox_relay::RelayMode;
use payment_events::Timestamp;
use payments::testing::RecordingPublisher;
use payments::{RecordAge, StreamPublication};
use serde_json::{Value, json};

use crate::support::{Relaying, change, image, undecodable};

const HOUR_MS: i64 = 3_600_000;
const RECORD_AGE_S_MAX: u64 = 12 * 3_600;

fn relaying() -> Relaying {
    Relaying::in_mode(|publisher| {
        RelayMode::Stream(StreamPublication::new(publisher, RecordAge::of_mapping(RECORD_AGE_S_MAX)))
    })
}

/// An image whose versions are not published, with steps taken this many hours ago.
pub(crate) fn made(sequence_number: u32, id: &str, hours_ago: &[i64]) -> Value {
    taken(change(sequence_number, id, hours_ago.len().try_into().unwrap(), true), hours_ago)
}

fn taken(mut change: Value, hours_ago: &[i64]) -> Value {
    let item = &mut change["dynamodb"]["NewImage"];
    for (number, hours) in hours_ago.iter().enumerate() {
        let at = Timestamp::from_unix_ms(Timestamp::now().unix_ms() - hours * HOUR_MS).unwrap();
        item["steps"]["L"][number]["M"]["at"] = json!({"S": at});
        item["updated_at"] = json!({"S": at});
    }
    change
}

/// Relays a batch. Returns the ids of the published events and the reported sequence numbers.
async fn relay_batch(records: Vec<Value>) -> (Vec<String>, Vec<String>) {
    let relaying = relaying();
    let reported = relaying.batch(records).await;
    (relaying.published(), reported)
}

fn ids(ids: &[&str]) -> (Vec<String>, Vec<String>) {
    (ids.iter().map(ToString::to_string).collect(), vec![])
}

#[tokio::test]
async fn each_version_is_published_when_its_image_arrives() {
    let relaying = relaying();
    let begun = change(1, "a", 0, true);
    for batch in [vec![begun, made(2, "a", &[0])], vec![made(3, "a", &[0; 2])], vec![made(4, "a", &[0; 3])]] {
        assert_eq!(relaying.batch(batch).await, Vec::<String>::new());
    }
    assert_eq!(relaying.published(), ["pay_a:1", "pay_a:2", "pay_a:3"], "each once");
}

#[tokio::test]
async fn all_versions_that_a_batch_made_are_published_in_order() {
    let whole = vec![change(1, "a", 0, true), made(2, "a", &[0]), made(3, "a", &[0; 2]), made(4, "a", &[0; 3])];
    assert_eq!(relay_batch(whole[1..].to_vec()).await, ids(&["pay_a:1", "pay_a:2", "pay_a:3"]));
    assert_eq!(relay_batch(whole[2..].to_vec()).await, ids(&["pay_a:2", "pay_a:3"]));
    assert_eq!(relay_batch(whole).await, ids(&["pay_a:1", "pay_a:2", "pay_a:3"]));
}

/// Its first image may be one that the checkpoint would otherwise pass for good.
#[tokio::test]
async fn a_failed_payment_is_redelivered_from_its_first_image() {
    let relaying = relaying();
    relaying.publisher.fail_for("ord-a");
    let batch = [made(1, "b", &[0]), made(2, "a", &[0]), made(3, "a", &[0; 2]), made(4, "c", &[0])];
    assert_eq!(relaying.batch(batch).await, ["2"]);
    assert_eq!(relaying.published(), ["pay_b:1", "pay_c:1"]);
}

#[tokio::test]
async fn a_version_whose_image_may_have_been_discarded_is_sent_again_before_a_later_one() {
    // The margin of 12 hours is one hour.
    assert_eq!(relay_batch(vec![made(1, "a", &[13, 0])]).await, ids(&["pay_a:1", "pay_a:2"]));
    assert_eq!(relay_batch(vec![made(1, "a", &[11, 0])]).await, ids(&["pay_a:1", "pay_a:2"]), "within the margin");
    assert_eq!(relay_batch(vec![made(1, "a", &[10, 0])]).await, ids(&["pay_a:2"]));
    assert_eq!(relay_batch(vec![made(1, "a", &[13, 2, 0])]).await, ids(&["pay_a:1", "pay_a:3"]));
    assert_eq!(relay_batch(vec![made(1, "a", &[13, 12, 0])]).await, ids(&["pay_a:1", "pay_a:2", "pay_a:3"]));
}

#[tokio::test]
async fn short_and_long_record_ages_have_a_margin() {
    let relay = |record_age_s_max| {
        let mode = move |publisher: Arc<RecordingPublisher>| {
            RelayMode::Stream(StreamPublication::new(publisher, RecordAge::of_mapping(record_age_s_max)))
        };
        Relaying::in_mode(mode)
    };
    for (record_age_s_max, hours, published) in [(60, 1, 2), (3_600, 1, 2), (u64::MAX, 22, 1), (u64::MAX, 23, 2)] {
        let relaying = relay(record_age_s_max);
        relaying.batch([made(1, "a", &[hours, 0])]).await;
        assert_eq!(relaying.published().len(), published, "{record_age_s_max} s, {hours} h");
    }
}

/// Before the switch, `payment-api` published version 1 and raised the position.
#[tokio::test]
async fn versions_up_to_the_position_are_not_published() {
    let raised = taken(image(1, "a", 1, 1), &[0]);
    let changed = taken(image(2, "a", 2, 1), &[13, 0]);
    assert_eq!(relay_batch(vec![raised.clone()]).await, ids(&[]));
    assert_eq!(relay_batch(vec![raised, changed]).await, ids(&["pay_a:2"]));
}

#[tokio::test]
async fn an_unreadable_image_is_quarantined_and_a_later_one_of_its_batch_closes_the_gap() {
    let relaying = relaying();
    assert_eq!(relaying.batch([made(1, "a", &[0]), undecodable(2, "a")]).await, Vec::<String>::new());
    assert_eq!(
        (relaying.published(), relaying.quarantined()),
        (ids(&["pay_a:1"]).0, vec!["payments-table#2:pay_a".into()])
    );
    // The images of versions 2 and 3, which say no version, come first.
    let batch = vec![undecodable(2, "a"), made(3, "a", &[0; 3])];
    assert_eq!(relay_batch(batch).await, ids(&["pay_a:1", "pay_a:2", "pay_a:3"]));
}

#[tokio::test]
async fn an_image_that_cannot_be_stored_is_not_passed() {
    let relaying = relaying();
    relaying.quarantine.fail_for("1:pay_x");
    assert_eq!(relaying.batch([undecodable(1, "x"), made(2, "a", &[0])]).await, ["1"]);
}

/// `direct` mode raised the positions for Kinesis.
#[tokio::test]
async fn a_relay_to_another_hub_ignores_positions() {
    let published_before = || vec![image(1, "a", 1, 1), image(2, "a", 2, 2)];
    assert_eq!(relaying().batch(published_before()).await, Vec::<String>::new());
    let to_another_hub = Relaying::in_mode(|publisher| {
        let publication = StreamPublication::new(publisher, RecordAge::of_mapping(RECORD_AGE_S_MAX));
        RelayMode::Stream(publication.ignoring_positions())
    });
    assert_eq!(to_another_hub.batch(published_before()).await, Vec::<String>::new());
    assert_eq!(to_another_hub.published(), ["pay_a:1", "pay_a:2"]);
}
