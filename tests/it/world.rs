//! A small company with its vendors, on either database, under a clock moved by hand.

pub mod ends;

use chrono::{NaiveDateTime, TimeZone};
use chrono_tz::Tz;
use redress::actions;
use redress::consequence::Followed;
use redress::domain::breach::Breach;
use redress::domain::calendar_entry::CalendarInput;
use redress::domain::clock::ClockRow;
use redress::domain::incident::{Incident, OpenCase, Raise, Record};
use redress::domain::outbox::Letter;
use redress::domain::person::PersonInput;
use redress::domain::timeline::Event;
use redress::domain::vendor::VendorInput;
use redress::domain::words::{Metric, Source};
use redress::domain::{CalendarId, ContractId, IncidentId, PersonId, VendorId};
use redress::engine::deliver::{Delivered, Sender, deliver};
use redress::engine::tick::tick;
use redress::error::Error;
use redress::hook::outlet::HookOutlet;
use redress::mail::outlet::{MemoryOutlet, Outlet};
use redress::mail::templates::Templates;
use redress::store::clock::StepRow;
use redress::store::{self, Actor, DatabaseUrl, Store};
use redress::time::{HandTime, Moment, TimeSource};
use serde_json::{Value, json};

use crate::support::postgres::{Database, Template};

static MIGRATED: Template = Template::new("stories", |url| {
    let store = open(url, &HandTime::at(monday()));
    store.migrate().unwrap();
});

/// One story, played on a fresh SQLite file and, where there is one, on a fresh PostgreSQL database.
#[macro_export]
macro_rules! on_both {
    ($(#[$meta:meta])* fn $name:ident($world:ident) $story:block) => {
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            fn story($world: &$crate::world::World) $story

            #[test]
            fn sqlite() {
                let world = $crate::world::World::on_sqlite();
                story(&world);
                world.ends();
            }

            #[test]
            fn postgres() {
                if let Some(world) = $crate::world::World::on_postgres() {
                    story(&world);
                    world.ends();
                }
            }
        }
    };
}

/// Monday, 2 March 2026, 10:00 in Berlin.
pub fn monday() -> Moment {
    at("2026-03-02T10:00[Europe/Berlin]")
}

/// Reads a local time with its zone, `2026-03-27T16:30[Europe/Berlin]`.
pub fn at(text: &str) -> Moment {
    let (local, zone) = text
        .trim_end_matches(']')
        .split_once('[')
        .expect("a zone in brackets");
    let zone: Tz = zone.parse().expect("an IANA zone");
    let local = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(local, form).ok())
        .expect("a local time");
    zone.from_local_datetime(&local).unwrap().to_utc().into()
}

fn open(url: &str, hand: &HandTime) -> Store {
    let url: DatabaseUrl = url.parse().unwrap();
    Store::open(&url, TimeSource::Hand(hand.clone())).unwrap()
}

