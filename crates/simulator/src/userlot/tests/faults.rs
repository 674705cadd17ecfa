//! A fault of a scenario file reaches the client.

use super::client::get;
use crate::{Options, Scenario, Vendor, start};

/// Guards against `deny_unknown_fields` on a struct with a flattened member, which refuses every fault.
#[tokio::test]
async fn a_fault_is_read_from_a_file_and_served_once() {
    let text =
        "[userlot]\nfaults = [{ path = \"/api/v1/tea\", from = 2, kind = \"status\", status = 503 }]\n";
    let scenario = Scenario::parse(text).expect("it parses");
    let options = Options { users: 5, seed: 1, scenario, port: 0 };
    let sim = start(Vendor::Userlot, &options).await.expect("it starts");
    let mut statuses = Vec::new();
    for path in ["teams", "tasks", "teams", "teams"] {
        statuses.push(get(&sim, path).await.status);
    }
    assert_eq!(statuses, [200, 200, 503, 200]);
    Scenario::parse("[userlot]\nfaults = [{ kind = \"delay\", ms = 1, often = 2 }]")
        .expect_err("an unknown key");
}
