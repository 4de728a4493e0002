//! Consumers of a Kafka topic.

use stream_batch::{BatchFailed, BatchResponse, KafkaPosition, Limits, Record, process_records};

use crate::mapping::World;

type Entry = Record<u8, usize, KafkaPosition>;
type Answer = Result<BatchResponse<KafkaPosition>, BatchFailed>;

async fn process(world: &World, batch: Vec<Entry>, limits: &Limits<impl Fn() -> bool>) -> BatchResponse<KafkaPosition> {
    process_records(batch, limits, async |record: Entry| world.settle(&record).await).await.response
}

/// The correct consumer.
pub(crate) async fn correct(world: &World, batch: Vec<Entry>, limits: &Limits<impl Fn() -> bool>) -> Answer {
    process(world, batch, limits).await.lowest_offsets()
}

/// Reports the highest failed offset of each partition.
pub(crate) async fn reports_the_highest_offset(
    world: &World,
    batch: Vec<Entry>,
    limits: &Limits<impl Fn() -> bool>,
) -> Answer {
    let mut highest: Vec<KafkaPosition> = Vec::new();
    for position in process(world, batch, limits).await {
        match highest.iter_mut().find(|known| known.partition == position.partition) {
            Some(known) => known.offset = known.offset.max(position.offset),
            None => highest.push(position),
        }
    }
    Ok(highest.into_iter().collect())
}

/// Reports the lowest failed offset of the batch, as if it were of one partition.
pub(crate) async fn reports_one_partition(
    world: &World,
    batch: Vec<Entry>,
    limits: &Limits<impl Fn() -> bool>,
) -> Answer {
    Ok(correct(world, batch, limits).await?.into_iter().min_by_key(|position| position.offset).into_iter().collect())
}

/// Reports the record that each lane stopped at, and not the rest of the lane in other partitions.
pub(crate) async fn reports_the_first_of_each_lane(
    world: &World,
    batch: Vec<Entry>,
    limits: &Limits<impl Fn() -> bool>,
) -> Answer {
    let position_of = |place: usize| batch.iter().find(|record| record.payload == place).unwrap().identifier.clone();
    // As for a stream, whose records share a checkpoint.
    let of_one_shard = batch.iter().map(|record| Record {
        key: record.key,
        identifier: record.payload.to_string(),
        payload: record.payload,
    });
    let response =
        process_records(of_one_shard, limits, async |record: Record<u8, usize>| world.settle(&record).await).await;
    let positions = response.response.into_iter().map(|place| position_of(place.parse().unwrap()));
    positions.collect::<BatchResponse<_>>().lowest_offsets()
}

/// Reports no failure.
pub(crate) async fn acknowledges_failures(
    world: &World,
    batch: Vec<Entry>,
    limits: &Limits<impl Fn() -> bool>,
) -> Answer {
    process(world, batch, limits).await;
    Ok(BatchResponse::default())
}
