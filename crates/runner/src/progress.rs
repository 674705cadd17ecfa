//! What a run tells while it works.

use userhaul_client::{Event, Observer};
use userhaul_connector::code::Note;

/// Somebody who watches a run. Called often, from several threads: must be quick.
pub trait Progress: Send + Sync {
    /// A stream has begun.
    fn begun(&self, source: &str, stream: &str);
    /// A page has come.
    fn page(&self, source: &str, stream: &str, rows: u64, bytes: u64);
    /// Something that the user should know, though the run goes on.
    fn warning(&self, source: &str, stream: &str, note: &Note);
    /// A stream is over.
    fn finished(&self, source: &str, stream: &str, outcome: &crate::record::StreamRecord);
    /// The client of a source waits, retries, or goes on.
    fn client(&self, source: &str, event: &Event);
}

/// A watcher that looks away.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn begun(&self, _: &str, _: &str) {}
    fn page(&self, _: &str, _: &str, _: u64, _: u64) {}
    fn warning(&self, _: &str, _: &str, _: &Note) {}
    fn finished(&self, _: &str, _: &str, _: &crate::record::StreamRecord) {}
    fn client(&self, _: &str, _: &Event) {}
}

/// Tells a watcher what the client of one source does.
pub struct ClientProgress {
    /// The source's name.
    pub source: String,
    /// The watcher.
    pub progress: std::sync::Arc<dyn Progress>,
}

impl Observer for ClientProgress {
    fn event(&self, event: Event) {
        self.progress.client(&self.source, &event);
    }
}
