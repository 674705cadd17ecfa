//! Pages into columns. The samples have the shapes of section 4.

use super::*;

const COMPANIES: &str = include_str!("pages/companies.json");
const TASKS: &str = include_str!("pages/tasks.json");

#[test]
fn companies() {
    let custom = ["seats_purchased", "plan", "tags"];
    let batch = decode("companies", COMPANIES, &[], &custom).rows.unwrap();
    assert_eq!(
        shown(&batch),
        [
            "id: c0000000-0000-4000-8000-000000000001
created_at: 2025-02-03T08:09:10Z
updated_at: 2025-04-05T10:11:12Z
friendly_id: 4
name: Harbour Bakery
emails: []
health_score: 61.0
last_seen_at: 2025-06-30T23:59:59Z
owner_user_id: 50000000-0000-4000-8000-000000000001
life_cycle_stage_id: 60000000-0000-4000-8000-000000000001
status_id: 70000000-0000-4000-8000-000000000001
life_cycle_id: 80000000-0000-4000-8000-000000000001
external_id: shop/0042",
            r#"id: c0000000-0000-4000-8000-000000000002
created_at: 2025-02-03T08:09:10Z
updated_at: 2025-04-05T10:11:12Z
friendly_id: 5
name: Hill & Sons
emails: [office@example.com, billing@example.com]
health_score: 48.5
health_score_diff: -3.25
last_seen_at: 2025-06-30T23:59:59Z
health_category: {"name":"at risk"}
mrr: 199.990000000
arr: 2399.880000000
start_date: 2025-01-01
renewal_date: 2026-01-01
custom_fields: {seats_purchased=12, plan=gold, tags=["a","b"]}
_extra: {"source_external_id":"crm-9"}"#,
        ]
    );
}

#[test]
fn a_wrapped_list_is_read_and_an_empty_one_has_no_rows() {
    let page = r#"{"companies":[{"id":"c1","name":"Harbour Bakery"}],"meta":{"page":1}}"#;
    assert_eq!(rows("companies", page), ["id: c1\nname: Harbour Bakery"]);
    assert_eq!(rows("companies", "[]"), [""; 0]);
}

#[test]
fn custom_fields_come_wrapped_too_and_never_shadow_a_standard_field() {
    let page = r#"[
        {"id":"c1","custom_fields":{"plan":"gold"},"seats":3,"name":"Harbour Bakery"},
        {"id":"c2","custom_attributes":{"plan":null}},
        {"id":"c3","custom_fields":null}
    ]"#;
    let batch = decode("companies", page, &[], &["seats", "name"]).rows.unwrap();
    assert_eq!(
        shown(&batch),
        [
            "id: c1\nname: Harbour Bakery\ncustom_fields: {plan=gold, seats=3}",
            "id: c2\ncustom_fields: {plan=null}",
            "id: c3",
        ]
    );
}

#[test]
fn revenue_in_every_shape_that_is_taken() {
    let rows = |page: &str| {
        let given = [Some("c1".to_owned())];
        decode("company_revenue", page, &given, &[]).rows.as_ref().map_or_else(Vec::new, shown)
    };
    let record = r#"{"id":"r1","created_at":"2025-02-03T08:09:10Z","updated_at":"2025-02-03T08:09:10Z",
        "mrr":"1250.5","arr":15006,"start_date":"2025-02-01","renewal_date":"2026-02-01"}"#;
    let row = "company_id: c1\nid: r1\ncreated_at: 2025-02-03T08:09:10Z\nupdated_at: 2025-02-03T08:09:10Z\n\
        mrr: 1250.500000000\n\
        arr: 15006.000000000\nstart_date: 2025-02-01\nrenewal_date: 2026-02-01\n_key: r1";
    for page in [record, &format!("[{record}]"), &format!("{{\"data\":[{record}]}}")] {
        assert_eq!(rows(page), [row]);
    }
    for page in ["[]", "null", "{}", ""] {
        assert_eq!(rows(page), [""; 0]);
    }
    let [keyless] = rows(r#"{"mrr":10}"#).try_into().unwrap();
    let (columns, key) = keyless.split_once("\n_key: ").unwrap();
    assert_eq!((columns, key.len()), ("company_id: c1\nmrr: 10.000000000", 64));
}

#[test]
fn definitions_and_statuses() {
    let page = r##"[{"id":"f1","created_at":"2025-01-05T08:00:00Z","updated_at":"2025-01-05T08:00:00Z",
        "name":"Seats","attribute_name":"seats","field_type":"number","required":false,"product_id":null}]"##;
    let row = "id: f1\ncreated_at: 2025-01-05T08:00:00Z\nupdated_at: 2025-01-05T08:00:00Z\nname: Seats\n\
        attribute_name: seats\nfield_type: number\nrequired: false\n_key: f1";
    assert_eq!(rows("company_fields", page), [row]);
    assert_eq!(rows("end_user_fields", page), [row]);
    let page = r##"[{"id":"s1","created_at":"2025-01-05T08:00:00Z","updated_at":"2025-01-05T08:00:00Z",
        "name":"Trial","default":true,"color":"#AABBCC"}]"##;
    assert_eq!(
        rows("company_statuses", page),
        ["id: s1\ncreated_at: 2025-01-05T08:00:00Z\nupdated_at: 2025-01-05T08:00:00Z\nname: Trial\n\
             default: true\n\
          color: #AABBCC"]
    );
}

