//! What of a ladder will not work when an incident comes; said before one does.

use std::sync::Arc;

use serde::Serialize;

use super::ladder::{Measured, Step, Target as Audience, When};
use super::person::Role;
use super::refused_address::{RefusedAddress, mark_of};
use super::rota::{Roster, Turn};
use super::team::TeamName;
use super::terms::{Commitment, Promise, Target};
use super::vendor::{Contact, rung_name};
use super::webhook::{Webhook, WebhookName};

/// Something about a step of a ladder that will not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LadderWarning {
    /// Number of the step, from 1.
    pub step: usize,
    /// What will not work.
    pub message: String,
}

/// What is said of a step that tells nobody.
const LOST: &str = "it tells nobody and will be skipped";

impl LadderWarning {
    /// Whether the step tells nobody at all.
    pub fn is_lost(&self) -> bool {
        self.message == LOST
    }
}

/// One of us, as far as ladders look for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reachable {
    /// Where letters go.
    pub email: String,
    /// The role.
    pub role: Role,
}

/// A team, as far as ladders look for its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crew {
    /// What ladders call it.
    pub name: TeamName,
    /// Whether it is told anything.
    pub active: bool,
    /// The addresses of its members who are active.
    pub members: Vec<String>,
}

/// Whom ladders find now. Owner and reporter are always there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reach<'a> {
    /// The vendor's contacts.
    pub contacts: &'a [Contact],
    /// Those of us who are active.
    pub people: &'a [Reachable],
    /// The owner's address where it is known.
    pub owner: Option<&'a str>,
    /// Addresses that a mail server refuses.
    pub refused: &'a [RefusedAddress],
    /// All webhooks there are.
    pub webhooks: &'a [Webhook],
    /// All teams that the ladder names and that there are.
    pub teams: &'a [Crew],
    /// All rotas that the ladder names and that there are.
    pub rotas: &'a [Roster],
}

/// Warns of rungs without a contact, roles, people, teams and rotas that are not there or reach nobody,
/// audiences that are empty as a whole, addresses that a mail server refuses, steps that no commitment
/// reaches, and steps that lie before the start of a clock.
pub fn ladder_warnings(promise: &Promise, reach: &Reach<'_>) -> Vec<LadderWarning> {
    let mut warnings = Vec::new();
    for (index, step) in promise.ladder.iter().enumerate() {
        let mut warn = |message| {
            warnings.push(LadderWarning {
                step: index + 1,
                message,
            });
        };
        let missing: Vec<String> = step
            .to
            .iter()
            .filter_map(|target| missing(target, reach))
            .collect();
        let mailed = step.by_mail() && missing.len() < step.to.len();
        let posted = step
            .webhooks()
            .any(|name| useless(name, reach.webhooks).is_none());
        missing.into_iter().for_each(&mut warn);
        step.webhooks()
            .filter_map(|name| useless(name, reach.webhooks))
            .for_each(&mut warn);
        for target in &step.to {
            if let Audience::OnDuty(name) = target
                && let Some(roster) = roster(reach, name.as_str())
            {
                half_reached(roster)
                    .filter(|_| roster.rota.active)
                    .into_iter()
                    .for_each(&mut warn);
            }
        }
        step.to
            .iter()
            .flat_map(|target| unreachable(target, reach))
            .for_each(&mut warn);
        if !mailed && !posted {
            warn(LOST.to_string());
        }
        let commitments: Vec<&Arc<Commitment>> = promise
            .commitments
            .iter()
            .filter(|commitment| step.applies_to(commitment.metric, &commitment.severity))
            .collect();
        if commitments.is_empty() {
            warn(
                "no commitment has its metrics and severities, so it is never reached".to_string(),
            );
        }
        let before_start: Vec<String> = commitments
            .iter()
            .filter(|commitment| lies_before_start(step, commitment.target))
            .map(|commitment| format!("{} {}", commitment.metric, commitment.severity))
            .collect();
        if !before_start.is_empty() {
            warn(format!(
                "it lies before the start of {} and will be skipped there",
                before_start.join(", ")
            ));
        }
    }
    warnings
}

