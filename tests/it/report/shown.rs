//! One computation behind CSV, JSON, the command line and the API.

use redress::cli::report::{Args, write};
use redress::domain::person::Role;
use redress::error::Error;
use redress::report;
use serde_json::{Value, json};

use crate::on_both;
use crate::service;
use crate::world::World;

/// An incident that is answered in time and restored after an hour and a half too much, one that
/// nobody answers, and names that a spreadsheet would take for formulas.
fn a_month_of_trouble(world: &World) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let title = "=HYPERLINK(\"http://evil.example\",\"北京\")";
    let raise = json!({"contract_id": contract, "severity": "S1", "title": title});
    let outage = world.raises_as(raise).unwrap().id;
    world.passes_to("2026-03-02T10:15[Europe/Berlin]");
    world.says(outage, json!({"kind": "responded"}));
    world.passes_to("2026-03-02T16:30[Europe/Berlin]");
    world.says(outage, json!({"kind": "restored"}));
    world.raises(contract, "S2");
    world.passes_to("2026-03-04T10:00[Europe/Berlin]");
}

/// The lines of a kind, each a map from column to cell.
pub fn lines(csv: &[u8], kind: &str) -> Vec<std::collections::HashMap<String, String>> {
    let text = std::str::from_utf8(csv).unwrap();
    let text = text.strip_prefix('\u{feff}').expect("a byte order mark");
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let lines = reader.deserialize::<std::collections::HashMap<String, String>>();
    lines
        .map(|line| line.unwrap())
        .filter(|line| line["kind"] == kind)
        .collect()
}

on_both! { fn csv_json_and_the_command_line_agree_to_the_second(world) {
    a_month_of_trouble(world);
    let report = world.report("2026-03");
    let mut csv = Vec::new();
    report::write_csv(&report, &mut csv).unwrap();
    let json = serde_json::to_value(&report).unwrap();

    let total = &lines(&csv, "total")[0];
    for field in ["met", "missed", "cases"] {
        assert_eq!(total[field], json["total"][field].to_string(), "{field}");
    }
    assert_eq!(total["attainment"], json["total"]["attainment"]["share"].to_string());
    assert_eq!((&total["met"], &total["missed"]), (&"1".to_string(), &"3".to_string()));
    let breaches = lines(&csv, "breach");
    assert_eq!(breaches.len(), json["breaches"].as_array().unwrap().len());
    for (line, of_json) in breaches.iter().zip(json["breaches"].as_array().unwrap()) {
        assert_eq!(line["breach"], of_json["reference"].as_str().unwrap());
        assert_eq!(line["due_at"], of_json["due_at"].as_str().unwrap());
        assert_eq!(line["late_open_seconds"], of_json["late_open_seconds"].to_string());
        assert_eq!(line["late_elapsed_seconds"], of_json["late_elapsed_seconds"].to_string());
    }
    let late = &breaches[0];
    assert_eq!((late["late_open_seconds"].as_str(), late["due_local"].as_str()), ("5400", "2026-03-02T15:00:00+01:00"));
    assert_eq!((late["counted_until"].as_str(), breaches[1]["counted_until"].as_str()), ("", "2026-03-04T09:00:00Z"));
    assert_eq!(lines(&csv, "figures").len(), json["rows"].as_array().unwrap().len());
    assert_eq!(lines(&csv, "contract")[0]["from"], "2026-03-01T00:00:00+01:00");
    assert_eq!(lines(&csv, "drills")[0]["cases"], "0");

    let ask = |format: &str, vendor: Option<&str>| {
        let args = Args { period: "2026-03".into(), vendor: vendor.map(str::to_string), format: format.into(), out: None };
        let mut made = Vec::new();
        write(&world.store, &args, None, &mut made).map(|()| made)
    };
    assert_eq!(ask("csv", None).unwrap(), csv);
    let printed: Value = serde_json::from_slice(&ask("json", None).unwrap()).unwrap();
    assert_eq!(printed, json);
    let by_name: Value = serde_json::from_slice(&ask("json", Some("Northwind Carrier")).unwrap()).unwrap();
    assert_eq!(by_name["total"], json["total"]);
    assert_eq!(by_name["vendor"]["name"], "Northwind Carrier");
} }

on_both! { fn the_report_is_one_html_file_that_needs_nothing_else(world) {
    a_month_of_trouble(world);
    let html = |base: Option<&str>| {
        let args = Args { period: "2026-03".into(), vendor: None, format: "html".into(), out: None };
        let mut made = Vec::new();
        write(&world.store, &args, base.map(str::to_string), &mut made).unwrap();
        String::from_utf8(made).unwrap()
    };
    let alone = html(None);
    assert!(alone.contains("25.0 %") && alone.contains("1\u{a0}h 30\u{a0}min") && alone.contains("All vendors, March 2026"));
    assert!(!alone.contains("href=") && !alone.contains("src="), "nothing is fetched and nothing is linked");
    let linked = html(Some("https://redress.example"));
    assert!(linked.contains("href=\"https://redress.example/breaches/B-"));
} }

