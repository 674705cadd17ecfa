//! Files of rows to push: Parquet, CSV, NDJSON, from a path or from stdin.
//!
//! A file is read whole and refused whole: nothing is sent of a file that cannot be read to its end.

use std::{
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_array::{Array, cast::AsArray};
use arrow_schema::{DataType, Field, Schema};
use userhaul_connector::push::Value;
use userhaul_runner::push::{Input, rows_of};

use crate::failure::{Code, Failure};

/// The members of a line of an errors file.
const ERRORS: [&str; 6] = ["row", "input", "status", "code", "field", "reason"];

/// Reads a file; `-` is stdin, and a folder is all Parquet files in it.
pub(crate) fn read(path: &Path) -> Result<Input, Failure> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().read_to_end(&mut bytes);
        read.map_err(|error| {
            Failure::usage(
                Code::Input,
                format!("cannot read stdin: {}", crate::failure::reason(&error)),
                None,
            )
        })?;
        return of_bytes(bytes, "stdin", None);
    }
    if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(|error| Failure::named_file(path, &error))?;
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|kind| kind == "parquet"));
        files.sort();
        if files.is_empty() {
            return Err(Failure::usage(
                Code::Input,
                format!("no Parquet file in `{}`", path.display()),
                None,
            ));
        }
        return parquet(&files);
    }
    let bytes = std::fs::read(path).map_err(|error| Failure::named_file(path, &error))?;
    let kind = path.extension().and_then(|kind| kind.to_str()).map(str::to_ascii_lowercase);
    of_bytes(bytes, &path.display().to_string(), Some((kind.as_deref().unwrap_or_default(), path)))
}

/// What kind of file it is, its first bytes say: all three begin differently.
fn of_bytes(bytes: Vec<u8>, name: &str, file: Option<(&str, &Path)>) -> Result<Input, Failure> {
    if bytes.starts_with(b"PAR1") {
        return match file {
            Some((_, path)) => parquet(&[path.to_owned()]),
            None => spooled(&bytes),
        };
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let line = bytes.iter().take(error.valid_up_to()).filter(|&&byte| byte == b'\n').count() + 1;
        Failure::usage(
            Code::Input,
            format!("{name}:{line}: not UTF-8 text"),
            Some("save it as UTF-8".to_owned()),
        )
    })?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let delimited = file.is_some_and(|(kind, _)| matches!(kind, "csv" | "tsv" | "txt"));
    match text.trim_start().as_bytes().first() {
        Some(b'{') if !delimited => ndjson(text, name),
        Some(b'[') if !delimited => array(text, name),
        None => Ok(Input::default()),
        Some(_) => csv(text, name),
    }
}

fn parquet(files: &[PathBuf]) -> Result<Input, Failure> {
    let failed = |error: userhaul_sink::SinkError| {
        let why = std::error::Error::source(&error).map(|why| format!(": {why}")).unwrap_or_default();
        Failure::usage(Code::Input, format!("{error}{why}"), None)
    };
    let mut input = Input::default();
    for file in files {
        let batches = userhaul_sink::read(file, None).map_err(failed)?;
        let names: Vec<String> = batches.schema().fields().iter().map(|field| field.name().clone()).collect();
        let places: Vec<usize> = names.iter().map(|name| column(&mut input.columns, name)).collect();
        for batch in batches {
            for cells in rows_of(&batch.map_err(failed)?) {
                let mut row = vec![Value::Null; input.columns.len()];
                for (place, cell) in places.iter().zip(cells) {
                    row[*place] = cell;
                }
                input.rows.push(row);
            }
        }
    }
    Ok(padded(input))
}

