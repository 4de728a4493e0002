//! What every adapter of the store ports must do, as one suite for all of them.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

use payment_events::{Decline, Money, PaymentStatus, Timestamp};

use crate::{
    Begun, Caller, Lease, Outbox, Payment, PaymentQueries, PaymentRecord, PaymentRequest, PaymentStore, Status,
};

/// All the checks, against one store that may hold other payments already.
///
/// `unpublished` tells whether a payment is marked as yet to be published.
pub async fn check<S, U>(store: &S, unpublished: U)
where
    S: PaymentStore + PaymentQueries + Outbox,
    U: AsyncFn(&PaymentRecord) -> bool,
{
    a_payment_is_begun_once(store).await;
    only_the_attempt_that_holds_the_lease_may_replace(store).await;
    a_decided_payment_is_not_replaced(store).await;
    every_field_survives(store).await;
    the_mark_goes_with_its_own_version_only(store, unpublished).await;
    payments_are_found_by_order_oldest_first(store).await;
}

fn request(order_id: &str, key: &str) -> PaymentRequest {
    PaymentRequest {
        caller: Caller::named(None),
        key: key.parse().unwrap(),
        order_id: order_id.parse().unwrap(),
        amount: Money::new(1299, "EUR".parse().unwrap()).unwrap(),
        token: "tok_approve".parse().unwrap(),
        trace_parent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse().unwrap()),
    }
}

fn processing(request: &PaymentRequest) -> PaymentRecord {
    let at = Timestamp::from_unix_ms(1_800_000_000_123).unwrap();
    let payment_id = request.payment_id().unwrap();
    PaymentRecord {
        payment: Payment::begin(payment_id, request.order_id.clone(), request.amount, request.trace_parent.clone(), at),
        fingerprint: request.fingerprint(),
        lease: Lease { until: at.plus_ms(10_000), attempt: 1 },
        unpublished: false,
    }
}

fn authorized(record: &PaymentRecord) -> PaymentRecord {
    let at = record.payment.updated_at.plus_ms(17);
    PaymentRecord { payment: record.payment.clone().authorize(at).unwrap(), unpublished: true, ..record.clone() }
}

/// The stored record, read as a second request under its key would.
async fn stored(store: &impl PaymentStore, record: &PaymentRecord) -> PaymentRecord {
    match store.begin(record).await.unwrap() {
        Begun::Known(known) => *known,
        Begun::New => panic!("the record was not stored"),
    }
}

async fn a_payment_is_begun_once(store: &impl PaymentStore) {
    let first = processing(&request("suite-begin", "suite-begin"));
    assert_eq!(store.begin(&first).await.unwrap(), Begun::New);
    let second = processing(&PaymentRequest { order_id: "other".parse().unwrap(), ..request("x", "suite-begin") });
    assert_eq!(store.begin(&second).await.unwrap(), Begun::Known(Box::new(first.clone())));
    assert_eq!(stored(store, &first).await, first);
}

async fn only_the_attempt_that_holds_the_lease_may_replace(store: &impl PaymentStore) {
    let first = processing(&request("suite-lease", "suite-lease"));
    assert!(!store.replace(1, &first).await.unwrap(), "nothing is there to replace yet");
    store.begin(&first).await.unwrap();
    let taken_over = PaymentRecord { lease: Lease { attempt: 2, ..first.lease }, ..first.clone() };
    assert!(store.replace(1, &taken_over).await.unwrap());
    assert!(!store.replace(1, &authorized(&first)).await.unwrap(), "the first attempt lost its lease");
    assert_eq!(stored(store, &first).await, taken_over);
}

async fn a_decided_payment_is_not_replaced(store: &impl PaymentStore) {
    let first = processing(&request("suite-decided", "suite-decided"));
    store.begin(&first).await.unwrap();
    assert!(store.replace(1, &authorized(&first)).await.unwrap());
    assert!(!store.replace(1, &first).await.unwrap());
    assert_eq!(stored(store, &first).await.payment.status, Status::Public(PaymentStatus::Authorized));
}

async fn every_field_survives<S: PaymentStore + PaymentQueries>(store: &S) {
    let first = processing(&request("suite-fields", "suite-fields"));
    store.begin(&first).await.unwrap();
    let decline = Decline { code: "expired_card".to_owned(), message: "The card has expired.".to_owned() };
    let payment = first.payment.clone().decline(decline, first.payment.updated_at.plus_ms(5)).unwrap();
    let declined = PaymentRecord { payment: payment.clone(), unpublished: true, ..first.clone() };
    assert!(store.replace(1, &declined).await.unwrap());
    assert_eq!(stored(store, &first).await, declined);
    assert_eq!(store.find(&payment.payment_id).await.unwrap(), Some(payment));
    assert_eq!(store.find(&"pay_none".parse().unwrap()).await.unwrap(), None);
}

async fn the_mark_goes_with_its_own_version_only<S, U>(store: &S, unpublished: U)
where
    S: PaymentStore + Outbox,
    U: AsyncFn(&PaymentRecord) -> bool,
{
    let first = processing(&request("suite-mark", "suite-mark"));
    store.begin(&first).await.unwrap();
    let record = authorized(&first);
    store.replace(1, &record).await.unwrap();
    assert!(unpublished(&record).await, "the mark is written together with the state");
    store.mark_published(&record.payment.payment_id, 2).await.unwrap();
    store.mark_published(&record.payment.payment_id, 0).await.unwrap();
    assert!(unpublished(&record).await, "another version's publication clears no mark");
    store.mark_published(&record.payment.payment_id, 1).await.unwrap();
    assert!(!unpublished(&record).await);
    store.mark_published(&record.payment.payment_id, 1).await.unwrap();
    store.mark_published(&"pay_none".parse().unwrap(), 1).await.unwrap();
    assert_eq!(stored(store, &first).await, PaymentRecord { unpublished: false, ..record });
}

async fn payments_are_found_by_order_oldest_first<S: PaymentStore + PaymentQueries>(store: &S) {
    // More than one page of anything, so that paging is seen to work.
    let count: u64 = 130;
    let order_id = "suite-by-order".parse().unwrap();
    let mut expected = Vec::new();
    for n in 0..count {
        let mut record = processing(&request("suite-by-order", &format!("suite-by-order-{n}")));
        record.payment.created_at = record.payment.created_at.plus_ms(n);
        record.payment.updated_at = record.payment.created_at;
        store.begin(&record).await.unwrap();
        expected.push(record.payment);
    }
    assert_eq!(store.find_by_order(&order_id).await.unwrap(), expected);
    assert_eq!(store.find_by_order(&"suite-none".parse().unwrap()).await.unwrap(), vec![]);
}
