//! A payment and its state machine.
//!
//! ```text
//! processing ─▶ authorized ─▶ captured ─▶ refunded (when all that was captured is refunded)
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

/// Where a payment stands, as Payments sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Stored, and the processor's answer is not yet. Never published.
    Processing,
    /// What the rest of the world may know.
    Public(PaymentStatus),
}

impl Status {
    /// Every status, in the order of a payment's life.
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
            "description": "Where the payment stands. While it is processing, its processor has not answered.",
            "type": "string",
            "enum": Self::all().map(|status| status.to_string()).collect::<Vec<_>>(),
        })
    }
}

/// A payment as of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Derived from the caller and the idempotency key, so that a retry meets the same payment.
    pub payment_id: PaymentId,
    /// The order it pays for.
    pub order_id: OrderId,
    /// What was asked for.
    pub amount: Money,
    /// Where it stands.
    pub status: Status,
    /// In minor units of `amount`'s currency, 0 to `amount`.
    pub captured_minor: i64,
    /// In minor units of `amount`'s currency, 0 to `captured_minor`.
    pub refunded_minor: i64,
    /// Why the processor declined; present exactly when it did.
    pub decline: Option<Decline>,
    /// 0 while processing, then one more for each published state.
    pub version: u64,
    /// When the payment was accepted.
    pub created_at: Timestamp,
    /// When this version came about.
    pub updated_at: Timestamp,
    /// The trace this version came about in.
    pub trace_parent: Option<TraceParent>,
}

/// What was asked of a payment is not possible where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IllegalTransition {
    /// The state machine has no such step.
    #[error("a payment that is {from} cannot be {to}")]
    Status {
        /// Where the payment stands.
        from: Status,
        /// Where it was to go.
        to: PaymentStatus,
    },
    /// More than there is.
    #[error("the amount must be at most {available_minor} minor units")]
    Amount {
        /// What there is to capture or refund, in minor units.
        available_minor: i64,
    },
    /// Another currency than the payment's.
    #[error("the currency must be the payment's, {currency}")]
    Currency {
        /// The payment's.
        currency: Currency,
    },
}

/// What makes a new version of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The processor's answer.
    Decide(Outcome),
    /// What a caller asks for after that.
    Change(Change),
}

/// A processor's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The amount is held.
    Approved,
    /// It is not, for this reason, which will not change.
    Declined(Decline),
}

/// What can be asked of a payment that is authorized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// To take so much of what is held, or all of it. That is done once; the rest is given up.
    Capture(Option<Money>),
    /// To give up the authorization.
    Void,
    /// To give back so much of what was captured, or all that is left of it.
    Refund(Option<Money>),
}

impl Payment {
    /// A payment that has been asked for and not yet been decided on.
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
        }
    }

    /// The payment after `action`, or why that is not possible from where it stands.
    pub fn after(self, action: &Action, at: Timestamp) -> Result<Self, IllegalTransition> {
        match action {
            Action::Decide(Outcome::Approved) => self.authorize(at),
            Action::Decide(Outcome::Declined(decline)) => self.decline(decline.clone(), at),
            Action::Change(Change::Capture(asked)) => self.capture(*asked, at),
            Action::Change(Change::Void) => self.void(at),
            Action::Change(Change::Refund(asked)) => self.refund(*asked, at),
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

    fn capture(self, asked: Option<Money>, at: Timestamp) -> Result<Self, IllegalTransition> {
        self.expect(Status::Public(PaymentStatus::Authorized), PaymentStatus::Captured)?;
        let captured_minor = self.part(asked, self.amount.minor())?;
        Ok(Self { captured_minor, ..self.step(PaymentStatus::Captured, at) })
    }

    fn refund(self, asked: Option<Money>, at: Timestamp) -> Result<Self, IllegalTransition> {
        self.expect(Status::Public(PaymentStatus::Captured), PaymentStatus::Refunded)?;
        let left_minor = self.captured_minor - self.refunded_minor;
        let minor = self.part(asked, left_minor)?;
        let status = if minor == left_minor { PaymentStatus::Refunded } else { PaymentStatus::Captured };
        // At most `captured_minor`, so this cannot overflow.
        let refunded_minor = self.refunded_minor + minor;
        Ok(Self { refunded_minor, ..self.step(status, at) })
    }

    /// What may be published of it: nothing while processing.
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

    /// What is asked for of what is available, in minor units: all of it where nothing is said.
    fn part(&self, asked: Option<Money>, available_minor: i64) -> Result<i64, IllegalTransition> {
        let Some(asked) = asked else { return Ok(available_minor) };
        if asked.currency() != self.amount.currency() {
            return Err(IllegalTransition::Currency { currency: self.amount.currency() });
        }
        // Money is at least 1 already.
        if asked.minor() > available_minor {
            return Err(IllegalTransition::Amount { available_minor });
        }
        Ok(asked.minor())
    }

    /// The next published version. A clock that went back does not take the payment with it.
    fn step(self, status: PaymentStatus, at: Timestamp) -> Self {
        let updated_at = at.max(self.updated_at);
        Self { status: Status::Public(status), version: self.version + 1, updated_at, ..self }
    }
}
