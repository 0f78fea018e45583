//! Wall clocks that are set, and the start of a machine.

use std::fs;

use xtoken::ledger::{Ledger, Spending, Spent, Unavailable};

use crate::file::{File, HOUR, NOW, YEAR, spending};

#[test]
fn a_clock_that_jumps_reopens_nothing_and_locks_nobody_out() {
    let file = File::new();
    let ledger = file.open();
    file.spend_a_hundred(&ledger);
    for jump in [HOUR, 100 * YEAR] {
        let before = file.now();
        file.set_wall(before + jump);
        assert_eq!(file.spend(&ledger, jump), Ok(Spent::First));
        file.set_wall(before);
        assert_eq!(ledger.closed_until(before), None);
        assert_eq!(file.spend(&ledger, jump + 1), Ok(Spent::First));
        for n in 0..100 {
            assert_eq!(ledger.spend(&spending(n, NOW / 30), NOW), Ok(Spent::Again));
        }
        file.set_wall(before + jump);
        assert_eq!(file.spend(&ledger, jump), Ok(Spent::Again));
        file.set_wall(before);
    }
    file.set_wall(NOW - HOUR);
    assert_eq!(file.spend(&ledger, 7_000), Ok(Spent::First));
    assert_eq!(file.spend(&ledger, 7_000), Ok(Spent::Again));
}

#[test]
fn a_clock_that_is_set_back_reopens_nothing_also_after_a_restart() {
    let file = File::new();
    file.spend_a_hundred(&file.open());
    file.pass(90);
    assert_eq!(file.spend(&file.open(), 1), Ok(Spent::First));
    file.set_wall(NOW);
    for _ in 0..2 {
        let ledger = file.open();
        assert_eq!(file.spend(&ledger, 0), Err(Unavailable));
        assert_eq!(file.spend(&ledger, 200), Err(Unavailable));
        assert_eq!(ledger.closed_until(file.now()), Some(NOW + 60));
        assert_eq!(ledger.last_error(), None);
    }
}

#[test]
fn after_the_machine_was_down_nothing_older_is_accepted() {
    let file = File::new();
    file.spend_a_hundred(&file.open());
    // As after a power failure: the last transactions are missing.
    file.sql("DELETE FROM spent");
    file.boot_again();
    file.assert_closed_for_the_window(&file.open());
    // The same boot from here on.
    assert_eq!(file.spend(&file.open(), 3_000), Ok(Spent::First));
}

/// The hardware clock keeps local time, and a login comes before the clock is corrected.
#[test]
fn a_machine_that_starts_with_its_clock_ahead_locks_nobody_out_for_longer() {
    let file = File::new();
    file.spend_a_hundred(&file.open());
    file.boot_again();
    file.pass(30);
    let ledger = file.open();
    file.set_wall(NOW + 30 + 2 * HOUR);
    assert_eq!(file.spend(&ledger, 200), Err(Unavailable));
    file.set_wall(NOW + 30);
    for n in 0..100 {
        assert_ne!(ledger.spend(&spending(n, NOW / 30), NOW + 30), Ok(Spent::First));
    }
    file.pass(60);
    assert_eq!(file.spend(&ledger, 2_000), Ok(Spent::First));
}

#[test]
fn a_year_ahead_for_many_logins_closes_no_more_than_passed() {
    let file = File::new();
    let ledger = file.open();
    file.spend_a_hundred(&ledger);
    file.set_wall(NOW + YEAR);
    for n in 0..200 {
        assert_eq!(file.spend(&ledger, 1_000 + n), Ok(Spent::First));
        file.pass(60);
    }
    file.set_wall(file.now() - YEAR);
    for n in 0..1_000 {
        assert_eq!(file.spend(&ledger, 2_000 + n), Ok(Spent::First), "{n}");
        file.pass(12 * HOUR - 17);
    }
}

#[test]
fn rows_are_kept_while_a_clock_that_is_ahead_moves_the_horizon() {
    let file = File::new();
    file.spend_a_hundred(&file.open());
    file.boot_again();
    let ledger = file.open();
    file.assert_closed_for_the_window(&ledger);
    assert_eq!(file.spend(&ledger, 1), Ok(Spent::First));
    let before = file.now();
    for day in 1..4 {
        file.set_wall(before + day * 24 * HOUR);
        let _ = file.spend(&ledger, 5_000 + day);
    }
    file.set_wall(before);
    assert_eq!(file.spend(&ledger, 1), Ok(Spent::Again));
}

