//! How a run is changed while it goes on.
//!
//! A change is made at one moment for everybody, a little ahead, so that every agent that can be spoken to has heard of it
//! by then. One that cannot makes it when it hears of it, or when its lease ends. No arrival is due twice by that.

use std::time::Duration;

use muster_proto::change::{AMENDMENTS_MAX, Amendment, Reshape, Stages, What};
use muster_proto::plan::{Executor, Rate, RateStage, Scenario, UserStage};
use muster_proto::schedule::Timing;
use serde::{Deserialize, Serialize};

use super::super::agent::State;
use super::super::event::{Command, Manner};
use super::super::order::{Done, Level, NOTE_CHARS_MAX, Order, Ticket};
use super::super::record::{Annotation, Ending};
use super::{Phase, Run};

/// The most notes and changes that a run remembers for its report.
const ANNOTATIONS_MAX: usize = 10_000;

/// A run that its user has paused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pause {
    /// By scenario: which of its profiles it goes on with, none if it had ended.
    profiles: Vec<Option<usize>>,
}

/// Where a change comes about.
pub(super) struct Moment {
    /// In nanoseconds of run time ...
    at_ns: u64,
    /// ... and after the start of the scenario's profile.
    pub(super) profile_ns: u64,
    /// How much of the profile is left from there on.
    left: Duration,
}

impl Run {
    /// Does what the user wants, or says why not.
    pub(super) fn order(&mut self, ticket: Ticket, order: Order, now_ns: u64) {
        let done = self.carry_out(order, now_ns);
        if let Ok(done) = &done {
            self.tell(done.text.clone());
        }
        self.commands.push(Command::Answer(ticket, done));
    }

    fn carry_out(&mut self, order: Order, now_ns: u64) -> Result<Done, String> {
        if let Order::Stop { now } = order {
            return self.stop_by_order(now, now_ns);
        }
        let Phase::Running { start_ns } = self.phase else {
            return Err(if self.has_ended() { "the run has ended" } else { "the run has not begun yet" }.to_owned());
        };
        if let Order::Annotate(text) = order {
            return self.annotate_by_order(&text, now_ns.saturating_sub(start_ns));
        }
        if self.stopping.is_some() {
            return Err("the run is being stopped".to_owned());
        }
        if self.amendments.len() + self.settings.plan.scenarios.len() > AMENDMENTS_MAX {
            return Err(format!("profiles were changed {AMENDMENTS_MAX} times, which is as often as can be"));
        }
        match order {
            Order::Set { scenario, level, over } => self.set(&scenario, level, over, now_ns),
            Order::Pause => self.pause(now_ns),
            _ => self.resume(now_ns),
        }
    }

    fn stop_by_order(&mut self, now: bool, now_ns: u64) -> Result<Done, String> {
        if self.has_ended() {
            return Err("the run has ended".to_owned());
        }
        let at_ns = self.start_ns().map(|start_ns| now_ns.saturating_sub(start_ns));
        self.end_by(self.stopped_by_user(), if now { Manner::Abort } else { Manner::Drain }, now_ns);
        Ok(Done { at_ns, text: if now { "stops at once" } else { "stops" }.to_owned() })
    }

    /// How a run ends that its user stops. What is set by hand is ended by hand, and has done what the plan asked.
    pub(super) fn stopped_by_user(&self) -> Ending {
        let is_manual = |scenario: &Scenario| scenario.executor.is_manual();
        let by_hand = self.start_ns().is_some() && self.settings.plan.scenarios.iter().all(is_manual);
        if by_hand { Ending::Completed } else { Ending::StoppedByUser }
    }

    fn annotate_by_order(&mut self, text: &str, at_ns: u64) -> Result<Done, String> {
        let text: String = text.chars().filter(|c| !c.is_control()).take(NOTE_CHARS_MAX).collect();
        if text.is_empty() {
            return Err("a note without any text".to_owned());
        }
        self.annotate(at_ns, text.clone())?;
        Ok(Done { at_ns: Some(at_ns), text })
    }

