//! What an administrator sets up: products, staff, teams, statuses, life cycles, custom fields.

use serde_json::{Value, json};

use super::{DAY, PRODUCTS, START, Table, World, instant};
use crate::core::{people, seed::Seed};

/// Label, attribute, type, whether it is mandatory, and the only product that has it.
type Field = (&'static str, &'static str, &'static str, bool, Option<usize>);

const COMPANY_FIELDS: &[Field] = &[
    ("Total Revenue", "total_revenue", "number", false, None),
    ("Seats Purchased", "seats_purchased", "number", false, None),
    ("Partner?", "is_partner", "boolean", false, None),
    ("Région / Secteur", "csm_region", "select", true, None),
    ("Tags", "tags", "multi_select", false, None),
    ("Notes", "notes", "text", false, None),
    ("Contract <terms>", "contract", "json", false, None),
    ("Signed On", "signed_on", "date", false, None),
    ("Last QBR", "last_qbr_at", "datetime", false, None),
    ("Revision", "external_revision", "integer", false, None),
    ("Never Filled", "never_filled", "formula", false, None),
    ("Legacy Code", "legacy_code", "string", false, Some(0)),
    ("Beta Code", "beta_code", "string", false, Some(1)),
];

const END_USER_FIELDS: &[Field] = &[
    ("Job Title", "job_title", "string", false, Some(0)),
    ("Login Count", "login_count", "number", false, None),
    ("Is Champion", "is_champion", "boolean", false, None),
    ("Skills", "skills", "multi_select", false, None),
    ("Preferences", "preferences", "json", false, None),
    ("Never Filled", "never_filled_either", "formula", true, None),
];

const COMPANY_STATUSES: &[(&str, Option<bool>)] = &[
    ("Live", Some(true)),
    ("Onboarding", Some(false)),
    ("À risque", Some(false)),
    ("Churned", None),
    ("Never used", Some(false)),
];

const COLOURS: &[&str] = &["#B7E1CD", "#FFE0B2", "#F4C7C3", "#FFFFFF", "#000000"];

/// Fills the small tables.
pub(super) fn fill(world: &mut World, users: usize) {
    for product in 0..PRODUCTS {
        let id = world.product_id(product);
        world.add(
            Table::Products,
            Some(product),
            json!({"id": id, "created_at": instant(START), "updated_at": instant(START),
                "name": (["Atlas", "Borealis ✦"][product % 2])}),
        );
    }
    statuses(world);
    life_cycles(world);
    staff(world, users);
    teams(world);
    fields(world, Table::CompanyFields, COMPANY_FIELDS);
    fields(world, Table::EndUserFields, END_USER_FIELDS);
}

/// A row's id and its two instants.
fn head(world: &World, label: &str, index: usize) -> Value {
    let mut numbers = Seed::of(world.seed, label, index as u64);
    let id = numbers.uuid();
    let created = START + DAY;
    let updated = created + super::below(&mut numbers, 90) * DAY;
    json!({"id": id, "created_at": instant(created), "updated_at": instant(updated)})
}

fn with(mut head: Value, rest: Value) -> Value {
    if let (Value::Object(head), Value::Object(rest)) = (&mut head, rest) {
        head.extend(rest);
    }
    head
}

fn statuses(world: &mut World) {
    for (index, (name, default)) in COMPANY_STATUSES.iter().enumerate() {
        let colour = if index == 3 { Value::Null } else { json!(COLOURS[index % COLOURS.len()]) };
        let row = with(
            head(world, "company_status", index),
            json!({"name": name, "default": default, "color": colour}),
        );
        world.add(Table::CompanyStatuses, None, row);
    }
    let task_statuses =
        [("To do", false), ("In progress", false), ("Fertig ✓", true), ("Won't do", true), ("Idle", false)];
    for (index, (name, complete)) in task_statuses.into_iter().enumerate() {
        let row = with(
            head(world, "task_status", index),
            json!({"name": name, "default": index == 0, "complete_task": complete,
                "color": COLOURS[index % COLOURS.len()]}),
        );
        world.add(Table::TaskStatuses, None, row);
    }
    for (index, name) in ["Call", "E-mail", "Besuch", ""].into_iter().enumerate() {
        let row = with(head(world, "task_category", index), json!({"name": name}));
        world.add(Table::TaskCategories, None, row);
    }
    for (index, name) in ["Meeting", "Quarterly review"].into_iter().enumerate() {
        let row = with(head(world, "activity_type", index), json!({"name": name}));
        world.add(Table::ActivityTypes, None, row);
    }
}

fn life_cycles(world: &mut World) {
    for (cycle, name) in ["Standard journey", "Enterprise"].into_iter().enumerate() {
        let row = with(head(world, "life_cycle", cycle), json!({"name": name}));
        let id = row.get("id").cloned();
        world.add(Table::LifeCycles, None, row);
        for stage in 0..3 {
            let row = with(
                head(world, "life_cycle_stage", cycle * 3 + stage),
                json!({"name": (["Adopt", "Grow", "Renew"][stage]), "position": stage, "life_cycle_id": id}),
            );
            world.add(Table::LifeCycleStages, None, row);
        }
    }
}

fn staff(world: &mut World, users: usize) {
    for index in 0..(3 + (users / 20).min(40)) {
        // The staff are other people than the end users, from another world.
        let person = people::person(world.seed.wrapping_add(1), index);
        let nickname = match index % 4 {
            1 => json!(""),
            2 => json!(person.first_name.to_lowercase()),
            _ => Value::Null,
        };
        let row = with(
            head(world, "staff", index),
            json!({"first_name": person.first_name, "last_name": person.last_name,
                "name": format!("{} {}", person.first_name, person.last_name),
                "nickname": nickname, "email": format!("staff{index}@example.com")}),
        );
        world.add(Table::Users, None, row);
    }
}

fn teams(world: &mut World) {
    let teams: [(&str, Value, Option<usize>); 5] = [
        ("Onboarding", Value::Null, Some(0)),
        ("Renewals", json!("<b>Renewals</b> & upsell"), Some(0)),
        ("Nordics / DACH", json!(""), Some(0)),
        ("Borealis crew", json!("北"), Some(1)),
        ("Everyone", Value::Null, None),
    ];
    for (index, (name, description, product)) in teams.into_iter().enumerate() {
        let product_id = product.map_or(Value::Null, |product| world.product_id(product));
        let row = with(
            head(world, "team", index),
            json!({"name": name, "description": description, "product_id": product_id}),
        );
        world.add(Table::Teams, product, row);
    }
}

fn fields(world: &mut World, table: Table, fields: &[Field]) {
    for (index, &(name, attribute, kind, required, product)) in fields.iter().enumerate() {
        let product_id = product.map_or(Value::Null, |product| world.product_id(product));
        let mut row = with(
            head(world, table.path(), index),
            json!({"name": name, "attribute_name": attribute, "field_type": kind, "required": required,
                "product_id": product_id}),
        );
        if let (true, Value::Object(row)) = (kind == "formula", &mut row) {
            // Everything but the id may be null or missing (A10).
            row.insert("name".to_owned(), Value::Null);
            row.remove("updated_at");
        }
        let row = world.add(table, product, row);
        row.extra = super::extra(index);
    }
}
