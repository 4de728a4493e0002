//! A payment and its state machine.
//!
//! ```text
//! processing ─▶ authorized ─▶ captured ─▶ refunded (when the captured amount is refunded in full)
//!      │             └─▶ voided
//!      └─▶ declined
//! ```

use std::borrow::Cow;
use std::{fmt, iter};

use payment_events::{
    Currency, Decline, InvalidPaymentInfo, Money, OrderId, PaymentEvent, PaymentId, PaymentInfo, PaymentStatus,
    Timestamp, TraceParent,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::Caller;

/// Status of a payment, including the one that is internal to Payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Stored, but the processor has not decided yet. Never published.
    Processing,
    /// A status that is published.
    Public(PaymentStatus),
}

impl Status {
    /// Returns every status, in lifecycle order.
    pub fn all() -> impl Iterator<Item = Self> {
        iter::once(Self::Processing).chain(PaymentStatus::ALL.map(Self::Public))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Processing => f.write_str("processing"),
            Self::Public(status) => status.fmt(f),
        }
    }
}

impl JsonSchema for Status {
    fn schema_name() -> Cow<'static, str> {
        "Status".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Status of the payment. While it is processing, the payment processor has not decided.",
            "type": "string",
            "enum": Self::all().map(|status| status.to_string()).collect::<Vec<_>>(),
        })
    }
}

/// A payment as of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Derived from the caller and the idempotency key, so that a retry finds the same payment.
    pub payment_id: PaymentId,
    /// Order that the payment is for.
    pub order_id: OrderId,
    /// Amount requested.
    pub amount: Money,
    /// Status as of this version.
    pub status: Status,
    /// Amount captured, in minor units of `amount`'s currency: 0 to `amount`.
    pub captured_minor: i64,
    /// Amount refunded, in minor units of `amount`'s currency: 0 to `captured_minor`.
    pub refunded_minor: i64,
    /// Reason for the decline. Present if and only if the processor declined.
    pub decline: Option<Decline>,
    /// 0 while processing, then incremented with each published state.
    pub version: u64,
    /// Time at which the payment was accepted.
    pub created_at: Timestamp,
    /// Time at which this version was created.
    pub updated_at: Timestamp,
    /// Trace that produced this version.
    pub trace_parent: Option<TraceParent>,
    /// Caller that made the payment. In no event and no response. Without an identity for payments that were made
    /// without an authorizer, or before callers were stored.
    pub made_by: Caller,
}

/// Reason why an action is not possible in the payment's current state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IllegalTransition {
    /// The state machine has no such transition.
    #[error("a payment that is {from} cannot be {to}")]
    Status {
        /// Current status.
        from: Status,
        /// Requested status.
        to: PaymentStatus,
    },
    /// The amount exceeds what is available.
    #[error("the amount must be at most {available_minor} minor units")]
    Amount {
        /// Amount available to capture or refund, in minor units.
        available_minor: i64,
    },
    /// The currency is not the payment's.
    #[error("the currency must be the payment's, {currency}")]
    Currency {
        /// Currency of the payment.
        currency: Currency,
    },
}

/// Action that makes a new version of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The processor's decision.
    Decide(Outcome),
    /// A change that a caller requests later.
    Change(Change),
}

/// The processor's decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The amount is held.
    Approved,
    /// The authorization is declined for this reason, and no amount is held. A decline is final.
    Declined(Decline),
}

/// Change of an authorized or captured payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Captures this amount of the authorization, or all of it. Possible once; the rest is released.
    Capture(Option<Money>),
    /// Releases the authorization.
    Void,
    /// Refunds this amount of the captured amount, or all that remains of it.
    Refund(Option<Money>),
}

impl Change {
    /// Returns the name of the change: `capture`, `void` or `refund`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Capture(_) => "capture",
            Self::Void => "void",
            Self::Refund(_) => "refund",
        }
    }
}

impl Payment {
    /// Creates a payment that is processing, at version 0.
    pub fn begin(
        payment_id: PaymentId,
        order_id: OrderId,
        amount: Money,
        trace_parent: Option<TraceParent>,
        at: Timestamp,
    ) -> Self {
        Self {
            payment_id,
            order_id,
            amount,
            status: Status::Processing,
            captured_minor: 0,
            refunded_minor: 0,
            decline: None,
            version: 0,
            created_at: at,
            updated_at: at,
            trace_parent,
            made_by: Caller::named(None),
        }
    }

