//! Where the fields of records go, found once for each key: records of one provider mostly list the same keys in the same
//! order.
//!
//! Invariant: a record that goes this way is watched and built exactly as [`Inference::observe`] and [`Decoder::push`]
//! would; one that may be refused for what it is, or holds a key that is new, does not go this way.

use std::collections::HashMap;

use super::build::{Decoder, Goes};
use super::infer::Inference;
use super::pass::Reading;
use super::project::Added;
use super::reject::Reject;
use crate::json::{Block, Kind, Value};

/// The ways of the fields of one walk.
#[derive(Debug, Default)]
pub(super) struct Routes {
    routes: Vec<Route>,
    index: HashMap<Box<str>, usize>,
    /// Number of the record whose fields are on their way.
    record: u64,
    /// Where they go, in order.
    taken: Vec<To>,
    /// The shape of the record these are of.
    shape: Option<u32>,
    /// Whether what is added to the records of this page was watched.
    watched: bool,
    /// Names of what is added to the records: a field of such a name is no column.
    added: Vec<String>,
}

#[derive(Debug)]
struct Route {
    key: Box<str>,
    /// The last record that had it.
    seen: u64,
    to: To,
}

/// The places of a field.
#[derive(Debug, Clone, Copy)]
struct To {
    /// None where nobody asks what was seen: it is no column, or one that a person declared.
    observed: Option<usize>,
    goes: Goes,
}

impl Routes {
    /// Begins a page to whose records values of these names are added.
    pub(super) fn begin<'n>(&mut self, added: impl Iterator<Item = &'n String> + Clone) {
        self.watched = false;
        if !added.clone().eq(&self.added) {
            *self = Self { added: added.cloned().collect(), ..Self::default() };
        }
    }

    /// Learns the keys of a record without flaws that has gone the long way.
    pub(super) fn learn(
        &mut self,
        record: Value<'_, '_>,
        (reading, added): (&Reading, &Added),
        inference: Option<&Inference>,
        decoder: Option<&Decoder>,
    ) {
        // Exploded records become many rows; they go the long way all of them.
        if reading.projection.explode.is_some() {
            return;
        }
        for field in record.children() {
            let key = &*field.key();
            if self.index.contains_key(key) {
                continue;
            }
            let is_column = !reading.projection.skips(key) && !added.contains(key);
            let observed = inference.and_then(|inference| inference.place(key));
            let column = decoder.and_then(|decoder| decoder.column(key));
            let goes = if is_column { column.map_or(Goes::Astray, Goes::Column) } else { Goes::Nowhere };
            // A key that only a refused record had is not known to inference.
            if is_column && inference.is_some() && observed.is_none() {
                continue;
            }
            let is_declared = reading.declared.iter().any(|(name, _)| name == key);
            let to = To { observed: observed.filter(|_| is_column && !is_declared), goes };
            self.index.insert(key.into(), self.routes.len());
            self.routes.push(Route { key: key.into(), seen: 0, to });
        }
    }

    /// Watches a record and makes a row of it; none when it has to go the long way, and nothing was done then.
    #[inline]
    pub(super) fn record(
        &mut self,
        record: Value<'_, '_>,
        added: &Added,
        inference: Option<&mut Inference>,
        decoder: Option<&mut Decoder>,
    ) -> Option<Result<u64, Reject>> {
        self.find(record)?;
        if let Some(inference) = inference {
            for (field, to) in record.children().zip(&self.taken) {
                if let Some(place) = to.observed {
                    inference.observe_at(place, field);
                }
            }
            self.watch_added(inference, added);
        }
        let Some(decoder) = decoder else { return Some(Ok(0)) };
        let fields = record.children().zip(self.taken.iter().map(|to| to.goes));
        Some(decoder.push_routed(record, fields, added).map(|()| 1))
    }

    /// Whether the ways are known of records of this shape, and lead to rows one by one.
    pub(super) fn know(&self, shape: Option<u32>) -> bool {
        shape.is_some() && shape == self.shape
    }

    /// Watches the records of a block whose shape is known, and makes rows of them; false when one does not fit, and nothing
    /// was done then.
    pub(super) fn block(
        &mut self,
        (block, text): (&Block, &str),
        added: &Added,
        inference: Option<&mut Inference>,
        decoder: Option<&mut Decoder>,
    ) -> bool {
        let goes = self.taken.iter().map(|to| to.goes);
        if decoder.is_some_and(|decoder| !decoder.push_block((block, text), goes, added)) {
            return false;
        }
        if let Some(inference) = inference {
            for (at, to) in self.taken.iter().enumerate() {
                if let Some(place) = to.observed {
                    inference.observe_all(place, block.column(at, text));
                }
            }
            self.watch_added(inference, added);
        }
        true
    }

    /// The same for each record of a page.
    fn watch_added(&mut self, inference: &mut Inference, added: &Added) {
        if !self.watched {
            self.watched = true;
            inference.observe_added(added);
        }
    }

    /// Finds the routes of all fields.
    #[inline]
    fn find(&mut self, record: Value<'_, '_>) -> Option<()> {
        if record.kind() != Kind::Object || self.routes.is_empty() {
            return None;
        }
        if record.shape().is_none() || record.shape() != self.shape {
            self.shape = None;
            self.find_each(record)?;
            self.shape = record.shape();
        }
        // Only a closer look shows these to be whole.
        let is_flawed = |field: Value<'_, '_>| field.may_be_flawed() && field.flaw().is_some();
        (!record.children().any(is_flawed)).then_some(())
    }

    fn find_each(&mut self, record: Value<'_, '_>) -> Option<()> {
        self.record += 1;
        self.taken.clear();
        let mut next = 0;
        for field in record.children() {
            let key = field.plain_key()?;
            let at = match self.routes.get(next) {
                Some(route) if *route.key == *key => next,
                Some(_) | None => *self.index.get(key)?,
            };
            let route = &mut self.routes[at];
            // A key that stands twice.
            if route.seen == self.record {
                return None;
            }
            route.seen = self.record;
            self.taken.push(route.to);
            next = at + 1;
        }
        Some(())
    }
}
