//! Errors of usage and configuration: 2, before any request, with the place and the remedy.

use userhaul_simulator::Vendor;

use crate::{
    folder::Folder,
    vendors::{self, config, lms, surveys},
};

/// The errors of `check` over a configuration; nothing may have been asked.
fn refused(folder: &Folder) -> String {
    refused_at(folder, &["check"])
}

fn refused_at(folder: &Folder, arguments: &[&str]) -> String {
    let outcome = folder.run(arguments);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{arguments:?}: {}", outcome.stderr);
    assert!(!outcome.stderr.contains("demo-sprig-key") && !outcome.stderr.contains("demo-thrive-key"));
    let folder = folder.path().display().to_string();
    outcome.stderr.replace(&folder, "[folder]").trim_end().to_owned()
}

fn sprig(more: &str) -> Folder {
    Folder::with(&config(&[surveys("http://127.0.0.1:9", more)]))
}

#[test]
fn no_configuration() {
    insta::assert_snapshot!(refused(&Folder::new()), @"
    error: userhaul.toml: cannot read the configuration: no such file [settings]
      hint: `userhaul init` writes one, `-c FILE` names another
    ");
}

#[test]
fn a_missing_variable_is_named() {
    let folder = Folder::with(
        "[destination]\npath = \"w\"\n[sources.s]\nconnector = \"sprig\"\napi_key = \"${USERHAUL_NOT_SET}\"\n",
    );
    insta::assert_snapshot!(refused(&folder), @"
    error: userhaul.toml:5: `api_key` in [sources.s] needs the environment variable `USERHAUL_NOT_SET`, which is not set [settings]
      hint: export USERHAUL_NOT_SET=…
    ");
}

#[test]
fn an_unknown_key_names_the_nearest() {
    let text = refused(&sprig("user_idss = \"ids.txt\""));
    assert!(text.starts_with("error: userhaul.toml:8: unknown key `user_idss` in [sources.surveys]; did you mean `user_ids`? [settings]\n  hint: valid keys"), "{text}");
}

#[test]
fn plain_http_is_for_loopback() {
    let folder = Folder::with(&config(&[surveys("http://api.example.com", "")]));
    insta::assert_snapshot!(refused(&folder), @"
    error: userhaul.toml:6: `base_url` in [sources.surveys] would send credentials unencrypted [settings]
      hint: write `https://`; `http://` is for loopback hosts only
    ");
}

#[test]
fn two_credentials() {
    let folder = Folder::with(&config(&[lms(
        "http://127.0.0.1:9",
        "client_id = \"a\"\nclient_secret = \"hidden-secret\"",
    )]));
    insta::assert_snapshot!(refused(&folder), @"error: userhaul.toml:4: [sources.lms]: `api_key`: two credentials: set either `api_key`, or `client_id` and `client_secret` [settings]");
}

#[test]
fn a_pattern_of_streams_that_matches_none() {
    insta::assert_snapshot!(refused(&sprig("streams = [\"users\", \"respons\"]")), @"
    error: userhaul.toml:4: [sources.surveys]: `streams`: no stream `respons` [settings]
      hint: did you mean `responses`? The streams are surveys, survey_questions, survey_constraints, responses, themes, users, user_events, users_missing
    ");
}

#[test]
fn privacy_does_not_touch_keys() {
    insta::assert_snapshot!(refused(&sprig("privacy = { drop = [\"id\"] }")), @"error: userhaul.toml:4: [sources.surveys]: `privacy`: `id` is a key or cursor, which must stay as it is [settings]");
}

#[test]
fn privacy_tells_a_name_that_is_nearly_a_column() {
    let vendor = vendors::start(Vendor::Thrive, "");
    let privacy = "streams = [\"users\", \"tags\"]\nprivacy = { drop = [\"emial\", \"shoe_size\"] }";
    let folder = Folder::with(&config(&[lms(&vendor.running.base_url, privacy)]));
    let output = folder.run(&["sync", "lms.tags"]);
    assert!(output.stderr.contains("names `emial`, which is no column: did you mean `email`?"), "{output:?}");
    assert!(!output.stderr.contains("shoe_size"), "{output:?}");
}

#[test]
fn corrections_are_told_with_file_and_line() {
    let folder = sprig("wire = \"wire.toml\"");
    let mut told = Vec::new();
    for wire in [
        "[streams.users]\n\nitems = \"/data\"\n",
        "\n[streams.users\npath = 1\n",
        "[streams.users]\npath = \"/x\"\npth = \"/y\"\n",
        "\n\n[streams.people]\npath = \"/people\"\n",
    ] {
        folder.write("wire.toml", wire);
        told.push(refused(&folder));
    }
    let told: Vec<&str> =
        told.iter().map(|text| text.split(", expected one of").next().unwrap_or(text)).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    error: [folder]/wire.toml:3: correction of `streams.users.items`: must be a list of texts, found a text [wrong_facts]
      hint: `userhaul streams --wire SOURCE` prints the facts in force
    error: [folder]/wire.toml:2: not valid TOML: unclosed table, expected `]` [wrong_facts]
    error: [folder]/wire.toml:3: correction of `streams.users.pth`: unknown key `pth`; did you mean `path`? [wrong_facts]
      hint: `userhaul streams --wire SOURCE` prints the facts in force
    error: [folder]/wire.toml:3: correction of `streams.people`: unknown stream `people`; one of surveys, survey_questions, survey_constraints, responses, themes, users, user_events, users_missing [wrong_facts]
      hint: `userhaul streams --wire SOURCE` prints the facts in force
    "#);
}

#[test]
fn corrections_within_the_configuration_are_told_with_its_line() {
    let folder = sprig("[sources.surveys.wire.streams.users]\npath = \"/x\"\nempty = \"no\"");
    let text = refused(&folder);
    assert!(text.starts_with("error: userhaul.toml:10: correction of `streams.users.empty`: "), "{text}");
}

#[test]
fn unknown_selections() {
    let folder = Folder::with(&config(&[lms("http://127.0.0.1:9", "")]));
    let told = ["nope", "lms.user", "x.*", "thrive", "sprig.users"]
        .map(|selection| refused_at(&folder, &["sync", "lms.tags", selection]))
        .join("\n");
    insta::assert_snapshot!(told, @"
    error: no source `nope` [unknown_name]
      hint: `userhaul streams` lists the streams of lms
    error: no stream `lms.user` [unknown_name]
      hint: did you mean `lms.users`? `userhaul streams` lists the streams of lms
    error: no stream `x.*` [unknown_name]
      hint: `userhaul streams` lists the streams of lms
    error: `thrive` is a connector, not a source [unknown_name]
      hint: the source `lms` uses it; `userhaul streams --wire thrive` prints what the connector knows by itself
    error: `sprig` is a connector, not a source [unknown_name]
      hint: no source uses it: `connector = \"sprig\"` under `[sources.NAME]` makes one; `userhaul streams --wire sprig` prints what the connector knows by itself
    ");
}

#[test]
fn wrong_dates_and_flags() {
    let folder = Folder::with(&config(&[lms("http://127.0.0.1:9", "")]));
    insta::assert_snapshot!(refused_at(&folder, &["sync", "--from", "2024-05-01", "--to", "2024-05-01"]), @"
    error: `--from` must be before `--to` [usage]
      hint: `--to` is the first day that is left out; found 2024-05-01 and 2024-05-01
    ");
    for date in ["2024-02-31", "yesterday", "2024-05-01T10:00", "01/02/2024"] {
        let text = refused_at(&folder, &["sync", "--from", date]);
        assert!(
            text.starts_with(&format!(
                "error: invalid value '{date}' for '--from <DATE>': expected a date such as 2024-01-31"
            )),
            "{text}"
        );
    }
    for arguments in [
        &["sync", "--bogus"][..],
        &["state"],
        &["push"],
        &["report"],
        &["init", "--from-sample", "x"],
        &["-v", "-q", "runs"],
        &["sync", "--color", "pink"],
    ] {
        refused_at(&folder, arguments);
    }
}

#[test]
fn nothing_is_asked_before_everything_is_checked() {
    let thrive = vendors::start(Vendor::Thrive, "");
    let folder = Folder::with(&config(&[
        lms(&thrive.running.base_url, ""),
        surveys("http://127.0.0.1:9", "streams = [\"x\"]"),
    ]));
    refused_at(&folder, &["sync", "lms.tags"]);
    assert_eq!(thrive.running.requests(), 0);
    assert_eq!(folder.files(), ["userhaul.toml"]);
}

#[test]
fn an_id_file_that_cannot_be_read() {
    let text = refused(&sprig("user_ids = \"ids.txt\""));
    assert!(
        text.starts_with(
            "error: userhaul.toml:8: `user_ids` in [sources.surveys] names a file that does not exist"
        ),
        "{text}"
    );
}

#[test]
fn windowed_streams_without_a_first_day_are_refused_before_any_request() {
    let adoption = "[destination]\npath = \"w\"\n[sources.adoption]\nconnector = \"userlane\"\ntoken = \"t\"\n\
                    base_url = \"http://127.0.0.1:9\"\nproperty_ids = [\"k3f9a\"]\n";
    let folder = Folder::with(adoption);
    for arguments in
        [&["sync"][..], &["sync", "adoption.nps_responses"], &["preview", "adoption.nps_responses"]]
    {
        let text = refused_at(&folder, arguments);
        assert!(text.starts_with("error: userhaul.toml:3: [sources.adoption]: `"), "{text}");
        assert!(
            text.contains(
                "is read in windows of time and needs a `start_date` [settings]\n  hint: set `start_date`"
            ),
            "{text}"
        );
    }
}
