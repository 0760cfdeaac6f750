//! How the next page is asked for, as a provider file (or a job's `[paging]`) says it.

use super::{JsonTemplate, Pointer, Template};

/// The way to the next page.
#[derive(Debug, Clone, PartialEq)]
pub enum Paging {
    /// One page is all there is.
    None,
    /// `page = 1, 2, …`
    Page {
        /// Parameter that carries the page number.
        page: String,
        /// Number of the first page.
        first: u64,
        /// Parameter that carries the page size, if the provider takes one.
        size: Option<String>,
        /// Records asked for per page.
        page_size: u64,
        /// Where an answer says how many records there are in all.
        total: Option<Pointer>,
        /// Where an answer says whether there is more.
        has_more: Option<Pointer>,
        /// Pages of a cell that may be under way at once; 1: one after another. More needs a total.
        parallel_pages: u32,
    },
    /// `limit` and `offset`; the offset advances by records received.
    Offset {
        /// Parameter that carries the offset.
        offset: String,
        /// Parameter that carries the page size.
        limit: String,
        /// Records asked for per page.
        page_size: u64,
        /// Where an answer says how many records there are in all; then only the total or an empty page ends.
        total: Option<Pointer>,
        /// Pages of a cell that may be under way at once; 1: one after another. More needs a total.
        parallel_pages: u32,
    },
    /// Any number of fields of an answer, sent back with the next request.
    Cursor {
        /// Parameter name and where an answer holds its value. On the last page one of them is null, or absent.
        fields: Vec<(String, Pointer)>,
        /// Where an answer says whether there is more (`false` ends).
        has_more: Option<Pointer>,
        /// A request of its own for following pages; without it the fields join the job's own parameters.
        next: Option<NextRequest>,
        /// A first page without any of the fields may be the last; without this it may as well be a wrong path.
        absent_ends: bool,
    },
    /// An answer holds the address of the next one.
    NextUrl {
        /// Where it stands; null or absent ends.
        url: Pointer,
        /// A first page without it may be the last; without this it may as well be a wrong path.
        absent_ends: bool,
    },
}

impl Paging {
    /// Every path of an answer that it looks at.
    pub fn pointers(&self) -> impl Iterator<Item = &Pointer> {
        let (one, other, fields): (Option<&Pointer>, Option<&Pointer>, &[(String, Pointer)]) = match self {
            Self::None => (None, None, &[]),
            Self::Page { total, has_more, .. } => (total.as_ref(), has_more.as_ref(), &[]),
            Self::Offset { total, .. } => (total.as_ref(), None, &[]),
            Self::Cursor { fields, has_more, .. } => (has_more.as_ref(), None, fields),
            Self::NextUrl { url, .. } => (Some(url), None, &[]),
        };
        one.into_iter().chain(other).chain(fields.iter().map(|(_, pointer)| pointer))
    }
}

/// A request for following pages that differs from the first.
#[derive(Debug, Clone, PartialEq)]
pub struct NextRequest {
    /// Its method.
    pub method: http::Method,
    /// Its path below the base URL; placeholders are cursor fields.
    pub path: Template,
    /// Its query; placeholders are cursor fields.
    pub query: Vec<(String, JsonTemplate)>,
    /// Its JSON body, if any.
    pub json: Option<JsonTemplate>,
}
