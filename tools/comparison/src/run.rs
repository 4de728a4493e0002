//! Execution of a scenario.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt;
use paystream_client::{ApiError, Target};
use paystream_local::{Environment, Usage};
use tokio_util::sync::CancellationToken;

use crate::act::{Clients, OrderTrace, Step};
use crate::api::Api;
use crate::disturb::{DisturbError, disturbed};
use crate::mark::Mark;
use crate::measure::{Measured, Window, latency};
use crate::mode::Mode;
use crate::observe::{self, OrderEnd};
use crate::open_loop::{self, Sent};
use crate::plan::{Phase, Times, plan};
use crate::results::ScenarioResult;
use crate::scenario::Scenario;
use crate::settings::LoadSettings;
use crate::timeline::Timeline;

/// Maximum requests in flight. An order above that is not sent and counts as failed.
const IN_FLIGHT_MAX: usize = 10_000;
/// Length of the plan that warms up sandboxes and connections, at one order per second in each mode.
const WARMED: Duration = Duration::from_secs(15);
/// Time between the setup and the first payment.
const START: Duration = Duration::from_millis(200);

/// Progress of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScenarioProgress {
    /// Placing orders.
    Orders {
        /// Orders with a response.
        done: usize,
        /// Orders in total.
        total: usize,
    },
    /// Waiting until every order is settled.
    Settling,
}

