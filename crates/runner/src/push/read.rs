//! The vendor's side: as the last export shows it, as its stream shows it now, or record by record.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    time::Duration,
};

use userhaul_client::{Payload, SendError};
use userhaul_connector::{
    code::Code,
    push::{Answer, Call, Fault, ReadBack, Record, Seen, Stored, Value},
    request::{Request, Target as Address},
};

use super::{
    Push, Pushed, faults_of,
    send::request,
    shows,
    state::{Outcome, State},
};
use crate::{
    record::RunStatus,
    source::{RunOptions, Source},
};

/// Waits before what was written is read again, where a vendor takes its time.
const ROUNDS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// What the last export holds; none where there is none.
pub(super) fn exported(push: &Push<'_>) -> Option<Stored> {
    let stream = push.spec().stream?;
    let table = push.destination.join(&push.source.name).join(stream);
    let hidden: Vec<&str> = push.source.rules.iter().map(|rule| rule.name.as_str()).collect();
    table_rows(push, &table, &hidden).ok().flatten()
}

/// All rows of a table; none where there is no file.
fn table_rows(push: &Push<'_>, table: &Path, hidden: &[&str]) -> Result<Option<Stored>, String> {
    let files = parquet_files(table);
    if files.is_empty() {
        return Ok(None);
    }
    let mut stored = Stored { whole: true, ..Stored::default() };
    for file in files {
        let batches = userhaul_sink::read(&file, None).map_err(|error| error.to_string())?;
        for batch in batches {
            let batch = batch.map_err(|error| error.to_string())?;
            let names: Vec<String> =
                batch.schema().fields().iter().map(|field| field.name().clone()).collect();
            for cells in super::cells::rows(&batch) {
                let row: Vec<(String, Value)> = names.iter().cloned().zip(cells).collect();
                for (keys, mut seen) in push.target.stored(&row) {
                    seen.fields.retain(|(name, _)| !hidden.contains(&name.as_str()));
                    stored.names.extend(seen.fields.iter().map(|(name, _)| name.clone()));
                    for key in keys {
                        merge(stored.rows.entry(key).or_default(), &seen);
                    }
                }
            }
        }
    }
    Ok(Some(stored))
}

/// Rows of one key say more together: memberships, or one user of several applications.
fn merge(into: &mut Seen, seen: &Seen) {
    into.whole |= seen.whole;
    for (name, value) in &seen.fields {
        if !into.fields.iter().any(|(known, _)| known == name) {
            into.fields.push((name.clone(), value.clone()));
        }
    }
}

pub(super) fn parquet_files(table: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(table).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|kind| kind == "parquet")).collect();
    files.sort();
    files
}

/// Reads the target's stream, by way of a folder that goes again.
pub(super) async fn stream(
    push: &Push<'_>,
    limit: Option<u64>,
    pushed: &mut Pushed,
) -> Result<Stored, (String, Option<String>)> {
    let Some(stream) = push.spec().stream else { return Err(("no stream shows it".to_owned(), None)) };
    let folder = Temporary::new(&push.folder()).map_err(|error| (error.to_string(), None))?;
    fetch(stream, limit, push, &folder.0, pushed).await?;
    let table = folder.0.join(&push.source.name).join(stream);
    let stored = table_rows(push, &table, &[]).map_err(|message| (message, None))?;
    Ok(Stored { whole: limit.is_none(), ..stored.unwrap_or_default() })
}

async fn fetch(
    stream: &str,
    limit: Option<u64>,
    push: &Push<'_>,
    folder: &Path,
    pushed: &mut Pushed,
) -> Result<(), (String, Option<String>)> {
    let sources = [reading(push.source, stream)];
    let options = read_options(folder, limit);
    let record = crate::run::sync(&sources, &options, push.version, &quiet()).await;
    let record = record.map_err(|error| (error.to_string(), None))?;
    for stream in record.sources.values().flat_map(|source| source.streams.values()) {
        pushed.record.requests += stream.requests;
        pushed.record.retries += stream.retries;
        pushed.record.throttled += stream.throttled;
    }
    let outcome = record
        .sources
        .values()
        .flat_map(|source| source.streams.values())
        .find_map(|stream| stream.error.clone());
    match outcome {
        Some(error) => Err((error.message, error.hint)),
        None if record.status == RunStatus::Failed => Err((format!("`{stream}` could not be read"), None)),
        None => Ok(()),
    }
}

