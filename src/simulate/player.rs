//! Plays the incidents of a scenario through the actions that people use.

use std::collections::HashMap;

use super::happening::{IncidentSummary, Summary};
use super::incident::{Act, Deed, Played};
use super::later::{self, Later};
use super::setup::REPORTER;
use super::stage::Stage;
use crate::actions;
use crate::domain::incident::{OpenCase, Raise, Record};
use crate::domain::input::{Faults, FieldError, join};
use crate::domain::words::Source;
use crate::domain::{CaseId, ContractId, IncidentId, PersonId};
use crate::error::{Error, Result};
use crate::store::{self, Actor};
use crate::time::Moment;

/// What became of an incident so far.
#[derive(Default)]
struct Raised {
    id: Option<IncidentId>,
    /// By their place in the scenario.
    cases: HashMap<usize, CaseId>,
    /// For each event of the scenario the case it was recorded of, if of one, and its number on the
    /// timeline; a report may stand for several.
    seqs: HashMap<usize, Vec<(Option<usize>, i64)>>,
}

impl Raised {
    /// The number on the timeline of an event that was played.
    fn seq(&self, event: usize, case: Option<usize>) -> Option<i64> {
        let seqs = self.seqs.get(&event)?;
        let of_case = seqs.iter().find(|(of, _)| *of == case);
        of_case.or_else(|| seqs.first()).map(|(_, seq)| *seq)
    }
}

/// Plays incidents on a stage.
pub(super) struct Player<'a> {
    pub(super) stage: Stage<'a>,
    incidents: &'a [Played],
    /// The contracts by their number in the scenario, from 1.
    contracts: &'a [ContractId],
    /// What is still to be entered, in order of time.
    later: &'a [Later],
    raised: Vec<Raised>,
    people: HashMap<String, PersonId>,
}

impl<'a> Player<'a> {
    /// Nothing is played yet.
    pub(super) fn new(
        stage: Stage<'a>,
        incidents: &'a [Played],
        contracts: &'a [ContractId],
        later: &'a [Later],
    ) -> Self {
        Self {
            stage,
            incidents,
            contracts,
            later,
            raised: incidents.iter().map(|_| Raised::default()).collect(),
            people: HashMap::new(),
        }
    }

    /// Records and enters everything, the engine running between.
    ///
    /// # Errors
    /// The first that is refused, at its path.
    pub(super) async fn play(&mut self, ends: Moment) -> Result<()> {
        for (incident, number) in agenda(self.incidents) {
            let played = &self.incidents[incident];
            let act = &played.acts[number];
            self.enter_up_to(act.recorded_at).await?;
            self.stage.pass_to(act.recorded_at).await?;
            self.act(incident, number)
                .map_err(|error| at_place(error, played, act))?;
            if let Some(id) = self.raised[incident].id {
                self.stage.look_at(id)?;
            }
        }
        self.enter_up_to(ends).await
    }

    /// What is entered at the moment of an event is there before it.
    async fn enter_up_to(&mut self, moment: Moment) -> Result<()> {
        while let Some((next, rest)) = self.later.split_first()
            && next.at <= moment
        {
            self.later = rest;
            self.stage.pass_to(next.at).await?;
            let entered = next.entry.enter(self.stage.ground);
            entered.map_err(|error| later::at_place(error, &next.path))?;
            // Terms that are applied to the past change what was judged, at once.
            for id in self.raised().collect::<Vec<_>>() {
                self.stage.look_at(id)?;
            }
        }
        Ok(())
    }

    /// Those that were raised, in the order of the scenario.
    pub(super) fn raised(&self) -> impl Iterator<Item = IncidentId> {
        self.raised.iter().filter_map(|raised| raised.id)
    }

    /// How everything stands now.
    ///
    /// # Errors
    /// When an incident cannot be judged.
    pub(super) fn summary(&self) -> Result<Summary> {
        let incidents = self
            .raised()
            .map(|id| self.stage.summary_of(id))
            .collect::<Result<Vec<IncidentSummary>>>()?;
        Ok(Summary { incidents })
    }

    fn act(&mut self, incident: usize, number: usize) -> Result<()> {
        let played = &self.incidents[incident];
        let act = &played.acts[number];
        let who = self.person(act.by.as_ref().or(played.reporter.as_ref()))?;
        let mut seqs = Vec::new();
        match &act.deed {
            Deed::Report { cases, at, reason } => {
                for case in cases {
                    let when = (*at != act.recorded_at).then_some(*at);
                    let seq = self.report(incident, *case, who, when, reason)?;
                    seqs.push((Some(*case), seq));
                }
            }
            Deed::Record {
                record,
                case,
                concerns,
                corrects,
                to_case,
            } => {
                let raised = &self.raised[incident];
                let Some(id) = raised.id else {
                    return Err(Error::field("", "the incident is not reported yet"));
                };
                let record = numbered(record, raised, [*case, *to_case], *concerns, *corrects)?;
                let event = self.stage.ground.store.write(who, move |tx| {
                    actions::incident::record(tx, id, &record, Source::Import)
                })?;
                seqs.push((*case, event.seq));
            }
        }
        self.raised[incident].seqs.insert(number, seqs);
        Ok(())
    }

