//! Letters that were posted to a webhook.

use serde_json::json;

use super::refused;
use super::settle::of_delivery;
use crate::domain::ContractId;
use crate::domain::outbox::Letter;
use crate::domain::refused_address::RefusedAddress;
use crate::error::Result;
use crate::hook::outlet::Reply;
use crate::mail::outlet::Delivery;
use crate::store::letter::Settlement;
use crate::store::{self, Tx};
use crate::time::Moment;

/// What an answer comes to: as for mail, but not before the other side wants to hear of us again.
pub(super) fn settlement(letter: &Letter, reply: &Reply, now: Moment) -> Settlement {
    // Nobody answered: we did not ask.
    if let Delivery::Refused { code: 0, text, .. } = &reply.delivery {
        return Settlement::Failed(text.clone());
    }
    match (of_delivery(letter, &reply.delivery, now), reply.wait) {
        (Settlement::Retry(at, error), Some(wait)) => Settlement::Retry(at.max(now + wait), error),
        (how, _) => how,
    }
}

/// Keeps what was answered; a webhook that says it is gone gets nothing more.
pub(super) fn keep(tx: &mut Tx<'_>, letter: &Letter, reply: &Reply) -> Result<()> {
    if let Some(answer) = &reply.answer {
        store::webhook::keep_answer(tx, letter.id, answer.status, &answer.body)?;
    }
    let Some(name) = letter.webhook().filter(|_| reply.is_gone) else {
        return Ok(());
    };
    let because = format!("it answered 410 (gone) to letter {}", letter.id);
    if let Some(id) = store::webhook::disable(tx, &name, &because)? {
        tracing::warn!(webhook = %name, letter = letter.id.0, "a webhook is gone and gets nothing more");
        let detail = json!({"name": name, "because": because});
        tx.record("webhook", id.0, "put out of use", &detail)?;
        let now = tx.now();
        let contracts = store::ladder::contracts_with(tx.conn(), &name.address(), now)?;
        let contracts: Vec<ContractId> = contracts.iter().map(|contract| contract.id).collect();
        let mark = RefusedAddress {
            email: letter.email.clone(),
            refused_at: now,
            answer: because,
            letter_id: letter.id,
        };
        refused::tell_of(tx, letter, &mark, (&[], &contracts))?;
    }
    Ok(())
}
