//! What a letter says of how its deadline came about.

use redress::domain::letter::LetterKind;
use redress::mail::templates::Templates;
use serde_json::json;

use crate::on_both;

on_both! { fn the_letter_of_a_breach_tells_each_in_their_language_how_the_deadline_came_about(world) {
    let mut terms = world.usual_terms();
    terms["commitments"] = json!([{"clause": "5.3", "metric": "restore", "severity": "S1",
        "calendar_id": world.office, "target": {"open_time": "PT12H"}}]);
    terms["ladder"] = json!([{"when": {"at_due": true}, "to": ["vendor:2", "owner"], "by": ["email"]}]);
    let contract = world.signs("NW-2026", terms);
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "paused", "stop": "ACCESS"}));
    world.passes_to("2026-03-02T12:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "resumed"}));
    world.passes_to("2026-03-03T18:00[Europe/Berlin]");
    let told = |to: &str| {
        let letters = world.letters().into_iter();
        let letter = letters
            .filter(|letter| letter.kind == LetterKind::Breached)
            .find(|letter| letter.email == to)
            .expect("a letter");
        let now = world.hand.now();
        Templates::default().render(&letter.facts, &letter.recipient(), "https://redress.example.com", now).unwrap().text
    };
    let owner = told("owner@example.com");
    for line in [
        "How the deadline came about, in times of Europe/Berlin:",
        "- Mon 2 Mar 2026 10:00: Starts: reported (event 1)",
        "- Mon 2 Mar 10:00–11:00: Open; +1 h, 1 h used, 11 h left",
        "- Mon 2 Mar 11:00–12:00: Open, but held: ACCESS No access, clause 7.4 (event 2)",
        "- Mon 2 Mar 12:30–13:30: Closed",
        "- Tue 3 Mar 16:00: Due; 12 h used, 0 s left",
    ] {
        assert!(owner.contains(line), "no {line} in:\n{owner}");
    }
    let duty = told("duty@vendor.example");
    for line in [
        "期限计算过程，时间为 Europe/Berlin 时区（括号内为贵处时区 Asia/Shanghai，仅在不同时列出）：",
        "- 3月2日 周一 11:00–12:00 (3月2日 周一 18:00–19:00)：服务时间，但计时暂停：ACCESS No access，第 7.4 条（事件 2）",
        "：期限；已用 12 小时，剩余 0 秒",
    ] {
        assert!(duty.contains(line), "no {line} in:\n{duty}");
    }
} }
