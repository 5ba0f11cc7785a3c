//! What a report counts, and in which period.

use redress::actions;
use redress::domain::breach::Standing;
use redress::domain::clock::Verdict;
use redress::domain::words::Metric;
use redress::report::{self, Ask, Only};
use redress::store::Actor;
use redress::time::{HOUR, MINUTE};
use serde_json::json;

use super::share;
use crate::on_both;
use crate::world::{World, at};

/// Monday, 10:00: S1, to be answered by 11:00 and restored by 15:00 (the office closes from 12:30 to
/// 13:30). Answered after a quarter of an hour, restored half an hour late.
fn one_met_and_one_missed(world: &World) -> redress::domain::IncidentId {
    let contract = world.signs("NW-2026", world.usual_terms());
    let outage = world.raises(contract, "S1");
    world.passes_to("2026-03-02T10:15[Europe/Berlin]");
    world.says(outage, json!({"kind": "responded"}));
    world.passes_to("2026-03-02T15:30[Europe/Berlin]");
    world.says(outage, json!({"kind": "restored"}));
    outage
}

on_both! { fn what_was_met_and_missed_is_counted_once_and_by_how_much(world) {
    let outage = one_met_and_one_missed(world);
    let report = world.report("2026-03");
    assert_eq!((report.total.met, report.total.missed, report.total.cases), (1, 1, 2));
    assert!((share(report.total.attainment) - 0.5).abs() < 1e-12);
    // Of an hour a quarter was used: three quarters were left.
    assert_eq!(report.total.margin, Some(0.75));
    assert_eq!(report.incidents, 1);
    let rows: Vec<_> = report.rows.iter().map(|row| (row.metric, row.severity.as_str(), row.score.met, row.score.missed)).collect();
    assert_eq!(rows, [(Metric::Respond, "S1", 1, 0), (Metric::Restore, "S1", 0, 1)]);
    assert_eq!(report.rows[1].score.margin, None);

    let [breach] = &report.breaches[..] else { panic!("{:?}", report.breaches) };
    assert_eq!(breach.about.incident, outage.reference());
    assert_eq!((breach.about.clause.as_str(), breach.about.rank), ("5.3", 1));
    assert_eq!(breach.due_at, at("2026-03-02T15:00[Europe/Berlin]"));
    assert_eq!(breach.late.stopped_at, Some(at("2026-03-02T15:30[Europe/Berlin]")));
    assert_eq!((breach.late.open, breach.late.elapsed), (30 * MINUTE, 30 * MINUTE));
    assert_eq!(breach.late.standing, Standing::Stopped);
    assert!(report.open.is_empty() && report.withdrawn.is_empty());

    let february = world.report("2026-02");
    assert_eq!((february.total.cases, february.total.attainment), (0, None));
    assert!(february.rows.is_empty(), "what had no case is not scored");
    assert_eq!(world.report("2026-Q1").total, report.total);
} }

on_both! { fn a_breach_that_has_not_stopped_is_late_as_of_now_and_counts_as_missed(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    // Friday 17:30: half an hour until the office closes, the other half on Monday.
    world.stands_at("2026-03-06T17:30[Europe/Berlin]");
    let outage = world.raises(contract, "S1");
    let friday = world.report("2026-03");
    assert_eq!(friday.total.cases, 0);
    assert_eq!(friday.open.len(), 2, "answer and repair are not due yet");
    assert_eq!(friday.open[0].due_at, Some(at("2026-03-09T09:30[Europe/Berlin]")));

    world.passes_to("2026-03-09T10:00[Europe/Berlin]");
    let monday = world.report("2026-03");
    assert_eq!((monday.total.met, monday.total.missed), (0, 1));
    let late = monday.breaches[0].late;
    assert_eq!((late.standing, late.stopped_at), (Standing::Open, None));
    assert_eq!((late.open, late.elapsed), (30 * MINUTE, 30 * MINUTE));

    // Over the night the office is closed: open time stands still, elapsed time does not.
    world.passes_to("2026-03-10T08:00[Europe/Berlin]");
    let tuesday = world.report("2026-03");
    let respond = tuesday.breaches.iter().find(|line| line.about.metric == Metric::Respond).unwrap();
    assert_eq!(respond.late.open, 7 * HOUR + 30 * MINUTE);
    assert_eq!(respond.late.elapsed, 22 * HOUR + 30 * MINUTE);
    assert_eq!(respond.late.until, world.hand.now());

    // Once nobody asks for it any more, lateness grows no further; the breach stays.
    world.passes_to("2026-03-10T10:00[Europe/Berlin]");
    world.says(outage, json!({"kind": "cancelled", "reason": "the site is given up"}));
    world.passes_to("2026-03-20T10:00[Europe/Berlin]");
    let later = world.report("2026-03");
    let respond = later.breaches.iter().find(|line| line.about.metric == Metric::Respond).unwrap();
    assert_eq!(respond.late.standing, Standing::Cancelled);
    assert_eq!(respond.late.until, at("2026-03-10T10:00[Europe/Berlin]"));
    assert_eq!(respond.late.open, 8 * HOUR + 30 * MINUTE);
} }

