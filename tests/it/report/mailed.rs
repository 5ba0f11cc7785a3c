//! Reports that are mailed: on the minute, made up for, never twice.

use redress::actions;
use redress::domain::ScheduleId;
use redress::domain::letter::{LetterFacts, LetterKind, Recipient, ReportFacts};
use redress::domain::outbox::Letter;
use redress::domain::person::PersonInput;
use redress::domain::schedule::ScheduleInput;
use redress::engine::routines;
use redress::error::{Error, Refused};
use redress::mail::templates::Templates;
use redress::store::{self, Actor};
use redress::time::Moment;
use serde_json::{Value, json};

use crate::on_both;
use crate::world::{World, at};

fn monthly() -> Value {
    json!({"name": "Monthly", "cron": "0 8 1 * *", "time_zone": "Europe/Berlin",
        "recipients": ["max@example.com", "board@example.com"]})
}

impl World {
    fn schedules(&self, value: &Value) -> ScheduleId {
        let input = ScheduleInput::read(value).unwrap();
        self.store
            .write(Actor::Person(self.max), move |tx| {
                actions::schedule::enter(tx, &input)
            })
            .unwrap()
    }

    fn reschedules(&self, id: ScheduleId, version: i64, value: &Value) -> Result<i64, Error> {
        let input = ScheduleInput::read(value)?;
        self.store.write(Actor::Person(self.max), move |tx| {
            actions::schedule::edit(tx, id, version, &input)
        })
    }

    fn runs(&self) -> u32 {
        routines::run_due(&self.store).unwrap().reports
    }

    fn next_report(&self) -> Option<Moment> {
        self.store.read(routines::next_due).unwrap()
    }

    fn reports(&self) -> Vec<(Letter, ReportFacts)> {
        let letters = self.letters().into_iter();
        letters
            .filter_map(|letter| match letter.facts.clone() {
                LetterFacts::Report(facts) => Some((letter, *facts)),
                _ => None,
            })
            .collect()
    }
}

on_both! { fn the_month_before_is_mailed_at_its_moment_to_each_in_their_language(world) {
    let mei = PersonInput::read(&json!({"name": "Mei", "email": "mei@example.com", "role": "manager",
        "time_zone": "Asia/Shanghai", "locale": "zh-CN"})).unwrap();
    world.store.write(Actor::Operator, move |tx| actions::person::add(tx, &mei, None)).unwrap();
    let mut value = monthly();
    value["recipients"] = json!(["MEI@example.com", "board@example.com"]);
    world.schedules(&value);
    let outage = { let contract = world.signs("NW-2026", world.usual_terms()); world.raises(contract, "S1") };
    world.passes_to("2026-03-03T10:00[Europe/Berlin]");

    let due = at("2026-04-01T08:00[Europe/Berlin]");
    assert_eq!(world.next_report(), Some(due));
    world.hand.set(due - 1);
    assert_eq!(world.runs(), 0);
    world.hand.set(due);
    assert_eq!(world.runs(), 1);
    assert_eq!(world.runs(), 0);
    assert_eq!(world.next_report(), Some(at("2026-05-01T08:00[Europe/Berlin]")));

    let reports = world.reports();
    let to: Vec<_> = reports.iter().map(|(letter, _)| (letter.email.as_str(), letter.locale.as_str(), letter.time_zone.name())).collect();
    assert_eq!(to, [("mei@example.com", "zh-CN", "Asia/Shanghai"), ("board@example.com", "en", "Europe/Berlin")]);
    let (letter, facts) = &reports[0];
    assert_eq!((letter.kind, letter.planned_at), (LetterKind::Report, due));
    assert_eq!(facts.from, at("2026-03-01T00:00[Europe/Berlin]"));
    assert_eq!(facts.to, at("2026-04-01T00:00[Europe/Berlin]"));
    assert_eq!(facts.link, "/report?period=2026-03");
    let missed: i64 = facts.rows.iter().map(|row| row.missed).sum();
    assert_eq!((missed, facts.breaches.len()), (2, 2));
    assert_eq!(facts.breaches[0].incident, outage.reference());
    for (letter, _) in &reports {
        let recipient = Recipient { name: letter.name.clone(), email: letter.email.clone(), locale: letter.locale,
            time_zone: letter.time_zone, side: letter.side };
        let said = Templates::default().render(&letter.facts, &recipient, "https://redress.example", due).unwrap();
        assert!(said.text.contains("https://redress.example/report?period=2026-03"), "{}", said.text);
        assert!(said.text.contains(&outage.reference()) && said.html.contains("NW-2026"));
        assert_eq!(said.attachments.len(), 1);
    }
    assert!(facts.csv.contains("2026-03") && facts.csv.contains(&outage.reference()));
} }

