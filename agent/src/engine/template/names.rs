//! What names mean in an expression.

use std::cell::RefCell;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object};
use minijinja::{Environment, Value};

use super::functions::{self, FUNCTIONS};
use crate::engine::random::Key;

/// The names that are there without anybody's doing.
pub const BUILT_IN: [&str; 7] = ["agent", "counter", "env", "iteration", "turn", "user", "worker"];
/// Those of them that a name of the plan's own goes before: many a plan has a `user` of its own.
const YIELDING: [&str; 5] = ["agent", "counter", "turn", "user", "worker"];
/// Those of them that only the users of closed models have.
const OF_USERS: [&str; 2] = ["turn", "user"];

/// Whether nobody else can give this name.
#[must_use]
pub fn is_taken(name: &str) -> bool {
    FUNCTIONS.contains(&name) || BUILT_IN.contains(&name) && !YIELDING.contains(&name)
}

/// Whether this is a name that only closed models know, whose users are numbered.
#[must_use]
pub fn is_of_users(name: &str) -> bool {
    OF_USERS.contains(&name)
}

/// A plan's variables, by their names, as one worker knows them: no other touches these values.
#[derive(Clone, Debug)]
pub struct Vars {
    values: Arc<Vec<(String, Value)>>,
    environment: &'static Environment<'static>,
    /// The agent that the worker belongs to, and the worker's number there.
    agent: Arc<str>,
    worker: usize,
}

impl Vars {
    /// Variables with these values, as JSON, for the worker of this number. One that is none has no value; of several of
    /// one name the first counts.
    pub fn new<'v>(vars: impl IntoIterator<Item = (&'v str, &'v str)>, worker: usize) -> Self {
        let values = vars.into_iter().map(|(name, json)| (name.to_owned(), value_of(json)));
        let environment = functions::environment(worker);
        Self { values: Arc::new(values.collect()), environment, agent: "agent".into(), worker }
    }

    /// The same, on the agent of this name.
    #[must_use]
    pub fn of_agent(self, agent: Arc<str>) -> Self {
        Self { agent, ..self }
    }

    /// The same with one more, which goes before all others.
    pub fn put_first(&mut self, name: &str, json: &str) {
        Arc::make_mut(&mut self.values).insert(0, (name.to_owned(), value_of(json)));
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|(name, _)| name.as_str())
    }

    pub(super) fn environment(&self) -> &'static Environment<'static> {
        self.environment
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

fn value_of(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or(Value::UNDEFINED)
}

/// All that a scenario's templates can name: the plan's variables, and what its iterations find out.
#[derive(Clone, Debug)]
pub struct Names {
    pub(super) vars: Vars,
    /// What iterations find out, each in its slot.
    slots: Arc<[String]>,
    /// The same, as expressions look it up.
    pub(super) context: Value,
    /// How many users take turns; 0 in an open model, where they have no numbers.
    users: u64,
}

/// What a name means.
pub(super) enum Meaning {
    /// The same each time.
    Constant,
    /// What the iteration keeps in this slot.
    Slot(usize),
    /// A function, or a number of the iteration.
    BuiltIn,
}

impl Names {
    /// Variables, and names for what iterations find out.
    #[must_use]
    pub fn new(vars: Vars, slots: impl IntoIterator<Item = String>) -> Self {
        let slots: Arc<[String]> = slots.into_iter().collect();
        let users = 1;
        let context = Value::from_object(Context { vars: vars.clone(), slots: Arc::clone(&slots), users });
        Self { vars, slots, context, users }
    }

    /// The same in an open model, in which whoever is free takes what is due, and nobody has a number.
    #[must_use]
    pub fn of_open_model(self) -> Self {
        self.of_users(0)
    }

    /// The same where so many users take turns.
    #[must_use]
    pub fn of_users(self, users: u64) -> Self {
        let context = Context { vars: self.vars.clone(), slots: Arc::clone(&self.slots), users };
        Self { context: Value::from_object(context), users, ..self }
    }

    /// The same, in which these names stand for what is not known yet.
    #[must_use]
    pub fn hiding(&self, names: &[String]) -> Self {
        let slots = self.slots.iter().chain(names).cloned();
        Self::new(self.vars.clone(), slots).of_users(self.users)
    }

    /// The slot of what goes by this name.
    #[must_use]
    pub fn slot(&self, name: &str) -> Option<usize> {
        self.slots.iter().position(|known| known == name)
    }

    /// All names, functions included.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        let own = self.slots.iter().map(String::as_str).chain(self.vars.names());
        own.chain(FUNCTIONS).chain(BUILT_IN.into_iter().filter(|name| self.is_there(name)))
    }

    fn is_there(&self, built_in: &str) -> bool {
        self.users > 0 || !is_of_users(built_in)
    }

    pub(super) fn meaning(&self, name: &str) -> Option<Meaning> {
        if let Some(slot) = self.slot(name) {
            return Some(Meaning::Slot(slot));
        }
        if self.vars.get(name).is_some() {
            return Some(Meaning::Constant);
        }
        let is_built_in = FUNCTIONS.contains(&name) || BUILT_IN.contains(&name) && self.is_there(name);
        is_built_in.then_some(Meaning::BuiltIn)
    }
}