/// A run whose tables are thrown away.
pub(super) fn read_options(folder: &Path, limit: Option<u64>) -> RunOptions {
    RunOptions {
        run_id: "read".to_owned(),
        now: 0,
        destination: folder.to_owned(),
        compression: userhaul_sink::Compression::None,
        from: None,
        to: None,
        full: true,
        allow_shrink: true,
        limit,
    }
}

pub(super) fn quiet() -> std::sync::Arc<dyn crate::progress::Progress> {
    std::sync::Arc::new(crate::progress::NoProgress)
}

/// The source as it is asked for one stream, without privacy rules: what is read is compared and thrown away.
pub(super) fn reading(source: &Source, stream: &str) -> Source {
    Source {
        name: source.name.clone(),
        connector: std::sync::Arc::clone(&source.connector),
        registration: source.registration,
        client: source.client.clone(),
        selected: BTreeSet::from([stream.to_owned()]),
        start: source.start,
        identity: source.identity.clone(),
        look_back: None,
        full_every: None,
        marks_deleted: false,
        keeps_history: false,
        concurrency: source.concurrency,
        timeout: source.timeout,
        axis_settings: source.axis_settings.clone(),
        id_files: Vec::new(),
        rules: Vec::new(),
        archive: None,
    }
}

/// Asks for one record. None where it is not there.
pub(super) async fn one(
    push: &Push<'_>,
    record: &Record,
    pushed: &mut Pushed,
) -> Result<Option<Seen>, SendError> {
    let Some(call) = push.target.look_up(record) else { return Ok(None) };
    let page = ask(push, &call, pushed).await?;
    Ok(push.target.shown(record, Answer { status: page.0, body: &page.1 }))
}

async fn ask(push: &Push<'_>, call: &Call, pushed: &mut Pushed) -> Result<(u16, Vec<u8>), SendError> {
    let request: Request = request(push, call);
    debug_assert!(matches!(request.target, Address::Path(_)));
    let payload = Payload { repeatable: true, ..Payload::default() };
    match push.source.client.write(&request, &payload).await {
        Ok(page) => {
            pushed.record.requests += u64::from(page.attempts.requests);
            pushed.record.retries += u64::from(page.attempts.retries);
            pushed.record.throttled += u64::from(page.attempts.throttled);
            Ok((page.status, page.body.to_vec()))
        }
        Err(error) => {
            pushed.record.requests += u64::from(error.attempts().requests);
            Err(error)
        }
    }
}

/// Looks at records of which an earlier push does not know whether they arrived: those that did are remembered, and
/// those of which that cannot be told are left out, with a fault.
pub(super) async fn doubts(
    push: &Push<'_>,
    state: &mut State,
    records: &[Record],
    pushed: &mut Pushed,
) -> Result<BTreeSet<usize>, super::PushError> {
    let mut left = BTreeSet::new();
    if push.all || push.dry_run {
        return Ok(left);
    }
    let doubtful: Vec<usize> = (0..records.len())
        .filter(|&index| state.get(&records[index]).is_some_and(|kept| kept.unknown))
        .collect();
    for index in doubtful {
        let record = &records[index];
        let seen = if push.target.read_back() == ReadBack::Record {
            one(push, record, pushed).await.ok().flatten()
        } else {
            None
        };
        match push.target.arrived(record, seen.as_ref()) {
            Some(true) => {
                let id = state.begin(&[record], true)?;
                state.end(
                    id,
                    &Outcome { applied: vec![(record, Vec::new())], ..Outcome::default() },
                    false,
                )?;
                pushed.record.warnings.push(
                    Code::ArrivedBefore
                        .note(format!("row {}: an earlier push did arrive", record.row_of(None))),
                );
            }
            Some(false) => {}
            None => {
                left.insert(index);
                let reason = "an earlier request may have arrived, and what the vendor shows does not tell; `--all` sends it again";
                pushed
                    .faults
                    .extend(faults_of(record, &Fault::of_record(index, None, Code::Unknown, reason)));
            }
        }
    }
    Ok(left)
}

