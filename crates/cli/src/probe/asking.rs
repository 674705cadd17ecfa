//! Asking: one request of a probe, and what kind of answer came.

use secrecy::SecretString;
use serde_json::Value;
use userhaul_client::{ErrorKind, Page, for_people, without_secrets};
use userhaul_connector::{
    decode::{DecodeOptions, Decoder, Lineage, PageRows},
    plan::{self, PlanInputs},
    request::{Method, Request, Target},
    slice::Walk,
    spec::StreamSpec,
};
use userhaul_runner::Source;

use super::{MOST_REQUESTS, Probe, reading};
use crate::failure::{Code, Failure, exit_of};

/// The rows that a page of the probe should have.
pub(super) const ROWS: u32 = 2;

const DAY: i64 = 86_400_000_000;

/// An answer.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
    raw: Vec<u8>,
    /// The server's clock, in microseconds since 1970.
    pub(super) date: Option<i64>,
    pub(super) link: Option<String>,
    /// Names of headers that tell of pages.
    pub(super) paging_headers: Vec<String>,
}

impl Answer {
    pub(super) fn good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What the server says is wrong, shortened.
    pub(super) fn refusal(&self) -> String {
        let text = ["message", "error", "detail", "title"]
            .iter()
            .find_map(|key| self.body.get(key)?.as_str().map(str::to_owned))
            .unwrap_or_default();
        let text: String = for_people(&text).chars().take(120).collect();
        if text.is_empty() {
            format!("status {}", self.status)
        } else {
            format!("status {}: {text}", self.status)
        }
    }
}

/// A window of time: from, to, in microseconds since 1970.
pub(super) type Span = (Option<i64>, i64);

