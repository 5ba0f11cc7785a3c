use super::{Look, browser, browser_with};
use serde_json::json;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

const PAGE: &str = r#"<!doctype html><html lang="en"><head><title>Raise</title><link rel="icon" href="data:,">
<style>p { color: rgb(1, 2, 3) } @media (prefers-color-scheme: dark) { p { color: rgb(4, 5, 6) } }</style></head>
<body><p id="hint">Say what is wrong</p><p id="hidden" hidden>Not seen</p>
<form method="post" action="/raised"><input name="title" maxlength="40" required>
<select name="severity"><option value="S1">Critical</option><option value="S2">Major</option></select>
<button>Raise</button></form><noscript><p id="without">No script</p></noscript>
<script>setTimeout(() => document.body.insertAdjacentHTML("beforeend", "<p id=later>Later</p>"), 50)</script></body></html>"#;

/// Answers GET with [`PAGE`] and everything else with the method, path, body and language of the request.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // Chromium also opens connections on which it then asks nothing.
            thread::spawn(move || answer(&stream));
        }
    });
    url
}

fn answer(mut stream: &TcpStream) -> std::io::Result<()> {
    let mut from = BufReader::new(stream);
    let (mut head, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        if from.read_line(&mut line)? <= 2 {
            break;
        }
        let line = line.trim_end().to_ascii_lowercase();
        length = line
            .strip_prefix("content-length: ")
            .map_or(length, |value| value.parse().unwrap_or(0));
        head.push(line);
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    let request = head.first().cloned().unwrap_or_default();
    let page = if request.starts_with("get / ") {
        PAGE.to_owned()
    } else {
        let language = head
            .iter()
            .find(|line| line.starts_with("accept-language"))
            .cloned()
            .unwrap_or_default();
        format!(
            "<title>Raised</title><pre>{request}\n{}\n{language}</pre>",
            String::from_utf8_lossy(&body)
        )
    };
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nSet-Cookie: session=7; HttpOnly\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{page}",
        page.len()
    )
}

#[test]
fn a_form_is_filled_in_and_sent() {
    let Some(browser) = browser(375, 700) else {
        return;
    };
    let url = serve();
    browser.goto(&url);
    assert_eq!(
        (browser.url(), browser.title()),
        (url.clone(), "Raise".into())
    );
    assert_eq!(
        browser.run(
            "return [innerWidth, innerHeight, arguments[0]]",
            &[json!("x")]
        ),
        json!([375, 700, "x"])
    );
    assert_eq!(browser.text("#hint"), "Say what is wrong");
    assert_eq!(browser.find("#hint").style("color"), "rgba(1, 2, 3, 1)");
    assert!(browser.find("#hint").is_shown() && !browser.find("#hidden").is_shown());
    assert_eq!(browser.find_all("option").len(), 2);
    assert!(!browser.has("#without"));

    let title = browser.find("[name=title]");
    title.types("nothing");
    title.clear();
    title.types("Frankfurt is cut off");
    browser.find("[name=severity]").types("Major");
    assert_eq!(title.attribute("maxlength").as_deref(), Some("40"));
    assert_eq!(
        (title.attribute("value"), title.property("value")),
        (None, json!("Frankfurt is cut off"))
    );
    browser.find("button").follow();

    assert_eq!(
        (browser.url(), browser.title()),
        (format!("{url}raised"), "Raised".into())
    );
    assert_eq!(
        browser.text("pre"),
        "post /raised http/1.1\ntitle=Frankfurt+is+cut+off&severity=S2\naccept-language: en"
    );
    assert_eq!(
        browser.cookies(),
        [("session".to_owned(), "7".to_owned())].into()
    );

    browser.back();
    browser.reload();
    browser.find("[name=title]").types("Again");
    browser.find("[name=title]").submit();
    assert_eq!(browser.title(), "Raised");
    assert!(browser.text("pre").contains("title=Again&severity="));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn what_comes_later_is_waited_for_and_pictured() {
    let Some(browser) = browser(400, 300) else {
        return;
    };
    browser.goto(&serve());
    browser.wait_for_text("p", "Later");
    assert_eq!(browser.wait_for("#later").text(), "Later");
    browser.run(
        "document.getElementById('hint').onclick = event => event.target.remove()",
        &[],
    );
    browser.find("#hint").click();
    browser.wait_until("it goes", Duration::from_secs(20), |browser| {
        !browser.has("#hint")
    });

    browser.run("console.error('a fault')", &[]);
    let complaints = browser.complaints();
    assert!(
        complaints.len() == 1 && complaints[0].contains("a fault"),
        "{complaints:?}"
    );

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.png");
    browser.screenshot(&file);
    let picture = std::fs::read(file).unwrap();
    assert_eq!(&picture[..8], b"\x89PNG\r\n\x1a\n");
    // Width and height stand at the head of the file.
    assert_eq!(picture[16..24], [[0, 0, 1, 144], [0, 0, 1, 44]].concat());
}

#[test]
#[should_panic(expected = "nothing matches #nowhere")]
fn what_is_not_there_is_a_failure_with_the_page_in_it() {
    let Some(browser) = browser(400, 300) else {
        panic!("nothing matches #nowhere, nor is there a browser")
    };
    browser.goto("data:text/html,<p>elsewhere</p>");
    browser.find("#nowhere");
}

#[test]
fn scripts_can_be_off_pages_dark_and_languages_other() {
    let Some(browser) = browser_with(Look {
        dark: true,
        script: false,
        language: "zh-CN",
        ..Look::default()
    }) else {
        return;
    };
    browser.goto(&serve());
    assert_eq!(browser.text("#without"), "No script");
    assert_eq!(browser.find("#hint").style("color"), "rgba(4, 5, 6, 1)");
    browser.wait_until("a frame", Duration::from_secs(20), |browser| {
        browser.has("#without")
    });
    browser.find("[name=title]").types("x");
    browser.find("[name=title]").submit();
    assert_eq!(browser.title(), "Raised");
    assert!(
        browser.text("pre").contains("accept-language: zh-cn"),
        "{}",
        browser.text("pre")
    );
}
