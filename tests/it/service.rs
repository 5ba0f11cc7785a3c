//! A service of its own for each test: a real server on a free port, a fresh database, a clock moved
//! by hand, and callers that speak HTTP.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use redress::domain::PersonId;
use redress::domain::person::{PersonInput, Role};
use redress::engine::deliver::{Delivered, Sender, deliver};
use redress::engine::{self, Health};
use redress::hook::network::networks;
use redress::hook::outlet::HookOutlet;
use redress::mail::outlet::{MemoryOutlet, Outlet};
use redress::mail::templates::Templates;
use redress::secret::{Secret, hash_password};
use redress::store::{Actor, DatabaseUrl, Store};
use redress::time::{HandTime, Moment, TimeSource};
use redress::web::{self, Running, State};
use redress::{actions, store};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::postgres::Template;

static MIGRATED: Template = Template::new("service", |url| {
    open(url, &hand()).migrate().unwrap();
});

/// The password of everybody whom [`Service::person`] adds.
pub const PASSWORD: &str = "four words in a row";

/// A service that answers until it is dropped.
pub struct Service {
    /// Scheme, host and port.
    pub url: String,
    /// What it keeps.
    pub store: Store,
    /// Its clock.
    pub hand: HandTime,
    /// How its engine does, which runs only where a test runs it.
    pub health: Arc<Health>,
    runtime: Runtime,
    running: Option<Running>,
}

/// Plays a story on a service with SQLite and, where there is one, with PostgreSQL.
pub fn on_both(story: impl Fn(&Service)) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("service.db").display());
    story(&Service::start(&url));
    if let Some(database) = MIGRATED.database() {
        story(&Service::start(&database.url));
    }
}

/// The same with an organisation's own templates of letters, on SQLite alone.
pub fn with_templates(templates: Templates, story: impl Fn(&Service)) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("service.db").display());
    story(&Service::start_with(&url, templates));
}

impl Service {
    fn start(database: &str) -> Self {
        Self::start_with(database, Templates::default())
    }

    fn start_with(database: &str, templates: Templates) -> Self {
        let hand = hand();
        let store = open(database, &hand);
        store.migrate().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let mut state = State::new(store.clone(), &url);
        let allowed = networks("127.0.0.0/8").unwrap();
        state.hooks = HookOutlet::patient_for(allowed, Duration::from_secs(5));
        state.hooks.show(&state.metrics);
        state.templates = templates;
        state.templates.show(&state.metrics);
        let health = Arc::clone(&state.health);
        engine::show(&state.metrics, &store, &health);
        let running = {
            let _inside = runtime.enter();
            web::start(state, listener).unwrap()
        };
        Self {
            url,
            store,
            hand,
            health,
            runtime,
            running: Some(running),
        }
    }

    /// Adds a person of that role; the address is `<name>@example.com`.
    pub fn person(&self, name: &str, role: Role) -> PersonId {
        let input = PersonInput::read(&json!({
            "email": format!("{name}@example.com"), "name": name, "role": role,
            "time_zone": "Europe/Berlin",
        }))
        .unwrap();
        let hash = hash_password(PASSWORD).unwrap();
        self.store
            .write(Actor::Operator, move |tx| {
                actions::person::add(tx, &input, Some(&hash))
            })
            .unwrap()
    }

    /// Sends what waits, into memory.
    pub fn delivers(&self, outlet: &MemoryOutlet) -> Delivered {
        let sender = Sender {
            outlet: Outlet::Memory(outlet.clone()),
            from: "Redress <redress@example.com>".parse().unwrap(),
            reply_to: "redress@example.com".parse().ok(),
            public_url: self.url.clone(),
            hooks: Default::default(),
            templates: Templates::default(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(deliver(&self.store, &sender)).unwrap()
    }

    /// Somebody unknown.
    pub fn nobody(&self) -> Caller<'_> {
        Caller {
            service: self,
            headers: Vec::new(),
        }
    }

    /// A program that acts for a new person of that role.
    pub fn program(&self, role: Role) -> Caller<'_> {
        let name = format!("program-{role}");
        let known = self
            .store
            .read(|conn| store::person::with_email(conn, &format!("{name}@example.com")))
            .unwrap();
        let person = known.map_or_else(|| self.person(&name, role), |person| person.id);
        let secret = Secret::token().unwrap();
        let hash = secret.hash();
        self.store
            .write(Actor::Operator, move |tx| {
                actions::token::create(tx, person, "test", &hash)
            })
            .unwrap();
        let bearer = format!("Bearer {}", secret.reveal());
        self.nobody().with("Authorization", &bearer)
    }

