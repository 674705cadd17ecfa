//! Rows to records: mapped, checked, and merged by their keys.

use std::collections::{BTreeSet, HashMap};

use userhaul_connector::{
    code::Code,
    push::{Batch, Fault, Place, Record, RowFields, Stored, Value},
};

use super::{Push, PushRecord};

/// The records of the input. What a row says later holds over what an earlier row of the same key says.
pub(super) fn batch(push: &Push<'_>, told: &mut PushRecord) -> Batch {
    let mut batch = Batch::default();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut contradictions = 0_u64;
    told.rows.read = push.input.rows.len() as u64;
    for (index, cells) in push.input.rows.iter().enumerate() {
        let row = fields(push, index as u64 + 1, cells);
        let records = match push.target.records(&row) {
            Ok(records) => records,
            Err(faults) => {
                batch.faults.extend(faults);
                continue;
            }
        };
        let mut merged = false;
        for record in records {
            match places.get(&record.key) {
                None => {
                    places.insert(record.key.clone(), batch.records.len());
                    batch.records.push(record);
                }
                Some(&place) => {
                    merged = true;
                    contradictions += u64::from(merge(&mut batch.records[place], record));
                }
            }
        }
        told.rows.merged += u64::from(merged);
    }
    if contradictions > 0 {
        batch.notes.push(Code::RowsContradict.note(format!(
            "{contradictions} rows contradict an earlier row of the same key: the last one holds"
        )));
    }
    batch
}

fn fields(push: &Push<'_>, number: u64, cells: &[Value]) -> RowFields {
    let mut row = RowFields { row: number, ..RowFields::default() };
    for (place, value) in push.mapping.places.iter().zip(cells).filter(|(_, value)| !value.is_nothing()) {
        match place {
            Place::Field(index) => row.fields.push((*index, value.clone())),
            Place::Open(name) => row.open.push((name.clone(), value.clone())),
            Place::Clear => {
                let parsed = value.as_text().and_then(|text| Value::parse(text.as_bytes()).ok());
                let names = parsed.as_ref().unwrap_or(value).items();
                row.clear.extend(names.iter().filter_map(Value::as_text).map(str::to_owned));
            }
            Place::Left | Place::Unknown => {}
        }
    }
    row
}

/// Puts a later row's values over the earlier ones; true where they contradict.
fn merge(into: &mut Record, later: Record) -> bool {
    let mut contradicts = false;
    for entry in later.fields {
        into.clear.retain(|name| *name != entry.name);
        match into.fields.iter_mut().find(|known| known.name == entry.name) {
            Some(known) => {
                contradicts |= known.value != entry.value;
                *known = entry;
            }
            None => into.fields.push(entry),
        }
    }
    for name in later.clear {
        into.fields.retain(|entry| entry.name != name);
        if !into.clear.contains(&name) {
            into.clear.push(name);
        }
    }
    into.rows.extend(later.rows);
    contradicts
}

/// Where everything else is removed, a record of which a row was refused must not be written at all.
pub(super) fn whole_only(push: &Push<'_>, batch: &mut Batch) {
    if !push.options.replace {
        return;
    }
    let broken: BTreeSet<String> = batch.faults.iter().filter_map(|fault| fault.key.clone()).collect();
    let mut faults = Vec::new();
    batch.records.retain(|record| {
        let whole = !broken.contains(&record.key);
        if !whole {
            let reason = "another row of the same key was refused, and `--replace` would remove what it says";
            faults.extend(record.rows.iter().map(|&row| Fault::of_row(row, None, Code::Incomplete, reason)));
        }
        whole
    });
    batch.faults.extend(faults);
}

/// How many lose what by a replacing push.
pub(super) fn losses(records: &[Record], stored: &Stored) -> String {
    let mut losers = 0_u64;
    let mut values = 0_u64;
    for record in records {
        let Some(seen) = stored.rows.get(&record.key) else { continue };
        let lost = seen.fields.iter().filter(|(name, _)| record.get(name).is_none()).count() as u64;
        losers += u64::from(lost > 0);
        values += lost;
    }
    format!("`--replace`: {losers} of {} lose {values} values that the input does not name", records.len())
}
