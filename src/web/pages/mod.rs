//! Pages for people.

pub mod account;
pub mod board;
pub mod breach;
pub mod calendar;
pub mod changes;
pub mod clock;
pub mod compound;
pub mod contract;
pub mod evidence;
pub mod explanation;
pub mod finding;
pub mod go_live;
pub mod incident;
pub mod letter;
pub mod letter_template;
pub mod link;
pub mod person;
pub mod promise;
pub mod received;
pub mod rehearsal;
pub mod report;
pub mod rota;
pub mod schedule;
pub mod session;
pub mod team;
pub mod terms;
pub mod token;
pub mod vendor;
pub mod webhook;

use actix_web::HttpResponse;
use actix_web::http::header;
use askama::Template;

use super::error::{Answer, Fault, again, worth_another_try};
use super::form::Form;
use super::frame::flash_cookie;
use crate::domain::input::FieldError;
use crate::domain::locale::Locale;
use crate::error::{Error, Refused, Result};
use crate::store::{self, Conn};

/// A choice of a list, as the macros `select`, `radios` and `checks` show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What one reads.
    pub label: String,
}

impl Choice {
    /// A choice.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            label: label.into(),
        }
    }

    /// The languages.
    pub fn languages() -> Vec<Self> {
        Locale::ALL
            .iter()
            .map(|locale| Self::new(locale.as_str(), language(*locale)))
            .collect()
    }
}

/// People who are here that a form offers.
const MOST_PEOPLE: i64 = 2000;

/// Our people who are here, by mail address.
fn colleagues(conn: &mut Conn) -> Result<Vec<Choice>> {
    let people = store::person::page(conn, None, MOST_PEOPLE)?.into_iter();
    let people = people.filter(|person| person.active);
    let mut choices: Vec<Choice> = people
        .map(|person| {
            let label = format!("{} ({}, {})", person.name, person.email, person.time_zone);
            Choice::new(person.email, label)
        })
        .collect();
    choices.sort_by(|one, other| one.label.cmp(&other.label));
    Ok(choices)
}

/// A language in its own words.
pub fn language(locale: Locale) -> &'static str {
    match locale {
        Locale::En => "English",
        Locale::ZhCn => "简体中文",
    }
}

/// Answers with a page.
pub fn page(template: &impl Template) -> Answer {
    let html = template.render().map_err(Fault::unexpected)?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(html))
}

/// After a form: go to that address, where the sentence is shown; none when it is empty.
pub fn go(location: &str, said: &str) -> HttpResponse {
    let mut response = HttpResponse::SeeOther();
    response.insert_header((header::LOCATION, location));
    if !said.is_empty() {
        response.cookie(flash_cookie(said));
    }
    response.finish()
}

/// The address of a list with its filters, from a cursor on; filters that are empty are left out.
pub fn address(path: &str, filters: &[(&str, String)], cursor: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in filters.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    if let Some(cursor) = cursor {
        query.append_pair("cursor", cursor);
    }
    match query.finish() {
        query if query.is_empty() => path.to_string(),
        query => format!("{path}?{query}"),
    }
}

/// What became of a form: when the input was not acceptable, the form is shown again with what was
/// entered and what is wrong with it.
///
/// # Errors
/// What the outcome is otherwise, and what showing gives.
pub async fn try_again(
    outcome: Answer,
    mut form: Form,
    show: impl AsyncFnOnce(Form) -> Answer,
) -> Answer {
    let fault = match outcome {
        Err(fault) if worth_another_try(&fault) => fault,
        other => return other,
    };
    form.errors = match &fault {
        Fault::Said(Error::Invalid(faults)) => faults.clone(),
        other => vec![FieldError::new("", other.to_string())],
    };
    if matches!(
        &fault,
        Fault::Said(Error::Refused(Refused::KeyReused { .. }))
    ) {
        form.remove("request_id");
    }
    Ok(again(&fault, show(form).await?))
}
