//! Checks of Lambda's event source mappings.

use serde_json::Value;

use super::Effect::{Loses, Reorders, Stops};
use super::{Condition, Findings};

const MISSING: Condition = Condition {
    code: "mapping-missing",
    effect: Stops,
    consequence: "Nothing is read from the source.",
    remedy: "Create it again (docs/operating.md, revert drift): it starts with the oldest record. Run `paystream reconcile`.",
};
const DISABLED: Condition = Condition {
    code: "mapping-disabled",
    effect: Stops,
    consequence: "Nothing is read, and the source drops records at the end of its retention.",
    remedy: "Enable the mapping: `aws lambda update-event-source-mapping --uuid UUID --enabled`.",
};
const FAILING: Condition = Condition {
    code: "mapping-failing",
    effect: Stops,
    consequence: "Lambda cannot read the source, or its function fails.",
    remedy: "Fix the cause that the result names: network, secret, permissions, or the function (see its log).",
};
const OTHER_SOURCE: Condition = Condition {
    code: "mapping-other-source",
    effect: Loses,
    consequence: "The mapping reads another source than the publisher writes to.",
    remedy: "Delete the mapping, because its source cannot be changed, and create it again (docs/operating.md, revert drift).",
};
const STARTS_LATE: Condition = Condition {
    code: "mapping-starts-late",
    effect: Loses,
    consequence: "Records from before the mapping's creation are never read.",
    remedy: "Create the mapping again with StartingPosition TRIM_HORIZON, and run `paystream reconcile`.",
};
const FILTERED: Condition = Condition {
    code: "mapping-filters",
    effect: Loses,
    consequence: "Lambda discards records that match no filter.",
    remedy: "Remove FilterCriteria, and run `paystream reconcile`.",
};
const NO_DESTINATION: Condition = Condition {
    code: "mapping-without-destination",
    effect: Loses,
    consequence: "Lambda discards a batch that is out of retries or too old.",
    remedy: "Set the failures bucket as the on-failure destination (DestinationConfig).",
};
const RESPONSE_IGNORED: Condition = Condition {
    code: "mapping-ignores-item-failures",
    effect: Loses,
    consequence: "Lambda ignores the items that the function reports as failed, and goes on as if they were handled.",
    remedy: "Set FunctionResponseTypes to [ReportBatchItemFailures], and run `paystream reconcile`.",
};
const FEW_RETRIES: Condition = Condition {
    code: "mapping-retries-few",
    effect: Reorders,
    consequence: "An outage uses the retries up. The batch goes to the on-failure destination, and later versions pass it.",
    remedy: "Set MaximumRetryAttempts to -1; for Kafka to 10000, because -1 with a destination means 10.",
};
const AGE_SHORT: Condition = Condition {
    code: "mapping-record-age-short",
    effect: Reorders,
    consequence: "A short outage sends batches to the on-failure destination, and later versions pass them.",
    remedy: "Raise MaximumRecordAgeInSeconds to 43200 (12 hours): for the relay, RelayRecordAgeSecondsMax.",
};
const AGE_LONG: Condition = Condition {
    code: "mapping-record-age-long",
    effect: Loses,
    consequence: "The source drops records that Lambda still retries; they reach no on-failure destination.",
    remedy: "Set MaximumRecordAgeInSeconds below the retention of the source; a table's change stream keeps 24 hours.",
};
const RESENT_AGE: Condition = Condition {
    code: "relay-record-age",
    effect: Reorders,
    consequence: "Lambda discards a version earlier than the relay expects, and the relay publishes the next one without it.",
    remedy: "Set both to RelayRecordAgeSecondsMax (docs/operating.md, revert drift), and run `paystream reconcile`.",
};
const NO_BISECT: Condition = Condition {
    code: "mapping-without-bisect",
    effect: Stops,
    consequence: "A record that crashes the function holds up its whole batch until the record age is reached.",
    remedy: "Set BisectBatchOnFunctionError to true.",
};
const NOT_PROVISIONED: Condition = Condition {
    code: "mapping-not-provisioned",
    effect: Stops,
    consequence: "Outside provisioned mode, Lambda retries a failed Kafka batch without bound, and does not bisect it.",
    remedy: "Set ProvisionedPollerConfig, and retries, record age, bisecting and response types as in template.yaml.",
};

