//! The `[paging]` table of a provider or job file, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::names::{Fields, Names};
use super::ordered::Ordered;
use super::{NextRequest, Paging, Pointer, Problem, Problems};

/// How the next page is asked for.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum PagingFile {
    /// One page is all there is.
    None {},
    /// Pages are numbered.
    Page {
        /// Parameter that carries the page number.
        page: String,
        /// Number of the first page; `1` when absent.
        first: Option<u64>,
        /// Parameter that carries the page size; none is sent when absent.
        size: Option<String>,
        /// Records asked for per page.
        #[schemars(range(min = 1))]
        page_size: u64,
        /// Where an answer says how many records there are in all, such as `/data/total`; a page that is not full ends when
        /// absent.
        total: Option<String>,
        /// Where an answer says whether there is more, such as `/data/has_more`; `total` or a full page tells when absent.
        has_more: Option<String>,
        /// Pages of one cell that may be under way at once, once the first has told the `total`; one by one when absent.
        #[schemars(range(min = 2, max = 1024))]
        parallel_pages: Option<u32>,
    },
    /// Records are counted: a limit and an offset.
    Offset {
        /// Parameter that carries the offset.
        offset: String,
        /// Parameter that carries the page size.
        limit: String,
        /// Records asked for per page.
        #[schemars(range(min = 1))]
        page_size: u64,
        /// Where an answer says how many records there are in all: then only that or an empty page ends; a page that is not
        /// full ends when absent.
        total: Option<String>,
        /// Pages of one cell that may be under way at once, once the first has told the `total`; one by one when absent.
        #[schemars(range(min = 2, max = 1024))]
        parallel_pages: Option<u32>,
    },
    /// Fields of an answer are sent back with the next request.
    Cursor {
        /// Parameter name and where an answer holds its value; null there ends, and absence once it has been there.
        fields: Ordered<String>,
        /// Where an answer says whether there is more: `false` ends; the fields alone tell when absent.
        has_more: Option<String>,
        /// A request of its own for following pages; the job's own with the fields among its parameters when absent.
        next: Option<NextRequestFile>,
        /// Write `true` where a provider leaves the fields out of an answer of one page only; without it such an answer is
        /// taken for a wrong path.
        #[serde(default)]
        absent_ends: bool,
    },
    /// An answer holds the address of the next one.
    NextUrl {
        /// Where it stands, such as `/links/next`; null there ends, and absence once it has been there.
        url: String,
        /// Write `true` where a provider leaves it out of an answer of one page only; without it such an answer is taken
        /// for a wrong path.
        #[serde(default)]
        absent_ends: bool,
    },
}

/// A request for following pages that differs from the first. Placeholders are cursor fields.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NextRequestFile {
    /// Its method; `GET` when absent.
    #[serde(default)]
    pub method: MethodFile,
    /// Its path below the base URL, such as `/common/next-page`.
    pub path: String,
    /// Its query parameters; none when absent.
    #[serde(default)]
    pub query: Ordered<Value>,
    /// Its JSON body; none when absent.
    pub json: Option<Value>,
}

