//! Who watches over the service: the pages, `/readyz`, `/metrics`, the heartbeat, the dashboard and the
//! alert rules.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use redress::domain::person::Role;
use redress::engine::deliver::Sender;
use redress::engine::heartbeat::Heart;
use redress::engine::{self, Health};
use redress::mail::outlet::Outlet;
use redress::mail::templates::Templates;
use redress::metrics::Metrics;
use redress::postbox::Standing;
use redress::time::{HOUR, MINUTE};
use serde_json::Value;
use tokio::sync::watch;

use crate::incident_api::{raise, sign};
use crate::on_both;
use crate::service::{self, Service};
use crate::world::World;

/// Only to end a test that fails.
const LONG: Duration = Duration::from_secs(20);

on_both! { fn the_engine_does_what_is_due_until_it_is_told_to_stop(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.stands_at("2026-03-02T11:00[Europe/Berlin]");
    let sender = Sender {
        outlet: Outlet::Memory(world.outlet.clone()),
        from: "Redress <redress@example.com>".parse().unwrap(),
        reply_to: None,
        public_url: "https://redress.example.com".to_string(),
        hooks: Default::default(),
        templates: Templates::default(),
    };
    let health = Arc::new(Health::default());
    let (stop, stopped) = watch::channel(false);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let running = runtime.spawn(engine::run(world.store.clone(), Arc::new(sender), Arc::clone(&health), stopped));
    runtime.block_on(async {
        let done = async {
            while health.figures().breaches == 0 || world.outlet.letters().len() < 2 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, done).await.expect("nothing was done");
        stop.send(true).unwrap();
        tokio::time::timeout(LONG, running).await.expect("the engine did not end").unwrap();
    });
    assert_eq!(world.breaches(incident).len(), 1);
} }

on_both! { fn between_batches_a_signal_to_stop_is_heard(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.stands_at("2026-03-02T11:00[Europe/Berlin]");
    let ticked = engine::tick::tick_while(&world.store, &|| false).unwrap();
    assert_eq!((ticked.incidents, world.breaches(incident).len()), (0, 0));
    let ticked = engine::tick::tick_while(&world.store, &|| true).unwrap();
    assert_eq!((ticked.incidents, world.breaches(incident).len()), (1, 1));
} }

/// Answers as many requests as there are answers; each request is given back.
fn monitor(answers: &'static [&'static str]) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/ping/secret", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let mut seen = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut part = [0_u8; 512];
            while !request.ends_with(b"\r\n\r\n") {
                match stream.read(&mut part).unwrap() {
                    0 => break,
                    read => request.extend_from_slice(&part[..read]),
                }
            }
            seen.push(String::from_utf8_lossy(&request).into_owned());
            stream.write_all(answer.as_bytes()).unwrap();
        }
        seen
    });
    (url, serving)
}

#[test]
fn a_sign_of_life_goes_out_only_while_the_engine_keeps_up() {
    let world = World::on_sqlite();
    let health = Health::default();
    let (url, serving) = monitor(&[
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK",
        "HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        // Closed without an answer.
        "",
    ]);
    let heart = Heart::new(url.parse().unwrap());
    let beats = |health: &Health| {
        let beats = health.heartbeats();
        (beats.sent(), beats.failed(), beats.withheld())
    };
    heart.beat(&world.store, &health);
    assert_eq!(beats(&health), (1, 0, 0));
    heart.beat(&world.store, &health);
    assert_eq!(beats(&health), (1, 1, 0));
    heart.beat(&world.store, &health);
    assert_eq!(beats(&health), (1, 2, 0));
    let asked = serving.join().unwrap();
    assert!(
        asked[0].starts_with("GET /ping/secret HTTP/1.1\r\n"),
        "{asked:?}"
    );
    // Nobody listens any more.
    heart.beat(&world.store, &health);
    assert_eq!(beats(&health), (1, 3, 0));
    // Something is due and nobody does it.
    let contract = world.signs("NW-2026", world.usual_terms());
    world.raises(contract, "S1");
    world.delivers();
    world.stands_at("2026-03-02T11:02[Europe/Berlin]");
    heart.beat(&world.store, &health);
    assert_eq!(beats(&health), (1, 3, 1));
}

/// An incident is raised, and two hours pass without an engine.
fn overdue(service: &Service) {
    sign(service);
    assert_eq!(raise(&service.program(Role::Engineer)).status, 201);
    service.hand.set(service.hand.now() + 2 * HOUR);
}

