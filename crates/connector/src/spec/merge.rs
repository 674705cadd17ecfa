//! A user's corrections over the built-in facts.

/// Merges `corrections` into `facts`: tables key by key, everything else by replacement.
pub(crate) fn over(facts: &mut toml::Table, corrections: &toml::Table) {
    for (key, value) in corrections {
        match (facts.get_mut(key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(correction)) => over(inner, correction),
            _ => {
                facts.insert(key.clone(), value.clone());
            }
        }
    }
}
