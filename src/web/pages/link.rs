//! Answers by the signed links of letters: a page that says what a link would record, and the button that
//! does it. Opening a page changes nothing, so that a mail scanner that follows links changes nothing.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::page;
use super::session::network_address;
use crate::actions::link::{self, Opened, Refusal, Subject, Told, UsedBy};
use crate::domain::CaseId;
use crate::domain::clock::ClockRow;
use crate::domain::letter::Recipient;
use crate::domain::link::{Purpose, Said, VENDOR_PATH};
use crate::domain::locale::Locale;
use crate::domain::timeline::Event;
use crate::domain::words::{ClockState, Metric};
use crate::error::Error;
use crate::mail::wording;
use crate::time::Moment;
use crate::web::error::{Answer, Fault, again, refused_link};
use crate::web::form::Form;
use crate::web::state::{State, block};

/// A language and a zone to write a page in.
#[derive(Clone, Copy)]
struct Reader<'a> {
    to: &'a Recipient,
}

impl Reader<'_> {
    /// The sentence in the reader's language.
    fn t<'t>(&self, english: &'t str, chinese: &'t str) -> &'t str {
        match self.to.locale {
            Locale::En => english,
            Locale::ZhCn => chinese,
        }
    }

    fn lang(&self) -> &'static str {
        self.to.locale.as_str()
    }

    fn moment(&self, at: &Moment) -> String {
        wording::moment(*at, self.to.time_zone, self.to.locale)
    }

    fn purpose(&self, purpose: &Purpose) -> &'static str {
        wording::purpose(*purpose, self.to.locale)
    }

    /// What stands on the timeline afterwards.
    fn recorded(&self, purpose: &Purpose) -> &'static str {
        purpose
            .records()
            .map_or("", |kind| wording::event(kind, self.to.locale))
    }
}

/// A deadline of a case.
struct ClockLine {
    name: &'static str,
    clause: String,
    due: String,
    state: String,
    is_late: bool,
}

impl ClockLine {
    fn of(clock: &ClockRow, reader: Reader<'_>) -> Self {
        let moment = |at: Moment| reader.moment(&at);
        let is_late = clock.breached_at.is_some();
        let done = clock.stopped_at.map(moment).unwrap_or_default();
        let state = match clock.state {
            ClockState::Pending => reader.t("not begun yet", "尚未开始").to_string(),
            ClockState::Running if is_late => reader
                .t("overdue and still open", "已逾期，尚未完成")
                .to_string(),
            ClockState::Running => reader.t("open", "计时中").to_string(),
            ClockState::Paused => reader.t("the clock is paused", "计时暂停中").to_string(),
            ClockState::Awaiting => reader
                .t("done; our confirmation is awaited", "已完成，待我方确认")
                .to_string(),
            ClockState::Met => format!("{} {done}", reader.t("met,", "已按期完成，")),
            ClockState::Missed => {
                format!(
                    "{} {done}",
                    reader.t("missed; done", "未按期完成；实际完成")
                )
            }
            ClockState::Cancelled => reader.t("no longer asked for", "已不再要求").to_string(),
        };
        Self {
            name: wording::metric(clock.metric, reader.to.locale),
            clause: clock.clause.clone(),
            due: clock
                .breached_at
                .or(clock.due_at)
                .map(moment)
                .unwrap_or_default(),
            state,
            is_late,
        }
    }

    fn all(subject: &Subject, reader: Reader<'_>) -> Vec<Self> {
        let clocks = subject.clocks.iter();
        clocks
            // Lost data is an amount, which no deadline bounds.
            .filter(|clock| {
                clock.state != ClockState::Cancelled && clock.metric != Metric::DataLoss
            })
            .map(|clock| Self::of(clock, reader))
            .collect()
    }
}

