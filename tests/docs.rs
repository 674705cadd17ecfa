//! The generated parts of the documentation are what the program says of itself.
//!
//! `UPDATE_DOCS=1 cargo test --test docs` rewrites them.

use std::{fs, path::Path};

use userhaul_cli::docs::{self, Block};

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
