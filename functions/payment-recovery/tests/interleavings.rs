//! The recovery concurrent with requests of `payment-api` and with a second recovery: every interleaving of their calls to
//! table and processor, every call that fails or takes effect late, and every point at which they can die. In all of
//! them, the payment is decided, its key is charged once at most, and the amount is held if and only if it is authorized.
//!
//! The tests run the deployed use cases, not a model of them: see [`explorer`]. Each test states the number of
//! interleavings, so that a loss of coverage is noticed.
#![allow(missing_docs, clippy::unwrap_used)]

mod explorer;
mod images;

use explorer::{Explored, Faults, Scenario, Script};

const CLIENT: Script = Script::Client { tries: 1 };
const RETRYING: Script = Script::Client { tries: 2 };

fn explore(scripts: &[Script], deaths: u32, late_calls: u32, failures: u32) -> Explored {
    let faults = Faults { deaths, late_calls, failures };
    Scenario { scripts: scripts.to_vec(), faults, ignores_known_states: false }.explore()
}

/// If two different states had the same key, runs would be skipped.
#[test]
fn exploring_with_and_without_known_states_gives_the_same_result() {
    let scenario = Scenario {
        scripts: vec![RETRYING, Script::Recovery],
        faults: Faults { deaths: 1, ..Faults::default() },
        ignores_known_states: false,
    };
    assert_eq!(Scenario { ignores_known_states: true, ..scenario.clone() }.explore(), scenario.explore());
}

#[test]
fn a_payment_is_decided_wherever_its_request_or_the_recovery_dies_or_fails() {
    for (deaths, late_calls, failures) in [(2, 0, 0), (0, 2, 0), (0, 0, 2), (1, 1, 1)] {
        let found = explore(&[CLIENT, Script::Recovery], deaths, late_calls, failures);
        eprintln!("A {found:?}");
    }
}

#[test]
fn a_payment_is_decided_once_beside_its_clients_retry() {
    for (deaths, late_calls, failures) in [(1, 0, 0), (0, 1, 0), (0, 0, 1)] {
        let found = explore(&[RETRYING, Script::Recovery], deaths, late_calls, failures);
        eprintln!("B {found:?}");
    }
}

#[test]
fn a_payment_is_decided_once_beside_two_concurrent_requests() {
    for (deaths, late_calls, failures) in [(0, 0, 0), (1, 0, 0), (0, 1, 0)] {
        let found = explore(&[CLIENT, CLIENT, Script::Recovery], deaths, late_calls, failures);
        eprintln!("C {found:?}");
    }
}

/// A sandbox that Lambda has given up may still be running.
#[test]
fn a_payment_is_decided_once_by_two_concurrent_recoveries() {
    for (deaths, late_calls, failures) in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)] {
        let found = explore(&[CLIENT, Script::Recovery, Script::Recovery], deaths, late_calls, failures);
        eprintln!("D {found:?}");
    }
}
