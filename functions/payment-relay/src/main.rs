//! The `payment-relay` function: reads the configuration, connects to AWS and relays batches.

use std::sync::Arc;

use aws_connection::{Aws, Endpoint};
use lambda_runtime::{LambdaEvent, service_fn};
use outbox_relay::{Relay, RelayMode};
use payment_relay::{Config, ModeConfig};
use payments::{Publication, RecordAge, StreamPublication};
use payments_aws::{KinesisPublisher, PaymentsTable};
use quarantine::QuarantineTable;
use telemetry::{Metrics, Variables};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let config = Config::read(Variables::of_process())?;
    telemetry::init_logs(config.log_level);
    let aws = Aws::from_environment(Variables::of_process())?;
    let client = aws_connection::dynamodb(aws.config());
    let publisher = KinesisPublisher::new(payments_aws::kinesis_relay(aws.config()), config.payment_stream);
    let publisher = Arc::new(publisher);
    let mode = match config.mode {
        ModeConfig::Direct { payments_table } => {
            let table = Arc::new(PaymentsTable::new(client.clone(), payments_table));
            tokio::join!(aws.connect(Endpoint::DynamoDb), aws.connect(Endpoint::Kinesis));
            RelayMode::Direct(Publication::new(publisher, table))
        }
        ModeConfig::Stream { record_age_s_max } => {
            // DynamoDB is called to quarantine an image only.
            aws.connect(Endpoint::Kinesis).await;
            RelayMode::Stream(StreamPublication::new(publisher, RecordAge::of_mapping(record_age_s_max)))
        }
    };
    let quarantine = Arc::new(QuarantineTable::new(client, config.quarantine_table));
    let relay = &Relay::new(mode, quarantine, Metrics::to_stdout(&config.function_name));
    lambda_runtime::run(service_fn(async |event: LambdaEvent<_>| {
        let deadline = event.context.deadline();
        Ok::<_, lambda_runtime::Error>(relay.handle(event.payload, deadline).await)
    }))
    .await
}
