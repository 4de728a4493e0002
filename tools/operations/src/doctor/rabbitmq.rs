//! Checks of a `RabbitMQ` queue and its exchange.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Findings;

mod conditions;

pub(super) use conditions::CONDITIONS;
use conditions::{
    ALARM, ALTERNATE_EXCHANGE, AUTO_DELETED, BINDING, CLASSIC, DEAD_LETTER_STRATEGY, DEAD_LETTERS_NOWHERE,
    DELIVERY_LIMIT, EXCHANGE_INTERNAL, EXCHANGE_MISSING, EXCHANGE_TYPE, EXPIRES, LIMIT_MISSING, MAX_LENGTH,
    MAX_LENGTH_DROPS, MESSAGE_TTL, NO_DEAD_LETTERS, NOT_DURABLE, ONE_MEMBER, PRIORITIES, QUEUE_DOWN, QUEUE_MISSING,
    STREAM, VERSION,
};

/// Delivery limit that no outage reaches: 1,000,000 deliveries.
const DELIVERY_LIMIT_MIN: i64 = 1_000_000;
/// Delivery limit of quorum queues from `RabbitMQ` 4.0 on (<https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling>).
const DELIVERY_LIMIT_DEFAULT: i64 = 20;
/// First version with dead-lettering `at-least-once`.
const VERSION_MIN: (u32, u32) = (3, 10);

/// State of a broker, as far as payments depend on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RabbitMqFacts {
    /// `rabbitmq_version`.
    pub version: String,
    /// Alarms that block publishers, each with its node.
    pub alarms: Vec<String>,
    /// Exchange of payments; `None` if it does not exist.
    pub exchange: Option<ExchangeFacts>,
    /// Orders' queue; `None` if it does not exist.
    pub queue: Option<QueueFacts>,
    /// Keys of the bindings from the exchange to the queue.
    pub binding_keys: Vec<String>,
    /// Reason why dead-lettered messages reach no queue; `None` if they reach one.
    pub dead_letters_nowhere: Option<String>,
}

/// Settings of an exchange.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExchangeFacts {
    /// Type: `topic`, `fanout`, …
    pub kind: String,
    /// True if it outlives the broker.
    pub is_durable: bool,
    /// True if it is deleted with its last binding.
    pub is_auto_deleted: bool,
    /// True if clients cannot publish to it.
    pub is_internal: bool,
    /// Alternate exchange, from its arguments or policies.
    pub alternate_exchange: Option<String>,
}

/// Settings of a queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueFacts {
    /// Type: `quorum`, `classic` or `stream`.
    pub kind: String,
    /// State: `running`, `minority`, `down`, …
    pub state: String,
    /// True if it outlives the broker.
    pub is_durable: bool,
    /// True if it is deleted with its last consumer.
    pub is_auto_deleted: bool,
    /// True if it is deleted with the connection that declared it.
    pub is_exclusive: bool,
    /// Number of nodes that have it; `None` if the broker does not say.
    pub members: Option<usize>,
    /// Arguments of its declaration: `x-delivery-limit`, …
    pub arguments: BTreeMap<String, Value>,
    /// Effective policy and operator policy: `delivery-limit`, …
    pub policy: BTreeMap<String, Value>,
}

impl QueueFacts {
    /// Returns a number that both an argument and a policy may set. The lower one applies. A negative delivery limit means
    /// no limit.
    fn number(&self, name: &str) -> Option<i64> {
        let argument = self.arguments.get(&format!("x-{name}")).and_then(Value::as_i64);
        let policy = self.policy.get(name).and_then(Value::as_i64);
        match (argument, policy) {
            (Some(argument), Some(policy)) if argument < 0 || policy < 0 => Some(argument.max(policy)),
            (Some(argument), Some(policy)) => Some(argument.min(policy)),
            (argument, policy) => argument.or(policy),
        }
    }

    /// Returns a text that both an argument and a policy may set. The argument applies.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let argument = self.arguments.get(&format!("x-{name}"));
        argument.or_else(|| self.policy.get(name)).and_then(Value::as_str)
    }
}

/// Checks exchange and queue.
pub fn rabbitmq(facts: &RabbitMqFacts) -> Findings {
    let mut findings = Findings::default();
    let version = version_of(&facts.version);
    findings.add_if(version.is_some_and(|version| version < VERSION_MIN), &VERSION, || {
        format!("version {}", facts.version)
    });
    findings.add_if(!facts.alarms.is_empty(), &ALARM, || facts.alarms.join(", "));
    exchange(&mut findings, facts.exchange.as_ref());
    let Some(queue) = &facts.queue else {
        findings.add(&QUEUE_MISSING, "the queue does not exist");
        return findings;
    };
    lifetime(&mut findings, queue);
    kind(&mut findings, facts, queue, version);
    if let Some(exchange) = &facts.exchange {
        let is_bound = match exchange.kind.as_str() {
            "fanout" => !facts.binding_keys.is_empty(),
            _ => facts.binding_keys.iter().any(|key| key == "#"),
        };
        findings.add_if(!is_bound, &BINDING, || match facts.binding_keys.as_slice() {
            [] => "no binding from the exchange to the queue".to_owned(),
            keys => format!("bound with {}, expected #", keys.join(", ")),
        });
    }
    findings
}

