//! How each deadline came about, line by line, as text that can be sent on.

use crate::consequence::unusable;
use crate::domain::letter::ExplanationFacts;
use crate::domain::locale::Locale;
use crate::domain::zone::Zone;
use crate::error::Result;

use super::Content;

/// Every run and interval of every clock, in the zone of its calendar and of the vendor.
pub(super) fn text(content: &Content) -> Result<String> {
    let judged = &content.judged;
    let reference = content.incident().reference();
    let mut told = format!(
        "How the deadlines of {reference} came about, as of {} (UTC).\n",
        content.now
    );
    for case in judged
        .cases
        .iter()
        .filter(|case| content.tells(Some(case.case.id)))
    {
        for clock in &case.clocks {
            let explained = judged.explained(case.case.id, clock.metric, content.now)?;
            let Some(explained) = explained else {
                continue;
            };
            for lap in &explained.clock.laps {
                let explanation = explained.lap(lap.run, lap.interval).map_err(unusable)?;
                let Some(explanation) = explanation else {
                    continue;
                };
                let facts = ExplanationFacts {
                    zone: Zone(explanation.zone),
                    rows: explanation.rows(),
                };
                let letter = facts.letter(
                    (&reference, &case.contract.reference),
                    clock.metric,
                    &lap.commitment.clause,
                    Locale::En,
                    case.vendor.time_zone,
                );
                let which = match (lap.run, lap.interval) {
                    (1, 1) => String::new(),
                    (run, interval) => format!("Run {run}, interval {interval}\n"),
                };
                told += &format!("\n{}\n{which}{}\n", "-".repeat(72), letter.trim_end());
            }
        }
    }
    Ok(told)
}
