//! The page on which administrators see how letters read.

use std::fs;

use redress::domain::letter::LetterKind;
use redress::domain::person::Role;
use redress::mail::samples::{readers, samples};
use redress::mail::templates::Templates;

use crate::service::{on_both, with_templates};

#[test]
fn every_sample_is_shown_in_every_language() {
    on_both(|service| {
        service.person("ada", Role::Administrator);
        let ada = service.browser("ada");
        for kind in LetterKind::ALL {
            for locale in redress::domain::locale::Locale::ALL {
                for sample in samples(*kind, *locale) {
                    let side = readers(*kind, *locale)[0].side;
                    let query = format!(
                        "letter={kind}&language={locale}&recipient={side}&sample={}",
                        sample.name
                    );
                    let page = ada.get(&format!("/letter-templates?{query}"));
                    assert_eq!(page.status, 200, "{query}");
                    let option = format!("<option value=\"{}\" selected>", sample.name);
                    assert!(page.text.contains(&option), "{query}: {}", page.text);
                    assert!(page.text.contains("None of this letter is yours."));
                }
            }
        }
        let raised = ada.get("/letter-templates");
        for needed in [
            "[INC-1042] S1, first response due Fri 20 Nov, 15:55 GMT: Frankfurt is cut off",
            "src=\"/letter-templates/html?letter=raised&#38;language=en&#38;recipient=vendor&#38;sample=usual\" sandbox",
            "Letters are written by the templates compiled in.",
            "<code>clock.due_at</code>",
            "<code>moment_short</code>",
        ] {
            assert!(raised.text.contains(needed), "{needed}: {}", raised.text);
        }
        let html = ada.get("/letter-templates/html?letter=breached&language=zh-CN");
        let policy = html.header("content-security-policy");
        assert!(
            policy.contains("sandbox") && policy.contains("default-src 'none'"),
            "{policy}"
        );
        assert!(html.text.contains("lang=\"zh-CN\""), "{}", html.text);
        // What is not there is the first there is.
        let odd = ada.get("/letter-templates?letter=x&language=de&recipient=x&sample=%3Cscript%3E");
        assert_eq!(odd.status, 200);
        assert!(!odd.text.contains("<script>alert"), "{}", odd.text);

        service.person("max", Role::Manager);
        let max = service.browser("max");
        for path in ["/letter-templates", "/letter-templates/html"] {
            assert_eq!(max.get(path).status, 403);
        }
    });
}

#[test]
fn ones_own_files_are_named_and_used() {
    let folder = tempfile::tempdir().unwrap();
    let raised = folder.path().join("raised/en");
    fs::create_dir_all(&raised).unwrap();
    fs::write(raised.join("subject.txt"), "Acme: {{ title }}").unwrap();
    let templates = Templates::read(folder.path()).unwrap();
    with_templates(templates, |service| {
        service.person("ada", Role::Administrator);
        let ada = service.browser("ada");
        let page = ada.get("/letter-templates?letter=raised").text;
        for needed in [
            "<code>raised/en/subject.txt</code>",
            "Acme: Frankfurt is cut off",
            &format!("<code>{}</code>", folder.path().display()),
        ] {
            assert!(page.contains(needed), "{needed}: {page}");
        }
        let page = ada
            .get("/letter-templates?letter=raised&language=zh-CN")
            .text;
        assert!(page.contains("None of this letter is yours."), "{page}");
    });
}
