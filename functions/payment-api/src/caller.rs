//! The caller of a request, and the payments that it may access.

use std::convert::Infallible;

use api_gateway::Identity;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use http_problems::Problem;
use openapi_routes::{Input, Operation};
use payment_events::PaymentId;
use payments::{Access, Caller};
use schemars::SchemaGenerator;

use crate::problems;

/// Scope of a token that may read and change every payment. `infra/api/payments.yaml` has the scopes of each route.
pub(crate) const BACK_OFFICE: &str = "paystream/back-office";

/// Caller of a request, as API Gateway's authorizer identified it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CalledBy {
    /// Identity, which idempotency keys belong to.
    pub(crate) caller: Caller,
    /// Payments that it may read and change.
    pub(crate) access: Access,
}

impl CalledBy {
    /// Returns the caller with this identity. Requests without an authorizer (tests, the local environment) share one
    /// caller.
    ///
    /// Only tokens are restricted to the payments of their caller. IAM policies already decide for each principal which
    /// routes it may call, and several roles often work on the same payments, so that a role with access to a route may
    /// access every payment.
    pub(crate) fn of(identity: Option<&Identity>) -> Self {
        let caller = Caller::named(identity.map(Identity::name));
        let access = match identity {
            None | Some(Identity::Principal(_)) => Access::Every,
            Some(token) if token.has_scope(BACK_OFFICE) => Access::Every,
            Some(Identity::Token { .. }) => Access::MadeBy(caller.clone()),
        };
        Self { caller, access }
    }

    /// Returns the problem for a payment that this caller may not access, and logs it. The caller is told the same as
    /// for a payment that does not exist.
    pub(crate) fn denied(&self, payment_id: &PaymentId) -> Problem {
        tracing::warn!(%payment_id, caller = self.caller.identity(),
            "denied access to payment {payment_id}, which another caller made (404)");
        problems::not_found(payment_id)
    }
}

impl<S: Sync> FromRequestParts<S> for CalledBy {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts.extensions.get()))
    }
}

/// Not described: the authorizer identifies the caller.
impl Input for CalledBy {
    fn describe(_: &mut Operation, _: &mut SchemaGenerator) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(scopes: &str) -> Identity {
        Identity::Token { subject: "client-7@clients".to_owned(), scopes: scopes.to_owned() }
    }

    #[test]
    fn a_token_without_the_back_office_scope_is_restricted_to_its_own_payments() {
        let own = Caller::named(Some("client-7@clients"));
        let role = Identity::Principal("arn:aws:sts::123456789012:assumed-role/checkout/i-1".to_owned());
        let checkout = Caller::named(Some("arn:aws:sts::123456789012:assumed-role/checkout"));
        let restricted = CalledBy { caller: own.clone(), access: Access::MadeBy(own.clone()) };
        for (identity, expected) in [
            (Some(token("paystream/payments.change")), restricted.clone()),
            (Some(token("paystream/back-office-2")), restricted),
            (
                Some(token("paystream/payments.read paystream/back-office")),
                CalledBy { caller: own, access: Access::Every },
            ),
            (Some(role), CalledBy { caller: checkout, access: Access::Every }),
            (None, CalledBy { caller: Caller::named(None), access: Access::Every }),
        ] {
            assert_eq!(CalledBy::of(identity.as_ref()), expected, "{identity:?}");
        }
    }

    #[test]
    fn the_routes_accept_the_back_office_scope() {
        assert!(include_str!("../../../infra/api/payments.yaml").contains(BACK_OFFICE));
    }
}
