//! A password in a file, which is read at each connection.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::thread::sleep;
use std::time::Duration;

use redis::cmd;
use xtoken::ledger::{Ledger, RedisLedger, Spent, Unavailable};

use super::server::Server;
use super::spend;

#[test]
fn a_password_in_a_file_is_read_anew_at_each_connection() {
    let server = Server::start(&[]);
    let mut client = server.has_been_there().client();
    let mut set = |password: &str| {
        cmd("CONFIG").arg(&["SET", "requirepass", password]).exec(&mut client).unwrap();
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pass word");
    let path = file.display().to_string();
    let encoded = path.replace(' ', "%20");
    let url = |user| {
        let port = server.port;
        format!("redis://{user}127.0.0.1:{port}?timeout=300&password_file={encoded}")
    };
    set("f1rst");
    let ledger = RedisLedger::new(url("")).unwrap();
    let fails = |expected: &str| {
        assert_eq!(spend(&ledger, 0), Err(Unavailable));
        let said = ledger.last_error().unwrap();
        assert!(said.contains(expected) && said.contains(&path), "{said}");
        assert!(!said.contains("s3cond") && !said.contains("f1rst"), "{said}");
        // Until the next attempt to connect.
        sleep(Duration::from_millis(1_000));
    };
    fails("does not exist");
    fs::write(&file, "f1rst\n").unwrap();
    assert_eq!(spend(&ledger, 1), Ok(Spent::First), "{:?}", ledger.last_error());
    let default = RedisLedger::new(url("default@")).unwrap();
    assert_eq!(spend(&default, 1), Ok(Spent::Again), "{:?}", default.last_error());

    // The connection that is there goes on, and the next needs the new password.
    set("s3cond");
    assert_eq!(spend(&ledger, 1), Ok(Spent::Again));
    let others = ["KILL", "TYPE", "normal", "SKIPME", "yes"];
    cmd("CLIENT").arg(&others).exec(&mut client).unwrap();
    fails("correct the user in its URL, or the password in ");
    fs::write(&file, "s3cond \n").unwrap();
    fails("ends with a space or a line break");
    for (content, expected) in [
        ("\u{feff}s3cond\n", "begins with a byte order mark"),
        ("s\u{0}3\u{0}c\u{0}o\u{0}n\u{0}d\u{0}", "has NUL bytes, as UTF-16 has"),
        ("# Redis\ns3cond\n", "has several lines"),
    ] {
        fs::write(&file, content).unwrap();
        fails(expected);
    }
    fs::write(&file, "").unwrap();
    fails("is empty");
    fs::write(&file, "s3cond\n").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o646)).unwrap();
    fails("run chmod o-w");
    fs::set_permissions(&file, Permissions::from_mode(0o444)).unwrap();
    assert_eq!(spend(&ledger, 2), Ok(Spent::First), "{:?}", ledger.last_error());
    assert_eq!(ledger.last_error(), None);
    assert!(!format!("{ledger:?}").contains("s3cond"));
}

#[test]
fn a_path_that_may_be_a_password_is_not_shown() {
    for (path, expected) in [
        ("/s3cret", "the password_file of the ledger does not exist"),
        ("/s3cret/s3cret", "the password_file of the ledger does not exist"),
        ("/tmp/no-such-file", "/tmp/no-such-file, the password_file of the ledger, does not exist"),
        ("/tmp", "/tmp, the password_file of the ledger, is not a file"),
    ] {
        let server = Server::start(&[]);
        let url = format!("{}?timeout=300&password_file={path}", server.url());
        let ledger = RedisLedger::new(url).unwrap();
        assert_eq!(spend(&ledger, 0), Err(Unavailable));
        let said = ledger.last_error().unwrap();
        assert!(said.starts_with(expected) && !said.contains("s3cret"), "{said}");
    }
}
