//! Whom a step tells: found in the contract and among the people at the moment it is taken.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{CaseFacts, Scene};
use crate::domain::ContactId;
use crate::domain::calendar::{Calendar, Hours, Layer, Week, Window};
use crate::domain::ladder::{Hold, Step, Target};
use crate::domain::letter::{Recipient, Side, Told};
use crate::domain::person::{Person, Role};
use crate::domain::rota::{Roster, RotaName};
use crate::domain::team::TeamName;
use crate::domain::vendor::Contact;
use crate::domain::webhook::{Webhook, WebhookName};
use crate::error::Result;
use crate::store::{self, Conn};
use crate::time::Moment;

/// Somebody a step tells.
#[derive(Clone, Debug)]
pub(super) struct Addressee {
    pub(super) recipient: Recipient,
    pub(super) contact: Option<Contact>,
    /// Whom the step names, where this is the webhook that gets one message for all of them.
    pub(super) stands_for: Option<Arc<[Told]>>,
    /// Whether this is who is on duty: in hours, or the fallback whatever the hour.
    pub(super) on_duty: bool,
}

impl Addressee {
    pub(super) fn contact_id(&self) -> Option<ContactId> {
        self.contact.as_ref().map(|contact| contact.id)
    }

    fn ours(person: &Person) -> Self {
        Self {
            recipient: Recipient::from(person),
            contact: None,
            stands_for: None,
            on_duty: false,
        }
    }

    pub(super) fn vendor(case: &CaseFacts, contact: &Contact) -> Self {
        Self {
            recipient: Recipient {
                name: contact.name.clone(),
                email: contact.email.clone(),
                locale: contact.locale.unwrap_or(case.vendor.locale),
                time_zone: contact.time_zone.unwrap_or(case.vendor.time_zone),
                side: Side::Vendor,
            },
            contact: Some(contact.clone()),
            stands_for: None,
            on_duty: false,
        }
    }
}

/// The contract's owner: one of us, or an address with the contract's zone.
pub(super) fn owner(case: &CaseFacts) -> Addressee {
    match &case.owner {
        Some(person) => Addressee::ours(person),
        None => Addressee {
            recipient: Recipient::of_address(&case.contract.owner, case.contract.time_zone),
            contact: None,
            stands_for: None,
            on_duty: false,
        },
    }
}

/// People as they are looked for, each found once.
#[derive(Default)]
pub(super) struct People {
    by_email: HashMap<String, Option<Arc<Person>>>,
    by_role: HashMap<Role, Arc<[Person]>>,
    webhooks: HashMap<WebhookName, Option<Arc<Webhook>>>,
    teams: HashMap<TeamName, Arc<[Person]>>,
    rotas: HashMap<RotaName, Option<Arc<Roster>>>,
}

impl People {
    /// The person of that address, if there is one.
    pub(super) fn with_email(
        &mut self,
        conn: &mut Conn,
        email: &str,
    ) -> Result<Option<Arc<Person>>> {
        if let Some(known) = self.by_email.get(email) {
            return Ok(known.clone());
        }
        let found = store::person::with_email(conn, email)?.map(Arc::new);
        self.by_email.insert(email.to_string(), found.clone());
        Ok(found)
    }

    fn of_role(&mut self, conn: &mut Conn, role: Role) -> Result<Arc<[Person]>> {
        if let Some(known) = self.by_role.get(&role) {
            return Ok(Arc::clone(known));
        }
        let found: Arc<[Person]> = store::person::of_role(conn, role)?.into();
        self.by_role.insert(role, Arc::clone(&found));
        Ok(found)
    }
}

impl People {
    /// The webhook of that name, if it is in use.
    fn webhook(&mut self, conn: &mut Conn, name: &WebhookName) -> Result<Option<Arc<Webhook>>> {
        if let Some(known) = self.webhooks.get(name) {
            return Ok(known.clone());
        }
        let found = store::webhook::named(conn, name)?;
        let found = found.filter(|webhook| webhook.enabled).map(Arc::new);
        self.webhooks.insert(name.clone(), found.clone());
        Ok(found)
    }

    /// The members of the team of that name; of one that is retired or not there nobody.
    fn of_team(&mut self, conn: &mut Conn, name: &TeamName) -> Result<Arc<[Person]>> {
        if let Some(known) = self.teams.get(name) {
            return Ok(Arc::clone(known));
        }
        let team = store::team::named(conn, name)?.filter(|team| team.active);
        let found: Arc<[Person]> = match team {
            Some(team) => store::team::members(conn, &[team.id])?
                .remove(&team.id)
                .unwrap_or_default()
                .into(),
            None => Arc::new([]),
        };
        self.teams.insert(name.clone(), Arc::clone(&found));
        Ok(found)
    }

    /// The rota of that name with its people, if there is one.
    fn roster(&mut self, conn: &mut Conn, name: &RotaName) -> Result<Option<Arc<Roster>>> {
        if let Some(known) = self.rotas.get(name) {
            return Ok(known.clone());
        }
        let found = match store::rota::named(conn, name)? {
            Some(rota) => Some(Arc::new(store::rota::roster(conn, rota)?)),
            None => None,
        };
        self.rotas.insert(name.clone(), found.clone());
        Ok(found)
    }
}

