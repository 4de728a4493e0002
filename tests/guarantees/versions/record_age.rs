//! Changes that Lambda discards because they are too old, in `stream` mode.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue::{L, M, S};
use paystream_local::{Effect, Fault, FaultTarget, Options};
use paystream_tests::{Paystream, eur, workspace};
use serde_json::{Value, json};

use super::change;

/// Least value that Lambda accepts.
const RECORD_AGE_S_MAX: u64 = 60;
/// Makes changes appear older, so that one is discarded after 15 seconds and not after a minute.
const CLOCK_AHEAD: Duration = Duration::from_secs(45);

#[tokio::test]
async fn a_version_whose_change_was_discarded_is_published_before_the_next_one() {
    let age = RECORD_AGE_S_MAX.to_string();
    let parameters = [("PublishMode", "stream"), ("RelayWindowSeconds", "0"), ("RelayRecordAgeSecondsMax", &age)];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let template = workspace().join("template.yaml");
    let options = Options { template, parameters, clock_ahead: CLOCK_AHEAD, ..Options::default() };
    let paystream = Paystream::start_with_options(options).await;
    paystream.inject(Fault::new(FaultTarget::function("PaymentRelay"), Effect::error("Broken")));
    let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    // The relay's clock is not ahead, so the step must be older.
    antedate(&paystream, &payment).await;
    // Begin, decide, and the test's own write.
    Paystream::eventually("the changes are discarded", async || {
        (paystream.relay_status().await.given_up == 3).then_some(())
    })
    .await;
    paystream.heal();
    let captured = change(&paystream, &payment, "capture", "capture", &json!({})).await;
    paystream.payment_arrives("ord-1", &captured).await;
    assert_eq!(paystream.every_version_is_published_in_order().await, 2);
}

/// Makes the payment's first step, and so the payment, older than the record age.
async fn antedate(paystream: &Paystream, payment: &Value) {
    let mut item = paystream.payment_item(payment).await;
    let at = S("2026-01-02T03:04:05.678Z".to_owned());
    let Some(L(steps)) = item.get_mut("steps") else { panic!("no steps") };
    let Some(M(step)) = steps.first_mut() else { panic!("no step") };
    step.insert("at".to_owned(), at.clone());
    item.insert("created_at".to_owned(), at.clone());
    item.insert("updated_at".to_owned(), at);
    paystream.put_payment_items([item]).await;
}
