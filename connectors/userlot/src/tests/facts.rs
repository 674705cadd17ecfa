//! What `connector.toml` says, and what settings make of it.

use super::*;

#[test]
fn every_stream_has_its_key_partition_and_paging() {
    let connector = userlot();
    let line = |stream: &StreamSpec| {
        let partition = match &stream.partition {
            PartitionBy::One => "one",
            PartitionBy::Bucket => "bucket",
            PartitionBy::Value(_) | PartitionBy::Month(_) => "other",
        };
        let paging = match &stream.paging {
            Paging::None => "none",
            Paging::Unknown => "unknown",
            _ => "other",
        };
        let asked = match &stream.derived {
            Some(derived) => format!("{}.{}", derived.stream, derived.field),
            None => format!("{}{}", if stream.experimental { "? " } else { "" }, stream.path),
        };
        format!("{}: {} {partition} {paging} {asked}", stream.name, stream.table.primary_key.join("+"))
    };
    let lines: Vec<_> = connector.spec().streams.values().map(line).collect();
    assert_eq!(
        lines,
        [
            "companies: id one unknown /api/v1/companies",
            "company_revenue: company_id+_key bucket unknown /api/v1/companies/{id}/revenue",
            "company_fields: _key one unknown /api/v1/company_fields",
            "company_statuses: id one unknown /api/v1/company_statuses",
            "end_users: id one unknown /api/v1/end_users",
            "end_user_fields: _key one unknown /api/v1/end_user_fields",
            "teams: id one unknown /api/v1/teams",
            "tasks: id one unknown /api/v1/tasks",
            "task_statuses: id one none tasks.task_status",
            "task_categories: id one none tasks.task_category",
            "team_users: id one none tasks.user",
            "company_detail: id bucket none ? /api/v1/companies/{id}",
            "task_status_list: _key one unknown ? /api/v1/task_statuses",
            "task_category_list: _key one unknown ? /api/v1/task_categories",
            "activity_types: _key one unknown ? /api/v1/activity_types",
            "users: _key one unknown ? /api/v1/users",
            "life_cycles: _key one unknown ? /api/v1/life_cycles",
            "life_cycle_stages: _key one unknown ? /api/v1/life_cycle_stages",
            "tickets: _key one unknown ? /api/v1/tickets",
            "products: _key one unknown ? /api/v1/products",
        ]
    );
}

