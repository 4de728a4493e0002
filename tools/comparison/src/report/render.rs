//! Rendering of the report's templates. The templates hold the text, this module the figures.

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};
use serde::Serialize;

use super::text::{align, ms, percent_of};
use crate::costs::PerOrder;
use crate::measure::{Latency, Measured};
use crate::results::{ComparisonReport, ScenarioResult};
use crate::scenario::Scenario;

/// Template to render.
#[derive(Debug, Clone, Copy)]
pub(super) enum ReportForm {
    /// The full report.
    Markdown,
    /// Tables for a terminal.
    Table,
}

/// Variables of the templates.
#[derive(Serialize)]
struct Figures<'a> {
    report: &'a ComparisonReport,
    /// Scenarios by name; `None` if it has no orders in one of the modes.
    pairs: BTreeMap<&'static str, Option<Pair<'a>>>,
    /// The same without interrupted scenarios.
    complete_pairs: BTreeMap<&'static str, Option<Pair<'a>>>,
    /// Lost, duplicated and unsettled orders and payments in complete scenarios; `None` if there are no such scenarios.
    wrong: Option<u64>,
    /// Highest p99 of the load generator's delay; `None` if it sent nothing.
    late_ms: Option<f64>,
    /// Smallest number of asynchronous orders that a scenario's latencies cover.
    placed_min: u64,
    /// Sum of an asynchronous order and the read model of its payment, if costs were counted.
    copy_and_order: Option<PerOrder>,
}

/// One scenario with orders in both modes, with the ratios between them.
#[derive(Serialize)]
struct Pair<'a> {
    title: &'static str,
    asynchronous: ModeFigures<'a>,
    synchronous: ModeFigures<'a>,
    /// Asynchronous p50 divided by synchronous p50, if both modes placed orders.
    p50_ratio: Option<f64>,
    /// Asynchronous p50 divided by its p50 before the fault, if both modes placed orders before and during it.
    own_p50_ratio: Option<f64>,
    /// Increase of the synchronous p50 over its p50 before the fault, in milliseconds, under the same condition.
    longer_ms: Option<f64>,
}

#[derive(Serialize)]
struct ModeFigures<'a> {
    #[serde(flatten)]
    measured: &'a Measured,
    /// Orders accepted by the response, including those already on hold in it.
    accepted_or_held: u64,
    /// Of these, orders that did not end on hold.
    not_held: u64,
}

pub(super) fn render(report: &ComparisonReport, template: ReportForm) -> Result<String, Error> {
    let template = match template {
        ReportForm::Markdown => include_str!("report.md.jinja"),
        ReportForm::Table => include_str!("table.txt.jinja"),
    };
    environment()?.render_str(template, Serde(figures(report)))
}

/// Returns an environment with the filters of all reports.
pub(crate) fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    environment.set_syntax(syntax.build()?);
    environment.add_filter("ms", ms);
    environment.add_filter("percent_of", percent_of);
    environment.add_filter("align", align);
    environment.add_filter("fixed", |value: f64, decimals: usize| format!("{value:.decimals$}"));
    environment.add_filter("shortest", |value: f64| value.to_string());
    environment.add_filter("at", percentile);
    environment.add_filter("heading", |scenario: Serde<Scenario>| scenario.title());
    Ok(environment)
}

fn figures(report: &ComparisonReport) -> Figures<'_> {
    let complete = || report.scenarios.iter().filter(|result| !result.is_interrupted);
    let measured = || report.scenarios.iter().flat_map(|result| [&result.asynchronous, &result.synchronous]);
    let late = measured().map(|measured| measured.lateness_ms).filter(|lateness| lateness.count > 0);
    Figures {
        report,
        pairs: pairs(report.scenarios.iter()),
        complete_pairs: pairs(complete()),
        wrong: complete().map(ScenarioResult::wrong).reduce(|one, other| one + other),
        late_ms: late.map(|lateness| lateness.p99).reduce(f64::max),
        placed_min: report
            .scenarios
            .iter()
            .map(|result| result.asynchronous.latency_ms.count)
            .min()
            .unwrap_or_default(),
        copy_and_order: report.costs.as_ref().map(|costs| costs.copy.and(costs.asynchronous_order)),
    }
}

fn pairs<'a>(results: impl Iterator<Item = &'a ScenarioResult>) -> BTreeMap<&'static str, Option<Pair<'a>>> {
    let mut pairs: BTreeMap<_, _> = Scenario::ALL.map(|scenario| (scenario.name(), None)).into();
    let with_orders = results.filter(|result| result.asynchronous.offered > 0 && result.synchronous.offered > 0);
    pairs.extend(with_orders.map(|result| (result.scenario.name(), Some(Pair::of(result)))));
    pairs
}

impl<'a> Pair<'a> {
    fn of(ScenarioResult { scenario, asynchronous, synchronous, .. }: &'a ScenarioResult) -> Self {
        let is_placed = asynchronous.placed() > 0 && synchronous.placed() > 0;
        let is_compared = is_placed && asynchronous.before_ms.count > 0 && synchronous.before_ms.count > 0;
        let (copy_ms, call_ms) = (asynchronous.latency_ms.p50, synchronous.latency_ms.p50);
        Self {
            title: scenario.title(),
            p50_ratio: is_placed.then(|| copy_ms / call_ms),
            own_p50_ratio: is_compared.then(|| copy_ms / asynchronous.before_ms.p50),
            longer_ms: is_compared.then_some(call_ms - synchronous.before_ms.p50),
            asynchronous: asynchronous.into(),
            synchronous: synchronous.into(),
        }
    }
}

impl<'a> From<&'a Measured> for ModeFigures<'a> {
    fn from(measured: &'a Measured) -> Self {
        let accepted_or_held = measured.accepted_ended.total();
        Self { measured, accepted_or_held, not_held: accepted_or_held - measured.accepted_ended.on_hold }
    }
}

/// Formats a percentile of a latency; `–` if there are no measurements.
fn percentile(latency: Serde<Latency>, name: &str) -> Result<String, Error> {
    let value = match name {
        "p50" => latency.p50,
        "p90" => latency.p90,
        "p99" => latency.p99,
        "p99_9" => latency.p99_9,
        "max" => latency.max,
        _ => return Err(Error::new(ErrorKind::InvalidOperation, format!("unknown percentile {name}"))),
    };
    Ok(if latency.count == 0 { "–".to_owned() } else { ms(value) })
}