/// Where the data lies; goes when the world goes.
enum Ground {
    Folder(#[allow(dead_code)] tempfile::TempDir),
    Database(#[allow(dead_code)] Database),
}

/// A company with people, one calendar and one vendor.
pub struct World {
    pub store: Store,
    pub hand: HandTime,
    pub ann: PersonId,
    pub max: PersonId,
    pub office: CalendarId,
    pub vendor: VendorId,
    /// What has left the house, in order.
    pub outlet: MemoryOutlet,
    // Dropped last: the store's connections go first.
    _ground: Ground,
}

impl World {
    pub fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hand = HandTime::at(monday());
        let store = open(
            &format!("sqlite:{}", folder.path().join("world.db").display()),
            &hand,
        );
        store.migrate().unwrap();
        Self::populated(store, hand, Ground::Folder(folder))
    }

    pub fn on_postgres() -> Option<Self> {
        let database = MIGRATED.database()?;
        let hand = HandTime::at(monday());
        let store = open(&database.url, &hand);
        Some(Self::populated(store, hand, Ground::Database(database)))
    }

    fn populated(store: Store, hand: HandTime, ground: Ground) -> Self {
        let person = |name: &str, email: &str, role: &str| {
            let input = json!({"name": name, "email": email, "role": role, "time_zone": "Europe/Berlin", "locale": "en"});
            let input = PersonInput::read(&input).unwrap();
            store
                .write(Actor::Operator, move |tx| {
                    actions::person::add(tx, &input, None)
                })
                .unwrap()
        };
        let ann = person("Ann", "ann@example.com", "engineer");
        let max = person("Max", "max@example.com", "manager");
        let day = json!([["09:00", "12:30"], ["13:30", "18:00"]]);
        let office = enter_calendar(
            &store,
            json!({"name": "Berlin office", "time_zone": "Europe/Berlin",
                "week": {"mon": day, "tue": day, "wed": day, "thu": day, "fri": day}}),
        );
        let vendor = VendorInput::read(&json!({
            "name": "Northwind Carrier", "time_zone": "Europe/Berlin", "locale": "en",
            "contacts": [
                {"name": "Service desk", "email": "desk@vendor.example", "rung": 1},
                {"name": "Duty manager", "email": "duty@vendor.example", "rung": 2, "time_zone": "Asia/Shanghai", "locale": "zh-CN"}]}))
        .unwrap();
        let vendor = store
            .write(Actor::Operator, move |tx| {
                actions::vendor::enter(tx, &vendor)
            })
            .unwrap();
        Self {
            store,
            hand,
            ann,
            max,
            office,
            vendor,
            outlet: MemoryOutlet::default(),
            _ground: ground,
        }
    }

    /// The terms that stories use unless they need others: S1 and S2 in office hours.
    pub fn usual_terms(&self) -> Value {
        let commitment = |clause: &str, metric: &str, severity: &str, target: &str| {
            json!({"clause": clause, "metric": metric, "severity": severity, "calendar_id": self.office,
                   "target": {"open_time": target}})
        };
        json!({
            "effective_from": "2026-01-01", "currency": "EUR", "monthly_fee": 1_200_000,
            "severities": [{"code": "S1", "name": "Critical"}, {"code": "S2", "name": "Major"}, {"code": "S3", "name": "Minor"}],
            "clock_stops": [
                {"code": "ACCESS", "clause": "7.4", "name": "No access", "metrics": ["workaround", "restore", "resolve"], "needs_agreement": false},
                {"code": "MAINT", "clause": "7.5", "name": "Maintenance", "metrics": ["update", "restore", "resolve"], "needs_agreement": true}],
            "commitments": [
                commitment("5.1", "respond", "S1", "PT1H"),
                commitment("5.1", "respond", "S2", "PT2H"),
                commitment("5.3", "restore", "S1", "PT4H"),
                commitment("5.3", "restore", "S2", "PT8H")],
            "ladder": [
                {"when": {"percent": 75}, "to": ["vendor:1", "reporter"], "by": ["email"]},
                {"when": {"at_due": true}, "to": ["vendor:2", "owner"], "by": ["email"]},
                {"when": {"after_due": "PT1H", "measured": "elapsed"}, "to": ["role:manager"], "by": ["email"],
                 "repeat": {"every": "PT1H", "times": 2, "until": "acknowledged"}}]})
    }

    /// Signs a contract with those terms.
    pub fn signs(&self, reference: &str, terms: Value) -> ContractId {
        let contract = json!({"vendor_id": self.vendor, "reference": reference, "title": "Wide area network",
            "owner": "owner@example.com", "time_zone": "Europe/Berlin", "effective_from": "2026-01-01", "terms": terms});
        self.store
            .write(Actor::Operator, move |tx| {
                actions::contract::enter(tx, &contract)
            })
            .unwrap_or_else(|error| panic!("the contract was refused: {error}"))
    }

    /// Ann raises an incident now.
    pub fn raises(&self, contract: ContractId, severity: &str) -> IncidentId {
        self.raises_as(
            json!({"contract_id": contract, "severity": severity, "title": "Frankfurt is cut off"}),
        )
        .unwrap_or_else(|error| panic!("the incident was refused: {error}"))
        .id
    }

    /// Ann raises an incident as the API reads it.
    pub fn raises_as(&self, input: Value) -> Result<Incident, Error> {
        let raise = Raise::read(&input)?;
        self.store.write(Actor::Person(self.ann), move |tx| {
            actions::incident::raise(tx, &raise, Source::Api)
        })
    }

    /// Ann adds a vendor to an incident as the API reads it.
    pub fn adds_case(
        &self,
        incident: IncidentId,
        input: Value,
    ) -> Result<redress::domain::CaseId, Error> {
        let case = OpenCase::read(&input)?;
        self.store.write(Actor::Person(self.ann), move |tx| {
            actions::incident::add_case(tx, incident, &case, Source::Api)
        })
    }

    /// Ann records an event as the API reads it.
    pub fn records(&self, incident: IncidentId, input: Value) -> Result<Event, Error> {
        let record = Record::read(&input)?;
        self.store.write(Actor::Person(self.ann), move |tx| {
            actions::incident::record(tx, incident, &record, Source::Api)
        })
    }

    /// Ann records an event that must be admitted.
    pub fn says(&self, incident: IncidentId, input: Value) -> Event {
        self.records(incident, input.clone())
            .unwrap_or_else(|error| panic!("{input} was refused: {error}"))
    }

    /// Sets the clock; nothing runs.
    pub fn stands_at(&self, moment: &str) {
        self.hand.set(at(moment));
    }

    /// Lets time pass to that moment, the engine running at every due moment between.
    pub fn passes_to(&self, moment: &str) -> Followed {
        self.passes_to_moment(at(moment))
    }

    pub fn passes_to_moment(&self, moment: Moment) -> Followed {
        let mut all = Followed::default();
        let next = || self.store.read(store::clock::next_timer).unwrap();
        while let Some(due) = next().filter(|due| *due <= moment) {
            self.hand.set(due.max(self.hand.now()));
            all += tick(&self.store).unwrap().followed;
        }
        self.hand.set(moment);
        all
    }

    /// Time jumps there and the engine runs once, as after downtime.
    pub fn jumps_to(&self, moment: &str) -> Followed {
        self.hand.set(at(moment));
        tick(&self.store).unwrap().followed
    }

    /// Sends what waits, into memory.
    pub fn delivers(&self) -> Delivered {
        self.delivers_by(&Templates::default())
    }

    /// The same, written by those templates.
    pub fn delivers_by(&self, templates: &Templates) -> Delivered {
        let sender = Sender {
            outlet: Outlet::Memory(self.outlet.clone()),
            from: "Redress <redress@example.com>".parse().unwrap(),
            reply_to: "redress@example.com".parse().ok(),
            public_url: "https://redress.example.com".to_string(),
            hooks: HookOutlet::AsMail,
            templates: templates.clone(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(deliver(&self.store, &sender)).unwrap()
    }

    pub fn clocks(&self, incident: IncidentId) -> Vec<ClockRow> {
        self.store
            .read(|conn| store::clock::of_incident(conn, incident))
            .unwrap()
    }

    /// The outcomes of a clock as `run.interval result`.
    pub fn outcomes(&self, incident: IncidentId, metric: Metric) -> Vec<String> {
        let clock = self.clock(incident, metric).id;
        let rows = self
            .store
            .read(|conn| store::clock::outcomes_of(conn, clock))
            .unwrap();
        rows.iter()
            .map(|row| format!("{}.{} {}", row.run, row.interval, row.result))
            .collect()
    }

    /// The edit that closes the office on a date.
    pub fn closing(date: &str, name: &str) -> CalendarInput {
        let day = json!([["09:00", "12:30"], ["13:30", "18:00"]]);
        CalendarInput::read_edit(
            &json!({"name": "Berlin office", "time_zone": "Europe/Berlin",
            "week": {"mon": day, "tue": day, "wed": day, "thu": day, "fri": day},
            "exceptions": [{"date": date, "name": name, "windows": []}]}),
        )
        .unwrap()
    }

    /// Procurement closes the office on a date.
    pub fn closes_the_office_on(&self, date: &str, name: &str) {
        let input = Self::closing(date, name);
        let office = self.office;
        self.store
            .write(Actor::Operator, move |tx| {
                actions::calendar::edit(tx, office, 1, &input)
            })
            .unwrap();
    }

    /// The service desk gets hours of its own.
    pub fn gives_the_desk_hours(&self, calendar: CalendarId) {
        let vendor = self.vendor;
        let input = VendorInput::read(&json!({"name": "Northwind Carrier", "time_zone": "Europe/Berlin", "locale": "en",
            "contacts": [{"name": "Service desk", "email": "desk@vendor.example", "rung": 1, "calendar_id": calendar}]}))
        .unwrap();
        self.store
            .write(Actor::Operator, move |tx| {
                actions::vendor::edit(tx, vendor, 1, &input)
            })
            .unwrap();
    }

    pub fn clock(&self, incident: IncidentId, metric: Metric) -> ClockRow {
        let clocks = self
            .store
            .read(|conn| store::clock::of_incident(conn, incident))
            .unwrap();
        clocks
            .into_iter()
            .find(|clock| clock.metric == metric)
            .unwrap_or_else(|| panic!("there is no clock for {metric}"))
    }

    /// Breaches that hold.
    pub fn breaches(&self, incident: IncidentId) -> Vec<Breach> {
        let entries = self
            .store
            .read(|conn| store::breach::of_incident(conn, incident))
            .unwrap();
        entries
            .into_iter()
            .filter(|(_, withdrawal)| withdrawal.is_none())
            .map(|(breach, _)| breach)
            .collect()
    }

    pub fn steps(&self, incident: IncidentId) -> Vec<StepRow> {
        let clocks = self
            .store
            .read(|conn| store::clock::of_incident(conn, incident))
            .unwrap();
        let mut steps = Vec::new();
        for clock in clocks {
            steps.extend(
                self.store
                    .read(|conn| store::clock::steps_of(conn, clock.id))
                    .unwrap(),
            );
        }
        steps
    }

    pub fn letters(&self) -> Vec<Letter> {
        let mut letters = self
            .store
            .read(|conn| store::letter::list(conn, None, None, None, 10_000))
            .unwrap();
        letters.reverse();
        letters
    }

    /// The letters as `kind → recipient`, in the order they were queued.
    pub fn post(&self) -> Vec<String> {
        self.letters()
            .iter()
            .map(|letter| format!("{} {}", letter.kind, letter.email))
            .collect()
    }

    pub fn events(&self, incident: IncidentId) -> Vec<Event> {
        self.store
            .read(|conn| store::incident::events(conn, incident))
            .unwrap()
    }
}

pub fn enter_calendar(store: &Store, value: Value) -> CalendarId {
    let input = CalendarInput::read(&value).unwrap_or_else(|faults| panic!("{faults:?}"));
    store
        .write(Actor::Operator, move |tx| {
            actions::calendar::enter(tx, &input)
        })
        .unwrap()
}
