//! A JSON Schema as a page for people: every key with its type, its default and what it means. Pure.
//!
//! A default is what the text of a key says: `X when absent`, or `X (default)`.

use serde_json::{Map, Value};

/// The page of `schema`. Definitions named in `elsewhere` have a page of their own, at the address beside them.
pub(super) fn reference(schema: &Value, elsewhere: &[(&str, &str)]) -> String {
    let definitions = schema.get("definitions").and_then(Value::as_object);
    let mut page = Page { definitions, elsewhere, sections: Vec::new() };
    let top = page.body("", schema);
    let mut bodies = Vec::new();
    // Each body may find further sections.
    while let Some(Section { places, schema, .. }) = page.sections.get(bodies.len()) {
        let (place, schema) = (places.first().cloned().unwrap_or_default(), *schema);
        bodies.push(page.body(&place, schema));
    }
    let mut text = format!("# {}\n\n{top}", text_of(schema, "title"));
    for (Section { name, places, .. }, body) in page.sections.iter().zip(bodies) {
        let places: Vec<String> = places.iter().map(|place| format!("`{place}`")).collect();
        text.push_str(&format!("\n## <a id=\"{name}\"></a>{}\n\n{body}", places.join(", ")));
    }
    text
}

struct Page<'a> {
    definitions: Option<&'a Map<String, Value>>,
    elsewhere: &'a [(&'a str, &'a str)],
    /// In the order in which they are met.
    sections: Vec<Section<'a>>,
}

/// A definition with keys of its own.
struct Section<'a> {
    name: &'a str,
    /// Where in a file it may stand: `paging`, `rules[]`.
    places: Vec<String>,
    schema: &'a Value,
}

/// How one key is shown.
struct Row {
    key: String,
    kind: String,
    default: String,
    meaning: String,
}

impl<'a> Page<'a> {
    /// What `schema`, which stands at `place`, is about, and its keys.
    fn body(&mut self, place: &str, schema: &'a Value) -> String {
        let mut text = format!("{}\n", one_line(&text_of(schema, "description"), false));
        match schema.get("oneOf").and_then(Value::as_array) {
            Some(kinds) => {
                for kind in kinds {
                    let word = kind.pointer("/properties/kind/enum/0").and_then(Value::as_str).unwrap_or_default();
                    let about = one_line(&text_of(kind, "description"), false);
                    text.push_str(&format!("\n`kind = \"{word}\"`: {about}\n{}", self.table(place, kind)));
                }
            }
            None => text.push_str(&self.table(place, schema)),
        }
        text
    }

