//! What templates may ask for: one list for the check, the preview page and the guide.

use crate::domain::letter::LetterKind;

/// A name with what it stands for.
pub type Named = (&'static str, &'static str);

/// In every letter.
pub const EVERY: &[Named] = &[
    ("language", "language of the letter, `en` or `zh-CN`"),
    (
        "zone",
        "zone of the recipient; the filters for moments use it",
    ),
    ("to.name", "name of the recipient"),
    ("to.email", "address of the recipient"),
    ("to.locale", "language of the recipient"),
    ("to.time_zone", "zone of the recipient"),
    ("to.side", "`ours` or `vendor`"),
    ("to_vendor", "whether the recipient belongs to the vendor"),
    ("url", "address of the page that the letter is about"),
    ("link", "the same without the beginning of the address"),
    (
        "planned_at",
        "when the letter was due to go out; none in a report made by hand",
    ),
    (
        "late_by",
        "by how much it goes out late; none up to a minute",
    ),
];

/// In letters about an incident.
pub const INCIDENT: &[Named] = &[
    ("kind", "what the letter is for: `raised`, `warned` …"),
    ("incident", "reference of the incident, `INC-1042`"),
    ("title", "title of the incident, as typed"),
    ("description", "its description, as typed; may be empty"),
    (
        "drill",
        "whether it is for practice; every letter must say so",
    ),
    ("vendor", "name of the vendor"),
    (
        "vendor_reference",
        "what the vendor calls the case; none while it is not known",
    ),
    ("contract", "reference of the contract"),
    ("contract_title", "title of the contract; may be empty"),
    (
        "contract_zone",
        "zone of the contract; the filter `there` uses it",
    ),
    (
        "owner",
        "name or address of the contract's owner; may be empty",
    ),
    ("severity", "code of the severity"),
    ("severity_name", "name of the severity; may be empty"),
    ("reported_at", "when the vendor was told"),
    (
        "clock",
        "the clock that the letter is about; none if it is about none",
    ),
    ("clock.metric", "what is measured; by the filter `metric`"),
    ("clock.clause", "clause of the contract"),
    (
        "clock.promise",
        "what was promised; by the filter `promise`",
    ),
    (
        "clock.calendar",
        "name of the calendar that time counts in; may be empty",
    ),
    ("clock.started_at", "when it started"),
    ("clock.due_at", "when it is due; none while it is paused"),
    (
        "clock.provisional",
        "whether the deadline lies past the end of the calendar's holiday list",
    ),
    (
        "clock.state",
        "`running`, `paused`, `met`, `missed` …; in words by the filter `standing`",
    ),
    ("clock.interval", "number of the interval, for updates"),
    ("clock.run", "which run of the clock"),
    (
        "clock.breached_at",
        "the deadline that it did not keep; none if it kept it so far",
    ),
    ("clock.stopped_at", "when it stopped; none while it runs"),
    (
        "clock.lost",
        "how much data was lost, in microseconds; none for clocks",
    ),
    (
        "clock.late_open",
        "open time late, in microseconds; none if not late",
    ),
    (
        "clock.late_elapsed",
        "elapsed time late, in microseconds; none if not late",
    ),
    (
        "clock.remaining",
        "open time left, in microseconds; none when nothing is left",
    ),
    (
        "clocks",
        "every clock to be told of, the first of which is `clock`; each is like it",
    ),
    ("is_overdue", "whether `clock` has passed its deadline"),
    (
        "was_due",
        "the deadline of `clock` that was missed or is to come; may be none",
    ),
    (
        "step",
        "the step of the ladder that caused the letter; none if none did",
    ),
    ("step.planned_at", "when the step was due"),
    (
        "step.trigger",
        "what it is relative to; by the filter `trigger`",
    ),
    (
        "step.repeat",
        "0 the first time, then the number of the repeat",
    ),
    (
        "step.reminder",
        "whether it says again what was said before",
    ),
    (
        "missed_steps",
        "steps that fell due while no letter could go out; each is like `step`",
    ),
    (
        "skipped_steps",
        "steps just below this one that found nobody to tell, by the filter `trigger`; empty for the vendor",
    ),
    (
        "breach",
        "reference of the breach, `B-17`; none if there is none",
    ),
    ("others", "who else was told, as this recipient may see it"),
    (
        "remark",
        "a sentence of the person who caused the letter; none if none was given",
    ),
    ("rejected", "whether we rejected the repair"),
    (
        "corrected",
        "the breach that is withdrawn; none in other letters",
    ),
    ("corrected.breach", "its reference"),
    ("corrected.metric", "what was measured"),
    ("corrected.clause", "clause of the contract"),
    (
        "corrected.due_at",
        "the deadline that was said to be missed",
    ),
    ("corrected.seq", "number of the event that withdrew it"),
    (
        "corrected.kind",
        "what that event says; by the filter `event`",
    ),
    ("corrected.occurred_at", "when it says it happened"),
    ("corrected.reason", "the reason given; may be empty"),
    ("answer", "what the vendor answered; none in other letters"),
    ("answer.seq", "number of the event that it was recorded as"),
    ("answer.kind", "what it says; by the filter `event`"),
    (
        "answer.at",
        "when it was recorded; of a reply by mail when it came",
    ),
    (
        "answer.name",
        "who said so, as typed; of a reply by mail its sender's name",
    ),
    (
        "answer.contact",
        "whose letter it answers; of a reply by mail its sender",
    ),
    (
        "answer.promised_for",
        "the time promised; none in other answers",
    ),
    (
        "answer.remark",
        "what else was said, as typed; may be empty",
    ),
    (
        "answer.by_mail",
        "whether it is a reply by mail, and not by a link",
    ),
    (
        "answer.is_checked",
        "whether one of us has read it before it was recorded",
    ),
    (
        "explanation",
        "how the deadline of `clock` came about; none in most letters",
    ),
    ("explanation.zone", "zone of the calendar"),
    (
        "explanation.rows",
        "its rows; by the filter `explained` or `explained_text`",
    ),
    (
        "links.answers",
        "links by which the vendor answers without an account; may be empty",
    ),
    (
        "links.answers[].purpose",
        "what it is for; by the filter `purpose`",
    ),
    ("links.answers[].url", "its address"),
    (
        "links.all",
        "link to the vendor's page of open incidents; none for one of us",
    ),
    (
        "links.take",
        "link by which one of us takes the escalation; none where it cannot be taken",
    ),
    ("anchor", "head of the anchor chain; none before the first"),
    ("anchor.number", "its number"),
    ("anchor.at", "when it was made"),
    ("anchor.hash", "its hash"),
];

