//! A copy of a contract and all that its ladder depends on, made from the real database and laid out in
//! a throw-away one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::ground::Ground;
use crate::domain::calendar::KeptOffsets;
use crate::domain::calendar_entry::{CalendarHead, CalendarInput, Revision};
use crate::domain::contract::{Contract, ContractInput};
use crate::domain::go_live::{GoLive, GoLiveInput};
use crate::domain::ladder::Target;
use crate::domain::person::{Person, PersonInput};
use crate::domain::rota::{Roster, RotaEntry};
use crate::domain::team::Team;
use crate::domain::terms::Terms;
use crate::domain::vendor::{Contact, ContactInput, Vendor, VendorInput};
use crate::domain::webhook::{SecretChange, Webhook, WebhookInput, WebhookName};
use crate::domain::{CalendarId, ContractId, PersonId};
use crate::error::Result;
use crate::store::{self, Actor, Conn, Tx};
use crate::time::Moment;

/// A calendar with its revisions, and those that are read by other zone data than that of this build.
struct CalendarCopy {
    head: CalendarHead,
    revisions: Vec<Revision>,
    read_by_others: Vec<(i64, KeptOffsets)>,
}

/// What is copied.
pub(super) struct Copy {
    pub(super) contract: Contract,
    vendor: Vendor,
    contacts: Vec<Contact>,
    terms: Vec<Terms>,
    /// In the order in which they were entered: of two the later counts.
    go_lives: Vec<GoLive>,
    calendars: Vec<CalendarCopy>,
    people: Vec<Person>,
    webhooks: Vec<Webhook>,
    teams: Vec<(Team, Vec<Person>)>,
    rotas: Vec<Roster>,
}

