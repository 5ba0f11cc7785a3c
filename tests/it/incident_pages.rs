//! The board, the pages of incidents and the outbox, as a browser without script meets them.

use redress::domain::person::Role;
use redress::domain::refused_address::RefusedAddress;
use redress::store::Actor;
use serde_json::json;

use crate::incident_api::{passes, raise, sign};
use crate::service::{Answer, Caller, Service, on_both};

const PAGE: &str = "/incidents/INC-1001";

fn ann(service: &Service) -> Caller<'_> {
    service.person("ann", Role::Engineer);
    service.browser("ann")
}

fn has(answer: &Answer, parts: &[&str]) {
    assert_eq!(answer.status, 200, "{}", answer.text);
    for part in parts {
        assert!(answer.text.contains(part), "no {part} in:\n{}", answer.text);
    }
}

/// What stands in the field of that name, or in the words of its error.
fn refused(answer: &Answer, field: &str, words: &str) {
    assert_eq!(answer.status, 422, "{}", answer.text);
    let at = format!("id=\"error-{field}\">");
    let found = answer.text.split(&at).nth(1);
    let said = found.and_then(|rest| rest.split("</p>").next());
    let said = said.unwrap_or_else(|| panic!("no error at {field}: {}", answer.text));
    assert!(said.contains(words), "{field}: {said}");
}

/// Sends a form of the incident's page that must be accepted.
fn record(browser: &Caller<'_>, act: &str, fields: &[(&str, &str)]) {
    let answer = sent(browser, act, fields);
    assert_eq!(answer.status, 303, "{act}: {}", answer.text);
    assert_eq!(answer.header("location"), PAGE);
}

/// Fills in a form of the incident's page as the page offers it, and sends it.
fn sent(browser: &Caller<'_>, act: &str, fields: &[(&str, &str)]) -> Answer {
    let page = browser.get(PAGE).text;
    let start = page.find(&format!("id=\"f-{act}\""));
    let offered = start.map(|at| &page[at..]);
    let offered = offered.and_then(|rest| rest.split("</form>").next());
    let offered = offered.unwrap_or_else(|| panic!("the page offers no form \"{act}\": {page}"));
    let hidden = offered.split("<input type=\"hidden\" ").skip(1);
    let mut all: Vec<(String, String)> = hidden
        .map(|input| {
            let part = |name: &str| {
                let value = input.split(&format!("{name}=\"")).nth(1).unwrap();
                value.split('"').next().unwrap().to_string()
            };
            (part("name"), part("value"))
        })
        .collect();
    for (name, value) in fields {
        let name = format!("{act}.{name}");
        assert!(
            offered.contains(&format!("name=\"{name}\"")),
            "no field {name} in {offered}"
        );
        all.push((name, (*value).to_string()));
    }
    let all: Vec<_> = all.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    browser.send(&format!("{PAGE}/events"), &all)
}

#[test]
fn a_newcomer_is_shown_where_to_begin() {
    on_both(|service| {
        let ann = ann(service);
        has(&ann.get("/"), &["Nothing to watch over yet"]);
        has(&ann.get("/incidents"), &["No incident yet"]);
        has(&ann.get("/incidents/new"), &["There is no contract yet"]);
        has(&ann.get("/letters"), &["No letter yet"]);
        service.person("root", Role::Administrator);
        has(
            &service.browser("root").get("/"),
            &["href=\"/contracts/new\""],
        );
        sign(service);
        has(
            &ann.get("/"),
            &["No clock is running", "href=\"/incidents/new\""],
        );
    });
}

