//! `order-api` against `order-projector`: every order in which their calls of the store can come, and every place at which
//! they can die. Whatever happens, a covered order ends accepted and an uncovered one does not.
//!
//! So it is in synchronous mode, where the order is decided on what Payments says when asked, which may be ahead of what has
//! arrived, or behind it.
//!
//! This runs the use cases that deploy, not a copy of them: see [`explorer`]. Each test states how many interleavings there
//! are, so that one that explores less than it did is noticed.
#![allow(missing_docs, clippy::unwrap_used)]

mod explorer;

use explorer::{Explored, Scenario, Script, Trouble, batch};
use orders::testing::samples::{authorized, captured, euros, voided};
use payment_events::{PaymentInfo, PaymentStatus};

/// The order costs this much.
const TOTAL: i64 = 1_000;

/// Delivers payments one by one, each as a batch of its own.
fn delivers(payments: &[PaymentInfo]) -> Script {
    Script::Projector(payments.iter().map(|payment| batch(std::slice::from_ref(payment))).collect())
}

/// A payment that is authorized, captured and given back.
fn refunded_in_the_end() -> [PaymentInfo; 3] {
    let held = authorized("pay_1", euros(TOTAL));
    let taken = captured(&held, TOTAL, 0);
    let refunded = PaymentInfo { status: PaymentStatus::Refunded, version: 3, refunded_minor: TOTAL, ..taken.clone() };
    [held, taken, refunded]
}

/// A payment that is authorized and voided.
fn voided_in_the_end(payment_id: &str, minor: i64) -> [PaymentInfo; 2] {
    let held = authorized(payment_id, euros(minor));
    let void = voided(&held);
    [held, void]
}

fn explore(scripts: &[Script], trouble: Trouble) -> Explored {
    Scenario { scripts: scripts.to_vec(), trouble, forgets: false }.explore()
}

fn deaths(deaths: u32) -> Trouble {
    Trouble { deaths, late_calls: 0 }
}

fn settled(interleavings: u128, states: usize) -> Explored {
    Explored { interleavings, unsettled: 0, states }
}

/// Were two states taken for one, whole runs would be left out.
#[test]
fn states_that_are_known_lead_to_what_every_single_run_does() {
    let refund = [Script::Client, delivers(&refunded_in_the_end())];
    let paid = [Script::ClientThatGivesUp, delivers(&[authorized("pay_1", euros(TOTAL))])];
    for (scripts, trouble) in [(&refund, deaths(0)), (&paid, deaths(1))] {
        let scenario = Scenario { scripts: scripts.to_vec(), trouble, forgets: false };
        assert_eq!(Scenario { forgets: true, ..scenario.clone() }.explore(), scenario.explore());
    }
}

#[test]
fn an_order_and_the_life_of_its_payment_meet_whatever_order_their_steps_come_in() {
    let refund = [Script::Client, delivers(&refunded_in_the_end())];
    assert_eq!(explore(&refund, deaths(0)), settled(3_937, 364));
    let void = [Script::Client, delivers(&voided_in_the_end("pay_1", TOTAL))];
    assert_eq!(explore(&void, deaths(0)), settled(1_471, 174));
    // All versions in one batch are folded to the newest.
    let folded = [Script::Client, Script::Projector(vec![batch(&refunded_in_the_end())])];
    assert_eq!(explore(&folded, deaths(2)), settled(815, 122));
}

#[test]
fn an_order_and_its_payment_meet_wherever_either_of_them_dies() {
    let refund = [Script::Client, delivers(&refunded_in_the_end())];
    assert_eq!(explore(&refund, deaths(1)), settled(157_596, 1_477));
    let void = [Script::Client, delivers(&voided_in_the_end("pay_1", TOTAL))];
    assert_eq!(explore(&void, deaths(2)), settled(1_212_414, 1_384));
}

#[test]
fn a_client_that_repeats_its_request_while_the_first_one_runs_changes_nothing() {
    let twice = [Script::Client, Script::Client, delivers(&voided_in_the_end("pay_1", TOTAL))];
    assert_eq!(explore(&twice, deaths(0)), settled(43_527_766, 9_279));
}

#[test]
fn an_order_and_two_payments_that_cover_it_together_meet_when_one_is_voided() {
    let [first, void] = voided_in_the_end("pay_1", 400);
    let second = delivers(&[authorized("pay_2", euros(600))]);
    let both = [Script::Client, delivers(&[first, void]), second];
    assert_eq!(explore(&both, deaths(0)), settled(65_593_877, 4_430));
}

