//! A chaos run: workload with disturbances, a wait until the system is idle, then the check.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use futures::{StreamExt, TryStreamExt, stream};
use payments::PublishModeName;
use paystream_client::{Client, Pace, Target, emulator};
use paystream_hubs::Subscriber;
use paystream_local::{Environment, HubKind};
use serde::Serialize;

use crate::act::{ActError, act};
use crate::check::{Done, Findings, ReadError, World};
use crate::disturb::{DisturbError, Disturbances, Disturber};
use crate::hub::RawHub;
use crate::plan::Plan;

/// Plans executed concurrently.
const PLANS_CONCURRENT: usize = 16;
/// One plan in this many starts with a disturbance, which may affect later plans, too.
const DISTURBED_ONE_IN: u64 = 2;
/// Maximum wait for an idle system once the faults are cleared.
const IDLE_WAIT_MAX: Duration = Duration::from_mins(3);
/// Interval between polls for idleness.
const POLL: Duration = Duration::from_millis(100);
/// Consecutive polls without progress after which the system is idle.
const IDLE_POLLS: u32 = 5;
/// Timeout of a DynamoDB call: a page of a scan is large, and the emulator is busy.
const CALL_MAX: Duration = Duration::from_secs(30);

/// Result of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Random seed.
    pub seed: u64,
    /// Payments made.
    pub payments: u64,
    /// Orders placed.
    pub orders: u64,
    /// Disturbances applied.
    pub disturbances: Disturbances,
    /// Duration of the workload, in milliseconds.
    pub worked_ms: u64,
    /// Time from the end of the workload until the check passed or timed out, in milliseconds.
    pub settled_ms: u64,
    /// Violations found.
    pub findings: Findings,
}

/// Error that ended a run before its check.
#[derive(Debug, thiserror::Error)]
pub enum ChaosError {
    /// A client received an unexpected response.
    #[error(transparent)]
    Act(#[from] ActError),
    /// A disturbance could not be applied.
    #[error(transparent)]
    Disturb(#[from] DisturbError),
    /// A table could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Makes `payments` payments, generated from `seed`, and checks the result. `mode` is the publish mode of the environment,
/// which no other client may use. `subscriber` reads its hub, unless that is Kinesis; nothing may have been published
/// before it was created. Calls `made` with the number of payments made so far, after each.
pub async fn run(
    environment: &Environment,
    subscriber: Option<(HubKind, Subscriber)>,
    payments: u64,
    seed: u64,
    mode: PublishModeName,
    made: impl Fn(u64),
) -> Result<Report, ChaosError> {
    let client = Client::new(Target::local(environment.url()));
    let hub = RawHub::new(environment, subscriber);
    let disturber = Disturber::new(environment, &hub);
    let count = AtomicU64::new(0);
    let started = Instant::now();
    let work = stream::iter(0..payments).map(|number| {
        let (client, disturber, count, made) = (&client, &disturber, &count, &made);
        async move {
            let mut rng = Rng::with_seed(seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
            if rng.u64(..DISTURBED_ONE_IN) == 0 {
                disturber.disturb(&mut rng).await?;
            }
            let plan = Plan::new(format!("ord-{number}"), &mut rng);
            let remembering = std::cell::RefCell::new(rng);
            let seen = |payment: &_| disturber.remember(&mut remembering.borrow_mut(), payment);
            let payment = act(client, &plan, seen).await?;
            made(count.fetch_add(1, Ordering::Relaxed) + 1);
            Ok::<_, ChaosError>(Done { plan, payment })
        }
    });
    let done: Vec<Done> = work.buffer_unordered(PLANS_CONCURRENT).try_collect().await?;
    let worked_ms = ms_since(started);
    environment.clear_faults();
    let started = Instant::now();
    let findings = settle(environment, &hub, &done, disturber.done().poison_records, mode).await?;
    Ok(Report {
        seed,
        payments: done.len() as u64,
        orders: done.iter().filter(|done| done.plan.order.is_some()).count() as u64,
        disturbances: disturber.done(),
        worked_ms,
        settled_ms: ms_since(started),
        findings,
    })
}

/// Checks until there are no violations, for [`IDLE_WAIT_MAX`] at most. Waits until the system is idle before each
/// check.
async fn settle(
    environment: &Environment,
    hub: &RawHub,
    done: &[Done],
    poison: u64,
    mode: PublishModeName,
) -> Result<Findings, ReadError> {
    let started = Instant::now();
    let dynamodb = dynamodb(environment);
    let check = async || {
        wait_until_idle(environment, IDLE_WAIT_MAX.saturating_sub(started.elapsed())).await;
        let mut findings = World::read(environment, &dynamodb, hub, mode).await?.check(done, poison);
        let discarded = environment.failures().failures;
        findings.given_up.extend(discarded.iter().map(|failure| format!("{failure:?}")));
        Ok(findings)
    };
    let is_last = |findings: &Result<Findings, _>| findings.as_ref().map_or(true, Findings::is_empty);
    Pace::within(IDLE_WAIT_MAX, Duration::ZERO).until(check, is_last).await
}

/// Waits until no event source mapping has made progress for [`IDLE_POLLS`] polls, for `wait_max` at most.
async fn wait_until_idle(environment: &Environment, wait_max: Duration) {
    let (mut last, mut still) = (Vec::new(), 0);
    let poll = async || {
        let status = environment.status().await;
        let sources = status.event_sources.values();
        let now: Vec<_> = sources.map(|source| (source.records, source.batches, source.failures)).collect();
        still = if now == last { still + 1 } else { 0 };
        last = now;
        still
    };
    Pace::within(wait_max, POLL).until(poll, |still| *still >= IDLE_POLLS).await;
}

fn dynamodb(environment: &Environment) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::config::Builder::from(&emulator(environment.dynamodb_url()))
        .timeout_config(aws_connection::timeouts(CALL_MAX, CALL_MAX));
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

fn ms_since(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
