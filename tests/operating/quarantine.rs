//! `paystream quarantine`.

use paystream_tests::{Paystream, eur, line, order_body};
use serde_json::{Value, json};

const GARBAGE: &[u8] = b"\xff\xfe no event \x1b[2J";

/// Puts an undecodable record on the stream, waits until it is quarantined, and returns its id.
pub(crate) async fn quarantine(paystream: &Paystream, key: &str, data: &[u8]) -> String {
    let before = paystream.item_count("QuarantineTable").await;
    paystream.put_on_stream(key, data).await;
    Paystream::eventually("the record is quarantined", async || {
        (paystream.item_count("QuarantineTable").await > before).then_some(())
    })
    .await;
    listed(paystream).await[0]["id"].as_str().unwrap().to_owned()
}

async fn listed(paystream: &Paystream) -> Vec<Value> {
    let listed = paystream.command(&["quarantine", "list", "--json"]).await.json(0);
    listed["records"].as_array().unwrap().clone()
}

#[tokio::test]
async fn records_are_listed_newest_first_and_shown_whole() {
    let paystream = Paystream::start().await;
    assert_eq!(paystream.command(&["quarantine", "list"]).await.text(0), "0 records in quarantine\n");
    let first = quarantine(&paystream, "ord-1", GARBAGE).await;
    let second = quarantine(&paystream, "ord-2", b"{}").await;
    let records = listed(&paystream).await;
    let ids: Vec<_> = records.iter().map(|record| record["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [&second, &first]);
    assert_eq!((&records[1]["bytes"], &records[1]["partition_key"]), (&json!(GARBAGE.len()), &json!("ord-1")));

    assert_eq!(paystream.command(&["quarantine", "show", &first, "--raw"]).await.stdout, GARBAGE);
    let shown = paystream.command(&["quarantine", "show", &first]).await.text(0);
    assert!(shown.contains("ff fe 20 6e 6f 20 65 76 65 6e 74 20 1b") && shown.contains(".. no event .[2J"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "an escape sequence reaches the terminal");
    let json = paystream.command(&["quarantine", "show", &first, "--json"]).await.json(0);
    assert_eq!(json["data_base64"], "//4gbm8gZXZlbnQgG1sySg==");
    assert_eq!(paystream.command(&["quarantine", "show", "shardId-9#1"]).await.code, 2);
}

#[tokio::test]
async fn a_record_that_is_decodable_now_arrives_after_a_redrive() {
    let paystream = Paystream::start().await;
    // A valid event in quarantine and no copy in Orders, as an older projector that did not know its type would leave
    // it.
    let id = "shardId-000000000000#77";
    let payment = lost(&paystream, "ord-1", id).await;

    let dry = paystream.command(&["quarantine", "redrive", id, "--dry-run", "--json"]).await.json(0);
    assert_eq!(dry["sent"], json!([id]));
    assert_eq!(listed(&paystream).await.len(), 1, "a dry run changes nothing");
    let text = paystream.command(&["quarantine", "redrive", id]).await.text(0);
    assert_eq!(text, format!("redrove 1 record: 1 projected\n  {id}: projected\n"));
    paystream.payment_arrives("ord-1", &payment).await;
    assert_eq!(listed(&paystream).await, Vec::<Value>::new(), "the record is closed");
    paystream.put_in_quarantine(id, "ord-1", event(&payment).as_bytes()).await;
    let stale = paystream.command(&["quarantine", "redrive", "--all", "--json"]).await.json(0);
    assert_eq!(stale["records"], json!([{"id": id, "outcome": "stale"}]));
    let again = paystream.command(&["quarantine", "redrive", id, "--json"]).await.json(1);
    assert_eq!(again["not_sent"][0]["reason"], "there is no such record in quarantine");
}

/// The ids of these hubs have other parts than those of a stream. Nothing is sent to a broker.
#[tokio::test]
async fn records_of_kafka_and_rabbitmq_are_listed_shown_redriven_and_dropped() {
    let paystream = Paystream::start().await;
    let digest = "N5RDS2YFNNJXGXW7HHQ7XBJNSY";
    for (number, source) in ["kafka:payments-0#42-1795377600123", "rabbitmq:orders.payments#pay_1:1"].iter().enumerate()
    {
        let order_id = format!("ord-{number}");
        let id = format!("{source}-{digest}");
        let payment = lost(&paystream, &order_id, &id).await;
        let order = order_body(&order_id, &[line("tea", 1, &eur(1299))]);
        paystream.post("/orders", &order).await.expect(202);
        let shown = paystream.command(&["quarantine", "show", &id, "--raw"]).await.stdout;
        assert_eq!(String::from_utf8(shown).unwrap(), event(&payment));
        let events = paystream.events_on_stream(1).await.len();
        // A stack of these hubs has no stream.
        let names = ["--quarantine-table", "QuarantineTable", "--orders-table", "OrdersTable"];
        let redrive = [&["quarantine", "redrive", &id, "--json"], &names[..]].concat();
        let report = paystream.command_as_on_aws(&redrive, &[]).await.json(0);
        assert_eq!(report["records"], json!([{"id": id, "outcome": "projected"}]));
        paystream.payment_arrives(&order_id, &payment).await;
        paystream.order_becomes(&order_id, "accepted").await;
        assert_eq!(paystream.events_on_stream(1).await.len(), events, "nothing is sent");
        assert_eq!(listed(&paystream).await, Vec::<Value>::new(), "the record is closed");
        paystream.put_in_quarantine(&id, "", event(&payment).as_bytes()).await;
        let stale = paystream.command(&["quarantine", "redrive", "--all", "--json"]).await.json(0);
        assert_eq!(stale["records"], json!([{"id": id, "outcome": "stale"}]));

        paystream.put_in_quarantine(&id, "", GARBAGE).await;
        let report = paystream.command(&["quarantine", "redrive", "--all", "--json"]).await.json(1);
        assert_eq!(report["records"][0]["outcome"], "still_unreadable", "{report}");
        assert_eq!(listed(&paystream).await[0]["id"], id, "it stays in quarantine");
        let dropped = paystream.command(&["quarantine", "drop", &id, "--yes", "--json"]).await.json(0);
        assert_eq!(dropped["dropped"], json!([id]));
    }
}

#[tokio::test]
async fn a_record_that_is_still_undecodable_returns_to_quarantine_with_the_same_bytes_and_key() {
    let paystream = Paystream::start().await;
    let first = quarantine(&paystream, "ord-1", GARBAGE).await;
    let report = paystream.command(&["quarantine", "redrive", "--all", "--json"]).await.json(1);
    let outcome = &report["records"][0];
    assert_eq!((&outcome["id"], &outcome["outcome"]), (&json!(first), &json!("quarantined_again")));
    let back = listed(&paystream).await;
    let [back] = &back[..] else { panic!("the old copy is still there: {back:?}") };
    let id = back["id"].as_str().unwrap();
    assert_ne!(id, first);
    assert_eq!((&outcome["new_id"], &outcome["reason"]), (&back["id"], &back["reason"]));
    assert_eq!(back["partition_key"], "ord-1");
    assert_eq!(paystream.command(&["quarantine", "show", id, "--raw"]).await.stdout, GARBAGE);
}

/// A payment whose copy Orders lost, and its event in quarantine under this id.
async fn lost(paystream: &Paystream, order_id: &str, id: &str) -> Value {
    let payment = paystream.pay(order_id, &eur(1299), "tok_approve").await;
    paystream.payment_arrives(order_id, &payment).await;
    paystream.lose_copy(&payment).await;
    paystream.put_in_quarantine(id, order_id, event(&payment).as_bytes()).await;
    payment
}

/// The event of an authorized payment.
fn event(payment: &Value) -> String {
    let id = format!("{}:1", payment["payment_id"].as_str().unwrap());
    let kind = "payment.authorized.v1";
    json!({"specversion": "1.0", "id": id, "source": "/payments", "type": kind, "data": payment}).to_string()
}

#[tokio::test]
async fn a_record_whose_outcome_is_not_seen_stays_in_quarantine() {
    let paystream = Paystream::start().await;
    let id = "shardId-000000000000#77";
    let payment = lost(&paystream, "ord-1", id).await;
    paystream
        .inject(serde_json::from_str(r#"{"target":"OrderProjector","effect":{"error":{"code":"Gone"}}}"#).unwrap());
    for flag in ["--no-wait", "--wait-max=0"] {
        let report = paystream.command(&["quarantine", "redrive", "--all", flag, "--json"]).await.json(1);
        assert_eq!((&report["records"][0]["id"], &report["records"][0]["outcome"]), (&json!(id), &json!("unknown")));
        assert_eq!(listed(&paystream).await[0]["id"], id);
    }
    paystream.heal();
    paystream.payment_arrives("ord-1", &payment).await;
    let report = paystream.command(&["quarantine", "redrive", "--all", "--json"]).await.json(0);
    assert_eq!(report["records"], json!([{"id": id, "outcome": "stale"}]));
    assert_eq!(listed(&paystream).await, Vec::<Value>::new());
    let again = paystream.command(&["quarantine", "redrive", "--all", "--json"]).await.json(0);
    assert_eq!(again["records"], json!([]), "a second run resends nothing");
}

#[tokio::test]
async fn an_unsettled_order_is_settled_once_its_item_can_be_decoded() {
    let paystream = Paystream::start().await;
    paystream.post("/orders", &order_body("ord-1", &[line("tea", 1, &eur(1299))])).await.expect(202);
    paystream.change_order_item("ord-1", "order", "SET customer_id = :wrong", &[(":wrong", json!(7))]).await;
    paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    let id = "settlement#ord-1";
    Paystream::eventually("the order is in quarantine", async || {
        listed(&paystream).await.iter().any(|record| record["id"] == id).then_some(())
    })
    .await;
    let report = paystream.command(&["quarantine", "redrive", "--all", "--json"]).await.json(1);
    let record = &report["records"][0];
    assert_eq!((&record["id"], &record["outcome"]), (&json!(id), &json!("still_unreadable")));
    assert!(record["reason"].as_str().unwrap().contains("string"), "{record}");
    assert_eq!(listed(&paystream).await[0]["id"], id, "it stays in quarantine");

    paystream.change_order_item("ord-1", "order", "SET customer_id = :right", &[(":right", json!("cust-7"))]).await;
    let events = paystream.events_on_stream(1).await.len();
    let report = paystream.command(&["quarantine", "redrive", "--all", "--json"]).await.json(0);
    assert_eq!(report["records"], json!([{"id": id, "outcome": "settled"}]));
    assert_eq!(listed(&paystream).await, Vec::<Value>::new());
    assert_eq!(paystream.events_on_stream(1).await.len(), events, "nothing is sent");
    // `reconcile` does not settle, so the redrive did.
    let report = paystream.command(&["reconcile", "--grace", "0", "--json"]).await.json(0);
    assert_eq!((&report["orders"], &report["orders_settled"]), (&json!(1), &json!(1)));
    paystream.order_becomes("ord-1", "accepted").await;
}

#[tokio::test]
async fn a_record_that_the_stream_rejects_stays_in_quarantine() {
    let paystream = Paystream::start().await;
    let id = quarantine(&paystream, "ord-1", GARBAGE).await;
    let names = ["--quarantine-table", "QuarantineTable", "--orders-table", "OrdersTable"];
    let names = [&names[..], &["--payment-stream", "NoSuchStream"]].concat();
    let redrive = [&["quarantine", "redrive", "--all", "--json"], &names[..]].concat();
    let report = paystream.command_as_on_aws(&redrive, &[]).await.json(1);
    assert_eq!(report["not_sent"][0]["id"], id, "{report}");
    assert_eq!(paystream.command(&["quarantine", "show", &id, "--raw"]).await.stdout, GARBAGE);
}

#[tokio::test]
async fn drop_requires_yes_and_removes_only_the_named_record() {
    let paystream = Paystream::start().await;
    let first = quarantine(&paystream, "ord-1", b"first").await;
    let second = quarantine(&paystream, "ord-1", b"second").await;
    let refused = paystream.command(&["quarantine", "drop", &first]).await;
    assert_eq!((refused.code, refused.stderr.contains("--yes")), (2, true), "{}", refused.stderr);
    paystream.command(&["quarantine", "drop", &first, "--dry-run"]).await.text(0);
    assert_eq!(listed(&paystream).await.len(), 2);
    let dropped = paystream.command(&["quarantine", "drop", &first, "--yes", "--json"]).await.json(0);
    assert_eq!(dropped["dropped"], json!([first]));
    let left: Vec<_> = listed(&paystream).await.iter().map(|record| record["id"].clone()).collect();
    assert_eq!(left, [json!(second)]);
    assert_eq!(paystream.command(&["quarantine", "drop", &first, "--yes"]).await.code, 1, "already dropped");
}
