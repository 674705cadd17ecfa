//! What is tested: a connector, and a vendor's world that it reads.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::Value;
use userhaul_client::Transport;
use userhaul_connector::{Registration, quota::Quota, settings::SettingValue};

/// A connector with worlds to read.
pub trait Subject: Send + Sync {
    /// What failures call it.
    fn name(&self) -> String;

    /// A fresh world of about so many people, the same at each call; 0 is an account that holds nothing.
    fn open(&self, people: usize) -> Arc<dyn World>;
}

/// A vendor's server and what it holds.
#[async_trait]
pub trait World: Send + Sync {
    /// Answers one request as the vendor does.
    async fn answer(&self, request: http::Request<Bytes>) -> http::Response<Bytes>;

    /// Every row of a stream's table, as the vendor sends it; none for a stream that the vendor does not hold as such.
    fn truth(&self, stream: &str) -> Option<Vec<Value>>;

    /// Requests so far that the vendor's documentation does not allow.
    fn violations(&self) -> Vec<String>;

    /// The connector.
    fn registration(&self) -> &'static Registration;

    /// The settings of a source that reads this world.
    fn settings(&self) -> Vec<(&'static str, SettingValue)>;

    /// The first instant to read, in microseconds since 1970, for connectors that need one.
    fn start(&self) -> Option<i64>;

    /// How often the vendor may really be asked, where that is published.
    fn limit(&self) -> Option<Quota>;

    /// The way to the vendor: `wire` itself, but for connectors that are broken on purpose.
    fn transport(&self, wire: Arc<dyn Transport>) -> Arc<dyn Transport>;
}
