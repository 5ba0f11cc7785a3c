//! Forms: what was entered, what is wrong with it, and the same input as the API takes.
//!
//! A field is named by its path in the API's JSON: `name`, `contacts[0].email`. Names that begin with
//! an underscore, and `request_id`, steer the form and are no input. Rows are numbered anew when a form
//! arrives, so that a fault at `contacts[1].email` stands at the second row that is shown.

mod paths;

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::body::collect;
use super::error::{Answer, Fault};
use super::idempotency::Once;
use super::upload::{Parts, Upload};
use crate::domain::input::FieldError;
use paths::{Segment, flatten, is_steering, number, put, renumber, row_of, segments};

/// A form as the macros in `templates/macros.html` show it. Handlers take it as an argument.
#[derive(Clone, Debug, Default)]
pub struct Form {
    pairs: Vec<(String, String)>,
    /// What is wrong with it; set by [`super::try_again`].
    pub errors: Vec<FieldError>,
    files: Vec<Upload>,
    once: Once,
    rows_changed: bool,
}

/// Which fields of a form are not text, by the last name in their path.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shape {
    /// Whole numbers.
    pub numbers: &'static [&'static str],
    /// Yes or no. One that stands alone (not in a row) is no when its box is not ticked.
    pub flags: &'static [&'static str],
    /// Lists of words: several boxes of one name.
    pub lists: &'static [&'static str],
}

/// One row of a list in a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its path, such as `contacts[1]`.
    pub path: String,
    /// Its number, from 0.
    pub index: usize,
}

impl Row {
    /// The row that the script copies; it puts a number where `__n__` stands.
    pub fn model(list: &str) -> Self {
        Self {
            path: format!("{list}[__n__]"),
            index: 0,
        }
    }

    /// The name of one of its fields.
    pub fn at(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }
}

impl Form {
    /// A form that nobody has filled in yet, with what stands in it beforehand.
    pub fn of<N: Into<String>, V: Into<String>>(values: impl IntoIterator<Item = (N, V)>) -> Self {
        Self {
            pairs: values
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            ..Self::default()
        }
    }

    /// A form that shows what is kept: the reverse of [`Form::json`].
    pub fn of_json(value: &Value) -> Self {
        let mut form = Self::default();
        flatten(String::new(), value, &mut form.pairs);
        form
    }

    /// The value of a field, if it was sent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The value of a field; empty when there is none.
    pub fn value(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// Every value of a name.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.pairs
            .iter()
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// The file that was chosen in a field, if one was. A form that is shown again has it no more:
    /// browsers let nobody else choose a file.
    pub fn file(&self, name: &str) -> Option<&Upload> {
        self.files.iter().find(|file| file.field == name)
    }

    /// What is wrong with a field; empty when nothing is.
    pub fn error(&self, name: &str) -> &str {
        self.errors
            .iter()
            .find(|fault| fault.field == name)
            .map_or("", |fault| &fault.message)
    }

    /// Whether the name has that value, among others perhaps.
    pub fn is(&self, name: &str, value: &str) -> bool {
        self.all(name).contains(&value)
    }

    /// Whether a box is ticked.
    pub fn checked(&self, name: &str) -> bool {
        self.is(name, "true")
    }

    /// Sets a field, whatever it was.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.pairs.retain(|(known, _)| known != name);
        self.pairs.push((name.to_string(), value.into()));
    }

    /// Adds one more value to a name.
    pub fn add(&mut self, name: &str, value: impl Into<String>) {
        self.pairs.push((name.to_string(), value.into()));
    }

    /// Takes a field away.
    pub fn remove(&mut self, name: &str) {
        self.pairs.retain(|(known, _)| known != name);
    }

    /// Only what is wrong with it: passwords that were entered do not stay.
    pub fn emptied(self) -> Self {
        Self {
            errors: self.errors,
            ..Self::default()
        }
    }

    /// The rows of a list, such as `contacts`.
    pub fn rows(&self, list: &str) -> Vec<Row> {
        let count = self
            .pairs
            .iter()
            .filter_map(|(name, _)| row_of(name, list))
            .max()
            .map_or(0, |last| last + 1);
        (0..count)
            .map(|index| Row {
                path: format!("{list}[{index}]"),
                index,
            })
            .collect()
    }

    /// Leaves out the rows of a list that are not to be kept, such as blank ones; the others move up.
    pub fn keep_rows(&mut self, list: &str, keep: impl Fn(&Form, &Row) -> bool) {
        let gone: Vec<usize> = self
            .rows(list)
            .iter()
            .filter(|row| !keep(self, row))
            .map(|row| row.index)
            .collect();
        self.pairs
            .retain(|(name, _)| row_of(name, list).is_none_or(|index| !gone.contains(&index)));
        renumber(&mut self.pairs);
    }

