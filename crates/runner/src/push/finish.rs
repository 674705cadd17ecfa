//! What a push leaves: the plan of a dry run, the file of former values, the count of rows.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::Path,
};

use userhaul_connector::{
    auth::AuthSpec,
    code::Code,
    push::{Body, Call, Record, Setup, Stored, Value},
    request::{Method, encode_segment},
};

use super::{
    Change, Planned, Push, PushError, PushRecord, Pushed, Rows, judged, now, read, shows, state::State,
};
use crate::record::{Command, RunStatus, Warnings};

/// A push of which nothing has happened yet.
pub(super) fn empty(push: &Push<'_>, started_at: String) -> Pushed {
    let scope = push.target.scope();
    Pushed {
        record: PushRecord {
            run_id: push.run_id.to_owned(),
            source: push.source.name.clone(),
            target: push.spec().name.to_owned(),
            scope: (!scope.is_empty()).then(|| scope.to_owned()),
            finished_at: started_at.clone(),
            started_at,
            command: Command::Push,
            status: RunStatus::Ok,
            version: push.version.to_owned(),
            dry_run: push.dry_run,
            rows: Rows::default(),
            requests: 0,
            retries: 0,
            throttled: 0,
            definitions: 0,
            verified: None,
            types: Vec::new(),
            warnings: Warnings::default(),
            error: None,
        },
        faults: Vec::new(),
        planned: Vec::new(),
        changes: Vec::new(),
        compared: false,
    }
}

/// The requests that would be sent, and what they would change. A request that follows from an answer is not known here.
pub(super) fn plan(
    push: &Push<'_>,
    setup: &Setup,
    records: &[Record],
    which: &[usize],
    state: &State,
    stored: Option<&Stored>,
    pushed: &mut Pushed,
) {
    if !which.is_empty() {
        pushed.planned.extend(setup.calls.iter().map(planned));
        pushed.record.definitions = setup.calls.iter().map(|call| (call.learns.len() / 2) as u64).sum();
    }
    for (step, items) in push.target.plan(records, which) {
        pushed.planned.push(planned(&push.target.compose(step, records, &items)));
    }
    for &index in which {
        let record = &records[index];
        let seen = stored.and_then(|stored| stored.rows.get(&record.key));
        for entry in &record.fields {
            let before = seen.and_then(|seen| seen.get(&entry.name));
            let same = match before {
                Some(before) => entry.value.same_as(before),
                None => stored.is_none() && state.has_field(record, &entry.name, &entry.value.json()),
            };
            if !same {
                pushed.changes.push(Change {
                    row: entry.row,
                    key: record.key.replace('\0', " "),
                    field: entry.name.clone(),
                    before: before.map(Value::json),
                    after: entry.value.json(),
                });
            }
        }
    }
}

fn planned(call: &Call) -> Planned {
    let method = match call.method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    };
    let query: Vec<String> = call.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let path =
        if query.is_empty() { call.path.clone() } else { format!("{}?{}", call.path, query.join("&")) };
    let mut headers = vec![("Accept".to_owned(), "application/json".to_owned())];
    headers.extend(match &call.auth {
        // A key in the query is left out like one in a header.
        AuthSpec::Anonymous | AuthSpec::Query { .. } => None,
        AuthSpec::Header { name, scheme, .. } => Some((
            name.clone(),
            scheme.as_ref().map_or_else(|| "***".to_owned(), |scheme| format!("{scheme} ***")),
        )),
        AuthSpec::Basic { .. } | AuthSpec::KeyAsUser { .. } => {
            Some(("Authorization".to_owned(), "Basic ***".to_owned()))
        }
        AuthSpec::ClientCredentials { .. } => Some(("Authorization".to_owned(), "Bearer ***".to_owned())),
    });
    let (kind, body) = match &call.body {
        Body::Empty => (None, String::new()),
        Body::Json(bytes) => (Some("application/json"), String::from_utf8_lossy(bytes).into_owned()),
        Body::Form(pairs) => (Some("application/x-www-form-urlencoded"), form(pairs)),
    };
    headers.extend(kind.map(|kind| ("Content-Type".to_owned(), kind.to_owned())));
    Planned { method, path, headers, body, records: call.items.len() }
}

/// Keeps the former values of what is about to be sent, as rows that can be pushed. On disk before anything is sent.
pub(super) async fn undo(
    push: &Push<'_>,
    records: &[Record],
    which: &[usize],
    stored: Option<Stored>,
    path: &Path,
    pushed: &mut Pushed,
) -> Result<(), PushError> {
    let before = match stored.filter(|stored| stored.whole && push.options.replace) {
        Some(mut stored) => which
            .iter()
            .filter_map(|&index| Some((index, stored.rows.remove(&records[index].key)?)))
            .collect(),
        None if shows(push.target) => read::seen(push, records, which, false, pushed)
            .await
            .map_err(|(message, hint)| PushError::Read { why: "`--undo` needs", message, hint })?,
        None => std::collections::HashMap::new(),
    };
    let mut text = Vec::new();
    for &index in which {
        let rows = match push.target.undo(&records[index], before.get(&index)) {
            Some(Value::List(rows)) => rows,
            row => row.into_iter().collect(),
        };
        for row in rows {
            row.write(&mut text);
            text.push(b'\n');
        }
    }
    let failed = |error| PushError::io("write", path, error);
    let mut file = userhaul_storage::create_new(path).map_err(failed)?;
    file.write_all(&text).and_then(|()| file.sync_all()).map_err(failed)
}

/// Counts each row once, and ends the record.
pub(super) fn count(push: &Push<'_>, records: &[Record], which: &[usize], pushed: &mut Pushed) {
    let mut rows: BTreeMap<u64, u8> = BTreeMap::new();
    let sent: BTreeSet<usize> = which.iter().copied().collect();
    for (index, record) in records.iter().enumerate() {
        let weight = u8::from(sent.contains(&index));
        for row in &record.rows {
            let known = rows.entry(*row).or_default();
            *known = (*known).max(weight);
        }
    }
    for fault in &pushed.faults {
        let weight = match fault.code {
            Code::NotSent => 2,
            Code::Unknown => 3,
            _ => 4,
        };
        if let Some(row) = fault.row {
            let known = rows.entry(row).or_default();
            *known = (*known).max(weight);
        }
    }
    let told = &mut pushed.record.rows;
    for weight in rows.values() {
        match weight {
            0 => told.unchanged += 1,
            1 => told.applied += 1,
            2 => told.not_sent += 1,
            3 => told.unknown += 1,
            _ => told.failed += 1,
        }
    }
    // A row that says nothing is as good as one that says nothing new.
    told.unchanged += told.read.saturating_sub(rows.len() as u64);
    pushed.faults.sort_by(|left, right| (left.row, &left.field).cmp(&(right.row, &right.field)));
    pushed.record.finished_at = now();
    pushed.record.status = judged(&pushed.record.rows, pushed.record.error.is_some(), push.stopped());
}

/// Pairs as a form.
pub(super) fn form(pairs: &[(String, String)]) -> String {
    let pair =
        |(name, value): &(String, String)| format!("{}={}", encode_segment(name), encode_segment(value));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}