on_both! { fn text_that_begins_like_a_formula_is_no_formula_in_csv(world) {
    a_month_of_trouble(world);
    let mut csv = Vec::new();
    report::write_csv(&world.report("2026-03"), &mut csv).unwrap();
    let breaches = lines(&csv, "breach");
    assert_eq!(breaches[0]["title"], "'=HYPERLINK(\"http://evil.example\",\"北京\")");
    let text = String::from_utf8(csv).unwrap();
    for cell in text.split([',', '\n', '"']) {
        assert!(!cell.starts_with(['=', '@', '+']), "{cell}");
    }
} }

on_both! { fn the_command_line_names_every_fault_at_once(world) {
    let args = Args { period: "October".into(), vendor: Some("Nobody".into()), format: "pdf".into(), out: None };
    let mut made = Vec::new();
    let Err(Error::Invalid(faults)) = write(&world.store, &args, None, &mut made) else { panic!("it was made") };
    let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["format", "period", "vendor"]);
    assert!(faults[0].message.contains("html, csv, json"), "{}", faults[0].message);
    assert!(made.is_empty());
} }

#[test]
fn the_api_offers_register_figures_and_schedules() {
    service::on_both(|service| {
        let manager = service.program(Role::Manager);
        let empty = manager.get("/api/v1/reports/breaches?period=2026-10");
        assert_eq!(empty.status, 200, "{}", empty.text);
        assert_eq!(
            empty.json()["total"],
            json!({"met": 0, "missed": 0, "cases": 0, "attainment": null, "margin": null})
        );
        let csv = manager.get("/api/v1/reports/breaches?period=2026-10&format=csv");
        assert!(csv.header("content-type").starts_with("text/csv"));
        assert_eq!(
            csv.header("content-disposition"),
            "attachment; filename=\"breaches-2026-10.csv\""
        );

        let faults = |path: &str| manager.get(path).problem(422);
        assert_eq!(faults("/api/v1/reports/breaches"), ["period"]);
        assert_eq!(
            faults("/api/v1/reports/breaches?period=x&vendor=y"),
            ["period", "vendor"]
        );
        assert_eq!(
            faults("/api/v1/reports/breaches?period=2026-10&format=pdf"),
            ["format"]
        );
        assert_eq!(faults("/api/v1/reports/attainment?from=2026-10-01"), ["to"]);
        assert_eq!(
            faults("/api/v1/reports/attainment?period=2026&by=metric,weather"),
            ["by"]
        );
        let figures =
            manager.get("/api/v1/reports/attainment?from=2026-10-01&to=2026-11-01&by=vendor,month");
        assert_eq!(
            figures.json(),
            json!({"period": "2026-10", "by": ["vendor", "month"], "items": []})
        );

        assert_eq!(
            manager.get("/api/v1/breaches").json(),
            json!({"items": [], "next": null})
        );
        assert_eq!(faults("/api/v1/breaches?vendor=V-7"), ["vendor"]);
        manager.get("/api/v1/breaches/B-7").problem(404);
        manager.get("/api/v1/breaches/x").problem(404);
    });
}

#[test]
fn schedules_are_entered_changed_and_ended_through_the_api() {
    service::on_both(|service| {
        let manager = service.program(Role::Manager);
        let mut schedule = json!({"name": "Monthly", "cron": "0 8 1 * *", "time_zone": "Europe/Berlin",
            "recipients": ["ann@example.com"]});
        let mut wrong = schedule.clone();
        wrong["cron"] = json!("0 8 30 2 *");
        wrong["recipients"] = json!(["ann"]);
        assert_eq!(
            manager.post("/api/v1/schedules", &wrong).problem(422),
            ["cron", "recipients[0]"]
        );

        let made = manager.post("/api/v1/schedules", &schedule);
        assert_eq!(made.status, 201, "{}", made.text);
        let address = made.header("location").to_string();
        let shown = manager.get(&address);
        assert_eq!(shown.json()["active"], true);
        assert!(shown.json()["next_run_at"].is_string());
        assert_eq!(
            manager.get("/api/v1/schedules").json()["items"][0],
            shown.json()
        );

        schedule["active"] = json!(false);
        manager.put(&address, &schedule).problem(428);
        let tag = shown.header("etag").to_string();
        let edited = manager.with("If-Match", &tag).put(&address, &schedule);
        assert_eq!(
            (edited.status, &edited.json()["next_run_at"]),
            (200, &Value::Null)
        );
        manager
            .with("If-Match", &tag)
            .put(&address, &schedule)
            .problem(412);

        service
            .program(Role::Engineer)
            .delete(&address)
            .problem(403);
        assert_eq!(manager.delete(&address).status, 204);
        manager.get(&address).problem(404);
        manager.delete(&address).problem(404);
    });
}
