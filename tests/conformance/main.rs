//! Every connector of the registry and the reference connector × every check × every fault.
//!
//! Nothing here lists connectors, checks or faults. A connector that comes into the registry gets all checks, and needs
//! a world in `worlds.rs`; a check that comes into the testkit gets all connectors, and needs a broken one.

mod broken;
mod checks;
mod kill;
mod socket;
mod worlds;
