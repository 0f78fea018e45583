//! A ledger in a file, simulated: what the operating system keeps, what SQLite does with it, and
//! the rule on top.

use std::collections::HashMap;

use super::mutation::Mutation;
use super::operation::{CALLERS, Loss, Operation, Part};
use super::oracle::{Consequence, Gap};
use super::run::{Answer, World};
use super::{Clocks, History, MAX_DEVIATION, Spending, Spent, Unavailable};

/// The caller that opens the file by its other name, while it has one.
const LINKED: usize = CALLERS - 1;

/// The processes of one machine.
#[derive(Clone, Default)]
pub(crate) struct File {
    mutation: Option<Mutation>,
    time: u64,
    booted_at: u64,
    boot: u64,
    /// Every database that ever existed. One whose `-wal` was replaced counts as another one.
    databases: HashMap<usize, Database>,
    made: usize,
    lock_files: Vec<LockFile>,
    /// What the path names.
    path: Option<usize>,
    lock_path: Option<usize>,
    /// The database as it is seen by the other name of the file.
    other_name: Option<usize>,
    copy: Option<Database>,
    processes: [Process; CALLERS],
    is_full: bool,
    /// What the wall clock said at the last gap, for [`Mutation::HorizonInWallTime`].
    wall_of_gap: u64,
}

#[derive(Clone, Default)]
pub(super) struct Database {
    rows: HashMap<[u8; 16], u64>,
    history: String,
    boot: u64,
    /// Counts the commits.
    version: u64,
    is_damaged: bool,
}

/// The lock file. It is synced at each write.
#[derive(Clone, Default)]
struct LockFile {
    /// The file was once made.
    is_finished: bool,
    deviations: String,
    /// The database that it belongs to.
    database: Option<usize>,
}

#[derive(Clone, Default)]
struct Process {
    open: Option<Open>,
    /// The file that was open has gone.
    has_lost: bool,
    /// Another copy of the library in this process asks, too.
    has_second_copy: bool,
}

#[derive(Clone)]
struct Open {
    database: usize,
    lock_file: usize,
    version: u64,
    history: History,
}

impl File {
    pub(crate) fn new(mutation: Option<Mutation>) -> Self {
        Self { mutation, ..Self::default() }
    }

