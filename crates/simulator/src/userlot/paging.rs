//! Which rows of a list a request gets, and what the answer says of the rest (3.1, A9).

use std::ops::Range;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::{Sim, answer::Refusal, body::Asked};

/// The part of a list that is sent.
#[derive(Debug)]
pub(super) struct Page {
    /// Positions in the list.
    pub(super) rows: Range<usize>,
    /// `Link` or totals, where the profile sends them.
    pub(super) headers: HeaderMap,
    /// Whether the last row is sent as it was before it moved to the next page.
    pub(super) ends_stale: bool,
    /// What stands next to the rows where lists are wrapped with `meta`.
    pub(super) meta: Value,
}

/// Checks the parameters, of which `known` are the documented ones.
///
/// `page` and `offset` are probes that the reference allows: they are no violation, whether they work or not.
pub(super) fn checked(sim: &Sim, asked: &Asked, known: &[&str]) -> Result<(), Refusal> {
    let mut seen: Vec<String> = Vec::new();
    for (name, _) in asked.parameters() {
        let probe = name == "page" || name == "offset";
        if seen.contains(&name) {
            asked.violates(sim, &format!("parameter `{name}` given twice"));
        }
        if known.contains(&name.as_str()) {
            seen.push(name);
            continue;
        }
        if !probe {
            asked.violates(sim, &format!("unknown parameter `{name}`"));
        }
        if sim.switch("paging") == "strict_unknown_params" {
            let status =
                sim.switch("unknown_param_status").parse().unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
            return Err(Refusal::Invalid { status, field: name, problem: "is not a known parameter" });
        }
        seen.push(name);
    }
    Ok(())
}

/// Cuts a list of `total` rows.
pub(super) fn page(sim: &Sim, asked: &Asked, total: usize) -> Page {
    let size = usize::try_from(sim.core.switches.number("page_size")).unwrap_or(25).max(1);
    let profile = sim.switch("paging");
    let all =
        Page { rows: 0..total, headers: HeaderMap::new(), ends_stale: false, meta: json!({"total": total}) };
    match profile {
        "offset_param" => {
            let offset = number(sim, asked, "offset", 0).min(total);
            Page { rows: offset..offset.saturating_add(size).min(total), ..all }
        }
        "page_param_no_headers" | "link_header" | "total_headers" => {
            let page = number(sim, asked, "page", 1).max(1);
            let pages = total.div_ceil(size);
            let shift = usize::from(page > 1 && sim.switch("overlap") != "off");
            let start = (page - 1).saturating_mul(size).saturating_sub(shift).min(total);
            let last = page >= pages;
            let end = if last { total } else { (start + size).min(total) };
            let rows = if page > pages { total..total } else { start..end };
            let headers = match profile {
                "link_header" => links(sim, asked, page, pages),
                "total_headers" => totals(sim, page, size, total),
                _ => HeaderMap::new(),
            };
            let ends_stale = page == 1 && page < pages && sim.switch("overlap") == "changed";
            Page { rows, headers, ends_stale, meta: json!({"page": page, "per_page": size, "total": total}) }
        }
        _ => all,
    }
}

fn number(sim: &Sim, asked: &Asked, name: &str, default: usize) -> usize {
    let Some(text) = asked.parameter(name) else { return default };
    text.parse().ok().filter(|number| *number >= default).unwrap_or_else(|| {
        asked.violates(sim, &format!("`{name}` is not a number from {default}"));
        default
    })
}

/// `Link: <…?page=1>; rel="first", <…?page=2>; rel="next"`; without `next` on the last page.
fn links(sim: &Sim, asked: &Asked, page: usize, pages: usize) -> HeaderMap {
    let kept: Vec<&str> =
        asked.query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("page=")).collect();
    let host = asked.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    let address = |page: usize| {
        let mut query = kept.clone();
        let page = format!("page={page}");
        query.push(&page);
        let local = format!("{}?{}", asked.path, query.join("&"));
        match sim.switch("link_form") {
            "relative" => local,
            "other_host" => format!("https://elsewhere.example.com{local}"),
            _ => format!("http://{host}{local}"),
        }
    };
    let mut value = format!("<{}>; rel=\"first\"", address(1));
    if page < pages {
        value.push_str(&format!(", <{}>; rel=\"next\"", address(page + 1)));
    }
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(&value) {
        headers.insert(header::LINK, value);
    }
    headers
}

fn totals(sim: &Sim, page: usize, size: usize, total: usize) -> HeaderMap {
    let pages = total.div_ceil(size);
    let next = if page < pages { (page + 1).to_string() } else { String::new() };
    let named: Vec<(&'static str, String)> = match sim.switch("total_header_style") {
        "plain" => vec![("total", total.to_string()), ("per-page", size.to_string())],
        "count" => vec![("x-total-count", total.to_string())],
        _ => vec![
            ("x-total", total.to_string()),
            ("x-total-pages", pages.to_string()),
            ("x-page", page.to_string()),
            ("x-per-page", size.to_string()),
            ("x-next-page", next),
        ],
    };
    named
        .into_iter()
        .filter_map(|(name, value)| {
            Some((HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?))
        })
        .collect()
}
