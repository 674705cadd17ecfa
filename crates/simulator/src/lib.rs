//! The vendors' APIs on loopback: seeded, deterministic, strict.
//!
//! Each vendor's module is written from the vendor's public reference alone. Nothing here knows a connector, so a
//! fact that a connector gets wrong shows up as a difference and not as an agreement.
//!
//! A running simulator answers, besides the vendor's own paths, three of its own: `GET /__sim/log` (what arrived,
//! when, what was wrong with it), `GET /__sim/truth/{stream}` (every row it holds, as the vendor would send it) and
//! `GET /__sim/switches` (the switches in force).

mod core;
pub mod sprig;
pub mod thrive;
pub mod userlane;
pub mod userlot;

pub use crate::core::fault::{Fault, FaultKind};
pub use crate::core::limiter::{Counting, Limit};
pub use crate::core::scenario::{Scenario, ScenarioError};
pub use crate::core::server::{Options, Running, StartError, Vendor, start};
