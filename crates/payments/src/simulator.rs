//! Simulated payment processor. It moves no money; the token selects the outcome, as in processors' test modes.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use payment_events::{Decline, PaymentId};

use crate::{Authorization, Outcome, PaymentProcessor, PaymentToken, ProcessorError, ProcessorRecord, StoreError};

/// Response time of `tok_slow`, in milliseconds.
const SLOW_MS: u64 = 2_000;
/// Timeout of `tok_timeout`, in milliseconds.
const TIMEOUT_MS: u64 = 3_000;

/// Payment processor that decides by the token. `docs/api/test-tokens.md` lists the tokens. It keeps its charges by
/// idempotency key, as a real processor does.
#[derive(Clone)]
pub struct SimulatedProcessor {
    charges: Arc<dyn SimulatedCharges>,
}

/// Charges of the simulator: the database of a real processor.
#[async_trait]
pub trait SimulatedCharges: Send + Sync {
    /// Stores a charge under a key that is free. If the key is taken, MUST change nothing. Returns the stored charge.
    async fn add(&self, key: &PaymentId, charge: &SimulatedCharge) -> Result<SimulatedCharge, StoreError>;

    /// Returns the charge of a key. Strongly consistent.
    async fn find(&self, key: &PaymentId) -> Result<Option<SimulatedCharge>, StoreError>;

    /// Makes a key void, whether it is free or taken.
    async fn void(&self, key: &PaymentId) -> Result<(), StoreError>;
}

/// State of an idempotency key at the simulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SimulatedCharge {
    /// Decided. If approved, the amount is held.
    Decided(Outcome),
    /// Void. Nothing is held.
    Voided,
}

impl SimulatedProcessor {
    /// Creates a simulator with these charges.
    pub fn new(charges: Arc<dyn SimulatedCharges>) -> Self {
        Self { charges }
    }

    /// Returns true for a token that selects an outcome of the simulator. Every other token is declined as unknown.
    pub fn knows(token: &PaymentToken) -> bool {
        matches!(token.expose(), "tok_approve" | "tok_slow" | "tok_timeout" | "tok_fail_once")
            || named_decline(token.expose()).is_some()
    }
}

#[async_trait]
impl PaymentProcessor for SimulatedProcessor {
    async fn authorize(&self, authorization: Authorization<'_>) -> Result<Outcome, ProcessorError> {
        let key = authorization.idempotency_key;
        let charge = SimulatedCharge::Decided(decide(authorization.token, authorization.attempt).await?);
        let outcome = match self.charges.add(key, &charge).await.map_err(|error| failed(&error))? {
            SimulatedCharge::Decided(outcome) => outcome,
            SimulatedCharge::Voided => Outcome::Declined(voided()),
        };
        Ok(outcome)
    }

    async fn look_up(&self, idempotency_key: &PaymentId) -> Result<ProcessorRecord, ProcessorError> {
        Ok(match self.charges.find(idempotency_key).await.map_err(|error| failed(&error))? {
            None => ProcessorRecord::Unknown,
            Some(SimulatedCharge::Decided(outcome)) => ProcessorRecord::Decided(outcome),
            Some(SimulatedCharge::Voided) => ProcessorRecord::Voided,
        })
    }

    async fn void(&self, idempotency_key: &PaymentId) -> Result<(), ProcessorError> {
        self.charges.void(idempotency_key).await.map_err(|error| failed(&error))
    }
}

fn failed(error: &StoreError) -> ProcessorError {
    ProcessorError::Failed(format!("the simulator's charges: {error}"))
}

fn voided() -> Decline {
    Decline { code: "voided".to_owned(), message: "The authorization was given up before it arrived.".to_owned() }
}

async fn decide(token: &PaymentToken, attempt: u32) -> Result<Outcome, ProcessorError> {
    match token.expose() {
        "tok_slow" => {
            tokio::time::sleep(Duration::from_millis(SLOW_MS)).await;
            Ok(Outcome::Approved)
        }
        "tok_timeout" => {
            tokio::time::sleep(Duration::from_millis(TIMEOUT_MS)).await;
            Err(ProcessorError::TimedOut(TIMEOUT_MS))
        }
        "tok_fail_once" if attempt == 1 => {
            Err(ProcessorError::Failed("tok_fail_once fails on the first attempt".to_owned()))
        }
        "tok_approve" | "tok_fail_once" => Ok(Outcome::Approved),
        token => Ok(Outcome::Declined(decline(token))),
    }
}

/// Returns the decline that the token selects. An unknown token is declined too, as by any processor.
fn decline(token: &str) -> Decline {
    let unknown = ("unknown_token", "The processor does not know this token.");
    let (code, message) = named_decline(token).unwrap_or(unknown);
    Decline { code: code.to_owned(), message: message.to_owned() }
}

/// Returns code and message of the decline that a token names.
fn named_decline(token: &str) -> Option<(&'static str, &'static str)> {
    Some(match token {
        "tok_decline_insufficient_funds" => ("insufficient_funds", "The card has insufficient funds."),
        "tok_decline_expired_card" => ("expired_card", "The card has expired."),
        "tok_decline_lost_card" => ("lost_card", "The card was reported lost."),
        "tok_decline_fraud" => ("suspected_fraud", "The payment looks fraudulent."),
        "tok_decline_do_not_honor" => ("do_not_honor", "The issuer declined without a reason."),
        _ => return None,
    })
}
