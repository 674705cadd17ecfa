//! The attributes: what they are and who has which values, company and properties kept apart (section 4.6).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::core::seed::Seed;

use super::{
    COMPANY, PROPERTIES,
    world::{Member, World, signed},
};

/// The type of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    String,
    Number,
    Boolean,
    Date,
    List,
}

impl Kind {
    /// The type of that name, if the simulator knows it.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::String, Self::Number, Self::Boolean, Self::Date, Self::List]
            .into_iter()
            .find(|kind| kind.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::List => "list",
        }
    }

    /// Whether a value is of this type. A list may be sent as one scalar.
    pub(super) fn takes(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Date => value.as_str().is_some_and(|text| {
                super::parameters::calendar_day(text).is_some() || text.parse::<jiff::Timestamp>().is_ok()
            }),
            Self::List => !value.is_null() && !value.is_object(),
        }
    }

    /// The type that an attribute gets which is created by a value alone.
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Number(_) => Self::Number,
            Value::Bool(_) => Self::Boolean,
            Value::Array(_) => Self::List,
            Value::Null | Value::String(_) | Value::Object(_) => Self::String,
        }
    }
}

/// An attribute definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Definition {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// The attributes of one scope.
#[derive(Debug, Default)]
pub(super) struct Store {
    /// Who is known in this scope without having been created by an import.
    pub(super) known: BTreeSet<String>,
    /// Users that an import created, in that order.
    pub(super) created: Vec<String>,
    pub(super) definitions: BTreeMap<String, Definition>,
    /// By user, then by key.
    pub(super) values: BTreeMap<String, BTreeMap<String, Value>>,
}

impl Store {
    /// Whether the user exists in this scope.
    pub(super) fn knows(&self, user: &str) -> bool {
        self.known.contains(user) || self.created.iter().any(|created| created == user)
    }
}

/// All scopes.
#[derive(Debug)]
pub(super) struct Stores {
    pub(super) company: Store,
    /// In the order of `PROPERTIES`.
    pub(super) properties: Vec<Store>,
}

const OF_PROPERTY: &[(&str, &str, Kind)] = &[
    ("licence_type", "Licence type", Kind::String),
    ("seat_count", "Seats", Kind::Number),
    ("beta", "Beta tester", Kind::Boolean),
    ("trained_on", "Trained on", Kind::Date),
    ("tools", "Tools", Kind::List),
    ("Größe €/m²", "Größe", Kind::Number),
];

const OF_COMPANY: &[(&str, &str, Kind)] = &[
    ("department", "Department", Kind::String),
    ("region", "Region", Kind::String),
    // Two spellings make two attributes (IMPORT).
    ("job_title", "Job title", Kind::String),
    ("jobTitle", "Job title", Kind::String),
    ("hire_date", "Hire date", Kind::Date),
    // The same key as in the other scope, another attribute.
    ("seat_count", "Seats", Kind::Number),
];

impl Stores {
    /// The attributes that the world begins with.
    pub(super) fn new(seed: u64, world: &World) -> Self {
        let mut company = store(OF_COMPANY);
        let mut properties = Vec::new();
        for (members, id) in world.members.iter().zip(PROPERTIES) {
            let mut own = store(OF_PROPERTY);
            for member in members {
                fill(&mut own, seed, &format!("userlane attributes {id}"), member, OF_PROPERTY);
                if !company.known.contains(&member.user_id) {
                    fill(&mut company, seed, "userlane attributes", member, OF_COMPANY);
                }
            }
            properties.push(own);
        }
        Self { company, properties }
    }

    /// The definitions of all scopes, for the truth.
    pub(super) fn definition_rows(&self) -> Vec<Value> {
        let own = self
            .properties
            .iter()
            .zip(PROPERTIES)
            .map(|(store, id)| (store, "property", "propertyId", json!(id)));
        let all = std::iter::once((&self.company, "company", "companyId", json!(COMPANY))).chain(own);
        all.flat_map(|(store, scope, id_name, id)| {
            store.definitions.values().map(move |definition| {
                json!({
                    "scope": scope, id_name: id,
                    "key": definition.key, "name": definition.name, "type": definition.kind.name(),
                })
            })
        })
        .collect()
    }
}

fn store(attributes: &[(&str, &str, Kind)]) -> Store {
    let definitions = attributes
        .iter()
        .map(|&(key, name, kind)| {
            (key.to_owned(), Definition { key: key.to_owned(), name: name.to_owned(), kind })
        })
        .collect();
    Store { definitions, ..Store::default() }
}

fn fill(store: &mut Store, seed: u64, label: &str, member: &Member, attributes: &[(&str, &str, Kind)]) {
    let mut numbers = Seed::of(seed, label, member.person.number as u64);
    store.known.insert(member.user_id.clone());
    if numbers.chance(12) {
        return;
    }
    let mut values = BTreeMap::new();
    for &(key, _, kind) in attributes {
        if numbers.chance(60) {
            values.insert(key.to_owned(), value(kind, &mut numbers));
        }
    }
    store.values.insert(member.user_id.clone(), values);
}

fn value(kind: Kind, numbers: &mut Seed) -> Value {
    match kind {
        Kind::String => {
            (*numbers.pick(&["full", "viewer", "", "EMEA", "Procurement", "営業部", "R&D / 100%", "null"]))
                .into()
        }
        Kind::Number => match numbers.below(6) {
            0 => json!(9_007_199_254_740_993_u64),
            1 => json!(-2.5),
            2 => json!(0),
            _ => json!(numbers.below(50)),
        },
        Kind::Boolean => json!(numbers.chance(50)),
        Kind::Date => super::heart::calendar(super::world::DAYS.start + signed(numbers.below(730))).into(),
        Kind::List => match numbers.below(3) {
            0 => json!([]),
            1 => json!(["Excel"]),
            _ => json!(["SAP", "経費, \"x\"", ""]),
        },
    }
}
