//! Broker, exchange and queue.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::*;
use super::Case;

/// Codes and settings of all conditions that hold, and the findings.
type JointCase = (Vec<(&'static str, &'static str)>, Findings);

fn values(pairs: &Value) -> BTreeMap<String, Value> {
    pairs.as_object().unwrap().clone().into_iter().collect()
}

fn broker() -> RabbitMqFacts {
    RabbitMqFacts {
        version: "4.2.1".to_owned(),
        alarms: Vec::new(),
        exchange: Some(ExchangeFacts { kind: "topic".to_owned(), is_durable: true, ..ExchangeFacts::default() }),
        queue: Some(QueueFacts {
            kind: "quorum".to_owned(),
            state: "running".to_owned(),
            is_durable: true,
            members: Some(3),
            arguments: values(&json!({"x-queue-type": "quorum"})),
            policy: values(&json!({
                "delivery-limit": 1_000_000,
                "dead-letter-exchange": "dead",
                "dead-letter-strategy": "at-least-once",
                "overflow": "reject-publish",
            })),
            ..QueueFacts::default()
        }),
        binding_keys: vec!["#".to_owned()],
        dead_letters_nowhere: None,
    }
}

fn of_broker(change: impl Fn(&mut RabbitMqFacts)) -> Findings {
    let mut facts = broker();
    change(&mut facts);
    rabbitmq(&facts)
}

fn of_exchange(change: impl Fn(&mut ExchangeFacts)) -> Findings {
    of_broker(|facts| change(facts.exchange.as_mut().unwrap()))
}

fn of_queue(change: impl Fn(&mut QueueFacts)) -> Findings {
    of_broker(|facts| change(facts.queue.as_mut().unwrap()))
}

fn with_policy(name: &str, value: &Value) -> Findings {
    of_queue(|queue| _ = queue.policy.insert(name.to_owned(), value.clone()))
}

fn with_argument(name: &str, value: &Value) -> Findings {
    of_queue(|queue| _ = queue.arguments.insert(name.to_owned(), value.clone()))
}

fn without_policy(name: &str) -> Findings {
    of_queue(|queue| _ = queue.policy.remove(name))
}

/// A queue whose limit an argument and a policy set.
fn limits(argument: i64, policy: i64) -> Findings {
    of_queue(|queue| {
        queue.arguments.insert("x-delivery-limit".to_owned(), json!(argument));
        queue.policy.insert("delivery-limit".to_owned(), json!(policy));
    })
}

fn without_limit(version: &str) -> Findings {
    of_broker(|facts| {
        version.clone_into(&mut facts.version);
        facts.queue.as_mut().unwrap().policy.remove("delivery-limit");
    })
}

pub(super) fn cases() -> Vec<Case> {
    [brokers_and_exchanges(), queues(), delivery_limits(), dead_letters()].concat()
}

fn brokers_and_exchanges() -> Vec<Case> {
    let bindings = |keys: &[&str]| {
        let keys: Vec<_> = keys.iter().map(|key| (*key).to_owned()).collect();
        of_broker(move |facts| facts.binding_keys.clone_from(&keys))
    };
    let alarms = || vec!["memory alarm of rabbit@a".to_owned(), "disk alarm of rabbit@b".to_owned()];
    vec![
        ("rabbitmq-version", "version 3.9.29", of_broker(|facts| facts.version = "3.9.29".to_owned())),
        (
            "rabbitmq-alarm",
            "memory alarm of rabbit@a, disk alarm of rabbit@b",
            of_broker(|facts| facts.alarms = alarms()),
        ),
        ("rabbitmq-exchange-missing", "the exchange does not exist", of_broker(|facts| facts.exchange = None)),
        (
            "rabbitmq-exchange-type",
            "exchange of type direct, expected topic",
            of_exchange(|exchange| exchange.kind = "direct".to_owned()),
        ),
        ("rabbitmq-exchange-internal", "the exchange is internal", of_exchange(|exchange| exchange.is_internal = true)),
        (
            "rabbitmq-alternate-exchange",
            "alternate exchange rest",
            of_exchange(|exchange| exchange.alternate_exchange = Some("rest".to_owned())),
        ),
        ("rabbitmq-not-durable", "the exchange is not durable", of_exchange(|exchange| exchange.is_durable = false)),
        (
            "rabbitmq-auto-delete",
            "the exchange is auto-delete",
            of_exchange(|exchange| exchange.is_auto_deleted = true),
        ),
        ("rabbitmq-binding-missing", "no binding from the exchange to the queue", bindings(&[])),
        ("rabbitmq-binding-missing", "bound with ord-1, ord-2, expected #", bindings(&["ord-1", "ord-2"])),
        (
            "rabbitmq-binding-missing",
            "no binding from the exchange to the queue",
            of_broker(|facts| {
                facts.exchange.as_mut().unwrap().kind = "fanout".to_owned();
                facts.binding_keys.clear();
            }),
        ),
    ]
}

