//! When a server may have forgotten tokens, all that could have been accepted before are refused.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use redis::cmd;
use xtoken::ledger::{Ledger, RedisLedger, Spending, Spent, Unavailable};

use super::server::Server;
use super::time::Time;
use super::{NOW, at, ledger, spend, token};

/// Tokens from before a loss are refused, whatever the server still knows, and those that are made
/// 60 to 90 seconds later are accepted.
fn survives(lose: impl FnOnce(&mut Server)) {
    let time = Time::new();
    let mut server = time.server();
    let ledger = time.ledger(server.has_been_there());
    assert_eq!(spend(&ledger, 1), Ok(Spent::First));
    lose(&mut server);
    assert_ne!(spend(&ledger, 1), Ok(Spent::First), "spent, and perhaps forgotten by the server");
    assert_eq!(spend(&ledger, 2), Err(Unavailable), "who knows");
    assert_eq!(ledger.last_error(), None);
    let later = ledger.closed_until(NOW).unwrap();
    assert!((NOW + 60..=NOW + 120).contains(&later), "{later}");
    time.pass(later - NOW);
    assert_ne!(ledger.spend(&token(1), later), Ok(Spent::First));
    assert_eq!(ledger.spend(&at(later, 2), later), Ok(Spent::First));
    assert_eq!(ledger.spend(&at(later, 2), later), Ok(Spent::Again));
    assert_eq!(ledger.closed_until(later), None);
}

/// What a start says in the end.
fn started(ledger: &RedisLedger) -> Result<(), Unavailable> {
    assert_eq!(ledger.start(1, NOW), None, "it waits for the server");
    loop {
        match ledger.start(1, NOW) {
            Some(result) => return result,
            None => sleep(Duration::from_millis(5)),
        }
    }
}

#[test]
fn the_time_for_which_tokens_are_refused_begins_at_the_start() {
    let time = Time::new();
    let server = time.server();
    let ledger = time.ledger(&server);
    assert_eq!(started(&ledger), Ok(()), "{:?}", ledger.last_error());
    let later = ledger.closed_until(NOW).unwrap();
    assert!((NOW + 60..=NOW + 120).contains(&later), "{later}");
    time.pass(later - NOW);
    assert_eq!(ledger.spend(&at(later, 2), later), Ok(Spent::First));
}

/// Two hosts may use one ledger, and one may be unloaded while it starts.
#[test]
fn a_start_does_not_tell_an_older_answer() {
    let mut server = Server::start(&[]);
    let ledger = ledger(&server, "timeout=300");
    assert_eq!(started(&ledger), Ok(()));
    for pause in [0, 2_500] {
        assert_eq!(ledger.start(1, NOW), None);
        // This is answered after the start.
        assert!(ledger.probe().is_ok());
        server.stop();
        if pause == 0 {
            assert_eq!(spend(&ledger, 1), Err(Unavailable));
            assert_eq!(ledger.start(1, NOW), Some(Err(Unavailable)));
        } else {
            sleep(Duration::from_millis(pause));
            assert_eq!(started(&ledger), Err(Unavailable));
        }
        server.start_again();
        while ledger.probe().is_err() {}
    }
}

#[test]
fn a_start_says_why_a_server_cannot_be_used() {
    let mut server = Server::start(&[]);
    let ledger = ledger(&server, "timeout=500");
    assert_eq!(started(&ledger), Ok(()));
    server.stop();
    assert_eq!(started(&ledger), Err(Unavailable));
    assert!(ledger.last_error().unwrap().contains("cannot be reached"));
    server.start_again();
    while started(&ledger).is_err() {}
    assert_eq!(ledger.last_error(), None);
    cmd("CONFIG").arg("SET").arg("maxmemory").arg(1).exec(&mut server.client()).unwrap();
    assert_eq!(started(&ledger), Err(Unavailable), "it cannot be written");
}

#[test]
fn nothing_is_spent_twice_over_a_restart_that_forgets() {
    survives(|server| {
        server.stop();
        server.start_again();
    });
}

