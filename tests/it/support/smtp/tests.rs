use super::{Offers, Smtp};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    message::{Message, MultiPart},
    transport::smtp::Error,
};
use std::{
    io::{BufRead, BufReader, ErrorKind, Write},
    net::TcpStream,
    time::Duration,
};

const SOON: Duration = Duration::from_secs(20);

fn transport(url: &str) -> AsyncSmtpTransport<Tokio1Executor> {
    AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
        .unwrap()
        .build()
}

fn letter(to: &str, subject: &str) -> Message {
    Message::builder()
        .from("redress@example.com".parse().unwrap())
        .to(to.parse().unwrap())
        .subject(subject)
        .message_id(Some("<step-1@example.com>".into()))
        .multipart(MultiPart::alternative_plain_html(
            String::from("Fällig\n.\n..bald"),
            String::from("<p>到期</p>"),
        ))
        .unwrap()
}

async fn send(smtp: &Smtp, to: &str, subject: &str) -> Result<(), Error> {
    transport(&smtp.url())
        .send(letter(to, subject))
        .await
        .map(|_| ())
}

fn code(sent: Result<(), Error>) -> Option<String> {
    sent.unwrap_err().status().map(|code| code.to_string())
}

#[tokio::test]
async fn a_letter_is_kept_as_it_was_sent() {
    let smtp = Smtp::start();
    send(&smtp, "desk@vendor.example", "时钟 läuft ab")
        .await
        .unwrap();

    let [letter] = &smtp.wait_for(1, SOON)[..] else {
        panic!("one letter")
    };
    assert_eq!(
        (letter.from.as_str(), &letter.to[..]),
        (
            "redress@example.com",
            &["desk@vendor.example".to_owned()][..]
        )
    );
    assert_eq!(letter.subject(), "时钟 läuft ab");
    assert_eq!(letter.text().as_deref(), Some("Fällig\r\n.\r\n..bald"));
    assert_eq!(letter.html().as_deref(), Some("<p>到期</p>"));
    assert_eq!(
        letter.header("Message-ID").as_deref(),
        Some("<step-1@example.com>")
    );
    assert_eq!(letter.header("References"), None);
    assert_eq!(letter.user, None);
}

#[tokio::test]
async fn next_letters_fail_to_order_and_then_no_more() {
    let smtp = Smtp::start();
    smtp.fails_next(1, "451 4.3.0 try later");
    smtp.fails_next(1, "554 5.6.0 never");
    smtp.refuses_next(1, "450 4.2.0 mailbox is busy");
    let to = "desk@vendor.example";
    assert_eq!(code(send(&smtp, to, "").await).as_deref(), Some("450"));
    assert_eq!(code(send(&smtp, to, "").await).as_deref(), Some("451"));
    assert_eq!(code(send(&smtp, to, "").await).as_deref(), Some("554"));
    assert!(smtp.letters().is_empty());
    send(&smtp, to, "").await.unwrap();
    assert_eq!((smtp.letters().len(), smtp.attempts()), (1, 4));
    smtp.wait_for_attempts(4, SOON);
}

#[tokio::test]
async fn one_recipient_is_refused_until_accepted() {
    let smtp = Smtp::start();
    smtp.refuses("gone@vendor.example", "550 5.1.1 nobody of that name");
    smtp.fails_for("full@vendor.example", "452 4.2.2 mailbox is full");
    assert_eq!(
        code(send(&smtp, "gone@vendor.example", "").await).as_deref(),
        Some("550")
    );
    assert_eq!(
        code(send(&smtp, "full@vendor.example", "").await).as_deref(),
        Some("452")
    );
    send(&smtp, "desk@vendor.example", "").await.unwrap();
    smtp.accepts("gone@vendor.example");
    smtp.accepts("full@vendor.example");
    send(&smtp, "gone@vendor.example", "").await.unwrap();
    send(&smtp, "full@vendor.example", "").await.unwrap();
    assert_eq!(smtp.letters().len(), 3);
}

#[tokio::test]
async fn a_connection_drops_before_or_after_the_letter_is_taken() {
    let smtp = Smtp::start();
    smtp.drops_in_data(2);
    smtp.drops_after_data(1);
    for taken in [0, 0, 1] {
        assert_eq!(code(send(&smtp, "desk@vendor.example", "").await), None);
        assert_eq!(smtp.letters().len(), taken);
    }
    send(&smtp, "desk@vendor.example", "").await.unwrap();
    assert_eq!(smtp.letters().len(), 2);
}

