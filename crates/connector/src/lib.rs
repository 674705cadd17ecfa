//! The contract of a connector: facts, plan, decode, pagers.
//!
//! Nothing here is async, reads a clock or touches the outside world.

pub mod auth;
pub mod column;
pub mod decode;
mod json;
pub mod quota;
pub mod request;
pub mod settings;
