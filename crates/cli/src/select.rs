//! Which streams are meant: `source`, `source.stream`, or a glob of these.

use std::collections::BTreeSet;

pub(crate) use userhaul_connector::spec::glob as matches;
use userhaul_connector::{nearest::nearest, spec::ConnectorSpec};

use crate::failure::{Code, Failure};

/// The streams of a source that its configuration names: all stable ones where it names none.
///
/// # Errors
/// A message and a hint, when a pattern matches none.
pub(crate) fn configured(
    spec: &ConnectorSpec,
    patterns: &[String],
) -> Result<BTreeSet<String>, (String, String)> {
    if patterns.is_empty() {
        return Ok(spec
            .streams
            .values()
            .filter(|stream| !stream.experimental)
            .map(|stream| stream.name.clone())
            .collect());
    }
    let mut selected = BTreeSet::new();
    for pattern in patterns {
        let found: Vec<&String> = spec
            .streams
            .values()
            .filter(|stream| {
                matches(pattern, &stream.name) && (!stream.experimental || *pattern == stream.name)
            })
            .map(|stream| &stream.name)
            .collect();
        if found.is_empty() {
            return Err(no_stream(spec, pattern));
        }
        selected.extend(found.into_iter().cloned());
    }
    Ok(selected)
}

/// The streams of a source that the selections of the command line name, of those configured or, when named in full,
/// of all.
pub(crate) fn selected(
    spec: &ConnectorSpec,
    source: &str,
    configured: &BTreeSet<String>,
    selections: &[String],
    used: &mut BTreeSet<usize>,
) -> BTreeSet<String> {
    if selections.is_empty() {
        return configured.clone();
    }
    let mut selected = BTreeSet::new();
    for (index, selection) in selections.iter().enumerate() {
        match selection.split_once('.') {
            None if matches(selection, source) => {
                used.insert(index);
                selected.extend(configured.iter().cloned());
            }
            Some((source_pattern, stream_pattern)) if matches(source_pattern, source) => {
                for stream in spec.streams.keys() {
                    let named = stream_pattern == stream;
                    if named || (configured.contains(stream) && matches(stream_pattern, stream)) {
                        used.insert(index);
                        selected.insert(stream.clone());
                    }
                }
            }
            _ => {}
        }
    }
    selected
}

fn no_stream(spec: &ConnectorSpec, pattern: &str) -> (String, String) {
    let known: Vec<&str> = spec.streams.keys().map(String::as_str).collect();
    let hint = match nearest(pattern, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? The streams are {}", known.join(", ")),
        None => format!("the streams are {}", known.join(", ")),
    };
    (format!("`streams`: no stream `{pattern}`"), hint)
}

/// A selection that no source has; `names` are the sources and their streams.
pub(crate) fn unknown(selection: &str, names: &[String]) -> Failure {
    let kind = if selection.contains('.') { "stream" } else { "source" };
    let sources: Vec<&str> = names.iter().map(String::as_str).filter(|name| !name.contains('.')).collect();
    let near = nearest(selection, names.iter().map(String::as_str));
    let meant = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    let hint = format!("{meant}`userhaul streams` lists the streams of {}", sources.join(", "));
    Failure::usage(Code::UnknownName, format!("no {kind} `{selection}`"), Some(hint))
}

/// A selection that names a connector where a source is meant; `sources` are those that use it.
pub(crate) fn is_connector(connector: &str, sources: &[String]) -> Failure {
    let own = match sources {
        [] => format!("no source uses it: `connector = \"{connector}\"` under `[sources.NAME]` makes one"),
        [source] => format!("the source `{source}` uses it"),
        _ => format!("the sources that use it are {}", sources.join(", ")),
    };
    let hint =
        format!("{own}; `userhaul streams --wire {connector}` prints what the connector knows by itself");
    Failure::usage(Code::UnknownName, format!("`{connector}` is a connector, not a source"), Some(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, name, expected) in [
            ("*", "users", true),
            ("u*s", "users", true),
            ("u*x", "users", false),
            ("?sers", "users", true),
            ("user", "users", false),
            ("*_*", "user_events", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
