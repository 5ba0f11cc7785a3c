//! The metrics that begin later, the one that is an amount, and repairs that we confirm.

use redress::domain::letter::LetterKind;
use redress::domain::words::{ClockState, Metric};
use redress::time::MINUTE;
use serde_json::{Value, json};

use crate::on_both;
use crate::world::{World, at};

/// The usual terms with further commitments for S1, in the usual calendar.
fn terms_with(world: &World, commitments: &[(&str, &str)]) -> Value {
    let mut terms = world.usual_terms();
    let calendar = terms["commitments"][0]["calendar_id"].clone();
    for (number, (metric, target)) in commitments.iter().enumerate() {
        let commitment = json!({"clause": format!("9.{}", number + 1), "metric": metric, "severity": "S1",
            "calendar_id": calendar, "target": {"open_time": target}});
        terms["commitments"]
            .as_array_mut()
            .unwrap()
            .push(commitment);
    }
    terms
}

fn field_of(world: &World, incident: redress::domain::IncidentId, event: Value) -> String {
    match world.records(incident, event).unwrap_err() {
        redress::error::Error::Invalid(faults) => {
            format!("{}: {}", faults[0].field, faults[0].message)
        }
        other => other.to_string(),
    }
}

on_both! { fn the_cause_is_owed_from_the_repair_and_may_be_a_breach_of_its_own(world) {
    let contract = world.signs("NW-2026", terms_with(world, &[("root_cause", "PT8H")]));
    let incident = world.raises(contract, "S1");
    assert_eq!(world.clock(incident, Metric::RootCause).state, ClockState::Pending);
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "resolved"}));
    let clock = world.clock(incident, Metric::RootCause);
    assert_eq!(clock.state, ClockState::Running);
    let due = clock.due_at.unwrap();
    world.passes_to_moment(due);
    let breaches = world.breaches(incident);
    assert_eq!(breaches.len(), 1);
    assert_eq!((breaches[0].metric, breaches[0].due_at), (Metric::RootCause, due));
    world.passes_to_moment(due + MINUTE);
    world.says(incident, json!({"kind": "cause_explained", "reason": "A cable was cut in Hanau."}));
    assert_eq!(world.clock(incident, Metric::RootCause).state, ClockState::Missed);
    assert!(world.post().iter().any(|line| line == "breached duty@vendor.example"), "{:?}", world.post());
} }

on_both! { fn more_data_lost_than_promised_is_a_breach_of_the_moment_it_was_measured(world) {
    let contract = world.signs("NW-2026", terms_with(world, &[("data_loss", "PT15M")]));
    let incident = world.raises(contract, "S1");
    world.says(incident, json!({"kind": "responded"}));
    assert_eq!(world.clock(incident, Metric::DataLoss).state, ClockState::Pending);
    let without = field_of(world, incident, json!({"kind": "data_loss"}));
    assert!(without.starts_with("seconds: "), "{without}");
    let negative = field_of(world, incident, json!({"kind": "data_loss", "seconds": -1}));
    assert!(negative.starts_with("seconds: "), "{negative}");
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    let measured = world.says(incident, json!({"kind": "data_loss", "seconds": 1200}));
    let breaches = world.breaches(incident);
    assert_eq!(breaches.len(), 1);
    assert_eq!((breaches[0].metric, breaches[0].due_at), (Metric::DataLoss, at("2026-03-02T11:00[Europe/Berlin]")));
    let again = field_of(world, incident, json!({"kind": "data_loss", "seconds": 1}));
    assert!(again.contains("correct that event"), "{again}");
    world.delivers();
    let letters = world.letters();
    let letter = letters.iter().find(|letter| letter.email == "owner@example.com").unwrap();
    let text = letter.body_text.as_deref().unwrap();
    assert!(text.contains("20 min") && text.contains("at most 15 min of data lost"), "{text}");
    // Measured again it was less: the breach is withdrawn and who was told learns of it.
    world.says(incident, json!({"kind": "corrected", "corrects": measured.seq, "seconds": 600, "reason": "the replica had more"}));
    assert!(world.breaches(incident).is_empty());
    assert_eq!(world.clock(incident, Metric::DataLoss).state, ClockState::Met);
    world.delivers();
    assert!(world.post().iter().any(|line| line == "corrected duty@vendor.example"), "{:?}", world.post());
} }

fn to_be_confirmed(world: &World) -> redress::domain::IncidentId {
    let mut terms = terms_with(world, &[("resolve", "PT20H")]);
    terms["confirmation"] = json!({"business_days": 5});
    let contract = world.signs("NW-2026", terms);
    let incident = world.raises(contract, "S1");
    world.says(incident, json!({"kind": "responded"}));
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "resolved"}));
    incident
}

on_both! { fn a_repair_waits_for_us_and_our_silence_is_a_yes(world) {
    let incident = to_be_confirmed(world);
    assert_eq!(world.clock(incident, Metric::Resolve).state, ClockState::Awaiting);
    let early = field_of(world, incident, json!({"kind": "reopened", "reason": "it is back"}));
    assert!(early.contains("rejected"), "{early}");
    world.passes_to("2026-03-06T11:00[Europe/Berlin]");
    assert!(world.breaches(incident).is_empty());
    assert_eq!(world.clock(incident, Metric::Resolve).state, ClockState::Awaiting);
    world.passes_to("2026-03-09T11:00[Europe/Berlin]");
    assert_eq!(world.clock(incident, Metric::Resolve).state, ClockState::Met);
    assert_eq!(world.outcomes(incident, Metric::Resolve).len(), 1);
    world.passes_to("2026-03-09T11:01[Europe/Berlin]");
    let late = field_of(world, incident, json!({"kind": "rejected", "reason": "it is back"}));
    assert!(late.contains("reopened"), "{late}");
} }

