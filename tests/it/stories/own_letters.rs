//! Letters by an organisation's own templates.

use std::fs;

use redress::domain::letter::LetterState;
use redress::mail::templates::Templates;
use redress::metrics::Metrics;
use redress::simulate::rehearse;
use serde_json::json;

use crate::on_both;

/// A subject of our own; over a plain text that no sample takes ours beyond its bounds.
fn templates() -> (tempfile::TempDir, Templates) {
    let folder = tempfile::tempdir().unwrap();
    let raised = folder.path().join("raised/en");
    fs::create_dir_all(&raised).unwrap();
    fs::write(raised.join("subject.txt"), "Acme: {{ title|line }}").unwrap();
    fs::write(
        raised.join("body.txt"),
        "{% if vendor == 'Northwind Carrier' and severity == 'S2' %}\
         {% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}\
         {% endif %}Acme says: {{ title|line }}",
    )
    .unwrap();
    let templates = Templates::read(folder.path()).unwrap();
    (folder, templates)
}

on_both! { fn an_incident_is_told_of_though_ones_own_template_fails(world) {
    let (_folder, templates) = templates();
    let contract = world.signs("NW-2026", world.usual_terms());
    world.raises(contract, "S1");
    assert_eq!(world.delivers_by(&templates).sent, 1);
    let sent = world.letters().remove(0);
    assert!(sent.subject.unwrap().starts_with("Acme: "));
    assert!(sent.body_text.unwrap().starts_with("Acme says: "));

    let metrics = Metrics::default();
    templates.show(&metrics);
    assert!(metrics.text().contains("redress_letter_templates_failed 0\n"));
    for number in 1..=5 {
        let incident = world.raises(contract, "S2");
        assert_eq!(world.delivers_by(&templates).sent, 1, "{number}");
        let letters = world.letters();
        let sent = letters.iter().find(|letter| letter.incident_id == Some(incident)).unwrap();
        assert_eq!(sent.state, LetterState::Sent);
        let (subject, text) = (sent.subject.as_deref().unwrap(), sent.body_text.as_deref().unwrap());
        let reference = incident.reference();
        assert!(subject.contains(&format!("[{reference}]")) && !subject.contains("Acme"), "{subject}");
        assert!(text.contains(&reference) && !text.contains("Acme"), "{text}");
        assert!(metrics.text().contains(&format!("redress_letter_templates_failed {number}\n")));
    }
}}

on_both! { fn a_rehearsal_writes_by_ones_own_templates(world) {
    let (_folder, templates) = templates();
    world.signs("NW-2026", world.usual_terms());
    let asked = json!({"severity": "S1", "title": "Berlin is cut off"});
    let rehearsed = rehearse(&world.store, &templates, "NW-2026", "ann@example.com", &asked).unwrap();
    let raised = &rehearsed.occasions[0];
    assert_eq!(raised.subject, "Acme: Berlin is cut off");
}}
