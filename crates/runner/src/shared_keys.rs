//! Unified keys that several streams of one source give: a user's key is made of the source's name and the vendor's id, so
//! two streams with ids of their own kinds may mean two things by one key.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
};

use arrow_array::cast::AsArray;
use userhaul_connector::code::{Code, Note};
use userhaul_record::Table;

use crate::{
    error::StreamError,
    record::StreamRecord,
    source::Source,
    tables::{self, Folders},
};

/// Tells with the later of two streams how many of its keys stand in the table already.
pub(crate) fn tell(
    source: &Source,
    folders: &Folders,
    done: &mut BTreeMap<String, StreamRecord>,
    warn: impl Fn(&str, &Note),
) -> Result<(), StreamError> {
    for table in [Table::Users, Table::Companies] {
        let giving = source.registration.unifies.iter().filter(|(_, tables)| tables.contains(&table));
        let streams: Vec<&str> = giving.map(|(stream, _)| *stream).collect();
        if streams.len() < 2 || !streams.iter().any(|stream| done.contains_key(*stream)) {
            continue;
        }
        for (stream, (first, keys)) in shared(source, folders, table, &streams)? {
            let Some(record) = done.get_mut(stream) else { continue };
            let (keys, come, stand) = match keys {
                1 => ("1 key".to_owned(), "comes", "stands"),
                keys => (format!("{keys} keys"), "come", "stand"),
            };
            let note = Code::UnifiedKeyShared.note(format!(
                "{keys} of `unified/{}` {come} from `{first}` too and {stand} twice: one of the two streams needs a source \
                 of its own",
                table.name()
            ));
            warn(stream, &note);
            record.warnings.push(note);
        }
    }
    Ok(())
}

/// For each stream, the stream that gave some of its keys before, and how many.
fn shared<'a>(
    source: &Source,
    folders: &Folders,
    table: Table,
    streams: &[&'a str],
) -> Result<BTreeMap<&'a str, (&'a str, u64)>, StreamError> {
    let mut owners: HashMap<u64, usize> = HashMap::new();
    let mut shared: BTreeMap<&str, (&str, u64)> = BTreeMap::new();
    let column = table.primary_key();
    for file in tables::files(&folders.unified(table))? {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let of = |stream: &str| name.starts_with(&format!("{}.{stream}.", source.name));
        let Some(stream) = streams.iter().position(|stream| of(stream)) else { continue };
        for batch in userhaul_sink::read(&file, Some(&[column]))? {
            let batch = batch?;
            let Some(keys) = batch.column_by_name(column).and_then(|array| array.as_string_opt::<i32>())
            else {
                continue;
            };
            for key in keys.iter().flatten() {
                let mut hash = DefaultHasher::new();
                key.hash(&mut hash);
                let owner = *owners.entry(hash.finish()).or_insert(stream);
                if owner != stream {
                    shared.entry(streams[stream]).or_insert((streams[owner], 0)).1 += 1;
                }
            }
        }
    }
    Ok(shared)
}
