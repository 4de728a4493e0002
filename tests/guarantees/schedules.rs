//! Random schedules: a payment and what is done with it, while random calls fail, hang, lose their answers or kill who makes
//! them, and the client repeats, also twice at once. Whatever happens, it ends as if nothing had.
//!
//! A schedule is made from its seed alone. One that fails says its seed, and is run again with
//! `PAYSTREAM_SEED=<seed> cargo test -p paystream-tests --test guarantees schedules`. `PAYSTREAM_SCHEDULES` says how many
//! there are, from that seed on.

use std::fmt::Debug;
use std::str::FromStr;

use fastrand::Rng;
use futures::future::join_all;
use paystream_local::{Effect, Fault, Target};
use paystream_tests::{Paystream, eur, line, order_body, payment_body};
use serde_json::{Value, json};

/// How many there are, where nothing else is said.
const SCHEDULES: u64 = 1_000;
/// Environments that run them side by side, each with its own faults. Most of the time each waits for something.
const SIDE_BY_SIDE: usize = 6;
const FAULTS_MAX: usize = 5;
const REFUNDS_MAX: usize = 3;

/// What is done, and what goes wrong meanwhile.
#[derive(Debug)]
struct Schedule {
    seed: u64,
    token: &'static str,
    minor: i64,
    /// What the order is about, in minor units, and whether it is placed before it is paid for.
    order: Option<(i64, bool)>,
    changes: Vec<Change>,
    /// How many clients send each request at once.
    clients: usize,
    faults: Vec<Fault>,
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Capture(Option<i64>),
    Void,
    Refund(Option<i64>),
}

impl Schedule {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let minor = rng.i64(3..=5_000);
        Self {
            seed,
            token: *pick(
                &mut rng,
                &["tok_approve", "tok_approve", "tok_approve", "tok_fail_once", "tok_decline_fraud"],
            ),
            minor,
            order: (rng.u8(..3) > 0).then(|| (rng.i64(1..=minor + 100), rng.bool())),
            changes: changes(&mut rng, minor),
            clients: *pick(&mut rng, &[1, 1, 1, 2, 3]),
            faults: (0..rng.usize(1..=FAULTS_MAX)).map(|_| fault(&mut rng)).collect(),
        }
    }
}

fn pick<'a, T>(rng: &mut Rng, from: &'a [T]) -> &'a T {
    &from[rng.usize(..from.len())]
}

fn changes(rng: &mut Rng, minor: i64) -> Vec<Change> {
    match rng.u8(..4) {
        0 => Vec::new(),
        1 => vec![Change::Void],
        _ => {
            let captured = rng.bool().then(|| rng.i64(1..=minor));
            let mut changes = vec![Change::Capture(captured)];
            let mut left = captured.unwrap_or(minor);
            for _ in 0..rng.usize(..=REFUNDS_MAX) {
                if left > 0 {
                    let refunded = (rng.u8(..4) > 0).then(|| rng.i64(1..=left));
                    left -= refunded.unwrap_or(left);
                    changes.push(Change::Refund(refunded));
                }
            }
            changes
        }
    }
}

/// Something that goes wrong a few times, at some call that some function makes or that is made to it.
fn fault(rng: &mut Rng) -> Fault {
    let calls = [
        ("PaymentApi", Target::DynamoDb, &["PutItem", "PutItem", "UpdateItem", "GetItem"][..]),
        ("PaymentApi", Target::Kinesis, &["PutRecord"]),
        ("PaymentRelay", Target::Kinesis, &["PutRecords"]),
        ("PaymentRelay", Target::DynamoDb, &["UpdateItem"]),
        ("OrderProjector", Target::DynamoDb, &["PutItem", "Query"]),
    ];
    let fault = if rng.u8(..5) == 0 {
        let function = *pick(rng, &["PaymentApi", "PaymentRelay", "OrderProjector"]);
        let effects = [
            Effect::reset_before(),
            Effect::reset_after(),
            Effect::kill_before(),
            Effect::kill_after(),
            Effect::Throttle,
            Effect::error("Runtime.Unknown"),
        ];
        Fault::new(Target::function(function), pick(rng, &effects).clone())
    } else {
        let (from, target, operations) = pick(rng, &calls).clone();
        let operation = *pick(rng, operations);
        let latency_ms = *pick(rng, &[3, 30, 30, 450]);
        let mut effects = vec![
            Effect::error("InternalServerError"),
            Effect::Throttle,
            Effect::LatencyMs(latency_ms),
            Effect::reset_before(),
            Effect::reset_after(),
            Effect::kill_before(),
            Effect::kill_after(),
        ];
        if operation == "PutRecords" {
            effects.push(Effect::Partial(0.5));
        }
        Fault::new(target, pick(rng, &effects).clone()).operation(operation).from(from)
    };
    let probability = *pick(rng, &[0.5, 1.0]);
    fault.skip(rng.u64(..4)).count(rng.u64(1..=3)).probability(probability, rng.u64(..))
}

/// The same request, sent by several clients at once, each repeating it until it is decided. All get one answer.
async fn insist(paystream: &Paystream, clients: usize, path: &str, key: &str, body: &Value) -> Value {
    let answers = join_all((0..clients).map(|_| paystream.insist(path, key, body))).await;
    let mut bodies = answers.into_iter().map(|answer| {
        assert!(answer.status.is_success(), "{path} under {key}: {answer:?}");
        answer.body
    });
    let first = bodies.next().unwrap();
    bodies.for_each(|body| assert_eq!(body, first, "{path} under {key}: one answer for all"));
    first
}

