//! The tenant's rows: invented from the seed, then changed by writes.
//!
//! A row is kept as it is meant, and given its outer shape when it is sent. The world lies in the two years before
//! [`END`]; writes come one second after another from there on, so that a run can be repeated.

mod companies;
pub(super) mod end_users;
mod settings;
mod tasks;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::core::seed::Seed;

/// 2024-11-01T00:00:00Z, before every instant of the world, in seconds.
pub(super) const START: i64 = 1_730_419_200;
/// 2026-11-01T00:00:00Z, after every instant of the world, in seconds.
pub(super) const END: i64 = 1_793_491_200;
/// The products of the tenant, a key each.
pub(super) const PRODUCTS: usize = 2;

const DAY: i64 = 86_400;

/// A kind of row. Those after `Tasks` are answered only where the switch `candidates` says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Table {
    Companies,
    Revenue,
    CompanyFields,
    CompanyStatuses,
    EndUsers,
    EndUserFields,
    Teams,
    Tasks,
    TaskStatuses,
    TaskCategories,
    ActivityTypes,
    Users,
    LifeCycles,
    LifeCycleStages,
    Tickets,
    Products,
}

impl Table {
    /// The tables with a list of their own, documented ones first.
    pub(super) const LISTED: [Self; 15] = [
        Self::Companies,
        Self::CompanyFields,
        Self::CompanyStatuses,
        Self::EndUsers,
        Self::EndUserFields,
        Self::Teams,
        Self::Tasks,
        Self::TaskStatuses,
        Self::TaskCategories,
        Self::ActivityTypes,
        Self::Users,
        Self::LifeCycles,
        Self::LifeCycleStages,
        Self::Tickets,
        Self::Products,
    ];

    /// Its path below `/api/v1`.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Companies => "companies",
            Self::Revenue => "revenue",
            Self::CompanyFields => "company_fields",
            Self::CompanyStatuses => "company_statuses",
            Self::EndUsers => "end_users",
            Self::EndUserFields => "end_user_fields",
            Self::Teams => "teams",
            Self::Tasks => "tasks",
            Self::TaskStatuses => "task_statuses",
            Self::TaskCategories => "task_categories",
            Self::ActivityTypes => "activity_types",
            Self::Users => "users",
            Self::LifeCycles => "life_cycles",
            Self::LifeCycleStages => "life_cycle_stages",
            Self::Tickets => "tickets",
            Self::Products => "products",
        }
    }

    /// The table with this path.
    pub(super) fn at(path: &str) -> Option<Self> {
        Self::LISTED.into_iter().find(|table| table.path() == path)
    }

    /// Whether the vendor confirms its list.
    pub(super) fn is_confirmed(self) -> bool {
        self <= Self::Tasks
    }
}

/// A row as it is kept.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// Position in its table, from 0; shapes that vary by row go by it.
    pub(super) number: usize,
    /// The product that it belongs to; none for all.
    pub(super) product: Option<usize>,
    /// The company of a revenue row, the team of nothing else.
    pub(super) parent: Option<String>,
    /// Every `source_external_id`.
    pub(super) sources: Vec<String>,
    /// The keys that the reference gives, money as decimal text, dates as `YYYY-MM-DD`.
    pub(super) standard: Map<String, Value>,
    /// Custom attributes that have a value.
    pub(super) custom: Map<String, Value>,
    /// Keys that nobody documents.
    pub(super) extra: Map<String, Value>,
}

impl Row {
    /// The Userlot id.
    pub(super) fn id(&self) -> &str {
        self.text("id").unwrap_or_default()
    }

    /// A standard key's text, where it is text.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.standard.get(key).and_then(Value::as_str)
    }
}

/// All rows of the tenant.
#[derive(Debug)]
pub(super) struct World {
    pub(super) seed: u64,
    tables: BTreeMap<Table, Vec<Row>>,
    /// Ids of the products, in their order.
    product_ids: Vec<String>,
    written: u64,
}

impl World {
    /// The tenant with `users` people in its first product and a quarter of that in its second; empty for none.
    pub(super) fn new(seed: u64, users: usize) -> Self {
        let product_ids =
            (0..PRODUCTS).map(|product| Seed::of(seed, "product", product as u64).uuid()).collect();
        let mut world = Self { seed, tables: BTreeMap::new(), product_ids, written: 0 };
        if users > 0 {
            settings::fill(&mut world, users);
            companies::fill(&mut world, users);
            end_users::fill(&mut world, users);
            tasks::fill(&mut world, users);
        }
        world
    }