#[tokio::test]
async fn the_server_goes_away_and_comes_back_on_its_port() {
    let smtp = Smtp::start();
    let transport = transport(&smtp.url());
    transport
        .send(letter("desk@vendor.example", ""))
        .await
        .unwrap();
    for _ in 0..2 {
        smtp.goes_away();
        assert_eq!(
            TcpStream::connect(smtp.address).unwrap_err().kind(),
            ErrorKind::ConnectionRefused
        );
        // Its pooled connection is dead as well.
        assert_eq!(
            code(
                transport
                    .send(letter("desk@vendor.example", ""))
                    .await
                    .map(|_| ())
            ),
            None
        );
        smtp.comes_back();
        transport
            .send(letter("desk@vendor.example", ""))
            .await
            .unwrap();
    }
    assert_eq!(smtp.letters().len(), 3);
}

#[tokio::test]
async fn only_the_right_login_sends() {
    let login = Some(("redress".to_owned(), "open-sesame".to_owned()));
    let smtp = Smtp::start_with(Offers {
        login,
        ..Offers::default()
    });
    let send_as = async |url: &str| {
        transport(url)
            .send(letter("desk@vendor.example", ""))
            .await
            .map(|_| ())
    };
    assert_eq!(code(send_as(&smtp.url()).await).as_deref(), Some("530"));
    assert_eq!(
        code(send_as(&smtp.url_as("redress", "wrong")).await).as_deref(),
        Some("535")
    );
    send_as(&smtp.url_as("redress", "open-sesame"))
        .await
        .unwrap();
    assert_eq!(smtp.letters()[0].user.as_deref(), Some("redress"));
}

/// The replies to `lines`, the greeting first, several lines of one reply as one. After the last
/// the server must have closed the connection.
fn talk(smtp: &Smtp, lines: &[&str]) -> Vec<String> {
    let mut stream = TcpStream::connect(smtp.address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let mut replies = BufReader::new(stream.try_clone().unwrap());
    let mut reply = || {
        let mut reply = String::new();
        while replies.read_line(&mut reply).unwrap() > 0
            && reply.lines().last().unwrap().as_bytes()[3] == b'-'
        {}
        reply.trim_end().replace("\r\n", "|")
    };
    let mut all = vec![reply()];
    for line in lines {
        stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        all.push(reply());
    }
    assert_eq!(reply(), "");
    all
}

#[test]
fn the_protocol_is_kept() {
    let login = Some(("redress".to_owned(), "open-sesame".to_owned()));
    let smtp = Smtp::start_with(Offers {
        pipelining: false,
        eight_bit_mime: false,
        login,
        ..Offers::default()
    });
    let replies = talk(
        &smtp,
        &[
            "EHLO client.example",
            "AUTH LOGIN",
            "cmVkcmVzcw==",
            "b3Blbi1zZXNhbWU=",
            "RCPT TO:<a@example.com>",
            "MAIL FROM:<> BODY=8BITMIME",
            "mail from:<>",
            "DATA",
            "RCPT TO:<a@example.com>",
            "DATA",
            "Subject: dots\r\n\r\n..one\r\n\n.\nnot the end\r\n.",
            "STARTTLS",
            "QUIT",
        ],
    );
    assert_eq!(
        replies,
        [
            "220 sink.test ESMTP",
            "250-sink.test|250-AUTH PLAIN LOGIN|250 ENHANCEDSTATUSCODES",
            "334 VXNlcm5hbWU6",
            "334 UGFzc3dvcmQ6",
            "235 2.7.0 welcome",
            "503 5.5.1 MAIL comes first",
            "555 5.5.4 8BITMIME was not offered",
            "250 2.1.0 go on",
            "503 5.5.1 nobody to send it to",
            "250 2.1.5 go on",
            "354 end with a dot",
            "250 2.0.0 taken",
            "500 5.5.1 not a command here",
            "221 2.0.0 bye",
        ]
    );
    assert_eq!(
        smtp.letters()[0].raw,
        b"Subject: dots\r\n\r\n.one\r\n\n.\nnot the end\r\n"
    );
    assert_eq!(
        smtp.letters()[0].text().as_deref(),
        Some(".one\r\n\n.\nnot the end\r\n")
    );
}

#[test]
fn a_421_closes_the_connection() {
    let smtp = Smtp::start();
    smtp.refuses_next(1, "421 4.3.2 going down");
    let replies = talk(
        &smtp,
        &[
            "HELO client.example",
            "MAIL FROM:<>",
            "RCPT TO:<a@example.com>",
        ],
    );
    assert_eq!(replies[3], "421 4.3.2 going down");
}
