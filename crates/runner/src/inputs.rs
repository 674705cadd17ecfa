//! What the reading of a stream starts from: parents, lookups, custom fields, and the tables in the making.

use std::{collections::BTreeMap, sync::Arc};

use userhaul_connector::{
    code::{Code, Note},
    decode::{CustomFields, DecodeOptions, Decoder, DerivedLayout, Lineage},
    plan::PlanInputs,
    rows::Lookups,
    slice::Slice,
    spec::{StreamSpec, SyncMode},
};

use crate::{
    error::StreamError,
    orders::Tables,
    reading::{self, Kind, Reading},
    record::StreamRecord,
    stream::{SHRINK_FLOOR, SourceRun},
    tables,
    walk::Tally,
    writer::{Surroundings, TableWriter},
};

/// What the pages of a stream are decoded with.
pub(crate) fn decode_options(
    run: &SourceRun<'_>,
    stream: &StreamSpec,
    derived: &[&StreamSpec],
    record: &mut StreamRecord,
) -> Result<DecodeOptions, StreamError> {
    let custom = match &stream.custom_fields {
        None => None,
        Some(custom) => {
            let folder =
                run.folders.table(&run.source.name, &custom.from, run.source.selected.contains(&custom.from));
            let names = tables::custom_names(&folder, &custom.name)?;
            if names.is_empty() {
                let text = format!("`{}` names no custom field", custom.from);
                record.warnings.push(Code::CustomFieldsUnnamed.note(text));
            }
            Some(CustomFields { column: custom.column.clone(), names })
        }
    };
    let layouts = derived.iter().filter_map(|spec| {
        let from = spec.derived.as_ref().filter(|from| !from.field.is_empty())?;
        Some(DerivedLayout {
            stream: spec.name.clone(),
            table: spec.table.clone(),
            field: from.field.clone(),
            inherits: from.inherits.clone(),
            single: from.single,
        })
    });
    Ok(DecodeOptions {
        table: stream.table.clone(),
        derived: layouts.collect(),
        items: stream.items.clone(),
        single: stream.single,
        custom,
        rules: run.rules(&stream.name),
    })
}

/// Tells the walks of parents that have no children what a refusal means.
pub(crate) fn mark_barren(
    run: &SourceRun<'_>,
    stream: &StreamSpec,
    slices: &mut [Slice],
) -> Result<(), StreamError> {
    let Some(parent) = stream.parent() else { return Ok(()) };
    let Some(barren) = &parent.barren else { return Ok(()) };
    let wanted = run.source.selected.contains(&parent.stream);
    let folder = run.folders.table(&run.source.name, &parent.stream, wanted);
    let keys = tables::distinct_where(&folder, &parent.key, Some((&barren.column, &barren.value)))?;
    for walk in slices.iter_mut().flat_map(|slice| &mut slice.walks) {
        if walk.parent.as_ref().is_some_and(|key| keys.contains(key)) {
            walk.barren.clone_from(&barren.statuses);
        }
    }
    Ok(())
}

/// The keys that the stream's parents have: of the table that this run has just read, and of the file of ids.
pub(crate) fn parents(run: &SourceRun<'_>, stream: &StreamSpec) -> Result<Vec<String>, StreamError> {
    let Some(parent) = stream.parent() else { return Ok(Vec::new()) };
    let wanted = run.source.selected.contains(&parent.stream);
    let folder = run.folders.table(&run.source.name, &parent.stream, wanted);
    let mut keys = tables::distinct(&folder, &parent.key)?;
    let files = run.source.id_files.iter().filter(|(setting, _)| Some(setting) == parent.file.as_ref());
    keys.extend(files.flat_map(|(_, ids)| ids.iter().filter(|id| !id.is_empty()).cloned()));
    Ok(keys.into_iter().collect())
}

pub(crate) fn open_tables(
    run: &SourceRun<'_>,
    stream: &StreamSpec,
    derived: &[&StreamSpec],
    wanted: bool,
) -> Result<Tables, StreamError> {
    let around = surroundings(run);
    let own = TableWriter::new(&around, stream, wanted, lookups(run, stream)?)?;
    let mut children = BTreeMap::new();
    for spec in derived {
        children.insert(spec.name.clone(), TableWriter::new(&around, spec, true, (Lookups::default(), 0))?);
    }
    Ok(Tables { own, derived: children, journal: None })
}

/// What the writing of a run's tables depends on.
pub(crate) fn surroundings(run: &SourceRun<'_>) -> Surroundings {
    Surroundings {
        source: run.source.name.clone(),
        connector: Arc::clone(&run.source.connector),
        unifies: run.source.registration.unifies,
        folders: run.folders.clone(),
        run_id: run.options.run_id.clone(),
        compression: run.options.compression,
        now: run.options.now,
        marks_deleted: run.source.marks_deleted,
        keeps_history: run.source.keeps_history && run.options.limit.is_none(),
        account: reading::account(run),
    }
}

