//! A company whose vendor signed very short times, ready for a service process to be started on it.

use std::io::Write;
use std::thread;
use std::time::Duration;

use redress::actions;
use redress::domain::incident::Raise;
use redress::domain::person::PersonInput;
use redress::domain::schedule::ScheduleInput;
use redress::domain::vendor::VendorInput;
use redress::domain::words::Source;
use redress::domain::{ContractId, IncidentId};
use redress::secret::Secret;
use redress::store::{Actor, DatabaseUrl, Store};
use redress::time::{HandTime, Moment, TimeSource};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::support::smtp::Smtp;
use crate::world::enter_calendar;

/// How long is waited between two looks at something that is awaited.
const PAUSE: Duration = Duration::from_millis(20);
/// Looks at something that is awaited: a minute and a half.
const LOOKS: usize = 4500;

/// The company, its database and its mail server.
pub struct House {
    /// Where the processes log and run.
    pub folder: TempDir,
    /// The database.
    pub database: String,
    /// Takes the letters.
    pub sink: Smtp,
    /// `Bearer …` of an engineer.
    pub bearer: String,
    /// The contract with the short times.
    pub contract: ContractId,
    /// An incident raised before any service started, with a year of time.
    pub first: IncidentId,
}

impl House {
    /// On a fresh SQLite file.
    pub fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite:{}", folder.path().join("house.db").display());
        Self::furnished(folder, database)
    }

    /// On that database of PostgreSQL, which has to be empty.
    pub fn on_postgres(url: &str) -> Self {
        Self::furnished(tempfile::tempdir().unwrap(), url.to_string())
    }

    /// Everything is entered as two days ago, so that a daily report is overdue when a service starts.
    fn furnished(folder: TempDir, database: String) -> Self {
        let before = TimeSource::Machine.now() - 2 * 24 * redress::time::HOUR;
        let hand = HandTime::at(before);
        let store = open(&database, TimeSource::Hand(hand));
        store.migrate().unwrap();
        let person = |name: &str, role: &str| {
            let input = json!({"name": name, "email": format!("{}@example.com", name.to_lowercase()),
                "role": role, "time_zone": "Europe/Berlin", "locale": "en"});
            let input = PersonInput::read(&input).unwrap();
            let add = store.write(Actor::Operator, move |tx| {
                actions::person::add(tx, &input, None)
            });
            add.unwrap()
        };
        let ann = person("Ann", "engineer");
        person("Max", "manager");
        let all_day = json!([["00:00", "24:00"]]);
        let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let week: Map<String, Value> = days
            .map(|day| (day.into(), all_day.clone()))
            .into_iter()
            .collect();
        let calendar = enter_calendar(
            &store,
            json!({"name": "Round the clock", "time_zone": "Europe/Berlin", "week": week}),
        );
        let vendor = VendorInput::read(&json!({
            "name": "Northwind Carrier", "time_zone": "Europe/Berlin", "locale": "en",
            "contacts": [{"name": "Service desk", "email": "desk@vendor.example", "rung": 1},
                         {"name": "Duty manager", "email": "duty@vendor.example", "rung": 2}]}))
        .unwrap();
        let vendor = store
            .write(Actor::Operator, move |tx| {
                actions::vendor::enter(tx, &vendor)
            })
            .unwrap();
        let commitment = |metric: &str, severity: &str, target: &str| {
            json!({"clause": "5.1", "metric": metric, "severity": severity, "calendar_id": calendar,
                   "target": {"open_time": target}})
        };
        let from = (before - 24 * redress::time::HOUR).date_in(chrono_tz::Europe::Berlin);
        let contract = json!({"vendor_id": vendor, "reference": "NW-1", "title": "Wide area network",
            "owner": "owner@example.com", "time_zone": "Europe/Berlin", "effective_from": from,
            "terms": {
                "effective_from": from, "currency": "EUR", "monthly_fee": 1_200_000,
                "severities": [{"code": "S1", "name": "Critical"}, {"code": "S2", "name": "Slow"}],
                "commitments": [commitment("respond", "S1", "PT1S"), commitment("restore", "S1", "PT1.5S"),
                                commitment("restore", "S2", "PT9000H")],
                "ladder": [
                    {"when": {"percent": 50}, "to": ["vendor:1"], "by": ["email"]},
                    {"when": {"at_due": true}, "to": ["vendor:2", "owner"], "by": ["email"]},
                    {"when": {"after_due": "PT0.5S", "measured": "elapsed"}, "to": ["role:manager"],
                     "by": ["email"], "repeat": {"every": "PT1S", "times": 1}}]}});
        let contract = store
            .write(Actor::Operator, move |tx| {
                actions::contract::enter(tx, &contract)
            })
            .unwrap_or_else(|error| panic!("{error}"));
        let secret = Secret::token().unwrap();
        let hash = secret.hash();
        let daily = ScheduleInput::read(&json!({"name": "Daily", "cron": "0 8 * * *",
            "time_zone": "Europe/Berlin", "recipients": ["max@example.com"]}))
        .unwrap();
        let rest = store.write(Actor::Operator, move |tx| {
            actions::token::create(tx, ann, "traffic", &hash)?;
            actions::schedule::enter(tx, &daily)
        });
        rest.unwrap();
        let slow = json!({"contract_id": contract, "severity": "S2", "title": "Munich is slow"});
        let slow = Raise::read(&slow).unwrap();
        let first = store.write(Actor::Person(ann), move |tx| {
            actions::incident::raise(tx, &slow, Source::Api)
        });
        Self {
            folder,
            database,
            sink: Smtp::start(),
            bearer: format!("Bearer {}", secret.reveal()),
            contract,
            first: first.unwrap().id,
        }
    }

    /// The database as it is now, for this process.
    pub fn store(&self) -> Store {
        open(&self.database, TimeSource::Machine)
    }

    /// The database under a clock that stands at that moment.
    pub fn store_at(&self, moment: Moment) -> (Store, HandTime) {
        let hand = HandTime::at(moment);
        (open(&self.database, TimeSource::Hand(hand.clone())), hand)
    }
}

