//! How plots look: their background is transparent and their colours are of middle brightness, so that they read well on a
//! light page and on a dark one.

use plotters::style::RGBColor;

use crate::mode::Mode;

/// Of titles and labels.
pub const TEXT: RGBColor = RGBColor(118, 127, 138);
/// Of axes and grids, which mix it with what is behind.
pub const GRID: RGBColor = RGBColor(128, 138, 150);
/// Of the first of two. Blue and orange are told apart by those who do not see red or green.
pub const BLUE: RGBColor = RGBColor(47, 129, 247);
/// Of the second of two.
pub const ORANGE: RGBColor = RGBColor(219, 118, 40);
/// What a browser has.
pub const FONT: &str = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif";

/// The colour of a mode.
pub(crate) fn colour(mode: Mode) -> RGBColor {
    match mode {
        Mode::Asynchronous => BLUE,
        Mode::Synchronous => ORANGE,
    }
}
