//! Cost of each path in the units that AWS bills. The table in docs/performance.md has the expected values: a path
//! whose cost differs from its row fails, and so does a row that no path measures.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};
use paystream_local::{Effect, Fault, FaultTarget, Usage};
use paystream_tests::{Paystream, eur, line, order_body, payment_body, workspace};
use serde_json::{Value, json};

const DOCUMENT: &str = include_str!("../../docs/performance.md");
const SECTION: &str = "## Units of each path";
/// Maximum attempts until the cost is as expected. On a busy machine the SDK may retry a call; a path that always costs
/// more still fails.
const TRIES: usize = 10;
/// Paths measured concurrently, each in a system of its own. Most of the time they wait for the relay's batching
/// window.
const CONCURRENCY: usize = 4;

/// A step with one order and its payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The first step only: the system publishes in `stream` mode.
    StreamMode,
    Pay,
    Decline,
    /// Makes every later `PutRecord` of `payment-api` fail with a permanent error.
    RefuseKinesis,
    Capture,
    Void,
    Refund,
    /// A change that the payment's state refuses.
    RefusedRefund,
    ReadPayment,
    ReadPaymentsOfOrder,
    Order,
    OrderSynchronously,
    ReadOrder,
    ReadCopies,
    /// Delivers the payment's event again.
    Redeliver,
}
use Step::*;

/// Steps for each row of the table. The last step is measured, after the others are done and all events are handled.
/// The same step twice is the same request under the same idempotency key.
const PATHS: &[(&str, &[Step])] = &[
    ("payment, approved or declined", &[Pay]),
    ("payment, approved or declined", &[Decline]),
    ("the same payment again", &[Pay, Pay]),
    ("payment, published by the relay", &[RefuseKinesis, Pay]),
    ("payment, `stream` mode", &[StreamMode, Pay]),
    ("payment, `stream` mode", &[StreamMode, Decline]),
    ("payment of a waiting order", &[Order, Pay]),
    ("capture, void or refund, no order yet", &[Pay, Capture]),
    ("capture, void or refund, no order yet", &[Pay, Void]),
    ("capture, void or refund, no order yet", &[Pay, Capture, Refund]),
    ("capture, void or refund, no order yet, `stream` mode", &[StreamMode, Pay, Capture]),
    ("capture, void or refund, no order yet, `stream` mode", &[StreamMode, Pay, Void]),
    ("capture, void or refund, no order yet, `stream` mode", &[StreamMode, Pay, Capture, Refund]),
    ("capture of an accepted order's payment", &[Pay, Order, Capture]),
    ("void or refund that puts the order on hold", &[Pay, Order, Void]),
    ("void or refund that puts the order on hold", &[Pay, Order, Capture, Refund]),
    ("capture, void or refund refused by the payment's state, with a key", &[Pay, RefusedRefund]),
    ("the same refused capture, void or refund again", &[Pay, RefusedRefund, RefusedRefund]),
    ("the same capture, void or refund again", &[Pay, Capture, Capture]),
    ("the same capture, void or refund again", &[Pay, Void, Void]),
    ("the same capture, void or refund again", &[Pay, Capture, Refund, Refund]),
    ("event delivered again, no order yet", &[Pay, Redeliver]),
    ("event delivered again, order placed", &[Pay, Order, Redeliver]),
    ("order, after or before its payment", &[Pay, Order]),
    ("order, after or before its payment", &[Order]),
    ("the same order again", &[Pay, Order, Order]),
    ("synchronous order", &[Pay, OrderSynchronously]),
    ("the same synchronous order again", &[Pay, OrderSynchronously, OrderSynchronously]),
    ("`GET /payments/{payment_id}`", &[Pay, ReadPayment]),
    ("`GET /payments?order_id=`, one payment", &[Pay, ReadPaymentsOfOrder]),
    ("`GET /orders/{order_id}`", &[Pay, Order, ReadOrder]),
    ("`GET /orders/{order_id}/payments`", &[Pay, Order, ReadCopies]),
];

