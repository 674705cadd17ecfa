//! What may be renamed, out of the facts; and the corrections that say so.

use toml::{Table, Value};
use userhaul_connector::spec::DateFormat;
use userhaul_simulator::Vendor;

/// What stands before every renamed thing.
pub(crate) const MARK: &str = "zz_";

/// What is renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Each fixed segment of each path.
    Paths,
    /// The first segments of all paths.
    Prefix,
    /// Each query parameter.
    Params,
    /// Each documented member of a row, at any depth.
    Members,
    /// What stands around the rows.
    Envelope,
    /// The header of the credential.
    Header,
    /// The word before it.
    Scheme,
    /// How instants are written in parameters.
    Dates,
    /// Page sizes.
    Sizes,
    /// Userlane's profile, all at once.
    ThirdProfile,
}

pub(crate) fn of(vendor: Vendor) -> Table {
    let text = match vendor {
        Vendor::Sprig => include_str!("../../connectors/sprig/connector.toml"),
        Vendor::Thrive => include_str!("../../connectors/thrive/connector.toml"),
        Vendor::Userlane => include_str!("../../connectors/userlane/connector.toml"),
        Vendor::Userlot => include_str!("../../connectors/userlot/connector.toml"),
    };
    toml::from_str(text).expect("the facts are TOML")
}

/// The streams, by name.
pub(crate) fn streams(facts: &Table) -> impl Iterator<Item = (&String, &Table)> {
    facts["streams"]
        .as_table()
        .expect("streams")
        .iter()
        .map(|(name, stream)| (name, stream.as_table().expect("a stream")))
}

/// The prefixes that all paths begin with, and what stands for each.
pub(crate) fn prefixes(facts: &Table) -> Vec<(String, String)> {
    let mut prefixes: Vec<String> = Vec::new();
    for (_, stream) in streams(facts) {
        let Some(path) = stream.get("path").and_then(Value::as_str) else { continue };
        let version = path.split('/').position(|segment| segment.starts_with('v') && segment.len() == 2);
        let prefix = path.split('/').take(version.expect("a version") + 1).collect::<Vec<_>>().join("/");
        if !prefixes.contains(&prefix) {
            prefixes.push(prefix);
        }
    }
    prefixes.into_iter().enumerate().map(|(number, prefix)| (prefix, format!("/gateway/{number}"))).collect()
}

/// A path with each of its fixed segments renamed.
pub(crate) fn renamed_path(path: &str) -> String {
    let segments = path.split('/').map(|segment| match segment {
        segment if segment.is_empty() || segment.starts_with('{') => segment.to_owned(),
        segment => format!("{MARK}{segment}"),
    });
    segments.collect::<Vec<_>>().join("/")
}

/// How the instants of a parameter are written instead.
pub(crate) fn other_format(format: &DateFormat) -> &'static str {
    if format.is_day() { "%d/%m/%Y" } else { "%Y.%m.%d %H-%M-%S" }
}

/// The corrections, as a `wire` file.
pub(crate) fn corrections(vendor: Vendor, kind: Kind) -> Table {
    let facts = of(vendor);
    let mut wire = Table::new();
    match kind {
        Kind::Prefix => {
            let prefixes = prefixes(&facts).into_iter().map(|(prefix, other)| (prefix, Value::from(other)));
            wire.insert("path_prefixes".to_owned(), Value::Table(prefixes.collect()));
            return wire;
        }
        Kind::Header => {
            wire.insert(
                "auth".to_owned(),
                Value::Table(Table::from_iter([("header".to_owned(), Value::from("X-Zz-Key"))])),
            );
            return wire;
        }
        Kind::Scheme => {
            wire.insert(
                "auth".to_owned(),
                Value::Table(Table::from_iter([("scheme".to_owned(), Value::from("Zz"))])),
            );
        }
        Kind::ThirdProfile => return toml::from_str(THIRD).expect("the profile is TOML"),
        _ => {}
    }
    if kind == Kind::Paths
        && let Some(path) = facts.get("auth").and_then(|auth| auth.get("token_path")).and_then(Value::as_str)
    {
        let auth = Table::from_iter([("token_path".to_owned(), Value::from(renamed_path(path)))]);
        wire.insert("auth".to_owned(), Value::Table(auth));
    }
    let mut corrected = Table::new();
    for (name, stream) in streams(&facts) {
        let made = of_stream(stream, kind);
        if !made.is_empty() {
            corrected.insert(name.clone(), Value::Table(made));
        }
    }
    wire.insert("streams".to_owned(), Value::Table(corrected));
    wire
}

