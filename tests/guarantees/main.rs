//! The guarantees of docs/guarantees.md under faults: crashed processes, lost responses and service outages. The whole
//! system runs as deployed, and faults are injected between its parts.
#![allow(missing_docs, clippy::unwrap_used)]

mod calls;
mod cold_starts;
mod crashes;
mod dead_letters;
mod hub_outages;
mod incomplete_orders;
mod lost_answers;
mod movements;
mod outages;
mod schedules;
mod settlement_units;
mod undecided;
mod units;
mod versions;