/// In reports.
pub const REPORT: &[Named] = &[
    ("name", "name of the schedule that asked for the report"),
    ("vendor", "name of the vendor; none: all vendors"),
    ("from", "first moment of the period"),
    ("last", "last moment of the period"),
    ("time_zone", "zone of the period"),
    (
        "rows",
        "figures, a row for each contract, metric and severity",
    ),
    ("rows[].contract", "reference of the contract"),
    ("rows[].metric", "what was measured"),
    ("rows[].severity", "code of the severity"),
    ("rows[].met", "commitments kept"),
    ("rows[].missed", "commitments not kept"),
    (
        "rows[].attainment",
        "share kept, by the filter `percent`; none without a case",
    ),
    (
        "rows[].low",
        "lower end of its 95 % interval; none without a case",
    ),
    ("rows[].high", "upper end of it; none without a case"),
    (
        "rows[].margin",
        "mean share of the time that was left; none without a case",
    ),
    ("breaches", "the breaches of the period"),
    ("breaches[].reference", "`B-17`"),
    ("breaches[].incident", "`INC-1042`"),
    ("breaches[].clause", "clause of the contract"),
    ("breaches[].metric", "what was measured"),
    ("breaches[].severity", "code of the severity"),
    ("breaches[].due_at", "the deadline"),
    (
        "breaches[].stopped_at",
        "when it was done; none while it is open",
    ),
    (
        "breaches[].late_open",
        "open time late, in microseconds; with the next by the filter `lateness`",
    ),
    (
        "breaches[].late_elapsed",
        "elapsed time late, in microseconds",
    ),
    ("open", "how many commitments are not yet due"),
    ("csv", "the table that is attached; empty: none is"),
    ("anchor", "head of the anchor chain; none before the first"),
    ("anchor.number", "its number"),
    ("anchor.at", "when it was made"),
    ("anchor.hash", "its hash"),
];

