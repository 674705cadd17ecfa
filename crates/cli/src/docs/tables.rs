//! The unified tables, with what fills them.

use arrow_schema::{DataType, Field, TimeUnit};
use userhaul_record::Table;

use super::{code, codes, markdown};
use crate::registry::CONNECTORS;

/// Each unified table, by the name of its block.
pub(super) fn all() -> Vec<(String, String)> {
    Table::ALL.map(|table| (format!("unified {}", table.name()), block(table))).into()
}

fn block(table: Table) -> String {
    let sources: Vec<String> = CONNECTORS
        .iter()
        .flat_map(|registration| {
            let streams = registration.unifies.iter().filter(|(_, tables)| tables.contains(&table));
            streams.map(|(stream, _)| code(&format!("{}.{stream}", registration.name)))
        })
        .collect();
    let schema = userhaul_record::schema(table);
    let rows = schema.fields().iter().map(|field| {
        let doc = field.metadata().get("doc").cloned().unwrap_or_default();
        vec![code(field.name()), code(&name(field.data_type())), doc]
    });
    let rows = markdown(&["column", "type", "meaning"], rows);
    format!("Key: {}. Filled from {}.\n\n{rows}", codes([table.primary_key()]), sources.join(", "))
}

/// A type in the words of docs/output.md.
pub(super) fn name(kind: &DataType) -> String {
    match kind {
        DataType::Utf8 => "string".to_owned(),
        DataType::Boolean => "bool".to_owned(),
        DataType::Int64 => "int64".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Date32 => "date32".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision}, {scale})"),
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) => format!("timestamp(us, {zone})"),
        DataType::Map(_, _) => "map<string, string>".to_owned(),
        DataType::List(element) => format!("list<{}>", name(element.data_type())),
        DataType::Struct(_) => "struct".to_owned(),
        other => other.to_string(),
    }
}

/// The members of a struct, or of a list of structs.
pub(super) fn members(field: &Field) -> &[std::sync::Arc<Field>] {
    match field.data_type() {
        DataType::Struct(members) => members,
        DataType::List(element) => members(element),
        _ => &[],
    }
}
