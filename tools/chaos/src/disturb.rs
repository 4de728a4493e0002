//! Disturbances during a run: faults, killed processes, repeated and late events, poison records, split and merged
//! shards.

use fastrand::Rng;
use parking_lot::Mutex;
use payment_events::{PaymentEvent, PaymentInfo};
use paystream_local::{Environment, Fault};
use serde::Serialize;

use crate::faults::{functions, outage, random_fault};
use crate::hub::{HubError, RawHub};
use crate::pick;

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
    /// Shard splits and merges. Kinesis only.
    pub reshards: u64,
}

/// A disturbance could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum DisturbError {
    /// The environment refused a fault or a kill.
    #[error("could not {what}: {reason}")]
    Environment {
        /// Disturbance.
        what: &'static str,
        /// Reason that the environment gave.
        reason: String,
    },
    /// The hub did not take a record.
    #[error(transparent)]
    Hub(#[from] HubError),
}

/// Source of disturbances in one environment.
pub(crate) struct Disturber<'e> {
    environment: &'e Environment,
    hub: &'e RawHub,
    remembered: Mutex<Vec<PaymentInfo>>,
    done: Mutex<Disturbances>,
}

impl<'e> Disturber<'e> {
    pub(crate) fn new(environment: &'e Environment, hub: &'e RawHub) -> Self {
        Self { environment, hub, remembered: Mutex::default(), done: Mutex::default() }
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
            1 => {
                self.done.lock().reshards += u64::from(self.hub.reshard(rng).await?);
                Ok(())
            }
            2..=4 => self.poison(rng).await,
            5..=9 => self.repeat_event(rng).await,
            10..=12 => {
                let turn = self.done.lock().outages;
                self.inject(outage(self.hub.kind(), turn, rng))?;
                self.done.lock().outages += 1;
                Ok(())
            }
            _ => {
                self.inject(random_fault(self.hub.kind(), rng))?;
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
        injected
            .map(|_| ())
            .map_err(|error| DisturbError::Environment { what: "inject a fault", reason: error.to_string() })
    }

    async fn kill(&self, rng: &mut Rng) -> Result<(), DisturbError> {
        let killed = self.environment.kill_sandboxes(pick(rng, &functions(self.hub.kind()))).await;
        killed.map_err(|error| DisturbError::Environment { what: "kill a function", reason: error.to_string() })?;
        self.done.lock().kills += 1;
        Ok(())
    }

    async fn repeat_event(&self, rng: &mut Rng) -> Result<(), DisturbError> {
        let remembered = {
            let remembered = self.remembered.lock();
            if remembered.is_empty() { None } else { Some(remembered[rng.usize(..remembered.len())].clone()) }
        };
        let Some(event) = remembered.and_then(|payment| PaymentEvent::new(payment, None).ok()) else { return Ok(()) };
        self.hub.put(event.partition_key(), event.encode()).await?;
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
        self.hub.put(&format!("ord-{}", rng.u64(..100)), data).await?;
        self.done.lock().poison_records += 1;
        Ok(())
    }
}
