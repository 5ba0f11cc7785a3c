//! A Chromium without a window, driven through chromedriver (W3C WebDriver).
//!
//! One chromedriver serves the run; every [`Browser`] is a session with a profile of its own.
//! It reaches 127.0.0.1 and nothing else. What is not found on a page, or not in time, panics
//! with what the page shows instead.

mod driver;
#[cfg(test)]
mod tests;

pub use driver::program;

use super::or_leave_out;
use base64::{Engine, prelude::BASE64_STANDARD};
use driver::{Driver, Session};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// How long what has no bound of its own is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// The member by which WebDriver marks an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser whose pages are `width` × `height` CSS pixels, or `None` where there is none.
pub fn browser(width: u32, height: u32) -> Option<Browser> {
    browser_with(Look {
        width,
        height,
        ..Look::default()
    })
}

/// A browser of a chosen look, or `None` where there is none.
pub fn browser_with(look: Look) -> Option<Browser> {
    let driver = Driver::of_this_run(&or_leave_out("browser", program())?);
    let session = driver.open(look.script, look.language);
    let browser = Browser { session };
    // A window cannot be made as narrow as a telephone; the page in it can.
    let size = json!({"width": look.width, "height": look.height, "deviceScaleFactor": 1, "mobile": false});
    browser.devtools("Emulation.setDeviceMetricsOverride", size);
    let scheme = if look.dark { "dark" } else { "light" };
    let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
    browser.devtools("Emulation.setEmulatedMedia", features);
    Some(browser)
}

pub struct Look {
    /// In CSS pixels, of the page without the window's frame.
    pub width: u32,
    pub height: u32,
    /// Whether the person prefers dark pages.
    pub dark: bool,
    /// Whether pages may run scripts. What [`Browser`] itself runs is not concerned.
    pub script: bool,
    /// The one language in `Accept-Language`.
    pub language: &'static str,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            width: 1280,
            height: 800,
            dark: false,
            script: true,
            language: "en",
        }
    }
}

pub struct Browser {
    session: Session,
}

impl Browser {
    /// Returns when the page is loaded.
    pub fn goto(&self, url: &str) {
        self.ask("POST", "/url", json!({"url": url}));
    }

    pub fn reload(&self) {
        self.ask("POST", "/refresh", json!({}));
    }

    pub fn back(&self) {
        self.ask("POST", "/back", json!({}));
    }

    pub fn url(&self) -> String {
        text_of(self.ask("GET", "/url", Value::Null))
    }

    pub fn title(&self) -> String {
        text_of(self.ask("GET", "/title", Value::Null))
    }

