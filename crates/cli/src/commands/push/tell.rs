//! What a push says: the heading, the outcome, the errors file, the plan of a dry run.

use std::{collections::BTreeMap, io::Write, path::Path};

use serde_json::json;
use userhaul_client::for_people;
use userhaul_connector::push::{Fault, Open, Target, TargetSpec, Value};
use userhaul_runner::push::{Input, Pushed};

use super::ask::Asked;
use crate::{
    console::{self, Console, printable},
    failure::{Code, Failure},
    render::{counted, grouped},
};

/// So many kinds of faults are told; the errors file has all.
const KINDS: usize = 10;

pub(super) fn heading(asked: &Asked<'_>, target: &dyn Target, input: &Input, console: Console) {
    let scope = Some(target.scope()).filter(|scope| !scope.is_empty()).map(|scope| format!(" ({scope})"));
    let from =
        if asked.from == Path::new("-") { "stdin".to_owned() } else { asked.from.display().to_string() };
    console.info(&format!(
        "{}{}: {} of {from}",
        asked.name,
        scope.unwrap_or_default(),
        counted(input.rows.len() as u64, "row")
    ));
}

/// Columns that go nowhere.
pub(super) fn left_out(spec: &TargetSpec, columns: &[String], console: Console) {
    let Some(first) = columns.first() else { return };
    let names =
        columns.iter().map(|column| format!("`{}`", printable(column))).collect::<Vec<_>>().join(", ");
    let meant = crate::nearest::nearest(first, spec.fields.iter().map(|field| field.name));
    let how = match (meant, spec.open) {
        (Some(meant), _) => format!("`--map {first}={meant}` sends it"),
        (None, Open::Below(prefix)) => format!("`--map {first}={prefix}.{first}` sends it"),
        (None, Open::Custom(_)) => {
            format!("it is no custom field; `--map {first}={first}` sends it all the same")
        }
        (None, Open::All | Open::Closed) => format!("`--map {first}=FIELD` sends it"),
    };
    console.warning(Code::ColumnsLeftOut, &format!("left out: {names}; {}", printable(&how)));
}

/// Writes the errors file, whole or not at all; an empty one where all is well.
pub(super) fn errors(path: &Path, pushed: &Pushed, input: &Input) -> Result<(), Failure> {
    let mut text = Vec::new();
    for fault in pushed.faults.iter().filter(|fault| fault.row.is_some()) {
        line(fault, input).write(&mut text);
        text.push(b'\n');
    }
    let mut making = path.as_os_str().to_owned();
    making.push(".making");
    let making = std::path::PathBuf::from(making);
    let written = std::fs::File::create(&making).and_then(|mut file| {
        file.write_all(&text)?;
        file.sync_all()
    });
    written.and_then(|()| std::fs::rename(&making, path)).map_err(|error| {
        let _ = std::fs::remove_file(&making);
        Failure::file("write", path, &error)
    })
}

fn line(fault: &Fault, input: &Input) -> Value {
    let row = fault.row.unwrap_or_default();
    let cells = usize::try_from(row.saturating_sub(1)).ok().and_then(|index| input.rows.get(index));
    let cells = cells.into_iter().flatten().cloned();
    // What JSON cannot say comes back as words, so that it can be seen and mended.
    let cells = cells.map(|cell| if let Value::Odd(what) = cell { Value::text(what) } else { cell });
    Value::Object(vec![
        ("row".to_owned(), Value::Number(row.to_string())),
        ("input".to_owned(), Value::Object(input.columns.iter().cloned().zip(cells).collect())),
        ("status".to_owned(), fault.status.map_or(Value::Null, |status| Value::Number(status.to_string()))),
        ("code".to_owned(), Value::text(fault.code.word())),
        ("field".to_owned(), fault.field.as_ref().map_or(Value::Null, Value::text)),
        ("reason".to_owned(), Value::text(&fault.reason)),
    ])
}