#[test]
fn end_users() {
    let page = r#"[{"id":"u1","created_at":"2025-02-04T10:00:00Z","updated_at":"2025-05-03T08:30:00Z",
        "friendly_id":204,"first_name":"Mara","last_name":"Quist","name":"Mara Quist",
        "email":"mara@example.com",
        "company_id":"c1","external_id":"000731","last_seen_at":"2025-06-30T22:10:59Z",
        "job_title":"Baker"}]"#;
    let batch = decode("end_users", page, &[], &["job_title"]).rows.unwrap();
    assert_eq!(
        shown(&batch),
        ["id: u1\ncreated_at: 2025-02-04T10:00:00Z\nupdated_at: 2025-05-03T08:30:00Z\nfriendly_id: 204\n\
          first_name: Mara\nlast_name: Quist\nname: Mara Quist\nemail: mara@example.com\ncompany_id: c1\n\
          external_id: 000731\nlast_seen_at: 2025-06-30T22:10:59Z\ncustom_fields: {job_title=Baker}"]
    );
}

#[test]
fn an_embedded_company_gives_its_id_and_is_kept() {
    let page =
        r#"[{"id":"u1","company":{"id":"c1","name":"Harbour Bakery"}},{"id":"u2","company":{"id":"c2"}}]"#;
    assert_eq!(
        rows("end_users", page),
        [
            r#"id: u1
company_id: c1
_extra: {"company":{"id":"c1","name":"Harbour Bakery"}}"#,
            "id: u2\ncompany_id: c2",
        ]
    );
}

#[test]
fn teams() {
    let page = r#"[{"id":"t1","created_at":"2025-01-02T03:04:05Z","updated_at":"2025-01-02T03:04:05Z",
        "name":"Care","description":null,"product_id":"p1","users":[{"id":"m1"}]}]"#;
    assert_eq!(
        rows("teams", page),
        ["id: t1\ncreated_at: 2025-01-02T03:04:05Z\nupdated_at: 2025-01-02T03:04:05Z\nname: Care\n\
             product_id: p1\n\
          users: [{\"id\":\"m1\"}]"]
    );
}

#[test]
fn tasks_and_the_objects_in_them() {
    let taken = decode("tasks", TASKS, &[], &[]);
    let tasks = taken.rows.unwrap();
    assert_eq!(
        shown(&tasks),
        [
            "id: a1
created_at: 2025-06-01T07:00:00Z
updated_at: 2025-06-02T07:30:00Z
friendly_id: 58
title: Call about the renewal
description: <p>Bring the <b>chart</b></p>
priority: 2
busy: false
due_at: 2025-06-10T12:00:00Z
end_at: 2025-06-10T12:30:00Z
task_status: {id=s1, created_at=2025-01-01T00:00:00Z, updated_at=2025-01-01T00:00:00Z, name=Open, default=true, complete_task=false, color=#FFE0B2}
task_category: {id=k1, created_at=2025-01-01T00:00:00Z, updated_at=2025-01-01T00:00:00Z, name=Call}
user: {id=m1, created_at=2025-01-01T00:00:00Z, updated_at=2025-06-02T07:30:00Z, first_name=Tove, last_name=Aune, name=Tove Aune, nickname=null, email=tove@example.com}
team: {id=t1, created_at=2025-01-02T03:04:05Z, updated_at=2025-01-02T03:04:05Z, name=Care, description=null, product_id=p1}
product_id: p1",
            r#"id: a2
title: Nobody's
activity_type: "visit"
_extra: {"company_id":"c1"}"#,
        ]
    );
    let derived: Vec<_> =
        taken.derived.iter().map(|(stream, batch)| (stream.as_str(), shown(batch).concat())).collect();
    assert_eq!(
        derived,
        [
            (
                "task_statuses",
                "id: s1\ncreated_at: 2025-01-01T00:00:00Z\nupdated_at: 2025-01-01T00:00:00Z\nname: Open\n\
                 default: true\ncomplete_task: false\ncolor: #FFE0B2"
                    .to_owned()
            ),
            (
                "task_categories",
                "id: k1\ncreated_at: 2025-01-01T00:00:00Z\nupdated_at: 2025-01-01T00:00:00Z\nname: Call"
                    .to_owned()
            ),
            (
                "team_users",
                "id: m1\ncreated_at: 2025-01-01T00:00:00Z\nupdated_at: 2025-06-02T07:30:00Z\n\
                 first_name: Tove\n\
                 last_name: Aune\nname: Tove Aune\nemail: tove@example.com"
                    .to_owned()
            ),
        ]
    );
    let connector = userlot();
    let spec = connector.spec().stream("tasks").unwrap();
    let lookups = Lookups::default();
    let computed =
        connector.compute(spec, &Rows::new(&tasks, &spec.table.primary_key, &lookups).unwrap()).unwrap();
    let ids = ["s1", "k1", "m1", "t1"].map(|id| Computed::Text(vec![Some(id.to_owned()), None]));
    assert_eq!(computed, ids);
    assert_eq!(computed.len(), spec.table.computed.len());
}
