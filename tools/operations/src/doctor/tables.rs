//! Checks of the DynamoDB tables and of the failures bucket.

use super::Effect::{Loses, Stops};
use super::{Condition, Findings};

const MISSING: Condition = Condition {
    code: "table-missing",
    effect: Stops,
    consequence: "Every call to the table fails.",
    remedy: "Check name, region and account, then restore the table from a backup under the same name.",
};
const INACTIVE: Condition = Condition {
    code: "table-inactive",
    effect: Stops,
    consequence: "Calls to the table fail in this state.",
    remedy: "Wait for ACTIVE; with INACCESSIBLE_ENCRYPTION_CREDENTIALS, enable the table's KMS key; with ARCHIVED, restore the backup.",
};
const STREAM_OFF: Condition = Condition {
    code: "change-stream-off",
    effect: Loses,
    consequence: "Relay and recovery receive no changes: a payment that was not published directly never reaches Orders.",
    remedy: "Turn the stream on with NEW_IMAGE. It has a new ARN: create the mappings of relay and recovery again, and run `paystream reconcile`.",
};
const STREAM_VIEW: Condition = Condition {
    code: "change-stream-view",
    effect: Loses,
    consequence: "Records without a new image look like deleted items: relay and recovery skip every change.",
    remedy: "Turn the stream off, and on with NEW_IMAGE. It has a new ARN: create the mappings of relay and recovery again, and run `paystream reconcile`.",
};
const ITEMS_EXPIRE: Condition = Condition {
    code: "items-expire",
    effect: Loses,
    consequence: "DynamoDB deletes items of the table by time to live.",
    remedy: "Turn time to live off for this table, and restore deleted items from a backup.",
};
const QUARANTINE_EXPIRY: Condition = Condition {
    code: "quarantine-expiry",
    effect: Loses,
    consequence: "DynamoDB deletes quarantined records by another attribute than their expiry, possibly before a redrive.",
    remedy: "Set the attribute of time to live to expires_at.",
};

const BUCKET_MISSING: Condition = Condition {
    code: "failures-bucket-missing",
    effect: Loses,
    consequence: "Lambda discards a batch that is out of retries or too old.",
    remedy: "Create the bucket again under the same name (docs/operating.md, revert drift), and run `paystream reconcile`.",
};

/// Conditions of tables and of the failures bucket.
pub(super) const CONDITIONS: [&Condition; 7] =
    [&MISSING, &INACTIVE, &STREAM_OFF, &STREAM_VIEW, &ITEMS_EXPIRE, &QUARANTINE_EXPIRY, &BUCKET_MISSING];

/// Attribute that holds the expiry of a quarantined record.
const EXPIRY: &str = "expires_at";

/// Use of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableRole {
    /// Payments, with the change stream that the relay reads.
    Payments,
    /// Orders and copies of payments.
    Orders,
    /// Quarantined records, which expire.
    Quarantine,
}

/// Settings of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableFacts {
    /// `TableStatus`.
    pub status: String,
    /// `StreamViewType`; `None` if the change stream is off.
    pub stream_view: Option<String>,
    /// ARN of the current change stream.
    pub stream_arn: Option<String>,
    /// Attribute of time to live, if that is on.
    pub expiry_attribute: Option<String>,
}

/// Checks a table; `None` if it does not exist.
pub fn table(role: TableRole, facts: Option<&TableFacts>) -> Findings {
    let mut findings = Findings::default();
    let Some(facts) = facts else {
        findings.add(&MISSING, "it does not exist");
        return findings;
    };
    // A table is usable while its indexes or settings change.
    let is_usable = matches!(facts.status.as_str(), "ACTIVE" | "UPDATING");
    findings.add_if(!is_usable, &INACTIVE, || format!("status {}", facts.status));
    if role == TableRole::Payments {
        match facts.stream_view.as_deref() {
            None => findings.add(&STREAM_OFF, "no change stream"),
            Some("NEW_IMAGE" | "NEW_AND_OLD_IMAGES") => {}
            Some(view) => findings.add(&STREAM_VIEW, format!("view type {view}, expected NEW_IMAGE")),
        }
    }
    if let Some(attribute) = facts.expiry_attribute.as_deref() {
        let observed = || format!("time to live by {attribute}");
        findings.add_if(role != TableRole::Quarantine, &ITEMS_EXPIRE, observed);
        findings.add_if(role == TableRole::Quarantine && attribute != EXPIRY, &QUARANTINE_EXPIRY, observed);
    }
    findings
}

/// Checks the failures bucket.
pub fn bucket(exists: bool) -> Findings {
    let mut findings = Findings::default();
    findings.add_if(!exists, &BUCKET_MISSING, || "it does not exist".to_owned());
    findings
}
