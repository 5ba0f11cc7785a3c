//! The templates that letters are written by: those compiled in, and over them an organisation's own.
//!
//! A letter is worth more than its looks: where an organisation's templates fail over a letter, it is
//! written by those that are compiled in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use minijinja::Environment;

use super::letters::environment::{self, Bounds, RenderError};
use super::letters::{Order, Rendered, files, write};
use super::links::{self, Signer};
use crate::domain::input::FieldError;
use crate::domain::letter::{LetterFacts, LetterKind, Recipient};
use crate::domain::locale::Locale;
use crate::metrics::Metrics;
use crate::time::Moment;

mod folder;
mod tried;
pub mod variables;

/// How much work an organisation's template may make: more than five times what the longest sample takes,
/// and some milliseconds.
const OWN_FUEL: u64 = 200_000;
/// How much an organisation's template may write.
const OWN_BOUNDS: Bounds = Bounds {
    longest: 1024 * 1024,
};
/// After so many letters of a kind over which a template went past its bounds it is not tried again: letters
/// to come must not wait for it.
const PATIENCE: u32 = 3;

/// The templates of letters; copies share them. The default are those that are compiled in.
#[derive(Clone, Debug, Default)]
pub struct Templates(Option<Arc<Own>>);

/// What an organisation has written.
#[derive(Debug)]
struct Own {
    folder: PathBuf,
    /// Names of its templates.
    names: BTreeSet<String>,
    /// All templates, its own over those compiled in.
    environment: Environment<'static>,
    /// The letters that its templates are part of, with how often these went past their bounds.
    letters: BTreeMap<(LetterKind, Locale), AtomicU32>,
    /// Letters that were written by what is compiled in, for its own failed.
    failed: AtomicU64,
}

impl Templates {
    /// The templates of that folder over those that are compiled in. Each is tried on every sample that it
    /// is part of.
    ///
    /// # Errors
    /// Every fault of every file, each at its path and line.
    pub fn read(folder: &Path) -> Result<Self, Vec<FieldError>> {
        let (names, environment) = folder::read(folder)?;
        let letters = LetterKind::ALL.iter().flat_map(|kind| {
            let own = |locale: &&Locale| names.iter().any(|name| is_part(name, *kind, **locale));
            let locales = Locale::ALL.iter().filter(own);
            locales.map(|locale| ((*kind, *locale), AtomicU32::new(0)))
        });
        let own = Own {
            folder: folder.to_path_buf(),
            letters: letters.collect(),
            names: names.clone(),
            environment,
            failed: AtomicU64::new(0),
        };
        let faults = tried::faults(&own);
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self(Some(Arc::new(own))))
    }

    /// Writes the letter for one recipient, as it reads when it goes out at `sent_at`, for whoever is not
    /// that recipient: every signed link is masked.
    ///
    /// `public_url` is the address people reach the service by; the facts' path comes after it.
    ///
    /// # Errors
    /// Never in practice: where an organisation's templates fail, those that are compiled in are taken,
    /// and these fail over no facts.
    pub fn render(
        &self,
        facts: &LetterFacts,
        recipient: &Recipient,
        public_url: &str,
        sent_at: Moment,
    ) -> Result<Rendered, RenderError> {
        self.render_signed(facts, recipient, public_url, sent_at, &links::masked)
    }

    /// The same for the recipient alone, with the links that `sign` gives.
    ///
    /// # Errors
    /// As [`Templates::render`].
    pub fn render_signed(
        &self,
        facts: &LetterFacts,
        recipient: &Recipient,
        public_url: &str,
        sent_at: Moment,
        sign: Signer<'_>,
    ) -> Result<Rendered, RenderError> {
        let order = Order {
            facts,
            recipient,
            public_url,
            sent_at,
            sign,
        };
        let wrong = match self.own(facts.kind(), recipient.locale) {
            None => None,
            Some(own) => match own.write(&order) {
                Ok(rendered) => return Ok(rendered),
                Err(wrong) => Some(wrong),
            },
        };
        let built_in = environment::built_in()?;
        Ok(Rendered {
            instead_of: wrong,
            ..write(built_in, &order, Bounds::BUILT_IN)?
        })
    }

    /// The organisation's folder, if it has one.
    pub fn folder(&self) -> Option<&Path> {
        self.0.as_deref().map(|own| own.folder.as_path())
    }

    /// Names of the organisation's templates that are part of such letters, such as `raised/en/body.txt`.
    pub fn own_files(&self, kind: LetterKind, locale: Locale) -> Vec<&str> {
        let names = self.0.iter().flat_map(|own| &own.names);
        names
            .filter(|name| is_part(name, kind, locale))
            .map(String::as_str)
            .collect()
    }

    /// Counts a letter that went out by the templates that are compiled in, for the organisation's failed.
    pub fn count_failed(&self) {
        if let Some(own) = &self.0 {
            own.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Shows in `/metrics` how many letters an organisation's templates failed over.
    pub fn show(&self, metrics: &Metrics) {
        let own = self.0.clone();
        metrics.gauge(
            "redress_letter_templates_failed",
            "",
            "Letters since the start that were written by the templates compiled in, for the organisation's own failed",
            move || Some(own.as_ref().map_or(0, |own| own.failed.load(Ordering::Relaxed)) as f64),
        );
    }

    fn own(&self, kind: LetterKind, locale: Locale) -> Option<&Own> {
        let own = self.0.as_deref()?;
        own.letters.contains_key(&(kind, locale)).then_some(own)
    }
}

impl Own {
    fn write(&self, order: &Order<'_>) -> Result<Rendered, RenderError> {
        let letter = (order.facts.kind(), order.recipient.locale);
        let excesses = &self.letters[&letter];
        if excesses.load(Ordering::Relaxed) >= PATIENCE {
            return Err(RenderError {
                template: format!("{}/{}", letter.0, letter.1),
                line: None,
                reason: "is not used until the next start, for it went past its bounds".to_string(),
                is_excess: true,
            });
        }
        let written = self.try_on(order);
        if written.as_ref().is_err_and(|wrong| wrong.is_excess) {
            excesses.fetch_add(1, Ordering::Relaxed);
        }
        written
    }

    /// Writes a letter without a second thought.
    fn try_on(&self, order: &Order<'_>) -> Result<Rendered, RenderError> {
        let rendered = write(&self.environment, order, OWN_BOUNDS)?;
        let folder = format!("{}/{}", order.facts.kind(), order.recipient.locale);
        let empty = |part: &str| RenderError {
            template: format!("{folder}/{part}"),
            line: None,
            reason: "writes nothing".to_string(),
            is_excess: false,
        };
        let parts = [
            (&rendered.subject, "subject.txt"),
            (&rendered.text, "body.txt"),
            (&rendered.html, "body.html"),
        ];
        for (written, part) in parts {
            if written.trim().is_empty() {
                return Err(empty(part));
            }
        }
        Ok(rendered)
    }
}

/// Whether a template of that name is part of such letters: it is one of their three, or a part that
/// letters of that language share.
fn is_part(name: &str, kind: LetterKind, locale: Locale) -> bool {
    match name.strip_prefix("_parts/") {
        Some(rest) => match rest.split_once('/') {
            Some((folder, _)) => folder == locale.as_str(),
            None => true,
        },
        None => name.starts_with(&format!("{kind}/{locale}/")),
    }
}

/// Name and source of every template that is compiled in.
pub fn built_in() -> &'static [(&'static str, &'static str)] {
    files::ALL
}

#[cfg(test)]
mod tests;
