//! The sprig API.

use std::sync::Arc;

use axum::Router;

use crate::core::server::{Api, Core};

/// The switches, each with its default.
pub const SWITCHES: &[(&str, &str)] = &[];

pub(crate) fn api(core: &Arc<Core>) -> Api {
    let _ = core;
    Api { router: Router::new(), truth: Arc::new(|_| None) }
}

/// 1000 requests in every 5 minutes.
pub(crate) const DEFAULT_LIMIT: fn() -> crate::Limit = || crate::Limit {
    requests: 1000,
    per_ms: 300_000,
    counting: crate::Counting::Sliding,
    count_refused: false,
    retry_after: "none".to_owned(),
};
