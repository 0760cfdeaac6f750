//! `tidemill schema`: the JSON Schema of the files a person writes, for editors, and the same as a page.

use clap::ValueEnum;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::job::JobFile;
use crate::provider::{ProviderFile, SettingsFile};
use crate::run::Exit;

use super::args::{Format, Kind, SchemaArguments};
use super::reference::reference;
use super::start::CommandError;
use super::term::{put, say};

/// Prints one of them, or which there are.
pub(super) fn schema(arguments: &SchemaArguments) -> Result<Exit, CommandError> {
    match arguments.kind {
        Some(kind) if arguments.format == Format::Markdown => put(page(kind).trim_end()),
        Some(kind) => put(text(kind).trim_end()),
        None => {
            Kind::value_variants().iter().for_each(|kind| put(&format!("{:<10}{}", kind.word(), kind.meaning())));
            say("next: tidemill schema job > schema/job.json");
        }
    }
    Ok(Exit::Done)
}

/// The schema of one kind of file, as it is checked in.
pub(super) fn text(kind: Kind) -> String {
    format!("{:#}\n", schema_of(kind))
}

/// The same as a page; what a provider is has its own.
fn page(kind: Kind) -> String {
    let elsewhere: &[_] = if kind == Kind::Settings { &[("ProviderFile", "provider.md")] } else { &[] };
    let made =
        format!("<!-- made by `tidemill schema {} --format markdown`: mend the types, not this page -->", kind.word());
    format!("{made}\n{}", reference(&schema_of(kind), elsewhere))
}

impl Kind {
    /// Its name, of the argument and of the file.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::Provider => "provider",
            Self::Settings => "settings",
        }
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::Job => "jobs/*.toml: what is fetched, and where it goes",
            Self::Provider => "providers/*.toml: who serves, and what its answers mean",
            Self::Settings => "tidemill.toml: what is true for this workspace and your plans",
        }
    }
}

/// Draft 7 is what editors for TOML know.
fn schema_of(kind: Kind) -> Value {
    let generator = SchemaSettings::draft07().into_generator();
    let schema = match kind {
        Kind::Job => generator.into_root_schema_for::<JobFile>(),
        Kind::Provider => generator.into_root_schema_for::<ProviderFile>(),
        Kind::Settings => generator.into_root_schema_for::<SettingsFile>(),
    };
    let mut schema = schema.to_value();
    simplify(&mut schema);
    schema
}

/// TOML has no null: what may be absent is not required, and that is all. And a word is an `enum` of one, which tools that
/// know an older draft understand too.
fn simplify(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|one| one != "null");
                if let [only] = types.as_mut_slice() {
                    let only = only.take();
                    object.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
                choices.retain(|one| one.get("type").is_none_or(|kind| kind != "null"));
                if choices.len() == 1
                    && let Some(only) = object.shift_remove("anyOf")
                {
                    object.insert("allOf".to_owned(), only);
                }
            }
            if object.get("default").is_some_and(Value::is_null) {
                object.shift_remove("default");
            }
            if let Some(word) = object.shift_remove("const") {
                object.insert("enum".to_owned(), Value::Array(vec![word]));
            }
            object.values_mut().for_each(simplify);
        }
        Value::Array(items) => items.iter_mut().for_each(simplify),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