/// Why a message to that webhook will not go, if so.
fn useless(name: &WebhookName, webhooks: &[Webhook]) -> Option<String> {
    match webhooks.iter().find(|webhook| webhook.name == *name) {
        None => Some(format!("there is no webhook {name}")),
        Some(webhook) if !webhook.enabled => Some(match &webhook.disabled_because {
            Some(because) => format!("the webhook {name} is disabled: {because}"),
            None => format!("the webhook {name} is disabled"),
        }),
        Some(_) => None,
    }
}

fn missing(target: &Audience, reach: &Reach<'_>) -> Option<String> {
    let Reach {
        contacts, people, ..
    } = *reach;
    match target {
        Audience::Owner | Audience::Reporter => None,
        Audience::VendorRung(rung) => {
            contacts
                .iter()
                .all(|contact| contact.rung != *rung)
                .then(|| {
                    format!(
                        "the vendor has no contact on rung {rung} ({})",
                        rung_name(*rung)
                    )
                })
        }
        Audience::Role(role) => people
            .iter()
            .all(|person| person.role != *role)
            .then(|| format!("nobody of us has the role {role}")),
        Audience::Person(email) => people
            .iter()
            .all(|person| !person.email.eq_ignore_ascii_case(email))
            .then(|| format!("nobody of us has the address {email}")),
        Audience::Team(name) => match reach.teams.iter().find(|team| team.name == *name) {
            None => Some(format!("there is no team {name}")),
            Some(team) if !team.active => Some(format!("the team {name} is retired")),
            Some(team) if team.members.is_empty() => {
                Some(format!("nobody of the team {name} is here any more"))
            }
            Some(_) => None,
        },
        Audience::OnDuty(name) => match roster(reach, name.as_str()) {
            None => Some(format!("there is no rota {name}")),
            Some(roster) if !roster.rota.active => Some(format!("the rota {name} is retired")),
            Some(roster) => {
                let reached = roster.turns.iter().any(Turn::is_reachable);
                (!reached && !roster.fallback.active)
                    .then(|| format!("nobody of the rota {name} is here any more"))
            }
        },
    }
}

fn roster<'a>(reach: &Reach<'a>, name: &str) -> Option<&'a Roster> {
    let mut rotas = reach.rotas.iter();
    rotas.find(|roster| roster.rota.name.as_str() == name)
}

/// What of a rota in use will not work, though somebody may be told by it.
fn half_reached(roster: &Roster) -> Option<String> {
    let name = &roster.rota.name;
    let reached = roster.turns.iter().any(Turn::is_reachable);
    match (reached, roster.fallback.active) {
        (true, false) => Some(format!(
            "the fallback of the rota {name} is not here any more; while nobody is in hours it reaches nobody"
        )),
        (false, true) => Some(format!(
            "nobody of the entries of the rota {name} can be reached; its fallback gets everything"
        )),
        _ => None,
    }
}

/// Addresses of a target that a mail server refuses, and whether others are left.
fn unreachable(target: &Audience, reach: &Reach<'_>) -> Vec<String> {
    let Reach {
        contacts,
        people,
        owner,
        refused,
        ..
    } = *reach;
    let (emails, place): (Vec<&str>, String) = match target {
        Audience::Reporter => return Vec::new(),
        Audience::Owner => (owner.into_iter().collect(), "for the owner".to_string()),
        Audience::VendorRung(rung) => {
            let on_rung = contacts.iter().filter(|contact| contact.rung == *rung);
            let emails = on_rung.map(|contact| contact.email.as_str()).collect();
            (emails, format!("on rung {rung} ({})", rung_name(*rung)))
        }
        Audience::Role(role) => {
            let of_role = people.iter().filter(|person| person.role == *role);
            let emails = of_role.map(|person| person.email.as_str()).collect();
            (emails, format!("in the role {role}"))
        }
        Audience::Person(email) => (vec![email], "for that person".to_string()),
        Audience::Team(name) => {
            let team = reach.teams.iter().filter(|team| team.name == *name);
            let members = team
                .filter(|team| team.active)
                .flat_map(|team| &team.members);
            let emails = members.map(String::as_str).collect();
            (emails, format!("in the team {name}"))
        }
        Audience::OnDuty(name) => match roster(reach, name.as_str()) {
            Some(roster) if roster.rota.active => {
                let turns = roster.turns.iter().map(|turn| &turn.person);
                let people = turns.chain([&roster.fallback]).filter(|one| one.active);
                let mut emails: Vec<&str> = people.map(|one| one.email.as_str()).collect();
                emails.sort();
                emails.dedup();
                (emails, format!("on the rota {name}"))
            }
            _ => return Vec::new(),
        },
    };
    let marks: Vec<&RefusedAddress> = emails
        .iter()
        .filter_map(|email| mark_of(refused, email))
        .collect();
    let others = if marks.len() == emails.len() {
        format!(", and there is no other {place}")
    } else {
        String::new()
    };
    marks
        .into_iter()
        .map(|mark| {
            format!(
                "mail to {} was refused on {} ({}){others}",
                mark.email,
                mark.refused_at.utc().format("%Y-%m-%d"),
                mark.answer
            )
        })
        .collect()
}