#[test]
fn a_form_sent_twice_raises_one_incident_at_the_local_time_that_was_entered() {
    on_both(|service| {
        sign(service);
        let ann = ann(service);
        // The only contract there is needs no choice.
        has(
            &ann.get("/incidents/new"),
            &["A site is down", "respond 15 min", "value=\"S2\""],
        );
        let mut fields = vec![
            ("request_id", "one"),
            ("contract_id", "1"),
            ("severity", "S1"),
            ("title", "Frankfurt is <cut> off"),
            ("reported_at", "2026-11-23T09:30"),
            ("vendor_reference", "NW-7"),
        ];
        let late = ann.send("/incidents", &fields);
        refused(&late, "reason", "more than 15 minutes ago");
        assert!(
            late.text
                .contains("value=\"Frankfurt is &#60;cut&#62; off\"")
        );
        assert!(late.text.contains("value=\"2026-11-23T09:30\""));
        fields.push(("reason", "seen late"));
        for _ in 0..2 {
            let answer = ann.send("/incidents", &fields);
            assert_eq!(answer.status, 303, "{}", answer.text);
            assert_eq!(answer.header("location"), PAGE);
        }
        let list = service.program(Role::Engineer).get("/api/v1/incidents");
        let list = list.json();
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
        assert_eq!(list["items"][0]["reported_at"], "2026-11-23T08:30:00Z");
        has(
            &ann.get("/"),
            &[
                "datetime=\"2026-11-23T08:45:00Z\"",
                "15:00 late",
                "Frankfurt is &#60;cut&#62; off",
                "Within the hour",
            ],
        );
        has(
            &ann.get(PAGE),
            &[
                "Mon 23 Nov 09:30",
                "NW-7",
                "Past due",
                "Breach B-1",
                "seen late",
            ],
        );
        has(&ann.get("/incidents?q=frankfurt&state=open"), &["INC-1001"]);
        has(
            &ann.get("/incidents?state=resolved"),
            &["No incident is like that"],
        );
    });
}

#[test]
fn what_is_wrong_stands_at_its_field_in_the_readers_own_time() {
    on_both(|service| {
        sign(service);
        let ann = ann(service);
        let raised = |field: (&str, &str)| {
            let mut fields = vec![("contract_id", "1"), ("severity", "S1"), ("title", "T")];
            fields.retain(|(name, _)| *name != field.0);
            fields.push(field);
            ann.send("/incidents", &fields)
        };
        refused(&raised(("severity", "")), "severity", "severity is missing");
        refused(&raised(("title", "")), "title", "title is missing");
        refused(
            &raised(("reported_at", "2026-11-23T10:30")),
            "reported_at",
            "Mon 23 Nov 10:30 (Berlin) lies in the future",
        );
        // The hour that the clocks were moved forward over.
        refused(
            &raised(("reported_at", "2026-03-29T02:30")),
            "reported_at",
            "does not exist",
        );
        refused(
            &raised(("reported_at", "2025-11-23T10:30")),
            "reported_at",
            "outside the term",
        );
    });
}

#[test]
fn each_kind_of_event_is_recorded_from_its_own_form() {
    on_both(|service| {
        sign(service);
        let ann = ann(service);
        raise(&ann_program(service));
        let states = |metric: &str| {
            let shown = service.program(Role::Engineer).get("/api/v1/incidents/1");
            let shown = shown.json();
            let clocks = shown["clocks"].as_array().unwrap();
            let clock = clocks.iter().find(|clock| clock["metric"] == metric);
            clock.unwrap()["state"].as_str().unwrap().to_string()
        };
        passes(service, 5);
        record(
            &ann,
            "did",
            &[
                ("kind", "responded"),
                ("occurred_at", "2026-11-23T10:03:00"),
                ("reason", ""),
            ],
        );
        assert_eq!(states("respond"), "met");
        has(&ann.get(PAGE), &["after 3 min"]);

        record(
            &ann,
            "pause",
            &[("stop", "MAINT"), ("reason", "a <window>")],
        );
        assert_eq!(states("restore"), "running");
        has(&ann.get(PAGE), &["Answer to a pause", "a &#60;window&#62;"]);
        record(&ann, "answer", &[("kind", "agreed"), ("concerns", "3")]);
        assert_eq!(states("restore"), "paused");
        has(
            &ann.get(PAGE),
            &[
                "MAINT, clause 7.5: Agreed maintenance, since",
                "Agreed to pause 3",
            ],
        );
        passes(service, 30);
        has(&ann.get("/"), &["Standing still", "3:55:00 left"]);
        record(&ann, "resume", &[("stop", "MAINT")]);
        assert_eq!(states("restore"), "running");

        passes(service, 20);
        record(
            &ann,
            "take",
            &[("metrics", "update"), ("reason", "I call them")],
        );
        record(&ann, "severity", &[("severity", "S2")]);
        record(&ann, "note", &[("reason", "they send a van")]);
        record(&ann, "did", &[("kind", "resolved")]);
        has(&ann.get(PAGE), &["Resolved", "Escalation taken: update"]);
        record(&ann, "reopen", &[("reason", "it is back")]);
        record(
            &ann,
            "cancel",
            &[("reason", "never was one"), ("void", "true")],
        );
        has(
            &ann.get(PAGE),
            &["Cancelled: it never was an incident", "nothing is owed"],
        );
        assert!(!ann.get(PAGE).text.contains("id=\"f-pause\""));
    });
}

