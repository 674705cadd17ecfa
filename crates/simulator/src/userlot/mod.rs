//! The userlot API.

use std::sync::Arc;

use axum::Router;

use crate::core::server::{Api, Core};

/// The switches, each with its default.
pub const SWITCHES: &[(&str, &str)] = &[];

pub(crate) fn api(core: &Arc<Core>) -> Api {
    let _ = core;
    Api { router: Router::new(), truth: Arc::new(|_| None) }
}
