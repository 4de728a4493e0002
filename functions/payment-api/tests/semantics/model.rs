//! Model of the API: what each request answers and changes, written without the code under test.

use std::collections::BTreeMap;

use crate::failing_store::Fault;
use crate::flavours::Answer;
use crate::requests::{ChangeOf, Key, Tags};

/// A payment as of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) status: &'static str,
    pub(crate) captured: i64,
    pub(crate) refunded: i64,
    pub(crate) version: u64,
}

/// Time that a response gives until a retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    NotGiven,
    /// The shortest time.
    Soon,
    /// When the lease has expired.
    Later,
}

/// The parts of a response that the model predicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    status: u64,
    problem: Option<String>,
    is_replayed: bool,
    retry: Retry,
    etag: Option<String>,
    /// Status, captured and refunded amount, and version of the payment.
    payment: Option<(String, i64, i64, u64)>,
    payment_status: Option<String>,
    available: Option<i64>,
}

impl Seen {
    pub(crate) fn of(answer: &Answer) -> Self {
        let text = |name: &str| answer.body[name].as_str().map(str::to_owned);
        let number = |name: &str| answer.body[name].as_i64().unwrap();
        let payment = || {
            let version = answer.body["version"].as_u64()?;
            Some((text("status")?, number("captured_minor"), number("refunded_minor"), version))
        };
        Self {
            status: answer.status,
            problem: answer.problem().map(str::to_owned),
            is_replayed: answer.is_replayed(),
            retry: match answer.header("retry-after") {
                None => Retry::NotGiven,
                Some("1") => Retry::Soon,
                Some(_) => Retry::Later,
            },
            etag: answer.header("etag").map(str::to_owned),
            payment: if answer.problem().is_none() { payment() } else { None },
            payment_status: text("payment_status"),
            available: answer.body["available_minor"].as_i64(),
        }
    }

    fn status(status: u64) -> Self {
        Self {
            status,
            problem: None,
            is_replayed: false,
            retry: Retry::NotGiven,
            etag: None,
            payment: None,
            payment_status: None,
            available: None,
        }
    }

    fn problem(status: u64, problem: &str) -> Self {
        Self { problem: Some(problem.to_owned()), ..Self::status(status) }
    }

    fn retry(status: u64, problem: &str, retry: Retry) -> Self {
        Self { retry, ..Self::problem(status, problem) }
    }

    fn payment(status: u64, state: &State, is_replayed: bool) -> Self {
        let payment = Some((state.status.to_owned(), state.captured, state.refunded, state.version));
        Self { payment, etag: Some(etag(state.version)), is_replayed, ..Self::status(status) }
    }

    fn mismatch(version: u64) -> Self {
        Self { etag: Some(etag(version)), ..Self::problem(412, "version-mismatch") }
    }
}

fn etag(version: u64) -> String {
    format!("\"{version}\"")
}

/// What a key was answered with.
#[derive(Debug, Clone)]
enum Bound {
    Made(State),
    Refused(Seen),
}

/// A payment in the model.
#[derive(Debug)]
pub(crate) struct Payment {
    key: String,
    minor: i64,
    token: &'static str,
    pub(crate) state: State,
    first: Option<State>,
    is_held: bool,
    attempts: u32,
    bound: BTreeMap<String, (ChangeOf, Bound)>,
    pub(crate) is_due: bool,
}

impl Payment {
    pub(crate) fn refusals(&self) -> usize {
        self.bound.values().filter(|(_, bound)| matches!(bound, Bound::Refused(_))).count()
    }
}

/// All payments, in the order in which they were stored.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) payments: Vec<Payment>,
}

impl Model {
    pub(crate) fn expire_leases(&mut self) {
        self.payments.iter_mut().for_each(|payment| payment.is_held = false);
    }

    pub(crate) fn pay(&mut self, key: &Key, minor: i64, token: &'static str, fault: Fault) -> Seen {
        let key = match key {
            Key::Missing => return Seen::problem(400, "idempotency-key-missing"),
            Key::Invalid(_) => return Seen::problem(400, "invalid-request"),
            Key::One(key) => key.clone(),
        };
        let begin = fault.write(1);
        let Some(index) = self.payments.iter().position(|payment| payment.key == key) else {
            if begin.takes_effect {
                let state = State { status: "processing", captured: 0, refunded: 0, version: 0 };
                let (first, bound) = (None, BTreeMap::new());
                let new = Payment { key, minor, token, state, first, is_held: true, attempts: 1, bound, is_due: false };
                self.payments.push(new);
                let new = self.payments.last_mut().unwrap();
                return if begin.succeeds { new.process(2, fault) } else { new.interrupted(2, fault) };
            }
            return unavailable(if fault.write(2).succeeds { Retry::Soon } else { Retry::Later });
        };
        let known = &mut self.payments[index];
        if !begin.succeeds {
            return unavailable(if fault.write(2).succeeds { Retry::Soon } else { Retry::Later });
        }
        if (known.minor, known.token) != (minor, token) {
            return Seen::problem(422, "idempotency-key-reused");
        }
        if let Some(first) = &known.first {
            return Seen::payment(201, first, true);
        }
        if known.is_held {
            return Seen::retry(409, "payment-in-progress", Retry::Soon);
        }
        let takeover = fault.write(2);
        if takeover.takes_effect {
            known.is_held = true;
            known.attempts += 1;
        }
        if takeover.succeeds {
            known.process(3, fault)
        } else {
            // Without effect, there is no lease to release.
            let released = fault.write(3);
            known.is_held &= !released.takes_effect;
            unavailable(if released.succeeds { Retry::Soon } else { Retry::Later })
        }
    }

