//! Figures about the running service, as Prometheus reads them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

type Read = Arc<dyn Fn() -> Option<f64> + Send + Sync>;

/// The figures; copies share them.
#[derive(Clone, Default)]
pub struct Metrics(Arc<Mutex<BTreeMap<&'static str, Family>>>);

/// A count that only grows.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicU64>);

#[derive(Clone)]
struct Family {
    help: &'static str,
    kind: &'static str,
    series: Vec<(String, Read)>,
}

impl Counter {
    /// One more.
    pub fn increase(&self) {
        self.add(1);
    }

    /// That many more.
    pub fn add(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    /// How many so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Metrics {
    /// A counter of that name; `labels` such as `status="2xx"`, empty for none.
    pub fn counter(&self, name: &'static str, labels: &str, help: &'static str) -> Counter {
        let counter = Counter::default();
        let read = counter.clone();
        self.add(
            name,
            labels,
            help,
            "counter",
            Arc::new(move || Some(read.get() as f64)),
        );
        counter
    }

    /// A figure that is read when it is asked for; nothing is shown while there is none. The reading
    /// may ask the database.
    pub fn gauge(
        &self,
        name: &'static str,
        labels: &str,
        help: &'static str,
        read: impl Fn() -> Option<f64> + Send + Sync + 'static,
    ) {
        self.add(name, labels, help, "gauge", Arc::new(read));
    }

    /// All figures in Prometheus' text form, version 0.0.4.
    pub fn text(&self) -> String {
        // Read outside the lock: a gauge may take its time.
        let families = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut text = String::new();
        for (name, family) in families {
            let (help, kind) = (family.help, family.kind);
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (labels, read) in family.series {
                if let Some(value) = read() {
                    let labels = if labels.is_empty() {
                        labels
                    } else {
                        format!("{{{labels}}}")
                    };
                    let _ = writeln!(text, "{name}{labels} {value}");
                }
            }
        }
        text
    }

    fn add(
        &self,
        name: &'static str,
        labels: &str,
        help: &'static str,
        kind: &'static str,
        read: Read,
    ) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(name)
            .or_insert_with(|| Family {
                help,
                kind,
                series: Vec::new(),
            })
            .series
            .push((labels.to_string(), read));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_and_gauges_are_written_as_prometheus_reads_them() {
        let metrics = Metrics::default();
        let good = metrics.counter("answers_total", "status=\"2xx\"", "Answers.");
        metrics.counter("answers_total", "status=\"5xx\"", "Answers.");
        metrics.gauge("age_seconds", "", "Age.", || Some(1.5));
        metrics.gauge("nothing", "", "None yet.", || None);
        good.add(2);
        assert_eq!(
            metrics.text(),
            "# HELP age_seconds Age.\n# TYPE age_seconds gauge\nage_seconds 1.5\n\
             # HELP answers_total Answers.\n# TYPE answers_total counter\n\
             answers_total{status=\"2xx\"} 2\nanswers_total{status=\"5xx\"} 0\n\
             # HELP nothing None yet.\n# TYPE nothing gauge\n"
        );
    }
}