fn ann_program(service: &Service) -> Caller<'_> {
    service.program(Role::Engineer)
}

#[test]
fn a_form_that_is_refused_stays_open_with_what_was_entered() {
    on_both(|service| {
        sign(service);
        let ann = ann(service);
        raise(&ann_program(service));
        passes(service, 30);
        let again = sent(
            &ann,
            "pause",
            &[
                ("stop", ""),
                ("occurred_at", "2026-11-23T09:00"),
                ("reason", "the <gate>"),
            ],
        );
        refused(&again, "pause.stop", "ACCESS, MAINT");
        refused(
            &again,
            "pause.occurred_at",
            "before the incident was reported",
        );
        assert!(again.text.contains("id=\"f-pause\" open"), "{}", again.text);
        assert!(again.text.contains("the &#60;gate&#62;"));
        assert!(!again.text.contains("id=\"f-did\" open"));
        refused(
            &sent(
                &ann,
                "did",
                &[
                    ("kind", "responded"),
                    ("occurred_at", "2026-11-23T10:05:00"),
                ],
            ),
            "did.reason",
            "15 minutes ago",
        );
        refused(
            &sent(&ann, "note", &[("reason", " ")]),
            "note.reason",
            "remembered",
        );
        refused(&sent(&ann, "cancel", &[]), "cancel.reason", "cancelled");
        refused(
            &sent(&ann, "severity", &[]),
            "severity.severity",
            "severity",
        );
        let nothing = [("_act", "resume"), ("resume.kind", "resumed")];
        let nothing = ann.send(&format!("{PAGE}/events"), &nothing);
        assert_eq!(nothing.status, 422);
        assert!(
            nothing.text.contains("nothing was paused"),
            "{}",
            nothing.text
        );
        let unknown = ann.send(&format!("{PAGE}/events"), &[("_act", "applaud")]);
        assert_eq!(unknown.status, 400);

        // The same sending twice is one event.
        let fields = [
            ("_act", "note"),
            ("request_id", "n"),
            ("note.kind", "noted"),
            ("note.reason", "a word"),
        ];
        for _ in 0..2 {
            let answer = ann.send(&format!("{PAGE}/events"), &fields);
            assert_eq!(answer.status, 303, "{}", answer.text);
        }
        let shown = ann_program(service).get("/api/v1/incidents/1").json();
        assert_eq!(shown["timeline"].as_array().unwrap().len(), 2);
    });
}

#[test]
fn an_event_is_corrected_and_stays_struck_out() {
    on_both(|service| {
        sign(service);
        let ann = ann(service);
        let program = ann_program(service);
        raise(&program);
        passes(service, 20);
        let path = format!("{PAGE}/events");
        program.post("/api/v1/incidents/1/events", &json!({"kind": "responded"}));
        let asked = ann.get(&format!("{path}/2/correct"));
        has(&asked, &["value=\"2026-11-23T10:20:00\"", "Take it back"]);
        has(
            &ann.get(&format!("{path}/1/correct")),
            &["value=\"S1\" selected"],
        );
        assert_eq!(ann.get(&format!("{path}/9/correct")).status, 404);

        let correct = |fields: &[(&str, &str)]| ann.send(&format!("{path}/2/correct"), fields);
        let same = [
            ("_how", "change"),
            ("occurred_at", "2026-11-23T10:20"),
            ("reason", "r"),
        ];
        refused(&correct(&same), "occurred_at", "nothing is changed");
        let unsaid = [("_how", "change"), ("occurred_at", "2026-11-23T10:09")];
        refused(&correct(&unsaid), "reason", "why");
        let right = [
            ("_how", "change"),
            ("occurred_at", "2026-11-23T10:09"),
            ("reason", "their log shows 10:09"),
        ];
        assert_eq!(correct(&right).status, 303);
        has(
            &ann.get(PAGE),
            &[
                "event-void\" id=\"event-2\"",
                "corrected by 3: happened Mon 23 Nov 10:09 Berlin",
                "withdrawn by 3: corrected was recorded",
                "1 withdrawn",
            ],
        );
        // The correction itself can be taken back.
        let back = [("_how", "take_back"), ("reason", "no, it was right")];
        let answer = ann.send(&format!("{path}/3/correct"), &back);
        assert_eq!(answer.status, 303, "{}", answer.text);
        let shown = program.get("/api/v1/incidents/1").json();
        assert_eq!(shown["clocks"][0]["state"], "missed");
        let twice = correct(&right);
        assert_eq!(twice.status, 303, "{}", twice.text);
    });
}

