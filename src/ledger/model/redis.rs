//! A ledger in a Redis, simulated: a server, its clock, and nodes that reach it over connections.

use std::collections::HashMap;

use super::file::answer;
use super::mutation::Mutation;
use super::node_deviations::NodeDeviations;
use super::operation::{CALLERS, Loss, Operation};
use super::oracle::{Acceptance, Consequence, Gap};
use super::run::{Answer, World};
use super::{Clocks, History, Spending, Spent, Unavailable};

const APART: u64 = 30;
/// Seconds that a token is kept after its window, and that the server keeps it beyond.
const OUTLIVES: u64 = 3_600;
const MARGIN: u64 = 1_200;
/// Milliseconds that the server's clock may be off, beside its drift.
const RESOLUTION: u64 = 2_000;
const MOST_DRIFT: u64 = 600_000;
fn fresh() -> History {
    History::new(APART).forgetting_after(OUTLIVES)
}

#[derive(Clone)]
pub(crate) struct Redis {
    mutation: Option<Mutation>,
    time: u64,
    server: Server,
    copy: Option<Data>,
    nodes: [Node; CALLERS],
    is_full: bool,
    /// Numbers for run ids and replication ids.
    ids: u64,
    wall_of_gap: u64,
    /// When the server's clock was last set, and nobody has noticed yet.
    moved_at: Option<u64>,
    /// A node that could not notice was asked meanwhile.
    is_misled: bool,
    deviations: NodeDeviations,
}

#[derive(Clone, Default)]
struct Server {
    run_id: u64,
    replid: u64,
    is_replica: bool,
    /// How far its clock is ahead, in milliseconds.
    ahead: i64,
    data: Data,
}

#[derive(Clone, Default)]
struct Data {
    /// Until when each token is kept, by the server's clock.
    tokens: HashMap<[u8; 16], u64>,
    horizon: Option<Horizon>,
    history: String,
}

/// Which server knows everything, and since when, by its own clock.
#[derive(Clone, Copy, PartialEq)]
struct Horizon {
    server: (u64, u64),
    since: u64,
}

#[derive(Clone)]
struct Node {
    connection: Option<Horizon>,
    history: History,
    /// How far the server's clock is ahead of the node's boot clock, and when that was seen.
    offset: Option<(i64, u64)>,
    /// Since when this node can notice a jump of the server's clock, and how far that was ahead
    /// then.
    watches_since: Option<(u64, i64)>,
}

impl Default for Node {
    fn default() -> Self {
        Self { connection: None, history: fresh(), offset: None, watches_since: None }
    }
}

impl Redis {
    pub(crate) fn new(mutation: Option<Mutation>) -> Self {
        let server = Server { run_id: 1, replid: 2, ..Server::default() };
        Self {
            mutation,
            time: 0,
            server,
            copy: None,
            nodes: Default::default(),
            is_full: false,
            ids: 2,
            wall_of_gap: 0,
            moved_at: None,
            is_misled: false,
            deviations: NodeDeviations::default(),
        }
    }

