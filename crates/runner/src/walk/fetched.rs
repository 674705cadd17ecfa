//! Answers from the vendor or from the archive, counted and kept.

use userhaul_client::Attempts;
use userhaul_connector::{pager::Ask, request::Request};

use super::{Course, StreamWalks, lock};
use crate::{
    error::StreamError,
    fetch::{self, Answer, PageHeaders},
};

/// A header's date has whole seconds, and takes a while to come.
const HEADER_COARSENESS: i64 = 2_000_000;

impl StreamWalks<'_> {
    /// The answer to an ask: the vendor's, or in a replay the archived one.
    pub(super) async fn fetch(
        &self,
        course: &Course<'_>,
        ask: &Ask,
    ) -> (Request, Result<Answer, StreamError>) {
        let request = fetch::request(self.source, self.stream, course.walk, ask, course.rows);
        let answer = match course.track.played(&request, ask) {
            Some(played) => played,
            None => fetch::whole(&self.client, &request).await.map_err(StreamError::from),
        };
        (request, answer)
    }

    /// Counts what an answer has cost and keeps it for the archive, whatever becomes of it.
    pub(super) async fn keep(
        &self,
        course: &Course<'_>,
        ask: &Ask,
        request: &Request,
        answer: Result<Answer, StreamError>,
    ) -> Result<Answer, StreamError> {
        match answer {
            Ok(answer) => {
                self.count(answer.attempts);
                self.compare_clocks(&answer.headers, answer.received_at);
                course.track.keep(request, ask, &answer).await?;
                Ok(answer)
            }
            Err(error) => Err(self.failed(course, error).await?),
        }
    }

    /// Counts what a failure has cost, and notes it for the archive.
    pub(super) async fn failed(
        &self,
        course: &Course<'_>,
        error: StreamError,
    ) -> Result<StreamError, StreamError> {
        if let StreamError::Send(error) = &error {
            self.count(error.attempts());
            course.track.refused(error.status()).await?;
        }
        Ok(error)
    }

    /// Notes by how much the vendor's clock is behind: a checkpoint by ours would lie in its future.
    pub(super) fn compare_clocks(&self, headers: &PageHeaders, received_at: i64) {
        let Some(date) = headers.0.date() else { return };
        let behind = date.saturating_sub(received_at);
        if behind < -HEADER_COARSENESS {
            let mut tally = lock(&self.tally);
            tally.behind = tally.behind.min(behind);
        }
    }

    pub(super) fn count(&self, spent: Attempts) {
        lock(&self.tally).attempts.add(spent);
    }
}
