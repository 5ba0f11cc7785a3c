//! What went wrong on our side, and each vendor's part in it.

use serde::Serialize;
use serde_json::Value;
use validator::Validate;

use super::evidence::read_hash;
use super::input::{Faults, FieldError};
use super::ladder::Step;
use super::reading::Object;
use super::timeline::{Draft, Fields};
use super::words::{EventKind, Metric};
use super::{CaseId, ContractId, GoLiveId, IncidentId, PersonId, TermsId};
use crate::schema::{cases, incidents};
use crate::time::Moment;

text_enum! {
    /// How an incident stands as a whole.
    IncidentState {
        /// Some case is neither resolved nor cancelled.
        Open = "open",
        /// Every case is resolved.
        Resolved = "resolved",
        /// Nothing is owed any more.
        Cancelled = "cancelled",
    }
}

/// Something that went wrong on our side of which one or more vendors must answer for a part.
#[derive(Clone, Debug, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = incidents)]
pub struct Incident {
    /// Key.
    pub id: IncidentId,
    /// What it is, in a line.
    pub title: String,
    /// What else is known.
    pub description: String,
    /// How it stands.
    pub state: IncidentState,
    /// Whether it is practice.
    pub drill: bool,
    /// When the first vendor was told.
    pub reported_at: Moment,
    /// Who raised it.
    pub reporter: PersonId,
    /// When it was entered.
    pub created_at: Moment,
    /// Number of its last event.
    pub last_seq: i64,
    /// Hash of its last event.
    pub head_hash: String,
}

/// One contract's part in an incident.
#[derive(Clone, Debug, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = cases)]
pub struct Case {
    /// Key.
    pub id: CaseId,
    /// The incident.
    pub incident_id: IncidentId,
    /// The contract.
    pub contract_id: ContractId,
    /// The version of the terms that judges it, fixed when it was reported.
    pub terms_id: TermsId,
    /// Its severity of the moment, by code.
    pub severity: String,
    /// What the vendor calls it.
    pub vendor_reference: String,
    /// The ladder as it was when the case was opened.
    pub ladder: Ladder,
    /// The go-live window in which it was reported, fixed with the version.
    pub go_live_id: Option<GoLiveId>,
}

/// A frozen ladder.
#[derive(Clone, Debug, diesel::deserialize::FromSqlRow)]
pub struct Ladder(pub Vec<Step>);

from_text_column!(Ladder, |text| serde_json::from_str(&text).map(Ladder));

/// An incident as somebody raises it, checked as far as that goes without the contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Validate)]
pub struct Raise {
    /// The first case: the contract, its severity and what the vendor calls it.
    #[validate(nested)]
    pub case: OpenCase,
    /// What it is, in a line.
    #[validate(length(max = 200, message = "the title is longer than 200 characters"))]
    pub title: String,
    /// What else is known.
    #[validate(length(
        max = 20_000,
        message = "the description is longer than 20000 characters"
    ))]
    pub description: String,
    /// Whether it is practice.
    pub drill: bool,
}

/// One contract's part as somebody adds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Validate)]
pub struct OpenCase {
    /// The contract that must answer.
    pub contract_id: ContractId,
    /// How bad it is, by the contract's own scale.
    #[validate(length(max = 40, message = "a severity's code has at most 40 characters"))]
    pub severity: String,
    /// What the vendor calls it.
    #[validate(length(
        max = 200,
        message = "the vendor's reference is longer than 200 characters"
    ))]
    pub vendor_reference: String,
    /// When the vendor was told; none: now.
    pub reported_at: Option<Moment>,
    /// Why it is entered only now, if it is.
    #[validate(length(max = 4_000, message = "the reason is longer than 4000 characters"))]
    pub reason: String,
}

const CASE_FIELDS: &[&str] = &[
    "contract_id",
    "severity",
    "vendor_reference",
    "reported_at",
    "reason",
];
const RAISE_FIELDS: &[&str] = &[
    "contract_id",
    "severity",
    "vendor_reference",
    "reported_at",
    "reason",
    "title",
    "description",
    "drill",
];

impl Raise {
    /// Reads what somebody sent.
    ///
    /// # Errors
    /// Every fault at its field.
    pub fn read(value: &Value) -> Result<Self, Vec<FieldError>> {
        let mut faults = Faults::none();
        let raise = Object::open(value, "", RAISE_FIELDS, &mut faults).and_then(|object| {
            let case = OpenCase::read_from(&object, &mut faults);
            let title = object.text("title", &mut faults);
            let description = object
                .optional_text("description", &mut faults)
                .unwrap_or_default();
            let drill = object.yes("drill", &mut faults);
            Some(Raise {
                case: case?,
                title: title?,
                description,
                drill,
            })
        });
        if let Some(raise) = &raise {
            faults.check("", &raise.case);
            faults.check("", raise);
        }
        finish(raise, faults)
    }
}

impl OpenCase {
    /// Reads what somebody sent.
    ///
    /// # Errors
    /// Every fault at its field.
    pub fn read(value: &Value) -> Result<Self, Vec<FieldError>> {
        let mut faults = Faults::none();
        let case = Object::open(value, "", CASE_FIELDS, &mut faults)
            .and_then(|object| Self::read_from(&object, &mut faults));
        if let Some(case) = &case {
            faults.check("", case);
        }
        finish(case, faults)
    }

    fn read_from(object: &Object<'_>, faults: &mut Faults) -> Option<Self> {
        let contract = object.number("contract_id", faults);
        let severity = object.text("severity", faults);
        let vendor_reference = object
            .optional_text("vendor_reference", faults)
            .unwrap_or_default();
        let reported_at = object.optional("reported_at", faults);
        let reason = object.optional_text("reason", faults).unwrap_or_default();
        Some(Self {
            contract_id: ContractId(contract?),
            severity: severity?,
            vendor_reference,
            reported_at,
            reason,
        })
    }
}

