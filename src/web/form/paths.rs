//! Paths of fields, and how fields named by paths become JSON and the reverse.

use std::collections::HashMap;

use serde_json::{Map, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Segment<'a> {
    Field(&'a str),
    Row(usize),
}

/// No input of ours lies deeper; names that do are left alone.
const DEEPEST: usize = 12;

/// `a[0].b` and `a[0][b]` are the same path.
pub(super) fn segments(name: &str) -> Vec<Segment<'_>> {
    name.split(['.', '['])
        .map(|part| part.strip_suffix(']').unwrap_or(part))
        .enumerate()
        .map(|(place, part)| match part.parse() {
            Ok(row) if place > 0 => Segment::Row(row),
            _ => Segment::Field(part),
        })
        .collect()
}

pub(super) fn is_steering(path: &[Segment<'_>]) -> bool {
    path.len() > DEEPEST
        || path == [Segment::Field("request_id")]
        || path.iter().any(|segment| match segment {
            Segment::Field(field) => field.starts_with('_') || field.is_empty(),
            Segment::Row(_) => false,
        })
}

/// The number of the row of that list in which the field stands.
pub(super) fn row_of(name: &str, list: &str) -> Option<usize> {
    let rest = name.strip_prefix(list)?.strip_prefix('[')?;
    rest.split(']').next()?.parse().ok()
}

/// Numbers the rows of each list from 0 in the order in which they stand, whatever they were.
pub(super) fn renumber(pairs: &mut [(String, String)]) {
    let mut seen: HashMap<String, Vec<usize>> = HashMap::new();
    for (name, _) in pairs.iter_mut() {
        let path = segments(name);
        if path.len() > DEEPEST || !path.iter().any(|part| matches!(part, Segment::Row(_))) {
            continue;
        }
        let (mut old, mut new) = (String::new(), String::new());
        for segment in path {
            match segment {
                Segment::Field(field) => {
                    for path in [&mut old, &mut new] {
                        if !path.is_empty() {
                            path.push('.');
                        }
                        path.push_str(field);
                    }
                }
                Segment::Row(row) => {
                    let rows = seen.entry(old.clone()).or_default();
                    let place = rows.iter().position(|known| *known == row);
                    let place = place.unwrap_or_else(|| {
                        rows.push(row);
                        rows.len() - 1
                    });
                    old.push_str(&format!("[{row}]"));
                    new.push_str(&format!("[{place}]"));
                }
            }
        }
        *name = new;
    }
}

/// What cannot be read as a number stays text, so that the reader of the input says so.
pub(super) fn number(text: &str) -> Value {
    let text = text.trim();
    if text.is_empty() {
        Value::Null
    } else {
        text.parse::<i64>()
            .map_or_else(|_| Value::String(text.to_string()), Value::from)
    }
}

pub(super) fn put(node: &mut Value, path: &[Segment<'_>], leaf: Value, is_list: bool) {
    match path.split_first() {
        None if is_list => {
            if node.is_null() {
                *node = Value::Array(Vec::new());
            }
            if let Value::Array(items) = node
                && leaf.as_str() != Some("")
            {
                items.push(leaf);
            }
        }
        // Of two values of one name the first counts.
        None => {
            if node.is_null() {
                *node = leaf;
            }
        }
        Some((Segment::Field(field), rest)) => {
            if node.is_null() {
                *node = Value::Object(Map::new());
            }
            if let Value::Object(fields) = node {
                let inner = fields.entry(*field).or_insert(Value::Null);
                put(inner, rest, leaf, is_list);
            }
        }
        Some((Segment::Row(row), rest)) => {
            if node.is_null() {
                *node = Value::Array(Vec::new());
            }
            if let Value::Array(items) = node {
                // Rows were numbered from 0 without gaps, but blank ones may hold no input.
                if *row >= items.len() && *row < items.len() + 10_000 {
                    items.resize(*row + 1, Value::Null);
                }
                if let Some(item) = items.get_mut(*row) {
                    put(item, rest, leaf, is_list);
                }
            }
        }
    }
}

pub(super) fn flatten(path: String, value: &Value, into: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Bool(yes) => into.push((path, yes.to_string())),
        Value::Number(number) => into.push((path, number.to_string())),
        Value::String(text) => into.push((path, text.clone())),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                if item.is_object() || item.is_array() {
                    flatten(format!("{path}[{index}]"), item, into);
                } else {
                    flatten(path.clone(), item, into);
                }
            }
        }
        Value::Object(fields) => {
            for (field, inner) in fields {
                let path = if path.is_empty() {
                    field.clone()
                } else {
                    format!("{path}.{field}")
                };
                flatten(path, inner, into);
            }
        }
    }
}
