//! Items of the payments table that the relay cannot decode: quarantined, without holding up other payments.

use std::collections::{BTreeSet, HashMap};
use std::mem::discriminant;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue::{self, B, Bool, Bs, L, M, N, Ns, Null, S, Ss};
use paystream_local::{Effect, Fault, FaultTarget};
use paystream_tests::{Need, Paystream, eur, skip_without};
use serde_json::{Value, json};

type Item = HashMap<String, AttributeValue>;

/// Attributes that an item may lack. Without its mark, a payment has nothing to publish.
const OPTIONAL: [&str; 4] = ["caller", "decline", "traceparent", "published_version"];
/// Keys of the table and its index, whose types DynamoDB enforces.
const KEYS: [&str; 2] = ["payment_id", "order_id"];

/// A value of each type of DynamoDB.
fn values() -> [AttributeValue; 10] {
    let bytes = || Blob::new(b"text");
    [
        S("text".to_owned()),
        N("7".to_owned()),
        Bool(true),
        Null(true),
        B(bytes()),
        L(Vec::new()),
        M(HashMap::new()),
        Ss(vec!["text".to_owned()]),
        Ns(vec!["7".to_owned()]),
        Bs(vec![bytes()]),
    ]
}

/// Returns a copy of the item for another payment, of an order of its own.
fn another(item: &Item, name: &str) -> Item {
    let mut another = item.clone();
    another.insert("payment_id".to_owned(), S(format!("pay_{name}")));
    another.insert("order_id".to_owned(), S(format!("ord-{name}")));
    another
}

/// Returns the changes that make an attribute unreadable: removal, and a value of every wrong type.
fn damages(attribute: &str, value: &AttributeValue) -> Vec<Option<AttributeValue>> {
    let is_optional = OPTIONAL.contains(&attribute);
    let removed = (!is_optional && attribute != "payment_id").then_some(None);
    // An optional attribute that is null counts as missing.
    let is_wrong = |wrong: &AttributeValue| {
        let counts_as_missing = is_optional && attribute != "published_version" && matches!(wrong, Null(_));
        !KEYS.contains(&attribute) && !counts_as_missing && discriminant(wrong) != discriminant(value)
    };
    removed.into_iter().chain(values().into_iter().filter(is_wrong).map(Some)).collect()
}

fn payment(item: &Item) -> Value {
    let text = |name: &str| item[name].as_s().unwrap().clone();
    json!({"payment_id": text("payment_id"), "order_id": text("order_id"), "version": 1})
}

async fn listed(paystream: &Paystream) -> Vec<Value> {
    let listed = paystream.command(&["quarantine", "list", "--json"]).await.json(0);
    listed["records"].as_array().unwrap().clone()
}

async fn arrive(paystream: &Paystream, items: &[Item]) {
    for item in items {
        let payment = payment(item);
        paystream.payment_arrives(payment["order_id"].as_str().unwrap(), &payment).await;
        paystream.is_published(payment["payment_id"].as_str().unwrap()).await;
    }
}

#[tokio::test]
async fn no_unreadable_attribute_of_a_payment_holds_up_other_payments_and_a_redrive_publishes_it() {
    if skip_without(&[Need::Faults, Need::Kinesis]) {
        return;
    }
    let paystream = Paystream::of_target().await;
    let paid = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    paystream.is_published(paid["payment_id"].as_str().unwrap()).await;
    // Every attribute that an item can have.
    let mut whole = paystream.payment_item(&paid).await;
    whole.insert("published_version".to_owned(), N("0".to_owned()));
    whole.insert("traceparent".to_owned(), S("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()));
    whole.insert("caller".to_owned(), S("client-7@clients".to_owned()));
    let attributes: BTreeSet<_> = whole.keys().cloned().chain(["decline".to_owned()]).collect();

    let (mut healthy, mut mended, mut count) = (Vec::new(), Vec::new(), 0);
    for attribute in attributes {
        // A payment that is not declined has no decline. As a map it would be readable, and contradict the status.
        let value = whole.get(&attribute).cloned().unwrap_or(Bool(true));
        let mut batch: Vec<_> = (0..9).map(|n| another(&whole, &format!("healthy{count}x{n}"))).collect();
        healthy.extend(batch.clone());
        for damage in damages(&attribute, &value) {
            count += 1;
            let mut item = another(&whole, &format!("damaged{count}"));
            mended.push(item.clone());
            match damage {
                Some(value) => item.insert(attribute.clone(), value),
                None => item.remove(&attribute),
            };
            batch.push(item);
        }
        paystream.put_payment_items(batch).await;
    }
    assert!(count > 100, "{count} items are damaged");

    arrive(&paystream, &healthy).await;
    let images = Paystream::eventually("every damaged item is quarantined", async || {
        Some(listed(&paystream).await).filter(|images| images.len() >= mended.len())
    })
    .await;
    let quarantined: BTreeSet<_> = images.iter().map(|image| image["partition_key"].as_str().unwrap()).collect();
    assert_eq!(quarantined, mended.iter().map(|item| item["payment_id"].as_s().unwrap().as_str()).collect());
    assert_eq!(images.len(), mended.len(), "each is quarantined once");
    assert_eq!(paystream.environment().failures().failures.len(), 0, "no batch went to the on-failure destination");

    // A redrive before the items are mended changes nothing.
    let redriven = paystream.command(&["quarantine", "redrive", "--all"]).await.text(1);
    assert!(redriven.contains("still unreadable"), "{redriven}");
    assert_eq!(listed(&paystream).await.len(), images.len());

    // The relay is stopped, because it would publish each item as soon as it is mended.
    paystream.inject(Fault::new(FaultTarget::function("PaymentRelay"), Effect::error("Stopped")));
    for items in mended.chunks(25) {
        paystream.put_payment_items(items.to_vec()).await;
    }
    paystream.command(&["quarantine", "redrive", "--all"]).await.text(0);
    arrive(&paystream, &mended).await;
    assert_eq!(listed(&paystream).await, Vec::<Value>::new());
}
