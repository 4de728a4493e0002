//! `ParallelizationFactor`: concurrent batches of a shard.

use crate::harness::{Probe, ok};

#[tokio::test]
async fn the_parallelization_factor_is_the_number_of_concurrent_batches_of_a_shard() {
    let probe = Probe::start_with(&[("Factor", "3"), ("BatchSize", "1")]).await;
    let waiting: Vec<(i64, &str)> = (0..30).map(|number| (number, "wait")).collect();
    probe.write_with_keys(&waiting, |number| format!("key-{number}")).await;
    let function = async || probe.environment.status().await.functions["Consuming"].clone();
    probe.eventually("three are being worked on", async || probe.journal("stream").len() == 3).await;
    assert_eq!(function().await.busy, 3);
    probe.open_gate();
    probe.handled(30).await;
    assert_eq!(function().await.cold_starts, 3, "at most three ran concurrently");
}

#[tokio::test]
async fn records_of_one_key_keep_their_order_in_concurrent_batches() {
    let probe = Probe::start_with(&[("Factor", "10"), ("BatchSize", "4")]).await;
    let action = |number| if number % 17 == 0 { "report-once" } else { "ok" };
    for start in [0, 130, 260] {
        let records: Vec<(i64, &str)> = (start..start + 130).map(|number| (number, action(number))).collect();
        probe.write_with_keys(&records, |number| format!("key-{}", number % 13)).await;
    }
    probe.handled(390).await;
    for key in 0..13 {
        let of_key: Vec<i64> = probe.delivered("stream").into_iter().filter(|number| number % 13 == key).collect();
        assert!(of_key.is_sorted() && of_key.len() == 30, "{of_key:?}");
    }
}

#[tokio::test]
async fn a_stuck_key_holds_the_checkpoint_and_not_the_other_keys() {
    let probe = Probe::start_with(&[("Factor", "10"), ("BatchSize", "5")]).await;
    probe.write_with_keys(&[(0, "wait")], |_| "stuck".to_owned()).await;
    probe.write_with_keys(&ok(1..101), |number| format!("key-{number}")).await;
    probe.eventually("other keys go on", async || probe.mapping().await.records >= 50).await;
    assert_eq!(probe.position().await, None, "the first record is not finished");
    probe.open_gate();
    probe.handled(101).await;
    let last = probe.write_data(r#"{"n":101}"#, "stuck").await;
    probe.eventually("the checkpoint catches up", async || probe.position().await.as_ref() == Some(&last)).await;
}

#[tokio::test]
async fn each_batch_is_retried_and_discarded_on_its_own() {
    let probe = Probe::start_with(&[("Factor", "4"), ("BatchSize", "1"), ("Retries", "2")]).await;
    let mut records = ok(0..40);
    records[0].1 = "fail-always";
    probe.write_with_keys(&records, |number| format!("key-{number}")).await;
    probe.handled(39).await;
    probe.eventually("it is discarded", async || probe.mapping().await.given_up == 1).await;
    let given = probe.journal("stream").concat();
    let times = |wanted: i64| given.iter().filter(|number| **number == wanted).count();
    assert_eq!((times(0), (1..40).all(|number| times(number) == 1)), (3, true), "{given:?}");
    let status = probe.mapping().await;
    assert_eq!((status.batches, status.retries, status.failures), (42, 2, 3));
}

#[tokio::test]
async fn a_key_that_stays_stuck_eventually_stops_its_shard() {
    let probe = Probe::start_with(&[("Factor", "2"), ("BatchSize", "5")]).await;
    let key = |number: i64| if number == 0 || number >= 100 { "stuck".to_owned() } else { format!("key-{number}") };
    probe.write_with_keys(&[(0, "wait")], key).await;
    probe.write_with_keys(&ok(1..9), key).await;
    // At least one of eight keys is in the other slot.
    probe.eventually("some key goes on", async || probe.mapping().await.records > 0).await;
    let free = *probe.delivered("stream").iter().find(|number| **number > 0).unwrap();
    probe.write_with_keys(&ok(100..300), key).await;
    probe.write_data(r#"{"n":500}"#, &key(free)).await;
    probe.open_gate();
    probe.handled(210).await;
    let delivered = probe.delivered("stream");
    let place = |wanted: i64| delivered.iter().position(|number| *number == wanted).unwrap();
    // Read-ahead is limited to two batches for each of the two concurrent ones.
    assert!(place(500) > place(300 - 1 - 20 - 5), "{delivered:?}");
}

#[tokio::test]
async fn items_of_a_table_are_delivered_concurrently_and_each_in_order() {
    let probe = Probe::start_with(&[("Factor", "10")]).await;
    probe.put_item(0, "wait").await;
    probe.eventually("it is being worked on", async || !probe.journal("table").is_empty()).await;
    probe.put_item(0, "ok").await;
    for number in 1..21 {
        probe.put_item(number, "ok").await;
    }
    let following = async || probe.event_source("FollowingChanged").await.records;
    probe.eventually("other items go on", async || following().await >= 10).await;
    let times = || probe.journal("table").concat().iter().filter(|number| **number == 0).count();
    assert_eq!(times(), 1, "a change of an item waits for its earlier change");
    probe.open_gate();
    probe.eventually("all are handled", async || following().await == 22).await;
    assert_eq!(times(), 2);
}
