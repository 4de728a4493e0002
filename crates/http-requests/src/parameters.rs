//! Extractors for path and query parameters, which respond to an invalid one with its name.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use http_problems::{Problem, shorten_name};
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use crate::reason::without_values;

/// Extracts the path's only parameter as a `T`, whose error must not repeat its input.
#[derive(Debug, Clone, Copy)]
pub struct PathParameter<T>(pub T);

impl<S, T> FromRequestParts<S> for PathParameter<T>
where
    S: Send + Sync,
    T: FromStr<Err: Display>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let parameters = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::invalid("path", "must be percent-encoded UTF-8"))?;
        let (name, value) = parameters.iter().next().unwrap_or_default();
        value.parse().map(Self).map_err(|error| Problem::invalid(name, format!("{error}")))
    }
}

/// Extracts the query as a `T`. No response repeats a value.
#[derive(Debug, Clone, Copy)]
pub struct QueryParameters<T>(pub T);

impl<S, T> FromRequestParts<S> for QueryParameters<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
        serde_path_to_error::deserialize(pairs).map(Self).map_err(|error| {
            let parameter = error.path().iter().find_map(|segment| match segment {
                Segment::Map { key } => Some(shorten_name(key)),
                _ => None,
            });
            let reason = without_values(&error.inner().to_string());
            Problem::invalid(parameter.unwrap_or_else(|| "query".to_owned()), reason)
        })
    }
}