on_both! { fn after_downtime_each_missed_month_is_made_up_for_once_oldest_first(world) {
    let mut value = monthly();
    value["cron"] = json!("0 8 * * *");
    value["recipients"] = json!(["max@example.com"]);
    world.schedules(&value);
    world.stands_at("2026-05-20T12:00[Europe/Berlin]");
    assert_eq!(world.runs(), 3);
    let months: Vec<String> = world.reports().iter().map(|(letter, facts)| format!("{} {}", letter.planned_at, facts.link)).collect();
    assert_eq!(months, [
        "2026-03-03T07:00:00Z /report?period=2026-02",
        "2026-04-01T06:00:00Z /report?period=2026-03",
        "2026-05-01T06:00:00Z /report?period=2026-04",
    ]);
    assert_eq!(world.runs(), 0);
    assert_eq!(world.next_report(), Some(at("2026-05-21T08:00[Europe/Berlin]")));
} }

on_both! { fn two_engines_at_once_make_one_report(world) {
    world.schedules(&monthly());
    world.stands_at("2026-04-01T08:00[Europe/Berlin]");
    let made: Vec<u32> = std::thread::scope(|scope| {
        let engines: Vec<_> = (0..4).map(|_| scope.spawn(|| world.runs())).collect();
        engines.into_iter().map(|engine| engine.join().unwrap()).collect()
    });
    assert_eq!(made.iter().sum::<u32>(), 1, "{made:?}");
    assert_eq!(world.reports().len(), 2);
} }

on_both! { fn what_was_off_or_is_changed_makes_nothing_up_from_before(world) {
    let mut value = monthly();
    value["active"] = json!(false);
    let id = world.schedules(&value);
    world.stands_at("2026-04-15T12:00[Europe/Berlin]");
    assert_eq!((world.runs(), world.next_report()), (0, None));
    assert_eq!(world.reschedules(id, 1, &monthly()).unwrap(), 2);
    assert_eq!((world.runs(), world.next_report()), (0, Some(at("2026-05-01T08:00[Europe/Berlin]"))));

    // Another time of day, asked for after this month's run was due: it begins with the next.
    world.stands_at("2026-05-02T12:00[Europe/Berlin]");
    let mut earlier = monthly();
    earlier["cron"] = json!("0 7 1 * *");
    world.reschedules(id, 2, &earlier).unwrap();
    assert_eq!((world.runs(), world.next_report()), (0, Some(at("2026-06-01T07:00[Europe/Berlin]"))));

    // Other recipients only: what is overdue is still made.
    world.stands_at("2026-06-01T12:00[Europe/Berlin]");
    earlier["recipients"] = json!(["max@example.com"]);
    world.reschedules(id, 3, &earlier).unwrap();
    assert_eq!(world.runs(), 1);
    assert_eq!(world.reports().len(), 1);

    let stale = world.reschedules(id, 3, &earlier).unwrap_err();
    assert!(matches!(stale, Error::Refused(Refused::Stale { .. })), "{stale}");
    world.store.write(Actor::Person(world.max), move |tx| actions::schedule::end(tx, id)).unwrap();
    world.stands_at("2026-08-01T12:00[Europe/Berlin]");
    assert_eq!((world.runs(), world.next_report()), (0, None));
    let trail = world.store.read(|conn| store::audit::of(conn, "schedule", id.0)).unwrap();
    let deeds: Vec<&str> = trail.iter().map(|line| line.deed.as_str()).collect();
    assert_eq!(deeds, ["entered", "edited", "edited", "edited", "ran", "ended"]);
} }

on_both! { fn whoever_has_left_gets_no_report_any_more(world) {
    world.schedules(&monthly());
    let max = PersonInput::read(&json!({"name": "Max", "email": "max@example.com", "role": "manager", "active": false})).unwrap();
    let id = world.max;
    world.store.write(Actor::Operator, move |tx| actions::person::edit(tx, id, 1, &max, None).map(drop)).unwrap();
    world.stands_at("2026-04-01T08:00[Europe/Berlin]");
    assert_eq!(world.runs(), 1);
    let to: Vec<String> = world.reports().into_iter().map(|(letter, _)| letter.email).collect();
    assert_eq!(to, ["board@example.com"]);
} }

on_both! { fn a_schedule_for_no_vendor_is_refused_at_its_field(world) {
    let mut value = monthly();
    value["vendor_id"] = json!(999);
    let input = ScheduleInput::read(&value).unwrap();
    let error = world.store.write(Actor::Operator, move |tx| actions::schedule::enter(tx, &input)).unwrap_err();
    let Error::Invalid(faults) = error else { panic!("{error}") };
    assert_eq!(faults[0].field, "vendor_id");
} }