    fn table(&mut self, place: &str, schema: &'a Value) -> String {
        let required: Vec<&str> = list(schema, "required").iter().filter_map(Value::as_str).collect();
        let (mut rows, mut words) = (Vec::new(), String::new());
        for (key, value) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            // The heading of the table says it.
            if key == "kind" && value.get("enum").is_some() {
                continue;
            }
            let below = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
            let description = text_of(value, "description");
            rows.push(Row {
                key: format!("`{key}`"),
                kind: self.kind(&below, value),
                default: default_of(&description, value, required.contains(&key.as_str())),
                meaning: one_line(&description, true),
            });
            words.push_str(&self.words(key, value));
        }
        if rows.is_empty() {
            return String::new();
        }
        let mut text = String::from("\n| key | type | default | meaning |\n|---|---|---|---|\n");
        for Row { key, kind, default, meaning } in rows {
            text.push_str(&format!("| {key} | {kind} | {default} | {meaning} |\n"));
        }
        text + &words
    }

    /// What may be written, in words; tables with keys of their own become sections.
    fn kind(&mut self, place: &str, schema: &'a Value) -> String {
        if let [only] = list(schema, "allOf") {
            return self.kind(place, only);
        }
        if let Some((name, definition)) = self.definition(schema) {
            if let Some((_, page)) = self.elsewhere.iter().find(|(known, _)| *known == name) {
                return format!("[table]({page})");
            }
            let has_kinds = list(definition, "oneOf").iter().any(|kind| kind.get("properties").is_some());
            if has_kinds || definition.get("properties").is_some() {
                self.meet(name, place, definition);
                return format!("[table](#{name})");
            }
            return self.kind(place, definition);
        }
        let choices: Vec<&Value> = list(schema, "anyOf").iter().chain(list(schema, "oneOf")).collect();
        if !choices.is_empty() {
            let kinds: Vec<String> = choices.into_iter().map(|choice| self.kind(place, choice)).collect();
            return kinds.join(" or ");
        }
        let words: Vec<String> = list(schema, "enum").iter().map(|word| format!("`{}`", plain(word))).collect();
        if !words.is_empty() {
            return words.join(" or ");
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("string") => "text".to_owned(),
            Some("boolean") => "true or false".to_owned(),
            Some("integer") => format!("whole number{}", range(schema)),
            Some("number") => format!("number{}", range(schema)),
            Some("array") => match (schema.get("items"), schema.get("minItems"), schema.get("maxItems")) {
                (Some(item), Some(least), Some(most)) if least == most => {
                    format!("list of {least}: {}", self.kind(&format!("{place}[]"), item))
                }
                (Some(item), ..) => format!("list of {}", self.kind(&format!("{place}[]"), item)),
                (None, ..) => "list".to_owned(),
            },
            Some("object") => match schema.get("additionalProperties") {
                Some(value) => format!("table of {}", self.kind(&format!("{place}.NAME"), value)),
                None => "table".to_owned(),
            },
            Some(_) | None => "any value".to_owned(),
        }
    }

    /// The words a key takes, where each has a text of its own.
    fn words(&self, key: &str, schema: &Value) -> String {
        let schema = list(schema, "allOf").first().unwrap_or(schema);
        let schema = self.definition(schema).map_or(schema, |(_, definition)| definition);
        let choices = list(schema, "oneOf").iter().filter_map(|choice| Some((list(choice, "enum").first()?, choice)));
        let lines: Vec<String> = choices
            .map(|(word, choice)| {
                format!("- `{}`: {}\n", plain(word), one_line(&text_of(choice, "description"), false))
            })
            .collect();
        if lines.is_empty() { String::new() } else { format!("\n`{key}` is one of:\n\n{}", lines.concat()) }
    }

    fn definition(&self, schema: &Value) -> Option<(&'a str, &'a Value)> {
        let name = schema.get("$ref")?.as_str()?.rsplit('/').next()?;
        let (name, definition) = self.definitions?.get_key_value(name)?;
        Some((name, definition))
    }

    fn meet(&mut self, name: &'a str, place: &str, schema: &'a Value) {
        match self.sections.iter_mut().find(|section| section.name == name) {
            // A table inside one of its own kind is told of once.
            Some(section) if section.places.iter().any(|known| place.starts_with(&format!("{known}."))) => {}
            Some(section) if section.places.iter().any(|known| known == place) => {}
            Some(section) => section.places.push(place.to_owned()),
            None => self.sections.push(Section { name, places: vec![place.to_owned()], schema }),
        }
    }
}

