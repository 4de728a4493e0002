//! The least work that each function can do.
//!
//! Each floor is asked what its function is asked, decodes as much of it as its calls need, makes the same calls of the AWS SDK
//! with inputs of the same size over the same client, and answers. It checks nothing, decides nothing, counts nothing and logs
//! nothing. What the function does beyond that is its own. With `unsent` behind its name, its calls are only signed and
//! serialised.

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
        Some("order-projector") => order_projector::run(&aws, order_projector::Writes::Single).await,
        Some("order-projector-statements") => order_projector::run(&aws, order_projector::Writes::Statements).await,
        Some("order-projector-transactions") => order_projector::run(&aws, order_projector::Writes::Transactions).await,
        Some("payment-relay") => payment_relay::run(&aws).await,
        Some("payment-relay-published") => payment_relay::run_published().await,
        Some("payment-api") => payment_api::run(&aws).await,
        Some("order-api") => order_api::run(&aws).await,
        _ => Err("name the floor: order-projector, payment-relay, payment-api or order-api".into()),
    }
}
