//! Load test that compares both order modes: deciding on Orders' read model (asynchronous) and calling Payments
//! (synchronous).
//!
//! Each [`Scenario`] runs in a system of its own. Orders arrive at a fixed rate, independent of earlier responses
//! ([`open_loop`]), alternate between both modes, and continue while faults are injected. Afterwards every order is
//! read again and compared with its payment ([`measure`]). [`ComparisonReport`] holds all figures and renders them as a
//! table, JSON, Markdown and plots. [`hubs`] compares the hubs in the same way.

mod act;
mod api;
mod costs;
mod disturb;
pub mod hubs;
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
