//! `userhaul demo`: four simulated vendors into a folder, without an account.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use userhaul_runner::progress::Progress;
use userhaul_simulator::{Counting, Limit, Running, Scenario, Vendor};

use super::sync;
use crate::{
    config::Config,
    console::{self, Console},
    failure::{Code, Exit, Failure},
    progress::Display,
    registry, runs, sources,
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Where the tables go
    #[arg(long, value_name = "DIR", default_value = "userhaul-demo")]
    out: PathBuf,
    /// How many people there are
    #[arg(long, value_name = "N", default_value_t = 200)]
    users: usize,
    /// The same seed gives the same world
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
}

pub(crate) async fn run(options: &Options, console: Console) -> Result<Exit, Failure> {
    let mut running = Vec::new();
    for vendor in Vendor::ALL {
        let world = userhaul_simulator::Options {
            users: options.users,
            seed: options.seed,
            scenario: scenario(),
            port: 0,
        };
        let server = userhaul_simulator::start(vendor, &world)
            .await
            .map_err(|error| Failure::failed(Code::Internal, error.to_string(), None))?;
        running.push(server);
    }
    std::fs::create_dir_all(&options.out).map_err(|error| Failure::file("create", &options.out, &error))?;
    let path = options.out.join("userhaul.toml");
    std::fs::write(&path, config(&running)).map_err(|error| Failure::file("write", &path, &error))?;
    let config = Config::load(&path, &registry::entries(), &|_| None)?;
    let progress: Arc<dyn Progress> = Arc::new(Display::new(console));
    let mut ready = Vec::new();
    for source in config.sources.values() {
        let prepared = sources::prepare(source, Some(&config.file))?;
        // No ring on disk: the keys are the demo's own, and their quota begins with each simulator.
        ready.push(prepared.source(prepared.configured.clone(), &progress, None)?);
    }
    console.info(&format!(
        "reading four simulated vendors with {} people into `{}`",
        options.users,
        options.out.display()
    ));
    let destination = config.destination.path.as_path();
    let run_options = sync::new_run(destination, config.destination.compression);
    let (record, exit) = sync::until_signal(&ready, &run_options, &progress).await?;
    runs::save(destination, &record, console);
    sync::tell(&record, console, &sync::Credentials::new());
    for server in &running {
        super::sim::violations(server, console);
    }
    if exit == Exit::Ok {
        console.info(&queries(&options.out));
    }
    Ok(exit)
}

/// The vendors as they are, but for Sprig's five minutes: nobody waits for those in a demo.
fn scenario() -> Scenario {
    let mut scenario = Scenario::default();
    scenario.sprig.limit = Some(Limit {
        requests: 1000,
        per_ms: 1000,
        counting: Counting::Sliding,
        count_refused: false,
        retry_after: "none".to_owned(),
    });
    scenario
}

fn config(running: &[Running]) -> String {
    let mut text = String::from(
        "# Written by `userhaul demo`. The simulators stopped with it; `userhaul sim` starts them again, on addresses\n\
         # that it prints. The keys are the demo's own and open nothing else.\n\n\
         [destination]\ntype = \"parquet\"\npath = \".\"\n\n\
         [defaults]\nstart_date = \"2024-01-01\"\n",
    );
    for server in running {
        let (name, keys) = match server.vendor {
            Vendor::Sprig => (
                "surveys",
                format!(
                    "api_key = \"{}\"\nrate_limit = {{ requests = 1000, per = \"1s\" }}\n",
                    userhaul_simulator::sprig::API_KEY
                ),
            ),
            Vendor::Thrive => (
                "lms",
                format!(
                    "tenant_id = \"{}\"\napi_key = \"{}\"\nrate_limit = {{ requests = 1000, per = \"1s\" }}\n",
                    userhaul_simulator::thrive::TENANT_ID,
                    userhaul_simulator::thrive::API_KEY
                ),
            ),
            Vendor::Userlane => (
                "adoption",
                format!(
                    "token = \"{}\"\nproperty_ids = [{}]\ncompany_id = {}\nmax_concurrency = 4\n\
                     rate_limit = {{ requests = 1000, per = \"1s\" }}\n",
                    userhaul_simulator::userlane::TOKEN,
                    userhaul_simulator::userlane::PROPERTIES
                        .map(|property| format!("\"{property}\""))
                        .join(", "),
                    userhaul_simulator::userlane::COMPANY
                ),
            ),
            Vendor::Userlot => (
                "accounts",
                format!(
                    "api_key = \"{}\"\nrate_limit = {{ requests = 1000, per = \"1s\" }}\n",
                    userhaul_simulator::userlot::API_KEY
                ),
            ),
        };
        text.push_str(&format!(
            "\n[sources.{name}]\nconnector = \"{}\"\nbase_url = \"{}\"\n{keys}",
            server.vendor.name(),
            server.base_url
        ));
    }
    text
}

/// Queries to try.
fn queries(out: &std::path::Path) -> String {
    let out = out.display();
    let out = console::printable(&out.to_string());
    format!(
        "\nQueries to try in DuckDB:\n\
         \n  -- how many accounts each vendor holds\n\
         \x20 select vendor, count(*), count(distinct user_key) from '{out}/unified/users/*.parquet' group by 1;\n\
         \n  -- people who are in more than one product\n\
         \x20 select lower(email) as email, list(distinct vendor) as vendors from '{out}/unified/users/*.parquet'\n\
         \x20 where email is not null group by 1 having count(distinct vendor) > 1 limit 10;\n\
         \n  -- the answers to each survey\n\
         \x20 select survey_name, question_text, count(*) as answers, avg(score) as score\n\
         \x20 from '{out}/unified/feedback/*.parquet' group by 1, 2 order by answers desc limit 10;"
    )
}