    /// Remembers something for the report.
    fn annotate(&mut self, at_ns: u64, text: String) -> Result<(), String> {
        if self.annotations.len() >= ANNOTATIONS_MAX {
            return Err(format!("there are {ANNOTATIONS_MAX} notes already, which is as many as can be"));
        }
        self.annotations.push(Annotation { at_ns, text });
        Ok(())
    }

    fn set(&mut self, name: &str, level: Level, over: Duration, now_ns: u64) -> Result<Done, String> {
        if self.pause.is_some() {
            return Err("the run is paused; resume it first".to_owned());
        }
        let scenarios = &self.settings.plan.scenarios;
        let scenario = scenarios.iter().position(|scenario| scenario.name == name).ok_or_else(|| {
            let names: Vec<&str> = scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
            format!("there is no scenario {name}; there is {}", names.join(", "))
        })?;
        let moment = self.moment_of_change(scenario, now_ns).ok_or_else(|| format!("scenario {name} has ended"))?;
        if over > moment.left {
            let left_s = moment.left.as_secs_f64();
            return Err(format!("scenario {name} ends in {left_s:.1} s, before the change would be complete"));
        }
        let (stages, text) = self.stages_to(scenario, &moment, level, over)?;
        let at_ns = moment.at_ns;
        self.amend(vec![Amendment { at_ns, reshape: Reshape { scenario, stages } }])?;
        self.annotate(at_ns, text.clone())?;
        Ok(Done { at_ns: Some(at_ns), text })
    }

    /// What takes a scenario to a level until its end, and what that is in words.
    fn stages_to(
        &self,
        scenario: usize,
        moment: &Moment,
        level: Level,
        over: Duration,
    ) -> Result<(Stages, String), String> {
        let Scenario { name, executor, .. } = &self.settings.plan.scenarios[scenario];
        let durations = [over, moment.left - over];
        let (stages, text) = match (executor, self.holdings.latest(scenario), level) {
            (Executor::ArrivalRate { .. }, Timing::Arrivals(schedule), Level::Rate(to)) => {
                let now = schedule.rest_from(moment.profile_ns).first().map_or(to, |rest| rest.from);
                let stages = durations.into_iter().zip([now, to]);
                let stages = stages.map(|(duration, from)| RateStage { duration, from, to });
                (Stages::Rate(stages.collect()), format!("{name}: {}/s", to.as_per_second()))
            }
            (Executor::Users { .. }, Timing::Users(schedule), Level::Users(to)) => {
                let stages = durations.into_iter().zip([schedule.active_at(moment.profile_ns), to]);
                let stages = stages.map(|(duration, from)| UserStage { duration, from, to });
                (Stages::Users(stages.collect()), format!("{name}: {to} users"))
            }
            _ => {
                let wanted = match executor {
                    Executor::ArrivalRate { .. } => "a rate can be set",
                    Executor::Users { .. } => "a number of users can be set",
                    _ => "nothing can be set, since a number of iterations ends it",
                };
                return Err(format!("scenario {name} is {}: {wanted}", executor.name()));
            }
        };
        Ok((stages, if over.is_zero() { text } else { format!("{text} within {} s", over.as_secs_f64()) }))
    }

    fn pause(&mut self, now_ns: u64) -> Result<Done, String> {
        if self.pause.is_some() {
            return Err("the run is paused already".to_owned());
        }
        let (mut profiles, mut amendments) = (Vec::new(), Vec::new());
        for scenario in 0..self.settings.plan.scenarios.len() {
            let moment = self.moment_of_change(scenario, now_ns);
            profiles.push(moment.as_ref().map(|_| self.holdings.latest_version(scenario)));
            let Some(Moment { at_ns, left: duration, .. }) = moment else { continue };
            let stages = match self.holdings.latest(scenario) {
                Timing::Arrivals(_) => Stages::Rate(vec![RateStage { duration, from: Rate(0), to: Rate(0) }]),
                Timing::Users(_) => Stages::Users(vec![UserStage { duration, from: 0, to: 0 }]),
            };
            amendments.push(Amendment { at_ns, reshape: Reshape { scenario, stages } });
        }
        let at_ns = self.amend(amendments)?.ok_or("every scenario has ended")?;
        self.pause = Some(Pause { profiles });
        self.annotate(at_ns, "paused".to_owned())?;
        Ok(Done { at_ns: Some(at_ns), text: "paused".to_owned() })
    }

