//! What stands around the rows of a page, for tests of pagers.

use std::sync::LazyLock;

use userhaul_connector::{
    decode::{DecodeOptions, Decoder, Envelope, Lineage},
    spec::ConnectorSpec,
};

static OPTIONS: LazyLock<DecodeOptions> = LazyLock::new(|| {
    let facts = r#"
        connector = "x"
        title = "x"
        about = "x"
        docs = "x"
        concurrency = 1
        timeout = "1s"
        quota = { requests = 1, per = "1s", mode = "paced", docs = "x" }
        check = { stream = "x" }
        streams.x = { about = "x", docs = "x", path = "/x", primary_key = ["id"], columns = { id = "id" } }
    "#;
    let spec = ConnectorSpec::parse(facts, None).expect("facts");
    DecodeOptions {
        table: spec.stream("x").expect("stream").table.clone(),
        derived: Vec::new(),
        items: vec!["/data".to_owned()],
        single: false,
        custom: None,
        rules: Vec::new(),
    }
});

/// The envelope of a page whose rows are below `/data`, read as the decoder reads it.
pub(crate) fn envelope(page: &str) -> Envelope {
    let lineage = Lineage { source: "x", run_id: "x", extracted_at: 0, given: &[] };
    Decoder::new(&OPTIONS).page(page.as_bytes(), &lineage).expect("a page").1
}
