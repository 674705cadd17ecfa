//! What becomes visible, and when.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::fs;
use std::path::Path;

use arrow_array::RecordBatch;
use support::{keyed, part, rows};
use tempfile::tempdir;
use userhaul_sink::{
    Committed, ErrorKind, Part, PartWriter, SinkError, TableSpec, commit, read, stats, sweep,
};

fn content(path: &Path) -> RecordBatch {
    let batches: Vec<_> = read(path, None).unwrap().map(Result::unwrap).collect();
    let batch = arrow_select::concat::concat_batches(&keyed().schema, &batches).unwrap();
    RecordBatch::try_new(keyed().schema, batch.columns().to_vec()).unwrap()
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("it can be listed").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn untouched(_: &RecordBatch) -> Result<(), SinkError> {
    panic!("nothing is to be rewritten")
}

#[test]
fn a_part_without_duplicates_is_renamed() {
    let folder = tempdir().unwrap();
    let target = folder.path().join("users/all.parquet");
    let batch = rows(&[(Some("a"), 1), (Some("b"), 2)]);
    let part = part(&folder.path().join("1.part"), &keyed(), std::slice::from_ref(&batch)).unwrap();
    let bytes = part.bytes;
    let committed = commit(&keyed(), vec![part], &target, &mut untouched).unwrap();
    assert_eq!(committed, Committed { rows: 2, bytes, ..Committed::default() });
    assert_eq!(content(&target), batch);
    assert_eq!(names(folder.path()), ["users"]);
}

#[test]
fn a_part_is_invisible_until_it_is_finished_and_gone_when_dropped() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("1.part");
    let mut writer = PartWriter::create(path, &keyed()).unwrap();
    // Enough rows that they are not only gathered.
    let many: Vec<_> = (0..1 << 13).map(|number| (Some("a"), number)).collect();
    writer.write(&rows(&many)).unwrap();
    assert_eq!(names(folder.path()), ["1.part.making"]);
    drop(writer);
    assert!(names(folder.path()).is_empty());
}

#[test]
fn no_parts_make_an_empty_file_with_the_schema() {
    let folder = tempdir().unwrap();
    let target = folder.path().join("all.parquet");
    let committed = commit(&keyed(), Vec::new(), &target, &mut untouched).unwrap();
    assert_eq!((committed.rows, stats(&target).unwrap().rows), (0, 0));
    assert_eq!(stats(&target).unwrap().schema.fields(), keyed().schema.fields());
    assert_eq!(names(folder.path()), ["all.parquet"]);
}

#[test]
fn a_null_in_the_key_names_column_and_row() {
    let folder = tempdir().unwrap();
    let mut writer = PartWriter::create(folder.path().join("1.part"), &keyed()).unwrap();
    writer.write(&rows(&[(Some("a"), 1)])).unwrap();
    let error = writer.write(&rows(&[(Some("b"), 1), (None, 2)])).unwrap_err();
    assert_eq!(error.to_string(), "row 2 has no value in key column `id`");
    assert_eq!(error.kind(), ErrorKind::Vendor);
}

#[test]
fn new_rows_supersede_those_of_the_committed_file() {
    let folder = tempdir().unwrap();
    let target = folder.path().join("data/all.parquet");
    let first = part(&folder.path().join("1.part"), &keyed(), &[rows(&[(Some("a"), 1), (Some("b"), 2)])]);
    commit(&keyed(), vec![first.unwrap()], &target, &mut untouched).unwrap();

    let old = Part::open(target.clone(), &keyed(), folder.path()).unwrap();
    let new = part(&folder.path().join("2.part"), &keyed(), &[rows(&[(Some("c"), 3), (Some("a"), 4)])]);
    let mut kept = 0;
    let mut count = |batch: &RecordBatch| {
        kept += batch.num_rows();
        Ok(())
    };
    let committed = commit(&keyed(), vec![old, new.unwrap()], &target, &mut count).unwrap();
    let expected = Committed { rows: 3, duplicates: 1, conflicts: 1, rewritten: true, ..committed };
    assert_eq!((committed, kept), (expected, 3));
    assert_eq!(content(&target), rows(&[(Some("b"), 2), (Some("c"), 3), (Some("a"), 4)]));
    assert_eq!(
        (names(folder.path()), names(&folder.path().join("data"))),
        (vec!["data".into()], vec!["all.parquet".into()])
    );
}

