//! The commands that need no vendor, or bring their own: help, `init`, `streams`, `completions`, `man`, `demo`.

use userhaul_simulator::Vendor;

use crate::{
    folder::Folder,
    vendors::{self, config, lms},
};

#[test]
fn help_reads_well() {
    let folder = Folder::new();
    let outcome = folder.run(&["--help"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(outcome.stdout, @"
    Takes user data out of SaaS vendors and puts it, typed and exact, where data teams work

    Usage: userhaul [OPTIONS] <COMMAND>

    Commands:
      demo         Sync four simulated vendors into a folder: no account, no credential
      init         Write a commented configuration
      check        Ask each source one cheap request: reachability, credential, permission, clock
      streams      List streams: keys, cursor, sync mode, columns, vendor documentation
      plan         Tell what a sync would do, without doing it
      sync         Read the sources and write their tables
      replay       Rebuild tables from archived answers, without a request
      export       Read one stream once, without a configuration
      preview      Show a few rows of a stream
      push         Write rows of a file back to a vendor
      runs         List past runs, or show one
      explain      Tell what the code of a warning or failure means, and what to do
      state        Show or forget up to where streams have been read
      sim          Serve the vendor simulators on loopback
      completions  Print the completions of a shell
      man          Print the manual page
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Options of every command:
      -c, --config <FILE>              The configuration [default: userhaul.toml]
      -v, --verbose                    Say more
      -q, --quiet                      Say only what went wrong
          --log-format <text|json>     How messages on stderr look: for people, or one JSON object a
                                       line [default: text]
          --color <auto|always|never>  When to use colour [default: auto]
          --no-progress                Draw no live display
    ");
    insta::assert_snapshot!(folder.run(&["sync", "--help"]).stdout, @"
    Read the sources and write their tables

    Usage: userhaul sync [OPTIONS] [SELECT]...

    Arguments:
      [SELECT]...  Sources, streams (`source.stream`) or globs of these; all by default

    Options:
          --full            Read everything from the beginning
          --from <DATE>     Only from this day on (windowed streams)
          --to <DATE>       Only before this day
          --allow-shrink    Accept a snapshot that lost more than half of its rows
          --metrics <FILE>  Write the figures of all runs to this file, in Prometheus' text format
          --json            Print the run record to stdout
      -h, --help            Print help

    Options of every command:
      -c, --config <FILE>              The configuration [default: userhaul.toml]
      -v, --verbose                    Say more
      -q, --quiet                      Say only what went wrong
          --log-format <text|json>     How messages on stderr look: for people, or one JSON object a
                                       line [default: text]
          --color <auto|always|never>  When to use colour [default: auto]
          --no-progress                Draw no live display
    ");
    let outcome = folder.run(&[]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""));
    assert!(folder.run(&["--version"]).stdout.starts_with("userhaul 0."));
}

#[test]
fn every_command_has_a_short_help() {
    let folder = Folder::new();
    for command in [
        "demo",
        "init",
        "check",
        "streams",
        "plan",
        "sync",
        "export",
        "preview",
        "runs",
        "sim",
        "completions",
        "man",
    ] {
        let text = folder.run(&[command, "--help"]).stdout;
        assert!(text.contains(&format!("\nUsage: userhaul {command}")), "{text}");
        // A full stop, a blank line between options or a line beyond 100 columns would be ugly.
        assert!(
            text.lines().count() < 40
                && text.lines().all(
                    |line| line.chars().count() <= 100 && (!line.ends_with('.') || line.ends_with("..."))
                ),
            "{text}"
        );
        assert_eq!(text, folder.run(&[command, "-h"]).stdout);
    }
}

#[test]
fn init_writes_a_configuration_that_is_read() {
    let folder = Folder::new();
    let outcome = folder.run(&["init"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, ""));
    assert_eq!(
        outcome.stderr,
        "wrote `userhaul.toml`: set the variables that it names, then run `userhaul check`\n"
    );
    let written = std::fs::read_to_string(folder.path().join("userhaul.toml")).expect("a file");
    for source in ["sprig", "thrive", "userlane", "userlot"] {
        assert!(written.contains(&format!("\n[sources.{source}]\n")), "{written}");
    }
    // Only variables are missing.
    let outcome = folder.run(&["plan"]);
    assert_eq!(outcome.code, 2);
    let errors: Vec<&str> = outcome.stderr.lines().filter(|line| line.starts_with("error")).collect();
    assert!(
        !errors.is_empty() && errors.iter().all(|line| line.contains("needs the environment variable")),
        "{errors:?}"
    );
    let mut command = folder.command(&["plan", "sprig"]);
    for name in ["SPRIG_API_KEY", "THRIVE_API_KEY", "THRIVE_TENANT_ID", "USERLANE_TOKEN", "USERLOT_API_KEY"] {
        command.env(name, "x");
    }
    assert_eq!(command.output().expect("it starts").status.code(), Some(0));

    assert_eq!(folder.run(&["init", "sprig"]).code, 2);
    assert_eq!(std::fs::read_to_string(folder.path().join("userhaul.toml")).expect("a file"), written);
    assert_eq!(folder.run(&["init", "sprig", "--force"]).code, 0);
    let written = std::fs::read_to_string(folder.path().join("userhaul.toml")).expect("a file");
    assert!(written.contains("[sources.sprig]") && !written.contains("[sources.thrive]"));
    assert_eq!(folder.run(&["init", "-c", "other.toml", "userlot"]).code, 0);
    insta::assert_snapshot!(folder.run(&["init", "-c", "x.toml", "sprg"]).stderr, @"
    error: no connector `sprg` [unknown_name]
      hint: did you mean `sprig`? There are sprig, thrive, userlane, userlot
    ");
}

#[test]
fn streams_without_and_with_a_configuration() {
    let folder = Folder::new();
    let all = folder.run(&["streams", "--json"]).json();
    let all = all.as_array().expect("a list");
    assert!(
        all.len() > 40
            && all
                .iter()
                .all(|stream| stream["docs"].as_str().is_some_and(|docs| docs.starts_with("https://")))
    );
    assert_eq!(folder.run(&["streams", "nope"]).code, 2);
    insta::assert_snapshot!(folder.run(&["streams", "thrive.cpd_categories"]).stdout, @"
    thrive.cpd_categories: One row a category of continuing professional development
      primary key  category_id
      sync mode    full_refresh
      docs         https://docs.thrivelearning.com/apidocs/query-cpd-categories

      category_id    string              category id
      name           string              name
      _source        string              name of the source in the configuration
      _run_id        string              run that wrote the row
      _extracted_at  timestamp(us, UTC)  when the row's page was received
      _extra         string              JSON object of what no column takes
    ");
    folder.write("userhaul.toml", &config(&[lms("http://127.0.0.1:9", "streams = [\"tags\", \"users\"]")]));
    insta::assert_snapshot!(folder.run(&["streams", "lms.tags", "lms.users"]).stdout, @"
    stream     primary key  cursor      sync mode     columns
    lms.users  id           updated_at  full_refresh       29
    lms.tags   id                       full_refresh        6
    ");
    let one = folder.run(&["streams", "lms.tags", "--json"]).json();
    assert_eq!((&one[0]["source"], &one[0]["columns"][2]["type"]), (&"lms".into(), &"list<string>".into()));
}

#[test]
fn completions_and_man() {
    let folder = Folder::new();
    for (shell, begins) in
        [("bash", "_userhaul() {"), ("zsh", "#compdef userhaul"), ("fish", "# Print an optspec")]
    {
        let outcome = folder.run(&["completions", shell]);
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
        assert!(outcome.stdout.starts_with(begins) && outcome.stdout.contains("preview"), "{shell}");
    }
    assert_eq!(folder.run(&["completions", "tcsh"]).code, 2);
    let man = folder.run(&["man"]).stdout;
    assert!(man.contains("userhaul \\- Takes user data out of SaaS vendors"), "{man}");
    assert!(man.contains(".TH userhaul 1"));
}

#[test]
fn demo_twice_into_one_folder() {
    let folder = Folder::new();
    let demo = || folder.run(&["demo", "--out", "d", "--users", "12"]);
    let first = demo();
    assert_eq!((first.code, first.stdout.as_str()), (0, ""), "{}", first.stderr);
    assert!(first.stderr.contains("Queries to try in DuckDB"));
    let tables = || {
        let files = folder.files().into_iter().filter(|path| path.ends_with(".parquet"));
        let tables: std::collections::BTreeSet<String> =
            files.filter_map(|path| Some(path.rsplit_once('/')?.0.to_owned())).collect();
        tables.into_iter().map(|table| (folder.rows(&table), table)).collect::<Vec<_>>()
    };
    let after_first = tables();
    assert!(
        after_first.iter().any(|(rows, table)| table == "d/unified/users" && *rows > 30),
        "{after_first:?}"
    );
    assert_eq!(demo().code, 0);
    assert_eq!(tables(), after_first);
    assert_eq!(folder.records().len(), 2);
    // The demo's keys are its own: it leaves no trace outside of its folder.
    assert!(folder.files().iter().all(|path| path.starts_with("d/")), "{:?}", folder.files());
}

#[test]
fn a_scenario_that_cannot_be_read() {
    let folder = Folder::new();
    folder.write("s.toml", "[sprig]\n\nlimits = 1\n");
    let outcome = folder.run(&["sim", "--scenario", "s.toml"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.starts_with("error: s.toml:3: unknown field `limits`"), "{}", outcome.stderr);
    assert_eq!(folder.run(&["sim", "--scenario", "none.toml"]).code, 2);
    assert_eq!(folder.run(&["sim", "--vendor", "nope"]).code, 2);
}

#[test]
fn a_window_of_time_from_the_command_line() {
    let thrive = vendors::start(Vendor::Thrive, "");
    let folder = Folder::with(&config(&[lms(&thrive.running.base_url, "")]));
    let record = folder
        .run(&["sync", "lms.activities", "--from", "2024-03-01", "--to", "2024-04-01", "--json"])
        .json();
    let stream = &record["sources"]["lms"]["streams"]["activities"];
    assert_eq!((&stream["status"], &stream["completeness"]), (&"ok".into(), &"complete_for_scope".into()));
}
