//! An organisation's templates, tried on every sample.

use std::collections::BTreeMap;

use super::super::letters::Order;
use super::super::links;
use super::super::samples::{PUBLIC_URL, readers, samples};
use super::{Own, folder};
use crate::domain::input::FieldError;

/// What goes wrong over the samples, each fault once.
pub(super) fn faults(own: &Own) -> Vec<FieldError> {
    let mut faults: Vec<FieldError> = Vec::new();
    let names: BTreeMap<String, ()> = own.names.iter().cloned().map(|name| (name, ())).collect();
    for (kind, locale) in own.letters.keys().copied() {
        for sample in samples(kind, locale) {
            for recipient in readers(kind, locale) {
                let order = Order {
                    facts: &sample.facts,
                    recipient: &recipient,
                    public_url: PUBLIC_URL,
                    sent_at: sample.sent_at,
                    sign: &links::masked,
                };
                let Err(wrong) = own.try_on(&order) else {
                    continue;
                };
                let mut fault = folder::fault(&own.folder, &names, &wrong);
                if faults.iter().any(|known| {
                    known.field == fault.field && known.message.starts_with(&fault.message)
                }) {
                    continue;
                }
                let said = format!(
                    " (in the sample \"{}\" of {kind}, {locale}, for {})",
                    sample.name, recipient.side
                );
                fault.message.push_str(&said);
                faults.push(fault);
                // A template that makes much work once makes it over every sample.
                if wrong.is_excess {
                    return faults;
                }
            }
        }
    }
    faults
}
