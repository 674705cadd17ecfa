//! `init --from-sample`: a page of an API into a first version of a declared connector.
//!
//! What the sample shows is written as it is, what it only suggests is marked as a guess. What is written is read and
//! tried on the sample before anybody sees it: a column that does not take its own sample becomes JSON text.

mod envelope;
mod json;
mod shape;

use std::collections::{BTreeSet, HashMap, HashSet};

use userhaul_connector::{
    column::snake_case,
    decode::{DecodeOptions, Decoder, Lineage},
    spec::ConnectorSpec,
};

use envelope::{GENERIC, Paging, Rows};
use json::Json;
use shape::{quoted, toml_key, toml_text};

/// Fields of a row that become columns; the others stay in `_extra`.
const MOST_COLUMNS: usize = 500;

/// Rows of a sample that are looked at.
const MOST_ROWS: usize = 20_000;

/// Columns that every table has.
const OURS: [&str; 5] = ["_source", "_run_id", "_extracted_at", "_extra", "_deleted_at"];

/// A column to be written.
struct Found {
    field: String,
    name: String,
    notation: String,
    note: Option<&'static str>,
}

/// The text of a connector's file for the API that gave this page; `of` names the sample in messages.
pub(crate) fn connector(name: &str, of: &str, text: &str) -> Result<String, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (page, lines) = parse(text)?;
    let rows = envelope::rows(&page)?;
    let sampled: Vec<&Json> = rows.rows.iter().copied().take(MOST_ROWS).collect();
    let (mut columns, left) = columns(&sampled);
    let keys = key_candidates(&columns, &sampled);
    let paging = envelope::paging(&page, &rows, keys.first().map(String::as_str));
    let body = if lines { lines_as_array(text) } else { text.to_owned() };
    // Each round takes at least one column back to JSON text.
    for _ in 0..=columns.len() {
        let written = write(&Draft {
            name,
            of,
            rows: &rows,
            paging: &paging,
            columns: &columns,
            keys: &keys,
            left: &left,
            lines,
        });
        let misfits = tried(&written, &body)?;
        if misfits.is_empty() {
            return Ok(written);
        }
        let mut changed = false;
        for column in columns
            .iter_mut()
            .filter(|column| misfits.contains(&column.name) || misfits.contains(&column.field))
        {
            changed |= column.notation != quoted("json");
            column.notation = quoted("json");
        }
        if !changed {
            return Ok(written);
        }
    }
    Err("no columns fit its rows".to_owned())
}

/// The page, and whether it is one of lines.
fn parse(text: &str) -> Result<(Json, bool), String> {
    let whole = match serde_json::from_str::<Json>(text) {
        Ok(page) => return Ok((page, false)),
        Err(error) => error,
    };
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let objects: Option<Vec<Json>> = lines
        .iter()
        .map(|line| serde_json::from_str(line).ok().filter(|value| matches!(value, Json::Object(_))))
        .collect();
    match objects {
        Some(objects) if objects.len() > 1 => Ok((Json::List(objects), true)),
        _ if text.trim().is_empty() => Err("it is empty".to_owned()),
        _ => Err(not_json(&whole)),
    }
}

/// Why a text is no JSON, without a word of it.
fn not_json(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        _ if error.to_string().starts_with("recursion limit") => "it is nested too deeply",
        _ => "it is no JSON",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

fn lines_as_array(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    format!("[{}]", lines.join(","))
}

/// The columns, and the fields that cannot be one.
fn columns(rows: &[&Json]) -> (Vec<Found>, Vec<String>) {
    let mut columns: Vec<Found> = Vec::new();
    let mut left = Vec::new();
    let mut names = HashSet::new();
    let mut values: HashMap<&str, Vec<&Json>> = HashMap::new();
    for (key, value) in rows.iter().flat_map(|row| row.members()) {
        values.entry(key).or_default().push(value);
    }
    for field in shape::keys(rows) {
        let name = snake_case(field);
        let own = values.remove(field).unwrap_or_default();
        let free = !name.is_empty() && !OURS.contains(&name.as_str()) && !names.contains(&name);
        if columns.len() == MOST_COLUMNS || !free {
            left.push(field.to_owned());
            continue;
        }
        names.insert(name.clone());
        let notation = shape::notation(field, &own, 0);
        let note = own.iter().all(|value| **value == Json::Null).then_some("only null in the sample");
        columns.push(Found { field: field.to_owned(), name, notation, note });
    }
    (columns, left)
}

/// The columns that could be the primary key: in every row, never twice; the likeliest first.
fn key_candidates(columns: &[Found], rows: &[&Json]) -> Vec<String> {
    let mut ranked: Vec<(usize, usize, &str)> = Vec::new();
    for (place, column) in columns.iter().enumerate() {
        let rank = match column.name.as_str() {
            "id" | "_id" => 0,
            "uuid" | "guid" | "gid" => 1,
            "key" => 2,
            name if name.ends_with("_id") || name.ends_with("_uuid") => 3,
            "email" | "slug" | "code" | "username" | "login" => 4,
            _ => continue,
        };
        let scalar = [quoted("id"), quoted("text"), quoted("int")].contains(&column.notation);
        let mut met = HashSet::new();
        let unique = rows.iter().all(|row| match row.get(&column.field) {
            Some(Json::Text(text)) => !text.is_empty() && met.insert(text.clone()),
            Some(Json::Int(number)) => met.insert(number.to_string()),
            _ => false,
        });
        if scalar && unique {
            ranked.push((rank, place, &column.name));
        }
    }
    ranked.sort_unstable();
    ranked.into_iter().map(|(.., name)| name.to_owned()).collect()
}

/// Instants by which a table could be read incrementally: when a row was last changed, the likeliest first.
fn cursor_candidates(columns: &[Found]) -> Vec<&str> {
    let changed = |name: &str| {
        ["updated", "modified", "changed", "last_change", "edited"].iter().any(|word| name.contains(word))
    };
    let instants = columns.iter().filter(|column| column.notation == quoted("instant"));
    instants.map(|column| column.name.as_str()).filter(|name| changed(name)).collect()
}

/// What the sample shows of a column's order.
fn order(column: &Found, rows: &[&Json]) -> &'static str {
    let values: Vec<String> = rows
        .iter()
        .filter_map(|row| match row.get(&column.field)? {
            Json::Text(text) => Some(text.clone()),
            Json::Int(number) => Some(format!("{number:020}")),
            _ => None,
        })
        .collect();
    match values.as_slice() {
        [] | [_] => "",
        values if values.is_sorted() => ", ascending in the sample",
        values if values.iter().rev().is_sorted() => ", descending in the sample",
        _ => ", in no order in the sample",
    }
}

