//! How much load a scenario generates: its executor and the numbers that belong to it.

use std::time::Duration;

use muster_proto::plan::{Arrivals, Executor, Rate, RateStage, Shape, UserStage};

use super::keys::{EXECUTORS, EXECUTORS_LATER, ExecutorKeys, PRESET, STAGE};
use super::limits::{MANUAL_DURATION_DEFAULT, MAX_DURATION_DEFAULT, MAX_USERS_DEFAULT, PROFILE_MAX};
use super::preset::Preset;
use super::reader::{Field, Fields, Reader};
use super::suggest::{closest, one_of};
use super::tree::Value;
use super::units::format_duration;

/// Reads the executor of a scenario.
pub(super) fn read(reader: &mut Reader, fields: &Fields<'_>) -> Option<Executor> {
    if let Some(field) = fields.get("preset") {
        return preset(reader, fields, &field);
    }
    let Some(keys) = kind(reader, fields) else {
        check_numbers(reader, fields);
        return None;
    };
    check_keys(reader, fields, keys);
    match keys.name {
        "constant-arrival-rate" => constant_rate(reader, fields),
        "ramping-arrival-rate" => ramping_rate(reader, fields),
        "constant-users" => constant_users(reader, fields),
        "ramping-users" => ramping_users(reader, fields),
        "manual" => manual(reader, fields),
        _ => iterations(reader, fields, keys.name == "per-user-iterations"),
    }
}

