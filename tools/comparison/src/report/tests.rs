//! Tests that the report's text assigns each figure to the right mode.

use crate::machine::Machine;
use crate::measure::{Ended, InfoUsed, Latency, Measured, Share};
use crate::results::{ComparisonReport, ScenarioResult};
use crate::scenario::Scenario;
use crate::timeline::Timeline;

fn latency(p50: f64) -> Latency {
    Latency { count: 100, p50, p90: p50 * 2.0, p99: p50 * 3.0, p99_9: p50 * 4.0, max: p50 * 5.0 }
}

/// `orders` orders, all accepted, with this median latency.
fn accepted(orders: u64, p50: f64) -> Measured {
    Measured { offered: orders, accepted: orders, latency_ms: latency(p50), ..Measured::default() }
}

fn comparison(scenario: Scenario, asynchronous: Measured, synchronous: Measured) -> ScenarioResult {
    let timeline = Timeline::default;
    ScenarioResult {
        scenario,
        is_interrupted: false,
        fault_s: None,
        asynchronous,
        synchronous,
        asynchronous_timeline: timeline(),
        synchronous_timeline: timeline(),
    }
}

fn report(scenarios: Vec<ScenarioResult>) -> ComparisonReport {
    ComparisonReport {
        command: "cargo run -- compare".to_owned(),
        begun_at: payment_events::Timestamp::from_unix_ms(1_700_000_000_000).unwrap(),
        machine: Machine::this(),
        target: "the local environment".to_owned(),
        rate: 20.0,
        duration_s: 30.0,
        seed: 1,
        scenarios,
        skipped: Vec::new(),
        costs: None,
    }
}

