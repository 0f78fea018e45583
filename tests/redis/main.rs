//! The ledger in a server, with real servers that are stopped, emptied and started again.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod certificates;
mod clocks;
mod gaps;
mod password_file;
mod peeking;
mod refusals;
mod server;
mod time;
mod tls;
mod upgrade;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread::{scope, sleep, spawn};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use redis::cmd;
use server::Server;
use xtoken::ledger::{self, Ledger, Outcome, Question, RedisLedger, Spending, Spent, Unavailable};
use xtoken::submission::{Completion, Decision, Submission};
use xtoken::{Key, Minter, Rejection, Verifier};

/// The start of a step.
const NOW: u64 = 1_700_000_010;

fn token(number: usize) -> Spending {
    at(NOW, number)
}

fn at(now: u64, number: usize) -> Spending {
    let step = now / 30;
    Spending { fingerprint: (number as u128).to_le_bytes(), step, deviation: 1 }
}

/// A ledger whose server has been there for longer than any token.
fn ledger(server: &Server, query: &str) -> RedisLedger {
    RedisLedger::new(format!("{}?{query}", server.has_been_there().url())).unwrap()
}

fn spend(ledger: &RedisLedger, number: usize) -> Outcome {
    ledger.spend(&token(number), NOW)
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    (work(), start.elapsed())
}

/// Submits a question; the reply comes with this number.
fn submit(
    ledger: &RedisLedger,
    question: Question,
    number: usize,
    replies: &Sender<(usize, Outcome)>,
) {
    let replies = replies.clone();
    // The test may have ended.
    let reply = Box::new(move |outcome| {
        let _ = replies.send((number, outcome));
    });
    ledger.submit(question, NOW, reply).unwrap();
}

fn collect(replies: &Receiver<(usize, Outcome)>, count: usize) -> Vec<(usize, Outcome)> {
    let next = |_| replies.recv_timeout(Duration::from_secs(10)).expect("too few answers");
    let mut outcomes: Vec<_> = (0..count).map(next).collect();
    outcomes.sort_by_key(|(number, _)| *number);
    outcomes
}

