use std::io::{Read, repeat};

use super::*;
use crate::domain::received::MOST_BYTES;

fn raw(head: &str, body: &str) -> Vec<u8> {
    format!("{}\n\n{body}", head.trim())
        .replace('\n', "\r\n")
        .into_bytes()
}

fn reading(head: &str, body: &str) -> Incoming {
    read(&raw(head, body)).unwrap()
}

const HEAD: &str = "From: Mei Lin <Desk@Vendor.example>\nTo: redress+1-ab@example.com\nSubject: Re: [INC-1001] Frankfurt";

#[test]
fn a_reply_says_who_wrote_it_what_it_answers_and_what_it_says() {
    let head = "From x@y.example Mon Mar  2 10:05:00 2026\nDelivered-To: redress+7-aa@example.com\n\
        Authentication-Results: mx.example.com;\n dmarc=pass header.from=vendor.example\n\
        Authentication-Results: forged.example; dmarc=pass\n\
        From: =?utf-8?B?5p2O5qKF?= <Desk@Vendor.example>\nTo: \"Redress\" <redress+1-ab@example.com>, b@c.example\n\
        Cc: d@e.example\nSubject: =?utf-8?Q?Re:_=5BINC-1001=5D?=\n =?utf-8?Q?_=E4=B8=AD=E6=96=87?=\n\
        Message-ID: <abc@vendor.example>\nIn-Reply-To: <letter.02@redress.example>\n\
        References: <incident.9@redress.example> <letter.01@redress.example> <letter.02@redress.example>\n\
        Date: Mon, 2 Mar 2026 17:05:00 +0800";
    let read = reading(head, "We are on it.\n\nMei\n-- \nNorthwind\n");
    assert_eq!(read.from.len(), 1);
    assert_eq!(
        (read.from[0].name.as_str(), read.from[0].email.as_str()),
        ("李梅", "Desk@Vendor.example")
    );
    assert_eq!(
        read.to,
        [
            "redress+1-ab@example.com",
            "b@c.example",
            "d@e.example",
            "redress+7-aa@example.com"
        ]
    );
    assert_eq!(read.subject, "Re: [INC-1001] 中文");
    assert_eq!(read.message_id.as_deref(), Some("abc@vendor.example"));
    assert_eq!(read.letters(), ["letter.02", "letter.02", "letter.01"]);
    assert_eq!(
        read.dated_at,
        Some(Moment::parse("2026-03-02T09:05:00Z").unwrap())
    );
    assert_eq!(read.text, "We are on it.\n\nMei");
    assert_eq!(read.results.len(), 2);
    assert!(
        read.results[0].contains("dmarc=pass header.from"),
        "{:?}",
        read.results
    );
    assert_eq!(read.automatic, None);
}

#[test]
fn two_senders_are_not_taken_for_one() {
    for head in [
        "From: a@vendor.example\nFrom: b@evil.example",
        "From: a@vendor.example, b@evil.example",
    ] {
        assert_eq!(reading(head, "x").from.len(), 2, "{head}");
        assert_eq!(reading(head, "x").sender(), None);
    }
    assert_eq!(reading("Subject: x", "x").from, []);
}

#[test]
fn a_text_is_decoded_from_whatever_it_comes_in() {
    for (head, body) in [
        (
            "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64",
            "5bey57uP5Zyo5aSE55CG\n",
        ),
        (
            "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable",
            "=E5=B7=B2=E7=BB=8F=E5=9C=A8=\n=E5=A4=84=E7=90=86\n",
        ),
        (
            "Content-Type: text/html; charset=utf-8",
            "<html><head><style>p{}</style></head><div>已经在处理</div><blockquote>old</blockquote></html>",
        ),
        (
            "Content-Type: multipart/alternative; boundary=\"b\"",
            "--b\nContent-Type: text/plain; charset=utf-8\n\n已经在处理\n--b\nContent-Type: text/html\n\n<p>other</p>\n--b--\n",
        ),
        (
            "Content-Type: multipart/mixed; boundary=b",
            "preamble\n--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\nContent-Type: text/html; charset=utf-8\n\n<p>已经在处理</p>\n--c--\n--b--\n",
        ),
    ] {
        let head = format!("{HEAD}\n{head}");
        assert_eq!(reading(&head, body).text, "已经在处理", "{head}");
    }
    // GB18030, as Chinese mail programs still send it.
    let mut bytes = raw(
        &format!("{HEAD}\nContent-Type: text/plain; charset=gb18030"),
        "",
    );
    bytes.extend_from_slice(&[0xd2, 0xd1, 0xb4, 0xa6, 0xc0, 0xed]);
    assert_eq!(read(&bytes).unwrap().text, "已处理");
}

