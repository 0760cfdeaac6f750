//! Knows where the next page starts, and when there is none.
//!
//! Invariant: a cursor or records seen before fail the cell, so no answer of a provider can make it ask for ever.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::{Map, Value};
use url::Url;

use crate::job::{Paging, Pointer};
use crate::json::{self, Kind};

use super::locate::{LocateError, Located, locate};
use super::request::Request;

/// Where a page starts: parameter names and values, written as canonical JSON into the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(Map<String, Value>);

impl Cursor {
    /// Reads what [`Self::to_text`] wrote.
    ///
    /// # Errors
    /// When the text is not a JSON object.
    pub fn from_text(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text).map(Self)
    }

    /// Canonical JSON.
    pub fn to_text(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }

    fn number(&self, name: &str) -> u64 {
        self.0.get(name).and_then(Value::as_u64).unwrap_or_default()
    }
}

/// Why paging cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum PagingError {
    /// The provider sent a cursor it had sent before.
    #[error("the provider sent the cursor `{0}` twice: following it would never end")]
    Repeated(String),
    /// The same records came twice, so the provider ignores the paging parameters.
    #[error("page {0} holds the same records as a page before it: the provider seems to ignore the paging parameters")]
    SameRecords(u32),
    /// Nothing stands where the way to the next page should: the path may be wrong, and then all pages but one are missing.
    #[error(
        "the first page has nothing at `{at}`, where the next page should be told: mend `[paging]`, or write `absent_ends = \
         true` there if this provider leaves it out of an answer of one page"
    )]
    Absent {
        /// The path.
        at: String,
    },
    /// There is more, and nobody says where.
    #[error("the provider says that there is more, but `{at}` does not tell where")]
    NoCursor {
        /// The path.
        at: String,
    },
    /// The link to the next page leaves the provider.
    #[error("the link to the next page leads to `{0}`, away from the provider")]
    Elsewhere(String),
    /// A cursor field, total or flag is of the wrong kind.
    #[error("`{at}` should hold {expected}, found {found}")]
    Unfit {
        /// Its path in the answer.
        at: String,
        /// What paging needs there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A body that cannot be read.
    #[error(transparent)]
    Body(#[from] LocateError),
    /// A template of the next request lacks a value.
    #[error(transparent)]
    Template(#[from] crate::job::TemplateError),
}

/// What a page says about the rest of its cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    /// Where the next page starts; none: this was the last.
    pub next: Option<Cursor>,
    /// Records the provider says there are in all.
    pub total: Option<u64>,
}

/// Follows the pages of one cell.
#[derive(Debug)]
pub struct Paginator<'a> {
    paging: &'a Paging,
    base: &'a Url,
    promised: Option<u64>,
    cursors: HashSet<String>,
    bodies: HashSet<[u8; 32]>,
}

impl<'a> Paginator<'a> {
    /// A machine that has seen nothing; `base` is the provider's, which no link may leave.
    pub fn new(paging: &'a Paging, base: &'a Url) -> Self {
        Self { paging, base, promised: None, cursors: HashSet::new(), bodies: HashSet::new() }
    }

    /// An earlier page told of so many records in all; it counts where a later one tells no total.
    pub(super) fn promise(&mut self, total: u64) {
        self.promised = Some(total);
    }

    /// Where page `index` of a cell starts when all pages before it are full; `None` where only the page before it knows.
    pub(super) fn start_of(paging: &Paging, index: u32) -> Option<Cursor> {
        match paging {
            Paging::Page { first, .. } => Some(single("page", Value::from(first.saturating_add(index.into())))),
            Paging::Offset { page_size, .. } => {
                Some(single("offset", Value::from(page_size.saturating_mul(index.into()))))
            }
            Paging::None | Paging::Cursor { .. } | Paging::NextUrl { .. } => None,
        }
    }

