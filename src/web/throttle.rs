//! Bounds how often signing in may be tried, for one address of a person and for one of the network, and how
//! often links may be opened from one address of the network.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::time::{MINUTE, Micros, Moment, SECOND};

/// Tries in a window that begins with the first of them.
const WINDOW: Micros = 15 * MINUTE;
/// Tries for one person.
const FOR_PERSON: u32 = 10;
/// Tries from one network address, behind which a whole office may sit.
const FROM_ADDRESS: u32 = 100;
/// Links that nobody signed, tried from one network address.
const FORGED_FROM_ADDRESS: u32 = 100;
/// Links opened from one network address: a scanner of mail opens many.
const LINKS_FROM_ADDRESS: u32 = 1_000;
/// Windows kept; when there are more, the oldest are forgotten.
const MOST: usize = 20_000;

/// The tries of the last minutes.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<HashMap<String, Window>>);

#[derive(Clone, Copy, Debug)]
struct Window {
    since: Moment,
    tries: u32,
}

impl Throttle {
    /// Notes a try, or says after how many seconds the next is allowed. Trying counts before its
    /// outcome is known, so that many tries at once do not slip through.
    pub fn begin(&self, email: &str, address: &str, now: Moment) -> Result<(), i64> {
        self.begin_all(
            vec![
                (person_key(email), FOR_PERSON),
                (format!("from {address}"), FROM_ADDRESS),
            ],
            now,
        )
    }

    /// Notes that a link is opened, or says after how many seconds the next may be.
    pub fn begin_link(&self, address: &str, now: Moment) -> Result<(), i64> {
        {
            let windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(window) = windows.get(&forged_key(address))
                && now - window.since < WINDOW
                && window.tries >= FORGED_FROM_ADDRESS
            {
                return Err((window.since + WINDOW - now) / SECOND + 1);
            }
        }
        self.begin_all(
            vec![(format!("links from {address}"), LINKS_FROM_ADDRESS)],
            now,
        )
    }

    /// Notes that it was one that nobody signed.
    pub fn link_failed(&self, address: &str, now: Moment) {
        // Whether it was one too many is asked when the next is opened.
        let _ = self.begin_all(vec![(forged_key(address), FORGED_FROM_ADDRESS)], now);
    }

    fn begin_all(&self, keys: Vec<(String, u32)>, now: Moment) -> Result<(), i64> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= MOST {
            windows.retain(|_, window| now - window.since < WINDOW);
        }
        if windows.len() >= MOST {
            let mut ages: Vec<Moment> = windows.values().map(|window| window.since).collect();
            ages.sort_unstable();
            let middle = ages[ages.len() / 2];
            windows.retain(|_, window| window.since > middle);
        }
        for (key, most) in &keys {
            if let Some(window) = windows.get(key)
                && now - window.since < WINDOW
                && window.tries >= *most
            {
                return Err((window.since + WINDOW - now) / SECOND + 1);
            }
        }
        for (key, _) in keys {
            let window = windows.entry(key).or_insert(Window {
                since: now,
                tries: 0,
            });
            if now - window.since >= WINDOW {
                *window = Window {
                    since: now,
                    tries: 0,
                };
            }
            window.tries += 1;
        }
        Ok(())
    }

    /// Forgets the tries of a person who has signed in.
    pub fn succeeded(&self, email: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&person_key(email));
    }
}

fn forged_key(address: &str) -> String {
    format!("forged from {address}")
}

fn person_key(email: &str) -> String {
    format!("for {}", email.trim().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Moment {
        Moment::from_micros(minute * MINUTE)
    }

    #[test]
    fn the_eleventh_try_for_one_person_waits_for_the_window_to_end() {
        let throttle = Throttle::default();
        for _ in 0..FOR_PERSON {
            throttle
                .begin("Ann@example.com", "10.0.0.1", at(0))
                .unwrap();
        }
        let wait = throttle.begin("ann@example.com ", "10.0.0.2", at(5));
        assert_eq!(wait, Err(601));
        throttle
            .begin("bob@example.com", "10.0.0.2", at(5))
            .unwrap();
        throttle
            .begin("ann@example.com", "10.0.0.2", at(15))
            .unwrap();
    }

    #[test]
    fn a_success_clears_the_person_but_not_the_address() {
        let throttle = Throttle::default();
        for number in 0..FROM_ADDRESS {
            let email = format!("{number}@example.com");
            throttle.begin(&email, "10.0.0.1", at(0)).unwrap();
            throttle.succeeded(&email);
        }
        assert!(
            throttle
                .begin("ann@example.com", "10.0.0.1", at(1))
                .is_err()
        );
        assert!(throttle.begin("ann@example.com", "10.0.0.9", at(1)).is_ok());
    }
}