    /// A browser in which that person has signed in.
    pub fn browser(&self, name: &str) -> Caller<'_> {
        let browser = self.nobody().with("Origin", &self.url);
        let answer = sign_in(&browser, name, PASSWORD);
        assert_eq!(answer.status, 303, "{}", answer.text);
        browser.with("Cookie", &answer.cookie("redress_session"))
    }
}

/// Sends the form of the page where one signs in.
pub fn sign_in(browser: &Caller<'_>, name: &str, password: &str) -> Answer {
    let email = format!("{name}@example.com");
    browser.send("/login", &[("email", &email), ("password", password)])
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            let ended = self.runtime.block_on(running.stop());
            if !std::thread::panicking() {
                ended.unwrap();
            }
        }
    }
}

/// Somebody who sends requests, always with the same headers.
#[derive(Clone)]
pub struct Caller<'a> {
    service: &'a Service,
    headers: Vec<(String, String)>,
}

impl Caller<'_> {
    /// The same caller with one header more.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut caller = self.clone();
        caller.headers.retain(|(known, _)| known != name);
        caller.headers.push((name.to_string(), value.to_string()));
        caller
    }

    /// A header that it always sends.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path, "")
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.json("POST", path, body)
    }

    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.json("PUT", path, body)
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.request("DELETE", path, "")
    }

    /// Sends a form.
    pub fn send(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.with("Content-Type", "application/x-www-form-urlencoded")
            .request("POST", path, &body)
    }

    pub fn json(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.with("Content-Type", "application/json")
            .request(method, path, &body.to_string())
    }

    /// Sends a file of that type.
    pub fn file(&self, path: &str, media_type: &str, body: &[u8]) -> Answer {
        self.with("Content-Type", media_type)
            .bytes("POST", path, body)
    }

    /// Sends whatever it is.
    pub fn request(&self, method: &str, path: &str, body: &str) -> Answer {
        self.bytes(method, path, body.as_bytes())
    }

    fn bytes(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(0)
            .build()
            .new_agent();
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.service.url));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let mut response = if body.is_empty() {
            agent.run(request.body(()).unwrap()).unwrap()
        } else {
            agent.run(request.body(body.to_vec()).unwrap()).unwrap()
        };
        let bytes = response
            .body_mut()
            .with_config()
            .limit(100_000_000)
            .read_to_vec()
            .unwrap();
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: String::from_utf8_lossy(&bytes).into_owned(),
            bytes,
        }
    }
}

/// What a service answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub text: String,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// A cookie that was set, as it is sent back.
    pub fn cookie(&self, name: &str) -> String {
        let set = self.headers.get_all("set-cookie").iter();
        set.map(|value| value.to_str().unwrap())
            .find(|value| value.starts_with(&format!("{name}=")))
            .and_then(|value| value.split(';').next())
            .unwrap_or_default()
            .to_string()
    }

    /// Asserts that it is a problem document of that status and gives the fields it names.
    pub fn problem(&self, status: u16) -> Vec<String> {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let body = self.json();
        assert_eq!(body["status"], status);
        assert_eq!(body["request_id"], self.header("x-request-id"));
        for part in ["type", "title", "detail"] {
            assert!(body[part].is_string(), "{part}: {body}");
        }
        let faults = body["errors"].as_array().cloned().unwrap_or_default();
        faults
            .iter()
            .map(|fault| fault["field"].as_str().unwrap().to_string())
            .collect()
    }
}

/// Monday, 23 November 2026, 10:00 in Berlin.
fn hand() -> HandTime {
    HandTime::at(Moment::parse("2026-11-23T09:00:00Z").unwrap())
}

fn open(url: &str, hand: &HandTime) -> Store {
    let url: DatabaseUrl = url.parse().unwrap();
    Store::open(&url, TimeSource::Hand(hand.clone())).unwrap()
}
