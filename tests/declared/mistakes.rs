//! Mistakes in a declared connector: file, line, what is wrong, what was probably meant.

use crate::{Declared, folder::Folder, server::Server};

const CONNECTOR: &str = r#"connector = "crm"
base_url = "https://api.example.com"
auth = { kind = "bearer" }

[streams.contacts]
path = "/v1/contacts"
paging = { kind = "page_number", page = "page" }
axes = [{ kind = "window", from = "since", format = "day", by = "updated_at" }]
primary_key = ["id"]

[streams.contacts.columns]
id = "id"
name = { first = "text", last = "text" }
money = "double"
updated_at = "instant"

[streams.contacts.unified.users]
email = "name/first"
created_at = "updated_at"
"#;

/// What the program says to the connector with `from` replaced by `to`.
fn told(from: &str, to: &str) -> String {
    assert!(CONNECTOR.contains(from), "{from}");
    let folder = Folder::with(
        "[destination]\ntype = \"parquet\"\npath = \"w\"\n[sources.it]\nconnector = \"./crm.toml\"\ntoken = \"x\"\n",
    );
    folder.write("crm.toml", &CONNECTOR.replacen(from, to, 1));
    let outcome = folder.run(&["plan"]);
    assert_eq!(outcome.code, 2, "{}{}", outcome.stdout, outcome.stderr);
    outcome.stderr.trim_start_matches("error: ").replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn each_is_told_with_its_line() {
    let mut wrong = Vec::new();
    for (from, to, line, words) in [
        ("path = \"/v1", "pth = \"/v1", 6, "`path`"),
        ("page = \"page\"", "pag = \"page\"", 7, "`page`"),
        ("path = \"/v1/contacts\"\n", "", 5, "missing key `path`"),
        ("path = \"/v1/contacts\"", "path = \"v1/contacts\"", 6, "must begin with `/`"),
        ("path = \"/v1/contacts\"", "path = \"/v1/{org}/contacts\"", 6, "no axis fills `{org}`"),
        ("path = \"/v1/contacts\"", "path = 3", 6, "expected a text, found the number `3`"),
        ("primary_key = [\"id\"]", "primary_key = \"id\"", 9, "expected a list `[…]`"),
        ("kind = \"page_number\"", "kind = \"page_numbers\"", 7, "did you mean `page_number`?"),
        ("page_number\", page = \"page\"", "unknown\", page = \"page\"", 7, "unknown key `page`"),
        ("by = \"updated_at\"", "by = \"updatedat\"", 8, "no column `updatedat`"),
        ("by = \"updated_at\"", "by = \"id\"", 8, "expected instant"),
        ("primary_key = [\"id\"]", "primary_key = [\"uid\"]", 9, "no column `uid`"),
        ("primary_key = [\"id\"]", "primary_key = [\"money\"]", 9, "`double`"),
        ("id = \"id\"\n", "id = \"ident\"\n", 12, "unknown type `ident`"),
        ("money = \"double\"", "ID = \"double\"", 14, "both the column `id`"),
        ("money = \"double\"", "_extra = \"double\"", 14, "cannot be a column"),
        ("email = \"name", "emial = \"name", 18, "did you mean `email`?"),
        ("email = \"name/first\"", "email = \"name/frist\"", 18, "did you mean `first`?"),
        ("email = \"name/first\"", "email = \"name\"", 18, "name a member"),
        (
            "created_at = \"updated_at\"",
            "created_at = \"money\"",
            19,
            "`double`, which does not fit instants",
        ),
        (
            "created_at = \"updated_at\"",
            "status = { column = \"id\", activ = [\"x\"] }",
            19,
            "did you mean `active`?",
        ),
        ("unified.users]", "unified.people]", 17, "unknown unified table `people`"),
        ("auth = { kind = \"bearer\" }", "auth = { kind = \"beaer\" }", 3, "did you mean `bearer`?"),
        (
            "auth = { kind = \"bearer\" }",
            "auth = { kind = \"bearer\", setting = \"timeout\" }",
            3,
            "every source has that key",
        ),
        (
            "auth = { kind = \"bearer\" }",
            "headers = { Authorization = \"x\" }",
            3,
            "credentials are settings",
        ),
        (
            "primary_key = [\"id\"]",
            "primary_key = [\"id\"]\naliases = { money = [\"a/b/c\"] }",
            10,
            "two steps at most",
        ),
        (
            "primary_key = [\"id\"]",
            "primary_key = [\"_key\"]\nsynthetic_key = \"idd\"",
            10,
            "unknown field `idd`; did you mean `id`?",
        ),
        (
            "created_at = \"updated_at\"\n",
            "[streams.lines]\nderived = { stream = \"contacts\", field = \"lines\", inherits = { contact = \"idd\" } }\nprimary_key = [\"x\"]\n[streams.lines.columns]\nx = \"id\"\n",
            20,
            "no column for a field `idd`",
        ),
        (
            "created_at = \"updated_at\"\n",
            "[streams.lines]\nderived = { stream = \"contacts\", field = \"lines\" }\nprimary_key = [\"x\"]\ncolumns = { x = \"id\" }\n[streams.taxes]\nderived = { stream = \"lines\", field = \"taxes\" }\nprimary_key = [\"x\"]\ncolumns = { x = \"id\" }\n",
            24,
            "`lines` is derived itself",
        ),
        (
            "created_at = \"updated_at\"\n",
            "[[streams.contacts.unified.metrics]]\nmetric = { value = \"m\" }\nvalue = \"money\"\n[[streams.contacts.unified.metrics]]\nmetric = { value = \"m\" }\nvalue = \"money\"\n",
            19,
            "two blocks give the metric `m`",
        ),
        ("page = \"page\" }", "size = \"page\" }", 7, "missing key `page` in [streams.contacts.paging]"),
        ("primary_key = [\"id\"]", "primary_key = [\"id\"]\nitems = [\"rows\"]", 10, "`rows` is no pointer"),
        (
            "primary_key = [\"id\"]",
            "primary_key = [\"id\"]\nparams = { org = \"${ORG}\" }",
            10,
            "holds no variables",
        ),
        (
            "primary_key = [\"id\"]",
            "primary_key = [\"id\"]\naliases = { monny = [\"amount\"] }",
            10,
            "did you mean `money`?",
        ),
        (
            "axes = [{ kind = \"window\", from = \"since\", format = \"day\", by = \"updated_at\" }]",
            "mode = \"incremental\"",
            8,
            "needs a window",
        ),
        (
            "axes = [{ kind = \"window\", from = \"since\", format = \"day\", by = \"updated_at\" }]",
            "needs = [\"firms\"]",
            8,
            "no stream `firms`",
        ),
        (
            "primary_key = [\"id\"]",
            "primary_key = [\"id\"]\nauth = { kind = \"query\", paramter = \"x\" }",
            10,
            "did you mean `parameter`?",
        ),
        ("connector = \"crm\"\n", "", 0, "missing key `connector`"),
        ("connector = \"crm\"", "connector = \"CRM\"", 1, "small letters"),
        ("connector = \"crm\"", "connector = crm", 1, "not valid TOML"),
    ] {
        let told = told(from, to);
        let place = if line == 0 { "crm.toml: ".to_owned() } else { format!("crm.toml:{line}: ") };
        if !told.contains(&place) || !told.contains(words) {
            wrong.push(format!("{to}\nexpected {place} … {words}\n{told}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_that_is_not_there_and_one_that_cannot_be_read() {
    let folder = Folder::with(
        "[destination]\ntype = \"parquet\"\npath = \"w\"\n[sources.it]\nconnector = \"./crm.toml\"\n",
    );
    let outcome = folder.run(&["plan"]);
    assert_eq!(outcome.code, 2);
    assert!(
        outcome.stderr.contains("userhaul.toml:5") && outcome.stderr.contains("`./crm.toml`"),
        "{}",
        outcome.stderr
    );
    std::fs::write(folder.path().join("crm.toml"), [0xff, 0xfe]).expect("a file");
    let outcome = folder.run(&["plan"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("crm.toml: cannot read the connector"), "{}", outcome.stderr);
}

#[test]
fn its_own_keys_may_be_defaults() {
    let folder = Folder::with(
        "[destination]\ntype = \"parquet\"\npath = \"w\"\n[defaults]\ntoken = \"x\"\n[sources.it]\nconnector = \"./crm.toml\"\n",
    );
    folder.write("crm.toml", CONNECTOR);
    let outcome = folder.run(&["plan"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
}

#[test]
fn its_own_keys_are_keys_of_the_source() {
    let server = Server::start(|_, _| crate::server::Answer::refused(500, "nobody asks"));
    let connector = CONNECTOR
        .replace("kind = \"bearer\"", "kind = \"header\", header = \"X-Key\", setting = \"access_key\"");
    let declared = Declared::new(server, &connector, "acess_key = \"x\"");
    let outcome = declared.run(&["plan"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("did you mean `access_key`?"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("missing key `access_key`"), "{}", outcome.stderr);
    assert!(declared.server.asked().is_empty());
}
