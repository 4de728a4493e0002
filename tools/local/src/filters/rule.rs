//! Filter rules for the values of a field.

use serde_json::value::RawValue;

use super::invalid::InvalidPattern;
use super::json::{Json, Scalar};

/// A rule in the list of a field. The field matches if any of its rules does.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rule {
    Equals(Scalar),
    EqualsIgnoreCase(String),
    Prefix(String),
    Suffix(String),
    AnythingBut(Vec<Scalar>),
    AnythingButPrefix(String),
    /// All comparisons must hold.
    Numeric(Vec<(Comparison, f64)>),
    Exists(bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Rule {
    pub(super) fn parse(raw: &RawValue) -> Result<Self, InvalidPattern> {
        let operators = match Json::of(raw) {
            Json::Scalar(scalar) => return Ok(Self::Equals(scalar)),
            Json::Array(_) => return Err(InvalidPattern::ListInList),
            Json::Object(operators) => operators,
        };
        let mut operators = operators.into_iter();
        let (Some((name, operand)), None) = (operators.next(), operators.next()) else {
            return Err(InvalidPattern::NotOneOperator);
        };
        let wrong = |expected| InvalidPattern::Operand { operator: name.clone(), expected };
        let text = || text_of(operand).ok_or_else(|| wrong("a string"));
        match name.as_str() {
            "equals-ignore-case" => text().map(|text| Self::EqualsIgnoreCase(text.to_lowercase())),
            "prefix" => text().map(Self::Prefix),
            "suffix" => text().map(Self::Suffix),
            "anything-but" => {
                anything_but(operand).ok_or_else(|| wrong("a string, a number, a list of these, or a prefix"))
            }
            "numeric" => numeric(operand).ok_or_else(|| wrong("a list such as [\">\", 0, \"<=\", 5]")),
            "exists" => match operand.get() {
                "true" => Ok(Self::Exists(true)),
                "false" => Ok(Self::Exists(false)),
                _ => Err(wrong("true or false")),
            },
            _ => Err(InvalidPattern::UnknownOperator(name)),
        }
    }

    /// True if the rule matches. `leaves` are the values of the field, empty if the field is missing.
    pub(super) fn matches(&self, leaves: &[Scalar]) -> bool {
        let any = |matches: &dyn Fn(&Scalar) -> bool| leaves.iter().any(matches);
        match self {
            Self::Exists(exists) => *exists != leaves.is_empty(),
            Self::Equals(expected) => leaves.contains(expected),
            Self::EqualsIgnoreCase(expected) => {
                any(&|leaf| leaf.text().is_some_and(|text| text.to_lowercase() == *expected))
            }
            Self::Prefix(prefix) => any(&|leaf| leaf.text().is_some_and(|text| text.starts_with(prefix.as_str()))),
            Self::Suffix(suffix) => any(&|leaf| leaf.text().is_some_and(|text| text.ends_with(suffix.as_str()))),
            Self::AnythingBut(excluded) => any(&|leaf| !excluded.contains(leaf)),
            Self::AnythingButPrefix(prefix) => {
                any(&|leaf| !leaf.text().is_some_and(|text| text.starts_with(prefix.as_str())))
            }
            Self::Numeric(bounds) => any(&|leaf| {
                leaf.number()
                    .is_some_and(|number| bounds.iter().all(|(comparison, bound)| comparison.holds(number, *bound)))
            }),
        }
    }
}

impl Comparison {
    fn parse(raw: &RawValue) -> Option<Self> {
        Some(match text_of(raw)?.as_str() {
            "=" => Self::Equal,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    fn holds(self, number: f64, bound: f64) -> bool {
        match self {
            #[expect(clippy::float_cmp, reason = "the pattern requires exactly this number")]
            Self::Equal => number == bound,
            Self::Less => number < bound,
            Self::LessOrEqual => number <= bound,
            Self::Greater => number > bound,
            Self::GreaterOrEqual => number >= bound,
        }
    }
}

fn text_of(raw: &RawValue) -> Option<String> {
    match Json::of(raw) {
        Json::Scalar(Scalar::Text(text)) => Some(text),
        _ => None,
    }
}

fn anything_but(operand: &RawValue) -> Option<Rule> {
    let comparable = |scalar: &Scalar| scalar.text().is_some() || scalar.number().is_some();
    let items = match Json::of(operand) {
        Json::Object(operators) => {
            let mut operators = operators.into_iter();
            return match (operators.next(), operators.next()) {
                (Some((name, prefix)), None) if name == "prefix" => text_of(prefix).map(Rule::AnythingButPrefix),
                _ => None,
            };
        }
        Json::Scalar(scalar) => vec![scalar],
        Json::Array(items) => items.into_iter().map(scalar_of).collect::<Option<_>>()?,
    };
    (!items.is_empty() && items.iter().all(comparable)).then_some(Rule::AnythingBut(items))
}

fn scalar_of(raw: &RawValue) -> Option<Scalar> {
    match Json::of(raw) {
        Json::Scalar(scalar) => Some(scalar),
        _ => None,
    }
}

/// Parses one comparison, or two that form a range.
fn numeric(operand: &RawValue) -> Option<Rule> {
    let Json::Array(items) = Json::of(operand) else { return None };
    if !matches!(items.len(), 2 | 4) {
        return None;
    }
    let bound = |pair: &[&RawValue]| Some((Comparison::parse(pair[0])?, scalar_of(pair[1])?.number()?));
    items.chunks_exact(2).map(bound).collect::<Option<_>>().map(Rule::Numeric)
}