    /// The first element that `css` selects.
    pub fn find(&self, css: &str) -> Element<'_> {
        let mut found = self.find_all(css);
        assert!(
            !found.is_empty(),
            "nothing matches {css} on {}",
            self.page()
        );
        found.swap_remove(0)
    }

    /// All elements that `css` selects, in the order of the page.
    pub fn find_all(&self, css: &str) -> Vec<Element<'_>> {
        let found = self.ask(
            "POST",
            "/elements",
            json!({"using": "css selector", "value": css}),
        );
        let found = found.as_array().cloned().unwrap_or_default();
        found
            .iter()
            .map(|reference| Element {
                browser: self,
                id: text_of(reference[ELEMENT].clone()),
            })
            .collect()
    }

    pub fn has(&self, css: &str) -> bool {
        !self.find_all(css).is_empty()
    }

    /// The visible text of the first element that `css` selects, read in one go, so that a page
    /// which just renews itself cannot come between.
    pub fn text(&self, css: &str) -> String {
        let read = "return document.querySelector(arguments[0])?.innerText.trim() ?? null";
        let text = optional(self.run(read, &[json!(css)]));
        text.unwrap_or_else(|| panic!("nothing matches {css} on {}", self.page()))
    }

    /// What the body of a function, given `arguments`, returns in the page.
    pub fn run(&self, body: &str, arguments: &[Value]) -> Value {
        self.ask(
            "POST",
            "/execute/sync",
            json!({"script": body, "args": arguments}),
        )
    }

    /// Names and values of the cookies that the page would be sent with, `HttpOnly` ones included.
    pub fn cookies(&self) -> BTreeMap<String, String> {
        let cookies = self.ask("GET", "/cookie", Value::Null);
        let cookies = cookies.as_array().cloned().unwrap_or_default();
        cookies
            .iter()
            .map(|cookie| {
                (
                    text_of(cookie["name"].clone()),
                    text_of(cookie["value"].clone()),
                )
            })
            .collect()
    }

    /// What the console said since the last call: errors of scripts, refusals by the content
    /// security policy, files not found.
    pub fn complaints(&self) -> Vec<String> {
        let entries = self.ask("POST", "/se/log", json!({"type": "browser"}));
        let entries = entries.as_array().cloned().unwrap_or_default();
        entries
            .iter()
            .map(|entry| {
                format!(
                    "{} {}",
                    text_of(entry["level"].clone()),
                    text_of(entry["message"].clone())
                )
            })
            .collect()
    }

    /// Writes what is in view to `file` as PNG.
    pub fn screenshot(&self, file: &Path) {
        let picture = text_of(self.ask("GET", "/screenshot", Value::Null));
        let picture = BASE64_STANDARD
            .decode(picture)
            .expect("WebDriver sends pictures in base 64");
        fs::write(file, picture).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }

    /// The first element that `css` selects, as soon as there is one.
    pub fn wait_for(&self, css: &str) -> Element<'_> {
        self.wait_until(css, PATIENCE, |browser| browser.has(css));
        self.find(css)
    }

    /// Returns as soon as an element that `css` selects shows `text` somewhere in it.
    pub fn wait_for_text(&self, css: &str, text: &str) {
        let search = "return [...document.querySelectorAll(arguments[0])].some(it => it.innerText.includes(arguments[1]))";
        let what = format!("{text:?} in {css}");
        self.wait_until(&what, PATIENCE, |browser| {
            browser.run(search, &[json!(css), json!(text)]) == true
        });
    }

    /// Returns as soon as `is_so`; panics when that does not come about `within` the time, with
    /// `what` was waited for.
    pub fn wait_until(&self, what: &str, within: Duration, is_so: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + within;
        while !is_so(self) {
            assert!(
                Instant::now() < deadline,
                "not within {within:?}: {what}, on {}",
                self.page()
            );
            // The page's own frames set the pace. Where it is just being left there are none.
            let frame = "requestAnimationFrame(arguments[0])";
            let _ = self.session.ask(
                "POST",
                "/execute/async",
                &json!({"script": frame, "args": []}),
            );
        }
    }

    /// Does the `deed` and waits until another page has come of it.
    fn turns_page(&self, deed: impl FnOnce()) {
        let left = format!("/element/{}/name", self.find(":root").id);
        deed();
        let state = json!({"script": "return document.readyState", "args": []});
        self.wait_until("the next page", PATIENCE, |browser| {
            // Chromedriver's own waiting misses a page that is slow to begin.
            browser.session.ask("GET", &left, &Value::Null).is_err()
                && browser
                    .session
                    .ask("POST", "/execute/sync", &state)
                    .is_ok_and(|state| state == "complete")
        });
    }

    /// A command of Chromium's own protocol.
    fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.ask(
            "POST",
            "/goog/cdp/execute",
            json!({"cmd": command, "params": parameters}),
        )
    }

    /// For messages: where we are and what is to be seen there.
    fn page(&self) -> String {
        let text = self.run("return document.body?.innerText ?? ''", &[]);
        format!(
            "{}:\n{}",
            self.url(),
            text_of(text).chars().take(2000).collect::<String>()
        )
    }

    fn ask(&self, method: &str, path: &str, body: Value) -> Value {
        self.session
            .ask(method, path, &body)
            .unwrap_or_else(|error| panic!("{method} {path} {body}: {error}"))
    }
}

/// An element of a page that is still shown.
pub struct Element<'a> {
    browser: &'a Browser,
    id: String,
}

impl Element<'_> {
    /// The visible text.
    pub fn text(&self) -> String {
        text_of(self.ask("GET", "/text", Value::Null))
    }

    /// The attribute as the page came with it; `Some` of anything for a boolean one that is set.
    pub fn attribute(&self, name: &str) -> Option<String> {
        optional(self.ask("GET", &format!("/attribute/{name}"), Value::Null))
    }

    /// What script and person have made of it since: `value`, `checked`, …
    pub fn property(&self, name: &str) -> Value {
        self.ask("GET", &format!("/property/{name}"), Value::Null)
    }

    /// What the style sheets come to, such as `color`.
    pub fn style(&self, property: &str) -> String {
        text_of(self.ask("GET", &format!("/css/{property}"), Value::Null))
    }

    pub fn is_shown(&self) -> bool {
        self.ask("GET", "/displayed", Value::Null) == true
    }

    /// Clicks as a person would, which fails where something lies above.
    pub fn click(&self) {
        self.ask("POST", "/click", json!({}));
    }

    /// Clicks what leads to another page, and returns when that is loaded.
    pub fn follow(&self) {
        self.browser.turns_page(|| self.click());
    }

    /// Types into the field, after what is in it. A choice in a list is chosen by its text.
    pub fn types(&self, text: &str) {
        self.ask("POST", "/value", json!({"text": text}));
    }

    pub fn clear(&self) {
        self.ask("POST", "/clear", json!({}));
    }

    /// Submits the form that this is, or is in, as its button would, with the browser's own
    /// checks, and returns when the page that follows is loaded.
    pub fn submit(&self) {
        let submit = "arguments[0].closest('form').requestSubmit()";
        self.browser
            .turns_page(|| drop(self.browser.run(submit, &[json!({ELEMENT: self.id})])));
    }

    fn ask(&self, method: &str, path: &str, body: Value) -> Value {
        self.browser
            .ask(method, &format!("/element/{}{path}", self.id), body)
    }
}

fn text_of(value: Value) -> String {
    optional(value).unwrap_or_default()
}

fn optional(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}
