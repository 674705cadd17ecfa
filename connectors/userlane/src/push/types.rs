//! Types of attributes: known, given, or inferred from all values of a push (vendors/userlane.md 4.2).
//!
//! A definition is sent for what is new or was changed on purpose. An attribute that a user of the vendor already has is
//! not new, whoever made it: a definition would overwrite its name and type.

use std::collections::{BTreeMap, BTreeSet};

use userhaul_connector::{
    code::Code,
    push::{Batch, Fault, FieldKind, Known, Memory, Options, Record, SettleError, Value, boolean, date},
};

/// The types that an attribute may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    String,
    Number,
    Boolean,
    Date,
    List,
}

impl Type {
    pub(super) const ALL: [Self; 5] = [Self::String, Self::Number, Self::Boolean, Self::Date, Self::List];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::List => "list",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The type of one value. A text of a CSV file may be any scalar; whole numbers beyond 15 digits are ids.
    fn of(value: &Value) -> Self {
        match value {
            Value::Number(_) => Self::Number,
            Value::Bool(_) => Self::Boolean,
            Value::Date(_) | Value::Instant(_) => Self::Date,
            Value::List(_) => Self::List,
            Value::Bare(text) if value.as_number().is_some() && text.len() <= 15 => Self::Number,
            Value::Bare(text) if boolean(text).is_some() => Self::Boolean,
            Value::Bare(text) if date(text).is_ok() => Self::Date,
            Value::Bare(_) | Value::Text(_) | Value::Null | Value::Object(_) | Value::Odd(_) => Self::String,
        }
    }

    /// The value as this type; none where it is not of it.
    fn cast(self, value: &Value) -> Option<Value> {
        let text = value.as_text();
        match self {
            Self::String => text.map(Value::text),
            Self::Number => {
                let text = FieldKind::Decimal.take(value).ok()?;
                Some(text)
            }
            Self::Boolean => FieldKind::Boolean.take(value).ok(),
            Self::Date => FieldKind::Date.take(value).ok(),
            Self::List => match value {
                Value::List(_) => Some(value.clone()),
                Value::Text(text) if text.starts_with('[') => {
                    FieldKind::List.take(value).ok().or(Some(Value::List(vec![Value::text(text)])))
                }
                _ => text.map(|_| Value::List(vec![Value::text(text.unwrap_or_default())])),
            },
        }
    }
}

/// Where the type of an attribute comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// Defined by an earlier push.
    Known,
    /// The attribute is there, its type a guess from its values.
    Guessed,
    /// New, or changed on purpose.
    New,
}

/// A definition to send.
#[derive(Debug, Clone)]
pub(super) struct Definition {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) kind: Type,
}

impl Definition {
    /// What is remembered of it.
    pub(super) fn memory(&self) -> [(String, String); 2] {
        [(type_key(&self.key), self.kind.name().to_owned()), (name_key(&self.key), self.name.clone())]
    }
}

/// All attributes of a push.
#[derive(Debug, Default)]
pub(super) struct Table {
    attributes: BTreeMap<String, Attribute>,
    /// What the vendor has was looked at.
    looked: bool,
}

#[derive(Debug)]
struct Attribute {
    kind: Type,
    origin: Origin,
    name: String,
    values: usize,
    /// The values were of several types.
    mixed: bool,
}

pub(super) fn type_key(attribute: &str) -> String {
    format!("type {attribute}")
}

fn name_key(attribute: &str) -> String {
    format!("name {attribute}")
}

