//! Four contracts modelled on what such vendors publish about their support.

use serde_json::{Value, json};

use crate::actions;
use crate::domain::calendar_entry::CalendarInput;
use crate::domain::vendor::VendorInput;
use crate::domain::{CalendarId, ContractId, PersonId};
use crate::error::Result;
use crate::store::{Actor, Store};
use crate::time::Moment;

/// A contract that was entered, with what the plot needs of it.
pub(super) struct Signed {
    pub(super) id: ContractId,
    /// Codes of severities with the weight of each among the incidents.
    pub(super) severities: &'static [(&'static str, f64)],
    pub(super) titles: &'static [&'static str],
    /// A clock stop that needs no agreement, and one that does.
    pub(super) stop: Option<&'static str>,
    pub(super) agreed_stop: Option<&'static str>,
    pub(super) reference: &'static str,
    /// Whether a repair waits for our confirmation.
    pub(super) confirms: bool,
}

/// Enters calendars, vendors and contracts, as procurement would.
pub(super) fn sign(store: &Store, who: PersonId, now: Moment) -> Result<Vec<Signed>> {
    let hand = Hand { store, who };
    let from = now.utc().date_naive().to_string();
    let always = hand.calendar(json!({"name": "Around the clock", "time_zone": "UTC", "week": {
        "mon": [["00:00","24:00"]], "tue": [["00:00","24:00"]], "wed": [["00:00","24:00"]], "thu": [["00:00","24:00"]],
        "fri": [["00:00","24:00"]], "sat": [["00:00","24:00"]], "sun": [["00:00","24:00"]]}}))?;
    let office = hand.calendar(berlin())?;
    let shanghai = hand.calendar(shanghai())?;
    Ok(vec![
        hand.cloud(always, &from)?,
        hand.carrier(always, &from)?,
        hand.software(office, &from)?,
        hand.hardware(shanghai, &from)?,
    ])
}

struct Hand<'a> {
    store: &'a Store,
    who: PersonId,
}

