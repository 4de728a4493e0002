//! JSON values that keep the literal text of numbers, because patterns distinguish `300` from `300.0`.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// A value parsed one level deep; nested values are parsed on demand.
pub(super) enum Json<'a> {
    Object(JsonFields<'a>),
    Array(Vec<&'a RawValue>),
    Scalar(Scalar),
}

pub(super) type JsonFields<'a> = BTreeMap<String, &'a RawValue>;

/// Value that rules are compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scalar {
    Text(String),
    /// A number, `true`, `false` or `null`, as literal text.
    Literal(String),
}

impl<'a> Json<'a> {
    pub(super) fn of(raw: &'a RawValue) -> Self {
        let json = raw.get();
        let read = match json.as_bytes().first() {
            Some(b'{') => serde_json::from_str(json).map(Self::Object),
            Some(b'[') => serde_json::from_str(json).map(Self::Array),
            Some(b'"') => serde_json::from_str(json).map(|text| Self::Scalar(Scalar::Text(text))),
            _ => Ok(Self::Scalar(Scalar::Literal(json.to_owned()))),
        };
        // A lone surrogate is valid JSON but not valid text. It equals only the same literal.
        read.unwrap_or_else(|_| Self::Scalar(Scalar::Literal(json.to_owned())))
    }
}

/// Returns the scalars of a field: the value itself, or the scalar elements of an array at any depth.
pub(super) fn leaves(raw: &RawValue) -> Vec<Scalar> {
    match Json::of(raw) {
        Json::Scalar(scalar) => vec![scalar],
        Json::Array(items) => items.into_iter().flat_map(leaves).collect(),
        Json::Object(_) => Vec::new(),
    }
}

impl Scalar {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Literal(_) => None,
        }
    }

    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Text(_) => None,
            Self::Literal(literal) => literal.parse().ok(),
        }
    }
}
