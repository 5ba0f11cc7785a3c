//! Periods around a launch or migration in which stricter terms and a command post apply.

use std::sync::Arc;

use serde::Serialize;

use super::ladder::Target as Audience;
use super::terms::{Commitment, Promise, Target, Terms};
use super::{ContractId, GoLiveId, PersonId};
use crate::schema::go_lives;
use crate::time::Moment;

/// A go-live window of a contract as it is kept; never edited.
///
/// It counts by the moment of the report, and only if it was entered before; of two, the later
/// entered.
#[derive(Clone, Debug, PartialEq, Eq, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = go_lives)]
pub struct GoLive {
    /// Key.
    pub id: GoLiveId,
    /// The contract it applies to.
    pub contract_id: ContractId,
    /// What people call it.
    pub name: String,
    /// Its first moment.
    pub starts_at: Moment,
    /// The first moment after it.
    pub ends_at: Moment,
    /// What is promised in it: replaces the terms' commitment of the same metric and severity, or adds
    /// one.
    pub commitments: Commitments,
    /// Who is told beside the audience of each step.
    pub command_post: CommandPost,
    /// When it was entered.
    pub entered_at: Moment,
    /// Who entered it, if it was one of us.
    pub entered_by: Option<PersonId>,
    /// When it was withdrawn, before it began.
    pub withdrawn_at: Option<Moment>,
    /// Who withdrew it, if it was one of us.
    pub withdrawn_by: Option<PersonId>,
}

/// The commitments of a window as they are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, diesel::deserialize::FromSqlRow)]
#[serde(transparent)]
pub struct Commitments(pub Vec<Commitment>);

from_text_column!(Commitments, |text| serde_json::from_str(&text)
    .map(Commitments));

/// The audience of a window as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, diesel::deserialize::FromSqlRow)]
#[serde(transparent)]
pub struct CommandPost(pub Vec<Audience>);

from_text_column!(CommandPost, |text| serde_json::from_str(&text)
    .map(CommandPost));

/// A window as somebody enters it, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GoLiveInput {
    /// What people call it.
    pub name: String,
    /// Its first moment.
    pub starts_at: Moment,
    /// The first moment after it.
    pub ends_at: Moment,
    /// What is promised in it.
    pub commitments: Vec<Commitment>,
    /// Who is told beside the audience of each step.
    pub command_post: Vec<Audience>,
}

/// What judges a case: a version of the terms, and with it the window the case was reported in.
#[derive(Clone, Debug)]
pub struct CaseTerms {
    /// The version; its promise and ladder are those that count, the window's among them.
    pub terms: Terms,
    /// The window; none: the terms as they are written.
    pub go_live: Option<GoLive>,
}

impl CaseTerms {
    /// Puts a window into a version of the terms.
    pub fn new(mut terms: Terms, go_live: Option<GoLive>) -> Self {
        if let Some(window) = &go_live {
            terms.promise = terms.promise.within(window);
        }
        Self { terms, go_live }
    }

    /// The name of the window, if one applies.
    pub fn go_live_name(&self) -> Option<&str> {
        self.go_live.as_ref().map(|window| window.name.as_str())
    }

    /// Whether both rest on the same version and window.
    pub fn is(&self, other: &Self) -> bool {
        let keys = |of: &Self| (of.terms.id, of.go_live.as_ref().map(|window| window.id));
        keys(self) == keys(other)
    }
}

impl Promise {
    /// What is promised within a go-live window: its commitments in the place of those of the same
    /// metric and severity, and its command post on each step of the ladder.
    pub fn within(mut self, window: &GoLive) -> Self {
        for stricter in &window.commitments.0 {
            let same = |known: &Commitment| {
                (known.metric, &known.severity) == (stricter.metric, &stricter.severity)
            };
            match self.commitments.iter_mut().find(|known| same(known)) {
                Some(known) => *known = Arc::new(stricter.clone()),
                None => self.commitments.push(Arc::new(stricter.clone())),
            }
        }
        for step in &mut self.ladder {
            for target in &window.command_post.0 {
                if !step.to.contains(target) {
                    step.to.push(target.clone());
                }
            }
        }
        self
    }
}

impl Commitment {
    /// Whether it surely gives more time than the other: more open time of the same calendar. Targets
    /// that cannot be compared so are not called laxer.
    pub fn is_laxer_than(&self, other: &Self) -> bool {
        match (self.target, other.target) {
            (Target::OpenTime(ours), Target::OpenTime(theirs)) => {
                self.calendar_id == other.calendar_id && ours > theirs
            }
            _ => false,
        }
    }
}
