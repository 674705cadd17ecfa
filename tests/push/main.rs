//! The way back, from the built program against the simulators: what was pushed is what the vendor has, and nothing else.

#[path = "../cli/folder.rs"]
#[expect(dead_code, reason = "shared with the other suite, which needs more of it")]
mod folder;
mod sprig;
mod support;
mod thrive;
mod userlane;
mod userlane_faults;
mod userlot;
