//! Parsed requests to make or change a payment.

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use payment_events::{Money, OrderId, PaymentId, TraceParent};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{Access, Caller, Change, IdempotencyKey, PaymentToken};

/// Request to make a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentRequest {
    /// Caller of the API.
    pub caller: Caller,
    /// Idempotency key of the request.
    pub key: IdempotencyKey,
    /// Order that the payment is for.
    pub order_id: OrderId,
    /// Amount to authorize.
    pub amount: Money,
    /// Token of the card.
    pub token: PaymentToken,
    /// Trace of the request.
    pub trace_parent: Option<TraceParent>,
}

/// Bytes of the hash that an id keeps: 128 bits, enough to rule out collisions by chance.
const ID_HASH_BYTES: usize = 16;

impl PaymentRequest {
    /// Returns the id of the payment, derived from the caller and the key. A retry finds the same item, and two callers
    /// never share one.
    pub fn payment_id(&self) -> Result<PaymentId, payment_events::InvalidPaymentId> {
        let hash = digest(["payment", self.caller.hashed(), self.key.as_str()]);
        format!("{}{}", PaymentId::PREFIX, BASE32_NOPAD.encode(&hash[..ID_HASH_BYTES])).parse()
    }

    /// Returns a hash of the fields that must not differ between two requests with the same key.
    pub fn fingerprint(&self) -> Fingerprint {
        let minor = self.amount.minor().to_string();
        let parts = [self.order_id.as_str(), &minor, self.amount.currency().code(), self.token.expose()];
        Fingerprint(HEXLOWER.encode(&digest(parts)))
    }
}

/// Request to change a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRequest {
    /// Payment to change.
    pub payment_id: PaymentId,
    /// Change to make.
    pub change: Change,
    /// Payments that the caller may change.
    pub access: Access,
    /// Identifies the request. A retry has the same key.
    pub key: RequestKey,
    /// Versions that the request may change. `None` allows any.
    pub only_versions: Option<Vec<u64>>,
    /// Trace of the request.
    pub trace_parent: Option<TraceParent>,
}

/// Identifies one request, so that its steps can be distinguished from those of other requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey(String);

impl RequestKey {
    /// Derives the key of a change from caller, payment and idempotency key. Two callers never share a key.
    pub fn given(caller: &Caller, payment_id: &PaymentId, key: &IdempotencyKey) -> Self {
        let hash = digest(["change", caller.hashed(), payment_id.as_str(), key.as_str()]);
        Self(BASE32_NOPAD.encode(&hash[..ID_HASH_BYTES]))
    }

    /// Creates a key that no other request has.
    pub fn random() -> Self {
        Self(BASE32_NOPAD.encode(Uuid::new_v4().as_bytes()))
    }

    /// Returns the stored text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Restores a value from its stored text.
    pub fn stored(text: String) -> Self {
        Self(text)
    }
}

/// Returns the SHA-256 of the parts. Each is preceded by its length, so that different lists never hash the same bytes.
fn digest<const N: usize>(parts: [&str; N]) -> [u8; 32] {
    let hash = parts.iter().fold(Sha256::new(), |hash, part| {
        hash.chain_update((part.len() as u64).to_be_bytes()).chain_update(part.as_bytes())
    });
    hash.finalize().into()
}

/// Hash of the fields that must not differ between two requests with the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Returns the stored text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Restores a value from its stored text.
    pub fn stored(text: String) -> Self {
        Self(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(caller: &str, key: &str) -> PaymentRequest {
        PaymentRequest {
            caller: Caller::named(Some(caller)),
            key: key.parse().unwrap(),
            order_id: "ord-1".parse().unwrap(),
            amount: Money::new(1299, "EUR".parse().unwrap()).unwrap(),
            token: "tok_approve".parse().unwrap(),
            trace_parent: None,
        }
    }

    #[test]
    fn the_payment_id_is_determined_by_caller_and_key() {
        let id = |caller, key| request(caller, key).payment_id().unwrap();
        assert_eq!(id("a", "k"), id("a", "k"));
        assert_ne!(id("a", "k"), id("b", "k"));
        assert_ne!(id("a", "k"), id("a", "l"));
        assert_ne!(id("ab", "c"), id("a", "bc"), "the boundary between caller and key counts");
    }

    #[test]
    fn the_fingerprint_covers_the_whole_body() {
        let base = request("a", "k");
        let usd = Money::new(1299, "USD".parse().unwrap()).unwrap();
        let others = [
            PaymentRequest { order_id: "ord-2".parse().unwrap(), ..base.clone() },
            PaymentRequest { amount: usd, ..base.clone() },
            PaymentRequest { token: "tok_slow".parse().unwrap(), ..base.clone() },
        ];
        for other in others {
            assert_ne!(other.fingerprint(), base.fingerprint());
            assert_eq!(other.payment_id(), base.payment_id());
        }
        let same = PaymentRequest { trace_parent: None, ..base.clone() };
        assert_eq!(same.fingerprint(), base.fingerprint());
    }

    proptest! {
        #[test]
        fn every_idempotency_key_yields_a_valid_payment_id(key in "[!-~]{1,255}", caller in any::<String>()) {
            prop_assert!(request(&caller, &key).payment_id().is_ok());
        }
    }
}
