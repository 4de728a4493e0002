//! Style of the plots: transparent background and colours of medium brightness, readable on light and on dark pages.

use plotters::style::RGBColor;

use crate::mode::Mode;

/// Colour of titles and labels.
pub const TEXT: RGBColor = RGBColor(118, 127, 138);
/// Colour of axes and grids, drawn with transparency.
pub const GRID: RGBColor = RGBColor(128, 138, 150);
/// Colour of the first of two series. Blue and orange are distinguishable with red-green colour blindness.
pub const BLUE: RGBColor = RGBColor(47, 129, 247);
/// Colour of the second of two series.
pub const ORANGE: RGBColor = RGBColor(219, 118, 40);
/// Font families, from the system's own to a generic one.
pub const FONT: &str = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif";

/// Returns the colour of a mode.
pub(crate) fn colour(mode: Mode) -> RGBColor {
    match mode {
        Mode::Asynchronous => BLUE,
        Mode::Synchronous => ORANGE,
    }
}
