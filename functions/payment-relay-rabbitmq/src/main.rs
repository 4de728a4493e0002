//! The `payment-relay-rabbitmq` function: reads the configuration, connects to RabbitMQ and relays batches.

use std::sync::Arc;

use aws_connection::Aws;
use aws_secrets::Secrets;
use lambda_runtime::{LambdaEvent, service_fn};
use outbox_relay::{Relay, RelayMode};
use payment_relay_rabbitmq::Config;
use payments::{RecordAge, StreamPublication};
use payments_rabbitmq::RabbitMqPublisher;
use quarantine::QuarantineTable;
use telemetry::{Metrics, Variables};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let config = Config::read(Variables::of_process())?;
    telemetry::init_logs(config.log_level);
    let aws = Aws::from_environment(Variables::of_process())?;
    let publisher = Arc::new(RabbitMqPublisher::new(config.broker, Secrets::new(&aws)));
    // DynamoDB is called to quarantine an image only.
    publisher.connect().await;
    let record_age = RecordAge::of_mapping(config.record_age_s_max);
    let mode = RelayMode::Stream(StreamPublication::new(publisher, record_age).ignoring_positions());
    let quarantine = Arc::new(QuarantineTable::new(aws_connection::dynamodb(aws.config()), config.quarantine_table));
    let relay = &Relay::new(mode, quarantine, Metrics::to_stdout(&config.function_name));
    lambda_runtime::run(service_fn(async |event: LambdaEvent<_>| {
        let deadline = event.context.deadline();
        Ok::<_, lambda_runtime::Error>(relay.handle(event.payload, deadline).await)
    }))
    .await
}
