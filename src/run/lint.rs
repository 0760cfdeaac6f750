//! What a job may say but seldom means: told before anything is paid for. Pure.

use std::ops::Range;
use std::time::Duration;

use jiff::civil::Date;

use crate::job::{Axis, BodyTemplate, DateBound, Job, JsonTemplate, Problem, Refetch, RequestTemplate, Template};
use crate::plan::Cells;
use crate::provider::{Auth, Provider};

/// More are hard on every reader that lists them.
const MOST_FILES: u64 = 10_000;
/// More are rarely what somebody counted out beforehand.
const MOST_CELLS: usize = 1_000_000;
/// A nightly job that takes longer meets its successor.
const NIGHTLY: Duration = Duration::from_hours(24);
/// Names of headers and parameters that carry a key.
const SECRETS: [&str; 11] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "x-api-key",
    "api_key",
    "api-key",
    "apikey",
    "access_token",
    "token",
    "secret",
    "password",
];

/// What is odd about `job`, in the order of its file. `cells` are its cells, `today` the day in the zone of each axis.
pub fn lint_job(job: &Job, provider: &Provider, cells: &Cells, today: impl Fn(&Axis) -> Date) -> Vec<Problem> {
    let mut found = Vec::new();
    for (name, axis) in &job.grid.axes {
        let is_asked = placeholders(&job.request).iter().any(|used| used.split('.').next() == Some(name));
        if is_asked {
            found.extend(days_too_early(job, name, axis, today(axis)));
        } else if has_several(axis) {
            let message = format!("axis `{name}` is not used in the request: each of its values fetches the same");
            let hint = format!("write `{{{name}}}` where it belongs, or take the axis out");
            found.push(Problem::new(format!("/grid/{name}"), message).key().hint(hint));
        }
    }
    let secrets = secrets(job, provider);
    let hidden: Vec<Range<usize>> =
        secrets.iter().filter_map(|problem| Some(job.locate(problem.clone()).location?.span)).collect();
    found.extend(secrets);
    if provider.ignores_unknown && job.records.expect.is_empty() && !parameters(&job.request).is_empty() {
        let message = format!("`{}` ignores parameters it does not know, and nothing here would notice", provider.name);
        let hint = "write `[records] expect = { FIELD = \"{axis}\" }` with a field that echoes what was asked for";
        found.push(Problem::new("/request", message).key().hint(hint));
    }
    if job.ceilings.deadline.is_some_and(|deadline| deadline > NIGHTLY) {
        let message = "a run of more than a day is still under way when the next night's begins";
        found.push(Problem::new("/deadline", message).hint("write at most `24h`; the next run goes on where it stops"));
    }
    if job.archive.keep.is_zero() && provider.envelope.cost.is_some() {
        let message = format!("`{}` charges for each page, and none is kept", provider.name);
        let hint =
            "without them `tidemill replay` cannot mend a column: keep them for some days, such as `keep = \"7d\"`";
        found.push(Problem::new("/archive/keep", message).hint(hint));
    }
    found.extend(too_many(job, cells));
    let mut found: Vec<Problem> = found.into_iter().map(|problem| locate(job, problem, &hidden)).collect();
    found.sort_by_key(|problem| problem.location.as_ref().map(|location| location.span.start));
    found
}

/// Jobs whose folder lies in that of another: who reads the outer one reads both.
pub fn lint_together(jobs: &[&Job]) -> Vec<Problem> {
    let mut found = Vec::new();
    for job in jobs {
        let outer = |other: &&&Job| {
            job.output.path.strip_prefix(other.output.path.as_str()).is_some_and(|rest| rest.starts_with('/'))
        };
        if let Some(other) = jobs.iter().find(outer) {
            let message = format!("`{}` lies in the folder of job `{}`", job.output.path, other.name);
            let hint = format!("who reads `{}/**` reads both: give them folders side by side", other.output.path);
            found.push(job.locate(Problem::new("/output/path", message).hint(hint)));
        }
    }
    found
}

/// Days that are asked for before they are over, and never again.
fn days_too_early(job: &Job, name: &str, axis: &Axis, today: Date) -> Option<Problem> {
    let Axis::Dates(dates) = axis else { return None };
    if job.refetch != Refetch::Never {
        return None;
    }
    let (is_future, is_today) = match dates.to {
        DateBound::FromToday(days) => (days > 0, days == 0),
        DateBound::Day(day) => (day > today, day == today),
    };
    let message = match (is_future, is_today) {
        (true, _) => {
            format!("axis `{name}` ends in the future: days that have not been are asked for once, and never again")
        }
        (_, true) => format!("axis `{name}` ends today: a day that is not over is asked for once, and never again"),
        (false, false) => return None,
    };
    let hint = format!(
        "end it on `yesterday`, or ask again: `refetch = {{ last = \"3d\", of = \"{name}\" }}` with `partition_by = [\"{name}\"]`"
    );
    Some(Problem::new(format!("/grid/{name}/to"), message).hint(hint))
}

