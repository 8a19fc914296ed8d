//! What expressions can call: values that are made up, the same whenever the same iteration makes the same step.

use std::cell::Cell;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value};
use uuid::Uuid;

use super::{date, digest, people};
use crate::engine::random::{Draws, Key};

/// The functions that an expression can call.
pub const FUNCTIONS: [&str; 10] =
    ["choice", "email", "name", "now", "random", "random_float", "range", "text", "timestamp", "uuid"];

/// The filter that lets only pass what there is, for filters that would make something of nothing.
pub const GIVEN: &str = "given";

/// The longest text that is made up, in characters.
pub(super) const TEXT_CHARS_MAX: usize = 64 << 10;
/// How many instructions an expression may take, so that none holds its worker up.
const INSTRUCTIONS_MAX: u64 = 10_000;

/// What the expressions of a worker are compiled for. Each worker has its own, so that no two count the uses of the same
/// function. They last as long as the process: one for each number that a worker has ever had.
pub(super) fn environment(worker: usize) -> &'static Environment<'static> {
    static ENVIRONMENTS: Mutex<Vec<&'static Environment<'static>>> = Mutex::new(Vec::new());
    let mut environments = ENVIRONMENTS.lock().unwrap_or_else(PoisonError::into_inner);
    while environments.len() <= worker {
        environments.push(Box::leak(Box::new(new_environment())));
    }
    environments[worker]
}

fn new_environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(INSTRUCTIONS_MAX));
    for needless in ["debug", "dict", "namespace"] {
        environment.remove_global(needless);
    }
    environment.add_function("random", random);
    environment.add_function("random_float", random_float);
    environment.add_function("choice", choice);
    environment.add_function("now", date::now);
    environment.add_function("uuid", || uuid().to_string());
    environment.add_function("name", people::name);
    environment.add_function("email", people::email);
    environment.add_function("text", text);
    environment.add_function("timestamp", timestamp);
    environment.add_filter(GIVEN, given);
    environment.add_filter("json_text", json_text);
    digest::add_to(&mut environment);
    environment
}

thread_local! {
    /// What the expression that is being evaluated draws from. Each runs to its end on one thread.
    static DRAWS: Cell<Draws> = const { Cell::new(Draws::NONE) };
}

/// The next numbers that expressions of this thread draw are those of this step of this iteration.
pub(in crate::engine) fn draw_for(key: Key) {
    DRAWS.set(Draws::of(key));
}

pub(super) fn draw() -> u64 {
    let mut draws = DRAWS.get();
    let drawn = draws.next();
    DRAWS.set(draws);
    drawn
}

/// A number below a bound that is not 0, each as likely as the others to within 2^-64 of the bound.
pub(in crate::engine) fn below(bound: u64) -> u64 {
    ((u128::from(draw()) * u128::from(bound)) >> 64) as u64
}

pub(super) fn wrong(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, what.into())
}

/// A whole number from `low` to `high`, both included.
fn random(low: i64, high: i64) -> Result<i64, Error> {
    let width = high.checked_sub(low).filter(|width| *width >= 0);
    let width = width.ok_or_else(|| wrong(format!("random({low}, {high}): wanted the lower bound first")))?;
    Ok(low + below(width as u64 + 1) as i64)
}

/// A number from `low` up to but not including `high`.
fn random_float(low: f64, high: f64) -> Result<f64, Error> {
    let width = high - low;
    if !width.is_finite() || width < 0.0 {
        return Err(wrong(format!("random_float({low}, {high}): wanted the lower bound first")));
    }
    let drawn = low + width * ((draw() >> 11) as f64 / (1_u64 << 53) as f64);
    Ok(if drawn < high { drawn } else { low })
}

/// One of a list.
fn choice(list: Value) -> Result<Value, Error> {
    let length =
        list.len().filter(|length| *length > 0).ok_or_else(|| wrong("choice: wanted a list that is not empty"))?;
    list.get_item_by_index(below(length as u64) as usize)
}

/// A UUID of version 4 (RFC 9562, 5.4).
pub(super) fn uuid() -> Uuid {
    let bits = u128::from(draw()) << 64 | u128::from(draw());
    uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
}

/// So many letters and digits.
fn text(length: usize) -> Result<String, Error> {
    if length > TEXT_CHARS_MAX {
        return Err(wrong(format!("text({length}): wanted at most {TEXT_CHARS_MAX} characters")));
    }
    let mut text = String::with_capacity(length);
    write_letters(&mut text, length);
    Ok(text)
}

/// Adds so many letters and digits to a text.
pub(super) fn write_letters(text: &mut String, length: usize) {
    const LETTERS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    text.extend((0..length).map(|_| char::from(LETTERS[below(LETTERS.len() as u64) as usize])));
}

/// Milliseconds since 1970, by the agent's wall clock.
pub(super) fn timestamp() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// A value, if there is one.
fn given(value: Value) -> Result<Value, Error> {
    if value.is_undefined() { Err(Error::new(ErrorKind::UndefinedError, "there is no such thing")) } else { Ok(value) }
}

/// A value as it stands within a JSON text, between its quotes.
fn json_text(value: &Value) -> Result<String, Error> {
    expect_some(value)?;
    let quoted = serde_json::Value::from(value.to_string()).to_string();
    Ok(quoted[1..quoted.len() - 1].to_owned())
}

/// Filters take what is not there for an empty text, unless they ask.
pub(super) fn expect_some(value: &Value) -> Result<(), Error> {
    match value.is_undefined() {
        true => Err(Error::new(ErrorKind::UndefinedError, "there is no such thing")),
        false => Ok(()),
    }
}
