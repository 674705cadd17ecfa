//! Commands, configuration, rendering of errors.

mod arguments;
mod columns;
mod commands;
pub mod config;
mod console;
mod corrections;
mod failure;
mod ids;
mod log;
pub mod nearest;
mod progress;
mod registry;
mod render;
mod runs;
mod select;
mod sources;

pub use arguments::main;