/// An HTTP method.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names are HTTP's own, and a doc on one would split the list of allowed values")]
pub enum MethodFile {
    #[default]
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl From<MethodFile> for http::Method {
    fn from(method: MethodFile) -> Self {
        match method {
            MethodFile::Get => Self::GET,
            MethodFile::Post => Self::POST,
            MethodFile::Put => Self::PUT,
            MethodFile::Patch => Self::PATCH,
            MethodFile::Delete => Self::DELETE,
        }
    }
}

impl PagingFile {
    /// Checks it; `path` is where it stands in its file (`/paging`). `None` when something is wrong.
    pub fn parse(self, path: &str, problems: &mut Problems) -> Option<Paging> {
        let before = problems.0.len();
        let paging = match self {
            Self::None {} => Paging::None,
            Self::Page { page, first, size, page_size, total, has_more, parallel_pages } => Paging::Page {
                page: parameter(page, &format!("{path}/page"), problems),
                first: first.unwrap_or(1),
                size: size.map(|size| parameter(size, &format!("{path}/size"), problems)),
                page_size: at_least_one(page_size, &format!("{path}/page_size"), problems),
                parallel_pages: parallel(parallel_pages, total.as_ref(), path, problems),
                total: total.map(|text| pointer(&text, &format!("{path}/total"), problems)),
                has_more: has_more.map(|text| pointer(&text, &format!("{path}/has_more"), problems)),
            },
            Self::Offset { offset, limit, page_size, total, parallel_pages } => Paging::Offset {
                offset: parameter(offset, &format!("{path}/offset"), problems),
                limit: parameter(limit, &format!("{path}/limit"), problems),
                page_size: at_least_one(page_size, &format!("{path}/page_size"), problems),
                parallel_pages: parallel(parallel_pages, total.as_ref(), path, problems),
                total: total.map(|text| pointer(&text, &format!("{path}/total"), problems)),
            },
            Self::Cursor { fields, has_more, next, absent_ends } => {
                cursor(fields, has_more.as_deref(), next, absent_ends, path, problems)
            }
            Self::NextUrl { url, absent_ends } => {
                Paging::NextUrl { url: pointer(&url, &format!("{path}/url"), problems), absent_ends }
            }
        };
        (problems.0.len() == before).then_some(paging)
    }
}

fn cursor(
    fields: Ordered<String>,
    has_more: Option<&str>,
    next: Option<NextRequestFile>,
    absent_ends: bool,
    path: &str,
    problems: &mut Problems,
) -> Paging {
    if fields.0.is_empty() {
        let hint = "write `fields = { cursor = \"/data/next_cursor\" }`";
        problems.push(Problem::new(format!("{path}/fields"), "a cursor needs at least one field").hint(hint));
    }
    let fields: Vec<(String, Pointer)> = fields
        .0
        .into_iter()
        .map(|(name, at)| {
            let path = format!("{path}/fields/{name}");
            let at = pointer(&at, &path, problems);
            (parameter(name, &path, problems), at)
        })
        .collect();
    let names = Names::new("cursor field", fields.iter().map(|(name, _)| (name.clone(), Fields::None)).collect());
    let next = next.and_then(|next| next.parse(&names, &format!("{path}/next"), problems));
    let has_more = has_more.map(|text| pointer(text, &format!("{path}/has_more"), problems));
    Paging::Cursor { fields, has_more, next, absent_ends }
}

impl NextRequestFile {
    fn parse(self, names: &Names, path: &str, problems: &mut Problems) -> Option<NextRequest> {
        if self.json.is_some() && self.method == MethodFile::Get {
            problems.push(
                Problem::new(format!("{path}/json"), "a GET request has no body").hint("write `method = \"POST\"`"),
            );
        }
        let json = self.json.and_then(|json| names.json(&json, &format!("{path}/json"), problems));
        Some(NextRequest {
            method: self.method.into(),
            query: names.parameters(self.query, &format!("{path}/query"), problems),
            json,
            path: names.url_path(&self.path, &format!("{path}/path"), problems)?,
        })
    }
}

fn parameter(name: String, path: &str, problems: &mut Problems) -> String {
    if name.trim().is_empty() {
        problems.push(Problem::new(path, "a parameter needs a name"));
    }
    name
}

fn at_least_one(number: u64, path: &str, problems: &mut Problems) -> u64 {
    if number == 0 {
        problems.push(Problem::new(path, "`0` is below the least allowed, 1"));
    }
    number
}

/// Without a total nobody knows which pages there are before the last has come.
fn parallel(pages: Option<u32>, total: Option<&String>, path: &str, problems: &mut Problems) -> u32 {
    if pages.is_some() && total.is_none() {
        let hint =
            "say where an answer tells how many records there are, such as `total = \"/data/total\"`, or leave it out";
        let problem = Problem::new(format!("{path}/parallel_pages"), "`parallel_pages` needs a `total`");
        problems.push(problem.key().hint(hint));
    }
    pages.unwrap_or(1)
}

/// A path into an answer; a part without a name is a typing error.
pub(crate) fn pointer(text: &str, path: &str, problems: &mut Problems) -> Pointer {
    let pointer = Pointer::parse(text);
    if pointer.0.iter().any(|part| part.trim().is_empty()) {
        let message = format!("`{text}` has a part without a name");
        problems.push(
            Problem::new(path, message)
                .hint("write `data.result` or `/data/result`; leave it out for the whole answer"),
        );
    }
    pointer
}
