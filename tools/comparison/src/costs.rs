//! What each mode uses of what AWS bills, counted in a run of one thing after the other: payments first, then orders through
//! one mode, then through the other. So it is known what used what.

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

const UNDER_WAY_MAX: usize = 1_000;
/// How long quiet is waited for, how often it is looked, and how often nothing may have moved.
const QUIET_MAX: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(100);
const STILL_LOOKS: u32 = 15;

/// What is used of what AWS bills, for each payment or order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    /// Orders, and payments, that this is the mean of.
    pub orders: u64,
    /// Accepting a payment, in either mode.
    pub payment: PerOrder,
    /// Keeping Orders' copy of it: what asynchronous mode needs beside. The mark that says what is not published yet, the
    /// relay and its invocations, the stream, and the function that stores the copy.
    pub copy: PerOrder,
    /// Placing an order on that copy.
    pub asynchronous_order: PerOrder,
    /// Placing an order by asking Payments, what Payments uses to answer included.
    pub synchronous_order: PerOrder,
}

/// Means per payment or order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct PerOrder {
    /// Requests of the APIs.
    pub api_requests: f64,
    /// Invocations of functions.
    pub invocations: f64,
    /// Billed time of functions, in milliseconds, without initialisation.
    pub billed_ms: f64,
    /// Memory by that time.
    pub gb_seconds: f64,
    /// Read request units of DynamoDB.
    pub read_units: f64,
    /// Write request units of DynamoDB.
    pub write_units: f64,
    /// PUT payload units of Kinesis.
    pub payload_units: f64,
}

impl PerOrder {
    /// Both together.
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
        // Initialisation belongs to no order: how often it happens depends on the load, not on the mode.
        self.gb_seconds += seconds * function.memory_mb as f64 / 1_024.0;
        self.read_units += table.read_units;
        self.write_units += table.write_units;
        self.payload_units += stream.payload_units as f64;
    }

    fn per(self, orders: f64) -> Self {
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

/// Counts what orders use of what AWS bills: `count` in each mode, at the load's rate. None if it is stopped.
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
        open_loop::run(Instant::now(), steps.collect(), UNDER_WAY_MAX, move || stopped.is_cancelled(), send).await;
        quiet(environment).await;
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

/// Costs of payments.
struct PaymentCosts {
    accepting: PerOrder,
    /// Keeping Orders' copies.
    copy: PerOrder,
}

/// What accepting payments used, and what keeping Orders' copy did. `marks` writes cleared the mark of a payment that was
/// published; what time `payment-api` spends on publishing is not told apart.
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
    // Each is below 1 KB, and changes no index.
    payment.write_units -= marks as f64;
    copy.write_units += marks as f64;
    copy.payload_units += std::mem::take(&mut payment.payload_units);
    PaymentCosts { accepting: payment, copy }
}

#[expect(clippy::cast_precision_loss, reason = "no run has 2^52 of anything")]
fn total(usage: &Usage) -> PerOrder {
    let requests: u64 = usage.apis.values().flat_map(|routes| routes.values()).sum();
    let mut total = PerOrder { api_requests: requests as f64, ..PerOrder::default() };
    usage.functions.values().for_each(|function| total.add(function));
    total
}

/// Waits until no function has been used for a while.
async fn quiet(environment: &Environment) {
    let begun = Instant::now();
    let (mut last, mut still) = (Usage::default(), 0);
    while still < STILL_LOOKS && begun.elapsed() < QUIET_MAX {
        tokio::time::sleep(POLL).await;
        let now = environment.usage();
        still = if now == last { still + 1 } else { 0 };
        last = now;
    }
}
