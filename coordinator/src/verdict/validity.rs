//! Whether a second shows the target, or only how tired its generators were.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// How many seconds lateness and shortness are judged over.
pub const SLIDING_SECONDS: usize = 10;
/// With fewer late arrivals than this in the sliding seconds, lateness is chance.
pub const LATE_MIN: u64 = 20;
/// The busiest worker's processor use above which its second is suspect, as a fraction of one core.
pub const WORKER_CPU_MAX: f64 = 0.9;

/// How far the numbers of a second, or of a run, can be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// They show the target.
    #[default]
    Valid,
    /// The generators may show in them.
    Suspect,
    /// The generators decided them.
    Invalid,
}

impl Grade {
    /// The name that reports use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Valid => "VALID",
            Self::Suspect => "SUSPECT",
            Self::Invalid => "INVALID",
        }
    }
}

/// Why a second is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// Arrivals began late.
    Late,
    /// Arrivals were skipped, or began more than a second late.
    Short,
    /// A worker had no time to spare.
    Cpu,
    /// All users that the plan allows were busy.
    Users,
    /// Local ports or descriptors ran out.
    Exhausted,
    /// Arrivals were skipped because an agent was cut off from here, and its lease had ended.
    CutOff,
    /// An agent that held a lease told nothing of it.
    Missing,
}

impl Reason {
    /// Every reason, in the order of their numbers.
    pub const ALL: [Self; 7] =
        [Self::Late, Self::Short, Self::Cpu, Self::Users, Self::Exhausted, Self::CutOff, Self::Missing];

    /// The name that documents use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Short => "short",
            Self::Cpu => "cpu",
            Self::Users => "users",
            Self::Exhausted => "exhausted",
            Self::CutOff => "cut_off",
            Self::Missing => "missing",
        }
    }
}

/// What the grade of a second depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Arrivals of open models that began in it.
    pub arrivals: u64,
    /// Those that began later than their lateness bound through the generators' fault.
    pub late: u64,
    /// Arrivals of open models that fell due in it.
    pub due: u64,
    /// Those that the generators skipped or began more than a second late.
    pub short: u64,
    /// Those that nobody had a lease for.
    pub cut_off: u64,
    /// The busiest worker's processor use, as a fraction of one core.
    pub worker_cpu: f64,
    /// Whether an arrival found all users that the plan allows busy.
    pub users_reached: bool,
    /// Whether local ports or descriptors ran out.
    pub exhausted: bool,
    /// Agents that held a lease and told nothing of all or part of it.
    pub missing: u64,
}

/// Grades seconds in their order, remembering as many as the sliding rules need.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Grader {
    recent: VecDeque<Seen>,
}

impl Grader {
    /// Forgets the seconds so far, so that a warm-up does not colour the seconds after it.
    pub fn forget(&mut self) {
        self.recent.clear();
    }

    /// The grade of the next second.
    pub fn second(&mut self, seen: Seen) -> Grades {
        // A second in which nothing began or fell due is neither late nor short, whatever the seconds before it were.
        let busy = seen.arrivals > 0 || seen.due > 0 || seen.short > 0 || seen.cut_off > 0;
        if busy {
            if self.recent.len() == SLIDING_SECONDS {
                self.recent.pop_front();
            }
            self.recent.push_back(seen);
        }
        let sum = |count: fn(&Seen) -> u64| self.recent.iter().map(count).sum::<u64>();
        let (late, arrivals) = (sum(|s| s.late), sum(|s| s.arrivals));
        let (short, cut_off, due) = (sum(|s| s.short), sum(|s| s.cut_off), sum(|s| s.due));
        let mut grades = Grades::default();
        if busy && late >= LATE_MIN {
            grades.note(Reason::Late, by_share(late, arrivals), fraction(late, arrivals));
        }
        if busy {
            grades.note(Reason::Short, by_share(short, due), fraction(short, due));
            grades.note(Reason::CutOff, by_share(cut_off, due), fraction(cut_off, due));
        }
        grades.note(Reason::Cpu, suspect_if(seen.worker_cpu > WORKER_CPU_MAX), seen.worker_cpu);
        grades.note(Reason::Users, suspect_if(seen.users_reached), 0.0);
        grades.note(Reason::Exhausted, invalid_if(seen.exhausted), 0.0);
        grades.note(Reason::Missing, invalid_if(seen.missing > 0), seen.missing as f64);
        grades.close();
        grades
    }
}

/// More than one in a hundred is suspect, more than one in ten invalid.
fn by_share(part: u64, whole: u64) -> Grade {
    let (part, whole) = (u128::from(part), u128::from(whole));
    if part * 10 > whole {
        Grade::Invalid
    } else if part * 100 > whole {
        Grade::Suspect
    } else {
        Grade::Valid
    }
}

