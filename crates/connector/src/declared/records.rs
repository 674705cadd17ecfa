//! Rows into records, one function a unified table.

use userhaul_record::{
    Company, Event, Feedback, FeedbackKind, Metric, Status, Subject, Table, Unified, User,
};

use super::values::{Lists, Maps, Numbers, Texts};
use crate::{
    rows::{Rows, UnifyError},
    spec::{Source, UnifiedSpec},
};

/// Pushes the records of each block, one a row.
pub(super) fn push(blocks: &[UnifiedSpec], rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
    for (number, block) in blocks.iter().enumerate() {
        match block.table {
            Table::Users => users(block, rows, into)?,
            Table::Companies => companies(block, rows, into)?,
            Table::Events => events(block, rows, into)?,
            Table::Feedback => feedback(block, rows, into)?,
            Table::Metrics => metrics(block, &blocks[..number], rows, into)?,
        }
    }
    Ok(())
}

fn users(block: &UnifiedSpec, rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
    let text = |column: &str| Texts::open(block, column, rows, None);
    let number = |column: &str| Numbers::open(block, column, rows);
    let (id, external_id, email) = (text("vendor_user_id")?, text("external_id")?, text("email")?);
    let (first, last, full) = (text("first_name")?, text("last_name")?, text("full_name")?);
    let status = Texts::open(block, "status", rows, Some("unknown"))?;
    let (vendor_status, role, job_title) = (text("vendor_status")?, text("role")?, text("job_title")?);
    let (language, time_zone) = (text("language")?, text("time_zone")?);
    let (company, manager) = (text("company_key")?, text("manager_key")?);
    let (created, updated) = (number("created_at")?, number("updated_at")?);
    let (first_seen, last_seen) = (number("first_seen_at")?, number("last_seen_at")?);
    let attributes = Maps::open(block, "attributes", rows)?;
    for (row, lineage) in rows.lineage()? {
        // An account without an id has no key.
        let Some(id) = id.get(row).filter(|id| !id.is_empty()) else { continue };
        into.user(
            lineage,
            User {
                vendor_user_id: &id,
                external_id: external_id.get(row).as_deref(),
                email: email.get(row).as_deref(),
                first_name: first.get(row).as_deref(),
                last_name: last.get(row).as_deref(),
                full_name: full.get(row).as_deref(),
                status: status_of(status.get(row).as_deref()),
                vendor_status: vendor_status.get(row).as_deref(),
                role: role.get(row).as_deref(),
                job_title: job_title.get(row).as_deref(),
                language: language.get(row).as_deref(),
                time_zone: time_zone.get(row).as_deref(),
                vendor_company_id: company.get(row).as_deref(),
                vendor_manager_id: manager.get(row).as_deref(),
                created_at: created.instant(row),
                updated_at: updated.instant(row),
                first_seen_at: first_seen.instant(row),
                last_seen_at: last_seen.instant(row),
                attributes: attributes.get(row),
            },
        );
    }
    Ok(())
}

fn status_of(word: Option<&str>) -> Status {
    let known = [Status::Active, Status::Invited, Status::Suspended, Status::Deleted];
    let word = word.unwrap_or_default();
    known.into_iter().find(|status| status.as_str().eq_ignore_ascii_case(word)).unwrap_or(Status::Unknown)
}

fn companies(block: &UnifiedSpec, rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
    let text = |column: &str| Texts::open(block, column, rows, None);
    let number = |column: &str| Numbers::open(block, column, rows);
    let (id, external_id) = (text("vendor_company_id")?, text("external_id")?);
    let (name, domain, status) = (text("name")?, text("domain")?, text("status")?);
    let (mrr, arr, currency, owner) = (number("mrr")?, number("arr")?, text("currency")?, text("owner")?);
    let (created, updated) = (number("created_at")?, number("updated_at")?);
    let attributes = Maps::open(block, "attributes", rows)?;
    for (row, lineage) in rows.lineage()? {
        let Some(id) = id.get(row).filter(|id| !id.is_empty()) else { continue };
        into.company(
            lineage,
            Company {
                vendor_company_id: &id,
                external_id: external_id.get(row).as_deref(),
                name: name.get(row).as_deref(),
                domain: domain.get(row).as_deref(),
                status: status.get(row).as_deref(),
                mrr: mrr.decimal(row),
                arr: arr.decimal(row),
                currency: currency.get(row).as_deref(),
                owner: owner.get(row).as_deref(),
                created_at: created.instant(row),
                updated_at: updated.instant(row),
                attributes: attributes.get(row),
            },
        );
    }
    Ok(())
}

