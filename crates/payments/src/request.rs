//! What a caller asks for, parsed.

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use payment_events::{Money, OrderId, PaymentId, TraceParent};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{Change, IdempotencyKey, PaymentToken};

/// A request to pay, made by `caller` under `key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentRequest {
    /// Who asks.
    pub caller: Caller,
    /// What the caller calls this payment.
    pub key: IdempotencyKey,
    /// The order to pay for.
    pub order_id: OrderId,
    /// How much.
    pub amount: Money,
    /// With what.
    pub token: PaymentToken,
    /// The trace the request is part of.
    pub trace_parent: Option<TraceParent>,
}

/// Bytes of a hash that an id keeps: 128 bits, so that two never meet by chance.
const ID_HASH_BYTES: usize = 16;

impl PaymentRequest {
    /// The payment this request is for: the same for the same caller and key, so that a retry meets the same item, and
    /// never the same for two callers.
    pub fn payment_id(&self) -> Result<PaymentId, payment_events::InvalidPaymentId> {
        let hash = digest(["payment", &self.caller.0, self.key.as_str()]);
        format!("{}{}", PaymentId::PREFIX, BASE32_NOPAD.encode(&hash[..ID_HASH_BYTES])).parse()
    }

    /// What must not differ between two requests under one key.
    pub fn fingerprint(&self) -> Fingerprint {
        let minor = self.amount.minor().to_string();
        let parts = [self.order_id.as_str(), &minor, self.amount.currency().code(), self.token.expose()];
        Fingerprint(HEXLOWER.encode(&digest(parts)))
    }
}

/// A request to change a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRequest {
    /// Which payment.
    pub payment_id: PaymentId,
    /// What to do with it.
    pub change: Change,
    /// Which request this is: a repeated one has the same key.
    pub key: RequestKey,
    /// The versions it may change; any, where nothing is said.
    pub only_versions: Option<Vec<u64>>,
    /// The trace the request is part of.
    pub trace_parent: Option<TraceParent>,
}

/// Names one request, so that what it did can be told from what others did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey(String);

impl RequestKey {
    /// The name that a caller gives a change of a payment: the same for the same caller, payment and key, and never the
    /// same for two callers.
    pub fn given(caller: &Caller, payment_id: &PaymentId, key: &IdempotencyKey) -> Self {
        let hash = digest(["change", &caller.0, payment_id.as_str(), key.as_str()]);
        Self(BASE32_NOPAD.encode(&hash[..ID_HASH_BYTES]))
    }

    /// A name that no other request has.
    pub fn random() -> Self {
        Self(BASE32_NOPAD.encode(Uuid::new_v4().as_bytes()))
    }

    /// As it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it was stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }
}

/// SHA-256 over the parts, each behind its length, so that no two lists of parts read the same.
fn digest<const N: usize>(parts: [&str; N]) -> [u8; 32] {
    let hash = parts.iter().fold(Sha256::new(), |hash, part| {
        hash.chain_update((part.len() as u64).to_be_bytes()).chain_update(part.as_bytes())
    });
    hash.finalize().into()
}

/// Who asks, as the API's authorizer tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller(String);

impl Caller {
    /// The caller the authorizer names, or the one caller there is where nothing authorizes.
    pub fn named(identity: Option<&str>) -> Self {
        Self(identity.unwrap_or("anonymous").to_owned())
    }
}

/// A hash of what must not differ between two requests under one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// As it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it was stored.
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
    fn one_caller_and_key_make_one_payment_id() {
        let id = |caller, key| request(caller, key).payment_id().unwrap();
        assert_eq!(id("a", "k"), id("a", "k"));
        assert_ne!(id("a", "k"), id("b", "k"));
        assert_ne!(id("a", "k"), id("a", "l"));
        assert_ne!(id("ab", "c"), id("a", "bc"), "the parts must not run into each other");
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
        fn any_key_names_a_payment(key in "[!-~]{1,255}", caller in any::<String>()) {
            prop_assert!(request(&caller, &key).payment_id().is_ok());
        }
    }
}
