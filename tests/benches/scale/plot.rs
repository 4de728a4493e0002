//! Plot of the figures: one projector by batch size, and the mapping by shards. A dashed line shows the maximum of the
//! embedded DynamoDB.

use std::error::Error;

use paystream_comparison::plot_style::{BLUE, FONT, GRID, ORANGE, TEXT};
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::{LATENCY_MS, LONG_LATENCY_MS, Scale};

const SIZE: (u32, u32) = (900, 520);
const HEAD: u32 = 40;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

struct Line {
    name: String,
    colour: RGBColor,
    points: Vec<(f64, f64)>,
}

/// Renders the plot as SVG.
pub(crate) fn svg(scale: &Scale) -> String {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        draw(scale, &root).unwrap_or_else(|error| panic!("{error}"));
        root.present().unwrap();
    }
    svg
}

fn draw<'a>(scale: &Scale, root: &Area<'a>) -> Result<(), Box<dyn Error + 'a>> {
    let title = (FONT, 21).into_font().style(FontStyle::Bold).color(&TEXT);
    root.draw(&Text::new("Projector throughput, records per second", (16, 14), title))?;
    let (_, below) = root.split_vertically(HEAD);
    let panels = below.split_evenly((2, 1));
    let of_batches = |name: String, colour, of: fn(&(usize, f64, f64)) -> f64| Line {
        name,
        colour,
        points: scale.batches.iter().map(|figures| (number(figures.0), of(figures))).collect(),
    };
    let batches = [
        of_batches("without added latency".to_owned(), BLUE, |figures| figures.1),
        of_batches(format!("{LATENCY_MS} ms per call"), ORANGE, |figures| figures.2),
    ];
    panel(&panels[0], "One projector, by batch size", scale.store, &batches)?;
    let mapped = [(1, BLUE), (10, ORANGE)].into_iter().map(|(factor, colour)| {
        let of_factor = scale.mapped.iter().filter(|mapped| mapped.factor == factor);
        Line {
            name: format!("parallelisation factor {factor}"),
            colour,
            points: of_factor.map(|mapped| (number(mapped.shards), mapped.rate)).collect(),
        }
    });
    let caption = format!("Whole mapping, by shards, {LONG_LATENCY_MS} ms per call");
    panel(&panels[1], &caption, scale.store, &mapped.collect::<Vec<_>>())
}

fn panel<'a>(area: &Area<'a>, caption: &str, store: f64, lines: &[Line]) -> Result<(), Box<dyn Error + 'a>> {
    let points = || lines.iter().flat_map(|line| line.points.iter());
    let least = points().map(|point| point.0).fold(f64::MAX, f64::min);
    let most = points().map(|point| point.0).fold(least, f64::max);
    let highest = points().map(|point| point.1).fold(store, f64::max) * 1.25;
    let mut chart = ChartBuilder::on(area)
        .margin_top(48)
        .margin_right(24)
        .margin_bottom(6)
        .x_label_area_size(30)
        .y_label_area_size(64)
        .build_cartesian_2d((least..most).log_scale(), 0.0..highest)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .y_labels(5)
        .x_label_formatter(&|value| format!("{value:.0}"))
        .y_label_formatter(&|value| format!("{value:.0}"))
        .label_style((FONT, 15).into_font().color(&TEXT))
        .axis_style(GRID.mix(0.6))
        .bold_line_style(GRID.mix(0.25))
        .light_line_style(TRANSPARENT)
        .draw()?;
    chart.draw_series(DashedLineSeries::new([(least, store), (most, store)], 6, 4, GRID.stroke_width(2)))?;
    for line in lines {
        chart.draw_series(LineSeries::new(line.points.iter().copied(), line.colour.stroke_width(2)))?;
        chart.draw_series(line.points.iter().map(|point| Circle::new(*point, 3, line.colour.filled())))?;
    }
    area.draw(&Text::new(caption.to_owned(), (16, 2), (FONT, 17).into_font().color(&TEXT)))?;
    let style = (FONT, 15).into_font().color(&TEXT);
    let mut x = 16;
    let store = ("conditional writes alone".to_owned(), GRID);
    for (name, colour) in [store].into_iter().chain(lines.iter().map(|line| (line.name.clone(), line.colour))) {
        area.draw(&Rectangle::new([(x, 27), (x + 12, 37)], colour.filled()))?;
        area.draw(&Text::new(name.clone(), (x + 18, 25), style.clone()))?;
        x += 40 + 7 * i32::try_from(name.len())?;
    }
    Ok(())
}

#[allow(clippy::cast_precision_loss)]
fn number(count: usize) -> f64 {
    count as f64
}
