//! A payment processor that moves no money and does what the token says, as processors' test modes do.

use std::time::Duration;

use async_trait::async_trait;
use payment_events::Decline;

use crate::{Authorization, Outcome, PaymentProcessor, PaymentToken, ProcessorError};

/// How long `tok_slow` takes, in milliseconds.
const SLOW_MS: u64 = 2_000;
/// After how long `tok_timeout` is given up, in milliseconds.
const TIMEOUT_MS: u64 = 3_000;

/// Answers by token; the tokens are documented in docs/api/test-tokens.md.
#[derive(Debug, Clone, Copy, Default)]
pub struct SimulatedProcessor;

#[async_trait]
impl PaymentProcessor for SimulatedProcessor {
    async fn authorize(&self, authorization: Authorization<'_>) -> Result<Outcome, ProcessorError> {
        let answer = answer(authorization.token, authorization.attempt).await;
        let said = match &answer {
            Ok(Outcome::Approved) => "approved",
            Ok(Outcome::Declined(_)) => "declined",
            Err(_) => "gave no answer",
        };
        // What a processor charges once for is the key: this line is how the simulator's charges can be counted.
        tracing::info!(idempotency_key = %authorization.idempotency_key, attempt = authorization.attempt,
            "the simulated processor {said}");
        answer
    }
}

async fn answer(token: &PaymentToken, attempt: u32) -> Result<Outcome, ProcessorError> {
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
            Err(ProcessorError::Failed("tok_fail_once fails at the first attempt".to_owned()))
        }
        "tok_approve" | "tok_fail_once" => Ok(Outcome::Approved),
        token => Ok(Outcome::Declined(decline(token))),
    }
}

/// The decline a token stands for. A token that is not known is declined too, as any processor would.
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
