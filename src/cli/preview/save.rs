//! Writes columns into the text of a job file, whose comments and order stay. Pure.

use toml_edit::{DocumentMut, InlineTable, Item, Table, TomlError, Value, value};

/// `text` with the `columns`, name and type, behind those that `[schema] columns` declares already.
///
/// # Errors
/// When the text is no TOML, or `schema` or its `columns` no table; a job file that was read is neither.
pub(super) fn with_columns(text: &str, columns: &[(String, String)]) -> Result<String, TomlError> {
    let mut document: DocumentMut = text.parse()?;
    let schema = document.entry("schema").or_insert_with(|| {
        let mut schema = Table::new();
        schema.set_implicit(true);
        Item::Table(schema)
    });
    let is_inline = schema.is_inline_table();
    if let Some(schema) = schema.as_table_like_mut() {
        let known = schema.entry("columns").or_insert_with(|| match is_inline {
            true => Item::Value(Value::InlineTable(InlineTable::new())),
            false => Item::Table(Table::new()),
        });
        if let Some(inline) = known.as_inline_table_mut() {
            append(inline, columns);
        } else if let Some(known) = known.as_table_like_mut() {
            for (name, kind) in columns {
                known.entry(name).or_insert_with(|| value(kind.as_str()));
            }
        }
    }
    Ok(document.to_string())
}

/// The same on one line, where the space before the last bracket moves on.
fn append(inline: &mut InlineTable, columns: &[(String, String)]) {
    for (name, kind) in columns.iter().filter(|(name, _)| !inline.contains_key(name)).collect::<Vec<_>>() {
        if let Some((_, last)) = inline.iter_mut().last() {
            last.decor_mut().set_suffix("");
        }
        let mut kind = Value::from(kind.as_str());
        kind.decor_mut().set_prefix(" ");
        kind.decor_mut().set_suffix(" ");
        inline.insert(name, kind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_there_stays() {
        let columns = [("rank", "int64"), ("a.b c", "decimal(20,4)"), ("名称", "string")];
        let columns = columns.map(|(name, kind)| (name.to_owned(), kind.to_owned()));
        for (text, expected) in [
            (
                "name = \"a\" # one\n\n[output]\npath = \"a\" # two\n",
                "name = \"a\" # one\n\n[output]\npath = \"a\" # two\n\n[schema.columns]\nrank = \"int64\"\n\
                 \"a.b c\" = \"decimal(20,4)\"\n\"名称\" = \"string\"\n",
            ),
            (
                "[schema] # what is known\ncolumns = { rank = \"string\" }   # the rest is inferred\n\n[output]\n",
                "[schema] # what is known\ncolumns = { rank = \"string\", \"a.b c\" = \"decimal(20,4)\", \"名称\" = \
                 \"string\" }   # the rest is inferred\n\n[output]\n",
            ),
            (
                "[schema.columns]\n# as text\nrank = \"string\" # mine\n[output]\n",
                "[schema.columns]\n# as text\nrank = \"string\" # mine\n\"a.b c\" = \"decimal(20,4)\"\n\"名称\" = \
                 \"string\"\n[output]\n",
            ),
            (
                "[schema]\n[output]\npath = \"a\"\n",
                "[schema]\n\n[schema.columns]\nrank = \"int64\"\n\"a.b c\" = \"decimal(20,4)\"\n\"名称\" = \
                 \"string\"\n[output]\npath = \"a\"\n",
            ),
            (
                "schema = { columns = {} }\n",
                "schema = { columns = { rank = \"int64\", \"a.b c\" = \"decimal(20,4)\", \"名称\" = \"string\" } }\n",
            ),
            (
                "schema.columns.rank = \"string\"\nname = \"a\"\n",
                "schema.columns.rank = \"string\"\nschema.columns.\"a.b c\" = \"decimal(20,4)\"\n\
                 schema.columns.\"名称\" = \"string\"\nname = \"a\"\n",
            ),
        ] {
            let saved = with_columns(text, &columns).unwrap();
            assert_eq!(saved, expected);
            assert_eq!(with_columns(&saved, &columns).unwrap(), saved, "a second time");
        }
    }
}
