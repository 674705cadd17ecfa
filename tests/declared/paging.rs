//! Each kind of paging: all rows, how the walk ends, and what it does not let pass.

use serde_json::{Value, json};

use crate::{
    Declared, record,
    server::{Answer, Asked, Server},
};

const ROWS: usize = 25;
const PAGE: usize = 10;

fn people(from: usize, to: usize) -> Vec<Value> {
    (from..to.min(ROWS)).map(|number| json!({ "id": number, "name": format!("person {number}") })).collect()
}

fn connector(paging: &str, items: &str) -> String {
    format!(
        "connector = \"crm\"\n[streams.people]\npath = \"/v1/people\"\nitems = [\"{items}\"]\n\
         paging = {{ {paging} }}\nprimary_key = [\"id\"]\n[streams.people.columns]\nid = \"id\"\nname = \"text\"\n"
    )
}

/// Runs a sync against a server that answers with `page`, or with a refusal of what it does not know.
fn walk(
    paging: &str,
    items: &str,
    page: impl Fn(&Asked, &str) -> Result<Answer, Answer> + Send + Sync + 'static,
) -> (Declared, Value, i32) {
    let server = Server::start(move |asked, base| match (asked.path.as_str(), page(asked, base)) {
        ("/v1/people", Ok(answer) | Err(answer)) => answer,
        _ => Answer::refused(404, "no such path"),
    });
    let declared = Declared::new(server, &connector(paging, items), "");
    let outcome = declared.sync();
    let record = record(&outcome, "people");
    (declared, record, outcome.code)
}

fn assert_all(declared: &Declared, record: &Value, code: i32, requests: u64) {
    assert_eq!((code, &record["completeness"]), (0, &json!("complete")), "{record:#}");
    let mut expected: Vec<String> = (0..ROWS).map(|number| number.to_string()).collect();
    expected.sort();
    assert_eq!(declared.column("people", "id"), expected);
    assert_eq!(record["requests"], requests, "{:#?}", declared.server.asked());
}

#[test]
fn none() {
    let (declared, record, code) = walk("kind = \"none\"", "/data", |asked, _| {
        asked.only(&[])?;
        Ok(Answer::json(&json!({ "data": people(0, ROWS) })))
    });
    assert_all(&declared, &record, code, 1);
}

#[test]
fn page_number_with_a_total() {
    let paging = "kind = \"page_number\", page = \"p\", first = 0, size = \"n\", rows = 10, total_rows = \"/meta/total\"";
    let (declared, record, code) = walk(paging, "/data", |asked, _| {
        asked.only(&["p", "n"])?;
        let from = asked.number("p").expect("a page") * PAGE;
        Ok(Answer::json(&json!({ "data": people(from, from + PAGE), "meta": { "total": ROWS } })))
    });
    // Three pages, and the total once more.
    assert_all(&declared, &record, code, 4);
}

#[test]
fn page_number_without_a_total_ends_with_an_empty_page() {
    let (declared, record, code) = walk("kind = \"page_number\", page = \"page\"", "", |asked, _| {
        asked.only(&["page"])?;
        let from = (asked.number("page").expect("a page") - 1) * PAGE;
        Ok(Answer::json(&Value::Array(people(from, from + PAGE))))
    });
    assert_all(&declared, &record, code, 4);
}

#[test]
fn page_number_ends_where_the_page_says_so() {
    for (key, at_end) in [("more = \"/has_more\"", false), ("last = \"/has_more\"", true)] {
        let paging = format!("kind = \"page_number\", page = \"page\", {key}");
        let (declared, record, code) = walk(&paging, "/data", move |asked, _| {
            let from = (asked.number("page").expect("a page") - 1) * PAGE;
            let flag = if from + PAGE >= ROWS { at_end } else { !at_end };
            Ok(Answer::json(&json!({ "data": people(from, from + PAGE), "has_more": flag })))
        });
        assert_all(&declared, &record, code, 3);
    }
}

#[test]
fn page_number_with_totals_in_headers() {
    let paging = "kind = \"page_number\", page = \"page\", total_rows = \"header:X-Total\", total_pages = \"header:X-Pages\"";
    let (declared, record, code) = walk(paging, "", |asked, _| {
        let from = (asked.number("page").expect("a page") - 1) * PAGE;
        let answer = Answer::json(&Value::Array(people(from, from + PAGE)));
        Ok(answer.with("X-Total", "25").with("X-Pages", "3"))
    });
    assert_all(&declared, &record, code, 4);
}

