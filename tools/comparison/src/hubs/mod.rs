//! Comparison of hubs: the same payments over Kinesis, Kafka and RabbitMQ, as the consumer sees them.
//!
//! Each [`HubSystem`] runs in an environment of its own, whose invocations are [`observed`](Observations): from them come
//! publish lag, delivery lag, repeated and out-of-order deliveries. The projection lag and the recovery from an outage come
//! from Orders' read model.

mod figures;
mod load;
mod observations;
mod report;
mod run;
mod system;

pub use figures::{HubResult, HubSamples, OutageFigures, OutageSample, PhaseSample};
pub use observations::{Deliveries, Observations};
pub use report::HubReport;
pub use run::{HubError, HubProgress, run_hub};
pub use system::{HubPhase, HubSystem};
