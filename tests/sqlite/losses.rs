//! Files that are lost, damaged or replaced. That is a gap: afterwards nothing is accepted twice,
//! and fresh tokens are accepted soon.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use xtoken::ledger::{Ledger, Spent, Unavailable};

use crate::file::{File, NOW, spending};

#[test]
fn peeks_and_probes_decide_nothing_for_later() {
    let losses: [fn(&File); 5] = [
        |file| {
            file.sql("DELETE FROM spent");
            file.boot_again();
        },
        |file| fs::write(file.path(), b"").unwrap(),
        |file| fs::write(file.path(), [0xaa; 10_000]).unwrap(),
        |file| file.remove(&["", "-wal", "-shm"]),
        |file| {
            file.remove(&[""]);
            file.sql("");
        },
    ];
    for (index, lose) in losses.into_iter().enumerate() {
        for now in [NOW - 200_000, NOW, NOW + 200_000] {
            let file = File::new();
            file.spend_a_hundred(&file.open());
            lose(&file);
            let ledger = file.open();
            let has_lost = ledger.probe().is_ok_and(|probe| probe.has_lost);
            // The others show only when the file is opened.
            assert_eq!(has_lost, index == 3 || has_lost && index == 4, "{index}");
            let foreseen = ledger.peek(&spending(5_000, now / 30), now);
            assert_eq!(foreseen, Err(Unavailable), "{index}");
            assert_eq!(file.damaged_copies(), 0);
            // The first process sees that it is damaged.
            let _ = ledger.spend(&spending(0, NOW / 30), NOW);
            file.assert_closed_for_the_window(&ledger);
        }
    }
}

#[test]
fn the_time_for_which_tokens_are_refused_begins_at_the_start() {
    let losses: [fn(&File); 3] = [
        |file| file.remove(&["", "-wal", "-shm"]),
        |file| fs::write(file.path(), b"").unwrap(),
        |file| fs::rename(file.beside(".copy"), file.path()).unwrap(),
    ];
    for (index, lose) in losses.into_iter().enumerate() {
        let file = File::new();
        file.spend_a_hundred(&file.open());
        fs::copy(file.path(), file.beside(".copy")).unwrap();
        lose(&file);
        let ledger = file.open();
        assert_eq!(ledger.start(1, NOW), Some(Ok(())), "{:?}", ledger.last_error());
        assert_eq!(ledger.closed_until(NOW), Some(NOW + 60), "{index}");
        file.pass(60);
        assert_eq!(file.spend(&ledger, 7), Ok(Spent::First), "{index}");
    }
}

#[test]
fn a_start_makes_a_file_and_repairs_a_damaged_one() {
    let file = File::new();
    let ledger = file.open();
    assert_eq!(ledger.start(1, NOW), Some(Ok(())));
    assert!(file.path().exists());
    assert_eq!(ledger.closed_until(NOW), None);
    file.spend_a_hundred(&ledger);
    drop(ledger);
    fs::write(file.path(), [0xaa; 10_000]).unwrap();
    let ledger = file.open();
    assert_eq!(ledger.start(1, NOW), Some(Err(Unavailable)));
    assert!(ledger.last_error().unwrap().contains("moved aside"));
    assert_eq!(ledger.start(1, NOW), Some(Ok(())));
    assert_eq!(ledger.last_error(), None);
    assert_eq!(ledger.closed_until(NOW), Some(NOW + 60));
    // The file is replaced while it is open.
    fs::rename(file.path(), file.beside(".moved")).unwrap();
    assert_eq!(ledger.start(1, NOW), Some(Ok(())), "{:?}", ledger.last_error());
    assert!(file.path().exists());
}

/// In the step of the last token, when one statement spends a token and the files are compared only
/// afterwards.
#[test]
fn a_fresh_token_is_not_spent_in_files_that_others_do_not_see() {
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let file = File::new();
        let ledger = file.open();
        file.spend_a_hundred(&ledger);
        file.remove(&[suffix]);
        for n in 1_000..1_003 {
            let answer = ledger.spend(&spending(n, file.step()), file.now());
            assert_eq!(answer, Err(Unavailable), "{suffix:?}");
            assert_eq!(ledger.closed_until(file.now()), Some(NOW + 60), "{suffix:?}");
        }
    }
}

