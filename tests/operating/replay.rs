//! `paystream replay`.

use paystream_tests::Paystream;
use serde_json::json;

use crate::{copy, paid};

#[tokio::test]
async fn a_replay_rebuilds_the_read_model_of_orders() {
    let paystream = Paystream::start().await;
    let payments = paid(&paystream, 30).await;
    for payment in &payments {
        paystream.lose_copy(payment).await;
    }
    let dry = paystream.command(&["replay", "--dry-run", "--json"]).await.json(0);
    assert_eq!((&dry["sent"], &dry["dry_run"]), (&json!(30), &json!(true)));
    assert_eq!(paystream.item_count("OrdersTable").await, 0, "a dry run changes nothing");
    let text = paystream.command(&["replay", "--rate", "1000"]).await.text(0);
    assert_eq!(text, "published 30 of 30 payments\n");
    for payment in &payments {
        paystream.payment_arrives(payment["order_id"].as_str().unwrap(), payment).await;
    }
    paystream.command(&["reconcile", "--grace", "0"]).await.text(0);
}

#[tokio::test]
async fn a_replay_can_be_limited_to_one_order_or_to_changes_since_a_time() {
    let paystream = Paystream::start().await;
    let payments = paid(&paystream, 4).await;
    let since = payments[2]["updated_at"].as_str().unwrap();
    let report = paystream.command(&["replay", "--since", since, "--json"]).await.json(0);
    assert_eq!((&report["sent"], &report["passed_over"]), (&json!(2), &json!(2)));
    paystream.lose_copy(&payments[0]).await;
    paystream.lose_copy(&payments[1]).await;
    let report = paystream.command(&["replay", "--order-id", "ord-1", "--json"]).await.json(0);
    assert_eq!((&report["sent"], &report["is_complete"]), (&json!(1), &json!(true)));
    paystream.payment_arrives("ord-1", &payments[1]).await;
    assert_eq!(copy(&paystream, &payments[0]).await, None);
}

#[tokio::test]
async fn a_replay_can_resume_after_a_given_payment() {
    let paystream = Paystream::start().await;
    let payments = paid(&paystream, 8).await;
    for payment in &payments {
        paystream.lose_copy(payment).await;
    }
    let all = paystream.command(&["replay", "--rate", "1000", "--dry-run", "--json"]).await.json(0);
    assert_eq!((&all["is_complete"], &all["go_on_after"]), (&json!(true), &json!(null)));
    // Resumes as after a stop at the third payment in scan order: the first three are not published again.
    let third = paystream.payment_ids_as_read().await[2].clone();
    let rest = paystream.command(&["replay", "--after", &third, "--json"]).await.json(0);
    assert_eq!(rest["sent"], 5);
    paystream.command(&["reconcile", "--grace", "0"]).await.text(1);
    let report = paystream.command(&["reconcile", "--grace", "0", "--json"]).await.json(1);
    assert_eq!(report["differences"].as_array().unwrap().len(), 3);
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_stops_a_replay_between_chunks_and_the_report_says_where_to_resume() {
    let paystream = Paystream::start().await;
    let payments = paid(&paystream, 30).await;
    for payment in &payments {
        paystream.lose_copy(payment).await;
    }
    // At one per second, Ctrl-C comes long before the end.
    let replay = ["replay", "--rate", "1", "--json", "--url", paystream.environment().url()];
    let stopped = paystream.command_interrupted(&replay, 1, async |_| paystream.item_count("OrdersTable").await > 0);
    let report = stopped.await.json(1);
    assert_eq!(report["is_complete"], false);
    let sent = report["sent"].as_u64().unwrap();
    assert!(sent < 30, "it did not stop: {report}");
    let after = report["go_on_after"].as_str().unwrap();
    let rest = paystream.command(&["replay", "--rate", "100", "--after", after, "--json"]).await.json(0);
    assert_eq!(rest["sent"].as_u64().unwrap() + sent, 30, "each payment is sent once: {report} {rest}");
    paystream.command(&["reconcile", "--grace", "0", "--repair", "--wait"]).await.text(0);
}

#[tokio::test]
async fn a_replay_ends_incomplete_if_the_stream_rejects_records() {
    let paystream = Paystream::start().await;
    paid(&paystream, 2).await;
    let name = paystream.environment().physical_name("PaymentStream").unwrap().to_owned();
    let (payments, wrong) = ("PaymentsTable", format!("{name}-is-not-this"));
    let arguments = ["replay", "--json", "--payments-table", payments, "--payment-stream", &wrong];
    let report = paystream.command_as_on_aws(&arguments, &[]).await.json(1);
    assert_eq!((&report["sent"], &report["is_complete"]), (&json!(0), &json!(false)));
    assert_eq!(report["not_sent"].as_array().unwrap().len(), 2, "{report}");
}
