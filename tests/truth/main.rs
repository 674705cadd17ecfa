//! What `userhaul sync` writes is what the vendors hold: row by row, field by field, under every reading of the
//! vendors' references that the simulators know.

mod run;
mod sprig;
mod thrive;
mod unified;
mod userlane;
mod userlot;

use userhaul_testkit::{expect, table};
