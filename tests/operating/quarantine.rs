//! `paystream quarantine`.

use paystream_tests::{Paystream, eur};
use serde_json::{Value, json};

const GARBAGE: &[u8] = b"\xff\xfe no event \x1b[2J";

/// Puts an undecodable record on the stream, waits until it is quarantined, and returns its id.
async fn quarantine(paystream: &Paystream, key: &str, data: &[u8]) -> String {
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
    let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    paystream.payment_arrives("ord-1", &payment).await;
    paystream.lose_copy(&payment).await;
    let event = json!({"specversion": "1.0", "id": format!("{}:1", payment["payment_id"].as_str().unwrap()),
        "source": "/payments", "type": "payment.authorized.v1", "data": payment});
    paystream.put_in_quarantine("shardId-000000000000#77", "ord-1", event.to_string().as_bytes()).await;
    let id = "shardId-000000000000#77";

    let dry = paystream.command(&["quarantine", "redrive", id, "--dry-run", "--json"]).await.json(0);
    assert_eq!(dry["sent"], json!([id]));
    assert_eq!(listed(&paystream).await.len(), 1, "a dry run changes nothing");
    let text = paystream.command(&["quarantine", "redrive", id]).await.text(0);
    assert_eq!(text, format!("put 1 record back on the stream\n  {id}\n"));
    paystream.payment_arrives("ord-1", &payment).await;
    assert_eq!(listed(&paystream).await, Vec::<Value>::new());
    let again = paystream.command(&["quarantine", "redrive", id, "--json"]).await.json(1);
    assert_eq!(again["not_sent"][0]["reason"], "there is no such record in quarantine");
}

#[tokio::test]
async fn a_record_that_is_still_undecodable_returns_to_quarantine_with_the_same_bytes_and_key() {
    let paystream = Paystream::start().await;
    let first = quarantine(&paystream, "ord-1", GARBAGE).await;
    paystream.command(&["quarantine", "redrive", "--all"]).await.text(0);
    let back =
        Paystream::eventually("the record is quarantined again", async || listed(&paystream).await.into_iter().next())
            .await;
    let id = back["id"].as_str().unwrap();
    assert_ne!(id, first);
    assert_eq!(back["partition_key"], "ord-1");
    assert_eq!(paystream.command(&["quarantine", "show", id, "--raw"]).await.stdout, GARBAGE);
}

#[tokio::test]
async fn a_record_that_the_stream_rejects_stays_in_quarantine() {
    let paystream = Paystream::start().await;
    let id = quarantine(&paystream, "ord-1", GARBAGE).await;
    let names = ["--quarantine-table", "QuarantineTable", "--payment-stream", "NoSuchStream"];
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
