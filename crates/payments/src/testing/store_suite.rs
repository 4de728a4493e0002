//! Test suite for every adapter of the store ports.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

use payment_events::{Decline, Money, PaymentId, PaymentStatus, Timestamp};

use crate::{
    Action, Begun, Caller, Change, IllegalTransition, Lease, Outbox, Outcome, PAGE_MAX, PaymentQueries, PaymentRecord,
    PaymentRequest, PaymentStore, PaymentsPage, Refusal, Replaced, RequestKey, Status, Step, StepError,
};

/// Runs all checks against one store, which may already hold other payments.
pub async fn check<S: PaymentStore + PaymentQueries + Outbox>(store: &S) {
    a_payment_is_begun_once(store).await;
    only_the_lease_holder_may_replace(store).await;
    a_version_is_replaced_once(store).await;
    a_refusal_is_stored_and_nothing_else_changes(store).await;
    refusals_and_changes_never_lose_each_other(store).await;
    a_missing_record_is_not_replaced(store).await;
    every_field_round_trips(store).await;
    the_position_is_raised_and_never_lowered(store).await;
    payments_are_found_by_order_in_pages(store).await;
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
    let lease = Lease { until: at.plus_ms(10_000), attempt: 1, holder: RequestKey::random() };
    PaymentRecord::begin(request, request.payment_id().unwrap(), lease, at)
}

fn after(record: &PaymentRecord, action: Action) -> PaymentRecord {
    let step = Step { key: RequestKey::random(), action, at: record.payment.updated_at.plus_ms(17) };
    record.after(step, record.payment.trace_parent.clone()).unwrap()
}

fn authorized(record: &PaymentRecord) -> PaymentRecord {
    after(record, Action::Decide(Outcome::Approved))
}

async fn stored(store: &impl PaymentStore, record: &PaymentRecord) -> PaymentRecord {
    store.load(&record.payment.payment_id).await.unwrap().unwrap()
}

fn lost(stored: &PaymentRecord) -> Replaced {
    Replaced::Lost(Box::new(stored.clone()))
}

async fn a_payment_is_begun_once(store: &impl PaymentStore) {
    let first = processing(&request("suite-begin", "suite-begin"));
    assert_eq!(store.begin(&first).await.unwrap(), Begun::New);
    let second = processing(&PaymentRequest { order_id: "other".parse().unwrap(), ..request("x", "suite-begin") });
    assert_eq!(store.begin(&second).await.unwrap(), Begun::Known(Box::new(first.clone())));
    assert_eq!(stored(store, &first).await, first);
}

async fn only_the_lease_holder_may_replace(store: &impl PaymentStore) {
    let first = processing(&request("suite-lease", "suite-lease"));
    store.begin(&first).await.unwrap();
    let lease = Lease { attempt: 2, holder: RequestKey::random(), ..first.lease.clone() };
    let taken_over = PaymentRecord { lease, ..first.clone() };
    assert_eq!(store.replace(&first, &taken_over).await.unwrap(), Replaced::Done);
    let late = store.replace(&first, &authorized(&first)).await.unwrap();
    assert_eq!(late, lost(&taken_over), "the first attempt no longer holds the lease");
    assert_eq!(stored(store, &first).await, taken_over);
}

async fn a_version_is_replaced_once(store: &impl PaymentStore) {
    let first = processing(&request("suite-version", "suite-version"));
    store.begin(&first).await.unwrap();
    let second = authorized(&first);
    assert_eq!(store.replace(&first, &second).await.unwrap(), Replaced::Done);
    assert_eq!(store.replace(&first, &second).await.unwrap(), lost(&second));
    let (voided, captured) = (Action::Change(Change::Void), Action::Change(Change::Capture(None)));
    let (voided, captured) = (after(&second, voided), after(&second, captured));
    assert_eq!(store.replace(&second, &voided).await.unwrap(), Replaced::Done);
    assert_eq!(store.replace(&second, &captured).await.unwrap(), lost(&voided));
    assert_eq!(stored(store, &first).await, voided);
}

/// Returns a refusal for each reason.
fn refusals() -> [Refusal; 4] {
    let (status, eur) = (PaymentStatus::Captured, "EUR".parse().unwrap());
    let requested = |currency| Some(Money::new(i64::MAX, currency).unwrap());
    let from = Status::Public(status);
    [
        (Change::Void, IllegalTransition::Status { from, to: PaymentStatus::Voided }.into()),
        (Change::Capture(requested(eur)), IllegalTransition::Amount { available_minor: i64::MAX - 1 }.into()),
        (Change::Refund(requested("USD".parse().unwrap())), IllegalTransition::Currency { currency: eur }.into()),
        (Change::Refund(None), StepError::TooMany),
    ]
    .map(|(change, reason)| Refusal { key: RequestKey::random(), change, status, reason })
}

