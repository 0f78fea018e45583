//! Processes that share a file, and what they must not share. They use the real boot clock.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::file::{File, NOW};
use crate::processes::Process;
use xtoken::ledger::Unavailable;

/// Each of 50 fresh tokens is presented to each of the processes, and accepted once at most.
fn assert_nothing_is_accepted_twice(processes: &mut [&mut Process], from: u64) {
    for n in from..from + 50 {
        let answers: Vec<_> = processes.iter_mut().map(|process| process.spend(n, NOW)).collect();
        let accepted = answers.iter().filter(|answer| *answer == "first").count();
        assert!(accepted <= 1, "token {n}: {answers:?}");
    }
}

#[test]
fn each_token_is_accepted_by_one_of_two_processes() {
    let file = File::new();
    let [mut one, mut other] = [(); 2].map(|()| Process::start(&file.path()));
    for n in 0..50 {
        let answers = [one.spend(n, NOW), other.spend(n, NOW)];
        assert_eq!(answers, ["first", "again"]);
    }
    one.kill();
    assert_eq!(other.spend(1, NOW), "again");
    assert_eq!(other.spend(50, NOW), "first");
    let mut another = Process::start(&file.path());
    assert_eq!([another.spend(50, NOW), another.spend(51, NOW)], ["again", "first"]);
}

#[test]
fn processes_do_not_part_when_files_are_removed() {
    let removals =
        [&["-shm"][..], &["-wal"], &["-wal", "-shm"], &[""], &[".lock"], &["", "-wal", "-shm"]];
    for suffixes in removals {
        // The first to ask after that is either the process that had it open or the new one.
        for newcomer_is_first in [true, false] {
            let file = File::new();
            let [mut one, mut other] = [(); 2].map(|()| Process::start(&file.path()));
            assert_eq!(one.spend(0, NOW), "first");
            file.remove(suffixes);
            let mut processes = [&mut one, &mut other];
            if newcomer_is_first {
                processes.reverse();
            }
            assert_nothing_is_accepted_twice(&mut processes, 0);
        }
    }
}

/// The files are those of a moment before the last token, and the process that spent it is idle.
#[test]
fn a_newcomer_notices_that_others_have_other_files_open() {
    for suffixes in [&["", "-wal", "-shm"][..], &["", "-wal", "-shm", ".lock"]] {
        let file = File::new();
        let [mut one, mut other] = [(); 2].map(|()| Process::start(&file.path()));
        assert_eq!(one.spend(0, NOW), "first");
        let copies: Vec<_> =
            suffixes.iter().map(|suffix| fs::read(file.beside(suffix)).unwrap()).collect();
        assert_eq!(one.spend(1, NOW), "first");
        for (suffix, copy) in suffixes.iter().zip(copies) {
            fs::remove_file(file.beside(suffix)).unwrap();
            fs::write(file.beside(suffix), copy).unwrap();
        }
        assert_ne!(other.spend(1, NOW), "first", "{suffixes:?}");
        assert_nothing_is_accepted_twice(&mut [&mut one, &mut other], 0);
    }
}

#[test]
fn a_lock_file_that_leads_elsewhere_is_left_alone() {
    let file = File::new();
    let elsewhere = file.folder.path().join("elsewhere");
    fs::write(&elsewhere, "not ours").unwrap();
    symlink(&elsewhere, file.beside(".lock")).unwrap();
    assert_eq!(file.spend(&file.open(), 0), Err(Unavailable));
    assert_eq!(fs::read_to_string(elsewhere).unwrap(), "not ours");
}

#[test]
fn a_file_with_two_hard_links_is_refused() {
    for is_in_use in [true, false] {
        let file = File::new();
        let mut one = Process::start(&file.path());
        assert_eq!(one.spend(0, NOW), "first");
        let link = file.folder.path().join("link");
        if !is_in_use {
            one.kill();
            one = Process::start(&file.path());
        }
        fs::hard_link(file.path(), &link).unwrap();
        let mut other = Process::start(&link);
        for process in [&mut one, &mut other] {
            let answer = process.spend(1, NOW);
            assert!(answer.contains("2 names (hard links)"), "{answer}");
        }
        fs::remove_file(&link).unwrap();
        assert_eq!([one.spend(0, NOW), one.spend(1, NOW)], ["again", "first"]);
    }
}

