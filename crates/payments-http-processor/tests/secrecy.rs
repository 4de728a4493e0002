//! No API key and no token in a log line, an error or `Debug` output.
//!
//! The only test of its process: `tracing` decides once whether a line is of interest, and a test without a subscriber might
//! decide that first.
#![allow(missing_docs, clippy::unwrap_used)]

#[allow(dead_code, reason = "the tests of the contract use the rest")]
#[path = "contract/world.rs"]
mod world;

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use payments::PaymentProcessor;
use paystream_processor_stub::Misbehaviour;
use tracing::Level;

use self::world::{API_KEY, World, key};

const TOKEN: &str = "tok_decline_secret4711";
const TOKEN_SUFFIX: &str = "secret4711";

/// Every way to fail, with a response that repeats what must stay secret.
fn failures() -> Vec<Misbehaviour> {
    let echo = format!(r#"{{"error": "{TOKEN} {API_KEY}"}}"#);
    let status = |status| Misbehaviour::Status { status, processed: true };
    vec![
        Misbehaviour::Body { body: echo.clone() },
        Misbehaviour::Body { body: format!(r#"{{"status": "{TOKEN}{API_KEY}"}}"#) },
        Misbehaviour::Redirect { location: format!("/{TOKEN}/{API_KEY}") },
        Misbehaviour::Long,
        status(400),
        status(429),
        status(500),
        status(500),
        Misbehaviour::Truncate,
        Misbehaviour::Truncate,
        Misbehaviour::Reset { processed: true },
        Misbehaviour::Reset { processed: false },
        Misbehaviour::Pending,
    ]
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// All levels of all crates, in one thread, so that the connections' tasks log here too.
#[tokio::test]
async fn no_key_and_no_token_is_logged_or_shown() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(Level::TRACE).with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let world = World::new().await;
    let mut shown = format!("{:?}", world.processor);
    world.processor.connect().await;
    world.stub.misbehave(failures());
    for n in 0..failures().len() {
        let error = world.authorize_with(&key(&format!("pay_{n}")), TOKEN).await.map(drop).err();
        let text = error.as_ref().map(ToString::to_string).unwrap_or_default();
        writeln!(shown, "{error:?} {text}").unwrap();
    }
    world.stub.rotate_api_key("other");
    for result in
        [world.authorize_with(&key("pay_A"), TOKEN).await.map(drop), world.processor.void(&key("pay_A")).await]
    {
        let error = result.unwrap_err();
        writeln!(shown, "{error} {error:?}").unwrap();
    }
    write!(shown, "{:?}", world.processor).unwrap();
    drop(guard);
    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("will be retried"), "nothing was captured: {logged}");
    assert!(shown.contains("it responded 400") && shown.contains("refused the API key"), "{shown}");
    for text in [&logged, &shown] {
        for secret in [API_KEY, TOKEN_SUFFIX] {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret} is shown");
        }
    }
}
