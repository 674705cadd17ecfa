//! Answers that cannot be read with the facts as they are, fetched to the end all the same: for the archive, so that they
//! can be read once the facts are corrected.
//!
//! Nothing of the stream is committed then: it fails with what was found first.

use userhaul_connector::decode::{DecodeError, DecodeOptions, Decoder, Envelope, Lineage, PageRows};

use super::{StreamWalks, lock};
use crate::{error::StreamError, grain};

/// Below this depth of an answer nobody keeps rows.
const MAX_DEPTH: usize = 3;

impl StreamWalks<'_> {
    pub(crate) fn is_spoiled(&self) -> bool {
        lock(&self.spoiled).is_some()
    }

    /// Notes why the stream will fail and lets the walk go on, where there is an archive and other facts may help.
    pub(super) fn spoil(&self, error: StreamError) -> Result<(), StreamError> {
        let of_the_facts = match &error {
            StreamError::Decode { source: DecodeError::NullKey { .. }, .. } => {
                self.stream.generic_key.is_none() || !grain::refutes_key(&error)
            }
            StreamError::Decode { source, .. } => {
                matches!(source, DecodeError::NoItems { .. } | DecodeError::NotAnObject { .. })
            }
            StreamError::SchemaMismatch { .. } => true,
            _ => false,
        };
        if !of_the_facts || !self.tape.is_keeping() {
            return Err(error);
        }
        let mut spoiled = lock(&self.spoiled);
        if spoiled.is_none() {
            *spoiled = Some(error);
        }
        Ok(())
    }

    /// What the pager must know of a page that cannot be read: its rows wherever they are, told apart by content.
    pub(super) fn gathered(
        &self,
        error: StreamError,
        body: &[u8],
        lineage: &Lineage<'_>,
    ) -> Result<(PageRows, Envelope), StreamError> {
        self.spoil(error)?;
        let items = longest_list(body).into_iter().chain(self.decode.items.iter().cloned());
        let mut decoder = self.any_rows(items.collect());
        Ok(decoder.page(body, lineage).unwrap_or_default())
    }

    /// The same for elements of a long answer.
    pub(super) fn gathered_elements(
        &self,
        error: StreamError,
        elements: &[u8],
        lineage: &Lineage<'_>,
    ) -> Result<PageRows, StreamError> {
        self.spoil(error)?;
        Ok(self.any_rows(Vec::new()).elements(elements, lineage).unwrap_or_default())
    }

    fn any_rows(&self, items: Vec<String>) -> Decoder {
        let mut table = self.decode.table.clone();
        table.synthetic_key = Some(String::new());
        table.primary_key = vec!["_key".to_owned()];
        let mut decoder =
            Decoder::new(&DecodeOptions { table, items, derived: Vec::new(), ..self.decode.clone() });
        decoder.watch(true, None);
        decoder.watch_last(self.stream.paging.last_column());
        decoder
    }
}

/// Where an answer has most objects in a row: a pointer, as facts write it.
fn longest_list(body: &[u8]) -> Option<String> {
    let page: serde_json::Value = serde_json::from_slice(body).ok()?;
    let mut best: Option<(usize, String)> = None;
    let mut waiting = vec![(&page, String::new())];
    while let Some((value, pointer)) = waiting.pop() {
        match value {
            serde_json::Value::Array(items) => {
                let rows = items.iter().filter(|item| item.is_object()).count();
                if best.as_ref().is_none_or(|(most, _)| rows > *most) {
                    best = Some((rows, pointer));
                }
            }
            serde_json::Value::Object(members) if pointer.matches('/').count() < MAX_DEPTH => {
                waiting.extend(members.iter().map(|(name, value)| (value, format!("{pointer}/{name}"))));
            }
            _ => {}
        }
    }
    best.map(|(_, pointer)| pointer)
}

#[cfg(test)]
mod tests {
    use super::longest_list;

    #[test]
    fn rows_are_found_where_most_objects_stand() {
        assert_eq!(longest_list(b"[{},{}]").as_deref(), Some(""));
        let page = br#"{"links":[{}],"payload":{"rows":[{},{},{}],"tags":["a","b","c","d"]},"n":1}"#;
        assert_eq!(longest_list(page).as_deref(), Some("/payload/rows"));
        assert_eq!(longest_list(b"{}"), None);
    }
}