    /// The request of the page at `cursor`; none is the first page.
    pub fn request<'r>(&self, first: &'r Request, cursor: Option<&Cursor>) -> Result<Cow<'r, Request>, PagingError> {
        let names_first_page = matches!(self.paging, Paging::Page { .. } | Paging::Offset { .. });
        if cursor.is_none() && !names_first_page {
            return Ok(Cow::Borrowed(first));
        }
        let mut request = first.clone();
        request.next_page = cursor.is_some();
        match self.paging {
            Paging::None => {}
            Paging::Page { page, first: first_page, size, page_size, .. } => {
                let number = cursor.map_or(*first_page, |cursor| cursor.number("page"));
                request.set_parameter(page, &Value::from(number));
                if let Some(size) = size {
                    request.set_parameter(size, &Value::from(*page_size));
                }
            }
            Paging::Offset { offset, limit, page_size, .. } => {
                request.set_parameter(limit, &Value::from(*page_size));
                request.set_parameter(offset, &Value::from(cursor.map_or(0, |cursor| cursor.number("offset"))));
            }
            Paging::Cursor { next, .. } => {
                if let Some(cursor) = cursor {
                    match next {
                        Some(next) => request = Request::render_next(next, &cursor.0)?,
                        None => cursor.0.iter().for_each(|(name, value)| request.set_parameter(name, value)),
                    }
                }
            }
            Paging::NextUrl { .. } => {
                if let Some(cursor) = cursor {
                    let link = cursor.0.get("url").and_then(Value::as_str).unwrap_or_default();
                    self.follow(&mut request, link)?;
                }
            }
        }
        Ok(Cow::Owned(request))
    }

    /// Reads the page at `cursor` (its whole `document`, and its `records`, already located) for what comes next.
    ///
    /// `received` are the records of the cell before this page, `page` its index.
    pub fn advance(
        &mut self,
        document: json::Value<'_, '_>,
        records: &[json::Value<'_, '_>],
        cursor: Option<&Cursor>,
        page: u32,
        received: u64,
    ) -> Result<Advance, PagingError> {
        let count = records.len() as u64;
        let total = match self.paging {
            Paging::Page { total, .. } | Paging::Offset { total, .. } => whole_number(document, total.as_ref())?,
            Paging::None | Paging::Cursor { .. } | Paging::NextUrl { .. } => None,
        };
        let known = total.or(self.promised);
        let next = match self.paging {
            Paging::None => None,
            Paging::Page { first, page_size, has_more, .. } => {
                let more = match (flag(document, has_more.as_ref())?, known) {
                    (Some(more), _) => more,
                    (None, Some(total)) => received + count < total,
                    (None, None) => count >= *page_size,
                };
                let number = cursor.map_or(*first, |cursor| cursor.number("page"));
                (more && count > 0).then(|| single("page", Value::from(number + 1)))
            }
            Paging::Offset { page_size, .. } => {
                let more = known.map_or(count >= *page_size, |total| received + count < total);
                (more && count > 0).then(|| single("offset", Value::from(received + count)))
            }
            Paging::Cursor { fields, has_more, absent_ends, .. } => {
                let told = flag(document, has_more.as_ref())?;
                // A first page that holds records and not even a null where the next one should be told proves nothing.
                let proves = *absent_ends || count == 0 || page > 0;
                match (told, if told == Some(false) { Next::End } else { cursor_fields(document, fields)? }) {
                    (_, Next::At(cursor)) => Some(cursor),
                    (Some(true), Next::End) => return Err(PagingError::NoCursor { at: path_of(fields) }),
                    (Some(true), Next::Absent(at)) => return Err(PagingError::NoCursor { at }),
                    (None, Next::Absent(at)) if !proves => return Err(PagingError::Absent { at }),
                    (Some(false) | None, Next::End | Next::Absent(_)) => None,
                }
            }
            Paging::NextUrl { url, absent_ends } => match link(document, url)? {
                Next::At(cursor) => Some(cursor),
                Next::Absent(at) if !*absent_ends && count > 0 && page == 0 => return Err(PagingError::Absent { at }),
                Next::End | Next::Absent(_) => None,
            },
        };
        self.check_new(cursor, next.as_ref(), records, page)?;
        Ok(Advance { next, total })
    }

    fn check_new(
        &mut self,
        cursor: Option<&Cursor>,
        next: Option<&Cursor>,
        records: &[json::Value<'_, '_>],
        page: u32,
    ) -> Result<(), PagingError> {
        // A position is computed, so it is always a new one. But only a provider that is told a position can ignore it;
        // equal pages behind distinct cursors are its own affair.
        if matches!(self.paging, Paging::Page { .. } | Paging::Offset { .. }) {
            if next.is_none() {
                return Ok(());
            }
            let (Some(first), Some(last)) = (records.first(), records.last()) else { return Ok(()) };
            let is_new = self.bodies.insert(*blake3::hash(first.until(*last).as_bytes()).as_bytes());
            return if is_new { Ok(()) } else { Err(PagingError::SameRecords(page)) };
        }
        // Where the cell was taken up again the page itself is all that is known of the way here.
        self.cursors.extend(cursor.map(Cursor::to_text));
        match next.map(Cursor::to_text) {
            Some(text) if !self.cursors.insert(text.clone()) => Err(PagingError::Repeated(text)),
            Some(_) | None => Ok(()),
        }
    }

    /// A link may change path and query, never scheme, host or port: credentials must not follow it elsewhere.
    fn follow(&self, request: &mut Request, link: &str) -> Result<(), PagingError> {
        let elsewhere = || PagingError::Elsewhere(link.to_owned());
        // A relative link counts from the address it came from (RFC 3986, 5.1.3).
        let folder = self.base.path().trim_end_matches('/');
        let mut base = self.base.clone();
        base.set_path(&format!("{folder}{}", request.path));
        let url = base.join(link).map_err(|_| elsewhere())?;
        let same = url.scheme() == base.scheme()
            && url.host() == base.host()
            && url.port_or_known_default() == base.port_or_known_default()
            && url.username().is_empty()
            && url.password().is_none();
        // `/apiary` is not below `/api`.
        let below = url.path().strip_prefix(folder).filter(|path| path.starts_with('/'));
        match below {
            Some(path) if same => {
                request.path = path.to_owned();
                request.query = url.query_pairs().into_owned().collect();
                Ok(())
            }
            Some(_) | None => Err(elsewhere()),
        }
    }
}

