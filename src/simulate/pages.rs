//! Which records an answer holds and how the next page is asked for, by the provider's own paging.
//!
//! Invariant: a cursor works only if it was handed out, and as often as it is asked for.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use http::Method;
use serde_json::{Map, Value};

use crate::job::{NextRequest, Paging, Pointer};

use super::asked::{key, number_of, text_of};
use super::mix::mix_text;

/// Records on a page where neither request nor endpoint says.
const PAGE_SIZE: u64 = 50;
/// Cursors remembered; older ones are not known any more, as with a real provider.
const CURSORS_MAX: usize = 200_000;

/// A first request, and where in its records the page asked for begins.
#[derive(Debug, Clone)]
pub(super) struct Page {
    pub(super) method: Method,
    pub(super) path: String,
    /// Without paging.
    pub(super) parameters: Arc<Map<String, Value>>,
    pub(super) offset: u64,
    /// The page size asked for.
    pub(super) size: Option<u64>,
    /// It is a following page.
    pub(super) following: bool,
}

/// What a request means to the pager.
#[derive(Debug)]
pub(super) enum Meant {
    Page(Page),
    /// A following page nobody was offered.
    UnknownCursor,
}

/// The part of all records that an answer holds.
#[derive(Debug)]
pub(super) struct Slice {
    pub(super) range: Range<u64>,
    pub(super) total: u64,
    /// Records on a full page.
    pub(super) size: u64,
}

/// The way on, as an answer says it.
#[derive(Debug, PartialEq)]
pub(super) enum Onward {
    /// No paging: nothing is said.
    Silent,
    /// Values to stand at pointers; `None`: this was the last page.
    Fields(Vec<(Pointer, Option<Value>)>),
}

/// The cursors handed out, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Cursors {
    pages: HashMap<u64, Page>,
    order: VecDeque<u64>,
}

impl Cursors {
    /// Reads paging out of a request.
    pub(super) fn read(&self, paging: &Paging, method: &Method, path: &str, parameters: Map<String, Value>) -> Meant {
        if let Some(page) = self.pages.get(&hash(method, path, &parameters)) {
            return Meant::Page(page.clone());
        }
        if is_cursor(paging, path, &parameters) {
            return Meant::UnknownCursor;
        }
        let mut parameters = parameters;
        let (offset, size) = take_place(paging, &mut parameters);
        Meant::Page(Page {
            method: method.clone(),
            path: path.to_owned(),
            parameters: Arc::new(parameters),
            offset,
            size,
            following: offset > 0,
        })
    }

    /// The cursor of this request is not known any more.
    pub(super) fn forget(&mut self, method: &Method, path: &str, parameters: &Map<String, Value>) {
        self.pages.remove(&hash(method, path, parameters));
    }

    /// What an answer with `range` of `total` records says about the next page; remembers the cursor it offers.
    ///
    /// `base` is the base URL as the client used it, for links.
    pub(super) fn onward(&mut self, seed: u64, paging: &Paging, page: &Page, slice: &Slice, base: &str) -> Onward {
        let Slice { range, total, size } = slice;
        let total = *total;
        let more = range.end < total;
        let mut fields = Vec::new();
        match paging {
            Paging::None => return Onward::Silent,
            Paging::Page { total: at, has_more, .. } => {
                fields.extend(at.iter().map(|at| (at.clone(), Some(Value::from(total)))));
                fields.extend(has_more.iter().map(|at| (at.clone(), Some(Value::Bool(more)))));
            }
            Paging::Offset { total: at, .. } => {
                fields.extend(at.iter().map(|at| (at.clone(), Some(Value::from(total)))));
            }
            Paging::Cursor { fields: names, has_more, next, .. } => {
                let task = format!("{:016x}", mix_text(seed, &key(&page.method, &page.path, &page.parameters)));
                let number = range.end / size.max(&1) + 1;
                let values = cursor_values(names, &task, number, range.end);
                if more {
                    self.hand_out(page, range.end, next.as_ref(), &values);
                }
                let place = |(name, at): &(String, Pointer)| (at.clone(), values.get(name).filter(|_| more).cloned());
                fields.extend(names.iter().map(place));
                fields.extend(has_more.iter().map(|at| (at.clone(), Some(Value::Bool(more)))));
            }
            Paging::NextUrl { url, .. } => {
                let mut asked = Map::clone(&page.parameters);
                asked.insert("cursor".to_owned(), Value::String(range.end.to_string()));
                let address = address(base, &page.path, &asked);
                if more {
                    self.remember(hash(&page.method, &page.path, &asked), page, range.end);
                }
                fields.push((url.clone(), more.then(|| Value::String(address))));
            }
        }
        Onward::Fields(fields)
    }