#[test]
fn nothing_is_spent_twice_over_a_restart_from_an_old_snapshot() {
    survives(|server| {
        let mut client = server.client();
        let keys: Vec<String> = cmd("KEYS").arg("xtoken:0*").query(&mut client).unwrap();
        // What was spent after the snapshot: everything but the horizon.
        let _: () = cmd("DEL").arg(keys).query(&mut client).unwrap();
        let _: () = cmd("SAVE").query(&mut client).unwrap();
        server.stop();
        server.start_again();
        let loaded: bool = cmd("EXISTS").arg("xtoken:horizon").query(&mut server.client()).unwrap();
        assert!(loaded, "the snapshot was not loaded");
    });
}

#[test]
fn nothing_is_spent_twice_after_the_server_was_emptied() {
    survives(|server| cmd("FLUSHALL").exec(&mut server.client()).unwrap());
}

#[test]
fn what_is_no_horizon_and_no_history_is_a_gap() {
    let set = |key: &'static str, value: &'static [u8]| {
        move |server: &mut Server| {
            cmd("SET").arg(key).arg(value).exec(&mut server.client()).unwrap();
        }
    };
    for value in [&b""[..], b"x", b"x 0", b"\xff\xfe 7", b"x 99999999999999999999999999999999999"] {
        survives(set("xtoken:horizon", value));
    }
    for value in [&b"x"[..], b"\xff", b"era 0 1", b"era - 0 1 18446744073709551616", &[b'\n'; 99]] {
        survives(set("xtoken:history", value));
    }
    survives(set("xtoken:history", Box::leak(vec![b' '; 1 << 20].into_boxed_slice())));
    for key in ["xtoken:horizon", "xtoken:history"] {
        survives(|server| {
            let mut client = server.client();
            cmd("DEL").arg(key).exec(&mut client).unwrap();
            cmd("LPUSH").arg(key).arg("a list").exec(&mut client).unwrap();
        });
    }
}

#[test]
fn a_horizon_in_the_future_is_a_gap() {
    survives(|server| {
        let mut client = server.client();
        let horizon: String = cmd("GET").arg("xtoken:horizon").query(&mut client).unwrap();
        let server_id = horizon.split(' ').next().unwrap();
        let horizon = format!("{server_id} 99999999999999");
        cmd("SET").arg("xtoken:horizon").arg(horizon).exec(&mut client).unwrap();
    });
}

#[test]
fn a_history_that_is_gone_is_a_gap() {
    let time = Time::new();
    let server = time.server();
    let ledger = time.ledger(&server);
    assert_eq!(spend(&ledger, 1), Err(Unavailable), "it begins");
    time.pass(200);
    let now = NOW + 200;
    assert_eq!(ledger.spend(&at(now, 1), now), Ok(Spent::First));
    cmd("DEL").arg("xtoken:history").exec(&mut server.client()).unwrap();
    let other = time.ledger(&server);
    assert_eq!(other.spend(&at(now, 2), now), Err(Unavailable));
    assert_eq!(ledger.spend(&at(now, 2), now), Err(Unavailable));
}

fn follow(replica: &Server, master: &Server) {
    let mut client = replica.client();
    cmd("REPLICAOF").arg("127.0.0.1").arg(master.port).exec(&mut client).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let info: String = cmd("INFO").arg("replication").query(&mut client).unwrap();
        if info.contains("master_link_status:up") {
            return;
        }
        assert!(Instant::now() < deadline, "the replica did not follow");
        sleep(Duration::from_millis(20));
    }
}

/// Waits until a replica has everything that was written.
fn wait_for_copies(master: &Server) {
    let mut client = master.client();
    // WAIT is about what its own client has written, and what came before.
    cmd("SET").arg(&["written", "last"]).exec(&mut client).unwrap();
    let copies: u64 = cmd("WAIT").arg(1).arg(20_000).query(&mut client).unwrap();
    assert_eq!(copies, 1, "the replica did not follow");
}

fn promote(replica: &Server) {
    cmd("REPLICAOF").arg(&["NO", "ONE"]).exec(&mut replica.client()).unwrap();
}

#[test]
fn nothing_is_spent_twice_after_a_failover_that_lost_it() {
    let (mut master, replica) = (Server::start(&[]), Server::start(&[]));
    follow(&replica, &master);
    let before = ledger(&master, "");
    assert_eq!(spend(&before, 0), Ok(Spent::First));
    wait_for_copies(&master);
    let after = RedisLedger::new(format!("{}?timeout=500", replica.url())).unwrap();
    assert_eq!(spend(&after, 1), Err(Unavailable));
    assert!(after.last_error().unwrap().contains("replica"), "{:?}", after.last_error());
    replica.signal(libc::SIGSTOP);
    assert_eq!(spend(&before, 1), Ok(Spent::First));
    master.stop();
    replica.signal(libc::SIGCONT);
    promote(&replica);
    sleep(Duration::from_millis(1_000));
    assert_ne!(spend(&after, 1), Ok(Spent::First));
    assert_eq!(spend(&after, 2), Err(Unavailable));
    assert_eq!(after.last_error(), None);
}

