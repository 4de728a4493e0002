//! Every sentence says of each mode what was measured of it.

use crate::machine::Machine;
use crate::measure::{Ended, InfoUsed, Latency, Measured, Share};
use crate::results::{ComparisonReport, ScenarioResult};
use crate::scenario::Scenario;
use crate::timeline::Timeline;

fn latency(p50: f64) -> Latency {
    Latency { count: 100, p50, p90: p50 * 2.0, p99: p50 * 3.0, p99_9: p50 * 4.0, max: p50 * 5.0 }
}

/// All of so many orders accepted, half of them within so long.
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

/// What is said of a difference, on one line.
fn said(report: &ComparisonReport, name: &str) -> String {
    let markdown = report.markdown().unwrap();
    let (_, text) = markdown.split_once(&format!("- **{name}**: ")).unwrap();
    let end = ["\n- **", "\n\n"].into_iter().filter_map(|end| text.find(end)).min().unwrap();
    text[..end].split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What was expected, what was measured of it, and whether that is met.
fn expectations(report: &ComparisonReport) -> Vec<(String, String, bool)> {
    let markdown = report.markdown().unwrap();
    let (_, text) = markdown.split_once("|  | measured | met |\n|---|---:|---:|\n").unwrap();
    let rows = text.lines().take_while(|line| !line.is_empty());
    let cells = rows.map(|row| row.trim_matches(['|', ' ']).split(" | ").map(str::to_owned).collect());
    cells.map(|cells: Vec<String>| (cells[0].clone(), cells[1].clone(), is_met(&cells[2]))).collect()
}

fn is_met(cell: &str) -> bool {
    match cell {
        "yes" => true,
        "**no**" => false,
        other => panic!("neither: {other}"),
    }
}

/// What was measured of what was expected, and whether that is met, by how it begins.
fn expected(report: &ComparisonReport, what: &str) -> Option<(String, bool)> {
    let found = expectations(report).into_iter().find(|(expected, ..)| expected.starts_with(what))?;
    Some((found.1, found.2))
}

#[test]
fn how_long_both_take_is_said_of_the_one_that_took_it() {
    let healthy = comparison(Scenario::Healthy, accepted(100, 3.0), accepted(100, 5.0));
    let slow = |p50, before| Measured { before_ms: latency(before), ..accepted(100, p50) };
    let slow = comparison(Scenario::Payments200Ms, slow(2.2, 2.0), slow(207.0, 4.0));
    let report = report(vec![healthy, slow]);
    let said = said(&report, "Waiting");
    assert!(
        said.contains("half of the asynchronous orders are answered within 3.0 ms, and half of the synchronous ones within 5.0 ms (99 %: 9.0 ms and 15 ms): a ratio of 0.60."),
        "{said}"
    );
    assert!(
        said.contains("within 2.2 ms and 207 ms: 1.10 times as long as before in the same system, and 203 ms longer."),
        "{said}"
    );
    assert_eq!(expected(&report, "Healthy"), Some(("0.600".to_owned(), true)));
    assert_eq!(expected(&report, "Payments +200 ms: asynchronous"), Some(("1.100".to_owned(), true)));
    assert_eq!(expected(&report, "Payments +200 ms: synchronous"), Some(("203 ms".to_owned(), true)));
}

#[test]
fn what_is_not_met_is_said_to_be_so() {
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
fn of_what_was_not_measured_nothing_is_said_to_be_met() {
    let nothing = || Measured::default();
    let none = Scenario::ALL.map(|scenario| comparison(scenario, nothing(), nothing()));
    let report_of_none = report(none.to_vec());
    let whats: Vec<String> = expectations(&report_of_none).into_iter().map(|(what, ..)| what).collect();
    assert_eq!(whats, ["Everywhere: nothing lost, nothing twice, every order where its payment puts it"]);
    for text in [report_of_none.markdown().unwrap(), report_of_none.table().unwrap()] {
        assert!(!text.contains("NaN") && !text.contains("inf "), "{text}");
        assert!(!text.contains("100 %"), "of none there is no part: {text}");
    }
    assert!(expectations(&report(Vec::new())).is_empty());
    let healthy = comparison(Scenario::Healthy, accepted(100, 3.0), accepted(100, 5.0));
    let interrupted = report(vec![ScenarioResult { is_interrupted: true, ..healthy }]);
    assert!(expectations(&interrupted).is_empty(), "what came of a part is not what was expected of the whole");
}

#[test]
fn what_was_accepted_and_is_no_longer_true_is_said_of_the_mode_that_did_so() {
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
    let said = said(&report, "Answer");
    assert!(
        said.contains("synchronous mode still accepted 5 of 100 orders and asynchronous mode 42, before the void had come through; these ended on hold, except for 0."),
        "{said}"
    );
    assert!(
        said.contains("on what was no longer true 33 times, accepted these orders, and put them on hold as soon as it heard, except for 0; synchronous mode did so 0 times."),
        "{said}"
    );
    assert!(report.markdown().unwrap().contains("| accepted, and on hold later: Payment just voided | 42 | **5** |"));
}

#[test]
fn each_mode_fails_by_its_own_service() {
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
    let said = said(&report, "Coupling");
    assert!(
        said.contains("While Payments was down, asynchronous mode accepted 10 of 10 (100 %) orders at once, and synchronous mode 0 of 10 (0 %)."),
        "{said}"
    );
    assert!(
        said.contains("While Kinesis was down, synchronous mode accepted 10 of 10 (100 %) at once, and asynchronous mode 1 of 10 (10.0 %); those that waited, 9, were all accepted 0.6 s after it was back, except for 0."),
        "{said}"
    );
}

#[test]
fn the_committed_report_is_what_its_figures_give() {
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/comparison");
    let read = |name: &str| std::fs::read_to_string(format!("{committed}/{name}")).unwrap();
    let report: ComparisonReport = serde_json::from_str(&read("report.json")).unwrap();
    assert_eq!(report.markdown().unwrap(), read("report.md"), "write it again with `--example render`");
}
