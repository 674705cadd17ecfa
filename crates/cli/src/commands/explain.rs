//! `userhaul explain`: what a code means.

use clap::Args;
use userhaul_connector::code::{ENTRIES, Entry};

use crate::{
    console,
    failure::{Code, Exit, Failure},
    nearest::nearest,
    render,
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A code, as it stands at the end of a message; without one, all codes are listed
    code: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Failure> {
    let text = match &options.code {
        Some(word) => explained(find(word.trim_matches(['[', ']', ' ']))?),
        None => {
            let rows: Vec<Vec<String>> = ENTRIES
                .iter()
                .map(|entry| vec![entry.word.to_owned(), entry.means.trim().to_owned()])
                .collect();
            format!("{}\n", render::table(&["code", "meaning"], &rows))
        }
    };
    console::print(&text);
    Ok(Exit::Ok)
}

fn find(word: &str) -> Result<&'static Entry, Failure> {
    Code::find(word).map(Code::entry).ok_or_else(|| {
        let hint = match nearest(word, ENTRIES.iter().map(|entry| entry.word)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "`userhaul explain` lists all codes".to_owned(),
        };
        Failure::usage(Code::UnknownName, format!("no code `{word}`"), Some(hint))
    })
}

fn explained(entry: &Entry) -> String {
    let Entry { word, means, did, remedy, .. } = entry;
    format!("{word}\n  {}\n  userhaul: {}\n  you: {}\n", means.trim(), did.trim(), remedy.trim())
}
