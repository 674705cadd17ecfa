//! The values that the switches take.

use std::collections::BTreeMap;

use crate::core::server::Core;

/// The words of each switch that takes words; every other switch takes a whole number.
pub(super) const WORDS: &[(&str, &[&str])] = &[
    ("irregular", &["on", "off"]),
    ("token_auth", &["both", "basic", "body"]),
    ("token_scope", &["accepted", "refused"]),
    ("token_expires_in_shape", &["number", "string", "absent"]),
    ("token_type", &["Bearer", "bearer", "BEARER"]),
    ("order", &["newest", "oldest", "random"]),
    ("updated_since", &["on", "ignored", "refused"]),
    ("unfiltered_users", &["all", "active_new"]),
    ("no_users", &["empty", "404"]),
    ("deleted_users", &["kept", "removed"]),
    ("derived_updates", &["off", "on"]),
    ("structure_members", &["empty", "rolled_up", "400", "404", "422"]),
    ("zone", &["UTC", "Europe/London"]),
    ("bounds", &["exclusive", "inclusive"]),
    ("cpd_entry_dates", &["both", "date", "long"]),
    ("assignments_audience", &["optional", "required"]),
    ("tags_paging", &["pages", "everything", "repeating"]),
    ("gateway", &["off", "html_502", "forbidden_403"]),
    ("beyond", &["empty", "404"]),
    ("per_page", &["refuse", "cap"]),
    ("pagination_numbers", &["integer", "float"]),
    ("pagination", &["present", "absent"]),
];

/// Notes each switch whose value means nothing as a violation, so that a misspelt scenario does not pass unseen.
pub(super) fn check(core: &Core) {
    for name in meaningless(core.switches.all()) {
        core.violation(format!("the value of switch `{name}` means nothing"));
    }
}

fn meaningless(switches: &BTreeMap<&'static str, String>) -> Vec<&'static str> {
    let right = |name: &str, value: &str| match WORDS.iter().find(|(known, _)| *known == name) {
        Some((_, words)) => words.contains(&value),
        None => value.parse::<u64>().is_ok(),
    };
    switches.iter().filter(|(name, value)| !right(name, value)).map(|(&name, _)| name).collect()
}

#[test]
fn every_default_means_something_and_every_word_list_has_a_switch() {
    let defaults = super::SWITCHES.iter().map(|&(name, value)| (name, value.to_owned())).collect();
    assert_eq!(meaningless(&defaults), Vec::<&str>::new());
    for (name, words) in WORDS {
        let default = super::SWITCHES.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
        assert_eq!(default, words.first().copied(), "{name}");
    }
    let wrong = [("order", "newset".to_owned()), ("page_cap", "ten".to_owned())].into();
    assert_eq!(meaningless(&wrong), ["order", "page_cap"]);
}
