//! What a caller asks for, parsed.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use payment_events::{Money, OrderId, PaymentId, TraceParent};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Change;

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
        let hash = digest(["payment", &self.caller.0, &self.key.0]);
        format!("{}{}", PaymentId::PREFIX, BASE32_NOPAD.encode(&hash[..ID_HASH_BYTES])).parse()
    }

    /// What must not differ between two requests under one key.
    pub fn fingerprint(&self) -> Fingerprint {
        let minor = self.amount.minor().to_string();
        let parts = [self.order_id.as_str(), &minor, self.amount.currency().code(), &self.token.0];
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
        let hash = digest(["change", &caller.0, payment_id.as_str(), &key.0]);
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

/// What the caller calls this payment, so that asking again is safe: 1 to [`IdempotencyKey::LENGTH_MAX`] visible ASCII
/// characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// The text is not 1 to 255 visible ASCII characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {} visible ASCII characters", IdempotencyKey::LENGTH_MAX)]
pub struct InvalidIdempotencyKey;

impl IdempotencyKey {
    /// The longest key, in characters.
    pub const LENGTH_MAX: usize = 255;
}

impl FromStr for IdempotencyKey {
    type Err = InvalidIdempotencyKey;

    fn from_str(text: &str) -> Result<Self, InvalidIdempotencyKey> {
        let bounded = (1..=Self::LENGTH_MAX).contains(&text.len());
        if bounded && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidIdempotencyKey)
        }
    }
}

impl JsonSchema for IdempotencyKey {
    fn schema_name() -> Cow<'static, str> {
        "IdempotencyKey".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What the caller calls this request, so that asking again is safe: visible ASCII, such as a UUID.",
            "type": "string",
            "pattern": format!("^[!-~]{{1,{}}}$", Self::LENGTH_MAX),
            "minLength": 1,
            "maxLength": Self::LENGTH_MAX,
            "examples": ["8e03978e-40d5-43e8-bc93-6894a57f9324"],
        })
    }
}

/// What stands for the card: `tok_` and 1 to [`PaymentToken::SUFFIX_LENGTH_MAX`] of `a-z0-9_`. Never a card number.
#[derive(Clone, PartialEq, Eq)]
pub struct PaymentToken(String);

/// The text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a token: tok_ and 1 to {} characters of a-z, 0-9 and _", PaymentToken::SUFFIX_LENGTH_MAX)]
pub struct InvalidToken;

impl PaymentToken {
    /// What every token starts with.
    pub const PREFIX: &'static str = "tok_";
    /// The longest part after `tok_`, in characters.
    pub const SUFFIX_LENGTH_MAX: usize = 60;

    /// The token, for the processor alone: it belongs in no log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for PaymentToken {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        let suffix = text.strip_prefix(Self::PREFIX).ok_or(InvalidToken)?;
        let allowed = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        if (1..=Self::SUFFIX_LENGTH_MAX).contains(&suffix.len()) && suffix.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidToken)
        }
    }
}

impl JsonSchema for PaymentToken {
    fn schema_name() -> Cow<'static, str> {
        "PaymentToken".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What stands for the card. Never a card number.",
            "type": "string",
            "pattern": format!("^{}[a-z0-9_]{{1,{}}}$", Self::PREFIX, Self::SUFFIX_LENGTH_MAX),
            "maxLength": Self::PREFIX.len() + Self::SUFFIX_LENGTH_MAX,
            "examples": ["tok_approve"],
        })
    }
}

impl fmt::Debug for PaymentToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tok_…")
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

    #[test]
    fn idempotency_keys_are_1_to_255_visible_characters() {
        for good in ["a", "8e03978e-40d5-43e8-bc93-6894a57f9324", &"~".repeat(255)] {
            assert!(good.parse::<IdempotencyKey>().is_ok(), "{good:?}");
        }
        for bad in ["", " ", "a b", "é", "a\t", &"x".repeat(256)] {
            assert_eq!(bad.parse::<IdempotencyKey>(), Err(InvalidIdempotencyKey), "{bad:?}");
        }
    }

    #[test]
    fn only_tokens_pass_and_none_shows_in_debug_output() {
        assert!("tok_approve".parse::<PaymentToken>().is_ok());
        for bad in ["", "tok_", "4242424242424242", "TOK_A", "tok_A", "tok_a b", &format!("tok_{}", "a".repeat(61))] {
            assert_eq!(bad.parse::<PaymentToken>(), Err(InvalidToken), "{bad:?}");
        }
        assert!(!format!("{:?}", request("a", "k")).contains("approve"));
    }
}
