//! Teams and rotas through the API and on their pages.

use redress::domain::person::Role;
use serde_json::{Value, json};

use crate::service::{Caller, on_both};

fn weekdays(hours: [&str; 2]) -> Value {
    let days = ["mon", "tue", "wed", "thu", "fri"];
    days.iter().map(|day| (*day, json!([hours]))).collect()
}

/// The keys of the calendars of three offices.
fn offices(program: &Caller<'_>) -> [Value; 3] {
    [
        ("Shanghai", "Asia/Shanghai"),
        ("Berlin", "Europe/Berlin"),
        ("New York", "America/New_York"),
    ]
    .map(|(name, zone)| {
        let week = weekdays(["09:00", "17:00"]);
        let entered = json!({"name": name, "time_zone": zone, "week": week});
        program.post("/api/v1/calendars", &entered).json()["id"].clone()
    })
}

#[test]
fn a_team_is_entered_edited_and_removed_by_the_api() {
    on_both(|service| {
        let program = service.program(Role::Procurement);
        let reader = service.program(Role::Engineer);
        service.person("ann", Role::Engineer);
        service.person("bob", Role::Engineer);
        let entered = json!({"name": "wan", "members": ["bob@example.com", "Ann@Example.com"]});
        assert_eq!(reader.post("/api/v1/teams", &entered).status, 403);
        let made = program.post("/api/v1/teams", &entered);
        assert_eq!(made.status, 201, "{}", made.text);
        let place = made.header("location").to_string();
        let shown = reader.get(&place);
        assert_eq!(
            shown.json()["members"],
            json!(["bob@example.com", "ann@example.com"])
        );
        assert_eq!(shown.json()["used_by"], json!([]));
        assert_eq!(
            program.post("/api/v1/teams", &entered).problem(422),
            ["name"]
        );
        let stranger = json!({"name": "lan", "members": ["nobody@example.com"]});
        assert_eq!(
            program.post("/api/v1/teams", &stranger).problem(422),
            ["members[0]"]
        );

        let edit = json!({"members": ["ann@example.com"], "active": false});
        assert_eq!(program.put(&place, &edit).status, 428);
        assert_eq!(
            program.with("If-Match", "\"7\"").put(&place, &edit).status,
            412
        );
        let edited = program.with("If-Match", "\"1\"").put(&place, &edit);
        assert_eq!(
            (edited.status, &edited.json()["active"]),
            (200, &json!(false))
        );
        let listed = reader.get("/api/v1/teams").json();
        assert_eq!(listed["items"][0]["members"], json!(["ann@example.com"]));
        assert_eq!(program.delete(&place).status, 204);
        assert_eq!(program.get(&place).status, 404);
    });
}

#[test]
fn a_rota_says_by_the_api_who_is_on_duty_and_when() {
    on_both(|service| {
        let program = service.program(Role::Procurement);
        for name in ["mei", "uwe", "joe", "ann"] {
            service.person(name, Role::Engineer);
        }
        let [shanghai, berlin, new_york] = offices(&program);
        let entries = json!([{"person": "mei@example.com", "calendar_id": shanghai},
            {"person": "uwe@example.com", "calendar_id": berlin},
            {"person": "joe@example.com", "calendar_id": new_york}]);
        let unknown = json!({"name": "network", "fallback": "eve@example.com",
            "entries": [{"person": "mei@example.com", "calendar_id": 99}]});
        let faults = program.post("/api/v1/rotas", &unknown).problem(422);
        assert_eq!(faults, ["entries[0].calendar_id", "fallback"]);
        let entered = json!({"name": "network", "fallback": "ann@example.com", "entries": entries});
        let made = program.post("/api/v1/rotas", &entered);
        assert_eq!(made.status, 201, "{}", made.text);
        let shown = program.get(made.header("location")).json();
        let shifts = shown["shifts"].as_array().unwrap();
        assert_eq!(shown["on_duty"], shifts[0]["person"]);
        let gapless = shifts.windows(2).all(|two| two[0]["to"] == two[1]["from"]);
        assert!(gapless, "{shifts:?}");
        for email in ["mei", "uwe", "joe", "ann"].map(|name| json!(format!("{name}@example.com"))) {
            assert!(
                shifts.iter().any(|shift| shift["person"] == email),
                "{email}: {shifts:?}"
            );
        }
        let mut fallback = shifts.iter().filter(|shift| shift["fallback"] == true);
        assert!(fallback.all(|shift| shift["person"] == "ann@example.com"));
        let listed = program.get("/api/v1/rotas").json();
        assert_eq!(listed["items"][0]["on_duty"], shown["on_duty"]);
    });
}

