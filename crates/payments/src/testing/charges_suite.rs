//! Test suite for every adapter of [`SimulatedCharges`].

#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

use std::sync::Arc;

use payment_events::{Decline, Money, PaymentId};

use crate::{
    Authorization, Outcome, PaymentProcessor, ProcessorRecord, SimulatedCharge, SimulatedCharges, SimulatedProcessor,
};

/// Runs all checks against the charges of one simulator, which may already hold other charges.
pub async fn check<C: SimulatedCharges + 'static>(charges: C) {
    let charges = Arc::new(charges);
    a_key_is_charged_once(&*charges).await;
    a_void_key_stays_void(&*charges).await;
    an_authorization_of_a_void_key_is_declined(charges).await;
}

fn key(key: &str) -> PaymentId {
    format!("pay_{key}").parse().unwrap()
}

fn declined() -> SimulatedCharge {
    let decline = Decline { code: "expired_card".to_owned(), message: "The card has expired.".to_owned() };
    SimulatedCharge::Decided(Outcome::Declined(decline))
}

async fn a_key_is_charged_once(charges: &dyn SimulatedCharges) {
    let approved = SimulatedCharge::Decided(Outcome::Approved);
    for (name, first, second) in [("approved", &approved, &declined()), ("declined", &declined(), &approved)] {
        let key = key(name);
        assert_eq!(charges.find(&key).await.unwrap(), None);
        assert_eq!(charges.add(&key, first).await.unwrap(), *first);
        assert_eq!(charges.add(&key, second).await.unwrap(), *first, "the first charge stays");
        assert_eq!(charges.find(&key).await.unwrap().as_ref(), Some(first));
    }
}

async fn a_void_key_stays_void(charges: &dyn SimulatedCharges) {
    let (free, taken) = (key("free"), key("taken"));
    let approved = SimulatedCharge::Decided(Outcome::Approved);
    charges.add(&taken, &approved).await.unwrap();
    for key in [free, taken] {
        charges.void(&key).await.unwrap();
        charges.void(&key).await.unwrap();
        assert_eq!(charges.find(&key).await.unwrap(), Some(SimulatedCharge::Voided));
        assert_eq!(charges.add(&key, &approved).await.unwrap(), SimulatedCharge::Voided);
    }
}

async fn an_authorization_of_a_void_key_is_declined(charges: Arc<dyn SimulatedCharges>) {
    let (simulator, key) = (SimulatedProcessor::new(charges), key("late"));
    simulator.void(&key).await.unwrap();
    let authorization = Authorization {
        idempotency_key: &key,
        amount: Money::new(1299, "EUR".parse().unwrap()).unwrap(),
        token: &"tok_approve".parse().unwrap(),
        attempt: 1,
    };
    let outcome = simulator.authorize(authorization).await.unwrap();
    assert!(matches!(outcome, Outcome::Declined(decline) if decline.code == "voided"));
    assert_eq!(simulator.look_up(&key).await.unwrap(), ProcessorRecord::Voided);
}
