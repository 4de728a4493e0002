//! Small runs of `paystream compare`: in every scenario each order is accounted for, and none is lost or duplicated.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::Path;
use std::time::Duration;

use paystream_client::Target;
use paystream_comparison::hubs::{HubResult, HubSystem, Observations, run_hub};
use paystream_comparison::{
    ComparisonReport, LoadSettings, Machine, Measured, Mode, Scenario, ScenarioProgress, ScenarioResult, run_costs,
    run_scenario,
};
use paystream_local::{Effect, Fault, FaultTarget, HubKind, Options};
use paystream_tests::Paystream;
use tokio_util::sync::CancellationToken;

const LOAD: LoadSettings =
    LoadSettings { rate: 5.0, duration: Duration::from_secs(3), warm_up: Duration::from_millis(400), seed: 1 };
/// Orders in each mode.
const ORDERS: u64 = 15;

/// Maximum runs of a scenario, each slower than the one before, until it shows the expected effect.
const TRIES: u32 = 4;

async fn compare(scenario: Scenario) -> ScenarioResult {
    compare_until(scenario, |_| true).await
}

/// Runs a scenario until it shows the expected effect. On a busy machine payments may arrive too late for that, so each
/// try has half the rate and twice the duration of the one before. Every try is checked for lost, duplicated and
/// unsettled orders.
async fn compare_until(scenario: Scenario, shows: impl Fn(&ScenarioResult) -> bool) -> ScenarioResult {
    let (mut plan, mut tries) = (LOAD, 0);
    loop {
        let paystream = Paystream::start().await;
        let target = Target::local(paystream.environment().url());
        let stop = CancellationToken::new();
        let run = run_scenario(target, Some(paystream.environment()), scenario, &plan, &stop, |_| {}).await;
        let comparison = run.unwrap();
        for mode in Mode::BOTH {
            let measured = comparison.measured(mode);
            assert_eq!(measured.offered, ORDERS, "{mode}: {measured:#?}");
            assert_accounted_for(measured);
        }
        paystream.stop().await;
        tries += 1;
        if shows(&comparison) || tries == TRIES {
            return comparison;
        }
        (plan.rate, plan.duration) = (plan.rate / 2.0, plan.duration * 2);
    }
}