    /// Whether any of these fields of a row has something in it.
    pub fn has_any(&self, row: &Row, fields: &[&str]) -> bool {
        fields
            .iter()
            .any(|field| !self.value(&row.at(field)).trim().is_empty())
    }

    /// Whether the form was only sent to add or remove a row (without script): show it again.
    pub fn rows_changed(&self) -> bool {
        self.rows_changed
    }

    /// Adds a blank row to a list.
    pub fn add_row(&mut self, list: &str) {
        let next = self.rows(list).len();
        self.pairs
            .push((format!("{list}[{next}]._row"), String::new()));
    }

    /// The same input as the API takes.
    pub fn json(&self, shape: &Shape) -> Value {
        let mut root = Value::Object(Map::new());
        for (name, text) in &self.pairs {
            let path = segments(name);
            if is_steering(&path) {
                continue;
            }
            let last = path.iter().rev().find_map(|segment| match segment {
                Segment::Field(field) => Some(*field),
                Segment::Row(_) => None,
            });
            let last = last.unwrap_or_default();
            let is_list =
                shape.lists.contains(&last) && matches!(path.last(), Some(Segment::Field(_)));
            let leaf = if shape.numbers.contains(&last) {
                number(text)
            } else if shape.flags.contains(&last) {
                Value::Bool(text == "true")
            } else {
                Value::String(text.clone())
            };
            put(&mut root, &path, leaf, is_list);
        }
        if let Value::Object(fields) = &mut root {
            for flag in shape.flags {
                let in_rows = self
                    .pairs
                    .iter()
                    .any(|(name, _)| name.ends_with(&format!(".{flag}")));
                if !in_rows {
                    fields.entry(*flag).or_insert(Value::Bool(false));
                }
            }
        }
        root
    }

    /// Names this sending of the form, for [`super::act_once`].
    pub fn once(&self) -> Once {
        self.once.clone()
    }

    /// The hidden `request_id`: the one it came with, or a new one.
    pub fn request_id(&self) -> String {
        match self.get("request_id") {
            Some(id) if !id.is_empty() => id.to_string(),
            _ => Uuid::new_v4().to_string(),
        }
    }

    /// A form whose files went another way.
    pub(super) fn of_pairs(
        request: &HttpRequest,
        pairs: Vec<(String, String)>,
        essence: &[u8],
    ) -> Self {
        let files = Vec::new();
        Self::of_parts(request, Parts { pairs, files }, essence)
    }

    fn of_plain(request: &HttpRequest, bytes: &[u8]) -> Self {
        let parts = Parts {
            pairs: url::form_urlencoded::parse(bytes).into_owned().collect(),
            files: Vec::new(),
        };
        Self::of_parts(request, parts, bytes)
    }

    fn of_parts(request: &HttpRequest, parts: Parts, essence: &[u8]) -> Self {
        let Parts { mut pairs, files } = parts;
        for (_, text) in &mut pairs {
            // Browsers send the line ends of the mail of old.
            *text = text.replace("\r\n", "\n");
        }
        let wish = |name: &str| {
            let found = pairs.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone())
        };
        let (add, remove) = (wish("_add"), wish("_remove"));
        if let Some(row) = &remove {
            pairs.retain(|(name, _)| {
                name.strip_prefix(row.as_str())
                    .is_none_or(|rest| !rest.starts_with(['.', '[']))
            });
        }
        pairs.retain(|(name, _)| name != "_add" && name != "_remove");
        renumber(&mut pairs);
        let id = pairs
            .iter()
            .find(|(name, _)| name == "request_id")
            .map_or("", |(_, value)| value);
        let mut form = Self {
            once: Once::of_form(id, request, essence),
            pairs,
            files,
            errors: Vec::new(),
            rows_changed: add.is_some() || remove.is_some(),
        };
        if let Some(list) = add {
            form.add_row(&list);
        }
        form
    }
}

impl FromRequest for Form {
    type Error = Fault;
    type Future = Pin<Box<dyn Future<Output = Answer<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let bytes = collect(&request, payload).await?;
            match request.content_type() {
                "multipart/form-data" => {
                    let parts = Parts::of(&request, bytes).await?;
                    let essence = parts.essence();
                    Ok(Form::of_parts(&request, parts, &essence))
                }
                // A button alone sends no body, and then no type either.
                kind if kind == PLAIN || bytes.is_empty() => Ok(Form::of_plain(&request, &bytes)),
                _ => Err(Fault::WrongType(PLAIN)),
            }
        })
    }
}

