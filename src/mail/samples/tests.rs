use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::mail::letters::environment::built_in;
use crate::mail::letters::{Order, Rendered, context_of};
use crate::mail::links;
use crate::mail::templates::variables::{self, EVERY, FILTERS};
use crate::mail::templates::{self, Templates};

/// Every sample for everybody who gets such letters, as it is written.
fn each(mut look: impl FnMut(LetterKind, &Recipient, &Sample, Rendered)) {
    for kind in LetterKind::ALL {
        for locale in Locale::ALL {
            for sample in samples(*kind, *locale) {
                for recipient in readers(*kind, *locale) {
                    let written = Templates::default()
                        .render(&sample.facts, &recipient, PUBLIC_URL, sample.sent_at)
                        .unwrap();
                    look(*kind, &recipient, &sample, written);
                }
            }
        }
    }
}

fn at_of(kind: LetterKind, recipient: &Recipient, sample: &Sample) -> String {
    format!(
        "{kind}, {}, {}, {}",
        recipient.locale, recipient.side, sample.name
    )
}

#[test]
fn every_sample_is_a_letter_of_its_own_name_and_kind() {
    for kind in LetterKind::ALL {
        for locale in Locale::ALL {
            let samples = samples(*kind, *locale);
            let names: BTreeSet<&str> = samples.iter().map(|sample| sample.name).collect();
            assert_eq!(names.len(), samples.len(), "{kind}");
            assert!(samples.iter().all(|sample| sample.facts.kind() == *kind));
            assert_eq!(samples[0].name, "usual");
        }
    }
}

#[test]
fn every_letter_has_a_text_without_gaps_and_left_overs() {
    each(|kind, recipient, sample, written| {
        let place = at_of(kind, recipient, sample);
        assert!(!written.subject.is_empty(), "{place}");
        assert!(
            written.text.lines().count() > 3,
            "{place}\n{}",
            written.text
        );
        assert!(
            !written.text.contains("\n\n\n"),
            "{place}\n{}",
            written.text
        );
        for leftover in [
            ": none",
            "None",
            "{{",
            "{%",
            "}}",
            "()",
            "（）",
            " ,",
            "undefined",
        ] {
            assert!(
                !written.text.contains(leftover) && !written.subject.contains(leftover),
                "{leftover:?} in {place}\n{}\n{}",
                written.subject,
                written.text
            );
        }
        for line in written.text.lines() {
            assert_eq!(line, line.trim_end(), "{place}");
        }
        // What the text says the HTML says, too.
        for needed in ["INC-1042", "NW-2026", "B-17", "NW-99812"] {
            assert_eq!(
                written.text.contains(needed),
                written.html.contains(needed),
                "{needed} in {place}"
            );
        }
    });
}

#[test]
fn moments_are_those_of_the_recipients_zone_and_language() {
    each(|kind, recipient, sample, written| {
        let place = at_of(kind, recipient, sample);
        let (own, foreign) = match recipient.locale {
            Locale::En => ("(Europe/London)", "(Asia/Shanghai)"),
            Locale::ZhCn => ("(Asia/Shanghai)", "(Europe/London)"),
        };
        if sample.name != "empty" {
            assert!(written.text.contains(own), "{place}\n{}", written.text);
        }
        assert!(!written.text.contains(foreign), "{place}\n{}", written.text);
        let months = ["Nov 2026", "Oct 2026"];
        let says_month = months.iter().any(|month| written.text.contains(month));
        assert_eq!(says_month, recipient.locale == Locale::En, "{place}");
        assert_eq!(
            written.text.contains("2026年"),
            recipient.locale == Locale::ZhCn,
            "{place}"
        );
    });
}

#[test]
fn no_english_word_is_left_in_a_chinese_letter() {
    // Names, references, what a mail server said, and what has no Chinese name.
    const KNOWN: &[&str] = &[
        "INC-1042",
        "NW-2026",
        "NW-2027",
        "NW-99812",
        "B-17",
        "B-18",
        "S1",
        "FRA-2",
        "Redress",
        "Webhook",
        "CSV",
        "chat",
        "GMT",
        "UTC",
        "CET",
        "CEST",
        "Asia/Shanghai",
        "Europe/Berlin",
        "550",
        "5.1.1",
        "no",
        "such",
        "mailbox",
        "410",
        "Gone",
        "3fa912bc88de0a41",
    ];
    each(|kind, recipient, sample, written| {
        if recipient.locale != Locale::ZhCn {
            return;
        }
        let place = at_of(kind, recipient, sample);
        for text in [&written.subject, &written.text] {
            let words = text.split(|letter: char| {
                !letter.is_ascii() || letter.is_ascii_whitespace() || "()[]<>,;".contains(letter)
            });
            for word in words {
                let is_address = word.contains('@') || word.contains("//") || word.contains("/");
                let is_word = word.chars().any(|letter| letter.is_ascii_alphabetic());
                assert!(
                    !is_word || is_address || KNOWN.contains(&word),
                    "{word:?} in {place}\n{text}"
                );
            }
        }
    });
}

