//! The commands with their arguments, as the command line itself knows them.

use clap::{Arg, Command};

use super::{code, markdown};

/// The options of every command, and each command, by the names of their blocks.
pub(super) fn all() -> Vec<(String, String)> {
    let mut program = crate::arguments::command();
    program.build();
    let mut blocks =
        vec![("global options".to_owned(), arguments(&program, |argument| argument.is_global_set()))];
    commands(&program, "command", &mut blocks);
    blocks
}

/// The commands below one, each by its own block; one that only leads to others has none.
fn commands(above: &Command, path: &str, blocks: &mut Vec<(String, String)>) {
    for command in above.get_subcommands().filter(|command| command.get_name() != "help") {
        let path = format!("{path} {}", command.get_name());
        if command.has_subcommands() {
            commands(command, &path, blocks);
        } else {
            blocks.push((path, block(command)));
        }
    }
}

fn block(command: &Command) -> String {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let options = arguments(command, |argument| !argument.is_global_set());
    let mut text = format!("{about}.\n\n```text\n{usage}\n```\n");
    if !options.is_empty() {
        text.push('\n');
        text.push_str(&options);
    }
    text
}

fn arguments(command: &Command, wanted: impl Fn(&Arg) -> bool) -> String {
    let rows: Vec<Vec<String>> = command
        .get_arguments()
        .filter(|argument| wanted(argument) && !matches!(argument.get_id().as_str(), "help" | "version"))
        .map(|argument| vec![code(&written(argument)), meaning(argument)])
        .collect();
    if rows.is_empty() { String::new() } else { markdown(&["argument", "meaning"], rows) }
}

/// As a user writes it: `-o, --output <FILE>`, `[SELECT]...`.
fn written(argument: &Arg) -> String {
    if argument.is_positional() {
        return argument.to_string();
    }
    let long = argument.to_string();
    match argument.get_short() {
        Some(short) if !long.starts_with(&format!("-{short}")) => format!("-{short}, {long}"),
        _ => long,
    }
}

fn meaning(argument: &Arg) -> String {
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let mut text = help.trim_end_matches('.').to_owned();
    let takes_value = argument.get_action().takes_values();
    let values: Vec<String> =
        argument.get_possible_values().iter().map(|value| code(value.get_name())).collect();
    if takes_value && !values.is_empty() {
        text.push_str(&format!(": {}", values.join(", ")));
    }
    let defaults: Vec<String> =
        argument.get_default_values().iter().map(|value| code(&value.to_string_lossy())).collect();
    if takes_value && !defaults.is_empty() {
        text.push_str(&format!(" (default {})", defaults.join(", ")));
    }
    text
}
