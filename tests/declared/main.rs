//! Declared connectors: files of facts that are not built in, from the built program against servers of the tests' own.

mod auth;
mod examples;
#[expect(dead_code, reason = "the tests of the command line use all of it")]
#[path = "../cli/folder.rs"]
mod folder;
mod increments;
mod mistakes;
mod paging;
mod sample;
mod server;
mod shared_keys;
mod streams;
mod unified;

use serde_json::{Map, Value};
use userhaul_testkit::table;

use crate::{
    folder::{Folder, Outcome},
    server::Server,
};

/// A declared connector in a folder of its own, and a server for it.
struct Declared {
    folder: Folder,
    server: Server,
}

impl Declared {
    /// `source` are more lines of the source.
    fn new(server: Server, connector: &str, source: &str) -> Self {
        let folder = Folder::with(&config(&server, source));
        folder.write("crm.toml", connector);
        Self { folder, server }
    }

    fn sync(&self) -> Outcome {
        self.run(&["sync", "--json"])
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(self.folder.command(arguments).env("SECRET", SECRET))
    }

    /// The rows of a table.
    fn rows(&self, stream: &str) -> Vec<Map<String, Value>> {
        table::read(&self.folder.path().join("warehouse/it").join(stream)).expect("a table").rows
    }

    fn unified(&self, table: &str) -> Vec<Map<String, Value>> {
        table::read(&self.folder.path().join("warehouse/unified").join(table)).expect("a table").rows
    }

    /// The texts of a column, sorted.
    fn column(&self, stream: &str, column: &str) -> Vec<String> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut texts: Vec<String> = self.rows(stream).iter().map(|row| text(&row[column])).collect();
        texts.sort();
        texts
    }
}

/// The credential of all tests.
const SECRET: &str = "s3cr3t-k3y-0f-the-tests";

fn config(server: &Server, source: &str) -> String {
    format!(
        "[destination]\ntype = \"parquet\"\npath = \"warehouse\"\n\n[sources.it]\nconnector = \"./crm.toml\"\n\
         base_url = \"{}\"\nrate_limit = {{ requests = 1000, per = \"100ms\" }}\n{source}\n",
        server.base_url
    )
}

/// The record of a stream of a run.
fn record(outcome: &Outcome, stream: &str) -> Value {
    let report: Value = serde_json::from_str(&outcome.stdout)
        .unwrap_or_else(|error| panic!("{error}: {} {}", outcome.stdout, outcome.stderr));
    report["sources"]["it"]["streams"][stream].clone()
}

/// The cells of a row without lineage, nulls left out.
fn cells(row: &Map<String, Value>) -> Value {
    let own = |name: &str| !matches!(name, "_run_id" | "_extracted_at" | "_source");
    let cells = row.iter().filter(|(name, value)| own(name) && !value.is_null());
    Value::Object(cells.map(|(name, value)| (name.clone(), value.clone())).collect())
}
