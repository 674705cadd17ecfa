//! What userhaul is measured with: made-up people as a vendor's pages, and what the yardsticks share.
//!
//! Nothing here is part of the product, and nothing of the product is used here.

pub mod rows;
pub mod shape;
pub mod stock;
