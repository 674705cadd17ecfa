//! The sprig connector.