#[test]
fn attachments_are_named_and_not_opened() {
    let head = format!("{HEAD}\nContent-Type: multipart/mixed; boundary=b");
    let body = "--b\nContent-Type: text/plain\n\nSee the log.\n\
        --b\nContent-Type: text/plain; name=\"../router.log\"\nContent-Disposition: attachment; filename=\"../router.log\"\n\nsecret\n\
        --b\nContent-Type: message/rfc822\n\nFrom: x@y.example\nSubject: inner\n\ninner text\n\
        --b\nContent-Type: image/png\n\nxx\n--b--\n";
    let read = reading(&head, body);
    assert_eq!(read.text, "See the log.");
    assert_eq!(
        read.files,
        ["router.log", "rfc822", "png"].map(|name| match name {
            "rfc822" => "message.rfc822".to_string(),
            "png" => "image.png".to_string(),
            name => name.to_string(),
        })
    );
}

#[test]
fn quotes_and_signatures_are_cut_in_every_usual_form() {
    for quoted in [
        "On Mon, Mar 2, 2026 at 10:00 AM Redress <redress@example.com> wrote:\n> Frankfurt is cut off\n> please answer\n",
        "On Mon, Mar 2, 2026 at 10:00 AM Redress\n<redress@example.com>\nwrote:\n\n> Frankfurt\n",
        "Am 02.03.2026 um 10:00 schrieb Redress:\n> Frankfurt\n",
        "-----Original Message-----\nFrom: Redress\nSubject: x\n\nFrankfurt is cut off\n",
        "________________________________\nFrom: Redress <redress@example.com>\nSent: Monday, March 2, 2026 10:00\nTo: Desk\nSubject: x\n\nFrankfurt\n",
        "From: Redress <redress@example.com>\nDate: Monday\nTo: Desk\n\nFrankfurt\n",
        "发件人：Redress <redress@example.com>\n发送时间：2026年3月2日 10:00\n收件人：desk\n主题：x\n\nFrankfurt\n",
        "------------------ 原始邮件 ------------------\n发件人: \"Redress\"\nFrankfurt\n",
        "在 2026-03-02 10:00:00，\"Redress\" <redress@example.com> 写道：\n> Frankfurt\n",
        "Redress <redress@example.com> 于2026年3月2日周一 10:00写道：\n\n> Frankfurt\n",
        "-- \nMei Lin\nNorthwind Carrier\n",
        "Sent from my iPhone\n",
        "Von: Redress\nGesendet: Montag\nAn: Desk\nBetreff: x\n\nFrankfurt\n",
    ] {
        let body = format!("We are on it.\n\nMore at noon.\n\n{quoted}");
        let head = format!("{HEAD}\nContent-Type: text/plain; charset=utf-8");
        assert_eq!(
            reading(&head, &body).text,
            "We are on it.\n\nMore at noon.",
            "{quoted}"
        );
    }
    // An answer below or between what it answers is kept.
    let below = "On Monday Redress wrote:\n> Is it known?\nYes.\n> Since when?\nSince nine.\n";
    assert_eq!(reading(HEAD, below).text, "Yes.\nSince nine.");
    // What only looks like a quotation stays.
    let plain = "From: the router we saw\nnothing.\nOn it: yes\n--- a log ---\n";
    assert_eq!(reading(HEAD, plain).text, plain.trim());
}

#[test]
fn our_own_links_in_a_quotation_are_masked() {
    let link = "Q".repeat(64);
    let body = format!("You wrote https://redress.example.com/answer/{link} to us.\n");
    assert_eq!(
        reading(HEAD, &body).text,
        "You wrote https://redress.example.com/answer/masked to us."
    );
}

