//! What stands around the rows of a sample: where they are, and what it shows of paging.

use url::Url;

use super::{json::Json, shape::toml_text};

/// Objects within objects that are looked into.
const MOST_DEPTH: usize = 4;

/// Names of arrays that say nothing about their rows.
pub(super) const GENERIC: [&str; 14] = [
    "data",
    "items",
    "results",
    "records",
    "values",
    "value",
    "rows",
    "list",
    "entries",
    "content",
    "hits",
    "elements",
    "objects",
    "collection",
];

/// Where the rows of a sample stand.
pub(super) struct Rows<'a> {
    /// The pointer to them.
    pub(super) pointer: String,
    /// Whether the page is one row.
    pub(super) single: bool,
    /// The rows.
    pub(super) rows: Vec<&'a Json>,
}

/// Finds the rows: the longest array of objects, of equally long ones the outermost and first.
pub(super) fn rows(page: &Json) -> Result<Rows<'_>, String> {
    let mut arrays = Vec::new();
    let mut empty = Vec::new();
    arrays_in(page, String::new(), 0, &mut arrays, &mut empty);
    let best =
        arrays.into_iter().reduce(|best, other| if other.1.len() > best.1.len() { other } else { best });
    if let Some((pointer, elements)) = best {
        return Ok(Rows { pointer, single: false, rows: elements.iter().collect() });
    }
    match (page, empty.first()) {
        (_, Some(pointer)) => {
            let place = if pointer.is_empty() {
                "the sample".to_owned()
            } else {
                format!("the array at `{pointer}`")
            };
            Err(format!("{place} is empty: a page with rows is needed"))
        }
        (Json::Object(members), None) if !members.is_empty() => {
            Ok(Rows { pointer: String::new(), single: true, rows: vec![page] })
        }
        _ => Err("no array of objects in it, so no rows to learn from".to_owned()),
    }
}

/// The arrays of objects, and the pointers of empty arrays.
fn arrays_in<'a>(
    value: &'a Json,
    pointer: String,
    depth: usize,
    arrays: &mut Vec<(String, &'a [Json])>,
    empty: &mut Vec<String>,
) {
    match value {
        Json::List(elements) if elements.is_empty() => empty.push(pointer),
        Json::List(elements) if elements.iter().all(|element| matches!(element, Json::Object(_))) => {
            arrays.push((pointer, elements));
        }
        Json::Object(members) if depth < MOST_DEPTH => {
            for (key, member) in members.iter().filter(|(key, _)| can_point(key)) {
                arrays_in(member, format!("{pointer}/{key}"), depth + 1, arrays, empty);
            }
        }
        _ => {}
    }
}

/// Whether a pointer can name the key.
fn can_point(key: &str) -> bool {
    !key.is_empty() && key != "*" && !key.contains(['/', '~'])
}

/// What a sample shows of its stream's paging and address.
#[derive(Debug, Default)]
pub(super) struct Paging {
    /// The value of `paging`, as TOML.
    pub(super) notation: String,
    /// What it was seen by.
    pub(super) because: String,
    /// The origin of the next page's URL.
    pub(super) base_url: Option<String>,
    /// The path of the next page's URL.
    pub(super) path: Option<String>,
}

/// A scalar beside the rows.
struct Fact<'a> {
    pointer: String,
    /// The key in small letters, without `_`, `-`, `@`, `.` and `$`.
    key: String,
    value: &'a Json,
}

