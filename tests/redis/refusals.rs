//! What is said when a server refuses a command, and what is not.

use std::io::{Read, Write};

use redis::cmd;
use xtoken::ledger::{Ledger, RedisLedger, Spent, Unavailable};

use super::server::Server;
use super::{NOW, spend, token};

/// Returns what is said about a server with these options, for the end of a URL.
fn said(options: &[&str], login: &str, query: &str) -> String {
    let server = Server::start(options);
    let url = format!("redis://{login}127.0.0.1:{}{query}", server.port);
    let ledger = RedisLedger::new(url).unwrap();
    assert_eq!(spend(&ledger, 0), Err(Unavailable));
    ledger.last_error().unwrap()
}

#[test]
fn what_the_server_says_is_passed_on() {
    let said = |options: &[&str], login, query| said(options, login, query);
    let database = said(&[], "", "/99?timeout=300");
    assert!(database.contains("(ERR DB index is out of range): name a database"), "{database}");
    for (renamed, expected) in [
        ("INFO", "(ERR unknown command 'INFO'): INFO, EVAL"),
        ("EVAL", "(ERR unknown command 'EVAL'): INFO, EVAL"),
        ("TIME", "nknown Redis command called from script"),
    ] {
        let said = said(&["--rename-command", renamed, "x1"], "", "?timeout=300");
        assert!(said.contains(expected) && !said.contains("local "), "{said}");
    }
}

#[test]
fn a_password_that_the_server_repeats_is_not_passed_on() {
    let renamed = said(&["--rename-command", "AUTH", "x1"], "me:s3cret@", "?timeout=300");
    assert!(renamed.contains("does not know the command AUTH"), "{renamed}");
    assert!(!renamed.contains("s3cret"), "{renamed}");
    let not_needed = said(&[], ":s3cret@", "?timeout=300");
    assert!(not_needed.contains("its default user has no password"), "{not_needed}");
}

#[test]
fn a_password_that_is_repeated_after_the_login_is_not_passed_on() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut login = [0; 64];
        let length = stream.read(&mut login).unwrap();
        let login = String::from_utf8_lossy(&login[..length]).replace("\r\n", " ");
        stream.write_all(b"+OK\r\n").unwrap();
        let _ = stream.read(&mut [0; 64]).unwrap();
        stream.write_all(format!("-ERR I remember {login}\r\n").as_bytes()).unwrap();
    });
    let ledger = RedisLedger::new(format!("redis://:s3cret@127.0.0.1:{port}?timeout=300")).unwrap();
    assert_eq!(ledger.probe(), Err(Unavailable));
    server.join().unwrap();
    let said = ledger.last_error().unwrap();
    assert!(!said.contains("s3cret"), "{said}");
}

#[test]
fn a_sentinel_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("sentinel.conf");
    std::fs::write(&configuration, "").unwrap();
    let server = Server::start_with(Some(configuration), &["--sentinel"], Vec::new());
    let ledger = RedisLedger::new(format!("{}?timeout=300", server.url())).unwrap();
    assert_eq!(spend(&ledger, 0), Err(Unavailable));
    let said = ledger.last_error().unwrap();
    assert!(said.contains("this is a Redis Sentinel"), "{said}");
}

#[test]
fn a_policy_that_changes_under_a_connection_is_noticed() {
    let server = Server::start(&[]);
    server.has_been_there();
    let ledger = RedisLedger::new(format!("{}?timeout=300", server.url())).unwrap();
    assert_eq!(spend(&ledger, 1), Ok(Spent::First));
    for (name, value) in [("maxmemory-policy", "allkeys-lru"), ("maxmemory", "50mb")] {
        cmd("CONFIG").arg(&["SET", name, value]).exec(&mut server.client()).unwrap();
    }
    let start = std::time::Instant::now();
    while ledger.spend(&token(1), NOW) == Ok(Spent::Again) {
        assert!(start.elapsed().as_secs() < 60, "it is not noticed");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert!(ledger.last_error().unwrap().contains("set noeviction"), "{:?}", ledger.last_error());
}