impl Hand<'_> {
    fn calendar(&self, value: Value) -> Result<CalendarId> {
        let input = CalendarInput::read(&value)?;
        self.store.write(Actor::Person(self.who), move |tx| {
            actions::calendar::enter(tx, &input)
        })
    }

    fn contract(&self, vendor: Value, mut contract: Value) -> Result<ContractId> {
        let vendor = VendorInput::read(&vendor)?;
        self.store.write(Actor::Person(self.who), move |tx| {
            contract["vendor_id"] = json!(actions::vendor::enter(tx, &vendor)?);
            actions::contract::enter(tx, &contract)
        })
    }

    /// 24 × 7, first response by severity: 15 minutes, 1, 4, 12 and 24 hours.
    fn cloud(&self, always: CalendarId, from: &str) -> Result<Signed> {
        let vendor = json!({"name": "Nimbus Cloud", "time_zone": "America/Los_Angeles", "locale": "en",
            "notes": "Cases are opened in the console; the duty manager is reached by mail only.",
            "contacts": [
                {"name": "Support desk", "email": "support@nimbus.example", "rung": 1},
                {"name": "Duty manager", "email": "duty@nimbus.example", "rung": 2},
                {"name": "Dana Ortiz, technical account manager", "email": "dana.ortiz@nimbus.example", "rung": 3}]});
        let respond = [
            ("critical", "PT15M"),
            ("down", "PT1H"),
            ("impaired", "PT4H"),
            ("system", "PT12H"),
            ("general", "PT24H"),
        ];
        let mut commitments: Vec<Value> = respond
            .iter()
            .map(|(severity, target)| json!({"clause": "3.2", "metric": "respond", "severity": severity, "calendar_id": always, "target": {"open_time": target}}))
            .collect();
        commitments.push(json!({"clause": "3.7", "metric": "data_loss", "severity": "critical", "calendar_id": always, "target": {"open_time": "PT15M"}}));
        commitments.push(json!({"clause": "3.4", "metric": "update", "severity": "critical", "calendar_id": always, "target": {"open_time": "PT1H"}}));
        let contract = json!({"reference": "NC-ENT-2026", "title": "Enterprise support", "services": "Compute, object storage, managed database",
            "owner": "max@example.com", "time_zone": "UTC", "effective_from": from,
            "terms": {"effective_from": from, "currency": "USD", "monthly_fee": 1_500_000,
                "severities": [
                    {"code": "critical", "name": "Business-critical system down"},
                    {"code": "down", "name": "Production system down"},
                    {"code": "impaired", "name": "Production system impaired"},
                    {"code": "system", "name": "System impaired"},
                    {"code": "general", "name": "General guidance"}],
                "commitments": commitments,
                "ladder": [
                    {"when": {"percent": 75}, "to": ["vendor:1", "reporter"], "by": ["email"]},
                    {"when": {"at_due": true}, "to": ["vendor:2", "owner"], "by": ["email"]},
                    {"when": {"after_due": "PT30M", "measured": "elapsed"}, "to": ["vendor:3", "role:manager"], "by": ["email"],
                     "repeat": {"every": "PT1H", "times": 3, "until": "acknowledged"}, "severities": ["critical", "down"]}]}});
        Ok(Signed {
            id: self.contract(vendor, contract)?,
            severities: &[
                ("critical", 0.15),
                ("down", 0.25),
                ("impaired", 0.3),
                ("system", 0.15),
                ("general", 0.15),
            ],
            titles: &[
                "Object storage answers with errors in one region",
                "Managed database failover does not complete",
                "Instances cannot be started in zone b",
                "Load balancer drops long connections",
                "Object listing is an hour behind",
                "Console shows no billing data",
                "Key service rejects rotated keys",
            ],
            stop: None,
            agreed_stop: None,
            reference: "C-88",
            confirms: false,
        })
    }

    /// Four hours to restore around the clock, with a credit scale by the month.
    fn carrier(&self, always: CalendarId, from: &str) -> Result<Signed> {
        let vendor = json!({"name": "Northwind Carrier", "time_zone": "Europe/Berlin", "locale": "en",
            "contacts": [
                {"name": "Service desk", "email": "desk@northwind.example", "rung": 1},
                {"name": "Duty manager", "email": "duty@northwind.example", "rung": 2},
                {"name": "Jonas Weber, account lead", "email": "jonas.weber@northwind.example", "rung": 3},
                {"name": "Head of operations", "email": "operations@northwind.example", "rung": 4}]});
        let remedy = "credit on the monthly fee: 5 % from the first, 10 % from the second, 20 % from the third restore missed in a month";
        let contract = json!({"reference": "NW-2026", "title": "Wide area network", "services": "MPLS and internet access for nine sites",
            "owner": "max@example.com", "time_zone": "Europe/Berlin", "effective_from": from,
            "terms": {"effective_from": from, "currency": "EUR", "monthly_fee": 1_200_000,
                "severities": [
                    {"code": "S1", "name": "Critical", "criteria": "A site is cut off"},
                    {"code": "S2", "name": "Major", "criteria": "A site has lost its redundancy or half of its bandwidth"},
                    {"code": "S3", "name": "Minor", "criteria": "Everything else"}],
                "clock_stops": [
                    {"code": "ACCESS", "clause": "7.4", "name": "No access to the site", "metrics": ["restore", "resolve"], "needs_agreement": false},
                    {"code": "MAINT", "clause": "7.6", "name": "Agreed maintenance", "metrics": ["restore", "resolve", "update"], "needs_agreement": true}],
                "commitments": [
                    {"clause": "5.1", "metric": "respond", "severity": "S1", "calendar_id": always, "target": {"open_time": "PT15M"}},
                    {"clause": "5.1", "metric": "respond", "severity": "S2", "calendar_id": always, "target": {"open_time": "PT30M"}},
                    {"clause": "5.1", "metric": "respond", "severity": "S3", "calendar_id": always, "target": {"open_time": "PT4H"}},
                    {"clause": "5.2", "metric": "update", "severity": "S1", "calendar_id": always, "target": {"open_time": "PT1H"}},
                    {"clause": "5.3", "metric": "restore", "severity": "S1", "calendar_id": always, "target": {"open_time": "PT4H"}, "remedy": remedy},
                    {"clause": "5.3", "metric": "restore", "severity": "S2", "calendar_id": always, "target": {"open_time": "PT8H"}, "remedy": remedy},
                    {"clause": "5.4", "metric": "resolve", "severity": "S1", "calendar_id": always, "target": {"open_time": "PT72H"}},
                    {"clause": "5.6", "metric": "root_cause", "severity": "S1", "calendar_id": always, "target": {"open_time": "PT120H"}}],
                "root_cause_from": "restored",
                "ladder": [
                    {"when": {"percent": 75}, "to": ["vendor:1", "reporter"], "by": ["email"]},
                    {"when": {"before_due": "PT30M"}, "to": ["owner", "vendor:2"], "by": ["email"], "metrics": ["restore"]},
                    {"when": {"at_due": true}, "to": ["vendor:2", "owner"], "by": ["email"]},
                    {"when": {"after_due": "PT1H", "measured": "elapsed"}, "to": ["vendor:3", "role:manager"], "by": ["email"],
                     "repeat": {"every": "PT2H", "times": 2, "until": "acknowledged"}, "metrics": ["restore"]}]}});
        Ok(Signed {
            id: self.contract(vendor, contract)?,
            severities: &[("S1", 0.35), ("S2", 0.4), ("S3", 0.25)],
            titles: &[
                "Frankfurt is cut off",
                "Packet loss between Leipzig and Hamburg",
                "Backup line in Munich is down",
                "Routing flaps at the data centre",
                "Half the bandwidth in Cologne",
                "Voice calls break up in Vienna",
                "DNS of the access line does not answer",
            ],
            stop: Some("ACCESS"),
            agreed_stop: Some("MAINT"),
            reference: "NW-99",
            confirms: false,
        })
    }

    /// Business hours of a European software house, next business day for the rest.
    fn software(&self, office: CalendarId, from: &str) -> Result<Signed> {
        let vendor = json!({"name": "Brandt Software", "time_zone": "Europe/Berlin", "locale": "en",
            "contacts": [
                {"name": "Hotline", "email": "hotline@brandt.example", "rung": 1, "calendar_id": office},
                {"name": "Support lead", "email": "lead@brandt.example", "rung": 2, "calendar_id": office},
                {"name": "Katrin Brandt", "email": "katrin@brandt.example", "rung": 4}]});
        let contract = json!({"reference": "BS-4711", "title": "Order management suite", "services": "Maintenance and support, release 12",
            "owner": "pia@example.com", "time_zone": "Europe/Berlin", "effective_from": from,
            "terms": {"effective_from": from, "currency": "EUR", "monthly_fee": 430_000,
                "severities": [
                    {"code": "A", "name": "Work stands still"},
                    {"code": "B", "name": "Work is hindered"},
                    {"code": "C", "name": "Question or blemish"}],
                "clock_stops": [
                    {"code": "DATA", "clause": "9.2", "name": "We owe logs or test data", "metrics": ["workaround", "resolve"], "needs_agreement": false},
                    {"code": "RELEASE", "clause": "9.3", "name": "Waits for an agreed release date", "metrics": ["resolve"], "needs_agreement": true}],
                "commitments": [
                    {"clause": "8.1", "metric": "respond", "severity": "A", "calendar_id": office, "target": {"open_time": "PT2H"}},
                    {"clause": "8.1", "metric": "respond", "severity": "B", "calendar_id": office, "target": {"open_time": "PT4H"}},
                    {"clause": "8.1", "metric": "respond", "severity": "C", "calendar_id": office, "target": {"business_days": 1, "at": "same_time"}},
                    {"clause": "8.3", "metric": "workaround", "severity": "A", "calendar_id": office, "target": {"open_time": "PT8H30M"}},
                    {"clause": "8.4", "metric": "resolve", "severity": "A", "calendar_id": office, "target": {"business_days": 2, "at": "16:00"}},
                    {"clause": "8.4", "metric": "resolve", "severity": "B", "calendar_id": office, "target": {"business_days": 5, "at": "close"}},
                    {"clause": "8.6", "metric": "root_cause", "severity": "A", "calendar_id": office, "target": {"business_days": 5, "at": "close"}}],
                "confirmation": {"business_days": 5},
                "on_severity_change": "carry_fraction", "on_reopen": "as_if_never_resolved",
                "ladder": [
                    {"when": {"percent": 80}, "to": ["vendor:1", "reporter"], "by": ["email"], "hold": "recipient_hours"},
                    {"when": {"at_due": true}, "to": ["vendor:2", "owner"], "by": ["email"]},
                    {"when": {"after_due": "PT4H", "measured": "open"}, "to": ["vendor:4", "role:manager"], "by": ["email"], "severities": ["A"]}]}});
        Ok(Signed {
            id: self.contract(vendor, contract)?,
            severities: &[("A", 0.3), ("B", 0.45), ("C", 0.25)],
            titles: &[
                "Orders stay in state \"checking\"",
                "Delivery notes are printed twice",
                "Nightly import ends with an error",
                "Search finds no customers with umlauts",
                "Price list of the quarter cannot be loaded",
                "Users are signed out every ten minutes",
            ],
            stop: Some("DATA"),
            agreed_stop: Some("RELEASE"),
            reference: "BR-",
            confirms: true,
        })
    }

    /// A hardware vendor in Shanghai with its own holidays; parts by the second business day.
    fn hardware(&self, shanghai: CalendarId, from: &str) -> Result<Signed> {
        let vendor = json!({"name": "华东硬件 (Huadong Hardware)", "time_zone": "Asia/Shanghai", "locale": "zh-CN",
            "contacts": [
                {"name": "服务台", "email": "fuwu@huadong.example", "rung": 1, "calendar_id": shanghai},
                {"name": "王磊 (值班经理)", "email": "wang.lei@huadong.example", "rung": 2},
                {"name": "陈静 (客户经理)", "email": "chen.jing@huadong.example", "rung": 3}]});
        let contract = json!({"reference": "HD-2026-05", "title": "服务器与存储维护 / Server and storage maintenance", "services": "Racks in Suzhou and Kunshan",
            "owner": "max@example.com", "time_zone": "Asia/Shanghai", "effective_from": from,
            "terms": {"effective_from": from, "currency": "CNY", "monthly_fee": 6_800_000,
                "severities": [
                    {"code": "P1", "name": "生产中断 / Production down"},
                    {"code": "P2", "name": "部件故障 / Part failed, redundancy lost"},
                    {"code": "P3", "name": "咨询 / Question"}],
                "clock_stops": [
                    {"code": "SITE", "clause": "6.2", "name": "机房无法进入 / No access to the room", "metrics": ["restore"], "needs_agreement": false}],
                "commitments": [
                    {"clause": "4.1", "metric": "respond", "severity": "P1", "calendar_id": shanghai, "target": {"open_time": "PT30M"}},
                    {"clause": "4.1", "metric": "respond", "severity": "P2", "calendar_id": shanghai, "target": {"open_time": "PT2H"}},
                    {"clause": "4.1", "metric": "respond", "severity": "P3", "calendar_id": shanghai, "target": {"business_days": 1, "at": "close"}},
                    {"clause": "4.3", "metric": "restore", "severity": "P1", "calendar_id": shanghai, "target": {"open_time": "PT8H"}},
                    {"clause": "4.3", "metric": "restore", "severity": "P2", "calendar_id": shanghai, "target": {"business_days": 2, "at": "17:00"}}],
                "on_reopen": "restart",
                "ladder": [
                    {"when": {"percent": 70}, "to": ["vendor:1", "reporter"], "by": ["email"]},
                    {"when": {"at_due": true}, "to": ["vendor:2", "owner"], "by": ["email"]},
                    {"when": {"after_due": "PT2H"}, "to": ["vendor:3", "owner"], "by": ["email"]}]}});
        Ok(Signed {
            id: self.contract(vendor, contract)?,
            severities: &[("P1", 0.25), ("P2", 0.5), ("P3", 0.25)],
            titles: &[
                "存储控制器告警 / Storage controller alarm",
                "Two disks failed in the same shelf",
                "Power supply of rack 12 is dead",
                "服务器无法启动 / Server does not boot",
                "Fan noise in the Suzhou room",
                "Memory errors on the database host",
            ],
            stop: Some("SITE"),
            agreed_stop: None,
            reference: "HD",
            confirms: false,
        })
    }
}

