//! A real Redis whose clock goes as the model says, another one whose replica it can become, and
//! processes that are its nodes.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use redis::cmd;
use xtoken::ledger::BootClock;

use super::Spending;
use super::node_deviations::NodeDeviations;
use super::operation::{CALLERS, Loss, Operation};
use super::oracle::{Acceptance, Consequence, Gap};
use super::run::{Answer, World};
use super::server::Server;
use super::time::WallClock;
use super::worker::{Clocks, Worker};

/// The servers for all sequences, one after the other.
pub(crate) struct Servers {
    clock: WallClock,
}

pub(crate) struct Redis<'a> {
    clock: &'a WallClock,
    server: Server,
    other: Server,
    nodes: [Option<Worker>; CALLERS],
    time: u64,
    began_at: u64,
    real: BootClock,
    really_began_at: u64,
    last_seen: u64,
    /// How far its clock was set ahead, in milliseconds.
    moved: i64,
    moved_at: Option<u64>,
    /// Since when each node can notice that, and how far it was ahead then.
    watches_since: [Option<(u64, i64)>; CALLERS],
    /// A node that could not notice was asked meanwhile.
    is_misled: bool,
    deviations: NodeDeviations,
    is_full: bool,
    is_replica: bool,
    has_copy: bool,
}

impl Servers {
    pub(crate) fn new() -> Self {
        Self { clock: WallClock::new() }
    }
}

impl<'a> Redis<'a> {
    pub(crate) fn new(servers: &'a Servers) -> Self {
        let clock = &servers.clock;
        clock.set(0);
        let start =
            || Server::start_with(None, &["--repl-diskless-sync-delay", "0"], clock.environment());
        let (real, last_seen) = (BootClock::of_machine(), BootClock::of_machine().now());
        Self {
            clock,
            server: start(),
            other: start(),
            nodes: [const { None }; CALLERS],
            time: 0,
            began_at: 0,
            real,
            really_began_at: last_seen,
            last_seen,
            moved: 0,
            moved_at: None,
            watches_since: [None; CALLERS],
            is_misled: false,
            deviations: NodeDeviations::default(),
            is_full: false,
            is_replica: false,
            has_copy: false,
        }
    }

    fn node(&mut self, caller: usize) -> &mut Worker {
        let url = format!("{}?timeout=300", self.server.url());
        self.watches_since[caller].get_or_insert((self.time, self.moved));
        self.nodes[caller].get_or_insert_with(|| {
            Worker::start(Command::new(std::env::current_exe().unwrap()), &url)
        })
    }

    fn clocks(&self, wall: u64) -> Clocks {
        let boot = (self.time - self.began_at + 3_600_000) as i64;
        Clocks { wall, boot_ahead: boot - self.last_seen as i64 }
    }

    /// The server's clock is the machine's and goes on with it.
    fn set_server_clock(&self) {
        let passed = (self.time - self.began_at) as i64;
        let really = (self.last_seen - self.really_began_at) as i64;
        self.clock.set((passed - really + self.moved).div_euclid(1_000));
    }

    fn command(&self, words: &[&str]) {
        let mut command = cmd(words[0]);
        words[1..].iter().for_each(|word| _ = command.arg(word));
        command.exec(&mut self.server.client()).unwrap();
    }

    /// Returns whether the server's clock was not set, or this node can notice it: it was connected
    /// before, and the clock was set by more than it may have drifted since.
    fn can_notice(&self, caller: usize) -> bool {
        self.moved_at.is_none_or(|moved_at| {
            self.watches_since[caller].is_some_and(|(since, moved)| {
                let drift = 600_000.min((self.time - since) / 2_000) + 4_000;
                since < moved_at && self.moved.abs_diff(moved) > drift
            })
        })
    }

    /// The server has the other's data afterwards, and takes no writes.
    fn follow_the_other(&mut self, loss: Loss) {
        let (mut server, mut other) = (self.server.client(), self.other.client());
        let follow = |client: &mut redis::Connection, port: u16| {
            let port = port.to_string();
            cmd("REPLICAOF").arg("127.0.0.1").arg(port).exec(client).unwrap();
            let deadline = Instant::now() + Duration::from_secs(30);
            loop {
                let info: String = cmd("INFO").arg("replication").query(client).unwrap();
                if info.contains("master_link_status:up") {
                    break;
                }
                assert!(Instant::now() < deadline, "the replica does not follow");
                sleep(Duration::from_millis(20));
            }
        };
        if loss == Loss::Nothing && !self.is_replica {
            follow(&mut other, self.server.port);
            cmd("REPLICAOF").arg("NO").arg("ONE").exec(&mut other).unwrap();
        } else if loss != Loss::SinceCopy {
            cmd("FLUSHALL").exec(&mut other).unwrap();
        }
        follow(&mut server, self.other.port);
        self.is_replica = true;
    }
}

