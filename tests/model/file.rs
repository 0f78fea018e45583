//! A real file on a file system of its own, which is small enough to fill, and processes in a boot
//! that ends when the power is cut.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tempfile::TempDir;
use xtoken::ledger::BootClock;

use super::Spending;
use super::namespace;
use super::operation::{CALLERS, Loss, Operation, Part};
use super::oracle::{Consequence, Gap};
use super::run::{Answer, World};
use super::worker::{Clocks, Worker};

/// The caller that opens the file by its other name, while it has one.
const LINKED: usize = CALLERS - 1;
const PARTS: [&str; 3] = ["", "-wal", "-shm"];
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// A file system for all sequences, one after the other.
pub(crate) struct Folder {
    folder: TempDir,
    boots: TempDir,
    /// How many worlds and boots there were.
    count: AtomicU64,
}

pub(crate) struct File {
    /// Made anew for each.
    folder: PathBuf,
    boots: PathBuf,
    boot: u64,
    workers: [Option<Worker>; CALLERS],
    time: u64,
    booted_at: u64,
    real: BootClock,
    last_seen: u64,
    removed: u64,
    is_full: bool,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().display().to_string();
        namespace::mount(&["-t", "tmpfs", "-o", "size=4m", "tmpfs", &path]);
        Self { folder, boots: TempDir::new().unwrap(), count: AtomicU64::new(0) }
    }
}

impl File {
    pub(crate) fn new(folder: &Folder) -> Self {
        let number = folder.count.fetch_add(1, Relaxed);
        if number > 0 {
            let _ = fs::remove_dir_all(folder.folder.path().join((number - 1).to_string()));
        }
        let boots = folder.boots.path().to_owned();
        let folder = folder.folder.path().join(number.to_string());
        fs::create_dir_all(folder.join("removed")).unwrap();
        let real = BootClock::of_machine();
        let last_seen = real.now();
        let mut file = Self {
            folder,
            boots,
            boot: number * 1_000,
            workers: [const { None }; CALLERS],
            time: 0,
            booted_at: 0,
            real,
            last_seen,
            removed: 0,
            is_full: false,
        };
        file.boot();
        file
    }

    fn path(&self) -> PathBuf {
        self.folder.join("tokens")
    }

    fn lock(&self) -> PathBuf {
        self.folder.join("tokens.lock")
    }

    fn other(&self) -> PathBuf {
        self.folder.join("other")
    }

    fn part(&self, part: &str) -> PathBuf {
        self.folder.join(format!("tokens{part}"))
    }

    fn copy_of(&self, part: &str) -> PathBuf {
        self.folder.join(format!("copy{part}"))
    }

    fn has_copy(&self) -> bool {
        self.copy_of("").exists()
    }

    /// What the kernel would name this boot.
    fn boot_id(&self) -> PathBuf {
        self.boots.join(self.boot.to_string())
    }

    fn boot(&mut self) {
        (self.boot, self.booted_at) = (self.boot + 1, self.time);
        let id = format!("00000000-0000-0000-0000-{:012}\n", self.boot);
        fs::write(self.boot_id(), id).unwrap();
    }

    fn worker(&mut self, caller: usize) -> &mut Worker {
        let is_linked = caller == LINKED && self.other().exists();
        let path = if is_linked { self.other() } else { self.path() };
        let boot_id = self.boot_id();
        self.workers[caller].get_or_insert_with(|| {
            let mut command = namespace::command("sh");
            let script = format!("mount --bind \"$0\" {BOOT_ID} && exec \"$@\"");
            command.args(["-c", &script]).arg(boot_id).arg(std::env::current_exe().unwrap());
            Worker::start(command, &format!("sqlite:{}", path.display()))
        })
    }

    fn clocks(&self, wall: u64) -> Clocks {
        let boot = (self.time - self.booted_at) as i64;
        Clocks { wall, boot_ahead: boot - self.last_seen as i64 }
    }

    /// Moves a file away, but keeps it, so that no other file gets its inode.
    fn remove(&mut self, path: &Path) {
        self.removed += 1;
        let _ = fs::rename(path, self.folder.join("removed").join(self.removed.to_string()));
    }

    fn remove_parts(&mut self, parts: &[&str]) {
        for part in parts {
            self.remove(&self.part(part));
        }
    }

    fn restart(&mut self, caller: usize) -> [bool; CALLERS] {
        self.workers[caller] = None;
        let mut restarted = [false; CALLERS];
        restarted[caller] = true;
        restarted
    }

    fn fill(&mut self, is_full: bool) {
        let filler = self.folder.join("filler");
        if !is_full {
            let _ = fs::remove_file(filler);
        } else if !self.is_full {
            let mut file = OpenOptions::new().create(true).append(true).open(filler).unwrap();
            while file.write_all(&[0; 4_096]).is_ok() {}
        }
        self.is_full = is_full;
    }