    fn is(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    fn clocks(&self, wall: u64) -> Clocks {
        Clocks { wall, steady: self.time - self.booted_at }
    }

    fn named(&self, caller: usize) -> Option<usize> {
        if caller == LINKED { self.other_name.or(self.path) } else { self.path }
    }

    fn is_refused(&self) -> bool {
        self.other_name.is_some() && !self.is(Mutation::LinksAllowed)
    }

    fn write(&self) -> Result<(), Unavailable> {
        if self.is_full { Err(Unavailable) } else { Ok(()) }
    }

    /// Opens what the path names, or makes it.
    fn open(&mut self, caller: usize, wall: u64) -> Result<Open, Unavailable> {
        let clocks = self.clocks(wall);
        let lock_file = match self.lock_path {
            Some(lock_file) => lock_file,
            None => {
                self.write()?;
                self.lock_files.push(LockFile::default());
                *self.lock_path.insert(self.lock_files.len() - 1)
            }
        };
        let lock = self.lock_files.get(lock_file).cloned().unwrap_or_default();
        let found = self.named(caller).map(|at| self.databases[&at].clone());
        let is_first = found.is_none() && !lock.is_finished;
        let mut history = History::new(0);
        let is_same = found.is_some() && lock.database == self.named(caller);
        let mut is_gap = !(is_first || is_same && lock.is_finished);
        is_gap |= self.processes[caller].has_lost;
        let found = found.filter(|found| !found.is_damaged);
        if let Some(found) = &found {
            history = History::decode(&found.history, 0).unwrap_or_else(|| History::new(0));
            if found.boot != self.boot && !self.is(Mutation::AnotherBootTrusted) {
                history.change_steady_clock(clocks);
                is_gap = true;
            }
        } else {
            is_gap |= !is_first;
        }
        if is_gap {
            let mut recorded = History::decode(&lock.deviations, 0).ok_or(Unavailable)?;
            recorded.change_steady_clock(clocks);
            history.merge(&recorded);
            if !lock.is_finished {
                history.advance(MAX_DEVIATION, clocks);
            }
            history.lose(clocks);
            self.wall_of_gap = wall;
        }
        let database = match (self.named(caller), found) {
            (Some(at), Some(_)) => at,
            (at, _) => {
                self.write()?;
                let new = self.make(Database::default());
                match at.is_some() && at == self.other_name {
                    true => self.other_name = Some(new),
                    false => self.path = Some(new),
                }
                new
            }
        };
        if is_gap || is_first {
            self.write()?;
            let boot = self.boot;
            let stored = self.databases.entry(database).or_default();
            stored.version += 1;
            (stored.history, stored.boot) = (history.encode(), boot);
            self.lock_files[lock_file].is_finished = true;
            self.lock_files[lock_file].database = Some(database);
            self.record(lock_file, &history);
        }
        self.processes[caller].has_lost = false;
        let version = self.databases[&database].version;
        Ok(Open { database, lock_file, version, history })
    }

    /// Writes the deviations to the lock file.
    fn record(&mut self, lock_file: usize, history: &History) {
        if !self.is(Mutation::DeviationsUnsynced) {
            self.lock_files[lock_file].deviations = deviations(history);
        }
    }

    fn try_to_spend(&mut self, caller: usize, question: &Spending, wall: u64) -> Answer {
        let clocks = self.clocks(wall);
        if self.is_refused() {
            return Err(Unavailable);
        }
        let mut open = match self.processes[caller].open.take() {
            Some(open) => open,
            None => self.open(caller, wall)?,
        };
        let answer = self.decide(&mut open, question, clocks);
        if self.is_same(caller, &open) || self.is(Mutation::NotCompared) {
            self.processes[caller].open = Some(open);
            return answer;
        }
        // The horizon begins now, not with the next question.
        self.processes[caller].has_lost = true;
        self.processes[caller].open = self.open(caller, wall).ok();
        Err(Unavailable)
    }

    /// Returns whether the open files are those that the paths name.
    fn is_same(&self, caller: usize, open: &Open) -> bool {
        self.named(caller) == Some(open.database) && self.lock_path == Some(open.lock_file)
    }

    /// Returns the history after this question, whether it has news, and the answer.
    fn judge(&self, open: &Open, question: &Spending, clocks: Clocks) -> (History, bool, Answer) {
        let stored = &self.databases[&open.database];
        let mut history = match stored.version == open.version {
            true => open.history.clone(),
            false => History::decode(&stored.history, 0).unwrap(),
        };
        let is_new = history.advance(question.deviation, clocks);
        if let Some(mutation) = self.mutation {
            mutation.apply(&mut history, 0, question.deviation, clocks, self.wall_of_gap);
        }
        let is_spent =
            stored.rows.contains_key(&question.fingerprint) && !history.is_closed(question.step);
        let answer = answer(&history, is_spent, question, clocks);
        (history, is_new, answer)
    }

    fn decide(&mut self, open: &mut Open, question: &Spending, clocks: Clocks) -> Answer {
        let (history, is_new, answer) = self.judge(open, question, clocks);
        let is_first = answer == Ok(Spent::First);
        if is_new || is_first {
            self.write()?;
            if is_new {
                self.record(open.lock_file, &history);
            }
            let database = self.databases.entry(open.database).or_default();
            database.history = history.encode();
            database.rows.retain(|_, step| !history.is_closed(*step));
            database.version += 1;
            if is_first {
                database.rows.insert(question.fingerprint, question.step);
            }
        }
        (open.history, open.version) = (history, self.databases[&open.database].version);
        answer
    }

    fn make(&mut self, database: Database) -> usize {
        self.made += 1;
        self.databases.insert(self.made, database);
        self.made
    }

    fn gap(gap: Gap) -> Consequence {
        Consequence { gap: Some(gap), ..Consequence::default() }
    }

    fn damage(&self, database: &Database, loss: Loss) -> Option<Database> {
        match loss {
            Loss::Nothing => Some(database.clone()),
            Loss::Tokens => Some(Database { rows: HashMap::new(), ..database.clone() }),
            Loss::SinceCopy => self.copy.clone(),
            Loss::Damaged => Some(Database { is_damaged: true, ..Database::default() }),
            Loss::Everything => None,
        }
    }

    fn put(&mut self, database: Option<Database>) {
        self.path = database.map(|database| self.make(database));
        let open: Vec<_> =
            self.processes.iter().filter_map(|process| process.open.as_ref()).collect();
        let is_used = |at: usize| open.iter().any(|open| open.database == at);
        let named = [self.path, self.other_name];
        self.databases.retain(|at, _| named.contains(&Some(*at)) || is_used(*at));
    }
}

impl World for File {
    fn spend(&mut self, caller: usize, question: &Spending, wall: u64) -> Answer {
        self.try_to_spend(caller, question, wall)
    }

