//! Each fault does what its name says.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{fs, io::Write, path::Path};

use userhaul_storage::{
    append, create, create_folder,
    fault::{Fault, Lost, arm},
    remove_file, remove_folder, rename, sync_folder, write_whole,
};

/// What stands below a folder, as names and texts.
fn standing(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(standing(&path).into_iter().map(|(below, text)| (format!("{name}/{below}"), text)));
        } else {
            found.push((name, fs::read_to_string(path).unwrap()));
        }
    }
    found.sort();
    found
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn whatever_happens_a_file_that_is_written_whole_is_the_old_one_or_the_new_one() {
    let losses = [Lost::Content, Lost::HalfOfContent, Lost::Names, Lost::Everything];
    let faults = [Fault::Broken, Fault::Full, Fault::Denied, Fault::Killed];
    let faults = faults.into_iter().chain(losses.map(Fault::PowerLost));
    for fault in faults {
        let mut outcomes = Vec::new();
        for at in 1.. {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a/b");
            write_whole(&path, b"old one").unwrap();
            let armed = arm(folder.path(), at, fault);
            let written = write_whole(&path, b"the new one");
            let struck = armed.struck();
            drop(armed);
            let text = fs::read_to_string(&path).unwrap();
            let place = format!("{fault:?} at {at}: {written:?}, {text}");
            assert!(["old one", "the new one"].contains(&text.as_str()), "{place}");
            assert!(written.is_err() || text == "the new one", "{place}");
            if !matches!(fault, Fault::Denied | Fault::Killed | Fault::PowerLost(_)) {
                assert_eq!(standing(folder.path()).len(), 1, "{place}");
            }
            write_whole(&path, b"the next one").unwrap();
            assert_eq!(standing(folder.path()), pairs(&[("a/b", "the next one")]), "{place}");
            outcomes.push(text);
            if !struck {
                break;
            }
        }
        assert_eq!(outcomes.last().unwrap(), "the new one", "{fault:?}");
        assert!(outcomes.len() == 6, "{fault:?}: {outcomes:?}");
    }
}

#[test]
fn what_was_not_synced_is_lost_and_what_was_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write_whole(&root.join("kept"), b"kept").unwrap();
    write_whole(&root.join("there"), b"there").unwrap();
    write_whole(&root.join("old/one"), b"one").unwrap();
    let armed = arm(root, 100, Fault::PowerLost(Lost::Everything));
    append(&root.join("kept")).unwrap().write_all(b", and more").unwrap();
    remove_file(&root.join("there")).unwrap();
    remove_folder(&root.join("old")).unwrap();
    create(&root.join("new")).unwrap().write_all(b"new").unwrap();
    rename(&root.join("new"), &root.join("there")).unwrap();
    create_folder(&root.join("safe")).unwrap();
    create(&root.join("safe/named")).unwrap().write_all(b"not synced").unwrap();
    sync_folder(&root.join("safe")).unwrap();
    // The folder `safe` has synced the root.
    remove_file(&root.join("there")).unwrap();
    while !armed.struck() {
        let _ = sync_folder(&root.join("safe"));
    }
    drop(armed);
    assert_eq!(standing(root), pairs(&[("kept", "kept"), ("safe/named", ""), ("there", "")]));
}

#[test]
fn faults_of_two_folders_do_not_meet() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = arm(one.path(), 1, Fault::Full);
    let second = arm(two.path(), 1, Fault::None);
    assert!(create(&one.path().join("a")).is_err());
    assert!(create(&two.path().join("a")).is_ok());
    assert_eq!((first.calls(), second.calls()), (1, 1));
    drop(first);
    assert!(create(&one.path().join("a")).is_ok());
}
