//! Refused changes.

use payment_events::PaymentStatus;
use payments::{Change, ChangeError, ChangeRequest, IllegalTransition, PaymentRecord, REFUSALS_MAX, Refusal};

use crate::support::{CAPTURE, World, only, refund, refused};

#[tokio::test]
async fn an_impossible_change_reports_the_status_and_changes_nothing_but_its_refusal() {
    let (world, payment_id) = World::with_payment(&[CAPTURE, refund(300)]).await;
    let before = world.record(&payment_id);
    let mut refusals = Vec::new();
    for (change, reason) in [
        (CAPTURE, IllegalTransition::Status { from: before.payment.status, to: PaymentStatus::Captured }),
        (Change::Void, IllegalTransition::Status { from: before.payment.status, to: PaymentStatus::Voided }),
        (refund(701), IllegalTransition::Amount { available_minor: 700 }),
    ] {
        let request = world.request(&payment_id, change);
        let (refusal, replayed) = refused(world.change(&request).await);
        let key = request.key.unwrap();
        assert_eq!(refusal, Refusal { key, change, status: PaymentStatus::Captured, reason: reason.into() });
        assert!(!replayed);
        refusals.push(refusal);
    }
    assert_eq!(world.record(&payment_id), PaymentRecord { refusals, ..before });
    let unknown = world.change(&world.request(&"pay_none".parse().unwrap(), CAPTURE)).await;
    assert!(matches!(unknown, Err(ChangeError::NotFound)));
}

#[tokio::test]
async fn a_refused_request_never_takes_effect_later() {
    let (world, payment_id) = World::with_payment(&[]).await;
    let early = world.request(&payment_id, refund(300));
    let (refusal, _) = refused(world.change(&early).await);
    world.change(&world.request(&payment_id, CAPTURE)).await.unwrap();
    assert_eq!(refused(world.change(&early).await), (refusal.clone(), true));
    let stale = ChangeRequest { preconditions: only(&[7]), ..early.clone() };
    assert_eq!(refused(world.change(&stale).await), (refusal, true), "a repeat wins over preconditions");
    let other = world.change(&ChangeRequest { change: refund(301), ..early }).await;
    assert!(matches!(other, Err(ChangeError::KeyReused)), "{other:?}");
    assert_eq!(world.record(&payment_id).payment.refunded_minor, 0);
}

#[tokio::test]
async fn a_refused_request_without_a_key_stores_nothing() {
    let (world, payment_id) = World::with_payment(&[CAPTURE]).await;
    let before = world.record(&payment_id);
    refused(world.change(&ChangeRequest { key: None, ..world.request(&payment_id, Change::Void) }).await);
    assert_eq!(world.record(&payment_id), before);
}

#[tokio::test]
async fn unmet_preconditions_bind_no_key() {
    let (world, payment_id) = World::with_payment(&[CAPTURE]).await;
    let request = world.request(&payment_id, Change::Void);
    let unmet = world.change(&ChangeRequest { preconditions: only(&[1]), ..request.clone() }).await;
    assert!(matches!(unmet, Err(ChangeError::VersionMismatch { version: 2 })));
    assert_eq!(world.record(&payment_id).refusals, []);
    world.change(&ChangeRequest { change: refund(1), ..request }).await.unwrap();
}

#[tokio::test]
async fn refusals_are_bounded_and_one_that_is_not_stored_is_not_reported_as_one() {
    let (world, payment_id) = World::with_payment(&[]).await;
    for _ in 0..REFUSALS_MAX {
        refused(world.change(&world.request(&payment_id, refund(1))).await);
    }
    let late = world.request(&payment_id, refund(1));
    assert!(matches!(world.change(&late).await, Err(ChangeError::TooManyRefusals)));
    assert_eq!(world.record(&payment_id).refusals.len(), REFUSALS_MAX);
    // The change is still possible once the state allows it.
    world.change(&world.request(&payment_id, CAPTURE)).await.unwrap();
    world.change(&late).await.unwrap();
}

#[tokio::test]
async fn a_refusal_that_loses_to_a_change_is_decided_again() {
    let (world, payment_id) = World::with_payment(&[]).await;
    let (early, capture) = (world.request(&payment_id, refund(300)), world.request(&payment_id, CAPTURE));
    let changed = world.change_against(&early, &[capture]).await.unwrap();
    assert_eq!((changed.payment.refunded_minor, changed.payment.version), (300, 3));
}

#[tokio::test]
async fn a_change_that_loses_to_a_refusal_keeps_it() {
    let (world, payment_id) = World::with_payment(&[]).await;
    let (capture, early) = (world.request(&payment_id, CAPTURE), world.request(&payment_id, refund(300)));
    world.change_against(&capture, std::slice::from_ref(&early)).await.unwrap();
    let (_, is_replayed) = refused(world.change(&early).await);
    assert!(is_replayed);
    assert_eq!(world.record(&payment_id).payment.refunded_minor, 0);
}

#[tokio::test]
async fn a_payment_that_is_not_decided_is_in_progress_and_binds_no_key() {
    let world = World::default();
    let payment_id = world.processing("key-1");
    let request = world.request(&payment_id, CAPTURE);
    assert!(matches!(world.change(&request).await, Err(ChangeError::InProgress)));
    assert_eq!(world.record(&payment_id).refusals, []);
}
