//! Plan files: YAML, JSON or TOML as written -> a [`Plan`] as meant. The only reader of YAML.
//!
//! A file becomes a tree of values that know where they stand (`tree`); the tree is read against one description of
//! all keys (`keys`), and whatever is wrong is collected on the way, so that all mistakes are told at once. The same
//! description makes the schema with which editors complete plan files.

mod auth;
mod capture;
mod certificates;
mod choose;
mod chore;
mod connect;
mod data;
mod env;
mod expect;
mod files;
mod headers;
mod http;
mod json;
mod keys;
mod limits;
mod load;
mod metrics;
mod mistakes;
mod multipart;
mod names;
mod plan;
mod preset;
mod quick;
mod reader;
mod request;
mod resolved;
mod rows;
mod scenario;
mod schema;
mod source;
mod status;
mod steps;
mod suggest;
mod tags;
mod template;
#[cfg(test)]
mod tests;
mod think;
mod threshold;
mod toml;
mod tree;
mod units;
mod url;
mod vars;
mod yaml;

use std::path::Path;
use std::sync::Arc;

use muster_agent::engine::rows::Rows;
use muster_proto::plan::{NAME_BYTES_MAX, Plan};

pub use limits::{BODY_BYTES_MAX, FILE_BYTES_MAX, MAX_USERS_DEFAULT, SEED_DEFAULT, USERS_MAX};
pub(crate) use limits::{HEADER_BYTES_MAX, HEADERS_MAX, PATH_BYTES_MAX, REDIRECTS_MAX, THINK_MAX, TIMEOUT_MAX};
pub use mistakes::{MISTAKES_MAX, Mistake, Mistakes, Place};
pub use preset::{PRESETS, Preset};
pub use quick::{QUICK_DURATION, QUICK_USERS, QuickPlan, quick};
pub use resolved::resolved;
pub use schema::schema;
pub use threshold::parse_threshold;
pub use units::{UnitMistake, format_duration, format_rate, parse_duration, parse_part, parse_rate, parse_size};

use reader::{Field, Reader};

/// How a plan file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// YAML, and JSON as a part of it.
    Yaml,
    /// JSON.
    Json,
    /// TOML.
    Toml,
}

impl Format {
    /// The format that a file's extension speaks of; YAML where it does not.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase).as_deref() {
            Some("json") => Self::Json,
            Some("toml") => Self::Toml,
            _ => Self::Yaml,
        }
    }
}

/// What becomes of a plan's secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// They are looked up.
    LookedUp,
    /// Nobody needs them, and nobody shall see them.
    Hidden,
}

/// A plan file that was read.
#[derive(Debug)]
pub struct PlanFile {
    /// What it means.
    pub plan: Plan,
    /// The rows of the plan's feeders, by their places.
    pub rows: Vec<Arc<Rows>>,
}

/// Reads a plan file, and the files it names.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn read(path: &Path, secrets: Secrets) -> Result<PlanFile, Mistakes> {
    read_with(path, secrets, &[])
}

/// Reads a plan file of whose variables some have other values: names, and values as JSON or else as text.
///
/// # Errors
/// The same, and names of which the plan has no variable.
pub fn read_with(path: &Path, secrets: Secrets, vars: &[(String, String)]) -> Result<PlanFile, Mistakes> {
    let origin = path.display().to_string();
    let bytes = match files::read_bounded(path, FILE_BYTES_MAX) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            let message = format!("wanted a plan file of at most {FILE_BYTES_MAX} bytes, found a larger one");
            return Err(Mistakes::whole(&origin, message, Some("large bodies can stand in files of their own")));
        }
        Err(error) => {
            let message = format!("the plan file cannot be read: {}", files::reason(&error));
            return Err(Mistakes::whole(&origin, message, None));
        }
    };
    let Ok(text) = String::from_utf8(bytes) else {
        return Err(Mistakes::whole(&origin, "wanted a text in UTF-8, found other bytes", None));
    };
    let base = path.parent().unwrap_or(Path::new(""));
    let reader = Reader { overrides: vars.to_vec(), ..Reader::new(base, secrets) };
    parse(&text, Format::of(path), &origin, reader)
}

/// Reads a plan from a text. Messages name `origin`; files that the plan names are found from `base`.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn from_str(text: &str, format: Format, origin: &str, base: &Path) -> Result<PlanFile, Mistakes> {
    parse(text, format, origin, Reader::new(base, Secrets::LookedUp))
}

fn parse(text: &str, format: Format, origin: &str, mut reader: Reader) -> Result<PlanFile, Mistakes> {
    if text.len() as u64 > FILE_BYTES_MAX {
        let message = format!("wanted a plan of at most {FILE_BYTES_MAX} bytes, found {}", text.len());
        return Err(Mistakes::whole(origin, message, None));
    }
    if text.contains('\0') {
        return Err(Mistakes::whole(origin, "wanted a text, found binary data", None));
    }
    let tree = match format {
        Format::Yaml => yaml::parse(text, "YAML").map_err(|mistake| vec![mistake]),
        Format::Json => yaml::parse(text, "JSON").map_err(|mistake| vec![mistake]),
        Format::Toml => toml::parse(text),
    };
    let tree = tree.map_err(|mistakes| Mistakes::new(origin, text, mistakes))?;
    let Some(tree) = tree.filter(|tree| !matches!(tree.value, tree::Value::Null)) else {
        let help = "a plan has at least `target` and `scenarios`; `muster schema` lists all keys";
        return Err(Mistakes::whole(origin, "the plan is empty", Some(help)));
    };
    let plan = plan::read(&mut reader, &Field::root(&tree, "", &keys::FILE), &name_of(origin));
    match plan {
        Some(plan) => Ok(PlanFile { plan, rows: reader.rows }),
        None => Err(Mistakes::new(origin, text, reader.mistakes)),
    }
}

/// Writes a YAML document that is no plan as JSON, in its order and with numbers as it spells them, so that nobody else
/// has to read YAML. An empty one is null.
///
/// # Errors
/// What keeps it from being YAML.
pub(crate) fn yaml_as_json(text: &str, origin: &str) -> Result<String, Mistakes> {
    match yaml::parse(text, "YAML") {
        Ok(tree) => Ok(tree.map_or_else(|| "null".to_owned(), |tree| json::literal(&tree))),
        Err(mistake) => Err(Mistakes::new(origin, text, vec![mistake])),
    }
}

/// What a plan is called unless it says so: its file's name without extension.
fn name_of(origin: &str) -> String {
    let stem = Path::new(origin).file_stem().map(|stem| stem.to_string_lossy());
    shortened(&stem.filter(|stem| !stem.is_empty()).unwrap_or("plan".into()))
}

/// A text as a name: printable, and no longer than a name may be.
fn shortened(text: &str) -> String {
    let name: String = text.chars().filter(|c| !c.is_control()).collect();
    name[..name.floor_char_boundary(NAME_BYTES_MAX)].to_owned()
}
