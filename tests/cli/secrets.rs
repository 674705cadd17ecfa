//! No credential and no address of a person in anything that is not data.

use userhaul_simulator::{Vendor, thrive};

use crate::{
    folder::{Folder, Outcome},
    vendors::{self, config, lms, surveys},
};

/// What stands in files and outputs of a folder; the configuration is the user's own.
fn holds(folder: &Folder, secret: &str) -> Vec<String> {
    let found = |path: &String| {
        let bytes = std::fs::read(folder.path().join(path)).expect("a file");
        path.contains(secret) || bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
    };
    folder.files().into_iter().filter(|path| path != "userhaul.toml").filter(found).collect()
}

#[test]
fn a_credential_is_written_nowhere() {
    let scenario = format!(
        "[thrive]\nfaults = [{{ path = \"/rest/v1/tags\", times = 0, kind = \"status\", status = 400, body = \"key {} of ann.lee@example.com\" }}]",
        thrive::API_KEY
    );
    let thrive = vendors::start(Vendor::Thrive, &scenario);
    let sprig = vendors::start(Vendor::Sprig, "");
    let folder =
        Folder::with(&config(&[lms(&thrive.running.base_url, ""), surveys(&sprig.running.base_url, "")]));
    let outcomes: Vec<Outcome> = [
        &["sync", "--json", "-v"][..],
        &["sync", "lms.tags", "--log-format", "json", "-v"],
        &["check", "-v"],
        &["plan", "--json"],
        &["streams", "--json"],
        &["runs", "--json"],
    ]
    .iter()
    .map(|arguments| folder.run(arguments))
    .collect();
    assert_eq!(outcomes[0].code, 3, "{}", outcomes[0].stderr);
    assert!(outcomes[0].stderr.contains("answered 400: key *** of ***@***"), "{}", outcomes[0].stderr);
    // Besides the key itself, the form in which HTTP Basic sends it.
    let encoded = "ZXUtd2VzdC0yX0RlbW9UZW5hbjpkZW1vLXRocml2ZS1rZXk";
    for secret in ["demo-thrive-key", "demo-sprig-key", encoded] {
        assert_eq!(holds(&folder, secret), Vec::<String>::new(), "{secret}");
        assert!(
            outcomes
                .iter()
                .all(|outcome| !outcome.stdout.contains(secret) && !outcome.stderr.contains(secret)),
            "{secret}"
        );
    }
    assert!(
        folder.files().iter().any(|path| path.starts_with("state/userhaul/quota/")),
        "{:?}",
        folder.files()
    );
    for outcome in &outcomes {
        assert!(!outcome.stdout.contains("@example") && !outcome.stderr.contains("@example"), "{outcome:?}");
    }
    let records = folder.files().into_iter().filter(|path| path.contains("_userhaul/"));
    for path in records {
        assert!(
            !std::fs::read_to_string(folder.path().join(&path)).unwrap_or_default().contains("@example"),
            "{path}"
        );
    }
}

#[test]
fn a_persons_address_in_a_path_is_masked() {
    let scenario =
        "[sprig]\nfaults = [{ path = \"/v2/users/\", times = 0, kind = \"status\", status = 400 }]";
    let sprig = vendors::start(Vendor::Sprig, scenario);
    let folder = Folder::with(&config(&[surveys(&sprig.running.base_url, "user_ids = \"ids.txt\"")]));
    folder.write("ids.txt", "ann.lee@example.com\n");
    let outcome = folder.run(&["sync", "surveys.users", "-v", "--json"]);
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    assert!(!format!("{outcome:?}").contains("ann.lee"), "{outcome:?}");
    let scenario = "[sprig]\nfaults = [{ path = \"/v2/users/\", times = 0, kind = \"status\", status = 200, body = \"[\" }]";
    let sprig = vendors::start(Vendor::Sprig, scenario);
    folder.write("userhaul.toml", &config(&[surveys(&sprig.running.base_url, "user_ids = \"ids.txt\"")]));
    let outcome = folder.run(&["sync", "surveys.users", "-v", "--json"]);
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    assert!(!format!("{outcome:?}").contains("ann.lee"), "{outcome:?}");
}