fn kind(reader: &mut Reader, fields: &Fields<'_>) -> Option<&'static ExecutorKeys> {
    let Some(field) = fields.get("executor") else {
        let mistake = reader.at_key(fields.of(), "`executor` is missing");
        mistake.help(format!("with these keys, write `executor: {}`", likely(fields)));
        return None;
    };
    let name = field.node.scalar().unwrap_or_default();
    if let Some(keys) = EXECUTORS.iter().find(|keys| keys.is_called(name)) {
        return Some(keys);
    }
    if EXECUTORS_LATER.contains(&name) {
        reader.wrong(&field, format!("the executor `{name}` is not supported by this version"));
        return None;
    }
    let names: Vec<&str> = EXECUTORS.iter().map(|keys| keys.name).collect();
    let all = EXECUTORS.iter().flat_map(|keys| keys.also.iter().chain([&keys.name])).copied();
    let Some(meant) = closest(name, all) else {
        reader.wanted(&field, "an executor").help(format!("executors are {}", one_of(&names)));
        return None;
    };
    // What was meant goes on being read, so that the other mistakes are told as well.
    reader.wanted(&field, "an executor").help(format!("did you mean `{meant}`?"));
    EXECUTORS.iter().find(|keys| keys.is_called(meant))
}

/// The stages for which the name of a kind of test stands.
fn preset(reader: &mut Reader, fields: &Fields<'_>, field: &Field<'_>) -> Option<Executor> {
    let preset = reader.choice(field).and_then(|name| Preset::named(name).ok());
    if let Some(executor) = fields.get("executor") {
        reader.wrong(&executor, "a scenario has an `executor` or a `preset`, found both");
        return None;
    }
    check_keys(reader, fields, &PRESET);
    let duration = fields.get("duration").map(|field| reader.duration(&field));
    let (arrivals, max_users) = (arrivals(reader, fields), max_users(reader, fields));
    match (fields.get("rate"), fields.get("users")) {
        (Some(rate), None) => {
            let (rate, preset) = (positive_rate(reader, &rate), preset?);
            let stages = preset.rates(rate?, duration.unwrap_or(Some(preset.duration))?);
            Some(Executor::ArrivalRate { stages, arrivals: arrivals?, max_users: max_users?, shape: Shape::Ramping })
        }
        (None, Some(users)) => {
            check_closed(reader, fields, "rate");
            let (users, preset) = (reader.whole_u32(&users), preset?);
            let stages = preset.users(users?, duration.unwrap_or(Some(preset.duration))?);
            Some(Executor::Users { stages, shape: Shape::Ramping })
        }
        (rate, _) => {
            let message = match rate {
                None => "a preset goes up to a rate or a number of users, and this is missing",
                Some(_) => "a preset goes up to a rate or a number of users, and has both",
            };
            reader.at_key(fields.of(), message).help("write `rate: 500/s`, or `users: 50`");
            None
        }
    }
}

/// Notes what only open models take, which this is not, because it goes with another key.
fn check_closed(reader: &mut Reader, fields: &Fields<'_>, goes_with: &str) {
    for field in ["arrivals", "max_users"].into_iter().filter_map(|name| fields.get(name)) {
        let mistake = reader.wrong(&field, "a closed model does not take this");
        mistake.help(format!("it goes with `{goes_with}`"));
    }
}

/// The executor that a scenario's keys speak of.
fn likely(fields: &Fields<'_>) -> &'static str {
    let has = |name| fields.get(name).is_some();
    match () {
        () if has("rate") => "constant-arrival-rate",
        () if has("iterations") => "shared-iterations",
        () if has("users") => "constant-users",
        () if has("stages") && targets_are_rates(fields) => "ramping-arrival-rate",
        () if has("stages") => "ramping-users",
        () => "constant-users",
    }
}

fn targets_are_rates(fields: &Fields<'_>) -> bool {
    let Some(Value::List(stages)) = fields.get("stages").map(|field| &field.node.value) else { return false };
    let is_rate = |entry: &super::tree::Entry| {
        entry.key == "target" && entry.node.scalar().is_some_and(|target| target.contains('/'))
    };
    stages.iter().any(|stage| matches!(&stage.value, Value::Map(entries) if entries.iter().any(is_rate)))
}

/// Notes what an executor lacks, and what it has no use for.
fn check_keys(reader: &mut Reader, fields: &Fields<'_>, keys: &ExecutorKeys) {
    for name in keys.needs.iter().filter(|name| fields.get(name).is_none()) {
        reader.at_key(fields.of(), format!("`{name}` is missing, which `{}` needs", keys.name));
    }
    for name in fields.names().filter(|name| !keys.takes(name)) {
        if let Some(field) = fields.get(name) {
            let users: Vec<&str> = EXECUTORS.iter().filter(|keys| keys.takes(name)).map(|keys| keys.name).collect();
            let message = format!("`{}` does not take `{name}`", keys.name);
            reader.wrong(&field, message).help(format!("`{name}` belongs to {}", one_of(&users)));
        }
    }
}

/// Checks the numbers of a scenario whose executor is not known, as far as they mean the same in all.
fn check_numbers(reader: &mut Reader, fields: &Fields<'_>) {
    for name in ["users", "iterations", "max_users", "start_users"] {
        fields.get(name).and_then(|field| reader.whole(&field));
    }
    for name in ["duration", "max_duration"] {
        fields.get(name).and_then(|field| reader.duration(&field));
    }
    for name in ["rate", "start_rate"] {
        fields.get(name).and_then(|field| reader.rate(&field));
    }
    fields.get("arrivals").and_then(|field| reader.choice(&field));
}

fn constant_rate(reader: &mut Reader, fields: &Fields<'_>) -> Option<Executor> {
    let rate = fields.get("rate").and_then(|field| positive_rate(reader, &field));
    let duration = fields.get("duration").and_then(|field| reader.duration(&field));
    let (arrivals, max_users) = (arrivals(reader, fields), max_users(reader, fields));
    let (rate, duration) = (rate?, duration?);
    let stages = vec![RateStage { duration, from: rate, to: rate }];
    Some(Executor::ArrivalRate { stages, arrivals: arrivals?, max_users: max_users?, shape: Shape::Constant })
}

fn positive_rate(reader: &mut Reader, field: &Field<'_>) -> Option<Rate> {
    let rate = reader.rate(field)?;
    if rate.0 == 0 {
        reader.wanted(field, "a rate above zero");
        return None;
    }
    Some(rate)
}

fn ramping_rate(reader: &mut Reader, fields: &Fields<'_>) -> Option<Executor> {
    let start = fields.get("start_rate").map_or(Some(Rate(0)), |field| reader.rate(&field));
    let stages = stages(reader, fields, Reader::rate);
    let (arrivals, max_users) = (arrivals(reader, fields), max_users(reader, fields));
    let (mut from, stages) = (start?, stages?);
    let mut profile = Vec::with_capacity(stages.len());
    for (duration, to) in stages {
        profile.push(RateStage { duration, from, to });
        from = to;
    }
    // A jump generates nothing, so a profile must last at some rate above zero.
    if profile.iter().all(|stage| stage.duration.is_zero() || (stage.from.0 == 0 && stage.to.0 == 0)) {
        no_load(reader, fields);
        return None;
    }
    Some(Executor::ArrivalRate { stages: profile, arrivals: arrivals?, max_users: max_users?, shape: Shape::Ramping })
}

fn constant_users(reader: &mut Reader, fields: &Fields<'_>) -> Option<Executor> {
    let users = fields.get("users").and_then(|field| reader.whole_u32(&field));
    let duration = fields.get("duration").and_then(|field| reader.duration(&field));
    let (users, duration) = (users?, duration?);
    Some(Executor::Users { stages: vec![UserStage { duration, from: users, to: users }], shape: Shape::Constant })
}

fn ramping_users(reader: &mut Reader, fields: &Fields<'_>) -> Option<Executor> {
    let start = fields.get("start_users").map_or(Some(0), |field| reader.whole_u32(&field));
    let stages = stages(reader, fields, Reader::whole_u32);
    let (mut from, stages) = (start?, stages?);
    let mut profile = Vec::with_capacity(stages.len());
    for (duration, to) in stages {
        profile.push(UserStage { duration, from, to });
        from = to;
    }
    if profile.iter().all(|stage| stage.duration.is_zero() || (stage.from == 0 && stage.to == 0)) {
        no_load(reader, fields);
        return None;
    }
    Some(Executor::Users { stages: profile, shape: Shape::Ramping })
}

/// What its user goes on with by hand, from the level that it begins with.
fn manual(reader: &mut Reader, fields: &Fields<'_>) -> Option<Executor> {
    let duration = fields.get("duration").map_or(Some(MANUAL_DURATION_DEFAULT), |field| reader.duration(&field));
    let (arrivals, max_users) = (arrivals(reader, fields), max_users(reader, fields));
    match (fields.get("start_rate"), fields.get("start_users")) {
        (Some(field), None) => {
            let (rate, duration) = (reader.rate(&field)?, duration?);
            let stages = vec![RateStage { duration, from: rate, to: rate }];
            Some(Executor::ArrivalRate { stages, arrivals: arrivals?, max_users: max_users?, shape: Shape::Manual })
        }
        (None, Some(field)) => {
            let (users, duration) = (reader.whole_u32(&field)?, duration?);
            let stages = vec![UserStage { duration, from: users, to: users }];
            check_closed(reader, fields, "start_rate");
            Some(Executor::Users { stages, shape: Shape::Manual })
        }
        (rate, _) => {
            let message = match rate {
                None => "`manual` begins with something, and this is missing",
                Some(_) => "`manual` begins with a rate or with users, and has both",
            };
            let help = "write `start_rate: 0/s` to set rates, or `start_users: 0` to set numbers of users";
            reader.at_key(fields.of(), message).help(help);
            None
        }
    }
}

fn no_load(reader: &mut Reader, fields: &Fields<'_>) {
    if let Some(field) = fields.get("stages") {
        reader
            .at_key(&field, "these stages never generate load")
            .help("a stage needs a duration and a target above zero");
    }
}

/// The stages of a ramp, each with its duration and what it ends with.
fn stages<T>(
    reader: &mut Reader,
    fields: &Fields<'_>,
    target: impl Fn(&mut Reader, &Field<'_>) -> Option<T>,
) -> Option<Vec<(Duration, T)>> {
    let before = reader.mistakes.len();
    let list = fields.get("stages")?;
    let mut stages = Vec::new();
    for item in reader.items(&list) {
        let Some(stage) = reader.open(&item, &STAGE) else { continue };
        let duration = stage.get("duration").and_then(|field| reader.duration(&field));
        let target = stage.get("target").and_then(|field| target(reader, &field));
        stages.extend(duration.zip(target));
    }
    let total: Duration = stages.iter().map(|(duration, _)| *duration).sum();
    if total > PROFILE_MAX {
        let (most, found) = (format_duration(PROFILE_MAX), format_duration(total));
        reader.at_key(&list, format!("wanted stages of at most {most} together, found {found}"));
    }
    (reader.mistakes.len() == before).then_some(stages)
}

fn iterations(reader: &mut Reader, fields: &Fields<'_>, per_user: bool) -> Option<Executor> {
    let users = fields.get("users").and_then(|field| reader.whole_u32(&field));
    let iterations = fields.get("iterations").and_then(|field| reader.whole(&field));
    let max_duration = fields.get("max_duration").map_or(Some(MAX_DURATION_DEFAULT), |field| reader.duration(&field));
    let (users, iterations, max_duration) = (users?, iterations?, max_duration?);
    Some(match per_user {
        true => Executor::PerUserIterations { users, iterations, max_duration },
        false => Executor::SharedIterations { users, iterations, max_duration },
    })
}

fn arrivals(reader: &mut Reader, fields: &Fields<'_>) -> Option<Arrivals> {
    let Some(field) = fields.get("arrivals") else { return Some(Arrivals::Uniform) };
    Some(if reader.choice(&field)? == "poisson" { Arrivals::Poisson } else { Arrivals::Uniform })
}

fn max_users(reader: &mut Reader, fields: &Fields<'_>) -> Option<u32> {
    fields.get("max_users").map_or(Some(MAX_USERS_DEFAULT), |field| reader.whole_u32(&field))
}