fn events(block: &UnifiedSpec, rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
    let text = |column: &str| Texts::open(block, column, rows, None);
    let (user, external_id) = (text("user_key")?, text("user_external_id")?);
    let event_type = Texts::open(block, "event_type", rows, Some("other"))?;
    let vendor_event_type = text("vendor_event_type")?;
    let (object_type, object_id, object_name) =
        (text("object_type")?, text("object_id")?, text("object_name")?);
    let occurred = Numbers::open(block, "occurred_at", rows)?;
    let properties = Maps::open(block, "properties", rows)?;
    for (row, lineage) in rows.lineage()? {
        into.event(
            lineage,
            Event {
                vendor_user_id: user.get(row).as_deref(),
                user_external_id: external_id.get(row).as_deref(),
                event_type: event_type.get(row).as_deref().unwrap_or("other"),
                vendor_event_type: vendor_event_type.get(row).as_deref(),
                object_type: object_type.get(row).as_deref(),
                object_id: object_id.get(row).as_deref(),
                object_name: object_name.get(row).as_deref(),
                occurred_at: occurred.instant(row),
                properties: properties.get(row),
            },
        );
    }
    Ok(())
}

fn feedback(block: &UnifiedSpec, rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
    let text = |column: &str| Texts::open(block, column, rows, None);
    let number = |column: &str| Numbers::open(block, column, rows);
    let (user, external_id) = (text("user_key")?, text("user_external_id")?);
    let kind = Texts::open(block, "kind", rows, Some("survey"))?;
    let (survey_id, survey_name) = (text("survey_id")?, text("survey_name")?);
    let (question_id, question_text) = (text("question_id")?, text("question_text")?);
    let (question_type, answer) = (text("question_type")?, text("text")?);
    let (score, least, most) = (number("score")?, number("score_min")?, number("score_max")?);
    let (choices, occurred) = (Lists::open(block, "choices", rows)?, number("occurred_at")?);
    for (row, lineage) in rows.lineage()? {
        let kind = match kind.get(row) {
            Some(word) if word.eq_ignore_ascii_case("nps") => FeedbackKind::Nps,
            _ => FeedbackKind::Survey,
        };
        // The scale of a net promoter score is what makes it one.
        let scale = if kind == FeedbackKind::Nps { (Some(0.0), Some(10.0)) } else { (None, None) };
        into.feedback(
            lineage,
            Feedback {
                vendor_user_id: user.get(row).as_deref(),
                user_external_id: external_id.get(row).as_deref(),
                kind,
                survey_id: survey_id.get(row).as_deref(),
                survey_name: survey_name.get(row).as_deref(),
                question_id: question_id.get(row).as_deref(),
                question_text: question_text.get(row).as_deref(),
                question_type: question_type.get(row).as_deref(),
                score: score.double(row),
                score_min: least.double(row).or(scale.0),
                score_max: most.double(row).or(scale.1),
                text: answer.get(row).as_deref(),
                choices: choices.get(row),
                occurred_at: occurred.instant(row),
            },
        );
    }
    Ok(())
}

/// The metrics of a block. Where one of the blocks before gives a row's metric the same name, as for a vendor's word that
/// no block translates, the name of the value's column follows: two values never share a key.
fn metrics(
    block: &UnifiedSpec,
    before: &[UnifiedSpec],
    rows: &Rows<'_>,
    into: &mut Unified,
) -> Result<(), UnifyError> {
    let text = |column: &str| Texts::open(block, column, rows, None);
    let number = |column: &str| Numbers::open(block, column, rows);
    let (subject, company) = (text("subject")?, text("company_key")?);
    let (date, metric, value) = (number("date")?, text("metric")?, number("value")?);
    let others = before.iter().filter(|block| block.table == Table::Metrics);
    let others: Vec<Texts<'_>> =
        others.map(|block| Texts::open(block, "metric", rows, None)).collect::<Result<_, _>>()?;
    for (row, lineage) in rows.lineage()? {
        let (subject, company) = (subject.get(row), company.get(row));
        let subject = match (company.as_deref(), subject.as_deref()) {
            (Some(company), _) => Subject::Company(company),
            (None, Some(subject)) => Subject::Named(subject),
            (None, None) => Subject::Unknown,
        };
        let Some(mut metric) = metric.get(row).filter(|metric| !metric.is_empty()) else { continue };
        if others.iter().any(|other| other.get(row).as_ref() == Some(&metric)) {
            let column = match block.source("value") {
                Some(Source::Column(column)) => column.as_str(),
                _ => "value",
            };
            metric = format!("{metric}.{column}").into();
        }
        into.metric(
            lineage,
            Metric { subject, date: date.day(row), metric: &metric, value: value.double(row) },
        );
    }
    Ok(())
}
