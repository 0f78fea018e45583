//! A ledger in a file on an ordinary day: what it writes, counts and leaves alone, locks that
//! others hold, and folders that are missing.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;

use xtoken::ledger::{Ledger, Probe, Spending, Spent, SqliteLedger, Unavailable};

use crate::file::{File, NOW, spending};
use crate::processes::Process;

#[test]
fn nothing_exists_before_first_use() {
    let file = File::new();
    let ledger = file.open();
    assert!(file.names().is_empty());
    file.spend_a_hundred(&ledger);
    assert!(file.path().exists() && file.beside(".lock").exists());
}

#[test]
fn spent_tokens_survive_the_process() {
    let file = File::new();
    file.spend_a_hundred(&file.open());
    let ledger = file.open();
    for n in 0..100 {
        assert_eq!(file.spend(&ledger, n), Ok(Spent::Again));
    }
    assert_eq!(file.spend(&ledger, 100), Ok(Spent::First));
}

#[test]
fn a_peek_says_what_spending_would_and_spends_nothing() {
    let file = File::new();
    let ledger = file.open();
    let token = spending(1, file.step());
    for _ in 0..2 {
        assert_eq!(ledger.peek(&token, NOW), Ok(Spent::First), "{:?}", ledger.last_error());
    }
    assert!(file.names().is_empty(), "it makes nothing");
    assert_eq!(ledger.spend(&token, NOW), Ok(Spent::First));
    assert_eq!(ledger.peek(&token, NOW), Ok(Spent::Again));
    assert_eq!(file.open().peek(&token, NOW), Ok(Spent::Again));
    file.pass(90);
    assert_eq!(file.spend(&ledger, 2), Ok(Spent::First));
    assert_eq!(file.count("spent"), 1, "the first has left, and its step is over");
    for n in [1, 3] {
        assert_eq!(ledger.peek(&spending(n, NOW / 30), NOW), Err(Unavailable));
    }
    assert_eq!(ledger.peek(&spending(3, file.step()), file.now()), Ok(Spent::First));
    assert_eq!(ledger.last_error(), None);
}

#[test]
fn a_peek_does_not_hide_what_keeps_tokens_from_being_spent() {
    let file = File::new();
    let ledger = file.open();
    file.spend_a_hundred(&ledger);
    let _other = file.lock();
    let fresh = spending(100, file.step());
    assert_eq!(ledger.spend(&fresh, NOW), Err(Unavailable));
    assert_eq!(ledger.peek(&fresh, NOW), Ok(Spent::First));
    assert!(ledger.last_error().unwrap().contains("locked"));
}

#[test]
fn what_is_remembered_is_counted_up_to_a_bound() {
    let file = File::new();
    let ledger = file.open();
    assert_eq!(ledger.spent_count(), None, "before first use");
    file.spend_a_hundred(&ledger);
    assert_eq!(ledger.spent_count(), Some(100));
    file.sql(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 60000)
         INSERT INTO spent SELECT CAST(n AS BLOB), 1 FROM n",
    );
    assert_eq!(ledger.spent_count(), Some(50_000));
}

#[test]
fn a_probe_writes_and_leaves_everything_as_it_is() {
    let file = File::new();
    let ledger = file.open();
    assert_eq!(ledger.probe(), Ok(Probe::default()), "{:?}", ledger.last_error());
    assert!(file.names().is_empty());
    // The first token is still the first, nothing is closed.
    file.spend_a_hundred(&ledger);
    for ledger in [&ledger, &file.open()] {
        assert!(ledger.probe().is_ok());
        assert_eq!(file.spend(ledger, 0), Ok(Spent::Again));
    }
    let other = file.lock();
    assert_eq!(ledger.probe(), Err(Unavailable));
    assert!(ledger.last_error().unwrap().contains("locked"));
    other.execute_batch("ROLLBACK").unwrap();
    assert!(ledger.probe().is_ok());
    assert_eq!(ledger.last_error(), None);
}