    fn is(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    fn new_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    fn clock(&self) -> u64 {
        self.time.saturating_add_signed(self.server.ahead)
    }

    fn write(&self) -> Result<(), Unavailable> {
        if self.is_full || self.server.is_replica { Err(Unavailable) } else { Ok(()) }
    }

    /// Returns whether the server's clock went differently from this node's.
    fn has_leapt(&self, node: &Node) -> bool {
        // The boot clock of each machine is the true time here.
        node.offset.is_some_and(|(offset, at)| {
            let drift = match self.is(Mutation::ClockComparedWithLastAnswer) {
                true => MOST_DRIFT,
                false => MOST_DRIFT.min((self.time - at) / 2_000),
            };
            self.server.ahead.abs_diff(offset) > drift + RESOLUTION
        })
    }

    /// Connects, and begins the horizon anew unless it names this server.
    fn connect(&mut self, node: &mut Node, wall: u64) -> Result<Horizon, Unavailable> {
        let server = (self.server.run_id, self.server.replid);
        let steady = self.clock();
        let clocks = Clocks { wall, steady };
        let has_leapt = self.has_leapt(node);
        let known = self.server.data.horizon.filter(|horizon| {
            let is_known = horizon.server == server || self.is(Mutation::RedisHorizonUnchecked);
            is_known && horizon.since <= steady && !has_leapt
        });
        let stored = History::decode(&self.server.data.history, APART);
        let mut stored = stored.unwrap_or_else(fresh);
        if self.is(Mutation::ForgottenWithRedis) {
            node.history = fresh();
        }
        let horizon = match known {
            Some(horizon) => horizon,
            None => {
                self.write()?;
                // Perhaps it is another clock.
                stored.change_steady_clock(clocks);
                node.history.change_steady_clock(clocks);
                self.wall_of_gap = wall;
                Horizon { server, since: steady }
            }
        };
        node.history.merge(&stored);
        node.history.set_horizon(Some(horizon.since));
        // What was emptied learns it again.
        if self.write().is_ok() {
            self.server.data.history = node.history.encode();
        }
        if known.is_none() {
            self.server.data.horizon = Some(horizon);
            node.offset = Some((self.server.ahead, self.time));
            node.watches_since = Some((self.time, self.server.ahead));
            self.moved_at = None;
        }
        if node.offset.is_none() {
            node.offset = Some((self.server.ahead, self.time));
            node.watches_since = Some((self.time, self.server.ahead));
        }
        Ok(horizon)
    }

    fn try_to_spend(&mut self, caller: usize, question: &Spending, wall: u64) -> Answer {
        let mut node = std::mem::take(&mut self.nodes[caller]);
        let answer = self.ask(&mut node, question, wall);
        self.nodes[caller] = node;
        self.is_misled |= !self.can_notice(caller);
        if self.can_answer(caller) {
            self.deviations.asked(caller, question.deviation);
        }
        answer
    }

    fn ask(&mut self, node: &mut Node, question: &Spending, wall: u64) -> Answer {
        let is_same = |connection: &Horizon| {
            self.server.data.horizon == Some(*connection)
                && (connection.server == (self.server.run_id, self.server.replid)
                    || self.is(Mutation::ConnectionKeptOverPromotion))
        };
        let kept = node.connection.take().filter(is_same).filter(|_| !self.has_leapt(node));
        let connection = match kept {
            Some(connection) => connection,
            None => self.connect(node, wall)?,
        };
        node.connection = Some(connection);

        let clocks = Clocks { wall, steady: self.clock() };
        let is_new = node.history.advance(question.deviation, clocks);
        if is_new {
            // What other nodes have closed counts before the answer: a clock may be set back since.
            self.write()?;
            if let Some(stored) = History::decode(&self.server.data.history, APART) {
                node.history.merge(&stored);
                node.history.advance(question.deviation, clocks);
            }
            self.server.data.history = node.history.encode();
        }
        let mut history = node.history.clone();
        if let Some(mutation) = self.mutation {
            mutation.apply(&mut history, APART, question.deviation, clocks, self.wall_of_gap);
        }
        if self.is(Mutation::ClockComparedWithLastAnswer) {
            node.offset = Some((self.server.ahead, self.time));
        }
        let now = clocks.steady;
        let data = &mut self.server.data;
        data.tokens.retain(|_, kept_until| *kept_until > now);
        let is_spent = data.tokens.contains_key(&question.fingerprint);
        let is_spent = is_spent && !history.is_closed(question.step);
        let answer = answer(&history, is_spent, question, clocks);
        if answer == Ok(Spent::First) {
            self.write()?;
            let left = history.over_at(question.step, clocks).saturating_sub(wall);
            let kept_for = (left + OUTLIVES + MARGIN) * 1_000;
            self.server.data.tokens.insert(question.fingerprint, now + kept_for);
        }
        answer
    }

    /// Returns whether the server's clock was not set, or this node can notice it: it was connected
    /// before, and the clock was set by more than it may have drifted since.
    fn can_notice(&self, caller: usize) -> bool {
        self.moved_at.is_none_or(|moved_at| {
            self.nodes[caller].watches_since.is_some_and(|(since, ahead)| {
                let drift = MOST_DRIFT.min((self.time - since) / 2_000) + RESOLUTION;
                since < moved_at && self.server.ahead.abs_diff(ahead) > drift
            })
        })
    }

    fn lose(&mut self, loss: Loss) {
        if loss != Loss::Nothing {
            self.deviations.server_forgets();
        }
        let data = &mut self.server.data;
        match loss {
            Loss::Nothing => {}
            Loss::Tokens => data.tokens.clear(),
            Loss::SinceCopy => *data = self.copy.clone().unwrap_or_default(),
            Loss::Damaged | Loss::Everything => *data = Data::default(),
        }
    }
}

impl World for Redis {
    const APART: u64 = APART;
    const FIRST: Option<Gap> = Some(Gap::Certain);
    const SKEW: [i64; CALLERS] = [0, 15_000, -15_000];

    fn machine(&self, caller: usize) -> usize {
        caller
    }

    fn spend(&mut self, caller: usize, question: &Spending, wall: u64) -> Answer {
        self.try_to_spend(caller, question, wall)
    }

    /// Peeks in a copy of the world.
    fn peek(&mut self, caller: usize, question: &Spending, wall: u64) -> Answer {
        self.clone().try_to_spend(caller, question, wall)
    }

    fn time_is(&mut self, time: u64) {
        self.time = time;
    }

    fn happen(&mut self, operation: &Operation) -> Consequence {
        let gap = Consequence { gap: Some(Gap::Certain), ..Consequence::default() };
        match *operation {
            Operation::Restart(caller) => {
                self.nodes[caller] = Node::default();
                self.deviations.begins_anew(caller);
                let mut restarted = [false; CALLERS];
                restarted[caller] = true;
                Consequence { restarted, ..Consequence::default() }
            }
            Operation::Full(is_full) => {
                self.is_full = is_full;
                Consequence::default()
            }
            Operation::Copy => {
                self.copy = Some(self.server.data.clone());
                Consequence::default()
            }
            Operation::RestartServer(loss) => {
                self.lose(loss);
                (self.server.run_id, self.server.replid) = (self.new_id(), self.new_id());
                self.server.is_replica = false;
                gap
            }
            Operation::Empty => {
                self.lose(Loss::Everything);
                gap
            }
            Operation::Demote(loss) => {
                self.lose(loss);
                (self.server.replid, self.server.is_replica) = (self.new_id(), true);
                gap
            }
            Operation::Promote => {
                (self.server.replid, self.server.is_replica) = (self.new_id(), false);
                gap
            }
            Operation::MoveServerClock(ahead) => {
                self.server.ahead += ahead;
                self.moved_at = Some(self.time);
                Consequence { gap: Some(Gap::Possible), ..gap }
            }
            _ => Consequence::default(),
        }
    }

    fn can_answer(&self, _caller: usize) -> bool {
        self.write().is_ok()
    }

    /// A node that was not connected when the server's clock was set takes it for right. So it may
    /// close steps of the future, up to the time of that clock.
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