async fn a_refusal_is_stored_and_nothing_else_changes<S: PaymentStore + Outbox>(store: &S) {
    let first = processing(&request("suite-refusal", "suite-refusal"));
    store.begin(&first).await.unwrap();
    let decided = authorized(&first);
    store.replace(&first, &decided).await.unwrap();
    store.raise_position(&first.payment.payment_id, 1).await.unwrap();
    let mut expected = PaymentRecord { published_version: 1, ..decided };
    for refusal in refusals() {
        // As read before the position was raised, which must not be set back.
        let known = PaymentRecord { published_version: 0, ..expected.clone() };
        assert_eq!(store.refuse(&known, &refusal).await.unwrap(), Replaced::Done);
        expected.refusals.push(refusal.clone());
        assert_eq!(stored(store, &first).await, expected);
        assert_eq!(store.refuse(&known, &refusal).await.unwrap(), lost(&expected), "sent again");
    }
    let changed = after(&expected, Action::Change(Change::Void));
    assert_eq!(store.replace(&expected, &changed).await.unwrap(), Replaced::Done);
    assert_eq!(stored(store, &first).await, changed, "a change keeps the refusals");
}

async fn refusals_and_changes_never_lose_each_other(store: &impl PaymentStore) {
    let [one, other, ..] = refusals();
    let first = processing(&request("suite-races", "suite-races"));
    store.begin(&first).await.unwrap();
    let decided = authorized(&first);
    store.replace(&first, &decided).await.unwrap();
    let (captured, voided) = (Action::Change(Change::Capture(None)), Action::Change(Change::Void));
    let (captured, voided) = (after(&decided, captured), after(&decided, voided));

    // Each write was decided on `decided`, and the refusal comes first.
    assert_eq!(store.refuse(&decided, &one).await.unwrap(), Replaced::Done);
    let refused = PaymentRecord { refusals: vec![one], ..decided.clone() };
    assert_eq!(store.replace(&decided, &captured).await.unwrap(), lost(&refused));
    assert_eq!(store.refuse(&decided, &other).await.unwrap(), lost(&refused));

    // Each write was decided on `refused`, and the change comes first.
    let voided = PaymentRecord { refusals: refused.refusals.clone(), ..voided };
    assert_eq!(store.replace(&refused, &voided).await.unwrap(), Replaced::Done);
    assert_eq!(store.refuse(&refused, &other).await.unwrap(), lost(&voided));
    assert_eq!(stored(store, &first).await, voided);
}

async fn a_missing_record_is_not_replaced(store: &impl PaymentStore) {
    let first = processing(&request("suite-absent", "suite-absent"));
    assert_eq!(store.replace(&first, &authorized(&first)).await.unwrap(), Replaced::Missing);
    assert_eq!(store.refuse(&first, &refusals()[0]).await.unwrap(), Replaced::Missing);
    assert_eq!(store.load(&first.payment.payment_id).await.unwrap(), None);
}

async fn every_field_round_trips<S: PaymentStore + PaymentQueries>(store: &S) {
    let decline = Decline { code: "expired_card".to_owned(), message: "The card has expired.".to_owned() };
    let part = |minor| Some(Money::new(minor, "EUR".parse().unwrap()).unwrap());
    let refunds = [Change::Capture(part(1_000)), Change::Refund(part(300)), Change::Refund(None)];
    for (key, caller, outcome, changes) in [
        ("suite-declined", None, Outcome::Declined(decline), &[][..]),
        ("suite-voided", Some("client-7@clients"), Outcome::Approved, &[Change::Void][..]),
        ("suite-refunded", Some("arn:aws:iam::123456789012:user/anna"), Outcome::Approved, &refunds[..]),
    ] {
        let request = PaymentRequest { caller: Caller::named(caller), ..request(key, key) };
        let mut record = processing(&request);
        store.begin(&record).await.unwrap();
        let abandoned = PaymentRecord {
            is_abandoned: true,
            lease: Lease { holder: RequestKey::random(), ..record.lease.clone() },
            ..record.clone()
        };
        assert_eq!(store.replace(&record, &abandoned).await.unwrap(), Replaced::Done);
        assert_eq!(stored(store, &record).await, abandoned);
        record = abandoned;
        for action in [Action::Decide(outcome)].into_iter().chain(changes.iter().copied().map(Action::Change)) {
            let next = after(&record, action);
            assert_eq!(store.replace(&record, &next).await.unwrap(), Replaced::Done);
            record = next;
        }
        assert_eq!(stored(store, &record).await, record);
        let payment_id = &record.payment.payment_id;
        assert_eq!(store.find(payment_id).await.unwrap().as_ref(), Some(&record.payment));
        let page = store.find_by_order(&record.payment.order_id, None, 1).await.unwrap();
        assert_eq!(record.payment.made_by, request.caller);
        assert_eq!(page.payments, [record.payment]);
    }
    assert_eq!(store.find(&"pay_none".parse().unwrap()).await.unwrap(), None);
}