on_both! { fn a_moment_belongs_to_the_period_of_the_contracts_own_zone(world) {
    let always = world.around_the_clock();
    let terms = json!({
        "effective_from": "2026-01-01", "currency": "EUR", "severities": [{"code": "S1", "name": "Critical"}],
        "commitments": [{"clause": "1", "metric": "respond", "severity": "S1", "calendar_id": always,
                         "target": {"open_time": "PT12H"}}], "ladder": []});
    let sign = |reference: &str, zone: &str| {
        let contract = json!({"vendor_id": world.vendor, "reference": reference, "title": "WAN", "terms": terms.clone(),
            "owner": "owner@example.com", "time_zone": zone, "effective_from": "2026-01-01"});
        world.store.write(Actor::Operator, move |tx| actions::contract::enter(tx, &contract)).unwrap()
    };
    let contracts = [sign("BER", "Europe/Berlin"), sign("SHA", "Asia/Shanghai")];
    world.stands_at("2026-03-31T12:00[Europe/Berlin]");
    let incidents = contracts.map(|contract| world.raises(contract, "S1"));
    // In Shanghai April has just begun, in Berlin it is still March.
    world.passes_to("2026-04-01T00:00[Asia/Shanghai]");
    for incident in incidents {
        world.says(incident, json!({"kind": "responded"}));
    }
    let counted = |period: &str| {
        let report = world.report(period);
        let rows = report.rows.iter().map(|row| (row.contract.clone(), row.score.met));
        (rows.collect::<Vec<_>>(), report.total.met)
    };
    assert_eq!(counted("2026-03"), (vec![("BER".to_string(), 1)], 1));
    assert_eq!(counted("2026-04"), (vec![("SHA".to_string(), 1)], 1));
    let parts = world.report("2026-04").contracts;
    let begins: Vec<String> = parts.iter().map(|part| part.from.to_string()).collect();
    assert_eq!(begins, ["2026-03-31T22:00:00Z", "2026-03-31T16:00:00Z"]);
    let groups = |by: &[&str]| {
        let ask = Ask { vendor: Some(world.vendor), period: "2026".parse().unwrap() };
        let by: Vec<_> = by.iter().map(|word| word.parse().unwrap()).collect();
        let groups = world.store.read(|conn| report::attainment(conn, &ask, &by)).unwrap();
        groups.into_iter().map(|group| (group.key.into_values().collect::<Vec<_>>().join(" "), group.score.met)).collect::<Vec<_>>()
    };
    assert_eq!(groups(&["month"]), [("2026-03".to_string(), 1), ("2026-04".to_string(), 1)]);
    assert_eq!(groups(&["vendor", "metric"]), [("Northwind Carrier respond".to_string(), 2)]);
    assert_eq!(groups(&[]), [(String::new(), 2)]);
} }

on_both! { fn practice_counts_for_nothing_and_is_said_to_be_left_out(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let drill = world.raises_as(json!({"contract_id": contract, "severity": "S1", "title": "Practice", "drill": true})).unwrap();
    world.passes_to("2026-03-02T10:15[Europe/Berlin]");
    world.says(drill.id, json!({"kind": "responded"}));
    let early = world.report("2026-03");
    assert!(early.open.is_empty(), "the repair that is still open is practice too");
    world.passes_to("2026-03-03T10:00[Europe/Berlin]");
    let report = world.report("2026-03");
    assert_eq!(report.total.cases, 0);
    assert!(report.rows.is_empty() && report.breaches.is_empty());
    assert_eq!((report.drills.incidents, report.drills.met, report.drills.missed), (1, 1, 1));
} }

on_both! { fn a_withdrawn_breach_is_in_no_figure_and_listed_apart(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let outage = world.raises(contract, "S1");
    world.passes_to("2026-03-02T11:10[Europe/Berlin]");
    assert_eq!(world.report("2026-03").total.missed, 1);
    world.says(outage, json!({"kind": "responded", "occurred_at": at("2026-03-02T10:30[Europe/Berlin]"), "reason": "their log shows it"}));
    let report = world.report("2026-03");
    assert_eq!((report.total.met, report.total.missed), (1, 0));
    assert!(report.breaches.is_empty());
    let [withdrawn] = &report.withdrawn[..] else { panic!("{:?}", report.withdrawn) };
    assert_eq!(withdrawn.due_at, at("2026-03-02T11:00[Europe/Berlin]"));
    assert!(withdrawn.reason.contains("their log shows it"), "{}", withdrawn.reason);
} }

on_both! { fn every_figure_opens_its_cases_and_missed_ones_are_the_breaches(world) {
    one_met_and_one_missed(world);
    world.passes_to("2026-03-04T10:00[Europe/Berlin]");
    let report = world.report("2026-03");
    let ask = Ask { vendor: None, period: "2026-03".parse().unwrap() };
    for row in &report.rows {
        let only = Only { contract: Some(row.contract_id), metric: Some(row.metric), severity: Some(row.severity.clone()), result: None };
        let cases = world.store.read(|conn| report::cases(conn, &ask, &only)).unwrap();
        assert_eq!(cases.len() as u64, row.score.cases);
        let met = cases.iter().filter(|case| case.result == Verdict::Met).count();
        assert_eq!(met as u64, row.score.met);
    }
    let only = Only { result: Some(Verdict::Missed), ..Only::default() };
    let missed = world.store.read(|conn| report::cases(conn, &ask, &only)).unwrap();
    let cases: Vec<_> = missed.iter().map(|case| (case.about.incident.clone(), case.due_at)).collect();
    let breaches: Vec<_> = report.breaches.iter().map(|line| (line.about.incident.clone(), line.due_at)).collect();
    assert_eq!(cases, breaches);
} }
