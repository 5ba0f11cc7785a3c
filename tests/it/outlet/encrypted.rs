//! What becomes of a letter, and of a password, where the way is encrypted or should be.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use redress::mail::outlet::{Authorities, Delivery, Outgoing, Outlet, Patience, SmtpOutlet};
use rustls::ServerConfig;
use tempfile::NamedTempFile;

use super::{assert_unreachable, is_accepted, letter, outlet};
use crate::support::smtp::{Authority, Encryption, Offers, Smtp, self_signed};

const HOSTS: &[&str] = &["localhost", "127.0.0.1"];

/// Both ways of encryption.
const WAYS: [fn(Arc<ServerConfig>) -> Encryption; 2] =
    [Encryption::FromTheStart, Encryption::OnRequest];

fn server(encryption: Encryption) -> Smtp {
    Smtp::start_with(Offers {
        encryption,
        login: Some(("ann".to_string(), "right".to_string())),
        ..Offers::default()
    })
}

/// The URL of that server with a password, such that nothing goes without encryption.
fn url(server: &Smtp) -> String {
    let url = server.url_as("ann", "right");
    if url.starts_with("smtps") {
        url
    } else {
        format!("{url}?tls=required")
    }
}

fn trusting_file(url: &str, file: &NamedTempFile, patience: Patience) -> Outlet {
    let authorities = Authorities::read(file.path()).unwrap();
    Outlet::Smtp(SmtpOutlet::from_url_trusting(url, &authorities, patience).unwrap())
}

fn trusting(url: &str, authority: &Authority) -> Outlet {
    trusting_file(url, &authority.file(), Patience::default())
}

/// Nothing but the wish for encryption was said before there was any.
fn assert_only_asked_for_encryption(server: &Smtp) {
    let heard = server.in_the_clear();
    if server.url().starts_with("smtps") {
        assert_eq!(heard, [""; 0]);
    } else {
        assert!(heard[0].starts_with("EHLO "), "{heard:?}");
        assert_eq!(heard[1..], ["STARTTLS"]);
    }
}

fn assert_nothing_was_taken(server: &Smtp) {
    assert_eq!((server.attempts(), server.letters().len()), (0, 0));
}

#[tokio::test]
async fn letters_and_password_go_encrypted_over_one_connection() {
    let authority = Authority::new("Redress tests");
    for certified in [authority.certifies(HOSTS), authority.certifies_old(HOSTS)] {
        for way in WAYS {
            let server = server(way(Arc::clone(&certified)));
            let outlet = trusting(&url(&server), &authority);
            let long = Outgoing {
                bytes: [&letter().bytes[..], &b"0123456789\r\n".repeat(20_000)].concat(),
                ..letter()
            };
            for _ in 0..10 {
                for letter in [letter(), long.clone()] {
                    let delivery = outlet.send(&letter).await;
                    assert!(is_accepted(&delivery), "{delivery:?}");
                }
            }
            let received = server.letters();
            assert_eq!((received.len(), server.most_connections()), (20, 1));
            assert!(received[0].raw == letter().bytes && received[1].raw == long.bytes);
            assert_eq!(received[0].user.as_deref(), Some("ann"));
            assert_only_asked_for_encryption(&server);
        }
    }
}

#[tokio::test]
async fn encryption_is_used_where_it_is_offered_and_not_asked_for_by_all_means() {
    let authority = Authority::new("Redress tests");
    let server = server(Encryption::OnRequest(authority.certifies(HOSTS)));
    let url = format!("{}?tls=opportunistic", server.url_as("ann", "right"));
    let delivery = trusting(&url, &authority).send(&letter()).await;
    assert!(is_accepted(&delivery), "{delivery:?}");
    assert_only_asked_for_encryption(&server);
}

#[tokio::test]
async fn any_authority_of_the_file_will_do() {
    let (one, other) = (Authority::new("one"), Authority::new("other"));
    let mut file = one.file();
    file.write_all(other.pem().as_bytes()).unwrap();
    for authority in [&one, &other] {
        let server = server(Encryption::FromTheStart(authority.certifies(HOSTS)));
        let outlet = trusting_file(&url(&server), &file, Patience::default());
        assert!(is_accepted(&outlet.send(&letter()).await));
    }
}

#[tokio::test]
async fn a_self_signed_certificate_will_do_where_it_is_in_the_file() {
    let (certified, pem) = self_signed("127.0.0.1");
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(pem.as_bytes()).unwrap();
    let server = server(Encryption::FromTheStart(certified));
    let known = trusting_file(&url(&server), &file, Patience::default());
    assert!(is_accepted(&known.send(&letter()).await));
    let unknown = outlet(&url(&server)).send(&letter()).await;
    assert_unreachable(&unknown, "UnknownIssuer");
}

#[tokio::test]
async fn a_server_of_an_unknown_authority_gets_nothing() {
    let authority = Authority::new("Redress tests");
    let namesake = Authority::new("Redress tests");
    for way in WAYS {
        let server = server(way(authority.certifies(HOSTS)));
        let unknown = outlet(&url(&server)).send(&letter()).await;
        assert_unreachable(&unknown, "UnknownIssuer");
        assert_unreachable(&unknown, "--smtp-ca-file");
        assert_only_asked_for_encryption(&server);
        let forged = trusting(&url(&server), &namesake).send(&letter()).await;
        assert_unreachable(&forged, "invalid peer certificate");
        assert_nothing_was_taken(&server);
    }
    // Nor does it get anything where encryption is not asked for by all means.
    let server = server(Encryption::OnRequest(authority.certifies(HOSTS)));
    let url = format!("{}?tls=opportunistic", server.url_as("ann", "right"));
    assert_unreachable(&outlet(&url).send(&letter()).await, "UnknownIssuer");
    assert_only_asked_for_encryption(&server);
    assert_nothing_was_taken(&server);
}