fn overwrite(path: &Path, at: usize, with: &[u8]) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at..at + with.len()].copy_from_slice(with);
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_damaged_file_is_moved_aside_and_opens_nothing() {
    let damages: [fn(&Path); 4] = [
        |path| overwrite(path, 0, b"garbage, no database"),
        |path| fs::write(path, [0xaa; 10_000]).unwrap(),
        |path| overwrite(path, 4096, &[0xff; 4096]),
        |path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        },
    ];
    for (index, damage) in damages.into_iter().enumerate() {
        let file = File::new();
        file.spend_a_hundred(&file.open());
        damage(&file.path());
        let ledger = file.open();
        assert_eq!(ledger.spend(&spending(0, NOW / 30), NOW), Err(Unavailable), "{index}");
        assert!(ledger.last_error().unwrap().contains("moved aside"), "{:?}", ledger.last_error());
        assert_eq!(file.spend(&ledger, 0), Err(Unavailable), "{index}");
        assert_eq!(ledger.last_error(), None);
        file.assert_closed_for_the_window(&ledger);
        assert_eq!(file.damaged_copies(), 1);
        drop(ledger);
        assert_eq!(file.spend(&file.open(), 3_000), Ok(Spent::First));
    }
}

#[test]
fn a_damaged_file_is_moved_aside_also_by_processes_with_one_token_each() {
    let file = File::new();
    file.spend_a_hundred(&file.open());
    overwrite(&file.path(), 4096, &[0xff; 4096]);
    let ledger = file.open();
    assert_eq!(ledger.spend(&spending(0, NOW / 30), NOW), Err(Unavailable));
    assert!(ledger.last_error().unwrap().contains("moved aside"), "{:?}", ledger.last_error());
    drop(ledger);
    assert_eq!(file.damaged_copies(), 1);
    file.assert_closed_for_the_window(&file.open());
    assert_eq!(file.spend(&file.open(), 3_000), Ok(Spent::First));
    assert_eq!(file.damaged_copies(), 1);
}

#[test]
fn a_ledger_opened_while_a_damaged_file_is_replaced_accepts_nothing_old() {
    let file = File::new();
    file.spend_a_hundred(&file.open());
    fs::write(file.path(), [0xaa; 10_000]).unwrap();
    let ledgers = [file.open(), file.open()];
    for ledger in &ledgers {
        assert_eq!(file.spend(ledger, 0), Err(Unavailable));
        assert_ne!(file.spend(&file.open(), 1), Ok(Spent::First));
    }
    for ledger in &ledgers {
        assert_eq!(file.spend(ledger, 2), Err(Unavailable));
        assert_eq!(file.spend(&file.open(), 3), Err(Unavailable));
    }
    // The second process does not take the healthy file for the damaged one.
    assert_eq!(file.damaged_copies(), 1);
    file.pass(60);
    assert_eq!(file.spend(&ledgers[0], 4), Ok(Spent::First));
    assert_eq!(file.spend(&ledgers[1], 4), Ok(Spent::Again));
}

/// A process that dies in between locks nobody out.
#[test]
fn a_file_that_was_only_moved_aside_is_a_gap() {
    let file = File::new();
    file.spend_a_hundred(&file.open());
    fs::rename(file.beside("-wal"), file.beside(".damaged-1-1-wal")).unwrap();
    file.assert_closed_for_the_window(&file.open());
    fs::rename(file.path(), file.beside(".damaged-1-1")).unwrap();
    file.assert_closed_for_the_window(&file.open());
}

