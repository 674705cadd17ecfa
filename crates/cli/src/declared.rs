//! Declared connectors: a file of facts that was not compiled in, read, checked and given the shape of a built-in one.
//!
//! What is wrong with the file is told with its line and, for a misspelt word, with the one that was probably meant.

use std::{fs, path::Path};

use toml::de::{DeTable, DeValue};
use userhaul_connector::{
    Registration, as_facts, declared,
    settings::{SettingKind, SettingSpec},
    spec::{AuthFacts, AuthSetting, Axis, ConnectorSpec, SpecError},
};
use userhaul_record::Table;

use crate::{
    config::{ConnectorEntry, Problem, keys::COMMON},
    failure::reason,
    nearest::nearest,
};

/// The keys of a file that are tried one by one, to find the one that is wrong.
const MOST_TRIALS: usize = 400;

/// The place of mistakes that concern no table of the file.
const WHOLE: &str = "connector.toml";

/// Whether the value of `connector` is a file and not a name.
pub(crate) fn is_file(connector: &str) -> bool {
    connector.contains('/') || connector.ends_with(".toml")
}

/// Reads a declared connector.
///
/// # Errors
/// When the file cannot be read, is not TOML, or states what is no fact: with its line.
pub fn read(path: &Path) -> Result<&'static Registration, Problem> {
    let problem = |line: Option<usize>, message: String, hint: Option<String>| Problem {
        file: Some(path.to_path_buf()),
        line,
        key: None,
        message,
        hint,
    };
    let text = fs::read_to_string(path)
        .map_err(|error| problem(None, format!("cannot read the connector: {}", reason(&error)), None))?;
    let table: toml::Table = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(&text, span.start));
        problem(Some(line), format!("not valid TOML: {}", error.message()), None)
    })?;
    let spec = checked(table.clone()).map_err(|error| {
        let line = locate(&text, &table, &error).map(|offset| line_of(&text, offset));
        let (message, hint) = in_words(&error);
        problem(line, message, hint)
    })?;
    Ok(registration(&spec, text))
}

fn checked(table: toml::Table) -> Result<ConnectorSpec, SpecError> {
    let spec = ConnectorSpec::read(table)?;
    declared::check(&spec)?;
    for setting in settings(&spec) {
        let taken = COMMON.iter().any(|key| key.name == setting.name);
        if taken || !is_key(&setting.name) {
            let why = if taken {
                "every source has that key"
            } else {
                "small letters, digits and `_`, a letter first"
            };
            return Err(SpecError {
                place: "auth".to_owned(),
                message: format!("`{}` cannot be a setting: {why}", setting.name),
            });
        }
    }
    Ok(spec)
}

fn is_key(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// What the configuration must know of a declared connector.
pub(crate) fn entry(registration: &Registration) -> ConnectorEntry {
    let spec = ConnectorSpec::parse(registration.facts, None);
    ConnectorEntry {
        name: registration.name,
        settings: registration.settings,
        base_url_required: spec.is_ok_and(|spec| spec.base_url.is_none()),
    }
}

/// A declared connector in the shape of a built-in one, which lives as long as the program: there is one a source.
pub(crate) fn registration(spec: &ConnectorSpec, facts: String) -> &'static Registration {
    let name = lasting(spec.name.clone());
    let settings: Vec<SettingSpec> = settings(spec)
        .into_iter()
        .map(|setting| SettingSpec {
            example: lasting(example(name, &setting)),
            name: lasting(setting.name),
            kind: setting.kind,
            required: setting.required,
            help: setting.help,
        })
        .collect();
    let unifies: Vec<(&'static str, &'static [Table])> = spec
        .streams
        .values()
        .filter(|stream| !stream.unified.is_empty())
        .map(|stream| {
            let mut tables: Vec<Table> = stream.unified.iter().map(|block| block.table).collect();
            tables.dedup();
            (lasting(stream.name.clone()), &*Vec::leak(tables))
        })
        .collect();
    Box::leak(Box::new(Registration {
        name,
        facts: lasting(facts),
        settings: Vec::leak(settings),
        unifies: Vec::leak(unifies),
        targets: &[],
        words: &[],
        wire: as_facts,
        build: declared::build,
    }))
}