/// In letters about an address that is refused.
pub const UNDELIVERABLE: &[Named] = &[
    ("email", "the address"),
    ("name", "whom it was written to under"),
    (
        "webhook",
        "the webhook that is gone; none where it is an address",
    ),
    ("refused_at", "when it was refused"),
    ("answer", "what the mail server said"),
    (
        "incident",
        "reference of the incident that the letter was about; may be none",
    ),
    ("vendors", "the vendors that have it among their contacts"),
    (
        "contracts",
        "references of the contracts in force with them",
    ),
];

/// What turns facts into words.
pub const FILTERS: &[Named] = &[
    (
        "moment",
        "date, time and zone as the recipient says them; `moment(zone=contract_zone)` for another zone",
    ),
    (
        "moment_short",
        "the same without year and zone, for a subject",
    ),
    (
        "there",
        "the moment in the contract's zone; empty where the clocks show the same",
    ),
    ("date", "the date alone, in a zone: `from|date(time_zone)`"),
    (
        "duration",
        "a length in microseconds as hours, minutes and seconds",
    ),
    (
        "percent",
        "a share as a percentage, never rounded to 0 or 100",
    ),
    ("metric", "what a metric is called"),
    (
        "subject_of",
        "the same of a clock, with the number of the interval",
    ),
    ("promise", "what was promised, in words"),
    ("standing", "how a clock stands, in words"),
    (
        "lateness",
        "by how much a clock or breach is late; empty where it is not",
    ),
    ("is_overdue", "whether a clock has passed its deadline"),
    ("trigger", "what a step is relative to, in words"),
    ("event", "what an event says, in words"),
    ("purpose", "what a link is for, in words"),
    (
        "explained",
        "the rows of an explanation: `when`, `yours`, `what`, `counted`, `stands`",
    ),
    ("explained_text", "an explanation as plain text"),
    ("sentence", "with a capital letter at the start"),
    (
        "line",
        "what people typed, as one line without control characters",
    ),
    ("quoted", "what people typed, line by line behind a bar"),
    ("plain", "what people typed, line by line"),
];

/// Names that every template has without our doing.
const GLOBALS: [&str; 6] = ["range", "dict", "namespace", "super", "self", "caller"];

/// The variables of such letters besides those of every letter.
pub fn of(kind: LetterKind) -> &'static [Named] {
    match kind {
        LetterKind::Report => REPORT,
        LetterKind::Undeliverable => UNDELIVERABLE,
        _ => INCIDENT,
    }
}

/// Whether a template of that name may ask for a variable, such as `clock.due_at`.
pub(super) fn is_known(template: &str, variable: &str) -> bool {
    let kind = template
        .split('/')
        .next()
        .and_then(|folder| folder.parse::<LetterKind>().ok());
    let lists: Vec<&[Named]> = match kind {
        Some(kind) => vec![EVERY, of(kind)],
        // A part is of whoever uses it.
        None => vec![EVERY, INCIDENT, REPORT, UNDELIVERABLE],
    };
    let begins = |name: &str| {
        name == variable
            || name
                .strip_prefix(variable)
                .is_some_and(|rest| rest.starts_with('.'))
    };
    GLOBALS.contains(&variable) || lists.into_iter().flatten().any(|(name, _)| begins(name))
}
