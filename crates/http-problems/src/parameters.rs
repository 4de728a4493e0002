//! Parameters of the path and the query, parsed, or a problem that names the one that is wrong.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Query, RawPathParams};
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::Problem;

/// Takes the path's only parameter as a `T`.
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
            .map_err(|_| Problem::invalid("path", "must be UTF-8 behind its percent-encoding"))?;
        let (name, value) = parameters.iter().next().unwrap_or_default();
        value.parse().map(Self).map_err(|error| Problem::invalid(name, format!("{error}")))
    }
}

/// Takes the query as a `T`.
#[derive(Debug, Clone, Copy)]
pub struct QueryParameters<T>(pub T);

impl<S, T> FromRequestParts<S> for QueryParameters<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = Query::try_from_uri(&parts.uri).map_err(|rejection| {
            let error =
                std::error::Error::source(&rejection).map_or_else(|| rejection.to_string(), ToString::to_string);
            Problem::invalid("query", error)
        })?;
        Ok(Self(query.0))
    }
}
