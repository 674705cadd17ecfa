//! A folder to run the program in.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

/// A folder that goes with the test; the program's home is in it too.
pub(crate) struct Folder(tempfile::TempDir);

/// What a run of the program left.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn with(config: &str) -> Self {
        let folder = Self::new();
        folder.write("userhaul.toml", config);
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).expect("a file of the test's own folder");
        path
    }

    /// The program, ready to start in this folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_userhaul"));
        command
            .args(arguments)
            .current_dir(self.path())
            .env("HOME", self.path())
            .env("XDG_STATE_HOME", self.path().join("state"))
            .env("TMPDIR", self.path())
            .env_remove("USERHAUL_STATE_DIR")
            .env_remove("NO_COLOR")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(&mut self.command(arguments))
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
    }

    /// Every file below, by its path from here.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder of the test's own") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(path.strip_prefix(self.path()).expect("below").display().to_string());
                }
            }
        }
        found.sort();
        found
    }

    /// The run records, oldest first.
    pub(crate) fn records(&self) -> Vec<Value> {
        let paths = self.files().into_iter().filter(|path| path.contains("_userhaul/runs/"));
        paths.map(|path| json(&std::fs::read_to_string(self.path().join(path)).expect("a record"))).collect()
    }

    /// Rows of a table: what its visible files hold together.
    pub(crate) fn rows(&self, table: &str) -> u64 {
        let prefix = format!("{table}/");
        let files =
            self.files().into_iter().filter(|path| path.starts_with(&prefix) && path.ends_with(".parquet"));
        files.map(|path| userhaul_sink::stats(&self.path().join(path)).expect("a Parquet file").rows).sum()
    }
}

impl Outcome {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().expect("the program starts");
        Self::from(output)
    }

    /// What stdout says, read as JSON.
    pub(crate) fn json(&self) -> Value {
        json(&self.stdout)
    }

    /// The lines of stderr, each read as JSON.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.stderr.lines().map(json).collect()
    }
}

impl From<std::process::Output> for Outcome {
    fn from(output: std::process::Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let code = output.status.code().unwrap_or_else(|| -output.status.signal().unwrap_or(0));
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Self { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("no JSON ({error}): {text}"))
}
