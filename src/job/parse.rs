//! The text of a job file becomes a [`Job`]; every problem in it is found in one go.
//!
//! First the tree is held against the schema, then whatever of it fits is checked for meaning, so that a typing error
//! in one key does not hide a wrong date in another.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::duration::parse_duration;
use super::file::{AxisFile, JobFile, OutputFile, RecordsFile, RequestFile, SchemaFile, ShapeFile};
use super::grid_file::{fields, parse_grid};
use super::names::{Fields, Names, quoted};
use super::ordered::Ordered;
use super::paging_file::{MethodFile, PagingFile, pointer};
use super::problem::nearest;
use super::retention_file::{RefetchFile, parse_archive, parse_refetch};
use super::{
    Axis, BodyTemplate, Ceilings, ColumnType, Grid, Job, JobName, Output, Problem, Problems, Records, RequestTemplate,
    Shape, Source, Sources, check,
};

const CELLS_PER_FILE: u32 = 1000;

impl Job {
    /// Reads the `text` of `file`; every problem is located in it.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Problems> {
        Self::of_source(file, Source::parse(file, text).map_err(|problem| Problems(vec![problem]))?)
    }

    /// A job built in code: `tree` has the keys of a job file. Axis files are found from `folder`.
    ///
    /// ```
    /// use std::path::Path;
    ///
    /// let job = tidemill::Job::of(
    ///     Path::new("."),
    ///     serde_json::json!({
    ///         "name": "ranks",
    ///         "provider": "foxdata",
    ///         "grid": { "app": ["389801252"], "day": { "from": "2026-01-01", "to": "2026-01-03" } },
    ///         "request": { "method": "POST", "path": "/app/rank", "json": { "appId": "{app}", "date": "{day}" } },
    ///         "records": { "path": "ranks" },
    ///     }),
    /// );
    /// assert!(job.is_ok());
    /// ```
    ///
    /// # Errors
    /// Every problem at once, each with the path of its key.
    pub fn of(folder: &Path, tree: Value) -> Result<Self, Problems> {
        let Value::Object(tree) = tree else {
            return Err(Problems(vec![Problem::new("", "a job is an object with the keys of a job file")]));
        };
        let name = tree.get("name").and_then(Value::as_str).unwrap_or("job").to_owned();
        Self::of_source(&folder.join(&name), Source::built(Path::new(&format!("job {name}")), tree))
    }

    fn of_source(file: &Path, source: Source) -> Result<Self, Problems> {
        let tree = source.value().clone();
        let sources = Sources(vec![source]);
        let located = |problems: Problems| {
            let mut problems: Vec<Problem> = problems.0.into_iter().map(|problem| sources.locate(problem)).collect();
            // In the order of the file, which is the order of mending.
            problems.sort_by_key(|problem| problem.location.as_ref().map(|location| location.span.start));
            Problems(problems)
        };

        let mut problems = check(&schemars::schema_for!(JobFile), &Value::Object(tree.clone()));
        problems.0.iter_mut().for_each(|problem| explain_shape(problem, &tree));
        let fits = problems.0.is_empty();
        let axes_known = !problems.0.iter().any(|problem| may_hide_axes(problem, &tree));
        let axes = axes_known.then(|| axis_names(&tree));
        match JobFile::deserialize(Value::Object(without(tree, &problems))) {
            Ok(mirror) => match job(mirror, file, axes.as_deref(), &sources, &mut problems) {
                Some(job) if problems.0.is_empty() => Ok(job),
                Some(_) | None => Err(located(problems)),
            },
            Err(error) => {
                if fits {
                    problems.push(Problem::new("", error.to_string()));
                }
                Err(located(problems))
            }
        }
    }

    /// A problem with the value at `path` (`/provider`) that only others can see, located in the job file.
    pub fn problem(&self, path: &str, message: impl Into<String>) -> Problem {
        self.locate(Problem::new(path, message))
    }

    /// Fills in where `problem` stands in the job file.
    pub fn locate(&self, problem: Problem) -> Problem {
        self.sources.locate(problem)
    }
}

impl JobName {
    /// Checks `text`; the error says what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fits = !text.is_empty()
            && text.len() <= 100
            && !text.starts_with('-')
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if fits { Ok(Self(text.into())) } else { Err(format!("`{text}` is no name for a job")) }
    }
}