    fn resume(&mut self, now_ns: u64) -> Result<Done, String> {
        let Pause { profiles } = self.pause.as_ref().ok_or("the run is not paused")?;
        let mut amendments = Vec::new();
        for (scenario, profile) in profiles.iter().enumerate() {
            let moment = self.moment_of_change(scenario, now_ns);
            let Some((profile, Moment { at_ns, profile_ns, .. })) = profile.zip(moment) else { continue };
            let stages = match self.holdings.version(scenario, profile) {
                Timing::Arrivals(schedule) => Stages::Rate(schedule.rest_from(profile_ns)),
                Timing::Users(schedule) => Stages::Users(schedule.rest_from(profile_ns)),
            };
            amendments.push(Amendment { at_ns, reshape: Reshape { scenario, stages } });
        }
        let at_ns = self.amend(amendments)?.ok_or("every scenario has ended meanwhile")?;
        self.pause = None;
        self.annotate(at_ns, "resumed".to_owned())?;
        Ok(Done { at_ns: Some(at_ns), text: "resumed".to_owned() })
    }

    /// The soonest moment at which a scenario's profile can go on in another way; none once it has ended.
    pub(super) fn moment_of_change(&self, scenario: usize, now_ns: u64) -> Option<Moment> {
        let start_ns = self.start_ns()?;
        let delay_ns = self.settings.plan.scenarios[scenario].start_delay.as_nanos() as u64;
        // Each change comes after the one before.
        let last_ns = self.holdings.amended_at(scenario);
        let at_ns = self.giving_moment(start_ns, now_ns).max(delay_ns).max(last_ns);
        let profile_ns = at_ns - delay_ns;
        let left_ns = self.holdings.latest(scenario).duration_ns().saturating_sub(profile_ns);
        (left_ns > 0).then_some(Moment { at_ns, profile_ns, left: Duration::from_nanos(left_ns) })
    }

    /// Lets profiles go on in another way, for all agents: all of them, or none if one makes no sense. Returns the first
    /// moment at which one does.
    fn amend(&mut self, amendments: Vec<Amendment>) -> Result<Option<u64>, String> {
        for amendment in &amendments {
            self.holdings.amended(amendment).map_err(|error| error.to_string())?;
        }
        let first_ns = amendments.iter().map(|amendment| amendment.at_ns).min();
        for amendment in amendments {
            self.holdings.amend(&amendment).map_err(|error| error.to_string())?;
            self.tell_of_amendment(&amendment);
            self.amendments.push(amendment);
        }
        Ok(first_ns)
    }

    fn tell_of_amendment(&mut self, Amendment { at_ns, reshape }: &Amendment) {
        for index in 0..self.agents.len() {
            let agent = &self.agents[index];
            match agent.state {
                State::Ready => self.tell_of_change(index, *at_ns, What::Reshaped(reshape.clone())),
                State::Lost if agent.was_missed => self.note_change(index, *at_ns, What::Reshaped(reshape.clone())),
                // Whoever prepares is told once it is ready.
                State::Joined | State::Preparing | State::Closed | State::Lost | State::HandingIn => {}
            }
        }
    }

    /// Tells an agent that has become ready in mid-run how profiles went on while it prepared.
    pub(super) fn tell_of_amendments(&mut self, index: usize) {
        let untold = self.amendments.split_off(self.agents[index].amendments_told);
        for Amendment { at_ns, reshape } in &untold {
            self.tell_of_change(index, *at_ns, What::Reshaped(reshape.clone()));
        }
        self.amendments.extend(untold);
    }
}