#[test]
fn every_column_is_documented_and_has_the_type_of_the_contract() {
    let connector = userlot();
    let columns = |stream: &str| {
        let stream = connector.spec().stream(stream).unwrap();
        assert!(stream.columns().all(|column| !column.doc.is_empty()), "{}", stream.name);
        stream
            .columns()
            .map(|column| format!("{} {}", column.name, column.kind.describe()))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let company = "id id, created_at instant, updated_at instant, friendly_id int, name text, \
        emails list<text>, \
        health_score double, health_score_diff double, last_seen_at instant, health_category json, \
        owner_user_id id, \
        mrr decimal, arr decimal, start_date date, renewal_date date, life_cycle_stage_id id, status_id id, \
        life_cycle_id id, external_id id, custom_fields map";
    let field = "id id, created_at instant, updated_at instant, name text, attribute_name text, \
        field_type text, required bool, product_id id";
    let task_status = "id id, created_at instant, updated_at instant, name text, default bool, \
        complete_task bool, color text";
    let category = "id id, created_at instant, updated_at instant, name text";
    let member = "id id, created_at instant, updated_at instant, first_name text, last_name text, name text, \
        nickname text, email text";
    let team = "id id, created_at instant, updated_at instant, name text, description text, product_id id";
    let task = format!(
        "id id, created_at instant, updated_at instant, friendly_id int, title text, description text, \
         priority int, busy bool, due_at instant, end_at instant, task_status {}, task_category {}, \
         activity_type json, user {}, \
         team {}, product_id id, task_status_id id, task_category_id id, user_id id, team_id id",
        structure(task_status),
        structure(category),
        structure(member),
        structure(team)
    );
    for (stream, expected) in [
        ("companies", company),
        ("company_detail", company),
        (
            "company_revenue",
            "company_id id, id id, created_at instant, updated_at instant, mrr decimal, arr decimal, \
             start_date date, renewal_date date",
        ),
        ("company_fields", field),
        ("end_user_fields", field),
        (
            "company_statuses",
            "id id, created_at instant, updated_at instant, name text, default bool, color text",
        ),
        (
            "end_users",
            "id id, created_at instant, updated_at instant, friendly_id int, first_name text, \
             last_name text, \
             name text, email text, company_id id, external_id id, last_seen_at instant, custom_fields map",
        ),
        ("teams", &format!("{team}, users json")),
        ("tasks", &task),
        ("task_statuses", task_status),
        ("task_status_list", task_status),
        ("task_categories", category),
        ("task_category_list", category),
        ("team_users", member),
        ("users", member),
        ("activity_types", category),
        ("life_cycles", category),
        ("life_cycle_stages", category),
        ("products", category),
        ("tickets", "id id, created_at instant, updated_at instant"),
    ] {
        assert_eq!(columns(stream), expected, "{stream}");
    }
}

fn structure(members: &str) -> String {
    let members: Vec<_> = members.split(", ").map(|member| member.replace(' ', ": ")).collect();
    format!("struct<{}>", members.join(", "))
}

#[test]
fn revenue_is_asked_company_by_company() {
    let connector = userlot();
    let Some(Axis::Parent(parent)) =
        connector.spec().stream("company_revenue").unwrap().axes.first().cloned()
    else {
        panic!("no parent axis");
    };
    assert_eq!(
        (&*parent.stream, &*parent.key, &*parent.param, parent.gone),
        ("companies", "id", "id", vec![404])
    );
}

#[test]
fn what_unifies_is_a_stream_and_what_it_looks_up_is_declared() {
    let connector = userlot();
    let spec = connector.spec();
    assert!(REGISTRATION.unifies.iter().all(|(stream, _)| spec.stream(stream).is_some()));
    assert_eq!(spec.stream("companies").unwrap().depends_on(), ["company_fields", "company_statuses"]);
    assert_eq!(spec.stream("end_users").unwrap().depends_on(), ["end_user_fields"]);
}

#[test]
fn the_base_url_ends_before_the_version() {
    for (given, expected) in [
        ("https://acme.example.com", "https://acme.example.com"),
        (" https://acme.example.com/ ", "https://acme.example.com"),
        ("https://acme.example.com/api", "https://acme.example.com"),
        ("https://acme.example.com/api/v1/", "https://acme.example.com"),
        ("http://127.0.0.1:8080/userlot/api/v1", "http://127.0.0.1:8080/userlot"),
        ("https://acme.example.com/myapi", "https://acme.example.com/myapi"),
        ("https://api", "https://api"),
    ] {
        assert_eq!(built(Some(given), "k").unwrap().spec().base_url.as_deref(), Some(expected));
    }
}

#[test]
fn a_source_without_address_or_key_is_refused() {
    let key = |built: Result<Box<dyn Connector>, SettingsError>| built.err().unwrap().key;
    assert_eq!(key(built(None, "k")), Some("base_url"));
    assert_eq!(key(built(Some(" / "), "k")), Some("base_url"));
    assert_eq!(key(built(Some("https://acme.example.com"), " \n")), Some("api_key"));
}

#[test]
fn the_key_is_sent_bare_and_trimmed() {
    let connector = built(Some("https://acme.example.com"), " ul_test\n").unwrap();
    let AuthSpec::Header { name, scheme, key } = connector.auth(connector.spec().stream("teams").unwrap())
    else {
        panic!("no header");
    };
    assert_eq!((&*name, scheme, key.expose_secret()), ("ApiKey", None, "ul_test"));
}
