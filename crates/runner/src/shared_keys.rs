//! Unified keys that several rows of one source have: what is told of them, and the streams that share some.
//!
//! A user's key is made of the source's name and the vendor's id, so two streams with ids of their own kinds may mean two
//! things by one key. One row stands all the same: a key is a key.

use std::collections::BTreeMap;

use userhaul_connector::code::{Code, Note};
use userhaul_record::Table;

use crate::{
    error::StreamError,
    grain, inputs,
    record::StreamRecord,
    stream::SourceRun,
    writer::{Claims, TableWriter, Written, settle},
};

/// What is told of rows of one stream that another one of it stands for.
pub(crate) fn within(lost: u64) -> Note {
    let (rows, share) = match lost {
        1 => ("1 unified row".to_owned(), "shares its key with a row of another content and is left out"),
        rows => {
            (format!("{rows} unified rows"), "share their keys with rows of another content and are left out")
        }
    };
    Code::UnifiedKeyRepeats.note(format!(
        "{rows} {share}: several ids lead to one account, the columns that make the key are not unique, or a `/` in one of \
         several makes two keys one"
    ))
}

/// Leaves one row a key in the tables that several streams fill, and tells with each stream what it has lost to others.
pub(crate) fn settle_across(
    run: &SourceRun<'_>,
    done: &mut BTreeMap<String, StreamRecord>,
) -> Result<(), StreamError> {
    for table in [Table::Users, Table::Companies] {
        let filling = run.source.registration.unifies.iter().filter(|(_, tables)| tables.contains(&table));
        let filling: Vec<&str> = filling.map(|(stream, _)| *stream).collect();
        // What rows of another run looked up may not be there now: they stay as they were made.
        let remade = |stream: &str| {
            run.source.selected.contains(stream)
                && done.get(stream).is_some_and(|record| record.error.is_none())
        };
        if filling.len() < 2 || !filling.iter().any(|stream| remade(stream)) {
            continue;
        }
        let mut writers = Vec::new();
        for name in &filling {
            let Some(stream) = run.source.connector.spec().stream(name) else { continue };
            let found = grain::found_before(run, stream)?;
            let stream = found.as_ref().unwrap_or(stream);
            let lookups = if remade(name) { inputs::lookups(run, stream)? } else { Default::default() };
            let writer = TableWriter::new(&inputs::surroundings(run), stream, true, lookups)?;
            writers.push((writer, remade(name)));
        }
        let mut claims = Vec::new();
        for (writer, remade) in &mut writers {
            let files = writer.claims_files(table, *remade)?;
            claims.push(Claims { writer, files });
        }
        let mut written = Written::default();
        let lost = settle(table, &mut claims, &mut written)?;
        let mut lost: Vec<((usize, usize), u64)> = lost.into_iter().collect();
        lost.sort_unstable();
        let names: Vec<String> = writers.iter().map(|(writer, _)| writer.name().to_owned()).collect();
        for ((stream, to), keys) in lost.into_iter().filter(|((stream, to), _)| stream != to) {
            let Some(record) = done.get_mut(&names[stream]) else { continue };
            let note = across(table, keys, &names[to]);
            run.progress.warning(&run.source.name, &names[stream], &note);
            record.warnings.push(note);
        }
    }
    Ok(())
}

fn across(table: Table, keys: u64, first: &str) -> Note {
    let (keys, come, rows) = match keys {
        1 => ("1 key".to_owned(), "comes", "the row of this one is"),
        keys => (format!("{keys} keys"), "come", "the rows of this one are"),
    };
    Code::UnifiedKeyShared.note(format!(
        "{keys} of `unified/{}` {come} from `{first}` too, and {rows} left out: one of the two streams needs a source of its own",
        table.name()
    ))
}