fn exchange(findings: &mut Findings, exchange: Option<&ExchangeFacts>) {
    let Some(exchange) = exchange else {
        findings.add(&EXCHANGE_MISSING, "the exchange does not exist");
        return;
    };
    let routes = matches!(exchange.kind.as_str(), "topic" | "fanout");
    findings.add_if(!routes, &EXCHANGE_TYPE, || format!("exchange of type {}, expected topic", exchange.kind));
    findings.add_if(!exchange.is_durable, &NOT_DURABLE, || "the exchange is not durable".to_owned());
    findings.add_if(exchange.is_auto_deleted, &AUTO_DELETED, || "the exchange is auto-delete".to_owned());
    findings.add_if(exchange.is_internal, &EXCHANGE_INTERNAL, || "the exchange is internal".to_owned());
    if let Some(alternate) = &exchange.alternate_exchange {
        findings.add(&ALTERNATE_EXCHANGE, format!("alternate exchange {alternate}"));
    }
}

/// Checks what deletes the queue or its messages.
fn lifetime(findings: &mut Findings, queue: &QueueFacts) {
    // A queue in the state `flow` slows its publishers down, and delivers.
    let is_running = matches!(queue.state.as_str(), "" | "running" | "idle" | "flow");
    findings.add_if(!is_running, &QUEUE_DOWN, || format!("state {}", queue.state));
    findings.add_if(!queue.is_durable, &NOT_DURABLE, || "the queue is not durable".to_owned());
    findings.add_if(queue.is_auto_deleted, &AUTO_DELETED, || "the queue is auto-delete".to_owned());
    findings.add_if(queue.is_exclusive, &AUTO_DELETED, || "the queue is exclusive to a connection".to_owned());
    if let Some(ttl) = queue.number("message-ttl") {
        findings.add(&MESSAGE_TTL, format!("message-ttl {ttl} ms"));
    }
    if let Some(expires) = queue.number("expires") {
        findings.add(&EXPIRES, format!("expires {expires} ms"));
    }
    let rejects = queue.text("overflow").is_some_and(|overflow| overflow.starts_with("reject-publish"));
    for name in ["max-length", "max-length-bytes"] {
        if let Some(most) = queue.number(name) {
            let condition = if rejects { &MAX_LENGTH } else { &MAX_LENGTH_DROPS };
            findings
                .add(condition, format!("{name} {most}, overflow {}", queue.text("overflow").unwrap_or("drop-head")));
        }
    }
}

fn kind(findings: &mut Findings, facts: &RabbitMqFacts, queue: &QueueFacts, version: Option<(u32, u32)>) {
    match queue.kind.as_str() {
        "classic" => {
            findings.add(&CLASSIC, "classic queue");
            if let Some(priorities) = queue.number("max-priority") {
                findings.add(&PRIORITIES, format!("max-priority {priorities}"));
            }
        }
        "stream" => findings.add(&STREAM, "stream"),
        _ => {
            findings.add_if(queue.members == Some(1), &ONE_MEMBER, || "one node has the queue".to_owned());
            deliveries(findings, facts, queue, version);
        }
    }
}

/// Checks what becomes of a message that comes back.
fn deliveries(findings: &mut Findings, facts: &RabbitMqFacts, queue: &QueueFacts, version: Option<(u32, u32)>) {
    // An unknown version is taken for a current one.
    let has_default = version.is_none_or(|(major, _)| major >= 4);
    match queue.number("delivery-limit") {
        None if has_default => findings.add(
            &DELIVERY_LIMIT,
            format!("no delivery-limit, which means {DELIVERY_LIMIT_DEFAULT}; expected {DELIVERY_LIMIT_MIN}"),
        ),
        None => findings.add(&LIMIT_MISSING, format!("no delivery-limit, expected {DELIVERY_LIMIT_MIN}")),
        Some(limit) if limit < 0 => {
            findings.add(&LIMIT_MISSING, format!("delivery-limit {limit} (none), expected {DELIVERY_LIMIT_MIN}"));
        }
        Some(limit) => findings.add_if(limit < DELIVERY_LIMIT_MIN, &DELIVERY_LIMIT, || {
            format!("delivery-limit {limit}, expected {DELIVERY_LIMIT_MIN}")
        }),
    }
    if queue.text("dead-letter-exchange").is_none() {
        findings.add(&NO_DEAD_LETTERS, "no dead-letter-exchange");
        return;
    }
    let strategy = queue.text("dead-letter-strategy").unwrap_or("at-most-once");
    let overflow = queue.text("overflow").unwrap_or("drop-head");
    findings.add_if(strategy != "at-least-once" || overflow != "reject-publish", &DEAD_LETTER_STRATEGY, || {
        format!("dead-letter-strategy {strategy} with overflow {overflow}, expected at-least-once with reject-publish")
    });
    if let Some(reason) = &facts.dead_letters_nowhere {
        findings.add(&DEAD_LETTERS_NOWHERE, reason.clone());
    }
}

/// Returns major and minor version.
fn version_of(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}
