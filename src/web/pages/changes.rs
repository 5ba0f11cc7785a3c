//! What would change, as the pages show it before it is confirmed.

use crate::actions::incident::PreviewedCase;
use crate::domain::clock::Stand;
use crate::domain::go_live::CaseTerms;
use crate::web::shown::Reader;
use crate::web::wording;

/// A case that other terms would judge, with its clocks.
pub struct ChangedCase {
    /// The incident's reference.
    pub incident: String,
    /// The contract's reference.
    pub contract: String,
    /// What judges it now.
    pub before: String,
    /// What would judge it then.
    pub after: String,
    /// Its clocks.
    pub clocks: Vec<ClockRow>,
}

/// A clock before and after.
pub struct ClockRow {
    /// What is measured.
    pub metric: String,
    /// How it stands.
    pub before: String,
    /// How it would stand.
    pub after: String,
}

impl ChangedCase {
    /// What would change of a case, for that reader.
    pub fn new(previewed: &PreviewedCase, reader: Reader) -> Self {
        Self {
            incident: previewed.case.incident_id.reference(),
            contract: previewed.contract.reference.clone(),
            before: terms(&previewed.before),
            after: terms(&previewed.after),
            clocks: previewed
                .clocks
                .iter()
                .map(|change| ClockRow {
                    metric: wording::metric(change.metric),
                    before: stand(change.before.as_ref(), reader),
                    after: if change.is_none() {
                        "the same".to_string()
                    } else {
                        stand(change.after.as_ref(), reader)
                    },
                })
                .collect(),
        }
    }
}

fn terms(of: &CaseTerms) -> String {
    let from = wording::day(of.terms.effective_from);
    let terms = format!("terms {} of {from}", of.terms.number);
    match of.go_live_name() {
        None => terms,
        Some(name) => format!("{terms} with the go-live window {name}"),
    }
}

fn stand(stand: Option<&Stand>, reader: Reader) -> String {
    let Some(stand) = stand else {
        return "no clock".to_string();
    };
    let mut said = format!("{}, clause {}", stand.state, stand.clause);
    if let Some(due) = stand.due_at {
        let due = reader.sees_here(due);
        said.push_str(&format!(", due {} {}", due.here, due.here_zone));
    }
    match stand.breaches.len() {
        0 => {}
        1 => said.push_str(", a breach"),
        many => said.push_str(&format!(", {many} breaches")),
    }
    said
}
