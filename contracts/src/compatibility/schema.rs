//! Two versions of a JSON Schema, as far as our documents use it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Breaking, broken, members, values};

/// Who writes what the schema describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// Clients: what is allowed may only become more.
    Received,
    /// We: what is promised may only become more.
    Sent,
}

/// Two documents, and who writes the values.
#[derive(Clone, Copy)]
pub(super) struct Comparison<'a> {
    pub(super) old: &'a Value,
    pub(super) new: &'a Value,
    pub(super) direction: Direction,
}

/// Keywords whose values, where they are the same, cannot tell who is broken: any other value may be anything.
const SHAPES: [&str; 3] = ["format", "pattern", "not"];
/// Keywords that allow less the higher they are.
const LOWER_BOUNDS: [&str; 4] = ["minimum", "minLength", "minItems", "minProperties"];
/// Keywords that allow less the lower they are.
const UPPER_BOUNDS: [&str; 4] = ["maximum", "maxLength", "maxItems", "maxProperties"];

impl Comparison<'_> {
    /// Adds what breaks somebody to `found`. `part` says what the schemas describe.
    pub(super) fn compare(self, was: &Value, is: &Value, part: &str, found: &mut Vec<Breaking>) {
        let (was, is) = (resolve(self.old, was), resolve(self.new, is));
        // No schema of ours refers to itself, so that this ends.
        self.types(was, is, part, found);
        self.enumerations(was, is, part, found);
        self.fields(was, is, part, found);
        self.bounds(was, is, part, found);
        for keyword in SHAPES {
            if was.get(keyword) != is.get(keyword) && !self.only_relaxed(was.get(keyword), is.get(keyword)) {
                broken(found, part, format!("has another {keyword}"));
            }
        }
        match (was.get("items"), is.get("items")) {
            (Some(was), Some(is)) => self.compare(was, is, &format!("{part}/*"), found),
            (None, Some(_)) if self.direction == Direction::Received => broken(found, part, "allows fewer items"),
            (Some(_), None) if self.direction == Direction::Sent => {
                broken(found, part, "says no more what its items are");
            }
            _ => {}
        }
        self.alternatives(was, is, part, found);
    }

    /// A keyword that is there on one side only, where that only helps.
    fn only_relaxed(self, was: Option<&Value>, is: Option<&Value>) -> bool {
        match self.direction {
            Direction::Received => was.is_some() && is.is_none(),
            Direction::Sent => was.is_none() && is.is_some(),
        }
    }

    fn types(self, was: &Value, is: &Value, part: &str, found: &mut Vec<Breaking>) {
        let (before, after) = (types(was), types(is));
        let fits = match (self.direction, before.is_empty(), after.is_empty()) {
            (Direction::Received, _, true) | (Direction::Sent, true, _) => true,
            (_, true, _) | (_, _, true) => false,
            (Direction::Received, ..) => after.is_superset(&before),
            (Direction::Sent, ..) => after.is_subset(&before),
        };
        if !fits {
            let listed = |types: &BTreeSet<&str>| types.iter().copied().collect::<Vec<_>>().join(" or ");
            let (before, after) = (listed(&before), listed(&after));
            let named = |types: String| if types.is_empty() { "anything".to_owned() } else { types };
            broken(found, part, format!("was {} and is {}", named(before), named(after)));
        }
    }

    fn enumerations(self, was: &Value, is: &Value, part: &str, found: &mut Vec<Breaking>) {
        match (allowed(was), allowed(is)) {
            (Some(before), Some(after)) => {
                for value in before.iter().filter(|value| !after.contains(value)) {
                    broken(found, part, format!("has the value {value} no more"));
                }
            }
            (None, Some(_)) if self.direction == Direction::Received => {
                broken(found, part, "takes certain values only");
            }
            (Some(_), None) if self.direction == Direction::Sent => broken(found, part, "may be any value"),
            _ => {}
        }
    }

    fn fields(self, was: &Value, is: &Value, part: &str, found: &mut Vec<Breaking>) {
        for (name, before) in members(&was["properties"]) {
            match is["properties"].get(name) {
                Some(after) => self.compare(before, after, &format!("{part}/{name}"), found),
                None => broken(found, format!("{part}/{name}"), "was removed"),
            }
        }
        let (before, after) = (values(&was["required"]), values(&is["required"]));
        let (more, change) = match self.direction {
            Direction::Received => ((after, before), "became required"),
            Direction::Sent => ((before, after), "may be missing now"),
        };
        for name in more.0.iter().filter(|name| !more.1.contains(name)).filter_map(Value::as_str) {
            broken(found, format!("{part}/{name}"), change);
        }
        let closed = |schema: &Value| schema["additionalProperties"] == json!(false);
        if self.direction == Direction::Received && closed(is) && !closed(was) {
            broken(found, part, "takes no unknown fields any more");
        }
    }

    fn bounds(self, was: &Value, is: &Value, part: &str, found: &mut Vec<Breaking>) {
        let bounds = LOWER_BOUNDS.map(|keyword| (keyword, true)).into_iter();
        for (keyword, lower) in bounds.chain(UPPER_BOUNDS.map(|keyword| (keyword, false))) {
            let (before, after) = (number(was, keyword), number(is, keyword));
            let tighter = match (before, after) {
                (None, None) => continue,
                (None, Some(_)) => true,
                (Some(_), None) => false,
                (Some(before), Some(after)) if before == after => continue,
                (Some(before), Some(after)) => (after > before) == lower,
            };
            if tighter == (self.direction == Direction::Received) {
                let told = |bound: Option<i128>| bound.map_or_else(|| "none".to_owned(), |bound| bound.to_string());
                broken(found, part, format!("had the {keyword} {} and has {}", told(before), told(after)));
            }
        }
    }

    /// Every alternative that was there must still be there, in some form; every part of a whole, in its place.
    fn alternatives(self, was: &Value, is: &Value, part: &str, found: &mut Vec<Breaking>) {
        for keyword in ["oneOf", "anyOf"] {
            let (before, after) = (values(&was[keyword]), values(&is[keyword]));
            for (place, alternative) in before.iter().enumerate() {
                let kept = after.iter().any(|candidate| {
                    let mut differences = Vec::new();
                    self.compare(alternative, candidate, part, &mut differences);
                    differences.is_empty()
                });
                if !kept {
                    broken(found, part, format!("has its alternative {place} no more, or not as it was"));
                }
            }
        }
        let (before, after) = (values(&was["allOf"]), values(&is["allOf"]));
        for (was, is) in before.iter().zip(after) {
            self.compare(was, is, part, found);
        }
        let fewer_are_worse = self.direction == Direction::Sent;
        if before.len() != after.len() && (after.len() < before.len()) == fewer_are_worse {
            broken(found, part, "is not made of the same parts");
        }
    }
}

/// The schema that a reference leads to, or the schema itself.
pub(super) fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let reference = schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
    reference.and_then(|pointer| document.pointer(pointer)).map_or(schema, |found| resolve(document, found))
}

fn types(schema: &Value) -> BTreeSet<&str> {
    match &schema["type"] {
        Value::String(name) => BTreeSet::from([name.as_str()]),
        names => values(names).iter().filter_map(Value::as_str).collect(),
    }
}

/// The only values that are allowed, where there are such.
fn allowed(schema: &Value) -> Option<Vec<&Value>> {
    match (schema.get("const"), schema.get("enum")) {
        (Some(value), _) => Some(vec![value]),
        (None, Some(listed)) => Some(values(listed).iter().collect()),
        (None, None) => None,
    }
}

fn number(schema: &Value, keyword: &str) -> Option<i128> {
    let value = schema.get(keyword)?;
    value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from))
}
