//! Commands, configuration, rendering of errors.

mod arguments;
mod commands;
pub mod config;
mod console;
mod failure;
mod ids;
pub mod nearest;
mod progress;
mod registry;
mod render;
mod runs;
mod select;
mod sources;

pub use arguments::main;
