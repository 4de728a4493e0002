//! Check of every response against the `OpenAPI` document of its API.

use std::sync::LazyLock;

use paystream_client::Request;
use paystream_contracts::{Answered, Contract};
use serde_json::Value;

use crate::Answer;

static CONTRACTS: LazyLock<Vec<Contract>> = LazyLock::new(|| {
    let documents =
        [include_str!("../../docs/api/openapi/payments.json"), include_str!("../../docs/api/openapi/orders.json")];
    let contract = |text: &str| {
        let document: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}"));
        Contract::new(&document).unwrap_or_else(|error| panic!("{error}"))
    };
    documents.into_iter().map(contract).collect()
});

/// Checks that the document of the API allows this response. Requests that match no documented operation are not
/// checked.
///
/// # Panics
/// If the response breaks the document; the message says how.
pub(crate) fn check(request: &Request, answer: &Answer) {
    let (method, path) = (request.method(), request.path());
    let Some(contract) = CONTRACTS.iter().find(|contract| contract.knows(method, path)) else { return };
    let headers: Vec<_> =
        answer.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default())).collect();
    let answered = Answered { status: answer.status.as_u16(), headers: &headers, body: &answer.body };
    contract.allows(method, path, answered).unwrap_or_else(|breach| panic!("{breach}"));
}