async fn the_position_is_raised_and_never_lowered<S: PaymentStore + Outbox>(store: &S) {
    let first = processing(&request("suite-position", "suite-position"));
    store.begin(&first).await.unwrap();
    let payment_id = &first.payment.payment_id;
    let mut record = first.clone();
    for action in [Action::Decide(Outcome::Approved), Action::Change(Change::Capture(None))] {
        let next = after(&record, action);
        store.replace(&record, &next).await.unwrap();
        record = next;
    }
    assert_eq!(stored(store, &first).await.published_version, 0, "a write raises no position");
    // Each call, and the position after it. The payment has version 2.
    for (version, position) in [(3, 0), (0, 0), (1, 1), (1, 1), (2, 2), (1, 2), (3, 2)] {
        store.raise_position(payment_id, version).await.unwrap();
        let expected = PaymentRecord { published_version: position, ..record.clone() };
        assert_eq!(stored(store, &first).await, expected, "raised to {version}");
    }
    // A change that was decided on the item of before writes that item's position.
    let refunded =
        after(&PaymentRecord { published_version: 1, ..record.clone() }, Action::Change(Change::Refund(None)));
    assert_eq!(store.replace(&record, &refunded).await.unwrap(), Replaced::Done);
    assert_eq!(stored(store, &first).await.published_version, 1);
    let erased = "pay_none".parse().unwrap();
    store.raise_position(&erased, 1).await.unwrap();
    assert_eq!(store.load(&erased).await.unwrap(), None, "a raise does not bring an erased payment back");
}

async fn payments_are_found_by_order_in_pages<S: PaymentStore + PaymentQueries>(store: &S) {
    let order_id = "suite-by-order".parse().unwrap();
    let made = async |n: u64| {
        let record = processing(&request("suite-by-order", &format!("suite-by-order-{n}")));
        store.begin(&record).await.unwrap();
        record.payment
    };
    let mut expected = Vec::new();
    for n in 0..130 {
        expected.push(made(n).await);
    }
    expected.sort_by(|a, b| a.payment_id.cmp(&b.payment_id));
    let page = async |after: Option<&PaymentId>, limit| store.find_by_order(&order_id, after, limit).await.unwrap();
    for (limit, sizes) in [(PAGE_MAX, &[100, 30][..]), (usize::MAX, &[100, 30]), (65, &[65, 65]), (50, &[50, 50, 30])] {
        let (mut found, mut after, mut found_sizes) = (Vec::new(), None, Vec::new());
        loop {
            let PaymentsPage { payments, next_after } = page(after.as_ref(), limit).await;
            found_sizes.push(payments.len());
            found.extend(payments);
            let Some(next) = next_after else { break };
            after = Some(next);
        }
        assert_eq!((found_sizes.as_slice(), &found), (sizes, &expected), "pages of {limit}");
    }
    // Payments made between two pages neither repeat nor hide an older one.
    let first = page(None, 60).await;
    let mut found = first.payments;
    for n in 130..160 {
        made(n).await;
    }
    let mut after = first.next_after;
    while let Some(next) = &after {
        let PaymentsPage { payments, next_after } = page(Some(next), 60).await;
        found.extend(payments);
        after = next_after;
    }
    assert!(found.is_sorted_by(|a, b| a.payment_id < b.payment_id), "each once, in the order of the ids");
    assert!(expected.iter().all(|payment| found.contains(payment)));
    let none = PaymentsPage { payments: vec![], next_after: None };
    assert_eq!(store.find_by_order(&"suite-none".parse().unwrap(), None, 1).await.unwrap(), none);
    let last = found.last().map(|payment| payment.payment_id.clone());
    assert_eq!(page(last.as_ref(), 1).await, none, "after the last one");
}