/// Reads back what was applied. A value that is not there is a fault of its row, and is sent again by the next push.
pub(super) async fn verify(
    push: &Push<'_>,
    state: &mut State,
    records: &[Record],
    which: &[usize],
    pushed: &mut Pushed,
) {
    if let ReadBack::No(why) = push.target.read_back() {
        let text = format!("`--verify` found nothing to read: {why}");
        pushed.record.warnings.push(Code::NotVerifiable.note(text));
        return;
    }
    let failed: BTreeSet<u64> =
        pushed.faults.iter().filter(|fault| fault.field.is_none()).filter_map(|fault| fault.row).collect();
    let check: Vec<usize> = which
        .iter()
        .copied()
        .filter(|&index| !records[index].rows.iter().any(|row| failed.contains(row)))
        .collect();
    let seen = match seen(push, records, &check, true, pushed).await {
        Ok(seen) => seen,
        Err((message, hint)) => {
            let message = format!("what was written could not be read back: {message}");
            super::end_early(pushed, Code::NotVerified, message, hint);
            return;
        }
    };
    let mut verified = super::Verified::default();
    let refused: BTreeSet<(u64, String)> =
        pushed.faults.iter().filter_map(|fault| Some((fault.row?, fault.field.clone()?))).collect();
    for &index in &check {
        let record = &records[index];
        let shown = seen.get(&index);
        if shown.is_none() && push.target.arrived(record, None) == Some(false) {
            verified.different += record.fields.len() as u64;
            for entry in &record.fields {
                state.drop_field(record, &entry.name);
            }
            let fault =
                Fault::of_record(index, None, Code::NotApplied, "the vendor took it, but does not show it");
            pushed.faults.extend(faults_of(record, &fault));
            continue;
        }
        for entry in record.fields.iter().filter(|entry| !refused.contains(&(entry.row, entry.name.clone())))
        {
            match shown.and_then(|shown| shown.get(&entry.name)) {
                None => verified.not_shown += 1,
                Some(value) if entry.value.same_as(value) => verified.same += 1,
                Some(_) => {
                    verified.different += 1;
                    state.drop_field(record, &entry.name);
                    let reason = "the vendor took it, but shows another value";
                    let fault = Fault::of_record(index, Some(&entry.name), Code::NotApplied, reason);
                    pushed.faults.extend(faults_of(record, &fault));
                }
            }
        }
    }
    pushed.record.verified = Some(verified);
}

/// What the vendor shows of these records, by index. What was just written may take its time to be shown.
pub(super) async fn seen(
    push: &Push<'_>,
    records: &[Record],
    check: &[usize],
    written: bool,
    pushed: &mut Pushed,
) -> Result<HashMap<usize, Seen>, (String, Option<String>)> {
    if check.is_empty() || !shows(push.target) {
        return Ok(HashMap::new());
    }
    if push.target.read_back() == ReadBack::Stream {
        let mut stored = stream(push, None, pushed).await?;
        return Ok(check
            .iter()
            .filter_map(|&index| Some((index, stored.rows.remove(&records[index].key)?)))
            .collect());
    }
    let mut seen = HashMap::new();
    let mut open: Vec<usize> = check.to_vec();
    let rounds: &[Duration] = if written && push.spec().eventual { &ROUNDS } else { &[] };
    for round in 0..=rounds.len() {
        let mut later = Vec::new();
        for index in std::mem::take(&mut open) {
            let record = &records[index];
            let shown = one(push, record, pushed).await.map_err(|error| (error.to_string(), error.hint()))?;
            let there = shown.as_ref().is_some_and(|shown| {
                record
                    .fields
                    .iter()
                    .all(|entry| shown.get(&entry.name).is_none_or(|value| entry.value.same_as(value)))
            });
            seen.extend(shown.map(|shown| (index, shown)));
            if !there {
                later.push(index);
            }
        }
        open = later;
        match rounds.get(round) {
            Some(&wait) if !open.is_empty() && !push.stopped() => tokio::time::sleep(wait).await,
            _ => break,
        }
    }
    Ok(seen)
}

/// A folder that goes with its owner.
pub(super) struct Temporary(pub(super) PathBuf);

impl Temporary {
    pub(super) fn new(parent: &Path) -> std::io::Result<Self> {
        let path = parent.join(format!("read-{}", uuid::Uuid::now_v7()));
        userhaul_storage::create_folder(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What stays is swept away by nobody, but holds nothing that an export does not.
        let _ = userhaul_storage::remove_folder(&self.0);
    }
}
