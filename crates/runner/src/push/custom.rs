//! Which columns are custom fields of the account.

use std::{collections::BTreeSet, path::Path};

use userhaul_connector::push::Value;

use super::{
    cells,
    read::{Temporary, parquet_files, quiet, read_options, reading},
};
use crate::source::Source;

/// Which of these names are custom fields of the account, by the stream of their definitions: as the last export has it, or
/// as it is now.
///
/// # Errors
/// When the stream cannot be read.
pub async fn custom_names(
    source: &Source,
    stream: &str,
    wanted: &[String],
    destination: &Path,
    live: bool,
    version: &str,
) -> Result<Vec<String>, String> {
    let exported = destination.join(&source.name).join(stream);
    let mut files = parquet_files(&exported);
    let folder;
    if live {
        folder =
            Temporary::new(&destination.join("_userhaul").join("push")).map_err(|error| error.to_string())?;
        let source = reading(source, stream);
        let options = read_options(&folder.0, None);
        let name = source.name.clone();
        let record = crate::run::sync(&[source], &options, version, &quiet())
            .await
            .map_err(|error| error.to_string())?;
        let mut streams = record.sources.values().flat_map(|source| source.streams.values());
        if let Some(error) = streams.find_map(|stream| stream.error.clone()) {
            return Err(error.message);
        }
        files = parquet_files(&folder.0.join(name).join(stream));
    }
    let mut found = BTreeSet::new();
    for file in files {
        for batch in userhaul_sink::read(&file, None).map_err(|error| error.to_string())?.flatten() {
            for cell in cells::rows(&batch).iter().flatten() {
                // What a definition holds besides its columns is JSON in one of them.
                let inner = cell
                    .as_text()
                    .filter(|text| text.starts_with('{'))
                    .and_then(|text| Value::parse(text.as_bytes()).ok());
                let mut texts: Vec<String> = cell.as_text().map(str::to_owned).into_iter().collect();
                if let Some(Value::Object(members)) = &inner {
                    texts.extend(members.iter().filter_map(|(_, value)| value.as_text()).map(str::to_owned));
                }
                found.extend(texts.into_iter().filter(|text| wanted.contains(text)));
            }
        }
    }
    Ok(found.into_iter().collect())
}
