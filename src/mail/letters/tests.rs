use super::*;
use crate::domain::anchor::PrintedHead;
use crate::domain::letter::Promised;
use crate::domain::letter::{
    AnswerFacts, CorrectedFacts, LetterKind, ReportBreach, ReportRow, StepFacts, Trigger,
    UndeliverableFacts,
};
use crate::domain::words::ClockState;
use crate::domain::words::{EventKind, Metric};
use crate::mail::templates::Templates;
use crate::time::{HOUR, SECOND};

/// A letter by the templates that are compiled in.
fn render(
    facts: &LetterFacts,
    recipient: &Recipient,
    public_url: &str,
    sent_at: Moment,
) -> Result<Rendered, RenderError> {
    Templates::default().render(facts, recipient, public_url, sent_at)
}

const PUBLIC_URL: &str = "https://redress.example.com/";

fn at(text: &str) -> Moment {
    text.parse().unwrap()
}

fn desk(locale: Locale) -> Recipient {
    Recipient {
        name: "Service desk".into(),
        email: "desk@vendor.example".into(),
        locale,
        time_zone: match locale {
            Locale::En => "Europe/London".parse().unwrap(),
            Locale::ZhCn => "Asia/Shanghai".parse().unwrap(),
        },
        side: Side::Vendor,
    }
}

fn owner(locale: Locale) -> Recipient {
    Recipient {
        name: "Olga Owner".into(),
        email: "owner@example.com".into(),
        side: Side::Ours,
        ..desk(locale)
    }
}

fn clock(state: ClockState) -> ClockFacts {
    ClockFacts {
        metric: Metric::Respond,
        clause: "5.1".into(),
        promise: Promised::OpenTime {
            micros: 15 * MINUTE,
        },
        calendar: "Berlin office".into(),
        started_at: at("2026-11-20T15:40:00Z"),
        due_at: Some(at("2026-11-20T15:55:00Z")),
        provisional: false,
        state,
        interval: 0,
        run: 1,
        breached_at: None,
        stopped_at: None,
        lost: None,
        late_open: None,
        late_elapsed: None,
        remaining: Some(3 * MINUTE + 45 * SECOND),
    }
}

fn late_clock() -> ClockFacts {
    ClockFacts {
        breached_at: Some(at("2026-11-20T15:55:00Z")),
        late_open: Some(0),
        late_elapsed: Some(0),
        remaining: None,
        ..clock(ClockState::Running)
    }
}

fn head() -> PrintedHead {
    PrintedHead {
        number: 17,
        at: at("2026-11-20T15:00:04Z"),
        hash: "3fa912bc88de0a41".repeat(4),
    }
}

fn told(name: &str, email: &str, side: Side) -> Told {
    Told {
        name: name.into(),
        email: email.into(),
        side,
    }
}

/// A letter of that kind, in the state of things in which such letters are queued.
fn incident(kind: LetterKind) -> IncidentFacts {
    let clock = match kind {
        LetterKind::Escalated | LetterKind::Breached => late_clock(),
        LetterKind::Resolved => ClockFacts {
            stopped_at: Some(at("2026-11-20T15:52:00Z")),
            ..clock(ClockState::Met)
        },
        _ => clock(ClockState::Running),
    };
    IncidentFacts {
        kind,
        incident: "INC-1042".into(),
        title: "Frankfurt is cut off".into(),
        description: "No packet passes since 16:38.\nSite code FRA-2.".into(),
        drill: false,
        vendor: "Northwind Carrier".into(),
        vendor_reference: Some("NW-99812".into()),
        contract: "NW-2026".into(),
        contract_title: "Wide area network".into(),
        contract_zone: "Europe/Berlin".parse().unwrap(),
        owner: "owner@example.com".into(),
        severity: "S1".into(),
        severity_name: "Critical".into(),
        reported_at: at("2026-11-20T15:40:00Z"),
        planned_at: at("2026-11-20T15:55:00Z"),
        clocks: vec![clock],
        step: Some(StepFacts {
            planned_at: at("2026-11-20T15:55:00Z"),
            trigger: Trigger::AtDue,
            repeat: 0,
            reminder: false,
        }),
        missed_steps: Vec::new(),
        skipped_steps: Vec::new(),
        breach: (kind == LetterKind::Breached).then(|| "B-17".to_string()),
        also_told: vec![
            told("Duty manager", "duty@vendor.example", Side::Vendor),
            told("Olga Owner", "owner@example.com", Side::Ours),
            told("Max Manager", "max@example.com", Side::Ours),
        ],
        remark: None,
        rejected: false,
        corrected: (kind == LetterKind::Corrected).then(|| CorrectedFacts {
            breach: "B-17".into(),
            metric: Metric::Respond,
            clause: "5.1".into(),
            due_at: at("2026-11-20T15:55:00Z"),
            seq: 6,
            kind: EventKind::Responded,
            occurred_at: at("2026-11-20T15:52:00Z"),
            reason: "their log shows 16:52 local".into(),
        }),
        answer: (kind == LetterKind::Answered).then(|| AnswerFacts {
            by_mail: false,
            is_checked: false,
            seq: 4,
            kind: EventKind::Promised,
            at: at("2026-11-20T15:52:00Z"),
            name: "Mei Lin".into(),
            contact: "Duty manager <duty@vendor.example>".into(),
            promised_for: Some(at("2026-11-20T18:30:00Z")),
            remark: "A technician is on the way.".into(),
        }),
        explanation: (kind == LetterKind::Breached)
            .then(crate::mail::explanation::tests::first_response),
        link: "/incidents/INC-1042".into(),
        anchor: Some(head()),
    }
}

