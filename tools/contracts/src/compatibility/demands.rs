//! What a schema demands, with all that it refers to and is made of taken together.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Number, Value};

use crate::json::{members, values};

/// Keywords that allow less the higher they are.
const LOWER_BOUNDS: [&str; 5] = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"];
/// Keywords that allow less the lower they are.
const UPPER_BOUNDS: [&str; 5] = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"];
/// Keywords that say something to people, or that only other schemas refer to.
const ANNOTATIONS: [&str; 12] = [
    "title",
    "description",
    "example",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "externalDocs",
    "$comment",
    "$defs",
    "definitions",
    "components",
];

/// All that a value must be: `$ref`, what stands beside it, and the parts of `allOf` count together, as in JSON Schema 2020-12.
#[derive(Debug, Clone, Default)]
pub(super) struct Demands<'a> {
    /// The types it may be of; any, where this is empty.
    pub(super) types: BTreeSet<&'a str>,
    /// The only values that it may have, where there are such.
    pub(super) values: Option<Vec<&'a Value>>,
    /// By name, all the schemas of a member.
    pub(super) properties: BTreeMap<&'a str, Vec<&'a Value>>,
    pub(super) required: BTreeSet<&'a str>,
    /// All the schemas of what is no member with a name; `false`, where there must be none.
    pub(super) others: Vec<&'a Value>,
    /// All the schemas of an item.
    pub(super) items: Vec<&'a Value>,
    pub(super) bounds: BTreeMap<&'static str, &'a Number>,
    /// Each `oneOf` and `anyOf`: a value must be one of each.
    alternatives: Vec<Vec<&'a Value>>,
    /// Every other keyword with its value, references put in: what it means is not known here.
    pub(super) unread: Vec<(&'a str, Value)>,
}

/// Whether a bound allows less the lower it is.
pub(super) fn is_upper(keyword: &str) -> bool {
    UPPER_BOUNDS.contains(&keyword)
}