    /// Raises the incident with that case, or adds the case to it; gives the number of the report.
    fn report(
        &mut self,
        incident: usize,
        case: usize,
        who: Actor,
        reported_at: Option<Moment>,
        reason: &str,
    ) -> Result<i64> {
        let played = &self.incidents[incident];
        let of = &played.cases[case];
        let contract = of
            .contract
            .checked_sub(1)
            .and_then(|place| self.contracts.get(place));
        let open = OpenCase {
            contract_id: contract.copied().unwrap_or_default(),
            reported_at,
            reason: reason.to_string(),
            ..of.open.clone()
        };
        let known = self.raised[incident].id;
        let raise = Raise {
            case: open,
            ..played.raise.clone()
        };
        let (id, case_id, seq) = self.stage.ground.store.write(who, move |tx| {
            let id = match known {
                None => actions::incident::raise(tx, &raise, Source::Import)?.id,
                Some(id) => {
                    actions::incident::add_case(tx, id, &raise.case, Source::Import)?;
                    id
                }
            };
            let cases = store::incident::cases(tx.conn(), id)?;
            let seq = store::incident::get(tx.conn(), id)?.last_seq;
            Ok((id, cases.last().map(|case| case.id), seq))
        })?;
        let raised = &mut self.raised[incident];
        raised.id = Some(id);
        raised.cases.extend(case_id.map(|id| (case, id)));
        Ok(seq)
    }

    fn person(&mut self, email: Option<&String>) -> Result<Actor> {
        let email = email.map_or(REPORTER, String::as_str);
        if let Some(id) = self.people.get(email) {
            return Ok(Actor::Person(*id));
        }
        let found = self
            .stage
            .ground
            .store
            .read(|conn| store::person::with_email(conn, email))?;
        let Some(person) = found else {
            return Err(Error::field(
                "by",
                format!(
                    "\"{email}\" is nobody; name one of us by mail address, such as ann@example.com"
                ),
            ));
        };
        self.people.insert(email.to_string(), person.id);
        Ok(Actor::Person(person.id))
    }
}

/// What is played, in the order in which it is recorded: of one moment, reports first, then as written.
fn agenda(incidents: &[Played]) -> Vec<(usize, usize)> {
    let mut agenda: Vec<(usize, usize)> = Vec::new();
    for (incident, played) in incidents.iter().enumerate() {
        agenda.extend((0..played.acts.len()).map(|act| (incident, act)));
    }
    agenda.sort_by_key(|(incident, act)| {
        let act = &incidents[*incident].acts[*act];
        (act.recorded_at, !act.is_report())
    });
    agenda
}

/// The event as the API would get it: cases by key, events by their numbers on the timeline.
fn numbered(
    record: &Record,
    raised: &Raised,
    [case, to_case]: [Option<usize>; 2],
    concerns: Option<usize>,
    corrects: Option<usize>,
) -> Result<Record> {
    let mut record = record.clone();
    let key = |field: &str, place: usize| {
        let key = raised.cases.get(&place).copied();
        key.ok_or_else(|| Error::field(field, "this case is not reported yet at that moment"))
    };
    if let Some(place) = case {
        record.case = Some(key("case", place)?);
    }
    if let Some(place) = to_case {
        record.fields.to_case = Some(key("to_case", place)?);
    }
    let number = |field: &str, event: usize| {
        raised.seq(event, case).ok_or_else(|| {
            let wrong = format!(
                "event {} is not recorded yet at that moment; events are played in the order in which they are recorded",
                event + 1
            );
            Error::field(field, wrong)
        })
    };
    if let Some(event) = concerns {
        record.fields.concerns = Some(number("concerns", event)?);
    }
    if let Some(event) = corrects {
        record.fields.corrects = Some(number("corrects", event)?);
    }
    Ok(record)
}

/// The error of an act, at its place in the scenario.
fn at_place(error: Error, played: &Played, act: &Act) -> Error {
    let found = match error {
        Error::Invalid(found) => found,
        Error::Refused(refused) => vec![FieldError::new("", refused.to_string())],
        other => return other,
    };
    let case = match &act.deed {
        Deed::Report { cases, .. } => cases.first().and_then(|case| played.cases.get(*case)),
        Deed::Record { .. } => None,
    };
    let mut faults = Faults::none();
    for fault in found {
        let path = match (fault.field.as_str(), case) {
            ("occurred_at" | "reported_at", _) => join(&act.path, act.moment_field),
            ("contract_id", Some(case)) => join(&case.path, "contract"),
            ("severity", Some(case)) => join(&case.path, "severity"),
            ("by", _) if act.by.is_none() => join(&played.path, "reporter"),
            (field, _) => join(&act.path, field),
        };
        faults.add(path, fault.message);
    }
    faults.into_vec().into()
}
