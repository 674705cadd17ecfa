//! A credential that travels otherwise is corrected once, for reading and for writing.

use userhaul_simulator::Vendor;

use crate::{
    facts::{self, Kind},
    proxy::Proxy,
    run,
};

/// A target of each vendor whose writing goes by the facts of reading, and a row that it takes.
const TARGETS: &[(Vendor, &[&str], &str)] = &[
    (Vendor::Sprig, &["it.users"], r#"{ "userId": "u-1", "email": "ann@example.com" }"#),
    (Vendor::Sprig, &["it.purge", "--yes"], r#"{ "userId": "nobody" }"#),
    (
        Vendor::Userlane,
        &["it.attributes", "--scope", "property:k3f9a"],
        r#"{ "userId": "emp-1", "plan": "gold" }"#,
    ),
    (Vendor::Userlot, &["it.companies"], r#"{ "external_id": "c-1", "name": "Northwind" }"#),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_header_and_scheme_reach_what_is_pushed() {
    for (vendor, arguments, row) in TARGETS {
        for kind in [Kind::Header, Kind::Scheme] {
            let simulator = run::simulator(*vendor, &[]).await;
            let proxy = Proxy::start(*vendor, kind, &simulator.base_url).await;
            let folder = tempfile::tempdir().expect("a folder");
            let write =
                |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
            write("wire.toml", &toml::to_string(&facts::corrections(*vendor, kind)).expect("TOML"));
            write("rows.ndjson", &format!("{row}\n"));
            let lines = format!("{}wire = \"wire.toml\"\n", run::settings(*vendor));
            write("userhaul.toml", &run::config(*vendor, &proxy.base_url, &lines));
            let all = [&["push"], *arguments, &["--from", "rows.ndjson"]].concat();
            let outcome = run::program(folder.path(), &all).await;
            assert_eq!(outcome.code, 0, "{arguments:?} {kind:?}: {}", outcome.stderr);
            assert_eq!(proxy.refused(), Vec::<String>::new(), "{arguments:?} {kind:?}");
        }
    }
}
