//! The generated parts of the documentation are what the program says of itself.
//!
//! `UPDATE_DOCS=1 cargo test --test docs` rewrites them.

use std::{fs, path::Path, process::Command};

use userhaul_cli::docs::{self, Block};
use userhaul_connector::{code::ENTRIES, spec::ConnectorSpec};

#[test]
fn generated_documentation_is_current() {
    let mut stale = Vec::new();
    for page in docs::pages().expect("the facts parse") {
        compare(&page.path, &page.text, &mut stale);
    }
    let blocks = docs::blocks().expect("the facts parse");
    let mut paths: Vec<&str> = blocks.iter().map(|block| block.path).collect();
    paths.sort_unstable();
    paths.dedup();
    for path in paths {
        let own: Vec<Block> = blocks.iter().filter(|block| block.path == path).cloned().collect();
        let page = fs::read_to_string(root().join(path)).expect("the page is there");
        let (filled, homeless) = docs::filled(&page, &own);
        assert!(
            homeless.is_empty(),
            "{path} has no place for {homeless:?}: `<!-- generated: NAME -->`, `<!-- end -->`"
        );
        compare(path, &filled, &mut stale);
    }
    assert!(stale.is_empty(), "`UPDATE_DOCS=1 cargo test --test docs` rewrites {stale:?}");
}

#[test]
fn every_code_is_told_somewhere() {
    let mut files = Vec::new();
    for folder in ["crates", "connectors"] {
        sources_below(&root().join(folder), &mut files);
    }
    let told: String = files
        .iter()
        .filter(|path| !path.ends_with("code/all.rs"))
        .map(|path| fs::read_to_string(path).expect("a source"))
        .collect();
    let names = |name: &str| {
        let written = format!("Code::{name}");
        told.split(&written)
            .skip(1)
            .any(|rest| !rest.starts_with(|letter: char| letter.is_ascii_alphanumeric()))
    };
    let never: Vec<&str> =
        ENTRIES.iter().filter(|entry| !names(&format!("{:?}", entry.code))).map(|entry| entry.word).collect();
    assert!(never.is_empty(), "nothing tells {never:?}");
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut broken = Vec::new();
    let mut pages = vec![root().join("README.md")];
    markdown_below(&root().join("docs"), &mut pages);
    for page in &pages {
        let text = fs::read_to_string(page).expect("the page is there");
        let folder = page.parent().expect("a page is in a folder");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") && !folder.join(target).exists() {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_facts_of_the_walk_through_parse() {
    let page = fs::read_to_string(root().join("docs/adding-a-connector.md")).expect("the page is there");
    let spec = ConnectorSpec::parse(code(&page, "toml", 0), None).expect("the facts parse");
    assert_eq!(spec.streams.keys().collect::<Vec<_>>(), ["people"]);
}

#[test]
fn every_example_of_declared_connectors_is_toml_and_every_whole_one_parses() {
    let page = fs::read_to_string(root().join("docs/declared-connectors.md")).expect("the page is there");
    for block in page.split("\n```toml\n").skip(1) {
        let text = block.split("\n```").next().expect("the block's text");
        let parsed = text.parse::<toml::Table>();
        assert!(parsed.is_ok(), "{text}: {parsed:?}");
    }
    for entry in fs::read_dir(root().join("docs/examples")).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("an example");
        let spec =
            ConnectorSpec::parse(&text, None).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(path.file_stem().and_then(|stem| stem.to_str()), Some(spec.name.as_str()));
    }
}

#[test]
fn built_in_connectors_state_where_their_facts_are_from() {
    for name in ["sprig", "thrive", "userlane", "userlot"] {
        let path = root().join("connectors").join(name).join("connector.toml");
        let facts = fs::read_to_string(path).expect("the facts are there");
        let spec = ConnectorSpec::parse(&facts, None).expect("the facts parse");
        assert!(!spec.docs.is_empty() && !spec.about.is_empty() && !spec.quota_docs.is_empty(), "{name}");
        for stream in spec.streams.values() {
            assert!(!stream.docs.is_empty() && !stream.about.is_empty(), "{name}.{}", stream.name);
        }
    }
}

#[test]
fn the_examples_of_the_configuration_are_accepted() {
    let page = fs::read_to_string(root().join("docs/configuration.md")).expect("the page is there");
    // The second example is a part of a source of the first.
    let text = format!("{}\n{}", code(&page, "toml", 0), code(&page, "toml", 1));
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("example.toml");
    fs::write(&file, text).expect("the file can be written");
    let output = Command::new(env!("CARGO_BIN_EXE_userhaul"))
        .args(["plan", "-c"])
        .arg(&file)
        .envs(
            ["SPRIG_API_KEY", "THRIVE_API_KEY", "PEPPER", "USERLANE_TOKEN", "USERLOT_API_KEY"]
                .map(|name| (name, "x")),
        )
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The code blocks of a language on a page, by number.
fn code<'a>(page: &'a str, language: &str, number: usize) -> &'a str {
    let block = page.split(&format!("\n```{language}\n")).nth(number + 1).expect("a block of code");
    block.split("\n```").next().expect("the block's text")
}

/// The files of programs, without their tests.
fn sources_below(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        let is_test = path.file_stem().is_some_and(|name| name == "tests");
        if path.is_dir() && !is_test {
            sources_below(&path, files);
        } else if !is_test && path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn markdown_below(folder: &Path, pages: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            markdown_below(&path, pages);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn compare(path: &str, text: &str, stale: &mut Vec<String>) {
    let file = root().join(path);
    if fs::read_to_string(&file).ok().as_deref() == Some(text) {
        return;
    }
    #[expect(clippy::disallowed_methods, reason = "whoever runs the test asks for the update so")]
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    if update {
        fs::create_dir_all(file.parent().expect("a page is in a folder")).expect("the folder can be made");
        fs::write(&file, text).expect("the page can be written");
    } else {
        stale.push(path.to_owned());
    }
}
