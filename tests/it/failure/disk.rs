//! A disk that is full or takes nothing at all: writes are refused with a reason, reads go on, and the
//! service recovers by itself.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use super::child::{Child, Doors, Order};
use super::history::{check, is_settled, settles};
use super::house::{Chance, House, until};
use super::traffic::{Answered, Asker, Caller};
use crate::support::or_leave_out;

/// A file that may not grow is an error of the write then, and no signal that ends the service.
fn limited() -> Order {
    Order {
        first: Some("trap '' XFSZ; exec \"$@\"".to_string()),
        ..Order::default()
    }
}

fn limits(child: &Child, bytes: &str) {
    let done = Command::new("prlimit")
        .args(["--pid", &child.process.to_string()])
        .arg(format!("--fsize={bytes}:unlimited"))
        .status();
    assert!(done.unwrap().success(), "prlimit");
}

/// `prlimit` is part of util-linux, which every Linux has and nothing else.
fn prlimit() -> Result<(), String> {
    let tried = Command::new("prlimit").arg("--version").output();
    tried.map(drop).map_err(|error| format!("prlimit: {error}"))
}

/// Raises incidents, then lets the disk refuse, and later take again; gives what was answered.
fn goes_through(
    house: &House,
    child: &Child,
    refuses: impl FnOnce(),
    takes: impl FnOnce(),
    what: &str,
) -> Answered {
    let mut chance = Chance::of_this_run(what);
    let doors = Doors::closed(1);
    doors.set(0, Some(child.url.clone()));
    let mut caller = Caller::new(house, &doors, chance.branch());
    caller.answered.raised.push(house.first.0);
    (0..5).for_each(|_| {
        caller.raises();
    });
    refuses();
    let asker = Asker::new(house, &child.url);
    // What still has room is taken.
    let mut refused = None;
    until(&format!("{what}: a write is refused"), || {
        let (status, answer) = asker.raises();
        if status == 201 {
            caller.answered.raised.push(answer["id"].as_i64().unwrap());
            return false;
        }
        refused = Some((status, answer));
        true
    });
    for (status, answer) in refused.into_iter().chain((0..3).map(|_| asker.raises())) {
        assert_eq!(status, 503, "{answer}");
        assert_eq!(answer["title"], "The database cannot be used just now");
        assert!(
            answer["detail"]
                .as_str()
                .unwrap()
                .starts_with("Nothing was changed."),
            "{answer}"
        );
    }
    for path in [
        "/healthz",
        "/api/v1/incidents",
        "/api/v1/incidents/1",
        "/api/v1/letters",
    ] {
        let (status, answer) = asker.asks("GET", path, None);
        assert_eq!(status, 200, "{path}: {answer}");
    }
    assert!(!child.has_ended(), "{}", child.said());
    takes();
    (0..5).for_each(|_| {
        caller.raises();
    });
    caller.answered
}

/// A service whose files may not grow beyond so many bytes for a while.
fn is_limited(house: &House, child: Child, bytes: u64, what: &str) {
    let answered = goes_through(
        house,
        &child,
        || limits(&child, &bytes.to_string()),
        || limits(&child, "unlimited"),
        what,
    );
    settles(house);
    child.stop();
    check(house, &answered, what);
}

#[test]
fn a_full_disk_refuses_writes_and_is_recovered_from() {
    let Some(()) = or_leave_out("prlimit", prlimit()) else {
        return;
    };
    let house = House::on_sqlite();
    let child = Child::start(&house, &limited());
    let log = fs::metadata(house.folder.path().join("house.db-wal")).unwrap();
    is_limited(&house, child, log.len() + 60_000, "files may not grow");
}

#[test]
fn a_disk_that_takes_no_byte_refuses_writes_and_is_recovered_from() {
    let Some(()) = or_leave_out("prlimit", prlimit()) else {
        return;
    };
    let house = House::on_sqlite();
    let child = Child::start(&house, &limited());
    is_limited(&house, child, 0, "no file may be written");
}

/// A file system of a few megabytes that only the service sees, with the database on it.
const SMALL_DISK: &str = r#"exec unshare -m sh -c '
mkdir disk && mount -t tmpfs -o size=32m none disk && mv house.db* disk/ && exec "$@"' sh "$@""#;

/// The same, and nothing on it can be written.
const READ_ONLY_DISK: &str = r#"exec unshare -m sh -c '
mkdir disk && mount -t tmpfs none disk && cp house.db* disk/ && mount -o remount,ro disk && exec "$@"' sh "$@""#;

fn mounts() -> Result<(), String> {
    let script =
        "d=$(mktemp -d) && mount -t tmpfs none $d; status=$?; umount $d; rmdir $d; exit $status";
    let tried = Command::new("unshare")
        .args(["-m", "sh", "-c", script])
        .output();
    let tried = tried.map_err(|error| format!("unshare: {error}"))?;
    let said = String::from_utf8_lossy(&tried.stderr).into_owned();
    tried
        .status
        .success()
        .then_some(())
        .ok_or(format!("nothing can be mounted here: {said}"))
}

#[test]
fn a_file_system_without_room_refuses_writes_and_is_recovered_from() {
    let Some(()) = or_leave_out("mounts", mounts()) else {
        return;
    };
    let mut house = House::on_sqlite();
    let disk = house.folder.path().join("disk");
    let child = Child::start(
        &house,
        &Order {
            first: Some(SMALL_DISK.to_string()),
            database: Some(format!("sqlite:{}", disk.join("house.db").display())),
            ..Order::default()
        },
    );
    // As this process sees what only that one has mounted.
    let seen = PathBuf::from(format!("/proc/{}/root{}", child.process, disk.display()));
    let ballast = seen.join("ballast");
    let fills = || {
        let mut file = File::create(&ballast).unwrap();
        while file.write(&[0; 4096]).is_ok_and(|written| written > 0) {}
    };
    let frees = || fs::remove_file(&ballast).unwrap();
    let what = "a file system without room";
    let answered = goes_through(&house, &child, fills, frees, what);
    // SQLite would follow the link to the file of that name here, so it is given copies, until one is of
    // a service at rest.
    let mut copies = 0;
    until("everything that is due is done", || {
        copies += 1;
        let copy = house.folder.path().join(format!("copy-{copies}"));
        fs::create_dir(&copy).unwrap();
        for name in ["house.db", "house.db-wal"] {
            fs::copy(seen.join(name), copy.join(name)).unwrap();
        }
        house.database = format!("sqlite:{}", copy.join("house.db").display());
        is_settled(&house)
    });
    child.kill();
    check(&house, &answered, what);
}

#[test]
fn a_database_that_may_not_be_written_is_no_place_to_start() {
    let Some(()) = or_leave_out("mounts", mounts()) else {
        return;
    };
    let house = House::on_sqlite();
    let disk = house.folder.path().join("disk");
    let order = Order {
        first: Some(READ_ONLY_DISK.to_string()),
        database: Some(format!("sqlite:{}", disk.join("house.db").display())),
        ..Order::default()
    };
    let said = Child::try_start(&house, &order).err().unwrap();
    assert!(
        said.starts_with("error: cannot open the database sqlite:"),
        "{said}"
    );
}
