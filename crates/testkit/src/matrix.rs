//! The page of faults: each fault that is known, what is promised, and the test that proves it, or why there is none.

mod process;
mod reading;
mod storage;

use std::fmt::Write as _;

use crate::fault::FAULTS;

/// One row of the page.
#[derive(Debug)]
pub struct Row {
    /// What goes wrong.
    pub fault: &'static str,
    /// What is promised then.
    pub promise: &'static str,
    /// What shows it.
    pub proof: Proof,
}

/// What shows that a promise is kept.
#[derive(Debug)]
pub enum Proof {
    /// Faults of [`FAULTS`], by name: played over every connector.
    Played(&'static [&'static str]),
    /// Test functions, by name.
    Tests(&'static [&'static str]),
    /// Nothing: there is no such thing here, because …
    NotApplicable(&'static str),
    /// Nothing yet, because …
    Later(&'static str),
}

/// The rows, by the heading below which they stand.
pub const MATRIX: &[(&str, &[Row])] = &[
    ("Network", reading::NETWORK),
    ("HTTP status and content", reading::HTTP),
    ("Data", reading::DATA),
    ("Process", process::ROWS),
    ("Storage", storage::ROWS),
];

const HEAD: &str = "# Faults\n\nWhat can go wrong, what userhaul promises then, and the test that shows it. The page is made from a table in \
`crates/testkit/src/matrix`; a test compares the two, and looks whether each test named here exists.\n\nA test \
`conformance: NAME` plays the fault over every connector of the registry and over a reference \
connector, at the first, the second and the last request that it concerns, once and (where that is another promise) for ever. \
What is promised depends on the fault alone, never on the connector. For each check of the suite there is a connector that \
is broken on purpose and fails it, and only it.\n\nSome tests take as long as they are told to. \
`USERHAUL_KILLS=500 cargo test --test kill` kills the program 500 times over all vendors instead of five. The fuzzer (`fuzz/`, a \
package of its own) takes the same functions as the test `every_file_of_the_corpus_and_its_changes_are_taken_without_a_panic`: \
`cargo +nightly fuzz run page`, and likewise `retry_after`, `link`, `state`, `config` and `name`; what it finds belongs into \
`fuzz/corpus/`. How calls that change files are made to fail is `crates/storage/src/fault.rs`.\n";

/// The page; `file` gives the source file of a test by its name.
///
/// # Errors
/// With the names of tests and faults that do not exist.
pub fn page(file: impl Fn(&str) -> Option<String>) -> Result<String, Vec<String>> {
    let mut page = HEAD.to_owned();
    let mut missing = Vec::new();
    for (heading, rows) in MATRIX {
        let _ = write!(page, "\n## {heading}\n\n| fault | promise | test | result |\n|---|---|---|---|\n");
        for row in *rows {
            let (test, result) = match &row.proof {
                Proof::NotApplicable(why) => ("none".to_owned(), format!("n/a: {why}")),
                Proof::Later(why) => ("none".to_owned(), format!("later: {why}")),
                Proof::Played(names) => (played(names, &mut missing), "held".to_owned()),
                Proof::Tests(names) => (tests(names, &file, &mut missing), "held".to_owned()),
            };
            let _ = writeln!(page, "| {} | {} | {test} | {result} |", row.fault, row.promise);
        }
    }
    if missing.is_empty() { Ok(page) } else { Err(missing) }
}

fn played(names: &[&str], missing: &mut Vec<String>) -> String {
    let mut checks: Vec<&str> = Vec::new();
    for name in names {
        match FAULTS.iter().find(|fault| fault.name == *name) {
            Some(fault) if !checks.contains(&fault.check) => checks.push(fault.check),
            Some(_) => {}
            None => missing.push((*name).to_owned()),
        }
    }
    format!("conformance: `{}` ({})", checks.join("`, `"), names.join("; "))
}

fn tests(names: &[&str], file: impl Fn(&str) -> Option<String>, missing: &mut Vec<String>) -> String {
    let named = names.iter().map(|name| {
        let found = file(name);
        if found.is_none() {
            missing.push((*name).to_owned());
        }
        format!("`{name}` in `{}`", found.unwrap_or_default())
    });
    named.collect::<Vec<_>>().join(", ")
}
