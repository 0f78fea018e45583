//! Runs threads in every order that shuttle tries: `make test-shuttle`.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use shuttle::thread;

use super::*;

const SCHEDULES: usize = 5_000;
/// Changes of threads in a schedule, for the scheduler that makes few of them.
const DEPTH: usize = 4;
const WORKERS: usize = 2;
const TICKETS: usize = 3;

/// Lets workers answer tickets while an event loop takes answers whenever it is woken. Each ticket
/// is answered once, and no answer is left that does not wake the loop.
fn tickets_are_answered_once() {
    let completions = Arc::new(Completions::<Ticket>::new());
    let finished = Arc::new(AtomicUsize::new(0));
    let mut workers = Vec::new();
    for _ in 0..WORKERS {
        let (completions, finished) = (Arc::clone(&completions), Arc::clone(&finished));
        workers.push(thread::spawn(move || {
            for at in 0..TICKETS {
                let reservation = completions.reserve().unwrap();
                let ticket = reservation.ticket();
                // A question that could not be asked gives its ticket back.
                if at > 0 {
                    reservation.fill(ticket)
                } else {
                    drop(reservation)
                }
                thread::yield_now();
            }
            finished.fetch_add(1, SeqCst);
        }));
    }
    let mut taken = Vec::new();
    loop {
        let is_last = finished.load(SeqCst) == WORKERS;
        let is_awake = completions.inbox().is_some_and(|inbox| inbox.waker.is_awake());
        if is_awake {
            taken.extend(completions.take(2));
        } else if is_last {
            break;
        }
        thread::yield_now();
    }
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    assert!(completions.take(usize::MAX).is_empty(), "an answer woke nobody");
    let answered = taken.len();
    taken.sort_unstable();
    taken.dedup();
    assert_eq!((answered, taken.len()), (WORKERS * (TICKETS - 1), answered));
    assert_eq!(completions.inbox().unwrap().lock().tickets, 0);
}

#[test]
fn in_random_order() {
    shuttle::check_random(tickets_are_answered_once, SCHEDULES);
}

#[test]
fn with_few_changes_of_threads() {
    shuttle::check_pct(tickets_are_answered_once, SCHEDULES, DEPTH);
}
