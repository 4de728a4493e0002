//! Pages of lists: the parameters [`Limit`] and [`Cursor`], and [`NextPage`], the reference to the page that follows.
//!
//! A list is sorted by a key that never changes, and a cursor holds the key of the last item before the page. So each
//! item that exists from the first page to the last is on exactly one page, even while others are added.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod cursor;
mod limit;
mod next_page;

pub use cursor::{Cursor, InvalidCursor};
pub use limit::{InvalidLimit, Limit};
pub use next_page::{NextPage, link_schema};
