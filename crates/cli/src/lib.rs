//! Commands, configuration, rendering of errors.
pub fn main() {}
