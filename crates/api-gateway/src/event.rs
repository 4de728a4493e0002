//! Proxy events of payload formats 1.0 and 2.0, limited to the fields that are read.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// Text of an event, borrowed from it unless it contains a JSON escape.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// An event of either format, read in one pass. Fields that only the other format has are `None`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event<'a> {
    /// `1.0` or `2.0`; missing in the format 1.0 of a REST API.
    #[serde(borrow)]
    pub(crate) version: Option<Text<'a>>,

    // Format 1.0.
    #[serde(borrow)]
    pub(crate) http_method: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) path: Option<Text<'a>>,
    /// Template of the route: `/orders/{order_id}`.
    #[serde(borrow)]
    pub(crate) resource: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) multi_value_headers: Option<BTreeMap<Text<'a>, Vec<Text<'a>>>>,
    #[serde(borrow)]
    pub(crate) query_string_parameters: Option<BTreeMap<Text<'a>, Text<'a>>>,
    #[serde(borrow)]
    pub(crate) multi_value_query_string_parameters: Option<BTreeMap<Text<'a>, Vec<Text<'a>>>>,

    // Format 2.0.
    /// Method and template of the route: `GET /orders/{order_id}`, or `$default`.
    #[serde(borrow)]
    pub(crate) route_key: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) raw_path: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) raw_query_string: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) cookies: Option<Vec<Text<'a>>>,

    // Both.
    #[serde(borrow)]
    pub(crate) path_parameters: Option<BTreeMap<Text<'a>, Text<'a>>>,
    #[serde(borrow)]
    pub(crate) headers: Option<BTreeMap<Text<'a>, Text<'a>>>,
    #[serde(borrow)]
    pub(crate) request_context: Option<RequestContext<'a>>,
    #[serde(borrow)]
    pub(crate) body: Option<Text<'a>>,
    pub(crate) is_base64_encoded: Option<bool>,
}

/// API Gateway's context of a request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestContext<'a> {
    #[serde(borrow)]
    pub(crate) stage: Option<Text<'a>>,
    /// Format 1.0 only: path that the client sent.
    #[serde(borrow)]
    pub(crate) path: Option<Text<'a>>,
    /// Format 1.0 only.
    #[serde(borrow)]
    pub(crate) identity: Option<RequestIdentity<'a>>,
    /// Format 2.0 only.
    #[serde(borrow)]
    pub(crate) http: Option<Http<'a>>,
    /// Output of the authorizer. A Lambda authorizer chooses names and values itself.
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