#[test]
fn a_total_that_the_rows_do_not_reach_is_unproven() {
    let paging = "kind = \"page_number\", page = \"page\", total_rows = \"/total\"";
    let (_, record, code) = walk(paging, "/data", |asked, _| {
        let from = (asked.number("page").expect("a page") - 1) * PAGE;
        Ok(Answer::json(&json!({ "data": people(from, from + PAGE), "total": ROWS + 2 })))
    });
    assert_eq!((code, &record["completeness"]), (3, &json!("unproven")), "{record:#}");
}

#[test]
fn offset_with_and_without_a_total() {
    for (total, requests) in [(true, 4), (false, 4)] {
        let key = if total { ", total_rows = \"/total\"" } else { "" };
        let paging = format!("kind = \"offset\", offset = \"offset\", size = \"limit\", rows = 50{key}");
        let (declared, record, code) = walk(&paging, "/data", |asked, _| {
            asked.only(&["offset", "limit"])?;
            let from = asked.number("offset").expect("an offset");
            // The server caps the size below what was asked for.
            Ok(Answer::json(&json!({ "data": people(from, from + PAGE), "total": ROWS })))
        });
        assert_all(&declared, &record, code, requests);
    }
}

#[test]
fn offset_ends_where_the_page_says_so() {
    let paging = "kind = \"offset\", offset = \"startAt\", last = \"/isLast\"";
    let (declared, record, code) = walk(paging, "/values", |asked, _| {
        let from = asked.number("startAt").expect("an offset");
        Ok(Answer::json(&json!({ "values": people(from, from + PAGE), "isLast": from + PAGE >= ROWS })))
    });
    assert_all(&declared, &record, code, 3);
}

#[test]
fn a_server_that_does_not_know_the_offset_is_no_proof() {
    let paging = "kind = \"offset\", offset = \"offset\", total_rows = \"/total\"";
    let (_, record, code) =
        walk(paging, "/data", |_, _| Ok(Answer::json(&json!({ "data": people(0, PAGE), "total": ROWS }))));
    assert_eq!((code, &record["completeness"]), (3, &json!("unproven")), "{record:#}");
}

#[test]
fn cursor() {
    let paging =
        "kind = \"cursor\", param = \"after\", next = \"/paging/next/after\", size = \"limit\", rows = 10";
    let (declared, record, code) = walk(paging, "/results", |asked, _| {
        asked.only(&["after", "limit"])?;
        let from = asked.number("after").unwrap_or(0);
        let mut page = json!({ "results": people(from, from + PAGE) });
        if from + PAGE < ROWS {
            page["paging"] = json!({ "next": { "after": (from + PAGE).to_string() } });
        }
        Ok(Answer::json(&page))
    });
    assert_all(&declared, &record, code, 3);
}

#[test]
fn a_cursor_behind_the_last_page_is_not_followed_where_a_flag_says_the_end() {
    let paging = "kind = \"cursor\", param = \"page[after]\", next = \"/meta/after_cursor\", more = \"/meta/has_more\"";
    let (declared, record, code) = walk(paging, "/users", |asked, _| {
        asked.only(&["page[after]"])?;
        let from = asked.number("page[after]").unwrap_or(0);
        let meta = json!({ "has_more": from + PAGE < ROWS, "after_cursor": (from + PAGE).to_string() });
        Ok(Answer::json(&json!({ "users": people(from, from + PAGE), "meta": meta })))
    });
    assert_all(&declared, &record, code, 3);
}

#[test]
fn a_cursor_that_comes_again_and_one_that_is_missing_are_errors() {
    let paging = "kind = \"cursor\", param = \"after\", next = \"/next\", more = \"/more\"";
    let (_, record, code) = walk(paging, "/data", |_, _| {
        Ok(Answer::json(&json!({ "data": people(0, PAGE), "next": "x", "more": true })))
    });
    assert_eq!((code, &record["error"]["code"]), (1, &json!("cursor_loop")), "{record:#}");
    let (_, record, code) =
        walk(paging, "/data", |_, _| Ok(Answer::json(&json!({ "data": people(0, PAGE), "more": true }))));
    assert_eq!((code, &record["error"]["code"]), (1, &json!("paging")), "{record:#}");
    assert!(
        record["error"]["message"].as_str().is_some_and(|text| text.contains("but not where")),
        "{record:#}"
    );
}

#[test]
fn last_id() {
    let paging = "kind = \"last_id\", param = \"starting_after\", column = \"id\", size = \"limit\", rows = 10, more = \"/has_more\"";
    let (declared, record, code) = walk(paging, "/data", |asked, _| {
        asked.only(&["starting_after", "limit"])?;
        let from = asked.number("starting_after").map_or(0, |id| id + 1);
        Ok(Answer::json(&json!({ "data": people(from, from + PAGE), "has_more": from + PAGE < ROWS })))
    });
    assert_all(&declared, &record, code, 3);
}

