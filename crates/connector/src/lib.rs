//! The contract of a connector: facts, plan, decode, pagers.
//!
//! Nothing here is async, reads a clock or touches the outside world.

pub mod auth;
pub mod code;
pub mod column;
mod connector;
pub mod declared;
pub mod decode;
mod json;
pub mod nearest;
pub mod pager;
pub mod plan;
pub mod push;
pub mod quota;
pub mod request;
pub mod rows;
pub mod settings;
pub mod slice;
pub mod spec;

pub use connector::{Build, Computed, Connector, Registration, Words, as_facts, pager_of};
