//! Commands, configuration, rendering of errors.
pub mod config;
pub mod nearest;

pub fn main() {}
