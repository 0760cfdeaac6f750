//! One layer of settings over another.
//!
//! The `config` crate decides key by key; what it cannot know is prepared here: tables with `kind`, references to
//! secrets, and limits that keep their reset time. Its maps are unordered, so the order of keys is taken from the layers.

use config::{Config, ConfigError, ValueKind};
use serde_json::{Map, Value, json};

use super::auth_file::secret_keys_of;
use super::limits_file::RATE_KEYS;

/// `upper` over `lower`, both tables of one provider.
pub(super) fn merge(
    mut lower: Map<String, Value>,
    mut upper: Map<String, Value>,
) -> Result<Map<String, Value>, ConfigError> {
    replace_kinds(&mut lower, &upper);
    replace_references(&mut lower, &upper);
    keep_resets(&mut lower, &mut upper);
    let merged = Config::builder().add_source(Tree(lower.clone())).add_source(Tree(upper.clone())).build()?.cache;
    Ok(match in_order(&merged, Some(&Value::Object(lower)), Some(&Value::Object(upper))) {
        Value::Object(merged) => merged,
        _ => Map::new(),
    })
}

/// A table that names a kind starts anew: parameters of the other kind would be wrong in it. Secrets stay.
fn replace_kinds(lower: &mut Map<String, Value>, upper: &Map<String, Value>) {
    for (key, table) in upper {
        if let (Some(kind), Some(Value::Object(old))) = (table.get("kind"), lower.get_mut(key)) {
            let kept: &[&str] = if key == "auth" { secret_keys_of(kind) } else { &[] };
            old.retain(|name, _| kept.contains(&name.as_str()));
        }
    }
}

/// A secret is found in one place: `{ file }` over `{ env }` is not both.
fn replace_references(lower: &mut Map<String, Value>, upper: &Map<String, Value>) {
    let (Some(Value::Object(old)), Some(Value::Object(new))) = (lower.get_mut("auth"), upper.get("auth")) else {
        return;
    };
    old.retain(|key, _| !new.get(key).is_some_and(Value::is_object));
}

/// A plain number replaces the number alone; a table says how it counts, and the two ways a day counts exclude each other.
fn keep_resets(lower: &mut Map<String, Value>, upper: &mut Map<String, Value>) {
    for key in RATE_KEYS {
        let below = lower.get_mut("limits").and_then(|limits| limits.get_mut(key));
        let above = upper.get_mut("limits").and_then(|limits| limits.get_mut(key));
        if let (Some(below), Some(above)) = (below, above) {
            keep_table(below, above);
        }
    }
}

fn keep_table(below: &mut Value, above: &mut Value) {
    if below.is_object() && above.is_number() {
        *above = json!({ "max": above.take() });
    } else if below.is_number() && above.is_object() {
        *below = json!({ "max": below.take() });
    }
    if let (Some(below), Some(above)) = (below.as_object_mut(), above.as_object()) {
        if above.contains_key("window") {
            below.retain(|key, _| key == "max");
        } else if above.contains_key("resets") {
            below.remove("window");
        }
    }
}

#[derive(Debug, Clone)]
struct Tree(Map<String, Value>);

impl config::Source for Tree {
    fn clone_into_box(&self) -> Box<dyn config::Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<config::Map<String, config::Value>, ConfigError> {
        Ok(self.0.iter().map(|(key, value)| (key.clone(), to_config(value))).collect())
    }
}

fn to_config(value: &Value) -> config::Value {
    let kind = match value {
        Value::Null => ValueKind::Nil,
        Value::Bool(flag) => ValueKind::Boolean(*flag),
        Value::Number(number) => number
            .as_i64()
            .map(ValueKind::I64)
            .or_else(|| number.as_u64().map(ValueKind::U64))
            .unwrap_or_else(|| ValueKind::Float(number.as_f64().unwrap_or_default())),
        Value::String(text) => ValueKind::String(text.clone()),
        Value::Array(items) => ValueKind::Array(items.iter().map(to_config).collect()),
        Value::Object(table) => {
            ValueKind::Table(table.iter().map(|(key, value)| (key.clone(), to_config(value))).collect())
        }
    };
    config::Value::new(None, kind)
}

/// `merged` with keys in the order of the layers, the weaker one's first.
fn in_order(merged: &config::Value, lower: Option<&Value>, upper: Option<&Value>) -> Value {
    let ValueKind::Table(table) = &merged.kind else {
        return upper.or(lower).cloned().unwrap_or_default();
    };
    let mut ordered = Map::new();
    let keys = [lower, upper].into_iter().flatten().filter_map(Value::as_object).flat_map(Map::keys);
    for key in keys {
        if let Some(value) = table.get(key)
            && !ordered.contains_key(key)
        {
            let below = lower.and_then(|lower| lower.get(key));
            let above = upper.and_then(|upper| upper.get(key));
            ordered.insert(key.clone(), in_order(value, below, above));
        }
    }
    Value::Object(ordered)
}
