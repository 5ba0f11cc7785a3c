//! People at work while services die: every request is sent, under its own key, until it is answered.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use super::child::Doors;
use super::house::{Chance, House, pause};

/// Attempts at one request; with the pauses between them several minutes.
const ATTEMPTS: usize = 6000;

/// What was answered with 2xx, and must be found again.
#[derive(Default)]
pub struct Answered {
    /// Keys of incidents, one for each request that raised one.
    pub raised: Vec<i64>,
    /// Incident and number of each event.
    pub recorded: Vec<(i64, i64)>,
    /// Requests that were sent again because no answer came.
    pub again: u64,
}

impl Answered {
    pub fn add(&mut self, other: Self) {
        self.raised.extend(other.raised);
        self.recorded.extend(other.recorded);
        self.again += other.again;
    }
}

/// Somebody with a connection.
pub struct Caller<'a> {
    house: &'a House,
    doors: &'a Doors,
    agent: ureq::Agent,
    chance: Chance,
    pub answered: Answered,
}

impl<'a> Caller<'a> {
    pub fn new(house: &'a House, doors: &'a Doors, chance: Chance) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            .build()
            .new_agent();
        Self {
            house,
            doors,
            agent,
            chance,
            answered: Answered::default(),
        }
    }

    /// Raises an incident; some are answered at once, some around the moment they fall due, most never.
    pub fn raises(&mut self) -> i64 {
        let raised = self.sends(
            "/api/v1/incidents",
            &json!({"contract_id": self.house.contract, "severity": "S1", "title": "Frankfurt is cut off"}),
        );
        let incident = raised["id"].as_i64().unwrap();
        self.answered.raised.push(incident);
        match self.chance.below(4) {
            0 => self.records(incident, "responded"),
            1 => self.records(incident, "restored"),
            _ => {}
        }
        incident
    }

    /// Records an event.
    pub fn records(&mut self, incident: i64, kind: &str) {
        let path = format!("/api/v1/incidents/{incident}/events");
        let recorded = self.sends(&path, &json!({"kind": kind}));
        let seq = recorded["event"]["seq"].as_i64().unwrap();
        self.answered.recorded.push((incident, seq));
    }

    /// Sends a request until somebody answers it with 2xx.
    fn sends(&mut self, path: &str, body: &Value) -> Value {
        let key = format!("{:x}", self.chance.below(u64::MAX));
        let body = body.to_string();
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                pause();
            }
            let Some(door) = self.doors.one(self.chance.below(1 << 20)) else {
                continue;
            };
            let answer = self
                .agent
                .post(format!("{door}{path}"))
                .header("Authorization", &self.house.bearer)
                .header("Content-Type", "application/json")
                .header("Idempotency-Key", &key)
                .send(&body);
            let read = answer.and_then(|mut answer| {
                let text = answer.body_mut().read_to_string()?;
                Ok((answer.status().as_u16(), text))
            });
            match read {
                Ok((200..=299, text)) => return serde_json::from_str(&text).unwrap(),
                // Not now, or not known whether.
                Ok((503, _)) | Err(_) => self.answered.again += 1,
                Ok((status, text)) => panic!("{path}: {status} {text}"),
            }
        }
        panic!("{path} was never answered");
    }
}

/// Somebody who asks once and takes any answer.
pub struct Asker<'a> {
    house: &'a House,
    url: String,
    agent: ureq::Agent,
}

impl<'a> Asker<'a> {
    pub fn new(house: &'a House, url: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .new_agent();
        Self {
            house,
            url: url.to_string(),
            agent,
        }
    }

    /// Status and body, or the text where it is no JSON.
    pub fn asks(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("Authorization", &self.house.bearer)
            .header("Content-Type", "application/json");
        let answer = match body {
            Some(body) => self.agent.run(request.body(body.to_string()).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        };
        let mut answer = answer.unwrap_or_else(|error| panic!("{path} had no answer: {error}"));
        let text = answer.body_mut().read_to_string().unwrap();
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        (answer.status().as_u16(), value)
    }

    /// Tries to raise an incident.
    pub fn raises(&self) -> (u16, Value) {
        let body = json!({"contract_id": self.house.contract, "severity": "S1", "title": "Again"});
        self.asks("POST", "/api/v1/incidents", Some(&body))
    }
}

/// So many callers at once, each doing that; gives what they were answered.
pub fn together(
    house: &House,
    doors: &Doors,
    chance: &mut Chance,
    callers: usize,
    does: impl Fn(&mut Caller<'_>) + Sync,
) -> Answered {
    let all = Mutex::new(Answered {
        raised: vec![house.first.0],
        ..Answered::default()
    });
    std::thread::scope(|scope| {
        for _ in 0..callers {
            let mut caller = Caller::new(house, doors, chance.branch());
            let (all, does) = (&all, &does);
            scope.spawn(move || {
                does(&mut caller);
                all.lock().unwrap().add(caller.answered);
            });
        }
    });
    all.into_inner().unwrap()
}
