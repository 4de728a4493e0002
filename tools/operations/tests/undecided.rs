//! Payments that are still processing: found by a comparison, and put on the change stream again.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::time::Duration;

use payment_events::{Money, Timestamp};
use payments::{Action, Caller, Lease, Outcome, PaymentRecord, PaymentRequest, PaymentStore, RequestKey, Step};
use payments_aws::PaymentsTable;
use paystream_operations::quarantine::redrive;
use paystream_operations::{DifferenceClass, Reconcile, RecordOutcome, Stack, UNDECIDED_AFTER_MS, unwatched};
use quarantine::{Quarantine, QuarantineTable, QuarantinedRecord, Reason, RecordId};
use support::stack_on_emulators;

const MINUTE_MS: u64 = 60_000;

struct System {
    stack: Stack,
    table: PaymentsTable,
    quarantine: QuarantineTable,
}

impl System {
    async fn start() -> Self {
        let (stack, client) = stack_on_emulators().await;
        Self {
            stack,
            table: PaymentsTable::new(client.clone(), "PaymentsTable"),
            quarantine: QuarantineTable::new(client, "PaymentsQuarantineTable"),
        }
    }

    /// A payment that is processing, began an hour ago, and whose lease ends at this time.
    async fn begin(&self, order_id: &str, lease_until: Timestamp) -> PaymentRecord {
        let request = PaymentRequest {
            caller: Caller::named(None),
            key: order_id.parse().unwrap(),
            order_id: order_id.parse().unwrap(),
            amount: Money::new(1299, "EUR".parse().unwrap()).unwrap(),
            token: "tok_approve".parse().unwrap(),
            trace_parent: None,
        };
        let lease = Lease { until: lease_until, attempt: 1, holder: RequestKey::random() };
        let begun = PaymentRecord::begin(&request, request.payment_id().unwrap(), lease, before(60 * MINUTE_MS));
        self.table.begin(&begun).await.unwrap();
        begun
    }

    async fn stored(&self, record: &PaymentRecord) -> PaymentRecord {
        self.table.load(&record.payment.payment_id).await.unwrap().unwrap()
    }

    /// Quarantines an image of the payment, as `payment-recovery` does, and redrives it.
    async fn redrive_image(&self, record: &PaymentRecord) -> (RecordId, RecordOutcome) {
        let payment_id = &record.payment.payment_id;
        let id = RecordId::new(RecordId::PAYMENTS_TABLE, &format!("7:{payment_id}"));
        let image = QuarantinedRecord {
            id: id.clone(),
            reason: Reason::new("the payment could not be recovered"),
            partition_key: payment_id.to_string(),
            data: b"{}".to_vec(),
            arrived_at: Timestamp::now(),
            quarantined_at: Timestamp::now(),
        };
        self.quarantine.store(&image).await.unwrap();
        let redriven = redrive(&self.stack, std::slice::from_ref(&id), Duration::ZERO, &unwatched).await;
        (id, redriven.unwrap().pop().unwrap().outcome)
    }

    async fn is_quarantined(&self, id: &RecordId) -> bool {
        self.stack.quarantine_of(id).unwrap().load(id).await.unwrap().is_some()
    }
}