    /// Peeks in a copy of the world, because opening changes something.
    fn peek(&mut self, caller: usize, question: &Spending, wall: u64) -> Answer {
        let Some(open) = self.processes[caller].open.as_ref().filter(|_| !self.is_refused()) else {
            return self.clone().try_to_spend(caller, question, wall);
        };
        let (_, is_new, answer) = self.judge(open, question, self.clocks(wall));
        if is_new || answer == Ok(Spent::First) {
            self.write()?;
        }
        match self.is_same(caller, open) || self.is(Mutation::NotCompared) {
            true => answer,
            false => Err(Unavailable),
        }
    }

    /// POSIX locks do not keep two copies of the library in one process apart: both look before
    /// either writes.
    fn race(
        &mut self,
        [caller, beside]: [usize; 2],
        question: &Spending,
        [wall, _]: [u64; 2],
    ) -> Option<[Answer; 2]> {
        let is_apart = !self.processes[caller].has_second_copy || !self.is(Mutation::PosixLocks);
        if caller != beside || is_apart {
            return None;
        }
        let foreseen = self.peek(caller, question, wall);
        Some([self.spend(caller, question, wall), foreseen])
    }

    fn time_is(&mut self, time: u64) {
        if self.booted_at == 0 {
            self.booted_at = time - 3_600_000;
        }
        self.time = time;
    }

    fn happen(&mut self, operation: &Operation) -> Consequence {
        let mut consequence = self.change(operation);
        // Nobody can know that there was something.
        if self.path.is_none() && self.lock_path.is_none() {
            consequence.forgotten_since = Some(0);
        }
        consequence
    }

    fn can_answer(&self, _caller: usize) -> bool {
        !self.is_full && !self.is_refused()
    }
}

impl File {
    fn change(&mut self, operation: &Operation) -> Consequence {
        match *operation {
            Operation::Restart(caller) => {
                self.processes[caller] = Process::default();
                let mut restarted = [false; CALLERS];
                restarted[caller] = true;
                Consequence { restarted, ..Consequence::default() }
            }
            Operation::Full(is_full) => {
                self.is_full = is_full;
                Consequence::default()
            }
            Operation::SecondCopy(caller) => {
                self.processes[caller].has_second_copy = true;
                Consequence::default()
            }
            Operation::PowerCut(loss) => {
                self.processes = Default::default();
                (self.boot, self.booted_at) = (self.boot + 1, self.time);
                // The same file, unless that is gone.
                let left = self.path.map(|at| (at, self.damage(&self.databases[&at], loss)));
                match left {
                    Some((at, Some(left))) => _ = self.databases.insert(at, left),
                    _ => self.put(None),
                }
                self.other_name = self.other_name.and(self.path);
                Consequence { restarted: [true; CALLERS], ..Self::gap(Gap::Certain) }
            }
            Operation::Copy => {
                self.copy = self.path.map(|at| self.databases[&at].clone());
                Consequence::default()
            }
            Operation::Restore => {
                let Some(copy) = self.copy.clone() else { return Consequence::default() };
                self.put(Some(copy));
                Self::gap(Gap::Possible)
            }
            Operation::Remove(part) => {
                if matches!(part, Part::File | Part::FileAndLock) {
                    self.path = None;
                }
                if matches!(part, Part::SideFiles) && self.path.is_some() {
                    let left = self.path.map(|at| self.databases[&at].clone());
                    self.put(left);
                }
                if matches!(part, Part::Lock | Part::FileAndLock) {
                    self.lock_path = None;
                }
                let is_deviation_lost = matches!(part, Part::Lock | Part::FileAndLock);
                let gap = if part == Part::File { Gap::Certain } else { Gap::Possible };
                Consequence { is_deviation_lost, ..Self::gap(gap) }
            }
            Operation::Link(true) => {
                if self.path.is_some() && self.other_name.is_none() {
                    let database = self.path.map(|at| self.databases[&at].clone());
                    self.other_name = database.map(|database| self.make(database));
                }
                Self::gap(Gap::Possible)
            }
            Operation::Link(false) => {
                self.other_name = None;
                Self::gap(Gap::Possible)
            }
            _ => Consequence::default(),
        }
    }
}

/// Answers as every ledger does.
pub(super) fn answer(
    history: &History,
    is_spent: bool,
    question: &Spending,
    clocks: Clocks,
) -> Answer {
    match is_spent {
        true => Ok(Spent::Again),
        false if history.knows(question.step, clocks) => Ok(Spent::First),
        false => Err(Unavailable),
    }
}

fn deviations(history: &History) -> String {
    let text = history.encode();
    let lines = text.lines().filter(|line| line.starts_with("deviation "));
    lines.map(|line| format!("{line}\n")).collect()
}
