//! kill -9, again and again, on the real program and all vendors: no reader ever sees half a file, and after the last kill one
//! `sync` ends with the rows of a run that nobody disturbed.
//!
//! Five kills, or as many as `USERHAUL_KILLS` says: `USERHAUL_KILLS=500 cargo test --test kill`.

use std::{
    collections::BTreeSet,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use tokio::runtime::Runtime;
use userhaul_simulator::{Options, Running, Scenario, Vendor, sprig, start, thrive, userlane, userlot};
use userhaul_sink::SinkError;
use userhaul_testkit::{Tables, same_rows, table};

const KILLS: u64 = 5;

/// Once in so many kills the warehouse is begun anew, so that first runs are killed as well as later ones.
const ANEW: u64 = 3;

/// Sprig's own limit would make a run wait for minutes.
const SCENARIO: &str = "[sprig]\nlimit = { requests = 1000000, per_ms = 1000, counting = \"sliding\" }";

/// All vendors on loopback.
struct Vendors {
    running: Vec<Running>,
    _runtime: Runtime,
}

impl Vendors {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let scenario = Scenario::parse(SCENARIO).expect("a scenario");
        let options = Options { users: 15, scenario, ..Options::default() };
        let running = Vendor::ALL
            .iter()
            .map(|&vendor| runtime.block_on(start(vendor, &options)).expect("a free port"))
            .collect();
        Self { running, _runtime: runtime }
    }

    fn requests(&self) -> usize {
        self.running.iter().map(Running::requests).sum()
    }

    fn config(&self) -> String {
        let mut text = "[destination]\npath = \"w\"\n\n[defaults]\nstart_date = \"2026-06-01\"\n".to_owned();
        for server in &self.running {
            let keys = match server.vendor {
                Vendor::Sprig => format!("api_key = \"{}\"", sprig::API_KEY),
                Vendor::Thrive => {
                    format!("tenant_id = \"{}\"\napi_key = \"{}\"", thrive::TENANT_ID, thrive::API_KEY)
                }
                Vendor::Userlane => {
                    let properties = userlane::PROPERTIES.map(|property| format!("\"{property}\""));
                    format!("token = \"{}\"\nproperty_ids = [{}]", userlane::TOKEN, properties.join(", "))
                }
                Vendor::Userlot => format!("api_key = \"{}\"", userlot::API_KEY),
            };
            text.push_str(&format!(
                "\n[sources.{name}]\nconnector = \"{name}\"\nbase_url = \"{}\"\n{keys}\n\
                 rate_limit = {{ requests = 4000, per = \"100ms\" }}\n",
                server.base_url,
                name = server.vendor.name(),
            ));
        }
        text
    }
}

fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_userhaul"));
    command.arg("sync").current_dir(folder).env("USERHAUL_STATE_DIR", folder.join("state"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// A folder with a configuration that asks these vendors.
fn folder(vendors: &Vendors) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("userhaul.toml"), vendors.config()).expect("a file");
    folder
}

/// Every file below, but for those that go away meanwhile.
fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

/// What a glob over the tables finds.
fn visible(warehouse: &Path) -> impl Iterator<Item = PathBuf> {
    let ours = warehouse.join("_userhaul");
    files(warehouse).into_iter().filter(move |path| {
        !path.starts_with(&ours) && path.extension().is_some_and(|extension| extension == "parquet")
    })
}

/// Reads a file to its last row. One that is gone again is no fault.
fn read(path: &Path) -> Result<(), String> {
    let rows = || userhaul_sink::read(path, None)?.try_for_each(|batch| batch.map(drop));
    match rows() {
        Err(SinkError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(format!("{}: {error:?}", path.display())),
        Ok(()) => Ok(()),
    }
}

/// Reads every visible file, over and over, until told to stop. Gives the first fault.
fn watch(warehouse: &Path, over: &AtomicBool, seen: &AtomicUsize) -> Result<(), String> {
    while !over.load(Ordering::Relaxed) {
        for path in visible(warehouse) {
            read(&path)?;
            seen.fetch_add(1, Ordering::Relaxed);
        }
        std::thread::yield_now();
    }
    Ok(())
}

fn tables(warehouse: &Path) -> Tables {
    let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
    folders.extend(visible(warehouse).filter_map(|path| path.parent().map(Path::to_owned)));
    let name = |folder: &Path| folder.strip_prefix(warehouse).expect("below").display().to_string();
    folders.into_iter().map(|folder| (name(&folder), table::read(&folder))).collect()
}

/// Numbers that are the same each time and look random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).expect("below a usize")
    }
}

/// Kills a run once so many requests have arrived and so many looks have been taken. One that ends earlier has ended.
fn kill(mut child: Child, vendors: &Vendors, requests: usize, looks: usize) {
    let mut left = looks;
    while child.try_wait().expect("a child").is_none() {
        if vendors.requests() >= requests {
            if left == 0 {
                child.kill().expect("it can be killed");
                child.wait().expect("it ends");
                return;
            }
            left -= 1;
        }
        std::thread::yield_now();
    }
}

fn kills() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "whoever runs the test says so how long")]
    let said = std::env::var("USERHAUL_KILLS").ok();
    said.map_or(KILLS, |text| text.parse().expect("USERHAUL_KILLS is a number"))
}

#[test]
fn killed_at_any_moment_no_reader_sees_half_a_file_and_the_next_sync_mends_all() {
    let vendors = Vendors::start();
    let undisturbed = folder(&vendors);
    assert!(program(undisturbed.path()).status().expect("it runs").success());
    let length = vendors.requests();
    let expected = tables(&undisturbed.path().join("w"));
    assert!(expected.len() > 30, "{} tables", expected.len());

    let folder = folder(&vendors);
    let warehouse = folder.path().join("w");
    let (over, seen) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut dice = Dice(20_261_122);
    let watched = std::thread::scope(|scope| {
        let reader = scope.spawn(|| watch(&warehouse, &over, &seen));
        for number in 0..kills() {
            if number % ANEW == 0 {
                drop(std::fs::remove_dir_all(&warehouse));
            }
            let (requests, looks) = (1 + dice.below(length + length / 10), dice.below(2000));
            let child = program(folder.path()).spawn().expect("it starts");
            kill(child, &vendors, vendors.requests() + requests, looks);
            let torn: Vec<String> = visible(&warehouse).filter_map(|path| read(&path).err()).collect();
            assert!(torn.is_empty(), "kill {number}, at request {requests}: {torn:?}");
        }
        let last = program(folder.path()).status().expect("it runs").code();
        over.store(true, Ordering::Relaxed);
        assert_eq!(last, Some(0), "the run after the last kill");
        reader.join().expect("the reader does not panic")
    });
    assert_eq!(watched, Ok(()));
    assert!(seen.load(Ordering::Relaxed) > 100, "the reader saw {seen:?} files");
    let wrong = same_rows(&expected, &tables(&warehouse), &BTreeSet::new());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let ours = warehouse.join("_userhaul");
    let known = |path: &PathBuf| {
        let kept = path.strip_prefix(&ours).is_ok_and(|path| {
            path == Path::new("lock") || path.extension().is_some_and(|extension| extension == "json")
        });
        kept || !path.starts_with(&ours) && path.extension().is_some_and(|extension| extension == "parquet")
    };
    let left: Vec<PathBuf> = files(&warehouse).into_iter().filter(|path| !known(path)).collect();
    assert!(left.is_empty(), "{left:?}");
}
