//! The ledger in a file: what it survives.
#![cfg(feature = "sqlite")]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use tempfile::TempDir;
use xtoken::ledger::{Ledger, Probe, Spending, Spent, SqliteLedger, Unavailable};

const NOW: u64 = 1_700_000_010;
const STEP: u64 = NOW / 30;

fn spending(n: u64, step: u64) -> Spending {
    let mut fingerprint = [0; 16];
    fingerprint[8..].copy_from_slice(&n.to_be_bytes());
    Spending { fingerprint, step, good_until: (step + 2).saturating_mul(30) }
}

struct File {
    folder: TempDir,
}

impl File {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("tokens.sqlite")
    }

    fn open(&self) -> SqliteLedger {
        SqliteLedger::new(self.path())
    }

    fn sql(&self, statements: &str) {
        rusqlite::Connection::open(self.path()).unwrap().execute_batch(statements).unwrap();
    }

    /// As another process does in the middle of a transaction.
    fn lock(&self) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open(self.path()).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        connection
    }

    fn count(&self, what: &str) -> i64 {
        let connection = rusqlite::Connection::open(self.path()).unwrap();
        connection.query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get(0)).unwrap()
    }

    fn damaged_copies(&self) -> usize {
        let names = fs::read_dir(self.folder.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names
            .filter(|name| {
                name.starts_with("tokens.sqlite.damaged-")
                    && !name.contains("-wal")
                    && !name.contains("-shm")
            })
            .count()
    }
}

/// What was spent stays spent, and nothing that may have been is accepted, but fresh tokens are
/// once the window has passed.
fn assert_closed_for_the_window(ledger: &SqliteLedger) {
    for n in 0..100 {
        assert_ne!(ledger.spend(&spending(n, STEP), NOW), Ok(Spent::First));
    }
    for step in STEP - 1..=STEP + 1 {
        assert_ne!(ledger.spend(&spending(1_000 + step, step), NOW), Ok(Spent::First));
    }
    let later = NOW + 60;
    assert_eq!(ledger.closed_until(NOW), Some(later));
    assert_eq!(ledger.closed_until(later), None);
    let spent = ledger.spend(&spending(2_000, later / 30), later);
    assert_eq!(spent, Ok(Spent::First), "{:?}", ledger.trouble());
}

fn spend_a_hundred(ledger: &SqliteLedger) {
    for n in 0..100 {
        assert_eq!(ledger.spend(&spending(n, STEP), NOW), Ok(Spent::First));
        assert_eq!(ledger.spend(&spending(n, STEP), NOW), Ok(Spent::Again));
    }
}

#[test]
fn nothing_exists_before_first_use() {
    let file = File::new();
    let ledger = file.open();
    assert!(!file.path().exists());
    spend_a_hundred(&ledger);
    assert!(file.path().exists());
}

#[test]
fn spent_tokens_survive_the_process() {
    let file = File::new();
    spend_a_hundred(&file.open());
    let ledger = file.open();
    for n in 0..100 {
        assert_eq!(ledger.spend(&spending(n, STEP), NOW), Ok(Spent::Again));
    }
    assert_eq!(ledger.spend(&spending(100, STEP), NOW), Ok(Spent::First));
}

#[test]
fn a_look_says_what_spending_would_and_spends_nothing() {
    let file = File::new();
    let ledger = file.open();
    let (token, later) = (spending(1, STEP), NOW + 90);
    let look = |now| ledger.look(&token, now);
    for _ in 0..2 {
        assert_eq!(look(NOW), Ok(Spent::First), "{:?}", ledger.trouble());
    }
    assert_eq!(ledger.spend(&token, NOW), Ok(Spent::First));
    assert_eq!(look(NOW), Ok(Spent::Again));
    assert_eq!(file.open().look(&token, NOW), Ok(Spent::Again));
    ledger.spend(&spending(2, later / 30), later).unwrap();
    assert_eq!(file.count("spent"), 1, "the first has left, and its step is over");
    assert_eq!(look(NOW), Ok(Spent::Again));
    assert_eq!(ledger.look(&spending(3, STEP), NOW), Ok(Spent::Again));
    assert_eq!(ledger.look(&spending(3, later / 30), later), Ok(Spent::First));
}

