//! Payment processor on this machine, instead of the simulator.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::str::FromStr;

use http::Uri;
use serde_json::json;

/// Secret with the API key of the processor. The environment's Secrets Manager has it.
pub(crate) const PROCESSOR_SECRET_ARN: &str =
    "arn:aws:secretsmanager:us-east-1:000000000000:secret:paystream-processor-LocaL1";
/// API key in the secret.
const API_KEY: &str = "local-processor-key";

/// Base URL of a payment processor on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalProcessor(String);

/// Text that is not the URL of a processor on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be http://127.0.0.1:PORT, with or without a path; the local environment sends payments to no other machine. \
     `cargo run -p paystream-processor-stub` starts a processor"
)]
pub struct NotALocalProcessor;

impl FromStr for LocalProcessor {
    type Err = NotALocalProcessor;

    fn from_str(text: &str) -> Result<Self, NotALocalProcessor> {
        let uri: Uri = text.parse().map_err(|_| NotALocalProcessor)?;
        let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme)).ok_or(NotALocalProcessor)?;
        let port = uri.port_u16().filter(|port| *port != 0).ok_or(NotALocalProcessor)?;
        // Compared as a whole, so that user information, a query and a fragment are refused.
        let base = format!("{scheme}://{}:{port}{}", Ipv4Addr::LOCALHOST, uri.path().trim_end_matches('/'));
        if text.trim_end_matches('/') == base { Ok(Self(base)) } else { Err(NotALocalProcessor) }
    }
}

impl LocalProcessor {
    /// Returns the template's parameters that connect a stack to this processor.
    pub(crate) fn parameters(&self) -> BTreeMap<String, String> {
        let values = [("ProcessorUrl", self.0.as_str()), ("ProcessorSecretArn", PROCESSOR_SECRET_ARN)];
        values.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }
}

/// Returns ARN and value of the secret of a processor.
pub(crate) fn processor_secret() -> (String, String) {
    (PROCESSOR_SECRET_ARN.to_owned(), json!({"api_key": API_KEY}).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_is_on_this_machine() {
        for (text, base) in [
            ("http://127.0.0.1:9090", "http://127.0.0.1:9090"),
            ("http://127.0.0.1:9090/", "http://127.0.0.1:9090"),
            ("https://127.0.0.1:9090/v1/", "https://127.0.0.1:9090/v1"),
        ] {
            assert_eq!(text.parse::<LocalProcessor>().unwrap().parameters()["ProcessorUrl"], base);
        }
    }

    #[test]
    fn any_other_url_is_refused() {
        for text in [
            "",
            "127.0.0.1:9090",
            "9090",
            "http://127.0.0.1",
            "http://127.0.0.1:0",
            "http://127.0.0.1:70000",
            "http://localhost:9090",
            "http://10.0.0.1:9090",
            "https://processor.example:443",
            "http://127.0.0.1.processor.example:9090",
            "http://127.0.0.1:9090@processor.example:80",
            "http://user@127.0.0.1:9090",
            "http://127.0.0.1:9090/?key=x",
            "http://127.0.0.1:9090/#x",
            "ftp://127.0.0.1:9090",
        ] {
            assert_eq!(text.parse::<LocalProcessor>(), Err(NotALocalProcessor), "{text}");
        }
    }
}
