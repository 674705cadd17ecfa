//! Companies and their revenue.

use serde_json::{Map, Value, json};

use super::{DAY, END, PRODUCTS, START, Table, World, below, created, date, extra, instant, updated};
use crate::core::seed::Seed;

const NAMES: &[&str] = &[
    "Northwind Traders",
    "Contoso Ødegård",
    "株式会社テスト",
    "Fabrikam & Söhne <GmbH>",
    "Wide \"World\" Importers",
    "Łódź Logistics",
    "Umbra / Penumbra 100%",
    "  Padded  ",
    "Rocket 🚀 Labs",
    "O'Neill\\Backslash",
];

/// How many companies a product has.
pub(super) fn count(users: usize, product: usize) -> usize {
    if product == 0 { users / 4 + 3 } else { users / 16 + 2 }
}

/// Fills companies and revenue.
pub(super) fn fill(world: &mut World, users: usize) {
    for product in 0..PRODUCTS {
        let count = count(users, product);
        for index in 0..count {
            let mut numbers = world.numbers("company", product, index);
            let id = numbers.uuid();
            let created = created(index, count);
            let standard = company(world, &mut numbers, index, &id, created);
            let custom = custom(&mut numbers, product, index);
            let row = world.add(Table::Companies, Some(product), standard);
            row.custom = custom;
            row.extra = extra(index);
            row.sources = match index % 5 {
                0 => vec![format!("crm-{index}"), format!("desk/{index}")],
                // Several companies may share one.
                1 | 2 => vec!["shared source".to_owned()],
                _ => Vec::new(),
            };
            revenue(world, &mut numbers, product, &id, created);
        }
    }
}

fn company(world: &World, numbers: &mut Seed, index: usize, id: &str, created: i64) -> Value {
    let updated = updated(numbers, created);
    let last_seen = match index % 9 {
        4 => Value::Null,
        // Before the last change, and for most two months after it.
        5 => instant(created),
        _ => instant((updated + 60 * DAY + below(numbers, DAY)).min(END - 1)),
    };
    let score = match index % 6 {
        0 => json!(0),
        1 => json!(72.5),
        2 => Value::Null,
        _ => json!(numbers.below(101)),
    };
    let score_diff = match index % 4 {
        1 => json!(-3),
        2 => json!(4.25),
        _ => Value::Null,
    };
    let category = match index % 4 {
        0 => Value::Null,
        1 => json!("Good"),
        2 => json!("À surveiller"),
        _ => json!(""),
    };
    let owner = if index.is_multiple_of(4) { Value::Null } else { pick(world, numbers, Table::Users) };
    let start = START + below(numbers, 500) * DAY;
    let dated = !index.is_multiple_of(3);
    // The last status is one that nobody uses.
    let status = usize::try_from(numbers.below(4)).unwrap_or(0);
    let status = if index % 8 == 6 {
        Value::Null
    } else {
        world.rows(Table::CompanyStatuses).get(status).map_or(Value::Null, |row| json!(row.id()))
    };
    let stage = usize::try_from(numbers.below(6)).unwrap_or(0);
    let stage = world.rows(Table::LifeCycleStages).get(stage).filter(|_| index % 10 != 7);
    json!({
        "id": id,
        "created_at": instant(created),
        "updated_at": instant(updated),
        "friendly_id": friendly(index),
        "name": name(index),
        "emails": emails(index),
        "health_score": score,
        "health_score_diff": score_diff,
        "last_seen_at": last_seen,
        "health_category": category,
        "owner_user_id": owner,
        "mrr": money(index, numbers, 1),
        "arr": money(index, numbers, 12),
        "start_date": if dated { date(start) } else { Value::Null },
        "renewal_date": if dated && index % 3 == 1 { date((start + 365 * DAY).min(END - 1)) } else { Value::Null },
        "life_cycle_stage_id": stage.map(super::Row::id),
        "status_id": status,
        "life_cycle_id": stage.and_then(|stage| stage.text("life_cycle_id")),
        "external_id": external_id(numbers, index),
    })
}

fn pick(world: &World, numbers: &mut Seed, table: Table) -> Value {
    let rows = world.rows(table);
    if rows.is_empty() { Value::Null } else { json!(numbers.pick(rows).id()) }
}

/// A running number; one is none, one is beyond what a double holds.
pub(super) fn friendly(index: usize) -> Value {
    match index {
        2 => Value::Null,
        9 => json!(9_007_199_254_740_993_u64),
        _ => json!(index + 1),
    }
}

fn name(index: usize) -> Value {
    match index {
        // Two companies of one name.
        3 | 4 => json!("Twin Peaks Ltd"),
        _ if index % 31 == 5 => json!(""),
        _ if index % 29 == 6 => Value::Null,
        _ => json!(format!("{} {index}", NAMES[index % NAMES.len()])),
    }
}

