//! Charges by idempotency key, and a log of all movements.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Maximum number of movements. Further authorizations are refused.
const ENTRIES_MAX: usize = 1_000_000;
/// Prefix of tokens that are declined; the rest is the code.
const DECLINED: &str = "tok_decline_";

/// An authorization, as requested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Amount in minor units.
    pub amount_minor: i64,
    /// Currency code.
    pub currency: String,
    /// Token of the card.
    pub token: String,
}

/// A movement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Idempotency key; `None` for an authorization without one.
    pub key: Option<String>,
    /// Movement under the key.
    pub event: Event,
    /// Amount in minor units; 0 for a key that was void before its authorization.
    pub amount_minor: i64,
}

/// Kind of a movement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The amount was held.
    Held,
    /// The authorization was declined.
    Declined,
    /// The hold was released.
    Released,
    /// The key became void.
    Voided,
}

/// State of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Approved,
    Declined,
    /// Decided as the token says after a lookup.
    Pending,
    Voided,
}

/// Charges of the stub. A stub that restarts with its ledger knows them still.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    keys: BTreeMap<String, (State, Option<Charge>)>,
    log: Vec<Entry>,
}

/// Status and body of a response.
pub(crate) type Answer = (u16, Value);

impl Ledger {
    /// Returns all movements, oldest first.
    pub fn log(&self) -> &[Entry] {
        &self.log
    }

    /// Returns how often an amount was held under a key.
    pub fn holds(&self, key: &str) -> usize {
        self.log.iter().filter(|entry| entry.key.as_deref() == Some(key) && entry.event == Event::Held).count()
    }

    /// Returns the amount that is held under a key, in minor units.
    pub fn held_minor(&self, key: &str) -> i64 {
        let of_key = self.log.iter().filter(|entry| entry.key.as_deref() == Some(key));
        let signed = of_key.map(|entry| match entry.event {
            Event::Held => entry.amount_minor,
            Event::Released => -entry.amount_minor,
            Event::Declined | Event::Voided => 0,
        });
        signed.sum()
    }

    pub(crate) fn authorize(&mut self, key: Option<&str>, charge: Charge, is_pending: bool) -> Answer {
        let Some(key) = key else { return self.decide(None, &charge) };
        match self.keys.get(key) {
            Some((_, Some(known))) if *known != charge => (422, json!({"error": "key_reused"})),
            Some(_) => self.look_up(key),
            None if is_pending => {
                self.keys.insert(key.to_owned(), (State::Pending, Some(charge)));
                (201, json!({"status": "pending"}))
            }
            None => self.decide(Some(key), &charge),
        }
    }

    fn decide(&mut self, key: Option<&str>, charge: &Charge) -> Answer {
        if self.log.len() >= ENTRIES_MAX {
            return (507, json!({"error": "the ledger is full; restart the stub"}));
        }
        let is_declined = charge.token.starts_with(DECLINED);
        let (state, event) =
            if is_declined { (State::Declined, Event::Declined) } else { (State::Approved, Event::Held) };
        self.add(key, event, charge.amount_minor);
        let answer = (201, body(&state, Some(charge)));
        if let Some(key) = key {
            self.keys.insert(key.to_owned(), (state, Some(charge.clone())));
        }
        answer
    }

    pub(crate) fn look_up(&mut self, key: &str) -> Answer {
        let Some((state, charge)) = self.keys.get(key).cloned() else {
            return (404, json!({"error": "unknown_key"}));
        };
        let answer = (200, body(&state, charge.as_ref()));
        if let (State::Pending, Some(charge)) = (state, charge) {
            self.decide(Some(key), &charge);
        }
        answer
    }

    pub(crate) fn void(&mut self, key: &str) -> Answer {
        let (state, charge) = self.keys.get(key).cloned().unwrap_or((State::Declined, None));
        let amount_minor = charge.as_ref().map_or(0, |charge| charge.amount_minor);
        if state == State::Approved {
            self.add(Some(key), Event::Released, amount_minor);
        }
        if state != State::Voided {
            self.add(Some(key), Event::Voided, amount_minor);
            self.keys.insert(key.to_owned(), (State::Voided, charge));
        }
        (200, body(&State::Voided, None))
    }

    /// Releases the charge of a key, and forgets the key.
    pub(crate) fn forget(&mut self, key: &str) {
        if let Some((State::Approved, Some(charge))) = self.keys.remove(key) {
            self.add(Some(key), Event::Released, charge.amount_minor);
        }
    }

    fn add(&mut self, key: Option<&str>, event: Event, amount_minor: i64) {
        self.log.push(Entry { key: key.map(str::to_owned), event, amount_minor });
    }
}

fn body(state: &State, charge: Option<&Charge>) -> Value {
    match state {
        State::Approved => json!({"status": "approved"}),
        State::Pending => json!({"status": "pending"}),
        State::Voided => json!({"status": "voided"}),
        State::Declined => {
            let code = charge.and_then(|charge| charge.token.strip_prefix(DECLINED)).unwrap_or("declined");
            json!({"status": "declined", "decline": {"code": code, "message": format!("Declined: {code}.")}})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charge(token: &str) -> Charge {
        Charge { amount_minor: 1_299, currency: "EUR".to_owned(), token: token.to_owned() }
    }

    fn status(answer: &Answer) -> &str {
        answer.1["status"].as_str().unwrap()
    }

    #[test]
    fn a_key_is_charged_once_and_an_authorization_without_a_key_each_time() {
        let mut ledger = Ledger::default();
        for key in [Some("a"), Some("a"), None, None] {
            assert_eq!(status(&ledger.authorize(key, charge("tok_x"), false)), "approved");
        }
        assert_eq!((ledger.holds("a"), ledger.held_minor("a"), ledger.log().len()), (1, 1_299, 3));
        assert_eq!(ledger.authorize(Some("a"), charge("tok_y"), false).0, 422, "the key has another charge");
    }

    #[test]
    fn a_void_key_holds_nothing_and_stays_void() {
        let mut ledger = Ledger::default();
        ledger.authorize(Some("taken"), charge("tok_x"), false);
        for key in ["taken", "free", "taken"] {
            assert_eq!(ledger.void(key), (200, json!({"status": "voided"})));
        }
        for key in ["taken", "free"] {
            assert_eq!(status(&ledger.authorize(Some(key), charge("tok_x"), false)), "voided");
            assert_eq!(ledger.held_minor(key), 0);
        }
    }

    #[test]
    fn a_pending_authorization_is_decided_after_a_lookup() {
        let mut ledger = Ledger::default();
        assert_eq!(status(&ledger.authorize(Some("a"), charge("tok_decline_fraud"), true)), "pending");
        assert_eq!(status(&ledger.look_up("a")), "pending");
        assert_eq!(ledger.look_up("a").1["decline"]["code"], "fraud");
    }

    #[test]
    fn a_forgotten_key_is_unknown_and_holds_nothing() {
        let mut ledger = Ledger::default();
        ledger.authorize(Some("a"), charge("tok_x"), false);
        ledger.forget("a");
        assert_eq!((ledger.look_up("a").0, ledger.held_minor("a")), (404, 0));
    }
}
