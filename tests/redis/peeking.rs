//! Asking without spending.

use std::sync::mpsc::channel;

use redis::cmd;
use xtoken::ledger::{Ledger, Question, RedisLedger, Spending, Spent, Unavailable};

use super::clocks::{CENTURY, HOUR};
use super::server::Server;
use super::{NOW, at, collect, ledger, spend, submit, token};

#[test]
fn a_peek_says_what_spending_would_and_spends_nothing() {
    let server = Server::start(&[]);
    let new = RedisLedger::new(server.url()).unwrap();
    assert_eq!(new.peek(&token(1), NOW), Err(Unavailable), "as spending it would");
    assert_eq!(new.last_error(), None);
    assert!(new.closed_until(NOW).is_some());

    let ledger = ledger(&server, "");
    let peek = |number| ledger.peek(&token(number), NOW);
    assert_eq!([peek(1), peek(1)], [Ok(Spent::First); 2]);
    assert_eq!(spend(&ledger, 1), Ok(Spent::First));
    assert_eq!([peek(1), peek(2)], [Ok(Spent::Again), Ok(Spent::First)]);

    let (sender, replies) = channel();
    for number in [1, 2] {
        submit(&ledger, Question::Peek(token(number)), number, &sender);
    }
    assert_eq!(collect(&replies, 2), [(1, Ok(Spent::Again)), (2, Ok(Spent::First))]);
    assert_eq!(spend(&ledger, 2), Ok(Spent::First));

    // A server that was emptied is noticed.
    cmd("FLUSHALL").exec(&mut server.client()).unwrap();
    assert_eq!(peek(1), Err(Unavailable));
}

#[test]
fn peeks_and_probes_decide_nothing_for_later() {
    let server = Server::start(&[]);
    let ledger = ledger(&server, "");
    assert_eq!(spend(&ledger, 1), Ok(Spent::First));
    let history =
        || -> String { cmd("GET").arg("xtoken:history").query(&mut server.client()).unwrap() };
    let before = history();
    for now in [0, NOW - 2 * HOUR, NOW + 2 * HOUR, NOW + CENTURY] {
        assert_eq!(ledger.peek(&Spending { deviation: 10, ..at(now, 2) }, now), Ok(Spent::First));
        assert!(ledger.probe().is_ok(), "{:?}", ledger.last_error());
    }
    assert_eq!(spend(&ledger, 3), Ok(Spent::First));
    assert_eq!(history(), before);
}
