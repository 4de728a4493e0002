//! The Orders API: `POST /orders`, `GET /orders/{order_id}`, `GET /orders/{order_id}/payments`.
//!
//! Deployed a second time, with `PAYMENT_LOOKUP=remote`, it is synchronous mode: `POST /sync/orders`, which places the same
//! orders and asks Payments first.
//!
//! The routes are an axum router, so that tests call them directly; `main` puts them behind `api_gateway`.

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