fn assert_accounted_for(measured: &Measured) {
    assert_eq!(measured.offered, measured.placed() + measured.failed, "{measured:#?}");
    assert_eq!(measured.failed, measured.failures.values().sum::<u64>(), "{measured:#?}");
    assert_eq!(measured.accepted_ended.total(), measured.accepted + measured.held, "{measured:#?}");
    assert_eq!(measured.waiting_ended.total(), measured.waiting, "{measured:#?}");
    assert_eq!(measured.latency_ms.count, measured.placed(), "{measured:#?}");
    assert_eq!((measured.lost, measured.duplicated, measured.unsettled), (0, 0, 0), "{measured:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_payments_is_down_only_asynchronous_mode_accepts_orders() {
    let found = compare_until(Scenario::PaymentsDown, |found| {
        found.asynchronous.arrived_before.orders > 0 && found.synchronous.failed > 0
    })
    .await;
    let (asynchronous, synchronous) = (&found.asynchronous, &found.synchronous);
    // On a busy machine an order may fail, but no order whose payment has arrived may wait.
    let refused = asynchronous.arrived_before.orders - asynchronous.arrived_before.accepted;
    assert!(refused <= asynchronous.failed && asynchronous.arrived_before.orders > 0, "{asynchronous:#?}");
    assert!(synchronous.failed > 0 && synchronous.during_fault.accepted == 0, "{synchronous:#?}");
    let (from, until) = found.fault_s.unwrap();
    assert!(0.0 < from && from < until);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_that_wait_while_kinesis_is_down_are_accepted_afterwards() {
    let found = compare_until(Scenario::KinesisDown, |found| found.asynchronous.waiting > 0).await;
    for mode in Mode::BOTH {
        let measured = found.measured(mode);
        assert_eq!(measured.waiting_ended.accepted, measured.waiting, "{mode}: {measured:#?}");
    }
    assert!(found.asynchronous.waiting > 0, "{found:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_placed_before_its_payment_waits_in_both_modes_and_is_accepted() {
    let waits = |found: &ScenarioResult| Mode::BOTH.iter().all(|mode| found.measured(*mode).waiting > 0);
    let found = compare_until(Scenario::OrderFirst, waits).await;
    for mode in Mode::BOTH {
        let measured = found.measured(mode);
        // On a busy machine an order may be placed after its payment has arrived.
        assert_eq!(measured.waiting_ended.accepted, measured.waiting, "{mode}: {measured:#?}");
        assert!(measured.waiting > 0, "{mode}: {measured:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn synchronous_mode_never_decides_on_stale_payment_info() {
    let found = compare(Scenario::PaymentVoided).await;
    let info = &found.synchronous.info;
    assert_eq!((info.stale, info.missing), (0, 0), "{found:#?}");
    assert!(found.synchronous.calls_to_payments_per_order.unwrap() >= 1.0, "{found:#?}");
    assert_eq!(found.asynchronous.calls_to_payments_per_order, Some(0.0), "the calls of both modes are counted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asynchronous_mode_puts_orders_accepted_on_a_voided_payment_on_hold() {
    let found = compare_until(Scenario::VoidedUnheard, |found| found.asynchronous.info.stale > 0).await;
    let (asynchronous, synchronous) = (&found.asynchronous, &found.synchronous);
    assert!(asynchronous.info.stale > 0, "{asynchronous:#?}");
    assert_eq!(asynchronous.info.stale_ended.on_hold, asynchronous.info.stale, "{asynchronous:#?}");
    assert_eq!((synchronous.info.stale, synchronous.accepted), (0, 0), "{synchronous:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_run_keeps_its_measurements() {
    let paystream = Paystream::start().await;
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let progress = move |progress| {
        if matches!(progress, ScenarioProgress::Orders { done, .. } if done >= 20) {
            stopped.cancel();
        }
    };
    let plan = LoadSettings { duration: Duration::from_hours(1), warm_up: Duration::ZERO, ..LOAD };
    let target = Target::local(paystream.environment().url());
    let run = run_scenario(target, Some(paystream.environment()), Scenario::Healthy, &plan, &stop, progress).await;
    let found = run.unwrap();
    assert!(found.is_interrupted);
    let all = found.asynchronous.offered + found.synchronous.offered;
    assert!((20..1_000).contains(&all), "{all}");
    for mode in Mode::BOTH {
        assert_accounted_for(found.measured(mode));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn costs_are_counted_and_the_report_has_every_section_and_plot() {
    let paystream = Paystream::start().await;
    let costs = run_costs(paystream.environment(), &LOAD, 20, &CancellationToken::new()).await.unwrap();
    // Slow calls may be retried, so these are lower bounds.
    let (payment, copy) = (&costs.payment, &costs.copy);
    assert!(payment.write_units >= 3.0 && payment.payload_units == 0.0 && payment.api_requests >= 1.0, "{costs:#?}");
    assert!(copy.write_units >= 1.0 && copy.payload_units >= 1.0 && copy.api_requests == 0.0, "{costs:#?}");
    let (asynchronous, synchronous) = (&costs.asynchronous_order, &costs.synchronous_order);
    assert!(asynchronous.write_units >= 1.0 && asynchronous.read_units >= 1.0, "{costs:#?}");
    assert!(synchronous.api_requests >= 2.0 && synchronous.invocations >= 2.0, "{costs:#?}");
    assert!(synchronous.read_units > asynchronous.read_units, "{costs:#?}");
    paystream.stop().await;

    let scenarios = vec![compare(Scenario::ConsumerDown).await, compare(Scenario::PoisonRecord).await];
    let report = ComparisonReport {
        command: "cargo test".to_owned(),
        begun_at: payment_events::Timestamp::now(),
        machine: Machine::this(),
        target: "the local environment".to_owned(),
        rate: LOAD.rate,
        duration_s: LOAD.duration.as_secs_f64(),
        seed: LOAD.seed,
        scenarios,
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
        ["The four differences", "Comparison by scenario", "All figures", "Billed units", "Differences from AWS"]
    {
        assert!(markdown.contains(&format!("\n## {heading}")), "{markdown}");
    }
    for plot in ["latency.svg", "availability.svg", "staleness.svg", "drain.svg"] {
        assert!(markdown.contains(&format!("]({plot})")) && read(plot).starts_with("<svg"), "{plot}");
    }
    assert!(report.table().unwrap().contains("consumer-down"));
}

/// Writes stack outputs that point to the local environment, so that the command treats it as a deployed stack.
fn stack_outputs(paystream: &Paystream, directory: &Path) -> String {
    let url = paystream.environment().url();
    let outputs = serde_json::json!([
        {"OutputKey": "PaymentsUrl", "OutputValue": url}, {"OutputKey": "OrdersUrl", "OutputValue": format!("{url}/")}
    ]);
    let file = directory.join("outputs.json");
    std::fs::write(&file, outputs.to_string()).unwrap();
    file.to_str().unwrap().to_owned()
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_ends_with_a_report_of_what_was_measured_and_lists_skipped_scenarios() {
    let paystream = Paystream::start().await;
    let directory = tempfile::tempdir().unwrap();
    let (outputs, written) = (stack_outputs(&paystream, directory.path()), directory.path().join("comparison"));
    let arguments = ["compare", "--stack-outputs", &outputs, "--rate", "5", "--duration", "3600", "--json", "--output"];
    let arguments =
        [&arguments[..], &[written.to_str().unwrap()], &["--scenario", "healthy"], &["--scenario", "order-first"]];
    // The first thirty orders are warm-up.
    let placed = async |_| paystream.environment().usage().requests("OrdersApi", "POST", "/orders") > 40;
    let report = paystream.command_interrupted(&arguments.concat(), 1, placed).await.json(0);
    let found = &report["comparisons"];
    assert_eq!((found.as_array().unwrap().len(), &found[0]["is_interrupted"]), (1, &true.into()), "{report:#}");
    assert_eq!(report["skipped"][0], serde_json::json!({"scenario": "order-first", "reason": "interrupted"}));
    let markdown = std::fs::read_to_string(written.join("report.md")).unwrap();
    assert!(markdown.contains("**Healthy was interrupted**"), "{markdown}");
    paystream.stop().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_ctrl_c_abandons_a_scenario_that_does_not_finish() {
    let paystream = Paystream::start().await;
    let directory = tempfile::tempdir().unwrap();
    let outputs = stack_outputs(&paystream, directory.path());
    // The projector always fails, so a waiting order is never accepted.
    paystream.inject(Fault::new(FaultTarget::function("OrderProjector"), Effect::error("Runtime.Unknown")));
    let arguments = ["compare", "--stack-outputs", &outputs, "--rate", "5", "--duration", "3600"];
    let arguments = [&arguments[..], &["--scenario", "order-first"]].concat();
    // The command reads orders only after it has placed all of them.
    let waited_for = [("POST", "/orders", 20), ("GET", "/orders/{order_id}", 0)];
    let time = async |number: usize| {
        let (method, path, more_than) = waited_for[number];
        paystream.environment().usage().requests("OrdersApi", method, path) > more_than
    };
    let ran = paystream.command_interrupted(&arguments, 2, time).await;
    assert_eq!(ran.text(2), "");
    assert!(
        ran.stderr.contains("aborting the running scenario") && ran.stderr.contains("before anything was measured"),
        "{}",
        ran.stderr
    );
    paystream.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployed_stack_runs_scenarios_without_faults_and_lists_the_others_as_skipped() {
    let paystream = Paystream::start().await;
    let directory = tempfile::tempdir().unwrap();
    let outputs = stack_outputs(&paystream, directory.path());
    let arguments = ["compare", "--stack-outputs", &outputs, "--rate", "5", "--duration", "3", "--json"];
    let scenarios = ["--scenario", "healthy", "--scenario", "kinesis-down"];
    let ran = paystream.command_as_on_aws(&[&arguments[..], &scenarios].concat(), &[]).await;
    let report = ran.json(0);
    let found = &report["comparisons"];
    assert_eq!((found.as_array().unwrap().len(), &found[0]["scenario"]), (1, &"healthy".into()));
    for mode in ["asynchronous", "synchronous"] {
        assert_eq!((&found[0][mode]["offered"], &found[0][mode]["lost"]), (&ORDERS.into(), &0.into()), "{report:#}");
        assert!(found[0][mode]["calls_to_payments_per_order"].is_null(), "not counted on a deployed stack");
    }
    assert_eq!(report["skipped"][0]["scenario"], "kinesis-down");
    assert!(report["skipped"][0]["reason"].as_str().unwrap().contains("only the local environment"), "{report:#}");
    paystream.stop().await;
}

/// Measures one system over a hub, until deliveries have failed during the outage of the consumer. On a busy machine there
/// may be none, so each try is slower, as in [`compare_until`]. `None` without its broker.
async fn measure_hub(system: HubSystem) -> Option<HubResult> {
    let (mut plan, mut tries) = (LOAD, 0);
    loop {
        let observations = Observations::default();
        let observer = Some(observations.observer());
        let start = |options| Options { observer, warm: true, ..options };
        let paystream = Paystream::start_on_with(system.hub(), &system.parameters(), start).await?;
        let stop = CancellationToken::new();
        let samples = run_hub(paystream.environment(), &observations, system, &plan, &stop, |_| {}).await.unwrap();
        paystream.stop().await;
        let result = HubResult::of(system, &[samples]);
        tries += 1;
        if result.consumer_down.deliveries.repeated > 0 || tries == TRIES {
            return Some(result);
        }
        (plan.rate, plan.duration) = (plan.rate / 2.0, plan.duration * 2);
    }
}

/// Every version is delivered, in order, and the failed deliveries of the outage come again.
fn assert_hub(result: &HubResult) {
    // Each payment has three versions.
    let versions = 3 * ORDERS;
    let (down, failing) = (&result.hub_down, &result.consumer_down);
    assert_eq!((result.versions, down.versions, failing.versions), (versions, versions, versions), "{result:#?}");
    assert!(result.is_right(), "{result:#?}");
    for deliveries in [result.deliveries, down.deliveries, failing.deliveries] {
        assert!(deliveries.events - deliveries.repeated == versions, "{result:#?}");
    }
    assert!(failing.deliveries.repeated > 0, "{result:#?}");
    assert_eq!((result.delivery_ms.count, result.projection_ms.count), (versions, ORDERS), "{result:#?}");
    let published = if result.system == HubSystem::KinesisDirect { 0 } else { versions };
    assert_eq!(result.publish_ms.count, published, "{result:#?}");
    assert!(result.publish_ms.p50 <= result.publish_ms.max && result.delivery_ms.max > 0.0, "{result:#?}");
    assert_eq!((down.recovery_ms.count, failing.recovery_ms.count), (1, 1), "{result:#?}");
    let units = &result.units;
    assert!(units.api_requests >= 1.0 && units.write_units >= 2.0 && units.invocations > 1.0, "{result:#?}");
    let is_kinesis = result.system.hub() == HubKind::Kinesis;
    assert_eq!(units.payload_units >= 1.0, is_kinesis, "only Kinesis bills records: {result:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kinesis_delivers_every_version_in_order_and_repeats_those_of_an_outage_in_both_modes() {
    for system in HubSystem::of(HubKind::Kinesis) {
        assert_hub(&measure_hub(*system).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_delivers_every_version_in_order_and_repeats_those_of_an_outage() {
    let Some(result) = measure_hub(HubSystem::Kafka).await else { return };
    assert_hub(&result);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rabbitmq_delivers_every_version_in_order_and_repeats_those_of_an_outage() {
    let Some(result) = measure_hub(HubSystem::Rabbitmq).await else { return };
    assert_hub(&result);
}
