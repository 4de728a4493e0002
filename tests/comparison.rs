//! `paystream compare`, for real and small: whatever goes wrong, every order is accounted for, and nothing is lost or made
//! twice.
#![allow(missing_docs, clippy::unwrap_used)]

use std::time::Duration;

use paystream_comparison::{
    Comparison, Machine, Measured, Mode, Plan, Progress, Report, Scenario, Stopper, Target, run_costs, run_scenario,
};
use paystream_tests::Paystream;

const PLAN: Plan = Plan { rate: 5.0, duration: Duration::from_secs(3), warm_up: Duration::from_millis(400), seed: 1 };
/// Orders in each mode.
const ORDERS: u64 = 15;

async fn compare(scenario: Scenario) -> Comparison {
    let paystream = Paystream::start().await;
    let target = Target::local(paystream.environment().url());
    let stopper = Stopper::default();
    let run = run_scenario(target, Some(paystream.environment()), scenario, &PLAN, &stopper, |_| {}).await;
    let comparison = run.unwrap();
    for mode in Mode::BOTH {
        let measured = comparison.measured(mode);
        assert_eq!(measured.offered, ORDERS, "{mode}: {measured:#?}");
        assert_accounted_for(measured);
    }
    paystream.stop().await;
    comparison
}

fn assert_accounted_for(measured: &Measured) {
    assert_eq!(measured.offered, measured.accepted + measured.waiting + measured.failed, "{measured:#?}");
    assert_eq!(measured.failed, measured.failures.values().sum::<u64>(), "{measured:#?}");
    assert_eq!(measured.accepted_ended.total(), measured.accepted, "{measured:#?}");
    assert_eq!(measured.waiting_ended.total(), measured.waiting, "{measured:#?}");
    assert_eq!(measured.latency_ms.count, measured.accepted + measured.waiting, "{measured:#?}");
    assert_eq!((measured.lost, measured.duplicated, measured.unsettled), (0, 0, 0), "{measured:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_payments_is_down_one_mode_accepts_what_has_arrived_and_the_other_nothing() {
    let found = compare(Scenario::PaymentsDown).await;
    let (asynchronous, synchronous) = (&found.asynchronous, &found.synchronous);
    assert_eq!(asynchronous.arrived_before.accepted, asynchronous.arrived_before.orders, "{asynchronous:#?}");
    assert!(synchronous.during_fault.orders > 0 && synchronous.during_fault.accepted == 0, "{synchronous:#?}");
    let (from, until) = found.fault_s.unwrap();
    assert!(0.0 < from && from < until);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_while_kinesis_is_down_ends_accepted() {
    let found = compare(Scenario::KinesisDown).await;
    for mode in Mode::BOTH {
        let measured = found.measured(mode);
        assert_eq!(measured.waiting_ended.accepted, measured.waiting, "{mode}: {measured:#?}");
    }
    assert!(found.asynchronous.waiting > 0, "{found:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_before_its_payment_waits_in_both_modes_and_ends_accepted() {
    let found = compare(Scenario::OrderFirst).await;
    for mode in Mode::BOTH {
        let measured = found.measured(mode);
        assert_eq!((measured.waiting, measured.waiting_ended.accepted), (ORDERS, ORDERS), "{mode}: {measured:#?}");
        assert_eq!((measured.info.stale, measured.info.missing), (0, 0), "there was nothing to know: {measured:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn synchronous_mode_never_decides_on_what_its_client_knows_to_be_old() {
    let found = compare(Scenario::PaymentVoided).await;
    let info = &found.synchronous.info;
    assert_eq!((info.stale, info.missing), (0, 0), "{found:#?}");
    assert!(found.synchronous.calls_to_payments_per_order.unwrap() >= 1.0, "{found:#?}");
    assert_eq!(found.asynchronous.calls_to_payments_per_order, Some(0.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_measured_until_it_was_stopped_is_kept_and_is_right() {
    let paystream = Paystream::start().await;
    let stopper = Stopper::default();
    let stop = stopper.clone();
    let progress = move |progress| {
        if matches!(progress, Progress::Orders { done, .. } if done >= 20) {
            stop.stop();
        }
    };
    let plan = Plan { duration: Duration::from_hours(1), warm_up: Duration::ZERO, ..PLAN };
    let target = Target::local(paystream.environment().url());
    let run = run_scenario(target, Some(paystream.environment()), Scenario::Healthy, &plan, &stopper, progress).await;
    let found = run.unwrap();
    assert!(found.is_interrupted);
    let all = found.asynchronous.offered + found.synchronous.offered;
    assert!((20..1_000).contains(&all), "{all}");
    Mode::BOTH.iter().for_each(|mode| assert_accounted_for(found.measured(*mode)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_each_mode_uses_is_counted_and_every_figure_is_told() {
    let paystream = Paystream::start().await;
    let plan = Plan { rate: 50.0, ..PLAN };
    let costs = run_costs(paystream.environment(), &plan, &Stopper::default()).await.unwrap();
    // A call that is slow is made again now and then; nothing costs less than this.
    let (payment, copy) = (&costs.payment, &costs.copy);
    assert!(payment.write_units >= 3.0 && payment.payload_units == 0.0 && payment.api_requests >= 1.0, "{costs:#?}");
    assert!(copy.write_units >= 1.0 && copy.payload_units >= 1.0 && copy.api_requests == 0.0, "{costs:#?}");
    let (asynchronous, synchronous) = (&costs.asynchronous_order, &costs.synchronous_order);
    assert!(asynchronous.write_units >= 1.0 && asynchronous.read_units >= 1.0, "{costs:#?}");
    assert!(synchronous.api_requests >= 2.0 && synchronous.invocations >= 2.0, "{costs:#?}");
    assert!(synchronous.read_units > asynchronous.read_units, "{costs:#?}");
    paystream.stop().await;

    let comparisons = vec![compare(Scenario::ConsumerDown).await, compare(Scenario::PoisonRecord).await];
    let report = Report {
        command: "cargo test".to_owned(),
        begun_at: payment_events::Timestamp::now(),
        machine: Machine::this(),
        target: "the local environment".to_owned(),
        rate: PLAN.rate,
        duration_s: PLAN.duration.as_secs_f64(),
        seed: PLAN.seed,
        comparisons,
        skipped: Vec::new(),
        costs: Some(costs),
    };
    assert!(report.is_right());
    let directory = tempfile::tempdir().unwrap();
    report.write(&directory.path().join("comparison")).unwrap();
    let read = |name: &str| std::fs::read_to_string(directory.path().join("comparison").join(name)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&read("report.json")).unwrap();
    assert_eq!(json["comparisons"][0]["asynchronous"]["offered"], ORDERS);
    let markdown = read("report.md");
    for heading in
        ["The four differences", "Who wins where", "All figures", "What each costs", "What one machine cannot show"]
    {
        assert!(markdown.contains(&format!("\n## {heading}")), "{markdown}");
    }
    for plot in ["latency.svg", "availability.svg", "staleness.svg", "drain.svg"] {
        assert!(markdown.contains(&format!("]({plot})")) && read(plot).starts_with("<svg"), "{plot}");
    }
    assert!(report.table().contains("consumer-down"));
}
