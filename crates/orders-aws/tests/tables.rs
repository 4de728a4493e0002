//! The tables as adapters of the ports, against the DynamoDB emulator over a real socket.
#![allow(missing_docs, clippy::unwrap_used)]

mod emulator;

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use emulator::{CALLER, ORDERS_TABLE};
use orders::testing::samples::{at, authorized, declined, euros, request, stored};
use orders::testing::store_suite;
use orders::{
    Evidence, Incomplete, OrderQueries, OrderStatus, OrderStore, PaymentCopies, PaymentPages, PlaceOrder,
    ProjectPayments, Settle, StoreError, Stored,
};
use orders_aws::OrdersTable;
use paystream_local::{Effect, Fault, FaultTarget, Service};

async fn orders_table() -> OrdersTable {
    OrdersTable::new(emulator::start().await, ORDERS_TABLE)
}

#[tokio::test]
async fn the_orders_table_satisfies_the_order_ports() {
    store_suite::check(&orders_table().await).await;
}

#[tokio::test]
async fn an_order_is_accepted_whether_its_payment_arrives_before_or_after_it() {
    let table = Arc::new(orders_table().await);
    let place = PlaceOrder::new(table.clone(), table.clone());
    let project = ProjectPayments::new(table.clone(), Settle::new(table.clone(), table.clone()));
    let payment = authorized("pay_1", euros(1_000));

    project.project(vec![payment.clone()]).await.unwrap();
    let placed = place.place(request("ord-1", euros(1_000))).await.unwrap();
    assert_eq!(placed.order.status, OrderStatus::Accepted);

    place.place(request("ord-2", euros(1_000))).await.unwrap();
    let payment = payment_events::PaymentInfo { order_id: "ord-2".parse().unwrap(), ..payment };
    project.project(vec![payment]).await.unwrap();
    let order = table.read(&"ord-2".parse().unwrap()).await.unwrap().order.unwrap();
    assert_eq!((order.status, order.revision), (OrderStatus::Accepted, 2));
}

#[tokio::test]
async fn a_hundred_orders_are_read_in_one_call() {
    let emulators = emulator::start_emulators().await;
    let table = OrdersTable::new(emulator::client(&emulators), ORDERS_TABLE);
    let ids: Vec<_> = (0..100).map(|n| format!("ord-{n}").parse().unwrap()).collect();
    table.placed(&ids).await.unwrap();
    assert_eq!(emulators.calls().count(CALLER, Service::DynamoDb, "BatchGetItem"), 1);
    assert_eq!(emulators.calls().total(), 1);
}

#[tokio::test]
async fn items_of_unknown_kinds_are_skipped() {
    let client = emulator::start().await;
    let put = client.put_item().table_name(ORDERS_TABLE).item("order_id", AttributeValue::S("ord-1".into()));
    put.item("item", AttributeValue::S("note#1".into())).send().await.unwrap();
    let (table, order_id) = (OrdersTable::new(client, ORDERS_TABLE), "ord-1".parse().unwrap());
    assert_eq!(table.read(&order_id).await.unwrap(), orders::OrderView::default());
}

#[tokio::test]
async fn an_undecodable_order_is_unacceptable_and_hides_no_other_order() {
    let client = emulator::start().await;
    let put = client.put_item().table_name(ORDERS_TABLE).item("order_id", AttributeValue::S("ord-1".into()));
    put.item("item", AttributeValue::S("order".into())).send().await.unwrap();
    let table = OrdersTable::new(client, ORDERS_TABLE);
    let error = table.read(&"ord-1".parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unacceptable(_)), "{error}");

    let order = orders::Order::place(request("ord-2", euros(1)), Evidence::copies(&[]), at());
    OrderStore::insert(&table, &order).await.unwrap();
    let placed = table.placed(&["ord-1", "ord-2", "ord-3"].map(|id| id.parse().unwrap())).await.unwrap();
    assert_eq!(placed.orders, [order]);
    let unreadable: Vec<_> = placed.unreadable.iter().map(|(order_id, _)| order_id.as_str()).collect();
    assert_eq!(unreadable, ["ord-1"]);
}

#[tokio::test]
async fn an_undecodable_payment_makes_the_view_incomplete_and_hides_no_other_payment() {
    let client = emulator::start().await;
    let table = OrdersTable::new(client.clone(), ORDERS_TABLE);
    let readable = [stored(authorized("pay_1", euros(1))), stored(authorized("pay_3", euros(1)))];
    for payment in &readable {
        table.put_if_newer(payment).await.unwrap();
    }
    let put = client.put_item().table_name(ORDERS_TABLE).item("order_id", AttributeValue::S("ord-1".into()));
    put.item("item", AttributeValue::S("payment#pay_2".into())).send().await.unwrap();
    let order_id = "ord-1".parse().unwrap();
    for view in [table.read(&order_id).await.unwrap(), table.payments(&order_id).await.unwrap()] {
        assert_eq!(view.payments, readable);
        assert!(matches!(&view.incomplete, Some(Incomplete::Unreadable(why)) if why.reason.contains("payment#pay_2")));
    }
    // The next version of the payment replaces the item.
    table.put_if_newer(&stored(authorized("pay_2", euros(1)))).await.unwrap();
    assert_eq!(table.read(&order_id).await.unwrap().incomplete, None);
}

