//! The command line as its user sees it: exit codes, both outputs, files.
//!
//! Every test starts the built program in a folder of its own, against simulators of its own. Nothing here knows how the
//! program works inside; `contract.md` says what it promises.

mod check;
mod config;
mod export;
mod folder;
mod kept;
mod metrics;
mod odd;
mod output;
mod plan;
mod quota;
mod record;
mod refused;
mod resumed;
mod scarce;
mod scripted;
mod secrets;
mod signals;
mod told;
mod vendors;
mod words;