fn report() -> ReportFacts {
    ReportFacts {
        name: "monthly".into(),
        vendor: Some("Northwind Carrier".into()),
        from: at("2026-09-30T22:00:00Z"),
        to: at("2026-10-31T23:00:00Z"),
        time_zone: "Europe/Berlin".parse().unwrap(),
        planned_at: Some(at("2026-11-01T07:00:00Z")),
        rows: vec![ReportRow {
            contract: "NW-2026".into(),
            metric: Metric::Respond,
            severity: "S1".into(),
            met: 39,
            missed: 1,
            attainment: Some(0.975),
            low: Some(0.871),
            high: Some(0.9956),
            margin: Some(0.42),
        }],
        breaches: vec![ReportBreach {
            reference: "B-17".into(),
            incident: "INC-1042".into(),
            clause: "5.1".into(),
            metric: Metric::Respond,
            severity: "S1".into(),
            due_at: at("2026-10-20T14:55:00Z"),
            stopped_at: Some(at("2026-10-20T15:10:00Z")),
            late_open: Some(15 * MINUTE),
            late_elapsed: Some(15 * MINUTE),
        }],
        open: 2,
        link: "/reports?from=2026-10-01".into(),
        csv: "contract,metric\r\nNW-2026,respond\r\n".into(),
        anchor: Some(head()),
    }
}

fn undeliverable() -> UndeliverableFacts {
    UndeliverableFacts {
        email: "desk@vendor.example".into(),
        webhook: None,
        name: "Service desk".into(),
        refused_at: at("2026-11-01T07:00:00Z"),
        answer: "550 5.1.1 <b>no such mailbox</b>".into(),
        incident: Some("INC-1042".into()),
        vendors: vec!["Northwind Carrier".into()],
        contracts: vec!["NW-2026".into(), "NW-2027".into()],
        planned_at: at("2026-11-01T07:00:00Z"),
        link: "/vendors/1".into(),
    }
}

/// Whether letters of that kind state the facts of an incident.
fn is_of_incident(kind: LetterKind) -> bool {
    !matches!(kind, LetterKind::Report | LetterKind::Undeliverable)
}

fn on_time(facts: IncidentFacts, recipient: &Recipient) -> Rendered {
    let sent_at = facts.planned_at;
    render(
        &LetterFacts::Incident(Box::new(facts)),
        recipient,
        PUBLIC_URL,
        sent_at,
    )
    .unwrap()
}

