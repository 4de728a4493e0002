//! Refusals, bound to their idempotency keys, in both flavours.

use payments::REFUSALS_MAX;

use crate::failing_store::Fault;
use crate::flavours::{Api, FLAVOURS, LEASE_MS, Sent, amount, pay};

#[tokio::test]
async fn a_refused_change_is_refused_alike_when_it_is_repeated() {
    for flavour in FLAVOURS {
        let api = Api::new();
        let payment = api.authorized(flavour).await;
        let change =
            |step: &str, body, key| Sent::post(format!("{payment}/{step}"), body).with("idempotency-key", [key]);
        let requests = [
            (change("refund", Some(amount(300, "EUR")), "early"), 409, "illegal-transition"),
            (change("capture", Some(amount(1_001, "EUR")), "more"), 422, "amount-unavailable"),
            (change("capture", Some(amount(5, "USD")), "other"), 422, "currency-mismatch"),
        ];
        let mut first = Vec::new();
        for (sent, status, problem) in &requests {
            let refused = api.send(flavour, sent).await.expect_problem(*status, problem);
            assert!(!refused.is_replayed(), "{flavour:?} {problem}");
            first.push(refused.body);
        }
        assert_eq!(api.send(flavour, &change("capture", None, "capture")).await.body["version"], 2);
        for ((sent, status, problem), first) in requests.iter().zip(&first) {
            // The other flavour is another way to the same key.
            for flavour in FLAVOURS {
                let again = api.send(flavour, sent).await.expect_problem(*status, problem);
                assert_eq!((&again.body, again.is_replayed()), (first, true), "{flavour:?} {problem}");
            }
        }
        for key in ["early", "more", "other"] {
            let other = api.send(flavour, &change("refund", Some(amount(1, "EUR")), key)).await;
            other.expect_problem(422, "idempotency-key-reused");
        }
        assert_eq!(api.send(flavour, &Sent::get(&payment)).await.body["refunded_minor"], 0, "{flavour:?}");
    }
}

#[tokio::test]
async fn refusals_beyond_the_maximum_bind_nothing() {
    let api = Api::new();
    let refund = format!("{}/refund", api.authorized(FLAVOURS[0]).await);
    let refund = |key: String| Sent::post(&refund, None).with("idempotency-key", [key]);
    for number in 0..REFUSALS_MAX {
        api.send(FLAVOURS[0], &refund(format!("key-{number}"))).await.expect_problem(409, "illegal-transition");
    }
    for flavour in FLAVOURS {
        api.send(flavour, &refund("late".to_owned())).await.expect_problem(429, "too-many-refusals");
    }
    api.send(FLAVOURS[0], &refund("key-0".to_owned())).await.expect_problem(409, "illegal-transition");
}

#[tokio::test]
async fn a_payment_in_progress_asks_for_a_retry_and_binds_no_key() {
    for flavour in FLAVOURS {
        let api = Api::new();
        // The lease is not released.
        api.failing.set(Fault::Down(2));
        let sent = pay(1_000, "tok_approve").with("idempotency-key", ["k"]);
        let failed = api.send(flavour, &sent).await.expect_problem(503, "unavailable");
        let lease_s = LEASE_MS / 1_000;
        let retry_after_s: u64 = failed.header("retry-after").unwrap().parse().unwrap();
        assert!((lease_s / 2..=lease_s).contains(&retry_after_s), "{flavour:?}: {retry_after_s}");
        api.failing.set(Fault::None);
        let again = api.send(flavour, &sent).await.expect_problem(409, "payment-in-progress");
        assert_eq!(again.header("retry-after"), Some("1"), "{flavour:?}: it may finish at any moment");
    }
}
