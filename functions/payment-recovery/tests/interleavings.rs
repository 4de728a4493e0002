//! The recovery concurrent with requests of `payment-api` and with a second recovery: every interleaving of their calls to
//! table and processor, every call that fails or takes effect late, and every point at which they can die. In all of
//! them, the payment is decided, its key is charged once at most, and the amount is held if and only if it is authorized.
//!
//! The tests run the deployed use cases, not a model of them: see [`paystream_explorer`]. Each test states the number of
//! interleavings, so that a loss of coverage is noticed.
#![allow(missing_docs, clippy::unwrap_used)]

mod explorer;
mod images;

use explorer::Script;
use paystream_explorer::{Explored, Faults};

const CLIENT: Script = Script::Client { tries: 1 };
const RETRYING: Script = Script::Client { tries: 2 };

fn deaths(deaths: u32) -> Faults {
    Faults { deaths, ..Faults::default() }
}

fn late_calls(late_calls: u32) -> Faults {
    Faults { late_calls, ..Faults::default() }
}

fn failures(failures: u32) -> Faults {
    Faults { failures, ..Faults::default() }
}

fn explore(scripts: &[Script], faults: Faults) -> Explored {
    explorer::explore(scripts, faults, false)
}

fn explored(interleavings: u128, declined: u128, states: usize) -> Explored {
    Explored { interleavings, counted: declined, states }
}

/// If two different states had the same key, runs would be skipped.
#[test]
fn exploring_with_and_without_known_states_gives_the_same_result() {
    let of = [CLIENT, Script::Recovery];
    assert_eq!(explorer::explore(&of, deaths(1), true), explorer::explore(&of, deaths(1), false));
}

#[test]
fn a_payment_is_decided_wherever_its_request_or_the_recovery_dies_or_fails() {
    let of = [CLIENT, Script::Recovery];
    assert_eq!(explore(&of, deaths(1)), explored(197, 126, 113));
    assert_eq!(explore(&of, late_calls(1)), explored(1_037, 769, 323));
    assert_eq!(explore(&of, Faults { deaths: 1, late_calls: 1, failures: 0 }), explored(11_705, 9_187, 905));
    assert_eq!(explore(&of, failures(2)), explored(7_191, 4_889, 420));
}

#[test]
fn a_payment_is_decided_once_beside_its_clients_retry() {
    let of = [RETRYING, Script::Recovery];
    assert_eq!(explore(&of, deaths(1)), explored(2_173, 1_565, 274));
    assert_eq!(explore(&of, late_calls(1)), explored(17_216, 11_959, 784));
    assert_eq!(explore(&of, failures(1)), explored(4_942, 3_393, 451));
}

#[test]
fn a_payment_is_decided_once_beside_two_concurrent_requests() {
    let of = [CLIENT, CLIENT, Script::Recovery];
    assert_eq!(explore(&of, deaths(0)), explored(22_268, 6_424, 770));
    assert_eq!(explore(&of, deaths(1)), explored(370_710, 121_652, 2_401));
}

/// A sandbox that Lambda has given up may still be running.
#[test]
fn a_payment_is_decided_once_by_two_concurrent_recoveries() {
    let of = [CLIENT, Script::Recovery, Script::Recovery];
    assert_eq!(explore(&of, deaths(0)), explored(59_608, 58_208, 600));
    assert_eq!(explore(&of, deaths(1)), explored(2_722_376, 2_688_790, 1_937));
}
