//! Vendors and their contacts.

use actix_web::web::{Data, Path};
use askama::Template;
use serde_json::{Value, json};

use super::{Choice, language, page, try_again};
use crate::actions;
use crate::domain::locale::Locale;
use crate::domain::refused_address::mark_of;
use crate::domain::vendor::{Contact, Vendor, VendorInput, rung_name};
use crate::domain::zone::Zone;
use crate::domain::{ContactId, LetterId, VendorId};
use crate::error::{Error, Result};
use crate::store::vendor::VendorLine;
use crate::store::{Conn, calendar, contract, refused_address, vendor};
use crate::web::access::{Access, Caller};
use crate::web::error::Answer;
use crate::web::form::{Form, Row, Shape};
use crate::web::frame::Frame;
use crate::web::idempotency::{Done, act_once};
use crate::web::pages::contract::ContractRow;
use crate::web::paging::Paging;
use crate::web::shown::{Reader, Shown};
use crate::web::state::{State, block, read};

const SHAPE: Shape = Shape {
    numbers: &["id", "rung", "calendar_id"],
    flags: &[],
    lists: &[],
};

/// What makes a row of the form more than a blank one.
const CONTACT_TEXTS: &[&str] = &["id", "name", "email"];

/// Contracts on a vendor's page; the list of contracts has them all.
const MOST_CONTRACTS: i64 = 100;

#[derive(Template)]
#[template(path = "vendor/list.html")]
struct ListPage {
    frame: Frame,
    vendors: Vec<Line>,
    may_enter: bool,
    first: &'static str,
    next: String,
}

struct Line {
    vendor: Vendor,
    language: &'static str,
    contacts: i64,
    contracts: i64,
}

impl From<VendorLine> for Line {
    fn from(line: VendorLine) -> Self {
        Self {
            language: language(line.vendor.locale),
            vendor: line.vendor,
            contacts: line.contacts,
            contracts: line.contracts,
        }
    }
}

/// Lists the vendors in order of name.
pub async fn list(state: Data<State>, frame: Frame, caller: Caller, paging: Paging) -> Answer {
    let (after, rows) = (paging.after::<String>()?, paging.rows());
    let is_first = after.is_none();
    let lines = read(&state, move |conn| {
        vendor::lines(conn, after.as_deref(), rows)
    })
    .await?;
    let listing = paging.listing(lines, |line| line.vendor.name.clone());
    page(&ListPage {
        frame,
        may_enter: caller.may(Access::Enter),
        first: if is_first { "" } else { "/vendors" },
        next: listing
            .next
            .map_or_else(String::new, |cursor| format!("/vendors?cursor={cursor}")),
        vendors: listing.items.into_iter().map(Line::from).collect(),
    })
}

#[derive(Template)]
#[template(path = "vendor/show.html")]
struct ShowPage {
    frame: Frame,
    vendor: Vendor,
    language: &'static str,
    contacts: Vec<ContactRow>,
    contracts: Vec<ContractRow>,
    may_enter: bool,
}

struct ContactRow {
    contact: Contact,
    /// What its rung is called.
    rung: &'static str,
    /// Where the contact sits, as letters take it.
    zone: Zone,
    /// The language of letters.
    language: &'static str,
    /// Key and name of the calendar of the contact's hours.
    hours: Option<(i64, String)>,
    /// That a mail server refuses the address, if it does.
    refused: Option<Refusal>,
}

struct Refusal {
    at: Shown,
    answer: String,
    letter: LetterId,
    /// Names the form that says that the address works again.
    request_id: String,
}

/// Shows a vendor.
pub async fn show(state: Data<State>, frame: Frame, caller: Caller, key: Path<String>) -> Answer {
    let (store, zone) = (state.store.clone(), caller.time_zone);
    let (vendor, contacts, contracts) = block(move || {
        let now = store.now()?;
        store.read(|conn| {
            let vendor = vendor::find_by_key(conn, &key)?;
            let contacts = contact_rows(conn, &vendor, Reader { zone: *zone, now })?;
            let contracts = contract::page(conn, Some(vendor.id), None, MOST_CONTRACTS)?;
            let contracts = contracts
                .into_iter()
                .map(|line| ContractRow::new(line, now));
            Ok((vendor, contacts, contracts.collect()))
        })
    })
    .await?;
    page(&ShowPage {
        frame,
        language: language(vendor.locale),
        vendor,
        contacts,
        contracts,
        may_enter: caller.may(Access::Enter),
    })
}

fn contact_rows(conn: &mut Conn, vendor: &Vendor, reader: Reader) -> Result<Vec<ContactRow>> {
    let contacts = vendor::contacts(conn, vendor.id)?;
    let emails = contacts.iter().map(|contact| contact.email.as_str());
    let refused = refused_address::of(conn, emails)?;
    let calendars = calendar::all(conn)?;
    let name_of = |id| {
        let found = calendars.iter().find(|calendar| calendar.id == id);
        found.map(|calendar| (calendar.id.0, calendar.name.clone()))
    };
    Ok(contacts
        .into_iter()
        .map(|contact| ContactRow {
            zone: contact.time_zone.unwrap_or(vendor.time_zone),
            language: language(contact.locale.unwrap_or(vendor.locale)),
            rung: rung_name(contact.rung),
            hours: contact.calendar_id.and_then(name_of),
            refused: mark_of(&refused, &contact.email).map(|mark| Refusal {
                at: reader.sees_here(mark.refused_at),
                answer: mark.answer.clone(),
                letter: mark.letter_id,
                request_id: Form::default().request_id(),
            }),
            contact,
        })
        .collect())
}

