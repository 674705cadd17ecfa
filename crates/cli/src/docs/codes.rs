//! The page of all codes.

use userhaul_connector::code::ENTRIES;

const HEAD: &str = "# Codes of warnings and failures

Every warning, finding and failure has a code. It stands in brackets at the end of the message, as `code` in each line of \
`--log-format json`, in run records as `warning_codes` (in the order of `warnings`), `reason_code` and `error.code`, and in the errors \
file of a push. Codes are stable: look for them in scripts and alerts, not for the words beside them. `userhaul explain CODE` \
prints what stands here.
";

/// The page.
pub(super) fn page() -> String {
    let mut text = HEAD.to_owned();
    let mut area = "";
    for entry in ENTRIES {
        if entry.area != area {
            area = entry.area;
            text.push_str(&format!("\n## {area}\n"));
        }
        text.push_str(&format!(
            "\n### `{}`\n\n{}\n\n- What userhaul did: {}\n- What to do: {}\n",
            entry.word,
            entry.means.trim(),
            lower(entry.did.trim()),
            lower(entry.remedy.trim())
        ));
    }
    text
}

/// A sentence behind a colon.
fn lower(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let first = letters.next().map(|first| first.to_lowercase());
    first.into_iter().flatten().chain(letters).collect()
}
