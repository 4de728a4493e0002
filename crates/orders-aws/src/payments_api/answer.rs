//! Response of `GET /payments?order_id=`: bounded in size, and used completely or not at all.

use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use payment_events::{OrderId, PaymentInfo};
use serde::Deserialize;
use serde_json::Value;

use super::attempt_error::AttemptError;

/// Maximum size of the response body, in bytes: Lambda's own response limit.
const BYTES_MAX: usize = 6 * 1024 * 1024;

/// Status of a payment that is not decided yet. It is internal to Payments: no event has it.
const UNDECIDED: &str = "processing";

/// Unknown fields are ignored, as in events.
#[derive(Deserialize)]
struct Payments {
    payments: Vec<Value>,
}

/// Reads the decided payments of the order.
pub(super) async fn read(response: Response, order_id: &OrderId) -> Result<Vec<PaymentInfo>, AttemptError> {
    let status = response.status().as_u16();
    // Redirects are errors, too: the API has none, and the signature is valid for this host only.
    if status != 200 {
        return Err(AttemptError::Status(status));
    }
    parse(&bytes(response.into_body()).await?, order_id).map_err(AttemptError::Unusable)
}

async fn bytes(body: SdkBody) -> Result<Vec<u8>, AttemptError> {
    let mut body = ByteStream::new(body);
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        bytes.extend_from_slice(&chunk.map_err(|error| AttemptError::BrokenOff(error.into()))?);
        if bytes.len() > BYTES_MAX {
            return Err(AttemptError::TooLong(BYTES_MAX));
        }
    }
    Ok(bytes)
}

fn parse(bytes: &[u8], order_id: &OrderId) -> Result<Vec<PaymentInfo>, String> {
    let body: Payments = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let decided = body.payments.into_iter().filter(|payment| payment["status"] != UNDECIDED);
    decided.map(|payment| payment_of(payment, order_id)).collect()
}

fn payment_of(payment: Value, order_id: &OrderId) -> Result<PaymentInfo, String> {
    let payment: PaymentInfo = serde_json::from_value(payment).map_err(|error| error.to_string())?;
    payment.check().map_err(|error| error.to_string())?;
    if payment.order_id == *order_id { Ok(payment) } else { Err("a payment belongs to another order".to_owned()) }
}

#[cfg(test)]
mod tests {
    use orders::testing::samples::{authorized, euros};
    use serde_json::json;

    use super::*;

    fn parsed(body: &Value) -> Result<Vec<PaymentInfo>, String> {
        parse(body.to_string().as_bytes(), &"ord-1".parse().unwrap())
    }

    #[test]
    fn undecided_payments_and_unknown_fields_are_ignored() {
        let payment = authorized("pay_1", euros(7));
        let mut decided = serde_json::to_value(&payment).unwrap();
        decided["method"] = json!("card");
        let undecided = json!({"payment_id": "pay_2", "order_id": "ord-1", "status": "processing", "version": 0});
        assert_eq!(parsed(&json!({"payments": [decided, undecided], "next": null})), Ok(vec![payment]));
        assert_eq!(parsed(&json!({"payments": []})), Ok(vec![]));
    }

    #[test]
    fn a_response_with_one_invalid_payment_is_rejected_completely() {
        let good = serde_json::to_value(authorized("pay_1", euros(7))).unwrap();
        let with = |field: &str, value: Value| {
            let mut payment = good.clone();
            payment[field] = value;
            json!({"payments": [good, payment]})
        };
        for (body, reason) in [
            (json!({}), "missing field `payments`"),
            (json!([]), "invalid length 0"),
            (json!({"payments": [1]}), "invalid type"),
            (with("status", json!("suspended")), "must be authorized, captured"),
            (with("captured_minor", json!(8)), "captured_minor is inconsistent"),
            (with("version", json!(0)), "version must be at least 1"),
            (with("order_id", json!("ord-2")), "a payment belongs to another order"),
        ] {
            let error = parsed(&body).unwrap_err();
            assert!(error.starts_with(reason), "{error}");
        }
        assert!(parse(b"<html>", &"ord-1".parse().unwrap()).is_err());
    }
}
