//! The command line as scripts use it: what it prints where, and its exit codes.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

fn redress(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_redress"));
    command.current_dir(folder).args(args);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("REDRESS_")) {
        command.env_remove(name);
    }
    command
}

pub fn run(folder: &Path, args: &[&str], input: &str) -> Output {
    let mut child = redress(folder, args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that fails early does not read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

const ADD_ANN: &[&str] = &[
    "user",
    "add",
    "--email",
    "ann@example.com",
    "--name",
    "Ann",
    "--role",
    "administrator",
];
const TOKEN_OF_ANN: &[&str] = &[
    "token",
    "create",
    "--email",
    "ann@example.com",
    "--name",
    "script",
];

#[test]
fn a_token_stands_alone_on_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let added = run(folder.path(), ADD_ANN, "four words in a row\n");
    assert!(added.status.success(), "{}", text(&added.stderr));
    assert_eq!(text(&added.stdout), "", "a given password is not shown");
    let made = run(folder.path(), TOKEN_OF_ANN, "");
    assert!(made.status.success());
    let token = text(&made.stdout).strip_suffix('\n').unwrap();
    assert!(token.starts_with("rdr_") && token.len() == 47, "{token}");
    assert!(folder.path().join("redress-data/redress.db").exists());
}

#[test]
fn a_password_is_made_and_printed_when_none_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let added = run(folder.path(), ADD_ANN, "");
    assert!(added.status.success(), "{}", text(&added.stderr));
    assert_eq!(text(&added.stdout).trim_end().len(), 20);
}

#[test]
fn wrong_usage_and_wrong_input_exit_with_2_and_say_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("odd.toml"), "databse_url = \"x\"").unwrap();
    let table: &[(&[&str], &str)] = &[
        (&["fly"], "unrecognized subcommand"),
        (
            &[
                "user",
                "add",
                "--email",
                "a@example.com",
                "--name",
                "A",
                "--role",
                "boss",
            ],
            "procurement",
        ),
        (
            &[
                "user", "add", "--email", "a", "--name", "A", "--role", "manager",
            ],
            "ann@example.com",
        ),
        (TOKEN_OF_ANN, "there is no active person ann@example.com"),
        (
            &["migrate", "--config", "odd.toml"],
            "databse_url in odd.toml",
        ),
        (&["migrate", "--config", "none.toml"], "none.toml"),
        (
            &["migrate", "--database-url", "postgress://db/x"],
            "--database-url",
        ),
        (&["serve", "--listen", "8080"], "127.0.0.1:8080"),
        (
            &["serve", "--mail-templates", "letters"],
            "letters: the folder of templates cannot be read",
        ),
        (
            &["templates", "write", "letters", "rased"],
            "no letter is called rased",
        ),
    ];
    for (args, way_out) in table {
        let output = run(folder.path(), args, "four words in a row\n");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(way_out), "{args:?}: {said}");
    }
}

#[test]
fn what_fails_exits_with_1_and_shows_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let url = "postgres://ann:hunter2@127.0.0.1:1/redress";
    let output = run(folder.path(), &["migrate", "--database-url", url], "");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("127.0.0.1") && !said.contains("hunter2"),
        "{said}"
    );
    assert_eq!(text(&output.stdout), "");
}

#[test]
fn migrating_twice_says_that_there_is_nothing_left() {
    let folder = tempfile::tempdir().unwrap();
    let first = run(folder.path(), &["migrate"], "");
    assert!(
        text(&first.stdout).starts_with("Took step "),
        "{}",
        text(&first.stdout)
    );
    let second = run(folder.path(), &["migrate"], "");
    assert!(
        text(&second.stdout).contains("already"),
        "{}",
        text(&second.stdout)
    );
}

