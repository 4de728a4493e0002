//! The Orders API: `POST /orders`, `GET /orders/{order_id}`, `GET /orders/{order_id}/payments`.
//!
//! A second deployment with `PAYMENT_LOOKUP=remote` is the synchronous mode: `POST /sync/orders` places orders in the
//! same table and calls Payments first.
//!
//! The routes are an axum router. Tests call it directly; `main` runs it behind `api_gateway`.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod config;
mod contract;
mod handlers;
mod messages;
mod problems;
mod request;
mod routes;

pub use config::{Config, Payments};
pub use problems::PROBLEMS;
pub use routes::{BODY_BYTES_MAX, description, router, sync_router};