#[test]
fn the_templates_of_both_languages_ask_for_the_same() {
    let environment = built_in().unwrap();
    let asked = |name: &str| {
        let template = environment.get_template(name).unwrap();
        let mut asked: Vec<String> = template.undeclared_variables(true).into_iter().collect();
        asked.sort();
        asked
    };
    for (name, _) in templates::built_in() {
        if name.contains("/en/") {
            let chinese = name.replace("/en/", "/zh-CN/");
            assert_eq!(asked(name), asked(&chinese), "{name}");
        }
    }
}

/// The names of what a letter's templates can ask for, as the list of variables writes them.
fn names_of(value: &Value, name: &str, names: &mut BTreeSet<String>) {
    // What the list explains by another, or what only filters look into.
    const LIKE_OTHERS: [&str; 7] = [
        "clocks[]",
        "missed_steps[]",
        "skipped_steps[]",
        "explanation.rows[]",
        "clock.promise.",
        "step.trigger.",
        "also_told",
    ];
    if LIKE_OTHERS.iter().any(|like| name.starts_with(like)) {
        return;
    }
    match value {
        Value::Object(fields) => {
            if !name.is_empty() {
                names.insert(name.to_string());
            }
            for (field, value) in fields {
                let below = match name {
                    "" => field.clone(),
                    name => format!("{name}.{field}"),
                };
                names_of(value, &below, names);
            }
        }
        Value::Array(items) => {
            names.insert(name.to_string());
            for item in items {
                if item.is_object() {
                    names_of(item, &format!("{name}[]"), names);
                }
            }
        }
        _ => {
            names.insert(name.to_string());
        }
    }
}

#[test]
fn the_list_of_variables_is_what_letters_know() {
    for kind in LetterKind::ALL {
        let mut known = BTreeSet::new();
        for locale in Locale::ALL {
            for sample in samples(*kind, *locale) {
                for recipient in readers(*kind, *locale) {
                    let context = context_of(&Order {
                        facts: &sample.facts,
                        recipient: &recipient,
                        public_url: PUBLIC_URL,
                        sent_at: sample.sent_at,
                        sign: &links::masked,
                    });
                    let value = serde_json::to_value(&context).unwrap();
                    names_of(&value, "", &mut known);
                }
            }
        }
        let containers = ["to", "links", "links.answers[]", "rows[]", "breaches[]"];
        known.retain(|name| !containers.contains(&name.as_str()));
        let listed: BTreeSet<String> = EVERY
            .iter()
            .chain(variables::of(*kind))
            .map(|(name, _)| name.to_string())
            .collect();
        // Some facts are of some letters only.
        let missing: Vec<&String> = known.difference(&listed).collect();
        assert!(missing.is_empty(), "{kind}: {missing:?} are not listed");
        let partly = [
            "corrected.",
            "answer.",
            "explanation.",
            "step.",
            "links.answers[]",
        ];
        let stale: Vec<&String> = listed
            .difference(&known)
            .filter(|name| !partly.iter().any(|part| name.starts_with(part)))
            .collect();
        assert!(stale.is_empty(), "{kind}: {stale:?} are not known");
    }
    // Each of these is known in some letter.
    let of_all: BTreeSet<&str> = variables::INCIDENT.iter().map(|(name, _)| *name).collect();
    assert_eq!(of_all.len(), variables::INCIDENT.len());
}

#[test]
fn the_list_of_filters_is_what_there_is() {
    let source = include_str!("../letters/environment.rs");
    let mut there: Vec<&str> = source
        .split(".add_filter(")
        .skip(1)
        .filter_map(|rest| rest.split('"').nth(1))
        .collect();
    let mut listed: Vec<&str> = FILTERS.iter().map(|(name, _)| *name).collect();
    there.sort_unstable();
    listed.sort_unstable();
    assert_eq!(there, listed);
}

#[test]
fn the_guide_lists_every_variable_and_filter() {
    let guide = include_str!("../../../docs/letters.md");
    let listed: Vec<String> = [
        EVERY,
        variables::INCIDENT,
        variables::REPORT,
        variables::UNDELIVERABLE,
        FILTERS,
    ]
    .concat()
    .iter()
    .map(|(name, meaning)| format!("| `{name}` | {meaning} |"))
    .collect();
    let rows: Vec<&str> = guide
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    assert_eq!(rows, listed);
    for kind in LetterKind::ALL {
        assert!(guide.contains(&format!("`{kind}`")), "{kind}");
    }
}
