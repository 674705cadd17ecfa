//! Files of ids: one a line, or a column of a CSV or Parquet file.

use std::path::Path;

use arrow_array::{Array, cast::AsArray};

use crate::failure::{Code, Failure};

/// Columns that are taken for ids, best first; else the first column.
const NAMES: [&str; 6] = ["user_id", "userid", "external_user_id", "externaluserid", "external_id", "id"];

/// Reads a file of ids, in order, empty ones left out.
pub(crate) fn read(path: &Path) -> Result<Vec<String>, Failure> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("parquet") => parquet(path),
        Some("csv") => csv(path),
        _ => {
            let text = std::fs::read_to_string(path).map_err(|error| Failure::named_file(path, &error))?;
            let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
            Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
        }
    }
}

fn best<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    let names: Vec<String> = names.map(|name| name.trim().to_lowercase()).collect();
    NAMES.iter().find_map(|wanted| names.iter().position(|name| name == wanted)).unwrap_or(0)
}

fn parquet(path: &Path) -> Result<Vec<String>, Failure> {
    let failed = |error: userhaul_sink::SinkError| Failure::usage(Code::Input, error.to_string(), None);
    let batches = userhaul_sink::read(path, None).map_err(failed)?;
    let schema = batches.schema();
    let column = best(schema.fields().iter().map(|field| field.name().as_str()));
    let mut ids = Vec::new();
    for batch in batches {
        let batch = batch.map_err(failed)?;
        let text = arrow_cast::cast(batch.column(column), &arrow_schema::DataType::Utf8)
            .map_err(|error| Failure::usage(Code::Input, format!("{}: {error}", path.display()), None))?;
        let texts = text.as_string::<i32>();
        ids.extend(
            (0..texts.len()).filter(|&row| texts.is_valid(row)).map(|row| texts.value(row).to_owned()),
        );
    }
    ids.retain(|id| !id.is_empty());
    Ok(ids)
}

fn csv(path: &Path) -> Result<Vec<String>, Failure> {
    let failed = |error: arrow_schema::ArrowError| {
        Failure::usage(Code::Input, format!("{}: {error}", path.display()), None)
    };
    let open = || std::fs::File::open(path).map_err(|error| Failure::named_file(path, &error));
    let format = arrow_csv::reader::Format::default().with_header(true);
    let (inferred, _) = format.infer_schema(open()?, Some(1)).map_err(failed)?;
    let column = best(inferred.fields().iter().map(|field| field.name().as_str()));
    let texts: arrow_schema::Schema = arrow_schema::Schema::new(
        inferred
            .fields()
            .iter()
            .map(|field| arrow_schema::Field::new(field.name(), arrow_schema::DataType::Utf8, true))
            .collect::<Vec<_>>(),
    );
    let reader = arrow_csv::ReaderBuilder::new(std::sync::Arc::new(texts))
        .with_header(true)
        .build(open()?)
        .map_err(failed)?;
    let mut ids = Vec::new();
    for batch in reader {
        let batch = batch.map_err(failed)?;
        ids.extend(batch.column(column).as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    ids.retain(|id| !id.is_empty());
    Ok(ids)
}