/// The tree without what is already reported, so that the rest can be checked as well. Keys that every job needs get
/// a stand-in; the job they make is never handed out.
fn without(tree: Map<String, Value>, problems: &Problems) -> Map<String, Value> {
    if problems.0.is_empty() {
        return tree;
    }
    let mut root = Value::Object(tree);
    for problem in &problems.0 {
        remove(&mut root, &problem.path);
    }
    let mut tree = root.as_object().cloned().unwrap_or_default();
    if let Some(axes) = tree.get_mut("grid").and_then(Value::as_object_mut) {
        axes.retain(|_, axis| AxisFile::deserialize(&*axis).is_ok());
    }
    if tree.get("paging").is_some_and(|paging| PagingFile::deserialize(paging).is_err()) {
        tree.shift_remove("paging");
    }
    if tree.get("refetch").is_some_and(|refetch| RefetchFile::deserialize(refetch).is_err()) {
        tree.shift_remove("refetch");
    }
    for key in ["name", "provider"] {
        tree.entry(key).or_insert_with(|| Value::from("x"));
    }
    if let Some(request) = tree.entry("request").or_insert_with(|| Value::Object(Map::new())).as_object_mut() {
        request.entry("path").or_insert_with(|| Value::from("/"));
    }
    tree
}

/// Removes the value at `path`, or the whole list that it stands in.
fn remove(root: &mut Value, path: &str) {
    let mut keys: Vec<&str> = path.split('/').skip(1).collect();
    while let Some((last, parents)) = keys.split_last() {
        match parents.iter().try_fold(&mut *root, |value, key| value.get_mut(key)) {
            Some(Value::Object(parent)) => {
                parent.shift_remove(*last);
                return;
            }
            Some(_) | None => {
                keys.pop();
            }
        }
    }
}

/// True when the names of the axes are in doubt: the grid is no table, or there is none and a table at the top has a name
/// that is not known. What is wrong inside an axis leaves its name.
fn may_hide_axes(problem: &Problem, tree: &Map<String, Value>) -> bool {
    let top = problem.path.trim_start_matches('/');
    let may_be_grid = || problem.at_key && !tree.contains_key("grid") && tree.get(top).is_some_and(Value::is_object);
    top == "grid" || may_be_grid()
}

/// The names of the axes as they are written, also of those that are wrong in themselves.
fn axis_names(tree: &Map<String, Value>) -> Vec<String> {
    tree.get("grid").and_then(Value::as_object).into_iter().flat_map(Map::keys).cloned().collect()
}

fn explain_shape(problem: &mut Problem, tree: &Map<String, Value>) {
    if problem.path != "/records/shape" {
        return;
    }
    let shape = tree.get("records").and_then(|records| records.get("shape")).and_then(Value::as_str);
    if let Some(shape @ ("table" | "map" | "columns")) = shape {
        problem.message = format!("shape `{shape}` cannot be read yet");
    }
}

/// `axes` are the names of all axes, `None` when they are in doubt.
fn job(
    mirror: JobFile,
    file: &Path,
    axes: Option<&[String]>,
    sources: &Sources,
    problems: &mut Problems,
) -> Option<Job> {
    let name = JobName::parse(&mirror.name).map_err(|message| {
        let hint = "use letters, digits, `_` and `-`, at most 100, not starting with `-`";
        problems.push(Problem::new("/name", message).hint(hint));
    });
    if mirror.provider.trim().is_empty() {
        problems.push(Problem::new("/provider", "a job needs a provider"));
    }
    let grid = parse_grid(mirror.grid, file.parent().unwrap_or(Path::new("")), problems);
    let names = match axes {
        Some(axes) => Names::new("axis", axes.iter().map(|name| (name.clone(), fields_of(name, &grid))).collect()),
        None => Names::any("axis"),
    };
    let request = parse_request(mirror.request, &names, problems);
    let records = parse_records(mirror.records, &names, problems);
    let columns = parse_columns(mirror.schema, problems);
    let output = parse_output(mirror.output, &mirror.name, &grid, axes, problems);
    for axis in &output.partition_by {
        never_a_column(axis, &records, &columns, problems);
    }
    let paging = mirror.paging.and_then(|paging| paging.parse("/paging", problems));
    let refetch = parse_refetch(mirror.refetch, &grid, &output.partition_by, problems);
    let archive = parse_archive(&mirror.archive, problems);
    let deadline = mirror.deadline.and_then(|text| match parse_duration(&text) {
        Ok(deadline) if deadline.is_zero() => {
            problems.push(Problem::new("/deadline", format!("`{text}` leaves no time at all")));
            None
        }
        Ok(deadline) => Some(deadline),
        Err(message) => {
            problems.push(Problem::new("/deadline", message));
            None
        }
    });
    let ceilings = Ceilings { max_requests: mirror.max_requests, max_credits: mirror.max_credits, deadline };
    for (path, ceiling) in [("/max_requests", ceilings.max_requests), ("/max_credits", ceilings.max_credits)] {
        if ceiling == Some(0) {
            problems.push(Problem::new(path, "`0` is below the least allowed, 1"));
        }
    }
    Some(Job {
        name: name.ok()?,
        file: file.to_owned(),
        provider: mirror.provider,
        grid,
        request: request?,
        records,
        columns,
        output,
        paging,
        ceilings,
        refetch,
        archive,
        sources: sources.clone(),
    })
}

