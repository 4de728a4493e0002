//! The projector with an embedded DynamoDB of its own, and batches for it.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use aws_sdk_dynamodb::Client;
use futures::{StreamExt, stream};
use order_projector::Projector;
use orders::{PaymentCopies, PaymentCopy, ProjectPayments, Settle};
use orders_aws::OrdersTable;
use payment_events::{PaymentEvent, PaymentInfo, PaymentStatus, Timestamp};
use paystream_client::emulator;
use paystream_local::{Emulators, Template};
use quarantine::QuarantineTable;
use stream_batch::{KinesisEvent, KinesisRecord};
use telemetry::Metrics;

/// The projector as deployed, connected over TCP to an embedded DynamoDB of its own.
pub(crate) struct Bench {
    pub(crate) emulators: Emulators,
    pub(crate) table: Arc<OrdersTable>,
    pub(crate) projector: Projector,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");
        let emulators = Emulators::start(Template::load(template.as_ref(), &[].into()).unwrap()).await.unwrap();
        let client = Client::new(&emulator(emulators.dynamodb_url()));
        let table = Arc::new(OrdersTable::new(client.clone(), "OrdersTable"));
        let quarantine = Arc::new(QuarantineTable::new(client, "QuarantineTable"));
        let settle = Settle::new(table.clone(), table.clone());
        let project = ProjectPayments::new(table.clone(), settle);
        let projector = Projector::new(project, quarantine, Metrics::new("projector", |_| {}));
        Self { emulators, table, projector }
    }

    /// Time to project a batch of new payments.
    pub(crate) async fn projector(&self, records: usize) -> Duration {
        self.project(batch(&payments(records), 0)).await
    }

    /// Time to project this batch.
    pub(crate) async fn project(&self, batch: KinesisEvent) -> Duration {
        let begun = Instant::now();
        let response = self.projector.handle(batch.into(), SystemTime::now() + Duration::from_mins(5)).await;
        let took = begun.elapsed();
        assert!(response.as_ref().is_ok_and(|response| response.batch_item_failures.is_empty()), "{response:?}");
        took
    }

    /// Time of the conditional writes alone, `concurrency` at a time.
    pub(crate) async fn writes(&self, records: usize, concurrency: usize) -> Duration {
        let received_at = Timestamp::now();
        let copies: Vec<_> =
            payments(records).into_iter().map(|payment| PaymentCopy { payment, received_at }).collect();
        let begun = Instant::now();
        let writes = stream::iter(&copies).map(|copy| self.table.put_if_newer(copy)).buffer_unordered(concurrency);
        writes.for_each(async |stored| assert!(stored.is_ok())).await;
        begun.elapsed()
    }
}

/// New payments, each of an order of its own.
pub(crate) fn payments(count: usize) -> Vec<PaymentInfo> {
    // Letters only: a long run of digits may look like a card number.
    let round: String = std::iter::repeat_with(fastrand::lowercase).take(12).collect();
    let now = Timestamp::now();
    let payment = |n| PaymentInfo {
        payment_id: format!("pay_{round}x{n}").parse().unwrap(),
        order_id: format!("ord_{round}_{n}").parse().unwrap(),
        amount: payment_events::Money::new(1_299, "EUR".parse().unwrap()).unwrap(),
        status: PaymentStatus::Authorized,
        captured_minor: 0,
        refunded_minor: 0,
        decline: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    (0..count).map(payment).collect()
}

/// A Kinesis event with one record per payment, each padded by `padding` bytes.
pub(crate) fn batch(payments: &[PaymentInfo], padding: usize) -> KinesisEvent {
    let records = payments.iter().zip(1..).map(|(payment, number)| KinesisRecord {
        shard_id: "shardId-000000000000".to_owned(),
        sequence_number: number.to_string(),
        partition_key: payment.order_id.to_string(),
        data: event(payment, padding),
        arrived_at_unix_ms: None,
    });
    KinesisEvent { records: records.collect() }
}

/// The encoded event of a payment, padded by `padding` bytes in an unknown member.
pub(crate) fn event(payment: &PaymentInfo, padding: usize) -> Vec<u8> {
    let mut event = PaymentEvent::new(payment.clone(), None).unwrap().encode();
    event.pop();
    event.extend(format!(r#","padding":"{}"}}"#, "x".repeat(padding)).into_bytes());
    event
}