/// More than Lambda does, which delivers one batch of a shard at a time: two sandboxes have the same one.
#[test]
fn a_stream_that_is_delivered_twice_at_once_changes_nothing() {
    let void = delivers(&voided_in_the_end("pay_1", TOTAL));
    assert_eq!(explore(&[Script::Client, void.clone(), void], deaths(0)), settled(2_177_035_320, 7_970));
}

/// Docs/adr/0006 says what this leaves open, and why. That a look at the order settles it is checked at every end.
#[test]
fn an_order_whose_client_got_no_answer_and_gave_up_is_settled_when_it_is_next_looked_at() {
    let given_up = [Script::ClientThatGivesUp, delivers(&voided_in_the_end("pay_1", TOTAL))];
    assert_eq!(explore(&given_up, deaths(1)), Explored { interleavings: 36_012, unsettled: 26, states: 574 });
}

/// The same: a write that its caller gave up waiting for may take effect after everybody has looked.
#[test]
fn an_order_that_a_late_write_changed_is_settled_when_it_is_next_looked_at() {
    let late = [Script::Client, delivers(&voided_in_the_end("pay_1", TOTAL))];
    let found = explore(&late, Trouble { deaths: 0, late_calls: 1 });
    assert_eq!(found, Explored { interleavings: 614_000, unsettled: 14, states: 3_462 });
}

#[test]
fn two_requests_for_an_order_and_its_payment_meet_wherever_one_of_them_dies() {
    let twice = [Script::Client, Script::Client, delivers(&voided_in_the_end("pay_1", TOTAL))];
    assert_eq!(explore(&twice, deaths(1)), settled(4_249_958_446, 37_467));
}

#[test]
fn an_order_and_two_payments_meet_wherever_one_of_them_dies() {
    let [first, void] = voided_in_the_end("pay_1", 400);
    let second = delivers(&[authorized("pay_2", euros(600))]);
    assert_eq!(
        explore(&[Script::Client, delivers(&[first, void]), second], deaths(1)),
        settled(12_646_733_417, 23_118)
    );
}

/// Payments takes its steps, and they arrive one after the other, at any time after or before: what Payments says when asked
/// is read from an index that may lag behind its stream.
fn synchronous(client: Script, steps: &[PaymentInfo]) -> Vec<Script> {
    vec![client, Script::Payments(steps.to_vec()), delivers(steps)]
}

#[test]
fn an_order_that_was_decided_by_asking_stands_by_what_arrives() {
    let void = voided_in_the_end("pay_1", TOTAL);
    assert_eq!(explore(&synchronous(Script::SynchronousClient, &void), deaths(0)), settled(277_307, 483));
    assert_eq!(explore(&synchronous(Script::SynchronousClient, &void), deaths(1)), settled(31_102_978, 2_908));
    let refund = refunded_in_the_end();
    assert_eq!(explore(&synchronous(Script::SynchronousClient, &refund), deaths(0)), settled(9_283_490, 1_360));
    // All versions in one batch are folded to the newest: those that were asked for never arrive.
    let folded =
        vec![Script::SynchronousClient, Script::Payments(refund.to_vec()), Script::Projector(vec![batch(&refund)])];
    assert_eq!(explore(&folded, deaths(1)), settled(512_194, 1_436));
}

/// The explorer holds at every state that an order is on hold only where one of its payments covers nothing.
#[test]
fn an_order_that_was_accepted_by_asking_is_never_put_on_hold_for_what_has_not_arrived() {
    let held = authorized("pay_1", euros(TOTAL));
    let paid = synchronous(Script::SynchronousClient, &[held.clone(), captured(&held, TOTAL, 0)]);
    assert_eq!(explore(&paid, deaths(1)), settled(2_883_292, 1_994));
}

#[test]
fn an_order_that_is_placed_both_ways_at_once_stands_by_what_arrives() {
    let mut both = synchronous(Script::SynchronousClient, &voided_in_the_end("pay_1", TOTAL));
    both.push(Script::Client);
    assert_eq!(explore(&both, deaths(0)), settled(20_025_240_211, 25_036));
}

/// As with the other mode, what is left is an order whose client got no answer and never asked again.
#[test]
fn an_order_that_was_decided_by_asking_and_given_up_is_settled_when_it_is_next_looked_at() {
    let given_up = synchronous(Script::SynchronousClientThatGivesUp, &voided_in_the_end("pay_1", TOTAL));
    assert_eq!(explore(&given_up, deaths(1)), Explored { interleavings: 9_746_030, unsettled: 1_637, states: 1_566 });
    let late = synchronous(Script::SynchronousClient, &voided_in_the_end("pay_1", TOTAL));
    assert_eq!(
        explore(&late, Trouble { deaths: 0, late_calls: 1 }),
        Explored { interleavings: 439_816_789, unsettled: 11_372, states: 13_702 }
    );
}