fn open(database: &str, time: TimeSource) -> Store {
    let url: DatabaseUrl = database.parse().unwrap();
    Store::open(&url, time).unwrap()
}

/// How many clocks a large story raises: `REDRESS_TEST_CLOCKS`, or 1,000.
pub fn clocks() -> usize {
    let given = std::env::var("REDRESS_TEST_CLOCKS").ok();
    given.map_or(1000, |clocks| clocks.parse().unwrap())
}

/// Waits until it is so, for a bounded number of looks.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..LOOKS {
        if is_so() {
            return;
        }
        pause();
    }
    panic!("in vain it was awaited that {what}");
}

/// Between two looks or attempts.
pub fn pause() {
    thread::sleep(PAUSE);
}

/// Says something past libtest's capture, so that it stands in the log of a green run.
pub fn say(line: &str) {
    let _ = std::io::stderr().write_all(format!("\n{line}\n").as_bytes());
}

/// Chance that can be repeated.
pub struct Chance(u64);

impl Chance {
    /// From `REDRESS_TEST_SEED`, or a fresh seed; says which.
    pub fn of_this_run(what: &str) -> Self {
        let given = std::env::var("REDRESS_TEST_SEED").ok();
        let seed = given.map(|seed| seed.parse().unwrap()).unwrap_or_else(|| {
            let mut bytes = [0; 4];
            getrandom::fill(&mut bytes).unwrap();
            u64::from(u32::from_le_bytes(bytes))
        });
        say(&format!("{what}: REDRESS_TEST_SEED={seed}"));
        Self(seed)
    }

    /// Another one, for another thread.
    pub fn branch(&mut self) -> Self {
        Self(self.next())
    }

    /// A number below that.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