fn list<'a>(schema: &'a Value, key: &str) -> &'a [Value] {
    schema.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text_of(schema: &Value, key: &str) -> String {
    schema.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn range(schema: &Value) -> String {
    let bound = |key: &str| schema.get(key).map(plain);
    match (bound("minimum"), bound("maximum")) {
        (Some(least), Some(most)) => format!(", {least} to {most}"),
        (Some(least), None) if least != "0" => format!(", at least {least}"),
        (None, Some(most)) => format!(", at most {most}"),
        (_, None) => String::new(),
    }
}

/// A doc text as it fits into a line, or a cell of a table.
fn one_line(text: &str, in_table: bool) -> String {
    let text = text.replace("\n\n", "<br>").replace('\n', " ");
    let text = if in_table { text } else { text.replace("<br>", "\n\n") };
    if in_table { text.replace('|', "\\|") } else { text }
}

/// What holds where the key is not written.
fn default_of(description: &str, schema: &Value, is_required: bool) -> String {
    if is_required {
        return "required".to_owned();
    }
    let text = description.replace('\n', " ");
    let mut defaults: Vec<String> = text.match_indices(" when absent").map(|(at, _)| clause(&text[..at])).collect();
    for mark in [" (default)", " (the default)"] {
        defaults.extend(text.match_indices(mark).map(|(at, _)| last_word(&text[..at])));
    }
    match schema.get("default") {
        _ if !defaults.is_empty() => defaults.join(", "),
        Some(value @ (Value::Bool(_) | Value::Number(_))) => format!("`{value}`"),
        Some(Value::String(word)) if !word.is_empty() => format!("`{word}`"),
        Some(_) | None => String::new(),
    }
}

/// The end of `text`, back to the last mark that is not inside backticks.
fn clause(text: &str) -> String {
    let mut is_code = false;
    let mut start = 0;
    for (at, character) in text.char_indices() {
        match character {
            '`' => is_code = !is_code,
            ';' | '.' | ',' | ':' if !is_code => start = at + 1,
            _ => {}
        }
    }
    text.get(start..).unwrap_or_default().trim().to_owned()
}

/// The end of `text` in backticks, or its last word.
fn last_word(text: &str) -> String {
    match text.strip_suffix('`').and_then(|text| text.rsplit('`').next()) {
        Some(code) => format!("`{code}`"),
        None => text.rsplit(' ').next().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn defaults_are_what_the_text_says() {
        for (text, default, expected) in [
            ("IANA zone; `UTC` when absent.", json!(null), "`UTC`"),
            ("Folder below it; the job's name when absent.", json!(null), "the job's name"),
            ("`retry`: attempts, `5` when absent. `reauthorize`: new ones, `1` when absent.", json!(null), "`5`, `1`"),
            ("Such as `7d` (the default); `0` keeps none.", json!(null), "`7d`"),
            ("`a.b; c` when absent", json!(null), "`a.b; c`"),
            ("Written `true`.", json!(false), "`false`"),
            ("Text before it.", json!(""), ""),
            ("A list.", json!([]), ""),
        ] {
            assert_eq!(default_of(text, &json!({ "default": default }), false), expected, "{text}");
        }
        assert_eq!(default_of("`UTC` when absent", &json!({}), true), "required");
    }

    #[test]
    fn a_page_of_everything() {
        let schema = json!({
            "title": "Acme files", "description": "About.\n\nAnd more.", "required": ["name"],
            "properties": {
                "name": { "type": "string", "description": "A | in it,\nover two lines." },
                "mill": { "allOf": [{ "$ref": "#/definitions/Mill" }], "description": "One." },
                "mills": { "type": "array", "items": { "$ref": "#/definitions/Mill" } },
                "way": { "$ref": "#/definitions/Way" },
                "plan": { "$ref": "#/definitions/Plan" },
                "rate": { "anyOf": [{ "type": "integer", "minimum": 1, "maximum": 9 }, { "$ref": "#/definitions/Other" }] },
                "pair": { "type": "array", "items": { "type": "integer", "minimum": 0 }, "minItems": 2, "maxItems": 2 },
                "any": { "type": "object", "additionalProperties": true },
            },
            "definitions": {
                "Mill": { "description": "Grinds.", "properties": { "inner": { "$ref": "#/definitions/Mill" } } },
                "Way": { "oneOf": [{ "enum": ["up"], "description": "Upwards." }, { "enum": ["down"] }] },
                "Plan": { "description": "Kinds.", "oneOf": [
                    { "description": "Nothing.", "properties": { "kind": { "enum": ["none"] } } },
                    { "description": "Some.", "properties": { "kind": { "enum": ["some"] }, "of": { "type": "boolean" } } },
                ] },
                "Other": { "properties": {} },
            },
        });
        insta::assert_snapshot!(reference(&schema, &[("Other", "other.md")]));
    }
}