on_both! { fn a_rejected_repair_never_happened_and_what_passed_meanwhile_is_noticed_now(world) {
    let incident = to_be_confirmed(world);
    assert_eq!(world.outcomes(incident, Metric::Restore).len(), 1, "restored at the latest with the repair");
    world.passes_to("2026-03-04T11:00[Europe/Berlin]");
    let silent = field_of(world, incident, json!({"kind": "rejected"}));
    assert!(silent.starts_with("reason: "), "{silent}");
    assert!(world.breaches(incident).is_empty());
    world.says(incident, json!({"kind": "rejected", "reason": "it fails again under load"}));
    let restore = world.breaches(incident).into_iter().find(|breach| breach.metric == Metric::Restore).unwrap();
    assert_eq!(restore.due_at, at("2026-03-02T15:00[Europe/Berlin]"));
    assert_eq!(restore.noticed_at, at("2026-03-04T11:00[Europe/Berlin]"));
    assert_ne!(world.clock(incident, Metric::Resolve).state, ClockState::Awaiting);
    world.delivers();
    let letters = world.letters();
    let letter = letters.iter().find(|letter| letter.kind == LetterKind::Reopened && letter.email == "desk@vendor.example").unwrap();
    assert!(letter.body_text.as_deref().unwrap().contains("it fails again under load"), "{letter:?}");
    let twice = field_of(world, incident, json!({"kind": "confirmed"}));
    assert!(twice.starts_with("kind: "), "{twice}");
} }

on_both! { fn a_confirmed_repair_counts_from_its_own_moment(world) {
    let incident = to_be_confirmed(world);
    world.passes_to("2026-03-04T11:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "confirmed"}));
    let clock = world.clock(incident, Metric::Resolve);
    assert_eq!((clock.state, clock.stopped_at), (ClockState::Met, Some(at("2026-03-02T11:00[Europe/Berlin]"))));
} }

on_both! { fn terms_without_confirmation_ask_for_none(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.says(incident, json!({"kind": "resolved"}));
    let fault = field_of(world, incident, json!({"kind": "confirmed"}));
    assert!(fault.contains("no confirmation"), "{fault}");
} }

on_both! { fn a_time_the_vendor_named_is_a_response_and_an_update(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    let bare = field_of(world, incident, json!({"kind": "promised"}));
    assert!(bare.starts_with("promised_for: "), "{bare}");
    let past = field_of(world, incident, json!({"kind": "promised", "promised_for": "2026-03-01T00:00:00Z"}));
    assert!(past.starts_with("promised_for: "), "{past}");
    let event = world.says(incident, json!({"kind": "promised", "promised_for": "2026-03-02T14:00:00Z"}));
    assert_eq!(event.fields.promised_for, Some(at("2026-03-02T15:00[Europe/Berlin]")));
    assert_eq!(world.clock(incident, Metric::Respond).state, ClockState::Met);
} }

on_both! { fn a_missed_update_is_over_when_the_severity_asks_for_none_any_more(world) {
    let contract = world.signs("NW-2026", terms_with(world, &[("update", "PT1H")]));
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T11:30[Europe/Berlin]");
    world.says(incident, json!({"kind": "severity_changed", "severity": "S2"}));
    world.passes_to("2026-03-02T15:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "restored"}));
    let now = world.hand.now();
    let found = world.store.read(|conn| redress::store::incident::get(conn, incident)).unwrap();
    let judged = world.store.read(|conn| redress::consequence::judged(conn, found, now)).unwrap();
    let breaches = world.breaches(incident);
    let update = breaches.iter().find(|breach| breach.metric == Metric::Update).unwrap();
    let lateness = judged.lateness(update, now).unwrap().unwrap();
    // Nothing was owed from half past eleven on: the repair at three is no answer to it.
    assert_eq!((lateness.stopped_at, lateness.is_over, lateness.elapsed), (None, true, 30 * MINUTE));
} }

on_both! { fn a_pause_that_could_hold_nothing_is_refused_at_its_stop(world) {
    let mut terms = world.usual_terms();
    terms["clock_stops"].as_array_mut().unwrap().push(json!(
        {"code": "PARTS", "clause": "7.6", "name": "Spare parts", "metrics": ["workaround", "resolve"], "needs_agreement": false}));
    let contract = world.signs("NW-2026", terms);
    let incident = world.raises(contract, "S1");
    let before = world.events(incident).len();
    let said = field_of(world, incident, json!({"kind": "paused", "stop": "PARTS"}));
    assert!(said.starts_with("stop: the clock stop PARTS is for nothing"), "{said}");
    assert_eq!(world.events(incident).len(), before);
    world.says(incident, json!({"kind": "paused", "stop": "ACCESS"}));
    assert_eq!(world.clock(incident, Metric::Restore).state, ClockState::Paused);
} }
