//! `userhaul sim`: the vendor simulators alone.

use std::path::PathBuf;

use clap::Args;
use userhaul_simulator::{Scenario, Vendor};

use crate::{
    console::{self, Console},
    failure::{Exit, Failure},
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A vendor to simulate; all by default.
    #[arg(long = "vendor", value_name = "VENDOR", value_parser = ["sprig", "thrive", "userlane", "userlot"])]
    vendors: Vec<String>,
    /// The port of the first vendor on 127.0.0.1, the others follow; 0 takes free ones.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How many people there are.
    #[arg(long, default_value_t = 200)]
    users: usize,
    /// The same seed gives the same world.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Switches, limits and faults.
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
}

pub(crate) async fn run(options: &Options, console: Console) -> Result<Exit, Failure> {
    let scenario = match &options.scenario {
        None => Scenario::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?;
            Scenario::parse(&text)
                .map_err(|error| Failure::usage(format!("{}: {error}", path.display()), None))?
        }
    };
    let wanted = Vendor::ALL.into_iter().filter(|vendor| {
        options.vendors.is_empty() || options.vendors.iter().any(|name| name == vendor.name())
    });
    let mut running = Vec::new();
    for (index, vendor) in (0_u16..).zip(wanted) {
        let port = if options.port == 0 { 0 } else { options.port.saturating_add(index) };
        let world = userhaul_simulator::Options {
            users: options.users,
            seed: options.seed,
            scenario: scenario.clone(),
            port,
        };
        let server = userhaul_simulator::start(vendor, &world).await.map_err(|error| {
            Failure::usage(
                error.to_string(),
                std::error::Error::source(&error).map(|cause| cause.to_string()),
            )
        })?;
        console::print(&format!("{} {}\n", vendor.name(), server.base_url));
        running.push(server);
    }
    console.info("serving until interrupted");
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .map_err(|error| Failure::failed(format!("cannot watch for signals: {error}"), None))?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    for server in &running {
        for violation in server.violations() {
            console.warning(&format!("{}: {violation}", server.vendor.name()));
        }
    }
    Ok(Exit::Ok)
}
