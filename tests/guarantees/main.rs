//! The guarantees of docs/guarantees.md, while things go wrong: processes die, answers are lost, services are away. The
//! whole system runs as it deploys, and the faults happen on the way between its parts.
#![allow(missing_docs, clippy::unwrap_used)]

mod calls;
mod cold_starts;
mod crashes;
mod lost_answers;
mod outages;
mod schedules;
mod units;
