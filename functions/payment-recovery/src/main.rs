//! The `payment-recovery` function: reads the configuration, connects to AWS and decides payments.

use std::sync::Arc;

use aws_connection::{Aws, Endpoint};
use lambda_runtime::{LambdaEvent, service_fn};
use payment_recovery::{Config, Recoverer};
use payments::RecoverPayment;
use payments_aws::PaymentsTable;
use quarantine::QuarantineTable;
use telemetry::{Metrics, Variables};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let config = Config::read(Variables::of_process())?;
    telemetry::init_logs(config.log_level);
    let aws = Aws::from_environment(Variables::of_process())?;
    let client = aws_connection::dynamodb(aws.config());
    let (processor, ()) = tokio::join!(config.processor.connect(&aws, &client), aws.connect(Endpoint::DynamoDb));
    let table = Arc::new(PaymentsTable::new(client.clone(), config.payments_table));
    let delay_ms = config.delay_s.saturating_mul(1_000);
    let recover = RecoverPayment::new(table, processor, config.lease_ms, delay_ms);
    let quarantine = Arc::new(QuarantineTable::new(client, config.quarantine_table));
    let recoverer = &Recoverer::new(recover, quarantine, Metrics::to_stdout(&config.function_name));
    lambda_runtime::run(service_fn(async |event: LambdaEvent<_>| {
        let deadline = event.context.deadline();
        Ok::<_, lambda_runtime::Error>(recoverer.handle(event.payload, deadline).await)
    }))
    .await
}