/// What may follow the name of an axis; of a wrong one nobody knows.
fn fields_of(name: &str, grid: &Grid) -> Fields {
    grid.axes.iter().find(|(known, _)| known == name).map_or(Fields::Unknown, |(_, axis)| fields(axis))
}

fn parse_request(file: RequestFile, names: &Names, problems: &mut Problems) -> Option<RequestTemplate> {
    let path = names.url_path(&file.path, "/request/path", problems);
    let query = names.parameters(file.query, "/request/query", problems);
    let mut headers = Vec::new();
    for (name, text) in file.headers.0 {
        let at = format!("/request/headers/{name}");
        if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
            problems.push(Problem::new(at.as_str(), format!("`{name}` is no header name")).key());
        } else if text.contains(char::is_control) {
            problems.push(Problem::new(at.as_str(), "a header value cannot hold line breaks or control characters"));
        }
        headers.extend(names.template(&text, &at, problems).map(|value| (name, value)));
    }
    let is_method_wrong = problems.0.iter().any(|problem| problem.path == "/request/method");
    let body_key = if file.json.is_some() { "json" } else { "form" };
    if file.json.is_some() && file.form.is_some() {
        let message = "a request has one body, `json` or `form`";
        problems.push(Problem::new("/request/form", message).key().hint("remove one of them"));
    } else if (file.json.is_some() || file.form.is_some()) && file.method == MethodFile::Get && !is_method_wrong {
        let message = "a GET request has no body";
        let hint = "write `method = \"POST\"`, or send parameters in `query`";
        problems.push(Problem::new(format!("/request/{body_key}"), message).key().hint(hint));
    }
    let body = match (file.json, file.form) {
        (Some(json), _) => BodyTemplate::Json(names.json(&json, "/request/json", problems)?),
        (None, Some(form)) => BodyTemplate::Form(names.parameters(form, "/request/form", problems)),
        (None, None) => BodyTemplate::None,
    };
    Some(RequestTemplate { method: file.method.into(), path: path?, query, headers, body })
}

fn parse_records(file: RecordsFile, names: &Names, problems: &mut Problems) -> Records {
    let shape = file.shape.map(|shape| match shape {
        ShapeFile::Objects => Shape::Objects,
        ShapeFile::Object => Shape::Object,
    });
    if file.explode.as_deref().is_some_and(|field| field.trim().is_empty()) {
        problems.push(Problem::new("/records/explode", "`explode` names a field of the records"));
    }
    let mut expect = Vec::new();
    for (field, text) in file.expect.0 {
        let at = format!("/records/expect/{field}");
        if field.trim().is_empty() {
            problems.push(Problem::new(at.as_str(), "`expect` names a field of the records").key());
        }
        expect.extend(names.template(&text, &at, problems).map(|value| (field, value)));
    }
    if let Some((name, _)) = file.add.0.iter().find(|(name, _)| name.trim().is_empty()) {
        problems.push(Problem::new(format!("/records/add/{name}"), "a column needs a name").key());
    }
    Records {
        path: file.path.map(|text| pointer(&text, "/records/path", problems)).unwrap_or_default(),
        shape,
        explode: file.explode,
        add: names.table(file.add, "/records/add", problems),
        expect,
    }
}

