//! Tables and the failures bucket.

use super::super::*;
use super::Case;

fn payments() -> TableFacts {
    TableFacts {
        status: "ACTIVE".to_owned(),
        stream_view: Some("NEW_IMAGE".to_owned()),
        stream_arn: Some("arn:aws:dynamodb:eu-central-1:123456789012:table/p/stream/2026".to_owned()),
        expiry_attribute: None,
    }
}

fn changed(change: impl Fn(&mut TableFacts)) -> Findings {
    let mut facts = payments();
    change(&mut facts);
    table(TableRole::Payments, Some(&facts))
}

fn with_view(view: Option<&str>) -> Findings {
    changed(|facts| facts.stream_view = view.map(str::to_owned))
}

fn in_state(status: &str) -> Findings {
    changed(|facts| status.clone_into(&mut facts.status))
}

fn expiring(role: TableRole, attribute: &str) -> Findings {
    table(role, Some(&TableFacts { expiry_attribute: Some(attribute.to_owned()), ..payments() }))
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        ("table-missing", "it does not exist", table(TableRole::Orders, None)),
        ("table-inactive", "status DELETING", in_state("DELETING")),
        ("table-inactive", "status ARCHIVED", in_state("ARCHIVED")),
        ("change-stream-off", "no change stream", with_view(None)),
        ("change-stream-view", "view type KEYS_ONLY, expected NEW_IMAGE", with_view(Some("KEYS_ONLY"))),
        ("change-stream-view", "view type OLD_IMAGE, expected NEW_IMAGE", with_view(Some("OLD_IMAGE"))),
        ("items-expire", "time to live by expires_at", expiring(TableRole::Payments, "expires_at")),
        ("items-expire", "time to live by updated_at", expiring(TableRole::Orders, "updated_at")),
        ("quarantine-expiry", "time to live by quarantined_at", expiring(TableRole::Quarantine, "quarantined_at")),
        ("failures-bucket-missing", "it does not exist", bucket(false)),
    ]
}

#[test]
fn a_sound_table_has_no_findings() {
    for status in ["ACTIVE", "UPDATING"] {
        assert_eq!(in_state(status), Findings::default());
    }
    for view in ["NEW_IMAGE", "NEW_AND_OLD_IMAGES"] {
        assert_eq!(with_view(Some(view)), Findings::default());
    }
    assert_eq!(expiring(TableRole::Quarantine, "expires_at"), Findings::default());
    assert_eq!(bucket(true), Findings::default());
}

#[test]
fn only_the_payments_table_needs_a_change_stream() {
    let facts = TableFacts { stream_view: None, stream_arn: None, ..payments() };
    for role in [TableRole::Orders, TableRole::Quarantine] {
        assert_eq!(table(role, Some(&facts)), Findings::default());
    }
}