    fn lose(&mut self, loss: Loss) {
        if !self.path().exists() {
            return;
        }
        match loss {
            Loss::Nothing => {}
            // The data that is not in the database itself yet.
            Loss::Tokens => drop(fs::write(self.part("-wal"), "")),
            Loss::SinceCopy if self.has_copy() => {
                for part in PARTS.into_iter().filter(|part| self.copy_of(part).exists()) {
                    let _ = fs::write(self.part(part), fs::read(self.copy_of(part)).unwrap());
                }
            }
            Loss::Damaged => drop(fs::write(self.path(), [7; 9_000])),
            Loss::SinceCopy | Loss::Everything => self.remove_parts(&PARTS),
        }
    }

    fn change(&mut self, operation: &Operation) -> Consequence {
        let gap = |gap| Consequence { gap: Some(gap), ..Consequence::default() };
        match *operation {
            Operation::Restart(caller) => {
                Consequence { restarted: self.restart(caller), ..Consequence::default() }
            }
            Operation::Full(is_full) => {
                self.fill(is_full);
                Consequence::default()
            }
            Operation::PowerCut(loss) => {
                self.workers = [const { None }; CALLERS];
                self.boot();
                self.lose(loss);
                Consequence { restarted: [true; CALLERS], ..gap(Gap::Certain) }
            }
            Operation::Copy => {
                for part in PARTS {
                    let _ = fs::remove_file(self.copy_of(part));
                    let _ = fs::copy(self.part(part), self.copy_of(part));
                }
                Consequence::default()
            }
            Operation::Restore => {
                if !self.has_copy() || self.is_full {
                    return Consequence::default();
                }
                self.remove_parts(&PARTS);
                for part in PARTS.into_iter().filter(|part| self.copy_of(part).exists()) {
                    fs::copy(self.copy_of(part), self.part(part)).unwrap();
                }
                gap(Gap::Possible)
            }
            Operation::Remove(part) => {
                match part {
                    Part::File => self.remove_parts(&[""]),
                    Part::SideFiles => self.remove_parts(&["-wal", "-shm"]),
                    Part::Lock => self.remove(&self.lock()),
                    Part::FileAndLock => {
                        self.remove_parts(&PARTS);
                        self.remove(&self.lock());
                    }
                }
                let is_deviation_lost = matches!(part, Part::Lock | Part::FileAndLock);
                Consequence { is_deviation_lost, ..gap(Gap::Possible) }
            }
            Operation::Link(is_linked) => {
                if is_linked && self.path().exists() && !self.other().exists() {
                    fs::hard_link(self.path(), self.other()).unwrap();
                } else if !is_linked {
                    for beside in ["", "-wal", "-shm", ".lock"] {
                        let other = self.folder.join(format!("other{beside}"));
                        let _ = fs::remove_file(other);
                    }
                }
                Consequence { restarted: self.restart(LINKED), ..gap(Gap::Possible) }
            }
            _ => Consequence::default(),
        }
    }
}

impl World for File {
    const IS_SIMULATED: bool = false;

    fn spend(&mut self, caller: usize, question: &Spending, wall: u64) -> Answer {
        let clocks = self.clocks(wall);
        self.worker(caller).ask("spend", question, clocks)
    }

    fn peek(&mut self, caller: usize, question: &Spending, wall: u64) -> Answer {
        let clocks = self.clocks(wall);
        self.worker(caller).ask("peek", question, clocks)
    }

    fn race(
        &mut self,
        callers: [usize; 2],
        question: &Spending,
        walls: [u64; 2],
    ) -> Option<[Answer; 2]> {
        let clocks = walls.map(|wall| self.clocks(wall));
        if callers[0] == callers[1] {
            let worker = self.worker(callers[0]);
            worker.put("race", question, clocks[0]);
            return worker.answers().try_into().ok();
        }
        for (caller, clocks) in callers.into_iter().zip(clocks) {
            self.worker(caller).put("spend", question, clocks);
        }
        Some(callers.map(|caller| self.worker(caller).answers()[0]))
    }

    fn elapsed(&mut self) -> u64 {
        let now = self.real.now();
        now - std::mem::replace(&mut self.last_seen, now)
    }

    fn time_is(&mut self, time: u64) {
        if self.time == 0 {
            self.booted_at = time - 3_600_000;
        }
        self.time = time;
    }

    fn happen(&mut self, operation: &Operation) -> Consequence {
        let mut consequence = self.change(operation);
        // Nobody can know that there was something.
        if !self.path().exists() && !self.lock().exists() {
            consequence.forgotten_since = Some(0);
        }
        consequence
    }

    fn can_answer(&self, _caller: usize) -> bool {
        !self.is_full && !self.other().exists()
    }
}
