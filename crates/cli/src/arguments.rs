//! The command line.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, CommandFactory, Parser, Subcommand, error::ContextKind};
use userhaul_connector::code::Code;
use userhaul_runner::panics;

use crate::{
    commands,
    console::{self, Color, Console, LogFormat},
    failure::{Exit, Failure},
    log,
};

/// Takes user data out of SaaS vendors and puts it, typed and exact, where data teams work.
#[derive(Debug, Parser)]
#[command(
    name = "userhaul",
    bin_name = "userhaul",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// The configuration
    #[arg(short = 'c', long = "config", value_name = "FILE", default_value = "userhaul.toml", global = true)]
    pub(crate) config: PathBuf,
    /// Say more
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// Say only what went wrong
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// How messages on stderr look: for people, or one JSON object a line
    #[arg(
        long,
        value_enum,
        value_name = "text|json",
        default_value = "text",
        hide_possible_values = true,
        global = true
    )]
    pub(crate) log_format: LogFormat,
    /// When to use colour
    #[arg(
        long,
        value_enum,
        value_name = "auto|always|never",
        default_value = "auto",
        hide_possible_values = true,
        global = true
    )]
    pub(crate) color: Color,
    /// Draw no live display
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Sync four simulated vendors into a folder: no account, no credential
    Demo(commands::demo::Options),
    /// Write a commented configuration
    Init(commands::init::Options),
    /// Ask each source one cheap request: reachability, credential, permission, clock
    Check(commands::check::Options),
    /// List streams: keys, cursor, sync mode, columns, vendor documentation
    Streams(commands::streams::Options),
    /// Tell what a sync would do, without doing it
    Plan(commands::plan::Options),
    /// Read the sources and write their tables
    Sync(commands::sync::Options),
    /// Rebuild tables from archived answers, without a request
    Replay(commands::replay::Options),
    /// Read one stream once, without a configuration
    Export(commands::export::Options),
    /// Show a few rows of a stream
    Preview(commands::preview::Options),
    /// Write rows of a file back to a vendor
    Push(commands::push::Options),
    /// List past runs, or show one
    Runs(commands::runs::Options),
    /// Tell what the code of a warning or failure means, and what to do
    Explain(commands::explain::Options),
    /// Show or forget up to where streams have been read
    State(commands::state::Options),
    /// Serve the vendor simulators on loopback
    Sim(commands::sim::Options),
    /// Print the completions of a shell
    Completions(Completions),
    /// Print the manual page
    Man,
}

#[derive(Debug, Args)]
struct Completions {
    /// The shell
    shell: clap_complete::Shell,
}

/// The command line as clap knows it.
pub(crate) fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the program and gives its exit code.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refused(&error),
    };
    let global = &arguments.global;
    let console =
        Console::new(global.log_format, global.color, global.quiet, global.verbose, global.no_progress);
    log::start(console);
    let ended = catch_unwind(AssertUnwindSafe(|| run(&arguments, console)))
        .unwrap_or_else(|_| Err(log::panicked(panics::take_place())));
    for place in panics::left() {
        tell(&log::panicked(Some(place)), console);
    }
    ended.map(code).unwrap_or_else(|failure| {
        tell(&failure, console);
        code(failure.exit)
    })
}

fn tell(failure: &Failure, console: Console) {
    failure.messages.iter().for_each(|message| message.tell("", console, &[]));
}

fn code(exit: Exit) -> ExitCode {
    ExitCode::from(exit as u8)
}

/// Tells why the command line cannot be read, or gives the help that it asks for.
fn refused(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        console::print(&error.render().to_string());
        return code(Exit::Ok);
    }
    // The format is an argument itself, so it is looked for where the others cannot be read.
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let json = words.iter().any(|word| word == "--log-format=json")
        || words.windows(2).any(|pair| pair == ["--log-format", "json"]);
    if !json {
        // The code stands at the end of the first line, as in all messages.
        let colored = Console::new(LogFormat::Text, Color::Auto, false, false, true).colored;
        let text = error.render();
        let text = if colored { text.ansi().to_string() } else { text.to_string() };
        let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
        console::print_error(&format!("{first} [{}]\n{rest}", Code::Usage));
        return code(Exit::Usage);
    }
    let console = Console::new(LogFormat::Json, Color::Never, false, false, true);
    let text = error.render().to_string();
    let message =
        text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ").replace('\n', " ");
    let usage = error.get(ContextKind::Usage).map(|usage| usage.to_string().replace("Usage: ", "usage: "));
    console.error(Code::Usage, message.trim(), Some(usage.as_deref().unwrap_or("`--help` tells more")));
    code(Exit::Usage)
}

fn run(arguments: &Arguments, console: Console) -> Result<Exit, Failure> {
    let global = &arguments.global;
    match &arguments.command {
        Command::Demo(options) => block_on(commands::demo::run(options, console)),
        Command::Init(options) => commands::init::run(options, global, console),
        Command::Check(options) => block_on(commands::check::run(options, global, console)),
        Command::Streams(options) => commands::streams::run(options, global),
        Command::Plan(options) => commands::plan::run(options, global),
        Command::Sync(options) => block_on(commands::sync::run(options, global, console)),
        Command::Replay(options) => block_on(commands::replay::run(options, global, console)),
        Command::Export(options) => block_on(commands::export::run(options, console)),
        Command::Preview(options) => block_on(commands::preview::run(options, global, console)),
        Command::Push(options) => block_on(commands::push::run(options, global, console)),
        Command::Runs(options) => commands::runs::run(options, global, console),
        Command::Explain(options) => commands::explain::run(options),
        Command::State(options) => commands::state::run(options, global, console),
        Command::Sim(options) => block_on(commands::sim::run(options, console)),
        Command::Completions(options) => {
            let mut text = Vec::new();
            clap_complete::generate(options.shell, &mut Arguments::command(), "userhaul", &mut text);
            console::print(&String::from_utf8_lossy(&text));
            Ok(Exit::Ok)
        }
        Command::Man => {
            let mut text = Vec::new();
            clap_mangen::Man::new(Arguments::command()).render(&mut text).map_err(|error| {
                Failure::failed(Code::Internal, format!("cannot make the manual page: {error}"), None)
            })?;
            console::print(&String::from_utf8_lossy(&text));
            Ok(Exit::Ok)
        }
    }
}

/// Sees to it that a write beyond the limit on the size of a file (`ulimit -f`) is refused, as one on a full disk is. The signal
/// that comes with it ends a program that has not asked for it.
fn mind_the_size_of_files() -> Result<(), Failure> {
    let watched = match file_size_signal() {
        Some(number) => {
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(number)).map(drop)
        }
        None => Ok(()),
    };
    watched
        .map_err(|error| Failure::failed(Code::Internal, format!("cannot watch for signals: {error}"), None))
}

/// SIGXFSZ, where its number is known.
fn file_size_signal() -> Option<std::ffi::c_int> {
    let usual = cfg!(any(target_os = "linux", target_os = "macos", target_os = "freebsd"))
        && !cfg!(any(target_arch = "mips", target_arch = "mips64"));
    usual.then_some(25)
}

fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    // Pages are decoded on this thread and encoded on others of their own; receiving takes one, and each further one
    // only passes the work to and fro.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(Code::Internal, format!("cannot start: {error}"), None))?;
    let result = runtime.block_on(async {
        mind_the_size_of_files()?;
        future.await
    });
    // A worker that still encodes or waits for the disk does not keep the program from ending.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    result
}