#[test]
fn a_vendor_is_added_and_events_name_whose_they_are() {
    on_both(|service| {
        sign(service);
        let ann = ann(service);
        raise(&ann_program(service));
        has(
            &ann.get(&format!("{PAGE}/cases/new")),
            &["No other contract"],
        );
        let procurement = service.program(Role::Procurement);
        let mut terms = procurement.get("/api/v1/contracts/1").json()["terms"][0].clone();
        for field in ["id", "number", "entered_at"] {
            terms.as_object_mut().unwrap().remove(field);
        }
        let second = json!({"vendor_id": 1, "reference": "NW-LAN", "title": "Local network",
            "owner": "owner@example.com", "effective_from": "2026-01-01", "terms": terms});
        assert_eq!(procurement.post("/api/v1/contracts", &second).status, 201);
        has(
            &ann.get("/incidents/new"),
            &["Choose a contract", "NW-LAN Local network"],
        );
        assert!(
            !ann.get("/incidents/new")
                .text
                .contains("Raise incident</button>")
        );
        has(&ann.get(&format!("{PAGE}/cases/new")), &["Add vendor"]);
        let wrong = [("contract_id", "2"), ("severity", "S9")];
        refused(
            &ann.send(&format!("{PAGE}/cases"), &wrong),
            "severity",
            "S1, S2",
        );
        let right = [("contract_id", "2"), ("severity", "S2")];
        assert_eq!(ann.send(&format!("{PAGE}/cases"), &right).status, 303);
        record(&ann, "did", &[("kind", "restored"), ("case", "2")]);
        has(
            &ann.get(PAGE),
            &["Restored (Northwind Carrier, NW-LAN)", "All of them"],
        );
    });
}

#[test]
fn whoever_only_reads_is_offered_nothing_else() {
    on_both(|service| {
        sign(service);
        raise(&ann_program(service));
        service.person("pia", Role::Procurement);
        let pia = service.browser("pia");
        let shown = pia.get(PAGE);
        has(&shown, &["Frankfurt is cut off", "Both lines are down."]);
        assert!(!shown.text.contains("Record what happened"));
        assert!(!shown.text.contains("Correct<"));
        assert_eq!(pia.get("/incidents/new").status, 403);
        let note = [
            ("_act", "note"),
            ("note.kind", "noted"),
            ("note.reason", "r"),
        ];
        assert_eq!(pia.send(&format!("{PAGE}/events"), &note).status, 403);
        assert_eq!(pia.send("/letters/1/cancel", &[]).status, 403);
        assert_eq!(pia.get("/incidents/INC-9999").status, 404);
        assert_eq!(pia.get("/letters/1").status, 200);
    });
}

#[test]
fn a_letter_is_shown_as_it_will_read_and_only_its_own_page_may_frame_it() {
    on_both(|service| {
        sign(service);
        let ann = ann(service);
        raise(&ann_program(service));
        has(
            &ann.get("/letters"),
            &[
                "desk@vendor.example",
                "Waiting",
                "<strong>1</strong> waiting",
            ],
        );
        has(
            &ann.get("/letters/1"),
            &[
                "this is how it would read now",
                "NW-99812",
                "src=\"/letters/1/html\" sandbox",
            ],
        );
        let html = ann.get("/letters/1/html");
        has(&html, &["Frankfurt is cut off"]);
        let policy = html.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'self'"));
        assert!(
            ann.get("/letters/1")
                .header("content-security-policy")
                .contains("frame-ancestors 'none'")
        );
        assert_eq!(ann.get("/letters/1/letter.eml").status, 404, "not sent yet");
        assert_eq!(ann.send("/letters/1/cancel", &[]).status, 303);
        has(
            &ann.get("/letters?state=cancelled"),
            &["Cancelled", "href=\"/letters/1\""],
        );
        assert_eq!(ann.send("/letters/1/cancel", &[]).status, 409);
        assert_eq!(ann.send("/letters/1/requeue", &[]).status, 303);
        has(
            &ann.get("/letters?incident=INC-1002"),
            &["No letter is like that"],
        );
    });
}

