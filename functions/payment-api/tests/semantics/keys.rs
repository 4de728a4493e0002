//! Idempotency keys in both flavours.

use crate::flavours::{Api, FLAVOURS, Sent, amount, pay};

#[tokio::test]
async fn a_request_with_several_keys_is_refused_and_makes_nothing() {
    for flavour in FLAVOURS {
        let api = Api::new();
        let payment = api.authorized(flavour).await;
        let capture = Sent::post(format!("{payment}/capture"), None);
        assert_eq!(api.send(flavour, &capture).await.status, 200);
        for keys in [&["k", "k"][..], &["k", "l"], &["k,k"], &["k, l"], &["\"k\"", "\"k\""], &["\"k\",\"l\""]] {
            let refund = Sent::post(format!("{payment}/refund"), Some(amount(300, "EUR")));
            for sent in [pay(1_000, "tok_approve"), refund] {
                let refused = api.send(flavour, &sent.with("idempotency-key", keys)).await;
                let refused = refused.expect_problem(400, "invalid-request");
                assert_eq!(refused.body["errors"][0]["pointer"], "idempotency-key", "{flavour:?} {keys:?}");
            }
        }
        let read = api.send(flavour, &Sent::get(payment)).await;
        assert_eq!(read.body["refunded_minor"], 0, "{flavour:?}");
    }
}

#[tokio::test]
async fn a_key_means_the_same_in_both_flavours_and_another_key_in_quotes() {
    let api = Api::new();
    let mut ids = Vec::new();
    for key in ["k", "\"k\"", "\"k, l\""] {
        let answers = [
            api.send(FLAVOURS[0], &pay(1_000, "tok_approve").with("idempotency-key", [key])).await,
            api.send(FLAVOURS[1], &pay(1_000, "tok_approve").with("idempotency-key", [key])).await,
        ];
        assert_eq!((answers[0].is_replayed(), answers[1].is_replayed()), (false, true), "{key}");
        assert_eq!(answers[0].body, answers[1].body, "{key}");
        ids.push(answers[0].body["payment_id"].clone());
    }
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
}
