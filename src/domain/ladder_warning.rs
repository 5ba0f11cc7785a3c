//! What of a ladder will not work when an incident comes; said before one does.

use std::sync::Arc;

use serde::Serialize;

use super::ladder::{Measured, Step, Target as Audience, When};
use super::person::Role;
use super::refused_address::{RefusedAddress, mark_of};
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

/// Warns of rungs without a contact, roles and people that are not there, audiences that are empty
/// as a whole, addresses that a mail server refuses, steps that no commitment reaches, and steps that
/// lie before the start of a clock.
///
/// `people` are those of us who are active. Owner and reporter are always there; `owner` is the owner's
/// address where it is known; `webhooks` are all there are.
pub fn ladder_warnings(
    promise: &Promise,
    contacts: &[Contact],
    people: &[Reachable],
    owner: Option<&str>,
    refused: &[RefusedAddress],
    webhooks: &[Webhook],
) -> Vec<LadderWarning> {
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
            .filter_map(|target| missing(target, contacts, people))
            .collect();
        let mailed = step.by_mail() && missing.len() < step.to.len();
        let posted = step
            .webhooks()
            .any(|name| useless(name, webhooks).is_none());
        missing.into_iter().for_each(&mut warn);
        step.webhooks()
            .filter_map(|name| useless(name, webhooks))
            .for_each(&mut warn);
        step.to
            .iter()
            .flat_map(|target| unreachable(target, contacts, people, owner, refused))
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

fn missing(target: &Audience, contacts: &[Contact], people: &[Reachable]) -> Option<String> {
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
    }
}

/// Addresses of a target that a mail server refuses, and whether others are left.
fn unreachable(
    target: &Audience,
    contacts: &[Contact],
    people: &[Reachable],
    owner: Option<&str>,
    refused: &[RefusedAddress],
) -> Vec<String> {
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

    fn manager() -> Reachable {
        Reachable {
            email: "ann@example.com".into(),
            role: Role::Manager,
        }
    }

    #[test]
    fn a_ladder_that_reaches_everybody_has_no_warning() {
        let contacts = [contact(1), contact(2), contact(3)];
        let warnings = ladder_warnings(
            &promise(default_ladder()),
            &contacts,
            &[manager()],
            None,
            &[],
            &[],
        );
        assert_eq!(warnings, []);
    }

    #[test]
    fn who_is_missing_is_named_and_an_empty_audience_too() {
        let warnings = ladder_warnings(
            &promise(default_ladder()),
            &[contact(1)],
            &[],
            None,
            &[],
            &[],
        );
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
            let warnings = ladder_warnings(
                &promise(ladder.clone()),
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
        let warnings = ladder_warnings(
            &promise(ladder),
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
            let warnings = ladder_warnings(&promise(ladder), &[], &[], None, &[], &all);
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
        let warnings = ladder_warnings(&promise(ladder.clone()), &[], &[], None, &[], &[]);
        assert_eq!(
            warnings[0].message,
            "it lies before the start of respond S1 and will be skipped there"
        );
        ladder[0].metrics = Some(vec![Metric::Restore]);
        let warnings = ladder_warnings(&promise(ladder), &[], &[], None, &[], &[]);
        assert!(
            warnings[0].message.contains("never reached"),
            "{warnings:?}"
        );
    }
}
