//! What every route has in common: who is let in, what an error looks like, that a request sent twice
//! does one thing.

use chrono::TimeDelta;
use redress::actions;
use redress::domain::person::Role;
use redress::secret::Secret;
use redress::store::{Actor, audit};
use redress::web::{Access, routes};
use serde_json::json;

use crate::service::{PASSWORD, on_both, sign_in};

fn bob() -> serde_json::Value {
    json!({"email": "bob@example.com", "name": "Bob", "role": "engineer"})
}

#[test]
fn whoever_knows_the_password_is_let_in_until_signing_out() {
    on_both(|service| {
        service.person("ann", Role::Engineer);
        let nobody = service.nobody().with("Origin", &service.url);
        let page = nobody.get("/account?a=b");
        assert_eq!(page.status, 303);
        assert_eq!(page.header("location"), "/login?next=%2Faccount%3Fa%3Db");

        let wrong = sign_in(&nobody, "ann", "not the password");
        assert_eq!(wrong.status, 401);
        assert!(wrong.text.contains("value=\"ann@example.com\""));
        assert!(!wrong.text.contains("not the password"));
        let unknown = sign_in(&nobody, "eve", PASSWORD);
        assert_eq!(unknown.status, 401);
        let same = |text: &str| text.contains("e-mail and password do not fit together");
        assert!(same(&wrong.text) && same(&unknown.text));

        let ann = service.browser("ann");
        let account = ann.get("/account");
        assert_eq!(account.status, 200);
        assert!(account.text.contains("Europe/Berlin"));
        assert_eq!(ann.send("/logout", &[]).header("location"), "/login");
        assert_eq!(ann.get("/account").status, 303);
    });
}

#[test]
fn a_session_ends_when_it_is_not_used_and_lasts_while_it_is() {
    on_both(|service| {
        service.person("ann", Role::Engineer);
        let ann = service.browser("ann");
        for _ in 0..5 {
            service.hand.advance(TimeDelta::hours(11));
            assert_eq!(ann.get("/account").status, 200);
        }
        service.hand.advance(TimeDelta::hours(12));
        assert_eq!(ann.get("/account").status, 303);

        let busy = service.browser("ann");
        for _ in 0..(7 * 24 / 8 - 1) {
            service.hand.advance(TimeDelta::hours(8));
            assert_eq!(busy.get("/account").status, 200);
        }
        service.hand.advance(TimeDelta::hours(8));
        assert_eq!(busy.get("/account").status, 303, "after seven days");
    });
}

#[test]
fn trying_passwords_is_bounded_and_time_allows_it_again() {
    on_both(|service| {
        service.person("ann", Role::Engineer);
        let nobody = service.nobody().with("Origin", &service.url);
        for _ in 0..10 {
            assert_eq!(sign_in(&nobody, "ann", "a wrong password").status, 401);
        }
        let refused = sign_in(&nobody, "ann", PASSWORD);
        assert_eq!(refused.status, 429);
        service.hand.advance(TimeDelta::minutes(15));
        assert_eq!(sign_in(&nobody, "ann", PASSWORD).status, 303);
    });
}

#[test]
fn the_first_administrator_is_made_once_by_the_newest_link() {
    on_both(|service| {
        let offer = || {
            let secret = Secret::fresh().unwrap();
            let hash = secret.hash();
            let offered = service.store.write(Actor::Operator, move |tx| {
                actions::session::offer_link(tx, &hash)
            });
            (format!("/setup/{}", secret.reveal()), offered.unwrap())
        };
        let (old, _) = offer();
        let (link, offered) = offer();
        assert!(offered);
        let first = service.nobody().with("Origin", &service.url);
        assert_eq!(first.get(&old).status, 404);
        assert_eq!(first.get(&link).status, 200);

        let fields = |password| {
            [
                ("name", "Ann"),
                ("email", "ann@example.com"),
                ("time_zone", "Europe/Berlin"),
                ("password", password),
            ]
        };
        let short = first.send(&link, &fields("short"));
        assert_eq!(short.status, 422);
        assert!(
            short.text.contains("value=\"Ann\"") && short.text.contains("id=\"error-password\"")
        );

        let entered = first.send(&link, &fields(PASSWORD));
        assert_eq!(entered.status, 303, "{}", entered.text);
        let ann = first.with("Cookie", &entered.cookie("redress_session"));
        assert!(ann.get("/people").text.contains("ann@example.com"));

        assert_eq!(first.get(&link).status, 404);
        assert_eq!(first.send(&link, &fields(PASSWORD)).status, 409);
        let (_, offered) = offer();
        assert!(!offered, "somebody is there already");
    });
}