/// A process that is killed while it writes must leave no file.
#[test]
fn a_probe_writes_to_a_file_without_a_name() {
    let file = File::new();
    let (ledger, is_over) = (file.open(), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..500 {
                assert!(ledger.probe().is_ok());
            }
            is_over.store(true, Relaxed);
        });
        while !is_over.load(Relaxed) {
            for name in file.names() {
                let length = fs::metadata(file.folder.path().join(&name)).map_or(0, |it| it.len());
                assert_eq!(length, 0, "{name}");
            }
        }
    });
}

#[test]
fn two_ledgers_on_one_file_are_one() {
    let file = File::new();
    let ledgers = [file.open(), file.open()];
    let successes: Vec<_> = (0..2_000).map(|_| AtomicUsize::new(0)).collect();
    std::thread::scope(|scope| {
        for ledger in &ledgers {
            scope.spawn(|| {
                for (n, successes) in (0..).zip(&successes) {
                    while match ledger.spend(&spending(n, file.step()), NOW) {
                        Ok(Spent::First) => {
                            successes.fetch_add(1, Relaxed);
                            false
                        }
                        Ok(Spent::Again) => false,
                        Err(Unavailable) => true,
                    } {}
                }
            });
        }
    });
    assert!(successes.iter().all(|count| count.load(Relaxed) == 1));
}

#[test]
fn rows_leave_a_part_at_a_time_when_their_step_is_over() {
    let file = File::new();
    let ledger = file.open();
    for n in 0..1_000 {
        ledger.spend(&spending(n, file.step()), NOW).unwrap();
    }
    file.pass(90);
    assert_eq!(file.spend(&ledger, 5_000), Ok(Spent::First));
    assert_eq!(file.count("spent"), 501);
    for n in 5_001..5_005 {
        assert_eq!(file.spend(&ledger, n), Ok(Spent::First));
    }
    assert_eq!(file.count("spent"), 5);
    file.set_wall(NOW);
    for n in [0, 6_000] {
        assert_eq!(file.spend(&ledger, n), Err(Unavailable));
    }
}

/// Whether a process spends many tokens or one each.
#[test]
fn rows_that_are_over_leave_from_among_those_that_are_not() {
    for keeps_open in [true, false] {
        let file = File::new();
        let ledger = file.open();
        let ahead =
            |n: u64| Spending { deviation: 10, ..spending(2 * n, file.step() + (n + 1) % 2 * 10) };
        for n in 0..1_200 {
            assert_eq!(ledger.spend(&ahead(n), NOW), Ok(Spent::First));
        }
        drop(ledger);
        file.pass(330);
        let ledger = file.open();
        for n in 0..40 {
            let one_of_many = if keeps_open { &ledger } else { &file.open() };
            // Anywhere among them, as signatures are.
            let fresh = spending(n * 719 % 1_200 * 2 + 1, file.step());
            assert_eq!(one_of_many.spend(&fresh, file.now()), Ok(Spent::First));
        }
        assert_eq!(file.count("spent"), 600 + 40, "{keeps_open}");
    }
}

#[test]
fn a_token_that_is_good_in_two_steps_is_spent_in_both() {
    let file = File::new();
    let ledger = file.open();
    let later = Spending { deviation: 2, ..spending(1, file.step() + 2) };
    assert_eq!(file.spend(&ledger, 1), Ok(Spent::First));
    assert_eq!(ledger.spend(&later, NOW), Ok(Spent::Again));
    file.pass(90);
    assert_eq!(file.spend(&ledger, 2), Ok(Spent::First));
    assert_eq!(ledger.spend(&later, file.now()), Ok(Spent::Again));
}

#[test]
fn the_database_of_another_program_is_left_alone() {
    let file = File::new();
    file.sql("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)");
    let before = fs::read(file.path()).unwrap();
    let ledger = file.open();
    for _ in 0..2 {
        assert_eq!(file.spend(&ledger, 0), Err(Unavailable));
    }
    assert!(ledger.last_error().unwrap().contains("another program"));
    assert_eq!(fs::read(file.path()).unwrap(), before);
    assert_eq!(file.damaged_copies(), 0);
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let file = File::new();
    fs::write(file.path(), "port = 5222").unwrap();
    let ledger = file.open();
    for n in 0..3 {
        assert_eq!(file.spend(&ledger, n), Err(Unavailable));
        assert!(ledger.last_error().unwrap().contains("another program"));
    }
    assert_eq!(fs::read_to_string(file.path()).unwrap(), "port = 5222");
}

