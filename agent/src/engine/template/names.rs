//! What names mean in an expression.

use std::cell::RefCell;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object};
use minijinja::{Environment, Value};

use super::functions::{self, FUNCTIONS};
use crate::engine::random::Key;

/// The names that are there without anybody's doing.
pub const BUILT_IN: [&str; 1] = ["iteration"];

/// A plan's variables, by their names, as one worker knows them: no other touches these values.
#[derive(Clone, Debug)]
pub struct Vars {
    values: Arc<Vec<(String, Value)>>,
    environment: &'static Environment<'static>,
}

impl Vars {
    /// Variables with these values, as JSON, for the worker of this number. One that is none has no value.
    pub fn new<'v>(vars: impl IntoIterator<Item = (&'v str, &'v str)>, worker: usize) -> Self {
        let value = |json| serde_json::from_str(json).unwrap_or(Value::UNDEFINED);
        let values = vars.into_iter().map(|(name, json)| (name.to_owned(), value(json)));
        Self { values: Arc::new(values.collect()), environment: functions::environment(worker) }
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

/// All that a scenario's templates can name: the plan's variables, and what its iterations find out.
#[derive(Clone, Debug)]
pub struct Names {
    pub(super) vars: Vars,
    /// What iterations find out, each in its slot.
    slots: Arc<[String]>,
    /// The same, as expressions look it up.
    pub(super) context: Value,
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
        let context = Value::from_object(Context { vars: vars.clone(), slots: Arc::clone(&slots) });
        Self { vars, slots, context }
    }

    /// The slot of what goes by this name.
    #[must_use]
    pub fn slot(&self, name: &str) -> Option<usize> {
        self.slots.iter().position(|known| known == name)
    }

    /// All names, functions included.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        let own = self.slots.iter().map(String::as_str).chain(self.vars.names());
        own.chain(FUNCTIONS).chain(BUILT_IN)
    }

    pub(super) fn meaning(&self, name: &str) -> Option<Meaning> {
        if let Some(slot) = self.slot(name) {
            return Some(Meaning::Slot(slot));
        }
        if self.vars.get(name).is_some() {
            return Some(Meaning::Constant);
        }
        (BUILT_IN.contains(&name) || FUNCTIONS.contains(&name)).then_some(Meaning::BuiltIn)
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
}

impl Object for Context {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        if let Some(slot) = self.slots.iter().position(|known| known == name) {
            return Some(Scope(()).show(slot, Value::clone));
        }
        match name {
            "iteration" => Some(Value::from(Scope(()).iteration())),
            name => self.vars.get(name).cloned(),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}
