//! Compiled calendars that were used lately, for the whole process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::calendar::{Calendar, KeptOffsets, Layer};
use crate::error::Result;

/// Most views that are kept; a view of some years takes about 70 KB.
const MOST: usize = 512;

#[derive(Default)]
struct Kept {
    views: HashMap<[u8; 32], (Arc<Calendar>, u64)>,
    /// Grows with each use; tells what was not used for longest.
    uses: u64,
}

static KEPT: Mutex<Option<Kept>> = Mutex::new(None);

/// The calendar of that content, compiled before or made now of `layers`.
///
/// # Errors
/// What `layers` gives.
pub(super) fn compiled(
    content: [u8; 32],
    name: &str,
    layers: impl FnOnce() -> Result<Vec<(Layer, Option<KeptOffsets>)>>,
) -> Result<Arc<Calendar>> {
    if let Some(calendar) = with_kept(|kept| kept.find(&content)) {
        return Ok(calendar);
    }
    // Made outside the lock; two who come at once both make it, and one of the two stays.
    let calendar = Arc::new(Calendar::of_kept(name, layers()?));
    with_kept(|kept| kept.add(content, Arc::clone(&calendar)));
    Ok(calendar)
}

fn with_kept<T>(f: impl FnOnce(&mut Kept) -> T) -> T {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    f(kept.get_or_insert_default())
}

impl Kept {
    fn find(&mut self, content: &[u8; 32]) -> Option<Arc<Calendar>> {
        self.uses += 1;
        let (calendar, used) = self.views.get_mut(content)?;
        *used = self.uses;
        Some(Arc::clone(calendar))
    }

    fn add(&mut self, content: [u8; 32], calendar: Arc<Calendar>) {
        if self.views.len() >= MOST {
            let oldest = self.views.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(oldest) = oldest.map(|(content, _)| *content) {
                self.views.remove(&oldest);
            }
        }
        self.views.insert(content, (calendar, self.uses));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_lately_stays_and_the_number_is_bounded() {
        let calendar = || Arc::new(Calendar::new("Empty", Vec::new()));
        let content = |number: usize| {
            let mut content = [0; 32];
            content[..8].copy_from_slice(&number.to_be_bytes());
            content
        };
        let mut kept = Kept::default();
        for number in 0..MOST {
            kept.add(content(number), calendar());
            kept.find(&content(number));
        }
        kept.find(&content(0));
        kept.add(content(MOST), calendar());
        assert_eq!(kept.views.len(), MOST);
        assert!(kept.find(&content(0)).is_some());
        assert!(kept.find(&content(1)).is_none());
    }
}
