//! What a user sets for a source, and what it changes in the facts.

use secrecy::SecretString;
use userhaul_connector::{
    settings::{SettingKind, SettingSpec, Settings, SettingsError},
    spec::{Axis, ConnectorSpec, Paging, Pass, StreamSpec},
};

/// The keys of a source besides those that every source takes.
pub(crate) const SETTINGS: &[SettingSpec] = &[
    SettingSpec {
        name: "api_key",
        kind: SettingKind::Secret,
        required: true,
        help: "Key of one environment of a product: Integrations, Sources, Enrichment, Data Import API",
        example: "\"${SPRIG_API_KEY}\"",
    },
    SettingSpec {
        name: "user_ids",
        kind: SettingKind::File,
        required: false,
        help: "More user ids than those of the answers: one a line, or a column of a Parquet or CSV file",
        example: "\"user_ids.txt\"",
    },
    SettingSpec {
        name: "with",
        kind: SettingKind::TextList,
        required: false,
        help: "What answers carry besides: `snapshots`, `urls`, `meta`, `custom_metadata`, `deleted_responses`",
        example: "[\"urls\", \"meta\"]",
    },
];

/// 3.2.1: the words of `with`, each a set of parameters in the facts.
const WITH: &[&str] = &["snapshots", "urls", "meta", "custom_metadata", "deleted_responses"];

/// 3.2.1: with snapshots rows are so large that pages begin small.
const ROWS_WITH_SNAPSHOTS: u32 = 200;

/// Checks the settings, applies them to the facts, and gives the key.
pub(crate) fn apply(spec: &mut ConnectorSpec, settings: &Settings) -> Result<SecretString, SettingsError> {
    let key = settings.secret("api_key").cloned();
    let key = key.ok_or_else(|| SettingsError::about("api_key", "a key is needed"))?;
    let words = settings.list("with");
    if let Some(unknown) = words.iter().find(|word| !WITH.contains(&word.as_str())) {
        let message = format!("unknown word `{unknown}`; one of {}", WITH.join(", "));
        return Err(SettingsError::about("with", message));
    }
    if let Some(responses) = spec.streams.get_mut("responses") {
        for word in WITH.iter().filter(|known| words.iter().any(|word| word == *known)) {
            carry(responses, word);
        }
    }
    Ok(key)
}

/// Asks for what `with` names.
fn carry(responses: &mut StreamSpec, word: &str) {
    let flag = responses.on_demand(word).to_vec();
    if word == "deleted_responses" {
        // Whether the flag adds the deleted rows or gives nothing else is not published (assumption 9): both walks.
        // The flagged one is last: a row deleted in between keeps its `deleted_at`.
        let pass = |params| Pass { params, windowed: true, all_of: None };
        responses.axes.push(Axis::Passes(vec![pass(Vec::new()), pass(flag)]));
        return;
    }
    responses.params.extend(flag);
    if word == "snapshots"
        && let Paging::Cursor(paging) = &mut responses.paging
    {
        paging.rows = paging.rows.map(|rows| rows.min(ROWS_WITH_SNAPSHOTS));
    }
}