#[derive(Template)]
#[template(path = "link/ask.html")]
struct AskPage<'a> {
    r: Reader<'a>,
    opened: &'a Opened,
    subject: &'a Subject,
    incident: String,
    purpose: Purpose,
    clocks: Vec<ClockLine>,
    form: Form,
    request_id: String,
    /// Where all open incidents are; empty for a link to one answer.
    back: String,
    is_ours: bool,
}

#[derive(Template)]
#[template(path = "link/done.html")]
struct DonePage<'a> {
    r: Reader<'a>,
    vendor: &'a str,
    incident: String,
    title: &'a str,
    purpose: Purpose,
    said: &'a Said,
    at: Moment,
    seq: i64,
    back: String,
    is_ours: bool,
}

#[derive(Template)]
#[template(path = "link/refused.html")]
struct RefusedPage<'a> {
    r: Reader<'a>,
    refusal: &'a Refusal,
    told: Option<&'a Told>,
    used: Option<&'a UsedBy>,
    used_for: &'static str,
}

#[derive(Template)]
#[template(path = "link/vendor.html")]
struct VendorPage<'a> {
    r: Reader<'a>,
    vendor: &'a str,
    link: String,
    cases: Vec<CasePart<'a>>,
}

impl RefusedPage<'_> {
    fn incident(&self) -> &str {
        self.told.map_or("", |told| &told.incident)
    }
}

struct CasePart<'a> {
    subject: &'a Subject,
    incident: String,
    clocks: Vec<ClockLine>,
}

/// Asks for what a link is for.
pub async fn ask(request: HttpRequest, state: Data<State>, key: Path<String>) -> Answer {
    let opened = match opened(&request, &state, &key, false).await? {
        Ok((opened, _)) => opened,
        Err(refused) => return Ok(refused),
    };
    let purpose = opened.token.purpose;
    ask_page(
        &opened,
        &opened.subject,
        purpose,
        Form::default(),
        String::new(),
    )
}

/// Records it.
pub async fn record(
    request: HttpRequest,
    state: Data<State>,
    key: Path<String>,
    form: Form,
) -> Answer {
    let (opened, now) = match opened(&request, &state, &key, false).await? {
        Ok(found) => found,
        Err(refused) => return Ok(refused),
    };
    let what = What {
        subject: &opened.subject,
        purpose: opened.token.purpose,
        occasion: String::new(),
        back: String::new(),
    };
    recorded(&request, &state, &opened, what, form, now).await
}

/// The vendor's own open incidents.
pub async fn vendor(request: HttpRequest, state: Data<State>, key: Path<String>) -> Answer {
    let opened = match opened(&request, &state, &key, true).await? {
        Ok((opened, _)) => opened,
        Err(refused) => return Ok(refused),
    };
    let (store, id) = (state.store.clone(), opened.vendor.id);
    let mut subjects = block(move || store.read(|conn| link::open_cases(conn, id))).await?;
    // The one that the letter is about comes first.
    subjects.sort_by_key(|subject| (subject.case.id != opened.token.case, subject.case.id));
    let r = Reader { to: &opened.to };
    page(&VendorPage {
        r,
        vendor: &opened.vendor.name,
        link: key.to_string(),
        cases: subjects
            .iter()
            .map(|subject| CasePart {
                incident: subject.incident.id.reference(),
                clocks: ClockLine::all(subject, r),
                subject,
            })
            .collect(),
    })
}

/// Asks for one answer to one of the vendor's open incidents.
pub async fn ask_of_case(
    request: HttpRequest,
    state: Data<State>,
    path: Path<(String, i64, String)>,
) -> Answer {
    let (key, case, purpose) = path.into_inner();
    let (opened, subject, purpose) = match of_case(&request, &state, &key, case, &purpose).await? {
        Ok((opened, subject, purpose, _)) => (opened, subject, purpose),
        Err(refused) => return Ok(refused),
    };
    let back = format!("{VENDOR_PATH}{key}");
    ask_page(&opened, &subject, purpose, Form::default(), back)
}

