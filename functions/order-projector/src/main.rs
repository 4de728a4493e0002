//! The `order-projector` Lambda function: reads its configuration, connects, and projects batches.

use std::sync::Arc;

use aws_connection::{Aws, Endpoint};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use order_projector::{Config, Projector};
use orders::{ProjectPayments, Settle};
use orders_aws::OrdersTable;
use quarantine::QuarantineTable;
use stream_batch::BatchFailed;
use telemetry::{Metrics, Variables};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let config = Config::read(Variables::of_process())?;
    telemetry::init_logs(config.log_level);
    let aws = Aws::from_environment(Variables::of_process())?;
    let client = aws_connection::dynamodb(aws.config());
    let table = Arc::new(OrdersTable::new(client.clone(), config.orders_table));
    aws.connect(Endpoint::DynamoDb).await;
    let quarantine = Arc::new(QuarantineTable::new(client, config.quarantine_table));
    let project = ProjectPayments::new(table.clone(), Settle::new(table.clone(), table));
    let metrics = Metrics::to_stdout(&config.function_name);
    let projector = &Projector::new(project, quarantine, metrics);
    lambda_runtime::run(service_fn(async |event: LambdaEvent<_>| {
        let deadline = event.context.deadline();
        let failed =
            |error: BatchFailed| Diagnostic { error_type: "BatchFailed".into(), error_message: error.to_string() };
        projector.handle(event.payload, deadline).await.map_err(failed)
    }))
    .await
}
