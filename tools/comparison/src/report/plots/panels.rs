//! Time series, one panel per scenario, with the fault's interval shaded.

use plotters::prelude::*;

use crate::mode::Mode;
use crate::plot_style::{FONT, GRID, TEXT, colour};
use crate::results::{ComparisonReport, ScenarioResult};
use crate::scenario::Scenario;
use crate::timeline::{Point, Timeline};

const WIDTH: u32 = 900;
const PANEL: u32 = 190;
const HEAD: u32 = 64;

/// Panels of one figure.
pub(super) struct Panels {
    pub(super) title: &'static str,
    pub(super) unit: &'static str,
    pub(super) scenarios: &'static [Scenario],
    pub(super) of: fn(&Timeline) -> &Vec<Point>,
    /// Factor that values are multiplied by.
    pub(super) scale: f64,
    /// Minimum upper end of the y axis.
    pub(super) least: f64,
}

impl Panels {
    /// Draws the panels; `None` if none of the scenarios ran.
    pub(super) fn draw(&self, report: &ComparisonReport) -> Result<Option<String>, String> {
        let found: Vec<_> = self.scenarios.iter().filter_map(|scenario| report.scenario(*scenario)).collect();
        if found.is_empty() {
            return Ok(None);
        }
        let panels = u32::try_from(found.len()).map_err(|error| error.to_string())?;
        let mut svg = String::new();
        {
            let root = SVGBackend::with_string(&mut svg, (WIDTH, HEAD + panels * PANEL)).into_drawing_area();
            self.all(&found, &root).map_err(|error| error.to_string())?;
            root.present().map_err(|error| error.to_string())?;
        }
        Ok(Some(svg))
    }

    fn all<'a>(
        &self,
        found: &[&ScenarioResult],
        root: &DrawingArea<SVGBackend<'a>, plotters::coord::Shift>,
    ) -> Result<(), Box<dyn std::error::Error + 'a>> {
        let title = (FONT, 21).into_font().style(FontStyle::Bold).color(&TEXT);
        root.draw(&Text::new(self.title, (16, 14), title))?;
        let style = (FONT, 16).into_font().color(&TEXT);
        let mut x = 16;
        let has_line = |mode: &Mode| found.iter().any(|result| !self.points(result, *mode).is_empty());
        for mode in Mode::BOTH.into_iter().filter(has_line) {
            root.draw(&Rectangle::new([(x, 42), (x + 12, 52)], colour(mode).filled()))?;
            root.draw(&Text::new(mode.as_str(), (x + 18, 41), style.clone()))?;
            x += 140;
        }
        root.draw(&Rectangle::new([(x, 42), (x + 12, 52)], GRID.mix(0.25).filled()))?;
        root.draw(&Text::new("fault active", (x + 18, 41), style))?;
        let (_, below) = root.split_vertically(HEAD);
        for (area, result) in below.split_evenly((found.len(), 1)).iter().zip(found) {
            self.panel(result, area)?;
        }
        Ok(())
    }

    /// Returns the points of a mode's line; empty if the mode has no such figure.
    fn points(&self, result: &ScenarioResult, mode: Mode) -> Vec<(f64, f64)> {
        let points = (self.of)(result.timeline(mode)).iter();
        points.filter_map(|point| Some((point.at_s, point.value? * self.scale))).collect()
    }

    fn panel<'a>(
        &self,
        result: &ScenarioResult,
        area: &DrawingArea<SVGBackend<'a>, plotters::coord::Shift>,
    ) -> Result<(), Box<dyn std::error::Error + 'a>> {
        let points = |mode| self.points(result, mode);
        let all: Vec<_> = Mode::BOTH.into_iter().flat_map(points).collect();
        let longest = all.iter().map(|(at, _)| *at).fold(1.0, f64::max);
        let highest = all.iter().map(|(_, value)| *value).fold(self.least, f64::max) * 1.08;
        let mut chart = ChartBuilder::on(area)
            .caption(result.scenario.title(), (FONT, 17).into_font().color(&TEXT))
            .margin_right(24)
            .margin_bottom(6)
            .x_label_area_size(30)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..longest, 0.0..highest)?;
        let unit = self.unit;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .x_labels(10)
            .y_labels(5)
            .x_label_formatter(&|value| format!("{value:.0} s"))
            .y_label_formatter(&|value| format!("{value:.0} {unit}").trim_end().to_owned())
            .label_style((FONT, 15).into_font().color(&TEXT))
            .axis_style(GRID.mix(0.6))
            .bold_line_style(GRID.mix(0.25))
            .light_line_style(TRANSPARENT)
            .draw()?;
        if let Some((from, until)) = result.fault_s {
            let shade = Rectangle::new([(from, 0.0), (until.min(longest), highest)], GRID.mix(0.18).filled());
            chart.draw_series([shade])?;
        }
        for mode in [Mode::Synchronous, Mode::Asynchronous] {
            chart.draw_series(LineSeries::new(points(mode), colour(mode).stroke_width(2)))?;
        }
        Ok(())
    }
}