/// Records it.
pub async fn record_of_case(
    request: HttpRequest,
    state: Data<State>,
    path: Path<(String, i64, String)>,
    form: Form,
) -> Answer {
    let (key, case, purpose) = path.into_inner();
    let found = of_case(&request, &state, &key, case, &purpose).await?;
    let (opened, subject, purpose, now) = match found {
        Ok(found) => found,
        Err(refused) => return Ok(refused),
    };
    let id = form.value("request_id");
    if id.is_empty() || id.len() > 64 {
        return Err(Fault::Malformed(
            "the form names no request; open the page again and send it from there".to_string(),
        ));
    }
    let what = What {
        subject: &subject,
        purpose,
        occasion: id.to_string(),
        back: format!("{VENDOR_PATH}{key}"),
    };
    recorded(&request, &state, &opened, what, form, now).await
}

/// What is to be recorded.
struct What<'a> {
    subject: &'a Subject,
    purpose: Purpose,
    occasion: String,
    back: String,
}

async fn recorded(
    request: &HttpRequest,
    state: &State,
    opened: &Opened,
    what: What<'_>,
    form: Form,
    now: Moment,
) -> Answer {
    let to = &opened.to;
    let said = Said::read(
        what.purpose,
        form.value("name"),
        form.value("remark"),
        form.value("promised_for"),
        (to.time_zone, to.locale),
        now,
    );
    let said = match said {
        Ok(said) => said,
        Err(faults) => return ask_again(opened, &what, form, faults.into()),
    };
    let outcome = {
        let (store, token, actor) = (state.store.clone(), opened.token, link::actor(opened));
        let (purpose, case) = (what.purpose, what.subject.case.id);
        let (said, occasion) = (said.clone(), what.occasion.clone());
        block(move || {
            store.write(actor, move |tx| {
                link::answer(tx, &token, purpose, case, &said, &occasion)
            })
        })
        .await
    };
    let event: Event = match outcome {
        Ok(Ok(event)) => event,
        Ok(Err(refusal)) => return refuse(request, state, &refusal),
        Err(fault @ Fault::Said(Error::Invalid(_) | Error::Refused(_))) => {
            return ask_again(opened, &what, form, fault);
        }
        Err(other) => return Err(other),
    };
    state.links.used.increase();
    tracing::info!(
        letter = opened.letter.id.0,
        purpose = what.purpose.as_str(),
        seq = event.seq,
        "a link was used"
    );
    page(&DonePage {
        r: Reader { to },
        vendor: &opened.vendor.name,
        incident: what.subject.incident.id.reference(),
        title: &what.subject.incident.title,
        purpose: what.purpose,
        said: &said,
        at: event.recorded_at,
        seq: event.seq,
        back: what.back,
        is_ours: what.purpose == Purpose::Take,
    })
}

fn ask_page(
    opened: &Opened,
    subject: &Subject,
    purpose: Purpose,
    form: Form,
    back: String,
) -> Answer {
    let r = Reader { to: &opened.to };
    page(&AskPage {
        r,
        opened,
        subject,
        incident: subject.incident.id.reference(),
        purpose,
        clocks: ClockLine::all(subject, r),
        request_id: form.request_id(),
        form,
        back,
        is_ours: purpose == Purpose::Take,
    })
}

fn ask_again(opened: &Opened, what: &What<'_>, mut form: Form, fault: Fault) -> Answer {
    let r = Reader { to: &opened.to };
    form.errors = fault.fields().to_vec();
    let known = |field: &str| matches!(field, "name" | "remark" | "promised_for");
    if !form.errors.iter().all(|error| known(&error.field)) || form.errors.is_empty() {
        // What the timeline says is written for our own people.
        let said = r.t(
            "This cannot be recorded as things stand now. Please call us, or reply to our letter.",
            "按当前情况无法记录该答复，请致电我方或直接回复我方信件。",
        );
        form.errors = vec![crate::domain::input::FieldError::new("remark", said)];
    }
    let shown = ask_page(opened, what.subject, what.purpose, form, what.back.clone())?;
    Ok(again(&fault, shown))
}