/// Parquet is read from its end, which stdin does not have: by way of a file that only its owner may read.
fn spooled(bytes: &[u8]) -> Result<Input, Failure> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let path = std::env::temp_dir().join(format!("userhaul-{}.parquet", uuid::Uuid::now_v7()));
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let written = file.and_then(|mut file| file.write_all(bytes));
    let read = written
        .map_err(|error| Failure::file("write", &path, &error))
        .and_then(|()| parquet(std::slice::from_ref(&path)));
    // What cannot be removed is the system's to clean.
    let _ = std::fs::remove_file(&path);
    read
}

fn csv(text: &str, name: &str) -> Result<Input, Failure> {
    let first = text.lines().next().unwrap_or_default();
    let delimiter = [',', ';', '\t'].into_iter().find(|&sign| first.contains(sign)).unwrap_or(',');
    let failed = |error: arrow_schema::ArrowError| {
        let why = error.to_string();
        let why = why.trim_start_matches("Csv error: ").trim_start_matches("Parser error: ");
        Failure::usage(Code::Input, format!("{name}: {why}"), Some("nothing was sent".to_owned()))
    };
    let sign = u8::try_from(delimiter).unwrap_or(b',');
    let format = arrow_csv::reader::Format::default().with_header(true).with_delimiter(sign);
    let (inferred, _) = format.infer_schema(text.as_bytes(), Some(0)).map_err(failed)?;
    let columns: Vec<String> = inferred.fields().iter().map(|field| field.name().clone()).collect();
    for (index, column) in columns.iter().enumerate() {
        if !column.is_empty() && columns[..index].contains(column) {
            return Err(Failure::usage(
                Code::Input,
                format!("{name}:1: two columns are named `{column}`"),
                None,
            ));
        }
    }
    let fields: Vec<Field> = columns.iter().map(|column| Field::new(column, DataType::Utf8, true)).collect();
    let reader = arrow_csv::ReaderBuilder::new(Arc::new(Schema::new(fields)))
        .with_header(true)
        .with_delimiter(sign)
        .build(text.as_bytes())
        .map_err(failed)?;
    let mut input = Input { columns, rows: Vec::new() };
    for batch in reader {
        let batch = batch.map_err(failed)?;
        let columns: Vec<_> = batch.columns().iter().map(|column| column.as_string::<i32>()).collect();
        for row in 0..batch.num_rows() {
            let cell = |column: &&arrow_array::StringArray| {
                if column.is_valid(row) { Value::Bare(column.value(row).to_owned()) } else { Value::Null }
            };
            input.rows.push(columns.iter().map(cell).collect());
        }
    }
    Ok(input)
}

fn ndjson(text: &str, name: &str) -> Result<Input, Failure> {
    let mut objects = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |why: String| {
            Failure::usage(
                Code::Input,
                format!("{name}:{}: {why}", index + 1),
                Some("nothing was sent".to_owned()),
            )
        };
        match Value::parse(line.as_bytes()) {
            Ok(Value::Object(members)) => objects.push(members),
            Ok(_) => return Err(wrong("expected an object in each line".to_owned())),
            Err(error) => return Err(wrong(error.to_string())),
        }
    }
    Ok(of_objects(objects))
}

fn array(text: &str, name: &str) -> Result<Input, Failure> {
    let wrong = |why: String| {
        Failure::usage(Code::Input, format!("{name}: {why}"), Some("nothing was sent".to_owned()))
    };
    let parsed = Value::parse(text.as_bytes()).map_err(|error| wrong(error.to_string()))?;
    let mut objects = Vec::new();
    for item in parsed.items() {
        match item {
            Value::Object(members) => objects.push(members.clone()),
            _ => return Err(wrong("expected a list of objects".to_owned())),
        }
    }
    Ok(of_objects(objects))
}

