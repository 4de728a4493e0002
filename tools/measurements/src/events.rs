//! Lambda events, in the formats of AWS.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use payment_events::{
    Money, PaymentEvent, PaymentInfo, PaymentStatus, Timestamp, TraceParent, Transition, TransitionAction,
};
use serde_json::{Value, json};

/// Bound on the payments in a batch.
const PAYMENTS_AT_ONCE_MAX: usize = 1_000;

/// Encodes a number in letters, because digits may look like a card number.
fn letters(number: usize) -> String {
    (0..5)
        .scan(number, |rest, _| {
            let letter = char::from_digit(u32::try_from(10 + *rest % 26).ok()?, 36);
            *rest /= 26;
            letter
        })
        .collect()
}

/// The payment at `place` in `batch`.
fn payment_info(batch: usize, place: usize) -> Option<PaymentInfo> {
    let name = letters(batch * PAYMENTS_AT_ONCE_MAX + place);
    let at = Timestamp::now();
    Some(PaymentInfo {
        payment_id: format!("pay_3474IU76GZUC7ZC4MR5K{name}").parse().ok()?,
        order_id: format!("ord-2026-11-{name}").parse().ok()?,
        status: PaymentStatus::Authorized,
        amount: Money::new(4_997, "EUR".parse().ok()?).ok()?,
        captured_minor: 0,
        refunded_minor: 0,
        decline: None,
        version: 1,
        created_at: at,
        updated_at: at,
    })
}

const TRACE_PARENT: &str = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";

fn sequence_number(place: usize) -> String {
    format!("49590338271490256608559692538361571095921575{place:012}")
}

/// Event of a Kinesis stream: records with published payments.
pub(crate) fn projected(batch: usize, records: usize) -> Value {
    let trace_parent: Option<TraceParent> = TRACE_PARENT.parse().ok();
    let transition = Transition { action: TransitionAction::Authorize, amount_minor: 4_997 };
    let events = (0..records).filter_map(|place| {
        let event = PaymentEvent::new(payment_info(batch, place)?, trace_parent.clone()).ok()?;
        event.with_transition(transition).ok()
    });
    let record = |(place, event): (usize, PaymentEvent)| {
        json!({
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": event.partition_key(),
                "sequenceNumber": sequence_number(place),
                "data": STANDARD.encode(event.encode()),
                "approximateArrivalTimestamp": 1_795_377_600.123,
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": format!("shardId-000000000000:{}", sequence_number(place)),
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": "arn:aws:iam::123456789012:role/paystream-OrderProjectorRole",
            "awsRegion": "us-east-1",
            "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/paystream-PaymentStream",
        })
    };
    json!({ "Records": events.enumerate().map(record).collect::<Vec<_>>() })
}

/// Event of a DynamoDB change stream: payments that are decided and not published.
pub(crate) fn relayed(batch: usize, records: usize) -> Value {
    let payments = (0..records).filter_map(|place| payment_info(batch, place));
    changes(payments.map(|payment| image(&payment, Written::Decided)))
}

/// Event of a DynamoDB change stream: the three changes of each payment with a direct publish, which is the usual case.
/// The first payment may have fewer changes, so that the batch ends with a published payment.
pub(crate) fn published(batch: usize, records: usize) -> Value {
    let count = records.div_ceil(WRITES.len());
    let payments = (0..count).filter_map(|place| payment_info(batch, place));
    let images = payments.flat_map(|payment| WRITES.map(|written| image(&payment, written)));
    changes(images.skip(count * WRITES.len() - records))
}

/// Writes of a payment's item, by the state they leave.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    Begun,
    Decided,
    Published,
}

/// The writes of a payment with a direct publish.
const WRITES: [Written; 3] = [Written::Begun, Written::Decided, Written::Published];

/// The payment's item after this write.
fn image(payment: &PaymentInfo, written: Written) -> Value {
    let (id, at) = (payment.payment_id.to_string(), payment.updated_at.to_string());
    let mut image = json!({
        "payment_id": {"S": id},
        "order_id": {"S": payment.order_id.to_string()},
        "status": {"S": "authorized"},
        "amount": {"M": {"minor": {"N": "4997"}, "currency": {"S": "EUR"}}},
        "captured_minor": {"N": "0"},
        "refunded_minor": {"N": "0"},
        "version": {"N": "1"},
        "created_at": {"S": at},
        "updated_at": {"S": at},
        "traceparent": {"S": TRACE_PARENT},
        "request_fingerprint": {"S": "Q5GMPAUKF37W6YI2RWWUJ2K3YMVGB5IBYIQ4XBOCKQ5RWBMKBVTA"},
        "lease_until": {"S": at},
        "lease_holder": {"S": "EIZPA4V7CWTSNOTKYIDCXVIVTA"},
        "attempt": {"N": "1"},
        "steps": {"L": [{"M": {
            "key": {"S": "EIZPA4V7CWTSNOTKYIDCXVIVTA"}, "action": {"S": "authorize"}, "at": {"S": at},
        }}]},
    });
    match written {
        Written::Begun => {
            image["status"] = json!({"S": "processing"});
            image["version"] = json!({"N": "0"});
            image["steps"] = json!({"L": []});
        }
        Written::Decided => {}
        Written::Published => image["published_version"] = json!({"N": "1"}),
    }
    image
}

