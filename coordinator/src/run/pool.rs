//! Iterations that the users of the whole cluster share, and whom they were allotted to.

use muster_proto::plan::{Executor, Plan};
use muster_proto::share::Share;
use muster_proto::supply::{Allotted, Wanting};
use serde::{Deserialize, Serialize};

/// An agent's first block is one of about so many that its weight's part of all iterations would make: few enough that it
/// does not ask at every turn, many enough that a slow one cannot keep much from the others.
const FIRST_BLOCKS: u64 = 128;
/// No later block is more than one of so many that its part of what is left would make, so that all end together.
const LAST_BLOCKS: u64 = 4;
/// Whoever asks again within so many nanoseconds is given twice as much as before ...
const SOON_NS: u64 = 250_000_000;
/// ... and whoever has asked for nothing for so long half as much.
const LATE_NS: u64 = 1_000_000_000;

/// The shared iterations of one scenario.
///
/// What was allotted to an agent is its own, whatever becomes of it, until it gives it back or closes its books: a lost one
/// may have begun it. So what agents have begun, what they still may, and what is left are all of it at any time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    scenario: usize,
    /// How many users share them.
    users: u32,
    /// All of them, and those that nobody has.
    planned: u64,
    left: u64,
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
    /// Its last block, and when it was given.
    block: u64,
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
        let pool = |(scenario, planned): (usize, &muster_proto::plan::Scenario)| match planned.executor {
            Executor::SharedIterations { users, iterations, .. } => {
                Some(Self { scenario, users, planned: iterations, left: iterations, accounts: Vec::new() })
            }
            _ => None,
        };
        plan.scenarios.iter().enumerate().filter_map(pool).collect()
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

    /// Iterations that nobody has.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left
    }

    /// What an agent has that it may yet begin, or may have begun, which told that it began so many.
    #[must_use]
    pub fn unbegun(&self, agent: usize, begun: u64) -> u64 {
        let account = self.accounts.get(agent).copied().unwrap_or_default();
        (account.allotted - account.returned).saturating_sub(begun)
    }

    /// An agent says how it stands, which has told that it began so many.
    ///
    /// # Errors
    /// Why that cannot be.
    pub(super) fn hear(&mut self, agent: usize, wanting: &Wanting, begun: u64) -> Result<(), &'static str> {
        let unbegun = self.unbegun(agent, begun);
        let account = self.account(agent);
        if wanting.allotted > account.allotted {
            return Err("it speaks of iterations that it was never allotted");
        }
        let returned = wanting.returned.saturating_sub(account.returned);
        if returned > unbegun {
            return Err("it gives back iterations that it has begun");
        }
        account.returned += returned;
        (account.heard, account.waits) = (wanting.allotted, wanting.more);
        self.left += returned;
        Ok(())
    }

    /// Whether an agent waits for an answer.
    pub(super) fn waits(&self, agent: usize) -> bool {
        self.accounts.get(agent).is_some_and(|account| account.waits)
    }

    /// Answers an agent that asks; nothing as long as there is nothing to give. What it has not heard it is told again.
    pub(super) fn answer(&mut self, agent: usize, claim: Claim, now_ns: u64) -> Option<Allotted> {
        let (scenario, planned, left) = (self.scenario, self.planned, self.left);
        let account = self.account(agent);
        if !account.waits || (account.heard == account.allotted && left == 0) {
            return None;
        }
        account.waits = false;
        if account.heard == account.allotted {
            let block = account.next_block(planned, left, claim, now_ns);
            account.allotted += block;
            (account.block, account.block_at_ns) = (block, now_ns);
            self.left -= block;
        }
        Some(Allotted { scenario, iterations: self.account(agent).allotted, last: false })
    }

    /// Tells an agent that there will be nothing more, unless it was told before.
    pub(super) fn end(&mut self, agent: usize) -> Option<Allotted> {
        let scenario = self.scenario;
        let account = self.account(agent);
        let is_new = !std::mem::replace(&mut account.told_last, true);
        account.waits = false;
        is_new.then_some(Allotted { scenario, iterations: account.allotted, last: true })
    }

    /// An agent comes back on another stream: it may not have heard what it was told, and says again what it wants.
    pub(super) fn come_back(&mut self, agent: usize) {
        let account = self.account(agent);
        (account.waits, account.told_last) = (false, false);
    }

    /// An agent has closed its books: it will begin nothing more than these, and others can have the rest.
    pub(super) fn close(&mut self, agent: usize, begun: u64) {
        let unbegun = self.unbegun(agent, begun);
        self.left += unbegun;
        let account = self.account(agent);
        account.returned += unbegun;
        account.waits = false;
    }

    fn account(&mut self, agent: usize) -> &mut Account {
        if self.accounts.len() <= agent {
            self.accounts.resize(agent + 1, Account::default());
        }
        &mut self.accounts[agent]
    }
}

impl Account {
    /// How much to give of so much that is left, which is something: as long as an agent makes the same of it in the same
    /// time, it asks a few times a second at most.
    fn next_block(&self, planned: u64, left: u64, claim: Claim, now_ns: u64) -> u64 {
        let Claim { users, weight, weights } = claim;
        let one_of = |blocks: u64, all: u64| {
            let part = (u128::from(all) * u128::from(weight)).div_ceil(u128::from((weights * blocks).max(1)));
            part.min(u128::from(left)) as u64
        };
        if self.block == 0 {
            // Each of its users can begin one at once.
            return one_of(FIRST_BLOCKS, planned).max(users).min(one_of(1, planned)).clamp(1, left);
        }
        let block = match now_ns.saturating_sub(self.block_at_ns) {
            since_ns if since_ns < SOON_NS => self.block.saturating_mul(2),
            since_ns if since_ns > LATE_NS => self.block / 2,
            _ => self.block,
        };
        block.max(users).min(one_of(LAST_BLOCKS, left)).clamp(1, left)
    }
}

#[cfg(test)]
mod tests;
