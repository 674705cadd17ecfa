//! What does not load, and what the user is told: files, tables, keys, names.

use std::path::Path;

use super::{CONNECTORS, environment, load, refused, surveys, told};
use crate::config::Config;

#[test]
fn missing_configuration() {
    let result = Config::load(Path::new("no-such-folder/userhaul.toml"), &CONNECTORS, &environment);
    insta::assert_snapshot!(told(result), @r#"
    no-such-folder/userhaul.toml: cannot read the configuration: no such file
      `userhaul init` writes one, `-c FILE` names another
    "#);
    let folder = Config::load(Path::new("/"), &CONNECTORS, &environment);
    insta::assert_snapshot!(told(folder), @r#"
    /: cannot read the configuration: a folder, not a file
    "#);
}

#[test]
fn not_toml() {
    insta::assert_snapshot!(told(load("a = 1\nb = = 2\n[c\n")), @r#"
    userhaul.toml:2: not valid TOML: extra `=`, expected nothing
    userhaul.toml:3: not valid TOML: unclosed table, expected `]`
    "#);
}

#[test]
fn variable_without_quotes() {
    insta::assert_snapshot!(refused("timeout = ${TIMEOUT}\n"), @r#"
    userhaul.toml:6: not valid TOML: unexpected key or value, expected newline, `#`
      put the variable into quotes: `"${VAR}"`
    "#);
}

#[test]
fn key_given_twice() {
    insta::assert_snapshot!(refused("timeout = \"1s\"\ntimeout = \"2s\"\n"), @r#"
    userhaul.toml:7: not valid TOML: duplicate key
    "#);
}

#[test]
fn empty_configuration() {
    insta::assert_snapshot!(told(load("")), @r#"
    userhaul.toml: no `[destination]`
      say where the tables go: `path = "./warehouse"` below `[destination]`
    userhaul.toml: no sources
      add a `[sources.NAME]`; `userhaul init CONNECTOR` writes one
    "#);
}

#[test]
fn unknown_table() {
    insta::assert_snapshot!(told(load(&surveys("[destinatoin]\n"))), @r#"
    userhaul.toml:6: unknown key `destinatoin`; did you mean `destination`?
      valid keys: `destination`, `defaults`, `run`, `sources`, `push`
    "#);
}

#[test]
fn sources_as_a_list() {
    insta::assert_snapshot!(told(load("destination.path = \"out\"\n[[sources]]\nconnector = \"sprig\"\n")), @r#"
    userhaul.toml:2: `sources` must be a table, found a list
      begin each source with a line `[sources.NAME]`
    "#);
}

#[test]
fn source_without_a_table() {
    insta::assert_snapshot!(told(load("destination.path = \"out\"\n[sources]\nsurveys = \"sprig\"\n")), @r#"
    userhaul.toml:3: `surveys` in [sources] must be a table, found a text
      begin each source with a line `[sources.NAME]`
    "#);
}

#[test]
fn defaults_without_a_table() {
    insta::assert_snapshot!(told(load(&format!("defaults = 3\n{}", surveys("")))), @r#"
    userhaul.toml:1: `defaults` must be a table, found a whole number
      begin it with a line `[defaults]`
    "#);
}

#[test]
fn unknown_key() {
    insta::assert_snapshot!(refused("api_kye = \"secret-value\"\nzzz = 1\n"), @r#"
    userhaul.toml:6: unknown key `api_kye` in [sources.surveys]; did you mean `api_key`?
      valid keys in [sources.surveys]: `connector`, `base_url`, `streams`, `start_date`, `rate_limit`, `max_concurrency`, `timeout`, `deletes`, `history`, `look_back`, `full_every`, `privacy`, `archive`, `wire`, `api_key`, `user_ids`, `with`
    userhaul.toml:7: unknown key `zzz` in [sources.surveys]
      valid keys in [sources.surveys]: `connector`, `base_url`, `streams`, `start_date`, `rate_limit`, `max_concurrency`, `timeout`, `deletes`, `history`, `look_back`, `full_every`, `privacy`, `archive`, `wire`, `api_key`, `user_ids`, `with`
    "#);
}

#[test]
fn key_of_another_connector() {
    insta::assert_snapshot!(refused("token = \"secret-value\"\n"), @r#"
    userhaul.toml:6: unknown key `token` in [sources.surveys]
      `token` is a key of connector `userlane`; valid keys in [sources.surveys]: `connector`, `base_url`, `streams`, `start_date`, `rate_limit`, `max_concurrency`, `timeout`, `deletes`, `history`, `look_back`, `full_every`, `privacy`, `archive`, `wire`, `api_key`, `user_ids`, `with`
    "#);
}

#[test]
fn unknown_default() {
    insta::assert_snapshot!(told(load(&surveys("[defaults]\nstart_dat = 1\ntoken = \"known\"\n"))), @r#"
    userhaul.toml:7: unknown key `start_dat` in [defaults]; did you mean `start_date`?
      valid keys in [defaults]: `connector`, `base_url`, `streams`, `start_date`, `rate_limit`, `max_concurrency`, `timeout`, `deletes`, `history`, `look_back`, `full_every`, `privacy`, `archive`, `wire`, `api_key`, `user_ids`, `with`, `tenant_id`, `client_id`, `client_secret`, `environment`, `token_url`, `token`, `property_ids`, `company_id`
    "#);
}

#[test]
fn wrong_default_is_told_once() {
    insta::assert_snapshot!(told(load(&surveys("[sources.other]\nconnector = \"sprig\"\n[defaults]\ntimeout = 30\n[sources.third]\nconnector = \"sprig\"\napi_key = 3\n"))), @r#"
    userhaul.toml:6: missing key `api_key` in [sources.other]
      What it is for: `api_key = "${SPRIG_API_KEY}"`
    userhaul.toml:9: `timeout` in [defaults] must be a duration such as `500ms`, `30s`, `5m`, `2h` or `7d`, found a whole number
    userhaul.toml:12: `api_key` in [sources.third] must be a text, found a whole number
      put it into quotes
    "#);
}

#[test]
fn source_names() {
    insta::assert_snapshot!(told(load("destination.path = \"out\"\n[sources]\nSurveys.connector = \"userlane\"\nunified.connector = \"userlane\"\n_x.connector = \"userlane\"\n2nd.connector = \"userlane\"\ndefaults = {}\n[defaults]\ntoken = \"t\"\nproperty_ids = [\"a\"]\n")), @r#"
    userhaul.toml:3: invalid source name `Surveys`: only small letters, digits and `_`, with a letter first
      such as `[sources.surveys]`
    userhaul.toml:4: invalid source name `unified`: the unified tables have it
      choose another name
    userhaul.toml:5: invalid source name `_x`: names that begin with `_` are reserved
      choose another name
    userhaul.toml:6: invalid source name `2nd`: only small letters, digits and `_`, with a letter first
      such as `[sources.surveys]`
    userhaul.toml:7: missing key `connector` in [sources.defaults]
      connectors: `sprig`, `thrive`, `userlane`, `userlot`, or a file such as `./crm.toml`
    "#);
}

#[test]
fn unknown_connector() {
    insta::assert_snapshot!(told(load(&surveys("").replace("\"sprig\"", "\"sprgi\""))), @r#"
    userhaul.toml:4: `connector` in [sources.surveys] names an unknown connector: `sprgi`; did you mean `sprig`?
      connectors: `sprig`, `thrive`, `userlane`, `userlot`, or a file such as `./crm.toml`
    "#);
}

#[test]
fn declared_connector() {
    insta::assert_snapshot!(told(load(&surveys("").replace("\"sprig\"", "\"./crm.toml\""))), @r#"
    userhaul.toml:4: `connector` in [sources.surveys] names a file that is not there: `./crm.toml`
      paths are relative to the folder of the configuration
    "#);
}

#[test]
fn missing_settings() {
    insta::assert_snapshot!(told(load("destination.path = \"out\"\nsources.a.connector = \"userlot\"\n[sources.b]\nconnector = \"userlane\"\n[sources.c]\nconnector = \"thrive\"\n")), @r#"
    userhaul.toml:2: missing key `api_key` in [sources.a]
      What it is for: `api_key = "${USERLOT_API_KEY}"`
    userhaul.toml:2: missing key `base_url` in [sources.a]
      every customer of this vendor has an address of their own: `base_url = "https://…"`
    userhaul.toml:3: missing key `token` in [sources.b]
      What it is for: `token = "${USERLANE_TOKEN}"`
    userhaul.toml:3: missing key `property_ids` in [sources.b]
      What it is for: `property_ids = ["k3f9a"]`
    userhaul.toml:5: missing key `tenant_id` in [sources.c]
      What it is for: `tenant_id = "${THRIVE_TENANT_ID}"`
    "#);
}

#[test]
fn destination_missing() {
    insta::assert_snapshot!(told(load("sources.a = { connector = \"sprig\", api_key = \"k\" }\n")), @r#"
    userhaul.toml: no `[destination]`
      say where the tables go: `path = "./warehouse"` below `[destination]`
    "#);
}

#[test]
fn destination_without_path() {
    insta::assert_snapshot!(told(load(&surveys("").replace("path", "pth"))), @r#"
    userhaul.toml:1: missing key `path` in [destination]
      name a folder: `path = "./warehouse"`
    userhaul.toml:2: unknown key `pth` in [destination]; did you mean `path`?
      valid keys in [destination]: `type`, `path`, `compression`
    "#);
}

#[test]
fn destination_values() {
    insta::assert_snapshot!(told(load(&surveys("").replace("\"out\"", "\"s3://key:secret@bucket/x\"\ntype = \"parket\"\ncompression = \"gzip\""))), @r#"
    userhaul.toml:2: `path` in [destination] begins with `s3://`, but this build writes to local folders only
      name a folder, such as `./warehouse`
    userhaul.toml:3: `type` in [destination] must be `parquet`, found `parket`
      did you mean `parquet`?
    userhaul.toml:4: `compression` in [destination] must be `zstd`, `snappy` or `none`, found `gzip`
    "#);
}

#[test]
fn destination_of_another_type() {
    insta::assert_snapshot!(told(load("destination = \"out\"\nsources.a = { connector = \"sprig\", api_key = \"k\" }\n")), @r#"
    userhaul.toml:1: `destination` must be a table, found a text
    "#);
}

#[test]
fn control_characters_are_not_printed() {
    insta::assert_snapshot!(refused("\"\\u001b[31m\" = 1\n"), @r#"
    userhaul.toml:6: unknown key `�[31m` in [sources.surveys]
      valid keys in [sources.surveys]: `connector`, `base_url`, `streams`, `start_date`, `rate_limit`, `max_concurrency`, `timeout`, `deletes`, `history`, `look_back`, `full_every`, `privacy`, `archive`, `wire`, `api_key`, `user_ids`, `with`
    "#);
}