#[test]
fn a_link_for_the_first_administrator_lasts_a_day() {
    on_both(|service| {
        let secret = Secret::fresh().unwrap();
        let hash = secret.hash();
        service
            .store
            .write(Actor::Operator, move |tx| {
                actions::session::offer_link(tx, &hash)
            })
            .unwrap();
        service.hand.advance(TimeDelta::days(1));
        let path = format!("/setup/{}", secret.reveal());
        assert_eq!(service.nobody().get(&path).status, 404);
    });
}

#[test]
fn each_route_keeps_out_whom_its_rule_does_not_admit() {
    on_both(|service| {
        let programs: Vec<_> = Role::ALL
            .iter()
            .map(|role| (*role, service.program(*role)))
            .collect();
        let guarded = routes::all()
            .into_iter()
            .filter(|route| route.access != Access::Public && route.path.starts_with("/api/"));
        for route in guarded {
            let path = of_nothing(route.path);
            service
                .nobody()
                .json(route.method, &path, &json!({}))
                .problem(401);
            for (role, program) in &programs {
                let answer = program.json(route.method, &path, &json!({}));
                let kept_out = answer.status == 403;
                assert_eq!(kept_out, !route.access.admits(*role), "{role} {route:?}");
                assert_ne!(answer.status, 500, "{role} {route:?} {}", answer.text);
            }
        }
        let engineer = &programs[1].1;
        let refused = engineer.get("/api/v1/people");
        refused.problem(403);
        assert!(
            refused.text.contains("Your role, engineer") && refused.text.contains("administrator")
        );
    });
}

