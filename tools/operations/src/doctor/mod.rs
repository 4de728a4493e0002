//! Conditions of a system's configuration that would lose, reorder or stop something: those of `paystream doctor`.
//!
//! A reader returns a description of each part ([`TableFacts`], [`MappingFacts`], [`KinesisFacts`], [`KafkaFacts`],
//! [`RabbitMqFacts`]), and the checks are functions from a description to findings, without I/O. Nothing is changed.

mod access;
mod kafka;
mod kinesis;
mod lambda;
mod management;
mod mapping;
mod rabbitmq;
mod read;
mod tables;

#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;

pub use access::{Credentials, Secrets, msk_token, tls};
pub use kafka::{KafkaFacts, PartitionFacts, TopicFacts, kafka};
pub use kinesis::{KinesisFacts, kinesis};
pub use lambda::LambdaApi;
pub use management::{Management, ManagementError, ManagementUrl};
pub use mapping::{Bounds, MappingFacts, MappingRole, SourceKind, mapping};
pub use rabbitmq::{ExchangeFacts, QueueFacts, RabbitMqFacts, rabbitmq};
pub use tables::{TableFacts, TableRole, bucket, table};

/// Harm that a condition does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// A version of a payment does not reach Orders, unless somebody sends it again.
    Loses,
    /// A later version of a payment is delivered before an earlier one.
    Reorders,
    /// Versions wait, and no operation of the system ends the wait.
    Stops,
}

impl fmt::Display for Effect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Loses => "loses",
            Self::Reorders => "reorders",
            Self::Stops => "stops",
        })
    }
}

/// A condition that does harm.
#[derive(Debug, PartialEq, Eq)]
pub struct Condition {
    /// Permanent name.
    pub code: &'static str,
    /// Harm.
    pub effect: Effect,
    /// Consequence, in a sentence.
    pub consequence: &'static str,
    /// Remedy, in an imperative sentence.
    pub remedy: &'static str,
}

/// Groups of all conditions.
const GROUPS: [&[&Condition]; 5] =
    [&tables::CONDITIONS, &mapping::CONDITIONS, &kinesis::CONDITIONS, &kafka::CONDITIONS, &rabbitmq::CONDITIONS];

/// Returns all conditions.
pub fn conditions() -> impl Iterator<Item = &'static Condition> {
    GROUPS.into_iter().flatten().copied()
}

/// A condition that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Condition.
    pub condition: &'static Condition,
    /// Part of the system that has it.
    pub subject: String,
    /// Setting as it is, and as it should be.
    pub observed: String,
}

/// Part of the system that was not checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unchecked {
    /// Part.
    pub subject: String,
    /// Reason.
    pub reason: String,
    /// True if it could be checked, and reading it failed.
    pub is_failure: bool,
}

/// Result of all checks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnosis {
    /// Conditions that hold.
    pub findings: Vec<Finding>,
    /// Parts that were checked.
    pub checked: Vec<String>,
    /// Parts that were not checked.
    pub unchecked: Vec<Unchecked>,
}

impl Diagnosis {
    /// Adds the findings of a part that was checked.
    pub fn checked(&mut self, subject: impl Into<String>, findings: Findings) {
        let subject = subject.into();
        let of_part = findings.0.into_iter();
        let findings = of_part.map(|(condition, observed)| Finding { condition, subject: subject.clone(), observed });
        self.findings.extend(findings);
        self.checked.push(subject);
    }

    /// Adds a part that could not be read.
    pub fn failed(&mut self, subject: impl Into<String>, reason: impl Into<String>) {
        self.unchecked.push(Unchecked { subject: subject.into(), reason: reason.into(), is_failure: true });
    }

    /// Adds a part that no check covers.
    pub fn uncovered(&mut self, subject: impl Into<String>, reason: impl Into<String>) {
        self.unchecked.push(Unchecked { subject: subject.into(), reason: reason.into(), is_failure: false });
    }

    /// True if reading a part failed.
    pub fn has_failures(&self) -> bool {
        self.unchecked.iter().any(|part| part.is_failure)
    }
}

/// Conditions that hold in one part of the system, each with the setting that was observed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings(Vec<(&'static Condition, String)>);

impl Findings {
    /// Adds a condition.
    fn add(&mut self, condition: &'static Condition, observed: impl Into<String>) {
        self.0.push((condition, observed.into()));
    }

    /// Adds a condition if it holds.
    fn add_if(&mut self, holds: bool, condition: &'static Condition, observed: impl FnOnce() -> String) {
        if holds {
            self.0.push((condition, observed()));
        }
    }

    #[cfg(test)]
    fn codes(&self) -> Vec<&'static str> {
        self.0.iter().map(|(condition, _)| condition.code).collect()
    }
}
