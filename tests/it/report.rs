//! Figures against timelines worked out by hand, and reports that are mailed.

mod figures;
mod mailed;
mod pages;
mod shown;

pub use shown::lines;

use redress::domain::attainment::Attainment;
use redress::report::{self, Ask, Report};
use serde_json::{Value, json};

use crate::world::World;

impl World {
    /// The report of a period over all vendors, as of now.
    pub fn report(&self, period: &str) -> Report {
        let ask = Ask {
            vendor: None,
            period: period.parse().unwrap(),
        };
        let now = self.hand.now();
        self.store
            .read(|conn| report::figures(conn, &ask, now))
            .unwrap()
    }

    /// A calendar that never closes.
    fn around_the_clock(&self) -> redress::domain::CalendarId {
        let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let week: serde_json::Map<String, Value> = days
            .iter()
            .map(|day| ((*day).to_string(), json!([["00:00", "24:00"]])))
            .collect();
        let calendar = json!({"name": "Always", "time_zone": "UTC", "week": week});
        crate::world::enter_calendar(&self.store, calendar)
    }
}

fn share(found: Option<Attainment>) -> f64 {
    found.unwrap().share
}
