//! Ownership: the caller that made a payment, and which payments a caller may read and change.

use crate::Payment;

/// Caller of the API, as identified by the authorizer: the ARN of an IAM role or user, or the subject of a token.
///
/// Requests without an identity share one caller, which owns nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller(Option<String>);

impl Caller {
    /// Creates the caller with this identity. `None` is a request without an authorizer.
    pub fn named(identity: Option<&str>) -> Self {
        Self(identity.map(str::to_owned))
    }

    /// Returns the identity, to store it with a payment and to log it.
    pub fn identity(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Returns the text that hashes of this caller's keys contain.
    pub(crate) fn hashed(&self) -> &str {
        self.identity().unwrap_or("anonymous")
    }
}

/// Payments that a request may read and change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Every payment: something else decided already, such as an IAM policy or a scope of a token.
    Every,
    /// Payments that this caller made. A payment without a stored caller is nobody's.
    MadeBy(Caller),
}

impl Access {
    /// Returns true if the request may read and change this payment. To a request that may not, the payment does not
    /// exist.
    pub fn allows(&self, payment: &Payment) -> bool {
        match self {
            Self::Every => true,
            Self::MadeBy(caller) => caller.identity().is_some() && payment.made_by == *caller,
        }
    }
}

#[cfg(test)]
mod tests {
    use payment_events::{Money, Timestamp};

    use super::*;

    fn payment(made_by: Option<&str>) -> Payment {
        let amount = Money::new(1, "EUR".parse().unwrap()).unwrap();
        let at = Timestamp::from_unix_ms(1_800_000_000_000).unwrap();
        let begun = Payment::begin("pay_1".parse().unwrap(), "ord-1".parse().unwrap(), amount, None, at);
        Payment { made_by: Caller::named(made_by), ..begun }
    }

    #[test]
    fn a_payment_is_accessible_to_its_maker_and_to_callers_with_access_to_every_payment() {
        let access_of = |identity| Access::MadeBy(Caller::named(identity));
        let (theirs, nobodys) = (payment(Some("client-7")), payment(None));
        assert!(access_of(Some("client-7")).allows(&theirs));
        for (other, payment) in [
            (Some("client-8"), &theirs),
            (Some(""), &theirs),
            (None, &theirs),
            (Some("client-7"), &nobodys),
            (Some("anonymous"), &nobodys),
            (None, &nobodys),
        ] {
            assert!(!access_of(other).allows(payment), "{other:?}");
            assert!(Access::Every.allows(payment));
        }
    }
}