fn lasting(text: String) -> &'static str {
    String::leak(text)
}

fn example(connector: &str, setting: &AuthSetting) -> String {
    match setting.kind {
        SettingKind::TextList => "[\"…\"]".to_owned(),
        SettingKind::File => "\"ids.txt\"".to_owned(),
        _ if setting.name.ends_with("_url") => "\"https://login.example.com/oauth/token\"".to_owned(),
        _ => format!("\"${{{}_{}}}\"", connector.to_ascii_uppercase(), setting.name.to_ascii_uppercase()),
    }
}

/// The keys that a source with these facts takes besides those of every source.
fn settings(spec: &ConnectorSpec) -> Vec<AuthSetting> {
    let mut settings: Vec<AuthSetting> = Vec::new();
    for setting in spec.auths().iter().flat_map(AuthFacts::settings) {
        // One key may serve in two ways.
        if settings.iter().all(|known| known.name != setting.name) {
            settings.push(setting);
        }
    }
    for axis in spec.streams.values().flat_map(|stream| &stream.axes) {
        let own = match axis {
            Axis::Property { setting, .. } => {
                let help = "What is asked for, one by one: see `axes` in the connector's file";
                (setting, SettingKind::TextList, true, help)
            }
            Axis::Parent(parent) => match &parent.file {
                Some(setting) => {
                    (setting, SettingKind::File, false, "A file of more ids to ask for, one a line")
                }
                None => continue,
            },
            Axis::Window(_) | Axis::Passes(_) => continue,
        };
        let (name, kind, required, help) = own;
        if settings.iter().all(|known| known.name != *name) {
            settings.push(AuthSetting { name: name.clone(), kind, required, help });
        }
    }
    settings
}

