//! The userlot connector.
