//! One list of an API's routes, which yields either an axum router or its [`Description`].
//!
//! An API lists its routes for any implementation of [`Routes`]. The line that adds a handler to the router also adds
//! an operation to the description. The types of the handler's arguments ([`Input`]) give the operation's parameters,
//! body and problems; an [`OperationDoc`] has the rest. A function only builds the router, so its binary contains no
//! descriptions.
//!
//! `tools/contracts` generates `OpenAPI` documents from descriptions. With the feature `testing`, responses of a router
//! are compared with its description.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

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
pub use operation_doc::{Answer, Header, Link, LinkTarget, OperationDoc};

/// A list of routes: a router, or the description of one.
pub trait Routes<S>: Sized {
    /// Adds the route `GET path`.
    #[must_use]
    fn get<H, T>(self, path: &'static str, handler: H, doc: fn() -> OperationDoc) -> Self
    where
        H: Handler<T, S>,
        T: Inputs + 'static;

    /// Adds the route `POST path`.
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
