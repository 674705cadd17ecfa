//! Behaviours of the whole client: scripted answers on paused time, and real sockets for faults on the wire.

mod history;
mod quota;
mod refused;
mod retries;
mod script;
mod tokens;
mod wire;