/// Conditions of event source mappings.
pub(super) const CONDITIONS: [&Condition; 14] = [
    &MISSING,
    &DISABLED,
    &FAILING,
    &OTHER_SOURCE,
    &STARTS_LATE,
    &FILTERED,
    &NO_DESTINATION,
    &RESPONSE_IGNORED,
    &FEW_RETRIES,
    &AGE_SHORT,
    &AGE_LONG,
    &RESENT_AGE,
    &NO_BISECT,
    &NOT_PROVISIONED,
];

/// Record age below which an outage that operators can end in time moves batches to the destination.
const AGE_LOW_SECONDS: u64 = 3_600;
/// Age at which DynamoDB drops a change
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html>).
const CHANGES_KEPT_SECONDS: u64 = 86_400;
/// Maximum of `MaximumRetryAttempts`. With -1 and a destination, Lambda gives a Kafka batch up after 10 attempts.
const KAFKA_RETRIES_MAX: u64 = 10_000;

/// Function of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MappingRole {
    /// From the payments table to the relay.
    Relay,
    /// From the payments table to the recovery of undecided payments. It filters changes.
    Recovery,
    /// From the hub to Orders' projector.
    Projector,
}

/// Kind of source of a mapping. Kinds have different settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// A Kinesis stream, or the change stream of a table.
    Stream,
    /// A topic.
    Kafka,
    /// A queue.
    RabbitMq,
}

/// Settings of a mapping, as Lambda's `GetEventSourceMapping` returns them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingFacts(pub Value);

/// Settings elsewhere that a mapping depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounds {
    /// ARN of the table's change stream, name of the Kinesis stream, topic, or queue.
    pub source: Option<String>,
    /// Virtual host of the queue.
    pub virtual_host: Option<String>,
    /// `RECORD_AGE_MAX_SECONDS` of the relay.
    pub relay_record_age_seconds: Option<u64>,
}

impl MappingFacts {
    /// Returns `MaximumRecordAgeInSeconds`; `None` for no bound.
    pub fn record_age_seconds_max(&self) -> Option<u64> {
        self.bound("MaximumRecordAgeInSeconds")
    }

    /// Returns a number, and `None` for -1, which stands for no bound.
    fn bound(&self, name: &str) -> Option<u64> {
        self.0.get(name).and_then(Value::as_i64).and_then(|number| u64::try_from(number).ok())
    }

    fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn only(&self, list: &str) -> &str {
        self.0.get(list).and_then(|names| names.get(0)).and_then(Value::as_str).unwrap_or_default()
    }