#[test]
fn every_letter_is_written_in_both_languages_for_both_sides() {
    for kind in LetterKind::ALL {
        for locale in Locale::ALL {
            for recipient in [desk(*locale), owner(*locale)] {
                if *kind == LetterKind::Report {
                    let facts = LetterFacts::Report(Box::new(report()));
                    let letter =
                        render(&facts, &recipient, PUBLIC_URL, at("2026-11-01T07:00:30Z")).unwrap();
                    assert!(letter.text.contains("97.5 %"), "{}", letter.text);
                    continue;
                }
                if *kind == LetterKind::Undeliverable {
                    let facts = LetterFacts::Undeliverable(Box::new(undeliverable()));
                    let letter =
                        render(&facts, &recipient, PUBLIC_URL, at("2026-11-01T07:00:30Z")).unwrap();
                    for needed in [
                        "desk@vendor.example",
                        "550 5.1.1 <b>no such mailbox</b>",
                        "INC-1042",
                        "NW-2026",
                    ] {
                        assert!(letter.text.contains(needed), "{}", letter.text);
                    }
                    assert!(!letter.html.contains("<b>no such"), "{}", letter.html);
                    continue;
                }
                let letter = on_time(incident(*kind), &recipient);
                for needed in [
                    "INC-1042",
                    "NW-2026",
                    "5.1",
                    "Duty manager",
                    "https://redress.example.com/incidents/INC-1042",
                ] {
                    assert!(
                        letter.text.contains(needed),
                        "{kind} {locale}: {}",
                        letter.text
                    );
                }
                assert!(letter.subject.contains("[INC-1042]"), "{}", letter.subject);
                assert!(
                    letter.html.contains("Frankfurt is cut off"),
                    "{}",
                    letter.html
                );
            }
        }
    }
}

#[test]
fn the_head_of_the_anchor_chain_is_printed_for_vendors_and_in_reports() {
    for locale in Locale::ALL {
        for kind in LetterKind::ALL.iter().filter(|kind| is_of_incident(**kind)) {
            for (recipient, printed) in [(desk(*locale), true), (owner(*locale), false)] {
                let letter = on_time(incident(*kind), &recipient);
                for body in [&letter.text, &letter.html] {
                    assert_eq!(body.contains("3fa912bc88de0a41"), printed, "{kind} {body}");
                }
            }
            let before = IncidentFacts {
                anchor: None,
                ..incident(*kind)
            };
            let letter = on_time(before, &desk(*locale));
            assert!(!letter.text.contains("anchor") && !letter.text.contains("锚点"));
        }
        let facts = LetterFacts::Report(Box::new(report()));
        let letter = render(
            &facts,
            &owner(*locale),
            PUBLIC_URL,
            at("2026-11-01T07:00:30Z"),
        )
        .unwrap();
        for body in [&letter.text, &letter.html] {
            assert!(body.contains("3fa912bc88de0a41"), "{body}");
        }
    }
}

#[test]
fn a_rejected_repair_is_told_apart_from_a_reopening() {
    for (locale, words) in [
        (Locale::En, ["Repair rejected", "Reopened"]),
        (Locale::ZhCn, ["修复未获认可", "重新打开"]),
    ] {
        for (rejected, word) in [true, false].into_iter().zip(words) {
            let facts = IncidentFacts {
                rejected,
                remark: Some("it fails again under load".into()),
                ..incident(LetterKind::Reopened)
            };
            let letter = on_time(facts, &desk(locale));
            assert!(letter.subject.contains(word), "{}", letter.subject);
            assert!(letter.text.contains("it fails again under load"));
        }
    }
}

