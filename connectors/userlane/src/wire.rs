//! What the facts cannot say about the wire.

use userhaul_connector::{column::snake_case, spec::StreamSpec};

/// The word before the token: none, the bare token is the header's value.
pub(crate) fn scheme() -> Option<String> {
    None
}

/// Finds each field, and each other name of it, under its `snake_case` spelling too.
pub(crate) fn alias_snake_case(stream: &mut StreamSpec) {
    let fields = stream.table.columns.iter().map(|column| (column.field.clone(), column.field.clone()));
    let others = stream.table.aliases.iter().map(|alias| (alias.field.clone(), alias.path.clone()));
    let names: Vec<(String, String)> = fields.chain(others).collect();
    for (field, path) in names {
        let snake = path.split('/').map(snake_case).collect::<Vec<_>>().join("/");
        if snake != path {
            stream.alias(&field, &snake);
        }
    }
}
