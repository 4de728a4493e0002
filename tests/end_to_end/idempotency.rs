//! Idempotency keys and refusals, through the gateway, behind both kinds of API.

use paystream_tests::{Answer, Need, Paystream, eur, payment_body, skip_without};
use serde_json::{Value, json};

async fn send(paystream: &Paystream, path: &str, keys: &[&str], body: &Value) -> Answer {
    let keys = keys.iter().map(|key| ("idempotency-key", *key));
    let headers: Vec<_> = keys.chain([("content-type", "application/json")]).collect();
    paystream.request("POST", path, &headers, &body.to_string()).await
}

#[tokio::test]
async fn a_request_with_several_keys_is_refused_behind_both_kinds_of_api() {
    if skip_without(&[Need::Parameters]) {
        return;
    }
    for (flavour, paystream) in Paystream::both_flavours().await {
        let payment = payment_body("ord-1", &eur(1299), "tok_approve");
        for keys in [&["k", "k"][..], &["k", "l"], &["k,k"]] {
            let problem = send(&paystream, "/payments", keys, &payment).await.expect_problem(400, "invalid-request");
            assert_eq!(problem["errors"][0]["pointer"], "idempotency-key", "{flavour} {keys:?}");
        }
        assert_eq!(paystream.get("/payments?order_id=ord-1").await.expect(200)["payments"], json!([]), "{flavour}");
        for key in ["k", "\"k, l\""] {
            let first = send(&paystream, "/payments", &[key], &payment).await.expect(201);
            assert_eq!(send(&paystream, "/payments", &[key], &payment).await.expect(201), first, "{flavour} {key}");
        }
    }
}

#[tokio::test]
async fn a_refused_change_never_takes_effect_behind_both_kinds_of_api() {
    if skip_without(&[Need::Parameters]) {
        return;
    }
    for (flavour, paystream) in Paystream::both_flavours().await {
        let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
        let path = |step| format!("/payments/{}/{step}", payment["payment_id"].as_str().unwrap());
        let part = json!({"amount": eur(300)});
        let dollars = json!({"amount": {"minor": 300, "currency": "USD"}});
        let first =
            send(&paystream, &path("refund"), &["early"], &part).await.expect_problem(409, "illegal-transition");
        send(&paystream, &path("capture"), &["usd"], &dollars).await.expect_problem(422, "currency-mismatch");
        send(&paystream, &path("capture"), &["all"], &json!({})).await.expect(200);
        let again = send(&paystream, &path("refund"), &["early"], &part).await;
        assert_eq!(again.headers["idempotent-replayed"], "true", "{flavour}");
        assert_eq!(again.expect_problem(409, "illegal-transition"), first, "{flavour}");
        send(&paystream, &path("refund"), &["early"], &dollars).await.expect_problem(422, "idempotency-key-reused");
        send(&paystream, &path("refund"), &["late"], &part).await.expect(200);
    }
}