/// A file as version 0.1 made it. That version takes a new file for that of another program.
#[test]
fn a_file_of_another_version_is_a_gap_and_never_misread() {
    let file = File::new();
    file.sql(
        "PRAGMA application_id = 0x78746f6b;
         CREATE TABLE spent (fingerprint BLOB NOT NULL PRIMARY KEY, step INTEGER NOT NULL,
             good_until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
         CREATE TABLE closed (first INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;
         CREATE TABLE machine (boot TEXT NOT NULL) STRICT;",
    );
    let ledger = file.open();
    assert_eq!(file.spend(&ledger, 0), Err(Unavailable));
    assert!(ledger.last_error().unwrap().contains("xtoken 0.1"), "{:?}", ledger.last_error());
    assert_eq!(file.spend(&ledger, 0), Err(Unavailable));
    // Nobody knows the deviations.
    file.assert_closed_for(&ledger, 11);
    assert_eq!(file.damaged_copies(), 1);
    let connection = file.connection();
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).unwrap();
    assert_ne!(id, 0x7874_6f6b);
}

#[test]
fn a_file_with_what_no_ledger_writes_is_moved_aside() {
    for garbage in [
        "UPDATE ledger SET history = CAST(x'ff' AS TEXT)",
        "UPDATE ledger SET history = 'garbage'",
        "INSERT INTO spent VALUES (x'ff', 1)",
    ] {
        let file = File::new();
        file.spend_a_hundred(&file.open());
        file.sql(garbage);
        let ledger = file.open();
        let first = ledger.spend(&spending(1_000, NOW / 30), NOW);
        assert_eq!(first, Err(Unavailable), "{garbage}");
        assert!(ledger.last_error().unwrap().contains("moved aside"), "{:?}", ledger.last_error());
        assert_eq!(file.spend(&ledger, 1_000), Err(Unavailable), "{garbage}");
        file.assert_closed_for_the_window(&ledger);
        assert_eq!(file.damaged_copies(), 1);
    }
}

#[test]
fn a_lock_file_with_something_behind_its_line_is_a_gap_once() {
    let file = File::new();
    file.spend_a_hundred(&file.open());
    fs::write(file.beside(".lock"), [0; 200]).unwrap();
    // Nobody knows the deviations.
    file.assert_closed_for(&file.open(), 11);
    assert_eq!(file.spend(&file.open(), 3_000), Ok(Spent::First));
}

#[test]
fn a_file_that_was_emptied_opens_nothing() {
    let file = File::new();
    file.spend_a_hundred(&file.open());
    fs::write(file.path(), b"").unwrap();
    file.assert_closed_for_the_window(&file.open());
}

const ALL: [&str; 4] = ["", "-wal", "-shm", ".lock"];

#[test]
fn files_that_are_removed_while_nobody_has_them_open_are_missed() {
    for removed in 1..15 {
        let suffixes: Vec<_> =
            (0..4).filter(|at| removed >> at & 1 == 1).map(|at| ALL[at]).collect();
        if suffixes.contains(&"") && suffixes.contains(&".lock") {
            // Nobody can know that there was one.
            continue;
        }
        let file = File::new();
        file.spend_a_hundred(&file.open());
        file.remove(&suffixes);
        file.assert_closed_for_the_window(&file.open());
    }
}

#[test]
fn files_that_are_removed_or_replaced_in_use_open_nothing() {
    for removed in 1..16 {
        for is_replaced in [false, true] {
            let file = File::new();
            let ledger = file.open();
            file.spend_a_hundred(&ledger);
            for suffix in (0..4).filter(|at| removed >> at & 1 == 1).map(|at| ALL[at]) {
                let copy = fs::read(file.beside(suffix)).unwrap();
                fs::remove_file(file.beside(suffix)).unwrap();
                if is_replaced {
                    fs::write(file.beside(suffix), copy).unwrap();
                }
            }
            file.assert_closed_for_the_window(&ledger);
        }
    }
}

/// Files that this copy of the library has open are not taken for those of another copy.
#[test]
fn a_lock_file_that_is_removed_under_an_idle_ledger_keeps_no_other_out() {
    let file = File::new();
    let idle = file.open();
    file.spend_a_hundred(&idle);
    file.remove(&[".lock"]);
    file.assert_closed_for_the_window(&file.open());
    assert_eq!(file.spend(&idle, 1), Ok(Spent::First));
}

#[test]
fn a_file_that_is_removed_while_nobody_could_look_opens_nothing() {
    let file = File::new();
    let folder = file.folder.path().join("folder");
    fs::create_dir(&folder).unwrap();
    let ledger = file.open_at(folder.join("tokens.sqlite"));
    file.spend_a_hundred(&ledger);
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, b"in its place").unwrap();
    assert_eq!(file.spend(&ledger, 0), Err(Unavailable));
    fs::remove_file(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    assert_eq!(file.spend(&ledger, 0), Err(Unavailable));
    file.assert_closed_for_the_window(&ledger);
}

/// A copy has another inode.
#[test]
fn a_file_that_is_restored_from_a_copy_opens_nothing() {
    let file = File::new();
    assert_eq!(file.spend(&file.open(), 1_000), Ok(Spent::First));
    let copy = file.beside(".copy");
    fs::copy(file.path(), &copy).unwrap();
    file.spend_a_hundred(&file.open());
    fs::rename(copy, file.path()).unwrap();
    file.assert_closed_for_the_window(&file.open());
}

/// As long as nobody spent a token.
#[test]
fn a_first_start_that_was_cut_short_is_still_the_first() {
    for has_database in [false, true] {
        let file = File::new();
        if has_database {
            fs::write(file.path(), b"").unwrap();
        }
        let zeros = [0; 4].map(|zero: u64| format!("{zero:20}")).join(" ");
        let begun = format!("xtoken 1 deviation  0 files {zeros}\n");
        fs::write(file.beside(".lock"), begun).unwrap();
        file.spend_a_hundred(&file.open());
        assert!(!fs::read_to_string(file.beside(".lock")).unwrap().contains(&zeros));
    }
}

#[test]
fn a_database_without_a_lock_file_may_be_of_any_age() {
    for lock in [None, Some(&[][..]), Some(b"torn")] {
        let file = File::new();
        Connection::open(file.path()).unwrap().execute_batch("VACUUM").unwrap();
        if let Some(lock) = lock {
            fs::write(file.beside(".lock"), lock).unwrap();
        }
        file.assert_closed_for(&file.open(), 11);
    }
}
