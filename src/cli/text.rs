//! Text for people at a terminal, and what people type.

pub(super) mod csv;
mod length;
mod lines;
mod moment;
mod quoted;
mod typed;
mod when;

pub(super) use length::{age, count, duration, length};
pub(super) use lines::{WIDTH, cut, width, wrapped};
pub(super) use moment::{moment, to_the_second, to_the_second_if_any};
pub(super) use quoted::{quoted, spelt_out};
pub(super) use typed::typed;
pub(super) use when::{TIMES, When};