/// Event of a DynamoDB change stream with these new images.
fn changes(images: impl Iterator<Item = Value>) -> Value {
    let record = |(place, image): (usize, Value)| {
        json!({
            "eventID": format!("c4ca4238a0b923820dcc{place:012}"),
            "eventName": "MODIFY",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_795_377_600,
                "Keys": {"payment_id": image["payment_id"]},
                "NewImage": image,
                "SequenceNumber": sequence_number(place),
                "SizeBytes": 600,
                "StreamViewType": "NEW_IMAGE",
            },
            "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/paystream-PaymentsTable/stream/2026-11-22",
        })
    };
    json!({ "Records": images.enumerate().map(record).collect::<Vec<_>>() })
}

/// Event of `POST /payments`.
pub(crate) fn payment(number: usize, _: usize) -> Value {
    let name = letters(number);
    let body = json!({
        "order_id": format!("ord-2026-11-{name}"),
        "amount": {"minor": 4_997, "currency": "EUR"},
        "method": {"token": "tok_approve"},
    });
    request("/payments", &format!("checkout-{name}"), &body)
}

/// Event of `POST /orders`, for an order that the stored payment covers.
pub(crate) fn order(number: usize, _: usize) -> Value {
    let line = |sku: &str, quantity: u32, minor: i64| json!({"sku": sku, "quantity": quantity, "unit_price": {"minor": minor, "currency": "EUR"}});
    let body = json!({
        "order_id": format!("ord-2026-11-{}", letters(number)),
        "customer_id": "cust-7",
        "lines": [line("sku-1", 2, 1_299), line("sku-2", 1, 1_999), line("sku-3", 1, 400)],
    });
    request("/orders", "checkout", &body)
}

/// Proxy event of a REST API with IAM authorization.
fn request(path: &str, key: &str, body: &Value) -> Value {
    let headers = [
        ("Accept", "application/json"),
        ("CloudFront-Forwarded-Proto", "https"),
        ("Content-Type", "application/json"),
        ("Host", "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"),
        ("Idempotency-Key", key),
        ("User-Agent", "shop/1.0"),
        ("X-Amz-Date", "20261122T200000Z"),
        ("X-Amzn-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793"),
        ("X-Forwarded-For", "192.0.2.1"),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Proto", "https"),
    ];
    let single: BTreeMap<_, _> = headers.into();
    let multiple: BTreeMap<_, _> = headers.into_iter().map(|(name, value)| (name, [value])).collect();
    json!({
        "resource": path,
        "path": path,
        "httpMethod": "POST",
        "headers": single,
        "multiValueHeaders": multiple,
        "queryStringParameters": null,
        "multiValueQueryStringParameters": null,
        "pathParameters": null,
        "stageVariables": null,
        "requestContext": {
            "resourceId": "a1b2c3",
            "resourcePath": path,
            "httpMethod": "POST",
            "extendedRequestId": "TxkTHGjmIAMF1Qw=",
            "requestTime": "22/Nov/2026:20:00:00 +0000",
            "path": format!("/dev{path}"),
            "accountId": "123456789012",
            "protocol": "HTTP/1.1",
            "stage": "dev",
            "domainPrefix": "a1b2c3d4e5",
            "requestTimeEpoch": 1_795_377_600_123_u64,
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "identity": {
                "accountId": "123456789012",
                "accessKey": "ASIAEXAMPLE",
                "caller": "AROAEXAMPLE:shop",
                "sourceIp": "192.0.2.1",
                "user": "AROAEXAMPLE:shop",
                "userAgent": "shop/1.0",
                "userArn": "arn:aws:sts::123456789012:assumed-role/checkout/shop",
            },
            "domainName": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
            "apiId": "a1b2c3d4e5",
        },
        "body": body.to_string(),
        "isBase64Encoded": false,
    })
}
