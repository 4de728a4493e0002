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
    assert_eq!(text, "3 payments, 3 copies: 3 agree, 0 pending, 0 processing, 0 differ\n");
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

#[tokio::test]
async fn a_payment_within_the_grace_period_is_pending_and_not_a_difference() {
    let paystream = Paystream::start().await;
    let payments = paid(&paystream, 1).await;
    paystream.lose_copy(&payments[0]).await;
    let report = paystream.command(&["reconcile", "--grace", "3600", "--json"]).await.json(0);
    assert_eq!((&report["pending"], &report["agrees"]), (&json!(1), &json!(true)));
}

#[tokio::test]
async fn an_unpublished_payment_is_found_and_published_and_its_mark_is_cleared() {
    let paystream = Paystream::start().await;
    for target in [
        r#"{"target":"PaymentRelay","effect":{"error":{"code":"Gone"}}}"#,
        r#"{"target":"kinesis","from":"PaymentApi","effect":{"error":{"code":"InternalFailure"}}}"#,
    ] {
        paystream.inject(serde_json::from_str::<Fault>(target).unwrap());
    }
    let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    let report = paystream.command(&NOW).await.json(1);
    assert_eq!(classes(&report), [("missing", "ord-1")]);
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