    fn is_on(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    fn reports_item_failures(&self) -> bool {
        self.only("FunctionResponseTypes") == "ReportBatchItemFailures"
    }

    fn has_destination(&self) -> bool {
        let destination = self.0.pointer("/DestinationConfig/OnFailure/Destination").and_then(Value::as_str);
        destination.is_some_and(|arn| !arn.is_empty())
    }

    fn has_filters(&self) -> bool {
        self.0.pointer("/FilterCriteria/Filters").and_then(Value::as_array).is_some_and(|filters| !filters.is_empty())
    }

    fn virtual_host(&self) -> &str {
        let access = self.0.get("SourceAccessConfigurations").and_then(Value::as_array);
        let host = access.into_iter().flatten().find(|entry| entry["Type"] == "VIRTUAL_HOST");
        // AWS's default.
        host.and_then(|entry| entry["URI"].as_str()).unwrap_or("/")
    }
}

/// Checks a mapping; `None` if it does not exist.
pub fn mapping(role: MappingRole, kind: SourceKind, facts: Option<&MappingFacts>, bounds: &Bounds) -> Findings {
    let mut findings = Findings::default();
    let Some(facts) = facts else {
        findings.add(&MISSING, "it does not exist");
        return findings;
    };
    let reads = matches!(facts.text("State"), "Enabled" | "Enabling" | "Creating" | "Updating");
    findings.add_if(!reads, &DISABLED, || state_of(facts));
    let result = facts.text("LastProcessingResult");
    findings.add_if(result.starts_with("PROBLEM"), &FAILING, || format!("last result: {result}"));
    source(&mut findings, kind, facts, bounds);
    let is_filtered = facts.has_filters() && role != MappingRole::Recovery;
    findings.add_if(is_filtered, &FILTERED, || "FilterCriteria is set".to_owned());
    if kind == SourceKind::RabbitMq {
        // Lambda has no other settings for a queue.
        return findings;
    }
    let position = facts.text("StartingPosition");
    findings.add_if(matches!(position, "LATEST" | "AT_TIMESTAMP"), &STARTS_LATE, || {
        format!("StartingPosition {position}, expected TRIM_HORIZON")
    });
    if kind == SourceKind::Kafka && facts.0.get("ProvisionedPollerConfig").is_none_or(Value::is_null) {
        findings.add(&NOT_PROVISIONED, "no ProvisionedPollerConfig");
        return findings;
    }
    errors(&mut findings, role, kind, facts, bounds);
    findings
}

/// Formats the state, with its reason if Lambda gives one: `state Disabled (User action)`.
fn state_of(facts: &MappingFacts) -> String {
    let (state, reason) = (facts.text("State"), facts.text("StateTransitionReason"));
    if reason.is_empty() { format!("state {state}") } else { format!("state {state} ({reason})") }
}

/// Checks that the mapping reads the source of the publisher.
fn source(findings: &mut Findings, kind: SourceKind, facts: &MappingFacts, bounds: &Bounds) {
    if let Some(expected) = bounds.source.as_deref() {
        let actual = match kind {
            SourceKind::Stream => facts.text("EventSourceArn"),
            SourceKind::Kafka => facts.only("Topics"),
            SourceKind::RabbitMq => facts.only("Queues"),
        };
        // The ARN of a stream or of its consumer (enhanced fan-out) has its name as a part.
        let is_same =
            actual == expected || kind == SourceKind::Stream && actual.split('/').any(|part| part == expected);
        findings.add_if(!is_same, &OTHER_SOURCE, || format!("it reads {actual}, expected {expected}"));
    }
    if let Some(expected) = bounds.virtual_host.as_deref()
        && kind == SourceKind::RabbitMq
    {
        let actual = facts.virtual_host();
        findings.add_if(actual != expected, &OTHER_SOURCE, || {
            format!("it reads the virtual host {actual}, expected {expected}")
        });
    }
}

/// Checks what becomes of records that fail.
fn errors(findings: &mut Findings, role: MappingRole, kind: SourceKind, facts: &MappingFacts, bounds: &Bounds) {
    findings.add_if(!facts.has_destination(), &NO_DESTINATION, || "no on-failure destination".to_owned());
    findings.add_if(!facts.reports_item_failures(), &RESPONSE_IGNORED, || "no ReportBatchItemFailures".to_owned());
    findings.add_if(!facts.is_on("BisectBatchOnFunctionError"), &NO_BISECT, || {
        "BisectBatchOnFunctionError is off".to_owned()
    });
    let retries_max = facts.bound("MaximumRetryAttempts");
    let retries_long_enough = match kind {
        SourceKind::Kafka => {
            retries_max == Some(KAFKA_RETRIES_MAX) || retries_max.is_none() && !facts.has_destination()
        }
        SourceKind::Stream | SourceKind::RabbitMq => retries_max.is_none(),
    };
    findings.add_if(!retries_long_enough, &FEW_RETRIES, || {
        format!("MaximumRetryAttempts {}", retries_max.map_or_else(|| "-1".to_owned(), |retries| retries.to_string()))
    });
    let age = facts.record_age_seconds_max();
    let shown = || {
        age.map_or_else(|| "MaximumRecordAgeInSeconds -1".to_owned(), |age| format!("MaximumRecordAgeInSeconds {age}"))
    };
    findings.add_if(age.is_some_and(|age| age < AGE_LOW_SECONDS), &AGE_SHORT, || {
        format!("{}, below {AGE_LOW_SECONDS}", shown())
    });
    let is_long = match role {
        MappingRole::Relay | MappingRole::Recovery => age.is_none_or(|age| age >= CHANGES_KEPT_SECONDS),
        // A bound is compared with the retention of the hub.
        MappingRole::Projector => age.is_none(),
    };
    findings.add_if(is_long, &AGE_LONG, shown);
    if let (MappingRole::Relay, Some(resent)) = (role, bounds.relay_record_age_seconds) {
        findings.add_if(age.is_some_and(|age| age < resent), &RESENT_AGE, || {
            format!("{}, but RECORD_AGE_MAX_SECONDS of the relay is {resent}", shown())
        });
    }
}
