//! Rows into unified records.

use super::*;

#[test]
fn an_end_user_is_a_user() {
    let page = r#"[
        {"id":"u1","created_at":"2025-02-04T10:00:00Z","updated_at":"2025-05-03T08:30:00Z",
        "first_name":"Mara",
         "last_name":"Quist","name":"Mara Quist","email":"mara@example.com","company_id":"c1",
         "external_id":"000731","last_seen_at":"2025-06-30T22:10:59Z","job_title":"Baker","seats":2,
         "role":null},
        {"id":"u2","email":"","company":{"id":"c2"}}
    ]"#;
    let batch = decode("end_users", page, &[], &["job_title", "seats", "role"]).rows.unwrap();
    let users = "user_key: crm:u1
vendor_user_id: u1
external_id: 000731
email: mara@example.com
first_name: Mara
last_name: Quist
full_name: Mara Quist
status: unknown
company_key: crm:c1
created_at: 2025-02-04T10:00:00Z
updated_at: 2025-05-03T08:30:00Z
last_seen_at: 2025-06-30T22:10:59Z
attributes: {job_title=Baker, seats=2, role=null}";
    let bare = "user_key: crm:u2\nvendor_user_id: u2\nstatus: unknown\ncompany_key: crm:c2";
    let expected = vec![(Table::Users, vec![users.to_owned(), bare.to_owned()])];
    assert_eq!(unified("end_users", &batch, &Lookups::default()), expected);
}

#[test]
fn a_company_has_the_name_of_its_status() {
    let statuses = decode("company_statuses", r#"[{"id":"s1","name":"Trial"}]"#, &[], &[]).rows.unwrap();
    let mut lookups = Lookups::default();
    lookups.insert("company_statuses", &["id".to_owned()], vec![statuses]).unwrap();
    let page = r#"[
        {"id":"c1","created_at":"2025-02-03T08:09:10Z","updated_at":"2025-04-05T10:11:12Z",
        "name":"Harbour Bakery",
         "owner_user_id":"m1","mrr":199.99,"arr":"2399.88","status_id":"s1","external_id":"shop/0042",
         "seats":12},
        {"id":"c2","status_id":"gone"},
        {"id":"c3","status_id":null}
    ]"#;
    let batch = decode("companies", page, &[], &["seats"]).rows.unwrap();
    let full = "company_key: crm:c1
vendor_company_id: c1
external_id: shop/0042
name: Harbour Bakery
status: Trial
mrr: 199.990000000
arr: 2399.880000000
owner: m1
created_at: 2025-02-03T08:09:10Z
updated_at: 2025-04-05T10:11:12Z
attributes: {seats=12}";
    let bare = ["c2", "c3"].map(|id| format!("company_key: crm:{id}\nvendor_company_id: {id}"));
    let [second, third] = bare;
    assert_eq!(
        unified("companies", &batch, &lookups),
        [(Table::Companies, vec![full.to_owned(), second, third])]
    );
}

#[test]
fn a_revenue_record_is_two_metrics_of_its_company() {
    let page = r#"[
        {"id":"r1","created_at":"2025-02-03T08:09:10Z","mrr":1250.1,"arr":15001.2,"start_date":"2025-02-01"},
        {"id":"r2","created_at":"1969-12-31T23:59:59Z","mrr":null,"arr":"12345678901.123456789"},
        {"id":"r3"}
    ]"#;
    let batch = decode("company_revenue", page, &[Some("c1".to_owned())], &[]).rows.unwrap();
    let metric = |id: &str, metric: &str, date: &str, value: &str| {
        format!(
            "metric_key: crm:company_revenue:c1/{id}/{metric}\nsubject: crm:c1{date}\nmetric: {metric}{value}"
        )
    };
    let expected = vec![
        metric("r1", "revenue.mrr", "\ndate: 2025-02-01", "\nvalue: 1250.1"),
        metric("r1", "revenue.arr", "\ndate: 2025-02-01", "\nvalue: 15001.2"),
        metric("r2", "revenue.mrr", "\ndate: 1969-12-31", ""),
        metric("r2", "revenue.arr", "\ndate: 1969-12-31", "\nvalue: 12345678901.123457"),
        metric("r3", "revenue.mrr", "", ""),
        metric("r3", "revenue.arr", "", ""),
    ];
    assert_eq!(unified("company_revenue", &batch, &Lookups::default()), [(Table::Metrics, expected)]);
}

#[test]
fn nothing_else_becomes_a_record() {
    let connector = userlot();
    for (name, stream) in &connector.spec().streams {
        let page = if stream.single { r#"{"id":"x"}"# } else { r#"[{"id":"x"}]"# };
        let given = vec![Some("c1".to_owned()); stream.table.given.len()];
        let batch = decode(name, page, &given, &[]).rows.unwrap();
        let mut tables: Vec<_> =
            unified(name, &batch, &Lookups::default()).into_iter().map(|(table, _)| table).collect();
        tables.sort();
        let declared = REGISTRATION.unifies.iter().find(|(stream, _)| stream == name);
        assert_eq!(tables, declared.map_or(&[][..], |(_, tables)| tables), "{name}");
    }
}
