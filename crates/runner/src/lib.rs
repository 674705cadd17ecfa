//! The loop: slices to files, the state store, the report.
