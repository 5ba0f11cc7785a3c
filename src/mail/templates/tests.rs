use std::fs;

use super::*;
use crate::mail::samples::{PUBLIC_URL, readers, samples};

/// A folder with those files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, source) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, source).unwrap();
    }
    folder
}

/// What is said of a folder with those files, without the folder's own path.
fn said(files: &[(&str, &str)]) -> Vec<String> {
    let folder = folder(files);
    let faults = Templates::read(folder.path()).err().unwrap_or_default();
    let path = format!("{}/", folder.path().display());
    let said = faults.into_iter().map(|fault| {
        let place = fault.field.replace(&path, "");
        format!("{place}: {}", fault.message)
    });
    said.collect()
}

/// The usual letter of that kind to one of us, by those templates.
fn usual(templates: &Templates, kind: LetterKind, locale: Locale) -> Rendered {
    let sample = samples(kind, locale).remove(0);
    let recipient = readers(kind, locale).pop().unwrap();
    let sent_at = sample.sent_at;
    templates
        .render(&sample.facts, &recipient, PUBLIC_URL, sent_at)
        .unwrap()
}

#[test]
fn a_file_replaces_the_one_compiled_in_and_no_other() {
    let folder = folder(&[
        (
            "raised/en/subject.txt",
            "Acme {{ incident }}: {{ title|line }}",
        ),
        ("_parts/zh-CN/links.txt", "{# our own #}\n"),
        ("_parts/en/footer.txt", "Acme, {{ to.name }}\n"),
        (
            "resolved/en/body.txt",
            "Done: {{ incident }}\n{% include '_parts/en/footer.txt' %}",
        ),
        (".git/HEAD", "ref: main"),
        ("raised/.DS_Store", "\0"),
    ]);
    let own = Templates::read(folder.path()).unwrap();
    let (ours, theirs) = (
        usual(&own, LetterKind::Raised, Locale::En),
        usual(&Templates::default(), LetterKind::Raised, Locale::En),
    );
    assert_eq!(ours.subject, "Acme INC-1042: Frankfurt is cut off");
    assert_eq!(ours.text, theirs.text);
    assert_eq!(ours.instead_of, None);
    let done = usual(&own, LetterKind::Resolved, Locale::En);
    assert_eq!(done.text, "Done: INC-1042\nAcme, Olga Owner\n");
    let warned = usual(&own, LetterKind::Warned, Locale::ZhCn);
    assert!(!warned.text.contains(">>") && warned.html.contains("masked"));
    assert_eq!(
        own.own_files(LetterKind::Raised, Locale::En),
        ["_parts/en/footer.txt", "raised/en/subject.txt"]
    );
    assert_eq!(
        own.own_files(LetterKind::Raised, Locale::ZhCn),
        ["_parts/zh-CN/links.txt"]
    );
    assert_eq!(own.folder(), Some(folder.path()));
}

#[test]
fn what_is_misspelt_or_out_of_place_is_refused() {
    let faults = said(&[
        ("rased/en/subject.txt", "x"),
        ("raised/de/subject.txt", "x"),
        ("raised/en/body.md", "x"),
        ("raised/subject.txt", "x"),
        ("raised/en/old/body.txt", "x"),
        ("_parts/en/logo.png", "x"),
        ("_parts/en/incidnet.txt", "x"),
        ("README.md", "x"),
    ]);
    for needed in [
        "rased: no letter is called rased; the letters are raised, warned",
        "raised/de: letters are not written in de; the languages are en, zh-CN",
        "raised/en/body.md: a letter has the files subject.txt, body.txt, body.html",
        "raised/subject.txt: belongs into the folder of a letter and a language",
        "raised/en/old: a folder of a language holds files only",
        "_parts/en/logo.png: a part is named ….txt or ….html",
        "_parts/en/incidnet.txt: no template uses this part",
        "README.md: belongs into the folder",
    ] {
        assert!(
            faults.iter().any(|fault| fault.starts_with(needed)),
            "{needed}\n{faults:#?}"
        );
    }
    assert_eq!(faults.len(), 8, "{faults:#?}");
    let nowhere = Templates::read(Path::new("/nowhere/at/all")).unwrap_err();
    assert!(nowhere[0].message.contains("cannot be read"), "{nowhere:?}");
    let folder = folder(&[]);
    fs::create_dir_all(folder.path().join("raised/en")).unwrap();
    fs::write(folder.path().join("raised/en/body.txt"), b"one\ntw\xFFo").unwrap();
    let faults = Templates::read(folder.path()).unwrap_err();
    assert_eq!(faults[0].message, "line 2 is not UTF-8");
}