fn of_objects(objects: Vec<Vec<(String, Value)>>) -> Input {
    let is_error = |members: &Vec<(String, Value)>| {
        let has = |name: &str| members.iter().any(|(known, _)| known == name);
        has("input") && has("reason") && members.iter().all(|(name, _)| ERRORS.contains(&name.as_str()))
    };
    let objects =
        if !objects.is_empty() && objects.iter().all(is_error) { unwrapped(objects) } else { objects };
    let mut input = Input::default();
    let mut places: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    for members in objects {
        let mut row = vec![Value::Null; input.columns.len()];
        for (name, value) in members {
            let place = *places.entry(name).or_insert_with_key(|name| {
                input.columns.push(name.clone());
                input.columns.len() - 1
            });
            if row.len() <= place {
                row.resize(place + 1, Value::Null);
            }
            row[place] = value;
        }
        input.rows.push(row);
    }
    padded(input)
}

/// The input rows of an errors file: each once, however many errors it has. Texts may have been any scalar of a CSV file.
fn unwrapped(objects: Vec<Vec<(String, Value)>>) -> Vec<Vec<(String, Value)>> {
    let mut rows: Vec<Vec<(String, Value)>> = Vec::new();
    for members in objects {
        let Some((_, Value::Object(input))) = members.into_iter().find(|(name, _)| name == "input") else {
            continue;
        };
        let bare = |value| match value {
            Value::Text(text) => Value::Bare(text),
            value => value,
        };
        let row: Vec<(String, Value)> = input.into_iter().map(|(name, value)| (name, bare(value))).collect();
        if rows.last() != Some(&row) {
            rows.push(row);
        }
    }
    rows
}

fn column(columns: &mut Vec<String>, name: &str) -> usize {
    columns.iter().position(|known| known == name).unwrap_or_else(|| {
        columns.push(name.to_owned());
        columns.len() - 1
    })
}

/// Rows that came before a column was first seen have nothing in it.
fn padded(mut input: Input) -> Input {
    let columns = input.columns.len();
    input.rows.iter_mut().for_each(|row| row.resize(columns, Value::Null));
    input
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(input: &Input) -> Vec<String> {
        let row = |cells: &Vec<Value>| {
            Value::Object(input.columns.iter().cloned().zip(cells.iter().cloned()).collect()).json()
        };
        input.rows.iter().map(row).collect()
    }

    fn of(text: &str, kind: &str) -> Input {
        of_bytes(text.as_bytes().to_vec(), "x", Some((kind, Path::new("x")))).expect("it is read")
    }

    #[test]
    fn a_csv_file_keeps_quotes_line_breaks_and_leading_zeros() {
        let text = "\u{FEFF}user_id,plan,note\n007,\"pro, \"\"x\"\"\",\"a\nb\"\n\u{e9}\u{1F600},,\n";
        assert_eq!(
            json(&of(text, "csv")),
            [
                r#"{"user_id":"007","plan":"pro, \"x\"","note":"a\u000ab"}"#,
                "{\"user_id\":\"\u{e9}\u{1F600}\",\"plan\":null,\"note\":null}"
            ]
        );
        assert_eq!(json(&of("a;b\n1;2\n", "csv")), [r#"{"a":"1","b":"2"}"#]);
    }

    #[test]
    fn ragged_rows_and_two_columns_of_one_name_are_refused() {
        for text in ["a,b\n1\n", "a,b\n1,2,3\n", "a,a\n1,2\n"] {
            assert!(
                of_bytes(text.as_bytes().to_vec(), "x", Some(("csv", Path::new("x")))).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn an_errors_file_gives_its_rows_each_once() {
        let text = r#"{"row":3,"input":{"a":"1","b":null},"status":207,"code":"rejected","field":"a","reason":"x"}
{"row":3,"input":{"a":"1","b":null},"status":207,"code":"rejected","field":"b","reason":"y"}
"#;
        assert_eq!(json(&of(text, "ndjson")), [r#"{"a":"1","b":null}"#]);
        assert_eq!(
            json(&of("{\"a\":12345678901234567890}\n\n{\"b\":[1.0]}", "ndjson")),
            [r#"{"a":12345678901234567890,"b":null}"#, r#"{"a":null,"b":[1.0]}"#]
        );
    }
}