impl<'a> Demands<'a> {
    /// Of a value that all these schemas describe.
    pub(super) fn of(document: &'a Value, schemas: &[&'a Value]) -> Self {
        let mut demands = Self::default();
        for schema in schemas {
            demands.add(document, schema);
        }
        demands
    }

    fn add(&mut self, document: &'a Value, schema: &'a Value) {
        if *schema == Value::Bool(false) {
            self.unread.push(("false", true.into()));
        }
        let listed = schema
            .get("const")
            .map(|value| vec![value])
            .or_else(|| Some(schema.get("enum")?.as_array()?.iter().collect()));
        if let Some(listed) = listed {
            self.only(&listed);
        }
        for (keyword, value) in members(schema) {
            match keyword.as_str() {
                "$ref" => match target(document, value) {
                    Some(target) => self.add(document, target),
                    None => self.unread.push((keyword, value.clone())),
                },
                "allOf" => values(value).iter().for_each(|part| self.add(document, part)),
                "oneOf" | "anyOf" => self.alternatives.push(values(value).iter().collect()),
                "type" => self.of_types(value),
                "properties" => {
                    for (name, property) in members(value) {
                        self.properties.entry(name).or_default().push(property);
                    }
                }
                "required" => self.required.extend(values(value).iter().filter_map(Value::as_str)),
                "items" => self.items.push(value),
                "additionalProperties" if *value != Value::Bool(true) => self.others.push(value),
                "const" | "enum" | "additionalProperties" => {}
                "uniqueItems" if *value == Value::Bool(false) => {}
                _ if ANNOTATIONS.contains(&keyword.as_str()) || keyword.starts_with("x-") => {}
                _ => self.bound_or_unread(document, keyword, value),
            }
        }
    }

    fn bound_or_unread(&mut self, document: &'a Value, keyword: &'a str, value: &'a Value) {
        let bound = LOWER_BOUNDS.into_iter().chain(UPPER_BOUNDS).find(|bound| *bound == keyword);
        let (Some(bound), Value::Number(number)) = (bound, value) else {
            return self.unread.push((keyword, put_in(document, value)));
        };
        let known = self.bounds.entry(bound).or_insert(number);
        let tighter = if is_upper(bound) { compare(number, known).is_lt() } else { compare(number, known).is_gt() };
        if tighter {
            *known = number;
        }
    }

    fn of_types(&mut self, value: &'a Value) {
        let named: BTreeSet<_> =
            value.as_str().into_iter().chain(values(value).iter().filter_map(Value::as_str)).collect();
        if self.types.is_empty() {
            self.types = named;
        } else {
            // The integers are among the numbers.
            let both = |name: &&str| named.contains(name) || *name == "integer" && named.contains("number");
            let integers = (self.types.contains("number") && named.contains("integer")).then_some("integer");
            self.types = self.types.iter().copied().filter(both).chain(integers).collect();
            if self.types.is_empty() {
                // Nothing is of both types.
                self.unread.push(("type", value.clone()));
            }
        }
    }

    fn only(&mut self, listed: &[&'a Value]) {
        match &mut self.values {
            Some(known) => known.retain(|value| listed.contains(value)),
            None => self.values = Some(listed.to_vec()),
        }
    }

    /// The types that a value may be of, those of the only values there are where nothing else says.
    pub(super) fn types(&self) -> BTreeSet<&'a str> {
        match &self.values {
            Some(values) if self.types.is_empty() => values.iter().map(|value| type_of(value)).collect(),
            _ => self.types.clone(),
        }
    }

    /// Whether a value may be of several kinds.
    pub(super) fn has_alternatives(&self) -> bool {
        !self.alternatives.is_empty()
    }

    /// Each kind of value, with what all kinds have in common: one for each alternative, for each value of an enumeration, and
    /// otherwise for each type.
    ///
    /// The alternatives of a `oneOf` are taken to exclude each other, which those that are made from types do.
    pub(super) fn kinds(mut self, document: &'a Value) -> Vec<Self> {
        if let Some(alternatives) = self.alternatives.pop() {
            let with = |alternative| {
                let mut kind = self.clone();
                kind.add(document, alternative);
                kind
            };
            return alternatives.into_iter().flat_map(|alternative| with(alternative).kinds(document)).collect();
        }
        match (self.values.take(), self.types.len()) {
            (Some(values), _) => {
                values.into_iter().map(|value| Self { values: Some(vec![value]), ..self.clone() }).collect()
            }
            (None, 2..) => {
                let types = std::mem::take(&mut self.types);
                types.into_iter().map(|name| Self { types: BTreeSet::from([name]), ..self.clone() }).collect()
            }
            (None, _) => vec![self],
        }
    }
}

/// How two numbers compare, whichever way they are written.
pub(super) fn compare(one: &Number, other: &Number) -> std::cmp::Ordering {
    match (one.as_i128(), other.as_i128()) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => one.as_f64().unwrap_or(f64::NAN).total_cmp(&other.as_f64().unwrap_or(f64::NAN)),
    }
}

/// The schema that a reference leads to.
fn target<'a>(document: &'a Value, reference: &Value) -> Option<&'a Value> {
    document.pointer(reference.as_str()?.strip_prefix('#')?)
}

/// What a reference leads to, or the value itself.
pub(super) fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let found = value.get("$ref").and_then(|reference| target(document, reference));
    found.map_or(value, |found| resolve(document, found))
}

/// The value, with what it refers to in the place of each reference.
fn put_in(document: &Value, value: &Value) -> Value {
    let value = resolve(document, value);
    match value {
        Value::Object(members) => {
            members.iter().map(|(name, member)| (name.clone(), put_in(document, member))).collect()
        }
        Value::Array(values) => values.iter().map(|value| put_in(document, value)).collect(),
        _ => value.clone(),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
