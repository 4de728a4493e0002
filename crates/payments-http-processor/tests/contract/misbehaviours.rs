//! Each misbehaviour, and the result of the adapter. Whatever happens, a key is charged once.

use std::time::Duration;

use payments::{Outcome, PaymentProcessor, ProcessorError, ProcessorRecord};
use paystream_processor_stub::{Misbehaviour, Stub};

use crate::world::{API_KEY, World, failure, key};

fn status(status: u16, processed: bool) -> Misbehaviour {
    Misbehaviour::Status { status, processed }
}

fn body(text: &str) -> Misbehaviour {
    Misbehaviour::Body { body: text.to_owned() }
}

fn code(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Declined(decline) => &decline.code,
        Outcome::Approved => "approved",
    }
}

#[tokio::test]
async fn requests_have_the_documented_form() {
    let world = World::new().await;
    let key = key("pay_1");
    assert_eq!(world.authorize(&key).await, Ok(Outcome::Approved));
    assert_eq!(world.processor.look_up(&key).await, Ok(ProcessorRecord::Decided(Outcome::Approved)));
    assert_eq!(world.processor.void(&key).await, Ok(()));
    let requests = world.stub.requests();
    let heads: Vec<_> = requests.iter().map(|request| format!("{} {}", request.method, request.path)).collect();
    assert_eq!(heads, ["POST /authorizations", "GET /authorizations/pay_1", "POST /authorizations/pay_1/void"]);
    assert_eq!(requests[0].idempotency_key.as_deref(), Some("pay_1"));
    assert!(requests.iter().all(|request| request.bearer.as_deref() == Some(API_KEY)));
}

#[tokio::test]
async fn a_failure_that_may_pass_is_retried_once_with_the_same_key() {
    let world = World::new().await;
    for (n, misbehaviour) in [
        status(500, false),
        status(500, true),
        status(503, false),
        status(599, true),
        Misbehaviour::Truncate,
        Misbehaviour::Reset { processed: false },
        Misbehaviour::Reset { processed: true },
    ]
    .into_iter()
    .enumerate()
    {
        let key = key(&format!("pay_{n}"));
        let before = world.stub.requests().len();
        world.stub.misbehave([misbehaviour.clone()]);
        assert_eq!(world.authorize(&key).await, Ok(Outcome::Approved), "{misbehaviour:?}");
        let requests = world.stub.requests().split_off(before);
        let keys: Vec<_> = requests.iter().map(|request| request.idempotency_key.as_deref()).collect();
        assert_eq!(keys, [Some(key.as_str()); 2], "{misbehaviour:?}");
        world.check_charged_once(&key);

        let declined = crate::world::key(&format!("pay_D{n}"));
        world.stub.misbehave([misbehaviour.clone()]);
        let outcome = world.authorize_with(&declined, "tok_decline_fraud").await.unwrap();
        assert_eq!(code(&outcome), "fraud", "{misbehaviour:?}");
        assert_eq!(world.stub.ledger().holds(declined.as_str()), 0);
    }
}

#[tokio::test]
async fn a_failure_that_persists_is_no_decision() {
    let world = World::new().await;
    for (n, (misbehaviour, expected)) in [
        (status(500, true), "it responded 500"),
        (status(503, false), "it responded 503"),
        (Misbehaviour::Truncate, "cut off"),
        (Misbehaviour::Reset { processed: true }, "the connection failed"),
    ]
    .into_iter()
    .enumerate()
    {
        let key = key(&format!("pay_{n}"));
        let before = world.stub.requests().len();
        world.stub.misbehave([misbehaviour.clone(), misbehaviour.clone()]);
        let failure = failure(world.authorize(&key).await);
        assert!(failure.contains(expected), "{misbehaviour:?}: {failure}");
        assert_eq!(world.stub.requests().len() - before, 2, "{misbehaviour:?}");
        // The client's own retry.
        assert_eq!(world.authorize(&key).await, Ok(Outcome::Approved));
        world.check_charged_once(&key);
    }
}