    pub(crate) fn change(&mut self, index: usize, change: ChangeOf, key: &Key, tags: [Tags; 2], fault: Fault) -> Seen {
        let [only, except] = tags;
        let key = match key {
            Key::Missing if matches!(change, ChangeOf::Refund(_)) => {
                return Seen::problem(400, "idempotency-key-missing");
            }
            Key::Missing => None,
            Key::Invalid(_) => return Seen::problem(400, "invalid-request"),
            Key::One(key) => Some(key),
        };
        if [only, except].contains(&Tags::Malformed) {
            return Seen::problem(400, "invalid-request");
        }
        if fault == Fault::Read {
            return unavailable(Retry::Soon);
        }
        let Some(payment) = self.payments.get_mut(index) else { return Seen::problem(404, "payment-not-found") };
        match key.and_then(|key| payment.bound.get(key)) {
            Some((bound, _)) if *bound != change => return Seen::problem(422, "idempotency-key-reused"),
            Some((_, Bound::Made(state))) => return Seen::payment(200, state, true),
            Some((_, Bound::Refused(refusal))) => return Seen { is_replayed: true, ..refusal.clone() },
            None => {}
        }
        let State { status, version, .. } = payment.state;
        if status == "processing" {
            return Seen::retry(409, "payment-in-progress", Retry::Soon);
        }
        if (only != Tags::Missing && !only.names_current(false)) || except.names_current(true) {
            return Seen::mismatch(version);
        }
        let write = fault.write(1);
        let (bound, answer) = match payment.after(change) {
            Ok(state) => {
                if write.takes_effect {
                    payment.state = state.clone();
                    payment.is_due = !write.succeeds;
                }
                (Bound::Made(state.clone()), Seen::payment(200, &state, false))
            }
            Err(refusal) if key.is_none() => return *refusal,
            Err(refusal) => (Bound::Refused(*refusal.clone()), *refusal),
        };
        if let Some(key) = key.filter(|_| write.takes_effect) {
            payment.bound.insert(key.clone(), (change, bound));
        }
        if write.succeeds { answer } else { unavailable(Retry::Soon) }
    }

    pub(crate) fn read(&self, index: usize, [only, except]: [Tags; 2]) -> Seen {
        if [only, except].contains(&Tags::Malformed) {
            return Seen::problem(400, "invalid-request");
        }
        let Some(payment) = self.payments.get(index) else { return Seen::problem(404, "payment-not-found") };
        let version = payment.state.version;
        if only != Tags::Missing && !only.names_current(false) {
            Seen::mismatch(version)
        } else if except.names_current(true) {
            Seen { etag: Some(etag(version)), ..Seen::status(304) }
        } else {
            Seen::payment(200, &payment.state, false)
        }
    }
}

fn unavailable(retry: Retry) -> Seen {
    Seen::retry(503, "unavailable", retry)
}

impl Payment {
    /// Calls the processor, then stores the decision with write `number`, or releases the lease with it.
    fn process(&mut self, number: u32, fault: Fault) -> Seen {
        if self.token == "tok_fail_once" && self.attempts == 1 {
            let released = self.interrupted(number, fault);
            return Seen { problem: Some("processor-unavailable".to_owned()), ..released };
        }
        let decide = fault.write(number);
        if decide.takes_effect {
            let status = if self.token == "tok_decline_fraud" { "declined" } else { "authorized" };
            self.state = State { status, version: 1, ..self.state.clone() };
            self.first = Some(self.state.clone());
            self.is_due = !decide.succeeds;
        }
        if decide.succeeds { Seen::payment(201, &self.state, false) } else { self.interrupted(number + 1, fault) }
    }

    /// Releases the lease with write `number`.
    fn interrupted(&mut self, number: u32, fault: Fault) -> Seen {
        let release = fault.write(number);
        self.is_held &= !release.takes_effect;
        unavailable(if release.succeeds { Retry::Soon } else { Retry::Later })
    }

    /// Returns the state after a change, or its refusal.
    fn after(&self, change: ChangeOf) -> Result<State, Box<Seen>> {
        let State { status, captured, refunded, version } = self.state;
        let refused = |code, problem, available| {
            Box::new(Seen { payment_status: Some(status.to_owned()), available, ..Seen::problem(code, problem) })
        };
        let illegal = || refused(409, "illegal-transition", None);
        let part = |requested: Option<(i64, &str)>, available| match requested {
            None => Ok(available),
            Some((_, currency)) if currency != "EUR" => Err(refused(422, "currency-mismatch", None)),
            Some((minor, _)) if minor > available => Err(refused(422, "amount-unavailable", Some(available))),
            Some((minor, _)) => Ok(minor),
        };
        let version = version + 1;
        match (status, change) {
            ("authorized", ChangeOf::Capture(requested)) => {
                Ok(State { status: "captured", captured: part(requested, self.minor)?, refunded, version })
            }
            ("authorized", ChangeOf::Void) => Ok(State { status: "voided", captured, refunded, version }),
            ("captured", ChangeOf::Refund(requested)) => {
                let refunded = refunded + part(requested, captured - refunded)?;
                let status = if refunded == captured { "refunded" } else { "captured" };
                Ok(State { status, captured, refunded, version })
            }
            _ => Err(illegal()),
        }
    }
}
