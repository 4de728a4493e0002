//! Conditions of `RabbitMQ`.

use super::super::Condition;
use super::super::Effect::{Loses, Reorders, Stops};

pub(super) const VERSION: Condition = Condition {
    code: "rabbitmq-version",
    effect: Loses,
    consequence: "Quorum queues of this version cannot dead-letter without loss.",
    remedy: "Upgrade the broker to 3.13 or later.",
};
pub(super) const ALARM: Condition = Condition {
    code: "rabbitmq-alarm",
    effect: Stops,
    consequence: "The broker blocks every publisher.",
    remedy: "Free memory or disk of the node: read the queues that grow, or use a larger instance.",
};
pub(super) const EXCHANGE_MISSING: Condition = Condition {
    code: "rabbitmq-exchange-missing",
    effect: Stops,
    consequence: "Nothing is published.",
    remedy: "Create the durable topic exchange and its bindings as docs/deploying.md says.",
};
pub(super) const EXCHANGE_TYPE: Condition = Condition {
    code: "rabbitmq-exchange-type",
    effect: Stops,
    consequence: "The binding with # routes nothing, so every event is returned.",
    remedy: "Create the exchange again with type topic, and its bindings.",
};
pub(super) const EXCHANGE_INTERNAL: Condition = Condition {
    code: "rabbitmq-exchange-internal",
    effect: Stops,
    consequence: "The broker refuses what the relay publishes.",
    remedy: "Create the exchange again without internal, and its bindings.",
};
pub(super) const ALTERNATE_EXCHANGE: Condition = Condition {
    code: "rabbitmq-alternate-exchange",
    effect: Loses,
    consequence: "An event that reaches no queue goes there and is confirmed, so the relay takes it for published.",
    remedy: "Remove the alternate exchange: from the policy, or by creating the exchange again.",
};
pub(super) const QUEUE_MISSING: Condition = Condition {
    code: "rabbitmq-queue-missing",
    effect: Loses,
    consequence: "Orders gets nothing. Events that another queue takes are confirmed.",
    remedy: "Create the quorum queue and its binding as docs/deploying.md says, and run `paystream reconcile`.",
};
pub(super) const QUEUE_DOWN: Condition = Condition {
    code: "rabbitmq-queue-down",
    effect: Stops,
    consequence: "Most or all nodes of the queue are down: it accepts and delivers nothing.",
    remedy: "Bring the nodes of the queue back.",
};
pub(super) const NOT_DURABLE: Condition = Condition {
    code: "rabbitmq-not-durable",
    effect: Loses,
    consequence: "A restart of the broker deletes it, with its messages and bindings.",
    remedy: "Create it again as durable, and run `paystream reconcile`.",
};
pub(super) const AUTO_DELETED: Condition = Condition {
    code: "rabbitmq-auto-delete",
    effect: Loses,
    consequence: "It is deleted, with its messages, when the last consumer, binding or connection goes.",
    remedy: "Create it again without auto-delete and exclusive, and run `paystream reconcile`.",
};
pub(super) const MESSAGE_TTL: Condition = Condition {
    code: "rabbitmq-message-ttl",
    effect: Loses,
    consequence: "The broker drops or dead-letters messages that Orders has not read in time.",
    remedy: "Remove message-ttl from policies and arguments.",
};
pub(super) const EXPIRES: Condition = Condition {
    code: "rabbitmq-expires",
    effect: Loses,
    consequence: "The broker deletes the queue after this time without consumers.",
    remedy: "Remove expires from policies and arguments.",
};
pub(super) const MAX_LENGTH_DROPS: Condition = Condition {
    code: "rabbitmq-max-length",
    effect: Loses,
    consequence: "The broker drops the oldest messages at this length.",
    remedy: "Remove max-length and max-length-bytes, or set overflow to reject-publish.",
};
pub(super) const MAX_LENGTH: Condition = Condition {
    code: "rabbitmq-max-length-rejects",
    effect: Stops,
    consequence: "The broker refuses events at this length, also for other subscribers, until Orders has read some.",
    remedy: "Remove max-length and max-length-bytes, or let them bound hours of payments.",
};
pub(super) const BINDING: Condition = Condition {
    code: "rabbitmq-binding-missing",
    effect: Loses,
    consequence: "Events do not reach Orders. Those that another queue takes are confirmed.",
    remedy: "Bind the queue to the exchange with the key #, and run `paystream reconcile`.",
};
pub(super) const CLASSIC: Condition = Condition {
    code: "rabbitmq-classic-queue",
    effect: Loses,
    consequence: "One node has the messages: they are lost with its disk, and not delivered while it is down.",
    remedy: "Create a quorum queue in its place (docs/operating.md, change the hub), with the delivery limit.",
};
pub(super) const STREAM: Condition = Condition {
    code: "rabbitmq-stream",
    effect: Stops,
    consequence: "Lambda cannot read a stream.",
    remedy: "Create a quorum queue in its place.",
};
pub(super) const PRIORITIES: Condition = Condition {
    code: "rabbitmq-priorities",
    effect: Reorders,
    consequence: "Messages with a priority pass those without one.",
    remedy: "Create the queue again without x-max-priority.",
};
pub(super) const ONE_MEMBER: Condition = Condition {
    code: "rabbitmq-one-member",
    effect: Loses,
    consequence: "Confirmed messages are lost with the disk of one node, and nothing is published while it is down.",
    remedy: "Use a cluster, and add members to the queue: `rabbitmq-queues grow NODE all`.",
};
pub(super) const DELIVERY_LIMIT: Condition = Condition {
    code: "rabbitmq-delivery-limit",
    effect: Loses,
    consequence: "A failed invocation returns the whole batch: an outage of a few minutes uses the limit up, and the messages leave the queue.",
    remedy: "Set delivery-limit to 1000000 by a policy; remove a lower x-delivery-limit by creating the queue again.",
};
pub(super) const LIMIT_MISSING: Condition = Condition {
    code: "rabbitmq-delivery-limit-missing",
    effect: Reorders,
    consequence: "Returned messages go to the back of the queue.",
    remedy: "Set delivery-limit to 1000000 by a policy.",
};
pub(super) const NO_DEAD_LETTERS: Condition = Condition {
    code: "rabbitmq-no-dead-letters",
    effect: Loses,
    consequence: "The broker deletes a message that reaches the delivery limit.",
    remedy: "Set dead-letter-exchange by a policy, and bind a queue to that exchange.",
};
pub(super) const DEAD_LETTER_STRATEGY: Condition = Condition {
    code: "rabbitmq-dead-letter-strategy",
    effect: Loses,
    consequence: "The broker deletes a message before the dead-letter queue has it.",
    remedy: "Set dead-letter-strategy to at-least-once and overflow to reject-publish by the same policy.",
};
pub(super) const DEAD_LETTERS_NOWHERE: Condition = Condition {
    code: "rabbitmq-dead-letters-nowhere",
    effect: Stops,
    consequence: "Dead-lettered messages stay in memory and on disk until they can be routed.",
    remedy: "Create the dead-letter exchange, and bind a durable queue to it.",
};

/// Conditions of a broker, an exchange and a queue.
pub(in super::super) const CONDITIONS: [&Condition; 24] = [
    &VERSION,
    &ALARM,
    &EXCHANGE_MISSING,
    &EXCHANGE_TYPE,
    &EXCHANGE_INTERNAL,
    &ALTERNATE_EXCHANGE,
    &QUEUE_MISSING,
    &QUEUE_DOWN,
    &NOT_DURABLE,
    &AUTO_DELETED,
    &MESSAGE_TTL,
    &EXPIRES,
    &MAX_LENGTH_DROPS,
    &MAX_LENGTH,
    &BINDING,
    &CLASSIC,
    &STREAM,
    &PRIORITIES,
    &ONE_MEMBER,
    &DELIVERY_LIMIT,
    &LIMIT_MISSING,
    &NO_DEAD_LETTERS,
    &DEAD_LETTER_STRATEGY,
    &DEAD_LETTERS_NOWHERE,
];
