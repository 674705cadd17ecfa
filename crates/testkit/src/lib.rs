//! The conformance suite: what every connector must hold to, the faults it must stand, and connectors that are broken
//! on purpose, one for each check.
//!
//! A [`Subject`] is a connector with a world to read; [`CHECKS`] are plain functions over subjects. Everything runs in
//! this process and on paused time: a [`Wire`] stands where the network would, counts the requests, and spoils the
//! one that a [`Fault`] names. Only ever a dev-dependency.

pub mod check;
pub mod expect;
pub mod fault;
pub mod matrix;
pub mod proxy;
pub mod reference;
mod run;
pub mod subject;
pub mod table;
mod time;
mod wire;

pub use check::volatile;
pub use check::{CHECKS, Check};
pub use fault::{FAULTS, Fault};
pub use reference::Reference;
pub use run::{Ran, Setting, Tables, clean, over_socket, same_rows, tables};
pub use subject::{Subject, World};
pub use time::paused;
pub use wire::{Exchange, Plan, Wire};