/// The message, and what to do: words of the reader of TOML become those of this program.
fn in_words(error: &SpecError) -> (String, Option<String>) {
    let place = match error.place.as_str() {
        WHOLE => "the file".to_owned(),
        place => format!("[{place}]"),
    };
    let message = &in_our_words(&error.message);
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if let Some(rest) = message.strip_prefix("missing field ") {
        return (format!("missing key {rest} in {place}"), None);
    }
    let Some((what, _)) = message.split_once(", expected") else {
        return (format!("{}: {message}", quoted_place(error)), None);
    };
    let ([word, known @ ..], true) = (quoted.as_slice(), message.starts_with("unknown ")) else {
        return (format!("{}: {message}", quoted_place(error)), None);
    };
    let what =
        what.replacen("unknown field", "unknown key", 1).replacen("unknown variant", "unknown word", 1);
    let question = nearest(word, known.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
    let list: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
    let hint = (!list.is_empty()).then(|| format!("valid here: {}", list.join(", ")));
    (format!("{what} in {place}{}", question.unwrap_or_default()), hint)
}

/// The reader's words for kinds of values.
fn in_our_words(message: &str) -> String {
    let Some(rest) = message.strip_prefix("invalid type: ") else { return message.to_owned() };
    let words = [
        ("a sequence", "a list `[…]`"),
        ("a string", "a text"),
        ("a map", "a table"),
        ("sequence", "a list"),
        ("string", "the text"),
        ("integer", "the number"),
        ("floating point", "the number"),
        ("boolean", "the boolean"),
        ("map", "a table"),
    ];
    let (found, expected) = rest.split_once(", expected ").unwrap_or((rest, ""));
    let ours = |text: &str| {
        let known = words.iter().find(|(theirs, _)| text.starts_with(theirs));
        known.map_or_else(|| text.to_owned(), |(theirs, ours)| text.replacen(theirs, ours, 1))
    };
    format!("expected {}, found {}", ours(expected), ours(found))
}

fn quoted_place(error: &SpecError) -> String {
    if error.place == WHOLE { "the file".to_owned() } else { format!("`{}`", error.place) }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().get(..offset).unwrap_or_default().iter().filter(|&&byte| byte == b'\n').count() + 1
}

/// A key of the file: where it stands, and how to get there.
struct Leaf {
    path: Vec<Step>,
    offset: usize,
    is_table: bool,
    /// What a message shows of the value.
    shown: String,
}

#[derive(Clone, PartialEq)]
enum Step {
    Key(String),
    Index(usize),
}

/// Where the mistake is: the key that the error names, or else the one without which the error is another.
fn locate(text: &str, table: &toml::Table, error: &SpecError) -> Option<usize> {
    let parsed = DeTable::parse(text).ok()?;
    let mut leaves = Vec::new();
    collect(parsed.get_ref(), &mut Vec::new(), &mut leaves);
    let place: Vec<&str> = if error.place == WHOLE { Vec::new() } else { error.place.split('.').collect() };
    let exact = leaves.iter().find(|leaf| is_at(&leaf.path, &place));
    if let Some(leaf) = exact.filter(|leaf| !leaf.is_table) {
        return Some(leaf.offset);
    }
    // The deepest part of the place that is there: a missing key has none of its own.
    let depth = (0..=place.len())
        .rev()
        .find(|&depth| depth == 0 || leaves.iter().any(|leaf| is_at(&leaf.path, &place[..depth])))?;
    let within: Vec<&Leaf> = leaves.iter().filter(|leaf| begins(&leaf.path, &place[..depth])).collect();
    let quoted: Vec<&str> = error.message.split('`').skip(1).step_by(2).collect();
    if error.message.starts_with("unknown ")
        && let Some(word) = quoted.first()
        && let Some(leaf) =
            within.iter().find(|leaf| leaf.path.last() == Some(&Step::Key((*word).to_owned())))
    {
        return Some(leaf.offset);
    }
    let owner = || exact.or_else(|| leaves.iter().find(|leaf| is_at(&leaf.path, &place[..depth])));
    if error.message.starts_with("missing ") {
        return owner().map(|leaf| leaf.offset);
    }
    let tried = within.iter().filter(|leaf| !leaf.is_table).take(MOST_TRIALS);
    let culprit = tried.into_iter().find(|leaf| {
        let mut without = table.clone();
        remove(&mut without, &leaf.path);
        // A key that is only needed gives another error too, but its value is not the one that the message shows.
        let told = error.message.starts_with("invalid ") || error.message.starts_with("unknown ");
        let wrong = told && error.message.contains(&leaf.shown);
        let other = checked(without).err();
        other.is_none_or(|other| other != *error && (wrong || !other.message.starts_with("missing ")))
    });
    culprit.copied().or_else(owner).map(|leaf| leaf.offset)
}

fn is_at(path: &[Step], place: &[&str]) -> bool {
    path.len() == place.len() && begins(path, place)
}

fn begins(path: &[Step], place: &[&str]) -> bool {
    path.len() >= place.len()
        && path.iter().zip(place).all(|(step, word)| matches!(step, Step::Key(key) if key == word))
}

fn collect(table: &DeTable<'_>, path: &mut Vec<Step>, leaves: &mut Vec<Leaf>) {
    for (key, value) in table {
        path.push(Step::Key(key.get_ref().to_string()));
        let offset = key.span().start;
        let is_table = value.get_ref().is_table();
        let shown = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.as_str().to_owned(),
            DeValue::Float(number) => number.as_str().to_owned(),
            DeValue::Boolean(bit) => bit.to_string(),
            DeValue::Array(_) => "sequence".to_owned(),
            DeValue::Table(_) => "map".to_owned(),
            DeValue::Datetime(_) => "datetime".to_owned(),
        };
        leaves.push(Leaf { path: path.clone(), offset, is_table, shown });
        match value.get_ref() {
            DeValue::Table(inner) => collect(inner, path, leaves),
            DeValue::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    path.push(Step::Index(index));
                    if let DeValue::Table(inner) = element.get_ref() {
                        collect(inner, path, leaves);
                    }
                    path.pop();
                }
            }
            _ => {}
        }
        path.pop();
    }
}

fn remove(table: &mut toml::Table, path: &[Step]) {
    let [first, rest @ ..] = path else { return };
    let Step::Key(key) = first else { return };
    if rest.is_empty() {
        table.remove(key);
        return;
    }
    let mut value = table.get_mut(key);
    let mut rest = rest;
    while let [Step::Index(index), behind @ ..] = rest {
        value = value.and_then(|value| value.as_array_mut()?.get_mut(*index));
        rest = behind;
    }
    if let Some(inner) = value.and_then(toml::Value::as_table_mut) {
        remove(inner, rest);
    }
}
