//! `streams --wire`: the facts in force, where they come from, and what a wrong correction is told.

use std::path::Path;

use userhaul_connector::spec::ConnectorSpec;
use userhaul_simulator::Vendor;

use crate::run::{self, Outcome};

fn facts(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Sprig => include_str!("../../connectors/sprig/connector.toml"),
        Vendor::Thrive => include_str!("../../connectors/thrive/connector.toml"),
        Vendor::Userlane => include_str!("../../connectors/userlane/connector.toml"),
        Vendor::Userlot => include_str!("../../connectors/userlot/connector.toml"),
    }
}

#[tokio::test]
async fn the_whole_output_fed_back_changes_nothing() {
    for vendor in Vendor::ALL {
        let folder = tempfile::tempdir().expect("a folder");
        let printed = run::program(folder.path(), &["streams", "--wire", vendor.name()]).await;
        assert_eq!((printed.code, printed.stderr.as_str()), (0, ""), "{}", vendor.name());
        let corrections: toml::Table = toml::from_str(&printed.stdout).expect("TOML");
        let plain = ConnectorSpec::parse(facts(vendor), None).expect("facts");
        let fed = ConnectorSpec::parse(facts(vendor), Some(&corrections)).expect("corrected facts");
        assert_eq!(format!("{fed:?}"), format!("{plain:?}"), "{}", vendor.name());
        // And through the program, with every line its own origin.
        std::fs::write(folder.path().join("wire.toml"), &printed.stdout).expect("a file");
        let config = run::config(
            vendor,
            "http://127.0.0.1:9",
            &format!("{}wire = \"wire.toml\"\n", run::settings(vendor)),
        );
        std::fs::write(folder.path().join("userhaul.toml"), config).expect("a file");
        let again = run::program(folder.path(), &["streams", "--wire", "it"]).await;
        assert_eq!(again.code, 0, "{}", again.stderr);
        let facts = |text: &str| -> Vec<String> {
            let lines =
                text.lines().map(|line| line.rsplit_once("  # ").map_or(line, |(fact, _)| fact).to_owned());
            lines.filter(|line| !line.starts_with("base_url")).collect()
        };
        assert_eq!(facts(&again.stdout), facts(&printed.stdout), "{}", vendor.name());
        let wired = again.stdout.lines().filter(|line| line.contains("wire.toml:")).count();
        let stated =
            printed.stdout.lines().filter(|line| line.contains(" = ") && !line.contains(" = {}")).count();
        assert!(wired + 1 >= stated, "{}: {wired} of {stated}", vendor.name());
    }
}

async fn told(folder: &Path, wire: &str, arguments: &[&str]) -> Outcome {
    std::fs::write(folder.join("wire.toml"), wire).expect("a file");
    let lines = format!("{}wire = \"wire.toml\"\n", run::settings(Vendor::Userlane));
    std::fs::write(folder.join("userhaul.toml"), run::config(Vendor::Userlane, "http://127.0.0.1:9", &lines))
        .expect("a file");
    run::program(folder, arguments).await
}

#[tokio::test]
async fn corrections_are_shown_with_their_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let wire = "auth.scheme = \"bearer\"\n\n[streams.\"*\".paging]\npage = \"p\"\n[export]\nfrom_param = \"since\"\n[streams.heart_scores]\npath = \"/heart/{propertyId}\"\n";
    let outcome =
        told(folder.path(), wire, &["streams", "--wire", "it.guide_events", "it.heart_scores"]).await;
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let line = |start: &str| {
        outcome.stdout.lines().find(|line| line.starts_with(start)).unwrap_or_default().to_owned()
    };
    assert!(line("scheme = ").ends_with("wire.toml:1"), "{}", outcome.stdout);
    assert!(line("page = \"p\"").ends_with("wire.toml:4"), "{}", outcome.stdout);
    assert!(line("from = \"since\"").ends_with("wire.toml:6"), "{}", outcome.stdout);
    assert!(line("path = \"/heart").ends_with("wire.toml:8"), "{}", outcome.stdout);
    assert!(line("to = ").ends_with("# built in"), "{}", outcome.stdout);
    assert!(!outcome.stdout.contains("user_profiles]"), "{}", outcome.stdout);
}

#[tokio::test]
async fn a_wrong_correction_names_line_and_right_key() {
    let folder = tempfile::tempdir().expect("a folder");
    for (wire, expected) in [
        ("titel = \"x\"", ":1: correction of `titel`: unknown key `titel`; did you mean `title`?"),
        (
            "[auth]\nheadr = \"x\"",
            ":2: correction of `auth.headr`: unknown key `headr`; did you mean `header`?",
        ),
        ("quota = 5", ":1: correction of `quota`: must be a table, found a whole number"),
        (
            "[streams.user_profile]\npath = \"/x\"",
            ":1: correction of `streams.user_profile`: unknown stream `user_profile`; did you mean `user_profiles`?",
        ),
        (
            "[streams.heart_scores]\npth = \"/x\"",
            ":2: correction of `streams.heart_scores.pth`: unknown key `pth`; did you mean `path`?",
        ),
        (
            "[streams.guide_events.paging]\npagee = \"p\"",
            ":2: correction of `streams.guide_events.paging.pagee`: unknown key `pagee`; did you mean `page`?",
        ),
        (
            "[streams.guide_events.paging]\nkind = \"page_numbr\"",
            ":2: correction of `streams.guide_events.paging.kind`: unknown kind `page_numbr`; did you mean `page_number`?",
        ),
        (
            "[streams.guide_events.paging]\nrows = \"50\"",
            ":2: correction of `streams.guide_events.paging.rows`: must be a whole number, found a text",
        ),
        (
            "[streams.guide_events.axes.windw]\nfrom = \"p\"",
            ":1: correction of `streams.guide_events.axes.windw`: unknown axis `windw`; did you mean `window`?",
        ),
        ("[streams.guide_events.axes.window]\nfro = \"p\"", "unknown key `fro`; did you mean `from`?"),
        ("[streams.guide_events.axes.window]\nformat = \"dayy\"", "unknown date format `dayy`"),
        (
            "[streams.guide_events.aliases]\nguideID = [\"g\"]",
            ":2: correction of `streams.guide_events.aliases.guideID`: unknown field `guideID`; did you mean `guideId`?",
        ),
        (
            "[streams.guide_events.columns]\nguideNam = \"text\"",
            ":2: correction of `streams.guide_events.columns.guideNam`: unknown column `guideNam`; did you mean `guideName`?",
        ),
        ("[streams.guide_events.columns]\nguideName = \"txt\"", "unknown type `txt`"),
        (
            "[export]\nfrom_parm = \"x\"",
            ":2: correction of `export.from_parm`: unknown key `from_parm`; did you mean `from_param`?",
        ),
        (
            "[export.paths]\nhart = \"/x\"",
            ":2: correction of `export.paths.hart`: unknown key `hart`; did you mean `heart`?",
        ),
        (
            "[streams.\"*\".paging]\npagee = \"p\"",
            ":2: correction of `streams.\"*\".paging.pagee`: unknown name `pagee`; did you mean `page`?",
        ),
    ] {
        let outcome = told(folder.path(), wire, &["sync"]).await;
        assert_eq!(outcome.code, 2, "{wire}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(expected), "{wire}\n{}", outcome.stderr);
    }
}
