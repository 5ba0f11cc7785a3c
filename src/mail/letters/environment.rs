//! The engine that fills templates: what they may ask for, and how far they may go.

use std::error::Error as _;
use std::io::{self, Write};
use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, UndefinedBehavior, Value};
use serde::de::DeserializeOwned;

use super::super::wording;
use super::{files, line, plain, quoted, sentence};
use crate::domain::letter::{ClockFacts, ExplanationFacts, Promised, Trigger};
use crate::domain::link::Purpose;
use crate::domain::locale::Locale;
use crate::domain::words::{EventKind, Metric};
use crate::domain::zone::Zone;
use crate::time::{Micros, Moment};

/// How much work a template that is compiled in may make. No letter needs more.
const FUEL: u64 = 2_000_000;
/// How deeply templates may call each other; an `include` counts ten.
const DEEPEST: usize = 120;

/// How much a template may write.
#[derive(Clone, Copy, Debug)]
pub(in crate::mail) struct Bounds {
    /// In bytes.
    pub longest: usize,
}

impl Bounds {
    /// Of those that are compiled in, whose loops are known.
    pub const BUILT_IN: Bounds = Bounds {
        longest: 16 * 1024 * 1024,
    };
}

/// A letter could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("letter template {}: {reason}", self.place())]
pub struct RenderError {
    /// Name of the template.
    pub template: String,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong with it.
    pub reason: String,
    /// It made more work, or wrote more, than any letter needs.
    pub is_excess: bool,
}

impl RenderError {
    /// Where it is: `raised/en/body.txt:7`.
    pub fn place(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line}", self.template),
            None => self.template.clone(),
        }
    }

    /// An error of the template engine over that template or one that it uses: the innermost tells most.
    pub(in crate::mail) fn of(error: &Error, template: &str) -> Self {
        let mut innermost = error;
        let mut named = error;
        let mut next = error.source();
        while let Some(source) = next {
            if let Some(error) = source.downcast_ref::<Error>() {
                innermost = error;
                if error.name().is_some() {
                    named = error;
                }
            }
            next = source.source();
        }
        let template = named.name().unwrap_or(template);
        let is_excess = innermost.kind() == ErrorKind::OutOfFuel;
        let reason = match innermost.detail() {
            _ if is_excess => "makes more work than any letter needs".to_string(),
            Some(detail) => format!("{}: {detail}", innermost.kind()),
            None => innermost.kind().to_string(),
        };
        Self {
            template: template.to_string(),
            line: named.line(),
            reason,
            is_excess,
        }
    }
}

/// An environment without a template, in which nothing undefined may be printed and what is named
/// `….html` is escaped.
///
/// # Errors
/// Never in practice: the syntax is fixed.
pub(in crate::mail) fn empty(fuel: u64) -> Result<Environment<'static>, RenderError> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(fuel));
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_recursion_limit(DEEPEST);
    // What people typed is never HTML, whatever a template says of it.
    environment.remove_filter("safe");
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
        .map_err(|error| RenderError::of(&error, "syntax"))?;
    environment.set_syntax(syntax);
    environment.set_auto_escape_callback(|name| {
        if name.ends_with(".html") {
            AutoEscape::Html
        } else {
            AutoEscape::None
        }
    });
    add_filters(&mut environment);
    Ok(environment)
}

/// Adds a template, which replaces one of the same name.
///
/// # Errors
/// When it does not compile.
pub(in crate::mail) fn add(
    environment: &mut Environment<'static>,
    name: &str,
    source: &str,
) -> Result<(), RenderError> {
    let added = environment.add_template_owned(name.to_string(), source.to_string());
    added.map_err(|error| RenderError::of(&error, name))
}

/// The templates that are compiled in.
static BUILT_IN: LazyLock<Result<Environment<'static>, RenderError>> = LazyLock::new(|| {
    let mut environment = empty(FUEL)?;
    for (name, source) in files::ALL {
        add(&mut environment, name, source)?;
    }
    Ok(environment)
});

/// The templates that are compiled in.
///
/// # Errors
/// When one of them does not compile, which a test rules out.
pub(in crate::mail) fn built_in() -> Result<&'static Environment<'static>, RenderError> {
    BUILT_IN.as_ref().map_err(Clone::clone)
}

/// Fills one template.
pub(in crate::mail) fn fill(
    environment: &Environment<'static>,
    name: &str,
    context: &Value,
    bounds: Bounds,
) -> Result<String, RenderError> {
    let template = environment.get_template(name);
    let template = template.map_err(|error| RenderError::of(&error, name))?;
    let mut page = Page {
        bytes: Vec::new(),
        longest: bounds.longest,
        is_full: false,
    };
    let filled = template.render_captured_to(context.clone(), &mut page);
    let outcome = filled.map(drop);
    if page.is_full {
        return Err(RenderError {
            template: name.to_string(),
            line: None,
            reason: format!("writes more than {} KiB", bounds.longest / 1024),
            is_excess: true,
        });
    }
    outcome.map_err(|error| RenderError::of(&error, name))?;
    String::from_utf8(page.bytes).map_err(|_| RenderError {
        template: name.to_string(),
        line: None,
        reason: "writes what is not text".to_string(),
        is_excess: false,
    })
}

