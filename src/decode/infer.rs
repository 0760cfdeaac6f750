//! The columns of a partition from all of its records, merged with what is declared and recorded.
//!
//! Order: the recorded columns as they are, then new fields by first appearance (an exploded item's after its
//! parent's), then added ones, then declared ones that no record has. A field that was only ever null has no type yet
//! and becomes no column until a record gives it one: a guess would bind every later partition to it.

use super::observed::Fields;
use super::project::{Added, Projection, record};
use super::reject::Reject;
use super::schema::{DatasetSchema, find};
use super::widen::{Widened, older_fits, widen};
use crate::job::ColumnType;
use crate::json::{Kind, Value};

/// Watches the records of a partition.
#[derive(Debug, Default)]
pub struct Inference {
    projection: Projection,
    parents: Fields,
    children: Fields,
    added: Fields,
}

/// What inference found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inferred {
    /// The columns of this partition's file, and from its seal on the dataset's.
    pub schema: DatasetSchema,
    /// How to cut records into those columns.
    pub projection: Projection,
    /// What differs from the recorded schema; empty without one.
    pub changes: Vec<Change>,
    /// Fields that were only ever null and became no column.
    pub untyped: Vec<String>,
    /// Undeclared columns with fractions of more digits than a 64-bit float keeps.
    pub rounded: Vec<String>,
}

/// One column that is new or has a new type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its name.
    pub column: String,
    /// The recorded type; `None` for a new column.
    pub from: Option<ColumnType>,
    /// The type from now on.
    pub to: ColumnType,
    /// Whether files already written can still be read together with new ones; if not, the job is to be replayed.
    pub older_readable: bool,
}

impl Inference {
    /// `projection.prefixed` is ignored: it is what this pass finds.
    pub fn new(projection: Projection) -> Self {
        Self { projection, ..Self::default() }
    }

    /// Takes one record into account. A record that is refused here leaves no mark; building refuses it again.
    pub fn observe(&mut self, value: Value<'_, '_>, added: &Added) -> Result<(), Reject> {
        record(value)?;
        let list = self.projection.exploded(value)?;
        self.projection.parents(value, added).for_each(|field| self.parents.observe(field));
        for item in list.iter().flat_map(|list| list.children()) {
            item.children().for_each(|field| self.children.observe(field));
        }
        self.observe_added(added);
        Ok(())
    }

    pub(super) fn observe_added(&mut self, added: &Added) {
        for (name, value) in added.values() {
            if !self.projection.skips(name) {
                self.added.observe_as(name, value);
            }
        }
    }

    /// The place of a field that was seen in a record.
    pub(super) fn place(&self, field: &str) -> Option<usize> {
        self.parents.find(field)
    }

    /// Watches the field at a place.
    #[inline]
    pub(super) fn observe_at(&mut self, place: usize, value: Value<'_, '_>) {
        self.parents.observe_at(place, value);
    }

    /// Watches scalars of the field at a place.
    pub(super) fn observe_all<'a>(&mut self, place: usize, scalars: impl Iterator<Item = (Kind, &'a str)>) {
        self.parents.observe_all(place, scalars);
    }

    /// The schema: declared types win, recorded columns stay and only widen.
    pub fn finish(&self, declared: &[(String, ColumnType)], recorded: Option<&DatasetSchema>) -> Inferred {
        let mut projection = self.projection.clone();
        projection.prefixed = self
            .children
            .iter()
            .map(|(name, _)| name.to_owned())
            .filter(|name| self.parents.contains(name) || self.added.contains(name))
            .collect();
        let known: &[_] = recorded.map_or(&[], |recorded| &recorded.columns);
        let parents = self.parents.iter().map(|(name, observed)| (name.to_owned(), observed));
        let children = self.children.iter().map(|(name, observed)| (projection.child_column(name), observed));
        let added = self.added.iter().map(|(name, observed)| (name.to_owned(), observed));
        let fields: Vec<_> = parents.chain(children).chain(added).filter(|(name, _)| !projection.skips(name)).collect();
        let rounded: Vec<String> = fields
            .iter()
            .filter(|(name, observed)| observed.is_rounded() && find(declared, name).is_none())
            .map(|(name, _)| name.clone())
            .collect();
        let fields: Vec<_> = fields
            .into_iter()
            .map(|(name, observed)| (observed.resolve(find(known, &name)), name))
            .map(|(column, name)| (name, column))
            .collect();

        let mut merge = Merge { declared, recorded, columns: Vec::new(), changes: Vec::new() };
        for (name, old) in known {
            let found = fields.iter().find(|(known, _)| known == name).and_then(|(_, column)| column.as_ref());
            merge.keep(name, old, found);
        }
        let mut untyped = Vec::new();
        for (name, column) in fields {
            match (column, find(declared, &name)) {
                _ if find(&merge.columns, &name).is_some() => {}
                (_, Some(column)) => merge.add(name, column.clone()),
                (Some(column), None) => merge.add(name, column),
                (None, None) => untyped.push(name),
            }
        }
        for (name, column) in declared {
            if find(&merge.columns, name).is_none() && !projection.skips(name) {
                merge.add(name.clone(), column.clone());
            }
        }
        let schema = DatasetSchema { columns: merge.columns };
        Inferred { schema, projection, changes: merge.changes, untyped, rounded }
    }
}

struct Merge<'a> {
    declared: &'a [(String, ColumnType)],
    recorded: Option<&'a DatasetSchema>,
    columns: Vec<(String, ColumnType)>,
    changes: Vec<Change>,
}

impl Merge<'_> {
    fn keep(&mut self, name: &str, old: &ColumnType, found: Option<&ColumnType>) {
        let Widened { column, older_readable } = match (find(self.declared, name), found) {
            (Some(declared), _) => Widened { column: declared.clone(), older_readable: older_fits(old, declared) },
            (None, Some(found)) => widen(old, found),
            (None, None) => Widened { column: old.clone(), older_readable: true },
        };
        if column != *old {
            let (from, to) = (Some(old.clone()), column.clone());
            self.changes.push(Change { column: name.to_owned(), from, to, older_readable });
        }
        self.columns.push((name.to_owned(), column));
    }

    fn add(&mut self, name: String, column: ColumnType) {
        if self.recorded.is_some() {
            let change = Change { column: name.clone(), from: None, to: column.clone(), older_readable: true };
            self.changes.push(change);
        }
        self.columns.push((name, column));
    }
}
