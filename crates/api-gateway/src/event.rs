//! The events of both formats, as far as they are used. What is in one alone is missing from the other.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// Text of an event, borrowed from it unless there is an escape in it.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// An event of either format: whichever it is, it is read once.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event<'a> {
    /// `1.0` from an HTTP API, missing from a REST API; `2.0`.
    #[serde(borrow)]
    pub(crate) version: Option<Text<'a>>,

    // Format 1.0.
    #[serde(borrow)]
    pub(crate) http_method: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) path: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) multi_value_headers: Option<BTreeMap<Text<'a>, Vec<Text<'a>>>>,
    #[serde(borrow)]
    pub(crate) query_string_parameters: Option<BTreeMap<Text<'a>, Text<'a>>>,
    #[serde(borrow)]
    pub(crate) multi_value_query_string_parameters: Option<BTreeMap<Text<'a>, Vec<Text<'a>>>>,

    // Format 2.0.
    #[serde(borrow)]
    pub(crate) raw_path: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) raw_query_string: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) cookies: Option<Vec<Text<'a>>>,

    // Both.
    #[serde(borrow)]
    pub(crate) headers: Option<BTreeMap<Text<'a>, Text<'a>>>,
    #[serde(borrow)]
    pub(crate) request_context: Option<RequestContext<'a>>,
    #[serde(borrow)]
    pub(crate) body: Option<Text<'a>>,
    pub(crate) is_base64_encoded: Option<bool>,
}

/// What API Gateway knows of a request beside the request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestContext<'a> {
    /// In format 1.0.
    #[serde(borrow)]
    pub(crate) identity: Option<RequestIdentity<'a>>,
    /// In format 2.0.
    #[serde(borrow)]
    pub(crate) http: Option<Http<'a>>,
    /// Whatever an authorizer says: one that is a function chooses names and values itself.
    #[serde(default)]
    pub(crate) authorizer: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestIdentity<'a> {
    #[serde(borrow)]
    pub(crate) user_arn: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Http<'a> {
    #[serde(borrow)]
    pub(crate) method: Option<Text<'a>>,
}