/// All that a file is written from.
struct Draft<'a> {
    name: &'a str,
    of: &'a str,
    rows: &'a Rows<'a>,
    paging: &'a Paging,
    columns: &'a [Found],
    keys: &'a [String],
    left: &'a [String],
    lines: bool,
}

fn write(draft: &Draft<'_>) -> String {
    let stream = stream_name(draft);
    let mut text = head(draft);
    text.push_str(&format!("\n[streams.{stream}]\n"));
    match &draft.paging.path {
        Some(path) => text.push_str(&format!("path = {}\n", toml_text(path))),
        None => text.push_str(&format!("# guess: the path below base_url\npath = \"/{stream}\"\n")),
    }
    if draft.rows.single {
        text.push_str("# The sample is one row.\nsingle = true\n");
    } else if !draft.rows.pointer.is_empty() {
        text.push_str(&format!("items = [{}]\n", toml_text(&draft.rows.pointer)));
    }
    if draft.lines {
        text.push_str("# The sample has a row a line; pages are read as JSON arrays.\n");
    }
    if !draft.rows.single {
        text.push_str(&format!("# by {}\npaging = {}\n", draft.paging.because, draft.paging.notation));
    }
    text.push_str(&keys(draft));
    text.push_str(&format!("\n[streams.{stream}.columns]\n"));
    for column in draft.columns {
        let note = column.note.map(|note| format!(" # {note}")).unwrap_or_default();
        text.push_str(&format!("{} = {}{note}\n", toml_key(&column.field), column.notation));
    }
    if !draft.left.is_empty() {
        let shown: Vec<String> = draft.left.iter().take(20).map(|field| toml_text(field)).collect();
        let more = if draft.left.len() > shown.len() { ", …" } else { "" };
        text.push_str(&format!(
            "# Without a column, as another has its name or there are too many; they stay in `_extra`: {}{more}\n",
            shown.join(", ")
        ));
    }
    text.push_str(&unified(&stream, draft.columns));
    text
}

fn head(draft: &Draft<'_>) -> String {
    let mut text = format!(
        "# Written by `userhaul init --from-sample` after {}. What the sample cannot show is a guess and says so.\n\
         # All keys: docs/declared-connectors.md. Next: `userhaul init ./{}.toml` writes a configuration for it.\n\
         connector = {}\n",
        toml_text(draft.of),
        draft.name,
        toml_text(draft.name)
    );
    match &draft.paging.base_url {
        Some(origin) => text.push_str(&format!("base_url = {}\n", toml_text(origin))),
        None => text.push_str(
            "# Without it the source in the configuration must have one.\n# base_url = \"https://api.example.com\"\n",
        ),
    }
    text.push_str(
        "\n# guess: how the key travels. Others: { kind = \"none\" }, { kind = \"header\", header = \"X-Api-Key\" },\n\
         # { kind = \"basic\" }, { kind = \"query\", parameter = \"api_key\" },\n\
         # { kind = \"oauth_client_credentials\", token_url = \"/oauth/token\" }\n\
         auth = { kind = \"bearer\", setting = \"token\" }\n\
         \n# guess: at most so many requests, evenly spaced\n\
         quota = { requests = 5, per = \"1s\", mode = \"paced\" }\n",
    );
    text
}

