//! Faults in JSON: one, or a list of them.

use serde::Deserialize;
use serde_json::Value;

use super::fault::{Effect, Fault};
use super::invalid::InvalidFault;

const FORM: &str = "a fault is {\"target\": \"kinesis\", \"dynamodb\", \"kafka\", \"rabbitmq\", a function or an API, \"effect\": …}, \
                    optionally with operation, from, skip, count, probability and seed";
const EFFECTS: &str = "an effect is exactly one of {\"error\": {\"code\": …}}, \"throttle\", {\"latency_ms\": …}, \
                       {\"reset\": \"before\" or \"after\"}, {\"kill\": \"before\" or \"after\"}, {\"partial\": …}, \
                       {\"reorder\": …}";

/// Parses a request body: one fault, or a list in order.
pub(super) fn parse(body: &[u8]) -> Result<Vec<Fault>, InvalidFault> {
    let body: Value =
        serde_json::from_slice(body).map_err(|error| InvalidFault::Malformed(format!("invalid JSON: {error}")))?;
    match body {
        Value::Array(faults) => faults.iter().enumerate().map(|(place, fault)| one(fault, Some(place))).collect(),
        fault => Ok(vec![one(&fault, None)?]),
    }
}

fn one(fault: &Value, place: Option<usize>) -> Result<Fault, InvalidFault> {
    let within = place.map_or_else(String::new, |place| format!("[{place}]: "));
    // Serde would accept an array as the fields in order.
    if !fault.is_object() {
        return Err(InvalidFault::Malformed(format!("{within}{FORM}")));
    }
    Fault::deserialize(fault).map_err(|error| {
        let is_effect = fault.get("effect").is_some_and(|effect| Effect::deserialize(effect).is_err());
        let form = if is_effect { EFFECTS } else { FORM };
        InvalidFault::Malformed(format!("{within}{error}: {form}"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fault::FaultTarget;
    use super::*;

    #[test]
    fn everything_but_the_target_and_the_effect_has_a_default() {
        for (effect, expected) in [
            (r#""throttle""#, Effect::Throttle),
            (r#"{"latency_ms":200}"#, Effect::LatencyMs(200)),
            (r#"{"reset":"before"}"#, Effect::reset_before()),
            (r#"{"kill":"after"}"#, Effect::kill_after()),
            (r#"{"partial":0.5}"#, Effect::Partial(0.5)),
            (r#"{"reorder":20}"#, Effect::Reorder(20)),
            (r#"{"error":{"code":"InternalServerError"}}"#, Effect::error("InternalServerError")),
        ] {
            let body = format!(r#"{{"target":"kinesis","effect":{effect}}}"#);
            assert_eq!(parse(body.as_bytes()), Ok(vec![Fault::new(FaultTarget::Kinesis, expected)]));
        }
        assert_eq!(parse(b"[]"), Ok(vec![]));
        for (target, expected) in [("kafka", FaultTarget::Kafka), ("rabbitmq", FaultTarget::RabbitMq)] {
            let body = format!(r#"{{"target":"{target}","effect":{{"reset":"after"}}}}"#);
            assert_eq!(parse(body.as_bytes()), Ok(vec![Fault::new(expected, Effect::reset_after())]));
        }
    }

    #[test]
    fn a_malformed_fault_is_rejected_with_the_expected_form() {
        for (body, expected) in [
            ("", "invalid JSON: "),
            ("[1]", "[0]: a fault is "),
            (r#"{"target":"kinesis"}"#, "missing field `effect`: a fault is "),
            (r#"{"target":"kinesis","effect":"throttle","oops":1}"#, "unknown field `oops`, expected one of `target`"),
            (r#"{"target":"kinesis","effect":"throttle","skip":-1}"#, "invalid value: integer `-1`, expected u64"),
            (
                r#"{"target":"kinesis","effect":"throttle","count":1.5}"#,
                "invalid type: floating point `1.5`, expected u64",
            ),
            (
                r#"{"target":"kinesis","effect":{"kill":"during"}}"#,
                "unknown variant `during`, expected `before` or `after`: an effect is exactly one of ",
            ),
            (
                r#"{"target":"kinesis","effect":{"kill":"after","reset":"after"}}"#,
                "invalid value: map, expected map with a single key: an effect is exactly one of ",
            ),
            (r#"{"target":"kinesis","effect":{"error":{"code":"a","x":1}}}"#, "unknown field `x`"),
        ] {
            let Err(InvalidFault::Malformed(message)) = parse(body.as_bytes()) else { panic!("{body} was accepted") };
            assert!(message.starts_with(expected), "{message}");
        }
    }
}
