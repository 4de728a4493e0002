//! The Payments API: `POST /payments`, `GET /payments/{payment_id}`, `GET /payments?order_id=`.
//!
//! The routes are an axum router, so that tests call them directly; `main` puts them behind `lambda_http`.

mod caller;
mod messages;
mod problems;
mod routes;

pub use routes::{BODY_BYTES_MAX, router};
