//! The built program, killed by the system while a request of its is under way, and started again.

use std::{
    fmt::Write as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use secrecy::ExposeSecret;
use userhaul_connector::settings::SettingValue;
use userhaul_testkit::{
    World,
    proxy::{Proxy, Spoil, Spoiling},
    same_rows, tables, volatile,
};

use crate::worlds::connectors;

/// The configuration of a source that reads a world.
fn config(connector: &str, world: &dyn World, base_url: &str) -> String {
    let mut text = format!(
        "[destination]\npath = \"w\"\n\n[sources.it]\nconnector = \"{connector}\"\nbase_url = \"{base_url}\"\n\
         rate_limit = {{ requests = 1000, per = \"100ms\" }}\n"
    );
    for (name, value) in world.settings() {
        let value = match value {
            SettingValue::Text(text) => format!("{text:?}"),
            SettingValue::Secret(secret) => format!("{:?}", secret.expose_secret()),
            SettingValue::Integer(number) => number.to_string(),
            SettingValue::TextList(texts) => format!("{texts:?}"),
            SettingValue::File(path) => format!("{:?}", path.display().to_string()),
        };
        writeln!(text, "{name} = {value}").expect("a text grows");
    }
    if let Some(start) = world.start().and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok()) {
        writeln!(text, "start_date = \"{}\"", start.strftime("%Y-%m-%d")).expect("a text grows");
    }
    text
}

fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_userhaul"));
    command.arg("sync").current_dir(folder).env("USERHAUL_STATE_DIR", folder.join("state"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Kills a program once the request hangs. One that needed fewer requests this time ends by itself.
async fn killed_while(mut child: Child, hanging: impl Future<Output = ()>) {
    let id = child.id().to_string();
    let mut ended = tokio::task::spawn_blocking(move || child.wait().expect("it ends"));
    tokio::select! {
        _ = &mut ended => return,
        () = hanging => {}
    }
    Command::new("sh").args(["-c", &format!("kill -9 {id}")]).status().expect("a shell");
    ended.await.expect("it is waited for");
}

#[test]
fn a_killed_program_leaves_whole_tables_and_the_next_run_finishes() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let mut problems = Vec::new();
    for (connector, subject) in connectors() {
        let world = subject.open(24);
        let serve = |spoiling| runtime.block_on(Proxy::start(world.clone(), spoiling));
        let whole = tempfile::tempdir().expect("a folder");
        let proxy = serve(None);
        std::fs::write(
            whole.path().join("userhaul.toml"),
            config(&connector, world.as_ref(), &proxy.base_url),
        )
        .expect("a file");
        assert!(program(whole.path()).status().expect("it runs").success(), "{}", subject.name());
        let expected = tables(&whole.path().join("w"));
        let requests = proxy.reads();
        for at in [1, requests / 2, requests] {
            let folder = tempfile::tempdir().expect("a folder");
            let proxy = serve(Some(Spoiling { spoil: Spoil::Hang, from: at, stays: false }));
            std::fs::write(
                folder.path().join("userhaul.toml"),
                config(&connector, world.as_ref(), &proxy.base_url),
            )
            .expect("a file");
            let child = program(folder.path()).spawn().expect("it starts");
            runtime.block_on(killed_while(child, proxy.hanging()));
            let torn = tables(&folder.path().join("w"));
            // The kill may fall between the folder of a first table and its file.
            let is_empty = |name: &str| {
                std::fs::read_dir(folder.path().join("w").join(name))
                    .is_ok_and(|mut files| files.next().is_none())
            };
            let torn = torn
                .iter()
                .filter(|(name, _)| !is_empty(name))
                .find_map(|(name, table)| Some(format!("{name}: {}", table.as_ref().err()?)));
            let again = program(folder.path()).status().expect("it runs").code();
            let mut wrong: Vec<String> = torn.into_iter().collect();
            if again != Some(0) {
                wrong.push(format!("the next run ends with {again:?}"));
            }
            wrong.extend(same_rows(&expected, &tables(&folder.path().join("w")), &volatile(world.as_ref())));
            let line = |what| format!("{} killed at request {at}: {what}", subject.name());
            problems.extend(wrong.into_iter().map(line));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
