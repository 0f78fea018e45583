//! Clocks that are wrong, jump, creep, and are set back.

use xtoken::ledger::{self, Ledger, Spent, Unavailable};

use super::time::Time;
use super::{NOW, at, spend, token};

pub(crate) const HOUR: u64 = 3_600;
pub(crate) const CENTURY: u64 = 100 * 365 * 86_400;
const YEAR: u64 = 365 * 86_400;

#[test]
fn a_clock_that_jumps_reopens_nothing_and_locks_nobody_out() {
    let time = Time::new();
    let server = time.server();
    let ledger = time.ledger(server.has_been_there());
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
fn a_clock_that_is_ahead_for_a_step_or_a_hundred_locks_nobody_out_afterwards() {
    for ahead in [3 * HOUR, YEAR] {
        for steps in [1, 100] {
            let time = Time::new();
            let server = time.server();
            let ledger = time.ledger(server.has_been_there());
            for step in 0..steps {
                let there = NOW + ahead + 30 * step;
                let number = usize::try_from(step).unwrap();
                assert_eq!(ledger.spend(&at(there, number), there), Ok(Spent::First));
                time.pass(30);
            }
            let mut now = NOW + 30 * steps;
            assert_eq!(ledger.spend(&at(now, 1_000), now), Ok(Spent::First));
            for hours in [2, 6] {
                time.pass(hours * HOUR);
                now += hours * HOUR;
                assert_eq!(
                    ledger.spend(&at(now, now as usize), now),
                    Ok(Spent::First),
                    "{ahead} {hours}"
                );
                assert_eq!(ledger.closed_until(now), None);
            }
        }
    }
}

#[test]
fn a_clock_that_was_ahead_when_the_server_began_locks_nobody_out_afterwards() {
    for ahead in [3 * HOUR, CENTURY] {
        let time = Time::new();
        let server = time.server();
        let ledger = time.ledger(&server);
        let there = NOW + ahead;
        assert_eq!(ledger.spend(&at(there, 1), there), Err(Unavailable));
        assert_eq!(spend(&ledger, 1), Err(Unavailable), "back again");
        let later = ledger.closed_until(NOW).unwrap();
        assert!((NOW + 60..=NOW + 120).contains(&later), "{later}");
        time.pass(later - NOW);
        assert_eq!(ledger.spend(&at(later, 2), later), Ok(Spent::First));
        assert_eq!(ledger.closed_until(later), None);
    }
}

#[test]
fn a_clock_that_is_behind_does_not_make_the_server_seem_older() {
    let time = Time::new();
    let server = time.server();
    // Each over a connection of its own.
    let spend = |now| time.ledger(&server).spend(&at(now, 1), now);
    assert_eq!(spend(NOW), Err(Unavailable), "it was started a moment ago");
    assert_eq!(spend(NOW - 2 * HOUR), Err(Unavailable));
    assert_eq!(spend(NOW), Err(Unavailable), "as before");
}

#[test]
fn a_clock_set_back_by_an_hour_accepts_nothing_again_and_locks_nobody_out() {
    let time = Time::new();
    let server = time.server();
    let ledger = time.ledger(server.has_been_there());
    let later = NOW + HOUR;
    assert_eq!(ledger.spend(&at(later, 1), later), Ok(Spent::First));
    assert_eq!(spend(&ledger, 2), Ok(Spent::First), "set back, and logins go on");
    time.pass(HOUR);
    assert_eq!(ledger.spend(&at(later, 1), later), Ok(Spent::Again));
}

/// The clock is set back by more than the server keeps tokens, also after a long time without
/// questions, and for a process that has seen nothing.
#[test]
fn a_clock_set_back_by_two_hours_accepts_nothing_again() {
    for is_restarted in [false, true] {
        for logins in [1, 240] {
            let time = Time::new();
            let server = time.server();
            let mut ledger = time.ledger(server.has_been_there());
            for login in 0..logins {
                let now = NOW + 30 * login;
                let number = usize::try_from(login).unwrap();
                assert_eq!(ledger.spend(&at(now, number), now), Ok(Spent::First));
                time.pass(30);
            }
            time.pass(2 * HOUR);
            if is_restarted {
                ledger = time.ledger(&server);
            }
            let keys: Vec<String> =
                redis::cmd("KEYS").arg("xtoken:0*").query(&mut server.client()).unwrap();
            assert!(keys.is_empty(), "the server has forgotten them");
            for login in 0..logins {
                let now = NOW + 30 * login;
                let number = usize::try_from(login).unwrap();
                assert_eq!(ledger.spend(&at(now, number), now), Err(Unavailable), "{login}");
                assert_eq!(ledger.peek(&at(now, number), now), Err(Unavailable), "{login}");
            }
            // Refused until it has passed what is closed, and no longer.
            let opens = ledger.closed_until(NOW).unwrap();
            assert!(opens <= NOW + 30 * logins + 60, "{opens}");
            time.pass(opens - NOW);
            assert_eq!(ledger.spend(&at(opens, 1_000), opens), Ok(Spent::First));
        }
    }
}

#[test]
fn a_server_whose_clock_is_set_counts_as_restarted() {
    let time = Time::new();
    time.set_server_ahead(10 * HOUR);
    let server = time.server();
    let ledgers = [time.ledger(server.has_been_there()), time.ledger(&server)];
    assert_eq!(spend(&ledgers[0], 1), Ok(Spent::First));
    assert_eq!(spend(&ledgers[1], 2), Ok(Spent::First));
    let mut now = NOW;
    // The clock goes ahead, so that tokens are forgotten, and back.
    for (round, ahead) in [(1, 12), (2, 11), (3, 0)] {
        time.set_server_ahead(ahead * HOUR);
        for ledger in &ledgers {
            for number in [1, 2, 10 + round] {
                let token = at(now, number);
                assert_ne!(ledger.spend(&token, now), Ok(Spent::First), "{round}, {number}");
            }
            assert_eq!(ledger.last_error(), None);
        }
        let later = ledgers[0].closed_until(now).unwrap();
        time.pass(later - now);
        now = later;
        assert_eq!(ledgers[0].spend(&at(now, 100 + round), now), Ok(Spent::First));
        assert_eq!(ledgers[1].spend(&at(now, 100 + round), now), Ok(Spent::Again));
        assert_ne!(ledgers[1].spend(&token(1), now), Ok(Spent::First));
    }
}

#[test]
fn a_ledger_in_the_place_of_another_knows_the_clock_that_it_saw() {
    let time = Time::new();
    time.set_server_ahead(10 * HOUR);
    let server = time.server();
    let former = time.ledger(server.has_been_there());
    assert_eq!(spend(&former, 1), Ok(Spent::First));
    let url = format!("{}?timeout=1500", server.url());
    let reopened = ledger::reopen(&url, &former).unwrap();
    assert_eq!(reopened.spend(&token(1), NOW), Ok(Spent::Again));
    assert_eq!(reopened.spend(&token(2), NOW), Ok(Spent::First));
    let reopened = ledger::reopen(&url, &*reopened).unwrap();
    drop(former);
    // Nobody is connected at this moment.
    time.set_server_ahead(0);
    assert_eq!(reopened.spend(&token(3), NOW), Err(Unavailable));
    assert!(reopened.closed_until(NOW).is_some());

    // Where nothing is known, it is a ledger like any other.
    let unused = time.ledger(&server);
    assert_eq!(ledger::reopen(&url, &unused).unwrap().last_error(), None);
    assert!(ledger::reopen("memory:", &unused).is_ok());
    assert!(ledger::reopen("redis://h?timeout=9", &unused).is_err());
}

#[test]
fn a_server_whose_clock_creeps_ahead_counts_as_restarted() {
    let time = Time::new();
    let server = time.server();
    let ledger = time.ledger(server.has_been_there());
    let spent = at(NOW, 1);
    assert_eq!(ledger.spend(&spent, NOW), Ok(Spent::First));
    // In jumps that cannot be told from the inaccuracy of the clock, with a login after each.
    let mut refused = 0;
    for jump in 1..=60 {
        time.set_server_ahead(jump * 2);
        if ledger.spend(&at(NOW, 1 + usize::try_from(jump).unwrap()), NOW) == Err(Unavailable) {
            refused += 1;
        }
    }
    assert!(refused > 50, "{refused}");
    assert!(ledger.closed_until(NOW).is_some());
    // In larger ones: by now the server has forgotten the token.
    for jump in 1..=20 {
        time.set_server_ahead(120 + jump * 500);
        assert_ne!(ledger.spend(&spent, NOW), Ok(Spent::First));
    }
}

/// As over months, and beside it logins go on.
#[test]
fn clocks_that_drift_are_no_gap() {
    let time = Time::new();
    let server = time.server();
    let ledger = time.ledger(server.has_been_there());
    let mut now = NOW;
    for day in 1..=20 {
        assert_eq!(ledger.spend(&at(now, 1_000 + day), now), Ok(Spent::First), "{day}");
        time.pass(86_400);
        now += 86_400;
        // 462 parts in a million, at most 10 minutes.
        time.set_server_ahead((40 * day as u64).min(590));
    }
}

#[test]
fn the_ends_of_time_are_ordinary() {
    for now in [0, u64::MAX] {
        let time = Time::new();
        let server = time.server();
        let ledger = time.ledger(server.has_been_there());
        assert_eq!(ledger.spend(&at(now, 1), now), Ok(Spent::First));
        assert_eq!(ledger.spend(&at(now, 1), now), Ok(Spent::Again));
        assert_eq!(ledger.last_error(), None);
    }
}
