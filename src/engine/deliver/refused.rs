//! Addresses that a mail server refuses: marked, told of, and cleared by a letter that it accepts.

use crate::domain::letter::{LetterFacts, LetterKind, Recipient, UndeliverableFacts};
use crate::domain::outbox::Letter;
use crate::domain::person::Role;
use crate::domain::refused_address::{RefusedAddress, spelled};
use crate::domain::{ContractId, IncidentId, VendorId};
use crate::engine::recipient;
use crate::error::Result;
use crate::store::letter::NewLetter;
use crate::store::{self, Tx};

/// Marks the address of a letter that was refused for its sake. The first time, the owners of the
/// contracts are told that write to it; the administrators are where there is none, or where the refused
/// one is an owner.
pub(super) fn mark(tx: &mut Tx<'_>, letter: &Letter, answer: &str) -> Result<()> {
    let mark = RefusedAddress {
        email: spelled(&letter.email),
        refused_at: tx.now(),
        answer: answer.to_string(),
        letter_id: letter.id,
    };
    // Told once, also of the address of somebody who was to be told of another: it ends there.
    if store::refused_address::mark(tx, &mark)? {
        tracing::warn!(
            letter = letter.id.0,
            to = letter.email,
            "a mail server refuses an address"
        );
        tell(tx, letter, &mark)?;
    }
    Ok(())
}

/// Takes the mark of the address of a letter away that was accepted.
pub(super) fn clear(tx: &mut Tx<'_>, letter: &Letter) -> Result<()> {
    if let Some(mark) = store::refused_address::lift(tx, &letter.email)? {
        let detail = serde_json::json!({"email": mark.email, "accepted": letter.id});
        tx.record(
            "letter",
            mark.letter_id.0,
            "mark of its address lifted",
            &detail,
        )?;
    }
    Ok(())
}

fn tell(tx: &mut Tx<'_>, letter: &Letter, mark: &RefusedAddress) -> Result<()> {
    let (vendors, contracts) = store::refused_address::concerned(tx.conn(), &mark.email)?;
    tell_of(tx, letter, mark, (&vendors, &contracts))
}

/// Tells the owners of those contracts, and the administrators where there is none or a webhook is gone.
pub(super) fn tell_of(
    tx: &mut Tx<'_>,
    letter: &Letter,
    mark: &RefusedAddress,
    (vendors, contracts): (&[VendorId], &[ContractId]),
) -> Result<()> {
    let now = tx.now();
    let is_webhook = letter.webhook().is_some();
    let mut names = Vec::new();
    for id in vendors {
        names.push(store::vendor::find(tx.conn(), *id)?.name);
    }
    let mut concerned = Vec::new();
    let mut to: Vec<Recipient> = Vec::new();
    for id in contracts {
        let contract = store::contract::find(tx.conn(), *id)?;
        if !contract.covers(now) {
            continue;
        }
        to.extend(recipient::with_email(
            tx.conn(),
            &contract.owner,
            contract.time_zone,
        )?);
        concerned.push(contract.reference);
    }
    let (itself, mut to): (Vec<Recipient>, Vec<Recipient>) = to
        .into_iter()
        .partition(|one| spelled(&one.email) == mark.email);
    if to.is_empty() || !itself.is_empty() || is_webhook {
        let people = store::person::of_role(tx.conn(), Role::Administrator)?;
        let active = people.iter().filter(|person| person.active);
        to.extend(active.map(Recipient::from));
        to.retain(|one| spelled(&one.email) != mark.email);
    }
    to.sort_by_key(|one| spelled(&one.email));
    to.dedup_by_key(|one| spelled(&one.email));
    let facts = UndeliverableFacts {
        email: mark.email.clone(),
        name: letter.name.clone(),
        webhook: letter.webhook().map(|name| name.to_string()),
        refused_at: mark.refused_at,
        answer: mark.answer.clone(),
        incident: letter.incident_id.map(IncidentId::reference),
        vendors: names,
        contracts: concerned,
        planned_at: now,
        link: match vendors.first() {
            Some(vendor) => format!("/vendors/{vendor}"),
            None if is_webhook => "/webhooks".to_string(),
            None => format!("/letters/{}", letter.id),
        },
    };
    let facts = LetterFacts::Undeliverable(Box::new(facts)).to_json()?;
    let letters: Vec<NewLetter> = to
        .into_iter()
        .map(|to| NewLetter {
            key: format!(
                "undeliverable:{}:{}:{}",
                mark.email,
                letter.id,
                spelled(&to.email)
            ),
            kind: LetterKind::Undeliverable,
            incident_id: None,
            case_id: None,
            clock_id: None,
            breach_id: None,
            contact_id: None,
            recipient: to,
            facts: facts.clone(),
            planned_at: now,
            not_before: now,
        })
        .collect();
    let queued = store::letter::queue(tx, &letters)?;
    let detail = serde_json::json!({"email": mark.email, "answer": mark.answer, "letters": queued});
    tx.record("letter", letter.id.0, "its address was marked", &detail)
}
