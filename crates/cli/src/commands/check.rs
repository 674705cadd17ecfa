//! `userhaul check`: one cheap request a source.

use std::{sync::Arc, time::Instant};

use clap::Args;
use serde_json::json;
use userhaul_client::{ErrorKind, SendError, masked_path};
use userhaul_connector::{
    auth::AuthSpec,
    code::Note,
    decode::{DecodeOptions, Decoder, Lineage},
    plan::{self, PlanInputs},
    request::{Method, Request, Target},
};
use userhaul_runner::{Source, progress::Progress};

use super::Chosen;
use crate::{
    arguments::Global,
    config::Config,
    console::{self, Console},
    failure::{Code, Exit, Failure, exit_of},
    probe,
    progress::Display,
    render,
    sources::{Prepared, quota_dir},
};

/// A clock that differs from the vendor's by more than this is told.
const MAX_SKEW_SECONDS: i64 = 300;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The sources to check; all by default
    sources: Vec<String>,
    /// Ask a few more requests: which facts hold, which experimental streams exist; propose corrections on stdout
    #[arg(long)]
    probe: bool,
    /// Print what was found as one JSON document
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(options: &Options, global: &Global, console: Console) -> Result<Exit, Failure> {
    let (config, chosen) = super::choose(global, &options.sources)?;
    let progress: Arc<dyn Progress> = Arc::new(Display::new(console));
    if options.probe {
        return probe(options, &config, &chosen, &progress, console).await;
    }
    let mut passed = 0;
    let mut worst = Exit::Ok;
    let mut found = Vec::new();
    for Chosen { prepared, selected } in &chosen {
        prepared.unmatched_rules().iter().for_each(|note| console.warning(note.code, &note.text));
        let source = prepared.source(selected.clone(), &progress, quota_dir())?;
        let begun = Instant::now();
        let facts = [("source", json!(source.name))];
        match check(&source, prepared).await {
            Ok(Checked { note, clock }) => {
                passed += 1;
                let milliseconds = begun.elapsed().as_millis();
                console.info_with(&format!("{}: ok, {milliseconds} ms{note}", source.name), &facts);
                let mut entry =
                    json!({ "source": source.name, "status": "ok", "milliseconds": milliseconds });
                if let Some(Note { code, text }) = clock {
                    console.warning_with(code, &format!("{}: {text}", source.name), &facts);
                    entry["warnings"] = json!([{ "code": code.word(), "message": text }]);
                }
                found.push(entry);
            }
            Err(failure) => {
                let before = format!("{}: ", source.name);
                failure.messages.iter().for_each(|message| message.tell(&before, console, &facts));
                let texts: Vec<&str> = failure.messages.iter().map(|message| message.text.as_str()).collect();
                let code = failure.messages.first().map(|message| message.code.word());
                found.push(json!({
                    "source": source.name,
                    "status": "failed",
                    "code": code,
                    "message": texts.join("; "),
                }));
                worst = failure.exit;
            }
        }
    }
    if options.json {
        print_json(&found)?;
    }
    Ok(match (passed, worst) {
        (_, Exit::Ok) => Exit::Ok,
        (0, Exit::Usage) => Exit::Usage,
        (0, _) => Exit::Failed,
        _ => Exit::Partial,
    })
}

/// Whether the source takes the same credential with `Bearer` before it, or without: the word of the facts, and words for
/// people. Vendors publish which one seldom enough (vendors/userlane.md A-04), and only a check tries both.
async fn takes_other_form(source: &Source, request: &Request) -> Option<(&'static str, &'static str)> {
    let AuthSpec::Header { name, scheme, key } = &request.auth else { return None };
    if !name.eq_ignore_ascii_case("Authorization") {
        return None;
    }
    let (other, found) = match scheme {
        None => (Some("Bearer".to_owned()), ("bearer", "with `Bearer` before it")),
        Some(_) => (None, ("raw", "without a word before it")),
    };
    let auth = AuthSpec::Header { name: name.clone(), scheme: other, key: key.clone() };
    let request = Request { auth, ..request.clone() };
    source.client.send(&request).await.is_ok().then_some(found)
}

fn print_json(found: &[serde_json::Value]) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(found).map_err(|error| {
        Failure::failed(Code::Internal, format!("cannot write what was found: {error}"), None)
    })?;
    console::print(&format!("{text}\n"));
    Ok(())
}