#[tokio::test]
async fn a_server_with_a_certificate_for_another_host_gets_nothing() {
    let authority = Authority::new("Redress tests");
    for way in WAYS {
        let server = server(way(authority.certifies(&["localhost", "mail.example.com"])));
        let delivery = trusting(&url(&server), &authority).send(&letter()).await;
        assert_unreachable(&delivery, "not valid for name \"127.0.0.1\"");
        assert_only_asked_for_encryption(&server);
        assert_nothing_was_taken(&server);
    }
}

#[tokio::test]
async fn without_the_encryption_that_was_asked_for_neither_letter_nor_password_goes() {
    let authority = Authority::new("Redress tests");
    let silent_of_it = server(Encryption::Never);
    let delivery = trusting(&url(&silent_of_it), &authority)
        .send(&letter())
        .await;
    assert_unreachable(&delivery, "STARTTLS: the server offers no encryption");
    let heard = silent_of_it.in_the_clear();
    assert!(
        heard.len() == 1 && heard[0].starts_with("EHLO "),
        "{heard:?}"
    );
    assert_nothing_was_taken(&silent_of_it);

    for tls in ["required", "opportunistic"] {
        let unable = Smtp::start_with(Offers {
            encryption: Encryption::OnRequest(authority.certifies(HOSTS)),
            go_ahead: "454 4.7.0 not at the moment".to_string(),
            ..Offers::default()
        });
        let url = format!("{}?tls={tls}", unable.url_as("ann", "right"));
        let delivery = trusting(&url, &authority).send(&letter()).await;
        assert_unreachable(&delivery, "STARTTLS: 454 4.7.0 not at the moment");
        assert_only_asked_for_encryption(&unable);
        assert_nothing_was_taken(&unable);
    }

    // A server in the clear where TLS is expected from the first byte.
    let plain = server(Encryption::Never);
    let url = plain.url_as("ann", "right").replace("smtp:", "smtps:");
    let delivery = trusting(&url, &authority).send(&letter()).await;
    assert_unreachable(&delivery, "TLS: ");
    let heard = plain.in_the_clear().concat();
    assert!(
        !heard.contains("EHLO") && !heard.contains("AUTH"),
        "{heard:?}"
    );
}

#[tokio::test]
async fn what_is_said_ahead_in_the_clear_is_not_taken_for_an_encrypted_answer() {
    let authority = Authority::new("Redress tests");
    let ahead = [
        "250-sink.test\r\n250 AUTH PLAIN",
        "250 sink.test\r\n250 sink.test\r\n235 welcome",
        "2",
    ];
    for (tls, ahead) in ["required", "opportunistic"]
        .into_iter()
        .flat_map(|tls| ahead.map(|ahead| (tls, ahead)))
    {
        let server = Smtp::start_with(Offers {
            encryption: Encryption::OnRequest(authority.certifies(HOSTS)),
            go_ahead: format!("220 2.0.0 go ahead\r\n{ahead}"),
            ..Offers::default()
        });
        let url = format!("{}?tls={tls}", server.url_as("ann", "right"));
        let delivery = trusting(&url, &authority).send(&letter()).await;
        assert_unreachable(&delivery, "STARTTLS: the server, or somebody on the line");
        assert_only_asked_for_encryption(&server);
        assert_nothing_was_taken(&server);
    }
}

#[tokio::test]
async fn a_password_goes_in_the_clear_where_the_url_says_so() {
    let server = server(Encryption::Never);
    let outlet = outlet(&server.url_as("ann", "right"));
    assert!(is_accepted(&outlet.send(&letter()).await));
    let heard = server.in_the_clear();
    assert!(
        heard.iter().any(|line| line.starts_with("AUTH ")),
        "{heard:?}"
    );
}

#[tokio::test]
async fn a_server_that_falls_silent_before_encryption_begins_is_given_up() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let patience = Patience {
        exchange: Duration::from_millis(50),
        content: Duration::from_millis(50),
    };
    let place = silent.local_addr().unwrap();
    for url in [
        format!("smtps://{place}"),
        format!("smtp://{place}?tls=required"),
    ] {
        let outlet = Outlet::Smtp(SmtpOutlet::from_url(&url, patience).unwrap());
        assert_unreachable(&outlet.send(&letter()).await, "no answer within 0.05 s");
    }
}

#[test]
fn authorities_for_a_url_without_encryption_are_a_mistake() {
    let file = Authority::new("Redress tests").file();
    let authorities = Authorities::read(file.path()).unwrap();
    let url = "smtp://ann:secret@127.0.0.1";
    let wrong = SmtpOutlet::from_url_trusting(url, &authorities, Patience::default()).unwrap_err();
    assert!(
        wrong.contains("smtp_ca_file") && wrong.contains("tls=required"),
        "{wrong}"
    );
    assert!(!wrong.contains("secret"), "{wrong}");
}

#[tokio::test]
async fn a_connection_lost_in_an_encrypted_text_leaves_doubt_and_one_lost_at_rest_none() {
    let authority = Authority::new("Redress tests");
    for way in WAYS {
        let server = server(way(authority.certifies(HOSTS)));
        let outlet = trusting(&url(&server), &authority);
        server.drops_in_data(1);
        let inside = outlet.send(&letter()).await;
        assert!(matches!(inside, Delivery::InDoubt { .. }), "{inside:?}");
        assert!(is_accepted(&outlet.send(&letter()).await));
        server.goes_away();
        server.comes_back();
        assert!(is_accepted(&outlet.send(&letter()).await));
        assert_eq!(server.letters().len(), 2);
    }
}