/// What is written, up to the longest that may be.
struct Page {
    bytes: Vec<u8>,
    longest: usize,
    is_full: bool,
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.longest {
            self.is_full = true;
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn add_filters(environment: &mut Environment<'static>) {
    // A moment in the reader's zone, or in another: `due_at|moment(zone=contract_zone)`.
    environment.add_filter(
        "moment",
        |state: &State, at: Serde<Moment>, options: Kwargs| {
            let zone = match options.get::<Option<Value>>("zone")? {
                Some(zone) => read::<Zone>(&zone)?,
                None => reader_zone(state)?,
            };
            options.assert_all_used()?;
            Ok::<_, Error>(wording::moment(*at, zone, language(state)?))
        },
    );
    // The same moment in the contract's zone; empty where its wall clock shows the same.
    environment.add_filter("there", |state: &State, at: Serde<Moment>| {
        let (here, there) = (reader_zone(state)?, named::<Zone>(state, "contract_zone")?);
        let differs = at.in_zone(here.0).naive_local() != at.in_zone(there.0).naive_local();
        Ok::<_, Error>(if differs {
            wording::moment(*at, there, language(state)?)
        } else {
            String::new()
        })
    });
    environment.add_filter("moment_short", |state: &State, at: Serde<Moment>| {
        Ok::<_, Error>(wording::moment_short(
            *at,
            reader_zone(state)?,
            language(state)?,
        ))
    });
    environment.add_filter(
        "date",
        |state: &State, at: Serde<Moment>, zone: Serde<Zone>| {
            Ok::<_, Error>(wording::date(*at, *zone, language(state)?))
        },
    );
    environment.add_filter("duration", |state: &State, length: Micros| {
        Ok::<_, Error>(wording::duration(length, language(state)?))
    });
    environment.add_filter("percent", wording::percent);
    environment.add_filter("purpose", |state: &State, purpose: Serde<Purpose>| {
        Ok::<_, Error>(wording::purpose(*purpose, language(state)?))
    });
    environment.add_filter("metric", |state: &State, metric: Serde<Metric>| {
        Ok::<_, Error>(wording::metric(*metric, language(state)?))
    });
    environment.add_filter("subject_of", |state: &State, clock: Serde<ClockFacts>| {
        Ok::<_, Error>(wording::subject_of(&clock, language(state)?))
    });
    environment.add_filter("event", |state: &State, kind: Serde<EventKind>| {
        Ok::<_, Error>(wording::event(*kind, language(state)?))
    });
    environment.add_filter("promise", |state: &State, promised: Serde<Promised>| {
        Ok::<_, Error>(wording::promise(&promised, language(state)?))
    });
    environment.add_filter("trigger", |state: &State, trigger: Serde<Trigger>| {
        Ok::<_, Error>(wording::trigger(&trigger, language(state)?))
    });
    environment.add_filter("standing", |state: &State, clock: Serde<ClockFacts>| {
        Ok::<_, Error>(wording::standing(
            &clock,
            reader_zone(state)?,
            language(state)?,
        ))
    });
    // By how much a clock or a breach is late; empty where it is not.
    environment.add_filter("lateness", |state: &State, late: Value| {
        let open = read::<Option<Micros>>(&late.get_attr("late_open")?)?;
        let elapsed = read::<Option<Micros>>(&late.get_attr("late_elapsed")?)?;
        Ok::<_, Error>(wording::lateness(open, elapsed, language(state)?))
    });
    environment.add_filter("is_overdue", |clock: Serde<ClockFacts>| {
        wording::is_overdue(&clock)
    });
    environment.add_filter("sentence", sentence);
    environment.add_filter(
        "explained",
        |state: &State, explanation: Serde<ExplanationFacts>| {
            let rows = explanation.told(language(state)?, reader_zone(state)?);
            Ok::<_, Error>(Value::from(Serde(rows)))
        },
    );
    environment.add_filter(
        "explained_text",
        |state: &State, explanation: Serde<ExplanationFacts>| {
            Ok::<_, Error>(explanation.text(language(state)?, reader_zone(state)?))
        },
    );
    environment.add_filter("line", |text: String| line(&text));
    environment.add_filter("quoted", |text: String| quoted(&text));
    environment.add_filter("plain", |text: String| plain(&text));
}

fn language(state: &State) -> Result<Locale, Error> {
    named(state, "language")
}

fn reader_zone(state: &State) -> Result<Zone, Error> {
    named(state, "zone")
}

fn named<T: DeserializeOwned>(state: &State, name: &str) -> Result<T, Error> {
    read(&state.lookup(name).unwrap_or_default())
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Error> {
    T::deserialize(value)
}
