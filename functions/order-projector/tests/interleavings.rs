//! `order-api` concurrent with `order-projector`: every interleaving of their calls to the store, and every point at
//! which they can die. In all of them, a covered order ends accepted and an uncovered one does not.
//!
//! The same holds in synchronous mode, where the response of Payments may be ahead of or behind the read model.
//!
//! The tests run the deployed use cases, not a model of them: see [`paystream_explorer`]. Each test states the number of
//! interleavings, so that a loss of coverage is noticed.
#![allow(missing_docs, clippy::unwrap_used)]

mod explorer;

use explorer::{Script, batch};
use orders::testing::samples::{authorized, captured, euros, voided};
use payment_events::{PaymentInfo, PaymentStatus};
use paystream_explorer::{Explored, Faults};

/// Total of the order, in minor units.
const TOTAL: i64 = 1_000;

/// Delivers each payment in a batch of its own.
fn delivers(payments: &[PaymentInfo]) -> Script {
    Script::Projector(payments.iter().map(|payment| batch(std::slice::from_ref(payment))).collect())
}

/// Versions of a payment that is authorized, captured and refunded.
fn authorized_captured_refunded() -> [PaymentInfo; 3] {
    let held = authorized("pay_1", euros(TOTAL));
    let captured = captured(&held, TOTAL, 0);
    let refunded =
        PaymentInfo { status: PaymentStatus::Refunded, version: 3, refunded_minor: TOTAL, ..captured.clone() };
    [held, captured, refunded]
}

/// Versions of a payment that is authorized and voided.
fn authorized_voided(payment_id: &str, minor: i64) -> [PaymentInfo; 2] {
    let held = authorized(payment_id, euros(minor));
    let void = voided(&held);
    [held, void]
}

fn explore(scripts: &[Script], faults: Faults) -> Explored {
    explorer::explore(scripts, faults, false)
}

fn deaths(deaths: u32) -> Faults {
    Faults { deaths, ..Faults::default() }
}

fn late_calls(late_calls: u32) -> Faults {
    Faults { late_calls, ..Faults::default() }
}

fn settled(interleavings: u128, states: usize) -> Explored {
    unsettled(interleavings, 0, states)
}

fn unsettled(interleavings: u128, unsettled: u128, states: usize) -> Explored {
    Explored { interleavings, counted: unsettled, states }
}

/// If two different states had the same key, runs would be skipped.
#[test]
fn exploring_with_and_without_known_states_gives_the_same_result() {
    let refund = [Script::Client, delivers(&authorized_captured_refunded())];
    let paid = [Script::ClientWithoutRetry, delivers(&[authorized("pay_1", euros(TOTAL))])];
    for (scripts, faults) in [(&refund, deaths(0)), (&paid, deaths(1))] {
        assert_eq!(explorer::explore(scripts, faults, true), explorer::explore(scripts, faults, false));
    }
}

#[test]
fn an_order_is_settled_in_every_interleaving_with_its_payments_lifecycle() {
    let refund = [Script::Client, delivers(&authorized_captured_refunded())];
    assert_eq!(explore(&refund, deaths(0)), settled(3_937, 364));
    let void = [Script::Client, delivers(&authorized_voided("pay_1", TOTAL))];
    assert_eq!(explore(&void, deaths(0)), settled(1_471, 174));
    // All versions arrive in one batch and are folded to the newest.
    let folded = [Script::Client, Script::Projector(vec![batch(&authorized_captured_refunded())])];
    assert_eq!(explore(&folded, deaths(2)), settled(815, 122));
}

#[test]
fn an_order_is_settled_wherever_client_or_projector_dies() {
    let refund = [Script::Client, delivers(&authorized_captured_refunded())];
    assert_eq!(explore(&refund, deaths(1)), settled(157_596, 1_477));
    let void = [Script::Client, delivers(&authorized_voided("pay_1", TOTAL))];
    assert_eq!(explore(&void, deaths(2)), settled(1_212_414, 1_384));
}

#[test]
fn an_order_is_settled_when_its_client_sends_two_concurrent_requests() {
    let twice = [Script::Client, Script::Client, delivers(&authorized_voided("pay_1", TOTAL))];
    assert_eq!(explore(&twice, deaths(0)), settled(43_527_766, 9_279));
}

#[test]
fn an_order_with_two_payments_is_settled_when_one_is_voided() {
    let [first, void] = authorized_voided("pay_1", 400);
    let second = delivers(&[authorized("pay_2", euros(600))]);
    let both = [Script::Client, delivers(&[first, void]), second];
    assert_eq!(explore(&both, deaths(0)), settled(65_593_877, 4_430));
}

