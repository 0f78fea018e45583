//! Asking without spending.

use redis::cmd;
use xtoken::ledger::{Ledger, RedisLedger, Spending, Spent, Unavailable};

use super::clocks::{CENTURY, HOUR};
use super::server::Server;
use super::{NOW, at, collect, ledger, spend, token};

#[test]
fn a_peek_says_what_spending_would_and_spends_nothing() {
    let server = Server::start(&[]);
    let new = RedisLedger::new(server.url()).unwrap();
    assert_eq!(new.peek(&token(1), NOW), Err(Unavailable), "as spending it would");
    assert_eq!(new.trouble(), None);
    assert!(new.closed_until(NOW).is_some());

    let ledger = ledger(&server, "");
    let peek = |number| ledger.peek(&token(number), NOW);
    assert_eq!([peek(1), peek(1)], [Ok(Spent::First); 2]);
    assert_eq!(spend(&ledger, 1), Ok(Spent::First));
    assert_eq!([peek(1), peek(2)], [Ok(Spent::Again), Ok(Spent::First)]);

    let deferred = ledger.deferred().unwrap();
    let tickets = [1, 2].map(|number| deferred.begin_peek(&token(number), NOW).unwrap());
    let mut answered = collect(&ledger, 2);
    answered.sort_by_key(|(ticket, _)| *ticket);
    assert_eq!(answered, [(tickets[0], Ok(Spent::Again)), (tickets[1], Ok(Spent::First))]);
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
        assert!(ledger.probe().is_ok(), "{:?}", ledger.trouble());
    }
    assert_eq!(spend(&ledger, 3), Ok(Spent::First));
    assert_eq!(history(), before);
}