fn single(name: &str, value: Value) -> Cursor {
    let mut fields = Map::new();
    fields.insert(name.to_owned(), value);
    Cursor(fields)
}

/// What an answer says of the next page.
enum Next {
    /// Where it starts.
    At(Cursor),
    /// That there is none.
    End,
    /// Nothing at this path.
    Absent(String),
}

/// The cursor of an answer; the end when one of its fields is null, empty or `false`.
fn cursor_fields(document: json::Value<'_, '_>, fields: &[(String, Pointer)]) -> Result<Next, PagingError> {
    let mut cursor = Map::new();
    let mut absent = None;
    for (name, pointer) in fields {
        match locate(document, pointer)? {
            // How some providers spell "no more"; sent back, it would ask for the first page again.
            Located::Value(value) if matches!(value.raw(), "\"\"" | "false") => return Ok(Next::End),
            Located::Value(value) => drop(cursor.insert(name.clone(), scalar(value, pointer)?)),
            Located::Null => return Ok(Next::End),
            Located::Missing(_) => absent = absent.or(Some(pointer.to_string())),
        }
    }
    Ok(absent.map_or(Next::At(Cursor(cursor)), Next::Absent))
}

fn path_of(fields: &[(String, Pointer)]) -> String {
    fields.first().map_or_else(String::new, |(_, pointer)| pointer.to_string())
}

/// A cursor value: text or a number, which keeps its digits.
fn scalar(value: json::Value<'_, '_>, pointer: &Pointer) -> Result<Value, PagingError> {
    let raw = value.raw();
    match value.kind() {
        Kind::Text | Kind::Escaped => Ok(Value::from(value.text())),
        Kind::Whole | Kind::Fraction => Ok(match (raw.parse::<i64>(), raw.parse::<u64>()) {
            (Ok(number), _) => Value::from(number),
            (_, Ok(number)) => Value::from(number),
            (Err(_), Err(_)) => Value::from(raw),
        }),
        Kind::Null | Kind::Bool(_) | Kind::List | Kind::Object => {
            Err(PagingError::Unfit { at: pointer.to_string(), expected: "text or a number", found: shortened(value) })
        }
    }
}

fn link(document: json::Value<'_, '_>, pointer: &Pointer) -> Result<Next, PagingError> {
    match locate(document, pointer)? {
        Located::Null => Ok(Next::End),
        Located::Missing(_) => Ok(Next::Absent(pointer.to_string())),
        Located::Value(value) => match scalar(value, pointer)? {
            Value::String(link) if link.is_empty() => Ok(Next::End),
            link @ Value::String(_) => Ok(Next::At(single("url", link))),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                Err(PagingError::Unfit { at: pointer.to_string(), expected: "a link", found: shortened(value) })
            }
        },
    }
}

fn whole_number(document: json::Value<'_, '_>, pointer: Option<&Pointer>) -> Result<Option<u64>, PagingError> {
    let Some(pointer) = pointer else { return Ok(None) };
    match locate(document, pointer)? {
        Located::Null | Located::Missing(_) => Ok(None),
        Located::Value(value) => match count(value.raw().trim_matches('"')) {
            Some(number) => Ok(Some(number)),
            None => Err(PagingError::Unfit {
                at: pointer.to_string(),
                expected: "a whole number of records",
                found: shortened(value),
            }),
        },
    }
}

/// `50`, and `50.0` or `5e1` as some languages write it.
fn count(text: &str) -> Option<u64> {
    let rounded = || text.parse::<f64>().ok().filter(|number| number.fract() == 0.0 && (0.0..1.8e19).contains(number));
    text.parse().ok().or_else(|| rounded().map(|number| number as u64))
}

fn flag(document: json::Value<'_, '_>, pointer: Option<&Pointer>) -> Result<Option<bool>, PagingError> {
    let Some(pointer) = pointer else { return Ok(None) };
    match locate(document, pointer)? {
        Located::Null | Located::Missing(_) => Ok(None),
        Located::Value(value) => match value.raw().trim_matches('"') {
            "true" | "1" => Ok(Some(true)),
            "false" | "0" => Ok(Some(false)),
            _ => {
                Err(PagingError::Unfit { at: pointer.to_string(), expected: "true or false", found: shortened(value) })
            }
        },
    }
}

fn shortened(value: json::Value<'_, '_>) -> String {
    value.raw().chars().take(80).collect()
}
