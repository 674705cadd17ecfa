//! Commands, configuration, rendering of errors.

#![expect(
    clippy::disallowed_methods,
    reason = "the clock and the environment are read here and handed on as values"
)]

mod arguments;
mod columns;
mod commands;
pub mod config;
mod console;
mod corrections;
mod declared;
pub mod docs;
mod facts;
mod failure;
#[doc(hidden)]
pub mod fuzzing;
mod ids;
mod input;
mod log;
mod metrics;
mod probe;
mod progress;
mod registry;
mod render;
mod runs;
mod sample;
mod select;
mod sources;

pub use arguments::main;
pub use declared::read as read_declared;
pub use registry::CONNECTORS;
pub(crate) use userhaul_connector::nearest;
