//! Scenarios: what is played, what is refused and where.

mod faults;
mod fuzz;
mod played;
mod program;

use redress::error::Error;
use redress::simulate::play;
use serde_json::{Value, json};

/// Where the examples of the documentation are.
pub fn scenarios() -> std::path::PathBuf {
    std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/scenarios")
}

/// What a scenario tells before it ends or is refused, and the faults then, each as path and sentence.
pub fn played(scenario: &Value) -> (Vec<Value>, Vec<(String, String)>) {
    played_bytes(scenario.to_string().as_bytes(), 20_000)
}

/// The same, of the bytes of a file, stopped at so many moments at most.
pub fn played_bytes(bytes: &[u8], rounds: u64) -> (Vec<Value>, Vec<(String, String)>) {
    let mut lines = Vec::new();
    let mut say = |happening: redress::simulate::Happening| -> redress::error::Result<()> {
        lines.push(serde_json::to_value(&happening).unwrap());
        Ok(())
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let done = runtime.block_on(play(bytes, rounds, &mut say));
    let faults = match done {
        Ok(()) => Vec::new(),
        Err(Error::Invalid(found)) => found
            .into_iter()
            .map(|fault| (fault.field, fault.message))
            .collect(),
        Err(other) => panic!("{other:#}"),
    };
    (lines, faults)
}

/// The lines of a scenario that must be played to its end.
pub fn plays(scenario: &Value) -> Vec<Value> {
    let (lines, faults) = played(scenario);
    assert_eq!(faults, [], "the scenario was refused");
    assert_eq!(lines.last().unwrap()["what"], "summary");
    lines
}

/// The lines of one sort.
pub fn of<'a>(lines: &'a [Value], what: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["what"] == what).collect()
}

/// Office hours in Berlin, a carrier with two rungs, and a contract with S1 and S2.
pub fn office(incidents: Value) -> Value {
    let day = json!([["09:00", "12:30"], ["13:30", "18:00"]]);
    let commitment = |clause: &str, metric: &str, severity: &str, target: &str| {
        json!({"clause": clause, "metric": metric, "severity": severity, "calendar": "Berlin office",
               "target": {"open_time": target}})
    };
    json!({
        "calendars": [{"name": "Berlin office", "time_zone": "Europe/Berlin",
            "week": {"mon": day, "tue": day, "wed": day, "thu": day, "fri": day}}],
        "vendors": [{"name": "Northwind Carrier", "time_zone": "Europe/Berlin", "locale": "en", "contacts": [
            {"name": "Service desk", "email": "desk@vendor.example", "rung": 1},
            {"name": "Duty manager", "email": "duty@vendor.example", "rung": 2, "time_zone": "Asia/Shanghai", "locale": "zh-CN"}]}],
        "contracts": [{"vendor": "Northwind Carrier", "reference": "NW-2026", "title": "Wide area network",
            "owner": "owner@example.com", "time_zone": "Europe/Berlin", "effective_from": "2026-01-01",
            "terms": {
                "effective_from": "2026-01-01", "currency": "EUR", "monthly_fee": 1_200_000,
                "severities": [{"code": "S1", "name": "Critical"}, {"code": "S2", "name": "Major"}],
                "clock_stops": [
                    {"code": "ACCESS", "clause": "7.4", "name": "No access", "metrics": ["restore", "resolve"], "needs_agreement": false},
                    {"code": "MAINT", "clause": "7.5", "name": "Maintenance", "metrics": ["restore"], "needs_agreement": true}],
                "commitments": [
                    commitment("5.1", "respond", "S1", "PT15M"), commitment("5.1", "respond", "S2", "PT1H"),
                    commitment("5.3", "restore", "S1", "PT4H"), commitment("5.3", "restore", "S2", "PT8H")],
                "ladder": [
                    {"when": {"percent": 75}, "to": ["vendor:1", "reporter"], "by": ["email"]},
                    {"when": {"at_due": true}, "to": ["vendor:2", "owner"], "by": ["email"]},
                    {"when": {"after_due": "PT1H", "measured": "elapsed"}, "to": ["role:manager"], "by": ["email"]}]}}],
        "incidents": incidents,
        "until": "2026-03-31T18:00:00+02:00"
    })
}

/// An incident of that contract; Monday, 2 March 2026, 10:00 in Berlin is 09:00 UTC.
pub fn incident(events: Value) -> Value {
    json!({"contract": "NW-2026", "severity": "S1", "title": "Frankfurt is cut off", "events": events})
}
