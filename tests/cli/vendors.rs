//! Simulated vendors, and configurations that ask them.

use tokio::runtime::Runtime;
use userhaul_simulator::{Options, Running, Scenario, Vendor, sprig, thrive};

/// A vendor on loopback. It stops when this is dropped.
pub(crate) struct Simulated {
    pub(crate) running: Running,
    _runtime: Runtime,
}

/// Starts a vendor with 40 people; `scenario` is that of one file.
pub(crate) fn start(vendor: Vendor, scenario: &str) -> Simulated {
    start_with(vendor, 40, scenario)
}

/// The same with so many people.
pub(crate) fn start_with(vendor: Vendor, users: usize, scenario: &str) -> Simulated {
    let scenario = Scenario::parse(scenario).expect("a scenario");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let options = Options { users, scenario, ..Options::default() };
    let running = runtime.block_on(userhaul_simulator::start(vendor, &options)).expect("a free port");
    Simulated { running, _runtime: runtime }
}

/// An address at which nobody listens.
pub(crate) fn closed() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

/// A Thrive source called `lms`.
pub(crate) fn lms(base_url: &str, more: &str) -> String {
    format!(
        "[sources.lms]\nconnector = \"thrive\"\nbase_url = \"{base_url}\"\ntenant_id = \"{}\"\napi_key = \"{}\"\n\
         rate_limit = {{ requests = 1000, per = \"1s\" }}\n{more}\n",
        thrive::TENANT_ID,
        thrive::API_KEY
    )
}

/// A Sprig source called `surveys`.
pub(crate) fn surveys(base_url: &str, more: &str) -> String {
    format!(
        "[sources.surveys]\nconnector = \"sprig\"\nbase_url = \"{base_url}\"\napi_key = \"{}\"\n{more}\n",
        sprig::API_KEY
    )
}

/// A whole configuration: a destination `w`, and sources.
pub(crate) fn config(sources: &[String]) -> String {
    format!("[destination]\npath = \"w\"\n\n{}", sources.join("\n"))
}
