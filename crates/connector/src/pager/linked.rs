//! Pages by the URL of the next one: in the page, `{"next_page": "https://…?page=2", "users": […]}`, or in the header
//! `Link: <https://…?page=2>; rel="next"` (RFC 8288). The client follows it to the configured origin only.

use super::{
    Ask, Next, PageFacts, Pager, PagingError, size_param,
    trail::{Step, Trail},
};
use crate::spec::{LinkHeaderPaging, NextUrlPaging};

/// Walks pages by URL.
#[derive(Debug)]
pub struct Linked {
    place: Place,
    first: Ask,
    trail: Trail,
}

/// Where the URL stands.
#[derive(Debug)]
enum Place {
    Page(NextUrlPaging),
    Header,
}

impl Linked {
    /// A walk over URLs in the page.
    pub fn in_page(paging: &NextUrlPaging) -> Self {
        let first = Ask::page(size_param(paging.size.as_deref(), paging.rows));
        Self { place: Place::Page(paging.clone()), first, trail: Trail::default() }
    }

    /// A walk over URLs in the header.
    pub fn in_header(paging: &LinkHeaderPaging) -> Self {
        let first = Ask::page(size_param(paging.size.as_deref(), paging.rows));
        Self { place: Place::Header, first, trail: Trail::default() }
    }
}

impl Pager for Linked {
    fn first(&mut self) -> Next {
        Next::Ask(self.first.clone())
    }

    fn next(&mut self, page: &PageFacts<'_>) -> Result<Next, PagingError> {
        let (url, more) = match &self.place {
            Place::Page(paging) => {
                let more = page.more(paging.more.as_deref(), paging.last.as_deref())?;
                (page.text(&paging.next)?, more)
            }
            Place::Header => (next_link(page.headers.get("link").unwrap_or_default()), None),
        };
        Ok(match self.trail.step(page, url, more)? {
            Step::Follow(url) => Next::Ask(Ask { url: Some(url), ..Ask::default() }),
            Step::Done(end) => Next::Done(end),
        })
    }
}

/// The URL of `<…>; rel="next"` in a `Link` header. URLs and quoted values may hold commas and semicolons.
pub fn next_link(header: &str) -> Option<String> {
    let mut rest = header;
    loop {
        let (_, from) = rest.split_once('<')?;
        let (url, parameters) = from.split_once('>')?;
        let (own, behind) = cut(parameters, ',');
        if is_next(own) {
            return Some(url.trim().to_owned());
        }
        rest = behind;
    }
}

/// What stands before and behind the first `sign` outside quotes.
fn cut(text: &str, sign: char) -> (&str, &str) {
    let mut quoted = false;
    for (at, character) in text.char_indices() {
        match character {
            '"' => quoted = !quoted,
            _ if character == sign && !quoted => {
                let (before, behind) = text.split_at(at);
                return (before, behind.strip_prefix(sign).unwrap_or(behind));
            }
            _ => {}
        }
    }
    (text, "")
}

fn is_next(parameters: &str) -> bool {
    let mut rest = parameters;
    while !rest.is_empty() {
        let (parameter, behind) = cut(rest, ';');
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let mut words = value.trim().trim_matches('"').split_whitespace();
        if name.trim().eq_ignore_ascii_case("rel") && words.any(|word| word.eq_ignore_ascii_case("next")) {
            return true;
        }
        rest = behind;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::next_link;

    #[test]
    fn the_next_link_is_found_among_others() {
        for (header, next) in [
            ("<https://a.example/x?page=2>; rel=\"next\"", Some("https://a.example/x?page=2")),
            ("</x?page=1>; rel=\"prev\", </x?page=3>; rel=next; title=\"a, b; c\"", Some("/x?page=3")),
            (
                "</x?fields=a,b&page=2>; rel=\"last\",</x?fields=a,b&page=9>; REL=\"Next\"",
                Some("/x?fields=a,b&page=9"),
            ),
            ("</x>; title=\"<y>; rel=next\", </z>; rel=\"prev next\"", Some("/z")),
            ("</x>; rel=\"prev\"", None),
            ("", None),
            ("nonsense", None),
        ] {
            assert_eq!(next_link(header).as_deref(), next, "{header}");
        }
    }
}
