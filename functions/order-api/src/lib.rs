//! The Orders API: `POST /orders`, `GET /orders/{order_id}`, `GET /orders/{order_id}/payments`.
//!
//! The routes are an axum router, so that tests call them directly; `main` puts them behind `lambda_http`.

mod config;
mod messages;
mod problems;
mod request;
mod routes;

pub use config::Config;
pub use problems::PROBLEMS;
pub use routes::{BODY_BYTES_MAX, router};
