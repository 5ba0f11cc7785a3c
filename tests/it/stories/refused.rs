//! Addresses that a mail server refuses for good.

use redress::domain::letter::{LetterKind, LetterState};
use redress::domain::outbox::Letter;
use redress::domain::refused_address::RefusedAddress;
use redress::mail::outlet::{Delivery, Outlet, Patience, SmtpOutlet};
use redress::store::{self, Actor};
use redress::{actions, store::Store};
use serde_json::json;

use super::lanes::Desk;
use crate::on_both;
use crate::support::smtp::Smtp;
use crate::world::World;

const DESK: &str = "desk@vendor.example";

fn marked(store: &Store) -> Vec<RefusedAddress> {
    store.read(store::refused_address::all).unwrap()
}

fn notices(world: &World) -> Vec<Letter> {
    let letters = world.letters().into_iter();
    letters
        .filter(|letter| letter.kind == LetterKind::Undeliverable)
        .collect()
}

fn warnings(world: &World, contract: redress::domain::ContractId) -> Vec<String> {
    let warnings = world.store.read(|conn| {
        let contract = store::contract::find(conn, contract)?;
        let terms = store::terms::in_force(conn, &contract, world.hand.now())?.unwrap();
        store::contract::warnings(
            conn,
            contract.vendor_id,
            Some(&contract.owner),
            &terms.promise,
        )
    });
    warnings
        .unwrap()
        .into_iter()
        .map(|warning| warning.message)
        .collect()
}

fn desk(world: &World, server: &Smtp) -> Desk {
    let outlet = SmtpOutlet::from_url(&server.url(), Patience::default()).unwrap();
    Desk::new(world, Outlet::Smtp(outlet))
}

/// A letter that follows from the settling of another is seen by the round after it.
fn works(post: &mut Desk) {
    for _ in 0..4 {
        post.works();
    }
}

on_both! { fn the_owner_hears_once_that_an_address_is_refused_and_the_ladder_warns_of_it(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let server = Smtp::start();
    server.refuses(DESK, "550 5.1.1 no such mailbox");
    let mut post = desk(world, &server);
    let incident = world.raises(contract, "S1");
    works(&mut post);

    let marks = marked(&world.store);
    assert_eq!(marks.len(), 1);
    assert_eq!((marks[0].email.as_str(), marks[0].refused_at), (DESK, world.hand.now()));
    assert!(marks[0].answer.starts_with("550 "), "{}", marks[0].answer);
    let said = warnings(world, contract);
    assert!(said.iter().any(|warning| warning.contains("mail to desk@vendor.example was refused on 2026-03-02")
        && warning.contains("no other on rung 1")), "{said:?}");
    let now = world.hand.now();
    let found = world.store.read(|conn| store::finding::all(conn, now)).unwrap();
    assert!(found.iter().any(|finding| finding.message.starts_with("mail to desk@vendor.example was refused")));
    let told = notices(world);
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].email.as_str(), told[0].state), ("owner@example.com", LetterState::Sent));
    let text = told[0].body_text.clone().unwrap();
    for needed in [DESK, "5.1.1", "Northwind Carrier", "NW-2026", &incident.reference(), "/vendors/"] {
        assert!(text.contains(needed), "{needed} is not in {text}");
    }

    // It is written to again, refused again, and nobody is told a second time.
    world.raises(contract, "S1");
    works(&mut post);
    assert_eq!(notices(world).len(), 1);
    let tried = world.letters().iter().filter(|letter| letter.email == DESK && letter.attempts == 1).count();
    assert_eq!(tried, 2);

    // A letter that is accepted clears it.
    server.accepts(DESK);
    world.raises(contract, "S1");
    works(&mut post);
    assert_eq!(marked(&world.store), []);
    assert!(!warnings(world, contract).iter().any(|warning| warning.contains("refused")));
} }

