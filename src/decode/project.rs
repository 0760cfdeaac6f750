//! Which fields of a record become which columns: exploded lists, added values, skipped Hive keys.
//!
//! An added value replaces a field of the same name: the person's word counts more than the provider's. A field of an
//! exploded item that has the name of a parent's field or of an added value becomes `<explode>_<name>`.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::reject::Reject;
use crate::json::{Flaw, Kind, Malformed, Tape, Value};

/// How records become rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Projection {
    /// A field that is a list of objects: one row each, with the other fields of the record.
    pub explode: Option<String>,
    /// Fields that are no column because a Hive folder carries them.
    pub skip: Vec<String>,
    /// Fields of exploded items that are prefixed; found by [`super::Inference::finish`] over the whole partition, so
    /// that a column never changes its name from record to record.
    pub prefixed: BTreeSet<String>,
}

impl Projection {
    /// The column of the field `name` of an exploded item.
    pub fn child_column(&self, name: &str) -> String {
        match &self.explode {
            Some(explode) if self.prefixed.contains(name) => format!("{explode}_{name}"),
            Some(_) | None => name.to_owned(),
        }
    }

    pub(super) fn skips(&self, name: &str) -> bool {
        self.skip.iter().any(|skipped| skipped == name)
    }

    /// The list to explode, if the job asks for one. `null` is read as an empty list.
    pub(super) fn exploded<'t, 'a>(&self, record: Value<'t, 'a>) -> Result<Option<Value<'t, 'a>>, Reject> {
        let Some(name) = &self.explode else { return Ok(None) };
        let Some(list) = record.children().find(|field| field.key() == *name) else {
            return Err(Reject::new("the field to explode is missing").below(name));
        };
        match list.kind() {
            Kind::Null => return Ok(Some(list)),
            Kind::List => {}
            Kind::Bool(_) | Kind::Whole | Kind::Fraction | Kind::Text | Kind::Escaped | Kind::Object => {
                let reason = format!("expected a list of objects to explode, found {}", list.type_name());
                return Err(Reject::new(reason).below(name));
            }
        }
        for (index, item) in list.children().enumerate() {
            object(item).map_err(|reject| reject.below(index).below(name))?;
        }
        Ok(Some(list))
    }

    /// The fields of the record that are columns by themselves.
    pub(super) fn parents<'t, 'a>(&self, record: Value<'t, 'a>, added: &Added) -> impl Iterator<Item = Value<'t, 'a>> {
        record.children().filter(move |field| {
            let name = &*field.key();
            !self.skips(name) && !added.contains(name) && self.explode.as_deref() != Some(name)
        })
    }
}

/// What a record must be: an object without flaws.
pub(super) fn record(value: Value<'_, '_>) -> Result<(), Reject> {
    if let Some(Flaw { path, why }) = value.flaw() {
        return Err(path.iter().rev().fold(Reject::new(why), |reject, part| reject.below(part)));
    }
    object(value)
}

fn object(value: Value<'_, '_>) -> Result<(), Reject> {
    if matches!(value.kind(), Kind::Object) {
        return Ok(());
    }
    Err(Reject::new(format!("expected an object, found {}", value.type_name())))
}

/// The columns added to every record of a page, written out and read once.
#[derive(Debug, Default)]
pub struct Added {
    fields: Vec<(String, String, Tape)>,
}

impl Added {
    /// `values` by column name, in order.
    ///
    /// # Errors
    /// Never for what serde_json has made.
    pub fn new(values: &Map<String, Json>) -> Result<Self, Malformed> {
        let fields = values.iter().map(|(name, value)| {
            let (text, mut tape) = (value.to_string(), Tape::default());
            tape.fill(&text)?;
            Ok((name.clone(), text, tape))
        });
        Ok(Self { fields: fields.collect::<Result<_, _>>()? })
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.fields.iter().any(|(known, ..)| known == name)
    }

    /// Each column's name with its value.
    pub(super) fn values(&self) -> impl Iterator<Item = (&str, Value<'_, '_>)> {
        self.fields.iter().map(|(name, text, tape)| (name.as_str(), tape.root(text)))
    }
}