#[test]
fn the_pages_enter_edit_and_remove_a_team() {
    on_both(|service| {
        service.person("root", Role::Procurement);
        service.person("ann", Role::Engineer);
        let browser = service.browser("root");
        assert!(browser.get("/teams").text.contains("No team yet"));
        assert!(browser.get("/teams/new").text.contains("ann@example.com"));
        let nobody = browser.send("/teams", &[("name", "Wan"), ("active", "true")]);
        assert!(
            nobody.text.contains("at least one member"),
            "{}",
            nobody.text
        );
        let fields = [
            ("name", "wan"),
            ("members", "ann@example.com"),
            ("active", "true"),
        ];
        assert_eq!(browser.send("/teams", &fields).status, 303);
        let shown = browser.get("/teams/1").text;
        assert!(shown.contains("team:wan"), "{shown}");
        let edit = [
            ("name", "wan"),
            ("_version", "1"),
            ("members", "root@example.com"),
        ];
        assert_eq!(browser.send("/teams/1", &edit).status, 303);
        assert!(
            browser.get("/teams").text.contains("Retired"),
            "a box that is not ticked"
        );
        let stale = browser.send("/teams/1", &edit);
        assert_eq!(stale.status, 412, "{}", stale.text);
        service.person("eve", Role::Engineer);
        let reader = service.browser("eve");
        assert_eq!(reader.get("/teams").status, 200);
        assert_eq!(reader.get("/teams/1").status, 403);
        assert_eq!(browser.send("/teams/1/remove", &[]).status, 303);
        assert!(browser.get("/teams").text.contains("No team yet"));
    });
}

#[test]
fn the_pages_of_a_rota_take_rows_and_say_when_nobody_is_in_hours() {
    on_both(|service| {
        service.person("root", Role::Procurement);
        service.person("uwe", Role::Engineer);
        let program = service.program(Role::Procurement);
        let [_, berlin, _] = offices(&program);
        let berlin = berlin.to_string();
        let browser = service.browser("root");
        assert!(browser.get("/rotas").text.contains("No rota yet"));
        let row = [
            ("name", "network"),
            ("entries[0].person", ""),
            ("_add", "entries"),
        ];
        let more = browser.send("/rotas", &row);
        assert!(
            more.text.contains("entries[1].person"),
            "a row more: {}",
            more.text
        );
        let empty = browser.send(
            "/rotas",
            &[("name", "network"), ("fallback", "root@example.com")],
        );
        assert!(empty.text.contains("at least one entry"), "{}", empty.text);
        let fields = [
            ("name", "network"),
            ("fallback", "root@example.com"),
            ("active", "true"),
            ("entries[0].person", "uwe@example.com"),
            ("entries[0].calendar_id", &berlin),
            ("entries[1].person", ""),
            ("entries[1].calendar_id", ""),
        ];
        let made = browser.send("/rotas", &fields);
        assert_eq!(
            (made.status, made.header("location")),
            (303, "/rotas/1"),
            "{}",
            made.text
        );
        let shown = browser.get("/rotas/1").text;
        assert!(shown.contains("on_duty:network") && shown.contains("then the fallback gets it"));
        assert!(shown.contains("root, the fallback"), "{shown}");
        assert!(browser.get("/rotas").text.contains("uwe"));
        let edit = [
            ("name", "network"),
            ("_version", "1"),
            ("fallback", "uwe@example.com"),
            ("entries[0].person", "root@example.com"),
            ("entries[0].calendar_id", &berlin),
        ];
        assert_eq!(browser.send("/rotas/1", &edit).status, 303);
        assert!(
            browser.get("/rotas").text.contains("Retired"),
            "a box that is not ticked"
        );
        assert_eq!(browser.send("/rotas/1/remove", &[]).status, 303);
        assert!(browser.get("/rotas").text.contains("No rota yet"));
    });
}
