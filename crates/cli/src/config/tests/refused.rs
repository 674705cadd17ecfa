//! What does not load, and what the user is told.

use std::path::Path;

use super::{CONNECTORS, environment, load, refused, surveys, told};
use crate::config::Config;

#[test]
fn missing_configuration() {
    let result = Config::load(Path::new("no-such-folder/userhaul.toml"), &CONNECTORS, &environment);
    insta::assert_snapshot!(told(result), @"");
    let folder = Config::load(Path::new("/"), &CONNECTORS, &environment);
    insta::assert_snapshot!(told(folder), @"");
}

#[test]
fn not_toml() {
    insta::assert_snapshot!(told(load("a = 1\nb = = 2\n[c\n")), @"");
}

#[test]
fn variable_without_quotes() {
    insta::assert_snapshot!(refused("timeout = ${TIMEOUT}\n"), @"");
}

#[test]
fn key_given_twice() {
    insta::assert_snapshot!(refused("timeout = \"1s\"\ntimeout = \"2s\"\n"), @"");
}

#[test]
fn empty_configuration() {
    insta::assert_snapshot!(told(load("")), @"");
}

#[test]
fn unknown_table() {
    insta::assert_snapshot!(told(load(&surveys("[destinatoin]\n"))), @"");
}

#[test]
fn sources_as_a_list() {
    insta::assert_snapshot!(told(load("destination.path = \"out\"\n[[sources]]\nconnector = \"sprig\"\n")), @"");
}

#[test]
fn source_without_a_table() {
    insta::assert_snapshot!(told(load("destination.path = \"out\"\n[sources]\nsurveys = \"sprig\"\n")), @"");
}

#[test]
fn defaults_without_a_table() {
    insta::assert_snapshot!(told(load(&format!("defaults = 3\n{}", surveys("")))), @"");
}

#[test]
fn unknown_key() {
    insta::assert_snapshot!(refused("api_kye = \"secret-value\"\nzzz = 1\n"), @"");
}

#[test]
fn key_of_another_connector() {
    insta::assert_snapshot!(refused("token = \"secret-value\"\n"), @"");
}

#[test]
fn unknown_default() {
    insta::assert_snapshot!(told(load(&surveys("[defaults]\nstart_dat = 1\ntoken = \"known\"\n"))), @"");
}

#[test]
fn wrong_default_is_told_once() {
    insta::assert_snapshot!(told(load(&surveys("[sources.other]\nconnector = \"sprig\"\n[defaults]\ntimeout = 30\n[sources.third]\nconnector = \"sprig\"\napi_key = 3\n"))), @"");
}

#[test]
fn source_names() {
    insta::assert_snapshot!(told(load("destination.path = \"out\"\n[sources]\nSurveys.connector = \"userlane\"\nunified.connector = \"userlane\"\n_x.connector = \"userlane\"\n2nd.connector = \"userlane\"\ndefaults = {}\n[defaults]\ntoken = \"t\"\nproperty_ids = [\"a\"]\n")), @"");
}

#[test]
fn unknown_connector() {
    insta::assert_snapshot!(told(load(&surveys("").replace("\"sprig\"", "\"sprgi\""))), @"");
}

#[test]
fn declared_connector() {
    insta::assert_snapshot!(told(load(&surveys("").replace("\"sprig\"", "\"./crm.toml\""))), @"");
}

#[test]
fn missing_settings() {
    insta::assert_snapshot!(told(load("destination.path = \"out\"\nsources.a.connector = \"userlot\"\n[sources.b]\nconnector = \"userlane\"\n[sources.c]\nconnector = \"thrive\"\n")), @"");
}

#[test]
fn wrong_types() {
    insta::assert_snapshot!(refused("streams = \"users\"\nwith = [1]\nuser_ids = []\nstart_date = 5\ntimeout = 30\nhistory = \"yes\"\nmax_concurrency = 1.5\nprivacy = true\nwire = 7\nbase_url = {}\n"), @"");
}

#[test]
fn wrong_type_of_secret() {
    insta::assert_snapshot!(told(load(&surveys("").replace("\"literal-key\"", "4711"))), @"");
}

#[test]
fn text_for_a_number() {
    insta::assert_snapshot!(refused("max_concurrency = \"4\"\n"), @"");
}

#[test]
fn numbers_out_of_range() {
    insta::assert_snapshot!(refused("max_concurrency = 0\nrate_limit = { requests = 0, per = \"0ms\" }\n"), @"");
}

#[test]
fn choices() {
    insta::assert_snapshot!(refused("deletes = \"marked\"\narchive = \"${NUMBER}\"\n"), @"");
}