/// A step that is over for the narrow deviation is not over for the wide one.
#[test]
fn the_widest_deviation_in_use_counts_for_all() {
    type Loss = fn(&File);
    let losses: [(&str, Loss); 4] = [
        ("removed", |file| file.remove(&["", "-wal", "-shm"])),
        ("power cut", |file| {
            file.sql("DELETE FROM spent; UPDATE ledger SET history = ''");
            file.boot_again();
        }),
        ("lock file unreadable", |file| {
            file.remove(&["", "-wal", "-shm"]);
            fs::write(file.beside(".lock"), [0; 100]).unwrap();
        }),
        ("lock file removed", |file| {
            file.remove(&[".lock"]);
            file.sql("DELETE FROM spent");
        }),
    ];
    for (name, lose) in losses {
        let file = File::new();
        let wide = Spending { deviation: 10, ..spending(1, file.step() + 10) };
        assert_eq!(file.spend_of(&file.open(), &wide), Ok(Spent::First));
        lose(&file);
        let (narrow, wider) = (file.open(), file.open());
        assert_eq!(file.spend(&narrow, 2), Err(Unavailable), "{name}");
        // The token comes into the window of the narrow one, which is the only one to ask.
        for _ in 0..9 {
            file.pass(30);
            let _ = file.spend(&narrow, 2);
        }
        let in_time = Spending { deviation: 1, ..wide };
        assert_ne!(file.spend_of(&narrow, &in_time), Ok(Spent::First), "{name}");
        for _ in 0..20 {
            assert_ne!(file.spend_of(&wider, &wide), Ok(Spent::First), "{name}");
            file.pass(30);
        }
        assert_eq!(file.spend(&narrow, 3), Ok(Spent::First), "{name}");
    }
}

/// Holds also if all files are lost, or were replaced by those of a moment before.
#[test]
fn a_process_knows_the_deviations_it_has_seen() {
    for is_restored in [false, true] {
        let file = File::new();
        let ledger = file.open();
        assert_eq!(file.spend(&ledger, 1), Ok(Spent::First));
        let suffixes = ["", "-wal", "-shm", ".lock"];
        let copies = suffixes.map(|suffix| fs::read(file.beside(suffix)).unwrap());
        let wide = Spending { deviation: 10, ..spending(1, file.step() + 10) };
        let token = Spending { fingerprint: [7; 16], ..wide };
        assert_eq!(file.spend_of(&ledger, &token), Ok(Spent::First));
        file.remove(&suffixes);
        if is_restored {
            for (suffix, copy) in suffixes.iter().zip(copies) {
                fs::write(file.beside(suffix), copy).unwrap();
            }
        }
        for _ in 0..10 {
            assert_eq!(file.spend(&ledger, 2), Err(Unavailable));
            file.pass(30);
        }
        let in_time = Spending { deviation: 1, ..token };
        assert_eq!(ledger.spend(&in_time, file.now()), Err(Unavailable), "{is_restored}");
    }
}

#[test]
fn what_one_ledger_closes_is_closed_for_others() {
    let file = File::new();
    let [one, other] = [file.open(), file.open()];
    file.spend_a_hundred(&one);
    assert_eq!(file.spend(&other, 0), Ok(Spent::Again));
    file.pass(90);
    assert_eq!(file.spend(&other, 1_000), Ok(Spent::First));
    assert_eq!(file.count("spent"), 1);
    file.set_wall(NOW);
    assert_eq!(file.spend(&one, 0), Err(Unavailable));
}

#[test]
fn rows_of_an_earlier_boot_leave() {
    let file = File::new();
    file.spend_a_hundred(&file.open());
    file.boot_again();
    file.pass(90);
    let ledger = file.open();
    assert_eq!(file.spend(&ledger, 1_000), Err(Unavailable));
    for n in 1_001..1_003 {
        file.pass(60);
        assert_eq!(file.spend(&ledger, n), Ok(Spent::First));
    }
    file.pass(30);
    assert_eq!(file.spend(&file.open(), 0), Ok(Spent::First));
    assert_eq!(file.count("spent"), 2);
}

#[test]
fn a_deviation_that_is_not_in_use_lapses_in_the_lock_file_too() {
    let file = File::new();
    let ledger = file.open();
    let wide = Spending { deviation: 10, ..spending(1, file.step()) };
    assert_eq!(ledger.spend(&wide, NOW), Ok(Spent::First));
    file.pass(25 * HOUR);
    assert_eq!(file.spend(&ledger, 2), Ok(Spent::First));
    file.remove(&["", "-wal", "-shm"]);
    file.assert_closed_for_the_window(&ledger);
}

/// The clock is set back by so little that the first process has no reason to read the file again.
#[test]
fn steps_that_another_process_closed_are_closed() {
    let file = File::new();
    let [one, other] = [file.open(), file.open()];
    let old = spending(1, file.step());
    assert_eq!(file.spend_of(&one, &old), Ok(Spent::First));
    file.pass(59);
    for n in 2..5 {
        assert_eq!(file.spend(&one, n), Ok(Spent::First));
    }
    file.pass(1);
    // The first of all fingerprints, so this one checks every row.
    assert_eq!(file.spend(&other, 0), Ok(Spent::First));
    assert_eq!(other.spent_count(), Some(4));
    file.set_wall(NOW + 59);
    assert_eq!(one.spend(&old, file.now()), Err(Unavailable));
    assert_eq!(file.spend(&one, 6), Ok(Spent::First));
}
