//! Release rules, on changes to the real documents.

use paystream_contracts::release::{Documents, Obstacle, obstacles};
use serde_json::{Value, json};

use crate::document;

const PAYMENTS: &str = "docs/api/openapi/payments.json";
const STREAM: &str = "docs/api/asyncapi.json";
const EVENT: &str = "docs/api/events/payment.voided.v1.schema.json";

/// Returns the released documents, at version 1.4.2.
fn released() -> Documents {
    let mut documents: Documents = [PAYMENTS, STREAM, EVENT].map(|path| (path.to_owned(), document(path))).into();
    of_version(&mut documents, "1.4.2");
    documents
}

fn of_version(documents: &mut Documents, version: &str) {
    for document in documents.values_mut().filter(|document| document.get("info").is_some()) {
        document["info"]["version"] = json!(version);
    }
}

/// Returns the obstacles to releasing the changed documents at this version.
fn obstacles_to(version: &str, change: impl FnOnce(&mut Documents)) -> Vec<String> {
    let mut generated = released();
    change(&mut generated);
    of_version(&mut generated, version);
    obstacles(&released(), &generated, version).iter().map(ToString::to_string).collect()
}

fn reword(documents: &mut Documents) {
    documents.get_mut(PAYMENTS).unwrap()["info"]["description"] = json!("Payments.");
}

fn remove(document: &mut Value, pointer: &str, member: &str) {
    let removed = document.pointer_mut(pointer).and_then(|value| value.as_object_mut()?.remove(member));
    assert!(removed.is_some(), "there is no {pointer}/{member}");
}

fn remove_operation(documents: &mut Documents) {
    remove(documents.get_mut(PAYMENTS).unwrap(), "/paths", "/payments/{payment_id}/void");
}

#[test]
fn unchanged_documents_may_keep_or_raise_their_version() {
    for version in ["1.4.2", "1.4.3", "1.10.0", "2.0.0"] {
        assert_eq!(obstacles_to(version, |_| {}), Vec::<String>::new(), "{version}");
    }
}

#[test]
fn any_difference_needs_a_higher_version() {
    let expected = [format!("{PAYMENTS}: has changed since version 1.4.2")];
    assert_eq!(obstacles_to("1.4.2", reword), expected);
    for version in ["1.4.3", "1.5.0", "1.10.0", "2.0.0"] {
        assert_eq!(obstacles_to(version, reword), Vec::<String>::new(), "{version}");
    }
    let added = obstacles_to("1.4.2", |documents| {
        documents.insert("docs/api/events/payment.captured.v2.schema.json".to_owned(), json!({}));
    });
    assert_eq!(added, ["docs/api/events/payment.captured.v2.schema.json: has changed since version 1.4.2"]);
}

#[test]
fn a_lower_or_malformed_version_is_rejected() {
    for version in ["1.4.1", "1.3.9", "0.9.9", "2", "two", "2.0.0-beta", ""] {
        let found = obstacles_to(version, |_| {});
        assert_eq!(found, [format!("version {version} cannot follow 1.4.2")]);
    }
    let found = obstacles(&Documents::new(), &released(), "1.0.0");
    assert!(matches!(found.as_slice(), [Obstacle::Version(_)]), "{found:?}");
}

#[test]
fn a_change_that_breaks_callers_of_an_api_needs_a_higher_major_version() {
    let expected = [format!("{PAYMENTS}: POST /payments/{{payment_id}}/void was removed")];
    assert_eq!(obstacles_to("1.5.0", remove_operation), expected);
    assert_eq!(obstacles_to("2.0.0", remove_operation), Vec::<String>::new());
}

#[test]
fn removing_the_document_of_an_api_needs_a_higher_major_version() {
    let change = |documents: &mut Documents| {
        documents.remove(PAYMENTS);
    };
    assert_eq!(obstacles_to("1.5.0", change), [format!("{PAYMENTS}: the document was removed")]);
    assert_eq!(obstacles_to("2.0.0", change), Vec::<String>::new());
}

#[test]
fn no_version_permits_a_change_that_breaks_consumers_of_events() {
    let found = obstacles_to("2.0.0", |documents| {
        documents.remove(EVENT);
        let stream = documents.get_mut(STREAM).unwrap();
        remove(stream, "/channels/paymentEvents/messages", "payment.voided.v1");
    });
    assert_eq!(
        found,
        [format!("{STREAM}: event type payment.voided.v1 was removed"), format!("{EVENT}: the document was removed"),]
    );
}
