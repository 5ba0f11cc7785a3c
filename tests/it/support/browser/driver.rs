//! chromedriver and its sessions: starting, asking, ending.

use crate::support::{
    folder_with, search_path,
    watched::{Start, Watched},
};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use ureq::{Agent, http::Request};

/// Where chromedriver and Chromium are; the error says why there is none to use.
pub fn program() -> Result<Programs, String> {
    let on_path = |name: &str| folder_with(&[name], search_path()).map(|folder| folder.join(name));
    let driver = on_path("chromedriver").ok_or("PATH holds no chromedriver")?;
    let browsers = ["chromium", "chromium-browser", "google-chrome"];
    let browser = browsers
        .into_iter()
        .find_map(on_path)
        .ok_or("PATH holds no Chromium")?;
    Ok(Programs { driver, browser })
}

pub struct Programs {
    driver: PathBuf,
    browser: PathBuf,
}

pub(super) struct Driver {
    /// `http://127.0.0.1:PORT`
    url: String,
    agent: Agent,
    browser: PathBuf,
    profiles: PathBuf,
    _process: Watched,
}

impl Driver {
    pub(super) fn of_this_run(programs: &Programs) -> &'static Self {
        static DRIVER: OnceLock<Result<Driver, String>> = OnceLock::new();
        DRIVER
            .get_or_init(|| Self::start(programs))
            .as_ref()
            .unwrap_or_else(|error| panic!("chromedriver does not start: {error}"))
    }

    fn start(programs: &Programs) -> Result<Self, String> {
        let folder = tempfile::Builder::new()
            .prefix("redress-browser-")
            .tempdir()
            .map_err(|error| error.to_string())?;
        let profiles = folder.path().to_owned();
        let (process, line) = Watched::start(Start {
            folder,
            command: vec![programs.driver.as_os_str(), "--port=0".as_ref()],
            ends_by: "TERM",
            owner: None,
            ready: "started successfully on port",
        })?;
        let port = line
            .trim_end_matches('.')
            .rsplit(' ')
            .next()
            .unwrap_or_default();
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(120)))
            .allow_non_standard_methods(true)
            .build();
        Ok(Self {
            url: format!("http://127.0.0.1:{port}"),
            agent: agent.new_agent(),
            browser: programs.browser.clone(),
            profiles,
            _process: process,
        })
    }

    pub(super) fn open(&'static self, script: bool, language: &str) -> Session {
        static COUNT: AtomicU64 = AtomicU64::new(1);
        let profile = self
            .profiles
            .join(format!("profile-{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        let options = options(&self.browser, &profile, script, language);
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let session = self
            .ask("POST", "/session", &wanted)
            .unwrap_or_else(|error| panic!("Chromium does not start: {error}"));
        let id = session["sessionId"]
            .as_str()
            .expect("a session has an id")
            .to_owned();
        Session {
            driver: self,
            id,
            profile,
        }
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url));
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = request
            .header("content-type", "application/json")
            .body(body)
            .map_err(|error| error.to_string())?;
        let mut response = self.agent.run(request).map_err(|error| error.to_string())?;
        let is_success = response.status().is_success();
        let mut answer: Value = response
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_json()
            .map_err(|error| error.to_string())?;
        let value = answer["value"].take();
        if is_success {
            Ok(value)
        } else {
            Err(format!("{}: {}", value["error"], value["message"]))
        }
    }
}

/// A running Chromium. Dropping it ends it and removes its profile.
pub(super) struct Session {
    driver: &'static Driver,
    id: String,
    profile: PathBuf,
}

impl Session {
    /// `path` is within the session; a null `body` is none.
    pub(super) fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        self.driver
            .ask(method, &format!("/session/{}{path}", self.id), body)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // What does not end here ends with chromedriver, and its folder with that.
        let _ = self.ask("DELETE", "", &Value::Null);
        let _ = fs::remove_dir_all(&self.profile);
    }
}

fn options(browser: &Path, profile: &Path, script: bool, language: &str) -> Value {
    let mut arguments: Vec<String> = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-quic",
        "--no-first-run",
        // The memory file system of a container is often too small for it.
        "--disable-dev-shm-usage",
        // Chromium ends when this pipe closes, and so with chromedriver, however that ends.
        "--remote-debugging-pipe",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    ]
    .map(String::from)
    .into();
    arguments.push(format!("--user-data-dir={}", profile.display()));

    let mut preferences = json!({"intl.accept_languages": language});
    if !script {
        // 2 is "blocked" in Chromium's content settings.
        preferences["profile.managed_default_content_settings.javascript"] = json!(2);
    }
    json!({"binary": browser, "args": arguments, "prefs": preferences})
}
