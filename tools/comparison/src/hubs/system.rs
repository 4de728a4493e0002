//! Systems compared, and the phases of their measurement.

use paystream_local::{Effect, Fault, FaultTarget, HubKind};
use serde::{Deserialize, Serialize};

/// Logical id of the consumer.
pub(super) const CONSUMER: &str = "OrderProjector";

/// A hub with a publish mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HubSystem {
    /// Kinesis in `stream` mode.
    Kinesis,
    /// Kinesis in `direct` mode, which the other hubs do not have.
    KinesisDirect,
    /// Kafka in `stream` mode.
    Kafka,
    /// RabbitMQ in `stream` mode.
    Rabbitmq,
}

impl HubSystem {
    /// Systems of a hub, in each of its publish modes.
    pub fn of(hub: HubKind) -> &'static [Self] {
        match hub {
            HubKind::Kinesis => &[Self::Kinesis, Self::KinesisDirect],
            HubKind::Kafka => &[Self::Kafka],
            HubKind::RabbitMq => &[Self::Rabbitmq],
        }
    }

    /// Hub of the system.
    pub fn hub(self) -> HubKind {
        match self {
            Self::Kinesis | Self::KinesisDirect => HubKind::Kinesis,
            Self::Kafka => HubKind::Kafka,
            Self::Rabbitmq => HubKind::RabbitMq,
        }
    }

    /// Name in reports.
    pub fn title(self) -> &'static str {
        match self {
            Self::KinesisDirect => "Kinesis, direct",
            Self::Kinesis | Self::Kafka | Self::Rabbitmq => self.hub().name(),
        }
    }

    /// Template parameters. The batching window of the relay would be most of the lag in `stream` mode; in `direct` mode,
    /// without the window, the relay would publish again.
    pub fn parameters(self) -> [(&'static str, &'static str); 3] {
        let (mode, window_s) = if self == Self::KinesisDirect { ("direct", "1") } else { ("stream", "0") };
        [("Hub", self.hub().as_str()), ("PublishMode", mode), ("RelayWindowSeconds", window_s)]
    }

    /// True if only the relay publishes.
    pub(super) fn relay_publishes(self) -> bool {
        self != Self::KinesisDirect
    }
}

/// Part of a measurement. The same number of payments is made in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HubPhase {
    /// No fault.
    Healthy,
    /// Every connection of a function to the hub is reset, for the middle third.
    HubDown,
    /// Every invocation of the consumer fails, for the middle third.
    ConsumerDown,
}

impl HubPhase {
    /// All phases, in the order in which they run.
    pub const ALL: [Self; 3] = [Self::Healthy, Self::HubDown, Self::ConsumerDown];

    /// Name in messages.
    pub fn title(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::HubDown => "hub down",
            Self::ConsumerDown => "consumer down",
        }
    }

    pub(super) fn fault(self, hub: HubKind) -> Option<Fault> {
        let target = match hub {
            HubKind::Kinesis => FaultTarget::Kinesis,
            HubKind::Kafka => FaultTarget::Kafka,
            HubKind::RabbitMq => FaultTarget::RabbitMq,
        };
        match self {
            Self::Healthy => None,
            Self::HubDown => Some(Fault::new(target, Effect::reset_before())),
            Self::ConsumerDown => Some(Fault::new(FaultTarget::function(CONSUMER), Effect::error("Runtime.Unknown"))),
        }
    }
}
