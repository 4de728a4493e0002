//! AMQP 0-9-1 as RabbitMQ speaks it: frames for the fault proxy, and a consumer for event source mappings.
//!
//! The consumer is our own, because `amqprs` breaks the connection on a message whose header is not UTF-8. RabbitMQ
//! would deliver that message again on every new connection, and Lambda's mapping delivers it like any other.

mod connection;
mod consumer;
mod fields;
mod frame;
mod operations;
#[cfg(test)]
pub(crate) mod publish;
mod topology;

pub(crate) use connection::{Access, AmqpError};
pub(crate) use consumer::{Consumer, ConsumerBounds, ConsumerEvent, Delivery};
pub(crate) use fields::{Fields, Table, Value};
pub(crate) use frame::{FRAME_END, FrameHeader, FrameKind, Method, PROTOCOL_HEADER};
pub(crate) use operations::{operation_of, operations};
pub use topology::QueueKind;
#[cfg(test)]
pub(crate) use topology::declare_quorum_queue;
pub(crate) use topology::{Topology, check};