fn fraction(part: u64, whole: u64) -> f64 {
    if part == 0 { 0.0 } else { part as f64 / whole.max(part) as f64 }
}

fn suspect_if(condition: bool) -> Grade {
    if condition { Grade::Suspect } else { Grade::Valid }
}

fn invalid_if(condition: bool) -> Grade {
    if condition { Grade::Invalid } else { Grade::Valid }
}

/// How many seconds got which grade, and why; of one second or of many.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Grades {
    /// Seconds that are valid.
    pub valid: u64,
    /// Seconds that are suspect.
    pub suspect: u64,
    /// Seconds that are invalid.
    pub invalid: u64,
    by_reason: [ReasonSeconds; Reason::ALL.len()],
}

/// The seconds that one reason spoiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReasonSeconds {
    /// Seconds that it made suspect.
    pub suspect: u64,
    /// Seconds that it made invalid.
    pub invalid: u64,
    /// The worst of the numbers that it rests on: a fraction of arrivals, of a core, or a number of agents.
    pub worst: f64,
}

impl Grades {
    fn note(&mut self, reason: Reason, grade: Grade, number: f64) {
        let seconds = &mut self.by_reason[reason as usize];
        match grade {
            Grade::Valid => return,
            Grade::Suspect => seconds.suspect = 1,
            Grade::Invalid => seconds.invalid = 1,
        }
        seconds.worst = number;
    }

    /// Counts the one second under the worst of its reasons' grades.
    fn close(&mut self) {
        if self.by_reason.iter().any(|seconds| seconds.invalid > 0) {
            self.invalid = 1;
        } else if self.by_reason.iter().any(|seconds| seconds.suspect > 0) {
            self.suspect = 1;
        } else {
            self.valid = 1;
        }
    }

    /// Adds other seconds.
    pub fn merge(&mut self, other: &Self) {
        self.valid += other.valid;
        self.suspect += other.suspect;
        self.invalid += other.invalid;
        for (mine, theirs) in self.by_reason.iter_mut().zip(&other.by_reason) {
            mine.suspect += theirs.suspect;
            mine.invalid += theirs.invalid;
            mine.worst = mine.worst.max(theirs.worst);
        }
    }

    /// How many seconds were graded.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        self.valid + self.suspect + self.invalid
    }

    /// The worst grade of any second.
    #[must_use]
    pub fn worst(&self) -> Grade {
        match (self.suspect, self.invalid) {
            (0, 0) => Grade::Valid,
            (_, 0) => Grade::Suspect,
            _ => Grade::Invalid,
        }
    }

    /// The grade of the run that these are the seconds of: invalid when more than one in a hundred is invalid or
    /// more than one in ten suspect, or when there is none to judge.
    #[must_use]
    pub fn of_run(&self) -> Grade {
        let seconds = self.seconds();
        if seconds == 0 || self.invalid * 100 > seconds || self.suspect * 10 > seconds {
            Grade::Invalid
        } else {
            self.worst().min(Grade::Suspect)
        }
    }

    /// The reasons that spoiled at least one second, with how many.
    pub fn reasons(&self) -> impl Iterator<Item = (Reason, ReasonSeconds)> + '_ {
        let all = Reason::ALL.into_iter().zip(self.by_reason);
        all.filter(|(_, seconds)| seconds.suspect + seconds.invalid > 0)
    }

    /// The reason that made most seconds invalid or, if none did, suspect.
    #[must_use]
    pub fn main_reason(&self) -> Option<Reason> {
        // Of equals the first: what a generator does comes before what its plan or its loss does.
        let all: Vec<_> = self.reasons().collect();
        let worst = all.into_iter().rev().max_by_key(|(_, seconds)| (seconds.invalid, seconds.suspect));
        worst.map(|(reason, _)| reason)
    }
}