#[test]
fn faults_name_file_and_line() {
    for (source, needed) in [
        ("a\n{% if drill %}b", "warned/en/body.txt:2: syntax error"),
        (
            "a\n\n{{ incidnet }}",
            "warned/en/body.txt:3: there is no variable incidnet here",
        ),
        (
            "{% if drill %}\n{{ clock.due }}{% endif %}",
            "warned/en/body.txt:2: there is no variable clock.due here",
        ),
        (
            "{% for c in clocks %}\n{{ c.late }}{% endfor %}",
            "warned/en/body.txt:2: undefined value: `c.late` is undefined (in the sample \"usual\" of warned, en, for vendor)",
        ),
        (
            "{{ title|shout }}",
            "warned/en/body.txt:1: unknown filter: filter shout is unknown",
        ),
        (
            "{% include '_parts/en/nothing.txt' %}",
            "warned/en/body.txt:1: template not found",
        ),
        ("{# nothing #}", "warned/en/body.txt: writes nothing"),
    ] {
        let faults = said(&[("warned/en/body.txt", source)]);
        assert!(faults[0].starts_with(needed), "{needed}\n{faults:#?}");
    }
    // What is wrong in a part is said of the part.
    let faults = said(&[(
        "_parts/en/clocks.txt",
        "x\n{% for c in clocks %}{{ c.none_such }}{% endfor %}",
    )]);
    assert!(
        faults[0]
            .starts_with("_parts/en/clocks.txt:2: undefined value: `c.none_such` is undefined"),
        "{faults:#?}"
    );
}

#[test]
fn what_is_typed_is_never_html() {
    for source in [
        "{{ title|safe }}",
        "{% autoescape false %}{{ title }}{% endautoescape %}",
    ] {
        let faults = said(&[("raised/en/body.html", source)]);
        assert!(!faults.is_empty(), "{source}");
    }
    let own = Templates::read(folder(&[("raised/en/body.html", "<p>{{ title }}</p>")]).path());
    let own = own.unwrap();
    let mut sample = samples(LetterKind::Raised, Locale::En).remove(0);
    let LetterFacts::Incident(facts) = &mut sample.facts else {
        panic!("a letter about an incident");
    };
    facts.title = "<script>alert(1)</script>".into();
    let recipient = &readers(LetterKind::Raised, Locale::En)[0];
    let written = own
        .render(&sample.facts, recipient, PUBLIC_URL, sample.sent_at)
        .unwrap();
    assert_eq!(written.instead_of, None);
    assert!(!written.html.contains("<script"), "{}", written.html);
}

#[test]
fn a_subject_is_one_line_whatever_its_template_writes() {
    let source = "a\r\nBcc: all@example.com\n\n{{ title }}\u{2028}b";
    let own = Templates::read(folder(&[("raised/en/subject.txt", source)]).path()).unwrap();
    let written = usual(&own, LetterKind::Raised, Locale::En);
    assert_eq!(
        written.subject,
        "a Bcc: all@example.com Frankfurt is cut off b"
    );
}

