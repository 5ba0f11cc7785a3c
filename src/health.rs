//! Whether the service can do its work: checks that each part brings, shown by `/readyz`.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

type Check = Arc<dyn Fn() -> Result<String, String> + Send + Sync>;

/// The checks; copies share them.
#[derive(Clone, Default)]
pub struct Checks(Arc<Mutex<Vec<(&'static str, Check)>>>);

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was checked.
    pub name: &'static str,
    /// Whether all is well.
    pub ok: bool,
    /// How it stands, in a sentence without secrets.
    pub detail: String,
}

impl Checks {
    /// Adds a check; it may ask the database and says how it stands, or what is wrong.
    pub fn add(
        &self,
        name: &'static str,
        check: impl Fn() -> Result<String, String> + Send + Sync + 'static,
    ) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((name, Arc::new(check)));
    }

    /// Makes every check, in the order in which they were added.
    pub fn findings(&self) -> Vec<Finding> {
        // Checked outside the lock: the database may be slow just now.
        let checks = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        checks
            .into_iter()
            .map(|(name, check)| match check() {
                Ok(detail) => Finding {
                    name,
                    ok: true,
                    detail,
                },
                Err(detail) => Finding {
                    name,
                    ok: false,
                    detail,
                },
            })
            .collect()
    }
}
