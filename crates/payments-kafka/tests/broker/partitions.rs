//! Topics whose number of partitions changes.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::support::{Topic, advance, broker, first_versions, publish, publisher_by_clock, script};

/// The number of partitions is read again every 5 minutes, also between batches that keep the connections in use.
#[tokio::test]
async fn added_partitions_are_used() {
    let Some(broker) = broker("PAYSTREAM_KAFKA") else { return };
    let topic = Topic::create(&broker, 1).await;
    let publisher = publisher_by_clock(topic.config());
    publish(&publisher, &first_versions(0..20)).await;
    script(&broker, &["topics", "--alter", "--topic", &topic.name, "--partitions", "4"]);
    for _ in 0..2 {
        advance(Duration::from_mins(3));
        publish(&publisher, &first_versions(20..40)).await;
    }
    let used: BTreeSet<_> = topic.raw().await.into_iter().map(|record| record.partition).collect();
    assert_eq!(used, BTreeSet::from([0, 1, 2, 3]));
}

#[tokio::test]
async fn a_topic_that_was_created_again_with_fewer_partitions_is_used_at_once() {
    let Some(broker) = broker("PAYSTREAM_KAFKA") else { return };
    let topic = Topic::create(&broker, 5).await;
    let publisher = publisher_by_clock(topic.config());
    publish(&publisher, &first_versions(0..20)).await;
    topic.delete().await;
    topic.recreate(2).await;
    publish(&publisher, &first_versions(20..60)).await;
    let used: BTreeSet<_> = topic.raw().await.into_iter().map(|record| record.partition).collect();
    assert_eq!((used, topic.ids().await.len()), (BTreeSet::from([0, 1]), 40));
}
