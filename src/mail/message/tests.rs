use mail_parser::{MessageParser, MimeHeaders};

use super::*;
use crate::domain::letter::Side;
use crate::domain::locale::Locale;
use crate::domain::outbox;
use crate::domain::zone::Zone;
use crate::mail::letters::Attachment;

fn recipient(name: &str, email: &str) -> Recipient {
    Recipient {
        name: name.into(),
        email: email.into(),
        locale: Locale::En,
        time_zone: Zone::UTC,
        side: Side::Vendor,
    }
}

fn rendered(subject: &str) -> Rendered {
    Rendered {
        subject: subject.into(),
        text: "首次响应 is due.\n.\nA line with a dot alone.\n".into(),
        html: "<p>首次响应</p>".into(),
        attachments: Vec::new(),
        instead_of: None,
    }
}

fn thread() -> String {
    full_id(
        &outbox::thread_id("INC-1042", "desk@vendor.example"),
        "example.com",
    )
}

fn envelope() -> Envelope {
    Envelope {
        from: "Redress <redress@example.com>".parse().unwrap(),
        reply_to: None,
        message_id: full_id(&outbox::message_id(None, "breached/7/1"), "example.com"),
        thread: Some(thread()),
    }
}

fn date() -> Moment {
    "2026-11-20T16:55:30.25+01:00".parse().unwrap()
}

#[test]
fn a_message_can_be_read_back_and_belongs_to_its_thread() {
    let rendered = rendered("[INC-1042] 首次响应 due");
    let bytes = message(
        &rendered,
        &recipient("Dienst, \"Büro\"", "desk@vendor.example"),
        &envelope(),
        date(),
    )
    .unwrap();
    assert!(bytes.is_ascii(), "any mail server can take it");

    let read = MessageParser::default().parse(&bytes).unwrap();
    assert_eq!(read.subject(), Some("[INC-1042] 首次响应 due"));
    assert_eq!(
        read.body_text(0).unwrap().replace("\r\n", "\n"),
        rendered.text
    );
    assert!(read.body_html(0).unwrap().contains("<p>首次响应</p>"));
    let to = read.to().unwrap().first().unwrap();
    assert_eq!(to.name(), Some("Dienst, \"Büro\""));
    assert_eq!(to.address(), Some("desk@vendor.example"));
    assert_eq!(
        read.date().unwrap().to_rfc3339(),
        "2026-11-20T15:55:30Z",
        "the moment it was given, not the machine's"
    );
    let thread = thread();
    let bare = thread.trim_matches(['<', '>']);
    assert_eq!(read.in_reply_to().as_text(), Some(bare));
    assert_eq!(read.references().as_text(), Some(bare));
    assert_eq!(
        read.message_id().map(|id| format!("<{id}>")),
        Some(envelope().message_id)
    );
    assert_eq!(
        read.header("Auto-Submitted").and_then(|it| it.as_text()),
        Some("auto-generated")
    );
}

#[test]
fn an_attachment_goes_with_its_name_and_type() {
    let rendered = Rendered {
        attachments: vec![Attachment {
            name: "figures.csv".into(),
            media_type: "text/csv; charset=utf-8".into(),
            bytes: "a,b\r\n合同,1\r\n".into(),
        }],
        ..rendered("figures")
    };
    let bytes = message(
        &rendered,
        &recipient("", "desk@vendor.example"),
        &envelope(),
        date(),
    )
    .unwrap();
    let read = MessageParser::default().parse(&bytes).unwrap();
    let file = read.attachment(0).unwrap();
    assert_eq!(file.attachment_name(), Some("figures.csv"));
    assert_eq!(file.contents(), "a,b\r\n合同,1\r\n".as_bytes());
    assert!(read.body_html(0).is_some());
}

#[test]
fn no_header_can_be_smuggled_in() {
    let rendered = rendered("due\r\nBcc: all@example.com\r\n\r\nbody");
    let bytes = message(
        &rendered,
        &recipient("Desk\r\nBcc: all@example.com", "desk@vendor.example"),
        &envelope(),
        date(),
    )
    .unwrap();
    let read = MessageParser::default().parse(&bytes).unwrap();
    assert!(read.bcc().is_none());
    assert_eq!(read.body_text(0).unwrap().lines().count(), 3);

    let error = message(
        &rendered,
        &recipient("Desk", "desk@vendor.example\r\nBcc: all@example.com"),
        &envelope(),
        date(),
    )
    .unwrap_err();
    assert!(matches!(error, MessageError::Address { .. }), "{error}");
}