fn queues() -> Vec<Case> {
    let in_state = |state: &'static str| of_queue(move |queue| state.clone_into(&mut queue.state));
    let of_kind = |kind: &'static str| of_queue(move |queue| kind.clone_into(&mut queue.kind));
    vec![
        ("rabbitmq-queue-missing", "the queue does not exist", of_broker(|facts| facts.queue = None)),
        ("rabbitmq-queue-down", "state minority", in_state("minority")),
        ("rabbitmq-queue-down", "state down", in_state("down")),
        ("rabbitmq-not-durable", "the queue is not durable", of_queue(|queue| queue.is_durable = false)),
        ("rabbitmq-auto-delete", "the queue is auto-delete", of_queue(|queue| queue.is_auto_deleted = true)),
        ("rabbitmq-auto-delete", "the queue is exclusive to a connection", of_queue(|queue| queue.is_exclusive = true)),
        ("rabbitmq-message-ttl", "message-ttl 60000 ms", with_policy("message-ttl", &json!(60_000))),
        ("rabbitmq-message-ttl", "message-ttl 0 ms", with_argument("x-message-ttl", &json!(0))),
        ("rabbitmq-expires", "expires 60000 ms", with_policy("expires", &json!(60_000))),
        (
            "rabbitmq-max-length-rejects",
            "max-length 1000, overflow reject-publish",
            with_policy("max-length", &json!(1_000)),
        ),
        ("rabbitmq-classic-queue", "classic queue", of_kind("classic")),
        ("rabbitmq-stream", "stream", of_kind("stream")),
        ("rabbitmq-one-member", "one node has the queue", of_queue(|queue| queue.members = Some(1))),
    ]
}

fn delivery_limits() -> Vec<Case> {
    let (low, missing) = ("rabbitmq-delivery-limit", "rabbitmq-delivery-limit-missing");
    let default = "no delivery-limit, which means 20; expected 1000000";
    vec![
        (low, "delivery-limit 20, expected 1000000", with_policy("delivery-limit", &json!(20))),
        (low, "delivery-limit 0, expected 1000000", with_policy("delivery-limit", &json!(0))),
        // The lower one of argument and policy applies.
        (low, "delivery-limit 999999, expected 1000000", limits(999_999, 1_000_000)),
        (low, "delivery-limit 999999, expected 1000000", limits(1_000_000, 999_999)),
        (low, "delivery-limit 0, expected 1000000", limits(0, 1_000_000)),
        (low, "delivery-limit 0, expected 1000000", limits(1_000_000, 0)),
        (low, "delivery-limit 20, expected 1000000", limits(-1, 20)),
        (low, default, without_limit("4.0.0")),
        // An unknown version is taken for a current one.
        (low, default, without_limit("next")),
        (missing, "no delivery-limit, expected 1000000", without_limit("3.13.7")),
        (missing, "delivery-limit -1 (none), expected 1000000", with_policy("delivery-limit", &json!(-1))),
        (missing, "delivery-limit -1 (none), expected 1000000", limits(-1, -1)),
    ]
}

