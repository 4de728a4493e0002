//! Faults in JSON: one, or a list of them.

use serde::Deserialize;
use serde_json::Value;

use super::fault::{Effect, Fault};
use super::invalid::InvalidFault;

const FORM: &str = "a fault is {\"target\": \"kinesis\", \"dynamodb\" or a function, \"effect\": …}, and may have operation, \
                    from, skip, count, probability and seed";
const EFFECTS: &str = "an effect is exactly one of {\"error\": {\"code\": …}}, \"throttle\", {\"latency_ms\": …}, \
                       {\"reset\": \"before\" or \"after\"}, {\"kill\": \"before\" or \"after\"}, {\"partial\": …}";

/// The faults of a body, in their order.
pub(super) fn parse(body: &[u8]) -> Result<Vec<Fault>, InvalidFault> {
    let body: Value =
        serde_json::from_slice(body).map_err(|error| InvalidFault::Malformed(format!("this is no JSON: {error}")))?;
    match body {
        Value::Array(faults) => faults.iter().enumerate().map(|(place, fault)| one(fault, Some(place))).collect(),
        fault => Ok(vec![one(&fault, None)?]),
    }
}

fn one(fault: &Value, place: Option<usize>) -> Result<Fault, InvalidFault> {
    let within = place.map_or_else(String::new, |place| format!("[{place}]: "));
    // A sequence would be taken for the fields in their order.
    if !fault.is_object() {
        return Err(InvalidFault::Malformed(format!("{within}{FORM}")));
    }
    Fault::deserialize(fault).map_err(|error| {
        let is_effect = fault.get("effect").is_some_and(|effect| Effect::deserialize(effect).is_err());
        let form = if is_effect { EFFECTS } else { FORM };
        InvalidFault::Malformed(format!("{within}{error}: {form}"))
    })
}
