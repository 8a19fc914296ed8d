//! Numbers that the users of the whole cluster share, of iterations or of rows, and whom they were allotted to.

use muster_proto::plan::{Executor, Plan, Scenario};
use muster_proto::share::Share;
use muster_proto::supply::{Allotted, BLOCK_MAX, Block, NUMBERS_MAX, Numbers, Wanting};
use serde::{Deserialize, Serialize};

use super::blocks::Blocks;

/// An agent's first block is one of about so many that its weight's part of all numbers would make: few enough that it
/// does not ask at every turn, many enough that a slow one cannot keep much from the others.
const FIRST_BLOCKS: u64 = 128;
/// No later block is more than one of so many that its part of what is left would make, so that all end together.
const LAST_BLOCKS: u64 = 4;
/// Whoever asks again within so many nanoseconds is given twice as much as before ...
const SOON_NS: u64 = 250_000_000;
/// ... and whoever has asked for nothing for so long half as much.
const LATE_NS: u64 = 1_000_000_000;

/// The numbers that one scenario's users share.
///
/// What was allotted to an agent is its own, whatever becomes of it, until it gives it back or closes its books: a lost one
/// may have used it. So what agents have used, what they still may, and what is left are all of it at any time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    scenario: usize,
    /// How many users share them.
    users: u32,
    /// Whether they are what there is to do, rather than what rows go by.
    are_iterations: bool,
    /// How many are gone through before anything is used again.
    pass: u64,
    /// Those that nobody has.
    free: Blocks,
    /// The first that there never was.
    end: u64,
    /// By the agent's place in the run.
    accounts: Vec<Account>,
}

/// What one agent was allotted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Account {
    allotted: u64,
    returned: u64,
    /// What it has heard of that it was allotted.
    heard: u64,
    /// Whether it has asked and got no answer.
    waits: bool,
    /// Whether it was told that there will be nothing more.
    told_last: bool,
    /// Its last block, how large it might have been, and when it was given.
    block: Block,
    size: u64,
    block_at_ns: u64,
}

/// What decides how large an agent's block is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    /// How many of the scenario's users it has, each of which can begin one at once.
    pub(super) users: u64,
    /// Its weight, and that of all who may be given something.
    pub(super) weight: u64,
    pub(super) weights: u64,
}

impl Pool {
    /// The pools of a plan, with everything in them.
    #[must_use]
    pub fn all_of(plan: &Plan) -> Vec<Self> {
        let pool = |(place, scenario)| Some(Self::new(place, scenario, Numbers::of(plan, scenario)?));
        plan.scenarios.iter().enumerate().filter_map(pool).collect()
    }

    fn new(place: usize, scenario: &Scenario, numbers: Numbers) -> Self {
        let Numbers { users, count, pass } = numbers;
        Self {
            scenario: place,
            users,
            are_iterations: matches!(scenario.executor, Executor::SharedIterations { .. }),
            pass,
            free: Blocks::up_to(count),
            end: count,
            accounts: Vec::new(),
        }
    }

    /// The scenario's place in the plan.
    #[must_use]
    pub fn scenario(&self) -> usize {
        self.scenario
    }

    /// How many of the users who share them have these shards.
    pub(super) fn users_of(&self, share: &Share) -> u64 {
        share.count_below(u64::from(self.users))
    }

    /// Whether each of them is an iteration that there is to make. Others only say which row one uses.
    #[must_use]
    pub fn are_iterations(&self) -> bool {
        self.are_iterations
    }