fn dead_letters() -> Vec<Case> {
    let code = "rabbitmq-dead-letter-strategy";
    vec![
        ("rabbitmq-no-dead-letters", "no dead-letter-exchange", without_policy("dead-letter-exchange")),
        // Their strategy does not matter then.
        (
            "rabbitmq-no-dead-letters",
            "no dead-letter-exchange",
            of_queue(|queue| queue.policy.retain(|name, _| name == "delivery-limit")),
        ),
        (
            code,
            "dead-letter-strategy at-most-once with overflow reject-publish, expected at-least-once with reject-publish",
            without_policy("dead-letter-strategy"),
        ),
        (
            code,
            "dead-letter-strategy at-least-once with overflow drop-head, expected at-least-once with reject-publish",
            without_policy("overflow"),
        ),
        // An argument precedes a policy.
        (
            code,
            "dead-letter-strategy at-least-once with overflow drop-head, expected at-least-once with reject-publish",
            with_argument("x-overflow", &json!("drop-head")),
        ),
        (
            "rabbitmq-dead-letters-nowhere",
            "no exchange \"dead\" for dead letters",
            of_broker(|facts| facts.dead_letters_nowhere = Some("no exchange \"dead\" for dead letters".to_owned())),
        ),
    ]
}

/// Settings that several conditions follow from.
pub(super) fn joint_cases() -> Vec<JointCase> {
    let strategy =
        "dead-letter-strategy at-least-once with overflow drop-head, expected at-least-once with reject-publish";
    let dropping = of_queue(|queue| {
        queue.policy.remove("overflow");
        queue.policy.insert("max-length-bytes".to_owned(), json!(1_000));
    });
    let priorities = of_queue(|queue| {
        queue.kind = "classic".to_owned();
        queue.arguments.insert("x-max-priority".to_owned(), json!(5));
    });
    // A value for classic queues, which also sends refused messages to the dead-letter exchange.
    let refusing = of_queue(|queue| {
        queue.kind = "classic".to_owned();
        queue.policy.insert("overflow".to_owned(), json!("reject-publish-dlx"));
        queue.policy.insert("max-length".to_owned(), json!(0));
    });
    vec![
        (
            vec![
                ("rabbitmq-max-length-rejects", "max-length 0, overflow reject-publish-dlx"),
                ("rabbitmq-classic-queue", "classic queue"),
            ],
            refusing,
        ),
        (
            vec![
                ("rabbitmq-max-length", "max-length-bytes 1000, overflow drop-head"),
                ("rabbitmq-dead-letter-strategy", strategy),
            ],
            dropping,
        ),
        (vec![("rabbitmq-classic-queue", "classic queue"), ("rabbitmq-priorities", "max-priority 5")], priorities),
        (
            vec![
                ("rabbitmq-exchange-missing", "the exchange does not exist"),
                ("rabbitmq-queue-missing", "the queue does not exist"),
            ],
            of_broker(|facts| (facts.exchange, facts.queue) = (None, None)),
        ),
    ]
}

#[test]
fn a_sound_queue_has_no_findings() {
    assert_eq!(rabbitmq(&broker()), Findings::default());
    let fanout = of_broker(|facts| {
        facts.exchange.as_mut().unwrap().kind = "fanout".to_owned();
        facts.binding_keys = vec![String::new()];
    });
    assert_eq!(fanout, Findings::default());
    for version in ["3.10.0", "3.13.7", "4.0.0", "next"] {
        assert_eq!(of_broker(|facts| version.clone_into(&mut facts.version)), Findings::default(), "{version}");
    }
    // A broker reports no state of an exclusive or a new queue. `flow` slows publishers down.
    for state in ["", "running", "idle", "flow"] {
        assert_eq!(of_queue(|queue| state.clone_into(&mut queue.state)), Findings::default(), "{state}");
    }
    for members in [None, Some(2)] {
        assert_eq!(of_queue(|queue| queue.members = members), Findings::default());
    }
    let bound_twice = of_broker(|facts| facts.binding_keys = vec!["ord-1".to_owned(), "#".to_owned()]);
    assert_eq!(bound_twice, Findings::default());
    assert_eq!(with_argument("x-delivery-limit", &json!(2_000_000)), Findings::default());
    // A negative limit is none: the other one applies.
    assert_eq!(limits(-1, 1_000_000), Findings::default());
    assert_eq!(limits(2_000_000, -1), Findings::default());
}

/// Delivery limit, dead letters and members are settings of quorum queues.
#[test]
fn a_classic_queue_and_a_stream_are_findings_alone() {
    for (kind, code) in [("classic", "rabbitmq-classic-queue"), ("stream", "rabbitmq-stream")] {
        let findings = of_queue(|queue| {
            kind.clone_into(&mut queue.kind);
            queue.policy.clear();
            queue.members = Some(1);
        });
        assert_eq!(findings.codes(), [code]);
    }
}
