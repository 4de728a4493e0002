//! What an API promises, told by what serves it: [`Routes`] is either a router or a [`Description`] of one.
//!
//! An API lists its routes once, for any [`Routes`]. The same line that gives the router a handler gives the description
//! an operation, whose parameters, body and problems come from the types of the handler's arguments ([`Input`]); what no
//! type says is said by an [`About`]. A function makes a router of the list and never a description, so that nothing of
//! descriptions is left in its binary.

mod about;
mod answered;
mod description;
mod input;
mod operation;

use axum::Router;
use axum::handler::Handler;
use axum::routing;

pub use about::{About, Answer, Header, Link, Target};
pub use answered::Answered;
pub use description::{Description, TwoMeanings};
pub use input::{Input, Inputs};
pub use operation::{Body, Location, Operation, Parameter};

/// Where an API's routes go: into a router, or into a description of it.
pub trait Routes<S>: Sized {
    /// `GET path` is answered by `handler`.
    #[must_use]
    fn get<H, T>(self, path: &'static str, handler: H, about: fn() -> About) -> Self
    where
        H: Handler<T, S>,
        T: Inputs + 'static;

    /// `POST path` is answered by `handler`.
    #[must_use]
    fn post<H, T>(self, path: &'static str, handler: H, about: fn() -> About) -> Self
    where
        H: Handler<T, S>,
        T: Inputs + 'static;
}

impl<S: Clone + Send + Sync + 'static> Routes<S> for Router<S> {
    fn get<H, T>(self, path: &'static str, handler: H, _: fn() -> About) -> Self
    where
        H: Handler<T, S>,
        T: Inputs + 'static,
    {
        self.route(path, routing::get(handler))
    }

    fn post<H, T>(self, path: &'static str, handler: H, _: fn() -> About) -> Self
    where
        H: Handler<T, S>,
        T: Inputs + 'static,
    {
        self.route(path, routing::post(handler))
    }
}

impl<S> Routes<S> for Description {
    fn get<H, T>(self, path: &'static str, _: H, about: fn() -> About) -> Self
    where
        H: Handler<T, S>,
        T: Inputs + 'static,
    {
        self.operation::<T>(http::Method::GET, path, about())
    }

    fn post<H, T>(self, path: &'static str, _: H, about: fn() -> About) -> Self
    where
        H: Handler<T, S>,
        T: Inputs + 'static,
    {
        self.operation::<T>(http::Method::POST, path, about())
    }
}
