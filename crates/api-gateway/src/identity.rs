//! Callers of requests.

use serde_json::Value;

use crate::event::RequestContext;
use crate::request::{InvalidEvent, PayloadFormat};

/// Caller of a request, as the route's authorizer reports it. It is a request extension, which requests of a route
/// without an authorizer do not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// ARN of an IAM user or of a role session, such as `arn:aws:sts::123456789012:assumed-role/checkout/i-1`. It has no
    /// scopes: IAM policies decided which routes it may call.
    Principal(String),
    /// Caller with an access token from Cognito or another issuer.
    Token {
        /// Subject of the token (`sub`), which is unique within its issuer.
        subject: String,
        /// Scopes of the token, separated by spaces.
        scopes: String,
    },
}

impl Identity {
    /// Returns true if this is a token with this scope.
    pub fn has_scope(&self, name: &str) -> bool {
        match self {
            Self::Principal(_) => false,
            Self::Token { scopes, .. } => scopes.split_ascii_whitespace().any(|scope| scope == name),
        }
    }

    /// Returns the identity without the part that differs between sessions: a role's ARN without the name of the
    /// session, another principal's ARN, or the subject of a token. It contains nothing of the token's signature.
    pub fn name(&self) -> &str {
        match self {
            Self::Principal(arn) => without_session(arn),
            Self::Token { subject, .. } => subject,
        }
    }

    /// Returns the caller, or `None` without an authorizer.
    ///
    /// Fails for an authorizer of another kind, and for a token without a subject: they must not count as a request
    /// without an authorizer, whose caller may do anything.
    ///
    /// Every API Gateway event of format 1.0 has `requestContext.identity`. A load balancer's event looks alike but has
    /// none, and is rejected.
    pub(crate) fn of(context: &RequestContext<'_>, format: PayloadFormat) -> Result<Option<Self>, InvalidEvent> {
        let at = |pointer| context.authorizer.pointer(pointer).filter(|value| !value.is_null());
        let (principal, claims) = match format {
            PayloadFormat::V1 => {
                let identity = context.identity.as_ref().ok_or(InvalidEvent::Missing("requestContext.identity"))?;
                (identity.user_arn.as_ref().map(|arn| &*arn.0), at("/claims"))
            }
            PayloadFormat::V2 => (at("/iam/userArn").and_then(Value::as_str), at("/jwt/claims")),
        };
        match (principal, claims) {
            (Some(arn), _) => Ok(Some(Self::Principal(arn.to_owned()))),
            (None, Some(claims)) => token(claims).map(Some).ok_or(InvalidEvent::Missing("the claim sub of the token")),
            (None, None) if is_missing(&context.authorizer) => Ok(None),
            (None, None) => Err(InvalidEvent::Authorizer),
        }
    }
}

/// Returns true without an authorizer. In format 1.0, an HTTP API then sends `{ "claims": null, "scopes": null }`.
fn is_missing(authorizer: &Value) -> bool {
    match authorizer {
        Value::Null => true,
        Value::Object(members) => members.values().all(Value::is_null),
        _ => false,
    }
}

/// Returns the caller with these claims, or `None` without a subject.
fn token(claims: &Value) -> Option<Identity> {
    let claim = |name| claims.get(name).and_then(Value::as_str).filter(|value| !value.is_empty());
    // `scope` is the claim of RFC 9068. Some issuers send `scp` instead, which API Gateway accepts as well. The list of
    // the authorizer, `jwt.scopes`, is not read: AWS does not document if it is the token's or the route's.
    let scopes = claim("scope").or_else(|| claim("scp").map(unbracketed)).unwrap_or_default();
    Some(Identity::Token { subject: claim("sub")?.to_owned(), scopes: scopes.to_owned() })
}

/// Removes the brackets of a list, `[a b]`: an HTTP API passes a claim that is a JSON array like this.
fn unbracketed(claim: &str) -> &str {
    claim.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(claim)
}

/// Removes the session name, which ends the ARN of an assumed role, so that a role is the same caller in every session.
fn without_session(arn: &str) -> &str {
    match arn.rsplit_once('/') {
        Some((role, _)) if arn.contains(":assumed-role/") => role,
        _ => arn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_the_same_name_in_every_session() {
        let role = "arn:aws:sts::123456789012:assumed-role/checkout";
        assert_eq!(without_session(&format!("{role}/i-1")), role);
        assert_eq!(without_session(&format!("{role}/i-2")), role);
        let user = "arn:aws:iam::123456789012:user/ops/anna";
        assert_eq!(without_session(user), user);
    }

    #[test]
    fn a_scope_is_compared_whole_and_a_principal_has_none() {
        let token = |scopes: &str| Identity::Token { subject: "client-7".to_owned(), scopes: scopes.to_owned() };
        assert!(token("a/read b/back-office").has_scope("b/back-office"));
        for (scopes, name) in
            [("a/back-office", "back-office"), ("back-office-2", "back-office"), ("", ""), ("a b", "a b")]
        {
            assert!(!token(scopes).has_scope(name), "{scopes:?} has {name:?}");
        }
        assert!(!Identity::Principal("back-office".to_owned()).has_scope("back-office"));
    }
}
