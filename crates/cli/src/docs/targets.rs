//! What can be written: one table of all targets, and a section a target on its connector's page.

use userhaul_connector::{
    Registration,
    push::{Open, TargetSpec},
    spec::ConnectorSpec,
};

use super::{code, markdown};
use crate::registry::CONNECTORS;

/// All targets.
pub(super) fn table() -> String {
    let rows = CONNECTORS.iter().flat_map(|registration| {
        let row = |target: &TargetSpec| {
            let name = format!("{}.{}", registration.name, target.name);
            let link = format!("[`{name}`](connectors/{}.md#push-{})", registration.name, target.name);
            let needs = match (target.confirm, target.replaces) {
                (Some(why), _) => format!("always: {why}"),
                (None, Some(what)) => format!("with `--replace`, which {what}"),
                (None, None) => "never".to_owned(),
            };
            vec![link, target.about.to_owned(), needs]
        };
        registration.targets.iter().map(row).collect::<Vec<_>>()
    });
    markdown(&["target", "what is written", "`--yes` is needed"], rows)
}

/// The sections of a connector's page.
pub(super) fn sections(registration: &Registration, spec: &ConnectorSpec) -> String {
    if registration.targets.is_empty() {
        return String::new();
    }
    let mut text = "\n## Push\n\nWhat [`userhaul push`](../push.md) writes.\n".to_owned();
    for target in registration.targets {
        text.push_str(&section(target, spec));
    }
    text
}

fn section(target: &TargetSpec, spec: &ConnectorSpec) -> String {
    let mut text = format!("\n### push {}\n\n{}.\n\n", target.name, target.about);
    if let Some(facts) = spec.push.get(target.name) {
        for (purpose, path) in facts.paths() {
            text.push_str(&format!("- Path ({purpose}): {}\n", code(path)));
        }
        for (purpose, limit) in facts.limits() {
            text.push_str(&format!("- At most {limit} {purpose} a request\n"));
        }
        text.push_str(&format!("- Vendor documentation: <{}>\n", facts.docs));
        if let Some(assumption) = &facts.assumption {
            text.push_str(&format!("- Assumptions: {assumption}\n"));
        }
    }
    text.push_str(&match target.open {
        Open::Closed => String::new(),
        Open::All => "- Every other column is an attribute, but for those that begin with `_`\n".to_owned(),
        Open::Below(prefix) => format!("- A column `{prefix}.NAME` is a member of `{prefix}`\n"),
        Open::Custom(stream) => {
            format!("- A column that is a custom field, by {}, goes there\n", code(stream))
        }
    });
    text.push('\n');
    let rows = target.fields.iter().map(|field| {
        let also = field.also.iter().map(|name| code(name)).collect::<Vec<_>>().join(", ");
        vec![code(field.name), also, field.kind.describe(), field.help.to_owned()]
    });
    text.push_str(&markdown(&["field", "also", "type", "meaning"], rows));
    text
}