#[test]
fn a_calendar_question_is_answered_before_the_next_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = redress(folder.path(), &["calendar", "eval"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut asks = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut ask = |line: &str| {
        writeln!(asks, "{line}").unwrap();
        asks.flush().unwrap();
        // The next question is not written before this returns; an answer that waits would hang.
        answers.next().unwrap().unwrap()
    };
    let question = |id: &str, duration: &str| {
        format!(
            r#"{{"id":"{id}","kind":"add","calendar":{{"tz":"Europe/Berlin","week":{{"mon":[["09:00","17:00"]]}}}},"start":"2026-11-23T15:00:00+01:00","duration_s":{duration}}}"#
        )
    };
    assert_eq!(
        ask(&question("a", "3600")),
        r#"{"id":"a","result":"2026-11-23T16:00:00+01:00"}"#
    );
    assert_eq!(
        ask("{\"id\": 1,"),
        r#"{"error":"line 2: is not JSON: EOF while parsing a value at column 9","id":null}"#
    );
    assert!(ask(&question("b", "\"PT1H\"")).contains(r#""error":"line 3: duration_s: "#));
    let long = format!("{{\"id\": \"{}\"}}", "x".repeat(3 << 20));
    assert!(ask(&long).contains("line 4: is longer than 1048576 bytes"));
    assert_eq!(
        ask(&question("c", "7200")),
        r#"{"id":"c","result":"2026-11-23T17:00:00+01:00"}"#
    );
    drop(asks);
    assert!(answers.next().is_none());
    assert!(child.wait().unwrap().success());
}

#[test]
fn what_a_calendar_question_gets_wrong_is_named_by_line_and_field_with_the_way_out() {
    let week = r#"{"tz":"Europe/Berlin","week":{"mon":[["09:00","17:00"]]}}"#;
    let add = |calendar: &str, start: &str, duration: &str| {
        format!(
            r#"{{"kind":"add","calendar":{calendar},"start":"{start}","duration_s":{duration}}}"#
        )
    };
    let now = "2026-11-23T10:00:00Z";
    let table = [
        (
            add(week, now, "1000000000000000"),
            "duration_s: ",
            "0 to 10^11",
        ),
        (
            add(week, now, "9223372036854775807"),
            "duration_s: ",
            "0 to 10^11",
        ),
        (add(week, now, "1e15"), "duration_s: ", "0 to 10^11"),
        (add(week, now, "-1"), "duration_s: ", "0 to 10^11"),
        (
            add(week, now, "100000000000"),
            "duration_s: ",
            "give it more hours, or ask for less time",
        ),
        (
            add(r#"{"tz":"UTC"}"#, now, "0"),
            "duration_s: ",
            "give it more hours",
        ),
        (
            add(week, "0001-01-01T00:00:00Z", "1"),
            "start: ",
            "1900 to 2999",
        ),
        (
            add(week, "2500-01-01T00:00:00Z", "1"),
            "start: ",
            "1900 to 2099",
        ),
        (
            add(week, "2099-12-31T23:00:00Z", "360000"),
            "start: ",
            "1900 to 2099",
        ),
        (
            add(week, "2026-11-23T10:00:00", "1"),
            "start: ",
            "2026-11-20T15:40:00Z",
        ),
        (
            add(r#"{"tz":"Mars/Base"}"#, now, "1"),
            "calendar: ",
            "Europe/Berlin",
        ),
        (
            add(r#"{"tz":"UTC","holidays":["2026-02-30"]}"#, now, "1"),
            "calendar: holidays: ",
            "2026-11-23",
        ),
        (
            add(r#"{"tz":"UTC","overrides":{"9999-01-01":[]}}"#, now, "1"),
            "calendar: overrides: ",
            "1900 to 2999",
        ),
        (
            add(r#"{"tz":"UTC","weeks":{}}"#, now, "1"),
            "calendar: ",
            "`week`",
        ),
        (add("[\"UTC\",{}]", now, "1"), "calendar: ", "JSON object"),
        (add("null", now, "1"), "calendar: ", "missing"),
        (add(week, now, "null"), "duration_s ", "missing"),
        (
            r#"{"calendar":{"tz":"UTC"}}"#.to_string(),
            "kind ",
            "missing",
        ),
        ("[1,2]".to_string(), "is not a JSON object", ""),
        (
            format!(
                r#"{{"kind":"between","calendar":{week},"start":"{now}","end":"2150-01-01T00:00:00Z"}}"#
            ),
            "end: ",
            "1900 to 2099",
        ),
        (
            format!(r#"{{"kind":"is_open","calendar":{week},"at":"2200-01-01T00:00:00Z"}}"#),
            "at: ",
            "1900 to 2099",
        ),
    ];
    let lines: Vec<&str> = table.iter().map(|(line, ..)| line.as_str()).collect();
    let mut answers = Vec::new();
    let summary = redress::cli::calendar::eval(lines.join("\n").as_bytes(), &mut answers).unwrap();
    assert_eq!((summary.answered, summary.refused), (0, table.len() as u64));
    for (number, ((line, field, way_out), answer)) in
        (1..).zip(table.iter().zip(text(&answers).lines()))
    {
        let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
        let said = answer["error"].as_str().unwrap();
        assert!(
            said.starts_with(&format!("line {number}: {field}")),
            "{line}: {said}"
        );
        assert!(said.contains(way_out), "{line}: {said}");
    }
}

/// A service that is killed when the test ends, however it ends.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn templates_are_written_to_begin_with_and_a_broken_one_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let write = |letters: &[&str]| {
        let args = [&["templates", "write", "letters"], letters].concat();
        run(folder.path(), &args, "")
    };
    assert!(write(&["raised", "_parts"]).status.success());
    let subject = folder.path().join("letters/raised/en/subject.txt");
    assert!(subject.exists());
    assert!(!folder.path().join("letters/warned").exists());
    let again = write(&[]);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("is there already"));
    std::fs::write(&subject, "{% if drill %}\n{{ nothing }}").unwrap();
    let args = ["serve", "--mail-templates", "letters"];
    let refused = run(folder.path(), &args, "");
    assert_eq!(refused.status.code(), Some(2));
    let said = text(&refused.stderr);
    assert!(
        said.contains("letters/raised/en/subject.txt:2: syntax error"),
        "{said}"
    );
    assert!(
        !folder.path().join("redress-data").exists(),
        "nothing was begun"
    );
}

#[test]
fn a_service_offers_its_first_link_answers_and_stops_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let unready = run(
        folder.path(),
        &["serve", "--no-migrate", "--listen", "127.0.0.1:0"],
        "",
    );
    assert_eq!(unready.status.code(), Some(1));
    assert!(text(&unready.stderr).contains("redress migrate"));

    let child = redress(folder.path(), &["--listen", "127.0.0.1:0"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut serving = Serving(child);
    let lines = BufReader::new(serving.0.stdout.take().unwrap()).lines();
    let mut link = String::new();
    for line in lines.map(Result::unwrap) {
        if line.contains("/setup/") {
            link = line.trim().to_string();
        }
        if line.starts_with("Redress listens on") {
            break;
        }
    }
    let asked = ureq::get(&link).call().unwrap();
    assert_eq!(asked.status(), 200);

    let process = serving.0.id().to_string();
    let told = Command::new("kill")
        .args(["-TERM", &process])
        .status()
        .unwrap();
    assert!(told.success());
    assert!(serving.0.wait().unwrap().success());
    let mut log = String::new();
    serving
        .0
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut log)
        .unwrap();
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let answered = lines
        .iter()
        .find(|line| line["message"] == "answered")
        .unwrap();
    assert!(answered["span"]["request_id"].is_string(), "{answered}");
    assert!(lines.iter().any(|line| line["message"] == "stopped"));
    let secret = link.rsplit('/').next().unwrap();
    assert!(!log.contains(secret), "the link is a secret");
}

#[test]
fn a_message_from_a_pipe_is_kept_refused_or_to_be_brought_again() {
    let folder = tempfile::tempdir().unwrap();
    let message = "From: desk@vendor.example\r\nSubject: Re: Frankfurt\r\n\r\nWe are on it.\r\n";
    let early = run(folder.path(), &["inbound"], message);
    assert_eq!(early.status.code(), Some(75), "{}", text(&early.stderr));
    assert!(
        text(&early.stderr).contains("redress migrate"),
        "{}",
        text(&early.stderr)
    );
    assert!(run(folder.path(), &["migrate"], "").status.success());
    for said in ["kept as unplaced", "kept before"] {
        let kept = run(folder.path(), &["inbound"], message);
        assert!(kept.status.success(), "{}", text(&kept.stderr));
        assert_eq!(text(&kept.stdout).trim(), said);
    }
    let bomb = format!(
        "From: desk@vendor.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{}",
        "--b\r\n\r\n".repeat(1_000)
    );
    let refused = run(folder.path(), &["inbound"], &bomb);
    assert_eq!(refused.status.code(), Some(65), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("more than 200 parts"));
    let nothing = run(folder.path(), &["inbound"], "");
    assert_eq!(nothing.status.code(), Some(65), "{}", text(&nothing.stderr));
    let away = [
        "inbound",
        "--database-url",
        "postgres://nobody@127.0.0.1:1/none",
    ];
    let later = run(folder.path(), &away, message);
    assert_eq!(later.status.code(), Some(75), "{}", text(&later.stderr));
    let wrong = run(
        folder.path(),
        &["inbound", "--mail-reply-to", "nowhere"],
        message,
    );
    assert_eq!(wrong.status.code(), Some(2));
    let help = run(folder.path(), &["inbound", "--help"], "");
    assert!(text(&help.stdout).contains("75  the database"));
}
