//! What an iteration does, laid out as one list of operations: blocks become jumps, so that however deep steps lie
//! within each other, an iteration is one place in the list and a few numbers.

use std::time::Duration;

use muster_proto::measurement::TallyKey;
use muster_proto::plan::{Branch, Choice, Group, Loop, Parallel, Rounds, Step, Stop, Think, group_path};

use super::compiled::{CompileError, Compiler, RequestStep};
use super::template::{Formula, Names, Template};

/// One operation. What is made of templates is there for each worker, by its number.
pub enum Op {
    /// Talk to the target.
    Request(Box<RequestStep>),
    /// Make these requests at the same time, so many at once.
    Parallel(Box<[RequestStep]>, usize),
    /// Pause.
    Think(Think),
    /// Pause until so long after the last such pause, in nanoseconds.
    Pace(u64),
    /// Give values to slots.
    Set(Box<[Vec<(usize, Template)>]>),
    /// End the iteration.
    Stop(Stop),
    /// A group begins.
    Begin,
    /// A group ends, which is counted here.
    End(u16),
    /// Go on at another place.
    Jump(usize),
    /// Go on at another place unless this is true.
    Unless(Box<[Formula]>, usize),
    /// Go on at one of these places, by weights that are added up.
    Choose(Box<[(u64, usize)]>),
    /// A loop begins.
    Enter(Box<LoopOp>),
    /// The next round of the loop that this enters, if there is one; otherwise go on at another place.
    Round(usize, usize),
}

/// A loop.
pub struct LoopOp {
    /// How often it goes round.
    pub rounds: RoundsKind,
    /// What tells that.
    pub formulas: Box<[Formula]>,
    /// Where the round's number, or the list's element, is kept.
    pub slot: Option<usize>,
    /// The most rounds.
    pub max: u32,
}

/// How often a loop goes round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoundsKind {
    /// As often as a number says.
    Times,
    /// While something is true.
    While,
    /// Once for each element of a list.
    Each,
}

/// Lays steps out.
pub(super) struct Layout<'c, 'p> {
    pub(super) compiler: &'c mut Compiler<'p>,
    /// The scenario's place in the plan.
    pub(super) scenario: usize,
    pub(super) names: &'c [Names],
    pub(super) ops: Vec<Op>,
}

impl Layout<'_, '_> {
    /// Appends steps that stand within these groups.
    pub(super) fn steps(&mut self, steps: &[Step], around: &str) -> Result<(), CompileError> {
        steps.iter().try_for_each(|step| self.step(step, around))
    }

    fn step(&mut self, step: &Step, around: &str) -> Result<(), CompileError> {
        let op = match step {
            Step::Request(request) => {
                let request = self.compiler.request(self.scenario, (**request).clone(), self.names)?;
                Op::Request(Box::new(request))
            }
            Step::Parallel(parallel) => self.parallel(parallel)?,
            Step::Think(think) => Op::Think(*think),
            Step::Pace(pace) => Op::Pace(ns(*pace)),
            Step::Stop(stop) => Op::Stop(*stop),
            Step::Set(values) => self.set(values)?,
            Step::Group(group) => return self.group(group, around),
            Step::If(branch) => return self.branch(branch, around),
            Step::Loop(of) => return self.repeat(of, around),
            Step::Choose(choices) => return self.choose(choices, around),
        };
        self.ops.push(op);
        Ok(())
    }

    fn parallel(&mut self, parallel: &Parallel) -> Result<Op, CompileError> {
        let each = parallel.requests.iter();
        let requests = each.map(|request| self.compiler.request(self.scenario, request.clone(), self.names));
        Ok(Op::Parallel(requests.collect::<Result<_, _>>()?, parallel.at_once.max(1) as usize))
    }

    fn set(&self, values: &[(String, String)]) -> Result<Op, CompileError> {
        let of_worker = |names: &Names| {
            let slots = values.iter().filter_map(|(name, value)| Some((name, names.slot(name)?, value)));
            let each = slots.map(|(name, slot, value)| {
                let template = Template::compile_value(value, names);
                Ok((slot, template.map_err(|source| self.wrong(name, source.to_string()))?))
            });
            each.collect::<Result<Vec<_>, CompileError>>()
        };
        Ok(Op::Set(self.names.iter().map(of_worker).collect::<Result<_, _>>()?))
    }

    fn group(&mut self, group: &Group, around: &str) -> Result<(), CompileError> {
        let path = group_path(around, &group.name);
        self.ops.push(Op::Begin);
        self.steps(&group.steps, &path)?;
        let tally = self.compiler.tally(&TallyKey::group(self.scenario, &path));
        self.ops.push(Op::End(tally));
        Ok(())
    }

    fn branch(&mut self, branch: &Branch, around: &str) -> Result<(), CompileError> {
        let condition = self.formulas(&branch.condition)?;
        let test = self.hold_a_place();
        self.steps(&branch.then, around)?;
        if branch.otherwise.is_empty() {
            self.ops[test] = Op::Unless(condition, self.ops.len());
            return Ok(());
        }
        let leave = self.hold_a_place();
        self.ops[test] = Op::Unless(condition, self.ops.len());
        self.steps(&branch.otherwise, around)?;
        self.ops[leave] = Op::Jump(self.ops.len());
        Ok(())
    }

    fn repeat(&mut self, of: &Loop, around: &str) -> Result<(), CompileError> {
        let (rounds, source) = match &of.rounds {
            Rounds::Times(times) => (RoundsKind::Times, times),
            Rounds::While(condition) => (RoundsKind::While, condition),
            Rounds::Each(list) => (RoundsKind::Each, list),
        };
        let slot = of.name.as_ref().and_then(|name| self.names.first()?.slot(name));
        let enter = self.ops.len();
        self.ops.push(Op::Enter(Box::new(LoopOp { rounds, formulas: self.formulas(source)?, slot, max: of.max })));
        let round = self.hold_a_place();
        self.steps(&of.steps, around)?;
        self.ops.push(Op::Jump(round));
        self.ops[round] = Op::Round(enter, self.ops.len());
        Ok(())
    }

    fn choose(&mut self, choices: &[Choice], around: &str) -> Result<(), CompileError> {
        let choose = self.hold_a_place();
        let (mut sum, mut places, mut leaves) = (0, Vec::new(), Vec::new());
        for choice in choices {
            sum += u64::from(choice.weight);
            places.push((sum, self.ops.len()));
            self.steps(&choice.steps, around)?;
            leaves.push(self.hold_a_place());
        }
        self.ops[choose] = Op::Choose(places.into());
        leaves.into_iter().for_each(|leave| self.ops[leave] = Op::Jump(self.ops.len()));
        Ok(())
    }

    /// A place for an operation that is not known yet.
    fn hold_a_place(&mut self) -> usize {
        self.ops.push(Op::Jump(0));
        self.ops.len() - 1
    }

    fn formulas(&self, source: &str) -> Result<Box<[Formula]>, CompileError> {
        let each = self.names.iter().map(|names| Formula::compile(source, names));
        each.collect::<Result<_, _>>().map_err(|error| self.wrong(source, error.to_string()))
    }

    fn wrong(&self, place: &str, reason: String) -> CompileError {
        let scenario = self.compiler.plan.scenarios[self.scenario].name.clone();
        CompileError::Step { scenario, place: place.to_owned(), reason }
    }
}

fn ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
