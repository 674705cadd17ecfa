//! The userlane connector.