#[test]
fn the_files_are_private() {
    let file = File::new();
    file.spend_a_hundred(&file.open());
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let mode = fs::metadata(file.beside(suffix)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{suffix}");
    }
}

#[test]
fn names_that_lead_to_one_file_are_one_ledger() {
    let file = File::new();
    let link = file.folder.path().join("link");
    symlink("tokens.sqlite", &link).unwrap();
    // The link leads nowhere at first.
    let (by_link, by_name) = (file.open_at(link), file.open());
    assert_eq!(file.spend(&by_link, 1), Ok(Spent::First), "{:?}", by_link.last_error());
    assert_eq!(file.spend(&by_name, 1), Ok(Spent::Again), "{:?}", by_name.last_error());
    let mut names = file.names();
    names.sort();
    let wanted = ["", "-shm", "-wal", ".lock"].map(|suffix| format!("tokens.sqlite{suffix}"));
    assert_eq!(names, [["link".to_owned()].as_slice(), &wanted].concat());
}

#[test]
fn a_folder_that_is_missing_refuses_until_it_is_there() {
    let file = File::new();
    let folder = file.folder.path().join("later");
    let ledger = file.open_at(folder.join("tokens.sqlite"));
    assert_eq!(ledger.probe(), Err(Unavailable));
    assert_eq!(file.spend(&ledger, 0), Err(Unavailable));
    let error = ledger.last_error().unwrap();
    // What is not there may be a secret that was written in the place of a path.
    assert_eq!(error, "the file of the ledger: No such file or directory (os error 2)");
    fs::create_dir(folder).unwrap();
    assert_eq!(file.spend(&ledger, 0), Ok(Spent::First));
    assert_eq!(ledger.last_error(), None);
}

#[test]
fn a_lock_held_too_long_refuses_until_it_is_free() {
    let file = File::new();
    let ledger = file.open();
    file.spend_a_hundred(&ledger);
    let other = file.lock();
    assert_eq!(file.spend(&ledger, 100), Err(Unavailable));
    assert!(ledger.last_error().unwrap().contains("locked"));
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(file.spend(&ledger, 100), Ok(Spent::First));
    assert_eq!(file.spend(&ledger, 0), Ok(Spent::Again));
}

#[test]
fn a_lock_held_from_the_start_is_no_gap() {
    let file = File::new();
    file.spend_a_hundred(&file.open());
    let mut other = Process::start(&file.path());
    other.ask("lock");
    let ledger = file.open();
    for _ in 0..2 {
        assert_eq!(file.spend(&ledger, 100), Err(Unavailable));
        assert_eq!(ledger.probe(), Err(Unavailable));
        assert!(ledger.last_error().unwrap().contains("locked"), "{:?}", ledger.last_error());
    }
    other.ask("unlock");
    assert_eq!(file.spend(&ledger, 100), Ok(Spent::First), "{:?}", ledger.last_error());
}

#[test]
fn the_ends_of_time_are_ordinary() {
    for now in [0, u64::MAX] {
        let file = File::new();
        file.set_wall(now);
        let ledger = file.open();
        assert_eq!(file.spend(&ledger, 1), Ok(Spent::First));
        assert_eq!(file.spend(&ledger, 1), Ok(Spent::Again));
    }
}

#[test]
fn the_clock_of_the_machine_is_the_default() {
    let file = File::new();
    let ledger = SqliteLedger::new(file.path());
    assert_eq!(file.spend(&ledger, 1), Ok(Spent::First));
    assert_eq!(file.spend(&SqliteLedger::new(file.path()), 1), Ok(Spent::Again));
}
