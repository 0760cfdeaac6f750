//! What has been seen of a field so far, over all records of a partition.

use std::collections::HashMap;

use super::number::{self, Whole};
use super::schema::find;
use crate::job::ColumnType;
use crate::json::{Kind, Value};

/// The kinds of value one field held; nulls leave no mark.
#[derive(Debug, Default)]
pub(super) struct Observed {
    bool: bool,
    text: bool,
    fraction: bool,
    /// A number had more digits than a 64-bit float keeps.
    long: bool,
    whole: Option<Whole>,
    list: Option<Box<Observed>>,
    object: Option<Fields>,
}

impl Observed {
    #[inline]
    pub(super) fn observe(&mut self, value: Value<'_, '_>) {
        match value.kind() {
            Kind::List | Kind::Object => self.nested(value),
            scalar => self.scalar(scalar, value.raw()),
        }
    }

    /// `raw` is its JSON text.
    #[inline]
    fn scalar(&mut self, kind: Kind, raw: &str) {
        match kind {
            Kind::Bool(_) => self.bool = true,
            Kind::Text | Kind::Escaped => self.text = true,
            Kind::Whole | Kind::Fraction if !self.has_seen(kind, raw.len()) => self.number(kind, raw),
            Kind::Null | Kind::Whole | Kind::Fraction | Kind::List | Kind::Object => {}
        }
    }

    /// Whether a number of so many bytes shows nothing new.
    #[inline]
    fn has_seen(&self, kind: Kind, bytes: usize) -> bool {
        let fits = self.long || bytes <= number::SURE_IN_FLOAT64;
        fits && if kind == Kind::Fraction {
            self.fraction
        } else {
            self.whole.is_some() && bytes <= number::SURE_IN_INT64
        }
    }

    fn number(&mut self, kind: Kind, text: &str) {
        if kind == Kind::Fraction {
            self.fraction = true;
        } else {
            self.whole = self.whole.max(Some(number::whole(text)));
        }
        self.long = self.long || number::exceeds_float64(text);
    }

    fn nested(&mut self, value: Value<'_, '_>) {
        if value.kind() == Kind::List {
            let items = self.list.get_or_insert_default();
            value.children().for_each(|item| items.observe(item));
        } else {
            let fields = self.object.get_or_insert_default();
            value.children().for_each(|field| fields.observe(field));
        }
    }

    /// True when the type it resolves to cannot keep every digit seen, here or below.
    pub(super) fn is_rounded(&self) -> bool {
        (self.fraction && self.long)
            || self.list.as_ref().is_some_and(|items| items.is_rounded())
            || self.object.as_ref().is_some_and(|fields| fields.iter().any(|(_, field)| field.is_rounded()))
    }

    /// The column type, or `None` when only null was seen. Lists and objects that were only ever empty take the
    /// `recorded` type when it is of their kind, for they fit it.
    pub(super) fn resolve(&self, recorded: Option<&ColumnType>) -> Option<ColumnType> {
        let number = self.fraction || self.whole.is_some();
        let kinds = [self.bool, self.text, number, self.list.is_some(), self.object.is_some()];
        match kinds.iter().filter(|seen| **seen).count() {
            0 => None,
            1 if self.bool => Some(ColumnType::Bool),
            1 if self.text => Some(ColumnType::String),
            1 if self.fraction => Some(ColumnType::Float64),
            1 => Some(self.resolve_whole_or_nested(recorded)),
            _ => Some(ColumnType::Json),
        }
    }

    fn resolve_whole_or_nested(&self, recorded: Option<&ColumnType>) -> ColumnType {
        match (self.whole, &self.list, &self.object) {
            (Some(Whole::Int64), _, _) => ColumnType::Int64,
            (Some(Whole::Wide), _, _) => ColumnType::Decimal { precision: 38, scale: 0 },
            (Some(Whole::Beyond), _, _) | (None, None, None) => ColumnType::Json,
            (None, Some(items), _) => {
                let known = if let Some(ColumnType::List(item)) = recorded { Some(item.as_ref()) } else { None };
                let item = items.resolve(known).or_else(|| known.cloned());
                item.map_or(ColumnType::Json, |item| ColumnType::List(Box::new(item)))
            }
            (None, None, Some(fields)) => {
                let known = if let Some(ColumnType::Struct(known)) = recorded { known.as_slice() } else { &[] };
                let typed =
                    |(name, observed): (&str, &Self)| Some((name.to_owned(), observed.resolve(find(known, name))?));
                let fields: Vec<_> = fields.iter().filter_map(typed).collect();
                match (fields.is_empty(), known.is_empty()) {
                    (false, _) => ColumnType::Struct(fields),
                    (true, false) => ColumnType::Struct(known.to_vec()),
                    (true, true) => ColumnType::Json,
                }
            }
        }
    }
}

/// The fields of an object in order of first appearance.
#[derive(Debug, Default)]
pub(super) struct Fields {
    fields: Vec<(String, Observed)>,
    index: HashMap<String, usize>,
    /// Where the next field is expected: records of one provider mostly list theirs in the same order.
    next: usize,
}

impl Fields {
    pub(super) fn observe(&mut self, field: Value<'_, '_>) {
        self.observe_as(&field.key(), field);
    }

    pub(super) fn observe_as(&mut self, name: &str, value: Value<'_, '_>) {
        let at = match self.fields.get(self.next) {
            Some((expected, _)) if expected == name => self.next,
            Some(_) | None => self.place(name),
        };
        self.next = (at + 1) % self.fields.len();
        self.fields[at].1.observe(value);
    }

    fn place(&mut self, name: &str) -> usize {
        if let Some(at) = self.index.get(name) {
            return *at;
        }
        self.index.insert(name.to_owned(), self.fields.len());
        self.fields.push((name.to_owned(), Observed::default()));
        self.fields.len() - 1
    }

    /// Its place among the fields, if it was seen.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    /// Watches the field at a place.
    #[inline]
    pub(super) fn observe_at(&mut self, at: usize, value: Value<'_, '_>) {
        if let Some((_, field)) = self.fields.get_mut(at) {
            field.observe(value);
        }
    }

    /// Watches scalars of the field at a place.
    pub(super) fn observe_all<'a>(&mut self, at: usize, scalars: impl Iterator<Item = (Kind, &'a str)>) {
        if let Some((_, field)) = self.fields.get_mut(at) {
            scalars.for_each(|(kind, raw)| field.scalar(kind, raw));
        }
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.index.contains_key(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Observed)> {
        self.fields.iter().map(|(name, observed)| (name.as_str(), observed))
    }
}
