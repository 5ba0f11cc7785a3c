//! All integration tests, linked once.

mod browser_story;
mod calendar_properties;
mod cli;
mod clocks;
mod duty;
mod entries;
mod evidence;
mod explanation;
mod failure;
mod findings;
mod go_live;
mod handover;
mod incident_api;
mod incident_pages;
mod letter_templates;
mod links;
mod listening;
mod migrations;
mod outlet;
mod received;
mod rehearsal;
mod report;
mod service;
mod simulate;
mod stories;
mod support;
mod terms_change;
mod tidy;
mod time_trouble;
mod vectors;
mod watching;
mod web_base;
mod webhooks;
mod what_if;
mod world;

/// Says, past libtest's capture, which tests had nothing to run against, so that a green run
/// on a bare machine is not taken for a full one. Fails where `REDRESS_TEST_REQUIRE` asks for it.
#[test]
fn what_this_run_leaves_out() {
    let _ = support::or_leave_out("postgres", support::postgres::programs());
    let _ = support::or_leave_out("browser", support::browser::program());
}