#[test]
fn looks_and_probes_decide_nothing_for_later() {
    let losses: [fn(&File); 4] = [
        |file| file.sql("DELETE FROM spent; UPDATE machine SET boot = 'another'"),
        |file| fs::write(file.path(), b"").unwrap(),
        |file| fs::write(file.path(), [0xaa; 10_000]).unwrap(),
        |file| {
            fs::remove_file(file.path()).unwrap();
            file.sql("");
        },
    ];
    for (index, lose) in losses.into_iter().enumerate() {
        for now in [NOW - 200_000, NOW, NOW + 200_000] {
            let file = File::new();
            spend_a_hundred(&file.open());
            lose(&file);
            let ledger = file.open();
            let _ = ledger.probe();
            let foreseen = ledger.look(&spending(5_000, now / 30), now);
            assert_ne!(foreseen, Ok(Spent::First), "{index}");
            assert_eq!(file.damaged_copies(), 0);
            // Whoever comes first sees that it is damaged.
            let _ = ledger.spend(&spending(0, STEP), NOW);
            assert_closed_for_the_window(&ledger);
        }
    }
}

#[test]
fn a_look_at_a_file_that_is_lost_knows_it() {
    let file = File::new();
    assert_eq!(file.open().look(&spending(0, STEP), NOW), Ok(Spent::First));
    assert_eq!(fs::read_dir(file.folder.path()).unwrap().count(), 0, "it makes none");
    let ledger = file.open();
    spend_a_hundred(&ledger);
    fs::remove_file(file.path()).unwrap();
    for _ in 0..2 {
        assert_eq!(ledger.look(&spending(0, STEP), NOW), Ok(Spent::Again));
    }
    assert_closed_for_the_window(&ledger);
}

#[test]
fn a_look_does_not_hide_what_keeps_tokens_from_being_spent() {
    let file = File::new();
    let ledger = file.open();
    spend_a_hundred(&ledger);
    let _other = file.lock();
    assert_eq!(ledger.spend(&spending(100, STEP), NOW), Err(Unavailable));
    assert_eq!(ledger.look(&spending(100, STEP), NOW), Ok(Spent::First));
    assert!(ledger.trouble().unwrap().contains("locked"));
}

#[test]
fn what_is_remembered_is_counted_up_to_a_bound() {
    let file = File::new();
    let ledger = file.open();
    assert_eq!(ledger.remembered(), None, "before first use");
    spend_a_hundred(&ledger);
    assert_eq!(ledger.remembered(), Some(100));
    file.sql(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 60000)
         INSERT INTO spent SELECT CAST(n AS BLOB), 1, 9223372036854775807 FROM n",
    );
    assert_eq!(ledger.remembered(), Some(50_000));
}

#[test]
fn a_probe_writes_and_leaves_everything_as_it_is() {
    let file = File::new();
    let ledger = file.open();
    assert_eq!(ledger.probe(), Ok(Probe { clock: None }), "{:?}", ledger.trouble());
    assert_eq!(fs::read_dir(file.folder.path()).unwrap().count(), 0);
    // The first token is still the first, nothing is closed.
    spend_a_hundred(&ledger);
    for ledger in [&ledger, &file.open()] {
        assert!(ledger.probe().is_ok());
        assert_eq!(ledger.spend(&spending(0, STEP), NOW), Ok(Spent::Again));
    }
    let other = file.lock();
    assert_eq!(ledger.probe(), Err(Unavailable));
    assert!(ledger.trouble().unwrap().contains("locked"));
    other.execute_batch("ROLLBACK").unwrap();
    assert!(ledger.probe().is_ok());
    assert_eq!(ledger.trouble(), None);
}

#[test]
fn a_probe_does_not_hide_that_the_machine_was_down() {
    let file = File::new();
    spend_a_hundred(&file.open());
    file.sql("DELETE FROM spent; UPDATE machine SET boot = 'another'");
    let ledger = file.open();
    assert!(ledger.probe().is_ok());
    assert_closed_for_the_window(&ledger);
}