/// Two sandboxes process the same batch. Lambda does not do this: it delivers one batch of a shard at a time.
#[test]
fn an_order_is_settled_when_the_stream_is_delivered_twice_concurrently() {
    let void = delivers(&authorized_voided("pay_1", TOTAL));
    assert_eq!(explore(&[Script::Client, void.clone(), void], deaths(0)), settled(2_177_035_320, 7_970));
}

/// `docs/adr/0006` explains this limit. The explorer checks at the end of every run that reading the order settles it.
#[test]
fn an_order_whose_client_did_not_retry_is_settled_when_it_is_next_read() {
    let no_retry = [Script::ClientWithoutRetry, delivers(&authorized_voided("pay_1", TOTAL))];
    assert_eq!(explore(&no_retry, deaths(1)), unsettled(36_012, 26, 574));
}

/// The same limit: a write whose caller timed out may take effect after the last read.
#[test]
fn an_order_changed_by_a_late_write_is_settled_when_it_is_next_read() {
    let late = [Script::Client, delivers(&authorized_voided("pay_1", TOTAL))];
    let found = explore(&late, late_calls(1));
    assert_eq!(found, unsettled(614_000, 14, 3_462));
}

#[test]
fn an_order_with_two_concurrent_requests_is_settled_wherever_one_process_dies() {
    let twice = [Script::Client, Script::Client, delivers(&authorized_voided("pay_1", TOTAL))];
    assert_eq!(explore(&twice, deaths(1)), settled(4_249_958_446, 37_467));
}

#[test]
fn an_order_with_two_payments_is_settled_wherever_one_process_dies() {
    let [first, void] = authorized_voided("pay_1", 400);
    let second = delivers(&[authorized("pay_2", euros(600))]);
    assert_eq!(
        explore(&[Script::Client, delivers(&[first, void]), second], deaths(1)),
        settled(12_646_733_417, 23_118)
    );
}

/// Payments changes the payment step by step, and its events arrive in that sequence. An event may arrive before or
/// after the Payments API returns its version, because the API reads an eventually consistent index.
fn synchronous(client: Script, steps: &[PaymentInfo]) -> Vec<Script> {
    vec![client, Script::Payments(steps.to_vec()), delivers(steps)]
}

#[test]
fn an_order_placed_in_synchronous_mode_is_settled_by_the_events_that_arrive() {
    let void = authorized_voided("pay_1", TOTAL);
    assert_eq!(explore(&synchronous(Script::SynchronousClient, &void), deaths(0)), settled(277_307, 483));
    assert_eq!(explore(&synchronous(Script::SynchronousClient, &void), deaths(1)), settled(31_102_978, 2_908));
    let refund = authorized_captured_refunded();
    assert_eq!(explore(&synchronous(Script::SynchronousClient, &refund), deaths(0)), settled(9_283_490, 1_360));
    // All versions arrive in one batch and are folded to the newest, so the looked-up versions never arrive.
    let folded =
        vec![Script::SynchronousClient, Script::Payments(refund.to_vec()), Script::Projector(vec![batch(&refund)])];
    assert_eq!(explore(&folded, deaths(1)), settled(512_194, 1_436));
}

/// The explorer checks in every state that an order is on hold only if one of its payments covers nothing.
#[test]
fn an_order_accepted_on_a_lookup_is_never_put_on_hold_because_its_payment_has_not_arrived() {
    let held = authorized("pay_1", euros(TOTAL));
    let paid = synchronous(Script::SynchronousClient, &[held.clone(), captured(&held, TOTAL, 0)]);
    assert_eq!(explore(&paid, deaths(1)), settled(2_883_292, 1_994));
}

#[test]
fn an_order_placed_in_both_modes_concurrently_is_settled_by_the_events_that_arrive() {
    let mut both = synchronous(Script::SynchronousClient, &authorized_voided("pay_1", TOTAL));
    both.push(Script::Client);
    assert_eq!(explore(&both, deaths(0)), settled(20_025_240_211, 25_036));
}

/// The same limit as in the other mode: a client without a response that does not retry.
#[test]
fn an_order_placed_in_synchronous_mode_without_retry_is_settled_when_it_is_next_read() {
    let no_retry = synchronous(Script::SynchronousClientWithoutRetry, &authorized_voided("pay_1", TOTAL));
    assert_eq!(explore(&no_retry, deaths(1)), unsettled(9_746_030, 1_637, 1_566));
    let late = synchronous(Script::SynchronousClient, &authorized_voided("pay_1", TOTAL));
    assert_eq!(explore(&late, late_calls(1)), unsettled(439_816_789, 11_372, 13_702));
}
