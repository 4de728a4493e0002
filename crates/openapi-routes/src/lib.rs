//! The routes of an API, listed once: they make either an axum router or the [`Description`] of one.
//!
//! An API lists its routes for any [`Routes`]. The same line that gives the router a handler gives the description an
//! operation, whose parameters, body and problems come from the types of the handler's arguments ([`Input`]); the rest is
//! in an [`OperationDoc`]. A function makes a router of the list and never a description, so that nothing of descriptions
//! is left in its binary.
//!
//! `OpenAPI` documents are not made here: `tools/contracts` writes them from descriptions. With the feature `testing`,
//! responses of a router are compared with its description.

mod description;
mod input;
mod operation;
mod operation_doc;
#[cfg(feature = "testing")]
pub mod testing;

use axum::Router;
use axum::handler::Handler;
use axum::routing;

pub use description::{Description, TwoMeanings};
pub use input::{Input, Inputs};
pub use operation::{Body, Location, Operation, Parameter};
pub use operation_doc::{Answer, Header, Link, OperationDoc, Target};

/// A list of routes: a router, or the description of one.
pub trait Routes<S>: Sized {
    /// `GET path` is answered by `handler`.
    #[must_use]
    fn get<H, T>(self, path: &'static str, handler: H, doc: fn() -> OperationDoc) -> Self
    where
        H: Handler<T, S>,
        T: Inputs + 'static;

    /// `POST path` is answered by `handler`.
    #[must_use]
    fn post<H, T>(self, path: &'static str, handler: H, doc: fn() -> OperationDoc) -> Self
    where
        H: Handler<T, S>,
        T: Inputs + 'static;
}

impl<S: Clone + Send + Sync + 'static> Routes<S> for Router<S> {
    fn get<H, T>(self, path: &'static str, handler: H, _: fn() -> OperationDoc) -> Self
    where
        H: Handler<T, S>,
        T: Inputs + 'static,
    {
        self.route(path, routing::get(handler))
    }

    fn post<H, T>(self, path: &'static str, handler: H, _: fn() -> OperationDoc) -> Self
    where
        H: Handler<T, S>,
        T: Inputs + 'static,
    {
        self.route(path, routing::post(handler))
    }
}

impl<S> Routes<S> for Description {
    fn get<H, T>(self, path: &'static str, _: H, doc: fn() -> OperationDoc) -> Self
    where
        H: Handler<T, S>,
        T: Inputs + 'static,
    {
        self.operation::<T>(http::Method::GET, path, doc())
    }

    fn post<H, T>(self, path: &'static str, _: H, doc: fn() -> OperationDoc) -> Self
    where
        H: Handler<T, S>,
        T: Inputs + 'static,
    {
        self.operation::<T>(http::Method::POST, path, doc())
    }
}