/// What is told of a stream whose lookups are not of this run.
pub(crate) fn stale_lookups(run: &SourceRun<'_>, stream: &StreamSpec) -> Vec<Note> {
    let stale = stream.needs.iter().filter(|needed| run.failed.contains(*needed));
    stale
        .map(|needed| {
            let folder = run.folders.table(&run.source.name, needed, true);
            let held = tables::files(&folder).is_ok_and(|files| !files.is_empty());
            let what = if held { "is of an earlier run" } else { "is missing" };
            Code::LookupStale.note(format!("`{needed}` failed: what unified rows take from it {what}"))
        })
        .collect()
}

/// The tables that `unify` may ask, as this run has committed them, and a hash of their rows. Where one could not be read,
/// names of an earlier run are better than none.
pub(crate) fn lookups(run: &SourceRun<'_>, stream: &StreamSpec) -> Result<(Lookups, u64), StreamError> {
    let mut lookups = Lookups::default();
    let mut hash = 0_u64;
    for needed in &stream.needs {
        let Some(spec) = run.source.connector.spec().stream(needed) else { continue };
        let committed = run.source.selected.contains(needed) || run.failed.contains(needed);
        let folder = run.folders.table(&run.source.name, needed, committed);
        let mut batches = Vec::new();
        for batch in tables::rows(&folder, None)? {
            let batch = batch?;
            hash = hash.wrapping_add(userhaul_sink::content_hash(&batch)?);
            batches.push(batch);
        }
        lookups.insert(needed, &spec.table.primary_key, batches)?;
    }
    Ok((lookups, hash))
}

/// What the plan of a reading depends on.
pub(crate) fn plan_inputs<'a>(
    run: &SourceRun<'a>,
    reading: &'a Reading,
    parents: &'a [String],
) -> PlanInputs<'a> {
    let (resume, since) = match &reading.kind {
        Kind::Windows(resume) => (resume.as_slice(), None),
        Kind::Since(since) => (&[][..], Some(*since)),
        Kind::Full | Kind::Range | Kind::Parents => (&[][..], None),
    };
    PlanInputs {
        now: run.options.now,
        start: run.options.from.or(run.source.start),
        end: run.options.to,
        settings: &run.source.axis_settings,
        parents,
        resume,
        since,
    }
}

/// Whether the stream is asked for in the other way that its facts know.
pub(crate) fn is_otherwise(run: &SourceRun<'_>, stream: &StreamSpec) -> bool {
    let facts = run.source.connector.spec().stream(&stream.name);
    facts.is_some_and(|facts| facts.fallback.is_some() && stream.fallback.is_none())
}

/// Whether a reading that gives less than half of the rows is refused.
pub(crate) fn is_guarded(run: &SourceRun<'_>, stream: &StreamSpec, reading: &Reading, before: u64) -> bool {
    stream.mode == SyncMode::FullRefresh
        && reading.kind == Kind::Full
        && run.source.selected.contains(&stream.name)
        && before >= SHRINK_FLOOR
        && !stream.keeps_absent
        && !run.options.allow_shrink
        && run.options.limit.is_none()
}

/// Fills the table of ids that the vendor does not know.
pub(crate) fn write_missing(
    run: &SourceRun<'_>,
    stream: &StreamSpec,
    derived: &[&StreamSpec],
    tables: &mut Tables,
    tally: &Tally,
) -> Result<(), StreamError> {
    let Some(missing) = stream.parent().and_then(|parent| parent.missing.as_ref()) else { return Ok(()) };
    let Some(spec) = derived.iter().find(|spec| spec.name == *missing) else { return Ok(()) };
    let Some(table) = tables.derived.get_mut(missing) else { return Ok(()) };
    let options = DecodeOptions {
        table: spec.table.clone(),
        derived: Vec::new(),
        items: vec![String::new()],
        single: true,
        custom: None,
        rules: run.source.rules.clone(),
    };
    let mut decoder = Decoder::new(&options);
    for id in &tally.missing {
        let given = [Some(id.clone())];
        let lineage = Lineage {
            source: &run.source.name,
            run_id: &run.options.run_id,
            extracted_at: run.options.now,
            given: &given,
        };
        decoder.page(b"{}", &lineage).map_err(|error| StreamError::Bug { what: error.to_string() })?;
    }
    let taken = decoder.take().map_err(|error| StreamError::Bug { what: error.to_string() })?;
    if let Some(rows) = taken.rows {
        table.write(0, rows, None)?;
        table.close(0, true)?;
    }
    Ok(())
}