fn of_stream(stream: &Table, kind: Kind) -> Table {
    let mut made = Table::new();
    let asked = stream.contains_key("path");
    match kind {
        Kind::Paths if asked => {
            let path = stream["path"].as_str().expect("a path");
            made.insert("path".to_owned(), Value::from(renamed_path(path)));
        }
        Kind::Params if asked => params(stream, &mut made),
        Kind::Members => {
            let mut aliases = Table::new();
            let known = stream.get("aliases").and_then(Value::as_table).cloned().unwrap_or_default();
            let columns = stream["columns"].as_table().expect("columns");
            names(columns, "", &known, &mut aliases);
            if !aliases.is_empty() {
                made.insert("aliases".to_owned(), Value::Table(aliases));
            }
        }
        Kind::Envelope if asked && !stream.contains_key("single") => envelope(stream, &mut made),
        Kind::Scheme if stream.contains_key("auth") => {
            let auth = Table::from_iter([("scheme".to_owned(), Value::from("Yy"))]);
            made.insert("auth".to_owned(), Value::Table(auth));
        }
        Kind::Dates if asked => dates(stream, &mut made),
        Kind::Sizes => {
            if let Some(paging) = stream.get("paging").and_then(Value::as_table)
                && paging.contains_key("rows")
            {
                let paging = Table::from_iter([("rows".to_owned(), Value::from(37))]);
                made.insert("paging".to_owned(), Value::Table(paging));
            }
        }
        _ => {}
    }
    made
}

fn marked(value: &Value) -> Value {
    Value::from(format!("{MARK}{}", value.as_str().expect("a name")))
}

fn marked_keys(table: &Table) -> Value {
    Value::Table(table.iter().map(|(name, value)| (format!("{MARK}{name}"), value.clone())).collect())
}

fn params(stream: &Table, made: &mut Table) {
    let rename = |table: &Table, keys: &[&str]| -> Table {
        let named = keys.iter().filter_map(|&key| Some((key.to_owned(), marked(table.get(key)?))));
        named.collect()
    };
    if let Some(paging) = stream.get("paging").and_then(Value::as_table) {
        let mut corrected = rename(paging, &["page", "size", "param"]);
        if let Some(bounds) = paging.get("bounds").and_then(Value::as_table) {
            corrected.insert("bounds".to_owned(), Value::Table(rename(bounds, &["from", "to"])));
        }
        if !corrected.is_empty() {
            made.insert("paging".to_owned(), Value::Table(corrected));
        }
    }
    if let Some(sets) = stream.get("on_demand").and_then(Value::as_table) {
        let sets = sets.iter().map(|(name, set)| (name.clone(), marked_keys(set.as_table().expect("a set"))));
        made.insert("on_demand".to_owned(), Value::Table(sets.collect()));
    }
    let mut axes = Table::new();
    for axis in stream.get("axes").and_then(Value::as_array).into_iter().flatten() {
        let axis = axis.as_table().expect("an axis");
        let kind = axis["kind"].as_str().expect("a kind");
        let corrected = match kind {
            "window" => rename(axis, &["from", "to"]),
            "passes" => {
                let passes = axis["passes"].as_array().expect("passes").iter().map(|pass| {
                    let mut pass = pass.as_table().expect("a pass").clone();
                    if let Some(params) = pass.get("params").and_then(Value::as_table) {
                        let params = marked_keys(params);
                        pass.insert("params".to_owned(), params);
                    }
                    Value::Table(pass)
                });
                Table::from_iter([("passes".to_owned(), Value::Array(passes.collect()))])
            }
            _ => continue,
        };
        axes.insert(kind.to_owned(), Value::Table(corrected));
    }
    if !axes.is_empty() {
        made.insert("axes".to_owned(), Value::Table(axes));
    }
}

/// Another name for each field, with its members.
fn names(columns: &Table, within: &str, known: &Table, aliases: &mut Table) {
    for (field, notation) in columns.iter().filter(|(field, _)| *field != "_") {
        let key = format!("{within}{field}");
        let mut others = vec![Value::from(format!("{MARK}{field}"))];
        for other in known.get(&key).and_then(Value::as_array).into_iter().flatten() {
            let path = other.as_str().expect("a path").split('/').map(|step| format!("{MARK}{step}"));
            others.push(Value::from(path.collect::<Vec<_>>().join("/")));
        }
        aliases.insert(key.clone(), Value::Array(others));
        if let Some(members) = members(notation) {
            names(members, &format!("{key}/"), known, aliases);
        }
    }
}

