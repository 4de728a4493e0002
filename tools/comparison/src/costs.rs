//! Billed units of each mode, counted at the emulators and functions. Payments, asynchronous orders and synchronous
//! orders run one after the other, so that each unit can be attributed.

use std::time::{Duration, Instant};

use paystream_client::Target;
use paystream_local::{Environment, FunctionUsage, Service, Usage};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::act::{Clients, Step};
use crate::api::Api;
use crate::mark::Mark;
use crate::mode::Mode;
use crate::open_loop;
use crate::plan::{PlannedOrder, Times, plan};
use crate::scenario::Scenario;
use crate::settings::LoadSettings;

const IN_FLIGHT_MAX: usize = 1_000;
/// Maximum wait for an idle system, interval between polls, and polls without usage after which it is idle.
const IDLE_WAIT_MAX: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(100);
const IDLE_POLLS: u32 = 15;

/// Billed units per payment and per order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    /// Orders per mode that the means are of.
    pub orders: u64,
    /// Accepting a payment, in either mode.
    pub payment: PerOrder,
    /// Maintaining the read model for a payment, which only asynchronous mode needs: clearing the outbox mark, the
    /// relay, the stream and the projector.
    pub copy: PerOrder,
    /// Placing an order on the read model.
    pub asynchronous_order: PerOrder,
    /// Placing an order with a call to Payments, including the units that Payments uses.
    pub synchronous_order: PerOrder,
}

/// Means per payment or order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct PerOrder {
    /// API requests.
    pub api_requests: f64,
    /// Function invocations.
    pub invocations: f64,
    /// Billed function time in milliseconds, without initialisation.
    pub billed_ms: f64,
    /// Configured memory times billed time, in GB-seconds.
    pub gb_seconds: f64,
    /// DynamoDB read request units.
    pub read_units: f64,
    /// DynamoDB write request units.
    pub write_units: f64,
    /// Kinesis PUT payload units.
    pub payload_units: f64,
}

impl PerOrder {
    /// Returns the sum of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            api_requests: self.api_requests + other.api_requests,
            invocations: self.invocations + other.invocations,
            billed_ms: self.billed_ms + other.billed_ms,
            gb_seconds: self.gb_seconds + other.gb_seconds,
            read_units: self.read_units + other.read_units,
            write_units: self.write_units + other.write_units,
            payload_units: self.payload_units + other.payload_units,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "no run has 2^52 of anything")]
    fn add(&mut self, function: &FunctionUsage) {
        let (table, stream) = (function.table_units(), function.stream_units());
        let seconds = function.billed_ms as f64 / 1_000.0;
        self.invocations += function.invocations as f64;
        self.billed_ms += function.billed_ms as f64;
        // Initialisation is not counted: how often it happens depends on the load, not on the mode.
        self.gb_seconds += seconds * function.memory_mb as f64 / 1_024.0;
        self.read_units += table.read_units;
        self.write_units += table.write_units;
        self.payload_units += stream.payload_units as f64;
    }

    pub(crate) fn per(self, orders: f64) -> Self {
        Self {
            api_requests: self.api_requests / orders,
            invocations: self.invocations / orders,
            billed_ms: self.billed_ms / orders,
            gb_seconds: self.gb_seconds / orders,
            read_units: self.read_units / orders,
            write_units: self.write_units / orders,
            payload_units: self.payload_units / orders,
        }
    }
}

/// Counts the billed units of `count` orders in each mode, at the load's rate. Returns `None` if it is stopped.
pub async fn run_costs(
    environment: &Environment,
    load: &LoadSettings,
    count: u32,
    stop: &CancellationToken,
) -> Option<Costs> {
    let api = Api::new(Target::local(environment.url()));
    let duration = Duration::from_secs_f64(f64::from(count) / load.rate);
    let times = Times::new(Scenario::Healthy, load.rate, duration, Duration::ZERO);
    let orders = plan(Scenario::Healthy, &times, "cost", load.seed);
    let clients = Clients::new(api, Mark::in_(Duration::ZERO), orders.clone());
    let phase = async |step: Step, mode: Option<Mode>| {
        environment.reset_usage();
        environment.reset_calls();
        let of_mode = |order: &PlannedOrder| mode.is_none_or(|mode| order.mode == mode);
        let wanted = orders.iter().enumerate().filter(|(_, order)| of_mode(order));
        let steps = wanted.map(|(number, order)| (order.order_at.saturating_sub(times.window), (number, step)));
        let (clients, stopped) = (clients.clone(), stop.clone());
        let send = move |(number, step), arrival| clients.clone().act(number, step, arrival);
        open_loop::run(Instant::now(), steps.collect(), IN_FLIGHT_MAX, move || stopped.is_cancelled(), send).await;
        wait_until_idle(environment).await;
        (environment.usage(), environment.calls())
    };
    let (paying, calls) = phase(Step::Pay, None).await;
    let (asynchronous, _) = phase(Step::Order, Some(Mode::Asynchronous)).await;
    let (synchronous, _) = phase(Step::Order, Some(Mode::Synchronous)).await;
    if stop.is_cancelled() {
        return None;
    }
    let marks = calls.count("PaymentApi", Service::DynamoDb, "UpdateItem");
    let all = f64::from(u32::try_from(orders.len()).unwrap_or(u32::MAX));
    let each = all / 2.0;
    let PaymentCosts { accepting, copy } = split(&paying, marks);
    Some(Costs {
        orders: u64::from(count),
        payment: accepting.per(all),
        copy: copy.per(all),
        asynchronous_order: total(&asynchronous).per(each),
        synchronous_order: total(&synchronous).per(each),
    })
}

/// Billed units of payments.
struct PaymentCosts {
    accepting: PerOrder,
    /// Maintaining the read model.
    copy: PerOrder,
}

/// Splits usage between accepting payments and maintaining the read model. `marks` is the number of writes that cleared
/// an outbox mark. The time that `payment-api` spends on publishing counts as accepting.
#[expect(clippy::cast_precision_loss, reason = "no run has 2^52 of anything")]
fn split(usage: &Usage, marks: u64) -> PaymentCosts {
    let accepting = usage.function("PaymentApi");
    let mut payment =
        total(&Usage { functions: [("PaymentApi".to_owned(), accepting.clone())].into(), ..usage.clone() });
    let mut copy = PerOrder::default();
    for (name, function) in &usage.functions {
        if name != "PaymentApi" {
            copy.add(function);
        }
    }
    // Each of these writes is below 1 KB and changes no index: one unit.
    payment.write_units -= marks as f64;
    copy.write_units += marks as f64;
    copy.payload_units += std::mem::take(&mut payment.payload_units);
    PaymentCosts { accepting: payment, copy }
}

/// Sum of the units of all APIs and functions.
#[expect(clippy::cast_precision_loss, reason = "no run has 2^52 of anything")]
pub(crate) fn total(usage: &Usage) -> PerOrder {
    let requests: u64 = usage.apis.values().flat_map(|routes| routes.values()).sum();
    let mut total = PerOrder { api_requests: requests as f64, ..PerOrder::default() };
    usage.functions.values().for_each(|function| total.add(function));
    total
}

/// Waits until no function has been used for [`IDLE_POLLS`] polls.
pub(crate) async fn wait_until_idle(environment: &Environment) {
    let started = Instant::now();
    let (mut last, mut still) = (Usage::default(), 0);
    while still < IDLE_POLLS && started.elapsed() < IDLE_WAIT_MAX {
        tokio::time::sleep(POLL).await;
        let now = environment.usage();
        still = if now == last { still + 1 } else { 0 };
        last = now;
    }
}
