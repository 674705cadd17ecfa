//! The figures of runs in Prometheus' text format, against the run records.

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;
use userhaul_simulator::Vendor;

use crate::{
    folder::Folder,
    vendors::{self, config, lms},
};

/// The samples of a file by their name and labels.
fn samples(folder: &Folder, name: &str) -> BTreeMap<String, f64> {
    let text = std::fs::read_to_string(folder.path().join(name)).expect("the file of metrics");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').expect("a value");
            (name.to_owned(), value.parse().expect("a number"))
        })
        .collect()
}

fn seconds(at: &Value) -> f64 {
    let at: jiff::Timestamp = at.as_str().expect("an instant").parse().expect("an instant");
    at.as_second().to_string().parse().expect("a number")
}

/// What each metric of one run is in the run record.
const FIGURES: [(&str, &str); 8] = [
    ("userhaul_rows", "rows"),
    ("userhaul_last_run_duration_seconds", "seconds"),
    ("userhaul_requests_total", "requests"),
    ("userhaul_retries_total", "retries"),
    ("userhaul_throttled_answers_total", "throttled"),
    ("userhaul_received_bytes_total", "bytes_received"),
    ("userhaul_written_bytes_total", "bytes_written"),
    ("userhaul_quota_wait_seconds_total", "waited_on_quota_seconds"),
];

#[test]
fn are_those_of_the_run_records() {
    let scenario = "[thrive]\nfaults = [{ path = \"/rest/v1/tags\", from = 2, times = 0, kind = \"status\", status = 403 }, \
                    { path = \"/rest/v1/skills\", times = 1, kind = \"status\", status = 503 }]";
    let thrive = vendors::start(Vendor::Thrive, scenario);
    let folder = Folder::with(&config(&[lms(&thrive.running.base_url, "")]));
    let sync = ["sync", "lms.tags", "lms.skill_levels", "--json", "--metrics", "out/lms.prom"];
    let first = folder.run(&sync).json();
    let values = samples(&folder, "out/lms.prom");
    for stream in ["tags", "skill_levels"] {
        let record = &first["sources"]["lms"]["streams"][stream];
        for (metric, key) in FIGURES {
            let sample = format!("{metric}{{source=\"lms\",stream=\"{stream}\"}}");
            assert_eq!(values.get(&sample).copied(), record[key].as_f64(), "{sample}");
        }
        let complete =
            format!("userhaul_last_complete_run_timestamp_seconds{{source=\"lms\",stream=\"{stream}\"}}");
        assert_eq!(values[&complete], seconds(&first["finished_at"]));
    }
    assert_eq!(values["userhaul_retries_total{source=\"lms\",stream=\"skill_levels\"}"], 1.0);
    let second = folder.run(&sync).json();
    let values = samples(&folder, "out/lms.prom");
    let of = |record: &Value, key: &str| {
        record["sources"]["lms"]["streams"]["tags"][key].as_f64().expect("a number")
    };
    let sample =
        |metric: &str, more: &str| values[&format!("{metric}{{source=\"lms\",stream=\"tags\"{more}}}")];
    for (metric, key) in FIGURES.iter().filter(|(metric, _)| metric.ends_with("_total")) {
        assert_eq!(sample(metric, ""), of(&first, key) + of(&second, key), "{metric}");
    }
    assert_eq!((sample("userhaul_rows", ""), of(&second, "rows")), (of(&first, "rows"), 0.0));
    assert_eq!(sample("userhaul_last_run_status", ",status=\"failed\""), 1.0);
    assert_eq!(sample("userhaul_last_run_status", ",status=\"ok\""), 0.0);
    let complete = sample("userhaul_last_complete_run_timestamp_seconds", "");
    assert_eq!(complete, seconds(&first["finished_at"]));
    assert!(folder.files().iter().filter(|path| path.starts_with("out/")).eq(["out/lms.prom"]));
}

#[test]
fn a_file_that_cannot_be_written_is_a_warning() {
    let thrive = vendors::start(Vendor::Thrive, "");
    let folder = Folder::with(&format!(
        "[run]\nmetrics = \"taken\"\n\n{}",
        config(&[lms(&thrive.running.base_url, "")])
    ));
    std::fs::create_dir_all(folder.path().join("taken/by-a-folder")).expect("a folder");
    let outcome = folder.run(&["sync", "lms.tags"]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(
        outcome.stderr.contains("warning: cannot write the metrics to `taken`: ")
            && outcome.stderr.contains(" [metrics_not_written]\n"),
        "{}",
        outcome.stderr
    );
    std::fs::remove_dir_all(folder.path().join("taken")).expect("the test's own folder");
    let outcome = folder.run(&["sync", "lms.tags", "--quiet"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    assert!(samples(&folder, "taken").contains_key("userhaul_rows{source=\"lms\",stream=\"tags\"}"));
}

#[test]
fn the_page_names_them_all_and_its_rules_no_others() {
    let thrive = vendors::start(Vendor::Thrive, "");
    let folder = Folder::with(&config(&[lms(&thrive.running.base_url, "")]));
    assert_eq!(folder.run(&["sync", "lms.tags", "--metrics", "m"]).code, 0);
    let text = std::fs::read_to_string(folder.path().join("m")).expect("the file of metrics");
    let exported: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let page = std::fs::read_to_string(page).expect("the page");
    for name in &exported {
        assert!(page.contains(&format!("| `{name}` |")), "{name} is not on the page");
    }
    let rules = page.split("\n```yaml\n").nth(1).and_then(|rest| rest.split("\n```").next()).expect("rules");
    let expressions: Vec<&str> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).collect();
    assert!(expressions.len() >= 3, "{rules}");
    for expression in &expressions {
        let count = |letter: char| expression.matches(letter).count();
        assert_eq!((count('('), count('{'), count('"') % 2), (count(')'), count('}'), 0), "{expression}");
        let words = expression.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
        let named: Vec<&str> = words.filter(|word| word.starts_with("userhaul_")).collect();
        assert!(!named.is_empty() && named.iter().all(|name| exported.contains(name)), "{expression}");
    }
    let alerts = rules.lines().filter(|line| line.trim().starts_with("- alert: ")).count();
    assert_eq!(alerts, expressions.len());
}
