//! Payments that nobody decided: `paystream reconcile`, and redrives of what `payment-recovery` left.

use payment_events::{PaymentId, Timestamp};
use payments::{Lease, PaymentRecord, PaymentStore, Replaced};
use paystream_local::{Effect, Fault, FaultTarget};
use paystream_tests::{Paystream, eur, payment_body};
use serde_json::{Value, json};

use crate::failures::{failed_batches, inject, without_retries_and_with};

/// Parameters with a recovery that does not let tests wait.
const PARAMETERS: [(&str, &str); 3] =
    [("PaymentLeaseMs", "200"), ("RecoveryWindowSeconds", "0"), ("RecoveryDelaySeconds", "0")];

/// A payment whose request died before it called the processor, whose lease ended an hour ago, and whose images the mapping
/// of the recovery has given up: it is processing, and nothing is about to decide it. Everything works again.
async fn given_up() -> (Paystream, PaymentId) {
    let paystream = without_retries_and_with(&PARAMETERS).await;
    let authorize = Fault::new(FaultTarget::DynamoDb, Effect::kill_before()).operation("PutItem").from("PaymentApi");
    paystream.inject(authorize.skip(1).count(1));
    inject(&paystream, json!({"target": "PaymentRecovery", "effect": {"error": {"code": "Broken"}}}));
    let died = paystream.post_once("/payments", "key-1", &payment_body("ord-1", &eur(1299), "tok_approve")).await;
    assert_eq!(died.status, 502, "the client gets no response");
    failed_batches(&paystream, 1).await;

    let payments = paystream.get("/payments?order_id=ord-1").await.expect(200);
    let payment_id: PaymentId = payments["payments"][0]["payment_id"].as_str().unwrap().parse().unwrap();
    let table = paystream.payments_table();
    let begun = table.load(&payment_id).await.unwrap().unwrap();
    let an_hour_ago = Timestamp::from_unix_ms(Timestamp::now().unix_ms() - 3_600_000).unwrap();
    let lease = Lease { until: an_hour_ago, ..begun.lease.clone() };
    let replaced = table.replace(&begun, &PaymentRecord { lease, ..begun.clone() }).await.unwrap();
    assert_eq!(replaced, Replaced::Done);
    failed_batches(&paystream, 2).await;
    paystream.heal();
    (paystream, payment_id)
}

/// The payment, as soon as it is declined because the processor does not know it.
async fn is_recovered(paystream: &Paystream, payment_id: &PaymentId) -> Value {
    let payment = Paystream::eventually("the payment is decided", async || {
        let payment = paystream.get(&format!("/payments/{payment_id}")).await.expect(200);
        (payment["status"] != "processing").then_some(payment)
    })
    .await;
    assert_eq!((&payment["status"], &payment["decline"]["code"]), (&json!("declined"), &json!("not_completed")));
    payment
}

#[tokio::test]
async fn an_undecided_payment_is_listed_and_decided_by_a_repair() {
    let (paystream, payment_id) = given_up().await;
    let now = ["reconcile", "--grace", "0", "--json"];
    let found = paystream.command(&now).await.json(1);
    assert_eq!(found["differences"][0]["class"], "undecided", "{found}");
    assert_eq!((&found["differences"][0]["payment_id"], &found["agrees"]), (&json!(payment_id), &json!(false)));
    let text = paystream.command(&["reconcile", "--grace", "0"]).await.text(1);
    let line = format!("  {payment_id} of order ord-1: Payments v0, Orders none, changed ");
    assert!(text.contains("1 undecided: ") && text.contains(&line), "{text}");
    assert!(
        text.ends_with("`paystream reconcile --repair` sends undecided payments to payment-recovery again\n"),
        "{text}"
    );

    let planned = paystream.command(&[&now[..], &["--repair", "--dry-run"]].concat()).await.json(1);
    assert_eq!(planned["repair"]["recoveries"], json!([payment_id]));
    assert_eq!(paystream.command(&now).await.json(1)["differences"], found["differences"], "a dry run changes nothing");

    let text = paystream.command(&["reconcile", "--grace", "0", "--repair", "--wait=120"]).await.text(0);
    assert!(text.contains("sent 1 undecided payment to payment-recovery, which decided all of them\n"), "{text}");
    let payment = is_recovered(&paystream, &payment_id).await;
    paystream.payment_arrives("ord-1", &payment).await;
    assert_eq!(paystream.command(&now).await.json(0)["agrees"], true);
}

#[tokio::test]
async fn a_redrive_of_the_batch_that_the_recovery_gave_up_decides_its_payment() {
    let (paystream, payment_id) = given_up().await;
    let planned = paystream.command(&["failures", "redrive", "--all", "--dry-run", "--json"]).await.json(0);
    assert_eq!(planned["failures"][0]["recovering"], 1, "{planned}");
    let batch = planned["failures"][0]["id"].as_str().unwrap();
    let sent = paystream.command(&["failures", "redrive", batch, "--json"]).await.json(0);
    let failure = &sent["failures"][0];
    assert_eq!((&failure["recovering"], &failure["is_closed"]), (&json!(1), &json!(true)));
    assert_eq!(failure["outcomes"], json!([{"id": payment_id, "outcome": "recovering"}]));
    let payment = is_recovered(&paystream, &payment_id).await;
    paystream.payment_arrives("ord-1", &payment).await;
    // The other batch has the same payment, which is decided now.
    paystream.command(&["failures", "redrive", "--all"]).await.text(0);
    assert_eq!(paystream.command(&["failures", "list"]).await.text(0), "0 failures with 0 records\n");
}

#[tokio::test]
async fn a_redrive_of_the_image_that_the_recovery_quarantined_decides_its_payment() {
    let (paystream, payment_id) = given_up().await;
    let id = format!("payments-table#7:{payment_id}");
    paystream.put_in_quarantine_of("PaymentsQuarantineTable", &id, payment_id.as_str(), b"{}").await;
    let text = paystream.command(&["quarantine", "redrive", &id]).await.text(0);
    assert_eq!(text, format!("redrove 1 record: 1 recovering\n  {id}: recovering\n"));
    let payment = is_recovered(&paystream, &payment_id).await;
    paystream.payment_arrives("ord-1", &payment).await;
    assert_eq!(paystream.command(&["quarantine", "list"]).await.text(0), "0 records in quarantine\n");
}
