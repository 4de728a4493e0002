//! Who asks, as API Gateway's authorizer tells it.

use lambda_http::request::RequestContext;
use payments::Caller;

/// The caller in a request's context; requests without one (tests, APIs without an authorizer) are of one caller.
pub(crate) fn caller(context: Option<&RequestContext>) -> Caller {
    let identity = match context {
        Some(RequestContext::ApiGatewayV1(context)) => {
            let claims = context.authorizer.fields.get("claims");
            let subject = claims.and_then(|claims| claims.get("sub")).and_then(|subject| subject.as_str());
            context.identity.user_arn.as_deref().map(without_session).or(subject)
        }
        Some(RequestContext::ApiGatewayV2(context)) => context.authorizer.as_ref().and_then(|authorizer| {
            let arn = authorizer.iam.as_ref().and_then(|iam| iam.user_arn.as_deref()).map(without_session);
            let subject = authorizer.jwt.as_ref().and_then(|jwt| jwt.claims.get("sub")).map(String::as_str);
            arn.or(subject)
        }),
        _ => None,
    };
    Caller::named(identity)
}

/// A role stays the same caller from one session to the next: the session's name, which ends the ARN of an assumed
/// role, does not count.
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
    fn a_role_is_one_caller_whatever_its_session() {
        let role = "arn:aws:sts::123456789012:assumed-role/checkout";
        assert_eq!(without_session(&format!("{role}/i-1")), role);
        assert_eq!(without_session(&format!("{role}/i-2")), role);
        let user = "arn:aws:iam::123456789012:user/ops/anna";
        assert_eq!(without_session(user), user);
    }
}