/// Guesses how the next page is asked for.
pub(super) fn paging(page: &Json, rows: &Rows<'_>, key: Option<&str>) -> Paging {
    let mut facts = Vec::new();
    if !rows.single {
        facts_in(page, String::new(), &rows.pointer, 0, &mut facts);
    }
    let find = |keys: &[&str], fits: fn(&Json) -> bool| {
        let named =
            keys.iter().find_map(|key| facts.iter().find(|fact| fact.key == *key && fits(fact.value)));
        named.map(|fact| fact.pointer.as_str())
    };
    let flag: fn(&Json) -> bool = |value| matches!(value, Json::Bool(_));
    let count: fn(&Json) -> bool = |value| matches!(value, Json::Int(_));
    let word: fn(&Json) -> bool = |value| matches!(value, Json::Text(text) if !text.is_empty());
    let more = find(&["hasmore", "more", "hasnext", "hasnextpage", "moreitemsinresponse"], flag);
    let last = find(&["islast", "last", "lastpage", "islastpage", "done"], flag);
    let ends = |mut notation: String| {
        for (name, pointer) in [("more", more), ("last", last)] {
            if let Some(pointer) = pointer {
                notation.push_str(&format!(", {name} = {}", toml_text(pointer)));
            }
        }
        notation
    };
    let total = find(
        &["total", "totalcount", "totalresults", "totalitems", "totalrows", "totalrecords", "count"],
        count,
    );
    if let Some((fact, url)) = facts.iter().find_map(|fact| Some((fact, next_url(fact)?))) {
        return linked(&fact.pointer, &url, &ends);
    }
    let cursors = [
        ("nextcursor", "cursor"),
        ("nextpagetoken", "pageToken"),
        ("nexttoken", "nextToken"),
        ("aftercursor", "page[after]"),
        ("after", "after"),
        ("endcursor", "after"),
        ("continuation", "continuation"),
        ("continuationtoken", "continuationToken"),
        ("startingafter", "starting_after"),
        ("cursor", "cursor"),
        ("next", "cursor"),
    ];
    for (name, param) in cursors {
        if let Some(pointer) = find(&[name], word) {
            let notation =
                format!("kind = \"cursor\", param = {}, next = {}", toml_text(param), toml_text(pointer));
            return guess(ends(notation), format!("the cursor at `{pointer}`; `param` is a guess"));
        }
    }
    if let Some(pointer) = find(&["nextpage"], count) {
        let notation = format!("kind = \"cursor\", param = \"page\", next = {}", toml_text(pointer));
        return guess(
            ends(notation),
            format!("the number of the next page at `{pointer}`; `param` is a guess"),
        );
    }
    let number = find(&["page", "pagenumber", "currentpage", "number", "pageindex", "index"], count);
    let pages = find(&["totalpages", "pages", "pagecount", "lastpage", "numpages"], count);
    if let Some(seen) = pages.or(number) {
        let mut notation = "kind = \"page_number\", page = \"page\"".to_owned();
        if facts.iter().any(|fact| Some(fact.pointer.as_str()) == number && *fact.value == Json::Int(0)) {
            notation.push_str(", first = 0");
        }
        for (name, pointer) in [("total_rows", total), ("total_pages", pages)] {
            notation.extend(pointer.map(|pointer| format!(", {name} = {}", toml_text(pointer))));
        }
        return guess(ends(notation), format!("`{seen}`; the name of the parameter is a guess"));
    }
    if let Some(seen) = find(&["offset", "skip", "startat", "start"], count) {
        let param = seen.rsplit('/').next().unwrap_or(seen);
        let mut notation = format!("kind = \"offset\", offset = {}", toml_text(param));
        notation.extend(total.map(|pointer| format!(", total_rows = {}", toml_text(pointer))));
        return guess(ends(notation), format!("`{seen}`; the name of the parameter is a guess"));
    }
    if let (Some(seen), None) = (last, more) {
        let notation = "kind = \"page_number\", page = \"page\"".to_owned();
        return guess(ends(notation), format!("`{seen}`; the name of the parameter is a guess"));
    }
    if let (Some(seen), Some(key)) = (more, key) {
        let notation = format!("kind = \"last_id\", param = \"starting_after\", column = {}", toml_text(key));
        return guess(ends(notation), format!("`{seen}` without a cursor; `param` is a guess"));
    }
    guess("kind = \"unknown\"".to_owned(), "the sample shows none; `unknown` tries".to_owned())
}

fn guess(notation: String, because: String) -> Paging {
    Paging { notation: format!("{{ {notation} }}"), because, ..Paging::default() }
}

fn facts_in<'a>(value: &'a Json, pointer: String, rows: &str, depth: usize, facts: &mut Vec<Fact<'a>>) {
    for (key, member) in value.members().iter().filter(|(key, _)| can_point(key)) {
        let pointer = format!("{pointer}/{key}");
        match member {
            _ if pointer == rows => {}
            Json::Object(_) if depth < MOST_DEPTH => facts_in(member, pointer, rows, depth + 1, facts),
            Json::Object(_) | Json::List(_) => {}
            scalar => {
                let key = key.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
                facts.push(Fact { pointer, key: key.to_ascii_lowercase(), value: scalar });
            }
        }
    }
}

/// The URL of the next page, absolute or below the origin.
fn next_url(fact: &Fact<'_>) -> Option<String> {
    let named = matches!(
        fact.key.as_str(),
        "next"
            | "nextpage"
            | "nexturl"
            | "nextlink"
            | "nextpageurl"
            | "odatanextlink"
            | "nexthref"
            | "nexturi"
    ) || (fact.key == "href" && fact.pointer.ends_with("/next/href"));
    match fact.value {
        Json::Text(text)
            if named
                && (text.starts_with("https://")
                    || text.starts_with("http://")
                    || text.starts_with(['/', '?'])) =>
        {
            Some(text.clone())
        }
        _ => None,
    }
}