/// Usage files of infra/cost, each with the row that it must equal.
const USAGE_FILES: [(&str, &str); 5] = [
    ("order", "order, after or before its payment"),
    ("order-synchronous", "synchronous order"),
    ("payment-by-relay", "payment, published by the relay"),
    ("payment-hot-path", "payment, approved or declined"),
    ("payment-stream-mode", "payment, `stream` mode"),
];

#[tokio::test]
async fn every_path_costs_exactly_the_units_of_its_row() {
    let rows = rows();
    let measured: BTreeSet<_> = PATHS.iter().map(|(name, _)| *name).collect();
    assert_eq!(rows.keys().copied().collect::<BTreeSet<_>>(), measured, "rows of the table, and measured paths");
    let compared = stream::iter(PATHS).map(async |(name, steps)| {
        let cost = cost(steps, &rows[name]).await;
        (cost != rows[name]).then(|| format!("{name} {steps:?} costs {cost:?}, not {:?}", rows[name]))
    });
    let wrong: Vec<_> = compared.buffer_unordered(CONCURRENCY).filter_map(async |wrong| wrong).collect().await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_usage_files_of_the_cost_calculator_match_the_table() {
    let rows = rows();
    for (file, row) in USAGE_FILES {
        let path = workspace().join(format!("infra/usage/{file}.json"));
        let usage: Usage = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(cells(&usage), rows[row], "{file}");
    }
}

type Cells = [String; 5];

/// Rows of the table, keyed by the column `path`, without the column `why`.
fn rows() -> BTreeMap<&'static str, Cells> {
    let (_, section) = DOCUMENT.split_once(SECTION).unwrap();
    let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2).map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        let path = cells.next().unwrap();
        (path, std::array::from_fn(|_| cells.next().unwrap_or_default().to_owned()))
    });
    rows.collect()
}

/// Usage in the columns of the table: requests, units of both tables, payload units, invocations.
fn cells(usage: &Usage) -> Cells {
    let requests: u64 = usage.apis.values().flat_map(BTreeMap::values).sum();
    let table = |name: &str| {
        let units = usage.functions.values().filter_map(|function| function.dynamodb.get(name));
        let (written, read) = units.fold((0.0, 0.0), |(w, r), units| (w + units.write_units, r + units.read_units));
        let parts = [(written, "W"), (read, "R")].into_iter().filter(|(units, _)| *units > 0.0);
        parts.map(|(units, kind)| format!("{units} {kind}")).collect::<Vec<_>>().join(", ")
    };
    let payload_units: u64 = usage.functions.values().map(|function| function.stream_units().payload_units).sum();
    let invocations = usage.functions.iter().filter(|(_, function)| function.invocations > 0);
    let invocations = invocations.map(|(name, function)| match function.invocations {
        1 => name.clone(),
        times => format!("{name} ×{times}"),
    });
    [
        if requests == 0 { String::new() } else { requests.to_string() },
        table("PaymentsTable"),
        table("OrdersTable"),
        if payload_units == 0 { String::new() } else { payload_units.to_string() },
        invocations.collect::<Vec<_>>().join(", "),
    ]
}

/// Cost of the last step. Tries again until it is as expected, and returns the last cost measured.
async fn cost(steps: &[Step], expected: &Cells) -> Cells {
    let mode = if steps.contains(&StreamMode) { "stream" } else { "direct" };
    let paystream = Paystream::start_with_parameters(&[("PublishMode", mode)]).await;
    let (last, before) = steps.split_last().unwrap();
    let mut cost = Cells::default();
    for _ in 0..TRIES {
        paystream.heal();
        let mut order = OneOrder::new(&paystream, mode == "direct");
        for step in before {
            order.take(*step).await;
        }
        paystream.environment().reset_usage();
        order.take(*last).await;
        cost = cells(&paystream.environment().usage());
        if cost == *expected {
            break;
        }
    }
    paystream.stop().await;
    cost
}

