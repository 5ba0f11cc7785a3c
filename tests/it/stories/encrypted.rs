//! Letters for a mail server that is not the one it should be.

use redress::domain::letter::LetterState;
use redress::mail::outlet::{Authorities, Outlet, Patience, SmtpOutlet};
use redress::time::MINUTE;

use super::lanes::Desk;
use crate::on_both;
use crate::support::smtp::{Authority, Encryption, Offers, Smtp};
use crate::world::World;

fn desk(world: &World, server: &Smtp, authorities: &Authorities) -> Desk {
    let url = format!("{}?tls=required", server.url_as("ann", "right"));
    let outlet = SmtpOutlet::from_url_trusting(&url, authorities, Patience::default()).unwrap();
    Desk::new(world, Outlet::Smtp(outlet))
}

on_both! { fn letters_wait_until_the_mail_server_shows_a_certificate_that_is_trusted(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let authority = Authority::new("Redress tests");
    let server = Smtp::start_with(Offers {
        encryption: Encryption::OnRequest(authority.certifies(&["127.0.0.1"])),
        login: Some(("ann".to_string(), "right".to_string())),
        ..Offers::default()
    });
    world.raises(contract, "S1");
    desk(world, &server, &Authorities::default()).works();

    let waiting = world.letters();
    assert!(!waiting.is_empty());
    for letter in &waiting {
        assert_eq!((letter.state, letter.attempts, letter.in_doubt), (LetterState::Queued, 1, false));
        assert!(letter.next_attempt_at > world.hand.now(), "it is tried again later");
        let error = letter.last_error.as_deref().unwrap();
        for needed in ["127.0.0.1:", "STARTTLS", "UnknownIssuer", "--smtp-ca-file"] {
            assert!(error.contains(needed), "{error}");
        }
        assert!(!error.contains("right"), "{error}");
    }
    assert_eq!((server.attempts(), server.letters().len()), (0, 0));

    let known = Authorities::read(authority.file().path()).unwrap();
    world.hand.set(world.hand.now() + 10 * MINUTE);
    desk(world, &server, &known).works();
    let sent = world.letters();
    let first = sent.iter().filter(|letter| waiting.iter().any(|one| one.id == letter.id));
    assert!(first.clone().all(|letter| letter.state == LetterState::Sent && letter.last_error.is_none()), "{sent:?}");
    assert_eq!(server.letters().len(), sent.len());
    let heard = server.in_the_clear();
    assert!(heard.iter().all(|line| line == "STARTTLS" || line.starts_with("EHLO ")), "{heard:?}");
} }
