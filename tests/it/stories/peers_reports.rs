//! Reports that went wrong elsewhere: no export, a total that was missing in it, months scored without a case.

use redress::domain::attainment::Dimension;
use redress::domain::person::Role;
use redress::report::{self, Ask};
use serde_json::json;

use crate::incident_api::{passes, raise, sign};
use crate::on_both;
use crate::report::lines;
use crate::service::{self, Service};

/// Answered in time, reported on late and restored late.
fn a_bad_day(service: &Service) {
    sign(service);
    let engineer = service.program(Role::Engineer);
    raise(&engineer);
    let says = |kind: &str| {
        let answer = engineer.post("/api/v1/incidents/1/events", &json!({"kind": kind}));
        assert_eq!(answer.status, 201, "{}", answer.text);
    };
    passes(service, 10);
    says("responded");
    passes(service, 300);
    says("restored");
}

// To see a month of commitments one was told to write a query of one's own.
#[test]
fn frappe_2372_a_month_of_commitments_is_exported_without_a_query() {
    service::on_both(|service| {
        a_bad_day(service);
        let manager = service.program(Role::Manager);
        let month = service.hand.now().utc().format("%Y-%m").to_string();
        let csv = manager.get(&format!(
            "/api/v1/reports/breaches?period={month}&format=csv"
        ));
        assert_eq!(csv.status, 200, "{}", csv.text);
        let figures = lines(csv.text.as_bytes(), "figures");
        let row = |metric: &str| {
            let row = figures.iter().find(|row| row["metric"] == metric);
            let row = row.unwrap_or_else(|| panic!("no line for {metric}: {figures:?}"));
            (
                row["met"].as_str(),
                row["missed"].as_str(),
                row["cases"].as_str(),
            )
        };
        assert_eq!(row("respond"), ("1", "0", "1"));
        assert_eq!(row("restore"), ("0", "1", "1"));
        let breaches = lines(csv.text.as_bytes(), "breach");
        let restore = breaches
            .iter()
            .find(|line| line["metric"] == "restore")
            .unwrap();
        let cells = [
            "incident",
            "contract",
            "clause",
            "severity",
            "late_open_seconds",
        ];
        assert_eq!(
            cells.map(|cell| restore[cell].as_str()),
            ["INC-1001", "NW-2026", "5.3", "S1", "4200"]
        );
    });
}

// The total stood on the page and in no export.
#[test]
fn icingaweb2_reporting_120_the_total_is_the_same_on_the_page_and_in_every_export() {
    service::on_both(|service| {
        a_bad_day(service);
        service.person("max", Role::Manager);
        let max = service.browser("max");
        let month = service.hand.now().utc().format("%Y-%m").to_string();
        let path = |form: &str| max.get(&format!("/report{form}?period={month}")).text;
        let json: serde_json::Value = serde_json::from_str(&path(".json")).unwrap();
        let total = &json["total"];
        let (met, cases) = (
            total["met"].as_u64().unwrap(),
            total["cases"].as_u64().unwrap(),
        );
        let share = total["attainment"]["share"].as_f64().unwrap();
        assert!(met > 0 && met < cases);
        assert!((share - met as f64 / cases as f64).abs() < 1e-12);

        let csv = path(".csv");
        let [line] = &lines(csv.as_bytes(), "total")[..] else {
            panic!("{csv}")
        };
        assert_eq!(
            (&line["met"], &line["cases"]),
            (&met.to_string(), &cases.to_string())
        );
        assert_eq!(line["attainment"], total["attainment"]["share"].to_string());
        let of_rows: u64 = lines(csv.as_bytes(), "figures")
            .iter()
            .map(|row| row["cases"].parse::<u64>().unwrap())
            .sum();
        assert_eq!(of_rows, cases, "the lines add up to it");

        let page = path("");
        assert!(page.contains(&format!("{:.1} %", share * 100.0)), "{page}");
        assert!(page.contains(&format!("{met} of {cases} kept")), "{page}");
    });
}

// The bar said how many were late, and nothing led from it to them.
#[test]
fn chatwoot_6887_each_number_of_the_report_leads_to_the_incidents_it_counts() {
    service::on_both(|service| {
        a_bad_day(service);
        service.person("max", Role::Manager);
        let max = service.browser("max");
        let month = service.hand.now().utc().format("%Y-%m").to_string();
        let report = max.get(&format!("/report?period={month}")).text;
        let numbers = report
            .split("<a href=\"/report/cases?")
            .skip(1)
            .filter_map(|part| {
                let (query, rest) = part.split_once('"')?;
                let number = rest.split_once('>')?.1.split_once("</a>")?.0.trim();
                let query = query.replace("&#38;", "&").replace("&amp;", "&");
                Some((query, number.parse::<usize>().ok()?))
            });
        let numbers: Vec<(String, usize)> = numbers.collect();
        for result in ["result=met", "result=missed"] {
            let some = numbers
                .iter()
                .any(|(query, number)| query.contains(result) && *number > 0);
            assert!(some, "no number leads to {result}: {numbers:?}");
        }
        for (query, number) in numbers {
            let page = max.get(&format!("/report/cases?{query}")).text;
            let listed = page.matches("<a href=\"/incidents/INC-").count();
            assert_eq!(listed, number, "{query}");
        }
    });
}

// Months in which nothing had been ordered got the full score.
on_both! { fn erpnext_31597_a_month_without_a_case_has_no_score(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    for day in ["2026-03-02", "2026-05-04"] {
        world.passes_to(&format!("{day}T10:00[Europe/Berlin]"));
        let incident = world.raises(contract, "S1");
        world.passes_to(&format!("{day}T10:30[Europe/Berlin]"));
        world.says(incident, json!({"kind": "responded"}));
        world.passes_to(&format!("{day}T16:00[Europe/Berlin]"));
        world.says(incident, json!({"kind": "resolved"}));
    }
    let ask = Ask { vendor: Some(world.vendor), period: "2026".parse().unwrap() };
    let months = world.store.read(|conn| report::attainment(conn, &ask, &[Dimension::Month])).unwrap();
    let scored: Vec<_> = months.iter().map(|month| (month.key[&Dimension::Month].as_str(), month.score.met, month.score.cases)).collect();
    assert_eq!(scored, [("2026-03", 1, 2), ("2026-05", 1, 2)]);
    for month in &months {
        let found = month.score.attainment.expect("a share");
        assert!(found.low < found.share && found.share < found.high, "how sure it is stands beside it");
    }
    let april = world.report("2026-04");
    assert_eq!((april.total.cases, april.total.attainment, april.total.margin), (0, None, None));
    assert!(april.rows.is_empty());
    let mut csv = Vec::new();
    report::write_csv(&april, &mut csv).unwrap();
    let total = lines(&csv, "total").remove(0);
    assert_eq!(["cases", "attainment", "low", "high"].map(|cell| total[cell].as_str()), ["0", "", "", ""]);
} }
