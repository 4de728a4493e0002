//! Base URL of the Payments API.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use payment_events::OrderId;

/// Base URL of the Payments API: `http` or `https`, a host, and optionally the path of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentsUrl(String);

/// The text is not a base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an http:// or https:// URL, or has a user, query or fragment")]
pub struct InvalidPaymentsUrl;

impl PaymentsUrl {
    /// Returns the URL of the first page of an order's payments. An order id has no characters that need escaping.
    pub(super) fn of_order(&self, order_id: &OrderId) -> String {
        format!("{}/payments?order_id={order_id}", self.0)
    }

    /// Returns the URL of a next page, from its query with the `?`.
    pub(super) fn of_page(&self, query: &str) -> String {
        format!("{}/payments{query}", self.0)
    }
}

impl FromStr for PaymentsUrl {
    type Err = InvalidPaymentsUrl;

    fn from_str(text: &str) -> Result<Self, InvalidPaymentsUrl> {
        let uri: Uri = text.parse().map_err(|_| InvalidPaymentsUrl)?;
        let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
        let is_plain = uri.query().is_none() && !text.contains(['@', '#', '?']);
        if is_http && is_plain { Ok(Self(text.trim_end_matches('/').to_owned())) } else { Err(InvalidPaymentsUrl) }
    }
}

impl fmt::Display for PaymentsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_has_a_scheme_a_host_and_optionally_a_stage() {
        for (text, requested) in [
            ("https://a1b2.execute-api.eu-central-1.amazonaws.com/dev", "/dev/payments?order_id=ord-1"),
            ("http://payments.internal:8080/", ":8080/payments?order_id=ord-1"),
        ] {
            let url: PaymentsUrl = text.parse().unwrap();
            assert!(url.of_order(&"ord-1".parse().unwrap()).ends_with(requested), "{url}");
        }
        let bad = ["", "payments", "ftp://h/", "https://", "https://h/?a=1", "https://h/#a", "https://me@h/", "/dev"];
        for bad in bad {
            assert_eq!(bad.parse::<PaymentsUrl>(), Err(InvalidPaymentsUrl), "{bad:?}");
        }
    }
}
