//! The pages that say where each column of the unified tables comes from.

use std::collections::BTreeSet;

use userhaul_connector::{Registration, Words};
use userhaul_record::Table;

use super::{
    Page, code, codes, markdown,
    trace::{Origin, Trial, UNHEARD},
};
use crate::registry::CONNECTORS;

const NOTE: &str = "<!-- Made by the connectors themselves: UPDATE_DOCS=1 cargo test --test docs -->\n";

/// A page a unified table.
pub(super) fn pages() -> Vec<Page> {
    Table::ALL
        .map(|table| Page { path: format!("docs/unified/{}.md", table.name()), text: page(table) })
        .into()
}

fn page(table: Table) -> String {
    let mut text = format!(
        "{NOTE}\n# Where `{}` comes from\n\nOne section a stream. A name in braces is the vendor's column of that name; \
         what is looked up comes from the same source's table of that name; `null` is what the vendor does not tell. Columns of the vendor that are not listed feed \
         nothing here: the vendor's own table has them. What the columns mean stands in [unified.md](../unified.md).\n",
        table.name()
    );
    for registration in CONNECTORS {
        let streams = registration.unifies.iter().filter(|(_, tables)| tables.contains(&table));
        for (stream, _) in streams {
            text.push_str(&section(registration, stream, table));
        }
    }
    text
}

fn section(registration: &Registration, stream: &str, table: Table) -> String {
    let trial = Trial::new(registration, stream);
    let key = trial.key().iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join("/");
    let vendor = registration.name;
    let mut text = format!(
        "\n## {vendor}.{stream}\n\nThe vendor's table: [{stream}](../connectors/{vendor}.md#{stream}).\n\n"
    );
    let mut rows = Vec::new();
    let mut metrics = BTreeSet::new();
    let of_row = match table {
        Table::Users | Table::Companies => None,
        Table::Events | Table::Feedback => Some(""),
        Table::Metrics => Some("/<metric>"),
    };
    rows.extend(
        of_row.map(|end| vec![code(table.primary_key()), code(&format!("<source>:{stream}:{key}{end}"))]),
    );
    let origins = trial.origins(table);
    for field in userhaul_record::schema(table).fields() {
        let found = origins.iter().filter(|((name, _), _)| name == field.name());
        for ((name, metric), origin) in found {
            if metric.is_some() && name != "value" {
                metrics.insert(name.clone());
                if rows.iter().any(|row| row[0] == code(name)) {
                    continue;
                }
            }
            let shown = match metric {
                Some(metric) if name == "value" => format!("{} of {}", code(name), code(metric)),
                _ => code(name),
            };
            match cell(origin, registration.words.iter().find(|words| words.stream == stream)) {
                Some(cell) => rows.push(vec![shown, cell]),
                None => rows.push(vec![shown, "null".to_owned()]),
            }
        }
    }
    if let Some(row) = rows.iter_mut().find(|row| row[0] == "`metric`") {
        let names: BTreeSet<&str> = origins.keys().filter_map(|(_, metric)| metric.as_deref()).collect();
        row[1] = format!("one row each: {}", codes(names));
    }
    text.push_str(&markdown(&["unified column", "comes from"], rows));
    let left_out: Vec<&str> = trial.left_out().collect();
    if !left_out.is_empty() {
        text.push_str(&format!("\nRows that have a {} make no row here.\n", codes(left_out)));
    }
    for words in registration.words.iter().filter(|words| words.stream == stream) {
        text.push_str(&values(&trial, words));
    }
    text
}

/// Where a column comes from; none where it is always null.
fn cell(origin: &Origin, vocabulary: Option<&Words>) -> Option<String> {
    let mut parts: Vec<String> = origin.pattern.iter().map(|pattern| code(pattern)).collect();
    let pattern = origin.pattern.clone().unwrap_or_default();
    for (column, words) in &origin.columns {
        if !pattern.contains(&format!("{{{column}}}")) {
            let all = vocabulary.map_or(0, |words| words.pairs.len() + 1);
            let own = vocabulary.is_some_and(|words| words.column == column);
            let only: Vec<&str> = words.iter().copied().flatten().collect();
            let when = if only.is_empty() || only.len() == all || own {
                String::new()
            } else {
                let named: Vec<String> = only
                    .iter()
                    .map(|word| if *word == UNHEARD { "another word".to_owned() } else { code(word) })
                    .collect();
                format!(" (where `{}` is {})", vocabulary.map_or("", |words| words.column), named.join(", "))
            };
            parts.push(format!("{}{when}", code(column)));
        }
    }
    parts.extend(origin.looked_up.iter().map(|column| format!("{}, looked up", code(column))));
    if parts.is_empty() {
        let values: Vec<&str> = origin.values.iter().map(String::as_str).collect();
        return (!values.is_empty()).then(|| format!("always {}", codes(values)));
    }
    Some(parts.join("; "))
}

/// The vendor's words, one by one.
fn values(trial: &Trial<'_>, words: &Words) -> String {
    let shown = |value: Option<String>| match value {
        Some(value) if value == UNHEARD => "that word".to_owned(),
        value => value.map_or("null".to_owned(), |value| code(&value)),
    };
    let mut rows: Vec<Vec<String>> =
        words.pairs.iter().map(|(word, _)| vec![code(word), shown(trial.ours(words, Some(word)))]).collect();
    rows.push(vec!["any other word".to_owned(), shown(trial.ours(words, Some(UNHEARD)))]);
    rows.push(vec!["null".to_owned(), shown(trial.ours(words, None))]);
    let header = [format!("{} of the vendor", code(words.column)), code(words.into)];
    format!("\n{}", markdown(&[&header[0], &header[1]], rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_what_they_are_said_to_become() {
        for registration in CONNECTORS {
            for words in registration.words {
                let trial = Trial::new(registration, words.stream);
                for (word, ours) in words.pairs {
                    let made = trial.ours(words, Some(word));
                    assert_eq!(made.as_deref(), Some(*ours), "{} {} {word}", registration.name, words.stream);
                }
            }
        }
    }

    #[test]
    fn columns_are_traced_to_the_vendors_columns() {
        let registration = CONNECTORS.iter().find(|known| known.name == "thrive").expect("a connector");
        let origins = Trial::new(registration, "users").origins(Table::Users);
        let sources = |column: &str| {
            let origin = &origins[&(column.to_owned(), None)];
            origin.columns.keys().map(String::as_str).collect::<Vec<_>>()
        };
        assert_eq!(sources("email"), ["email"]);
        assert_eq!(sources("status"), ["deleted", "status"]);
        assert_eq!(sources("job_title"), ["positions.is_active", "positions.title"]);
        assert!(sources("full_name").is_empty());
    }
}
