//! The API key: cached, rotated without a restart, and still used while Secrets Manager fails.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use payments::{Outcome, PaymentProcessor};

use crate::world::{AMPLE, API_KEY, ARN, World, failure, key};

#[tokio::test]
async fn a_rotated_key_is_used_without_a_restart() {
    let world = World::new().await;
    assert_eq!(world.authorize(&key("pay_1")).await, Ok(Outcome::Approved));
    world.stub.rotate_api_key("next");
    world.secret.set("next");
    for n in 2..5 {
        assert_eq!(world.authorize(&key(&format!("pay_{n}"))).await, Ok(Outcome::Approved));
    }
    let sent: Vec<_> = world.stub.requests().into_iter().map(|request| request.bearer.unwrap()).collect();
    assert_eq!(sent, [API_KEY, API_KEY, "next", "next", "next"]);
    assert_eq!(world.secret.reads(), 2);
}

#[tokio::test]
async fn a_key_that_the_processor_refuses_is_an_error_that_says_so() {
    let world = World::new().await;
    world.secret.set("wrong");
    for result in [world.authorize(&key("pay_1")).await.map(drop), world.processor.void(&key("pay_1")).await] {
        assert_eq!(failure(result), "it refused the API key (401): store its current key in the secret");
    }
    assert_eq!(world.stub.requests().len(), 2, "the same key is not sent again");
}

#[tokio::test]
async fn without_its_key_the_processor_is_not_called() {
    let world = World::new().await;
    world.secret.fail();
    let error = failure(world.authorize(&key("pay_1")).await);
    assert!(error.contains("its API key could not be read") && error.contains(ARN), "{error}");
    for unusable in ["hunter2\n", "hunter2 ", "hunter\u{e9}2", "hunter2\r\nx: y"] {
        world.secret.set(unusable);
        let world = World::new().await;
        world.secret.set(unusable);
        let error = failure(world.authorize(&key("pay_1")).await);
        assert!(error.contains(ARN) && error.contains("perhaps a line break"), "{error}");
        assert!(!error.contains("hunter"), "{error}");
    }
    assert_eq!(world.stub.requests(), []);
}

static NOW_S: AtomicU64 = AtomicU64::new(1_000_000);

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW_S.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_key_is_cached_for_five_minutes_and_kept_while_secrets_manager_fails() {
    let world = World::at(AMPLE, now).await;
    let reads_after = async |seconds: u64| {
        NOW_S.fetch_add(seconds, Ordering::SeqCst);
        assert_eq!(world.authorize(&key("pay_1")).await, Ok(Outcome::Approved));
        world.secret.reads()
    };
    world.processor.connect().await;
    assert_eq!((reads_after(0).await, reads_after(299).await), (1, 1));
    assert_eq!((reads_after(1).await, reads_after(299).await), (2, 2));
    world.secret.fail();
    // A failed read makes two attempts, and the next read is tried 30 s later.
    assert_eq!((reads_after(1).await, reads_after(29).await, reads_after(1).await), (4, 4, 6));
    world.secret.set(API_KEY);
    assert_eq!((reads_after(30).await, reads_after(299).await), (7, 7));
    // A clock that was set back.
    NOW_S.fetch_sub(1_000, Ordering::SeqCst);
    assert_eq!(reads_after(0).await, 8);
}
