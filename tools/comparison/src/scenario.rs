//! Scenarios under which both modes are measured.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Default time between a payment and its order.
const LEAD: Duration = Duration::from_secs(1);
/// Extra lead over the duration of a fault, so that payments exist before it starts.
const MARGIN: Duration = Duration::from_secs(2);
/// Time between an order and its payment if the order is placed first.
const LATE: Duration = Duration::from_millis(500);

/// A scenario, measured in both modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// No fault.
    Healthy,
    /// Every request to Payments takes 200 ms longer.
    #[serde(rename = "payments-200ms")]
    Payments200Ms,
    /// Every request to Payments takes 2 s longer.
    #[serde(rename = "payments-2s")]
    Payments2S,
    /// One request to Payments in ten fails.
    PaymentsErrors,
    /// Every request to Payments fails for a third of the window.
    PaymentsDown,
    /// Every call to Kinesis fails for a third of the window.
    KinesisDown,
    /// The projector fails for a third of the window.
    ConsumerDown,
    /// Invalid records arrive between the events.
    PoisonRecord,
    /// Every order is placed before its payment.
    OrderFirst,
    /// Every payment is voided immediately before its order.
    PaymentVoided,
    /// Every payment is voided well before its order, and every call to Kinesis fails for a third of the window.
    VoidedUnheard,
}

/// Part of the measured window that a fault covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// No fault.
    Never,
    /// The whole window.
    Whole,
    /// The middle third.
    Middle,
}

/// The text is not the name of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown scenario {0:?}, expected one of {all}", all = Scenario::ALL.map(Scenario::name).join(", "))]
pub struct UnknownScenario(String);

impl Scenario {
    /// All scenarios.
    pub const ALL: [Self; 11] = [
        Self::Healthy,
        Self::Payments200Ms,
        Self::Payments2S,
        Self::PaymentsErrors,
        Self::PaymentsDown,
        Self::KinesisDown,
        Self::ConsumerDown,
        Self::PoisonRecord,
        Self::OrderFirst,
        Self::PaymentVoided,
        Self::VoidedUnheard,
    ];

    /// Name on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Payments200Ms => "payments-200ms",
            Self::Payments2S => "payments-2s",
            Self::PaymentsErrors => "payments-errors",
            Self::PaymentsDown => "payments-down",
            Self::KinesisDown => "kinesis-down",
            Self::ConsumerDown => "consumer-down",
            Self::PoisonRecord => "poison-record",
            Self::OrderFirst => "order-first",
            Self::PaymentVoided => "payment-voided",
            Self::VoidedUnheard => "voided-unheard",
        }
    }

    /// Title in reports and plots.
    pub fn title(self) -> &'static str {
        match self {
            Self::Healthy => "Healthy",
            Self::Payments200Ms => "Payments +200 ms",
            Self::Payments2S => "Payments +2 s",
            Self::PaymentsErrors => "Payments 10 % errors",
            Self::PaymentsDown => "Payments down",
            Self::KinesisDown => "Kinesis down",
            Self::ConsumerDown => "Consumer down",
            Self::PoisonRecord => "Poison records",
            Self::OrderFirst => "Order before payment",
            Self::PaymentVoided => "Payment just voided",
            Self::VoidedUnheard => "Voided, Kinesis down",
        }
    }

    /// True if the scenario injects a fault, which needs the local environment.
    pub fn needs_faults(self) -> bool {
        self.extent() != Extent::Never
    }

    /// Part of the window that the fault covers.
    pub fn extent(self) -> Extent {
        match self {
            Self::Healthy | Self::OrderFirst | Self::PaymentVoided => Extent::Never,
            Self::Payments200Ms | Self::Payments2S | Self::PaymentsErrors => Extent::Whole,
            Self::PaymentsDown | Self::KinesisDown | Self::ConsumerDown | Self::PoisonRecord | Self::VoidedUnheard => {
                Extent::Middle
            }
        }
    }

    /// Minimum time between a payment and its order. `outage` is the duration of a fault in the middle third.
    pub(crate) fn lead(self, outage: Duration) -> Duration {
        match self {
            // Payments must exist before the fault: otherwise the figures would show their absence, not the modes.
            Self::PaymentsDown | Self::VoidedUnheard => outage + MARGIN,
            Self::Payments2S => LEAD + 2 * MARGIN,
            _ => shortened(LEAD, outage),
        }
    }

    /// Time between an order and its payment if the order is placed first.
    pub(crate) fn late(self) -> Option<Duration> {
        (self == Self::OrderFirst).then_some(LATE)
    }

    /// Maximum sandboxes of a function at this rate: expected concurrent requests plus a reserve. A request without a
    /// sandbox would wait, which it does not on AWS. The number is bounded because each sandbox is a process that takes
    /// time to start.
    pub fn sandboxes_max(self, rate: f64) -> usize {
        const RESERVE: usize = 10;
        let added = match self {
            Self::Payments200Ms => 0.2,
            Self::Payments2S => 2.0,
            _ => 0.0,
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates and delays are small")]
        let waiting = (rate * added * 1.2).ceil() as usize;
        waiting + RESERVE
    }

    /// Minimum time between the void of a payment and its order, if the scenario voids payments.
    pub(crate) fn void_lead(self, outage: Duration) -> Option<Duration> {
        match self {
            Self::PaymentVoided => Some(Duration::ZERO),
            Self::VoidedUnheard => Some(shortened(LEAD, outage)),
            _ => None,
        }
    }
}

/// Shortens the lead in a short run, so that a payment or void during the outage has its order in the outage, too.
fn shortened(lead: Duration, outage: Duration) -> Duration {
    lead.min(outage / 2)
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Scenario {
    type Err = UnknownScenario;

    fn from_str(text: &str) -> Result<Self, UnknownScenario> {
        Self::ALL.into_iter().find(|known| known.name() == text).ok_or_else(|| UnknownScenario(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_has_the_same_name_in_text_and_in_json() {
        for scenario in Scenario::ALL {
            assert_eq!(scenario.name().parse(), Ok(scenario));
            assert_eq!(serde_json::to_value(scenario).unwrap(), scenario.name());
        }
        let error = "lightning".parse::<Scenario>().unwrap_err().to_string();
        assert!(error.contains("lightning") && error.contains("payments-200ms, payments-2s"), "{error}");
    }
}
