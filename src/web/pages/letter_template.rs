//! How letters read: every sample by the templates that letters are written by.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, Query};
use askama::Template;
use serde::Deserialize;

use super::letter::LETTER_POLICY;
use super::{Choice, page};
use crate::domain::letter::{LetterKind, Recipient, Side};
use crate::domain::locale::Locale;
use crate::error::{Error, Result};
use crate::mail::letters::Rendered;
use crate::mail::samples::{PUBLIC_URL, Sample, readers, samples};
use crate::mail::templates::variables::{self, EVERY, FILTERS, Named};
use crate::web::error::Answer;
use crate::web::form::Form;
use crate::web::frame::{Frame, capitalised};
use crate::web::state::State;

/// Which letter is asked for; what is left out, or is not there, is the first there is.
#[derive(Deserialize)]
pub struct Asked {
    letter: Option<String>,
    language: Option<String>,
    recipient: Option<String>,
    sample: Option<String>,
}

/// A letter that is shown.
struct Chosen {
    kind: LetterKind,
    locale: Locale,
    recipient: Recipient,
    sample: Sample,
}

impl Chosen {
    fn of(asked: &Asked) -> Result<Self> {
        let read = |text: &Option<String>| text.clone().unwrap_or_default();
        let kind = read(&asked.letter).parse().unwrap_or(LetterKind::Raised);
        let locale = read(&asked.language).parse().unwrap_or(Locale::En);
        let side = read(&asked.recipient).parse().unwrap_or(Side::Vendor);
        let (mut recipients, mut samples) = (readers(kind, locale), samples(kind, locale));
        let recipient = recipients.iter().position(|reader| reader.side == side);
        let name = read(&asked.sample);
        let sample = samples.iter().position(|sample| sample.name == name);
        if recipients.is_empty() || samples.is_empty() {
            return Err(Error::not_found("sample of letter", kind));
        }
        Ok(Self {
            kind,
            locale,
            recipient: recipients.swap_remove(recipient.unwrap_or(0)),
            sample: samples.swap_remove(sample.unwrap_or(0)),
        })
    }

    fn written(&self, state: &State) -> Result<Rendered> {
        let (facts, sent_at) = (&self.sample.facts, self.sample.sent_at);
        let written = state
            .templates
            .render(facts, &self.recipient, PUBLIC_URL, sent_at);
        written.map_err(|error| Error::Unexpected(error.into()))
    }

    fn fields(&self) -> [(&'static str, String); 4] {
        [
            ("letter", self.kind.to_string()),
            ("language", self.locale.to_string()),
            ("recipient", self.recipient.side.to_string()),
            ("sample", self.sample.name.to_string()),
        ]
    }
}

#[derive(Template)]
#[template(path = "letter/template.html")]
struct ShowPage {
    frame: Frame,
    form: Form,
    letters: Vec<Choice>,
    languages: Vec<Choice>,
    recipients: Vec<Choice>,
    samples: Vec<Choice>,
    subject: String,
    text: String,
    html_href: String,
    attachments: Vec<String>,
    /// The organisation's folder; empty: there is none.
    folder: String,
    /// Its files that are part of this letter.
    own: Vec<String>,
    /// Why they were not used, if so.
    failed: String,
    /// What templates may ask for.
    lists: Vec<List>,
}

/// A list of names with what they stand for.
struct List {
    title: String,
    names: Vec<(&'static str, Vec<Part>)>,
}

/// A piece of a sentence.
struct Part {
    text: &'static str,
    is_code: bool,
}

impl List {
    fn of(title: impl Into<String>, names: &'static [Named]) -> Self {
        let parts = |meaning: &'static str| {
            let pieces = meaning.split('`').enumerate();
            pieces
                .map(|(place, text)| Part {
                    text,
                    is_code: place % 2 == 1,
                })
                .collect()
        };
        Self {
            title: title.into(),
            names: names
                .iter()
                .map(|(name, meaning)| (*name, parts(meaning)))
                .collect(),
        }
    }
}

/// Shows a sample of a letter.
pub async fn show(state: Data<State>, frame: Frame, asked: Query<Asked>) -> Answer {
    let chosen = Chosen::of(&asked)?;
    let written = chosen.written(&state)?;
    let (kind, locale) = (chosen.kind, chosen.locale);
    let folder = state.templates.folder();
    let fields = chosen.fields();
    page(&ShowPage {
        frame,
        letters: LetterKind::ALL
            .iter()
            .map(|kind| Choice::new(kind.as_str(), capitalised(kind.as_str())))
            .collect(),
        languages: Choice::languages(),
        recipients: readers(kind, locale)
            .iter()
            .map(|reader| Choice::new(reader.side.as_str(), side(reader.side)))
            .collect(),
        samples: samples(kind, locale)
            .iter()
            .map(|sample| Choice::new(sample.name, sample.title))
            .collect(),
        subject: written.subject,
        text: written.text,
        html_href: super::address("/letter-templates/html", &fields, None),
        attachments: written
            .attachments
            .into_iter()
            .map(|file| file.name)
            .collect(),
        folder: folder.map_or_else(String::new, |folder| folder.display().to_string()),
        own: state
            .templates
            .own_files(kind, locale)
            .into_iter()
            .map(str::to_string)
            .collect(),
        failed: written
            .instead_of
            .map_or_else(String::new, |wrong| wrong.to_string()),
        lists: vec![
            List::of("Variables of every letter", EVERY),
            List::of(of_kind(kind), variables::of(kind)),
            List::of("Filters", FILTERS),
        ],
        form: Form::of(fields),
    })
}

/// The HTML of a sample alone, for the frame on its page.
pub async fn html(state: Data<State>, asked: Query<Asked>) -> Answer {
    let written = Chosen::of(&asked)?.written(&state)?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, LETTER_POLICY))
        .body(written.html))
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Ours => "One of us",
        Side::Vendor => "The vendor's contact",
    }
}

fn of_kind(kind: LetterKind) -> String {
    match kind {
        LetterKind::Report | LetterKind::Undeliverable => format!("Variables of {kind}"),
        _ => "Variables of letters about an incident".to_string(),
    }
}
