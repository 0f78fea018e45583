//! The ledger in a server, with real servers that are stopped, emptied and started again.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod clock;
mod server;

use std::io::{Read, Write, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Barrier};
use std::thread::{scope, sleep, spawn};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clock::WallClock;
use redis::cmd;
use server::Server;
use xtoken::ledger::deferred::{Outcome, Ticket};
use xtoken::ledger::{self, Ledger, RedisLedger, Spending, Spent, Unavailable};

/// When the ledgers of these tests first meet their server.
const START: u64 = 1_700_000_000;
/// When every token that is presented is younger than the server's memory.
const NOW: u64 = START + 150;

fn token(number: usize) -> Spending {
    at(NOW, number)
}

fn at(now: u64, number: usize) -> Spending {
    let step = now / 30;
    Spending { fingerprint: (number as u128).to_le_bytes(), step, deviation: 1 }
}

/// A ledger whose server has been there for longer than any token.
fn ledger(server: &Server, query: &str) -> RedisLedger {
    let ledger = RedisLedger::new(format!("{}?{query}", server.url())).unwrap();
    assert_eq!(ledger.spend(&at(START, usize::MAX), START), Err(Unavailable));
    ledger
}

fn spend(ledger: &RedisLedger, number: usize) -> Outcome {
    ledger.spend(&token(number), NOW)
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    (work(), start.elapsed())
}

fn collect(ledger: &RedisLedger, count: usize) -> Vec<(Ticket, Outcome)> {
    let mut outcomes = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(10);
    while outcomes.len() < count {
        assert!(Instant::now() < deadline, "only {} of {count} answers", outcomes.len());
        outcomes.extend(ledger.deferred().unwrap().finished(usize::MAX));
        sleep(Duration::from_millis(1));
    }
    outcomes
}

#[test]
fn a_token_is_spent_once() {
    let server = Server::start(&[]);
    let (one, other) = (ledger(&server, ""), RedisLedger::new(server.url()).unwrap());
    assert_eq!(spend(&one, 1), Ok(Spent::First));
    assert_eq!(spend(&one, 1), Ok(Spent::Again));
    assert_eq!(spend(&other, 1), Ok(Spent::Again), "another ledger, as another machine has");
    assert_eq!(spend(&other, 2), Ok(Spent::First));
    assert_eq!(one.trouble(), None);
}

