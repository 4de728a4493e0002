//! Measurement of one system.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use payment_events::Timestamp;
use paystream_client::{ApiError, Pace, Target};
use paystream_local::{Environment, InvalidFault};
use tokio_util::sync::CancellationToken;

use super::figures::{HubSamples, OutageSample, PhaseSample};
use super::load::{Made, make, plan};
use super::observations::{Observations, Version};
use super::system::{HubPhase, HubSystem};
use crate::api::Api;
use crate::costs::{total, wait_until_idle};
use crate::open_loop::{self, Sent};
use crate::plan::outage;
use crate::settings::LoadSettings;

/// Maximum payments in flight.
const IN_FLIGHT_MAX: usize = 1_000;
/// Time between the planning of a phase and its first payment.
const START: Duration = Duration::from_millis(100);
/// Orders read concurrently, and the wait until Orders has all payments of a phase.
const READS_CONCURRENT: usize = 8;
const SETTLING: Pace = Pace::within(Duration::from_mins(3), Duration::from_millis(200));

/// Progress of a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HubProgress {
    /// Making payments.
    Payments {
        /// Phase that runs.
        phase: HubPhase,
        /// Payments made.
        done: usize,
        /// Payments of the phase.
        total: usize,
    },
    /// Waiting until Orders has all payments.
    Settling(HubPhase),
}

/// Error that prevented a measurement.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The environment rejected the fault.
    #[error("cannot inject a fault: {0}")]
    Fault(#[from] InvalidFault),
    /// Orders' read model could not be read.
    #[error("cannot read the payments in Orders: {0}")]
    Read(#[from] ApiError),
}

/// Measures one system in its `environment`, which no other client may use and whose invocations `observations` has.
/// Cancelling `stop` ends the measurement early: no more payments are made, and the phases so far are returned.
pub async fn run_hub(
    environment: &Environment,
    observations: &Observations,
    system: HubSystem,
    load: &LoadSettings,
    stop: &CancellationToken,
    progress: impl Fn(HubProgress) + Clone + Send + Sync + 'static,
) -> Result<HubSamples, HubError> {
    let run = Run { environment, observations, system, load, stop, api: Api::new(Target::local(environment.url())) };
    run.make(HubPhase::Healthy, load.warm_up, "warm", |_| {}).await;
    wait_until_idle(environment).await;
    environment.reset_usage();
    let mut samples = HubSamples::default();
    for phase in HubPhase::ALL.into_iter().filter(|_| !stop.is_cancelled()) {
        let sample = run.phase(phase, &mut samples, progress.clone()).await?;
        match phase {
            HubPhase::Healthy => samples.healthy = sample.phase,
            HubPhase::HubDown => samples.hub_down = Some(sample),
            HubPhase::ConsumerDown => samples.consumer_down = Some(sample),
        }
    }
    samples.given_up = environment.failures().failures.len() as u64;
    Ok(samples)
}

struct Run<'r> {
    environment: &'r Environment,
    observations: &'r Observations,
    system: HubSystem,
    load: &'r LoadSettings,
    stop: &'r CancellationToken,
    api: Api,
}

/// Payments of a phase. Those without a response are lost.
struct Payments {
    made: Vec<Made>,
    without_response: u64,
}

