//! What the four vendors share: the server, the log, the faults, the limiter, the seeded generator.

pub(crate) mod fault;
pub(crate) mod limiter;
pub(crate) mod log;
pub(crate) mod people;
pub(crate) mod scenario;
pub(crate) mod seed;
pub(crate) mod server;
