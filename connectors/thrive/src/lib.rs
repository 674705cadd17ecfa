//! The thrive connector.
