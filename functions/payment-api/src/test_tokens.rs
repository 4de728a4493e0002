//! Refusal of the simulator's tokens in production.

use std::str::FromStr;

use http_problems::Problem;
use payments::{PaymentToken, SimulatedProcessor};

/// Treatment of payments with a token of the simulator (`docs/api/test-tokens.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestTokens {
    /// The processor decides them, as every other token.
    Accept,
    /// They are invalid: in production, a checkout that sends one is misconfigured.
    Refuse,
}

/// Neither `accept` nor `refuse`.
#[derive(Debug, thiserror::Error)]
#[error("neither accept nor refuse")]
pub struct InvalidTestTokens;

impl FromStr for TestTokens {
    type Err = InvalidTestTokens;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "accept" => Ok(Self::Accept),
            "refuse" => Ok(Self::Refuse),
            _ => Err(InvalidTestTokens),
        }
    }
}

impl TestTokens {
    /// Returns a problem for a token that is refused. It is returned before anything is read or stored.
    pub(crate) fn check(self, token: &PaymentToken) -> Result<(), Problem> {
        match self {
            Self::Refuse if SimulatedProcessor::knows(token) => Err(Problem::invalid(
                "/method/token",
                "must not be a test token of the simulator: this stage makes real payments".to_owned(),
            )),
            Self::Accept | Self::Refuse => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use api_gateway::{ProxyRequest, handle};
    use async_trait::async_trait;
    use lambda_runtime::{Context, LambdaEvent};
    use payments::testing::MemoryPayments;
    use payments::{
        AcceptPayment, Authorization, ChangePayment, Outcome, PaymentProcessor, ProcessorError, ProcessorRecord,
        PublishMode,
    };
    use serde_json::{Value, json};
    use telemetry::Metrics;

    use super::*;
    use crate::{Service, router};

    const REST: &str = include_str!("../../../crates/api-gateway/tests/events/rest-iam.json");
    const HTTP: &str = include_str!("../../../crates/api-gateway/tests/events/http-iam.json");

    /// A processor with tokens of its own, which approves them.
    struct Approving;

    #[async_trait]
    impl PaymentProcessor for Approving {
        async fn authorize(&self, _: Authorization<'_>) -> Result<Outcome, ProcessorError> {
            Ok(Outcome::Approved)
        }

        async fn look_up(&self, _: &payment_events::PaymentId) -> Result<ProcessorRecord, ProcessorError> {
            Ok(ProcessorRecord::Unknown)
        }

        async fn void(&self, _: &payment_events::PaymentId) -> Result<(), ProcessorError> {
            Ok(())
        }
    }

    async fn pay(event: &str, test_tokens: TestTokens, token: &str) -> (u64, Value) {
        let store = Arc::new(MemoryPayments::default());
        let accept = AcceptPayment::new(store.clone(), Arc::new(Approving), PublishMode::Stream, 10_000);
        let change = ChangePayment::new(store.clone(), PublishMode::Stream);
        let metrics = Metrics::new("payments", |_| {});
        let router = router(Service { accept, change, queries: store, metrics, test_tokens });
        let body =
            json!({"order_id": "ord-42", "amount": {"minor": 1299, "currency": "EUR"}, "method": {"token": token}});
        let headers = json!({"content-type": "application/json", "idempotency-key": "key-1"});
        let mut event: Value = serde_json::from_str(event).unwrap();
        event["body"] = body.to_string().into();
        event["isBase64Encoded"] = false.into();
        if event["version"] == "2.0" {
            event["headers"] = headers;
            event["rawPath"] = "/payments".into();
            event["rawQueryString"] = "".into();
            event["routeKey"] = "POST /payments".into();
            event["requestContext"]["routeKey"] = "POST /payments".into();
            event["requestContext"]["http"]["method"] = "POST".into();
            event["requestContext"]["http"]["path"] = "/payments".into();
        } else {
            let lines = |name: &str| json!([headers[name].clone()]);
            let all = json!({"content-type": lines("content-type"), "idempotency-key": lines("idempotency-key")});
            event["multiValueHeaders"] = all;
            event["headers"] = headers;
            event["path"] = "/payments".into();
            event["resource"] = "/payments".into();
            event["requestContext"]["path"] = "/dev/payments".into();
            event["requestContext"]["resourcePath"] = "/payments".into();
            event["requestContext"]["httpMethod"] = "POST".into();
            event["httpMethod"] = "POST".into();
            event["queryStringParameters"] = Value::Null;
            event["multiValueQueryStringParameters"] = Value::Null;
        }
        let request: ProxyRequest = serde_json::from_value(event).unwrap();
        let response = handle(router, LambdaEvent::new(request, Context::default())).await.unwrap();
        let response = serde_json::to_value(response).unwrap();
        let status = response["statusCode"].as_u64().unwrap();
        (status, serde_json::from_str(response["body"].as_str().unwrap()).unwrap())
    }

    /// Returns the tokens that `docs/api/test-tokens.md` names.
    fn documented() -> Vec<&'static str> {
        let page = include_str!("../../../docs/api/test-tokens.md");
        page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`')).map(|(token, _)| token).collect()
    }

    #[tokio::test]
    async fn test_tokens_are_refused_if_configured_in_both_api_flavours() {
        let tokens: Vec<_> = documented().into_iter().filter(|token| token.starts_with("tok_")).collect();
        assert_eq!(tokens.len(), 9, "{tokens:?}");
        for event in [REST, HTTP] {
            for token in &tokens {
                let (status, problem) = pay(event, TestTokens::Refuse, token).await;
                assert_eq!(status, 400, "{token} {problem}");
                assert_eq!(problem["errors"][0]["pointer"], "/method/token");
                let detail = problem["errors"][0]["detail"].as_str().unwrap();
                assert!(detail.starts_with("must not be a test token of the simulator"), "{detail}");
                assert!(!problem.to_string().contains(token), "a response never repeats a value: {problem}");
                assert_eq!(pay(event, TestTokens::Accept, token).await.0, 201, "{token}");
            }
            assert_eq!(pay(event, TestTokens::Refuse, "tok_1nzq7").await.0, 201, "a token of the processor");
        }
    }
}