/// The type of a form without files.
const PLAIN: &str = "application/x-www-form-urlencoded";

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use serde_json::json;

    use super::*;

    fn sent(body: &str) -> Form {
        let request = TestRequest::post().uri("/vendors").to_http_request();
        Form::of_plain(&request, body.as_bytes())
    }

    const SHAPE: Shape = Shape {
        numbers: &["rung"],
        flags: &["active"],
        lists: &["metrics"],
    };

    #[test]
    fn a_form_becomes_the_json_of_the_api() {
        let form = sent(
            "request_id=u&_version=3&name=Northwind&contacts%5B0%5D.name=Desk&contacts%5B0%5D.rung=1\
             &contacts%5B4%5D%5Bname%5D=Duty&contacts%5B4%5D.rung=two&stop.metrics=restore&stop.metrics=resolve",
        );
        assert_eq!(
            form.json(&SHAPE),
            json!({
                "name": "Northwind", "active": false, "stop": {"metrics": ["restore", "resolve"]},
                "contacts": [{"name": "Desk", "rung": 1}, {"name": "Duty", "rung": "two"}]
            })
        );
        assert_eq!(form.value("_version"), "3");
        assert_eq!(form.rows("contacts")[1].at("name"), "contacts[1].name");
        assert_eq!(form.value("contacts[1].name"), "Duty");
    }

    #[test]
    fn json_becomes_a_form_and_the_same_json_again() {
        let value = json!({
            "name": "N", "active": true, "metrics": ["restore"],
            "contacts": [{"name": "Desk", "rung": 1}, {"name": "Duty", "rung": 2}]
        });
        let form = Form::of_json(&value);
        assert!(form.checked("active") && form.is("metrics", "restore"));
        assert_eq!(form.json(&SHAPE), value);
    }

    #[test]
    fn rows_are_added_removed_and_left_out_when_blank() {
        let removed = sent("a%5B0%5D.x=1&a%5B1%5D.x=2&a%5B10%5D.x=3&_remove=a%5B1%5D");
        assert!(removed.rows_changed());
        assert_eq!(removed.rows("a").len(), 2);
        assert_eq!(removed.value("a[1].x"), "3");

        let added = sent("a%5B0%5D.x=1&_add=a");
        assert!(added.rows_changed());
        assert_eq!(added.rows("a").len(), 2);

        let mut form = sent("a%5B0%5D.x=&a%5B0%5D.y=1&a%5B1%5D.x=2");
        form.keep_rows("a", |form, row| form.has_any(row, &["x"]));
        assert_eq!(form.json(&Shape::default()), json!({"a": [{"x": "2"}]}));
    }

    #[test]
    fn hostile_names_neither_break_nor_fill_the_memory() {
        let deep = format!("a{}=1", ".a".repeat(100_000));
        assert_eq!(sent(&deep).json(&Shape::default()), json!({}));
        let huge = sent("a%5B99999999999%5D.x=1&a=2&a.b=3&%5D%5B=4");
        assert_eq!(huge.json(&Shape::default())["a"], json!([{"x": "1"}]));
    }

    #[test]
    fn a_file_comes_with_its_form_whatever_the_border_is() {
        let sent = |border: &str| {
            let part = |shape: &str, content: &str| {
                format!(
                    "--{border}\r\nContent-Disposition: form-data; {shape}\r\n\r\n{content}\r\n"
                )
            };
            let body = [
                part("name=\"request_id\"", "u"),
                part("name=\"year\"", "2026"),
                part(
                    "name=\"file\"; filename=\"days.ics\"",
                    "BEGIN:VCALENDAR\r\n",
                ),
                part("name=\"other\"; filename=\"\"", ""),
                format!("--{border}--\r\n"),
            ]
            .concat();
            let (request, mut payload) = TestRequest::post()
                .insert_header((
                    "Content-Type",
                    format!("multipart/form-data; boundary={border}"),
                ))
                .set_payload(body)
                .to_http_parts();
            let read = Form::from_request(&request, &mut payload);
            futures_util::FutureExt::now_or_never(read)
                .unwrap()
                .unwrap()
        };
        let form = sent("one");
        assert_eq!(form.value("year"), "2026");
        let file = form.file("file").unwrap();
        assert_eq!(
            (file.name.as_str(), &*file.content),
            ("days.ics", &b"BEGIN:VCALENDAR\r\n"[..])
        );
        assert!(form.file("other").is_none());
        assert_ne!(form.once(), Once::default());
        assert_eq!(form.once(), sent("two").once());
    }

    #[test]
    fn the_same_sending_has_the_same_name() {
        let body = "request_id=6f9619ff&name=N";
        assert_eq!(sent(body).once(), sent(body).once());
        assert_ne!(sent(body).once(), sent("request_id=6f9619ff&name=M").once());
        assert_eq!(sent("name=N").once(), Once::default());
        assert_eq!(sent(body).request_id(), "6f9619ff");
    }
}
