//! Control records and aborted transactions.

use super::raw::{Ending, Transaction};
use super::topic::{MAPPING, TestTopic};

#[tokio::test]
async fn records_of_aborted_transactions_are_not_delivered_and_their_offsets_are_passed() {
    let Some(topic) = TestTopic::create(1).await else { return };
    for (number, ending) in [(0, Ending::Commit), (10, Ending::Abort), (20, Ending::Commit)] {
        let mut transaction = Transaction::begin(&topic.address, &topic.name).await;
        transaction.write(number).await;
        transaction.write(number + 1).await;
        transaction.end(ending).await;
    }
    let probe = topic.probe(&[]).await;
    // Offsets 2, 5 and 8 are control records, 3 and 4 are aborted.
    let is_passed = async || {
        let status = probe.event_source(MAPPING).await;
        status.shards.values().all(|shard| shard.position.as_deref() == Some("8"))
    };
    probe.eventually("the last control record is passed", is_passed).await;
    assert_eq!(probe.journal("topic").concat(), [0, 1, 20, 21]);
}

#[tokio::test]
async fn records_of_an_open_transaction_wait_for_its_end() {
    let Some(topic) = TestTopic::create(1).await else { return };
    let probe = topic.probe(&[]).await;
    let mut transaction = Transaction::begin(&topic.address, &topic.name).await;
    transaction.write(0).await;
    // It is behind the open transaction.
    topic.write(0, &[(1, "ok")]).await;
    let other = TestTopic::create(1).await.unwrap();
    let other_probe = other.probe(&[]).await;
    other.write(0, &[(7, "ok")]).await;
    other_probe.received(1).await;
    assert!(probe.journal("topic").is_empty());
    transaction.end(Ending::Commit).await;
    probe.received(2).await;
    assert_eq!(probe.journal("topic").concat(), [0, 1]);
}