/// What a link opens, or the page that refuses it. A link to the vendor's page serves only there.
async fn opened(
    request: &HttpRequest,
    state: &State,
    text: &str,
    is_view: bool,
) -> Answer<Result<(Opened, Moment), HttpResponse>> {
    let address = network_address(request);
    let (store, throttle) = (state.store.clone(), state.throttle.clone());
    let text = text.to_string();
    let found = block(move || {
        let now = store.now()?;
        if let Err(wait) = throttle.begin_link(&address, now) {
            return Ok(Err(wait));
        }
        let found = store.read(|conn| link::open(conn, &text, now))?;
        if matches!(found, Err(Refusal::Forged)) {
            throttle.link_failed(&address, now);
        }
        Ok(Ok((found, now)))
    })
    .await?;
    let (found, now) = found.map_err(|wait| {
        state.links.refused("throttled");
        Fault::TooMany(wait)
    })?;
    match found {
        Ok(opened) if (opened.token.purpose == Purpose::View) == is_view => Ok(Ok((opened, now))),
        Ok(_) => refuse(request, state, &Refusal::Forged).map(Err),
        Err(refusal) => refuse(request, state, &refusal).map(Err),
    }
}

type OfCase = (Opened, Subject, Purpose, Moment);

async fn of_case(
    request: &HttpRequest,
    state: &State,
    key: &str,
    case: i64,
    purpose: &str,
) -> Answer<Result<OfCase, HttpResponse>> {
    let (opened, now) = match opened(request, state, key, true).await? {
        Ok(found) => found,
        Err(refused) => return Ok(Err(refused)),
    };
    let purpose = purpose
        .parse::<Purpose>()
        .ok()
        .filter(|purpose| Purpose::ANSWERS.contains(purpose))
        .ok_or(Fault::NoSuchPath)?;
    let (store, of) = (state.store.clone(), opened.clone());
    let found = block(move || {
        store.read(|conn| match link::own_case(conn, &of, CaseId(case)) {
            Ok(subject) => Ok(Some(subject)),
            Err(Error::Refused(_)) => Ok(None),
            Err(other) => Err(other),
        })
    })
    .await?;
    match found {
        Some(subject) => Ok(Ok((opened, subject, purpose, now))),
        // Over by now, or never this vendor's: the answer is the same.
        None => {
            let told = Told {
                incident: String::new(),
                to: opened.to,
            };
            refuse(request, state, &Refusal::Over(told)).map(Err)
        }
    }
}

/// The page that says why a link is not good, with the status that fits; counted and logged.
fn refuse(request: &HttpRequest, state: &State, refusal: &Refusal) -> Answer {
    state.links.refused(refusal.word());
    tracing::warn!(
        address = network_address(request),
        reason = refusal.word(),
        "a link was refused"
    );
    // Who sends a link that we did not sign is told nothing, and in the language of the service.
    let anybody = Recipient {
        name: String::new(),
        email: String::new(),
        locale: Locale::En,
        time_zone: crate::domain::zone::Zone::UTC,
        side: crate::domain::letter::Side::Vendor,
    };
    let (told, used) = match refusal {
        Refusal::Forged | Refusal::Masked => (None, None),
        Refusal::Expired(told)
        | Refusal::Revoked(told)
        | Refusal::Removed(told)
        | Refusal::Over(told) => (Some(told), None),
        Refusal::Used(told, used) => (Some(told), Some(used)),
    };
    let to = told.map_or(&anybody, |told| &told.to);
    let shown = page(&RefusedPage {
        r: Reader { to },
        refusal,
        told,
        used,
        used_for: used.map_or("", |used| wording::event(used.kind, to.locale)),
    })?;
    Ok(refused_link(refusal, shown))
}