    /// The rows of a table, of both products.
    pub(super) fn rows(&self, table: Table) -> &[Row] {
        self.tables.get(&table).map_or(&[], Vec::as_slice)
    }

    /// A row that may be changed.
    pub(super) fn row_mut(&mut self, table: Table, index: usize) -> Option<&mut Row> {
        self.tables.get_mut(&table)?.get_mut(index)
    }

    /// Adds a row, and gives its position.
    pub(super) fn add(&mut self, table: Table, product: Option<usize>, standard: Value) -> &mut Row {
        let rows = self.tables.entry(table).or_default();
        let standard = match standard {
            Value::Object(standard) => standard,
            _ => Map::new(),
        };
        let index = rows.len();
        rows.push(Row {
            number: index,
            product,
            parent: None,
            sources: Vec::new(),
            standard,
            custom: Map::new(),
            extra: Map::new(),
        });
        &mut rows[index]
    }

    /// A product's id.
    pub(super) fn product_id(&self, product: usize) -> Value {
        self.product_ids.get(product).map_or(Value::Null, |id| json!(id))
    }

    /// The id and the instant of the next write.
    pub(super) fn next_write(&mut self) -> (String, Value) {
        self.written += 1;
        let id = Seed::of(self.seed, "written", self.written).uuid();
        (id, instant(END.saturating_add_unsigned(self.written)))
    }

    /// The attributes of the custom fields that rows of `table` may have in a product: name and definition.
    pub(super) fn attributes(&self, table: Table, product: usize) -> Vec<(&str, &Row)> {
        let fields = match table {
            Table::Companies => Table::CompanyFields,
            Table::EndUsers => Table::EndUserFields,
            _ => return Vec::new(),
        };
        self.rows(fields)
            .iter()
            .filter(|row| row.product.is_none_or(|owner| owner == product))
            .filter_map(|row| Some((row.text("attribute_name")?, row)))
            .collect()
    }

    fn numbers(&self, label: &str, product: usize, index: usize) -> Seed {
        Seed::of(self.seed, &format!("{label}/{product}"), index as u64)
    }
}

/// An instant as the vendor writes it: whole seconds, UTC.
pub(super) fn instant(seconds: i64) -> Value {
    jiff::Timestamp::from_second(seconds).map_or(Value::Null, |at| json!(at.to_string()))
}

/// A date, `YYYY-MM-DD`.
fn date(seconds: i64) -> Value {
    jiff::Timestamp::from_second(seconds).map_or(Value::Null, |at| json!(at.strftime("%Y-%m-%d").to_string()))
}

/// When row `index` of `count` was created: ascending, the same second for seven rows in a row, so that ties lie across
/// the edges of pages.
fn created(index: usize, count: usize) -> i64 {
    let steps = i64::try_from(count / 7 + 1).unwrap_or(i64::MAX);
    let step = i64::try_from(index / 7).unwrap_or(0);
    START + 3 * DAY + (END - START) / 2 / steps * step
}

/// A number below `bound`.
fn below(numbers: &mut Seed, bound: i64) -> i64 {
    let bound = u64::try_from(bound).unwrap_or(1);
    i64::try_from(numbers.below(bound)).unwrap_or(0)
}

/// When a row that was created at `created` last changed: often at once.
fn updated(numbers: &mut Seed, created: i64) -> i64 {
    if numbers.chance(30) { created } else { created + below(numbers, (END - created) / 2) }
}

/// Keys that nobody documents, on some rows: a scalar, an object, an array, empty ones.
fn extra(number: usize) -> Map<String, Value> {
    let extra = match number % 13 {
        4 => json!({"segment_guess": "smb"}),
        7 => json!({"x_meta": {"source": {"kind": "import", "row": number, "path": ["a", {"b": null}]}}}),
        10 => json!({"x_list": [1, "two", null, {"three": 3.5}, []], "größe": "½ m²"}),
        12 => json!({"x_empty_object": {}, "x_empty_list": [], "x_empty_text": ""}),
        _ => Value::Null,
    };
    match extra {
        Value::Object(extra) => extra,
        _ => Map::new(),
    }
}
