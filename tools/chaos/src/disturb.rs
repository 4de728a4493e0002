//! Disturbances during a run: faults, killed processes, repeated and late events, poison records, split and merged
//! shards.

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::Shard;
use fastrand::Rng;
use parking_lot::Mutex;
use payment_events::{PaymentEvent, PaymentInfo};
use paystream_client::emulator;
use paystream_local::{Environment, Fault};
use serde::Serialize;
use telemetry::WithCauses;

use crate::faults::{FUNCTIONS, outage, random_fault};
use crate::pick;

/// Logical id of the stream in the template.
pub(crate) const STREAM: &str = "PaymentStream";
/// Maximum open shards.
const SHARDS_MAX: usize = 4;
/// Maximum payment states remembered for repeated events.
const REMEMBERED_MAX: usize = 1_000;
/// Faults in the list above which all are cleared, spent or not.
const FAULTS_MAX: usize = 200;

/// Number of disturbances of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Disturbances {
    /// Random faults injected. Each strikes at most three times, or never.
    pub faults: u64,
    /// Faults that outlast all attempts of their caller.
    pub outages: u64,
    /// Kills of all processes of a function.
    pub kills: u64,
    /// Events published again or late by another producer.
    pub repeated_events: u64,
    /// Records that are not valid events.
    pub poison_records: u64,
    /// Shard splits and merges.
    pub reshards: u64,
}

/// A disturbance could not be applied.
#[derive(Debug, thiserror::Error)]
#[error("could not {what}: {reason}")]
pub struct DisturbError {
    what: &'static str,
    reason: String,
}

/// Source of disturbances in one environment.
pub(crate) struct Disturber<'e> {
    environment: &'e Environment,
    kinesis: Client,
    stream: String,
    remembered: Mutex<Vec<PaymentInfo>>,
    done: Mutex<Disturbances>,
}

impl<'e> Disturber<'e> {
    pub(crate) fn new(environment: &'e Environment) -> Self {
        Self {
            environment,
            kinesis: Client::new(&emulator(environment.kinesis_url())),
            stream: environment.physical_name(STREAM).unwrap_or(STREAM).to_owned(),
            remembered: Mutex::default(),
            done: Mutex::default(),
        }
    }

    /// Remembers a state of a payment for repeated events.
    pub(crate) fn remember(&self, rng: &mut Rng, payment: &PaymentInfo) {
        let mut remembered = self.remembered.lock();
        if remembered.len() < REMEMBERED_MAX {
            remembered.push(payment.clone());
        } else {
            let place = rng.usize(..REMEMBERED_MAX);
            remembered[place] = payment.clone();
        }
    }

    pub(crate) fn done(&self) -> Disturbances {
        *self.done.lock()
    }

    /// Applies one random disturbance.
    pub(crate) async fn disturb(&self, rng: &mut Rng) -> Result<(), DisturbError> {
        match rng.u8(..20) {
            0 => self.kill(rng).await,
            1 => self.reshard(rng).await,
            2..=4 => self.poison(rng).await,
            5..=9 => self.repeat_event(rng).await,
            10..=12 => {
                let turn = self.done.lock().outages;
                self.inject(outage(turn, rng))?;
                self.done.lock().outages += 1;
                Ok(())
            }
            _ => {
                self.inject(random_fault(rng))?;
                self.done.lock().faults += 1;
                Ok(())
            }
        }
    }

    fn inject(&self, fault: Fault) -> Result<(), DisturbError> {
        if self.environment.faults().len() > FAULTS_MAX {
            self.environment.clear_faults();
        }
        let injected = self.environment.inject(fault);
        injected.map(|_| ()).map_err(|error| DisturbError { what: "inject a fault", reason: error.to_string() })
    }

    async fn kill(&self, rng: &mut Rng) -> Result<(), DisturbError> {
        let killed = self.environment.kill_sandboxes(pick(rng, &FUNCTIONS)).await;
        killed.map_err(|error| DisturbError { what: "kill a function", reason: error.to_string() })?;
        self.done.lock().kills += 1;
        Ok(())
    }

    async fn repeat_event(&self, rng: &mut Rng) -> Result<(), DisturbError> {
        let remembered = {
            let remembered = self.remembered.lock();
            if remembered.is_empty() { None } else { Some(remembered[rng.usize(..remembered.len())].clone()) }
        };
        let Some(event) = remembered.and_then(|payment| PaymentEvent::new(payment, None).ok()) else { return Ok(()) };
        self.put(event.partition_key(), event.encode()).await?;
        self.done.lock().repeated_events += 1;
        Ok(())
    }

    async fn poison(&self, rng: &mut Rng) -> Result<(), DisturbError> {
        let records: [&[u8]; 6] = [
            b"\xff\xfe no event",
            b"",
            b"{}",
            b"[1, 2, 3]",
            br#"{"specversion":"1.0","id":"x:1","source":"/payments","type":"payment.captured.v9","data":{}}"#,
            // The magic number of an aggregated record of the Kinesis Producer Library.
            b"\xf3\x89\x9a\xc2aggregated",
        ];
        // A Kinesis record has at least one byte. The appended number ensures this for the empty one.
        let data = [pick(rng, &records), rng.u64(..).to_string().as_bytes()].concat();
        self.put(&format!("ord-{}", rng.u64(..100)), data).await?;
        self.done.lock().poison_records += 1;
        Ok(())
    }

    async fn put(&self, key: &str, data: Vec<u8>) -> Result<(), DisturbError> {
        let put = self.kinesis.put_record().stream_name(&self.stream).partition_key(key).data(Blob::new(data));
        put.send().await.map(|_| ()).map_err(|error| failed("put a record on the stream", error))
    }

    /// Splits an open shard, or merges two adjacent ones at [`SHARDS_MAX`].
    async fn reshard(&self, rng: &mut Rng) -> Result<(), DisturbError> {
        let listed = self.kinesis.list_shards().stream_name(&self.stream).send().await;
        let shards = listed.map_err(|error| failed("list the shards", error))?.shards.unwrap_or_default();
        let mut open: Vec<_> = shards.iter().filter_map(|shard| Some((range(shard)?, shard.shard_id()))).collect();
        open.sort_unstable();
        let changed = if open.len() < SHARDS_MAX {
            let ((first, last), shard) = open[rng.usize(..open.len())];
            let middle = first + (last - first) / 2;
            let split = self.kinesis.split_shard().stream_name(&self.stream).shard_to_split(shard);
            split
                .new_starting_hash_key(middle.to_string())
                .send()
                .await
                .map(|_| ())
                .map_err(|error| failed("split a shard", error))
        } else {
            let place = rng.usize(..open.len() - 1);
            let merge = self.kinesis.merge_shards().stream_name(&self.stream).shard_to_merge(open[place].1);
            merge
                .adjacent_shard_to_merge(open[place + 1].1)
                .send()
                .await
                .map(|_| ())
                .map_err(|error| failed("merge two shards", error))
        };
        // The call fails if another task changed the shards in the meantime. That is not an error.
        if changed.is_ok() {
            self.done.lock().reshards += 1;
        }
        Ok(())
    }
}

/// Hash key range of a shard; `None` if it is closed.
fn range(shard: &Shard) -> Option<(u128, u128)> {
    if shard.sequence_number_range()?.ending_sequence_number().is_some() {
        return None;
    }
    let range = shard.hash_key_range()?;
    Some((range.starting_hash_key().parse().ok()?, range.ending_hash_key().parse().ok()?))
}

fn failed<E: std::error::Error + 'static>(what: &'static str, error: E) -> DisturbError {
    DisturbError { what, reason: WithCauses(&error).to_string() }
}