fn before(ms: u64) -> Timestamp {
    Timestamp::from_unix_ms(Timestamp::now().unix_ms() - i64::try_from(ms).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_whose_lease_ended_long_ago_are_undecided_and_put_on_the_change_stream_again() {
    let system = System::start().await;
    let undecided = system.begin("undecided", before(UNDECIDED_AFTER_MS + MINUTE_MS)).await;
    let recent = system.begin("recent", before(UNDECIDED_AFTER_MS - MINUTE_MS)).await;
    let running = system.begin("running", Timestamp::now().plus_ms(MINUTE_MS)).await;
    // A clock ahead by years wrote this lease. The payment began an hour ago.
    let ahead = system.begin("ahead", Timestamp::now().plus_ms(1_000_000 * MINUTE_MS)).await;

    let reconcile = Reconcile::new(&system.stack, 0);
    let found = reconcile.compare(&unwatched).await.unwrap();
    let classes: Vec<_> = found.differences.iter().map(|found| (found.order_id.as_str(), found.class)).collect();
    assert_eq!(classes, [("ahead", DifferenceClass::Undecided), ("undecided", DifferenceClass::Undecided)]);
    assert_eq!((found.agrees(), found.seen.processing, found.is_beyond_repair(false)), (false, 2, false));
    let ids = [&ahead, &undecided].map(|record| record.payment.payment_id.clone());
    assert_eq!((found.plan(false).recoveries, found.plan(false).copies_deleted), (ids.to_vec(), vec![]));

    let begun_at = Timestamp::now();
    let repaired = reconcile.repair(&found, false, &unwatched).await.unwrap();
    assert_eq!((&repaired.recoveries[..], repaired.is_complete()), (&ids[..], true));
    assert_eq!((repaired.copies_deleted, repaired.payments.sent), (vec![], vec![]));
    for record in [&ahead, &undecided] {
        let stored = system.stored(record).await;
        assert!(stored.lease.until >= begun_at && stored.lease.until <= Timestamp::now(), "{:?}", stored.lease);
        let lease = record.lease.clone();
        assert_eq!(PaymentRecord { lease, ..stored.clone() }, *record, "nothing else has changed");
        assert_eq!(stored.lease.holder, record.lease.holder, "the interrupted request may still decide the payment");
    }
    for record in [&recent, &running] {
        assert_eq!(system.stored(record).await, *record, "left alone");
    }
    let waiting = reconcile.compare(&unwatched).await.unwrap();
    assert_eq!((waiting.agrees(), waiting.seen.processing), (true, 4), "the recovery has time again");
    let left = reconcile.wait_for_decisions(&ids, Duration::ZERO).await.unwrap();
    assert_eq!(left, ids, "nothing decides them here");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_was_decided_since_the_comparison_is_left_alone() {
    let system = System::start().await;
    let begun = system.begin("ord-1", before(UNDECIDED_AFTER_MS * 2)).await;
    let reconcile = Reconcile::new(&system.stack, 0);
    let found = reconcile.compare(&unwatched).await.unwrap();
    let step = Step { key: RequestKey::random(), action: Action::Decide(Outcome::Approved), at: Timestamp::now() };
    let decided = begun.after(step, None).unwrap();
    system.table.replace(&begun, &decided).await.unwrap();
    reconcile.repair(&found, false, &unwatched).await.unwrap();
    assert_eq!(system.stored(&begun).await, decided);
    let left = reconcile.wait_for_decisions(&[begun.payment.payment_id], Duration::ZERO).await.unwrap();
    assert_eq!(left, []);
}

/// Nothing of a payment that is processing can be published, so that its image looked as if it were published.
#[tokio::test(flavor = "multi_thread")]
async fn a_redriven_image_of_a_payment_that_is_processing_goes_to_the_recovery() {
    let system = System::start().await;
    let given_up = system.begin("given-up", before(MINUTE_MS)).await;
    let begun_at = Timestamp::now();
    let (id, outcome) = system.redrive_image(&given_up).await;
    assert_eq!((outcome, system.is_quarantined(&id).await), (RecordOutcome::Recovering, false));
    assert!(system.stored(&given_up).await.lease.until >= begun_at, "it is on the change stream again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_stays_in_quarantine_while_a_request_may_be_working_on_its_payment() {
    let system = System::start().await;
    let running = system.begin("running", Timestamp::now().plus_ms(MINUTE_MS)).await;
    let (id, outcome) = system.redrive_image(&running).await;
    assert!(outcome.reason().unwrap().contains("try again after that"), "{outcome:?}");
    assert_eq!((outcome.as_str(), system.is_quarantined(&id).await), ("not_sent", true));
    assert_eq!(system.stored(&running).await, running);
}
