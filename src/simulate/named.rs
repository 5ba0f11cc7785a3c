//! People whom a scenario names without listing them.

use std::collections::HashSet;

use serde_json::Value;

use super::scenario::Scenario;
use super::setup::REPORTER;
use crate::domain::ladder::Target;
use crate::domain::person::Role;
use crate::domain::zone::Zone;

/// People whom a scenario names somewhere, each with the role that fits and a zone.
pub(super) struct Named {
    pub(super) people: Vec<(String, Role, Zone)>,
    roles: HashSet<Role>,
    zone: Zone,
}

impl Named {
    pub(super) fn of(scenario: &Scenario) -> Self {
        let mut named = Self {
            people: Vec::new(),
            roles: HashSet::new(),
            zone: Zone::UTC,
        };
        let zones: Vec<Zone> = scenario
            .contracts
            .iter()
            .map(|contract| zone_of(contract, &scenario.vendors))
            .collect();
        named.zone = zones.first().copied().unwrap_or(Zone::UTC);
        for incident in &scenario.incidents {
            if incident.reporter.is_none() {
                named.add(REPORTER, Role::Engineer, named.zone);
            }
            for email in incident.people() {
                named.add(email, Role::Engineer, named.zone);
            }
        }
        for (contract, zone) in scenario.contracts.iter().zip(zones) {
            if let Some(owner) = contract.get("owner").and_then(Value::as_str) {
                named.add(owner, Role::Procurement, zone);
            }
            for target in targets(contract) {
                match target {
                    Target::Person(email) => named.add(&email, Role::Engineer, zone),
                    Target::Role(role) => {
                        named.roles.insert(role);
                    }
                    // These list their people themselves.
                    Target::Team(_) | Target::OnDuty(_) => {}
                    Target::VendorRung(_) | Target::Owner | Target::Reporter => {}
                }
            }
        }
        for crew in scenario.teams.iter().chain(&scenario.rotas) {
            for email in crew_of(crew) {
                named.add(email, Role::Engineer, named.zone);
            }
        }
        named
    }

    fn add(&mut self, email: &str, role: Role, zone: Zone) {
        self.people.push((email.trim().to_lowercase(), role, zone));
    }

    pub(super) fn one_of_each_role(&mut self) {
        for &role in Role::ALL {
            let is_filled = self.people.iter().any(|(_, filled, _)| *filled == role);
            if self.roles.contains(&role) && !is_filled {
                self.add(&format!("{role}@example.com"), role, self.zone);
            }
        }
    }
}

/// The addresses of the members of a team, or of the entries and the fallback of a rota, as far as they
/// can be read.
fn crew_of(crew: &Value) -> impl Iterator<Item = &str> {
    let list = |field: &str| {
        crew.get(field)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let entries = list("entries").filter_map(|entry| entry.get("person"));
    let all = list("members").chain(entries).chain(crew.get("fallback"));
    all.filter_map(Value::as_str)
}

/// The zone of a contract, or of its vendor where it has none of its own.
fn zone_of(contract: &Value, vendors: &[Value]) -> Zone {
    let zone = |thing: &Value| -> Option<Zone> { thing.get("time_zone")?.as_str()?.parse().ok() };
    let vendor = || {
        let named = contract
            .get("vendor")
            .or_else(|| contract.get("vendor_id"))?;
        match named.as_u64() {
            Some(number) => vendors.get(usize::try_from(number).ok()?.checked_sub(1)?),
            None => vendors
                .iter()
                .find(|vendor| vendor.get("name") == Some(named)),
        }
    };
    zone(contract)
        .or_else(|| vendor().and_then(zone))
        .unwrap_or(Zone::UTC)
}

/// Everyone whom the ladders of a contract tell, as far as that can be read.
fn targets(contract: &Value) -> Vec<Target> {
    let versions = match contract.get("terms") {
        Some(Value::Array(versions)) => versions.iter().collect(),
        Some(terms) => vec![terms],
        None => Vec::new(),
    };
    let steps = versions
        .into_iter()
        .filter_map(|terms| terms.get("ladder")?.as_array())
        .flatten();
    let told = steps
        .filter_map(|step| step.get("to")?.as_array())
        .flatten();
    let read = |target: &Value| target.as_str()?.parse().ok();
    let mut found: Vec<Target> = told.filter_map(read).collect();
    if found.is_empty() {
        // Terms without a ladder have the usual one.
        let usual = crate::domain::terms_input::default_ladder();
        found.extend(usual.into_iter().flat_map(|step| step.to));
    }
    let windows = contract.get("go_lives").and_then(Value::as_array);
    let posts = windows
        .into_iter()
        .flatten()
        .filter_map(|window| window.get("command_post")?.as_array());
    found.extend(posts.flatten().filter_map(read));
    found
}