/// What became of it: for people on stderr, for programs on stdout.
pub(super) fn outcome(
    pushed: &Pushed,
    asked: &Asked<'_>,
    as_json: bool,
    console: Console,
) -> Result<(), Failure> {
    let record = &pushed.record;
    for (code, warning) in record.warnings.iter() {
        console.warning(Code::of(code), &for_people(warning));
    }
    faults(pushed, asked, console);
    if let Some(error) = &record.error {
        console.error(Code::of(&error.code), &error.message, error.hint.as_deref());
    }
    let rows = &record.rows;
    let mut parts = Vec::new();
    let applied = if record.dry_run { "to be sent" } else { "applied" };
    for (count, word) in [
        (rows.applied, applied),
        (rows.unchanged, "unchanged"),
        (rows.failed, "failed"),
        (rows.unknown, "unknown"),
        (rows.not_sent, "not sent"),
    ] {
        if count > 0 || word == applied {
            parts.push(format!("{} {word}", grouped(count)));
        }
    }
    if rows.merged > 0 {
        parts.push(format!("{} merged with another row of the same key", grouped(rows.merged)));
    }
    let requests = if record.dry_run { pushed.planned.len() as u64 } else { record.requests };
    let verified = record.verified.map(|seen| {
        format!(
            "; read back: {} as written, {} not, {} not shown",
            grouped(seen.same),
            grouped(seen.different),
            grouped(seen.not_shown)
        )
    });
    let facts =
        [("run_id", json!(record.run_id)), ("status", json!(crate::render::run_status(record.status)))];
    let summary =
        format!("{}; {}{}", parts.join(", "), counted(requests, "request"), verified.unwrap_or_default());
    console.info_with(&summary, &facts);
    if as_json {
        let text = serde_json::to_string_pretty(&whole(pushed)).map_err(|error| {
            Failure::failed(Code::Internal, format!("cannot write the record: {error}"), None)
        })?;
        console::print(&format!("{text}\n"));
    } else if record.dry_run {
        plan(pushed, console);
    }
    Ok(())
}

/// Rows that did not get there, by reason.
fn faults(pushed: &Pushed, asked: &Asked<'_>, console: Console) {
    let mut kinds: BTreeMap<(Code, Option<&str>, String), Vec<u64>> = BTreeMap::new();
    for fault in &pushed.faults {
        let key = (fault.code, fault.field.as_deref(), for_people(&fault.reason));
        kinds.entry(key).or_default().extend(fault.row);
    }
    let more = kinds.len().saturating_sub(KINDS);
    for ((code, field, reason), rows) in kinds.iter().take(KINDS) {
        let shown: Vec<String> = rows.iter().take(3).map(u64::to_string).collect();
        let rest = rows.len().saturating_sub(3);
        let rest = if rest > 0 { format!(" and {} more", grouped(rest as u64)) } else { String::new() };
        let plural = if rows.len() == 1 { "row" } else { "rows" };
        let field = field.map(|field| format!("`{}` ", printable(field))).unwrap_or_default();
        let facts = [("rows", json!(rows))];
        let message = format!("{plural} {}{rest}: {field}{reason}", shown.join(", "));
        console.error_with(*code, &message, None, &facts);
    }
    if pushed.faults.is_empty() {
        return;
    }
    let more = if more > 0 { format!("{more} more reasons; ") } else { String::new() };
    console.info(&match &asked.errors {
        Some(path) => {
            format!(
                "{more}`{}` holds the rows with the reasons: mend them, and push that file",
                path.display()
            )
        }
        None => {
            format!("{more}`--errors FILE` keeps the rows with the reasons, to be mended and pushed again")
        }
    });
}

fn whole(pushed: &Pushed) -> serde_json::Value {
    let mut record = json!(pushed.record);
    if pushed.record.dry_run {
        let body = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| json!(text));
        record["planned"] = pushed
            .planned
            .iter()
            .map(|call| {
                let headers: serde_json::Map<String, serde_json::Value> =
                    call.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
                json!({ "method": call.method, "path": call.path, "headers": headers, "body": body(&call.body), "records": call.records })
            })
            .collect();
        record["changes"] = pushed
            .changes
            .iter()
            .map(|change| {
                let before = change.before.as_deref().map(body);
                json!({ "row": change.row, "key": change.key, "field": change.field, "before": before, "after": body(&change.after) })
            })
            .collect();
        record["compared_with_export"] = json!(pushed.compared);
    }
    record
}

/// The changes and the requests of a dry run, on stdout.
fn plan(pushed: &Pushed, console: Console) {
    let mut text = String::new();
    if pushed.compared {
        console.info(&format!("{} against the last export:", counted(pushed.changes.len() as u64, "change")));
        for change in &pushed.changes {
            let before = change.before.as_deref().unwrap_or("?");
            text.push_str(&printable(&format!(
                "row {}, {}: {} {before} -> {}\n",
                change.row, change.key, change.field, change.after
            )));
        }
        text.push('\n');
    } else {
        console.info("no export to compare with");
    }
    for call in &pushed.planned {
        text.push_str(&format!("{} {}\n", call.method, printable(&call.path)));
        for (name, value) in &call.headers {
            text.push_str(&format!("{name}: {value}\n"));
        }
        text.push_str(&format!("\n{}\n\n", printable(&call.body)));
    }
    console::print(&text);
}