/// An event as somebody records it.
#[derive(Clone, Debug, PartialEq, Eq, Validate)]
pub struct Record {
    /// What happened.
    pub kind: EventKind,
    /// The case it concerns; none: all.
    pub case: Option<CaseId>,
    /// When it happened, or for `corrected` when the corrected event happened.
    pub occurred_at: Option<Moment>,
    /// Why, or what was said.
    #[validate(length(max = 4_000, message = "the reason is longer than 4000 characters"))]
    pub reason: String,
    /// What else the kind carries.
    pub fields: Fields,
    /// That a correction may bring the case under other terms.
    pub confirm_terms: bool,
}

/// The fields of an event as somebody records it.
pub(crate) const EVENT_FIELDS: &[&str] = &[
    "kind",
    "case",
    "occurred_at",
    "reason",
    "stop",
    "severity",
    "corrects",
    "concerns",
    "taken_back",
    "void",
    "metrics",
    "seconds",
    "promised_for",
    "confirm_terms",
    "evidence",
    "to_case",
];

impl Record {
    /// Reads what somebody sent; a field that the kind does not carry is a fault.
    ///
    /// # Errors
    /// Every fault at its field.
    pub fn read(value: &Value) -> Result<Self, Vec<FieldError>> {
        let mut faults = Faults::none();
        let record = Object::open(value, "", EVENT_FIELDS, &mut faults).and_then(|object| {
            let kind: Option<EventKind> = object.parsed("kind", &mut faults);
            let fields = Fields {
                severity: object.optional_text("severity", &mut faults),
                stop: object.optional_text("stop", &mut faults),
                concerns: object.optional_number("concerns", &mut faults),
                corrects: object.optional_number("corrects", &mut faults),
                taken_back: object.yes("taken_back", &mut faults),
                void: object.yes("void", &mut faults),
                metrics: object
                    .words::<Metric>("metrics", &mut faults)
                    .unwrap_or_default(),
                seconds: object.optional_number("seconds", &mut faults),
                promised_for: object.optional("promised_for", &mut faults),
                evidence: hashes(&object, &mut faults),
                to_case: object.optional_number("to_case", &mut faults).map(CaseId),
                ..Fields::default()
            };
            let occurred_at = object.optional("occurred_at", &mut faults);
            let case = object.optional_number("case", &mut faults).map(CaseId);
            let reason = object
                .optional_text("reason", &mut faults)
                .unwrap_or_default();
            let confirm_terms = object.yes("confirm_terms", &mut faults);
            if let Some(kind) = kind {
                refuse_strangers(kind, &fields, confirm_terms, &mut faults);
            }
            Some(Record {
                kind: kind?,
                case,
                occurred_at,
                reason,
                fields,
                confirm_terms,
            })
        });
        if let Some(record) = &record {
            faults.check("", record);
        }
        finish(record, faults)
    }

    /// What the timeline is asked to admit: the moment of a correction belongs to what it corrects.
    pub fn draft(&self) -> Draft {
        let mut fields = self.fields.clone();
        let mut occurred_at = self.occurred_at;
        if self.kind == EventKind::Corrected {
            fields.corrected_at = occurred_at.take();
        }
        Draft {
            kind: self.kind,
            case: self.case,
            occurred_at,
            reason: self.reason.clone(),
            fields,
        }
    }
}

/// The files that somebody names.
fn hashes(object: &Object<'_>, faults: &mut Faults) -> Vec<String> {
    let mut hashes = Vec::new();
    let named = object.words::<String>("evidence", faults);
    for (index, text) in named.unwrap_or_default().iter().enumerate() {
        hashes.extend(faults.take(&format!("evidence[{index}]"), read_hash(text)));
    }
    hashes
}

fn refuse_strangers(kind: EventKind, fields: &Fields, confirm_terms: bool, faults: &mut Faults) {
    use EventKind::{
        Acknowledged, Agreed, Cancelled, Corrected, DataLoss, HandedOver, Paused, Promised,
        Refused, Resumed, SeverityChanged,
    };
    let carried = [
        (
            "severity",
            fields.severity.is_some(),
            matches!(kind, SeverityChanged | Corrected),
        ),
        (
            "stop",
            fields.stop.is_some(),
            matches!(kind, Paused | Resumed | Corrected),
        ),
        (
            "concerns",
            fields.concerns.is_some(),
            matches!(kind, Agreed | Refused),
        ),
        ("corrects", fields.corrects.is_some(), kind == Corrected),
        ("taken_back", fields.taken_back, kind == Corrected),
        ("confirm_terms", confirm_terms, kind == Corrected),
        ("void", fields.void, kind == Cancelled),
        ("metrics", !fields.metrics.is_empty(), kind == Acknowledged),
        (
            "seconds",
            fields.seconds.is_some(),
            matches!(kind, DataLoss | Corrected),
        ),
        (
            "promised_for",
            fields.promised_for.is_some(),
            kind == Promised,
        ),
        ("to_case", fields.to_case.is_some(), kind == HandedOver),
    ];
    for (field, given, allowed) in carried {
        faults.require(
            !given || allowed,
            field,
            format!("an event \"{kind}\" carries no {}", field.replace('_', " ")),
        );
    }
}

fn finish<T>(value: Option<T>, faults: Faults) -> Result<T, Vec<FieldError>> {
    match value {
        Some(value) => faults.or(value),
        None => Err(faults.into_vec()),
    }
}