#[test]
fn an_edit_of_a_calendar_can_be_looked_at_before_it_is_saved() {
    on_both(|service| {
        sign(service);
        raise(&service.program(Role::Engineer));
        passes(service, 1);
        service.person("iris", Role::Procurement);
        let iris = service.browser("iris");
        let mut edit = vec![
            ("request_id", "e1"),
            ("_version", "1"),
            ("name", "Round the clock"),
            ("time_zone", "Europe/Berlin"),
            ("week.tue", "09:00-17:00"),
            ("_preview", "1"),
        ];
        let seen = iris.send("/calendars/1", &edit);
        has(
            &seen,
            &[
                "3 running deadlines move, 0 stay",
                "INC-1001",
                "Tue 24 Nov 2026 13:",
                " later",
                "value=\"09:00-17:00\"",
            ],
        );
        let page = iris.get("/calendars/1");
        has(&page, &["Zone data", redress::time::ZONE_DATA]);
        assert!(!page.text.contains("09:00–17:00"), "{}", page.text);
        // What is wrong is said before anything is computed.
        edit[4].1 = "never";
        refused(&iris.send("/calendars/1", &edit), "week.tue", "never");
    });
}

#[test]
fn a_refused_address_is_shown_where_it_is_kept_until_somebody_says_that_it_works() {
    on_both(|service| {
        service.person("eve", Role::Procurement);
        sign(service);
        let browser = ann(service);
        raise(&service.program(Role::Engineer));
        let letters = service
            .store
            .read(|conn| redress::store::letter::list(conn, None, None, None, 1));
        let letter = letters.unwrap()[0].id;
        service
            .store
            .write(Actor::Engine, move |tx| {
                let mark = RefusedAddress {
                    email: "desk@vendor.example".into(),
                    refused_at: tx.now(),
                    answer: "550 5.1.1 <no> such mailbox".into(),
                    letter_id: letter,
                };
                redress::store::refused_address::mark(tx, &mark)
            })
            .unwrap();
        let said = format!("550 5.1.1 &#60;no&#62; such mailbox (<a href=\"/letters/{letter}\"");
        let page = browser.get("/vendors/1");
        has(&page, &["refused", &said]);
        assert!(
            !page.text.contains("It works again"),
            "an engineer enters no vendors"
        );
        has(
            &browser.get("/letters"),
            &["Mail servers refuse letters to", "desk@vendor.example"],
        );
        has(
            &browser.get("/contracts/1"),
            &["mail to desk@vendor.example was refused on"],
        );

        let program = service.program(Role::Procurement);
        let vendor = program.get("/api/v1/vendors/1").json();
        assert_eq!(vendor["contacts"][0]["refused"]["letter_id"], json!(letter));
        assert_eq!(vendor["contacts"][1]["refused"], json!(null));
        let warnings = program.get("/api/v1/contracts/1").json()["warnings"].to_string();
        assert!(
            warnings.contains("desk@vendor.example was refused"),
            "{warnings}"
        );
        let listed = program.get("/api/v1/refused-addresses").json();
        assert_eq!(listed["items"][0]["email"], "desk@vendor.example");

        let editor = service.browser("eve");
        has(&editor.get("/vendors/1"), &["It works again"]);
        let path = "/vendors/1/contacts/1/works";
        assert_eq!(browser.send(path, &[]).status, 403);
        assert_eq!(editor.send(path, &[]).header("location"), "/vendors/1");
        assert!(!editor.get("/vendors/1").text.contains("It works again"));
        let gone = program.delete("/api/v1/refused-addresses/desk@vendor.example");
        assert_eq!(gone.status, 404, "{}", gone.text);
    });
}
