//! Secrets Manager emulator: `GetSecretValue` for the secrets that the environment itself made.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::operation_of;
use super::service::{Emulator, ErrorAnswer};

/// The only operation.
pub(super) const GET_SECRET_VALUE: &str = "GetSecretValue";
const CURRENT: &str = "AWSCURRENT";
/// Number of random characters after the name in an ARN, and the hyphen before them.
const ARN_SUFFIX_CHARS: usize = 7;

/// Secrets by ARN.
#[derive(Debug, Clone, Default)]
pub(crate) struct SecretsManager(Arc<BTreeMap<String, Secret>>);

#[derive(Clone)]
struct Secret {
    name: String,
    version: Uuid,
    created: OffsetDateTime,
    value: String,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Secret({})", self.name)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    secret_id: Option<String>,
    version_id: Option<String>,
    version_stage: Option<String>,
}

impl SecretsManager {
    /// Creates the emulator with these secrets: value by ARN.
    pub(crate) fn new(secrets: BTreeMap<String, String>) -> Self {
        let secret = |(arn, value): (String, String)| {
            let name = arn.rsplit(':').next().unwrap_or_default();
            let name = name.get(..name.len().saturating_sub(ARN_SUFFIX_CHARS)).unwrap_or(name).to_owned();
            (arn, Secret { name, version: Uuid::new_v4(), created: OffsetDateTime::now_utc(), value })
        };
        Self(Arc::new(secrets.into_iter().map(secret).collect()))
    }

    pub(crate) fn router(&self) -> Router {
        Router::new().route("/", post(call)).with_state(self.clone())
    }

    fn get(&self, request: &Request) -> Result<Response, ErrorAnswer> {
        let Some(id) = request.secret_id.as_deref().filter(|id| !id.is_empty()) else {
            return Err(refused("ValidationException", "SecretId is missing"));
        };
        let found = self.0.iter().find(|(arn, secret)| *arn == id || secret.name == id);
        let Some((arn, secret)) = found else {
            return Err(refused("ResourceNotFoundException", "Secrets Manager can't find the specified secret."));
        };
        let is_current = request.version_stage.as_deref().is_none_or(|stage| stage == CURRENT)
            && request.version_id.as_deref().is_none_or(|version| version == secret.version.to_string());
        if !is_current {
            return Err(refused("ResourceNotFoundException", "Secrets Manager can't find the specified version."));
        }
        let body = json!({
            "ARN": arn,
            "Name": secret.name,
            "VersionId": secret.version.to_string(),
            "SecretString": secret.value,
            "VersionStages": [CURRENT],
            "CreatedDate": secret.created.unix_timestamp(),
        });
        Ok(([("content-type", Emulator::SecretsManager.content_type())], body.to_string()).into_response())
    }
}

async fn call(State(secrets): State<SecretsManager>, headers: HeaderMap, body: Bytes) -> Response {
    let operation = operation_of(&headers);
    let answer = if operation == GET_SECRET_VALUE {
        match serde_json::from_slice(&body) {
            Ok(request) => secrets.get(&request),
            Err(_) => Err(refused("SerializationException", "the body is not a GetSecretValue request")),
        }
    } else {
        let message =
            format!("{operation:?} is not available in the local environment, which has {GET_SECRET_VALUE} only");
        Err(refused("UnknownOperationException", &message))
    };
    answer.unwrap_or_else(|error| Emulator::SecretsManager.answer(&error))
}

fn refused(code: &str, message: &str) -> ErrorAnswer {
    ErrorAnswer { code: code.to_owned(), message: Some(message.to_owned()), status: None }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use serde_json::Value;

    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:hub-LocaL1";

    async fn answer(operation: &str, body: Value) -> (u16, Value) {
        let secrets = SecretsManager::new([(ARN.to_owned(), "{}".to_owned())].into());
        let request = http::Request::post("/").header("x-amz-target", format!("secretsmanager.{operation}"));
        let request = request.body(Body::from(body.to_string())).unwrap();
        let response = tower::ServiceExt::oneshot(secrets.router(), request).await.unwrap();
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_secret_is_found_by_its_arn_and_by_its_name() {
        for id in [ARN, "hub"] {
            let (status, body) = answer(GET_SECRET_VALUE, json!({"SecretId": id, "VersionStage": "AWSCURRENT"})).await;
            assert_eq!(
                (status, &body["ARN"], &body["Name"], &body["SecretString"]),
                (200, &json!(ARN), &json!("hub"), &json!("{}"))
            );
        }
    }

    #[tokio::test]
    async fn other_secrets_versions_and_operations_are_refused() {
        for (operation, body, code) in [
            (GET_SECRET_VALUE, json!({"SecretId": "other"}), "ResourceNotFoundException"),
            (GET_SECRET_VALUE, json!({"SecretId": ARN, "VersionStage": "AWSPREVIOUS"}), "ResourceNotFoundException"),
            (GET_SECRET_VALUE, json!({}), "ValidationException"),
            (GET_SECRET_VALUE, json!([]), "SerializationException"),
            ("PutSecretValue", json!({"SecretId": ARN}), "UnknownOperationException"),
        ] {
            let (status, answer) = answer(operation, body).await;
            assert_eq!((status, &answer["__type"]), (400, &json!(code)));
        }
    }

    #[test]
    fn a_secret_is_not_shown_by_debug() {
        let secrets = SecretsManager::new([(ARN.to_owned(), "guest".to_owned())].into());
        assert!(!format!("{secrets:?}").contains("guest"));
    }
}
