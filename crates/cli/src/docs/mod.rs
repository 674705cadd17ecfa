//! The parts of the documentation that are made from the program itself: from the connectors' facts, the keys of the
//! configuration, the command line and the unified tables. A test compares them with the files in the repository.

mod codes;
mod commands;
mod connectors;
mod declared;
mod keys;
mod mapping;
mod tables;
mod targets;
mod trace;

use userhaul_connector::spec::{ConnectorSpec, SpecError};

use crate::registry::CONNECTORS;

/// A page that is made as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Where it is, from the root of the repository.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// A part of a page that is written by hand: what stands between `<!-- generated: NAME -->` and `<!-- end -->`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The page, from the root of the repository.
    pub path: &'static str,
    /// Its name on that page.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// All pages of connectors, their index, and where the columns of the unified tables come from.
///
/// # Errors
/// When a connector's facts cannot be read.
pub fn pages() -> Result<Vec<Page>, SpecError> {
    let specs = specs()?;
    let mut pages =
        vec![Page { path: "docs/connectors/index.md".to_owned(), text: connectors::index(&specs) }];
    for (registration, spec) in CONNECTORS.iter().zip(&specs) {
        pages.push(Page {
            path: format!("docs/connectors/{}.md", spec.name),
            text: connectors::page(registration, spec),
        });
    }
    pages.push(Page { path: "docs/codes.md".to_owned(), text: codes::page() });
    pages.extend(mapping::pages());
    Ok(pages)
}

/// All blocks.
///
/// # Errors
/// When a connector's facts cannot be read.
pub fn blocks() -> Result<Vec<Block>, SpecError> {
    let specs = specs()?;
    let mut blocks = vec![
        Block {
            path: "README.md",
            name: "connectors".to_owned(),
            text: connectors::table(&specs, "docs/connectors/"),
        },
        Block {
            path: "docs/configuration.md",
            name: "keys of every source".to_owned(),
            text: keys::common(),
        },
        Block { path: "docs/configuration.md", name: "keys of a push".to_owned(), text: keys::push() },
        Block { path: "docs/push.md", name: "targets".to_owned(), text: targets::table() },
    ];
    for registration in CONNECTORS {
        blocks.push(Block {
            path: "docs/configuration.md",
            name: format!("keys of {}", registration.name),
            text: keys::of(registration.settings),
        });
    }
    for (name, text) in commands::all() {
        blocks.push(Block { path: "docs/commands.md", name, text });
    }
    for (name, text) in declared::all() {
        blocks.push(Block { path: "docs/declared-connectors.md", name, text });
    }
    for (name, text) in tables::all() {
        blocks.push(Block { path: "docs/unified.md", name, text });
    }
    Ok(blocks)
}

/// A page with its blocks put in, and the names of the blocks that it has no place for.
pub fn filled(page: &str, blocks: &[Block]) -> (String, Vec<String>) {
    let mut text = page.to_owned();
    let mut homeless = Vec::new();
    for block in blocks {
        let start = format!("<!-- generated: {} -->\n", block.name);
        let place = text.split_once(&start).and_then(|(before, rest)| {
            let (_, after) = rest.split_once("<!-- end -->")?;
            Some(format!("{before}{start}\n{}\n<!-- end -->{after}", block.text))
        });
        match place {
            Some(filled) => text = filled,
            None => homeless.push(block.name.clone()),
        }
    }
    (text, homeless)
}

fn specs() -> Result<Vec<ConnectorSpec>, SpecError> {
    CONNECTORS.iter().map(|registration| ConnectorSpec::parse(registration.facts, None)).collect()
}

/// A table of Markdown, with a line break at its end.
fn markdown(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut text = format!("| {} |\n|{}\n", header.join(" | "), "---|".repeat(header.len()));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    text
}

/// A text as code; nothing for nothing.
fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}

/// Several texts as code.
fn codes<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().map(code).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_takes_the_place_of_what_was_there() {
        let block = |name: &str| Block { path: "x.md", name: name.to_owned(), text: "new\n".to_owned() };
        let page = "a\n<!-- generated: one -->\nold\n<!-- end -->\nb\n";
        let (text, homeless) = filled(page, &[block("one"), block("two")]);
        assert_eq!(text, "a\n<!-- generated: one -->\n\nnew\n\n<!-- end -->\nb\n");
        assert_eq!(homeless, ["two"]);
        assert_eq!(filled(&text, &[block("one")]).0, text);
    }

    #[test]
    fn every_connector_has_a_page_of_all_its_columns() {
        let pages = pages().expect("the facts parse");
        for spec in specs().expect("the facts parse") {
            let page = pages.iter().find(|page| page.path == format!("docs/connectors/{}.md", spec.name));
            let page = page.expect("a page");
            for stream in spec.streams.values() {
                assert!(page.text.contains(&format!("\n### {}\n", stream.name)), "{}", stream.name);
                for column in stream.columns() {
                    assert!(page.text.contains(&format!("| `{}` |", column.name)), "{}", column.name);
                }
            }
        }
    }
}
