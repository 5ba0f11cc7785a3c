//! What would be if something happened, through the API and on the page; and that nothing happens.

use redress::domain::IncidentId;
use redress::domain::person::Role;
use redress::store::{self, DatabaseUrl};
use serde_json::{Value, json};

use crate::incident_api::{passes, raise, sign};
use crate::service::{Answer, Caller, Service, on_both};

fn ask(program: &Caller<'_>, events: Value) -> Answer {
    let question = json!({"incident": "INC-1001", "events": events});
    program.post("/api/v1/clocks/what-if", &question)
}

/// How a clock stands before and after, in words.
fn told(answer: &Answer, metric: &str) -> [String; 2] {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    let clocks = body["clocks"].as_array().unwrap();
    let clock = clocks.iter().find(|clock| clock["metric"] == metric);
    let clock = clock.unwrap_or_else(|| panic!("no clock for {metric}: {body}"));
    ["before", "after"].map(|when| match &clock[when] {
        Value::Null => "no clock".to_string(),
        stands => format!(
            "{} {} due {} used {} of {}",
            stands["state"].as_str().unwrap(),
            stands["severity"].as_str().unwrap(),
            stands["due_at"].as_str().unwrap_or("never"),
            stands["spent_seconds"],
            stands["target_seconds"]
        ),
    })
}

/// Steps of one side in words.
fn steps(answer: &Answer, side: &str) -> Vec<String> {
    let body = answer.json();
    let steps = body["steps"][side].as_array().unwrap();
    steps
        .iter()
        .map(|step| {
            let to = step["to"].as_array().unwrap();
            let to: Vec<&str> = to.iter().map(|to| to.as_str().unwrap()).collect();
            format!(
                "{} {} {}",
                step["planned_at"].as_str().unwrap(),
                step["metric"].as_str().unwrap(),
                to.join(" ")
            )
        })
        .collect()
}

fn fields(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 422, "{}", answer.text);
    let body = answer.json();
    let errors = body["errors"].as_array().unwrap();
    errors
        .iter()
        .map(|fault| fault["field"].as_str().unwrap().to_string())
        .collect()
}

/// Everything that a question could have changed.
fn kept(service: &Service) -> Vec<String> {
    let mut all = service
        .store
        .read(|conn| {
            let mut all = Vec::new();
            for id in store::incident::ids(conn)? {
                all.push(format!("{:?}", store::incident::get(conn, id)?));
                all.push(format!("{:?}", store::incident::cases(conn, id)?));
                all.push(format!("{:?}", store::incident::events(conn, id)?));
                all.push(format!("{:?}", store::breach::of_incident(conn, id)?));
                let audit = store::audit::of(conn, "incident", id.0)?;
                all.extend(audit.iter().map(|line| format!("{line:?}")));
                for clock in store::clock::of_incident(conn, id)? {
                    all.push(format!("{clock:?}"));
                    all.push(format!("{:?}", store::clock::steps_of(conn, clock.id)?));
                    all.push(format!("{:?}", store::clock::outcomes_of(conn, clock.id)?));
                }
            }
            let letters = store::letter::list(conn, None, None, None, 1000)?;
            all.extend(letters.iter().map(|letter| format!("{letter:?}")));
            all.push(format!("{:?}", store::clock::next_timer(conn)?));
            Ok(all)
        })
        .unwrap();
    if let DatabaseUrl::Sqlite(path) = service.store.url() {
        for file in [path.clone(), format!("{path}-wal")] {
            all.push(format!("{:?}", std::fs::read(file).ok()));
        }
    }
    all
}

