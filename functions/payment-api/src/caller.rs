//! The caller of a request, as identified by API Gateway's authorizer.

use api_gateway::Identity;
use payments::Caller;

/// Returns the caller that API Gateway identified. Requests without an identity (tests, APIs without an authorizer)
/// share one caller.
pub(crate) fn caller(identity: Option<&Identity>) -> Caller {
    Caller::named(identity.map(|identity| match identity {
        Identity::Principal(arn) => without_session(arn),
        Identity::Subject(subject) => subject,
    }))
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
    fn a_role_is_the_same_caller_in_every_session() {
        let role = "arn:aws:sts::123456789012:assumed-role/checkout";
        assert_eq!(without_session(&format!("{role}/i-1")), role);
        assert_eq!(without_session(&format!("{role}/i-2")), role);
        let user = "arn:aws:iam::123456789012:user/ops/anna";
        assert_eq!(without_session(user), user);
    }

    #[test]
    fn subjects_roles_and_unidentified_requests_are_different_callers() {
        let subject = Identity::Subject("client-7@clients".to_owned());
        assert_eq!(caller(Some(&subject)), Caller::named(Some("client-7@clients")));
        let session = Identity::Principal("arn:aws:sts::123456789012:assumed-role/checkout/i-1".to_owned());
        assert_eq!(caller(Some(&session)), Caller::named(Some("arn:aws:sts::123456789012:assumed-role/checkout")));
        assert_eq!(caller(None), Caller::named(None));
    }
}
