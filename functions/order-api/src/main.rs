//! The `order-api` Lambda function: reads its configuration, connects, and serves the API.

use std::sync::Arc;

use aws_connection::{Aws, Endpoint};
use http_requests::with_cors;
use order_api::{Config, Payments, router, sync_router};
use orders::{FindOrder, PlaceOrder, Settle};
use orders_aws::{Limits, OrdersTable, PaymentsApi};
use telemetry::Variables;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), api_gateway::Error> {
    let config = Config::read(Variables::of_process())?;
    telemetry::init_logs(config.log_level);
    let aws = Aws::from_environment(Variables::of_process())?;
    let table = Arc::new(OrdersTable::new(aws_connection::dynamodb(aws.config()), config.orders_table));
    let place = PlaceOrder::new(table.clone(), table.clone());
    let router = match config.payments {
        Payments::Local => {
            aws.connect(Endpoint::DynamoDb).await;
            let find = FindOrder::new(table.clone(), Settle::new(table.clone(), table.clone()));
            router(place, find, table)
        }
        Payments::Remote(url, trust) => {
            let payments = PaymentsApi::new(url, trust, aws.config(), Limits::default());
            tokio::join!(aws.connect(Endpoint::DynamoDb), payments.connect());
            sync_router(place.asking(Arc::new(payments)))
        }
    };
    api_gateway::run(with_cors(router, config.allowed_origins)).await
}
