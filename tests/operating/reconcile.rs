//! `paystream reconcile`.

use paystream_local::Fault;
use paystream_tests::{Paystream, eur, line, order_body};
use serde_json::{Value, json};

use crate::{copy, paid};

/// Without a grace period, because the damage in these tests is recent.
const NOW: [&str; 4] = ["reconcile", "--grace", "0", "--json"];

fn classes(report: &Value) -> Vec<(&str, &str)> {
    let differences = report["differences"].as_array().unwrap().iter();
    differences.map(|found| (found["class"].as_str().unwrap(), found["order_id"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn agreement_is_reported_with_exit_code_0() {
    let paystream = Paystream::start().await;
    let report = paystream.command(&NOW).await.json(0);
    assert_eq!((&report["agrees"], &report["payments"]), (&json!(true), &json!(0)));
    paid(&paystream, 3).await;
    let report = paystream.command(&NOW).await.json(0);
    assert_eq!((&report["payments"], &report["copies"], &report["agreeing"]), (&json!(3), &json!(3), &json!(3)));
    let text = paystream.command(&["reconcile"]).await.text(0);
    assert_eq!(
        text,
        "3 payments, 3 copies: 3 agree, 0 pending, 0 processing, 0 differ\n\
        0 orders: 0 settled, 0 pending, 0 on hold in fulfilment, 0 differ\n"
    );
}

#[tokio::test]
async fn missing_stale_and_different_copies_are_found_and_repaired() {
    let paystream = Paystream::start().await;
    let payments = paid(&paystream, 5).await;
    paystream.lose_copy(&payments[1]).await;
    paystream.change_copy(&payments[2], "version", 0).await;
    paystream.change_copy(&payments[3], "captured_minor", 7).await;
    let broken = [("missing", "ord-1"), ("stale", "ord-2"), ("different", "ord-3")];
    assert_eq!(classes(&paystream.command(&NOW).await.json(1)), broken);

    let planned = paystream.command(&[&NOW[..], &["--repair", "--dry-run"]].concat()).await.json(1);
    assert_eq!(planned["repair"]["sent"].as_array().unwrap().len(), 3);
    assert_eq!(classes(&paystream.command(&NOW).await.json(1)), broken, "a dry run changes nothing");

    let repaired = paystream.command(&[&NOW[..], &["--repair", "--wait"]].concat()).await.json(0);
    assert_eq!(repaired["repair"]["sent"].as_array().unwrap().len(), 3);
    assert_eq!(repaired["repair"]["not_arrived"], json!([]));
    assert_eq!(paystream.command(&NOW).await.json(0)["agrees"], true);
    for payment in &payments {
        let expected = (payment["status"].clone(), payment["captured_minor"].clone(), payment["version"].clone());
        assert_eq!(copy(&paystream, payment).await, Some(expected));
    }
}

#[tokio::test]
async fn repairs_that_do_not_arrive_in_time_are_reported_with_exit_code_1() {
    let paystream = Paystream::start().await;
    let payments = paid(&paystream, 2).await;
    paystream
        .inject(serde_json::from_str(r#"{"target":"OrderProjector","effect":{"error":{"code":"Gone"}}}"#).unwrap());
    paystream.lose_copy(&payments[1]).await;
    let report = paystream.command(&[&NOW[..], &["--repair", "--wait=0"]].concat()).await.json(1);
    assert_eq!(report["repair"]["not_arrived"][0]["payment_id"], payments[1]["payment_id"]);
    paystream.heal();
    paystream.payment_arrives("ord-1", &payments[1]).await;
}

#[tokio::test]
async fn an_order_waiting_for_a_lost_copy_is_accepted_after_the_repair() {
    let paystream = Paystream::start().await;
    let payments = paid(&paystream, 1).await;
    paystream.lose_copy(&payments[0]).await;
    paystream.post("/orders", &order_body("ord-0", &[line("tea", 1, &eur(1299))])).await.expect(202);
    paystream.command(&["reconcile", "--grace", "0", "--repair"]).await.text(0);
    paystream.order_becomes("ord-0", "accepted").await;
}

#[tokio::test]
async fn copies_that_are_ahead_or_orphaned_are_reported_and_not_repaired() {
    let paystream = Paystream::start().await;
    let payments = paid(&paystream, 3).await;
    paystream.lose_payment(&payments[0]).await;
    paystream.change_copy(&payments[1], "version", 9).await;
    let left = [("orphaned", "ord-0"), ("ahead", "ord-1")];
    assert_eq!(classes(&paystream.command(&NOW).await.json(1)), left);
    let repaired = paystream.command(&[&NOW[..], &["--repair", "--wait"]].concat()).await.json(1);
    assert_eq!(repaired["repair"]["sent"], json!([]));
    assert_eq!(classes(&paystream.command(&NOW).await.json(1)), left);
}

/// Classes and ids of the orders in a report.
fn orders(report: &Value) -> Vec<(&str, &str)> {
    let found = report["order_differences"].as_array().unwrap().iter();
    found.map(|order| (order["class"].as_str().unwrap(), order["order_id"].as_str().unwrap())).collect()
}

async fn place(paystream: &Paystream, order_id: &str, status: u16) {
    paystream.post("/orders", &order_body(order_id, &[line("tea", 1, &eur(1299))])).await.expect(status);
}

#[tokio::test]
async fn orders_that_do_not_match_their_payments_are_found_and_settled() {
    let paystream = Paystream::start().await;
    paid(&paystream, 2).await;
    place(&paystream, "ord-0", 201).await;
    place(&paystream, "ord-1", 201).await;
    place(&paystream, "unpaid", 202).await;
    let report = paystream.command(&NOW).await.json(0);
    assert_eq!((&report["orders"], &report["orders_settled"]), (&json!(3), &json!(3)));
    let waiting = [(":status", json!("awaiting_payment"))];
    paystream.change_order_item("ord-1", "order", "SET #status = :status REMOVE started_at", &waiting).await;
    let accepted = [(":status", json!("accepted")), (":at", json!("2026-11-23T00:00:00.000Z"))];
    paystream.change_order_item("unpaid", "order", "SET #status = :status, started_at = :at", &accepted).await;

    let found = [("covered_not_accepted", "ord-1"), ("accepted_uncovered", "unpaid")];
    let report = paystream.command(&NOW).await.json(1);
    assert_eq!((orders(&report), &report["agrees"]), (found.to_vec(), &json!(false)));
    let order = &report["order_differences"][0];
    assert_eq!((&order["covered_minor"], &order["total_minor"]), (&json!(1299), &json!(1299)));
    let text = paystream.command(&["reconcile", "--grace", "0"]).await.text(1);
    assert!(text.contains("3 orders: 1 settled, 0 pending, 0 on hold in fulfilment, 2 differ"), "{text}");
    let planned = paystream.command(&[&NOW[..], &["--repair", "--dry-run"]].concat()).await.json(1);
    assert_eq!(planned["repair"]["orders_settled"], json!(["ord-1", "unpaid"]));
    assert_eq!(orders(&paystream.command(&NOW).await.json(1)), found, "a dry run changes nothing");
    let pending = paystream.command(&["reconcile", "--grace", "3600", "--json"]).await.json(0);
    assert_eq!(pending["orders_pending"], 2);

    let repaired = paystream.command(&[&NOW[..], &["--repair"]].concat()).await.json(0);
    assert_eq!(repaired["repair"]["orders_settled"], json!(["ord-1", "unpaid"]));
    // The uncovered order is on hold now, and its fulfilment had started.
    let report = paystream.command(&NOW).await.json(0);
    assert_eq!(orders(&report), [("on_hold_in_fulfilment", "unpaid")]);
    assert_eq!((&report["orders_settled"], &report["agrees"]), (&json!(2), &json!(true)));
}

#[tokio::test]
async fn an_order_on_hold_after_its_fulfilment_started_is_listed_for_people_with_exit_code_0() {
    let paystream = Paystream::start().await;
    let payments = paid(&paystream, 1).await;
    place(&paystream, "ord-0", 201).await;
    let void = format!("/payments/{}/void", payments[0]["payment_id"].as_str().unwrap());
    paystream.post(&void, &json!({})).await.expect(200);
    paystream.order_becomes("ord-0", "on_hold").await;
    let report = paystream.command(&NOW).await.json(0);
    assert_eq!(orders(&report), [("on_hold_in_fulfilment", "ord-0")]);
    assert!(report["order_differences"][0]["fulfilment_started_at"].is_string(), "{report}");
    let repaired = paystream.command(&[&NOW[..], &["--repair"]].concat()).await.json(0);
    assert_eq!(repaired["repair"]["orders_settled"], json!([]));
}

#[tokio::test]
async fn a_copy_under_another_order_names_the_order_that_it_belongs_to() {
    let paystream = Paystream::start().await;
    let payments = paid(&paystream, 1).await;
    paystream.copy_under(&payments[0], "ord-other").await;
    let report = paystream.command(&NOW).await.json(1);
    assert_eq!(classes(&report), [("orphaned", "ord-other")]);
    assert_eq!(report["differences"][0]["belongs_to"], "ord-0");
    let text = paystream.command(&["reconcile", "--grace", "0"]).await.text(1);
    assert!(text.contains("of order ord-other: Payments none, Orders v1, belongs to order ord-0"), "{text}");
}

#[tokio::test]
async fn a_copy_that_is_ahead_is_replaced_only_on_demand_and_its_order_is_settled() {
    let paystream = Paystream::start().await;
    let payments = paid(&paystream, 1).await;
    paystream.change_copy(&payments[0], "version", 9).await;
    // The order remembers version 9, and Orders ignores the void, which is version 2.
    place(&paystream, "ord-0", 201).await;
    let void = format!("/payments/{}/void", payments[0]["payment_id"].as_str().unwrap());
    let voided = paystream.post(&void, &json!({})).await.expect(200);
    paystream.is_published(payments[0]["payment_id"].as_str().unwrap()).await;
    paystream.command(&[&NOW[..], &["--repair", "--wait"]].concat()).await.json(1);
    let report = paystream.command(&NOW).await.json(1);
    assert_eq!((classes(&report), orders(&report)), (vec![("ahead", "ord-0")], vec![]));

    let repair = [&NOW[..], &["--repair", "--repair-ahead", "--wait"]].concat();
    let planned = paystream.command(&[&repair[..], &["--dry-run"]].concat()).await.json(1);
    assert_eq!(planned["repair"]["sent"][0]["version"], 2);
    let repaired = paystream.command(&repair).await.json(0);
    assert_eq!(repaired["repair"]["orders_settled"], json!(["ord-0"]));
    let expected = (json!("voided"), json!(0), voided["version"].clone());
    assert_eq!(copy(&paystream, &voided).await, Some(expected));
    let report = paystream.command(&NOW).await.json(0);
    assert_eq!(orders(&report), [("on_hold_in_fulfilment", "ord-0")], "the order was settled by the repair");
}

#[tokio::test]
async fn a_payment_within_the_grace_period_is_pending_and_not_a_difference() {
    let paystream = Paystream::start().await;
    let payments = paid(&paystream, 1).await;
    paystream.lose_copy(&payments[0]).await;
    let report = paystream.command(&["reconcile", "--grace", "3600", "--json"]).await.json(0);
    assert_eq!((&report["pending"], &report["agrees"]), (&json!(1), &json!(true)));
}

#[tokio::test]
async fn an_unpublished_payment_is_found_and_published_and_its_position_raised() {
    let paystream = Paystream::start().await;
    for target in [
        r#"{"target":"PaymentRelay","effect":{"error":{"code":"Gone"}}}"#,
        r#"{"target":"kinesis","from":"PaymentApi","effect":{"error":{"code":"InternalFailure"}}}"#,
    ] {
        paystream.inject(serde_json::from_str::<Fault>(target).unwrap());
    }
    let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    let report = paystream.command(&NOW).await.json(1);
    assert_eq!(classes(&report), [("unpublished", "ord-1")]);
    assert_eq!(report["differences"][0]["unpublished"], true);
    paystream.command(&[&NOW[..], &["--repair", "--wait"]].concat()).await.json(0);
    paystream.payment_arrives("ord-1", &payment).await;
    paystream.is_published(payment["payment_id"].as_str().unwrap()).await;
}

#[tokio::test]
async fn payments_made_during_the_comparison_cause_no_false_alarm() {
    let paystream = Paystream::start().await;
    paid(&paystream, 20).await;
    let paying = async {
        for n in 0..60 {
            let payment = paystream.pay(&format!("later-{n}"), &eur(5), "tok_approve").await;
            let id = payment["payment_id"].as_str().unwrap();
            paystream.post(&format!("/payments/{id}/capture"), &json!({})).await.expect(200);
        }
    };
    let comparing = async {
        for _ in 0..6 {
            paystream.command(&["reconcile", "--json"]).await.json(0);
        }
    };
    futures::join!(paying, comparing);
}

#[tokio::test]
async fn an_undecodable_item_is_reported_and_does_not_stop_the_comparison() {
    let paystream = Paystream::start().await;
    let payments = paid(&paystream, 2).await;
    paystream.spoil_payment(&payments[0]).await;
    let report = paystream.command(&NOW).await.json(1);
    assert_eq!(report["unreadable"][0]["key"], payments[0]["payment_id"]);
    assert_eq!((classes(&report), &report["agreeing"]), (vec![], &json!(1)), "its copy is not orphaned");
}
