//! `docs/faults.md` is the table of the testkit, and each test that it names is there.
//!
//! `UPDATE_DOCS=1 cargo test --test faults` rewrites it.

use std::{collections::BTreeMap, fs, path::Path};

use userhaul_testkit::matrix;

#[test]
fn the_page_of_faults_is_current_and_names_tests_that_exist() {
    let mut tests = BTreeMap::new();
    for folder in ["crates", "connectors", "tests"] {
        collect(&root().join(folder), &mut tests);
    }
    let page = matrix::page(|name| tests.get(name).cloned());
    let page = page.unwrap_or_else(|missing| panic!("no such test or fault: {missing:?}"));
    let file = root().join("docs/faults.md");
    #[expect(clippy::disallowed_methods, reason = "whoever runs the test asks for the update so")]
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, &page).expect("the page can be written");
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(written == page, "`UPDATE_DOCS=1 cargo test --test faults` rewrites docs/faults.md");
}

/// The test functions below a folder, each with its file.
fn collect(folder: &Path, tests: &mut BTreeMap<String, String>) {
    let mut entries: Vec<_> =
        fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, tests);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source file");
            let file = path.strip_prefix(root()).expect("below").display().to_string();
            for name in names(&text) {
                tests.entry(name.to_owned()).or_insert_with(|| file.clone());
            }
        }
    }
}

/// What follows `#[test]` and its kin: the next function.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let mut marked = false;
    text.lines().map(str::trim).filter_map(move |line| {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            marked = true;
            return None;
        }
        let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?;
        std::mem::take(&mut marked).then(|| function.split('(').next())?
    })
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
