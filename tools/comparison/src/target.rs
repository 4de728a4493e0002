//! Where both APIs are.

use crate::sign::Signer;

/// The APIs to place orders and payments through.
#[derive(Debug, Clone)]
pub struct Target {
    /// The base URL of Payments, without a slash at its end.
    pub payments_url: String,
    /// The base URL of Orders, without a slash at its end.
    pub orders_url: String,
    /// Signs requests, where the APIs ask for that.
    pub signer: Option<Signer>,
}

impl Target {
    /// The local environment, which serves both at one URL and asks for no signature.
    pub fn local(url: &str) -> Self {
        Self { payments_url: url.to_owned(), orders_url: url.to_owned(), signer: None }
    }
}