/// A path of that pattern at which nothing is.
fn of_nothing(pattern: &str) -> String {
    let parts = pattern.split('/').map(|part| match part.starts_with('{') {
        true => "999999",
        false => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn a_token_counts_until_it_is_revoked_or_its_person_leaves() {
    on_both(|service| {
        let ann = service.program(Role::Administrator);
        let made = ann.post("/api/v1/tokens", &json!({"name": "monitoring"}));
        assert_eq!(made.status, 201);
        let token = made.json()["token"].as_str().unwrap().to_string();
        let address = made.header("location").to_string();
        let program = service
            .nobody()
            .with("Authorization", &format!("Bearer {token}"));
        let list = program.get("/api/v1/tokens");
        assert_eq!(list.status, 200);
        assert!(!list.text.contains(&token[4..]));
        assert_eq!(ann.delete(&address).status, 204);
        program.get("/api/v1/tokens").problem(401);
        ann.delete(&address).problem(404);

        let engineer = service.program(Role::Engineer);
        let people = ann.get("/api/v1/people").json();
        let id = &people["items"][1]["id"];
        let path = format!("/api/v1/people/{id}");
        let tag = ann.get(&path).header("etag").to_string();
        let leaver =
            json!({"email": "e@example.com", "name": "E", "role": "engineer", "active": false});
        assert_eq!(ann.with("If-Match", &tag).put(&path, &leaver).status, 200);
        engineer.get("/api/v1/tokens").problem(401);
        let ill = service.nobody().with("Authorization", "Basic YTpi");
        ill.get("/api/v1/tokens").problem(401);
    });
}

#[test]
fn forms_from_elsewhere_are_refused() {
    on_both(|service| {
        service.person("ann", Role::Administrator);
        let ann = service.browser("ann");
        let settings = [("name", "Mallory"), ("time_zone", "UTC"), ("locale", "en")];
        let elsewhere = ann.with("Origin", "https://evil.example");
        assert_eq!(elsewhere.send("/account", &settings).status, 403);
        let told = ann.with("Sec-Fetch-Site", "cross-site");
        assert_eq!(told.send("/account", &settings).status, 403);
        let sibling = ann.with("Sec-Fetch-Site", "same-site");
        assert_eq!(sibling.send("/account", &settings).status, 403);
        elsewhere.post("/api/v1/people", &bob()).problem(403);
        assert_eq!(sign_in(&elsewhere, "ann", PASSWORD).status, 403);
        assert!(!ann.get("/account").text.contains("Mallory"));

        let own = ann.with("Sec-Fetch-Site", "same-origin");
        assert_eq!(own.send("/account", &settings).status, 303);
        assert_eq!(ann.post("/api/v1/people", &bob()).status, 201);
    });
}

#[test]
fn the_same_key_does_one_thing_and_gets_one_answer() {
    on_both(|service| {
        let ann = service.program(Role::Administrator);
        let keyed = ann.with("Idempotency-Key", "7c1e");
        let first = keyed.post("/api/v1/people", &bob());
        assert_eq!(first.status, 201, "{}", first.text);
        let second = keyed.post("/api/v1/people", &bob());
        assert_eq!((second.status, &second.text), (201, &first.text));
        assert_eq!(second.header("location"), first.header("location"));
        assert_eq!(second.header("idempotent-replayed"), "true");

        let mut other = bob();
        other["name"] = json!("Robert");
        keyed.post("/api/v1/people", &other).problem(422);
        keyed
            .post("/api/v1/tokens", &json!({"name": "x"}))
            .problem(422);
        assert_eq!(ann.post("/api/v1/people", &bob()).problem(422), ["email"]);
        keyed
            .with("Idempotency-Key", &"k".repeat(256))
            .post("/api/v1/people", &other)
            .problem(400);

        service.hand.advance(TimeDelta::hours(24));
        assert_eq!(keyed.post("/api/v1/people", &bob()).problem(422), ["email"]);
    });
}

#[test]
fn a_refused_request_leaves_its_key_free() {
    on_both(|service| {
        let keyed = service
            .program(Role::Administrator)
            .with("Idempotency-Key", "one");
        let wrong = json!({"email": "bob", "name": "Bob", "role": "engineer"});
        keyed.post("/api/v1/people", &wrong).problem(422);
        assert_eq!(keyed.post("/api/v1/people", &bob()).status, 201);
    });
}

#[test]
fn two_requests_at_once_with_one_key_make_one_thing() {
    on_both(|service| {
        let keyed = service
            .program(Role::Administrator)
            .with("Idempotency-Key", "at-once");
        let answers: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| keyed.post("/api/v1/people", &bob())))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        for answer in &answers {
            assert_eq!((answer.status, &answer.text), (201, &answers[0].text));
        }
        let first =
            |answer: &&crate::service::Answer| answer.header("idempotent-replayed").is_empty();
        assert_eq!(answers.iter().filter(first).count(), 1);
    });
}

#[test]
fn a_secret_is_not_shown_again_by_its_key() {
    on_both(|service| {
        let keyed = service.program(Role::Engineer).with("Idempotency-Key", "t");
        let first = keyed.post("/api/v1/tokens", &json!({"name": "x"})).json();
        let again = keyed.post("/api/v1/tokens", &json!({"name": "x"})).json();
        assert!(first["token"].is_string() && again["token"].is_null());
        assert_eq!(first["id"], again["id"]);
    });
}

#[test]
fn a_form_sent_twice_makes_one_thing_and_leads_to_the_same_place() {
    on_both(|service| {
        service.person("ann", Role::Administrator);
        let ann = service.browser("ann");
        let fields = [
            ("request_id", "f0a1"),
            ("name", "Bob"),
            ("email", "bob@example.com"),
            ("role", "engineer"),
            ("time_zone", "UTC"),
            ("locale", "en"),
            ("active", "true"),
        ];
        for _ in 0..2 {
            let sent = ann.send("/people", &fields);
            assert_eq!((sent.status, sent.header("location")), (303, "/people"));
            let next = ann.with(
                "Cookie",
                &format!("{}; {}", sent.cookie("redress_flash"), ann.header("Cookie")),
            );
            assert!(next.get("/people").text.contains("Bob was added."));
        }
        let people = ann.get("/people").text;
        assert_eq!(people.matches("bob@example.com").count(), 1);
    });
}

#[test]
fn what_was_entered_stays_in_a_form_that_is_not_acceptable() {
    on_both(|service| {
        service.person("ann", Role::Administrator);
        let ann = service.browser("ann");
        let page = ann.send(
            "/people",
            &[
                ("name", "Bob <b>"),
                ("email", "ann@example.com"),
                ("role", "manager"),
                ("time_zone", "Mars"),
                ("locale", "zh-CN"),
            ],
        );
        assert_eq!(page.status, 422);
        assert!(
            page.text.contains("value=\"Bob &#60;b&#62;\""),
            "{}",
            page.text
        );
        assert!(page.text.contains("id=\"error-time_zone\""));
        assert!(page.text.contains("value=\"manager\" checked"));
        let page = ann.send(
            "/people",
            &[
                ("name", "Bob"),
                ("email", "ann@example.com"),
                ("role", "manager"),
                ("time_zone", "UTC"),
                ("locale", "en"),
            ],
        );
        assert_eq!(page.status, 422);
        assert!(
            page.text
                .contains("somebody has the address ann@example.com already")
        );
    });
}

#[test]
fn an_edit_names_the_version_it_was_made_from() {
    on_both(|service| {
        let ann = service.program(Role::Administrator);
        let path = ann
            .post("/api/v1/people", &bob())
            .header("location")
            .to_string();
        let read = ann.get(&path);
        assert_eq!(read.header("etag"), "\"1\"");
        let mut robert = bob();
        robert["name"] = json!("Robert");
        ann.put(&path, &robert).problem(428);
        ann.with("If-Match", "\"9\"")
            .put(&path, &robert)
            .problem(412);
        ann.with("If-Match", "*").put(&path, &robert).problem(412);
        let edited = ann
            .with("If-Match", read.header("etag"))
            .put(&path, &robert);
        assert_eq!((edited.status, edited.header("etag")), (200, "\"2\""));
        ann.with("If-Match", read.header("etag"))
            .put(&path, &bob())
            .problem(412);
        assert_eq!(ann.get(&path).json()["name"], "Robert");
    });
}

#[test]
fn the_last_administrator_stays() {
    on_both(|service| {
        let ann = service.program(Role::Administrator);
        let people = ann.get("/api/v1/people").json();
        let own = &people["items"][0];
        let path = format!("/api/v1/people/{}", own["id"]);
        let keyed = ann.with("If-Match", "\"1\"");
        let mut edit = json!({"email": own["email"], "name": "Ann", "role": "manager"});
        keyed.put(&path, &edit).problem(409);
        edit["role"] = json!("administrator");
        edit["active"] = json!(false);
        keyed.put(&path, &edit).problem(409);

        service.person("second", Role::Administrator);
        assert_eq!(keyed.put(&path, &edit).status, 200);
    });
}

#[test]
fn a_new_password_ends_the_other_sessions() {
    on_both(|service| {
        let id = service.person("ann", Role::Engineer);
        let (here, there) = (service.browser("ann"), service.browser("ann"));
        let wrong = here.send(
            "/account/password",
            &[
                ("current", "something else"),
                ("password", "another four words here"),
            ],
        );
        assert_eq!(wrong.status, 422);
        assert!(wrong.text.contains("id=\"error-current\""));
        let changed = here.send(
            "/account/password",
            &[
                ("current", PASSWORD),
                ("password", "another four words here"),
            ],
        );
        assert_eq!(changed.status, 303, "{}", changed.text);
        assert_eq!(here.get("/account").status, 200);
        assert_eq!(there.get("/account").status, 303);
        let nobody = service.nobody().with("Origin", &service.url);
        assert_eq!(sign_in(&nobody, "ann", PASSWORD).status, 401);
        assert_eq!(
            sign_in(&nobody, "ann", "another four words here").status,
            303
        );
        let trail = service
            .store
            .read(|conn| audit::of(conn, "person", id.0))
            .unwrap();
        assert!(trail.iter().any(|line| line.deed == "password changed"));
        assert!(trail.iter().all(|line| !line.detail.contains("four words")));
    });
}

#[test]
fn what_cannot_be_read_is_told_apart() {
    on_both(|service| {
        let ann = service.program(Role::Administrator);
        let json = ann.with("Content-Type", "application/json");
        let broken = json.request(
            "POST",
            "/api/v1/people",
            "{\"name\": \"Bob\",\n \"role\": }",
        );
        broken.problem(400);
        assert!(broken.text.contains("line 2, column 10"), "{}", broken.text);
        ann.with("Content-Type", "text/plain")
            .request("POST", "/api/v1/people", "{}")
            .problem(415);
        let long = format!("{{\"name\": \"{}\"}}", "x".repeat(1_000_000));
        let refused = json.request("POST", "/api/v1/people", &long);
        refused.problem(413);
        assert!(
            refused.text.contains("1000000 bytes (1 MB)"),
            "{}",
            refused.text
        );
        let fields = json.post("/api/v1/people", &json!({"nmae": "Bob", "role": "boss"}));
        assert_eq!(fields.problem(422), ["email", "name", "nmae", "role"]);
        json.post("/api/v1/people", &json!([])).problem(422);

        ann.get("/api/v1/nothing").problem(404);
        ann.get("/api/v1/people/999999").problem(404);
        ann.get("/api/v1/people/abc").problem(404);
        let wrong_method = ann.delete("/api/v1/people");
        wrong_method.problem(405);
        assert_eq!(wrong_method.header("allow"), "GET, POST");
        assert_eq!(ann.get("/api/v1/people?limit=0").problem(422), ["limit"]);
        assert_eq!(ann.get("/api/v1/people?cursor=x").problem(422), ["cursor"]);

        let page = ann.get("/nothing");
        assert_eq!(page.status, 404);
        assert!(page.header("content-type").starts_with("text/html"));
        assert!(page.text.contains(page.header("x-request-id")));
    });
}

#[test]
fn a_list_is_read_page_by_page() {
    on_both(|service| {
        let ann = service.program(Role::Administrator);
        for name in ["b", "c", "d", "e"] {
            service.person(name, Role::Engineer);
        }
        let (mut names, mut path) = (Vec::new(), "/api/v1/people?limit=2".to_string());
        loop {
            let page = ann.get(&path).json();
            for item in page["items"].as_array().unwrap() {
                names.push(item["name"].as_str().unwrap().to_string());
            }
            match page["next"].as_str() {
                Some(cursor) => path = format!("/api/v1/people?limit=2&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(names, ["program-administrator", "b", "c", "d", "e"]);
    });
}

#[test]
fn answers_are_dressed_for_browsers() {
    on_both(|service| {
        let page = service.nobody().get("/login");
        assert_eq!(page.status, 200);
        assert!(
            page.header("content-security-policy")
                .contains("default-src 'self'")
        );
        assert!(
            page.header("content-security-policy")
                .contains("frame-ancestors 'none'")
        );
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("referrer-policy"), "same-origin");
        assert_eq!(page.header("cache-control"), "no-store");

        let asset = service.nobody().get("/assets/redress.css");
        assert_eq!(asset.status, 200);
        assert_eq!(asset.header("content-type"), "text/css; charset=utf-8");
        let known = service.nobody().with("If-None-Match", asset.header("etag"));
        assert_eq!(known.get("/assets/redress.css").status, 304);
        assert_eq!(service.nobody().get("/assets/secret").status, 404);
    });
}

#[test]
fn whoever_watches_learns_how_it_stands() {
    on_both(|service| {
        let nobody = service.nobody();
        assert_eq!(nobody.get("/healthz").status, 200);
        let ready = nobody.get("/readyz");
        assert_eq!(ready.status, 200);
        assert_eq!(ready.json()["checks"][0]["name"], "database");
        nobody.get("/nothing");
        let metrics = nobody.get("/metrics").text;
        assert!(
            metrics.contains("redress_http_answers_total{status=\"4xx\"} 1"),
            "{metrics}"
        );
        service.store.revert_all().unwrap();
        let unready = nobody.get("/readyz");
        assert_eq!(unready.status, 503);
        assert_eq!(unready.json()["checks"][0]["ok"], false);
    });
}

#[test]
fn an_unexpected_error_tells_the_caller_nothing() {
    on_both(|service| {
        let ann = service.program(Role::Administrator);
        assert_eq!(ann.get("/api/v1/people").status, 200);
        service.store.revert_all().unwrap();
        let failed = ann.get("/api/v1/people");
        failed.problem(500);
        for word in ["tokens", "table", "relation", "sql"] {
            assert!(
                !failed.text.to_lowercase().contains(word),
                "{}",
                failed.text
            );
        }
    });
}
