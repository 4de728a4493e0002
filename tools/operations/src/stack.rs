//! One Paystream: its tables and its stream, wherever they are.

use std::fmt;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_connection::timeouts;
use orders_aws::{Copies, OrdersScan, QuarantineRecords};
use payments_aws::{KinesisPublisher, PaymentsScan, PaymentsTable};
use paystream_client::emulator;

use crate::failures::Bucket;
use crate::{OperationError, aws_of_operator};

/// Items a page may hold, unless told otherwise. A page is read into memory, and is at most 1 MB anyway.
const PAGE_ITEMS_MAX: i32 = 1_000;
/// How long one attempt at a DynamoDB call may take; a page is a megabyte to read and to send.
const DYNAMODB_ATTEMPT: Duration = Duration::from_secs(5);
/// How long a DynamoDB call may take, all attempts together.
const DYNAMODB_OPERATION: Duration = Duration::from_secs(30);
/// Attempts at one DynamoDB call: a scan may well be throttled.
const DYNAMODB_ATTEMPTS_MAX: u32 = 6;

/// What of a stack has a name that must be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resource {
    /// Payments' table.
    PaymentsTable,
    /// Orders' table.
    OrdersTable,
    /// Where Orders sets aside what it cannot read.
    QuarantineTable,
    /// The Kinesis stream.
    PaymentStream,
    /// Where event source mappings put what they gave up on.
    FailuresBucket,
}

impl Resource {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::PaymentsTable, Self::OrdersTable, Self::QuarantineTable, Self::PaymentStream, Self::FailuresBucket];

    /// The logical id in the template, which is also the key of the output that tells the name.
    pub fn logical_id(self) -> &'static str {
        match self {
            Self::PaymentsTable => "PaymentsTable",
            Self::OrdersTable => "OrdersTable",
            Self::QuarantineTable => "QuarantineTable",
            Self::PaymentStream => "PaymentStream",
            Self::FailuresBucket => "FailuresBucket",
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.logical_id())
    }
}

/// The physical names that are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(Vec<(Resource, String)>);

impl Names {
    /// Notes a name, instead of one that is known already.
    pub fn set(&mut self, resource: Resource, name: impl Into<String>) {
        self.0.retain(|(known, _)| *known != resource);
        self.0.push((resource, name.into()));
    }

    /// The name, where it is known.
    pub fn get(&self, resource: Resource) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == resource).map(|(_, name)| name.as_str())
    }

    fn need(&self, resource: Resource) -> Result<&str, OperationError> {
        self.get(resource).ok_or(OperationError::NameMissing(resource))
    }
}

/// Where emulators listen. They take any credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Of DynamoDB.
    pub dynamodb: String,
    /// Of Kinesis.
    pub kinesis: String,
}

/// One Paystream. Every call it makes ends in time.
#[derive(Debug, Clone)]
pub struct Stack {
    shared: SdkConfig,
    dynamodb: aws_sdk_dynamodb::Client,
    kinesis: aws_sdk_kinesis::Client,
    names: Names,
    page_items_max: i32,
}

impl Stack {
    /// The one on AWS that region, credentials and endpoints of the process's environment lead to.
    pub async fn on_aws(names: Names) -> Self {
        let shared = aws_of_operator().await;
        Self::new(&shared, &shared, names)
    }

    /// The one on these emulators.
    pub fn on_emulators(endpoints: &Endpoints, names: Names) -> Self {
        Self::new(&emulator(&endpoints.dynamodb), &emulator(&endpoints.kinesis), names)
    }

    fn new(dynamodb: &SdkConfig, kinesis: &SdkConfig, names: Names) -> Self {
        let config = aws_sdk_dynamodb::config::Builder::from(dynamodb)
            .timeout_config(timeouts(DYNAMODB_ATTEMPT, DYNAMODB_OPERATION))
            .retry_config(RetryConfig::standard().with_max_attempts(DYNAMODB_ATTEMPTS_MAX))
            .build();
        let client = aws_sdk_dynamodb::Client::from_conf(config);
        Self {
            shared: dynamodb.clone(),
            dynamodb: client,
            kinesis: payments_aws::kinesis_relay(kinesis),
            names,
            page_items_max: PAGE_ITEMS_MAX,
        }
    }

    /// The same one, whose tables are read in pages of at most so many items.
    #[must_use]
    pub fn with_pages_of(self, page_items_max: i32) -> Self {
        Self { page_items_max, ..self }
    }

    /// What is known of it.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The bucket of failures, which only a stack on AWS has.
    pub fn failures_bucket(&self) -> Result<Bucket, OperationError> {
        let name = self.names.need(Resource::FailuresBucket)?;
        Bucket::new(&self.shared, name).map_err(|error| OperationError::Failures(error.into()))
    }

    /// Payments' table.
    pub fn payments(&self) -> Result<PaymentsTable, OperationError> {
        Ok(PaymentsTable::new(self.dynamodb.clone(), self.names.need(Resource::PaymentsTable)?))
    }

    /// All of Payments' table.
    pub fn payments_scan(&self) -> Result<PaymentsScan, OperationError> {
        let table = self.names.need(Resource::PaymentsTable)?;
        Ok(PaymentsScan::new(self.dynamodb.clone(), table, self.page_items_max))
    }

    /// Orders' copies, one by one.
    pub fn copies(&self) -> Result<Copies, OperationError> {
        Ok(Copies::new(self.dynamodb.clone(), self.names.need(Resource::OrdersTable)?))
    }

    /// All of Orders' table.
    pub fn orders_scan(&self) -> Result<OrdersScan, OperationError> {
        let table = self.names.need(Resource::OrdersTable)?;
        Ok(OrdersScan::new(self.dynamodb.clone(), table, self.page_items_max))
    }

    /// What Orders could not read.
    pub fn quarantine(&self) -> Result<QuarantineRecords, OperationError> {
        Ok(QuarantineRecords::new(self.dynamodb.clone(), self.names.need(Resource::QuarantineTable)?))
    }

    /// The stream.
    pub fn publisher(&self) -> Result<KinesisPublisher, OperationError> {
        Ok(KinesisPublisher::new(self.kinesis.clone(), self.names.need(Resource::PaymentStream)?))
    }
}