#[test]
fn last_id_without_a_flag_ends_with_no_rows_or_with_the_asked_one() {
    for inclusive in [false, true] {
        let paging = "kind = \"last_id\", param = \"since\", column = \"id\"";
        let (declared, record, code) = walk(paging, "", move |asked, _| {
            let since = asked.number("since");
            let from = since.map_or(0, |id| if inclusive { id } else { id + 1 });
            Ok(Answer::json(&Value::Array(people(from, from + PAGE))))
        });
        // Three pages, and one that is empty or holds the asked row alone.
        assert_all(&declared, &record, code, 4);
    }
}

#[test]
fn a_server_that_ignores_the_last_id_is_noticed() {
    let paging = "kind = \"last_id\", param = \"after\", column = \"id\", more = \"/has_more\"";
    let (_, record, code) =
        walk(paging, "/data", |_, _| Ok(Answer::json(&json!({ "data": people(0, PAGE), "has_more": true }))));
    assert_eq!((code, &record["error"]["code"]), (1, &json!("cursor_loop")), "{record:#}");
}

#[test]
fn next_url_absolute_and_relative() {
    for form in ["absolute", "path", "query"] {
        let paging = "kind = \"next_url\", next = \"/links/next\", size = \"per_page\", rows = 10";
        let (declared, record, code) = walk(paging, "/data", move |asked, base| {
            asked.only(&["per_page", "page"])?;
            let from = asked.number("page").unwrap_or(0) * PAGE;
            let query = format!("?per_page=10&page={}", from / PAGE + 1);
            let next = match form {
                "absolute" => format!("{base}/v1/people{query}"),
                "path" => format!("/v1/people{query}"),
                _ => query,
            };
            let next = if from + PAGE < ROWS { json!(next) } else { Value::Null };
            Ok(Answer::json(&json!({ "data": people(from, from + PAGE), "links": { "next": next } })))
        });
        assert_all(&declared, &record, code, 3);
    }
}

#[test]
fn a_next_url_of_another_origin_is_not_asked() {
    let paging = "kind = \"next_url\", next = \"/next\"";
    let (_, record, code) = walk(paging, "/data", |_, _| {
        Ok(Answer::json(
            &json!({ "data": people(0, PAGE), "next": "https://elsewhere.example.com/v1/people?page=2" }),
        ))
    });
    assert_eq!(code, 1, "{record:#}");
    assert!(record["error"]["message"].to_string().contains("elsewhere.example.com"), "{record:#}");
}

#[test]
fn link_header() {
    let paging = "kind = \"link_header\", size = \"per_page\", rows = 10";
    let (declared, record, code) = walk(paging, "", |asked, base| {
        asked.only(&["per_page", "page", "fields"])?;
        let from = (asked.number("page").unwrap_or(1) - 1) * PAGE;
        let answer = Answer::json(&Value::Array(people(from, from + PAGE)));
        let page = from / PAGE + 2;
        let first = format!("<{base}/v1/people?per_page=10&page=1>; rel=\"first\"");
        let next = format!("<{base}/v1/people?per_page=10&fields=a,b&page={page}>; rel=\"next\"");
        let links = if from + PAGE < ROWS { format!("{first}, {next}") } else { first };
        Ok(answer.with("Link", &links))
    });
    assert_all(&declared, &record, code, 3);
}

#[test]
fn a_link_that_leads_to_where_it_stands_is_an_error() {
    let (_, record, code) = walk("kind = \"link_header\"", "", |_, base| {
        let link = format!("<{base}/v1/people?page=1>; rel=\"next\"");
        Ok(Answer::json(&Value::Array(people(0, PAGE))).with("Link", &link))
    });
    assert_eq!((code, &record["error"]["code"]), (1, &json!("cursor_loop")), "{record:#}");
}

#[test]
fn unknown_follows_links_where_there_are_some() {
    let (declared, record, code) = walk("kind = \"unknown\"", "", |asked, base| {
        let from = asked.number("page").unwrap_or(0) * PAGE;
        let answer = Answer::json(&Value::Array(people(from, from + PAGE)));
        let link = format!("<{base}/v1/people?page={}>; rel=\"next\"", from / PAGE + 1);
        Ok(if from + PAGE < ROWS { answer.with("Link", &link) } else { answer })
    });
    assert_all(&declared, &record, code, 3);
}