#[test]
fn a_pause_a_severity_and_an_answer_are_compared_with_how_it_stands() {
    on_both(|service| {
        sign(service);
        let program = service.program(Role::Engineer);
        raise(&program);
        passes(service, 30);
        let paused = ask(&program, json!([{"kind": "paused", "stop": "ACCESS"}]));
        assert_eq!(
            told(&paused, "restore"),
            [
                "running S1 due 2026-11-23T13:00:00Z used 1800 of 14400",
                "paused S1 due never used 1800 of 14400"
            ]
        );
        let [before, after] = told(&paused, "update");
        assert_eq!(before, after);
        // The steps of `restore` fall away, those of `update` stay.
        let restore = |side| {
            let steps = steps(&paused, side).into_iter();
            steps
                .filter(|step| step.contains("restore"))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            restore("before"),
            [
                "2026-11-23T12:00:00Z restore vendor:1 reporter",
                "2026-11-23T13:00:00Z restore vendor:2 owner"
            ]
        );
        assert!(restore("after").is_empty());

        let milder = ask(
            &program,
            json!([{"kind": "severity_changed", "severity": "S2"}]),
        );
        assert_eq!(
            told(&milder, "restore")[1],
            "running S2 due 2026-11-23T17:00:00Z used 1800 of 28800"
        );
        assert!(told(&milder, "update")[1].starts_with("cancelled S1"));

        let later = ask(
            &program,
            json!([{"kind": "restored", "occurred_at": "2026-11-23T15:00:00+01:00"}]),
        );
        assert_eq!(later.json()["at"], "2026-11-23T14:00:00Z");
        assert_eq!(
            told(&later, "restore")[1],
            "missed S1 due 2026-11-23T13:00:00Z used 18000 of 14400"
        );
        let body = later.json();
        let clocks = body["clocks"].as_array().unwrap();
        let restore = clocks
            .iter()
            .find(|clock| clock["metric"] == "restore")
            .unwrap();
        assert_eq!(restore["after"]["verdict"], "missed");
        assert_eq!(restore["after"]["breached_at"], "2026-11-23T13:00:00Z");
        assert_eq!(restore["before"]["verdict"], Value::Null);
    });
}

#[test]
fn events_follow_one_another_and_steps_are_foreseen_up_to_a_moment() {
    on_both(|service| {
        sign(service);
        let program = service.program(Role::Engineer);
        raise(&program);
        passes(service, 30);
        let answer = ask(
            &program,
            json!([
                {"kind": "paused", "stop": "ACCESS", "occurred_at": "2026-11-23T10:00:00Z"},
                {"kind": "resumed", "occurred_at": "2026-11-23T11:00:00Z"},
                {"kind": "restored", "occurred_at": "2026-11-23T13:30:00Z"},
            ]),
        );
        assert_eq!(
            told(&answer, "restore")[1],
            "met S1 due 2026-11-23T14:00:00Z used 12600 of 14400"
        );
        let question = json!({"incident": 1, "until": "2026-11-23T12:30:00Z",
            "events": [{"kind": "noted"}]});
        let answer = program.post("/api/v1/clocks/what-if", &question);
        assert_eq!(steps(&answer, "before"), steps(&answer, "after"));
        let last = steps(&answer, "after").pop().unwrap();
        assert!(last.as_str() <= "2026-11-23T12:30:00Z", "{last}");
        assert!(
            steps(&answer, "after")
                .iter()
                .any(|step| step.contains("restore vendor:1"))
        );
    });
}

#[test]
fn what_is_foreseen_is_what_comes() {
    on_both(|service| {
        sign(service);
        let program = service.program(Role::Engineer);
        raise(&program);
        passes(service, 5);
        let event = json!({"kind": "severity_changed", "severity": "S2"});
        let until = "2026-11-23T18:00:00Z";
        let question = json!({"incident": 1, "events": [event], "until": until});
        let answer = program.post("/api/v1/clocks/what-if", &question);
        let foreseen = steps(&answer, "after");
        let recorded = program.post("/api/v1/incidents/1/events", &event);
        assert_eq!(recorded.status, 201, "{}", recorded.text);
        for _ in 0..18 {
            passes(service, 30);
        }
        let came: usize = service
            .store
            .read(|conn| {
                let mut came = 0;
                for clock in store::clock::of_incident(conn, IncidentId(1))? {
                    let steps = store::clock::taken(conn, clock.id, 2)?;
                    came += steps.len();
                }
                Ok(came)
            })
            .unwrap();
        assert_eq!(came, foreseen.len(), "{foreseen:?}");
        assert!(came >= 2);
    });
}

