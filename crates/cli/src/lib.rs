//! Commands, configuration, rendering of errors.

#![expect(clippy::disallowed_methods, reason = "the clock and the environment are read here and handed on as values")]

mod arguments;
mod commands;
pub mod config;
mod console;
pub mod docs;
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