#[test]
fn a_restarted_run_takes_up_its_parts() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("1.part");
    drop(part(&path, &keyed(), &[rows(&[(Some("a"), 1), (Some("a"), 1)])]).unwrap());
    let again = Part::open(path, &keyed(), folder.path()).unwrap();
    let target = folder.path().join("all.parquet");
    let committed = commit(&keyed(), vec![again], &target, &mut |_| Ok(())).unwrap();
    assert_eq!((committed.rows, committed.duplicates, committed.conflicts), (1, 1, 0));
}

#[test]
fn large_parts_without_duplicates_are_copied() {
    let folder = tempdir().unwrap();
    let spec = TableSpec { row_group_bytes: 1000, ..keyed() };
    let ids: Vec<String> = (0..4000).map(|index| format!("id {index}")).collect();
    let numbered: Vec<_> = ids.iter().zip(0..).map(|(id, number)| (Some(id.as_str()), number)).collect();
    let parts = numbered.chunks(2000).enumerate().map(|(index, chunk)| {
        let path = folder.path().join(format!("{index}.part"));
        part(&path, &spec, &[rows(chunk)]).unwrap()
    });
    let target = folder.path().join("all.parquet");
    let committed = commit(&spec, parts.collect(), &target, &mut untouched).unwrap();
    assert_eq!((committed.rows, committed.rewritten), (4000, false));
    assert_eq!(content(&target), rows(&numbered));
    assert_eq!(names(folder.path()), ["all.parquet"]);
}

#[test]
fn a_failed_commit_leaves_the_old_file_and_no_temporary_one() {
    let folder = tempdir().unwrap();
    let target = folder.path().join("all.parquet");
    fs::write(&target, "old").unwrap();
    let paths = ["1.part", "2.part"].map(|name| folder.path().join(name));
    let parts = paths.map(|path| part(&path, &keyed(), &[rows(&[(Some("a"), 1)])]).unwrap());
    let fail = || SinkError::Rewrite { source: "no".into() };
    commit(&keyed(), parts.into(), &target, &mut |_| Err(fail())).unwrap_err();
    assert_eq!(fs::read_to_string(&target).unwrap(), "old");
    assert_eq!(names(folder.path()), ["1.part", "2.part", "all.parquet"]);
}

#[test]
fn a_refusal_of_the_file_system_names_the_path() {
    let folder = tempdir().unwrap();
    let target = folder.path().join("taken");
    fs::create_dir_all(target.join("inside")).unwrap();
    let part = part(&folder.path().join("1.part"), &keyed(), &[rows(&[(Some("a"), 1)])]).unwrap();
    let error = commit(&keyed(), vec![part], &target, &mut untouched).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot rename a finished file to `{}`", target.display()));
    assert_eq!(error.kind(), ErrorKind::Output);

    fs::write(folder.path().join("file"), "").unwrap();
    let below = folder.path().join("file/1.part");
    let refused = PartWriter::create(below, &keyed()).and_then(PartWriter::finish);
    assert!(matches!(refused, Err(SinkError::Io { .. })));
}

#[test]
fn sweeping_removes_what_is_unfinished_only() {
    let folder = tempdir().unwrap();
    for name in ["1.part", "2.part.making", "1.part.keys", "3.part.merged.making"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    assert_eq!(sweep(folder.path()).unwrap(), 3);
    assert_eq!(names(folder.path()), ["1.part"]);
    assert_eq!(sweep(&folder.path().join("missing")).unwrap(), 0);
}

#[test]
fn a_batch_of_other_columns_is_refused() {
    let folder = tempdir().unwrap();
    let mut writer = PartWriter::create(folder.path().join("1.part"), &keyed()).unwrap();
    let other = rows(&[(Some("a"), 1)]).project(&[1, 0]).unwrap();
    assert_eq!(writer.write(&other).unwrap_err().kind(), ErrorKind::Bug);
    let missing = TableSpec { primary_key: vec!["nobody".into()], ..keyed() };
    let error = PartWriter::create(folder.path().join("2.part"), &missing).unwrap_err();
    assert_eq!(error.to_string(), "the schema has no column `nobody`");
}