/// Finds the type of each attribute.
pub(super) fn infer(options: &Options, records: &[Record], known: Known<'_>) -> Result<Table, SettleError> {
    let mut seen: BTreeMap<&str, (usize, BTreeSet<&'static str>)> = BTreeMap::new();
    for entry in records.iter().flat_map(|record| &record.fields) {
        let (count, kinds) = seen.entry(&entry.name).or_default();
        *count += 1;
        kinds.insert(Type::of(&entry.value).name());
    }
    let mut table = Table { looked: known.stored.is_some(), ..Table::default() };
    for (key, (values, kinds)) in seen {
        let inferred = if kinds.contains("list") { Type::List } else { only(&kinds) };
        let given = options.types.get(key).and_then(|name| Type::named(name));
        let before = known.memory.get(&type_key(key));
        let defined = before.and_then(|name| Type::named(name));
        let guessed =
            before.and_then(|name| Type::named(name.strip_prefix('~')?)).or_else(|| guess(key, known));
        let there = defined.is_some() || guessed.is_some();
        let in_force = defined.or(guessed);
        if let (Some(given), Some(in_force)) = (given, defined)
            && given != in_force
            && !options.type_changes
        {
            let message =
                format!("attribute `{key}` is a {}, and would become a {}", in_force.name(), given.name());
            let hint = "the vendor may refuse it, and segments may break: `--allow-type-change` does it all the same";
            return Err(SettleError { message, hint: Some(hint.to_owned()) });
        }
        let kind = given.or(in_force).unwrap_or(inferred);
        let old_name = known.memory.get(&name_key(key));
        let name = options.names.get(key).or(old_name).cloned().unwrap_or_else(|| readable(key));
        let renamed = options.names.get(key).is_some_and(|name| old_name != Some(name));
        let retyped = options.type_changes && given.is_some() && given != in_force;
        let origin = match (there, defined) {
            (false, _) => Origin::New,
            _ if renamed || retyped => Origin::New,
            (true, Some(_)) => Origin::Known,
            (true, None) => Origin::Guessed,
        };
        let mixed = kinds.len() > 1 && given.is_none() && !there;
        table.attributes.insert(key.to_owned(), Attribute { kind, origin, name, values, mixed });
    }
    Ok(table)
}

fn only(kinds: &BTreeSet<&'static str>) -> Type {
    match kinds.first() {
        Some(name) if kinds.len() == 1 => Type::named(name).unwrap_or(Type::String),
        _ => Type::String,
    }
}

/// The type that the values of an attribute seem to have, where users have any.
fn guess(key: &str, known: Known<'_>) -> Option<Type> {
    let stored = known.stored.filter(|stored| stored.names.contains(key))?;
    let mut kinds: BTreeSet<&'static str> = BTreeSet::new();
    for value in stored.rows.values().filter_map(|seen| seen.fields.iter().find(|(name, _)| name == key)) {
        let value = match &value.1 {
            Value::Text(text) if text.starts_with('[') => {
                Value::parse(text.as_bytes()).unwrap_or_else(|_| value.1.clone())
            }
            Value::Text(text) => Value::Bare(text.clone()),
            other => other.clone(),
        };
        kinds.insert(Type::of(&value).name());
    }
    Some(if kinds.contains("list") { Type::List } else { only(&kinds) })
}

/// `licence_type` as people write it.
fn readable(key: &str) -> String {
    let words = key.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Gives each value the type of its attribute. What cannot have it is refused, unless the type is only a guess.
pub(super) fn convert(table: &Table, batch: &mut Batch) {
    let mut faults = Vec::new();
    batch.records.retain_mut(|record| {
        let before = faults.len();
        for entry in &mut record.fields {
            let Some(attribute) = table.attributes.get(&entry.name) else { continue };
            match (attribute.kind.cast(&entry.value), attribute.origin) {
                (Some(value), _) => entry.value = value,
                (None, Origin::Guessed) => {
                    entry.value =
                        Type::of(&entry.value).cast(&entry.value).unwrap_or_else(|| entry.value.clone());
                }
                (None, Origin::Known | Origin::New) => {
                    let reason =
                        format!("must be of type {}, found {}", attribute.kind.name(), entry.value.kind());
                    faults.push(
                        Fault::of_row(entry.row, Some(&entry.name), Code::InvalidValue, reason)
                            .with_key(&record.key),
                    );
                }
            }
        }
        faults.len() == before
    });
    batch.faults.extend(faults);
}

/// Takes records out of a batch, with a fault for each of their rows.
pub(super) fn refuse(batch: &mut Batch, code: Code, reason: &str, refused: impl Fn(&Record) -> bool) {
    let mut faults = Vec::new();
    batch.records.retain(|record| {
        let refused = refused(record);
        if refused {
            faults.extend(record.rows.iter().map(|&row| Fault::of_row(row, None, code, reason)));
        }
        !refused
    });
    batch.faults.extend(faults);
}

impl Table {
    /// What is defined.
    pub(super) fn definitions(&self) -> Vec<Definition> {
        let new = self.attributes.iter().filter(|(_, attribute)| attribute.origin == Origin::New);
        new.map(|(key, attribute)| Definition {
            key: key.clone(),
            name: attribute.name.clone(),
            kind: attribute.kind,
        })
        .collect()
    }

    /// What is remembered of attributes that are not ours.
    pub(super) fn learned(&self) -> Memory {
        let guessed = self.attributes.iter().filter(|(_, attribute)| attribute.origin == Origin::Guessed);
        guessed.map(|(key, attribute)| (type_key(key), format!("~{}", attribute.kind.name()))).collect()
    }

    /// A line an attribute.
    pub(super) fn shown(&self) -> Vec<String> {
        let line = |(key, attribute): (&String, &Attribute)| {
            let how = match attribute.origin {
                Origin::New if self.looked => format!("new, defined as \"{}\"", attribute.name),
                Origin::New => format!("defined as \"{}\" unless a user has it already", attribute.name),
                Origin::Known => "known".to_owned(),
                Origin::Guessed => "there already, not defined again".to_owned(),
            };
            let mixed = if attribute.mixed { "; values of several types are sent as texts" } else { "" };
            format!("{key}: {}, {} values, {how}{mixed}", attribute.kind.name(), attribute.values)
        };
        self.attributes.iter().map(line).collect()
    }
}