impl World for Redis<'_> {
    const IS_SIMULATED: bool = false;
    const APART: u64 = 30;
    const FIRST: Option<Gap> = Some(Gap::Certain);
    const SKEW: [i64; CALLERS] = [0, 15_000, -15_000];

    fn machine(&self, caller: usize) -> usize {
        caller
    }

    fn spend(&mut self, caller: usize, question: &Spending, wall: u64) -> Answer {
        let clocks = self.clocks(wall);
        let answer = self.node(caller).ask("spend", question, clocks);
        self.is_misled |= !self.can_notice(caller);
        if self.can_answer(caller) {
            self.deviations.asked(caller, question.deviation);
        }
        answer
    }

    fn peek(&mut self, caller: usize, question: &Spending, wall: u64) -> Answer {
        let clocks = self.clocks(wall);
        self.node(caller).ask("peek", question, clocks)
    }

    fn elapsed(&mut self) -> u64 {
        let now = self.real.now();
        now - std::mem::replace(&mut self.last_seen, now)
    }

    fn time_is(&mut self, time: u64) {
        if self.began_at == 0 {
            self.began_at = time;
        }
        self.time = time;
        self.set_server_clock();
    }

    fn happen(&mut self, operation: &Operation) -> Consequence {
        let gap = Consequence { gap: Some(Gap::Certain), ..Consequence::default() };
        match *operation {
            Operation::Restart(caller) => {
                (self.nodes[caller], self.watches_since[caller]) = (None, None);
                self.deviations.begins_anew(caller);
                let mut restarted = [false; CALLERS];
                restarted[caller] = true;
                Consequence { restarted, ..Consequence::default() }
            }
            Operation::Full(is_full) => {
                self.is_full = is_full;
                let limit = if is_full { "1" } else { "0" };
                self.command(&["CONFIG", "SET", "maxmemory", limit]);
                Consequence::default()
            }
            Operation::Copy => {
                self.command(&["SAVE"]);
                self.has_copy = true;
                Consequence::default()
            }
            Operation::RestartServer(loss) => {
                self.deviations.server_forgets();
                match loss {
                    Loss::Nothing => self.command(&["SAVE"]),
                    Loss::SinceCopy if self.has_copy => {}
                    _ => {
                        self.command(&["CONFIG", "SET", "maxmemory", "0"]);
                        if self.is_replica {
                            self.command(&["REPLICAOF", "NO", "ONE"]);
                        }
                        self.command(&["FLUSHALL"]);
                        self.command(&["SAVE"]);
                    }
                }
                self.server.stop();
                self.server.start_again();
                (self.is_full, self.is_replica) = (false, false);
                gap
            }
            Operation::Empty if !self.is_replica => {
                self.deviations.server_forgets();
                self.command(&["FLUSHALL"]);
                gap
            }
            Operation::Demote(loss) => {
                self.deviations.server_forgets();
                self.follow_the_other(loss);
                gap
            }
            Operation::Promote if self.is_replica => {
                self.command(&["REPLICAOF", "NO", "ONE"]);
                self.is_replica = false;
                gap
            }
            Operation::MoveServerClock(ahead) => {
                self.moved += ahead;
                self.moved_at = Some(self.time);
                self.set_server_clock();
                Consequence { gap: Some(Gap::Possible), ..gap }
            }
            _ => Consequence::default(),
        }
    }

    fn can_answer(&self, _caller: usize) -> bool {
        !self.is_full && !self.is_replica
    }

    fn is_misled(&self) -> bool {
        self.is_misled
    }

    /// Nor does it notice that tokens have left before their time. And when the server has lost
    /// everything, a node may not know of a deviation that was in use on others only.
    fn forgives(&self, caller: usize, before: &Acceptance) -> bool {
        let has_moved = self.moved_at.is_some_and(|moved_at| before.at <= moved_at);
        !self.can_notice(caller) && has_moved || !self.deviations.has(caller, before.deviation)
    }
}
