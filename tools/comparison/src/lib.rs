//! The same orders through both ways to talk, side by side: what does a team gain, and pay, when Orders holds its own copy
//! of payment info instead of asking Payments?
//!
//! Per scenario one system is started, orders come at a fixed rate through both modes in turns, whatever becomes of those
//! before them ([`open_loop`]), things go wrong ([`Scenario`]), and once all is over every order is read again and held
//! against what its payment makes of it ([`measure`]). [`ComparisonReport`] has all that was measured, and writes itself as a table,
//! JSON, Markdown and plots.

mod act;
mod api;
mod costs;
mod disturb;
mod machine;
mod mark;
mod measure;
mod mode;
mod observe;
pub mod open_loop;
mod plan;
pub mod plot_style;
mod report;
mod results;
mod run;
mod scenario;
mod settings;
mod timeline;

pub use costs::{Costs, PerOrder, run_costs};
pub use disturb::DisturbError;
pub use machine::Machine;
pub use measure::{Ended, InfoUsed, Latency, Measured, Share};
pub use mode::Mode;
pub use report::{PlotError, ReportError};
pub use results::{ComparisonReport, ScenarioResult, SkippedScenario};
pub use run::{ScenarioError, ScenarioProgress, run_scenario};
pub use scenario::{Extent, Scenario};
pub use settings::LoadSettings;
pub use timeline::{Point, Timeline};
