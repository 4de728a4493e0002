//! Baselines of the functions: the minimum work for the same input.
//!
//! A baseline receives the same events as its function, decodes what its calls need, makes the same AWS SDK calls with
//! inputs of the same size over the same client, and responds. It has no validation, decisions, metrics or logs, so the
//! difference to the function is the function's own work. With the argument `unsent` after its name, its calls are only
//! serialised and signed.

mod clients;
mod items;
mod order_api;
mod order_projector;
mod payment_api;
mod payment_relay;
mod requests;

use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut aws = clients::shared_config()?;
    if std::env::args().nth(2).as_deref() == Some("unsent") {
        aws = clients::unsent(&aws);
    }
    match std::env::args().nth(1).as_deref() {
        Some("order-projector") => order_projector::run(&aws).await,
        Some("payment-relay") => payment_relay::run(&aws).await,
        Some("payment-relay-published") => payment_relay::run_published().await,
        Some("payment-api") => payment_api::run(&aws).await,
        Some("order-api") => order_api::run(&aws).await,
        _ => Err("unknown baseline: use order-projector, payment-relay, payment-api or order-api".into()),
    }
}