#[test]
fn what_machines_write_is_told_from_what_people_write() {
    for sign in [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated; owner-email=x@y.example",
        "Precedence: bulk",
        "Precedence: auto_reply",
        "Precedence: List",
        "X-Auto-Response-Suppress: All",
        "X-Autoreply: yes",
        "X-Autorespond: OOO",
        "List-Id: <news.vendor.example>",
        "Return-Path: <>",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
        "Subject: Out of Office: Re: Frankfurt",
        "Subject: Automatic reply: Frankfurt",
        "Subject: Automatische Antwort: Frankfurt",
        "Subject: =?utf-8?B?6Ieq5Yqo5Zue5aSN77yaRnJhbmtmdXJ0?=",
    ] {
        let head = format!("From: desk@vendor.example\n{sign}");
        let read = reading(&head, "I am away.");
        assert!(read.automatic.is_some(), "{sign}");
    }
    for person in [
        "Auto-Submitted: no",
        "Precedence: first-class",
        "Return-Path: <desk@vendor.example>",
        "Subject: Re: automatic reply server is down",
        "X-Autoreply: no",
    ] {
        let head = format!("From: desk@vendor.example\n{person}");
        assert_eq!(reading(&head, "On it.").automatic, None, "{person}");
    }
}

#[test]
fn a_message_beyond_a_bound_is_refused() {
    let nested: String = (0..200)
        .map(|depth| format!("Content-Type: multipart/mixed; boundary=b{depth}\n\n--b{depth}\n"))
        .collect();
    assert_eq!(
        read(format!("{HEAD}\n{nested}").as_bytes()),
        Err(Excess::Depth)
    );
    let many = "--b\n\nx\n".repeat(100_000);
    let head = format!("{HEAD}\nContent-Type: multipart/mixed; boundary=b");
    assert_eq!(read(&raw(&head, &many)), Err(Excess::Parts));
    let folded = format!("X: {}", "a\n ".repeat(200_000));
    assert_eq!(read(&raw(&folded, "x")), Err(Excess::Head));
    assert_eq!(
        read(&raw(&"X: y\n".repeat(5_000), "x")),
        Err(Excess::Fields)
    );
    assert_eq!(read(b""), Err(Excess::NoHead));
    // Cut off in the middle, it is read as far as it goes.
    let cut = read(&raw(&head, "--b\nContent-Type: text/plain\n\nOn it.")).unwrap();
    assert_eq!(cut.text, "On it.");
    // Parts within a message that is attached are none of ours.
    let inner = format!("--b\nContent-Type: message/rfc822\n\n{nested}");
    assert!(read(&raw(&head, &inner)).is_ok());
}

#[test]
fn of_a_message_without_end_only_the_head_is_held() {
    let mut head = raw(HEAD, "");
    head.extend_from_slice(b"body ");
    let endless = head.as_slice().chain(repeat(b'x').take(50_000_000));
    let arrived = take_in(endless).unwrap();
    assert_eq!(arrived.size, head.len() as u64 + 50_000_000);
    assert!(arrived.size > MOST_BYTES);
    assert_eq!(arrived.refused.as_deref(), Some("it is longer than 25 MB"));
    assert!(arrived.bytes.is_empty());
    assert_eq!(arrived.incoming.from[0].email, "Desk@Vendor.example");
    assert_eq!(arrived.incoming.text, "");
}

#[test]
fn whatever_bytes_come_in_nothing_breaks_down() {
    let mut seed = 7_u64;
    let words: [&[u8]; 14] = [
        b"From: ",
        b"Content-Type: multipart/mixed; boundary=",
        b"b",
        b"--",
        b"\r\n",
        b"\n",
        b"=?utf-8?B?",
        b"?=",
        b"<div",
        b">",
        b"\xff\xfe",
        b"&#x110000;",
        b"Content-Transfer-Encoding: base64",
        b"\x00:",
    ];
    for _ in 0..2_000 {
        let mut bytes = Vec::new();
        for _ in 0..40 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            bytes.extend_from_slice(words[(seed >> 33) as usize % words.len()]);
        }
        let _ = read(&bytes);
        let _ = html::text(&String::from_utf8_lossy(&bytes));
    }
}