/// The replica that was the master for a while has the data of the moment of copying, including the
/// horizon and the history.
#[test]
fn nothing_is_spent_twice_when_a_master_was_a_replica_for_a_while() {
    let (master, other) = (Server::start(&[]), Server::start(&[]));
    // The first replica gives its master another id.
    follow(&other, &master);
    let ledger = ledger(&master, "");
    assert_eq!(spend(&ledger, 0), Ok(Spent::First));
    wait_for_copies(&master);
    promote(&other);
    // Now this one is lost, since the other one is made the master.
    assert_eq!(spend(&ledger, 1), Ok(Spent::First));
    // Its batches end with INFO.
    let clients = || -> String {
        cmd("CLIENT").arg(&["LIST", "TYPE", "normal"]).query(&mut master.client()).unwrap()
    };
    let list = clients();
    let of_ledger = list.lines().find(|line| line.contains("cmd=info")).unwrap();
    let address = of_ledger.split(' ').find(|word| word.starts_with("addr=")).unwrap();
    follow(&master, &other);
    promote(&master);
    assert!(clients().contains(address), "the connection of the ledger was kept");
    let horizon: String = cmd("GET").arg("xtoken:horizon").query(&mut master.client()).unwrap();
    assert!(horizon.ends_with(" 0"), "the mark came back: {horizon}");
    assert_eq!(spend(&ledger, 1), Err(Unavailable));
    assert_eq!(spend(&ledger, 2), Err(Unavailable));
    assert_eq!(ledger.last_error(), None);
}

/// A token that is good for verifiers with a wide window long before its step.
fn of_wide_window(number: usize) -> Spending {
    Spending { deviation: 10, step: NOW / 30 + 10, ..token(number) }
}

#[test]
fn how_long_tokens_are_refused_follows_from_the_widest_deviation_that_was_seen() {
    let time = Time::new();
    let server = time.server();
    let (narrow, wide) = (time.ledger(server.has_been_there()), time.ledger(&server));
    assert_eq!(spend(&narrow, 0), Ok(Spent::First));
    assert_eq!(wide.spend(&of_wide_window(1), NOW), Ok(Spent::First));
    assert_eq!(spend(&narrow, 2), Ok(Spent::First), "a login after which it knows of the other");
    cmd("FLUSHALL").exec(&mut server.client()).unwrap();
    assert_eq!(spend(&narrow, 3), Err(Unavailable), "the narrower one asks first");
    assert!((NOW + 330..=NOW + 390).contains(&narrow.closed_until(NOW).unwrap()));
    time.pass(285);
    let now = NOW + 285;
    let same = Spending { deviation: 1, ..of_wide_window(1) };
    assert_eq!(narrow.spend(&same, now), Err(Unavailable));

    // A process that has seen nothing learns it from the server.
    assert_eq!(time.ledger(&server).spend(&same, now), Err(Unavailable));
    time.pass(120);
    let now = now + 120;
    assert_eq!(narrow.spend(&at(now, 4), now), Ok(Spent::First));
}

#[test]
fn a_wider_deviation_is_written_down_before_the_answer() {
    let server = Server::start(&[]);
    let (one, other) = (ledger(&server, ""), ledger(&server, ""));
    for number in 0..10 {
        assert_eq!(spend(&other, 100 + number), Ok(Spent::First));
        // This node knows an older history than the server has.
        let step = NOW / 30 + number as u64;
        assert_eq!(one.spend(&at(step * 30, 200 + number), step * 30), Ok(Spent::First));
        let wide = Spending { deviation: 1 + number as u64, ..token(300 + number) };
        assert_eq!(other.spend(&wide, NOW), Ok(Spent::First));
        let history: String = cmd("GET").arg("xtoken:history").query(&mut server.client()).unwrap();
        assert!(history.contains(&format!("deviation {} ", 1 + number)), "{history}");
        // And what the other node has written, each time by another clock, is still there.
        assert_eq!(history.matches("era ").count(), 1 + number, "{history}");
    }
}