impl Run<'_> {
    async fn phase(
        &self,
        phase: HubPhase,
        samples: &mut HubSamples,
        progress: impl Fn(HubProgress) + Clone + Send + Sync + 'static,
    ) -> Result<OutageSample, HubError> {
        let shown = progress.clone();
        let making = self.make(phase, self.load.duration, phase.title(), progress);
        let (payments, ended_ms) = tokio::join!(making, self.disturb(phase));
        let ended_ms = ended_ms?;
        shown(HubProgress::Settling(phase));
        if phase == HubPhase::Healthy {
            // Before anything reads Orders, which is billed as well.
            wait_until_idle(self.environment).await;
            samples.units = total(&self.environment.usage());
        }
        let stored = self.stored(&payments.made).await?;
        let in_orders = payments.made.iter().zip(&stored).filter_map(|(made, stored_ms)| stored_ms.map(|_| made));
        self.observed(in_orders.flat_map(Made::versions).map(|(version, _)| version).collect()).await;
        Ok(self.sample(&payments, &stored, ended_ms))
    }

    /// Makes the payments of a phase.
    async fn make(
        &self,
        phase: HubPhase,
        duration: Duration,
        name: &str,
        progress: impl Fn(HubProgress) + Clone + Send + Sync + 'static,
    ) -> Payments {
        let prefix = format!("hub-{}", name.replace(' ', "-"));
        let planned = plan(self.load.rate, duration, &prefix, self.load.seed);
        let (done, total) = (Arc::new(AtomicUsize::new(0)), planned.len());
        let (api, stopped) = (self.api.clone(), self.stop.clone());
        let send = move |planned, _| {
            let (api, done, progress) = (api.clone(), Arc::clone(&done), progress.clone());
            async move {
                let made = make(api, planned).await;
                progress(HubProgress::Payments { phase, done: done.fetch_add(1, Ordering::SeqCst) + 1, total });
                made
            }
        };
        let items = planned.into_iter().map(|planned| (planned.at, planned)).collect();
        let started = Instant::now() + START;
        let sent = open_loop::run(started, items, IN_FLIGHT_MAX, move || stopped.is_cancelled(), send).await;
        let mut payments = Payments { made: Vec::new(), without_response: 0 };
        for sent in sent {
            match sent {
                Sent::Done(Some(made)) => payments.made.push(made),
                Sent::Done(None) | Sent::TooMany(_) => payments.without_response += 1,
            }
        }
        payments
    }

    /// Injects the fault of the phase for the middle third. Returns the end of the outage in Unix milliseconds; `None`
    /// without a fault.
    async fn disturb(&self, phase: HubPhase) -> Result<Option<i64>, HubError> {
        let Some(fault) = phase.fault(self.system.hub()) else { return Ok(None) };
        let (from, until) = outage(self.load.duration);
        if self.stop.run_until_cancelled(tokio::time::sleep(START + from)).await.is_none() {
            return Ok(None);
        }
        self.environment.inject(fault)?;
        self.stop.run_until_cancelled(tokio::time::sleep(until.saturating_sub(from))).await;
        self.environment.clear_faults();
        Ok(Some(Timestamp::now().unix_ms()))
    }

    /// Waits until Orders has the last version of each payment. Returns when it stored them, in Unix milliseconds; `None`
    /// for a payment that is missing or behind at the end.
    async fn stored(&self, made: &[Made]) -> Result<Vec<Option<i64>>, ApiError> {
        let mut stored = vec![None; made.len()];
        let mut attempts = SETTLING.begin();
        loop {
            let open = made.iter().enumerate().filter(|(number, _)| stored[*number].is_none());
            let reads = open.map(|(number, made)| async move { Ok((number, self.stored_ms(made).await?)) });
            let mut reads = stream::iter(reads.collect::<Vec<_>>()).buffer_unordered(READS_CONCURRENT);
            while let Some(read) = reads.next().await {
                let (number, stored_ms): (usize, _) = read?;
                stored[number] = stored_ms;
            }
            drop(reads);
            if stored.iter().all(Option::is_some) || !attempts.again().await {
                return Ok(stored);
            }
        }
    }

    /// Waits until the invocations that published and handled these versions were observed. An invocation is observed when
    /// it ends, which is later than its write to the hub or to Orders' table.
    async fn observed(&self, versions: BTreeSet<Version>) {
        let is_published =
            |version| !self.system.relay_publishes() || self.observations.published_ms(version).is_some();
        let are_observed = || self.observations.handled().is_superset(&versions) && versions.iter().all(is_published);
        let mut attempts = SETTLING.begin();
        while !are_observed() && attempts.again().await {}
    }

    async fn stored_ms(&self, made: &Made) -> Result<Option<i64>, ApiError> {
        let (last, _) = made.last();
        let copies = self.api.copies(&made.order_id).await?.payments;
        Ok(copies.into_iter().find(|copy| copy.version >= last).map(|copy| copy.received_at.unix_ms()))
    }

    fn sample(&self, payments: &Payments, stored: &[Option<i64>], ended_ms: Option<i64>) -> OutageSample {
        let made = &payments.made;
        let versions = || made.iter().flat_map(Made::versions);
        let delivered = self.observations.first_delivered_ms();
        let publish = versions().filter(|_| self.system.relay_publishes());
        let publish = publish.filter_map(|(version, ms)| Some(between(ms, self.observations.published_ms(&version)?)));
        let delivery = versions().filter_map(|(version, ms)| Some(between(ms, *delivered.get(&version)?)));
        let of_last = || made.iter().zip(stored).filter_map(|(made, stored_ms)| Some((made.last().1, (*stored_ms)?)));
        let recovered = of_last().filter(|(made_ms, _)| ended_ms.is_some_and(|ended_ms| *made_ms <= ended_ms));
        let recovery = recovered.map(|(_, stored_ms)| between(ended_ms.unwrap_or(stored_ms), stored_ms)).max();
        let missing = stored.iter().filter(|stored_ms| stored_ms.is_none()).count() as u64;
        let ids: BTreeSet<_> = made.iter().map(|made| made.payment_id.clone()).collect();
        let phase = PhaseSample {
            versions: versions().count() as u64,
            publish: publish.collect(),
            delivery: delivery.collect(),
            projection: of_last().map(|(made_ms, stored_ms)| between(made_ms, stored_ms)).collect(),
            deliveries: self.observations.deliveries(&ids),
            lost: missing + payments.without_response,
        };
        OutageSample { phase, recovery: recovery.unwrap_or_default() }
    }
}

/// Time between two moments in Unix milliseconds; zero if the second is not later.
fn between(from_ms: i64, until_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(until_ms - from_ms).unwrap_or_default())
}