fn keys(draft: &Draft<'_>) -> String {
    let mut text = String::new();
    match draft.keys {
        [key, others @ ..] => {
            if !others.is_empty() {
                text.push_str(&format!("# unique in the sample too: {}\n", others.join(", ")));
            }
            text.push_str(&format!("primary_key = [{}]\n", toml_text(key)));
        }
        [] => text.push_str(
            "# No field is there and different in every row: the key is a hash of the whole row, and a row that changes\n\
             # becomes another. If several fields together are different in every row, name their columns instead.\n\
             synthetic_key = \"\"\nprimary_key = [\"_key\"]\n",
        ),
    }
    let cursors = cursor_candidates(draft.columns);
    if let [cursor, others @ ..] = cursors.as_slice() {
        let column = draft.columns.iter().find(|column| column.name == *cursor);
        let order = column.map_or("", |column| order(column, &draft.rows.rows));
        let others =
            if others.is_empty() { String::new() } else { format!("; others: {}", others.join(", ")) };
        text.push_str(&format!(
            "# guess: when a row was last changed{order}{others}\ncursor = {0}\nversion = {0}\n\
             # If the API takes a parameter for it, later runs ask for what has changed since the last one:\n\
             # since = {{ param = \"updated_since\", format = \"rfc3339\", overlap = \"10m\" }}\n\
             # full_every = \"7d\"\n",
            toml_text(cursor)
        ));
    }
    text
}

/// A commented block for the unified users, where rows look like people.
fn unified(stream: &str, columns: &[Found]) -> String {
    let pairs: [(&str, &[&str]); 10] = [
        ("external_id", &["external_id", "reference", "ref"]),
        ("email", &["email", "email_address", "mail"]),
        ("first_name", &["first_name", "firstname", "given_name"]),
        ("last_name", &["last_name", "lastname", "surname", "family_name"]),
        ("full_name", &["full_name", "name", "display_name"]),
        ("role", &["role"]),
        ("job_title", &["job_title", "title"]),
        ("created_at", &["created_at", "created"]),
        ("updated_at", &["updated_at", "updated", "modified_at"]),
        ("last_seen_at", &["last_seen_at", "last_login_at", "last_seen"]),
    ];
    let lines: Vec<String> = pairs
        .iter()
        .filter_map(|(ours, theirs)| {
            let kind = if ours.ends_with("_at") { quoted("instant") } else { quoted("text") };
            let fits = |column: &&Found| {
                column.notation == kind || column.notation == quoted("id") && kind == quoted("text")
            };
            let column = theirs
                .iter()
                .find_map(|name| columns.iter().filter(fits).find(|column| column.name == *name))?;
            Some(format!("# {ours} = {}\n", toml_text(&column.name)))
        })
        .collect();
    if !lines.iter().any(|line| line.starts_with("# email")) {
        return String::new();
    }
    format!(
        "\n# If rows are people, this makes them rows of the unified table `users`:\n# [streams.{stream}.unified.users]\n{}",
        lines.concat()
    )
}

/// What a row is called: by the array's name, the address, or the connector.
fn stream_name(draft: &Draft<'_>) -> String {
    let pointer = draft.rows.pointer.rsplit('/').next().unwrap_or_default();
    let path = draft.paging.path.as_deref().unwrap_or_default().trim_end_matches('/').rsplit('/').next();
    let told = [pointer, path.unwrap_or_default(), draft.name];
    let names = told
        .iter()
        .map(|word| name_of(word))
        .filter(|name| !name.is_empty() && !GENERIC.contains(&name.as_str()));
    names.into_iter().next().unwrap_or_else(|| "rows".to_owned())
}

/// A word as the name of a stream or connector; empty where nothing of it is left.
pub(crate) fn name_of(word: &str) -> String {
    let ascii: String = word.chars().map(|letter| if letter.is_ascii() { letter } else { '_' }).collect();
    let snake = snake_case(&ascii);
    snake.trim_start_matches(|first: char| !first.is_ascii_lowercase()).trim_end_matches('_').to_owned()
}

/// The columns of what was written that do not take all of the sample.
fn tried(written: &str, body: &str) -> Result<BTreeSet<String>, String> {
    let spec =
        ConnectorSpec::parse(written, None).map_err(|error| format!("what it gives is refused: {error}"))?;
    let Some(stream) = spec.streams.values().next() else { return Ok(BTreeSet::new()) };
    let mut decoder = Decoder::new(&DecodeOptions {
        table: stream.table.clone(),
        derived: Vec::new(),
        items: stream.items.clone(),
        single: stream.single,
        custom: None,
        rules: Vec::new(),
    });
    let lineage = Lineage { source: "sample", run_id: "", extracted_at: 0, given: &[] };
    decoder.page(body.as_bytes(), &lineage).map_err(|error| format!("its rows cannot be read: {error}"))?;
    Ok(decoder.counts().type_mismatches.keys().cloned().collect())
}