    /// How many nobody has.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.free.count()
    }

    /// What an agent has that it may yet use, or may have used, which told that it began so many iterations.
    #[must_use]
    pub fn unbegun(&self, agent: usize, begun: u64) -> u64 {
        let account = self.accounts.get(agent).copied().unwrap_or_default();
        (account.allotted - account.returned).saturating_sub(begun)
    }

    /// An agent says how it stands, which has told that it began so many iterations.
    ///
    /// # Errors
    /// Why that cannot be.
    pub(super) fn hear(&mut self, agent: usize, wanting: &Wanting, begun: u64) -> Result<(), &'static str> {
        let unbegun = self.unbegun(agent, begun);
        let account = *self.account(agent);
        if wanting.allotted > account.allotted {
            return Err("it speaks of iterations that it was never allotted");
        }
        let said: u64 = wanting.returned.iter().map(|block| block.count).sum();
        if said.saturating_sub(account.returned) > unbegun {
            return Err("it gives back iterations that it has begun");
        }
        let mut known = account.returned;
        for block in &wanting.returned {
            let new = block.split(known).1;
            known -= block.count - new.count;
            if new.end() > self.end || !self.free.add(new) {
                return Err("it gives back iterations that were not its own");
            }
            self.account(agent).returned += new.count;
        }
        let account = self.account(agent);
        (account.heard, account.waits) = (wanting.allotted, wanting.more);
        Ok(())
    }

    /// Whether an agent waits for an answer.
    pub(super) fn waits(&self, agent: usize) -> bool {
        self.accounts.get(agent).is_some_and(|account| account.waits)
    }

    /// Answers an agent that asks; nothing as long as there is nothing to give. What it has not heard it is told again.
    pub(super) fn answer(&mut self, agent: usize, claim: Claim, now_ns: u64) -> Option<Allotted> {
        let (pass, left) = (self.pass, self.left());
        let account = self.account(agent);
        if !account.waits || (account.heard == account.allotted && left == 0) {
            return None;
        }
        account.waits = false;
        if account.heard == account.allotted {
            (account.size, account.block_at_ns) = (account.next_size(pass, left, claim, now_ns), now_ns);
            let size = account.size;
            let block = self.free.take(size);
            let account = self.account(agent);
            account.allotted += block.count;
            account.block = block;
        }
        Some(self.allotted(agent, false))
    }

    /// Tells an agent that there will be nothing more, unless it was told before.
    pub(super) fn end(&mut self, agent: usize) -> Option<Allotted> {
        let account = self.account(agent);
        let is_new = !std::mem::replace(&mut account.told_last, true);
        account.waits = false;
        is_new.then(|| self.allotted(agent, true))
    }

    fn allotted(&mut self, agent: usize, last: bool) -> Allotted {
        let Account { allotted, block, .. } = *self.account(agent);
        Allotted { scenario: self.scenario, allotted, block, last }
    }

    /// An agent comes back on another stream: it may not have heard what it was told, and says again what it wants.
    pub(super) fn come_back(&mut self, agent: usize) {
        let account = self.account(agent);
        (account.waits, account.told_last) = (false, false);
    }

    /// An agent has closed its books: it will begin no more than these, and others can make the rest of what there is to
    /// do. By which numbers it would have gone nobody knows any more, so nobody else goes by them.
    pub(super) fn close(&mut self, agent: usize, begun: u64) {
        let unbegun = self.unbegun(agent, begun);
        let account = self.account(agent);
        account.returned += unbegun;
        account.waits = false;
        if self.are_iterations {
            let fresh = Block { first: self.end, count: unbegun.min(NUMBERS_MAX - self.end) };
            self.end = fresh.end();
            self.free.add(fresh);
        }
    }

    fn account(&mut self, agent: usize) -> &mut Account {
        if self.accounts.len() <= agent {
            self.accounts.resize(agent + 1, Account::default());
        }
        &mut self.accounts[agent]
    }
}

impl Account {
    /// How much to give where so much is left, which is something: as long as an agent uses the same of it in the same time,
    /// it asks a few times a second at most.
    fn next_size(&self, pass: u64, left: u64, claim: Claim, now_ns: u64) -> u64 {
        let Claim { users, weight, weights } = claim;
        let one_of = |blocks: u64, all: u64| {
            let part = (u128::from(all) * u128::from(weight)).div_ceil(u128::from((weights * blocks).max(1)));
            part.min(u128::from(left)) as u64
        };
        let size = if self.size == 0 {
            // Each of its users can begin one at once.
            one_of(FIRST_BLOCKS, pass).max(users).min(one_of(1, pass))
        } else {
            let size = match now_ns.saturating_sub(self.block_at_ns) {
                since_ns if since_ns < SOON_NS => self.size.saturating_mul(2),
                since_ns if since_ns > LATE_NS => self.size / 2,
                _ => self.size,
            };
            size.max(users).min(one_of(LAST_BLOCKS, left))
        };
        size.clamp(1, left.min(BLOCK_MAX))
    }
}

#[cfg(test)]
mod tests;