#[test]
fn eight_threads_of_two_ledgers_spend_each_token_once() {
    const TOKENS: usize = 5_000;
    let server = Server::start(&[]);
    let ledgers = [ledger(&server, ""), RedisLedger::new(server.url()).unwrap()];
    let (first, start) = (AtomicUsize::new(0), Barrier::new(8));
    scope(|scope| {
        for thread in 0..8 {
            let (ledger, first, start) = (&ledgers[thread % 2], &first, &start);
            scope.spawn(move || {
                start.wait();
                for number in 0..TOKENS {
                    if spend(ledger, number).unwrap() == Spent::First {
                        first.fetch_add(1, Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(first.into_inner(), TOKENS);
}

#[test]
fn keys_leave_by_themselves_an_hour_after_their_token() {
    let server = Server::start(&[]);
    assert_eq!(spend(&ledger(&server, "prefix=chat:"), 1), Ok(Spent::First));
    let mut client = server.client();
    let keys: Vec<String> = cmd("KEYS").arg("*").query(&mut client).unwrap();
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert!(keys.iter().all(|key| key.starts_with("chat:")), "{keys:?}");
    let name = keys.iter().find(|key| *key != "chat:epoch").unwrap();
    let seconds: u64 = cmd("TTL").arg(name).query(&mut client).unwrap();
    let wanted = 3_600 + token(1).good_until - NOW;
    assert!((wanted - 2..=wanted).contains(&seconds), "{seconds} s, not {wanted}");
}

#[test]
fn nothing_exists_before_the_first_token() {
    let ledger = ledger::open("redis://127.0.0.1:1").unwrap();
    assert!(ledger.deferred().unwrap().descriptor().is_none());
    assert!(ledger.deferred().unwrap().finished(1).is_empty());
    assert_eq!(ledger.trouble(), None);
}

#[test]
fn tickets_are_answered() {
    let server = Server::start(&[]);
    let ledger = ledger(&server, "");
    let deferred = ledger.deferred().unwrap();
    let tickets: Vec<Ticket> =
        (0..64).map(|n| deferred.begin(&token(n / 2), NOW).unwrap()).collect();
    assert!(deferred.descriptor().is_some());
    let mut answered = collect(&ledger, 64);
    answered.sort_by_key(|(ticket, _)| *ticket);
    assert_eq!(answered.iter().map(|(ticket, _)| *ticket).collect::<Vec<_>>(), tickets);
    for (at, (_, outcome)) in answered.into_iter().enumerate() {
        assert_eq!(outcome, Ok(if at % 2 == 0 { Spent::First } else { Spent::Again }));
    }
}

#[test]
fn a_look_says_what_spending_would_and_spends_nothing() {
    let server = Server::start(&[]);
    let ledger = RedisLedger::new(server.url()).unwrap();
    assert_eq!(ledger.peek(&at(START, 1), START), Err(Unavailable), "as for a spending");
    assert!(ledger.trouble().unwrap().contains("a moment ago"), "{:?}", ledger.trouble());
    assert_eq!(ledger.spend(&at(START, 0), START), Err(Unavailable));
    let look = |number| ledger.peek(&token(number), NOW);
    assert_eq!([look(1), look(1)], [Ok(Spent::First); 2]);
    assert_eq!(spend(&ledger, 1), Ok(Spent::First));
    assert_eq!([look(1), look(2)], [Ok(Spent::Again), Ok(Spent::First)]);

    let deferred = ledger.deferred().unwrap();
    let tickets = [1, 2].map(|number| deferred.begin_peek(&token(number), NOW).unwrap());
    let mut answered = collect(&ledger, 2);
    answered.sort_by_key(|(ticket, _)| *ticket);
    assert_eq!(answered, [(tickets[0], Ok(Spent::Again)), (tickets[1], Ok(Spent::First))]);
    assert_eq!(spend(&ledger, 2), Ok(Spent::First));

    // A server that was emptied is noticed.
    cmd("FLUSHALL").exec(&mut server.client()).unwrap();
    assert_eq!(look(1), Err(Unavailable));
}

#[test]
fn looks_and_probes_decide_nothing_for_later() {
    for now in [0, NOW - 2 * HOUR, NOW, NOW + 2 * HOUR] {
        let mut server = Server::start(&[]);
        let marker = |server: &Server| -> Option<String> {
            cmd("GET").arg("xtoken:epoch").query(&mut server.client()).unwrap()
        };
        let first = RedisLedger::new(server.url()).unwrap();
        assert!(first.probe().is_ok(), "{:?}", first.trouble());
        assert_eq!(first.peek(&at(now, 1), now), Err(Unavailable));
        assert!(first.trouble().unwrap().contains("a moment ago"), "{:?}", first.trouble());
        assert_eq!(marker(&server), None);
        assert_eq!(spend(&first, 1), Err(Unavailable), "it marks the server");

        let ledger = ledger(&server, "");
        server.stop();
        server.start_again();
        assert!(ledger.probe().is_ok(), "{:?}", ledger.trouble());
        assert_eq!(ledger.peek(&at(now, 1), now), Err(Unavailable));
        assert_eq!(spend(&ledger, 1), Err(Unavailable));
    }
}

#[test]
fn a_look_does_not_hide_what_keeps_tokens_from_being_spent() {
    let server = Server::start(&[]);
    let ledger = ledger(&server, "");
    assert_eq!(spend(&ledger, 1), Ok(Spent::First));
    let set = &["SET", "maxmemory", "1"];
    let _: () = cmd("CONFIG").arg(set).query(&mut server.client()).unwrap();
    assert_eq!(spend(&ledger, 2), Err(Unavailable));
    assert_eq!(ledger.peek(&token(1), NOW), Ok(Spent::Again));
    assert!(ledger.trouble().unwrap().contains("maxmemory"), "{:?}", ledger.trouble());
}

#[test]
fn a_probe_brings_the_clock_of_a_server_that_can_be_written() {
    let server = Server::start(&[]);
    let ledger = RedisLedger::new(format!("{}?timeout=300", server.url())).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let clock = ledger.probe().unwrap().clock.unwrap();
    assert!((now..now + 5).contains(&clock), "{clock} and not {now}");
    assert_eq!(ledger.remembered(), None);

    server.signal(libc::SIGSTOP);
    let (probe, took) = timed(|| ledger.probe());
    server.signal(libc::SIGCONT);
    assert_eq!(probe, Err(Unavailable));
    assert!((280..500).contains(&took.as_millis()), "{took:?}");
    assert!(ledger.probe().is_ok(), "{:?}", ledger.trouble());

    let set = &["SET", "maxmemory", "1"];
    let _: () = cmd("CONFIG").arg(set).query(&mut server.client()).unwrap();
    assert_eq!(ledger.probe(), Err(Unavailable));
    assert!(ledger.trouble().unwrap().contains("maxmemory"), "{:?}", ledger.trouble());
}

#[test]
fn a_permission_that_is_missing_is_named() {
    for missing in ["-time", "-set", "-info"] {
        let server = Server::start(&[]);
        let user = ["SETUSER", "default", missing];
        let _: () = cmd("ACL").arg(&user).query(&mut server.client()).unwrap();
        let ledger = RedisLedger::new(format!("{}?timeout=300", server.url())).unwrap();
        assert_eq!(spend(&ledger, 1), Err(Unavailable));
        assert!(ledger.trouble().unwrap().contains("lacks permissions"), "{:?}", ledger.trouble());
    }
}

#[test]
fn the_permissions_that_the_manual_asks_for_suffice() {
    let manual = include_str!("../../docs/ledgers.md");
    let user = manual.lines().find_map(|line| line.strip_prefix("user xtoken ")).unwrap();
    let server = Server::start(&[]);
    let set = cmd("ACL").arg("SETUSER").arg("xtoken").clone();
    let words: Vec<_> = user.split(' ').collect();
    set.clone().arg(words).exec(&mut server.client()).unwrap();
    let url = format!("redis://xtoken:PASSWORD@127.0.0.1:{}/1", server.port);
    let ledger = RedisLedger::new(url).unwrap();
    assert_eq!(ledger.spend(&at(START, 0), START), Err(Unavailable));
    assert!(ledger.trouble().unwrap().contains("a moment ago"), "{:?}", ledger.trouble());
    assert!(ledger.probe().is_ok(), "{:?}", ledger.trouble());
    assert_eq!(ledger.peek(&token(1), NOW), Ok(Spent::First), "{:?}", ledger.trouble());
    assert_eq!(spend(&ledger, 1), Ok(Spent::First), "{:?}", ledger.trouble());
}

#[test]
fn a_server_that_hangs_is_given_up_at_the_deadline_and_used_again() {
    let server = Server::start(&[]);
    let ledger = ledger(&server, "timeout=300");
    assert_eq!(spend(&ledger, 1), Ok(Spent::First));
    server.signal(libc::SIGSTOP);
    let deferred = ledger.deferred().unwrap();
    for round in 0..3 {
        let begun = deferred.begin(&token(10 + round), NOW).unwrap();
        let (outcome, took) = timed(|| spend(&ledger, 2));
        assert_eq!(outcome, Err(Unavailable));
        assert!((280..500).contains(&took.as_millis()), "{took:?}");
        assert_eq!(collect(&ledger, 1), [(begun, Err(Unavailable))]);
    }
    assert!(ledger.trouble().unwrap().contains("does not answer in time"));
    server.signal(libc::SIGCONT);
    sleep(Duration::from_millis(500));
    assert!(deferred.finished(1).is_empty(), "a late reply reaches nobody");
    assert_eq!(spend(&ledger, 1), Ok(Spent::Again));
    assert_eq!(spend(&ledger, 3), Ok(Spent::First));
    assert_eq!(ledger.trouble(), None);
}

#[test]
fn a_server_that_is_not_there_is_found_later() {
    let mut server = Server::start(&[]);
    let ledger = RedisLedger::new(format!("{}?timeout=300", server.url())).unwrap();
    server.stop();
    let (outcome, took) = timed(|| ledger.spend(&at(START, 0), START));
    assert_eq!(outcome, Err(Unavailable));
    assert!((280..500).contains(&took.as_millis()), "{took:?}");
    assert!(ledger.trouble().unwrap().contains("cannot be reached"), "{:?}", ledger.trouble());
    server.start_again();
    sleep(Duration::from_millis(1_000));
    assert_eq!(ledger.spend(&at(START, 0), START), Err(Unavailable));
    assert!(ledger.trouble().unwrap().contains("a moment ago"), "{:?}", ledger.trouble());
    assert_eq!(spend(&ledger, 1), Ok(Spent::First));
}

#[test]
fn a_connection_that_was_closed_costs_nobody_a_login() {
    let server = Server::start(&[]);
    let ledger = ledger(&server, "");
    for number in 0..20 {
        assert_eq!(spend(&ledger, number), Ok(Spent::First));
        let _: () =
            cmd("CLIENT").arg(&["KILL", "TYPE", "normal"]).query(&mut server.client()).unwrap();
    }
}

/// Passes everything on to `port`, but an answer that comes while `cut` is set ends its connection.
fn proxy(port: u16, cut: &Arc<AtomicBool>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    let cut = Arc::clone(cut);
    spawn(move || {
        for client in listener.incoming() {
            let (mut client, cut) = (client.unwrap(), Arc::clone(&cut));
            let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            spawn(move || copy(&mut from, &mut to));
            spawn(move || {
                let mut answer = [0; 4096];
                while let Ok(length @ 1..) = server.read(&mut answer) {
                    if cut.swap(false, Relaxed) {
                        let _ = client.shutdown(Shutdown::Both);
                        break;
                    }
                    client.write_all(&answer[..length]).unwrap();
                }
            });
        }
    });
    own
}

#[test]
fn an_answer_that_is_lost_costs_nobody_a_login() {
    let server = Server::start(&[]);
    assert_eq!(spend(&ledger(&server, ""), 0), Ok(Spent::First));
    let cut = Arc::new(AtomicBool::new(false));
    let ledger =
        RedisLedger::new(format!("redis://127.0.0.1:{}", proxy(server.port, &cut))).unwrap();
    for number in 1..10 {
        assert_eq!(spend(&ledger, 0), Ok(Spent::Again));
        cut.store(true, Relaxed);
        assert_eq!(spend(&ledger, number), Ok(Spent::First));
        assert!(!cut.load(Relaxed), "the answer was not lost");
        assert_eq!(spend(&ledger, number), Ok(Spent::Again));
    }
}

/// Tokens from before a restart are refused, whatever the server still knows.
fn survives(restart: impl FnOnce(&mut Server), options: &[&str]) {
    let mut server = Server::start(options);
    let ledger = ledger(&server, "");
    assert_eq!(spend(&ledger, 1), Ok(Spent::First));
    restart(&mut server);
    assert_eq!(spend(&ledger, 1), Err(Unavailable), "spent, and forgotten by the server");
    assert_eq!(spend(&ledger, 2), Err(Unavailable), "who knows");
    assert!(ledger.trouble().unwrap().contains("a moment ago"), "{:?}", ledger.trouble());
    let later = ledger.closed_until(NOW).unwrap();
    assert!((NOW + 60..=NOW + 90).contains(&later), "{later}");
    assert_eq!(ledger.spend(&at(later, 2), later), Ok(Spent::First));
    assert_eq!(ledger.spend(&at(later, 2), later), Ok(Spent::Again));
    assert_eq!((ledger.trouble(), ledger.closed_until(later)), (None, None));
}

#[test]
fn nothing_is_spent_twice_over_a_restart_that_forgets() {
    let restart = |server: &mut Server| {
        server.stop();
        server.start_again();
    };
    survives(restart, &[]);
}

#[test]
fn nothing_is_spent_twice_over_a_restart_from_an_old_snapshot() {
    let restart = |server: &mut Server| {
        let mut client = server.client();
        let keys: Vec<String> = cmd("KEYS").arg("xtoken:0*").query(&mut client).unwrap();
        // What was spent after the snapshot: everything but the marker.
        let _: () = cmd("DEL").arg(keys).query(&mut client).unwrap();
        let _: () = cmd("SAVE").query(&mut client).unwrap();
        server.stop();
        server.start_again();
        let marked: bool = cmd("EXISTS").arg("xtoken:epoch").query(&mut server.client()).unwrap();
        assert!(marked, "the snapshot was not loaded");
    };
    survives(restart, &[]);
}

#[test]
fn nothing_is_spent_twice_after_the_server_was_emptied() {
    survives(|server| cmd("FLUSHALL").exec(&mut server.client()).unwrap(), &[]);
}

#[test]
fn nothing_is_spent_twice_after_a_failover_that_lost_it() {
    let (mut master, replica) = (Server::start(&[]), Server::start(&[]));
    let mut client = replica.client();
    let url = replica.url();
    let _: () = cmd("REPLICAOF").arg("127.0.0.1").arg(master.port).query(&mut client).unwrap();
    let before = ledger(&master, "");
    assert_eq!(spend(&before, 1), Ok(Spent::First));
    let deadline = Instant::now() + Duration::from_secs(10);
    while !cmd("EXISTS").arg("xtoken:epoch").query::<bool>(&mut client).unwrap_or(false) {
        assert!(Instant::now() < deadline, "the replica did not follow");
        sleep(Duration::from_millis(20));
    }
    let after = RedisLedger::new(url).unwrap();
    assert_eq!(spend(&after, 1), Err(Unavailable));
    assert!(after.trouble().unwrap().contains("replica"), "{:?}", after.trouble());
    master.stop();
    let _: () = cmd("REPLICAOF").arg(&["NO", "ONE"]).query(&mut client).unwrap();
    sleep(Duration::from_millis(1_000));
    assert_eq!(spend(&after, 1), Err(Unavailable));
    assert!(after.trouble().unwrap().contains("a moment ago"), "{:?}", after.trouble());
}

#[test]
fn a_marker_from_a_clock_far_ahead_is_replaced() {
    let server = Server::start(&[]);
    let century = START + 100 * 365 * 86_400;
    let ahead = RedisLedger::new(server.url()).unwrap();
    assert_eq!(ahead.spend(&at(century, 1), century), Err(Unavailable));
    drop(ahead);
    assert_eq!(spend(&ledger(&server, ""), 1), Ok(Spent::First));
}

const HOUR: u64 = 3_600;
const CENTURY: u64 = 100 * 365 * 86_400;

#[test]
fn a_clock_that_jumps_reopens_nothing_and_locks_nobody_out() {
    let server = Server::start(&[]);
    let ledger = ledger(&server, "");
    assert_eq!(spend(&ledger, 1), Ok(Spent::First));
    for (number, jump) in [(10, HOUR), (20, CENTURY)] {
        let there = NOW + jump;
        assert_eq!(ledger.spend(&at(there, number), there), Ok(Spent::First));
        assert_eq!(ledger.spend(&at(there, number), there), Ok(Spent::Again));
        assert_eq!(spend(&ledger, 1), Ok(Spent::Again), "back again");
        assert_eq!(spend(&ledger, number + 1), Ok(Spent::First), "at once");
        assert_eq!(ledger.spend(&at(there, number), there), Ok(Spent::Again));
    }
}

#[test]
fn a_century_ahead_while_the_server_was_restarted_locks_nobody_out_afterwards() {
    let mut server = Server::start(&[]);
    let ledger = ledger(&server, "");
    assert_eq!(spend(&ledger, 1), Ok(Spent::First));
    server.stop();
    server.start_again();
    let there = NOW + CENTURY;
    assert_eq!(ledger.spend(&at(there, 2), there), Err(Unavailable));
    assert_eq!(spend(&ledger, 1), Err(Unavailable), "back again");
    let later = ledger.closed_until(NOW).unwrap();
    assert!((NOW + 60..=NOW + 90).contains(&later), "{later}");
    assert_eq!(ledger.spend(&at(later, 3), later), Ok(Spent::First), "{:?}", ledger.trouble());
    assert_eq!(ledger.closed_until(later), None);
}

#[test]
fn a_server_whose_clock_jumps_ahead_counts_as_restarted() {
    let clock = WallClock::new();
    let server = Server::start_in(&[], clock.environment());
    let ledgers = [ledger(&server, ""), RedisLedger::new(server.url()).unwrap()];
    assert_eq!(spend(&ledgers[0], 1), Ok(Spent::First));
    assert_eq!(spend(&ledgers[1], 2), Ok(Spent::First));
    clock.set(2 * HOUR);
    for ledger in &ledgers {
        for number in 1..3 {
            assert_eq!(spend(ledger, number), Err(Unavailable), "{:?}", ledger.trouble());
        }
    }
    assert!(ledgers[0].trouble().unwrap().contains("clock jumped"), "{:?}", ledgers[0].trouble());
    // Set back it takes nothing away, and neither does going on.
    for ahead in [0, 300] {
        clock.set(ahead);
        let later = ledgers[0].closed_until(NOW).unwrap_or(NOW + 120);
        let number = usize::try_from(10 + ahead).unwrap();
        assert_eq!(ledgers[0].spend(&at(later, number), later), Ok(Spent::First));
        assert_eq!(ledgers[1].spend(&at(later, number), later), Ok(Spent::Again));
        assert_eq!(spend(&ledgers[1], 1), Err(Unavailable));
    }
}

#[test]
fn a_node_that_is_behind_does_not_make_the_server_seem_older() {
    let server = Server::start(&[]);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    // Each over a connection of its own.
    let spend = |now| RedisLedger::new(server.url()).unwrap().spend(&at(now, 1), now);
    assert_eq!(spend(now), Err(Unavailable), "it was started a moment ago");
    assert_eq!(spend(now - 2 * HOUR), Err(Unavailable));
    assert_eq!(spend(now), Err(Unavailable), "as before");
}

#[test]
fn a_clock_set_back_by_an_hour_accepts_nothing_again() {
    let server = Server::start(&[]);
    let ledger = ledger(&server, "");
    let later = NOW + 3_600;
    assert_eq!(ledger.spend(&at(later, 1), later), Ok(Spent::First));
    assert_eq!(spend(&ledger, 2), Ok(Spent::First), "set back, and logins go on");
    assert_eq!(ledger.spend(&at(later, 1), later), Ok(Spent::Again));
    let name = format!("xtoken:{:032x}", u128::from_be_bytes(token(1).fingerprint));
    let seconds: u64 = cmd("TTL").arg(name).query(&mut server.client()).unwrap();
    assert!(seconds >= 3_600, "the hour has to pass once more, and {seconds} s are left");
}

#[test]
fn a_server_that_may_evict_is_refused() {
    let server = Server::start(&["--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru"]);
    let ledger = RedisLedger::new(format!("{}?timeout=200", server.url())).unwrap();
    assert_eq!(spend(&ledger, 1), Err(Unavailable));
    assert!(ledger.trouble().unwrap().contains("set noeviction"), "{:?}", ledger.trouble());
    let set = &["SET", "maxmemory-policy", "noeviction"];
    let _: () = cmd("CONFIG").arg(set).query(&mut server.client()).unwrap();
    sleep(Duration::from_millis(1_000));
    assert_eq!(ledger.spend(&at(START, 1), START), Err(Unavailable));
    assert_eq!(spend(&ledger, 1), Ok(Spent::First));
}

#[test]
fn a_full_server_accepts_nothing_and_recovers() {
    let server = Server::start(&[]);
    let ledger = ledger(&server, "timeout=300");
    let mut client = server.client();
    let mut set = |limit| -> () {
        cmd("CONFIG").arg(&["SET", "maxmemory", limit]).query(&mut client).unwrap()
    };
    set("1");
    assert_eq!(spend(&ledger, 1), Err(Unavailable));
    assert!(ledger.trouble().unwrap().contains("maxmemory"), "{:?}", ledger.trouble());
    set("0");
    assert_eq!(spend(&ledger, 1), Ok(Spent::First));
}

#[test]
fn the_password_is_needed_and_told_to_nobody() {
    let server = Server::start(&["--requirepass", "s3cret"]);
    let url = |password: &str| format!("redis://:{password}@127.0.0.1:{}?timeout=200", server.port);
    for password in ["", "wr0ng"] {
        let ledger = RedisLedger::new(url(password)).unwrap();
        assert_eq!(spend(&ledger, 1), Err(Unavailable));
        let said = format!("{:?} {ledger:?}", ledger.trouble());
        assert!(said.contains("refuses the login"), "{said}");
        assert!(!said.contains("wr0ng"), "{said}");
    }
    let ledger = RedisLedger::new(url("s3cret")).unwrap();
    assert_eq!(ledger.spend(&at(START, 0), START), Err(Unavailable));
    assert_eq!(spend(&ledger, 1), Ok(Spent::First));
    assert!(!format!("{ledger:?}").contains("s3cret"));
    assert!(!format!("{:?}", ledger::open("redis://:s3cret@host/x")).contains("s3cret"));
}

#[test]
fn a_database_and_a_socket_are_in_the_url() {
    let socket = std::env::temp_dir().join(format!("xtoken-redis-{}.sock", std::process::id()));
    let server = Server::start(&["--unixsocket", socket.to_str().unwrap()]);
    let ledger = RedisLedger::new(format!("redis+unix://{}?db=3", socket.display())).unwrap();
    assert_eq!(ledger.spend(&at(START, 0), START), Err(Unavailable));
    assert_eq!(spend(&ledger, 1), Ok(Spent::First));
    let keyspace: String = cmd("INFO").arg("keyspace").query(&mut server.client()).unwrap();
    assert!(keyspace.contains("db3:keys=2"), "{keyspace}");
}

#[test]
#[allow(unsafe_code)]
fn a_child_makes_a_connection_of_its_own() {
    let server = Server::start(&[]);
    let ledger = ledger(&server, "");
    assert_eq!(spend(&ledger, 0), Ok(Spent::First));
    scope(|scope| {
        let busy = scope.spawn(|| (1_000..3_000).all(|n| spend(&ledger, n) == Ok(Spent::First)));
        for number in 1..20 {
            let held = ledger.hold();
            // SAFETY: the child does nothing but spend, and ends without running destructors.
            let child = unsafe { libc::fork() };
            drop(held);
            if child == 0 {
                let is_right = spend(&ledger, 0) == Ok(Spent::Again)
                    && spend(&ledger, number) == Ok(Spent::First)
                    && ledger.deferred().is_some_and(|ledger| ledger.descriptor().is_none());
                // SAFETY: as above.
                unsafe { libc::_exit(if is_right { 0 } else { 1 }) }
            }
            let mut status = -1;
            // SAFETY: waits for our own child.
            unsafe { libc::waitpid(child, &mut status, 0) };
            assert_eq!(status, 0, "child {number}");
            assert_eq!(spend(&ledger, number), Ok(Spent::Again), "the parent goes on");
        }
        assert!(busy.join().unwrap());
    });
}
