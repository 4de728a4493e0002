//! Exchange and queue of a RabbitMQ broker, as the relay of the template names them.

use super::HubUrl;
use crate::amqp::{self, Access, AmqpError, QueueKind, Topology};
use crate::template::FunctionSpec;

/// Virtual host of a relay that names none.
const DEFAULT_VIRTUAL_HOST: &str = "/";

/// Opens a connection, to see that the broker answers and takes the credentials.
pub(super) async fn check(url: &HubUrl) -> Result<(), AmqpError> {
    amqp::check(&Access::of(url, DEFAULT_VIRTUAL_HOST)).await
}

/// Declares what is missing of the exchange and the queue that a function publishes to, by its variables
/// `RABBITMQ_EXCHANGE`, `RABBITMQ_QUEUE` and `RABBITMQ_VIRTUAL_HOST`. On AWS the deployer does. Does nothing for other
/// functions.
pub(crate) async fn declare_missing(url: &HubUrl, function: &FunctionSpec, kind: QueueKind) -> Result<(), AmqpError> {
    let variable = |name: &str| function.variables.get(name).cloned();
    let (Some(exchange), Some(queue)) = (variable("RABBITMQ_EXCHANGE"), variable("RABBITMQ_QUEUE")) else {
        return Ok(());
    };
    let virtual_host = variable("RABBITMQ_VIRTUAL_HOST").unwrap_or_else(|| DEFAULT_VIRTUAL_HOST.to_owned());
    Topology { exchange, queue, kind }.declare_missing(&Access::of(url, &virtual_host)).await
}
