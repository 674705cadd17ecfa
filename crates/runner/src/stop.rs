//! The wish that a run ends soon.

use tokio::sync::watch;

use crate::error::StreamError;

/// Asks for an orderly end: what is under way is dropped, what was read whole is kept for the next run. It is asked for once, and for
/// good.
#[derive(Debug)]
pub struct Stop(watch::Sender<bool>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Stop {
    /// Asks for the end.
    pub fn ask(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the end is asked for.
    pub(crate) async fn asked(&self) {
        let mut receiver = self.0.subscribe();
        // The sender is borrowed, so that it is there.
        let _ = receiver.wait_for(|asked| *asked).await;
    }

    /// Works until the end is asked for; the work is dropped then.
    pub(crate) async fn unless_asked<T>(&self, work: impl Future<Output = T>) -> Result<T, StreamError> {
        tokio::select! {
            biased;
            () = self.asked() => Err(StreamError::Stopped),
            done = work => Ok(done),
        }
    }
}
