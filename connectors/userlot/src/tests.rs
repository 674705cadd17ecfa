//! Facts, pages of invented people, and the records that they become.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use arrow_array::{
    Array, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, ListArray, MapArray,
    RecordBatch, StringArray, StructArray, TimestampMicrosecondArray,
};
use secrecy::{ExposeSecret, SecretString};
use userhaul_connector::{
    decode::{CustomFields, DecodeOptions, Decoder, DerivedLayout, Lineage, Taken},
    rows::Lookups,
    settings::SettingValue,
    spec::{Axis, Paging, PartitionBy},
};
use userhaul_record::{self as record, Table};

use super::*;

mod facts;
mod pages;
mod records;

fn built(base_url: Option<&str>, api_key: &str) -> Result<Box<dyn Connector>, SettingsError> {
    let mut settings = Settings::default();
    if let Some(url) = base_url {
        settings.set("base_url", SettingValue::Text(url.to_owned()));
    }
    settings.set("api_key", SettingValue::Secret(SecretString::from(api_key)));
    (REGISTRATION.build)(ConnectorSpec::parse(REGISTRATION.facts, None).unwrap(), &settings)
}

fn userlot() -> Box<dyn Connector> {
    built(Some("https://acme.example.com"), "ul_test").unwrap()
}

/// A page's rows, of the stream and of those derived from it.
fn decode(stream: &str, page: &str, given: &[Option<String>], custom: &[&str]) -> Taken {
    let connector = userlot();
    let spec = connector.spec();
    let derived = spec.derived_from(stream).map(|child| {
        let from = child.derived.clone().unwrap();
        DerivedLayout {
            stream: child.name.clone(),
            table: child.table.clone(),
            field: from.field,
            inherits: from.inherits,
            single: from.single,
        }
    });
    let derived = derived.collect();
    let stream = spec.stream(stream).unwrap();
    let names = custom.iter().map(|&name| name.to_owned()).collect();
    let mut decoder = Decoder::new(&DecodeOptions {
        table: stream.table.clone(),
        derived,
        items: stream.items.clone(),
        single: stream.single,
        custom: stream
            .custom_fields
            .as_ref()
            .map(|fields| CustomFields { column: fields.column.clone(), names }),
        rules: Vec::new(),
    });
    let lineage = Lineage { source: "crm", run_id: "01", extracted_at: 0, given };
    decoder.page(page.as_bytes(), &lineage).unwrap();
    decoder.take().unwrap()
}

fn rows(stream: &str, page: &str) -> Vec<String> {
    decode(stream, page, &[], &[]).rows.as_ref().map_or_else(Vec::new, shown)
}

/// The unified records of one table that a batch becomes.
fn unified(stream: &str, batch: &RecordBatch, lookups: &Lookups) -> Vec<(Table, Vec<String>)> {
    let connector = userlot();
    let spec = connector.spec().stream(stream).unwrap();
    let rows = Rows::new(batch, &spec.table.primary_key, lookups).unwrap();
    let mut into = Unified::new(record::Lineage { source: "crm", vendor: "userlot", stream });
    connector.unify(spec, &rows, &mut into).unwrap();
    into.finish().iter().map(|(table, batch)| (*table, shown(batch))).collect()
}

/// Each row as one `column: value` a line, without nulls and lineage.
fn shown(batch: &RecordBatch) -> Vec<String> {
    let lineage = ["_source", "_run_id", "_extracted_at", "source", "vendor"];
    let line = |row: usize| {
        let schema = batch.schema();
        let columns = schema.fields().iter().zip(batch.columns());
        let columns =
            columns.filter(|(field, array)| array.is_valid(row) && !lineage.contains(&&**field.name()));
        columns
            .map(|(field, array)| format!("{}: {}", field.name(), value(array, row)))
            .collect::<Vec<_>>()
            .join("\n")
    };
    (0..batch.num_rows()).map(line).collect()
}

fn value(array: &dyn Array, row: usize) -> String {
    let any = array.as_any();
    if array.is_null(row) {
        "null".to_owned()
    } else if let Some(texts) = any.downcast_ref::<StringArray>() {
        texts.value(row).to_owned()
    } else if let Some(numbers) = any.downcast_ref::<Int64Array>() {
        numbers.value(row).to_string()
    } else if let Some(numbers) = any.downcast_ref::<Float64Array>() {
        format!("{:?}", numbers.value(row))
    } else if let Some(bits) = any.downcast_ref::<BooleanArray>() {
        bits.value(row).to_string()
    } else if let Some(amounts) = any.downcast_ref::<Decimal128Array>() {
        amounts.value_as_string(row)
    } else if let Some(days) = any.downcast_ref::<Date32Array>() {
        (jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(days.value(row))).to_string()
    } else if let Some(instants) = any.downcast_ref::<TimestampMicrosecondArray>() {
        jiff::Timestamp::from_microsecond(instants.value(row)).unwrap().to_string()
    } else if let Some(lists) = any.downcast_ref::<ListArray>() {
        let list = lists.value(row);
        format!("[{}]", (0..list.len()).map(|entry| value(&list, entry)).collect::<Vec<_>>().join(", "))
    } else if let Some(maps) = any.downcast_ref::<MapArray>() {
        let map = maps.value(row);
        let entry = |entry| format!("{}={}", value(map.column(0), entry), value(map.column(1), entry));
        format!("{{{}}}", (0..map.len()).map(entry).collect::<Vec<_>>().join(", "))
    } else {
        let structs = any.downcast_ref::<StructArray>().unwrap();
        let members = structs.fields().iter().zip(structs.columns());
        let members = members.map(|(field, member)| format!("{}={}", field.name(), value(member, row)));
        format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
    }
}