#[test]
fn what_is_overdue_is_shown_to_administrators_and_to_whoever_watches() {
    service::on_both(|service| {
        service.person("root", Role::Administrator);
        service.person("max", Role::Manager);
        let (root, watcher) = (service.browser("root"), service.nobody());
        assert_eq!(watcher.get("/readyz").status, 200);
        assert!(!root.get("/").text.contains("does not keep up"));
        overdue(service);
        let board = root.get("/").text;
        assert!(
            board.contains("The engine does not keep up: what fell due"),
            "{board}"
        );
        assert!(
            board.contains("Letters do not leave: the oldest has waited for 2 h 0 min."),
            "{board}"
        );
        let max = service.browser("max");
        assert!(!max.get("/").text.contains("does not keep up"));
        let outbox = max.get("/letters").text;
        assert!(
            outbox.contains("oldest has waited for <strong>2 h</strong>"),
            "{outbox}"
        );
        let ready = watcher.get("/readyz");
        assert_eq!(ready.status, 503);
        let checks = ready.json();
        assert_eq!(checks["checks"][1]["name"], "engine");
        assert_eq!(checks["checks"][1]["ok"], false);
        let waits = figure(
            &watcher.get("/metrics").text,
            "redress_oldest_due_letter_seconds",
        );
        assert_eq!(waits, 7200.0);
    });
}

#[test]
fn a_clock_that_was_set_back_is_shown_to_administrators() {
    service::on_both(|service| {
        service.person("root", Role::Administrator);
        let root = service.browser("root");
        let time = service.health.time();
        time.look(&service.store, 0).unwrap();
        service.hand.set(service.hand.now() - 90 * MINUTE);
        time.look(&service.store, 0).unwrap();
        let page = root.get("/people").text;
        assert!(
            page.contains("stands 1 h 30 min behind what is recorded already"),
            "{page}"
        );
        let watcher = service.nobody();
        let ready = watcher.get("/readyz");
        assert_eq!(ready.status, 200, "another node would do no better");
        assert!(ready.text.contains("1 h 30 min behind"), "{}", ready.text);
        assert_eq!(
            figure(
                &watcher.get("/metrics").text,
                "redress_clock_behind_seconds"
            ),
            5400.0
        );
        assert_eq!(
            figure(&watcher.get("/metrics").text, "redress_clock_jumps"),
            1.0
        );
    });
}

fn figure(metrics: &str, name: &str) -> f64 {
    let line = metrics
        .lines()
        .find(|line| line.starts_with(&format!("{name} ")));
    let line = line.unwrap_or_else(|| panic!("{name} is missing: {metrics}"));
    line[name.len() + 1..].parse().unwrap()
}

fn document(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of figures in some text.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !is_part(c))
        .filter(|word| word.starts_with("redress_"))
        .map(str::to_string)
        .collect()
}

/// All expressions of a document, wherever they stand in it.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "expr" => found.push(text.clone()),
                    other => expressions(other, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        _ => {}
    }
}

#[test]
fn the_dashboard_the_alerts_and_the_list_name_only_figures_that_exist_and_the_list_all() {
    let dashboard: Value = serde_json::from_str(&document("dashboard.json")).unwrap();
    let alerts: Value = serde_norway::from_str(&document("alerts.yml")).unwrap();
    let mut asked = Vec::new();
    expressions(&dashboard, &mut asked);
    assert!(asked.len() >= 10, "{asked:?}");
    let on_dashboard = asked.len();
    expressions(&alerts, &mut asked);
    assert!(asked.len() >= on_dashboard + 6, "{asked:?}");
    for rule in alerts["groups"][0]["rules"].as_array().unwrap() {
        for part in ["alert", "expr"] {
            assert!(rule[part].is_string(), "{rule}");
        }
        for part in ["summary", "description"] {
            assert!(rule["annotations"][part].is_string(), "{rule}");
        }
    }
    let listed = names(&document("metrics.md"));
    service::on_both(|service| {
        // A node that looks into a mailbox shows these besides.
        let of_mailbox = Metrics::default();
        Standing::default().show(&of_mailbox);
        let metrics = service.nobody().get("/metrics").text;
        let known: BTreeSet<String> = [metrics, of_mailbox.text()]
            .iter()
            .flat_map(|text| text.lines())
            .filter_map(|line| line.strip_prefix("# TYPE "))
            .filter_map(|line| line.split(' ').next())
            .map(str::to_string)
            .collect();
        for expression in &asked {
            let used = names(expression);
            assert!(!used.is_empty(), "{expression}");
            for name in used {
                assert!(known.contains(&name), "{name} in {expression}");
            }
        }
        assert_eq!(listed, known);
    });
}
