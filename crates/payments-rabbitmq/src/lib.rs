//! RabbitMQ adapter of Payments: publishes events to a topic exchange, over AMQP 0-9-1.
//!
//! The routing key is the order id. Messages are persistent and mandatory, and one counts as published when the broker has
//! confirmed it and not returned it. At most one message of a key is unconfirmed, so that a lost connection or a negative
//! confirm reorders nothing; different keys are sent at once. The exchange and Orders' queue must exist: the publisher
//! looks for them when it connects and creates nothing.
//!
//! Source: <https://www.rabbitmq.com/docs/confirms> and <https://www.rabbitmq.com/docs/publishers>.
//!
//! | module | |
//! |---|---|
//! | `publisher` | [`RabbitMqPublisher`]: keeps a connection, sends batches, connects again |
//! | `batch`, `lanes` | results of a batch, and the order in which its messages are sent |
//! | `session` | one connection, on a thread of its own |
//! | `opening`, `signals`, `confirms` | steps of connecting, callbacks of amqprs, and confirms matched with messages |
//!
//! amqprs has no way to end a connection that the broker does not answer on, and a broker that blocks publishers does not
//! answer. So each connection has a runtime of its own, and ends with it (docs/adr/0031).

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod batch;
mod confirms;
mod error;
mod lanes;
mod message;
mod opening;
mod publisher;
mod session;
mod settings;
mod signals;

pub use error::{BrokerError, Cause};
pub use message::{Message, UnsendableMessage};
pub use publisher::RabbitMqPublisher;
pub use settings::{AmqpName, BrokerAddress, InvalidAddress, InvalidName, Settings};