/// Everyone a step tells that is taken `at` that moment: its audience, where it is told by mail, and its
/// webhooks that are in use. These count as ours.
pub(super) fn of_step(
    conn: &mut Conn,
    people: &mut People,
    scene: &Scene<'_>,
    case: &CaseFacts,
    step: &Step,
    at: Moment,
) -> Result<Vec<Addressee>> {
    let named = of_targets(conn, people, scene, case, &step.to, at)?;
    let mut hooks = Vec::new();
    for name in step.webhooks() {
        if let Some(webhook) = people.webhook(conn, name)? {
            hooks.push(webhook);
        }
    }
    if hooks.is_empty() {
        return Ok(if step.by_mail() { named } else { Vec::new() });
    }
    let told: Arc<[Told]> = named.iter().map(told).collect();
    let mut all = if step.by_mail() { named } else { Vec::new() };
    all.extend(hooks.iter().map(|webhook| Addressee {
        recipient: webhook.recipient(),
        contact: None,
        stands_for: Some(Arc::clone(&told)),
        on_duty: false,
    }));
    Ok(all)
}

/// How others are told of somebody.
pub(super) fn told(of: &Addressee) -> Told {
    Told {
        name: of.recipient.name.clone(),
        email: of.recipient.email.clone(),
        side: of.recipient.side,
    }
}

/// Everyone the targets name `at` that moment, each address once, in the order of the targets.
pub(super) fn of_targets(
    conn: &mut Conn,
    people: &mut People,
    scene: &Scene<'_>,
    case: &CaseFacts,
    targets: &[Target],
    at: Moment,
) -> Result<Vec<Addressee>> {
    let mut found: Vec<Addressee> = Vec::new();
    for target in targets {
        match target {
            Target::VendorRung(rung) => {
                let on_rung = case.contacts.iter().filter(|contact| contact.rung == *rung);
                found.extend(on_rung.map(|contact| Addressee::vendor(case, contact)));
            }
            Target::Owner => found.push(owner(case)),
            Target::Reporter if scene.reporter.active => {
                found.push(Addressee::ours(scene.reporter))
            }
            Target::Reporter => {}
            Target::Role(role) => {
                let of_role = people.of_role(conn, *role)?;
                let active = of_role.iter().filter(|person| person.active);
                found.extend(active.map(Addressee::ours));
            }
            Target::Person(email) => {
                let person = people.with_email(conn, email)?;
                let active = person.iter().filter(|person| person.active);
                found.extend(active.map(|person| Addressee::ours(person)));
            }
            Target::Team(name) => {
                let members = people.of_team(conn, name)?;
                let active = members.iter().filter(|person| person.active);
                found.extend(active.map(Addressee::ours));
            }
            Target::OnDuty(name) => {
                let roster = people.roster(conn, name)?;
                let on_duty = roster.as_ref().and_then(|roster| roster.on_duty(at));
                found.extend(on_duty.map(|person| Addressee {
                    on_duty: true,
                    ..Addressee::ours(person)
                }));
            }
        }
    }
    // Who is on duty is told as such, whatever else of the step names the same address.
    let spelled = |addressee: &Addressee| addressee.recipient.email.to_lowercase();
    let on_duty: HashSet<String> = found
        .iter()
        .filter(|addressee| addressee.on_duty)
        .map(spelled)
        .collect();
    let mut seen = HashSet::new();
    found.retain(|addressee| seen.insert(spelled(addressee)));
    for addressee in &mut found {
        addressee.on_duty = on_duty.contains(&spelled(addressee));
    }
    Ok(found)
}

/// The moment from which a letter of that step may leave for that recipient: at once, or when the
/// recipient's own hours begin. A contact's hours are those of its calendar; whoever is on duty is in hours
/// by the rota; everyone else's are taken to be 09:00 to 17:00 from Monday to Friday in their own zone.
pub(super) fn not_before(
    scene: &Scene<'_>,
    step: &Step,
    addressee: &Addressee,
    now: Moment,
) -> Moment {
    // A chat has no hours.
    if step.hold == Hold::AtOnce || addressee.stands_for.is_some() || addressee.on_duty {
        return now;
    }
    let calendar = addressee
        .contact
        .as_ref()
        .and_then(|contact| contact.calendar_id);
    let opening = match calendar {
        Some(id) => scene.book.latest(id).calendar.next_opening(now),
        None => usual_hours(addressee).next_opening(now),
    };
    // Hours that never come must not keep a breach from being told.
    opening.unwrap_or_else(|error| {
        tracing::warn!(recipient = addressee.recipient.email, %error, "a letter does not wait for hours that never come");
        now
    })
}

fn usual_hours(addressee: &Addressee) -> Calendar {
    let windows: Vec<Window> = Window::parse("09:00", "17:00").into_iter().collect();
    let hours = Hours {
        time_zone: addressee.recipient.time_zone.0,
        week: Week::working_days(&windows),
        exceptions: Vec::new(),
    };
    Calendar::new(&addressee.recipient.name, vec![Layer { from: None, hours }])
}
