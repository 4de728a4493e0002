//! Trace context of a payment, which its event carries to consumers.

use std::str::FromStr;

use crate::text::{json_string, string_schema};
use crate::text_output;

/// A [W3C Trace Context](https://www.w3.org/TR/trace-context/#traceparent-header) `traceparent` of version 00:
/// `00-<32 hex digits>-<16 hex digits>-<2 hex digits>`, lower case, neither id all zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceParent(String);

/// The text is not a version 00 `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a W3C traceparent of version 00")]
pub struct InvalidTraceParent;

impl FromStr for TraceParent {
    type Err = InvalidTraceParent;

    fn from_str(text: &str) -> Result<Self, InvalidTraceParent> {
        let mut parts = text.split('-');
        let valid = parts.next() == Some("00")
            && parts.next().is_some_and(|trace_id| is_id(trace_id, 32))
            && parts.next().is_some_and(|parent_id| is_id(parent_id, 16))
            && parts.next().is_some_and(|flags| is_lower_hex(flags, 2))
            && parts.next().is_none();
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidTraceParent) }
    }
}

impl TraceParent {
    /// Returns the trace id, 32 hex digits, which all spans of the trace share.
    pub fn trace_id(&self) -> &str {
        // Every valid value has the trace id at this position.
        self.0.get(3..35).unwrap_or_default()
    }
}

fn is_id(text: &str, length: usize) -> bool {
    is_lower_hex(text, length) && text.bytes().any(|byte| byte != b'0')
}

fn is_lower_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

text_output!(TraceParent);
json_string!(TraceParent);
string_schema!(TraceParent, {
    "description": "A W3C Trace Context traceparent of version 00.",
    "maxLength": 55,
    "pattern": "^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$",
    "examples": ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_version_00_with_nonzero_ids_parses() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(good.parse::<TraceParent>().unwrap().to_string(), good);
        assert_eq!(good.parse::<TraceParent>().unwrap().trace_id(), "0af7651916cd43dd8448eb211c80319c");
        for bad in [
            "",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        ] {
            assert_eq!(bad.parse::<TraceParent>(), Err(InvalidTraceParent), "{bad:?}");
        }
    }
}
