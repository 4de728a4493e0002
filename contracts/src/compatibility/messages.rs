//! Two versions of an `AsyncAPI` document.

use serde_json::Value;

use super::schema::{Comparison, Direction, resolve};
use super::{Breaking, broken, members};

pub(super) fn breaking(old: &Value, new: &Value) -> Vec<Breaking> {
    let mut found = Vec::new();
    for (name, channel) in members(&old["channels"]) {
        let part = format!("channel {name}");
        let Some(now) = new["channels"].get(name) else {
            broken(&mut found, part, "was removed");
            continue;
        };
        if channel["x-kinesis"]["partitionKey"] != now["x-kinesis"]["partitionKey"] {
            broken(&mut found, part.as_str(), "has another partition key: what was in order is so no more");
        }
        for (event_type, message) in members(&channel["messages"]) {
            let part = format!("event type {event_type}");
            match now["messages"].get(event_type) {
                Some(is) => compare(old, new, resolve(old, message), resolve(new, is), &part, &mut found),
                None => broken(&mut found, part, "was removed"),
            }
        }
    }
    found
}

fn compare(old: &Value, new: &Value, was: &Value, is: &Value, part: &str, found: &mut Vec<Breaking>) {
    if was["contentType"] != is["contentType"] {
        broken(found, part, format!("is no {} any more", was["contentType"]));
    }
    let comparison = Comparison { old, new, direction: Direction::Sent };
    comparison.compare(&was["payload"], &is["payload"], part, found);
}
