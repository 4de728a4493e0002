//! The same orders through both ways to talk, side by side: what does a team gain, and pay, when Orders holds its own copy
//! of payment info instead of asking Payments?
//!
//! Per scenario one system is started, orders come at a fixed rate through both modes in turns, whatever becomes of those
//! before them ([`open_loop`]), things go wrong ([`Scenario`]), and once all is over every order is read again and held
//! against what its payment makes of it ([`measure`]). [`Report`] has all that was measured, and writes itself as a table,
//! JSON, Markdown and plots.

mod act;
mod api;
mod costs;
mod disturb;
mod mark;
mod measure;
mod mode;
mod observe;
pub mod open_loop;
mod plan;
pub mod plot_style;
mod report;
mod run;
mod scenario;
mod timeline;

pub use costs::{Costs, PerOrder};
pub use disturb::DisturbError;
pub use measure::{Ended, InfoUsed, Latency, Measured, Share};
pub use mode::Mode;
pub use report::{Comparison, Machine, Report, ReportError, Skipped};
pub use run::{Plan, Progress, RunError, Stopper, run_costs, run_scenario};
pub use scenario::{Extent, Scenario};
pub use timeline::{Point, Timeline};
