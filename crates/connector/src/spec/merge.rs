//! A user's corrections over the built-in facts.

/// Merges `corrections` into `facts`: tables key by key, everything else by replacement, and so a table that is of
/// another `kind`.
pub(crate) fn over(facts: &mut toml::Table, corrections: &toml::Table) {
    for (key, value) in corrections {
        match (facts.get_mut(key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(correction))
                if same_kind(inner, correction) =>
            {
                over(inner, correction);
            }
            _ => {
                facts.insert(key.clone(), value.clone());
            }
        }
    }
}

fn same_kind(facts: &toml::Table, correction: &toml::Table) -> bool {
    correction.get("kind").is_none_or(|kind| facts.get("kind") == Some(kind))
}
