//! Latency of placed orders by scenario and mode, from the median to the maximum, on a logarithmic scale.

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::mode::Mode;
use crate::plot_style::{FONT, GRID, TEXT, colour};
use crate::report::text::{ms, percent_of};
use crate::results::{ComparisonReport, ScenarioResult};

const WIDTH: u32 = 960;
const ROW: u32 = 46;
const HEAD: u32 = 64;
const FOOT: u32 = 40;
const LABELS: u32 = 170;
/// Width of the figures to the right of the bars.
const FIGURES: u32 = 230;
/// Vertical offset of each mode from the middle of a row.
const LANES: [(Mode, f64); 2] = [(Mode::Asynchronous, 0.2), (Mode::Synchronous, -0.2)];
/// Half the height of the bars from p50 to p90 and from p50 to p99.
const THICK: f64 = 0.12;
const THIN: f64 = 0.045;

type Chart<'a, 'b> =
    ChartContext<'a, SVGBackend<'b>, Cartesian2d<plotters::coord::combinators::LogCoord<f64>, RangedCoordf64>>;

pub(super) fn latencies(report: &ComparisonReport) -> Result<String, String> {
    let rows = u32::try_from(report.scenarios.len()).map_err(|error| error.to_string())?;
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, HEAD + rows * ROW + FOOT)).into_drawing_area();
        draw(report, &root).map_err(|error| error.to_string())?;
        root.present().map_err(|error| error.to_string())?;
    }
    Ok(svg)
}

fn draw<'a>(
    report: &ComparisonReport,
    root: &DrawingArea<SVGBackend<'a>, plotters::coord::Shift>,
) -> Result<(), Box<dyn std::error::Error + 'a>> {
    let title = (FONT, 21).into_font().style(FontStyle::Bold).color(&TEXT);
    root.draw(&Text::new("Time to place an order", (16, 14), title))?;
    legend(root)?;
    let (least, most) = bounds(report);
    let rows = f64::from(u32::try_from(report.scenarios.len())?);
    let mut chart: Chart<'_, '_> = ChartBuilder::on(root)
        .margin_top(HEAD)
        .margin_right(FIGURES)
        .set_label_area_size(LabelAreaPosition::Left, LABELS)
        .set_label_area_size(LabelAreaPosition::Bottom, FOOT)
        .build_cartesian_2d((least..most).log_scale(), 0.0..rows)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .x_labels(6)
        .x_label_formatter(&|value| ms(*value))
        .label_style((FONT, 15).into_font().color(&TEXT))
        .axis_style(GRID.mix(0.6))
        .bold_line_style(GRID.mix(0.25))
        .light_line_style(TRANSPARENT)
        .draw()?;
    for (number, result) in report.scenarios.iter().enumerate() {
        row(&mut chart, root, result, rows - f64::from(u32::try_from(number)?) - 0.5, most)?;
    }
    Ok(())
}

/// Range of the scale. Whole powers of ten would leave much of it empty.
fn bounds(report: &ComparisonReport) -> (f64, f64) {
    let all = report.scenarios.iter().flat_map(|found| Mode::BOTH.map(|mode| found.measured(mode).latency_ms));
    let all: Vec<_> = all.filter(|latency| latency.count > 0).collect();
    let least = all.iter().map(|latency| latency.p50).fold(1_000.0, f64::min);
    let most = all.iter().map(|latency| latency.max).fold(10.0, f64::max);
    ((least / 1.5).max(0.1), most * 1.2)
}

fn row<'a>(
    chart: &mut Chart<'_, 'a>,
    root: &DrawingArea<SVGBackend<'a>, plotters::coord::Shift>,
    result: &ScenarioResult,
    middle: f64,
    most: f64,
) -> Result<(), Box<dyn std::error::Error + 'a>> {
    let (_, y) = chart.backend_coord(&(most, middle));
    let right = Pos::new(HPos::Right, VPos::Center);
    let label = (FONT, 17).into_font().color(&TEXT).pos(right);
    root.draw(&Text::new(result.scenario.title(), (i32::try_from(LABELS)? - 14, y), label))?;
    for (mode, lane) in LANES {
        let (latency, y) = (result.measured(mode).latency_ms, middle + lane);
        let (figures_x, figures_y) = chart.backend_coord(&(most, y));
        let left = Pos::new(HPos::Left, VPos::Center);
        let figures = (FONT, 15).into_font().color(&colour(mode)).pos(left);
        let text = if latency.count == 0 {
            "none placed".to_owned()
        } else {
            let failed = match result.measured(mode) {
                measured if measured.failed > 0 => {
                    format!(" · {} failed", percent_of(measured.failed, measured.offered))
                }
                _ => String::new(),
            };
            format!("{} · {}{failed}", ms(latency.p50), ms(latency.p99))
        };
        root.draw(&Text::new(text, (figures_x + 10, figures_y), figures))?;
        if latency.count == 0 {
            continue;
        }
        let bar = |from, to, half: f64, style: ShapeStyle| Rectangle::new([(from, y - half), (to, y + half)], style);
        let whisker = PathElement::new([(latency.p50, y), (latency.max, y)], colour(mode).mix(0.45).stroke_width(1));
        chart.draw_series([whisker])?;
        chart.draw_series([
            bar(latency.p50, latency.p99, THIN, colour(mode).mix(0.55).filled()),
            bar(latency.p50, latency.p90, THICK, colour(mode).mix(0.55).filled()),
        ])?;
        chart.draw_series([Circle::new((latency.p50, y), 4, colour(mode).filled())])?;
        chart.draw_series([Circle::new((latency.max, y), 2, colour(mode).mix(0.6).filled())])?;
    }
    Ok(())
}

fn legend<'a>(
    root: &DrawingArea<SVGBackend<'a>, plotters::coord::Shift>,
) -> Result<(), Box<dyn std::error::Error + 'a>> {
    let style = (FONT, 16).into_font().color(&TEXT);
    let mut x = 16;
    for mode in Mode::BOTH {
        root.draw(&Rectangle::new([(x, 42), (x + 12, 52)], colour(mode).filled()))?;
        root.draw(&Text::new(mode.as_str(), (x + 18, 41), style.clone()))?;
        x += 140;
    }
    let how = "dot: median · thick: p90 · thin: p99 · line: maximum · figures: p50 · p99";
    root.draw(&Text::new(how, (x + 8, 41), style))?;
    Ok(())
}