fn has_several(axis: &Axis) -> bool {
    match axis {
        Axis::List(values) => values.len() > 1,
        Axis::Dates(dates) => dates.from != dates.to,
        Axis::File(_) => true,
    }
}

fn too_many(job: &Job, cells: &Cells) -> Option<Problem> {
    let files = cells.files(&job.output);
    if cells.len() > MOST_CELLS {
        let message = format!("the grid makes {} cells, each a request of its own at least", cells.len());
        return Some(
            Problem::new("/grid", message).key().hint("is one axis too many, or can one request ask for several?"),
        );
    }
    if files > MOST_FILES {
        let path = if job.output.partition_by.is_empty() { "/output/cells_per_file" } else { "/output/partition_by" };
        let hint = match job.output.partition_by.is_empty() {
            true => "put more cells into one: raise `cells_per_file`",
            false => "partition by fewer axes, or put several cells into one with `cells_per_file`",
        };
        return Some(Problem::new(path, format!("the dataset makes {files} files, which is slow to read")).hint(hint));
    }
    None
}

/// Keys that stand in the job file itself.
fn secrets(job: &Job, provider: &Provider) -> Vec<Problem> {
    let own = match &provider.auth {
        Auth::Header { name, .. } | Auth::Query { name, .. } | Auth::Json { name, .. } | Auth::Form { name, .. } => {
            Some(name.as_str())
        }
        Auth::None | Auth::Basic { .. } | Auth::Jwt { .. } => None,
    };
    let is_secret = |name: &str| SECRETS.iter().copied().chain(own).any(|secret| name.eq_ignore_ascii_case(secret));
    let headers = job.request.headers.iter().map(|(name, value)| ("headers", name, is_fixed(value)));
    let query = job.request.query.iter().map(|(name, value)| ("query", name, is_fixed_text(value)));
    let body: Vec<_> = match &job.request.body {
        BodyTemplate::Json(JsonTemplate::Object(fields)) => fields.iter().map(|field| ("json", field)).collect(),
        BodyTemplate::Form(fields) => fields.iter().map(|field| ("form", field)).collect(),
        BodyTemplate::None | BodyTemplate::Json(_) => Vec::new(),
    };
    let body = body.into_iter().map(|(part, (name, value))| (part, name, is_fixed_text(value)));
    let found = headers.chain(query).chain(body).filter(|(_, name, is_fixed)| *is_fixed && is_secret(name));
    found
        .map(|(part, name, _)| {
            let message = format!("`{name}` looks like a key, in plain text in a file that others may read");
            let hint =
                format!("`[provider.{}] auth` takes it from the environment and hides it everywhere", provider.name);
            Problem::new(format!("/request/{part}/{name}"), message).hint(hint)
        })
        .collect()
}

fn is_fixed(template: &Template) -> bool {
    template.placeholders().is_empty()
}

fn is_fixed_text(value: &JsonTemplate) -> bool {
    matches!(value, JsonTemplate::Text(template) if is_fixed(template))
}

/// `problem` with its place; what is `hidden` there is shown as stars.
fn locate(job: &Job, problem: Problem, hidden: &[Range<usize>]) -> Problem {
    let mut problem = job.locate(problem);
    if let Some(location) = problem.location.as_mut() {
        for span in hidden {
            let value = location.text.get(span.clone()).unwrap_or_default();
            let stars: String = value.bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }).collect();
            location.text.replace_range(span.clone(), &stars);
        }
    }
    problem
}

/// What the parameters of a request take from the axes.
fn parameters(request: &RequestTemplate) -> Vec<String> {
    let body = match &request.body {
        BodyTemplate::None => Vec::new(),
        BodyTemplate::Json(json) => json.placeholders(),
        BodyTemplate::Form(fields) => fields.iter().flat_map(|(_, value)| value.placeholders()).collect(),
    };
    request.query.iter().flat_map(|(_, value)| value.placeholders()).chain(body).collect()
}

fn placeholders(request: &RequestTemplate) -> Vec<String> {
    let headers = request.headers.iter().flat_map(|(_, value)| value.placeholders());
    request.path.placeholders().into_iter().chain(headers).chain(parameters(request)).collect()
}