/// An order and its payment.
struct OneOrder<'p> {
    paystream: &'p Paystream,
    order_id: String,
    payment: Value,
    is_refused: bool,
    /// True if each version costs a write that raises the outbox position.
    raises: bool,
}

impl<'p> OneOrder<'p> {
    fn new(paystream: &'p Paystream, raises: bool) -> Self {
        Self { paystream, order_id: paystream.name("ord"), payment: Value::Null, is_refused: false, raises }
    }

    /// Takes a step, and waits until all its events are handled.
    async fn take(&mut self, step: Step) {
        let before = self.handled().await;
        let version = self.payment["version"].clone();
        let is_first_refusal = matches!(step, RefusedRefund) && !self.is_refused;
        self.is_refused |= is_first_refusal;
        self.send(step).await;
        let is_new = self.payment["version"] != version;
        // Writes to the payments table, which the relay receives, and published events, which the projector receives.
        let (changes, events) = match step {
            Pay | Decline if is_new => (2 + u64::from(self.raises), 1),
            Capture | Void | Refund if is_new => (1 + u64::from(self.raises), 1),
            RefusedRefund if is_first_refusal => (1, 0),
            Redeliver => (0, 1),
            _ => (0, 0),
        };
        Paystream::eventually(&format!("all events of {step:?} are handled"), async || {
            let now = self.handled().await;
            (now.0 >= before.0 + changes && now.1 >= before.1 + events).then_some(())
        })
        .await;
    }

    /// Records handled by the relay, and by the projector.
    async fn handled(&self) -> (u64, u64) {
        let status = self.paystream.environment().status().await;
        let of = |function: &str| {
            let sources = status.event_sources.values().filter(|source| source.function == function);
            sources.map(|source| source.records).sum()
        };
        (of("PaymentRelay"), of("OrderProjector"))
    }

    async fn send(&mut self, step: Step) {
        let Self { paystream, order_id, payment, .. } = self;
        let payment_path = format!("/payments/{}", payment["payment_id"].as_str().unwrap_or_default());
        let pay = async |token| {
            let body = payment_body(order_id, &eur(1299), token);
            paystream.post_with_key("/payments", &format!("pay-{order_id}"), &body).await
        };
        let change = async |action: &str, body: Value| {
            paystream.post_with_key(&format!("{payment_path}/{action}"), &format!("{action}-{order_id}"), &body).await
        };
        let order = order_body(order_id, &[line("tea", 1, &eur(1299))]);
        let answer = match step {
            StreamMode => return,
            RefuseKinesis => {
                let refused = Fault::new(FaultTarget::Kinesis, Effect::error("AccessDeniedException"));
                return paystream.inject(refused.from("PaymentApi"));
            }
            Redeliver => {
                let events = paystream.events_on_stream(1).await;
                let event = events.iter().find(|event| event["subject"] == payment["payment_id"]).unwrap();
                return paystream.put_on_stream(order_id, event.to_string().as_bytes()).await;
            }
            Pay => pay("tok_approve").await,
            Decline => pay("tok_decline_fraud").await,
            Capture => change("capture", json!({})).await,
            Void => change("void", json!({})).await,
            Refund => change("refund", json!({"amount": eur(1)})).await,
            RefusedRefund => {
                change("refund", json!({"amount": eur(1)})).await.expect_problem(409, "illegal-transition");
                return;
            }
            Order => paystream.post("/orders", &order).await,
            OrderSynchronously => paystream.post("/sync/orders", &order).await,
            ReadPayment => paystream.get(&payment_path).await,
            ReadPaymentsOfOrder => paystream.get(&format!("/payments?order_id={order_id}")).await,
            ReadOrder => paystream.get(&format!("/orders/{order_id}")).await,
            ReadCopies => paystream.get(&format!("/orders/{order_id}/payments")).await,
        };
        assert!(answer.status.is_success(), "{answer:?}");
        if matches!(step, Pay | Decline | Capture | Void | Refund) {
            *payment = answer.body.clone();
        }
    }
}