/// Error that prevented the measurement of a scenario.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A fault could not be applied.
    #[error(transparent)]
    Disturb(#[from] DisturbError),
    /// The final states of the orders could not be read.
    #[error("cannot read the final states of the orders: {0}")]
    Observe(#[source] ApiError),
    /// The API cannot be reached or returned an unexpected response.
    #[error("cannot place orders: {0}")]
    Target(#[source] ApiError),
    /// The target has no route for this mode.
    #[error("no route for {0} orders: deploy the template with SynchronousOrders=always")]
    NoMode(Mode),
}

/// Measures one scenario at `target`. Faults and usage counts need its local `environment`, which no other client may
/// use. Cancelling `stop` ends the scenario early: no more orders are sent, and the measurements so far are returned.
pub async fn run_scenario(
    target: Target,
    environment: Option<&Environment>,
    scenario: Scenario,
    load: &LoadSettings,
    stop: &CancellationToken,
    progress: impl Fn(ScenarioProgress) + Clone + Send + Sync + 'static,
) -> Result<ScenarioResult, ScenarioError> {
    let api = Api::new(target);
    for mode in Mode::BOTH {
        if !api.has(mode).await.map_err(ScenarioError::Target)? {
            return Err(ScenarioError::NoMode(mode));
        }
    }
    warm(&api, load.seed).await;
    if let Some(environment) = environment {
        environment.reset_usage();
    }
    let times = Times::new(scenario, load.rate, load.duration, load.warm_up);
    let prefix = format!("cmp-{:x}-{scenario}", payment_events::Timestamp::now().unix_ms());
    let orders = plan(scenario, &times, &prefix, load.seed);
    let steps = steps(&orders);
    let mark = Mark::in_(START + times.window);
    let clients = Clients::new(api.clone(), mark, orders.clone());
    let (done, total) = (Arc::new(AtomicUsize::new(0)), clients.records().len());
    let send = {
        let (clients, progress) = (clients.clone(), progress.clone());
        move |(number, step): (usize, Step), arrival| {
            let (clients, progress, done) = (clients.clone(), progress.clone(), Arc::clone(&done));
            async move {
                clients.act(number, step, arrival).await;
                if step == Step::Order {
                    progress(ScenarioProgress::Orders { done: done.fetch_add(1, Ordering::SeqCst) + 1, total });
                }
            }
        }
    };
    let is_stopped = {
        let stop = stop.clone();
        move || stop.is_cancelled()
    };
    let working = open_loop::run(mark.before(times.window), steps, IN_FLIGHT_MAX, is_stopped, send);
    let disturbing = disturbed(environment, scenario, load, mark, stop);
    let (sent, fault_ms) = tokio::join!(working, disturbing);
    let fault_ms = fault_ms?;
    for sent in sent {
        if let Sent::TooMany((number, Step::Order)) = sent {
            clients.not_sent(number, mark.ms_at(mark.before(times.window) + orders[number].order_at));
        }
    }
    progress(ScenarioProgress::Settling);
    let usage = environment.map(Environment::usage);
    let records: Vec<OrderTrace> = clients.records().into_iter().filter(|record| record.placed.is_some()).collect();
    let is_interrupted = stop.is_cancelled();
    let ends = observe::ends(&api, mark, &records).await.map_err(ScenarioError::Observe)?;
    let window = Window { ms: measured_ms(&records, load, is_interrupted), fault_ms };
    Ok(result(scenario, &records, &ends, window, usage.as_ref(), is_interrupted))
}

/// Warms up sandboxes and connections with a few clients that pay and order in both modes. Ignores errors.
async fn warm(api: &Api, seed: u64) {
    const CLIENTS: usize = 3;
    let times = Times::new(Scenario::Healthy, 1.0, WARMED, Duration::ZERO);
    let prefix = format!("warm-{:x}", payment_events::Timestamp::now().unix_ms());
    let orders = plan(Scenario::Healthy, &times, &prefix, seed);
    let paid_and_placed = futures::stream::iter(orders).map(|order| async move {
        let _ = api.pay(&order).await;
        let _ = api.place(&order).await;
    });
    paid_and_placed.buffer_unordered(CLIENTS).collect::<()>().await;
}

/// Returns every step of every order with its time.
fn steps(orders: &[crate::plan::PlannedOrder]) -> Vec<(Duration, (usize, Step))> {
    let of = |(number, order): (usize, &crate::plan::PlannedOrder)| {
        let steps = [(Some(order.pay_at), Step::Pay), (order.void_at, Step::Void), (Some(order.order_at), Step::Order)];
        steps.into_iter().filter_map(move |(at, step)| Some((at?, (number, step))))
    };
    orders.iter().enumerate().flat_map(of).collect()
}

/// Returns the length of the measured window, which an interruption shortens.
fn measured_ms(records: &[OrderTrace], load: &LoadSettings, is_interrupted: bool) -> u64 {
    let planned = u64::try_from(load.duration.as_millis()).unwrap_or(u64::MAX);
    if !is_interrupted {
        return planned;
    }
    let last = records.iter().filter_map(|record| Some(record.placed.as_ref()?.intended_ms)).max();
    u64::try_from(last.unwrap_or_default()).unwrap_or_default().clamp(1, planned)
}

fn result(
    scenario: Scenario,
    records: &[OrderTrace],
    ends: &[OrderEnd],
    window: Window,
    usage: Option<&Usage>,
    is_interrupted: bool,
) -> ScenarioResult {
    let of = |mode: Mode| records.iter().zip(ends).filter(move |(record, _)| record.order.mode == mode);
    let until_ms = Timeline::until_ms(ends, window);
    let measured = |mode: Mode| {
        let orders: Vec<_> = of(mode).filter(|(record, _)| record.order.phase == Phase::Window).collect();
        let mut measured = Measured::of(&orders, window);
        let before = of(mode).map(|(record, _)| record).filter(|record| record.order.phase == Phase::Before);
        measured.before_ms = latency(before);
        // Requests to Payments are counted over all phases, so they are divided by the orders of all phases.
        let all = u64::try_from(of(mode).count()).unwrap_or(u64::MAX);
        let calls = usage.filter(|_| all > 0).map(|usage| usage.function(mode.function()).api_requests);
        measured.calls_to_payments_per_order = calls.map(|calls| ratio(calls, all));
        let timeline = Timeline::of(&orders, window, until_ms, mode == Mode::Asynchronous);
        (measured, timeline)
    };
    let (asynchronous, asynchronous_timeline) = measured(Mode::Asynchronous);
    let (synchronous, synchronous_timeline) = measured(Mode::Synchronous);
    #[expect(clippy::cast_precision_loss, reason = "no run takes 2^52 ms")]
    let fault_s = window.fault_ms.map(|(from, until)| (from as f64 / 1_000.0, until as f64 / 1_000.0));
    ScenarioResult {
        scenario,
        is_interrupted,
        fault_s,
        asynchronous,
        synchronous,
        asynchronous_timeline,
        synchronous_timeline,
    }
}

#[expect(clippy::cast_precision_loss, reason = "no run has 2^52 orders")]
pub(crate) fn ratio(part: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { part as f64 / of as f64 }
}
