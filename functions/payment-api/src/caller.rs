//! Who asks, as API Gateway's authorizer tells it.

use api_gateway::Identity;
use payments::Caller;

/// The caller whom API Gateway names; requests of nobody in particular (tests, APIs without an authorizer) are of one caller.
pub(crate) fn caller(identity: Option<&Identity>) -> Caller {
    Caller::named(identity.map(|identity| match identity {
        Identity::Principal(arn) => without_session(arn),
        Identity::Subject(subject) => subject,
    }))
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

    #[test]
    fn a_subject_is_its_own_caller_and_nobody_in_particular_another() {
        let subject = Identity::Subject("client-7@clients".to_owned());
        assert_eq!(caller(Some(&subject)), Caller::named(Some("client-7@clients")));
        let session = Identity::Principal("arn:aws:sts::123456789012:assumed-role/checkout/i-1".to_owned());
        assert_eq!(caller(Some(&session)), Caller::named(Some("arn:aws:sts::123456789012:assumed-role/checkout")));
        assert_eq!(caller(None), Caller::named(None));
    }
}
