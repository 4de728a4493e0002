//! Concurrent changes.

use std::sync::Arc;

use payment_events::PaymentStatus;
use payments::testing::TwiceWritten;
use payments::{Change, ChangeError, ChangePayment, ChangeRequest, IllegalTransition, Published};

use crate::support::{CAPTURE, World, only, refund, refused};

#[tokio::test]
async fn concurrent_refunds_both_succeed_if_the_amount_covers_both() {
    let (world, payment_id) = World::with_payment(&[CAPTURE]).await;
    let (mine, theirs) = (world.request(&payment_id, refund(600)), world.request(&payment_id, refund(400)));
    let changed = world.change_against(&mine, &[theirs]).await.unwrap();
    assert_eq!((changed.payment.refunded_minor, changed.payment.version), (1_000, 4));
    assert_eq!(world.record(&payment_id).payment, changed.payment);
}

#[tokio::test]
async fn concurrent_refunds_never_exceed_the_captured_amount() {
    let (world, payment_id) = World::with_payment(&[CAPTURE]).await;
    let (mine, theirs) = (world.request(&payment_id, refund(601)), world.request(&payment_id, refund(400)));
    let (refusal, _) = refused(world.change_against(&mine, &[theirs]).await);
    assert_eq!(refusal.reason, IllegalTransition::Amount { available_minor: 600 }.into());
    assert_eq!(world.record(&payment_id).payment.refunded_minor, 400);
}

#[tokio::test]
async fn a_capture_that_loses_to_a_void_is_refused() {
    let (world, payment_id) = World::with_payment(&[]).await;
    let (capture, void) = (world.request(&payment_id, CAPTURE), world.request(&payment_id, Change::Void));
    let (refusal, _) = refused(world.change_against(&capture, &[void]).await);
    assert_eq!(refusal.status, PaymentStatus::Voided);
    assert_eq!(world.record(&payment_id).payment.captured_minor, 0);
}

#[tokio::test]
async fn a_change_that_lost_a_race_checks_the_allowed_versions_again() {
    let (world, payment_id) = World::with_payment(&[CAPTURE]).await;
    let (mine, theirs) = (world.request(&payment_id, refund(100)), world.request(&payment_id, refund(100)));
    let mine = ChangeRequest { preconditions: only(&[2]), ..mine };
    let refused = world.change_against(&mine, &[theirs]).await;
    assert!(matches!(refused, Err(ChangeError::VersionMismatch { version: 3 })), "{refused:?}");
}

#[tokio::test]
async fn a_request_that_races_its_own_retry_is_made_once() {
    let (world, payment_id) = World::with_payment(&[CAPTURE]).await;
    let request = world.request(&payment_id, refund(300));
    let changed = world.change_against(&request, std::slice::from_ref(&request)).await.unwrap();
    assert_eq!(changed.payment.refunded_minor, 300);
    assert_eq!(world.record(&payment_id).payment.refunded_minor, 300);
}

#[tokio::test]
async fn a_change_that_loses_every_race_fails_as_contended() {
    let (world, payment_id) = World::with_payment(&[CAPTURE]).await;
    let others: Vec<_> = (0..4).map(|_| world.request(&payment_id, refund(1))).collect();
    let refused = world.change_against(&world.request(&payment_id, refund(1)), &others).await;
    assert!(matches!(refused, Err(ChangeError::Contended)), "{refused:?}");
    assert_eq!(world.record(&payment_id).payment.refunded_minor, 4);
}

#[tokio::test]
async fn a_change_whose_response_is_lost_is_recognised() {
    let (world, payment_id) = World::with_payment(&[]).await;
    let store = Arc::new(TwiceWritten(world.store.clone()));
    let change = ChangePayment::new(store, world.mode());
    let (refusal, replayed) = refused(change.change(&world.request(&payment_id, refund(1))).await);
    assert_eq!((world.record(&payment_id).refusals, replayed), (vec![refusal], false));
    let request = ChangeRequest { key: None, ..world.request(&payment_id, CAPTURE) };
    let changed = change.change(&request).await.unwrap();
    assert_eq!((changed.payment.version, changed.published), (2, Some(Published::Now)));
}