/// Says what to run again, where a schedule fails.
impl Drop for Schedule {
    #[expect(clippy::print_stderr, reason = "a failing test shows its seed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let seed = self.seed;
            eprintln!(
                "failed: {self:#?}\nrun it again: PAYSTREAM_SEED={seed} cargo test -p paystream-tests --test guarantees schedules"
            );
        }
    }
}

async fn run(paystream: &Paystream, schedule: &Schedule) {
    let order_id = format!("ord-{}", schedule.seed);
    let order = schedule.order.map(|(minor, before)| (order_body(&order_id, &[line("tea", 1, &eur(minor))]), before));
    for fault in &schedule.faults {
        paystream.inject(fault.clone());
    }
    let place = async |now: bool| {
        if let Some((order, before)) = &order
            && *before == now
        {
            let placed = paystream.insist("/orders", "", order).await;
            assert!(placed.status.is_success(), "{placed:?}");
        }
    };
    place(true).await;
    let body = payment_body(&order_id, &eur(schedule.minor), schedule.token);
    let mut payment = insist(paystream, schedule.clients, "/payments", &order_id, &body).await;
    assert_eq!(payment["version"], 1, "{payment}");
    let declined = schedule.token == "tok_decline_fraud";
    assert_eq!(payment["status"], if declined { "declined" } else { "authorized" });
    if !declined {
        payment = change(paystream, schedule, payment).await;
    }
    place(false).await;
    paystream.heal();
    paystream.is_made_once(&order_id, &payment).await;
    if let Some((minor, _)) = schedule.order {
        let is_covered = covered(&payment) >= minor;
        Paystream::eventually("the order is settled on what the payment became", async || {
            let order = paystream.get(&format!("/orders/{order_id}")).await.expect(200);
            ((order["status"] == "accepted") == is_covered).then_some(())
        })
        .await;
    }
}

/// Makes the changes one after the other, and checks the sums of each.
async fn change(paystream: &Paystream, schedule: &Schedule, mut payment: Value) -> Value {
    let path = format!("/payments/{}", payment["payment_id"].as_str().unwrap());
    let (mut captured, mut refunded) = (0, 0);
    for (version, change) in (2_u64..).zip(&schedule.changes) {
        let (step, asked) = match *change {
            Change::Capture(asked) => {
                captured = asked.unwrap_or(schedule.minor);
                ("capture", asked)
            }
            Change::Void => ("void", None),
            Change::Refund(asked) => {
                refunded += asked.unwrap_or(captured - refunded);
                ("refund", asked)
            }
        };
        let body = asked.map_or_else(|| json!({}), |minor| json!({"amount": eur(minor)}));
        let key = format!("{}-{version}", schedule.seed);
        payment = insist(paystream, schedule.clients, &format!("{path}/{step}"), &key, &body).await;
        assert_eq!(payment["version"], version, "{payment}");
        assert_eq!((&payment["captured_minor"], &payment["refunded_minor"]), (&json!(captured), &json!(refunded)));
    }
    payment
}

/// What a payment covers of its order, in minor units.
fn covered(payment: &Value) -> i64 {
    let minor = |field: &str| payment[field].as_i64().unwrap();
    match payment["status"].as_str().unwrap() {
        "authorized" => payment["amount"]["minor"].as_i64().unwrap(),
        "captured" => minor("captured_minor") - minor("refunded_minor"),
        _ => 0,
    }
}

fn variable<T: FromStr<Err: Debug>>(name: &str) -> Option<T> {
    Some(std::env::var(name).ok()?.parse().unwrap_or_else(|error| panic!("{name}: {error:?}")))
}

/// Runs these seeds in one environment, one after the other.
async fn run_all(seeds: impl Iterator<Item = u64>) {
    let paystream = Paystream::start_with_parameters(&[("PaymentLeaseMs", "200"), ("RelayWindowSeconds", "0")]).await;
    let mut charged = 0;
    for seed in seeds {
        let schedule = Schedule::new(seed);
        run(&paystream, &schedule).await;
        charged += usize::from(schedule.token != "tok_decline_fraud");
    }
    assert_eq!(paystream.charged().len(), charged, "no charge without its payment");
    assert_eq!(paystream.environment().failures().failures.len(), 0, "nothing was given up");
    assert_eq!(paystream.item_count("QuarantineTable").await, 0, "nothing was set aside");
}

#[test]
fn random_schedules_of_faults_kills_and_retries_end_as_if_nothing_had_happened() {
    let seed: Option<u64> = variable("PAYSTREAM_SEED");
    let count = variable("PAYSTREAM_SCHEDULES").unwrap_or(if seed.is_some() { 1 } else { SCHEDULES });
    let seeds = seed.unwrap_or(1)..seed.unwrap_or(1) + count;
    std::thread::scope(|threads| {
        for first in seeds.clone().take(SIDE_BY_SIDE) {
            let seeds = (first..seeds.end).step_by(SIDE_BY_SIDE);
            threads.spawn(|| tokio::runtime::Runtime::new().unwrap().block_on(run_all(seeds)));
        }
    });
}
