//! One ask into one answer.

use bytes::{Bytes, BytesMut};
use userhaul_client::{Attempts, Client, Headers, SendError};
use userhaul_connector::{
    pager::{self, Ask},
    request::{Method, Request, Target},
    slice::Walk,
    spec::StreamSpec,
};

use crate::source::Source;

/// Bodies above this are decoded while they come, where a stream has no pages.
const STREAM_ABOVE: usize = 4 << 20;

/// One element of a streamed array may be this large.
const MAX_ELEMENT: usize = 64 << 20;

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: PageHeaders,
    pub(crate) body: Bytes,
    /// Microseconds since 1970.
    pub(crate) received_at: i64,
    pub(crate) attempts: Attempts,
}

/// Headers, as pagers look at them.
#[derive(Debug)]
pub(crate) struct PageHeaders(pub(crate) Headers);

impl pager::Headers for PageHeaders {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)
    }
}

/// The request for an ask of a walk. `rows` replaces the facts' page size.
pub(crate) fn request(
    source: &Source,
    stream: &StreamSpec,
    walk: &Walk,
    ask: &Ask,
    rows: Option<u32>,
) -> Request {
    let mut query: Vec<(String, String)> = walk.params.clone();
    for (name, value) in &ask.params {
        query.retain(|(known, _)| known != name);
        query.extend(value.clone().map(|value| (name.clone(), value)));
    }
    if let (Some(rows), Some((size, _))) = (rows, page_size(stream)) {
        for (name, value) in &mut query {
            if *name == size {
                *value = rows.to_string();
            }
        }
    }
    let target = match (&ask.url, &ask.path) {
        (Some(url), _) => Target::Url(whole_link(source, walk, url)),
        (None, Some(path)) => Target::Path(path.clone()),
        (None, None) => Target::Path(walk.path.clone()),
    };
    if ask.url.is_some() {
        query.clear();
    }
    let mut accept = ask.accept.clone();
    accept.extend(&stream.empty);
    accept.extend(&walk.barren);
    accept.extend(stream.parent().map(|parent| parent.gone.as_slice()).unwrap_or_default());
    Request {
        method: Method::Get,
        target,
        query,
        auth: source.connector.auth(stream),
        accept,
        timeout: source.timeout,
    }
}

/// A link that is a query alone, `?page=2`, is meant for the path that was asked.
fn whole_link(source: &Source, walk: &Walk, link: &str) -> String {
    if !link.starts_with('?') {
        return link.to_owned();
    }
    let base = source.connector.spec().base_url.as_deref().unwrap_or_default();
    let behind_scheme = base.split_once("://").map_or(base, |(_, rest)| rest);
    let base = behind_scheme.find('/').map_or("", |at| behind_scheme.split_at(at).1);
    format!("{}{}{link}", base.trim_end_matches('/'), walk.path)
}

/// The parameter of the page's size and the facts' size.
pub(crate) fn page_size(stream: &StreamSpec) -> Option<(String, u32)> {
    stream.paging.page_size().map(|(size, rows)| (size.to_owned(), rows))
}

/// Asks and gives the whole answer.
pub(crate) async fn whole(client: &Client, request: &Request) -> Result<Answer, SendError> {
    let page = client.send(request).await?;
    Ok(Answer {
        status: page.status,
        received_at: page.received_at.as_microsecond(),
        headers: PageHeaders(page.headers),
        body: page.body,
        attempts: page.attempts,
    })
}

/// Cuts a long array into runs of whole elements while it comes.
///
/// It only ever looks at a byte once. Whether the elements are JSON is for the decoder to say.
#[derive(Debug, Default)]
pub(crate) struct Cutter {
    buffer: BytesMut,
    scanned: usize,
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// Whether the page is an array, once its first byte has come.
    array: Option<bool>,
    /// The end of the last whole element, before its comma.
    cut: usize,
    /// Whether elements have been handed out.
    pub(crate) streaming: bool,
}

impl Cutter {
    /// Takes a piece; gives whole elements where enough have come.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<Option<Bytes>, &'static str> {
        self.buffer.extend_from_slice(piece);
        self.scan();
        if self.array != Some(true) || self.cut == 0 || self.buffer.len() < STREAM_ABOVE {
            return if self.buffer.len() > MAX_ELEMENT { Err("larger than 64 MiB") } else { Ok(None) };
        }
        let elements = self.take(self.cut);
        Ok(Some(elements))
    }

    /// The elements up to `end`, without the bracket or comma in front of them; what follows stays.
    fn take(&mut self, end: usize) -> Bytes {
        let mut elements = self.buffer.split_to(end).freeze();
        if !self.streaming {
            let bracket = elements.iter().position(|&byte| byte == b'[').map_or(0, |at| at + 1);
            elements = elements.slice(bracket..);
        }
        // The comma behind the cut.
        if self.buffer.first() == Some(&b',') {
            let _ = self.buffer.split_to(1);
            self.scanned -= 1;
        }
        self.scanned -= end;
        self.cut = 0;
        self.streaming = true;
        elements
    }

    fn scan(&mut self) {
        while let Some(&byte) = self.buffer.get(self.scanned) {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
            } else {
                match byte {
                    b'"' => self.in_string = true,
                    b'[' | b'{' => {
                        if self.array.is_none() {
                            self.array = Some(byte == b'[');
                        }
                        self.depth += 1;
                    }
                    b']' | b'}' => self.depth = self.depth.saturating_sub(1),
                    b',' if self.depth == 1 => self.cut = self.scanned,
                    _ => {}
                }
            }
            self.scanned += 1;
        }
    }

    /// The end of the body: the whole page, or the last elements; an error where the array was not closed.
    pub(crate) fn end(mut self) -> Result<Bytes, &'static str> {
        if !self.streaming {
            return Ok(self.buffer.freeze());
        }
        let close = self.buffer.iter().rposition(|byte| !byte.is_ascii_whitespace());
        match close {
            Some(close) if self.buffer[close] == b']' && self.depth == 0 => {
                Ok(self.buffer.split_to(close).freeze())
            }
            _ => Err("cut off before its end"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_arrays_are_cut_between_elements() {
        let element = format!("{{\"a\":\"],[\\\"{}\"}}", "x".repeat(1000));
        let page = format!(" [{}] ", vec![element.as_str(); 20_000].join(","));
        for size in [4096, 100_001, page.len()] {
            let mut cutter = Cutter::default();
            let mut elements = Vec::new();
            for piece in page.as_bytes().chunks(size) {
                elements.extend(cutter.push(piece).expect("no element is too large"));
            }
            elements.push(cutter.end().expect("the array is closed"));
            let joined: Vec<String> = elements
                .iter()
                .map(|bytes| String::from_utf8(bytes.to_vec()).expect("text"))
                .filter(|text| !text.is_empty())
                .collect();
            assert_eq!(joined.join(","), page.trim().trim_start_matches('[').trim_end_matches(']'), "{size}");
            assert!(joined.len() > 1, "{size}");
        }
    }

    #[test]
    fn an_array_that_is_not_closed_is_an_error() {
        let mut cutter = Cutter::default();
        let page = format!("[{}", "{\"a\":1},".repeat(700_000));
        assert!(cutter.push(page.as_bytes()).expect("small elements").is_some());
        assert_eq!(cutter.end(), Err("cut off before its end"));
    }
}
