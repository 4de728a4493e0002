//! Who made a request.

use serde_json::Value;

use crate::event::RequestContext;
use crate::request::{InvalidEvent, PayloadFormat};

/// Who made a request, as the authorizer of its route says. It is an extension of the request; requests of a route
/// without an authorizer have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// The ARN of an IAM user or of a role's session, such as `arn:aws:sts::123456789012:assumed-role/checkout/i-1`.
    Principal(String),
    /// The subject (`sub`) of a token, of Cognito's or another issuer's.
    Subject(String),
}

impl Identity {
    /// Every event of format 1.0 says something of who asks. A load balancer's, which looks the same otherwise, does not.
    pub(crate) fn of(context: &RequestContext<'_>, format: PayloadFormat) -> Result<Option<Self>, InvalidEvent> {
        let said = |pointer| context.authorizer.pointer(pointer).and_then(Value::as_str);
        let (principal, subject) = match format {
            PayloadFormat::V1 => {
                let identity = context.identity.as_ref().ok_or(InvalidEvent::Missing("requestContext.identity"))?;
                (identity.user_arn.as_ref().map(|arn| &*arn.0), said("/claims/sub"))
            }
            PayloadFormat::V2 => (said("/iam/userArn"), said("/jwt/claims/sub")),
        };
        let subject = || subject.map(|subject| Self::Subject(subject.to_owned()));
        Ok(principal.map(|arn| Self::Principal(arn.to_owned())).or_else(subject))
    }
}