on_both! { fn what_is_not_the_addresss_fault_marks_nothing(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let server = Smtp::start();
    let mut post = desk(world, &server);
    for reply in ["451 4.3.0 try later", "550 5.7.1 your network is not welcome", "552 5.2.2 mailbox full",
        "554 no", "550 5.1.8 bad sender"] {
        server.refuses(DESK, reply);
        world.raises(contract, "S1");
        works(&mut post);
        assert_eq!(marked(&world.store), [], "{reply}");
    }
    server.accepts(DESK);
    server.fails_for(DESK, "550 this looks like spam");
    world.raises(contract, "S1");
    works(&mut post);
    assert_eq!(marked(&world.store), [], "after the text it is the text that is refused");
    assert_eq!(notices(world).len(), 0);
} }

on_both! { fn an_owner_who_cannot_be_reached_either_is_told_of_to_the_administrators(world) {
    let input = json!({"name": "Root", "email": "root@example.com", "role": "administrator",
        "time_zone": "Asia/Shanghai", "locale": "zh-CN"});
    let input = redress::domain::person::PersonInput::read(&input).unwrap();
    world.store.write(Actor::Operator, move |tx| actions::person::add(tx, &input, None)).unwrap();
    let contract = world.signs("NW-2026", world.usual_terms());
    let server = Smtp::start();
    for address in [DESK, "owner@example.com"] {
        server.refuses(address, "550 5.1.1 no such mailbox");
    }
    let mut post = desk(world, &server);
    world.raises(contract, "S1");
    works(&mut post);
    let told: Vec<(String, LetterState)> =
        notices(world).into_iter().map(|letter| (letter.email, letter.state)).collect();
    assert_eq!(told, [
        ("owner@example.com".to_string(), LetterState::Failed),
        ("root@example.com".to_string(), LetterState::Sent)]);
    assert!(notices(world)[1].body_text.clone().unwrap().contains("NW-2026"), "the contract it owns");
    let text = notices(world)[1].body_text.clone().unwrap();
    assert!(text.contains("owner@example.com") && text.contains("拒收"), "{text}");
    assert_eq!(marked(&world.store).len(), 2);

    // Refused for good as well: it ends there.
    server.refuses("root@example.com", "550 5.1.1 no such mailbox");
    world.store.write(Actor::Operator, |tx| store::refused_address::lift(tx, "OWNER@example.com")).unwrap().unwrap();
    world.raises(contract, "S1");
    world.passes_to("2026-03-02T11:05[Europe/Berlin]");
    works(&mut post);
    assert_eq!(notices(world).len(), 3);
    assert_eq!(marked(&world.store).len(), 3);
} }

on_both! { fn a_mark_means_nothing_once_nobody_has_the_address(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    world.raises(contract, "S1");
    let no = Delivery::Refused { code: 550, text: "5.1.1 no".into(), address: true };
    world.outlet.fails_next(1, no);
    world.delivers();
    assert_eq!(marked(&world.store).len(), 1);
    let vendor = world.vendor;
    let input = redress::domain::vendor::VendorInput::read(&json!({
        "name": "Northwind Carrier", "time_zone": "Europe/Berlin", "locale": "en",
        "contacts": [{"name": "Service desk", "email": "new@vendor.example", "rung": 1}]})).unwrap();
    world.store.write(Actor::Person(world.max), move |tx| actions::vendor::edit(tx, vendor, 1, &input)).unwrap();
    assert_eq!(marked(&world.store), []);
    assert_eq!(world.store.read(store::refused_address::count).unwrap(), 0);
} }

on_both! { fn whoever_has_the_address_right_takes_the_mark_away(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    world.raises(contract, "S1");
    world.outlet.fails_next(1, Delivery::Refused { code: 550, text: "no".into(), address: true });
    world.delivers();
    assert_eq!(marked(&world.store).len(), 1);
    let lift = || world.store.write(Actor::Person(world.max), |tx| actions::refused_address::lift(tx, " Desk@Vendor.example"));
    lift().unwrap();
    assert_eq!(marked(&world.store), []);
    assert!(lift().unwrap_err().to_string().contains("no refused address"));
} }
