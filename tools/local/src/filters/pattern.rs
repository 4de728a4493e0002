//! Event patterns: required fields of a record and the rules for their values.

use serde_json::value::RawValue;

use super::invalid::InvalidPattern;
use super::json::{Json, JsonFields, leaves};
use super::rule::Rule;

/// Pattern of one object. All fields must match.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pattern {
    fields: Vec<(String, FieldPattern)>,
    /// One list per `$or`, of which one pattern must match.
    alternatives: Vec<Vec<Pattern>>,
}

#[derive(Debug, Clone, PartialEq)]
enum FieldPattern {
    Nested(Pattern),
    /// One of the rules must match.
    Rules(Vec<Rule>),
}

impl Pattern {
    pub(super) fn parse(raw: &RawValue) -> Result<Self, InvalidPattern> {
        let Json::Object(fields) = Json::of(raw) else { return Err(InvalidPattern::NotAnObject) };
        if fields.is_empty() {
            return Err(InvalidPattern::NotAnObject);
        }
        let mut pattern = Self { fields: Vec::new(), alternatives: Vec::new() };
        for (name, raw) in fields {
            if name == "$or" {
                pattern.alternatives.push(alternatives(raw)?);
                continue;
            }
            let field = match Json::of(raw) {
                Json::Object(_) => match Self::parse(raw) {
                    Err(InvalidPattern::NotAnObject) => return Err(InvalidPattern::NotRules(name)),
                    inside => FieldPattern::Nested(inside?),
                },
                Json::Array(rules) if !rules.is_empty() => {
                    FieldPattern::Rules(rules.into_iter().map(Rule::parse).collect::<Result<_, _>>()?)
                }
                Json::Array(_) | Json::Scalar(_) => return Err(InvalidPattern::NotRules(name)),
            };
            pattern.fields.push((name, field));
        }
        Ok(pattern)
    }

    /// Returns the names of its fields, including those in `$or`, and for each field if it has a nested pattern.
    pub(super) fn names(&self) -> Vec<(&str, bool)> {
        let own = self.fields.iter().map(|(name, field)| (name.as_str(), matches!(field, FieldPattern::Nested(_))));
        own.chain(self.alternatives.iter().flatten().flat_map(Self::names)).collect()
    }

    pub(super) fn matches(&self, fields: &JsonFields<'_>) -> bool {
        self.fields.iter().all(|(name, field)| field.matches(fields.get(name).copied()))
            && self.alternatives.iter().all(|alternatives| alternatives.iter().any(|pattern| pattern.matches(fields)))
    }

    /// True if a value matches: an object, or any element of an array. Other values count as an object without fields.
    fn matches_value(&self, raw: &RawValue) -> bool {
        match Json::of(raw) {
            Json::Object(fields) => self.matches(&fields),
            Json::Array(items) if !items.is_empty() => items.into_iter().any(|item| self.matches_value(item)),
            Json::Array(_) | Json::Scalar(_) => self.matches(&JsonFields::new()),
        }
    }
}

impl FieldPattern {
    fn matches(&self, raw: Option<&RawValue>) -> bool {
        match self {
            Self::Nested(pattern) => match raw {
                Some(raw) => pattern.matches_value(raw),
                None => pattern.matches(&JsonFields::new()),
            },
            Self::Rules(rules) => {
                let leaves = raw.map(leaves).unwrap_or_default();
                rules.iter().any(|rule| rule.matches(&leaves))
            }
        }
    }
}

fn alternatives(raw: &RawValue) -> Result<Vec<Pattern>, InvalidPattern> {
    match Json::of(raw) {
        Json::Array(items) if items.len() >= 2 => items.into_iter().map(Pattern::parse).collect(),
        _ => Err(InvalidPattern::Or),
    }
}
