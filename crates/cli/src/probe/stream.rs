//! What one stream's endpoint confirms.

use serde_json::Value as Json;
use toml::Value;
use userhaul_connector::{
    slice::Walk,
    spec::{Aspect, Paging, StreamSpec},
};

use super::{
    Probe, Verdict,
    asking::{Answer, Decoded, ROWS, Span, page_params},
    nested, reading,
};
use crate::failure::Failure;

const DAY: i64 = 86_400_000_000;

/// A server's clock may differ by this much.
const SKEW: i64 = 300_000_000;

/// Corrections of one stream that follow from each other.
const MOST_REPAIRS: u32 = 5;

/// A first page with what is known of it.
struct Seen {
    stream: StreamSpec,
    walk: Walk,
    span: Span,
    answer: Answer,
    decoded: Decoded,
}

impl Probe<'_> {
    /// Asks one stream's endpoint, and tells what it confirms.
    pub(super) async fn stream(&mut self, name: &str) -> Result<(), Failure> {
        for _ in 0..MOST_REPAIRS {
            let Some(stream) = self.spec_of(name) else { return Ok(()) };
            let assumed = self.assumed(name);
            let Some((walk, span, answer)) = self.first(&stream).await? else {
                let parent = stream.parent().map(|parent| parent.stream.clone()).unwrap_or_default();
                let detail = format!("no row of `{parent}` was seen to ask by");
                self.find(format!("streams.{name}"), assumed, Verdict::NotSeen, detail);
                return Ok(());
            };
            if !answer.good() {
                if stream.experimental && matches!(answer.status, 404 | 405) {
                    let detail = format!("does not exist: {}", answer.refusal());
                    self.find(format!("streams.{name}"), true, Verdict::NotSeen, detail);
                    return Ok(());
                }
                let unsigned = matches!(answer.status, 401 | 403) && !self.signed;
                if unsigned && self.credential(name).await? {
                    continue;
                }
                if self.repair(name, span, &answer).await? {
                    continue;
                }
                return self.refused(&stream, &answer).await;
            }
            let Some(rows) = self.envelope(&stream, &answer)? else { continue };
            let rows: Vec<&Json> = rows.iter().collect();
            if self.respell(&stream, &rows)? {
                continue;
            }
            match self.decode(&stream, &walk, &answer) {
                Ok(decoded) => {
                    let seen = Seen { stream, walk, span, answer, decoded };
                    return self.confirm(seen, &rows).await;
                }
                Err(message) => {
                    self.find(format!("streams.{name}.columns"), assumed, Verdict::Wrong, message);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The first page that has rows, of the spans that are tried; else the last one that came.
    async fn first(&mut self, stream: &StreamSpec) -> Result<Option<(Walk, Span, Answer)>, Failure> {
        let mut last = None;
        for span in self.spans(stream) {
            let Some(walk) = self.walk(None, stream, span) else { continue };
            let answer = self.ask(None, stream, &walk, &page_params(stream, 0)).await?;
            let rows = reading::rows_at(stream, &answer.body).map(|(_, rows)| rows.len());
            let enough = !answer.good() || rows != Some(0) && answer.status != 204;
            last = Some((walk, span, answer));
            if enough {
                break;
            }
        }
        Ok(last)
    }

    async fn refused(&mut self, stream: &StreamSpec, answer: &Answer) -> Result<(), Failure> {
        let gone = stream.parent().is_some_and(|parent| parent.gone.contains(&answer.status));
        let empty = stream.empty.contains(&answer.status);
        let fact = format!("streams.{}.path", stream.name);
        let assumed = self.assumed(&stream.name);
        if gone || empty {
            let detail = format!("status {} may mean that there are no rows", answer.status);
            self.find(fact, assumed, Verdict::NotSeen, detail);
        } else {
            let verdict = if answer.status == 403 { Verdict::NotSeen } else { Verdict::Wrong };
            self.find(fact, assumed, verdict, format!("`{}` answered {}", stream.path, answer.refusal()));
        }
        Ok(())
    }

    /// The rows of a page; none where they stood elsewhere, which is corrected now.
    fn envelope(&mut self, stream: &StreamSpec, answer: &Answer) -> Result<Option<Vec<Json>>, Failure> {
        let fact = format!("streams.{}.items", stream.name);
        let assumed = self.assumed(&stream.name);
        if answer.status == 204 {
            self.find(fact, assumed, Verdict::NotSeen, "no answer with rows");
            return Ok(Some(Vec::new()));
        }
        if let Some((pointer, rows)) = reading::rows_at(stream, &answer.body) {
            let place =
                if pointer.is_empty() { "the answer itself".to_owned() } else { format!("`{pointer}`") };
            self.find(fact, assumed, Verdict::Confirmed, place);
            return Ok(Some(rows.into_iter().cloned().collect()));
        }
        let found = reading::find_rows(&answer.body, stream.single);
        let Some(pointer) = found.first() else {
            self.find(fact, assumed, Verdict::Wrong, "the answer has no rows anywhere");
            return Ok(Some(Vec::new()));
        };
        let items = Value::Array(vec![Value::from(pointer.as_str())]);
        self.adopt(&nested(&["streams", &stream.name, "items"], items))?;
        let expected =
            stream.items.iter().map(|pointer| format!("`{pointer}`")).collect::<Vec<_>>().join(", ");
        self.find(
            fact,
            assumed,
            Verdict::Corrected,
            format!("the rows are at `{pointer}`, not at {expected}"),
        );
        Ok(None)
    }

    /// Whether fields came in another spelling, which is corrected now.
    fn respell(&mut self, stream: &StreamSpec, rows: &[&Json]) -> Result<bool, Failure> {
        let found = reading::respelled(stream, rows);
        if found.is_empty() {
            return Ok(false);
        }
        for (field, name) in &found {
            let mut names: Vec<Value> = vec![Value::from(name.as_str())];
            let known = stream.table.aliases.iter().filter(|alias| alias.field == *field);
            names.extend(known.map(|alias| Value::from(alias.path.as_str())));
            self.adopt(&nested(&["streams", &stream.name, "aliases", field], Value::Array(names)))?;
            let fact = format!("streams.{}.columns.{field}", stream.name);
            self.find(fact, self.assumed(&stream.name), Verdict::Corrected, format!("comes as `{name}`"));
        }
        Ok(true)
    }

    async fn confirm(&mut self, seen: Seen, rows: &[&Json]) -> Result<(), Failure> {
        let name = seen.stream.name.clone();
        let assumed = self.assumed(&name);
        if seen.stream.experimental {
            let detail = format!(
                "exists: {} on the first page; name it under `streams` to read it",
                crate::render::counted(rows.len() as u64, "row")
            );
            self.find(format!("streams.{name}"), true, Verdict::Confirmed, detail);
        }
        if !seen.decoded.first.is_empty() {
            self.parents.insert(name.clone(), seen.decoded.first.clone());
        }
        let unknown = reading::unknown_fields(&seen.stream, rows);
        if rows.is_empty() {
            self.find(format!("streams.{name}.columns"), assumed, Verdict::NotSeen, "no row came");
        } else if unknown.is_empty() || seen.stream.custom_fields.is_some() {
            self.find(
                format!("streams.{name}.columns"),
                assumed,
                Verdict::Confirmed,
                "every field has its column",
            );
        } else {
            let detail = format!("fields without a column, kept in `_extra`: {}", unknown.join(", "));
            self.find(format!("streams.{name}.columns"), assumed, Verdict::Confirmed, detail);
        }
        self.paging(&seen, rows, assumed).await?;
        self.dates(&seen, assumed).await?;
        self.order_of(&seen, assumed);
        self.zone(&seen, rows, assumed);
        Ok(())
    }

    /// Whether the page's number or cursor leads to other rows.
    async fn paging(&mut self, seen: &Seen, rows: &[&Json], assumed: bool) -> Result<(), Failure> {
        let stream = &seen.stream;
        let fact = format!("streams.{}.paging", stream.name);
        let params = match &stream.paging {
            Paging::None => return Ok(()),
            Paging::Unknown => {
                let detail = match (&seen.answer.link, seen.answer.paging_headers.as_slice()) {
                    (Some(_), _) => "a `Link` header leads on".to_owned(),
                    (None, []) => format!("{} at once, and no sign of pages", rows.len()),
                    (None, headers) => format!("headers {} tell of pages", headers.join(", ")),
                };
                self.find(fact, assumed, Verdict::Confirmed, detail);
                return Ok(());
            }
            Paging::PageNumber(_) | Paging::Offset(_) => page_params(stream, 1),
            Paging::LastId(_) | Paging::NextUrl(_) | Paging::LinkHeader(_) => {
                self.find(fact, assumed, Verdict::NotSeen, "only a walk tells");
                return Ok(());
            }
            Paging::Cursor(paging) => {
                let next = seen.answer.body.pointer(&paging.next);
                let Some(next) = next.and_then(Json::as_str).filter(|next| !next.is_empty()) else {
                    let detail = format!("no cursor at `{}`: the list may have one page", paging.next);
                    self.find(fact, assumed, Verdict::NotSeen, detail);
                    return Ok(());
                };
                let mut params = page_params(stream, 0);
                params.insert(0, (paging.param.clone(), next.to_owned()));
                params
            }
        };
        let named = params.first().map(|(name, _)| name.clone()).unwrap_or_default();
        if rows.len() < ROWS as usize {
            self.find(fact, assumed, Verdict::NotSeen, "too few rows for a second page");
            return Ok(());
        }
        let answer = self.ask(None, stream, &seen.walk, &params).await?;
        let second = self.decode(stream, &seen.walk, &answer).unwrap_or_default();
        let (first, second) = (&seen.decoded.rows.keys, &second.rows.keys);
        if !answer.good() || second.is_empty() {
            self.find(fact, assumed, Verdict::NotSeen, "there is no second page");
        } else if second.iter().any(|key| !first.contains(key)) {
            let size = stream.paging.page_size().map(|(_, size)| size as usize);
            let obeyed = size.is_none_or(|size| [ROWS as usize, size].contains(&rows.len()));
            let size = if obeyed { "" } else { ", but its size is not obeyed" };
            self.find(fact, assumed, Verdict::Confirmed, format!("`{named}` leads to other rows{size}"));
        } else if let Paging::Cursor(paging) = &stream.paging {
            // A cursor that includes its position repeats rows that share an instant.
            let next = answer.body.pointer(&paging.next).and_then(Json::as_str);
            let moves = params.first().map(|(_, value)| value.as_str()) != next;
            let (verdict, detail) = match moves {
                true => (Verdict::Confirmed, format!("`{named}` leads on")),
                false => (
                    Verdict::NotSeen,
                    "the second page repeats the first: rows may share an instant".to_owned(),
                ),
            };
            self.find(fact, assumed, verdict, detail);
        } else {
            let whole = rows.len() > ROWS as usize;
            let detail = format!("`{named}` is ignored: the second page is the first one again");
            match self.alternatives(Aspect::Paging).first().cloned().filter(|_| whole) {
                Some(alternative) => {
                    self.adopt(&alternative)?;
                    self.find(fact, assumed, Verdict::Corrected, detail);
                }
                None => self.find(fact, assumed, Verdict::Wrong, detail),
            }
        }
        Ok(())
    }

    /// Whether a window from before the rows that came leaves them out.
    async fn dates(&mut self, seen: &Seen, assumed: bool) -> Result<(), Failure> {
        let stream = &seen.stream;
        let Some(window) = stream.window().filter(|window| !window.years && !window.by.is_empty()) else {
            return Ok(());
        };
        let fact = format!("streams.{}.axes.window", stream.name);
        let Some(oldest) = seen.decoded.rows.cursors.iter().flatten().min().copied() else {
            self.find(fact, assumed, Verdict::NotSeen, "no row came to tell by");
            return Ok(());
        };
        let length = i64::from(window.days.unwrap_or(6).min(6)) * DAY;
        let end = (oldest - 4 * DAY).div_euclid(DAY) * DAY;
        let before: Span = (Some(end - length), end - 1);
        let names = match &window.to {
            Some(to) => format!("`{}` and `{to}`", window.from),
            None => format!("`{}`", window.from),
        };
        match self.outside(None, stream, before).await? {
            Some(false) => {
                self.find(fact, assumed, Verdict::Confirmed, format!("{names} bound the rows"));
            }
            None => self.find(fact, assumed, Verdict::NotSeen, "an earlier window was refused"),
            Some(true) => {
                let detail = format!("{names} are ignored: rows outside of the window came");
                for alternative in self.alternatives(Aspect::Dates) {
                    let (_, source) = self.with(&alternative)?;
                    let Some(corrected) = source.connector.spec().stream(&stream.name).cloned() else {
                        continue;
                    };
                    if self.outside(Some(&source), &corrected, before).await? == Some(false)
                        && self.outside(Some(&source), &corrected, seen.span).await? == Some(false)
                    {
                        self.adopt(&alternative)?;
                        self.find(fact, assumed, Verdict::Corrected, detail);
                        return Ok(());
                    }
                }
                self.find(fact, assumed, Verdict::Wrong, detail);
            }
        }
        Ok(())
    }

    /// Whether rows outside of a span come when it is asked for; none where that is refused.
    async fn outside(
        &mut self,
        source: Option<&userhaul_runner::Source>,
        stream: &StreamSpec,
        span: Span,
    ) -> Result<Option<bool>, Failure> {
        let Some(walk) = self.walk(source, stream, span) else { return Ok(None) };
        let answer = self.ask(source, stream, &walk, &page_params(stream, 0)).await?;
        if stream.empty.contains(&answer.status) {
            return Ok(Some(false));
        }
        if !answer.good() {
            return Ok(None);
        }
        let Ok(decoded) = self.decode(stream, &walk, &answer) else { return Ok(None) };
        let slack = 2 * DAY;
        Ok(Some(
            decoded
                .rows
                .cursors
                .iter()
                .flatten()
                .any(|&at| span.0.is_some_and(|from| at < from - slack) || at > span.1 + slack),
        ))
    }

    fn order_of(&mut self, seen: &Seen, assumed: bool) {
        let instants: Vec<i64> = seen.decoded.rows.cursors.iter().flatten().copied().collect();
        let (Some(first), Some(last)) = (instants.first(), instants.last()) else { return };
        let fact = format!("streams.{}: order", seen.stream.name);
        if first == last {
            self.find(fact, assumed, Verdict::NotSeen, "too few rows to tell");
        } else if instants.is_sorted() {
            self.find(fact, assumed, Verdict::Confirmed, "oldest first");
        } else if instants.is_sorted_by(|one, two| one >= two) {
            self.find(fact, assumed, Verdict::Confirmed, "newest first");
        } else {
            self.find(fact, assumed, Verdict::Confirmed, "in no order of time");
        }
    }

    fn zone(&mut self, seen: &Seen, rows: &[&Json], assumed: bool) {
        let zones = reading::zones(&seen.stream, rows);
        let fact = format!("streams.{}: time zone", seen.stream.name);
        if !(zones.told || zones.bare || zones.epoch) {
            return;
        }
        if !zones.bare {
            self.find(fact, assumed, Verdict::Confirmed, "instants tell their zone");
            return;
        }
        let newest = seen.decoded.rows.cursors.iter().flatten().max().copied();
        match (newest, seen.answer.date) {
            (Some(newest), Some(date)) if newest > date + SKEW => {
                let detail = "instants without a zone lie in the server's future: they are not UTC";
                self.find(fact, assumed, Verdict::Wrong, detail);
            }
            _ => self.find(
                fact,
                assumed,
                Verdict::NotSeen,
                match zones.told {
                    true => "some instants come without a zone and are taken for UTC",
                    false => "instants come without a zone and are taken for UTC",
                },
            ),
        }
    }
}