/// Starts a process by a shell in namespaces of its own.
fn start_by_shell(unshare: &[&str], script: &str, path: &Path) -> Process {
    let script = format!("{script} && exec \"$@\"");
    let words = [&["unshare"], unshare, &["sh", "-ec", &script, "sh"]].concat();
    Process::start_by(&words, path)
}

#[test]
fn a_file_that_is_mounted_alone_is_refused() {
    let file = File::new();
    let mut one = Process::start(&file.path());
    assert_eq!(one.spend(0, NOW), "first");
    let elsewhere = file.folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let there = elsewhere.join("tokens.sqlite");
    fs::write(&there, b"").unwrap();
    let mount = format!("mount --bind {:?} {there:?}", file.path());
    let mut other = start_by_shell(&["-m"], &mount, &there);
    let answer = other.spend(0, NOW);
    assert!(answer.contains("mount the folder"), "{answer}");
    assert_eq!([one.spend(0, NOW), one.spend(1, NOW)], ["again", "first"]);

    // With its folder it is shared.
    let mount = format!("mount --bind {:?} {elsewhere:?}", file.folder.path());
    let mut other = start_by_shell(&["-m"], &mount, &there);
    assert_eq!([other.spend(1, NOW), other.spend(2, NOW)], ["again", "first"]);
    assert_eq!(one.spend(2, NOW), "again");
}

fn start_in_another_boot(file: &File, boot: &str) -> Process {
    let id = file.folder.path().join(boot);
    fs::write(&id, format!("{boot}\n")).unwrap();
    let mount = format!("mount --bind {id:?} /proc/sys/kernel/random/boot_id");
    start_by_shell(&["-m"], &mount, &file.path())
}

#[test]
fn another_boot_is_a_gap_and_two_at_once_are_refused() {
    let file = File::new();
    let mut one = Process::start(&file.path());
    assert_eq!(one.spend(0, NOW), "first");
    let mut other = start_in_another_boot(&file, "another");
    for n in [0, 1] {
        let answer = other.spend(n, NOW);
        assert!(answer.contains("another machine or time namespace"), "{answer}");
    }
    assert_eq!([one.spend(0, NOW), one.spend(1, NOW)], ["again", "first"]);
    one.kill();
    for n in [1, 2] {
        assert_ne!(other.spend(n, NOW), "first");
    }
    assert_eq!(other.spend(2, NOW), "closed");
    let mut same = start_in_another_boot(&file, "another");
    assert_eq!(same.spend(2, NOW), "closed");
}

#[test]
fn another_time_namespace_is_another_clock() {
    let file = File::new();
    let mut one = Process::start(&file.path());
    assert_eq!(one.spend(0, NOW), "first");
    let far = ["-T", "--boottime", "1000000", "--fork", "--kill-child"];
    let mut other = start_by_shell(&far, "true", &file.path());
    let answer = other.spend(1, NOW);
    assert!(answer.contains("another machine or time namespace"), "{answer}");
    one.kill();
    assert_eq!(other.spend(1, NOW), "closed");
    other.kill();
    // The next one gets the number of the one that is gone.
    let farther = ["-T", "--boottime", "2000000", "--fork", "--kill-child"];
    let mut another = start_by_shell(&farther, "true", &file.path());
    assert_eq!(another.spend(1, NOW), "closed");
}

#[test]
fn the_first_spend_creates_a_database_again_that_was_removed_alone() {
    let file = File::new();
    let mut idle = Process::start(&file.path());
    assert_eq!(idle.spend(1, NOW), "first");
    fs::remove_file(file.path()).unwrap();
    let mut other = Process::start(&file.path());
    // With the other files of the old one beside it, SQLite could not.
    assert_eq!(other.spend(2, NOW), "closed");
    assert_eq!(idle.spend(1, NOW), "closed");
}