#[tokio::test]
async fn a_response_without_a_decision_is_no_decision_and_not_retried() {
    let world = World::new().await;
    let redirect = Misbehaviour::Redirect { location: format!("{}/authorizations", world.stub.url()) };
    let not_of_the_api = "its response is not one of the API";
    for (n, (misbehaviour, expected)) in [
        (body("<html>"), not_of_the_api),
        (body(""), not_of_the_api),
        (body("[]"), not_of_the_api),
        (body(r#""approved""#), not_of_the_api),
        (body(r#"{"status": "maybe"}"#), not_of_the_api),
        (body(r#"{"status": ["approved"]}"#), not_of_the_api),
        (body(r#"{"status": "approved", "status": "declined"}"#), not_of_the_api),
        (body(r#"{"status": "approved""#), not_of_the_api),
        (body(r#"{"error": "declined"}"#), not_of_the_api),
        (Misbehaviour::Long, "longer than 65536 bytes"),
        (redirect, "it responded 307: redirects are not followed"),
        (status(202, true), "it responded 202"),
        (status(301, true), "it responded 301"),
        (status(400, true), "it responded 400"),
        (status(402, true), "it responded 402"),
        (status(404, true), "it responded 404: check the URL"),
        (status(408, true), "it responded 408"),
        (status(409, true), "it responded 409"),
        (status(422, true), "it responded 422"),
        (status(429, true), "it responded 429"),
    ]
    .into_iter()
    .enumerate()
    {
        let key = key(&format!("pay_{n}"));
        let before = world.stub.requests().len();
        world.stub.misbehave([misbehaviour.clone()]);
        let failure = failure(world.authorize(&key).await);
        assert!(failure.contains(expected), "{misbehaviour:?}: {failure}");
        assert_eq!(world.stub.requests().len() - before, 1, "{misbehaviour:?}");
        assert_eq!(world.authorize(&key).await, Ok(Outcome::Approved));
        world.check_charged_once(&key);
    }
}

#[tokio::test]
async fn a_slow_response_within_the_bound_is_used() {
    let world = World::new().await;
    world.stub.misbehave([Misbehaviour::Slow { ms: 20 }]);
    assert_eq!(world.authorize(&key("pay_1")).await, Ok(Outcome::Approved));
    assert_eq!(world.stub.requests().len(), 1);
}

#[tokio::test]
async fn a_call_ends_at_its_bound_and_a_late_response_changes_nothing() {
    let key = key("pay_1");
    for misbehaviour in [Misbehaviour::Hang, Misbehaviour::Slow { ms: 200 }] {
        let world = World::within(Duration::from_millis(100)).await;
        world.stub.misbehave([misbehaviour]);
        assert_eq!(world.authorize(&key).await, Err(ProcessorError::TimedOut(100)));
        let World { stub, secret, processor } = world;
        let world = World { stub, secret, processor: processor.within(crate::world::AMPLE) };
        assert_eq!(world.authorize(&key).await, Ok(Outcome::Approved));
        world.check_charged_once(&key);
    }
}

#[tokio::test]
async fn a_request_that_arrives_twice_charges_once() {
    let world = World::new().await;
    let key = key("pay_1");
    world.stub.misbehave([Misbehaviour::Duplicate, Misbehaviour::Duplicate, Misbehaviour::Duplicate]);
    assert_eq!(world.authorize(&key).await, Ok(Outcome::Approved));
    world.check_charged_once(&key);
    assert_eq!(world.processor.look_up(&key).await, Ok(ProcessorRecord::Decided(Outcome::Approved)));
    assert_eq!(world.processor.void(&key).await, Ok(()));
    assert_eq!(world.stub.ledger().held_minor(key.as_str()), 0);
}

#[tokio::test]
async fn an_authorization_that_is_pending_is_decided_by_a_later_lookup() {
    let world = World::new().await;
    let key = key("pay_1");
    world.stub.misbehave([Misbehaviour::Pending]);
    assert_eq!(failure(world.authorize(&key).await), "it has not decided yet");
    assert_eq!(world.processor.look_up(&key).await, Ok(ProcessorRecord::Pending));
    assert_eq!(world.processor.look_up(&key).await, Ok(ProcessorRecord::Decided(Outcome::Approved)));
    world.check_charged_once(&key);
}

#[tokio::test]
async fn an_unknown_or_forgotten_key_can_be_voided_and_its_late_authorization_is_declined() {
    let world = World::new().await;
    let forgotten = key("pay_1");
    world.stub.misbehave([Misbehaviour::Forget]);
    assert_eq!(world.authorize(&forgotten).await, Ok(Outcome::Approved));
    for key in [forgotten, key("pay_2")] {
        assert_eq!(world.processor.look_up(&key).await, Ok(ProcessorRecord::Unknown));
        assert_eq!(world.processor.void(&key).await, Ok(()));
        assert_eq!(world.processor.void(&key).await, Ok(()));
        assert_eq!(world.processor.look_up(&key).await, Ok(ProcessorRecord::Voided));
        assert_eq!(code(&world.authorize(&key).await.unwrap()), "voided");
        assert_eq!(world.stub.ledger().held_minor(key.as_str()), 0);
    }
}

/// The recovery declines after a lookup without a record and a void, so neither may be concluded from a failure.
#[tokio::test]
async fn a_failed_lookup_or_void_is_neither_unknown_nor_void() {
    let world = World::new().await;
    let key = key("pay_1");
    world.authorize(&key).await.unwrap();
    let reset = Misbehaviour::Reset { processed: false };
    for misbehaviours in [
        vec![status(503, false), status(503, false)],
        vec![reset.clone(), reset],
        vec![status(400, false)],
        vec![body("<html>")],
        vec![body("{}")],
    ] {
        world.stub.misbehave(misbehaviours.clone());
        failure(world.processor.look_up(&key).await);
        world.stub.misbehave(misbehaviours.clone());
        failure(world.processor.void(&key).await);
    }
    for unvoided in [body(r#"{"status": "approved"}"#), body(r#"{"status": "pending"}"#)] {
        world.stub.misbehave([unvoided]);
        assert_eq!(failure(world.processor.void(&key).await), "it did not void the key");
    }
    world.stub.misbehave([status(404, false)]);
    assert!(failure(world.processor.void(&key).await).contains("it responded 404"));
}

#[tokio::test]
async fn a_decline_without_a_usable_code_or_message_is_a_decline_and_a_long_one_is_cut() {
    let world = World::new().await;
    let long =
        format!(r#"{{"status": "declined", "decline": {{"code": "{0}", "message": "{0}"}}}}"#, "é".repeat(2_000));
    for (text, code, message_chars) in [
        (r#"{"status": "declined"}"#, "declined", 35),
        (r#"{"status": "declined", "decline": {"code": "", "message": null}, "id": 7}"#, "declined", 35),
        (r#"{"status": "declined", "decline": null}"#, "declined", 35),
        (r#"{"status": "declined", "decline": {"code": 51, "message": ["No."]}}"#, "declined", 35),
        (&long, &*"é".repeat(64), 1_024),
    ] {
        world.stub.misbehave([body(text)]);
        let Outcome::Declined(decline) = world.authorize(&key("pay_1")).await.unwrap() else { panic!("approved") };
        assert_eq!((&*decline.code, decline.message.chars().count()), (code, message_chars));
    }
}

#[tokio::test]
async fn a_processor_that_is_down_is_unavailable_and_used_again_when_it_is_back() {
    let World { stub, secret, processor } = World::new().await;
    let key = key("pay_1");
    let address = stub.address();
    let world = World { stub, secret, processor };
    assert_eq!(world.authorize(&key).await, Ok(Outcome::Approved));
    let World { stub, secret, processor } = world;
    let ledger = stub.stop().await;
    for result in [processor.look_up(&key).await.map(drop), processor.void(&key).await] {
        assert!(failure(result).contains("Connection refused"));
    }
    let stub = Stub::start(address, API_KEY, ledger).await.unwrap();
    let world = World { stub, secret, processor };
    assert_eq!(world.authorize(&key).await, Ok(Outcome::Approved));
    world.check_charged_once(&key);
}