/// Tells of each source which facts hold, and proposes corrections of the others.
async fn probe(
    options: &Options,
    config: &Config,
    chosen: &[Chosen],
    progress: &Arc<dyn Progress>,
    console: Console,
) -> Result<Exit, Failure> {
    let (mut failed, mut differ) = (0, false);
    let mut found = Vec::new();
    for Chosen { prepared, selected } in chosen {
        let name = &prepared.config.name;
        match probe::probe(&prepared.config, Some(&config.file), selected, progress).await {
            Ok(report) => {
                differ |= report.differs();
                failed += usize::from(report.refused());
                for finding in &report.findings {
                    let word = finding.verdict.word();
                    let line = format!("{name}: {word}: {}: {}", finding.fact, finding.detail);
                    match finding.verdict.code() {
                        None => console.info(&line),
                        Some(code) => console.warning(code, &line),
                    }
                }
                console.info(&format!("{name}: {} sent", render::counted(report.requests.into(), "request")));
                if options.json {
                    found.push(report.as_json());
                } else {
                    console::print(&report.proposal());
                }
            }
            Err(failure) => {
                failed += 1;
                let before = format!("{name}: ");
                failure.messages.iter().for_each(|message| message.tell(&before, console, &[]));
            }
        }
    }
    if options.json {
        print_json(&found)?;
    }
    Ok(match failed {
        0 if !differ => Exit::Ok,
        failed if failed == chosen.len() && failed > 0 => Exit::Failed,
        _ => Exit::Partial,
    })
}

/// What is worth telling of a source that answers as it should.
struct Checked {
    /// What follows the time that it took.
    note: String,
    /// How its clock differs from ours.
    clock: Option<Note>,
}

/// Asks the check's endpoint and reads the answer.
async fn check(source: &Source, prepared: &Prepared) -> Result<Checked, Failure> {
    let spec = source.connector.spec();
    let stream = spec
        .stream(&spec.check.stream)
        .ok_or_else(|| Failure::failed(Code::WrongFacts, "the facts name no stream to check", None))?;
    let now = jiff::Timestamp::now().as_microsecond();
    let day = 86_400_000_000;
    let inputs = PlanInputs {
        now,
        start: Some(now - 2 * day),
        settings: &source.axis_settings,
        ..PlanInputs::default()
    };
    let slices = plan::plan(stream, &inputs)
        .map_err(|error| Failure::usage(Code::Settings, error.to_string(), None))?;
    let walk = slices
        .first()
        .and_then(|slice| slice.walks.first())
        .ok_or_else(|| Failure::usage(Code::Settings, "nothing to ask for", None))?;
    let mut query = walk.params.clone();
    for (name, value) in stream.paging.params(0, 1).into_iter().chain(spec.check.params.clone()) {
        query.retain(|(known, _)| *known != name);
        query.push((name, value));
    }
    let mut request = Request {
        method: Method::Get,
        target: Target::Path(walk.path.clone()),
        query,
        auth: source.connector.auth(stream),
        accept: stream.empty.clone(),
        timeout: source.timeout,
    };
    let mut sent = source.client.send(&request).await;
    // A server may take no other size than that of the facts.
    let sized = stream.paging.page_size().zip(sent.as_ref().err().and_then(SendError::status));
    if let Some(((name, rows), 400 | 422)) = sized
        && let Some((_, value)) = request.query.iter_mut().find(|(known, _)| known == name)
        && *value != rows.to_string()
    {
        *value = rows.to_string();
        let whole = source.client.send(&request).await;
        sent = if whole.is_ok() { whole } else { sent };
    }
    if let Err(error) = &sent
        && error.status() == Some(401)
        && let Some((scheme, words)) = takes_other_form(source, &request).await
    {
        let hint = format!("set `wire = {{ auth = {{ scheme = \"{scheme}\" }} }}`");
        return Err(Failure::failed(
            Code::Credentials,
            format!("{error}; but the credential is taken {words}"),
            Some(hint),
        ));
    }
    let page = sent.map_err(|error| {
        let exit = if error.kind() == ErrorKind::Settings { exit_of(error.kind()) } else { Exit::Failed };
        let concerned = error.kind() == ErrorKind::Credentials;
        let scope = source.connector.spec().scope().filter(|_| error.status() == Some(403));
        let hint = scope.map(userhaul_runner::missing_scope).or_else(|| error.hint());
        let hint = hint.map(|hint| match concerned {
            true => format!("{hint} ({})", prepared.credential()),
            false => hint,
        });
        Failure::new(error.code(), error.to_string(), hint, exit)
    })?;
    let mut note = String::new();
    if page.status < 300 && page.status != 204 {
        let options = DecodeOptions {
            table: stream.table.clone(),
            derived: Vec::new(),
            items: stream.items.clone(),
            single: stream.single,
            custom: None,
            rules: Vec::new(),
        };
        let lineage = Lineage { source: &source.name, run_id: "", extracted_at: 0, given: &walk.given };
        Decoder::new(&options).page(&page.body, &lineage).map_err(|error| {
            let hint = "the address may be another service, or the vendor's format may differ".to_owned();
            Failure::failed(
                Code::InvalidPage,
                format!("`{}` answered, but {error}", masked_path(&walk.path)),
                Some(hint),
            )
        })?;
    } else {
        note.push_str(&format!(", status {}: no rows", page.status));
    }
    let date = page.headers.get("date").and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    let skew = date.map(|date| page.received_at.as_second() - date.timestamp().as_second());
    let clock = skew.filter(|skew| skew.abs() > MAX_SKEW_SECONDS).map(|skew| {
        let way = if skew > 0 { "ahead of" } else { "behind" };
        Code::ClockDiffers.note(format!("this clock is {} s {way} the vendor's", skew.abs()))
    });
    Ok(Checked { note, clock })
}
