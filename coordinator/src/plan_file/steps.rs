//! Steps, and steps within steps.

use muster_proto::plan::{Branch, Choice, Group, Loop, NESTING_MAX, Parallel, ROUNDS_MAX, Request, Rounds, Step, Stop};

use super::keys::{BLOCKS, CHOICE, CHOOSE, FOREACH, GROUP, IF, PACE, PARALLEL, REPEAT, SET, STOP, WHILE};
use super::reader::{Field, Fields, Reader};
use super::request::{self, Defaults};
use super::tree::Value;
use super::{names, template, think};

/// The most rounds of a loop that does not say.
const ROUNDS_DEFAULT: u32 = 10_000;
/// How many requests are made at once unless said, as browsers do.
const AT_ONCE_DEFAULT: u32 = 6;

/// Reads the steps of a scenario.
pub(super) struct Steps<'d> {
    pub(super) defaults: &'d Defaults,
    /// The names of its requests, as far as they are known, also where something else about them is wrong.
    pub(super) requests: Vec<Option<String>>,
    /// How many blocks stand around what is being read.
    pub(super) nesting: usize,
    /// Whether they are a part of the load.
    pub(super) is_load: bool,
}

impl Steps<'_> {
    /// Reads a list of steps; nothing if one of them is wrong.
    pub(super) fn list(&mut self, reader: &mut Reader, field: &Field<'_>) -> Option<Vec<Step>> {
        if self.nesting > NESTING_MAX {
            reader.at_key(field, format!("wanted at most {NESTING_MAX} blocks within each other, found more"));
            return None;
        }
        self.nesting += 1;
        let items = reader.items(field);
        let read: Vec<Option<Step>> = items.iter().map(|item| self.one(reader, item)).collect();
        self.nesting -= 1;
        if read.is_empty() { None } else { read.into_iter().collect() }
    }

    fn one(&mut self, reader: &mut Reader, field: &Field<'_>) -> Option<Step> {
        match kind_of(field) {
            Some("think") => think::read(reader, field).map(Step::Think),
            Some("pace") => {
                let fields = reader.open(field, &PACE)?;
                fields.get("pace").and_then(|pace| reader.duration(&pace)).map(Step::Pace)
            }
            Some("set") => set(reader, field),
            Some("stop") => self.stop(reader, field),
            Some("group") => self.group(reader, field),
            Some("if") => self.branch(reader, field),
            Some("repeat" | "while" | "foreach") => self.looped(reader, field),
            Some("choose") => self.choose(reader, field),
            Some("parallel") => self.parallel(reader, field),
            _ => self.request(reader, field).map(|request| Step::Request(Box::new(request))),
        }
    }

    fn stop(&self, reader: &mut Reader, field: &Field<'_>) -> Option<Step> {
        let fields = reader.open(field, &STOP)?;
        let how = fields.get("stop")?;
        let stop = match reader.choice(&how)? {
            "failed" => Stop::Failed,
            "run" if self.is_load => Stop::Run,
            "run" => {
                reader.wrong(&how, "`stop: run` ends the load, and this is no part of it");
                return None;
            }
            _ => Stop::Completed,
        };
        Some(Step::Stop(stop))
    }

    fn request(&mut self, reader: &mut Reader, field: &Field<'_>) -> Option<Request> {
        let (name, request) = request::read(reader, field, self.defaults);
        self.requests.push(name);
        request
    }

    fn within(&mut self, reader: &mut Reader, fields: &Fields<'_>, name: &str) -> Option<Vec<Step>> {
        fields.get(name).and_then(|field| self.list(reader, &field))
    }

    fn group(&mut self, reader: &mut Reader, field: &Field<'_>) -> Option<Step> {
        let fields = reader.open(field, &GROUP)?;
        let name = fields.get("group").and_then(|field| reader.name(&field));
        let steps = self.within(reader, &fields, "steps");
        reader.findings += 1;
        Some(Step::Group(Group { name: name?, steps: steps? }))
    }

    fn branch(&mut self, reader: &mut Reader, field: &Field<'_>) -> Option<Step> {
        let fields = reader.open(field, &IF)?;
        let condition = fields.get("if").and_then(|field| template::formula(reader, &field));
        let then = self.within(reader, &fields, "then");
        let has_otherwise = fields.get("else").is_some();
        let otherwise = self.within(reader, &fields, "else");
        if has_otherwise && otherwise.is_none() {
            return None;
        }
        let branch = Branch { condition: condition?, then: then?, otherwise: otherwise.unwrap_or_default() };
        Some(Step::If(Box::new(branch)))
    }

    fn looped(&mut self, reader: &mut Reader, field: &Field<'_>) -> Option<Step> {
        let kind = kind_of(field)?;
        let table = match kind {
            "repeat" => &REPEAT,
            "while" => &WHILE,
            _ => &FOREACH,
        };
        let fields = reader.open(field, table)?;
        let source = fields.get(kind).and_then(|field| template::formula(reader, &field));
        let literal = source.as_ref().and_then(|source| source.parse::<u32>().ok()).filter(|_| kind == "repeat");
        let name = fields.get("as").and_then(|field| given_name(reader, &field));
        let max = match fields.get("max") {
            Some(field) => reader.whole_u32(&field)?,
            None => literal.unwrap_or(ROUNDS_DEFAULT),
        };
        if literal.is_some_and(|times| times == 0 || times > ROUNDS_MAX) {
            let field = fields.get(kind)?;
            reader.wanted(&field, &format!("a number of rounds from 1 to {ROUNDS_MAX}, or an expression"));
            return None;
        }
        let steps = self.within(reader, &fields, "steps");
        let rounds = match kind {
            "repeat" => Rounds::Times(source?),
            "while" => Rounds::While(source?),
            _ => Rounds::Each(source?),
        };
        Some(Step::Loop(Box::new(Loop { rounds, name, max, steps: steps? })))
    }

    fn choose(&mut self, reader: &mut Reader, field: &Field<'_>) -> Option<Step> {
        let fields = reader.open(field, &CHOOSE)?;
        let items = fields.get("choose").map(|field| reader.items(&field)).unwrap_or_default();
        let choices: Vec<Option<Choice>> = items
            .iter()
            .map(|item| {
                let fields = reader.open(item, &CHOICE)?;
                let weight = fields.get("weight").and_then(|field| reader.whole_u32(&field));
                let steps = self.within(reader, &fields, "steps");
                Some(Choice { weight: weight?, steps: steps? })
            })
            .collect();
        if choices.is_empty() { None } else { choices.into_iter().collect::<Option<_>>().map(Step::Choose) }
    }

    fn parallel(&mut self, reader: &mut Reader, field: &Field<'_>) -> Option<Step> {
        let fields = reader.open(field, &PARALLEL)?;
        let at_once = match fields.get("at_once") {
            Some(field) => reader.whole_u32(&field)?,
            None => AT_ONCE_DEFAULT,
        };
        let items = fields.get("parallel").map(|field| reader.items(&field)).unwrap_or_default();
        let requests: Vec<Option<Request>> = items.iter().map(|item| self.request(reader, item)).collect();
        if requests.is_empty() {
            return None;
        }
        Some(Step::Parallel(Parallel { requests: requests.into_iter().collect::<Option<_>>()?, at_once }))
    }
}

/// The word by which a step that is no request is known.
fn kind_of(field: &Field<'_>) -> Option<&'static str> {
    let Value::Map(entries) = &field.node.value else { return None };
    BLOCKS.into_iter().find(|word| entries.iter().any(|entry| entry.key == *word))
}

fn given_name(reader: &mut Reader, field: &Field<'_>) -> Option<String> {
    let name = reader.text(field)?;
    names::check_new(reader, field, &name).then(|| name.into_owned())
}

fn set(reader: &mut Reader, field: &Field<'_>) -> Option<Step> {
    let fields = reader.open(field, &SET)?;
    let values = fields.get("set").map(|field| reader.named(&field)).unwrap_or_default();
    let values: Vec<Option<(String, String)>> = values
        .iter()
        .map(|(name, field)| {
            let is_free = names::check_new(reader, field, name);
            let value = reader.template(field)?.to_owned();
            is_free.then(|| ((*name).to_owned(), value))
        })
        .collect();
    if values.is_empty() {
        reader.at_key(field, "nothing is set here").help("write `set: { total: \"{{ price * count }}\" }`");
        return None;
    }
    values.into_iter().collect::<Option<_>>().map(Step::Set)
}
