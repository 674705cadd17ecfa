//! `users`: one row an end-user and application.

use std::borrow::Cow;

use userhaul_connector::rows::{Rows, UnifyError};
use userhaul_record::{Attributes, Unified, User};

/// Profiles: status, names and address are not known to the vendor by those names, so they stay unknown.
pub(crate) fn unify(rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
    let (property_ids, user_ids) = (rows.text("property_id")?, rows.text("user_id")?);
    let (first, last) = (rows.instant("first_active_at")?, rows.instant("last_active_at")?);
    let (of_property, of_company) = (rows.map("property_attributes")?, rows.map("company_attributes")?);
    let of_unknown = rows.map("unknown_attributes")?;
    for (row, lineage) in rows.lineage()? {
        let user_id = user_ids.get(row);
        let Some(vendor_user_id) = vendor_user_id(property_ids.get(row), user_id) else { continue };
        let user = User {
            vendor_user_id: &vendor_user_id,
            external_id: user_id,
            first_seen_at: first.get(row),
            last_seen_at: last.get(row),
            attributes: attributes([
                ("", of_property.get(row).collect()),
                ("company", of_company.get(row).collect()),
                ("unknown", of_unknown.get(row).collect()),
            ]),
            ..User::default()
        };
        into.user(lineage, user);
    }
    Ok(())
}

/// `<property_id>/<userId>`, in events and answers too (contract section 6).
pub(crate) fn vendor_user_id(property_id: Option<&str>, user_id: Option<&str>) -> Option<String> {
    let user_id = user_id.filter(|id| !id.is_empty())?;
    Some(format!("{}/{user_id}", property_id?))
}

type Entries<'a> = Vec<(&'a str, Option<&'a str>)>;

/// All scopes in one map. A key in two of them is two attributes (vendors/userlane.md 1.2): the later scope's gets its
/// scope before it, once more where that name is taken, since no reader takes a map with a key twice.
fn attributes<'a>(scopes: [(&str, Entries<'a>); 3]) -> Attributes<'a> {
    let mut all = Attributes::new();
    for (scope, entries) in scopes {
        let own: Vec<&str> = entries.iter().map(|&(key, _)| key).collect();
        for (key, value) in entries {
            let mut name = Cow::from(key);
            while all.iter().any(|(taken, _)| *taken == name) || (name != key && own.contains(&name.as_ref()))
            {
                name = Cow::from(format!("{scope}.{name}"));
            }
            all.push((name, value.map(Cow::from)));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{records, rows};

    #[test]
    fn a_key_in_both_scopes_keeps_both_values() {
        let property = vec![("region", Some("North")), ("seat_count", Some("3"))];
        let company = vec![("region", Some("EMEA")), ("company.region", None), ("team", Some("Ops"))];
        let unknown = vec![("team", Some("IT")), ("site", None)];
        let all = attributes([("", property), ("company", company), ("unknown", unknown)]);
        let pairs: Vec<(&str, Option<&str>)> =
            all.iter().map(|(key, value)| (&**key, value.as_deref())).collect();
        assert_eq!(
            pairs,
            [
                ("region", Some("North")),
                ("seat_count", Some("3")),
                ("company.company.region", Some("EMEA")),
                ("company.region", None),
                ("team", Some("Ops")),
                ("unknown.team", Some("IT")),
                ("site", None),
            ]
        );
    }

    /// A-23: the attributes may stand in one object without scopes.
    #[test]
    fn attributes_without_a_scope_have_a_column_of_their_own() {
        let page = r#"[
            { "userId": "emp-1", "attributes": { "team": { "value": "Ops" }, "seats": 3, "note": null } },
            { "userId": "emp-2", "attributes": { "company": { "team": "IT" }, "site": "Oslo" } } ]"#;
        assert_eq!(
            rows("user_profiles", page),
            [
                "property_id=k3f9a | user_id=emp-1 | unknown_attributes={team: Ops, seats: 3, note: null}",
                "property_id=k3f9a | user_id=emp-2 | company_attributes={team: IT} | \
                 unknown_attributes={site: Oslo}",
            ]
        );
        let user = |id: &str, attributes: &str| {
            format!(
                "user_key=adoption:k3f9a/{id} | vendor_user_id=k3f9a/{id} | external_id={id} | status=unknown | \
                 attributes={{{attributes}}}"
            )
        };
        assert_eq!(
            records("user_profiles", page),
            [user("emp-1", "team: Ops, seats: 3, note: null"), user("emp-2", "team: IT, site: Oslo")]
        );
    }

    #[test]
    fn a_user_without_an_id_has_no_key() {
        assert_eq!(vendor_user_id(Some("k3f9a"), Some("emp-1")), Some("k3f9a/emp-1".to_owned()));
        assert_eq!(vendor_user_id(Some("k3f9a"), Some("")), None);
        assert_eq!(vendor_user_id(Some("k3f9a"), None), None);
    }

    #[test]
    fn a_profile_is_a_user_of_one_application() {
        let page = r#"{ "data": [
            { "userId": "emp-1", "internalId": "u_5d", "source": "snippet",
              "firstActiveAt": "2024-11-04T09:12:00.000Z", "lastActiveAt": "2025-03-02T08:02:55.870Z",
              "attributes": {
                "property": { "licence": { "value": "full" }, "seat_count": 3, "region": "" },
                "company": { "region": "EMEA", "team": { "value": null } } } },
            { "userId": "anon-7", "internalId": null, "source": "snippet", "firstActiveAt": null,
              "lastActiveAt": null, "attributes": { "property": {}, "company": {} } },
            { "user_id": "ada@example.com", "attributes": { "company": { "team": "Ops" } } } ],
            "pagination": { "page": 1, "pageSize": 100, "totalItems": 3, "totalPages": 1 } }"#;
        assert_eq!(
            rows("user_profiles", page),
            [
                "property_id=k3f9a | user_id=emp-1 | internal_id=u_5d | source=snippet | \
                 first_active_at=2024-11-04 09:12:00 | last_active_at=2025-03-02 08:02:55.870 | \
                 property_attributes={licence: full, seat_count: 3, region: } | \
                 company_attributes={region: EMEA, team: null}",
                "property_id=k3f9a | user_id=anon-7 | source=snippet | property_attributes={} | \
                 company_attributes={}",
                "property_id=k3f9a | user_id=ada@example.com | company_attributes={team: Ops}",
            ]
        );
        assert_eq!(
            records("user_profiles", page),
            [
                "user_key=adoption:k3f9a/emp-1 | vendor_user_id=k3f9a/emp-1 | external_id=emp-1 | \
                 status=unknown | first_seen_at=2024-11-04 09:12:00 | last_seen_at=2025-03-02 08:02:55.870 | \
                 attributes={licence: full, seat_count: 3, region: null, company.region: EMEA, team: null}",
                "user_key=adoption:k3f9a/anon-7 | vendor_user_id=k3f9a/anon-7 | external_id=anon-7 | \
                 status=unknown",
                "user_key=adoption:k3f9a/ada@example.com | vendor_user_id=k3f9a/ada@example.com | \
                 external_id=ada@example.com | status=unknown | attributes={team: Ops}",
            ]
        );
    }
}
