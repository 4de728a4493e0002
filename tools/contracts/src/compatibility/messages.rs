//! Comparison of two versions of an `AsyncAPI` document.

use serde_json::Value;

use super::change::{Breaking, broken};
use super::demands::resolve;
use super::schema::{Direction, SchemaComparison};
use crate::json::{members, values};

pub(super) fn breaking(old: &Value, new: &Value) -> Vec<Breaking> {
    let mut found = Vec::new();
    for (name, channel) in members(&old["channels"]) {
        let part = format!("channel {name}");
        match new["channels"].get(name) {
            Some(now) => channels(old, new, channel, now, &part, &mut found),
            None => broken(&mut found, part, "was removed"),
        }
    }
    for (name, operation) in members(&old["operations"]) {
        let part = format!("operation {name}");
        match new["operations"].get(name) {
            Some(now) => operations(operation, now, &part, &mut found),
            None => broken(&mut found, part, "was removed"),
        }
    }
    found
}

fn channels(old: &Value, new: &Value, was: &Value, is: &Value, part: &str, found: &mut Vec<Breaking>) {
    if was["address"] != is["address"] {
        broken(found, part, format!("is no longer at {}", was["address"]));
    }
    // Consumers rely on every detail of how events are stored in records.
    for (member, before) in members(&was["x-kinesis"]) {
        let after = is["x-kinesis"].get(member);
        match member.as_str() {
            _ if after == Some(before) => {}
            "partitionKey" => broken(found, part, "has another partition key, which changes the order of events"),
            _ => broken(found, part, format!("has another {member} in x-kinesis, which was {before}")),
        }
    }
    for (event_type, message) in members(&was["messages"]) {
        let part = format!("event type {event_type}");
        match is["messages"].get(event_type) {
            Some(now) => messages(old, new, resolve(old, message), resolve(new, now), &part, found),
            None => broken(found, part, "was removed"),
        }
    }
}

fn operations(was: &Value, is: &Value, part: &str, found: &mut Vec<Breaking>) {
    for member in ["action", "channel"] {
        if was[member] != is[member] {
            broken(found, part, format!("has another {member}"));
        }
    }
    for message in values(&was["messages"]).iter().filter(|message| !values(&is["messages"]).contains(message)) {
        broken(found, part, format!("no longer has {}", message["$ref"]));
    }
}

fn messages(old: &Value, new: &Value, was: &Value, is: &Value, part: &str, found: &mut Vec<Breaking>) {
    if was["contentType"] != is["contentType"] {
        broken(found, part, format!("is no longer {}", was["contentType"]));
    }
    if was["correlationId"]["location"] != is["correlationId"]["location"] {
        broken(found, part, "has another correlationId");
    }
    SchemaComparison::new(old, new, Direction::Sent).compare(&was["payload"], &is["payload"], part, found);
}
