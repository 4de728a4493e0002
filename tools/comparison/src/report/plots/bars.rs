//! Latencies of two lanes by row, from the median to the maximum, on a logarithmic scale.

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::PlotError;
use crate::measure::{Latency, Measured};
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
/// Vertical offset of each lane from the middle of a row.
const OFFSETS: [f64; 2] = [0.2, -0.2];
/// Half the height of the bars from p50 to p90 and from p50 to p99.
const THICK: f64 = 0.12;
const THIN: f64 = 0.045;

type Chart<'a, 'b> =
    ChartContext<'a, SVGBackend<'b>, Cartesian2d<plotters::coord::combinators::LogCoord<f64>, RangedCoordf64>>;

/// A plot of latencies.
pub(crate) struct Bars<'a> {
    /// File name, for errors.
    pub(crate) name: &'static str,
    pub(crate) title: &'a str,
    /// Name and colour of each lane.
    pub(crate) lanes: [(&'a str, RGBColor); 2],
    /// Figure of a bar without measurements.
    pub(crate) none: &'a str,
    /// Label and bars of each row.
    pub(crate) rows: Vec<(&'a str, [Bar; 2])>,
}

/// One latency, with a note that follows its figures.
pub(crate) struct Bar {
    pub(crate) latency: Latency,
    pub(crate) note: String,
}

impl Bars<'_> {
    /// Draws the plot as SVG text.
    pub(crate) fn draw(&self) -> Result<String, PlotError> {
        self.svg().map_err(|reason| PlotError { name: self.name, reason })
    }

    fn svg(&self) -> Result<String, String> {
        let rows = u32::try_from(self.rows.len()).map_err(|error| error.to_string())?;
        let mut svg = String::new();
        {
            let root = SVGBackend::with_string(&mut svg, (WIDTH, HEAD + rows * ROW + FOOT)).into_drawing_area();
            draw(self, &root).map_err(|error| error.to_string())?;
            root.present().map_err(|error| error.to_string())?;
        }
        Ok(svg)
    }
}

/// Bars of all scenarios in both modes.
pub(super) fn latencies(report: &ComparisonReport) -> Bars<'_> {
    let bar = |measured: &Measured| {
        let failed = || format!(" · {} failed", percent_of(measured.failed, measured.offered));
        Bar { latency: measured.latency_ms, note: if measured.failed > 0 { failed() } else { String::new() } }
    };
    let row = |result: &ScenarioResult| (result.scenario.title(), Mode::BOTH.map(|mode| bar(result.measured(mode))));
    Bars {
        name: "latency.svg",
        title: "Time to place an order",
        lanes: Mode::BOTH.map(|mode| (mode.as_str(), colour(mode))),
        none: "none placed",
        rows: report.scenarios.iter().map(row).collect(),
    }
}

fn draw<'a>(
    bars: &Bars<'_>,
    root: &DrawingArea<SVGBackend<'a>, plotters::coord::Shift>,
) -> Result<(), Box<dyn std::error::Error + 'a>> {
    let title = (FONT, 21).into_font().style(FontStyle::Bold).color(&TEXT);
    root.draw(&Text::new(bars.title, (16, 14), title))?;
    legend(bars, root)?;
    let (least, most) = bounds(bars);
    let rows = f64::from(u32::try_from(bars.rows.len())?);
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
    for number in 0..bars.rows.len() {
        row(&mut chart, root, bars, number, most)?;
    }
    Ok(())
}

/// Range of the scale. Whole powers of ten would leave much of it empty.
fn bounds(bars: &Bars<'_>) -> (f64, f64) {
    let all = bars.rows.iter().flat_map(|(_, bars)| bars.each_ref().map(|bar| bar.latency));
    let all: Vec<_> = all.filter(|latency| latency.count > 0).collect();
    let least = all.iter().map(|latency| latency.p50).fold(1_000.0, f64::min);
    let most = all.iter().map(|latency| latency.max).fold(10.0, f64::max);
    ((least / 1.5).max(0.1), most * 1.2)
}

fn row<'a>(
    chart: &mut Chart<'_, 'a>,
    root: &DrawingArea<SVGBackend<'a>, plotters::coord::Shift>,
    bars: &Bars<'_>,
    number: usize,
    most: f64,
) -> Result<(), Box<dyn std::error::Error + 'a>> {
    let Some((label, lanes)) = bars.rows.get(number) else { return Ok(()) };
    let middle = f64::from(u32::try_from(bars.rows.len() - number)?) - 0.5;
    let (_, y) = chart.backend_coord(&(most, middle));
    let right = Pos::new(HPos::Right, VPos::Center);
    let style = (FONT, 17).into_font().color(&TEXT).pos(right);
    root.draw(&Text::new(*label, (i32::try_from(LABELS)? - 14, y), style))?;
    for ((Bar { latency, note }, (_, colour)), offset) in lanes.iter().zip(&bars.lanes).zip(OFFSETS) {
        let y = middle + offset;
        let (figures_x, figures_y) = chart.backend_coord(&(most, y));
        let left = Pos::new(HPos::Left, VPos::Center);
        let figures = (FONT, 15).into_font().color(colour).pos(left);
        let text = if latency.count == 0 {
            bars.none.to_owned()
        } else {
            format!("{} · {}{note}", ms(latency.p50), ms(latency.p99))
        };
        root.draw(&Text::new(text, (figures_x + 10, figures_y), figures))?;
        if latency.count == 0 {
            continue;
        }
        let bar = |from, to, half: f64, style: ShapeStyle| Rectangle::new([(from, y - half), (to, y + half)], style);
        let whisker = PathElement::new([(latency.p50, y), (latency.max, y)], colour.mix(0.45).stroke_width(1));
        chart.draw_series([whisker])?;
        chart.draw_series([
            bar(latency.p50, latency.p99, THIN, colour.mix(0.55).filled()),
            bar(latency.p50, latency.p90, THICK, colour.mix(0.55).filled()),
        ])?;
        chart.draw_series([Circle::new((latency.p50, y), 4, colour.filled())])?;
        chart.draw_series([Circle::new((latency.max, y), 2, colour.mix(0.6).filled())])?;
    }
    Ok(())
}

fn legend<'a>(
    bars: &Bars<'_>,
    root: &DrawingArea<SVGBackend<'a>, plotters::coord::Shift>,
) -> Result<(), Box<dyn std::error::Error + 'a>> {
    let style = (FONT, 16).into_font().color(&TEXT);
    let mut x = 16;
    for (lane, colour) in bars.lanes {
        root.draw(&Rectangle::new([(x, 42), (x + 12, 52)], colour.filled()))?;
        root.draw(&Text::new(lane, (x + 18, 41), style.clone()))?;
        x += 140;
    }
    let how = "dot: median · thick: p90 · thin: p99 · line: maximum · figures: p50 · p99";
    root.draw(&Text::new(how, (x + 8, 41), style))?;
    Ok(())
}
