//! Changes of a payment, their keys and preconditions.

use payment_events::PaymentStatus;
use payments::{
    Access, Caller, Change, ChangeError, ChangeRequest, Changed, Preconditions, Published, RequestKey, Status,
    StepError, Versions,
};

use crate::support::{CAPTURE, World, only, refund, refused};

#[tokio::test]
async fn each_change_is_stored_published_and_unmarked() {
    let (world, payment_id) = World::with_payment(&[CAPTURE, refund(300), Change::Refund(None)]).await;
    let record = world.record(&payment_id);
    assert_eq!(record.payment.status, Status::Public(PaymentStatus::Refunded));
    assert_eq!((record.payment.version, record.published_version), (4, 4));
    let published: Vec<_> = world.publisher.published().iter().map(|event| event.payment().version).collect();
    assert_eq!(published, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_repeated_request_gets_its_first_result_and_changes_nothing() {
    let (world, payment_id) = World::with_payment(&[CAPTURE]).await;
    let request = world.request(&payment_id, refund(300));
    let first = world.change(&request).await.unwrap();
    world.change(&world.request(&payment_id, refund(200))).await.unwrap();
    let again = world.change(&ChangeRequest { preconditions: only(&[2]), ..request }).await.unwrap();
    assert_eq!(again, Changed { published: None, ..first });
    assert_eq!(world.record(&payment_id).payment.refunded_minor, 500);
}

#[tokio::test]
async fn a_key_is_valid_for_one_change_only() {
    let (world, payment_id) = World::with_payment(&[CAPTURE]).await;
    let request = world.request(&payment_id, refund(300));
    world.change(&request).await.unwrap();
    for other in [refund(301), Change::Refund(None), CAPTURE, Change::Void] {
        let reused = world.change(&ChangeRequest { change: other, ..request.clone() }).await;
        assert!(matches!(reused, Err(ChangeError::KeyReused)), "{other:?}: {reused:?}");
    }
    assert_eq!(world.record(&payment_id).payment.refunded_minor, 300);
}

#[test]
fn keys_of_different_callers_and_payments_never_collide() {
    let (mine, theirs) = (Caller::named(Some("me")), Caller::named(Some("them")));
    let (a, b) = ("pay_a".parse().unwrap(), "pay_b".parse().unwrap());
    let key = "key-1".parse().unwrap();
    assert_eq!(RequestKey::given(&mine, &a, &key), RequestKey::given(&mine, &a, &key));
    assert_ne!(RequestKey::given(&mine, &a, &key), RequestKey::given(&theirs, &a, &key));
    assert_ne!(RequestKey::given(&mine, &a, &key), RequestKey::given(&mine, &b, &key));
    assert_ne!(RequestKey::random(), RequestKey::random());
}

#[tokio::test]
async fn only_a_caller_with_access_to_the_payment_changes_it() {
    let (world, payment_id) = World::with_payment(&[]).await;
    let mut record = world.store.record(&payment_id).unwrap();
    record.payment.made_by = Caller::named(Some("client-7"));
    world.store.seed(record);
    let request_of = |caller| {
        let access = Access::MadeBy(Caller::named(caller));
        ChangeRequest { access, ..world.request(&payment_id, CAPTURE) }
    };
    for other in [Some("client-8"), None] {
        let refused = world.change(&request_of(other)).await;
        assert!(matches!(refused, Err(ChangeError::NotAccessible)), "{refused:?}");
    }
    let captured = world.change(&request_of(Some("client-7"))).await.unwrap();
    assert_eq!(captured.payment.made_by, Caller::named(Some("client-7")));
    let refund = world.request(&payment_id, Change::Refund(None));
    assert_eq!(world.change(&refund).await.unwrap().payment.version, 3, "with access to every payment");
    let event = format!("{:?}", world.publisher.published());
    assert!(!event.contains("client-7"), "the caller is in no event: {event}");
}

#[tokio::test]
async fn only_the_versions_that_the_caller_allows_are_changed() {
    let (world, payment_id) = World::with_payment(&[CAPTURE]).await;
    let request = world.request(&payment_id, refund(300));
    for versions in [vec![], vec![1], vec![3]] {
        let refused = world.change(&ChangeRequest { preconditions: only(&versions), ..request.clone() }).await;
        assert!(matches!(refused, Err(ChangeError::VersionMismatch { version: 2 })), "{refused:?}");
    }
    world.change(&ChangeRequest { preconditions: only(&[1, 2]), ..request }).await.unwrap();
}

#[tokio::test]
async fn a_version_that_the_caller_excludes_is_not_changed() {
    let (world, payment_id) = World::with_payment(&[CAPTURE]).await;
    let request = world.request(&payment_id, refund(300));
    let except = |except| Preconditions { except, ..Preconditions::default() };
    for excluded in [Versions::All, Versions::Listed(vec![1, 2])] {
        let refused = world.change(&ChangeRequest { preconditions: except(excluded), ..request.clone() }).await;
        assert!(matches!(refused, Err(ChangeError::VersionMismatch { version: 2 })), "{refused:?}");
    }
    let others = except(Versions::Listed(vec![1, 3]));
    world.change(&ChangeRequest { preconditions: others, ..request }).await.unwrap();
}

#[tokio::test]
async fn everything_that_is_left_after_100_refunds_is_refundable() {
    let (world, payment_id) = World::with_payment(&[CAPTURE]).await;
    for _ in 0..100 {
        world.change(&world.request(&payment_id, refund(1))).await.unwrap();
    }
    assert_eq!(refused(world.change(&world.request(&payment_id, refund(1))).await).0.reason, StepError::TooMany);
    let rest = world.change(&world.request(&payment_id, Change::Refund(None))).await.unwrap();
    assert_eq!((rest.payment.refunded_minor, rest.payment.version), (1_000, 103));
}

#[tokio::test]
async fn a_change_is_made_while_the_stream_is_down() {
    let (world, payment_id) = World::with_payment(&[]).await;
    world.publisher.fail_for("ord-1");
    let changed = world.change(&world.request(&payment_id, CAPTURE)).await.unwrap();
    assert_eq!(changed.published, Some(Published::Deferred));
    assert!(world.record(&payment_id).is_due(), "the version is left to the relay");
}