impl Probe<'_> {
    /// Asks a source for a stream.
    pub(super) async fn ask(
        &mut self,
        source: Option<&Source>,
        stream: &StreamSpec,
        walk: &Walk,
        params: &[(String, String)],
    ) -> Result<Answer, Failure> {
        let mut query = walk.params.clone();
        for (name, value) in params {
            query.retain(|(known, _)| known != name);
            query.push((name.clone(), value.clone()));
        }
        let answer = self.once(source, stream, walk, query.clone()).await?;
        let Some((size, rows)) = stream.paging.page_size().filter(|_| matches!(answer.status, 400 | 422))
        else {
            return Ok(answer);
        };
        // A server may take no other size than that of the facts.
        let Some((_, value)) = query.iter_mut().find(|(name, _)| name == size) else { return Ok(answer) };
        *value = rows.to_string();
        let whole = self.once(source, stream, walk, query).await?;
        Ok(if whole.good() { whole } else { answer })
    }

    async fn once(
        &mut self,
        source: Option<&Source>,
        stream: &StreamSpec,
        walk: &Walk,
        query: Vec<(String, String)>,
    ) -> Result<Answer, Failure> {
        self.requests += 1;
        if self.requests > MOST_REQUESTS {
            return Err(Failure::failed(
                Code::VendorError,
                format!("the probe ended after {MOST_REQUESTS} requests"),
                None,
            ));
        }
        let source = source.unwrap_or(&self.source);
        let request = Request {
            method: Method::Get,
            target: Target::Path(walk.path.clone()),
            query,
            auth: source.connector.auth(stream),
            // Every refusal is an answer here, but those that ask for patience.
            accept: (400..500).filter(|status| !matches!(status, 408 | 425 | 429)).collect(),
            timeout: source.timeout,
        };
        match source.client.send(&request).await {
            Ok(page) => Ok(answer(&page, &source.client.secrets(&request.auth))),
            Err(error) => match error.status() {
                Some(status) if !matches!(error.kind(), ErrorKind::Transient | ErrorKind::RateLimited) => {
                    Ok(Answer { status, ..answer_of(&[]) })
                }
                _ => {
                    let exit = match error.kind() {
                        ErrorKind::Settings => exit_of(error.kind()),
                        _ => crate::failure::Exit::Failed,
                    };
                    Err(Failure::new(error.code(), error.to_string(), error.hint(), exit))
                }
            },
        }
    }

    /// The walk of a stream over a span, by the first parent that is known; none where there is none to ask by.
    pub(super) fn walk(&self, source: Option<&Source>, stream: &StreamSpec, span: Span) -> Option<Walk> {
        let source = source.unwrap_or(&self.source);
        let mut parents = Vec::new();
        if let Some(parent) = stream.parent() {
            parents.push(self.parents.get(&parent.stream)?.get(&parent.key)?.clone());
        }
        let inputs = PlanInputs {
            now: span.1,
            start: span.0,
            settings: &source.axis_settings,
            parents: &parents,
            ..PlanInputs::default()
        };
        let slices = plan::plan(stream, &inputs).ok()?;
        slices.into_iter().next()?.walks.into_iter().next()
    }

    /// The spans that are asked until one has rows: of windows the last one, one half-way, and the first.
    pub(super) fn spans(&self, stream: &StreamSpec) -> Vec<Span> {
        let now = jiff::Timestamp::now().as_microsecond();
        let Some(days) = stream.window().and_then(|window| window.days) else {
            return vec![(self.source.start, now)];
        };
        let length = i64::from(days) * DAY;
        let start = self.source.start.unwrap_or(now - 365 * DAY).div_euclid(DAY) * DAY;
        let last = (now.div_euclid(DAY) + 1) * DAY;
        let middle = (start + (last - start) / 2).div_euclid(DAY) * DAY;
        let mut spans: Vec<Span> = Vec::new();
        for end in [last - DAY, middle + length - DAY, start + length - DAY] {
            // A plan reads the day of its last instant, too.
            let span = (Some((end + DAY - length).max(start)), end + DAY - 1);
            if end >= start && !spans.contains(&span) {
                spans.push(span);
            }
        }
        spans
    }

    /// The rows of an answer as the engine reads them.
    pub(super) fn decode(
        &self,
        stream: &StreamSpec,
        walk: &Walk,
        answer: &Answer,
    ) -> Result<Decoded, String> {
        let options = DecodeOptions {
            table: stream.table.clone(),
            derived: Vec::new(),
            items: stream.items.clone(),
            single: stream.single,
            custom: None,
            rules: Vec::new(),
        };
        let mut decoder = Decoder::new(&options);
        let by = stream.window().map(|window| window.by.as_str()).filter(|by| !by.is_empty());
        let by = by.or(stream.cursor.as_deref()).or(stream.version.as_deref());
        decoder.watch(true, by);
        let lineage = Lineage { source: &self.source.name, run_id: "", extracted_at: 0, given: &walk.given };
        if answer.raw.is_empty() && (answer.status == 204 || stream.single) {
            return Ok(Decoded::default());
        }
        let (rows, _) = decoder.page(&answer.raw, &lineage).map_err(|error| error.to_string())?;
        let keys = decoder.take().map_err(|error| error.to_string())?.rows;
        let first = keys.map(|batch| reading::first_row(&batch)).unwrap_or_default();
        Ok(Decoded { rows, first })
    }
}

/// The rows of an answer.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    pub(super) rows: PageRows,
    /// The texts of the first row, by column.
    pub(super) first: std::collections::BTreeMap<String, String>,
}

/// The parameters of the page of this number from the first, of [`ROWS`] rows.
pub(super) fn page_params(stream: &StreamSpec, number: u64) -> Vec<(String, String)> {
    stream.paging.params(number, ROWS)
}

/// What is quoted of an answer must not repeat a credential.
fn answer(page: &Page, secrets: &[SecretString]) -> Answer {
    let date = page.headers.get("date").and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    let hints = ["x-next-page", "x-page", "x-per-page", "x-total", "x-total-count", "x-total-pages", "total"];
    let paging_headers = hints.into_iter().filter(|hint| page.headers.get(hint).is_some());
    Answer {
        status: page.status,
        date: date.map(|date| date.timestamp().as_microsecond()),
        link: page.headers.get("link").map(str::to_owned),
        paging_headers: paging_headers.map(str::to_owned).collect(),
        ..answer_of(without_secrets(&page.body, secrets).as_deref().unwrap_or(&page.body))
    }
}

fn answer_of(body: &[u8]) -> Answer {
    Answer {
        status: 0,
        body: serde_json::from_slice(body).unwrap_or_default(),
        raw: body.to_vec(),
        date: None,
        link: None,
        paging_headers: Vec::new(),
    }
}