    /// Returns the payment after `action`, or the reason why its current state does not allow the action.
    pub fn after(self, action: &Action, at: Timestamp) -> Result<Self, IllegalTransition> {
        match action {
            Action::Decide(Outcome::Approved) => self.authorize(at),
            Action::Decide(Outcome::Declined(decline)) => self.decline(decline.clone(), at),
            Action::Change(Change::Capture(requested)) => self.capture(*requested, at),
            Action::Change(Change::Void) => self.void(at),
            Action::Change(Change::Refund(requested)) => self.refund(*requested, at),
        }
    }

    fn authorize(self, at: Timestamp) -> Result<Self, IllegalTransition> {
        self.expect(Status::Processing, PaymentStatus::Authorized)?;
        Ok(self.step(PaymentStatus::Authorized, at))
    }

    fn decline(self, decline: Decline, at: Timestamp) -> Result<Self, IllegalTransition> {
        self.expect(Status::Processing, PaymentStatus::Declined)?;
        Ok(Self { decline: Some(decline), ..self.step(PaymentStatus::Declined, at) })
    }

    fn void(self, at: Timestamp) -> Result<Self, IllegalTransition> {
        self.expect(Status::Public(PaymentStatus::Authorized), PaymentStatus::Voided)?;
        Ok(self.step(PaymentStatus::Voided, at))
    }

    fn capture(self, requested: Option<Money>, at: Timestamp) -> Result<Self, IllegalTransition> {
        self.expect(Status::Public(PaymentStatus::Authorized), PaymentStatus::Captured)?;
        let captured_minor = self.part(requested, self.amount.minor())?;
        Ok(Self { captured_minor, ..self.step(PaymentStatus::Captured, at) })
    }

    fn refund(self, requested: Option<Money>, at: Timestamp) -> Result<Self, IllegalTransition> {
        self.expect(Status::Public(PaymentStatus::Captured), PaymentStatus::Refunded)?;
        let left_minor = self.captured_minor.saturating_sub(self.refunded_minor);
        let minor = self.part(requested, left_minor)?;
        let status = if minor == left_minor { PaymentStatus::Refunded } else { PaymentStatus::Captured };
        let refunded_minor = self.refunded_minor.saturating_add(minor);
        Ok(Self { refunded_minor, ..self.step(status, at) })
    }

    /// Returns the event of this version, without the transition that made it: [`PaymentRecord::events_after`] adds that.
    /// `None` while processing.
    ///
    /// [`PaymentRecord::events_after`]: crate::PaymentRecord::events_after
    pub fn event(&self) -> Option<Result<PaymentEvent, InvalidPaymentInfo>> {
        let Status::Public(status) = self.status else { return None };
        let info = PaymentInfo {
            payment_id: self.payment_id.clone(),
            order_id: self.order_id.clone(),
            status,
            amount: self.amount,
            captured_minor: self.captured_minor,
            refunded_minor: self.refunded_minor,
            decline: self.decline.clone(),
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        };
        Some(PaymentEvent::new(info, self.trace_parent.clone()))
    }

    fn expect(&self, from: Status, to: PaymentStatus) -> Result<(), IllegalTransition> {
        if self.status == from { Ok(()) } else { Err(IllegalTransition::Status { from: self.status, to }) }
    }

    /// Returns the requested amount in minor units, or all of `available_minor` if no amount is requested.
    fn part(&self, requested: Option<Money>, available_minor: i64) -> Result<i64, IllegalTransition> {
        let Some(requested) = requested else { return Ok(available_minor) };
        if requested.currency() != self.amount.currency() {
            return Err(IllegalTransition::Currency { currency: self.amount.currency() });
        }
        // `Money` is at least 1.
        if requested.minor() > available_minor {
            return Err(IllegalTransition::Amount { available_minor });
        }
        Ok(requested.minor())
    }

    /// Returns the next published version. Its time never goes back, even if the clock does.
    fn step(self, status: PaymentStatus, at: Timestamp) -> Self {
        let updated_at = at.max(self.updated_at);
        Self { status: Status::Public(status), version: self.version.saturating_add(1), updated_at, ..self }
    }
}