impl Copy {
    /// Reads a contract, every version of its terms, its go-live windows that were entered by `reported_at`,
    /// its vendor, the people, teams and rotas whom its ladders and `emails` name, and the calendars that all
    /// these name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) fn of(
        conn: &mut Conn,
        contract: Contract,
        reported_at: Moment,
        emails: &[String],
    ) -> Result<Self> {
        let vendor = store::vendor::find(conn, contract.vendor_id)?;
        let contacts = store::vendor::contacts(conn, vendor.id)?;
        let terms = store::terms::of_contract(conn, contract.id)?;
        let mut go_lives = store::go_live::of_contract(conn, contract.id)?;
        go_lives.retain(|window| window.withdrawn_at.is_none() && window.entered_at <= reported_at);
        go_lives.sort_by_key(|window| (window.entered_at, window.id));
        let in_windows = go_lives.iter().flat_map(|window| &window.commitments.0);
        let in_windows = in_windows.map(|commitment| commitment.calendar_id);
        let in_terms = terms.iter().flat_map(|terms| terms.promise.calendars());
        let named = in_terms.chain(in_windows);
        let hours = contacts.iter().filter_map(|contact| contact.calendar_id);
        let mut ids: BTreeSet<CalendarId> = named.chain(hours).collect();
        let mut people = BTreeMap::new();
        let mut add = |person: Person| {
            people.insert(person.id, person);
        };
        for email in emails.iter().chain([&contract.owner]) {
            store::person::with_email(conn, email)?
                .into_iter()
                .for_each(&mut add);
        }
        let steps = terms.iter().flat_map(|terms| &terms.promise.ladder);
        let posts = go_lives.iter().flat_map(|window| &window.command_post.0);
        let targets: BTreeSet<&Target> = steps.flat_map(|step| &step.to).chain(posts).collect();
        let (mut teams, mut rotas) = (Vec::new(), Vec::new());
        for target in targets {
            match target {
                Target::Person(email) => store::person::with_email(conn, email)?
                    .into_iter()
                    .for_each(&mut add),
                Target::Role(role) => store::person::of_role(conn, *role)?
                    .into_iter()
                    .for_each(&mut add),
                Target::Team(name) => {
                    if let Some(team) = store::team::named(conn, name)? {
                        let members = store::team::members(conn, &[team.id])?.remove(&team.id);
                        let members = members.unwrap_or_default();
                        members.iter().cloned().for_each(&mut add);
                        teams.push((team, members));
                    }
                }
                Target::OnDuty(name) => {
                    if let Some(rota) = store::rota::named(conn, name)? {
                        let mut roster = store::rota::roster(conn, rota)?;
                        // Marks of refused addresses stay behind; by them these are passed over.
                        roster.turns.retain(|turn| !turn.is_refused);
                        let turns = roster.turns.iter().map(|turn| turn.person.clone());
                        turns.chain([roster.fallback.clone()]).for_each(&mut add);
                        ids.extend(roster.turns.iter().map(|turn| turn.calendar_id));
                        rotas.push(roster);
                    }
                }
                Target::VendorRung(_) | Target::Owner | Target::Reporter => {}
            }
        }
        let mut calendars = Vec::new();
        for id in ids {
            calendars.push(CalendarCopy {
                head: store::calendar::find(conn, id)?,
                revisions: store::calendar::revisions(conn, id)?,
                read_by_others: store::calendar::read_by_others(conn, id)?,
            });
        }
        let named = terms.iter().flat_map(|terms| &terms.promise.ladder);
        let named: BTreeSet<&WebhookName> = named.flat_map(|step| step.webhooks()).collect();
        let mut webhooks = Vec::new();
        for name in named {
            webhooks.extend(store::webhook::named(conn, name)?);
        }
        Ok(Self {
            contract,
            vendor,
            contacts,
            terms,
            go_lives,
            calendars,
            people: people.into_values().collect(),
            webhooks,
            teams,
            rotas,
        })
    }

    /// Lays the copy out, as if everything had been entered before anything happens; gives the
    /// contract's key there.
    ///
    /// # Errors
    /// When the database does not take it.
    pub(super) fn lay_out(self, ground: &Ground) -> Result<ContractId> {
        ground
            .store
            .write(Actor::Operator, move |tx| self.write(tx))
    }

    fn write(self, tx: &mut Tx<'_>) -> Result<ContractId> {
        let mut people: BTreeMap<PersonId, PersonId> = BTreeMap::new();
        for person in &self.people {
            let input = PersonInput {
                email: person.email.clone(),
                name: person.name.clone(),
                role: person.role,
                time_zone: person.time_zone,
                locale: person.locale,
                active: person.active,
                password: None,
            };
            people.insert(person.id, store::person::insert(tx, &input, None)?);
        }
        for webhook in &self.webhooks {
            // Neither the address nor the secret leaves the real database: nothing is posted there.
            let input = WebhookInput {
                name: webhook.name.clone(),
                address: Some("https://example.invalid/".to_string()),
                preset: webhook.preset,
                secret: SecretChange::Drop,
                locale: webhook.locale,
                time_zone: webhook.time_zone,
                enabled: webhook.enabled,
            };
            store::webhook::insert(tx, &input, None)?;
        }
        let mut keys: BTreeMap<CalendarId, CalendarId> = BTreeMap::new();
        for copied in &self.calendars {
            keys.insert(copied.head.id, calendar(tx, copied)?);
        }
        let key = |id: CalendarId| keys.get(&id).copied().unwrap_or(id);
        self.write_crews(tx, &people, key)?;
        let contact = |contact: &Contact| ContactInput {
            id: None,
            name: contact.name.clone(),
            email: contact.email.clone(),
            rung: i64::from(contact.rung),
            time_zone: contact.time_zone,
            locale: contact.locale,
            calendar_id: contact.calendar_id.map(key),
        };
        let vendor = VendorInput {
            name: self.vendor.name.clone(),
            time_zone: self.vendor.time_zone,
            locale: self.vendor.locale,
            notes: String::new(),
            contacts: self.contacts.iter().map(contact).collect(),
        };
        let vendor = store::vendor::insert(tx, &vendor)?;
        let contract = &self.contract;
        let head = ContractInput {
            reference: contract.reference.clone(),
            title: contract.title.clone(),
            services: contract.services.clone(),
            owner: contract.owner.clone(),
            time_zone: Some(contract.time_zone),
            effective_from: contract.effective_from,
            effective_to: contract.effective_to,
        };
        let id = store::contract::insert(tx, vendor, &head, contract.time_zone)?;
        for terms in &self.terms {
            let mut promise = terms.promise.clone();
            for commitment in &mut promise.commitments {
                let commitment = Arc::make_mut(commitment);
                commitment.calendar_id = key(commitment.calendar_id);
            }
            store::terms::insert(tx, id, terms.effective_from, None, &promise)?;
        }
        let copied = store::contract::find(tx.conn(), id)?;
        for window in &self.go_lives {
            let mut commitments = window.commitments.0.clone();
            for commitment in &mut commitments {
                commitment.calendar_id = key(commitment.calendar_id);
            }
            let input = GoLiveInput {
                name: window.name.clone(),
                starts_at: window.starts_at,
                ends_at: window.ends_at,
                commitments,
                command_post: window.command_post.0.clone(),
            };
            store::go_live::insert(tx, &copied, &input)?;
        }
        Ok(id)
    }

    /// Lays out teams and rotas, among people and calendars that are there under other keys.
    fn write_crews(
        &self,
        tx: &mut Tx<'_>,
        people: &BTreeMap<PersonId, PersonId>,
        calendar: impl Fn(CalendarId) -> CalendarId,
    ) -> Result<()> {
        let person = |of: &Person| people.get(&of.id).copied().unwrap_or(of.id);
        for (team, members) in &self.teams {
            let members: Vec<PersonId> = members.iter().map(person).collect();
            store::team::insert(tx, &team.name, team.active, &members)?;
        }
        for roster in &self.rotas {
            let turns = roster.turns.iter().map(|turn| RotaEntry {
                person_id: person(&turn.person),
                calendar_id: calendar(turn.calendar_id),
            });
            let entries: Vec<RotaEntry> = turns.collect();
            let (rota, fallback) = (&roster.rota, person(&roster.fallback));
            store::rota::insert(tx, &rota.name, rota.active, &entries, fallback)?;
        }
        Ok(())
    }
}

fn calendar(tx: &mut Tx<'_>, copied: &CalendarCopy) -> Result<CalendarId> {
    let head = &copied.head;
    let Some((first, later)) = copied.revisions.split_first() else {
        return Err(crate::error::Error::not_found("calendar", head.id));
    };
    let input = CalendarInput {
        name: head.name.clone(),
        hours: first.hours.clone(),
        correction: false,
    };
    let id = store::calendar::insert(tx, &input)?;
    for (number, revision) in (1_i64..).zip(later) {
        store::calendar::revise(
            tx,
            id,
            number,
            &head.name,
            revision.from_date,
            &revision.hours,
            revision.name.as_deref(),
        )?;
    }
    for (number, revision) in (1_i64..).zip(&copied.revisions) {
        let kept = |(kept, _): &&(i64, KeptOffsets)| *kept == revision.revision;
        if let Some((_, kept)) = copied.read_by_others.iter().find(kept) {
            store::calendar::read_by(tx, id, number, revision.hours.time_zone, kept)?;
        }
    }
    Ok(id)
}
