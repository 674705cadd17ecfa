//! Every connector of the registry, every declared example and the reference connector × every check × every fault.
//!
//! Nothing here lists connectors, examples, checks or faults. A connector that comes into the registry gets all checks, and needs
//! a world in `worlds.rs`; a check that comes into the testkit gets all connectors, and needs a broken one.

mod answers;
mod broken;
mod checks;
mod examples;
mod kill;
mod made;
mod socket;
mod worlds;