#[test]
fn a_deviation_that_was_lowered_around_a_restart_still_counts() {
    let time = Time::new();
    let mut server = time.server();
    let wide = time.ledger(server.has_been_there());
    assert_eq!(wide.spend(&of_wide_window(1), NOW), Ok(Spent::First));
    let mut client = server.client();
    cmd("DEL").arg(format!("xtoken:{:032x}", 1_u128.swap_bytes())).exec(&mut client).unwrap();
    cmd("SAVE").exec(&mut client).unwrap();
    server.stop();
    server.start_again();
    let narrow = time.ledger(&server);
    assert_eq!(spend(&narrow, 2), Err(Unavailable));
    time.pass(285);
    let same = Spending { deviation: 1, ..of_wide_window(1) };
    assert_eq!(narrow.spend(&same, NOW + 285), Err(Unavailable));
}

/// A connection that breaks between question and answer may have spent the token.
#[test]
fn a_token_that_nobody_presented_before_is_not_called_spent() {
    let server = Server::start(&[]);
    let ledger = ledger(&server, "");
    assert_eq!(spend(&ledger, 0), Ok(Spent::First));
    for number in 1..5 {
        // It reaches the server and is spent there, and only then it turns out to be another one.
        cmd("REPLICAOF").arg(&["127.0.0.1", "1"]).exec(&mut server.client()).unwrap();
        promote(&server);
        assert_eq!(spend(&ledger, number), Err(Unavailable));
        assert_eq!(spend(&ledger, 0), Ok(Spent::Again), "this one was, and is known to be");
        server.has_been_there();
    }
}

#[test]
fn what_is_kept_in_the_server_is_short() {
    let time = Time::new();
    let server = time.server();
    let ledger = time.ledger(server.has_been_there());
    for number in 0..200 {
        time.pass(30);
        let now = NOW + 30 * (number as u64 + 1);
        assert_eq!(ledger.spend(&at(now, number), now), Ok(Spent::First));
    }
    let mut client = server.client();
    let history: String = cmd("GET").arg("xtoken:history").query(&mut client).unwrap();
    assert!(history.len() < 300, "{history}");
}

#[test]
fn a_horizon_that_is_set_by_hand_counts_for_nodes_that_are_connected() {
    let server = Server::start(&[]);
    let nodes = [RedisLedger::new(server.url()).unwrap(), RedisLedger::new(server.url()).unwrap()];
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let spend = |node: usize, number| nodes[node].spend(&at(now, number), now);
    assert_eq!(spend(0, 1), Err(Unavailable), "it begins");
    assert_eq!(spend(1, 1), Err(Unavailable), "it has begun");
    assert!(nodes[0].closed_until(now).is_some());
    server.has_been_there();
    assert_eq!(spend(0, 2), Ok(Spent::First), "{:?}", nodes[0].last_error());
    assert_eq!(spend(1, 2), Ok(Spent::Again));
    assert_eq!(spend(1, 1), Ok(Spent::First));
    assert_eq!((nodes[0].closed_until(now), nodes[1].closed_until(now)), (None, None));
}

/// The name of a server may lead to another one for a while, and then back.
#[test]
fn nothing_is_spent_twice_when_another_server_was_in_its_place() {
    let time = Time::new();
    let (first, other) = (time.server(), time.server());
    let mut ledger: Arc<dyn Ledger> = Arc::new(time.ledger(first.has_been_there()));
    let mut now = NOW;
    let mut spent = vec![at(now, 0)];
    assert_eq!(ledger.spend(&at(now, 0), now), Ok(Spent::First));
    for (round, server) in [&other, &first, &other, &first].into_iter().enumerate() {
        ledger = xtoken::ledger::reopen(server.url(), &*ledger).unwrap();
        for token in &spent {
            assert_ne!(ledger.spend(token, now), Ok(Spent::First), "{round}");
        }
        let later = ledger.closed_until(now).unwrap_or(now);
        time.pass(later - now);
        now = later;
        let fresh = at(now, round + 1);
        assert_eq!(ledger.spend(&fresh, now), Ok(Spent::First), "{round}");
        spent.push(fresh);
    }
}
