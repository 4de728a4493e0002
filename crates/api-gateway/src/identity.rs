//! Callers of requests.

use serde_json::Value;

use crate::event::RequestContext;
use crate::request::{InvalidEvent, PayloadFormat};

/// Caller of a request, as the route's authorizer reports it. It is a request extension, which requests of a route
/// without an authorizer do not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// ARN of an IAM user or of a role session, such as `arn:aws:sts::123456789012:assumed-role/checkout/i-1`.
    Principal(String),
    /// Subject (`sub`) of a token from Cognito or another issuer.
    Subject(String),
}

impl Identity {
    /// Returns the caller, or `None` without an authorizer.
    ///
    /// Every API Gateway event of format 1.0 has `requestContext.identity`. A load balancer's event looks alike but has
    /// none, and is rejected.
    pub(crate) fn of(context: &RequestContext<'_>, format: PayloadFormat) -> Result<Option<Self>, InvalidEvent> {
        let text_at = |pointer| context.authorizer.pointer(pointer).and_then(Value::as_str);
        let (principal, subject) = match format {
            PayloadFormat::V1 => {
                let identity = context.identity.as_ref().ok_or(InvalidEvent::Missing("requestContext.identity"))?;
                (identity.user_arn.as_ref().map(|arn| &*arn.0), text_at("/claims/sub"))
            }
            PayloadFormat::V2 => (text_at("/iam/userArn"), text_at("/jwt/claims/sub")),
        };
        let subject = || subject.map(|subject| Self::Subject(subject.to_owned()));
        Ok(principal.map(|arn| Self::Principal(arn.to_owned())).or_else(subject))
    }
}