/// What a reason means, in words.
#[must_use]
pub fn in_words(reason: Reason, seconds: &ReasonSeconds) -> String {
    let spoiled = seconds.suspect + seconds.invalid;
    let percent = seconds.worst * 100.0;
    let what = match reason {
        Reason::Late => {
            format!("up to {percent:.1} % of the arrivals in 10 s began late: the generator was the limit")
        }
        Reason::Short => format!(
            "up to {percent:.1} % of the arrivals in 10 s were skipped or over 1 s late: the generator was the limit"
        ),
        Reason::Cpu => format!("the busiest worker used up to {percent:.0} % of its core: the generator was the limit"),
        Reason::Users => {
            "arrivals waited because max_users were busy: the plan's bound, not the generator's fault".to_owned()
        }
        Reason::Exhausted => "local ports or descriptors ran out: the generator was the limit".to_owned(),
        Reason::CutOff => format!(
            "up to {percent:.1} % of the arrivals in 10 s were skipped by agents that were cut off from their coordinator"
        ),
        Reason::Missing if seconds.worst <= 1.0 => "an agent that held a lease told nothing".to_owned(),
        Reason::Missing => format!("up to {:.0} agents that held a lease told nothing", seconds.worst),
    };
    format!("{spoiled} s: {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grade(seen: Seen) -> Grade {
        Grader::default().second(seen).worst()
    }

    #[test]
    fn each_rule_begins_right_above_its_limit() {
        use Grade::{Invalid, Suspect, Valid};
        let late = |late, arrivals| Seen { late, arrivals, ..Seen::default() };
        let short = |short, due| Seen { short, due, ..Seen::default() };
        let cpu = |worker_cpu| Seen { worker_cpu, ..Seen::default() };
        let table = [
            (late(20, 2_000), Valid, "exactly 1 % late"),
            (late(20, 1_999), Suspect, "a little more than 1 % late"),
            (late(19, 19), Valid, "all late, but fewer than 20"),
            (late(20, 200), Suspect, "exactly 10 % late"),
            (late(20, 199), Invalid, "a little more than 10 % late"),
            (short(1, 100), Valid, "exactly 1 % short"),
            (short(1, 99), Suspect, "a little more than 1 % short"),
            (short(1, 10), Suspect, "exactly 10 % short"),
            (short(1, 9), Invalid, "a little more than 10 % short"),
            (short(1, 0), Invalid, "short of arrivals that fell due earlier"),
            (Seen { cut_off: 1, due: 100, ..Seen::default() }, Valid, "exactly 1 % without a lease"),
            (Seen { cut_off: 2, due: 100, ..Seen::default() }, Suspect, "2 % without a lease"),
            (Seen { cut_off: 20, due: 100, ..Seen::default() }, Invalid, "20 % without a lease"),
            (cpu(0.9), Valid, "exactly 90 % of a core"),
            (cpu(0.901), Suspect, "a little more than 90 % of a core"),
            (Seen { users_reached: true, ..Seen::default() }, Suspect, "max_users"),
            (Seen { exhausted: true, ..Seen::default() }, Invalid, "ports"),
            (Seen { missing: 1, ..Seen::default() }, Invalid, "missing"),
            (Seen::default(), Valid, "nothing at all"),
        ];
        for (seen, expected, what) in table {
            assert_eq!(grade(seen), expected, "{what}");
        }
    }

    #[test]
    fn lateness_is_judged_over_ten_seconds() {
        let mut grader = Grader::default();
        let late = Seen { arrivals: 100, late: 2, ..Seen::default() };
        for second in 1..10 {
            assert_eq!(grader.second(late).worst(), Grade::Valid, "{second} s: fewer than 20 late");
        }
        assert_eq!(grader.second(late).worst(), Grade::Suspect, "20 of 1 000");
        let on_time = Seen { arrivals: 100, ..Seen::default() };
        assert_eq!(grader.second(on_time).worst(), Grade::Valid, "the first second has slid out");
        grader.forget();
        assert_eq!(grader.second(late).worst(), Grade::Valid);
    }

    #[test]
    fn a_run_tolerates_one_invalid_second_in_a_hundred_and_one_suspect_in_ten() {
        let grades = |valid, suspect, invalid| Grades { valid, suspect, invalid, ..Grades::default() }.of_run();
        assert_eq!(grades(100, 0, 0), Grade::Valid);
        assert_eq!(grades(99, 0, 1), Grade::Suspect);
        assert_eq!(grades(98, 0, 1), Grade::Invalid);
        assert_eq!(grades(90, 10, 0), Grade::Suspect);
        assert_eq!(grades(89, 10, 0), Grade::Invalid);
        assert_eq!(grades(0, 0, 0), Grade::Invalid, "nothing shows nothing");
    }

    #[test]
    fn reasons_are_told_in_words_with_their_seconds() {
        let mut grader = Grader::default();
        let mut all = Grades::default();
        for worker_cpu in [0.95, 0.5, 0.99] {
            all.merge(&grader.second(Seen { worker_cpu, ..Seen::default() }));
        }
        let words: Vec<String> = all.reasons().map(|(reason, seconds)| in_words(reason, &seconds)).collect();
        assert_eq!(words, ["2 s: the busiest worker used up to 99 % of its core: the generator was the limit"]);
        assert_eq!((all.valid, all.suspect, all.invalid), (1, 2, 0));
    }
}
