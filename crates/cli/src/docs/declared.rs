//! The reference of declared connectors: keys, types, unified columns, and a whole example.

use userhaul_connector::spec::{ConnectorSpec, key_groups};
use userhaul_record::Table;

use super::{code, markdown};

/// The example that the page shows as a whole.
const EXAMPLE: &str = include_str!("../../../../docs/examples/zendesk.toml");

/// All blocks of the page.
pub(super) fn all() -> Vec<(String, String)> {
    let mut blocks = vec![
        ("example".to_owned(), format!("```toml\n{EXAMPLE}```\n")),
        ("column types".to_owned(), types()),
        ("unified columns".to_owned(), unified()),
    ];
    for group in key_groups().filter(|group| !group.keys.is_empty()) {
        let rows = group.keys.iter().map(|key| {
            vec![
                code(key.name),
                key.kind.to_owned(),
                key.default.to_owned(),
                code(key.example),
                key.meaning.to_owned(),
            ]
        });
        let text = markdown(&["key", "type", "default", "example", "meaning"], rows);
        blocks.push((format!("keys of {}", group.name), text));
    }
    blocks
}

fn types() -> String {
    let rows = ConnectorSpec::column_types().map(|(word, holds)| vec![code(word), holds.to_owned()]);
    markdown(&["type", "what it holds"], rows)
}

fn unified() -> String {
    let mut text = String::new();
    for table in Table::ALL {
        let rows = ConnectorSpec::unified_columns(table).into_iter();
        let rows = rows.map(|(column, fits)| vec![code(&column), fits.to_owned()]);
        text.push_str(&format!(
            "**{}**\n\n{}\n",
            table.name(),
            markdown(&["column", "types that fit"], rows)
        ));
    }
    text.trim_end().to_owned() + "\n"
}