#[test]
fn what_is_wrong_with_a_question_is_named_as_for_the_event() {
    on_both(|service| {
        sign(service);
        let program = service.program(Role::Engineer);
        raise(&program);
        let wrong = |events: Value| fields(&ask(&program, events));
        assert_eq!(wrong(json!([])), ["events"]);
        assert_eq!(wrong(json!("now")), ["events"]);
        assert_eq!(wrong(json!([{"kind": "vanished"}])), ["events[0].kind"]);
        assert_eq!(
            wrong(json!([{"kind": "paused", "stop": "STRIKE"}])),
            ["events[0].stop"]
        );
        assert_eq!(
            wrong(json!([{"kind": "noted"}, {"kind": "severity_changed", "severity": "S9"}])),
            ["events[1].severity"]
        );
        assert_eq!(
            wrong(json!([{"kind": "noted", "case": 7}])),
            ["events[0].case"]
        );
        assert_eq!(wrong(json!([{"kind": "resumed"}])), ["events[0].kind"]);
        assert_eq!(
            wrong(json!([{"kind": "responded", "occurred_at": "2026-11-23T10:00"}])),
            ["events[0].occurred_at"]
        );
        assert_eq!(
            wrong(json!([{"kind": "responded", "occurred_at": "2020-01-01T00:00:00Z"}])),
            ["events[0].occurred_at"]
        );
        let post = |body: Value| program.post("/api/v1/clocks/what-if", &body);
        let events = json!([{"kind": "noted"}]);
        assert_eq!(fields(&post(json!({"events": events}))), ["incident"]);
        assert_eq!(
            fields(&post(json!({"incident": "INC-9999", "events": events}))),
            ["incident"]
        );
        assert_eq!(
            fields(&post(
                json!({"incident": 1, "events": events, "untli": "x"})
            )),
            ["untli"]
        );
        // What will happen needs no reason, and neither does what did.
        let late = json!([{"kind": "responded", "occurred_at": "2026-11-23T09:00:00Z"}]);
        passes(service, 60);
        assert_eq!(ask(&program, late).status, 200);
        assert_eq!(
            service
                .nobody()
                .post("/api/v1/clocks/what-if", &json!({}))
                .status,
            401
        );
    });
}

#[test]
fn nothing_is_changed_by_asking() {
    on_both(|service| {
        sign(service);
        let program = service.program(Role::Engineer);
        raise(&program);
        passes(service, 20);
        service.person("vera", Role::Procurement);
        let vera = service.browser("vera");
        let questions = [
            json!([{"kind": "paused", "stop": "ACCESS"}]),
            json!([{"kind": "cancelled", "void": true}]),
            json!([{"kind": "corrected", "corrects": 1, "severity": "S2"}]),
            json!([{"kind": "resolved", "occurred_at": "2026-11-30T10:00:00Z"}]),
        ];
        let all = || {
            for question in &questions {
                let answer = ask(&program, question.clone());
                assert_eq!(answer.status, 200, "{}", answer.text);
            }
            for question in [
                "if=if_pause&if_pause.stop=ACCESS",
                "if=if_severity&if_severity.severity=S2",
                "if=if_did&if_did.kind=restored&if_did.occurred_at=2026-11-23T16:00",
            ] {
                let page = vera.get(&format!("/incidents/INC-1001/what-if?{question}"));
                assert_eq!(page.status, 200, "{}", page.text);
            }
        };
        // The first use of a token or a session may be noted.
        all();
        let before = kept(service);
        all();
        assert_eq!(before, kept(service));
    });
}

#[test]
fn the_page_asks_and_answers_without_script() {
    on_both(|service| {
        sign(service);
        raise(&service.program(Role::Engineer));
        passes(service, 30);
        service.person("ann", Role::Engineer);
        let ann = service.browser("ann");
        let incident = ann.get("/incidents/INC-1001");
        for part in [
            "action=\"/incidents/INC-1001/what-if\"",
            "name=\"if_pause.stop\"",
            "name=\"if_severity.severity\"",
            "name=\"if_did.occurred_at\"",
        ] {
            assert!(incident.text.contains(part), "no {part}");
        }
        let page = |query: &str| ann.get(&format!("/incidents/INC-1001/what-if{query}"));
        assert!(page("").text.contains("Ask a question"));
        let answer = page("?if=if_did&if_did.kind=restored&if_did.occurred_at=2026-11-23T12:30");
        for part in [
            "If &quot;restored&quot; came at Mon 23 Nov 12:30",
            "Met",
            "due <time",
            "30 min of 4 h used so far",
            "At the deadline",
        ] {
            assert!(
                answer.text.contains(part)
                    || answer.text.contains(&part.replace("&quot;", "&#34;")),
                "no {part} in {}",
                answer.text
            );
        }
        let wrong = page("?if=if_pause&if_pause.stop=");
        assert_eq!(wrong.status, 422, "{}", wrong.text);
        assert!(
            wrong.text.contains("id=\"error-if_pause.stop\""),
            "{}",
            wrong.text
        );
        let wrong = page("?if=if_did&if_did.kind=restored&if_did.occurred_at=soon");
        assert!(
            wrong.text.contains("id=\"error-if_did.occurred_at\""),
            "{}",
            wrong.text
        );
        assert_eq!(page("?if=if_nothing").status, 400);
        // Whoever only reads asks from the page of its own.
        service.person("vera", Role::Procurement);
        let vera = service.browser("vera").get("/incidents/INC-1001");
        assert!(vera.text.contains("href=\"/incidents/INC-1001/what-if\""));
    });
}