#[test]
fn choice_of_a_connector() {
    insta::assert_snapshot!(told(load("destination.path = \"out\"\n[sources.lms]\nconnector = \"thrive\"\ntenant_id = \"t\"\nenvironment = \"prod\"\ntoken_url = \"http://tokens.example.com\"\n")), @"");
}

#[test]
fn dates() {
    insta::assert_snapshot!(refused("start_date = \"2024-13-01\"\n"), @"");
}

#[test]
fn dates_with_a_time() {
    insta::assert_snapshot!(refused("start_date = 2024-01-01T00:00:00Z\n"), @"");
}

#[test]
fn date_from_outside() {
    insta::assert_snapshot!(refused("start_date = \"${DAY}\"\n"), @"");
}

#[test]
fn spans() {
    insta::assert_snapshot!(refused("timeout = \"0s\"\nlook_back = \"5 minutes\"\nfull_every = \"99999d\"\n"), @"");
}

#[test]
fn rate_limits() {
    insta::assert_snapshot!(refused("rate_limit = { request = 10, mode = \"smooth\" }\n"), @"");
}

#[test]
fn privacy() {
    insta::assert_snapshot!(refused("privacy = { hash = [\"email\"], drop = [\"email\"], keys = 1 }\n"), @"");
}

#[test]
fn streams() {
    insta::assert_snapshot!(refused("streams = [\"surveys.users\"]\n"), @"");
}

#[test]
fn no_streams() {
    insta::assert_snapshot!(refused("streams = []\n"), @"");
}

#[test]
fn unset_variables() {
    insta::assert_snapshot!(told(load(&surveys("user_ids = { env = \"UNSET_C\" }\n").replace("literal-key", "${UNSET_A}${UNSET_B}"))), @"");
}

#[test]
fn broken_variables() {
    insta::assert_snapshot!(refused("with = [\"${KEY\", \"${sec-ret}\"]\nuser_ids = { env = \"sec-ret\" }\n"), @"");
}

#[test]
fn other_references() {
    insta::assert_snapshot!(refused("user_ids = { environment = \"KEY\" }\n"), @"");
}

#[test]
fn secret_file_missing() {
    insta::assert_snapshot!(told(load(&surveys("").replace("\"literal-key\"", "{ file = \"nowhere.txt\" }"))), @"");
}

#[test]
fn empty_values() {
    insta::assert_snapshot!(told(load(&surveys("user_ids = \" \"\n[sources.b]\nconnector = \"sprig\"\napi_key = \"${EMPTY}\"\n[sources.c]\nconnector = \"sprig\"\napi_key = { file = \"empty.txt\" }\n[sources.d]\nconnector = \"sprig\"\napi_key = \"\"\n"))), @"");
}

#[test]
fn secret_of_several_lines() {
    insta::assert_snapshot!(told(load(&surveys("").replace("literal-key", "${LINES}"))), @"");
}

#[test]
fn files_missing() {
    insta::assert_snapshot!(refused("user_ids = \"nowhere.txt\"\nwire = \"~/wire.toml\"\n"), @"");
}

#[test]
fn destination_missing() {
    insta::assert_snapshot!(told(load("sources.a = { connector = \"sprig\", api_key = \"k\" }\n")), @"");
}

#[test]
fn destination_without_path() {
    insta::assert_snapshot!(told(load(&surveys("").replace("path", "pth"))), @"");
}

#[test]
fn destination_values() {
    insta::assert_snapshot!(told(load(&surveys("").replace("\"out\"", "\"s3://key:secret@bucket/x\"\ntype = \"parket\"\ncompression = \"gzip\""))), @"");
}

#[test]
fn destination_of_another_type() {
    insta::assert_snapshot!(told(load("destination = \"out\"\nsources.a = { connector = \"sprig\", api_key = \"k\" }\n")), @"");
}

#[test]
fn control_characters_are_not_printed() {
    insta::assert_snapshot!(refused("\"\\u001b[31m\" = 1\n"), @"");
}

#[test]
fn origins() {
    for (url, expected) in [
        ("https://user:secret@api.example.com", ""),
        ("http://api.example.com", ""),
        ("http://127.0.0.1.example.com", ""),
        ("ftp://api.example.com", ""),
        ("https://api.example.com/?key=secret", ""),
        ("https://api.example.com/#secret", ""),
        ("api.example.com", ""),
    ] {
        assert_eq!(refused(&format!("base_url = \"{url}\"\n")), expected, "{url}");
    }
}