fn linked(pointer: &str, url: &str, ends: &dyn Fn(String) -> String) -> Paging {
    let absolute = Url::parse(url).ok();
    let below = Url::parse("https://example.com").ok().and_then(|base| base.join(url).ok());
    let parsed = absolute.as_ref().or(below.as_ref());
    let sizes =
        ["per_page", "perpage", "page[size]", "limit", "page_size", "pagesize", "size", "count", "first"];
    let size = parsed.and_then(|url| {
        url.query_pairs()
            .find(|(name, value)| {
                sizes.contains(&name.to_ascii_lowercase().as_str())
                    && value.parse::<u32>().is_ok_and(|rows| rows > 0)
            })
            .map(|(name, value)| format!(", size = {}, rows = {value}", toml_text(&name)))
    });
    let notation = format!("kind = \"next_url\", next = {}{}", toml_text(pointer), size.unwrap_or_default());
    let paging = guess(ends(notation), format!("the URL at `{pointer}`"));
    let encrypted = |url: &&Url| url.scheme() == "https" || url.host_str().is_some_and(is_loopback);
    let path =
        parsed.map(|url| url.path().to_owned()).filter(|path| path.len() > 1 && !path.contains(['{', '}']));
    Paging {
        base_url: absolute.as_ref().filter(encrypted).map(|url| url.origin().ascii_serialization()),
        path: path.filter(|_| !url.starts_with('?')),
        ..paging
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host == "[::1]" || host.starts_with("127.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(page: &str) -> (String, String) {
        let page: Json = serde_json::from_str(page).expect("JSON");
        let rows = rows(&page).expect("rows");
        let paging = paging(&page, &rows, Some("id"));
        (rows.pointer, paging.notation)
    }

    #[test]
    fn paging_is_seen_by_what_stands_around_the_rows() {
        for (page, pointer, paging) in [
            ("[{\"id\": 1}]", "", "{ kind = \"unknown\" }"),
            (
                "{\"data\": [{\"id\": 1}], \"links\": {\"next\": \"https://api.example.com/v1/people?limit=2&after=x\"}, \"meta\": {\"has_more\": true}}",
                "/data",
                "{ kind = \"next_url\", next = \"/links/next\", size = \"limit\", rows = 2, more = \"/meta/has_more\" }",
            ),
            (
                "{\"results\": [{\"id\": \"1\"}], \"paging\": {\"next\": {\"after\": \"NTI\", \"link\": \"?after=NTI\"}}}",
                "/results",
                "{ kind = \"cursor\", param = \"after\", next = \"/paging/next/after\" }",
            ),
            (
                "{\"object\": \"list\", \"data\": [{\"id\": \"cus_1\"}], \"has_more\": false}",
                "/data",
                "{ kind = \"last_id\", param = \"starting_after\", column = \"id\", more = \"/has_more\" }",
            ),
            (
                "{\"users\": [{\"id\": 1}], \"page\": 0, \"totalPages\": 4, \"totalElements\": 9, \"last\": false}",
                "/users",
                "{ kind = \"page_number\", page = \"page\", first = 0, total_pages = \"/totalPages\", last = \"/last\" }",
            ),
            (
                "{\"rows\": [{\"id\": 1}], \"paging\": {\"index\": 0, \"isLastPage\": false}}",
                "/rows",
                "{ kind = \"page_number\", page = \"page\", first = 0, last = \"/paging/isLastPage\" }",
            ),
            (
                "{\"values\": [{\"id\": 1}], \"startAt\": 0, \"total\": 7}",
                "/values",
                "{ kind = \"offset\", offset = \"startAt\", total_rows = \"/total\" }",
            ),
        ] {
            assert_eq!(guessed(page), (pointer.to_owned(), paging.to_owned()), "{page}");
        }
    }

    #[test]
    fn a_page_without_rows_is_told_apart_from_one_row() {
        let of = |page: &str| {
            let page: Json = serde_json::from_str(page).expect("JSON");
            rows(&page).map(|rows| rows.single)
        };
        assert_eq!(
            of("{\"data\": []}"),
            Err("the array at `/data` is empty: a page with rows is needed".to_owned())
        );
        assert_eq!(of("{\"id\": 1, \"name\": \"x\"}"), Ok(true));
        assert!(of("[1, 2]").is_err() && of("3").is_err() && of("{}").is_err());
    }
}