/// Somebody says that the address of a contact works again.
pub async fn works(
    state: Data<State>,
    caller: Caller,
    path: Path<(String, ContactId)>,
    form: Form,
) -> Answer {
    let (key, contact) = path.into_inner();
    act_once(&state, &caller, form.once(), move |tx| {
        let vendor = vendor::find_by_key(tx.conn(), &key)?;
        let contacts = vendor::contacts(tx.conn(), vendor.id)?;
        let found = contacts.into_iter().find(|one| one.id == contact);
        let found = found.ok_or_else(|| Error::not_found("contact", contact))?;
        actions::refused_address::lift(tx, &found.email)?;
        Ok(Done::go(
            format!("/vendors/{}", vendor.id),
            format!("{} is not marked any more.", found.email),
        ))
    })
    .await
}

#[derive(Template)]
#[template(path = "vendor/form.html")]
struct FormPage {
    frame: Frame,
    form: Form,
    title: String,
    action: String,
    over: String,
    over_href: String,
    is_edit: bool,
    languages: Vec<Choice>,
    rungs: Vec<Choice>,
    calendars: Vec<Choice>,
}

impl FormPage {
    /// The row that the script copies.
    fn model(&self) -> (Form, Row) {
        (Form::default(), Row::model("contacts"))
    }
}

/// The form; `vendor` is the one that is edited.
async fn form_page(state: &State, frame: Frame, mut form: Form, vendor: Option<&Vendor>) -> Answer {
    let calendars = read(state, calendar::all).await?;
    if form.rows("contacts").is_empty() {
        form.add_row("contacts");
    }
    page(&FormPage {
        frame,
        form,
        title: vendor.map_or("Add a vendor".into(), |vendor| {
            format!("Edit {}", vendor.name)
        }),
        action: vendor.map_or("/vendors".into(), |vendor| {
            format!("/vendors/{}", vendor.id)
        }),
        over: vendor.map_or("Vendors".into(), |vendor| vendor.name.clone()),
        over_href: vendor.map_or("/vendors".into(), |vendor| {
            format!("/vendors/{}", vendor.id)
        }),
        is_edit: vendor.is_some(),
        languages: Choice::languages(),
        rungs: (1..=4)
            .map(|rung| Choice::new(rung.to_string(), format!("{rung} {}", rung_name(rung))))
            .collect(),
        calendars: calendars
            .into_iter()
            .map(|calendar| Choice::new(calendar.id.to_string(), calendar.name))
            .collect(),
    })
}

/// Asks for a new vendor.
pub async fn new(state: Data<State>, frame: Frame, caller: Caller) -> Answer {
    let form = Form::of_json(&json!({
        "time_zone": caller.time_zone, "locale": Locale::En, "contacts": [{"rung": 1}, {"rung": 2}]
    }));
    form_page(&state, frame, form, None).await
}

/// Enters a vendor.
pub async fn enter(state: Data<State>, frame: Frame, caller: Caller, mut form: Form) -> Answer {
    if form.rows_changed() {
        return form_page(&state, frame, form, None).await;
    }
    let value = entered(&mut form);
    let outcome = act_once(&state, &caller, form.once(), move |tx| {
        let input = VendorInput::read(&value)?;
        let id = actions::vendor::enter(tx, &input)?;
        Ok(Done::go(
            format!("/vendors/{id}"),
            format!("{} was entered.", input.name),
        ))
    })
    .await;
    try_again(outcome, form, async |form| {
        form_page(&state, frame, form, None).await
    })
    .await
}

/// Shows a vendor to be edited.
pub async fn change(state: Data<State>, frame: Frame, key: Path<String>) -> Answer {
    let (vendor, contacts) = read(&state, move |conn| {
        let vendor = vendor::find_by_key(conn, &key)?;
        let contacts = vendor::contacts(conn, vendor.id)?;
        Ok((vendor, contacts))
    })
    .await?;
    let mut form = Form::of_json(&json!({
        "name": vendor.name, "time_zone": vendor.time_zone, "locale": vendor.locale,
        "notes": vendor.notes, "contacts": contacts,
    }));
    form.set("_version", vendor.version.to_string());
    form_page(&state, frame, form, Some(&vendor)).await
}

/// Edits a vendor.
pub async fn edit(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    key: Path<String>,
    mut form: Form,
) -> Answer {
    let vendor = read(&state, move |conn| vendor::find_by_key(conn, &key)).await?;
    if form.rows_changed() {
        return form_page(&state, frame, form, Some(&vendor)).await;
    }
    let version = form.value("_version").parse().unwrap_or_default();
    let (id, value): (VendorId, Value) = (vendor.id, entered(&mut form));
    let outcome = act_once(&state, &caller, form.once(), move |tx| {
        let input = VendorInput::read(&value)?;
        actions::vendor::edit(tx, id, version, &input)?;
        Ok(Done::go(
            format!("/vendors/{id}"),
            format!("{} was changed.", input.name),
        ))
    })
    .await;
    try_again(outcome, form, async |form| {
        form_page(&state, frame, form, Some(&vendor)).await
    })
    .await
}

/// What was entered as the API takes it, without rows that nobody filled in.
fn entered(form: &mut Form) -> Value {
    form.keep_rows("contacts", |form, row| form.has_any(row, CONTACT_TEXTS));
    form.json(&SHAPE)
}
