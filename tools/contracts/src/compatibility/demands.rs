//! Effective constraints of a schema, with references and `allOf` resolved.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Number, Value};

use crate::json::{members, values};

/// Keywords that allow less the higher their value is.
const LOWER_BOUNDS: [&str; 5] = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"];
/// Keywords that allow less the lower their value is.
const UPPER_BOUNDS: [&str; 5] = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"];
/// Keywords that constrain nothing: annotations, and containers of referenced schemas.
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

/// Effective constraints on a value: `$ref`, its sibling keywords and the parts of `allOf` apply together, as in JSON
/// Schema 2020-12.
#[derive(Debug, Clone, Default)]
pub(super) struct Demands<'a> {
    /// Allowed types; empty if any type is allowed.
    pub(super) types: BTreeSet<&'a str>,
    /// Allowed values, if they are enumerated.
    pub(super) values: Option<Vec<&'a Value>>,
    /// All schemas of each named member.
    pub(super) properties: BTreeMap<&'a str, Vec<&'a Value>>,
    pub(super) required: BTreeSet<&'a str>,
    /// All schemas of members that are not named; `false` if there must be none.
    pub(super) others: Vec<&'a Value>,
    /// All schemas of an item.
    pub(super) items: Vec<&'a Value>,
    pub(super) bounds: BTreeMap<&'static str, &'a Number>,
    /// Each `oneOf` and `anyOf`: a value must match an alternative of each.
    alternatives: Vec<Vec<&'a Value>>,
    /// Every other keyword with its value, references resolved: its meaning is not evaluated here.
    pub(super) unread: Vec<(&'a str, Value)>,
}

/// Returns true if the keyword is an upper bound, such as `maximum`.
pub(super) fn is_upper(keyword: &str) -> bool {
    UPPER_BOUNDS.contains(&keyword)
}

impl<'a> Demands<'a> {
    /// Returns the constraints on a value that all these schemas describe.
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
            // Integers are numbers.
            let both = |name: &&str| named.contains(name) || *name == "integer" && named.contains("number");
            let integers = (self.types.contains("number") && named.contains("integer")).then_some("integer");
            self.types = self.types.iter().copied().filter(both).chain(integers).collect();
            if self.types.is_empty() {
                // No value has both types.
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

    /// Returns the allowed types, derived from the enumerated values if no type is stated.
    pub(super) fn types(&self) -> BTreeSet<&'a str> {
        match &self.values {
            Some(values) if self.types.is_empty() => values.iter().map(|value| type_of(value)).collect(),
            _ => self.types.clone(),
        }
    }

    /// Returns true if there is a `oneOf` or an `anyOf`.
    pub(super) fn has_alternatives(&self) -> bool {
        !self.alternatives.is_empty()
    }

    /// Splits the constraints by kind of value: one for each alternative and each enumerated value, or else for each
    /// type. Each keeps the common constraints.
    ///
    /// The alternatives of a `oneOf` are assumed to exclude each other, as those generated from types do.
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

/// Compares two numbers, however they are written.
pub(super) fn compare(one: &Number, other: &Number) -> std::cmp::Ordering {
    match (one.as_i128(), other.as_i128()) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => one.as_f64().unwrap_or(f64::NAN).total_cmp(&other.as_f64().unwrap_or(f64::NAN)),
    }
}

/// Returns the schema that a reference points to.
fn target<'a>(document: &'a Value, reference: &Value) -> Option<&'a Value> {
    document.pointer(reference.as_str()?.strip_prefix('#')?)
}

/// Follows references; any other value is returned itself.
pub(super) fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let found = value.get("$ref").and_then(|reference| target(document, reference));
    found.map_or(value, |found| resolve(document, found))
}

/// Returns the value with each reference replaced by its target.
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
