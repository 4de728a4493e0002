//! What may take the place of what was released, and under which version.

use paystream_contracts::release::{Documents, Obstacle, obstacles};
use serde_json::{Value, json};

use crate::document;

const PAYMENTS: &str = "docs/api/openapi/payments.json";
const STREAM: &str = "docs/api/asyncapi.json";
const EVENT: &str = "docs/api/events/payment.voided.v1.schema.json";

/// As version 1.4.2.
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

/// What keeps the changed documents from taking the place of the released ones, as that version.
fn told(version: &str, change: impl FnOnce(&mut Documents)) -> Vec<String> {
    let mut generated = released();
    change(&mut generated);
    of_version(&mut generated, version);
    obstacles(&released(), &generated, version).iter().map(ToString::to_string).collect()
}

fn words(documents: &mut Documents) {
    documents.get_mut(PAYMENTS).unwrap()["info"]["description"] = json!("Payments.");
}

fn remove(document: &mut Value, pointer: &str, member: &str) {
    let removed = document.pointer_mut(pointer).and_then(|value| value.as_object_mut()?.remove(member));
    assert!(removed.is_some(), "there is no {pointer}/{member}");
}

fn an_operation_less(documents: &mut Documents) {
    remove(documents.get_mut(PAYMENTS).unwrap(), "/paths", "/payments/{payment_id}/void");
}

#[test]
fn what_is_the_same_may_keep_its_version_or_get_a_higher_one() {
    for version in ["1.4.2", "1.4.3", "1.10.0", "2.0.0"] {
        assert_eq!(told(version, |_| {}), Vec::<String>::new(), "{version}");
    }
}

#[test]
fn whatever_differs_needs_a_higher_version() {
    let expected = [format!("{PAYMENTS}: is not what was released as 1.4.2")];
    assert_eq!(told("1.4.2", words), expected);
    for version in ["1.4.3", "1.5.0", "1.10.0", "2.0.0"] {
        assert_eq!(told(version, words), Vec::<String>::new(), "{version}");
    }
    let added = told("1.4.2", |documents| {
        documents.insert("docs/api/events/payment.captured.v2.schema.json".to_owned(), json!({}));
    });
    assert_eq!(added, ["docs/api/events/payment.captured.v2.schema.json: is not what was released as 1.4.2"]);
}

#[test]
fn a_version_that_is_lower_or_none_is_refused() {
    for version in ["1.4.1", "1.3.9", "0.9.9", "2", "two", "2.0.0-beta", ""] {
        let found = told(version, |_| {});
        assert_eq!(found, [format!("version {version} cannot come after 1.4.2")]);
    }
    let found = obstacles(&Documents::new(), &released(), "1.0.0");
    assert!(matches!(found.as_slice(), [Obstacle::Version(_)]), "{found:?}");
}

#[test]
fn what_breaks_who_calls_an_api_needs_a_higher_major_version() {
    let expected = [format!("{PAYMENTS}: POST /payments/{{payment_id}}/void was removed")];
    assert_eq!(told("1.5.0", an_operation_less), expected);
    assert_eq!(told("2.0.0", an_operation_less), Vec::<String>::new());
}

#[test]
fn a_document_of_an_api_goes_with_a_higher_major_version_only() {
    let change = |documents: &mut Documents| {
        documents.remove(PAYMENTS);
    };
    assert_eq!(told("1.5.0", change), [format!("{PAYMENTS}: the document was removed")]);
    assert_eq!(told("2.0.0", change), Vec::<String>::new());
}

#[test]
fn no_version_makes_up_for_what_breaks_who_reads_events() {
    let found = told("2.0.0", |documents| {
        documents.remove(EVENT);
        let stream = documents.get_mut(STREAM).unwrap();
        remove(stream, "/channels/paymentEvents/messages", "payment.voided.v1");
    });
    assert_eq!(
        found,
        [format!("{STREAM}: event type payment.voided.v1 was removed"), format!("{EVENT}: the document was removed"),]
    );
}