    fn hand_out(&mut self, page: &Page, offset: u64, next: Option<&NextRequest>, values: &Map<String, Value>) {
        let known = match next {
            None => {
                let mut asked = Map::clone(&page.parameters);
                asked.extend(values.clone());
                Some(hash(&page.method, &page.path, &asked))
            }
            Some(next) => rendered(next, values),
        };
        if let Some(known) = known {
            self.remember(known, page, offset);
        }
    }

    fn remember(&mut self, known: u64, page: &Page, offset: u64) {
        let page = Page { offset, following: true, ..page.clone() };
        if self.pages.insert(known, page).is_none() {
            self.order.push_back(known);
        }
        while self.order.len() > CURSORS_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.pages.remove(&oldest);
            }
        }
    }
}

/// The records of `page`: as many as the request asks for, at most `most`; without paging all `total` of them.
pub(super) fn slice(paging: &Paging, page: &Page, most: Option<u64>, total: u64) -> Slice {
    let size = match (page.size, most) {
        _ if *paging == Paging::None => total,
        (Some(asked), Some(most)) => asked.min(most),
        (Some(asked), None) => asked,
        (None, most) => most.unwrap_or(PAGE_SIZE),
    };
    let start = page.offset.min(total);
    Slice { range: start..page.offset.saturating_add(size).min(total), total, size }
}

/// Two requests are the same when they ask for the same page of the same thing, however the query is ordered.
pub(super) fn hash(method: &Method, path: &str, parameters: &Map<String, Value>) -> u64 {
    mix_text(0, &key(method, path, parameters))
}

/// The request that the client will make of these cursor values.
fn rendered(next: &NextRequest, values: &Map<String, Value>) -> Option<u64> {
    let path = text_of(&next.path.render(values).ok()?);
    let mut asked = Map::new();
    for (name, template) in &next.query {
        asked.insert(name.clone(), template.render(values).ok()?);
    }
    if let Some(json) = &next.json
        && let Value::Object(fields) = json.render(values).ok()?
    {
        asked.extend(fields);
    }
    Some(hash(&next.method, &format!("/{}", path.trim_start_matches('/')), &asked))
}

fn is_cursor(paging: &Paging, path: &str, parameters: &Map<String, Value>) -> bool {
    match paging {
        Paging::None | Paging::Page { .. } | Paging::Offset { .. } => false,
        Paging::NextUrl { .. } => parameters.contains_key("cursor"),
        Paging::Cursor { next: Some(next), .. } => {
            next.path.render(&Map::new()).is_ok_and(|own| text_of(&own).trim_matches('/') == path.trim_matches('/'))
        }
        Paging::Cursor { fields, next: None, .. } => {
            fields.iter().any(|(name, _)| parameters.get(name).is_some_and(|value| !text_of(value).is_empty()))
        }
    }
}

/// Takes page or offset and size out of the parameters.
fn take_place(paging: &Paging, parameters: &mut Map<String, Value>) -> (u64, Option<u64>) {
    match paging {
        Paging::Offset { offset, limit, page_size, .. } => {
            let at = number_of(parameters, offset).unwrap_or(0);
            let size = number_of(parameters, limit).unwrap_or(*page_size);
            parameters.shift_remove(offset);
            parameters.shift_remove(limit);
            (at, Some(size))
        }
        Paging::Page { page, first, size, page_size, .. } => {
            let number = number_of(parameters, page).unwrap_or(*first);
            let size_asked = size.as_ref().and_then(|name| number_of(parameters, name)).unwrap_or(*page_size);
            parameters.shift_remove(page);
            if let Some(name) = size {
                parameters.shift_remove(name);
            }
            (number.saturating_sub(*first).saturating_mul(size_asked), Some(size_asked))
        }
        Paging::None | Paging::Cursor { .. } | Paging::NextUrl { .. } => (0, None),
    }
}

/// One field holds everything; of several the last counts pages, as `pageKey` does, and the others name the task.
fn cursor_values(names: &[(String, Pointer)], task: &str, number: u64, offset: u64) -> Map<String, Value> {
    let last = names.len().saturating_sub(1);
    let value = |index: usize| match (names.len(), index == last) {
        (1, _) => format!("{task}-{offset}"),
        (_, true) => number.to_string(),
        (_, false) => task.to_owned(),
    };
    names.iter().enumerate().map(|(index, (name, _))| (name.clone(), Value::String(value(index)))).collect()
}

fn address(base: &str, path: &str, parameters: &Map<String, Value>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        query.append_pair(name, &text_of(value));
    }
    format!("{base}{path}?{}", query.finish())
}