/// Only what is certain: an elapsed offset may reach over closed time, a business day has many hours.
fn lies_before_start(step: &Step, target: Target) -> bool {
    match (step.when, target) {
        (When::BeforeDue(offset, Measured::Open), Target::OpenTime(budget)) => offset > budget,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::terms::{OnReopen, OnSeverityChange, Severity};
    use crate::domain::terms_input::default_ladder;
    use crate::domain::words::Metric;
    use crate::domain::{CalendarId, ContactId, VendorId};
    use crate::time::{HOUR, MINUTE};

    fn promise(ladder: Vec<Step>) -> Promise {
        Promise {
            currency: "EUR".into(),
            monthly_fee: None,
            severities: vec![Severity {
                code: "S1".into(),
                name: "Critical".into(),
                criteria: String::new(),
            }],
            clock_stops: Vec::new(),
            commitments: vec![Arc::new(Commitment {
                clause: "5.1".into(),
                metric: Metric::Respond,
                severity: "S1".into(),
                target: Target::OpenTime(15 * MINUTE),
                calendar_id: CalendarId(1),
                stops: None,
                remedy: String::new(),
            })],
            on_severity_change: OnSeverityChange::FromStart,
            on_reopen: OnReopen::Continue,
            confirmation: None,
            root_cause_from: crate::domain::terms::RootCauseFrom::Resolved,
            ladder,
        }
    }

    fn contact(rung: i32) -> Contact {
        Contact {
            id: ContactId(i64::from(rung)),
            vendor_id: VendorId(1),
            name: "Desk".into(),
            email: "desk@vendor.example".into(),
            rung,
            time_zone: None,
            locale: None,
            calendar_id: None,
        }
    }

    fn warnings_of(
        ladder: Vec<Step>,
        contacts: &[Contact],
        people: &[Reachable],
        owner: Option<&str>,
        refused: &[RefusedAddress],
        webhooks: &[Webhook],
    ) -> Vec<LadderWarning> {
        let reach = Reach {
            contacts,
            people,
            owner,
            refused,
            webhooks,
            ..Reach::default()
        };
        ladder_warnings(&promise(ladder), &reach)
    }

    fn manager() -> Reachable {
        Reachable {
            email: "ann@example.com".into(),
            role: Role::Manager,
        }
    }

    #[test]
    fn a_ladder_that_reaches_everybody_has_no_warning() {
        let contacts = [contact(1), contact(2), contact(3)];
        let warnings = warnings_of(default_ladder(), &contacts, &[manager()], None, &[], &[]);
        assert_eq!(warnings, []);
    }

    #[test]
    fn who_is_missing_is_named_and_an_empty_audience_too() {
        let warnings = warnings_of(default_ladder(), &[contact(1)], &[], None, &[], &[]);
        let said: Vec<_> = warnings
            .iter()
            .map(|w| (w.step, w.message.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                (2, "the vendor has no contact on rung 2 (duty manager)"),
                (3, "the vendor has no contact on rung 3 (account lead)"),
                (3, "nobody of us has the role manager"),
                (3, "it tells nobody and will be skipped"),
            ]
        );
    }

    #[test]
    fn addresses_that_are_refused_are_named_and_whether_others_are_left() {
        let refused = RefusedAddress {
            email: "desk@vendor.example".into(),
            refused_at: crate::time::Moment::parse("2026-11-20T15:52:00Z").unwrap(),
            answer: "550 no such mailbox".into(),
            letter_id: crate::domain::LetterId(7),
        };
        let mut ladder = vec![default_ladder().remove(0)];
        ladder[0].to = vec![Audience::VendorRung(1)];
        let said = |contacts: &[Contact]| -> Vec<String> {
            let refused = std::slice::from_ref(&refused);
            let warnings = warnings_of(
                ladder.clone(),
                contacts,
                &[],
                Some("Desk@vendor.example"),
                refused,
                &[],
            );
            warnings
                .into_iter()
                .map(|warning| warning.message)
                .collect()
        };
        let spelled_otherwise = Contact {
            email: "Desk@Vendor.example".into(),
            ..contact(1)
        };
        let night = Contact {
            email: "night@vendor.example".into(),
            ..contact(1)
        };
        let base = "mail to desk@vendor.example was refused on 2026-11-20 (550 no such mailbox)";
        assert_eq!(
            said(std::slice::from_ref(&spelled_otherwise)),
            [format!(
                "{base}, and there is no other on rung 1 (service desk)"
            )]
        );
        assert_eq!(said(&[spelled_otherwise, night.clone()]), [base]);
        assert_eq!(said(&[night]), [""; 0]);
        ladder[0].to = vec![Audience::Owner];
        let warnings = warnings_of(
            ladder,
            &[],
            &[],
            Some("Desk@vendor.example"),
            std::slice::from_ref(&refused),
            &[],
        );
        assert_eq!(
            warnings[0].message,
            format!("{base}, and there is no other for the owner")
        );
    }

    #[test]
    fn a_webhook_that_is_not_there_or_disabled_is_named() {
        let webhook = |name: &str, enabled| Webhook {
            id: crate::domain::WebhookId(1),
            name: name.parse().unwrap(),
            address: "https://hooks.example.com/x".into(),
            preset: crate::domain::webhook::Preset::Slack,
            secret: None,
            old_secret: None,
            rotated_at: None,
            locale: crate::domain::locale::Locale::En,
            time_zone: crate::domain::zone::Zone::UTC,
            enabled,
            disabled_because: None,
            created_at: crate::time::Moment::default(),
            version: 1,
        };
        let all = [webhook("chat", true), webhook("old", false)];
        let said = |by: &[&str]| -> Vec<String> {
            let mut ladder = vec![default_ladder().remove(0)];
            ladder[0].to = vec![Audience::VendorRung(4)];
            ladder[0].by = by.iter().map(|by| by.parse().unwrap()).collect();
            let warnings = warnings_of(ladder, &[], &[], None, &[], &all);
            warnings.into_iter().map(|one| one.message).collect()
        };
        let rung = "the vendor has no contact on rung 4 (executive)";
        let skipped = "it tells nobody and will be skipped";
        assert_eq!(said(&["webhook:chat"]), [rung]);
        assert_eq!(said(&["email", "webhook:chat"]), [rung]);
        let old = "the webhook old is disabled";
        assert_eq!(said(&["webhook:old"]), [rung, old, skipped]);
        let none = "there is no webhook none";
        assert_eq!(said(&["email", "webhook:none"]), [rung, none, skipped]);
    }

    #[test]
    fn steps_that_are_never_reached_are_said_to_be() {
        let mut ladder = vec![default_ladder().remove(1)];
        ladder[0].to = vec![Audience::Owner];
        ladder[0].when = When::BeforeDue(HOUR, Measured::Open);
        let warnings = warnings_of(ladder.clone(), &[], &[], None, &[], &[]);
        assert_eq!(
            warnings[0].message,
            "it lies before the start of respond S1 and will be skipped there"
        );
        ladder[0].metrics = Some(vec![Metric::Restore]);
        let warnings = warnings_of(ladder, &[], &[], None, &[], &[]);
        assert!(
            warnings[0].message.contains("never reached"),
            "{warnings:?}"
        );
    }
}
