//! `userhaul sim`: the vendor simulators alone.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::Args;
use userhaul_simulator::{Running, Scenario, ScenarioError, Vendor};

use crate::{
    console::{self, Console},
    failure::{Code, Exit, Failure},
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A vendor to simulate; all by default
    #[arg(long = "vendor", value_name = "VENDOR", value_parser = ["sprig", "thrive", "userlane", "userlot"])]
    vendors: Vec<String>,
    /// The port of the first vendor on 127.0.0.1, the others follow; 0 takes free ones
    #[arg(long, value_name = "P", default_value_t = 0)]
    port: u16,
    /// How many people there are
    #[arg(long, value_name = "N", default_value_t = 200)]
    users: usize,
    /// The same seed gives the same world
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Switches, limits and faults
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
}

pub(crate) async fn run(options: &Options, console: Console) -> Result<Exit, Failure> {
    // Watched for before anything is said: whoever reads an address may stop us at once.
    let watch = |kind| {
        tokio::signal::unix::signal(kind).map_err(|error| {
            Failure::failed(Code::Internal, format!("cannot watch for signals: {error}"), None)
        })
    };
    let mut terminate = watch(tokio::signal::unix::SignalKind::terminate())?;
    let mut interrupt = watch(tokio::signal::unix::SignalKind::interrupt())?;
    let scenario = match &options.scenario {
        None => Scenario::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| Failure::named_file(path, &error))?;
            Scenario::parse(&text).map_err(|error| refused(path, &text, &error))?
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
                Code::Input,
                error.to_string(),
                std::error::Error::source(&error).map(|cause| cause.to_string()),
            )
        })?;
        console::print(&format!("{} {}\n", vendor.name(), server.base_url));
        running.push(server);
    }
    console.info("serving until interrupted");
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    for server in &running {
        violations(server, console);
    }
    Ok(Exit::Ok)
}

/// Tells what the vendor's reference does not allow, each once.
pub(crate) fn violations(server: &Running, console: Console) {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for violation in server.violations() {
        *counts.entry(violation).or_default() += 1;
    }
    for (violation, count) in counts {
        let often = if count == 1 { String::new() } else { format!(" ({count} times)") };
        let text = format!("{} simulator: {violation}{often}", server.vendor.name());
        console.warning(Code::SimulatorViolation, &text);
    }
}

fn refused(path: &Path, text: &str, error: &ScenarioError) -> Failure {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<toml::de::Error>());
    let message = match cause {
        Some(cause) => {
            let offset = cause.span().map_or(0, |span| span.start);
            let line = text.bytes().take(offset).filter(|&byte| byte == b'\n').count() + 1;
            format!("{}:{line}: {}", path.display(), cause.message())
        }
        None => format!("{}: {error}", path.display()),
    };
    Failure::usage(Code::Input, message, None)
}