fn berlin() -> Value {
    let day = json!([["09:00", "12:30"], ["13:30", "18:00"]]);
    let holidays = [
        ("2026-01-01", "New Year"),
        ("2026-04-03", "Good Friday"),
        ("2026-04-06", "Easter Monday"),
        ("2026-05-01", "Labour Day"),
        ("2026-05-14", "Ascension"),
        ("2026-05-25", "Whit Monday"),
        ("2026-12-25", "Christmas"),
        ("2027-01-01", "New Year"),
        ("2027-03-26", "Good Friday"),
        ("2027-03-29", "Easter Monday"),
        ("2027-05-06", "Ascension"),
        ("2027-05-17", "Whit Monday"),
    ];
    let mut exceptions = closed(&holidays);
    exceptions.push(
        json!({"date": "2026-12-24", "name": "Christmas Eve", "windows": [["09:00", "12:00"]]}),
    );
    exceptions.push(
        json!({"date": "2026-12-31", "name": "New Year's Eve", "windows": [["09:00", "12:00"]]}),
    );
    json!({"name": "Berlin office", "time_zone": "Europe/Berlin",
        "week": {"mon": day, "tue": day, "wed": day, "thu": day, "fri": [["09:00", "12:30"], ["13:30", "16:00"]]},
        "exceptions": exceptions})
}

fn shanghai() -> Value {
    let day = json!([["09:00", "18:00"]]);
    let holidays = [
        ("2026-06-19", "端午节"),
        ("2026-09-25", "中秋节"),
        ("2026-10-01", "国庆节"),
        ("2026-10-02", "国庆节"),
        ("2026-10-05", "国庆节"),
        ("2026-10-06", "国庆节"),
        ("2026-10-07", "国庆节"),
        ("2027-01-01", "元旦"),
    ];
    let mut exceptions = closed(&holidays);
    exceptions
        .push(json!({"date": "2026-10-10", "name": "调休上班", "windows": [["09:00", "18:00"]]}));
    json!({"name": "上海 / Shanghai", "time_zone": "Asia/Shanghai",
        "week": {"mon": day, "tue": day, "wed": day, "thu": day, "fri": day}, "exceptions": exceptions})
}

fn closed(holidays: &[(&str, &str)]) -> Vec<Value> {
    holidays
        .iter()
        .map(|(date, name)| json!({"date": date, "name": name, "windows": []}))
        .collect()
}