fn emails(index: usize) -> Value {
    match index % 5 {
        1 => json!([format!("billing{index}@example.com")]),
        3 => json!([format!("Büro.{index}@example.com"), format!("hello+{index}@example.com"), ""]),
        _ => json!([]),
    }
}

/// An amount as decimal text.
fn money(index: usize, numbers: &mut Seed, months: u64) -> Value {
    let cents = numbers.below(5_000_000);
    match index % 6 {
        0 => Value::Null,
        1 => json!("0"),
        2 => json!((cents / 100 * months).to_string()),
        3 => json!("-19.99"),
        5 if index % 12 == 5 => json!("12345678901234.56"),
        _ => json!(format!("{}.{:02}", cents * months / 100, cents * months % 100)),
    }
}

/// Ids that customers really have: zeros in front, spaces, slashes, other scripts, UUIDs; for some none.
fn external_id(numbers: &mut Seed, index: usize) -> Value {
    match index % 8 {
        0 => json!(format!("cust-{}", 1000 + index)),
        1 => json!(format!("{index:06}")),
        2 => json!(format!("north wind {index}")),
        3 => json!(format!("eu/{index}?a=1&b=2#x")),
        4 => json!(format!("çlient-日本-{index}")),
        5 => json!(numbers.uuid()),
        6 => json!(format!("100%{index}%2F+")),
        _ => Value::Null,
    }
}

fn custom(numbers: &mut Seed, product: usize, index: usize) -> Map<String, Value> {
    let mut custom = Map::new();
    let mut put = |key: &str, value: Value| {
        if !value.is_null() {
            custom.insert(key.to_owned(), value);
        }
    };
    put(
        "total_revenue",
        if index.is_multiple_of(3) { json!(numbers.below(1_000_000)) } else { json!(1234.5) },
    );
    put("seats_purchased", if index % 4 == 3 { json!("40") } else { json!(numbers.below(400)) });
    put("is_partner", if index % 3 == 1 { Value::Null } else { json!(index.is_multiple_of(2)) });
    put("csm_region", json!(["EMEA", "APAC", "Amérique du Nord", ""][index % 4]));
    put(
        "tags",
        [json!([]), json!(["vip", "été", "a,b"]), Value::Null, json!([1, true, null])][index % 4].clone(),
    );
    let long = "Zeile eins\nline two\t\"quoted\" \\ ’’ ".repeat(40);
    put(
        "notes",
        [json!(""), json!(long), json!("<script>alert('x')</script>"), Value::Null][index % 4].clone(),
    );
    let contract = json!({"terms": {"payment": {"net": {"days": {"value": 30, "unit": null}}}},
        "lines": [{"sku": "A/1", "n": [1, [2, [3]]]}, {}], "": "an empty key"});
    put("contract", [contract, json!({}), Value::Null, json!("see drawer 4")][index % 4].clone());
    put("signed_on", if index % 2 == 1 { date(START + below(numbers, 700) * DAY) } else { Value::Null });
    put(
        "last_qbr_at",
        if index % 5 == 2 { instant(START + below(numbers, END - START)) } else { Value::Null },
    );
    let revision = [json!(u64::MAX), json!(i64::MIN), json!(0), Value::Null, json!(1e21)][index % 5].clone();
    put("external_revision", revision);
    if product == 0 {
        put("legacy_code", json!(format!("L{index:04}")));
    } else {
        put("beta_code", json!(format!("B{index:04}")));
    }
    custom
}

fn revenue(world: &mut World, numbers: &mut Seed, product: usize, company: &str, created: i64) {
    for index in 0..usize::try_from(numbers.below(5)).unwrap_or(0) {
        let id = numbers.uuid();
        let start = START + (below(numbers, 300) + 30 * i64::try_from(index).unwrap_or(0)) * DAY;
        let mrr = numbers.below(900_000);
        let standard = json!({
            "id": id,
            "created_at": instant(created + 18),
            "updated_at": instant(updated(numbers, created + 18)),
            "mrr": if index == 2 { Value::Null } else { json!(format!("{}.{:02}", mrr / 100, mrr % 100)) },
            "arr": if index == 2 { Value::Null } else { json!(format!("{}.{:02}", mrr * 12 / 100, mrr * 12 % 100)) },
            "start_date": date(start),
            "renewal_date": if index == 3 { Value::Null } else { date(start + 365 * DAY) },
        });
        let row = world.add(Table::Revenue, Some(product), standard);
        row.parent = Some(company.to_owned());
        row.extra = extra(row.number);
    }
}
