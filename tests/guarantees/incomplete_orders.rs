//! The metric `IncompleteOrders`, which the local environment does not show: the projector in this process, with an
//! embedded DynamoDB.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::Client;
use order_projector::Projector;
use orders::{
    Line, Lines, OrderQueries, OrderRequest, OrderStatus, PAYMENTS_MAX, PaymentCopies, PaymentCopy, PlaceOrder,
    ProjectPayments, Settle,
};
use orders_aws::OrdersTable;
use payment_events::{Money, PaymentEvent, PaymentInfo, PaymentStatus, Timestamp};
use paystream_client::emulator;
use paystream_local::{Emulators, Template};
use paystream_tests::workspace;
use quarantine::QuarantineTable;
use serde_json::Value;
use stream_batch::{KinesisEvent, KinesisRecord};
use telemetry::Metrics;

fn euros(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap()).unwrap()
}

fn payment(order_id: &str, payment_id: &str) -> PaymentInfo {
    let now = Timestamp::now();
    PaymentInfo {
        payment_id: payment_id.parse().unwrap(),
        order_id: order_id.parse().unwrap(),
        amount: euros(1),
        status: PaymentStatus::Authorized,
        captured_minor: 0,
        refunded_minor: 0,
        decline: None,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

fn request(order_id: &str, minor: i64) -> OrderRequest {
    let line = Line {
        sku: "tea".parse().unwrap(),
        quantity: orders::Quantity::new(1).unwrap(),
        unit_price: euros(minor).into(),
    };
    let lines = Lines::new(vec![line]).unwrap();
    OrderRequest { order_id: order_id.parse().unwrap(), customer_id: "cust-7".parse().unwrap(), lines }
}

fn record(payment: &PaymentInfo, sequence_number: &str) -> KinesisRecord {
    KinesisRecord {
        shard_id: "shardId-000000000000".to_owned(),
        sequence_number: sequence_number.to_owned(),
        partition_key: payment.order_id.to_string(),
        data: PaymentEvent::new(payment.clone(), None).unwrap().encode(),
        arrived_at_unix_ms: None,
    }
}

#[tokio::test]
async fn an_order_with_too_many_payments_is_counted_and_blocks_no_other_order_of_its_batch() {
    let template = Template::load(&workspace().join("template.yaml"), &[].into()).unwrap();
    let emulators = Emulators::start(template).await.unwrap();
    let client = Client::new(&emulator(emulators.dynamodb_url()));
    let table = Arc::new(OrdersTable::new(client.clone(), "OrdersTable"));
    let place = PlaceOrder::new(table.clone(), table.clone());
    place.place(request("ord-many", 1_000_000)).await.unwrap();
    place.place(request("ord-1", 1)).await.unwrap();
    for number in 0..PAYMENTS_MAX {
        let payment = payment("ord-many", &format!("pay_{number:04}"));
        table.put_if_newer(&PaymentCopy { payment, received_at: Timestamp::now() }).await.unwrap();
    }

    let lines: Arc<Mutex<Vec<Value>>> = Arc::default();
    let sink = Arc::clone(&lines);
    let metrics = Metrics::new("projector", move |line| sink.lock().unwrap().push(serde_json::from_str(line).unwrap()));
    let settle = Settle::new(table.clone(), table.clone());
    let project = ProjectPayments::new(table.clone(), settle);
    let projector = Projector::new(project, Arc::new(QuarantineTable::new(client, "QuarantineTable")), metrics);
    let records = vec![record(&payment("ord-many", "pay_last"), "1"), record(&payment("ord-1", "pay_one"), "2")];
    let response = projector.handle(KinesisEvent { records }.into(), SystemTime::now() + Duration::from_mins(5)).await;

    assert!(response.as_ref().is_ok_and(|response| response.batch_item_failures.is_empty()), "{response:?}");
    let status = async |order_id: &str| table.read(&order_id.parse().unwrap()).await.unwrap().order.unwrap().status;
    assert_eq!(
        (status("ord-many").await, status("ord-1").await),
        (OrderStatus::AwaitingPayment, OrderStatus::Accepted)
    );
    let counted = lines.lock().unwrap().iter().filter_map(|line| line["IncompleteOrders"].as_u64()).sum::<u64>();
    assert_eq!(counted, 1, "{lines:?}");
}
