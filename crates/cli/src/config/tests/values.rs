//! What does not load, and what the user is told: values.

use super::{load, refused, surveys, told};

#[test]
fn wrong_types() {
    insta::assert_snapshot!(refused("streams = \"users\"\nwith = [1]\nuser_ids = []\nstart_date = 5\ntimeout = 30\nhistory = \"yes\"\nmax_concurrency = 1.5\nprivacy = true\nwire = 7\nbase_url = {}\n"), @r#"
    userhaul.toml:6: `streams` in [sources.surveys] must be a list of texts, found a text
      put it into brackets: `["…"]`
    userhaul.toml:7: `with` in [sources.surveys] must be a list of texts, found a whole number
      put it into quotes
    userhaul.toml:8: `user_ids` in [sources.surveys] must be a path, found a list
    userhaul.toml:9: `start_date` in [sources.surveys] must be a date such as `2024-01-31`, found a whole number
    userhaul.toml:10: `timeout` in [sources.surveys] must be a duration such as `500ms`, `30s`, `5m`, `2h` or `7d`, found a whole number
    userhaul.toml:11: `history` in [sources.surveys] must be `true` or `false`, found a text
    userhaul.toml:12: `max_concurrency` in [sources.surveys] must be a whole number from 1 to 65535, found a fraction
    userhaul.toml:13: `privacy` in [sources.surveys] must be a table, found a boolean
    userhaul.toml:14: `wire` in [sources.surveys] must be a table or a path, found a whole number
    userhaul.toml:15: `base_url` in [sources.surveys] must be a URL such as `https://api.example.com`, found a table
      a table here is `{ env = "VAR" }` or `{ file = "path" }`
    "#);
}

#[test]
fn wrong_type_of_secret() {
    insta::assert_snapshot!(told(load(&surveys("").replace("\"literal-key\"", "4711"))), @r#"
    userhaul.toml:5: `api_key` in [sources.surveys] must be a text, found a whole number
      put it into quotes
    "#);
}

#[test]
fn text_for_a_number() {
    insta::assert_snapshot!(refused("max_concurrency = \"4\"\n"), @r#"
    userhaul.toml:6: `max_concurrency` in [sources.surveys] must be a whole number from 1 to 65535, found a text
    "#);
}

#[test]
fn numbers_out_of_range() {
    insta::assert_snapshot!(refused("max_concurrency = 0\nrate_limit = { requests = 0, per = \"0ms\" }\n"), @r#"
    userhaul.toml:6: `max_concurrency` in [sources.surveys] must be a whole number from 1 to 65535, found `0`
    userhaul.toml:7: `rate_limit.requests` in [sources.surveys] must be a whole number from 1 to 4294967295, found `0`
    userhaul.toml:7: `rate_limit.per` in [sources.surveys] must be a duration from `1ms` to `36500d`, found `0ms`
    "#);
}

#[test]
fn choices() {
    insta::assert_snapshot!(refused("deletes = \"marked\"\narchive = \"${NUMBER}\"\n"), @r#"
    userhaul.toml:6: `deletes` in [sources.surveys] must be `remove` or `mark`, found `marked`
      did you mean `mark`?
    userhaul.toml:7: `archive` in [sources.surveys] must be `true` or `false`, found something else in `${NUMBER}`
    "#);
}

#[test]
fn choice_of_a_connector() {
    insta::assert_snapshot!(told(load("destination.path = \"out\"\n[sources.lms]\nconnector = \"thrive\"\ntenant_id = \"t\"\nenvironment = \"prod\"\ntoken_url = \"http://tokens.example.com\"\n")), @r#"
    userhaul.toml:5: `environment` in [sources.lms] must be `production` or `staging`, found `prod`
    userhaul.toml:6: `token_url` in [sources.lms] would send credentials unencrypted
      write `https://`; `http://` is for loopback hosts only
    "#);
}

#[test]
fn dates() {
    insta::assert_snapshot!(refused("start_date = \"2024-13-01\"\n"), @r#"
    userhaul.toml:6: `start_date` in [sources.surveys] must be a date such as `2024-01-31`, found `2024-13-01`
    "#);
}

#[test]
fn dates_with_a_time() {
    insta::assert_snapshot!(refused("start_date = 2024-01-01T00:00:00Z\n"), @r#"
    userhaul.toml:6: `start_date` in [sources.surveys] must be a date such as `2024-01-31`, found `2024-01-01T00:00:00Z`
    "#);
}

#[test]
fn date_from_outside() {
    insta::assert_snapshot!(refused("start_date = \"${DAY}\"\n"), @r#"
    userhaul.toml:6: `start_date` in [sources.surveys] must be a date such as `2024-01-31`, found something else in `${DAY}`
    "#);
}

#[test]
fn spans() {
    insta::assert_snapshot!(refused("timeout = \"0s\"\nlook_back = \"5 minutes\"\nfull_every = \"99999d\"\n"), @r#"
    userhaul.toml:6: `timeout` in [sources.surveys] must be a duration from `1ms` to `36500d`, found `0s`
    userhaul.toml:7: `look_back` in [sources.surveys] must be a duration such as `500ms`, `30s`, `5m`, `2h` or `7d`, found `5 minutes`
    userhaul.toml:8: `full_every` in [sources.surveys] must be a duration from `0ms` to `36500d`, found `99999d`
    "#);
}

#[test]
fn rate_limits() {
    insta::assert_snapshot!(refused("rate_limit = { request = 10, mode = \"smooth\" }\n"), @r#"
    userhaul.toml:6: unknown key `rate_limit.request` in [sources.surveys]; did you mean `requests`?
      valid keys in `rate_limit`: `requests`, `per`, `mode`
    userhaul.toml:6: missing key `rate_limit.requests` in [sources.surveys]
      such as `{ requests = 1000, per = "5m" }`
    userhaul.toml:6: missing key `rate_limit.per` in [sources.surveys]
      such as `{ requests = 1000, per = "5m" }`
    userhaul.toml:6: `rate_limit.mode` in [sources.surveys] must be `window` or `paced`, found `smooth`
    "#);
}

#[test]
fn privacy() {
    insta::assert_snapshot!(refused("privacy = { hash = [\"email\"], drop = [\"email\"], keys = 1 }\n"), @r#"
    userhaul.toml:6: unknown key `privacy.keys` in [sources.surveys]; did you mean `key`?
      valid keys in `privacy`: `hash`, `key`, `drop`
    userhaul.toml:6: missing key `privacy.key` in [sources.surveys]
      the hash needs a secret, such as `key = "${PEPPER}"`
    userhaul.toml:6: `privacy` in [sources.surveys] both hashes and drops `email`
      keep one of the two
    "#);
}

#[test]
fn streams() {
    insta::assert_snapshot!(refused("streams = [\"surveys.users\"]\n"), @r#"
    userhaul.toml:6: `streams` in [sources.surveys] must be a list of stream names or globs such as `user*`, found `surveys.users`
      a source's own streams need no source before them
    "#);
}

#[test]
fn no_streams() {
    insta::assert_snapshot!(refused("streams = []\n"), @r#"
    userhaul.toml:6: `streams` in [sources.surveys] is empty
      leave the key out for all streams
    "#);
}

#[test]
fn unset_variables() {
    insta::assert_snapshot!(told(load(&surveys("user_ids = { env = \"UNSET_C\" }\n").replace("literal-key", "${UNSET_A}${UNSET_B}"))), @r#"
    userhaul.toml:5: `api_key` in [sources.surveys] needs the environment variable `UNSET_A`, which is not set
      export UNSET_A=…
    userhaul.toml:5: `api_key` in [sources.surveys] needs the environment variable `UNSET_B`, which is not set
      export UNSET_B=…
    userhaul.toml:6: `user_ids` in [sources.surveys] needs the environment variable `UNSET_C`, which is not set
      export UNSET_C=…
    "#);
}

#[test]
fn broken_variables() {
    insta::assert_snapshot!(refused("with = [\"${KEY\", \"${sec-ret}\"]\nuser_ids = { env = \"sec-ret\" }\n"), @r#"
    userhaul.toml:6: `with` in [sources.surveys] has a `${` without a `}`
      for a `${` that is no variable, write `$${`
    userhaul.toml:6: `with` in [sources.surveys] has a `${…}` without the name of a variable
      a name is made of letters, digits and `_`; for a `${` that is no variable, write `$${`
    userhaul.toml:7: `user_ids` in [sources.surveys] has an `env` that is not the name of a variable
      a name is made of letters, digits and `_`, as in `{ env = "VAR" }`
    "#);
}

#[test]
fn other_references() {
    insta::assert_snapshot!(refused("user_ids = { environment = \"KEY\" }\n"), @r#"
    userhaul.toml:6: `user_ids` in [sources.surveys] must be a path, found a table
      a table here is `{ env = "VAR" }` or `{ file = "path" }`
    "#);
}

#[test]
fn secret_file_missing() {
    insta::assert_snapshot!(told(load(&surveys("").replace("\"literal-key\"", "{ file = \"nowhere.txt\" }"))), @r#"
    userhaul.toml:5: `api_key` in [sources.surveys] cannot be read from `nowhere.txt`: no such file
      paths are relative to the folder of the configuration
    "#);
}

#[test]
fn empty_values() {
    insta::assert_snapshot!(told(load(&surveys("user_ids = \" \"\n[sources.b]\nconnector = \"sprig\"\napi_key = \"${EMPTY}\"\n[sources.c]\nconnector = \"sprig\"\napi_key = { file = \"empty.txt\" }\n[sources.d]\nconnector = \"sprig\"\napi_key = \"\"\n"))), @r#"
    userhaul.toml:6: `user_ids` in [sources.surveys] is empty
      give it a value, or leave the key out
    userhaul.toml:9: `api_key` in [sources.b] is empty: nothing in `${EMPTY}`
      check where it is set
    userhaul.toml:12: `api_key` in [sources.c] is empty: nothing in `empty.txt`
      check where it is set
    userhaul.toml:15: `api_key` in [sources.d] is empty
      give it a value, or leave the key out
    "#);
}

#[test]
fn secret_of_several_lines() {
    insta::assert_snapshot!(told(load(&surveys("").replace("literal-key", "${LINES}"))), @r#"
    userhaul.toml:5: `api_key` in [sources.surveys] has a line break or another control character in it
      a secret is one line; check how it was copied
    "#);
}

#[test]
fn files_missing() {
    insta::assert_snapshot!(refused("user_ids = \"nowhere.txt\"\nwire = \"~/wire.toml\"\n"), @r#"
    userhaul.toml:6: `user_ids` in [sources.surveys] names a file that does not exist: `nowhere.txt`
      paths are relative to the folder of the configuration
    userhaul.toml:7: `wire` in [sources.surveys] begins with `~`, which means nothing here
      write `${HOME}` for your home folder
    "#);
}

#[test]
fn origins() {
    let urls = [
        "https://user:secret@api.example.com",
        "http://api.example.com",
        "http://127.0.0.1.example.com",
        "ftp://api.example.com",
        "https://api.example.com/?key=secret",
        "https://api.example.com/#secret",
        "api.example.com",
        "https://",
    ];
    let told: Vec<_> = urls.iter().map(|url| refused(&format!("base_url = \"{url}\"\n"))).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    userhaul.toml:6: `base_url` in [sources.surveys] has credentials in it
      give them by the connector's own keys
    userhaul.toml:6: `base_url` in [sources.surveys] would send credentials unencrypted
      write `https://`; `http://` is for loopback hosts only
    userhaul.toml:6: `base_url` in [sources.surveys] would send credentials unencrypted
      write `https://`; `http://` is for loopback hosts only
    userhaul.toml:6: `base_url` in [sources.surveys] is not an `https://` URL
      such as `https://api.example.com`
    userhaul.toml:6: `base_url` in [sources.surveys] has a query in it
      leave out the `?` and what follows
    userhaul.toml:6: `base_url` in [sources.surveys] has a fragment in it
      leave out the `#` and what follows
    userhaul.toml:6: `base_url` in [sources.surveys] is not a URL: relative URL without a base
      write it in full, such as `https://api.example.com`
    userhaul.toml:6: `base_url` in [sources.surveys] is not a URL: empty host
      write it in full, such as `https://api.example.com`
    "#);
}

#[test]
fn no_message_shows_a_secret() {
    let secret = "secret-value";
    for lines in [
        "token = \"secret-value\"\n",
        "privacy = { hash = [\"email\"], key = [\"secret-value\"] }\n",
        "privacy = { hash = [\"email\"], key = { value = \"secret-value\" } }\n",
        "privacy = { hash = [\"email\"], key = \"secret-value${\" }\n",
        "privacy = { hash = [\"email\"], key = \"${secret-value}\" }\n",
        "privacy = { hash = [\"email\"], key = \"secret-value\\n\" }\n",
        "privacy = { hash = [\"email\"], key = \"secret-value }\n",
        "privacy = { hash = [\"email\"], key = secret-value }\n",
        "base_url = \"ftp://secret-value@x.example.com/secret-value\"\n",
    ] {
        let told = refused(lines);
        assert!(told != "no problem" && !told.contains(secret), "{told}");
    }
}
