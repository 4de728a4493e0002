//! What happens while orders come.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long before its order a payment is made, where nothing else is said: well before it, as a customer pays.
const LEAD: Duration = Duration::from_secs(1);
/// How much longer than what goes wrong takes: payments must be there all the same.
const MARGIN: Duration = Duration::from_secs(2);
/// How long after its order a payment is made, where the order comes first.
const LATE: Duration = Duration::from_millis(500);

/// One of the situations that both modes are put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// Nothing goes wrong.
    Healthy,
    /// Every request to Payments takes 200 ms longer.
    #[serde(rename = "payments-200ms")]
    Payments200Ms,
    /// Every request to Payments takes 2 s longer.
    #[serde(rename = "payments-2s")]
    Payments2S,
    /// One request to Payments in ten fails.
    PaymentsErrors,
    /// Every request to Payments fails, for a while.
    PaymentsDown,
    /// Every call to Kinesis fails, for a while.
    KinesisDown,
    /// The function that keeps Orders' copy fails, for a while.
    ConsumerDown,
    /// Records that are no event come between the others.
    PoisonRecord,
    /// Every order comes before its payment.
    OrderFirst,
    /// Every payment is voided right before its order.
    PaymentVoided,
    /// Every payment is voided a while before its order, and for a while nobody hears of it: every call to Kinesis fails.
    VoidedUnheard,
}

/// For how much of the time that is measured something goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Nothing does.
    Never,
    /// All of it.
    Whole,
    /// The middle third.
    Middle,
}

/// The text names no scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no scenario {0:?}: there are {all}", all = Scenario::ALL.map(Scenario::name).join(", "))]
pub struct UnknownScenario(String);

impl Scenario {
    /// All of them.
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

    /// As it is spelled on the command line.
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

    /// As it is told to people.
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

    /// Whether something is made to go wrong, which only the local environment can.
    pub fn needs_faults(self) -> bool {
        self.extent() != Extent::Never
    }

    /// For how long something goes wrong.
    pub fn extent(self) -> Extent {
        match self {
            Self::Healthy | Self::OrderFirst | Self::PaymentVoided => Extent::Never,
            Self::Payments200Ms | Self::Payments2S | Self::PaymentsErrors => Extent::Whole,
            Self::PaymentsDown | Self::KinesisDown | Self::ConsumerDown | Self::PoisonRecord | Self::VoidedUnheard => {
                Extent::Middle
            }
        }
    }

    /// How long before its order a payment is made, where `outage` is how long something goes wrong.
    pub(crate) fn lead(self, outage: Duration) -> Duration {
        match self {
            // Otherwise there would be no payments to decide on, and both modes would be judged by that.
            Self::PaymentsDown | Self::VoidedUnheard => outage + MARGIN,
            Self::Payments2S => LEAD + 2 * MARGIN,
            _ => shortened(LEAD, outage),
        }
    }

    /// How long after its order a payment is made, where that comes first.
    pub(crate) fn late(self) -> Option<Duration> {
        (self == Self::OrderFirst).then_some(LATE)
    }

    /// Requests of a function that are under way at once at this rate, and some in reserve: what has no sandbox waits, which
    /// it would not on AWS. But each sandbox is a process that takes its time to start.
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

    /// How long before their orders payments are voided, at the least, where they are.
    pub(crate) fn void_lead(self, outage: Duration) -> Option<Duration> {
        match self {
            Self::PaymentVoided => Some(Duration::ZERO),
            Self::VoidedUnheard => Some(shortened(LEAD, outage)),
            _ => None,
        }
    }
}

/// In a short run less, so that what happens in an outage has its order in it, too.
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
    fn every_scenario_is_known_by_its_name_in_text_and_in_json() {
        for scenario in Scenario::ALL {
            assert_eq!(scenario.name().parse(), Ok(scenario));
            assert_eq!(serde_json::to_value(scenario).unwrap(), scenario.name());
        }
        let error = "lightning".parse::<Scenario>().unwrap_err().to_string();
        assert!(error.contains("lightning") && error.contains("payments-200ms, payments-2s"), "{error}");
    }
}
