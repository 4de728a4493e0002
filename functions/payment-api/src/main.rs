//! The `payment-api` function: reads the configuration, connects to AWS and serves the API.

use std::sync::Arc;

use aws_connection::{Aws, Endpoint};
use http_requests::with_cors;
use payment_api::{Config, ModeConfig, Service, router};
use payments::{AcceptPayment, ChangePayment, Publication, PublishMode};
use payments_aws::{KinesisPublisher, PaymentsTable};
use telemetry::{Metrics, Variables};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), api_gateway::Error> {
    let config = Config::read(Variables::of_process())?;
    telemetry::init_logs(config.log_level);
    let aws = Aws::from_environment(Variables::of_process())?;
    let dynamodb = aws_connection::dynamodb(aws.config());
    let processor = config.processor.connect(&aws, &dynamodb);
    let table = Arc::new(PaymentsTable::new(dynamodb.clone(), config.payments_table));
    let (processor, mode) = match config.mode {
        ModeConfig::Direct { payment_stream } => {
            let publisher = KinesisPublisher::new(payments_aws::kinesis_hot_path(aws.config()), payment_stream);
            let (processor, (), ()) =
                tokio::join!(processor, aws.connect(Endpoint::DynamoDb), aws.connect(Endpoint::Kinesis));
            (processor, PublishMode::Direct(Publication::new(Arc::new(publisher), table.clone())))
        }
        ModeConfig::Stream => {
            let (processor, ()) = tokio::join!(processor, aws.connect(Endpoint::DynamoDb));
            (processor, PublishMode::Stream)
        }
    };
    let accept = AcceptPayment::new(table.clone(), processor, mode.clone(), config.lease_ms);
    let change = ChangePayment::new(table.clone(), mode);
    let metrics = Metrics::to_stdout(&config.function_name);
    let router = router(Service { accept, change, queries: table, metrics, test_tokens: config.test_tokens });
    api_gateway::run(with_cors(router, config.allowed_origins)).await
}
