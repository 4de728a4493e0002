//! One run: work and disturbances side by side, then quiet, then the check.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use futures::{StreamExt, TryStreamExt, stream};
use paystream_client::{Client, Pace, Target, emulator};
use paystream_local::Environment;
use serde::Serialize;

use crate::act::{ActError, act};
use crate::check::{Done, Findings, ReadError, World};
use crate::disturb::{DisturbError, Disturbances, Disturber};
use crate::plan::Plan;

/// Clients at work at once.
const AT_ONCE: usize = 16;
/// One payment in so many has something go wrong beside it. Each such thing goes on to disturb the next ones.
const DISTURBED_ONE_IN: u64 = 2;
/// How long quiet is waited for, once nothing goes wrong any more.
const QUIET_MAX: Duration = Duration::from_mins(3);
/// How often it is looked whether it is quiet.
const POLL: Duration = Duration::from_millis(100);
/// Looks in a row at which nothing has moved, for it to be quiet.
const STILL_LOOKS: u32 = 5;
/// How long one call of DynamoDB may take: a page of a scan is large, and the emulator is busy.
const CALL_MAX: Duration = Duration::from_secs(30);

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What it was made from.
    pub seed: u64,
    /// Payments that were made.
    pub payments: u64,
    /// Orders that were placed.
    pub orders: u64,
    /// What happened meanwhile.
    pub disturbances: Disturbances,
    /// How long the work took, in milliseconds.
    pub worked_ms: u64,
    /// How long it then took until both sides agreed, or were given up on, in milliseconds.
    pub settled_ms: u64,
    /// What is wrong.
    pub findings: Findings,
}

/// Why a run did not come to its check.
#[derive(Debug, thiserror::Error)]
pub enum ChaosError {
    /// A client was told what should not be.
    #[error(transparent)]
    Act(#[from] ActError),
    /// The environment could not be disturbed.
    #[error(transparent)]
    Disturb(#[from] DisturbError),
    /// The tables could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Makes `payments` payments in an environment that is nobody else's, from `seed`, and checks what became of them.
/// `made` is told how many are made, after each.
pub async fn run(
    environment: &Environment,
    payments: u64,
    seed: u64,
    made: impl Fn(u64),
) -> Result<Report, ChaosError> {
    let client = Client::new(Target::local(environment.url()));
    let disturber = Disturber::new(environment);
    let count = AtomicU64::new(0);
    let begun = Instant::now();
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
    let done: Vec<Done> = work.buffer_unordered(AT_ONCE).try_collect().await?;
    let worked_ms = ms_since(begun);
    environment.clear_faults();
    let begun = Instant::now();
    let findings = settle(environment, &done, disturber.done().poison_records).await?;
    Ok(Report {
        seed,
        payments: done.len() as u64,
        orders: done.iter().filter(|done| done.plan.order.is_some()).count() as u64,
        disturbances: disturber.done(),
        worked_ms,
        settled_ms: ms_since(begun),
        findings,
    })
}

/// Waits until nothing moves and nothing is wrong, or for as long as that may take.
async fn settle(environment: &Environment, done: &[Done], poison: u64) -> Result<Findings, ReadError> {
    let begun = Instant::now();
    let dynamodb = dynamodb(environment);
    let check = async || {
        quiet(environment, QUIET_MAX.saturating_sub(begun.elapsed())).await;
        let mut findings = World::read(environment, &dynamodb).await?.check(done, poison);
        let given_up = environment.failures().failures;
        findings.given_up.extend(given_up.iter().map(|failure| format!("{failure:?}")));
        Ok(findings)
    };
    let is_last = |findings: &Result<Findings, _>| findings.as_ref().map_or(true, Findings::is_empty);
    Pace::within(QUIET_MAX, Duration::ZERO).until(check, is_last).await
}

/// Waits until no event source has moved for a few looks, for `quiet_max` at most.
async fn quiet(environment: &Environment, quiet_max: Duration) {
    let (mut last, mut still) = (Vec::new(), 0);
    let look = async || {
        let status = environment.status().await;
        let sources = status.event_sources.values();
        let now: Vec<_> = sources.map(|source| (source.records, source.batches, source.failures)).collect();
        still = if now == last { still + 1 } else { 0 };
        last = now;
        still
    };
    Pace::within(quiet_max, POLL).until(look, |still| *still >= STILL_LOOKS).await;
}

fn dynamodb(environment: &Environment) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::config::Builder::from(&emulator(environment.dynamodb_url()))
        .timeout_config(aws_connection::timeouts(CALL_MAX, CALL_MAX));
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

fn ms_since(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}