#[test]
fn every_letter_can_do_without_what_is_not_known() {
    for kind in LetterKind::ALL.iter().filter(|kind| is_of_incident(**kind)) {
        for locale in Locale::ALL {
            for clocks in [
                vec![],
                vec![ClockFacts {
                    due_at: None,
                    remaining: None,
                    ..clock(ClockState::Paused)
                }],
            ] {
                let facts = IncidentFacts {
                    clocks,
                    step: None,
                    breach: None,
                    corrected: None,
                    vendor_reference: None,
                    contract_title: String::new(),
                    description: String::new(),
                    owner: String::new(),
                    also_told: Vec::new(),
                    ..incident(*kind)
                };
                for recipient in [desk(*locale), owner(*locale)] {
                    let letter = on_time(facts.clone(), &recipient);
                    assert!(letter.text.contains("INC-1042"));
                    for leftover in ["none", "None", "{{", "{%", "()", "（）"] {
                        assert!(
                            !letter.text.contains(leftover) && !letter.subject.contains(leftover),
                            "{leftover} in {}\n{}",
                            letter.subject,
                            letter.text
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_warning_to_the_vendor_reads_well() {
    let letter = on_time(incident(LetterKind::Warned), &desk(Locale::En));
    insta::assert_snapshot!(
        "warned_vendor_en",
        format!("{}\n\n{}", letter.subject, letter.text)
    );
}

#[test]
fn a_breach_reads_well_in_chinese() {
    let letter = on_time(incident(LetterKind::Breached), &desk(Locale::ZhCn));
    insta::assert_snapshot!(
        "breached_vendor_zh",
        format!("{}\n\n{}", letter.subject, letter.text)
    );
}

#[test]
fn a_letter_after_downtime_says_what_was_missed_and_how_late_it_is() {
    let facts = IncidentFacts {
        missed_steps: vec![
            StepFacts {
                planned_at: at("2026-11-20T15:51:15Z"),
                trigger: Trigger::Percent { percent: 75 },
                repeat: 0,
                reminder: false,
            },
            StepFacts {
                planned_at: at("2026-11-20T16:55:00Z"),
                trigger: Trigger::AfterDue {
                    offset: HOUR,
                    measured: "elapsed".into(),
                },
                repeat: 1,
                reminder: true,
            },
        ],
        clocks: vec![ClockFacts {
            late_open: Some(65 * MINUTE),
            late_elapsed: Some(65 * MINUTE),
            provisional: true,
            ..late_clock()
        }],
        ..incident(LetterKind::Escalated)
    };
    let letter = render(
        &LetterFacts::Incident(Box::new(facts)),
        &owner(Locale::En),
        PUBLIC_URL,
        at("2026-11-20T17:00:00Z"),
    )
    .unwrap();
    insta::assert_snapshot!(
        "catch_up_owner_en",
        format!("{}\n\n{}", letter.subject, letter.text)
    );
}

#[test]
fn our_side_reads_which_steps_found_nobody_and_the_vendor_does_not() {
    let facts = IncidentFacts {
        skipped_steps: vec![Trigger::Percent { percent: 90 }, Trigger::AtDue],
        ..incident(LetterKind::Escalated)
    };
    for (recipient, said) in [
        (
            owner(Locale::En),
            Some("nobody was there to be told:\n- at 90 % of the time\n- "),
        ),
        (
            owner(Locale::ZhCn),
            Some("此前因无人可通知而跳过的升级步骤：\n- "),
        ),
        (desk(Locale::En), None),
        (desk(Locale::ZhCn), None),
    ] {
        let letter = on_time(facts.clone(), &recipient);
        match said {
            Some(said) => assert!(letter.text.contains(said), "{}", letter.text),
            None => assert!(
                !letter.text.contains("nobody was there") && !letter.html.contains("跳过"),
                "{}",
                letter.text
            ),
        }
    }
}

#[test]
fn an_update_that_never_came_is_not_called_late_or_open() {
    let clocks = vec![ClockFacts {
        metric: Metric::Update,
        interval: 3,
        run: 1,
        late_open: Some(10 * MINUTE),
        late_elapsed: Some(10 * MINUTE),
        state: ClockState::Missed,
        ..late_clock()
    }];
    for kind in [LetterKind::Escalated, LetterKind::Breached] {
        let facts = IncidentFacts {
            clocks: clocks.clone(),
            ..incident(kind)
        };
        let text = on_time(facts.clone(), &desk(Locale::En)).text;
        assert!(
            text.starts_with("Update no. 3 for INC-1042 was due "),
            "{text}"
        );
        assert!(text.contains("It did not come."), "{text}");
        assert!(
            !text.contains("still open") && !text.contains("came late"),
            "{text}"
        );
        let text = on_time(facts, &desk(Locale::ZhCn)).text;
        assert!(text.contains("第 3 次进展通报"), "{text}");
        assert!(!text.contains("至今"), "{text}");
    }
}

#[test]
fn a_correction_and_a_report_read_well() {
    let letter = on_time(incident(LetterKind::Corrected), &desk(Locale::En));
    insta::assert_snapshot!(
        "corrected_vendor_en",
        format!("{}\n\n{}", letter.subject, letter.text)
    );

    let facts = LetterFacts::Report(Box::new(report()));
    let letter = render(
        &facts,
        &owner(Locale::En),
        PUBLIC_URL,
        at("2026-11-01T07:00:30Z"),
    )
    .unwrap();
    let facts = LetterFacts::Undeliverable(Box::new(undeliverable()));
    for (name, locale) in [
        ("undeliverable_owner_en", Locale::En),
        ("undeliverable_owner_zh", Locale::ZhCn),
    ] {
        let refused = render(
            &facts,
            &owner(locale),
            PUBLIC_URL,
            at("2026-11-01T07:00:30Z"),
        )
        .unwrap();
        insta::assert_snapshot!(name, format!("{}\n\n{}", refused.subject, refused.text));
    }
    insta::assert_snapshot!(
        "report_owner_en",
        format!("{}\n\n{}", letter.subject, letter.text)
    );
    assert_eq!(
        letter.attachments[0].name,
        "response-times-2026-10-01-to-2026-10-31.csv"
    );
}

#[test]
fn the_html_reads_well() {
    let letter = on_time(incident(LetterKind::Breached), &desk(Locale::En));
    insta::assert_snapshot!("breached_vendor_en_html", letter.html);
    for remote in ["src=", "url(", "@import", "<link", "<script"] {
        assert!(!letter.html.contains(remote), "{remote}");
    }
}

#[test]
fn a_letter_a_minute_late_says_nothing_of_it_and_one_later_does() {
    let facts = LetterFacts::Incident(Box::new(incident(LetterKind::Warned)));
    let sent = |after: Micros| {
        render(
            &facts,
            &owner(Locale::En),
            PUBLIC_URL,
            at("2026-11-20T15:55:00Z") + after,
        )
        .unwrap()
        .text
    };
    assert!(!sent(MINUTE).contains("due to go out"));
    assert!(sent(MINUTE + 1).contains("goes out 1 min late"));
}

#[test]
fn a_drill_says_so_in_subject_and_first_line() {
    for (locale, word) in [(Locale::En, "DRILL"), (Locale::ZhCn, "演练")] {
        for kind in LetterKind::ALL.iter().filter(|kind| is_of_incident(**kind)) {
            let facts = IncidentFacts {
                drill: true,
                ..incident(*kind)
            };
            let letter = on_time(facts, &desk(locale));
            assert!(letter.subject.contains(word), "{}", letter.subject);
            assert!(letter.text.lines().next().unwrap().contains(word));
            assert!(letter.html.contains(word));
        }
    }
}

#[test]
fn a_vendor_sees_no_address_of_ours_but_the_owners() {
    for kind in LetterKind::ALL.iter().filter(|kind| is_of_incident(**kind)) {
        for locale in Locale::ALL {
            let mut facts = incident(*kind);
            facts
                .also_told
                .push(told("eva@example.com", "eva@example.com", Side::Ours));
            let letter = on_time(facts.clone(), &desk(*locale));
            for part in [&letter.text, &letter.html] {
                assert!(!part.contains("max@") && !part.contains("eva@"), "{part}");
                assert!(part.contains("Max Manager"));
            }
            assert!(letter.text.contains("owner@example.com"));
            let ours = on_time(facts, &owner(*locale));
            assert!(ours.text.contains("max@example.com"));
        }
    }
}

#[test]
fn what_people_typed_stays_what_it_is() {
    let title = "<img src=x onerror=alert(1)>\r\nBcc: all@example.com\u{202E}\0 {{ 7 * 7 }}";
    let facts = IncidentFacts {
        title: title.into(),
        description: format!("{title}\nFrom: the owner\n<script>alert(2)</script>"),
        vendor_reference: Some("\"><b>".into()),
        remark: Some("</p><script>".into()),
        severity_name: "<i>".into(),
        ..incident(LetterKind::Raised)
    };
    for locale in Locale::ALL {
        let letter = on_time(facts.clone(), &desk(*locale));
        assert!(
            !letter.subject.chars().any(char::is_control),
            "{}",
            letter.subject
        );
        assert!(letter.subject.contains("{{ 7 * 7 }}"));
        for tag in ["<img", "<script", "<b>", "<i>"] {
            assert!(!letter.html.contains(tag), "{tag}");
        }
        for line in letter.text.lines() {
            assert!(!line.starts_with("Bcc:") && !line.starts_with("From:"));
        }
        assert!(!letter.text.contains('\u{202E}'));
    }
}

#[test]
fn a_long_title_leaves_a_short_subject() {
    let facts = IncidentFacts {
        title: "x".repeat(5_000),
        ..incident(LetterKind::Raised)
    };
    let letter = on_time(facts, &desk(Locale::En));
    assert_eq!(letter.subject.chars().count(), SUBJECT);
    assert!(letter.subject.contains("first response due"));
}

#[test]
fn moments_are_shown_as_the_reader_knows_them() {
    let berlin: Zone = "Europe/Berlin".parse().unwrap();
    let shanghai: Zone = "Asia/Shanghai".parse().unwrap();
    let say = wording::moment;
    assert_eq!(
        say(at("2026-11-20T15:52:00Z"), berlin, Locale::En),
        "Fri 20 Nov 2026, 16:52 CET (Europe/Berlin)"
    );
    assert_eq!(
        say(at("2026-11-20T15:52:00Z"), berlin, Locale::ZhCn),
        "2026年11月20日 周五 16:52 (Europe/Berlin)"
    );
    assert_eq!(
        say(at("2026-11-20T15:52:03.9Z"), shanghai, Locale::ZhCn),
        "2026年11月20日 周五 23:52:03 (Asia/Shanghai)"
    );
    // The hour that autumn repeats is told apart in either language.
    assert_eq!(
        say(at("2026-10-25T00:30:00Z"), berlin, Locale::ZhCn),
        "2026年10月25日 周日 02:30 CEST (Europe/Berlin)"
    );
    assert_eq!(
        say(
            at("2026-10-25T00:30:00Z"),
            "America/Sao_Paulo".parse().unwrap(),
            Locale::En
        ),
        "Sat 24 Oct 2026, 21:30 UTC-03 (America/Sao_Paulo)"
    );
}

#[test]
fn lengths_are_never_rounded_up() {
    let cases = [
        (0, "0 s", "0 秒"),
        (999, "less than 1 ms", "不足 1 毫秒"),
        (SECOND / 2, "500 ms", "500 毫秒"),
        (225 * SECOND, "3 min 45 s", "3 分 45 秒"),
        (15 * MINUTE, "15 min", "15 分钟"),
        (
            2 * HOUR + 15 * MINUTE + 59 * SECOND,
            "2 h 15 min",
            "2 小时 15 分",
        ),
        (4 * HOUR, "4 h", "4 小时"),
        (-90 * SECOND, "-1 min 30 s", "-1 分 30 秒"),
    ];
    for (length, english, chinese) in cases {
        assert_eq!(wording::duration(length, Locale::En), english);
        assert_eq!(wording::duration(length, Locale::ZhCn), chinese);
    }
    assert_eq!(
        wording::budget(HOUR + 30 * SECOND, Locale::En),
        "1 h 30 s",
        "a promise keeps its seconds"
    );
}

#[test]
fn a_share_is_whole_only_when_it_is() {
    assert_eq!(wording::percent(1.0), "100.0 %");
    assert_eq!(wording::percent(0.99999), "99.9 %");
    assert_eq!(wording::percent(0.00001), "0.1 %");
    assert_eq!(wording::percent(0.0), "0.0 %");
    assert_eq!(wording::percent(-0.25), "-25.0 %");
}

#[test]
fn promises_and_steps_are_said_in_words() {
    let business = |days, at: &str| Promised::BusinessDays {
        days,
        at: at.into(),
    };
    assert_eq!(
        wording::promise(&business(2, "16:00"), Locale::En),
        "by 16:00 on the 2nd business day after"
    );
    assert_eq!(
        wording::promise(&business(1, "close"), Locale::En),
        "by close of business on the next business day"
    );
    assert_eq!(
        wording::promise(&business(0, "same_time"), Locale::ZhCn),
        "当个工作日同一时刻前"
    );
    let before = Trigger::BeforeDue {
        offset: 30 * MINUTE,
        measured: "open".into(),
    };
    assert_eq!(
        wording::trigger(&before, Locale::En),
        "30 min of open time before the deadline"
    );
    assert_eq!(
        wording::trigger(&before, Locale::ZhCn),
        "到期前服务时间 30 分钟"
    );
}
