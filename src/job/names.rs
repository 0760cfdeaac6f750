//! What placeholders may name, and templates read with every wrong one reported at the value it stands in.

use serde_json::Value;

use super::ordered::Ordered;
use super::problem::nearest;
use super::{JsonTemplate, Problem, Problems, Template};

/// The names that placeholders may use in one part of a file.
pub(crate) struct Names {
    /// What a name stands for, for messages: `axis`.
    what: &'static str,
    /// `None` when the names are themselves in doubt; then any is taken.
    known: Option<Vec<(String, Fields)>>,
}

/// What may follow a name after a dot.
pub(crate) enum Fields {
    /// Nothing: the value is plain.
    None,
    /// These.
    Only(Vec<String>),
    /// Known only when the axis file is read.
    Unknown,
}

impl Names {
    pub(crate) fn new(what: &'static str, known: Vec<(String, Fields)>) -> Self {
        Self { what, known: Some(known) }
    }

    /// Takes any name: the table that declares them has problems of its own.
    pub(crate) fn any(what: &'static str) -> Self {
        Self { what, known: None }
    }

    pub(crate) fn template(&self, text: &str, path: &str, problems: &mut Problems) -> Option<Template> {
        match Template::parse(text) {
            Ok(template) => {
                for name in template.placeholders() {
                    problems.0.extend(self.unknown(&name, path));
                }
                Some(template)
            }
            Err(error) => {
                problems.push(Problem::new(path, error.to_string()));
                None
            }
        }
    }

    pub(crate) fn json(&self, value: &Value, path: &str, problems: &mut Problems) -> Option<JsonTemplate> {
        Some(match value {
            Value::String(text) => JsonTemplate::Text(self.template(text, path, problems)?),
            Value::Array(items) => {
                let items: Vec<_> = items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| self.json(item, &format!("{path}/{index}"), problems))
                    .collect();
                JsonTemplate::Array(items.into_iter().collect::<Option<_>>()?)
            }
            Value::Object(object) => {
                let entries: Vec<_> = object
                    .iter()
                    .map(|(key, value)| {
                        self.json(value, &format!("{path}/{key}"), problems).map(|value| (key.clone(), value))
                    })
                    .collect();
                JsonTemplate::Object(entries.into_iter().collect::<Option<_>>()?)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => JsonTemplate::Literal(value.clone()),
        })
    }

    /// Values by name, each of any JSON type.
    pub(crate) fn table(
        &self,
        table: Ordered<Value>,
        path: &str,
        problems: &mut Problems,
    ) -> Vec<(String, JsonTemplate)> {
        let read = |(name, value): (String, Value)| {
            self.json(&value, &format!("{path}/{name}"), problems).map(|value| (name, value))
        };
        table.0.into_iter().filter_map(read).collect()
    }

    /// Query or form parameters: plain values, or lists of them that repeat the parameter.
    pub(crate) fn parameters(
        &self,
        table: Ordered<Value>,
        path: &str,
        problems: &mut Problems,
    ) -> Vec<(String, JsonTemplate)> {
        for (name, value) in &table.0 {
            let plain = |value: &Value| !value.is_object() && !value.is_array();
            let fits = value.as_array().map_or_else(|| plain(value), |items| items.iter().all(plain));
            if !fits {
                let message =
                    format!("parameter `{name}` must be a string, a number, true or false, or a list of these");
                problems.push(Problem::new(format!("{path}/{name}"), message));
            }
        }
        self.table(table, path, problems)
    }

    /// The path of a request below the base URL.
    pub(crate) fn url_path(&self, text: &str, path: &str, problems: &mut Problems) -> Option<Template> {
        let template = self.template(text, path, problems)?;
        let fixed: String = template.fixed_text().collect();
        let mut wrong = |message: String, hint: &str| problems.push(Problem::new(path, message).hint(hint));
        if text.contains("://") {
            wrong(
                format!("`{text}` is a whole address"),
                "write only what follows the provider's `base_url`, such as `/stock_daily`",
            );
        } else if !text.starts_with('/') {
            wrong(format!("path `{text}` does not start with `/`"), &format!("write `/{text}`"));
        } else if fixed.contains(['?', '#']) {
            wrong(format!("path `{text}` holds a query or fragment"), "write parameters in `query`");
        } else if fixed.split('/').any(|segment| segment == ".." || segment == ".")
            || fixed.contains(|c: char| c.is_control() || c == '\\')
        {
            wrong(
                format!("path `{}` leaves its folder or holds control characters", text.escape_debug()),
                "write plain segments",
            );
        }
        Some(template)
    }

    fn unknown(&self, name: &str, path: &str) -> Option<Problem> {
        let known = self.known.as_ref()?;
        let (head, field) = match name.split_once('.') {
            Some((head, field)) => (head, Some(field)),
            None => (name, None),
        };
        let what = self.what;
        let placeholder = format!("{{{name}}}");
        let Some((_, fields)) = known.iter().find(|(known, _)| known == head) else {
            let message = match nearest(head, known.iter().map(|(name, _)| name.as_str())) {
                Some(meant) => format!("`{{{name}}}` names no {what}, did you mean `{{{meant}}}`?"),
                None => format!("`{{{name}}}` names no {what}"),
            };
            let hint = if known.is_empty() {
                format!("there is no {what}; write `{{{{` for a brace itself")
            } else {
                format!("known: {}", quoted(known.iter().map(|(name, _)| name.as_str())))
            };
            return Some(Problem::new(path, message).part(placeholder).hint(hint));
        };
        let field = field?;
        match fields {
            Fields::Unknown => None,
            Fields::None => Some(
                Problem::new(
                    path,
                    format!("`{{{name}}}` asks for a field, but the values of {what} `{head}` are plain"),
                )
                .part(placeholder)
                .hint(format!("write `{{{head}}}`")),
            ),
            // Deeper fields are looked up when the value is at hand.
            Fields::Only(allowed) => {
                let first = field.split('.').next().unwrap_or(field);
                (!allowed.iter().any(|allowed| allowed == first)).then(|| {
                    let message = match nearest(first, allowed.iter().map(String::as_str)) {
                        Some(meant) => format!("{what} `{head}` has no field `{first}`, did you mean `{meant}`?"),
                        None => format!("{what} `{head}` has no field `{first}`"),
                    };
                    let hint = format!("allowed: {}", quoted(allowed.iter().map(String::as_str)));
                    Problem::new(path, message).part(placeholder).hint(hint)
                })
            }
        }
    }
}

/// Names for a message: each in backticks, joined by commas.
pub(crate) fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
