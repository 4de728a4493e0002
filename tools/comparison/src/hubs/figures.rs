//! Figures of one system, merged over the rounds of a run.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::observations::Deliveries;
use super::system::HubSystem;
use crate::costs::PerOrder;
use crate::measure::Latency;

/// Samples of one round of one system.
#[derive(Debug, Clone, Default)]
pub struct HubSamples {
    /// Phase without a fault.
    pub healthy: PhaseSample,
    /// Billed units of that phase, in total.
    pub units: PerOrder,
    /// Outage of the hub; `None` if the run was stopped before it.
    pub hub_down: Option<OutageSample>,
    /// Outage of the consumer; `None` if the run was stopped before it.
    pub consumer_down: Option<OutageSample>,
    /// Batches that went to the on-failure destination, in all phases.
    pub given_up: u64,
}

/// Samples of a phase.
#[derive(Debug, Clone, Default)]
pub struct PhaseSample {
    /// Versions of payments that were made.
    pub versions: u64,
    /// From storing a version in Payments until the relay's invocation that published it ended. Empty in `direct` mode.
    pub publish: Vec<Duration>,
    /// From storing a version in Payments until the consumer first received it.
    pub delivery: Vec<Duration>,
    /// From storing a payment's last version in Payments until Orders stored it.
    pub projection: Vec<Duration>,
    /// Deliveries to the consumer.
    pub deliveries: Deliveries,
    /// Payments whose last version is missing in Orders, or whose client never got a response.
    pub lost: u64,
}

/// Samples of a phase with an outage.
#[derive(Debug, Clone, Default)]
pub struct OutageSample {
    /// Samples of the whole phase.
    pub phase: PhaseSample,
    /// From the end of the outage until Orders had every payment that was made before that end.
    pub recovery: Duration,
}

/// Figures of one system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HubResult {
    /// System measured.
    pub system: HubSystem,
    /// Versions of payments made without a fault.
    pub versions: u64,
    /// Publish lag, as [`PhaseSample::publish`].
    pub publish_ms: Latency,
    /// Delivery lag, as [`PhaseSample::delivery`].
    pub delivery_ms: Latency,
    /// Projection lag, as [`PhaseSample::projection`].
    pub projection_ms: Latency,
    /// Deliveries to the consumer without a fault.
    pub deliveries: Deliveries,
    /// Outages of the hub.
    pub hub_down: OutageFigures,
    /// Outages of the consumer.
    pub consumer_down: OutageFigures,
    /// Billed units for each version without a fault: API request, functions, tables and stream.
    pub units: PerOrder,
    /// Payments missing or behind in Orders at the end, in all phases.
    pub lost: u64,
    /// Batches that went to the on-failure destination.
    pub given_up: u64,
}

/// Figures of outages of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct OutageFigures {
    /// Time to recover, as [`OutageSample::recovery`]; one value for each round.
    pub recovery_ms: Latency,
    /// Versions made in these phases.
    pub versions: u64,
    /// Deliveries to the consumer.
    pub deliveries: Deliveries,
}

impl HubResult {
    /// Merges the samples of all rounds.
    pub fn of(system: HubSystem, rounds: &[HubSamples]) -> Self {
        let lag = |of: fn(&PhaseSample) -> &Vec<Duration>| {
            Latency::of(rounds.iter().flat_map(|round| of(&round.healthy)).copied())
        };
        let versions: u64 = rounds.iter().map(|round| round.healthy.versions).sum();
        let mut deliveries = Deliveries::default();
        for round in rounds {
            deliveries += round.healthy.deliveries;
        }
        let units = rounds.iter().fold(PerOrder::default(), |units, round| units.and(round.units));
        let outages: Vec<_> =
            rounds.iter().flat_map(|round| [&round.hub_down, &round.consumer_down]).flatten().collect();
        let lost: u64 = rounds.iter().map(|round| round.healthy.lost).sum();
        #[expect(clippy::cast_precision_loss, reason = "no run has 2^52 versions")]
        let units = units.per(versions.max(1) as f64);
        Self {
            system,
            versions,
            publish_ms: lag(|phase| &phase.publish),
            delivery_ms: lag(|phase| &phase.delivery),
            projection_ms: lag(|phase| &phase.projection),
            deliveries,
            hub_down: OutageFigures::of(rounds.iter().filter_map(|round| round.hub_down.as_ref())),
            consumer_down: OutageFigures::of(rounds.iter().filter_map(|round| round.consumer_down.as_ref())),
            units,
            lost: lost + outages.iter().map(|outage| outage.phase.lost).sum::<u64>(),
            given_up: rounds.iter().map(|round| round.given_up).sum(),
        }
    }

    /// True if nothing was lost, and the consumer first received the versions of each payment in order.
    pub fn is_right(&self) -> bool {
        let all = [self.deliveries, self.hub_down.deliveries, self.consumer_down.deliveries];
        self.lost == 0 && self.given_up == 0 && all.iter().all(|deliveries| deliveries.out_of_order == 0)
    }
}

impl OutageFigures {
    fn of<'a>(outages: impl Iterator<Item = &'a OutageSample> + Clone) -> Self {
        let mut figures =
            Self { recovery_ms: Latency::of(outages.clone().map(|outage| outage.recovery)), ..Self::default() };
        for outage in outages {
            figures.versions += outage.phase.versions;
            figures.deliveries += outage.phase.deliveries;
        }
        figures
    }
}