#[test]
fn a_template_that_loops_or_explodes_is_refused() {
    for (source, needed) in [
        (
            "{% for i in range(10**9) %}x{% endfor %}",
            "too many elements",
        ),
        (
            "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
            "more work than any letter needs",
        ),
        (
            "{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}",
            "recursion limit",
        ),
        ("{% include 'raised/en/body.txt' %}", "recursion limit"),
        (
            "{% extends 'raised/en/body.txt' %}",
            "cycle in template inheritance",
        ),
        ("{{ 'x' * 1000000000 }}", "more work than any letter needs"),
        ("{{ title * 30000000 }}", "more work than any letter needs"),
        (
            "{% for i in range(90) %}{{ 'x' * 20000 }}{% endfor %}",
            "writes more than 1024 KiB",
        ),
        (
            "{% set ns = namespace(s='xx') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
            "more work than any letter needs",
        ),
    ] {
        let faults = said(&[("raised/en/body.txt", source)]);
        assert_eq!(faults.len(), 1, "{source}: {faults:#?}");
        assert!(faults[0].contains(needed), "{source}: {faults:#?}");
        assert!(faults[0].starts_with("raised/en/body.txt"), "{faults:#?}");
    }
    // Deep nesting is a matter of the parser.
    let deep = "{% if drill %}".repeat(500);
    let faults = said(&[("raised/en/body.txt", &deep)]);
    assert!(faults[0].contains("syntax error"), "{faults:#?}");
}

#[test]
fn a_letter_is_written_all_the_same_where_ones_own_template_fails_over_it() {
    // No sample has such a title.
    let folder = folder(&[(
        "raised/en/body.txt",
        "{% if title == 'loop' %}{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}{% elif title == 'none' %}{{ clocks[7].clause }}{% else %}ours{% endif %}",
    )]);
    let own = Templates::read(folder.path()).unwrap();
    let mut sample = samples(LetterKind::Raised, Locale::En).remove(0);
    let recipient = &readers(LetterKind::Raised, Locale::En)[0];
    let mut titled = |title: &str| {
        if let LetterFacts::Incident(facts) = &mut sample.facts {
            facts.title = title.into();
        }
        own.render(&sample.facts, recipient, PUBLIC_URL, sample.sent_at)
            .unwrap()
    };
    assert_eq!(titled("calm").text, "ours\n");
    let fell_back = titled("none");
    let wrong = fell_back.instead_of.unwrap();
    assert_eq!(wrong.place(), "raised/en/body.txt:1");
    assert!(fell_back.text.contains("INC-1042") && fell_back.text != "ours\n");
    // A fault of facts is forgiven each time, one of work only some times.
    for _ in 0..10 {
        assert!(titled("none").instead_of.is_some());
    }
    assert_eq!(titled("calm").text, "ours\n");
    for _ in 0..PATIENCE {
        assert!(titled("loop").instead_of.unwrap().is_excess);
    }
    let given_up = titled("calm");
    assert!(given_up.text.contains("INC-1042"), "{}", given_up.text);
    let reason = given_up.instead_of.unwrap().reason;
    assert!(reason.contains("until the next start"), "{reason}");

    let metrics = Metrics::default();
    own.show(&metrics);
    own.count_failed();
    assert!(
        metrics
            .text()
            .contains("redress_letter_templates_failed 1\n")
    );
}

#[test]
fn every_template_compiled_in_stands_in_the_folder_and_the_other_way_round() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/mail");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&root).unwrap();
                found.push(name.to_str().unwrap().to_string());
            }
        }
    }
    found.sort();
    let mut known: Vec<&str> = built_in().iter().map(|(name, _)| *name).collect();
    known.sort_unstable();
    assert_eq!(found, known);
    // As an organisation's own they pass every check, within the bounds of one.
    let templates = Templates::read(&root).unwrap();
    for kind in LetterKind::ALL {
        for locale in Locale::ALL {
            let ours = usual(&templates, *kind, *locale);
            assert_eq!(ours, usual(&Templates::default(), *kind, *locale));
        }
    }
}

#[test]
fn a_template_has_room_for_five_times_the_longest_sample() {
    let mut environment = environment::empty(OWN_FUEL / 5).unwrap();
    for (name, source) in built_in() {
        environment::add(&mut environment, name, source).unwrap();
    }
    for kind in LetterKind::ALL {
        for locale in Locale::ALL {
            for sample in samples(*kind, *locale) {
                for recipient in readers(*kind, *locale) {
                    let order = Order {
                        facts: &sample.facts,
                        recipient: &recipient,
                        public_url: PUBLIC_URL,
                        sent_at: sample.sent_at,
                        sign: &links::masked,
                    };
                    let bounds = Bounds {
                        longest: OWN_BOUNDS.longest / 5,
                    };
                    write(&environment, &order, bounds).unwrap();
                }
            }
        }
    }
}
