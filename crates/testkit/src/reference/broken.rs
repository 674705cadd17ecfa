//! What is broken for which check. Each breaks one thing, and no more of it than its check needs to see it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use userhaul_client::{Incoming, Outgoing, Reason, Transport};
use userhaul_connector::{
    pager::{End, Next, PageFacts, Pager, PagingError},
    quota::{Quota, QuotaMode},
    spec::{ConnectorSpec, StreamSpec},
};

use super::KEY;

/// Facts that are wrong.
pub(super) fn facts(check: &str, spec: &mut ConnectorSpec) {
    let per = std::time::Duration::from_secs(1);
    match check {
        // A filter that hides half of the rows.
        "truth" => with_people(spec, |people| people.params.push(("active".to_owned(), "true".to_owned()))),
        // The vendor allows less.
        "quota" => spec.quota = Quota { requests: 1000, per, mode: QuotaMode::Window },
        // An outage is taken for "no rows".
        "transient" => spec.streams.values_mut().for_each(|stream| stream.empty.push(504)),
        // A refusal is taken for "no rows".
        "lasting" => spec.streams.values_mut().for_each(|stream| stream.empty.push(418)),
        // No answer at all is taken for "no rows".
        "content" => spec.streams.values_mut().for_each(|stream| stream.items.push("{}".to_owned())),
        // A misspelt field.
        "columns" => with_people(spec, |people| {
            for column in people.table.columns.iter_mut().filter(|column| column.field == "fullName") {
                "fullNam".clone_into(&mut column.field);
            }
        }),
        // The credential stands in the address.
        "leaks" => with_people(spec, |people| people.path = format!("{}/{KEY}", people.path)),
        _ => {}
    }
}

fn with_people(spec: &mut ConnectorSpec, change: impl FnOnce(&mut StreamSpec)) {
    if let Some(people) = spec.streams.get_mut("people") {
        change(people);
    }
}

/// A computed value; `twice` numbers the rows over all runs.
pub(super) fn initial(check: &str, first: Option<String>) -> Option<String> {
    static ROWS: AtomicU64 = AtomicU64::new(0);
    match check {
        "twice" => Some(ROWS.fetch_add(1, Ordering::Relaxed).to_string()),
        _ => first,
    }
}

/// A walk that is wrong.
pub(super) fn pager(check: &str, world: i64, stream: &StreamSpec, whole: Box<dyn Pager>) -> Box<dyn Pager> {
    match (check, stream.name.as_str()) {
        // A short page is taken for the last one, and short is what the largest size is not.
        ("page_size", "labels") => Box::new(ShortIsLast(whole)),
        // Goes on by the number of pages that the killed run has read.
        ("killed", "labels") => Box::new(ByOffset { whole, world }),
        ("killed", "members") => Box::new(Forgets(ByOffset { whole, world })),
        // A cursor that comes again is taken for the end.
        ("data", "events") => Box::new(LoopIsEnd(whole)),
        // No rows are taken for a failure.
        ("empty", "people") => Box::new(NeedsRows(whole)),
        _ => whole,
    }
}

struct ShortIsLast(Box<dyn Pager>);

impl Pager for ShortIsLast {
    fn first(&mut self) -> Next {
        self.0.first()
    }

    fn next(&mut self, page: &PageFacts<'_>) -> Result<Next, PagingError> {
        if page.rows > 0 && page.rows < 15 { Ok(Next::Done(End::default())) } else { self.0.next(page) }
    }
}

/// How many pages each world has given since the last walk that came to its end.
static READ: Mutex<BTreeMap<i64, u64>> = Mutex::new(BTreeMap::new());

struct ByOffset {
    whole: Box<dyn Pager>,
    world: i64,
}

impl ByOffset {
    fn read(&self, change: impl FnOnce(&mut u64)) -> u64 {
        let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
        let read = read.entry(self.world).or_default();
        change(read);
        *read
    }
}

impl Pager for ByOffset {
    fn first(&mut self) -> Next {
        let Next::Ask(mut ask) = self.whole.first() else { return Next::Done(End::default()) };
        let next = self.read(|_| ()) + 1;
        ask.params.retain(|(name, _)| name != "page");
        ask.params.push(("page".to_owned(), Some(next.to_string())));
        ask.tag = next;
        Next::Ask(ask)
    }

    fn next(&mut self, page: &PageFacts<'_>) -> Result<Next, PagingError> {
        let next = self.whole.next(page)?;
        let done = matches!(next, Next::Done(_));
        self.read(|read| *read = if done { 0 } else { *read + 1 });
        Ok(next)
    }
}

/// The last stream of a run that came to its end, well or not.
struct Forgets(ByOffset);

impl Pager for Forgets {
    fn first(&mut self) -> Next {
        self.0.whole.first()
    }

    fn next(&mut self, page: &PageFacts<'_>) -> Result<Next, PagingError> {
        self.0.read(|read| *read = 0);
        self.0.whole.next(page)
    }
}

struct LoopIsEnd(Box<dyn Pager>);

impl Pager for LoopIsEnd {
    fn first(&mut self) -> Next {
        self.0.first()
    }

    fn next(&mut self, page: &PageFacts<'_>) -> Result<Next, PagingError> {
        match self.0.next(page) {
            Err(PagingError::CursorLoop { .. }) => Ok(Next::Done(End::default())),
            next => next,
        }
    }
}

struct NeedsRows(Box<dyn Pager>);

impl Pager for NeedsRows {
    fn first(&mut self) -> Next {
        self.0.first()
    }

    fn next(&mut self, page: &PageFacts<'_>) -> Result<Next, PagingError> {
        if page.rows == 0 && page.status == 200 && page.ask.tag == 1 {
            return Err(PagingError::Probe { status: page.status });
        }
        self.0.next(page)
    }
}

/// A way to the server that is wrong.
pub(super) fn transport(check: &str, wire: Arc<dyn Transport>) -> Arc<dyn Transport> {
    match check {
        "retry_after" => Arc::new(Impatient(wire)),
        "origin" => Arc::new(Credulous(wire)),
        _ => wire,
    }
}

/// Does not hear how long it is to wait.
struct Impatient(Arc<dyn Transport>);

#[async_trait]
impl Transport for Impatient {
    async fn exchange(&self, outgoing: Outgoing) -> Result<Incoming, Reason> {
        let mut incoming = self.0.exchange(outgoing).await?;
        // That an absurd one ends the run is another matter.
        if incoming.headers.get("retry-after").is_some_and(|after| after != "31536000") {
            incoming.headers.remove("retry-after");
        }
        Ok(incoming)
    }
}

/// Follows a redirect wherever it leads.
struct Credulous(Arc<dyn Transport>);

#[async_trait]
impl Transport for Credulous {
    async fn exchange(&self, outgoing: Outgoing) -> Result<Incoming, Reason> {
        let incoming = self.0.exchange(outgoing.clone()).await?;
        let location = incoming.headers.get(http::header::LOCATION).and_then(|text| text.to_str().ok());
        match location.and_then(|location| outgoing.url.join(location).ok()) {
            Some(url) if url != outgoing.url && url.scheme() == "http" => {
                self.0.exchange(Outgoing { url, ..outgoing }).await
            }
            _ => Ok(incoming),
        }
    }
}