/// Returns the bullet of one of the four differences, on one line.
fn bullet(report: &ComparisonReport, name: &str) -> String {
    let markdown = report.markdown().unwrap();
    let (_, text) = markdown.split_once(&format!("- **{name}**: ")).unwrap();
    let end = ["\n- **", "\n\n"].into_iter().filter_map(|end| text.find(end)).min().unwrap();
    text[..end].split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the rows of the expectations table: expectation, measured, and true if met.
fn expectations(report: &ComparisonReport) -> Vec<(String, String, bool)> {
    let markdown = report.markdown().unwrap();
    let (_, text) = markdown.split_once("| expectation | measured | met |\n|---|---:|---:|\n").unwrap();
    let rows = text.lines().take_while(|line| !line.is_empty());
    let cells = rows.map(|row| row.trim_matches(['|', ' ']).split(" | ").map(str::to_owned).collect());
    cells.map(|cells: Vec<String>| (cells[0].clone(), cells[1].clone(), is_met(&cells[2]))).collect()
}

fn is_met(cell: &str) -> bool {
    match cell {
        "yes" => true,
        "**no**" => false,
        other => panic!("neither yes nor no: {other}"),
    }
}

/// Returns the measured value, and true if met, of the expectation that starts with `prefix`.
fn expected(report: &ComparisonReport, prefix: &str) -> Option<(String, bool)> {
    let found = expectations(report).into_iter().find(|(expected, ..)| expected.starts_with(prefix))?;
    Some((found.1, found.2))
}

#[test]
fn each_latency_is_reported_for_its_mode() {
    let healthy = comparison(Scenario::Healthy, accepted(100, 3.0), accepted(100, 5.0));
    let slow = |p50, before| Measured { before_ms: latency(before), ..accepted(100, p50) };
    let slow = comparison(Scenario::Payments200Ms, slow(2.2, 2.0), slow(207.0, 4.0));
    let report = report(vec![healthy, slow]);
    let text = bullet(&report, "Waiting");
    assert!(
        text.contains("Without a fault, the median latency is 3.0 ms in asynchronous mode and 5.0 ms in synchronous mode (p99: 9.0 ms and 15 ms), a ratio of 0.60."),
        "{text}"
    );
    assert!(
        text.contains("the medians are 2.2 ms and 207 ms: 1.10 times the asynchronous and 203 ms above the synchronous median before the fault."),
        "{text}"
    );
    assert_eq!(expected(&report, "Healthy"), Some(("0.600".to_owned(), true)));
    assert_eq!(expected(&report, "Payments +200 ms: asynchronous"), Some(("1.100".to_owned(), true)));
    assert_eq!(expected(&report, "Payments +200 ms: synchronous"), Some(("203 ms".to_owned(), true)));
}

#[test]
fn an_expectation_that_is_not_met_is_reported_as_not_met() {
    let slow = |p50, before| Measured { before_ms: latency(before), ..accepted(100, p50) };
    let down = |accepted| Measured {
        arrived_before: Share { orders: 10, accepted: 9 },
        during_fault: Share { orders: 10, accepted },
        ..Measured { offered: 10, ..Measured::default() }
    };
    let waited =
        Measured { waiting: 5, waiting_ended: Ended { accepted: 4, waiting: 1, ..Ended::default() }, ..down(5) };
    let report = report(vec![
        comparison(Scenario::Healthy, accepted(100, 4.0), accepted(100, 5.0)),
        comparison(Scenario::Payments200Ms, slow(2.4, 2.0), slow(150.0, 4.0)),
        comparison(Scenario::PaymentsDown, down(9), down(1)),
        comparison(Scenario::KinesisDown, waited, Measured { lost: 1, ..down(10) }),
    ]);
    let found: Vec<bool> = expectations(&report).into_iter().map(|(.., is_met)| is_met).collect();
    assert_eq!(found, [false; 7]);
}

#[test]
fn an_expectation_without_measurements_is_left_out() {
    let nothing = || Measured::default();
    let none = Scenario::ALL.map(|scenario| comparison(scenario, nothing(), nothing()));
    let report_of_none = report(none.to_vec());
    let rows: Vec<String> = expectations(&report_of_none).into_iter().map(|(expected, ..)| expected).collect();
    assert_eq!(rows, ["All scenarios: nothing lost, nothing duplicated, every order settled"]);
    for text in [report_of_none.markdown().unwrap(), report_of_none.table().unwrap()] {
        assert!(!text.contains("NaN") && !text.contains("inf "), "{text}");
        assert!(!text.contains("100 %"), "a share of nothing has no percentage: {text}");
    }
    assert!(expectations(&report(Vec::new())).is_empty());
    let healthy = comparison(Scenario::Healthy, accepted(100, 3.0), accepted(100, 5.0));
    let interrupted = report(vec![ScenarioResult { is_interrupted: true, ..healthy }]);
    assert!(expectations(&interrupted).is_empty(), "an interrupted scenario has no expectations");
}

#[test]
fn orders_accepted_on_stale_info_are_reported_for_their_mode() {
    let held = |at_once, held| Measured {
        accepted: at_once,
        held,
        accepted_ended: Ended { on_hold: at_once + held, ..Ended::default() },
        ..Measured { offered: 100, ..Measured::default() }
    };
    let stale = |stale| Measured {
        info: InfoUsed { stale, stale_ended: Ended { on_hold: stale, ..Ended::default() }, ..InfoUsed::default() },
        ..held(stale, 0)
    };
    let report = report(vec![
        comparison(Scenario::PaymentVoided, held(17, 25), held(3, 2)),
        comparison(Scenario::VoidedUnheard, stale(33), stale(0)),
    ]);
    let text = bullet(&report, "Response");
    assert!(
        text.contains("synchronous mode accepted 5 of 100 orders before the void was visible, and asynchronous mode 42. All of these orders ended on hold."),
        "{text}"
    );
    assert!(
        text.contains("asynchronous mode accepted 33 orders on stale info. All of them went on hold when the void arrived. Synchronous mode decided on stale info 0 times."),
        "{text}"
    );
    assert!(report.markdown().unwrap().contains("| accepted, then put on hold: Payment just voided | 42 | **5** |"));
}

#[test]
fn each_outage_is_reported_for_both_modes() {
    let share = |accepted, waiting, drain_ms| Measured {
        waiting,
        waiting_ended: Ended { accepted: waiting, ..Ended::default() },
        drain_ms,
        during_fault: Share { orders: 10, accepted },
        ..Measured { offered: 30, ..Measured::default() }
    };
    let report = report(vec![
        comparison(Scenario::PaymentsDown, share(10, 0, None), share(0, 0, None)),
        comparison(Scenario::KinesisDown, share(1, 9, Some(600)), share(10, 0, None)),
    ]);
    let text = bullet(&report, "Coupling");
    assert!(
        text.contains("While Payments was down, asynchronous mode accepted 10 of 10 (100 %) orders immediately, and synchronous mode 0 of 10 (0 %)."),
        "{text}"
    );
    assert!(
        text.contains("While Kinesis was down, synchronous mode accepted 10 of 10 (100 %) orders immediately, and asynchronous mode 1 of 10 (10.0 %). All of the 9 orders that waited were accepted, the last one 0.6 s after the end of the fault."),
        "{text}"
    );
}

#[test]
fn the_committed_report_matches_its_figures() {
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/comparison");
    let read = |name: &str| std::fs::read_to_string(format!("{committed}/{name}")).unwrap();
    let report: ComparisonReport = serde_json::from_str(&read("report.json")).unwrap();
    assert_eq!(report.markdown().unwrap(), read("report.md"), "render it again with `--example render`");
}
