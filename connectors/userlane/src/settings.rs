//! What a user sets for a Userlane source, and whether it can be right.

use userhaul_connector::settings::{SettingKind, SettingSpec, Settings, SettingsError};

/// The keys of a source, besides those that every source takes.
pub(crate) const SETTINGS: &[SettingSpec] = &[
    SettingSpec {
        name: "token",
        kind: SettingKind::Secret,
        required: true,
        help: "API token of a Manager, from Settings > API Token in the Portal; a new one replaces the old",
        example: "\"${USERLANE_TOKEN}\"",
    },
    SettingSpec {
        name: "property_ids",
        kind: SettingKind::TextList,
        required: true,
        help: "Ids of the applications to read, as they stand in the Portal's URL while working in one",
        example: "[\"k3f9a\"]",
    },
    SettingSpec {
        name: "company_id",
        kind: SettingKind::Integer,
        required: false,
        help: "Number of the company, for pushing attributes that hold in all its applications",
        example: "4711",
    },
];

/// Refuses what no request could be right with.
pub(crate) fn check(settings: &Settings) -> Result<(), SettingsError> {
    let properties = settings.list("property_ids");
    if properties.is_empty() {
        // No call lists the applications.
        return Err(SettingsError::about(
            "property_ids",
            "names no application, and the API cannot list them",
        ));
    }
    for (index, property) in properties.iter().enumerate() {
        if property.trim() != property || property.is_empty() {
            return Err(SettingsError::about(
                "property_ids",
                "has an id that is empty or has blanks around it",
            ));
        }
        if properties[..index].contains(property) {
            return Err(SettingsError::about("property_ids", format!("names `{property}` twice")));
        }
    }
    if settings.integer("company_id").is_some_and(|id| id < 1) {
        return Err(SettingsError::about("company_id", "must be a positive number, as the Portal shows it"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use userhaul_connector::settings::SettingValue;

    use super::*;

    fn refusal(properties: &[&str], company: Option<i64>) -> Option<String> {
        let mut settings = Settings::default();
        let properties = properties.iter().map(|&id| id.to_owned()).collect();
        settings.set("property_ids", SettingValue::TextList(properties));
        if let Some(company) = company {
            settings.set("company_id", SettingValue::Integer(company));
        }
        check(&settings).err().map(|error| format!("{}: {error}", error.key.unwrap_or_default()))
    }

    #[test]
    fn settings_that_cannot_be_right_are_refused() {
        assert_eq!(refusal(&["k3f9a", "m2"], Some(4711)), None);
        for (properties, company, message) in [
            (&[][..], None, "property_ids: names no application, and the API cannot list them"),
            (&["k3f9a", ""], None, "property_ids: has an id that is empty or has blanks around it"),
            (&["k3f9a "], None, "property_ids: has an id that is empty or has blanks around it"),
            (&["a", "b", "a"], None, "property_ids: names `a` twice"),
            (&["a"], Some(0), "company_id: must be a positive number, as the Portal shows it"),
        ] {
            assert_eq!(refusal(properties, company).as_deref(), Some(message));
        }
    }
}
