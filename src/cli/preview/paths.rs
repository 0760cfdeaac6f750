//! Where the records may be when the record path leads nowhere: what the answer has, and what is nearest. Pure.

use serde_json::Value;

use crate::job::{Pointer, nearest};

/// Deeper than this nobody keeps records.
const DEEPEST: usize = 8;
/// Places that are named; more are no help.
const MOST: usize = 8;

/// Says what is wrong with the record path `above` + `below`, of provider and job, in an answer; nothing when a list of
/// objects or an object stands there.
pub(super) fn explain(body: &Value, above: &Pointer, below: &Pointer) -> Vec<String> {
    let wanted = above.join(below);
    let problem = match at(body, &wanted) {
        None => "is not there".to_owned(),
        Some(Value::Object(_)) => return Vec::new(),
        Some(Value::Array(items)) if items.iter().all(Value::is_object) => return Vec::new(),
        Some(other) => format!("holds {}, no records", described(other)),
    };
    let mut places = Vec::new();
    collect(body, &mut Vec::new(), &mut places);
    let (lists, objects): (Vec<_>, Vec<_>) = places.into_iter().partition(|(_, value)| value.is_array());
    let shown = |places: &[(Pointer, &Value)]| {
        let mut names: Vec<String> =
            places.iter().take(MOST).map(|(at, value)| format!("`{at}` ({})", described(value))).collect();
        if places.len() > MOST {
            names.push(format!("{} more", places.len() - MOST));
        }
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    let mut lines = vec![format!("{} {problem}; lists found: {}", place(&wanted), shown(&lists))];
    if !objects.is_empty() {
        lines.push(format!("objects found: {}", shown(&objects)));
    }
    lines.extend(meant(&wanted, &lists, &objects).map(|meant| {
        let how = match meant.0.strip_prefix(above.0.as_slice()) {
            Some([]) => "leave `path` out of `[records]`".to_owned(),
            Some(rest) => format!("write `path = \"{}\"` in `[records]`", spelled(rest)),
            None => format!("write `records = \"{meant}\"` in `[envelope]` of the provider"),
        };
        format!("did you mean `{meant}`? {how}")
    }));
    lines
}

/// The place that was meant: the one with the nearest name, lists first, or the only list of objects.
fn meant(wanted: &Pointer, lists: &[(Pointer, &Value)], objects: &[(Pointer, &Value)]) -> Option<Pointer> {
    let last = wanted.0.last().map_or("", String::as_str);
    let by_name = |places: &[(Pointer, &Value)]| {
        let name = nearest(last, places.iter().filter_map(|(at, _)| at.0.last().map(String::as_str)))?;
        places.iter().find(|(at, _)| at.0.last().is_some_and(|key| key == name)).map(|(at, _)| at.clone())
    };
    let mut of_objects = lists.iter().filter(|(_, list)| list.get(0).is_some_and(Value::is_object));
    let only = match (of_objects.next(), of_objects.next()) {
        (Some((at, _)), None) => Some(at.clone()),
        (_, _) => None,
    };
    by_name(lists).or(only).or_else(|| by_name(objects))
}

/// A path for people.
pub(super) fn place(path: &Pointer) -> String {
    if path.0.is_empty() { "the whole answer".to_owned() } else { format!("`{path}`") }
}

fn at<'a>(body: &'a Value, pointer: &Pointer) -> Option<&'a Value> {
    pointer.0.iter().try_fold(body, |value, key| match value {
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        other => other.get(key),
    })
}

/// Lists and objects with something in them, outermost first; what is inside of records is not told.
fn collect<'a>(value: &'a Value, way: &mut Vec<String>, places: &mut Vec<(Pointer, &'a Value)>) {
    let Some(object) = value.as_object().filter(|_| way.len() < DEEPEST) else { return };
    for (key, value) in object {
        way.push(key.clone());
        if value.is_array() || value.as_object().is_some_and(|object| !object.is_empty()) {
            places.push((Pointer(way.clone()), value));
        }
        collect(value, way, places);
        way.pop();
    }
}

fn described(value: &Value) -> String {
    let count = |number: usize, noun: &str| format!("{number} {noun}{}", if number == 1 { "" } else { "s" });
    match value {
        Value::Array(items) if items.is_empty() => "an empty list".to_owned(),
        Value::Array(items) if items.iter().all(Value::is_object) => count(items.len(), "object"),
        Value::Array(items) => count(items.len(), "value"),
        Value::Object(object) => count(object.len(), "key"),
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "true or false".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(_) => "text".to_owned(),
    }
}

/// A path as a job file spells it.
fn spelled(path: &[String]) -> String {
    let is_plain = path.iter().all(|key| !key.is_empty() && !key.contains(['.', '/', '~', '"']));
    if is_plain { path.join(".") } else { Pointer(path.to_vec()).to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_there_and_what_was_meant() {
        let answer = json!({ "code": 200, "data": {
            "result": { "ranks": [{ "rank": 1 }, { "rank": 2 }], "tags": ["a"], "info": { "deep": { "x": 1 } } },
            "next": { "taskId": "t" }, "none": {}, "empty": [],
        } });
        let bare = json!({ "items": [{ "a": 1 }], "page": 1 });
        for (body, above, below, expected) in [
            (&answer, "/data/result", "ranks", ""),
            (&answer, "/data/result", "info", ""),
            (
                &answer,
                "/data/result",
                "rank",
                "`/data/result/rank` is not there; lists found: `/data/result/ranks` (2 objects), `/data/result/tags` \
                 (1 value), `/data/empty` (an empty list)\nobjects found: `/data` (4 keys), `/data/result` (3 keys), \
                 `/data/result/info` (1 key), `/data/result/info/deep` (1 key), `/data/next` (1 key)\ndid you mean \
                 `/data/result/ranks`? write `path = \"ranks\"` in `[records]`",
            ),
            (
                &bare,
                "/data",
                "",
                "`/data` is not there; lists found: `/items` (1 object)\ndid you mean `/items`? write `records = \
                 \"/items\"` in `[envelope]` of the provider",
            ),
            (
                &bare,
                "/items",
                "rows",
                "`/items/rows` is not there; lists found: `/items` (1 object)\ndid you mean `/items`? leave `path` out \
                 of `[records]`",
            ),
            (
                &bare,
                "",
                "page",
                "`/page` holds a number, no records; lists found: `/items` (1 object)\ndid you mean `/items`? write \
                 `path = \"items\"` in `[records]`",
            ),
            (&json!({ "a": 1 }), "", "b", "`/b` is not there; lists found: none"),
            (&json!([1, 2]), "", "", "the whole answer holds 2 values, no records; lists found: none"),
            (
                &json!({ "a.b": { "list": [{}] } }),
                "",
                "lst",
                "`/lst` is not there; lists found: `/a.b/list` (1 object)\nobjects found: `/a.b` (1 key)\ndid you mean \
                 `/a.b/list`? write `path = \"/a.b/list\"` in `[records]`",
            ),
        ] {
            let lines = explain(body, &Pointer::parse(above), &Pointer::parse(below));
            assert_eq!(lines.join("\n"), expected, "{above} {below}");
        }
    }
}
