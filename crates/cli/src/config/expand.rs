//! `${VAR}` in texts. Pure: the caller looks variables up.

/// A text with its variables put in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expanded {
    /// The text.
    pub(super) text: String,
    /// Whether a variable stood in it.
    pub(super) has_variables: bool,
}

/// Why a text cannot be expanded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The variable is not set.
    Unset(String),
    /// There is no `}` after a `${`.
    Unclosed,
    /// What stands between the braces is no name. It is not kept: it may be a part of a secret.
    NoName,
}

/// Puts variables in for `${VAR}`, and `${` for `$${`. All faults are told.
pub(super) fn expand(
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Expanded, Vec<Fault>> {
    let mut expanded = Expanded { text: String::with_capacity(text.len()), has_variables: false };
    let mut faults = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            expanded.text.push_str(before);
            expanded.text.push_str("${");
            rest = after;
            continue;
        }
        expanded.text.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            faults.push(Fault::Unclosed);
            rest = "";
            break;
        };
        expanded.has_variables = true;
        match is_name(name).then(|| environment(name)) {
            Some(Some(value)) => expanded.text.push_str(&value),
            Some(None) => faults.push(Fault::Unset(name.to_owned())),
            None => faults.push(Fault::NoName),
        }
        rest = behind;
    }
    expanded.text.push_str(rest);
    if faults.is_empty() { Ok(expanded) } else { Err(faults) }
}

/// Whether the text can be the name of an environment variable.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::{Expanded, Fault, expand};

    fn environment(name: &str) -> Option<String> {
        match name {
            "A" => Some("one".to_owned()),
            "B_2" => Some("${A}".to_owned()),
            _ => None,
        }
    }

    fn expanded(text: &str) -> Result<Expanded, Vec<Fault>> {
        expand(text, &environment)
    }

    fn text(text: &str, has_variables: bool) -> Result<Expanded, Vec<Fault>> {
        Ok(Expanded { text: text.to_owned(), has_variables })
    }

    #[test]
    fn puts_variables_in_anywhere_and_once() {
        assert_eq!(expanded("plain $ text}"), text("plain $ text}", false));
        assert_eq!(expanded("${A}"), text("one", true));
        assert_eq!(expanded("a ${A}-${A} z"), text("a one-one z", true));
        assert_eq!(expanded("${B_2}"), text("${A}", true));
    }

    #[test]
    fn a_doubled_dollar_stands_for_itself() {
        assert_eq!(expanded("$${A}"), text("${A}", false));
        assert_eq!(expanded("$${A} ${A}"), text("${A} one", true));
        assert_eq!(expanded("$$A"), text("$$A", false));
    }

    #[test]
    fn tells_all_faults() {
        assert_eq!(
            expanded("${X} ${Y}"),
            Err(vec![Fault::Unset("X".to_owned()), Fault::Unset("Y".to_owned())])
        );
        assert_eq!(expanded("${A"), Err(vec![Fault::Unclosed]));
        assert_eq!(expanded("${} ${a-b}"), Err(vec![Fault::NoName, Fault::NoName]));
    }
}
