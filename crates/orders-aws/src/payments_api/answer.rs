//! One page of `GET /payments?order_id=`: bounded in size, and used completely or not at all.

use aws_connection::read_body;
use aws_smithy_runtime_api::http::Response;
use payment_events::{OrderId, PaymentInfo};
use serde::Deserialize;
use serde_json::Value;

use super::attempt_error::AttemptError;

/// Maximum size of the response body, in bytes: Lambda's own response limit.
const BYTES_MAX: usize = 6 * 1024 * 1024;

/// Status of a payment that is not decided yet. It is internal to Payments: no event has it.
const UNDECIDED: &str = "processing";

/// Maximum length of the query of the next page, in bytes.
const NEXT_BYTES_MAX: usize = 4_096;

/// Unknown fields are ignored, as in events.
#[derive(Deserialize)]
struct Payments {
    payments: Vec<Value>,
    #[serde(default)]
    next: Option<String>,
}

/// A page of the payments of an order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// Payments that are no longer processing.
    pub(super) decided: Vec<PaymentInfo>,
    /// Query of the next page, with the `?`; `None` on the last page.
    pub(super) next: Option<String>,
}

/// Reads a page of the order's payments.
pub(super) async fn read(response: Response, order_id: &OrderId) -> Result<Page, AttemptError> {
    let status = response.status().as_u16();
    // Redirects are errors, too: the API has none, and the signature is valid for this host only.
    if status != 200 {
        return Err(AttemptError::Status(status));
    }
    parse(&read_body(response.into_body(), BYTES_MAX).await?, order_id).map_err(AttemptError::Unusable)
}

fn parse(bytes: &[u8], order_id: &OrderId) -> Result<Page, String> {
    let body: Payments = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if !body.next.as_deref().is_none_or(is_query) {
        return Err("next is not a query of the same list".to_owned());
    }
    let decided = body.payments.into_iter().filter(|payment| payment["status"] != UNDECIDED);
    let decided = decided.map(|payment| payment_of(payment, order_id)).collect::<Result<_, _>>()?;
    Ok(Page { decided, next: body.next })
}

/// Returns true for a query with its `?`. It keeps the host and the path, so that a signed request goes nowhere else.
fn is_query(reference: &str) -> bool {
    reference.starts_with('?')
        && reference.len() <= NEXT_BYTES_MAX
        && reference.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
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

    fn page(body: &Value) -> Result<Page, String> {
        parse(body.to_string().as_bytes(), &"ord-1".parse().unwrap())
    }

    fn parsed(body: &Value) -> Result<Vec<PaymentInfo>, String> {
        page(body).map(|page| page.decided)
    }

    #[test]
    fn the_next_page_is_a_query_of_the_same_list() {
        let next = |next: Value| page(&json!({"payments": [], "next": next})).map(|page| page.next);
        assert_eq!(next(json!("?cursor=a")), Ok(Some("?cursor=a".to_owned())));
        assert_eq!(next(Value::Null), Ok(None));
        let long = format!("?{}", "a".repeat(NEXT_BYTES_MAX));
        for bad in ["", "/payments?cursor=a", "https://elsewhere/?cursor=a", "?a b", "?a#b", "?é", long.as_str()] {
            assert_eq!(next(json!(bad)), Err("next is not a query of the same list".to_owned()), "{bad}");
        }
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
            (with("version", json!(0)), "version must be 1 to"),
            (with("order_id", json!("ord-2")), "a payment belongs to another order"),
        ] {
            let error = parsed(&body).unwrap_err();
            assert!(error.starts_with(reason), "{error}");
        }
        assert!(parse(b"<html>", &"ord-1".parse().unwrap()).is_err());
    }
}
