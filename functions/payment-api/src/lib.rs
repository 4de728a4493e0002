//! The Payments API: `POST /payments`, `GET /payments/{payment_id}`, `GET /payments?order_id=`, and `POST` to
//! `/payments/{payment_id}/capture`, `/void` and `/refund`.
//!
//! The routes form an axum router. Tests call it directly; `main` serves it with `api_gateway`.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod audit;
mod caller;
mod changes;
mod config;
mod contract;
mod etag;
mod handlers;
mod headers;
mod idempotency_key;
mod messages;
mod problems;
mod routes;
mod service;
mod test_tokens;

pub use config::{Config, ModeConfig};
pub use problems::PROBLEMS;
pub use routes::{BODY_BYTES_MAX, description, router};
pub use service::Service;
pub use test_tokens::TestTokens;
