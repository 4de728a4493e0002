//! Tables, hub and bucket of one system, local or on AWS.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_connection::timeouts;
use orders::Settle;
use orders_aws::{Copies, OrdersScan, OrdersTable};
use payments_aws::{KinesisPublisher, PaymentsScan, PaymentsTable};
use paystream_client::emulator;
use quarantine::QuarantineRecords;

use crate::failures::Bucket;
use crate::hub::HubConnection;
use crate::{HubAccess, OperationError, aws_of_operator};

/// Default limit of items per page. A page is held in memory; DynamoDB bounds it to 1 MB.
const PAGE_ITEMS_MAX: i32 = 1_000;
/// Timeout of one attempt at a DynamoDB call: a page can be 1 MB.
const DYNAMODB_ATTEMPT: Duration = Duration::from_secs(5);
/// Timeout of a DynamoDB call, all attempts together.
const DYNAMODB_OPERATION: Duration = Duration::from_secs(30);
/// Attempts at one DynamoDB call. A scan is easily throttled.
const DYNAMODB_ATTEMPTS_MAX: u32 = 6;

/// A resource whose physical name operations need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resource {
    /// DynamoDB table of Payments.
    PaymentsTable,
    /// DynamoDB table of Orders: orders and read model.
    OrdersTable,
    /// DynamoDB table of records that Orders quarantined.
    QuarantineTable,
    /// DynamoDB table of images of the payments table that Payments quarantined.
    PaymentsQuarantineTable,
    /// Kinesis stream of payment events.
    PaymentStream,
    /// S3 bucket that is the on-failure destination of the event source mappings.
    FailuresBucket,
}

impl Resource {
    /// All resources.
    pub const ALL: [Self; 6] = [
        Self::PaymentsTable,
        Self::OrdersTable,
        Self::QuarantineTable,
        Self::PaymentsQuarantineTable,
        Self::PaymentStream,
        Self::FailuresBucket,
    ];

    /// Logical id in the template, and key of the stack output that holds the name.
    pub fn logical_id(self) -> &'static str {
        match self {
            Self::PaymentsTable => "PaymentsTable",
            Self::OrdersTable => "OrdersTable",
            Self::QuarantineTable => "QuarantineTable",
            Self::PaymentsQuarantineTable => "PaymentsQuarantineTable",
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

/// Physical names of resources, as far as they are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(Vec<(Resource, String)>);

impl Names {
    /// Sets a name, replacing an earlier one.
    pub fn set(&mut self, resource: Resource, name: impl Into<String>) {
        self.0.retain(|(known, _)| *known != resource);
        self.0.push((resource, name.into()));
    }

    /// Returns the name if it is known.
    pub fn get(&self, resource: Resource) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == resource).map(|(_, name)| name.as_str())
    }

    fn need(&self, resource: Resource) -> Result<&str, OperationError> {
        self.get(resource).ok_or(OperationError::NameMissing(resource))
    }
}

/// URLs of local emulators, which accept any credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// URL of the DynamoDB emulator.
    pub dynamodb: String,
    /// URL of the Kinesis emulator.
    pub kinesis: String,
}

/// One system, with the clients to operate it. Every call has a timeout.
#[derive(Debug, Clone)]
pub struct Stack {
    shared: SdkConfig,
    dynamodb: aws_sdk_dynamodb::Client,
    kinesis: aws_sdk_kinesis::Client,
    names: Names,
    hub: Arc<HubConnection>,
    page_items_max: i32,
}

impl Stack {
    /// Opens a stack on AWS, with region, credentials and endpoints from the process's environment.
    pub async fn on_aws(names: Names) -> Self {
        let shared = aws_of_operator().await;
        Self::new(&shared, &shared, names)
    }

    /// Opens a stack on local emulators.
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
            hub: Arc::default(),
            page_items_max: PAGE_ITEMS_MAX,
        }
    }

    /// Limits the items per page of a scan.
    #[must_use]
    pub fn with_pages_of(self, page_items_max: i32) -> Self {
        Self { page_items_max, ..self }
    }

    /// Sets the connection to the hub. Without it, the hub is Kinesis.
    #[must_use]
    pub fn with_hub(self, hub: HubAccess) -> Self {
        Self { hub: Arc::new(HubConnection::new(hub)), ..self }
    }

    pub(crate) fn connection(&self) -> &HubConnection {
        &self.hub
    }

    /// Returns the known resource names.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Returns the configuration of calls to AWS without a client: region and credentials.
    pub fn aws(&self) -> &SdkConfig {
        &self.shared
    }

    /// Returns the name of a resource.
    pub(crate) fn name_of(&self, resource: Resource) -> Result<&str, OperationError> {
        self.names.need(resource)
    }

    pub(crate) fn dynamodb(&self) -> &aws_sdk_dynamodb::Client {
        &self.dynamodb
    }

    pub(crate) fn kinesis(&self) -> &aws_sdk_kinesis::Client {
        &self.kinesis
    }

    /// Returns the on-failure bucket, which exists only on AWS.
    pub fn failures_bucket(&self) -> Result<Bucket, OperationError> {
        let name = self.names.need(Resource::FailuresBucket)?;
        Bucket::new(&self.shared, name).map_err(|error| OperationError::Failures(error.into()))
    }

    /// Returns the payments table.
    pub fn payments(&self) -> Result<PaymentsTable, OperationError> {
        Ok(PaymentsTable::new(self.dynamodb.clone(), self.names.need(Resource::PaymentsTable)?))
    }

    /// Starts a scan of the payments table.
    pub fn payments_scan(&self) -> Result<PaymentsScan, OperationError> {
        let table = self.names.need(Resource::PaymentsTable)?;
        Ok(PaymentsScan::new(self.dynamodb.clone(), table, self.page_items_max))
    }

    /// Returns single-item access to Orders' copies.
    pub fn copies(&self) -> Result<Copies, OperationError> {
        Ok(Copies::new(self.dynamodb.clone(), self.names.need(Resource::OrdersTable)?))
    }

    /// Returns the orders table.
    pub fn orders(&self) -> Result<OrdersTable, OperationError> {
        Ok(OrdersTable::new(self.dynamodb.clone(), self.names.need(Resource::OrdersTable)?))
    }

    /// Returns the use case that settles orders.
    pub fn settle(&self) -> Result<Settle, OperationError> {
        let orders = Arc::new(self.orders()?);
        Ok(Settle::new(orders.clone(), orders))
    }

    /// Starts a scan of the orders table.
    pub fn orders_scan(&self) -> Result<OrdersScan, OperationError> {
        let table = self.names.need(Resource::OrdersTable)?;
        Ok(OrdersScan::new(self.dynamodb.clone(), table, self.page_items_max))
    }

    /// Returns the records that Orders quarantined.
    pub fn quarantine(&self) -> Result<QuarantineRecords, OperationError> {
        self.quarantine_in(Resource::QuarantineTable)
    }

    /// Returns the records in a quarantine table.
    pub(crate) fn quarantine_in(&self, table: Resource) -> Result<QuarantineRecords, OperationError> {
        Ok(QuarantineRecords::new(self.dynamodb.clone(), self.names.need(table)?))
    }

    /// Returns a publisher to the payment stream of a stack over Kinesis.
    pub(crate) fn kinesis_publisher(&self) -> Result<KinesisPublisher, OperationError> {
        Ok(KinesisPublisher::new(self.kinesis.clone(), self.names.need(Resource::PaymentStream)?))
    }
}