#[tokio::test]
async fn an_undecodable_payment_is_left_out_of_its_page_and_counted() {
    let client = emulator::start().await;
    let table = OrdersTable::new(client.clone(), ORDERS_TABLE);
    for id in ["pay_1", "pay_3"] {
        table.put_if_newer(&stored(authorized(id, euros(1)))).await.unwrap();
    }
    let text = |text: &str| AttributeValue::S(text.to_owned());
    // The second key is not even a payment id.
    for key in ["payment#pay_2", "payment#pay 4"] {
        let put = client.put_item().table_name(ORDERS_TABLE).item("order_id", text("ord-1")).item("item", text(key));
        put.send().await.unwrap();
    }
    let order_id = &"ord-1".parse().unwrap();
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = table.page(order_id, after.as_deref(), 1).await.unwrap();
        let ids: Vec<_> = page.payments.iter().map(|copy| copy.payment.payment_id.to_string()).collect();
        pages.push((ids, page.unreadable));
        let Some(next) = page.next_after else { break };
        after = Some(next);
    }
    let page = |ids: &[&str], unreadable| (ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>(), unreadable);
    assert_eq!(pages, [page(&[], 1), page(&["pay_1"], 0), page(&[], 1), page(&["pay_3"], 0)]);
}

#[tokio::test]
async fn a_payment_larger_than_an_item_is_unacceptable() {
    let table = orders_table().await;
    let mut payment = stored(declined("pay_1", euros(1)));
    let mut result = Ok(Stored::Stale);
    // Grows over the limit in steps, so that sizes just below and above it are tried.
    for length in (409_000..409_700).step_by(100) {
        payment.payment.version += 1;
        payment.payment.decline.as_mut().unwrap().message = "x".repeat(length);
        result = table.put_if_newer(&payment).await;
        if result.is_err() {
            break;
        }
    }
    assert!(matches!(result, Err(StoreError::Unacceptable(_))), "{result:?}");
    let small = stored(authorized("pay_2", euros(1)));
    assert_eq!(table.put_if_newer(&small).await.unwrap(), Stored::Newer);
}

#[tokio::test]
async fn a_refused_write_is_unacceptable_only_if_the_expression_works_for_another_payment() {
    let emulators = emulator::start_emulators().await;
    let table = OrdersTable::new(emulator::client(&emulators), ORDERS_TABLE);
    let refusal = || Fault::new(FaultTarget::DynamoDb, Effect::error("ValidationException")).operation("PutItem");
    let payment = |id: &str| stored(authorized(id, euros(1)));

    emulators.inject(refusal()).unwrap();
    let refused = table.put_if_newer(&payment("pay_1")).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "the expression may be wrong: {refused:?}");
    emulators.clear_faults();
    table.put_if_newer(&payment("pay_1")).await.unwrap();
    emulators.inject(refusal()).unwrap();
    let refused = table.put_if_newer(&payment("pay_2")).await;
    assert!(matches!(refused, Err(StoreError::Unacceptable(_))), "{refused:?}");
}

#[tokio::test]
async fn what_operators_and_the_store_can_mend_is_unavailable() {
    let emulators = emulator::start_emulators().await;
    let table = OrdersTable::new(emulator::client(&emulators), ORDERS_TABLE);
    table.put_if_newer(&stored(authorized("pay_1", euros(1)))).await.unwrap();
    for code in [
        "AccessDeniedException",
        "ExpiredTokenException",
        "InternalServerError",
        "ItemCollectionSizeLimitExceededException",
        "KMSAccessDeniedException",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ResourceNotFoundException",
        "ServiceUnavailable",
        "ThrottlingException",
        "UnrecognizedClientException",
    ] {
        emulators.inject(Fault::new(FaultTarget::DynamoDb, Effect::error(code))).unwrap();
        let order_id = "ord-1".parse().unwrap();
        let written = table.put_if_newer(&stored(authorized("pay_2", euros(1)))).await.map(|_| ());
        let read = table.read(&order_id).await.map(|_| ());
        let placed = table.placed(std::slice::from_ref(&order_id)).await.map(|_| ());
        for result in [written, read, placed] {
            assert!(matches!(result, Err(StoreError::Unavailable { .. })), "{code}: {result:?}");
        }
        emulators.clear_faults();
    }
}

#[tokio::test]
async fn a_missing_table_is_an_error_and_not_a_conflict() {
    let table = OrdersTable::new(emulator::start().await, "no-such-table");
    let place = PlaceOrder::new(Arc::new(table.clone()), Arc::new(table.clone()));
    assert!(place.place(request("ord-1", euros(1))).await.is_err());
    let order = orders::Order::place(request("ord-1", euros(1)), Evidence::copies(&[]), at());
    assert!(orders::OrderStore::insert(&table, &order).await.is_err());
    assert!(orders::OrderStore::replace(&table, &order, 1).await.is_err());
}
