//! A connector that is facts alone: a file of the user's, or a built-in one that needs no more.
//!
//! Its requests are signed as `auth` says, its pages walked as `paging` says, and its rows become unified records as
//! the `unified` blocks of its streams say.

mod records;
mod values;

use userhaul_record::Unified;

use crate::{
    auth::AuthSpec,
    connector::{Computed, Connector, pager_of},
    nearest::nearest,
    pager::{Ask, End, Next, PageFacts, Pager, PagingError, next_link},
    rows::{Rows, UnifyError},
    settings::{Settings, SettingsError},
    spec::{AuthFacts, ConnectorSpec, SpecError, StreamSpec},
};

struct Declared {
    spec: ConnectorSpec,
    auth: AuthSpec,
}

/// Makes a connector of facts and a source's settings.
///
/// # Errors
/// When a setting is missing that `auth` needs.
pub fn build(spec: ConnectorSpec, settings: &Settings) -> Result<Box<dyn Connector>, SettingsError> {
    let auth = spec.auth.as_ref().unwrap_or(&AuthFacts::None).sign_with(settings)?;
    Ok(Box::new(Declared { spec, auth }))
}

/// Refuses facts that only a connector with code of its own can use, and keys of fields that there are not.
///
/// # Errors
/// When a stream has computed columns, or its synthetic key names no field of it.
pub fn check(spec: &ConnectorSpec) -> Result<(), SpecError> {
    let refused = |stream: &StreamSpec, key: &str, message: String| SpecError {
        place: format!("streams.{}.{key}", stream.name),
        message,
    };
    for stream in spec.streams.values() {
        if !stream.table.computed.is_empty() {
            let message = "computed columns need a connector that is built in".to_owned();
            return Err(refused(stream, "computed", message));
        }
        let fields = || stream.table.columns.iter().map(|column| column.field.as_str());
        let named = stream.table.synthetic_key.as_deref().filter(|field| !field.is_empty());
        if let Some(field) = named.filter(|named| fields().all(|field| field != *named)) {
            let near = nearest(field, fields()).map(|near| format!("; did you mean `{near}`?"));
            let message = format!("unknown field `{field}`{}", near.unwrap_or_default());
            return Err(refused(stream, "synthetic_key", message));
        }
    }
    Ok(())
}

/// The walk where the facts say nothing of pages: one answer, and whether it looks as if there were more.
#[derive(Debug)]
struct Unstated;

impl Pager for Unstated {
    fn first(&mut self) -> Next {
        Next::Ask(Ask::default())
    }

    fn next(&mut self, page: &PageFacts<'_>) -> Result<Next, PagingError> {
        let mut end = End::default();
        if next_link(page.headers.get("link").unwrap_or_default()).is_some() {
            end.unproven = Some("the answer links to a next page, and the facts have no `paging`".to_owned());
        } else if page.rows > 0 && (page.rows.is_multiple_of(50) || [10, 20, 25].contains(&page.rows)) {
            end.warnings.push(format!(
                "the answer has exactly {} rows, and the facts have no `paging`: it may be the first page of several; \
                 `paging = {{ kind = \"none\" }}` says that it is all",
                page.rows
            ));
        }
        Ok(Next::Done(end))
    }
}

impl Connector for Declared {
    fn spec(&self) -> &ConnectorSpec {
        &self.spec
    }

    fn auth(&self, _stream: &StreamSpec) -> AuthSpec {
        self.auth.clone()
    }

    fn pager(&self, stream: &StreamSpec) -> Box<dyn Pager> {
        // One warning a parent would be too many.
        match stream.paging_stated.0 || stream.parent().is_some() {
            true => pager_of(stream),
            false => Box::new(Unstated),
        }
    }

    fn compute(&self, _stream: &StreamSpec, _rows: &Rows<'_>) -> Result<Vec<Computed>, UnifyError> {
        Ok(Vec::new())
    }

    fn unify(&self, stream: &StreamSpec, rows: &Rows<'_>, into: &mut Unified) -> Result<(), UnifyError> {
        stream.unified.iter().try_for_each(|block| records::push(block, rows, into))
    }
}