/// What an iteration has found out, slot by slot.
#[derive(Clone, Debug, Default)]
pub struct Variables(Vec<Value>);

impl Variables {
    /// Forgets everything, and has room for what goes by these names.
    pub fn begin(&mut self, names: &Names) {
        self.0.clear();
        self.0.resize(names.slots.len(), Value::UNDEFINED);
    }

    /// Takes over what another has in a slot.
    pub(in crate::engine) fn take_over(&mut self, slot: usize, other: &Self) {
        if let Some(value) = other.0.get(slot) {
            self.set(slot, value.clone());
        }
    }

    /// The names and values as JSON. What has no value, or none that JSON can tell, is empty.
    pub(in crate::engine) fn shown(&self, names: &Names) -> Vec<(String, String)> {
        let json = |value: &Value| match value.is_undefined() {
            true => String::new(),
            false => serde_json::to_string(value).unwrap_or_default(),
        };
        names.slots.iter().zip(&self.0).map(|(name, value)| (name.clone(), json(value))).collect()
    }

    /// Keeps a value.
    pub(in crate::engine) fn set(&mut self, slot: usize, value: Value) {
        if let Some(kept) = self.0.get_mut(slot) {
            *kept = value;
        }
    }
}

/// Proof that texts are made for some step of some iteration.
#[derive(Debug)]
pub struct Scope(());

/// What the texts are made for that this thread is making.
struct Current {
    iteration: u64,
    variables: Variables,
}

thread_local! {
    static CURRENT: RefCell<Current> = const { RefCell::new(Current { iteration: 0, variables: Variables(Vec::new()) }) };
}

/// Makes something of templates for one step of one iteration, which decides what is drawn.
pub fn within<T>(key: Key, variables: &mut Variables, make: impl FnOnce(&Scope) -> T) -> T {
    functions::draw_for(key);
    let swap = |current: &mut Current, variables: &mut Variables| std::mem::swap(&mut current.variables, variables);
    CURRENT.with_borrow_mut(|current| {
        current.iteration = key.iteration;
        swap(current, variables);
    });
    let made = make(&Scope(()));
    CURRENT.with_borrow_mut(|current| swap(current, variables));
    made
}

impl Scope {
    /// The iteration's number.
    pub(super) fn iteration(&self) -> u64 {
        CURRENT.with_borrow(|current| current.iteration)
    }

    /// The number of the user that makes the iteration, in a closed model.
    pub(super) fn user(&self) -> u64 {
        self.iteration() >> u32::BITS
    }

    /// How many iterations of its user come before this one.
    pub(super) fn turn(&self) -> u64 {
        self.iteration() & u64::from(u32::MAX)
    }

    /// Shows what is in a slot.
    pub(super) fn show<T>(&self, slot: usize, show: impl FnOnce(&Value) -> T) -> T {
        CURRENT.with_borrow(|current| show(current.variables.0.get(slot).unwrap_or(&Value::UNDEFINED)))
    }
}

/// What expressions look names up in.
#[derive(Debug)]
struct Context {
    vars: Vars,
    slots: Arc<[String]>,
    users: u64,
}

impl Context {
    /// A number that no other iteration of the scenario has. Users take turns, so that there are no gaps as long as they keep
    /// step.
    fn counter(&self) -> u64 {
        let scope = Scope(());
        match self.users {
            0 => scope.iteration(),
            users => scope.turn().saturating_mul(users).saturating_add(scope.user()),
        }
    }
}

impl Object for Context {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        if let Some(slot) = self.slots.iter().position(|known| known == name) {
            return Some(Scope(()).show(slot, Value::clone));
        }
        self.vars.get(name).cloned().or_else(|| match name {
            "agent" => Some(Value::from(Arc::clone(&self.vars.agent))),
            "counter" => Some(Value::from(self.counter())),
            "iteration" => Some(Value::from(Scope(()).iteration())),
            "turn" => Some(Value::from(Scope(()).turn())),
            "user" => Some(Value::from(Scope(()).user())),
            "worker" => Some(Value::from(self.vars.worker)),
            _ => None,
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}