#[test]
fn two_ledgers_on_one_file_are_one() {
    let file = File::new();
    let ledgers = [file.open(), file.open()];
    ledgers[0].spend(&spending(u64::MAX, STEP), NOW).unwrap();
    let successes: Vec<_> = (0..2_000).map(|_| AtomicUsize::new(0)).collect();
    std::thread::scope(|scope| {
        for ledger in &ledgers {
            scope.spawn(|| {
                for (n, successes) in (0..).zip(&successes) {
                    while match ledger.spend(&spending(n, STEP), NOW) {
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
fn expired_rows_leave_and_stay_refused() {
    let file = File::new();
    let ledger = file.open();
    for n in 0..1_000 {
        ledger.spend(&spending(n, STEP), NOW).unwrap();
    }
    let later = NOW + 90;
    // A part with each spend, so that none takes long.
    for n in 0..5 {
        assert_eq!(ledger.spend(&spending(5_000 + n, later / 30), later), Ok(Spent::First));
    }
    assert_eq!(file.count("spent"), 5);
    assert_eq!(ledger.spend(&spending(0, STEP), NOW), Ok(Spent::Again));
    assert_eq!(ledger.spend(&spending(6_000, STEP), NOW), Ok(Spent::Again));
}

/// Whether a process spends many tokens or one each.
#[test]
fn rows_that_expired_leave_from_among_those_that_have_not() {
    for keeps_open in [true, false] {
        let file = File::new();
        let ledger = file.open();
        for n in 0..1_200 {
            let good_until = if n < 600 { NOW + 600 } else { NOW + 60 };
            let spending = Spending { good_until, ..spending(2 * n, STEP) };
            ledger.spend(&spending, NOW).unwrap();
        }
        let later = NOW + 90;
        for n in 0..40 {
            let one_of_many = if keeps_open { &ledger } else { &file.open() };
            // Anywhere among them, as signatures are.
            let fresh = spending(n * 719 % 1_200 * 2 + 1, later / 30);
            assert_eq!(one_of_many.spend(&fresh, later), Ok(Spent::First));
        }
        assert_eq!(file.count(&format!("spent WHERE good_until <= {later}")), 0, "{keeps_open}");
        assert_eq!(file.count("spent"), 600 + 40, "{keeps_open}");
    }
}

#[test]
fn a_clock_that_jumps_reopens_nothing_and_locks_nobody_out_for_long() {
    const HUNDRED_YEARS: u64 = 100 * 365 * 86_400;
    let file = File::new();
    let ledger = file.open();
    spend_a_hundred(&ledger);
    let mut now = NOW;
    for jump in [3_600, HUNDRED_YEARS] {
        // A minter that is a step ahead makes it last longest.
        let token = spending(jump + 1, now / 30 + 1);
        assert_eq!(ledger.spend(&token, now), Ok(Spent::First));
        let there = now + jump;
        assert_eq!(ledger.spend(&spending(jump, there / 30), there), Ok(Spent::First));
        for n in 0..100 {
            assert_eq!(ledger.spend(&spending(n, STEP), now), Ok(Spent::Again));
        }
        assert_eq!(ledger.spend(&token, now), Ok(Spent::Again));
        assert_eq!(ledger.spend(&spending(jump, there / 30), there), Ok(Spent::Again));
        assert_eq!(ledger.closed_until(now), Some(now + 60));
        now += 60;
        assert_eq!(ledger.spend(&spending(jump + 2, now / 30), now), Ok(Spent::First));
    }
    let before = NOW - 3_600;
    assert_eq!(ledger.spend(&spending(7_000, before / 30), before), Ok(Spent::First));
    assert_eq!(ledger.spend(&spending(7_000, before / 30), before), Ok(Spent::Again));
}

#[test]
fn after_the_machine_was_down_nothing_older_is_accepted() {
    let file = File::new();
    let ledger = file.open();
    spend_a_hundred(&ledger);
    drop(ledger);
    // As after a power failure: the last transactions are missing.
    file.sql("DELETE FROM spent; UPDATE machine SET boot = 'another'");
    assert_closed_for_the_window(&file.open());
    // The same boot from here on.
    let later = NOW + 60;
    assert_eq!(file.open().spend(&spending(3_000, later / 30), later), Ok(Spent::First));
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
        spend_a_hundred(&file.open());
        damage(&file.path());
        let ledger = file.open();
        assert_eq!(ledger.spend(&spending(0, STEP), NOW), Err(Unavailable), "{index}");
        assert!(ledger.trouble().unwrap().contains("moved aside"), "{:?}", ledger.trouble());
        assert_closed_for_the_window(&ledger);
        assert_eq!(file.damaged_copies(), 1);
        assert_eq!(ledger.trouble(), None);
        drop(ledger);
        let later = NOW + 60;
        assert_eq!(file.open().spend(&spending(3_000, later / 30), later), Ok(Spent::First));
    }
}

#[test]
fn whoever_comes_while_a_damaged_file_is_replaced_accepts_nothing_old() {
    let file = File::new();
    spend_a_hundred(&file.open());
    fs::write(file.path(), [0xaa; 10_000]).unwrap();
    let ledgers = [file.open(), file.open()];
    for ledger in &ledgers {
        assert_eq!(ledger.spend(&spending(0, STEP), NOW), Err(Unavailable));
        assert_ne!(file.open().spend(&spending(1, STEP), NOW), Ok(Spent::First));
    }
    for ledger in &ledgers {
        assert_eq!(ledger.spend(&spending(2, STEP), NOW), Ok(Spent::Again));
        assert_eq!(file.open().spend(&spending(3, STEP), NOW), Ok(Spent::Again));
    }
    // The healthy file is not taken for the damaged one by whoever comes second.
    assert_eq!(file.damaged_copies(), 1);
    let later = NOW + 60;
    assert_eq!(ledgers[0].spend(&spending(4, later / 30), later), Ok(Spent::First));
    assert_eq!(ledgers[1].spend(&spending(4, later / 30), later), Ok(Spent::Again));
}

#[test]
fn the_database_of_another_program_is_left_alone() {
    let file = File::new();
    file.sql("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)");
    let before = fs::read(file.path()).unwrap();
    let ledger = file.open();
    for _ in 0..2 {
        assert_eq!(ledger.spend(&spending(0, STEP), NOW), Err(Unavailable));
    }
    assert!(ledger.trouble().unwrap().contains("another program"));
    assert_eq!(fs::read(file.path()).unwrap(), before);
    assert_eq!(file.damaged_copies(), 0);
}

#[test]
fn the_file_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let file = File::new();
    let _ledger = file.open().spend(&spending(0, STEP), NOW);
    assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_file_that_was_emptied_opens_nothing() {
    let file = File::new();
    spend_a_hundred(&file.open());
    fs::write(file.path(), b"").unwrap();
    assert_closed_for_the_window(&file.open());
}

#[test]
fn a_file_that_is_removed_or_replaced_in_use_opens_nothing() {
    for replace in [false, true] {
        let file = File::new();
        let ledger = file.open();
        spend_a_hundred(&ledger);
        fs::remove_file(file.path()).unwrap();
        for suffix in ["-wal", "-shm"] {
            let _ = fs::remove_file(file.folder.path().join(format!("tokens.sqlite{suffix}")));
        }
        if replace {
            file.open().spend(&spending(9_000, STEP), NOW).unwrap();
        }
        assert_closed_for_the_window(&ledger);
    }
}

#[test]
fn a_file_that_is_removed_while_nobody_could_look_opens_nothing() {
    let file = File::new();
    let folder = file.folder.path().join("folder");
    fs::create_dir(&folder).unwrap();
    let ledger = SqliteLedger::new(folder.join("tokens.sqlite"));
    spend_a_hundred(&ledger);
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, b"in its place").unwrap();
    assert_eq!(ledger.spend(&spending(0, STEP), NOW), Err(Unavailable));
    fs::remove_file(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    assert_closed_for_the_window(&ledger);
}

#[test]
fn a_folder_that_is_missing_refuses_until_it_is_there() {
    let file = File::new();
    let folder = file.folder.path().join("later");
    let ledger = SqliteLedger::new(folder.join("tokens.sqlite"));
    assert_eq!(ledger.probe(), Err(Unavailable));
    assert_eq!(ledger.spend(&spending(0, STEP), NOW), Err(Unavailable));
    let trouble = ledger.trouble().unwrap();
    // What is not there may be a secret that was written in the place of a path.
    assert_eq!(trouble, "the file of the ledger: No such file or directory (os error 2)");
    fs::create_dir(folder).unwrap();
    assert_eq!(ledger.spend(&spending(0, STEP), NOW), Ok(Spent::First));
    assert_eq!(ledger.trouble(), None);
}

#[test]
fn a_lock_held_too_long_refuses_until_it_is_free() {
    let file = File::new();
    let ledger = file.open();
    spend_a_hundred(&ledger);
    let other = file.lock();
    assert_eq!(ledger.spend(&spending(100, STEP), NOW), Err(Unavailable));
    assert!(ledger.trouble().unwrap().contains("locked"));
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(ledger.spend(&spending(100, STEP), NOW), Ok(Spent::First));
    assert_eq!(ledger.spend(&spending(0, STEP), NOW), Ok(Spent::Again));
}

#[test]
fn a_lock_held_from_the_start_is_waited_for_once() {
    let file = File::new();
    spend_a_hundred(&file.open());
    let other = file.lock();
    let ledger = file.open();
    let spend = || ledger.spend(&spending(100, STEP), NOW);
    assert_eq!(spend(), Err(Unavailable));
    let start = Instant::now();
    assert_eq!([spend(), ledger.probe().map(|_| Spent::First)], [Err(Unavailable); 2]);
    assert!(start.elapsed().as_millis() < 150, "{:?}", start.elapsed());
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(spend(), Ok(Spent::First));
}

#[test]
fn the_ends_of_time_are_ordinary() {
    for now in [0, u64::MAX] {
        let file = File::new();
        let ledger = file.open();
        let spending = spending(1, now / 30);
        assert_eq!(ledger.spend(&spending, now), Ok(Spent::First));
        assert_eq!(ledger.spend(&spending, now), Ok(Spent::Again));
    }
}