/// The members of an object, or of the objects of a list.
pub(crate) fn members(notation: &Value) -> Option<&Table> {
    match notation {
        Value::Table(members) => Some(members),
        Value::Array(list) => list.first()?.as_table(),
        _ => None,
    }
}

fn marked_pointer(pointer: &str) -> String {
    pointer
        .split('/')
        .map(|step| if step.is_empty() { String::new() } else { format!("{MARK}{step}") })
        .collect::<Vec<_>>()
        .join("/")
}

fn envelope(stream: &Table, made: &mut Table) {
    let own = stream.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut items = vec![Value::from(format!("/{MARK}rows"))];
    for pointer in
        own.iter().filter_map(Value::as_str).filter(|pointer| pointer.starts_with('/') && *pointer != "/*")
    {
        items.push(Value::from(marked_pointer(pointer)));
    }
    made.insert("items".to_owned(), Value::Array(items));
    if let Some(paging) = stream.get("paging").and_then(Value::as_table) {
        let pointers = ["next", "total_rows", "total_pages"].into_iter().filter_map(|key| {
            Some((key.to_owned(), Value::from(marked_pointer(paging.get(key)?.as_str()?))))
        });
        let corrected: Table = pointers.collect();
        if !corrected.is_empty() {
            made.insert("paging".to_owned(), Value::Table(corrected));
        }
    }
}

fn dates(stream: &Table, made: &mut Table) {
    let other = |table: &Table| {
        let format = DateFormat::parse(table["format"].as_str().expect("a format")).expect("a known format");
        Value::Table(Table::from_iter([("format".to_owned(), Value::from(other_format(&format)))]))
    };
    let mut axes = stream.get("axes").and_then(Value::as_array).into_iter().flatten();
    if let Some(axis) = axes.find(|axis| axis["kind"].as_str() == Some("window")) {
        let axes = Table::from_iter([("window".to_owned(), other(axis.as_table().expect("an axis")))]);
        made.insert("axes".to_owned(), Value::Table(axes));
    }
    if let Some(bounds) = stream.get("paging").and_then(|paging| paging.get("bounds")) {
        let bounds = other(bounds.as_table().expect("bounds"));
        let paging = Table::from_iter([("bounds".to_owned(), bounds)]);
        made.insert("paging".to_owned(), Value::Table(paging));
    }
}

/// Other paths, parameters, dates, envelope, header and names of fields, in kebab case.
const THIRD: &str = r#"
[auth]
header = "X-Access"
scheme = "Token"

[export]
application_id_in = "query"
application_id_name = "app"
from_param = "since"
to_param = "until"
date_format = "%d.%m.%Y"
rows_pointer = ["/result/rows"]
page_param = "p"
page_first = 0
page_size_param = "n"
page_size = 50

[export.paths]
heart = "/export/heart-scores"
nps = "/export/nps-answers"
surveys = "/export/survey-answers"
tags = "/export/tag-clicks"
guide_events = "/export/guide-log"
guide_progress = "/export/guide-state"
announcement_events = "/export/announcement-log"
users = "/export/people"

[streams."*".paging]
total_rows = "/result/count"
total_pages = "/result/pages"

[streams."*".aliases]
date = ["day"]
heartScore = ["heart-score"]
taskSuccess = ["task-success"]
userId = ["user-id"]
respondedAt = ["responded-at"]
surveyId = ["survey-id"]
surveyName = ["survey-name"]
tagId = ["tag-id"]
tagName = ["tag-name"]
occurredAt = ["occurred-at", "day"]
uniqueUsers = ["unique-users"]
eventType = ["event-type"]
guideId = ["guide-id"]
guideName = ["guide-name"]
stepId = ["step-id"]
stepIndex = ["step-index"]
exitReason = ["exit-reason"]
sessionId = ["session-id"]
currentStep = ["current-step"]
totalSteps = ["total-steps"]
startedAt = ["started-at"]
completedAt = ["completed-at"]
updatedAt = ["updated-at"]
announcementId = ["announcement-id"]
announcementTitle = ["announcement-title"]
internalId = ["internal-id"]
firstActiveAt = ["first-active-at"]
lastActiveAt = ["last-active-at"]
propertyAttributes = ["attributes/property"]
companyAttributes = ["attributes/company"]
"#;
