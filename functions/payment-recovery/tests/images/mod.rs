//! Records of the change stream.

use payments::{PaymentRecord, Status};
use serde_json::{Value, json};

/// A record of the change stream with the image of a payment, as `payments-aws` stores it.
pub(crate) fn change(sequence_number: usize, record: &PaymentRecord) -> Value {
    let payment = &record.payment;
    let id = json!({"S": payment.payment_id});
    let mut image = json!({
        "payment_id": id,
        "order_id": {"S": payment.order_id},
        "status": {"S": payment.status.to_string()},
        "amount": {"M": {"minor": {"N": payment.amount.minor().to_string()}, "currency": {"S": "EUR"}}},
        "captured_minor": {"N": "0"},
        "refunded_minor": {"N": "0"},
        "version": {"N": payment.version.to_string()},
        "created_at": {"S": payment.created_at},
        "updated_at": {"S": payment.updated_at},
        "request_fingerprint": {"S": record.fingerprint.as_str()},
        "lease_until": {"S": record.lease.until},
        "lease_holder": {"S": record.lease.holder.as_str()},
        "attempt": {"N": record.lease.attempt.to_string()},
        "abandoned": {"BOOL": record.is_abandoned},
        "steps": {"L": []},
    });
    if payment.status != Status::Processing {
        let action = if payment.decline.is_some() { "decline" } else { "authorize" };
        let at = json!({"S": payment.updated_at});
        image["steps"]["L"] = json!([{"M": {"key": {"S": "KEY"}, "action": {"S": action}, "at": at}}]);
    }
    if let Some(decline) = &payment.decline {
        image["decline"] = json!({"M": {"code": {"S": decline.code}, "message": {"S": decline.message}}});
    }
    let changed = json!({"Keys": {"payment_id": id}, "SequenceNumber": sequence_number.to_string(), "NewImage": image});
    json!({"eventName": "MODIFY", "dynamodb": changed})
}