fn parse_columns(file: SchemaFile, problems: &mut Problems) -> Vec<(String, ColumnType)> {
    let Ordered(declared) = file.columns;
    let mut columns: Vec<(String, ColumnType)> = Vec::new();
    for (name, text) in declared {
        let at = format!("/schema/columns/{name}");
        if name.trim().is_empty() {
            problems.push(Problem::new(at.as_str(), "a column needs a name").key());
        }
        // Many readers fold case: two such columns would be one to them.
        if let Some((other, _)) = columns.iter().find(|(other, _)| other.to_lowercase() == name.to_lowercase()) {
            let message = format!("columns `{other}` and `{name}` differ in case only");
            problems.push(Problem::new(at.as_str(), message).key());
        }
        match ColumnType::parse(&text) {
            Ok(kind) => columns.push((name, kind)),
            Err(message) => problems.push(Problem::new(at, message)),
        }
    }
    columns
}

fn parse_output(file: OutputFile, name: &str, grid: &Grid, axes: Option<&[String]>, problems: &mut Problems) -> Output {
    if let Some((message, hint)) = file.path.as_deref().and_then(wrong_folder) {
        problems.push(Problem::new("/output/path", message).hint(hint));
    }
    if !file.partition_by.is_empty() && file.cells_per_file.is_some() {
        let message = "a job has `partition_by` or `cells_per_file`, not both";
        let hint = "with `partition_by` all cells of one folder share one file: remove `cells_per_file`";
        problems.push(Problem::new("/output/cells_per_file", message).key().hint(hint));
    }
    if file.cells_per_file == Some(0) {
        problems.push(Problem::new("/output/cells_per_file", "`0` is below the least allowed, 1"));
    }
    for (index, axis) in file.partition_by.iter().enumerate() {
        let at = format!("/output/partition_by/{index}");
        if file.partition_by[..index].contains(axis) {
            problems.push(Problem::new(at.as_str(), format!("`{axis}` stands twice in `partition_by`")));
        }
        let known = || axes.unwrap_or_default().iter().map(String::as_str);
        match grid.axes.iter().find(|(name, _)| name == axis) {
            Some((_, Axis::List(values))) if values.iter().any(Value::is_object) => {
                let message = format!("axis `{axis}` holds tables and cannot name a folder");
                problems.push(Problem::new(at, message).hint("split it into an axis of plain values"));
            }
            Some(_) => {}
            None if axes.is_some() && !known().any(|name| name == axis) => {
                let message = match nearest(axis, known()) {
                    Some(meant) => format!("`{axis}` is no axis, did you mean `{meant}`?"),
                    None => format!("`{axis}` is no axis"),
                };
                problems.push(Problem::new(at, message).hint(format!("known: {}", quoted(known()))));
            }
            None => {}
        }
    }
    let cells_per_file = file.cells_per_file.unwrap_or(CELLS_PER_FILE);
    let path = file.path.unwrap_or_else(|| name.to_owned());
    Output { path, partition_by: file.partition_by, cells_per_file }
}

fn wrong_folder(path: &str) -> Option<(String, &'static str)> {
    let shown = path.escape_debug();
    if path.contains("://") {
        return Some((
            format!("`{shown}` is an address"),
            "write a folder here and the address as `output` in `tidemill.toml`",
        ));
    }
    if path.starts_with('/') || path.as_bytes().get(1) == Some(&b':') {
        return Some((
            format!("`{shown}` is absolute"),
            "it stands below `output` of `tidemill.toml`: write a relative folder",
        ));
    }
    if path.split('/').any(|part| part == "..") {
        return Some((format!("`{shown}` leaves the output folder"), "write a folder without `..`"));
    }
    let plain = |part: &str| !part.is_empty() && part != "." && !part.contains(|c: char| c.is_control() || c == '\\');
    (!path.split('/').all(plain)).then(|| (format!("`{shown}` is no folder"), "write names joined by `/`"))
}

fn never_a_column(axis: &str, records: &Records, columns: &[(String, ColumnType)], problems: &mut Problems) {
    let message = format!("`{axis}` is a folder of the output already and cannot be a column inside the file too");
    let hint = "rename the column, or take the axis out of `partition_by`";
    let same = |name: &str| name.to_lowercase() == axis.to_lowercase();
    for (name, _) in records.add.iter().filter(|(name, _)| same(name)) {
        problems.push(Problem::new(format!("/records/add/{name}"), message.as_str()).key().hint(hint));
    }
    for (name, _) in columns.iter().filter(|(name, _)| same(name)) {
        problems.push(Problem::new(format!("/schema/columns/{name}"), message.as_str()).key().hint(hint));
    }
}
