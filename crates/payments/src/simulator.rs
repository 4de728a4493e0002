//! Simulated payment processor. It moves no money; the token selects the outcome, as in processors' test modes.

use std::time::Duration;

use async_trait::async_trait;
use payment_events::Decline;

use crate::{Authorization, Outcome, PaymentProcessor, PaymentToken, ProcessorError};

/// Response time of `tok_slow`, in milliseconds.
const SLOW_MS: u64 = 2_000;
/// Timeout of `tok_timeout`, in milliseconds.
const TIMEOUT_MS: u64 = 3_000;

/// Payment processor that decides by the token. `docs/api/test-tokens.md` lists the tokens.
#[derive(Debug, Clone, Copy, Default)]
pub struct SimulatedProcessor;

#[async_trait]
impl PaymentProcessor for SimulatedProcessor {
    async fn authorize(&self, authorization: Authorization<'_>) -> Result<Outcome, ProcessorError> {
        let decision = decide(authorization.token, authorization.attempt).await;
        let result = match &decision {
            Ok(Outcome::Approved) => "approved",
            Ok(Outcome::Declined(_)) => "declined",
            Err(_) => "failed",
        };
        // A processor charges once per key, so the distinct keys of these lines are the simulator's charges.
        tracing::info!(idempotency_key = %authorization.idempotency_key, attempt = authorization.attempt,
            "the simulated processor {result}");
        decision
    }
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
    let (code, message) = match token {
        "tok_decline_insufficient_funds" => ("insufficient_funds", "The card has insufficient funds."),
        "tok_decline_expired_card" => ("expired_card", "The card has expired."),
        "tok_decline_lost_card" => ("lost_card", "The card was reported lost."),
        "tok_decline_fraud" => ("suspected_fraud", "The payment looks fraudulent."),
        "tok_decline_do_not_honor" => ("do_not_honor", "The issuer declined without a reason."),
        _ => ("unknown_token", "The processor does not know this token."),
    };
    Decline { code: code.to_owned(), message: message.to_owned() }
}