fn key() -> Key {
    Key::new("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "at least 32 random bytes").unwrap()
}

fn verifier(ledger: &Arc<RedisLedger>) -> Verifier {
    Verifier::new(vec![key()], ledger.clone()).unwrap()
}

fn completions(verifier: &Verifier, count: usize) -> Vec<Completion> {
    let mut completions = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(10);
    while completions.len() < count {
        assert!(Instant::now() < deadline, "only {} of {count} answers", completions.len());
        completions.extend(verifier.completions(usize::MAX));
        sleep(Duration::from_millis(1));
    }
    completions
}

#[test]
fn a_token_is_spent_once() {
    let server = Server::start(&[]);
    let (one, other) = (ledger(&server, ""), RedisLedger::new(server.url()).unwrap());
    assert_eq!(spend(&one, 1), Ok(Spent::First));
    assert_eq!(spend(&one, 1), Ok(Spent::Again));
    assert_eq!(spend(&other, 1), Ok(Spent::Again), "another ledger, as another machine has");
    assert_eq!(spend(&other, 2), Ok(Spent::First));
    assert_eq!(one.last_error(), None);
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

/// Each step and each deviation is news, which all nodes write at the same time.
#[test]
fn eight_nodes_that_write_at_once_lose_no_token_and_no_news() {
    const NODES: usize = 8;
    const ROUNDS: usize = 300;
    let server = Server::start(&[]);
    let nodes: Vec<_> = (0..NODES).map(|_| ledger(&server, "timeout=20000")).collect();
    let (first, start) = (AtomicUsize::new(0), Barrier::new(NODES));
    scope(|scope| {
        for (node, ledger) in nodes.iter().enumerate() {
            let (first, start) = (&first, &start);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    start.wait();
                    // So far apart that no two clocks of nodes count as the same.
                    let now = NOW + 30 * round as u64 + 5 * node as u64;
                    let step = NOW / 30 + round as u64;
                    let token =
                        Spending { deviation: node as u64, step, ..at(now, ROUNDS + round) };
                    if ledger.spend(&token, now).unwrap() == Spent::First {
                        first.fetch_add(1, Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(first.into_inner(), ROUNDS);
    assert!(nodes.iter().all(|node| node.last_error().is_none()));
    let history: String = cmd("GET").arg("xtoken:history").query(&mut server.client()).unwrap();
    for node in 0..NODES {
        assert!(history.contains(&format!("deviation {node} ")), "{history}");
    }
}

#[test]
fn keys_leave_by_themselves_80_minutes_after_their_token() {
    let server = Server::start(&[]);
    server.has_been_there_with(0, "chat:");
    let ledger = RedisLedger::new(format!("{}?prefix=chat:", server.url())).unwrap();
    assert_eq!(spend(&ledger, 1), Ok(Spent::First));
    let mut client = server.client();
    let mut keys: Vec<String> = cmd("KEYS").arg("*").query(&mut client).unwrap();
    keys.sort_unstable();
    assert_eq!(keys.len(), 3, "{keys:?}");
    assert_eq!(&keys[1..], ["chat:history", "chat:horizon"]);
    let seconds: u64 = cmd("TTL").arg(&keys[0]).query(&mut client).unwrap();
    // 60 s until its window is over, 30 for clocks that are apart.
    let wanted = 60 + 30 + 3_600 + 1_200;
    assert!((wanted - 2..=wanted).contains(&seconds), "{seconds} s, not {wanted}");
}

#[test]
fn nothing_exists_before_the_first_token() {
    let ledger = Arc::new(RedisLedger::new("redis://127.0.0.1:1").unwrap());
    let verifier = verifier(&ledger);
    assert!(verifier.descriptor().is_none());
    assert!(verifier.completions(1).is_empty());
    assert_eq!(ledger.last_error(), None);
}

#[test]
fn questions_are_answered() {
    let server = Server::start(&[]);
    let ledger = ledger(&server, "");
    let (sender, replies) = channel();
    (0..64).for_each(|n| submit(&ledger, Question::Spend(token(n / 2)), n, &sender));
    for (number, (at, outcome)) in collect(&replies, 64).into_iter().enumerate() {
        let expected = if number % 2 == 0 { Spent::First } else { Spent::Again };
        assert_eq!((at, outcome), (number, Ok(expected)));
    }
}

#[test]
fn tickets_are_answered_to_the_verifier_that_gave_them() {
    let server = Server::start(&[]);
    let ledger = Arc::new(ledger(&server, ""));
    let (one, other) = (verifier(&ledger), verifier(&ledger));
    let token = Minter::new(key()).mint("alice@example.com", NOW).unwrap();
    let submit = |verifier: &Verifier| match verifier.submit("alice@example.com", &token, NOW) {
        Ok(Submission::Pending(ticket)) => ticket,
        other => panic!("{other:?}"),
    };
    let tickets = [submit(&one), submit(&other), submit(&one)];
    let (ours, theirs) = (completions(&one, 2), completions(&other, 1));
    let of = |completions: &[Completion]| -> Vec<_> {
        completions.iter().map(|completion| completion.ticket).collect()
    };
    assert_eq!((of(&ours), of(&theirs)), (vec![tickets[0], tickets[2]], vec![tickets[1]]));
    let decisions: Vec<_> = ours.iter().chain(&theirs).map(|done| done.decision.clone()).collect();
    assert!(matches!(decisions[0], Decision::Verified(Ok(_))), "{decisions:?}");
    let replayed = Decision::Verified(Err(Rejection::Replayed));
    assert!(decisions[1..].iter().all(|decision| *decision == replayed), "{decisions:?}");
}

#[test]
fn too_many_tickets_are_an_error_of_the_ledger() {
    let server = Server::start(&[]);
    let ledger = Arc::new(ledger(&server, "timeout=60000"));
    let verifier = verifier(&ledger);
    let token = Minter::new(key()).mint("alice@example.com", NOW).unwrap();
    let submit = || verifier.submit("alice@example.com", &token, NOW);
    let pending = std::iter::repeat_with(submit).take_while(Result::is_ok).count();
    assert_eq!(pending, 1 << 16);
    assert!(ledger.last_error().unwrap().starts_with("out of memory"), "{:?}", ledger.last_error());
    assert_eq!(completions(&verifier, 1 << 16).len(), 1 << 16);
    assert!(submit().is_ok());
    completions(&verifier, 1);
    assert_eq!(ledger.last_error(), None);
}

#[test]
fn a_peek_does_not_hide_what_keeps_tokens_from_being_spent() {
    let server = Server::start(&[]);
    let ledger = ledger(&server, "");
    assert_eq!(spend(&ledger, 1), Ok(Spent::First));
    let set = &["SET", "maxmemory", "1"];
    let _: () = cmd("CONFIG").arg(set).query(&mut server.client()).unwrap();
    assert_eq!(spend(&ledger, 2), Err(Unavailable));
    assert_eq!(ledger.peek(&token(1), NOW), Ok(Spent::Again));
    assert!(ledger.last_error().unwrap().contains("maxmemory"), "{:?}", ledger.last_error());
}

#[test]
fn a_probe_brings_the_clock_of_a_server_that_can_be_written() {
    let server = Server::start(&[]);
    let ledger = RedisLedger::new(format!("{}?timeout=300", server.url())).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let clock = ledger.probe().unwrap().clock.unwrap();
    assert!((now..now + 5).contains(&clock), "{clock} and not {now}");
    assert_eq!(ledger.spent_count(), None);

    server.signal(libc::SIGSTOP);
    let (probe, took) = timed(|| ledger.probe());
    server.signal(libc::SIGCONT);
    assert_eq!(probe, Err(Unavailable));
    assert!((280..500).contains(&took.as_millis()), "{took:?}");
    assert!(ledger.probe().is_ok(), "{:?}", ledger.last_error());

    let set = &["SET", "maxmemory", "1"];
    let _: () = cmd("CONFIG").arg(set).query(&mut server.client()).unwrap();
    assert_eq!(ledger.probe(), Err(Unavailable));
    assert!(ledger.last_error().unwrap().contains("maxmemory"), "{:?}", ledger.last_error());
}

#[test]
fn a_permission_that_is_missing_is_named() {
    for missing in ["-time", "-set", "-info", "-get", "-eval"] {
        let server = Server::start(&[]);
        let user = ["SETUSER", "default", missing];
        let _: () = cmd("ACL").arg(&user).query(&mut server.client()).unwrap();
        let ledger = RedisLedger::new(format!("{}?timeout=300", server.url())).unwrap();
        assert_eq!(spend(&ledger, 1), Err(Unavailable));
        assert!(
            ledger.last_error().unwrap().contains("lacks permissions"),
            "{:?}",
            ledger.last_error()
        );
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
    let new = || RedisLedger::new(&url).unwrap();
    assert_eq!((spend(&new(), 0), new().last_error()), (Err(Unavailable), None), "it begins anew");
    server.has_been_there_with(1, "xtoken:");
    let ledger = new();
    assert!(ledger.probe().is_ok(), "{:?}", ledger.last_error());
    assert_eq!(ledger.peek(&token(1), NOW), Ok(Spent::First), "{:?}", ledger.last_error());
    assert_eq!(spend(&ledger, 1), Ok(Spent::First), "{:?}", ledger.last_error());
}

#[test]
fn a_server_that_hangs_is_given_up_at_the_deadline_and_used_again() {
    let server = Server::start(&[]);
    let ledger = ledger(&server, "timeout=300");
    assert_eq!(spend(&ledger, 1), Ok(Spent::First));
    server.signal(libc::SIGSTOP);
    let (sender, replies) = channel();
    for round in 0..3 {
        submit(&ledger, Question::Spend(token(10 + round)), round, &sender);
        let (outcome, took) = timed(|| spend(&ledger, 2));
        assert_eq!(outcome, Err(Unavailable));
        assert!((280..500).contains(&took.as_millis()), "{took:?}");
        assert_eq!(collect(&replies, 1), [(round, Err(Unavailable))]);
    }
    assert!(ledger.last_error().unwrap().contains("does not answer in time"));
    server.signal(libc::SIGCONT);
    sleep(Duration::from_millis(500));
    assert!(replies.try_recv().is_err(), "a late reply reaches nobody");
    assert_eq!(spend(&ledger, 1), Ok(Spent::Again));
    assert_eq!(spend(&ledger, 3), Ok(Spent::First));
    assert_eq!(ledger.last_error(), None);
}

#[test]
fn a_server_that_is_not_there_is_found_later() {
    let mut server = Server::start(&[]);
    let ledger = RedisLedger::new(format!("{}?timeout=300", server.url())).unwrap();
    server.stop();
    let (outcome, took) = timed(|| spend(&ledger, 0));
    assert_eq!(outcome, Err(Unavailable));
    assert!((280..500).contains(&took.as_millis()), "{took:?}");
    assert!(
        ledger.last_error().unwrap().contains("cannot be reached"),
        "{:?}",
        ledger.last_error()
    );
    server.start_again();
    server.has_been_there();
    sleep(Duration::from_millis(1_000));
    assert_eq!(spend(&ledger, 1), Ok(Spent::First));
    assert_eq!(ledger.last_error(), None);
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

/// Passes everything on to `port` and counts what is sent at once, but an answer that comes while
/// `cut` is set ends its connection.
fn proxy(port: u16, cut: &Arc<AtomicBool>, sent: &Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    let (cut, sent) = (Arc::clone(cut), Arc::clone(sent));
    spawn(move || {
        for client in listener.incoming() {
            let (mut client, cut, sent) = (client.unwrap(), Arc::clone(&cut), Arc::clone(&sent));
            let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            spawn(move || {
                let mut question = [0; 65_536];
                while let Ok(length @ 1..) = from.read(&mut question) {
                    sent.fetch_add(1, Relaxed);
                    to.write_all(&question[..length]).unwrap();
                }
                let _ = to.shutdown(Shutdown::Both);
            });
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
    let (cut, sent) = (Arc::default(), Arc::default());
    let port = proxy(server.port, &cut, &sent);
    let ledger = RedisLedger::new(format!("redis://127.0.0.1:{port}")).unwrap();
    for number in 1..10 {
        assert_eq!(spend(&ledger, 0), Ok(Spent::Again));
        cut.store(true, Relaxed);
        assert_eq!(spend(&ledger, number), Ok(Spent::First));
        assert!(!cut.load(Relaxed), "the answer was not lost");
        assert_eq!(spend(&ledger, number), Ok(Spent::Again));
    }
}

#[test]
fn a_login_costs_one_round_trip_and_a_new_step_none_more() {
    let server = Server::start(&[]);
    let (cut, sent) = (Arc::default(), Arc::<AtomicUsize>::default());
    let port = proxy(server.has_been_there().port, &cut, &sent);
    let ledger = RedisLedger::new(format!("redis://127.0.0.1:{port}")).unwrap();
    assert_eq!(spend(&ledger, 0), Ok(Spent::First));
    for number in 1..10 {
        let (before, now) = (sent.load(Relaxed), NOW + 30 * number as u64);
        assert_eq!(ledger.spend(&at(now, number), now), Ok(Spent::First));
        assert_eq!(ledger.spend(&at(now, number), now), Ok(Spent::Again));
        assert_eq!(sent.load(Relaxed), before + 2);
    }
}

#[test]
fn a_server_that_may_evict_is_refused() {
    let server = Server::start(&["--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru"]);
    let ledger = RedisLedger::new(format!("{}?timeout=200", server.url())).unwrap();
    assert_eq!(spend(&ledger, 1), Err(Unavailable));
    assert!(ledger.last_error().unwrap().contains("set noeviction"), "{:?}", ledger.last_error());
    let set = &["SET", "maxmemory-policy", "noeviction"];
    let _: () = cmd("CONFIG").arg(set).query(&mut server.client()).unwrap();
    server.has_been_there();
    sleep(Duration::from_millis(1_000));
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
    assert!(ledger.last_error().unwrap().contains("maxmemory"), "{:?}", ledger.last_error());
    set("0");
    assert_eq!(spend(&ledger, 1), Ok(Spent::First));
}

/// tests/password.rs shows that it is wiped.
#[test]
fn the_password_is_needed_and_told_to_nobody() {
    let server = Server::start(&[]);
    let set = ["SET", "requirepass", "s3cret"];
    cmd("CONFIG").arg(&set).exec(&mut server.has_been_there().client()).unwrap();
    let url = |login: &str| format!("redis://{login}@127.0.0.1:{}/0?timeout=200", server.port);
    for (login, expected) in [
        (":", "wants a password"),
        (":wr0ng", "refuses the login"),
        ("default:wr0ng", "refuses the login"),
        ("default", "wants a password"),
    ] {
        let ledger = RedisLedger::new(url(login)).unwrap();
        assert_eq!(spend(&ledger, 1), Err(Unavailable));
        let said = format!("{:?} {ledger:?}", ledger.last_error());
        assert!(said.contains(expected), "{login}: {said}");
        assert!(!said.contains("wr0ng"), "{said}");
    }
    for (number, login) in [(1, ":s3cret"), (2, "default:s%33cret")] {
        let ledger = RedisLedger::new(url(login)).unwrap();
        assert_eq!(spend(&ledger, number), Ok(Spent::First));
        assert!(!format!("{ledger:?}").contains("s3cret"));
    }
    assert!(!format!("{:?}", ledger::open("redis://:s3cret@host/x")).contains("s3cret"));
}

#[test]
fn a_database_and_a_socket_are_in_the_url() {
    let socket = std::env::temp_dir().join(format!("xtoken-redis-{}.sock", std::process::id()));
    let server = Server::start(&["--unixsocket", socket.to_str().unwrap()]);
    server.has_been_there_with(3, "xtoken:");
    let ledger = RedisLedger::new(format!("redis+unix://{}?db=3", socket.display())).unwrap();
    assert_eq!(spend(&ledger, 1), Ok(Spent::First));
    let keyspace: String = cmd("INFO").arg("keyspace").query(&mut server.client()).unwrap();
    assert!(keyspace.contains("db3:keys=3"), "{keyspace}");
}

#[test]
#[allow(unsafe_code)]
fn a_child_makes_a_connection_of_its_own() {
    let server = Server::start(&[]);
    let ledger = Arc::new(ledger(&server, ""));
    let verifier = verifier(&ledger);
    assert_eq!(spend(&ledger, 0), Ok(Spent::First));
    let pending = Minter::new(key()).mint("alice@example.com", NOW).unwrap();
    assert!(matches!(
        verifier.submit("alice@example.com", &pending, NOW),
        Ok(Submission::Pending(_))
    ));
    scope(|scope| {
        let busy = scope.spawn(|| (1_000..3_000).all(|n| spend(&ledger, n) == Ok(Spent::First)));
        for number in 1..20 {
            let held = ledger.hold();
            // SAFETY: the child does nothing but spend, and ends without running destructors.
            let child = unsafe { libc::fork() };
            drop(held);
            if child == 0 {
                let has_none =
                    || verifier.descriptor().is_none() && verifier.completions(9).is_empty();
                let replayed = Decision::Verified(Err(Rejection::Replayed));
                let is_right = has_none()
                    && spend(&ledger, 0) == Ok(Spent::Again)
                    && spend(&ledger, number) == Ok(Spent::First)
                    && has_none()
                    && verifier.submit("alice@example.com", &pending, NOW)
                        == Ok(Submission::Pending(1))
                    && verifier.descriptor().is_some()
                    && completions(&verifier, 1) == [Completion { ticket: 1, decision: replayed }];
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
    assert_eq!(completions(&verifier, 1).len(), 1);
}
