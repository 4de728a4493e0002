//! Kafka mappings, over a real broker. Each test has a topic of its own.

mod delivery;
mod failures;
mod positions;
mod raw;
mod topic;
mod transactions;
