//! Answers from the vendor or from the archive, counted and kept.

use userhaul_connector::{pager::Ask, request::Request};

use super::{Course, StreamWalks};
use crate::{
    error::StreamError,
    fetch::{self, Answer},
};

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
}
