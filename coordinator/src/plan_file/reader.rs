//! Reads a tree against the description of its keys and collects every mistake on the way.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::Secrets;
use super::keys::{Key, Kind, Table};
use super::mistakes::Mistake;
use super::suggest::{closest, did_you_mean, one_of};
use super::template::{self, VARIES};
use super::tree::{Entry, Node, Span, Value, beginning, quoted};
use super::units::{UnitMistake, format_duration, parse_duration, parse_part, parse_rate, parse_size};
use muster_agent::engine::rows::Rows;
use muster_agent::engine::template::{Names, Vars};
use muster_proto::plan::{MetricKind, NAME_BYTES_MAX, Rate, TokenSource};

/// Collects mistakes. A reading function that returns nothing has told why.
pub(super) struct Reader {
    /// The folder from which files are found.
    pub(super) base: PathBuf,
    pub(super) secrets: Secrets,
    pub(super) mistakes: Vec<Mistake>,
    /// Whether it was told that the plan has no `target`; once is enough for all steps.
    pub(super) told_no_target: bool,
    /// What was read so far takes so much on the wire.
    pub(super) plan_bytes: usize,
    /// The names of those of the plan's variables that are secret.
    pub(super) secret_names: Vec<String>,
    /// The plan's variables.
    pub(super) vars: Vars,
    /// What the command line says of variables, by their names.
    pub(super) overrides: Vec<(String, String)>,
    /// What templates can name where it reads.
    pub(super) names: Names,
    /// The names of what its setup finds out.
    pub(super) set_up: Vec<String>,
    /// The names of its feeders, in the order of the plan.
    pub(super) feeders: Vec<String>,
    /// The rows of those that are as they should be, in the same order.
    pub(super) rows: Vec<Arc<Rows>>,
    /// What the templates of the scenario that it reads have named of what iterations find out.
    pub(super) used: BTreeSet<String>,
    /// Metrics of the plan's own, as far as it has read.
    pub(super) metrics: Vec<(String, MetricKind)>,
    /// Where the plan's tokens come from, as far as it has read.
    pub(super) tokens: Vec<TokenSource>,
    /// How many checks, captures and observations it has read.
    pub(super) findings: usize,
}

/// A value of the plan, where it belongs and what it should be.
#[derive(Clone)]
pub(super) struct Field<'t> {
    pub(super) node: &'t Node,
    pub(super) path: String,
    pub(super) kind: &'static Kind,
    /// Where the key stands, for what is missing within.
    key_span: Span,
}

impl<'t> Field<'t> {
    /// The plan as a whole, or a value that does not come from a file.
    pub(super) fn root(node: &'t Node, path: &str, kind: &'static Kind) -> Self {
        Self { node, path: path.to_owned(), kind, key_span: None }
    }

    /// A value within this one, which goes by its name.
    pub(super) fn at(&self, node: &'t Node) -> Self {
        Self { node, ..self.clone() }
    }

    fn inner(&self, node: &'t Node, path: String, kind: &'static Kind, key_span: Span) -> Self {
        Self { node, path, kind, key_span: key_span.or_else(|| self.key_span.clone()) }
    }
}

/// An opened map whose keys are all known.
pub(super) struct Fields<'t> {
    of: Field<'t>,
    table: &'static Table,
    present: Vec<Present<'t>>,
    named: Vec<(&'static str, &'t str, Field<'t>)>,
}

struct Present<'t> {
    key: &'static Key,
    /// How the file spells the key.
    spelled: &'t str,
    field: Field<'t>,
}

impl<'t> Fields<'t> {
    /// The value of a key, if it is there.
    pub(super) fn get(&self, name: &str) -> Option<Field<'t>> {
        debug_assert!(self.table.keys.iter().any(|key| key.name == name), "`{name}` is not described");
        self.present.iter().find(|present| present.key.name == name).map(|present| present.field.clone())
    }

    /// Those whose keys go on with a name or pattern: the word, what follows it, and the value.
    pub(super) fn named(&self) -> &[(&'static str, &'t str, Field<'t>)] {
        &self.named
    }

    /// The names of the keys that are there, in the order of the file.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.present.iter().map(|present| present.key.name)
    }

    /// The map itself.
    pub(super) fn of(&self) -> &Field<'t> {
        &self.of
    }
}

impl Reader {
    pub(super) fn new(base: &Path, secrets: Secrets) -> Self {
        let vars = Vars::new([], 0);
        Self {
            base: base.to_owned(),
            secrets,
            mistakes: Vec::new(),
            told_no_target: false,
            plan_bytes: 0,
            names: Names::new(vars.clone(), []),
            vars,
            secret_names: Vec::new(),
            set_up: Vec::new(),
            overrides: Vec::new(),
            feeders: Vec::new(),
            rows: Vec::new(),
            used: BTreeSet::new(),
            metrics: Vec::new(),
            tokens: Vec::new(),
            findings: 0,
        }
    }

    /// Notes that a value is wrong.
    pub(super) fn wrong(&mut self, field: &Field<'_>, message: impl Into<String>) -> &mut Mistake {
        self.note(&field.path, field.node.span.clone(), message)
    }

    /// Notes that a value is not what was wanted.
    pub(super) fn wanted(&mut self, field: &Field<'_>, what: &str) -> &mut Mistake {
        self.wrong(field, format!("wanted {what}, found {}", field.node.found()))
    }

    /// Notes something about a key rather than its value, such as what is missing behind it.
    pub(super) fn at_key(&mut self, field: &Field<'_>, message: impl Into<String>) -> &mut Mistake {
        let begin = field.node.span.clone().map(|span| span.start..span.start + 1);
        self.note(&field.path, field.key_span.clone().or(begin), message)
    }

    pub(super) fn note(&mut self, path: &str, span: Span, message: impl Into<String>) -> &mut Mistake {
        self.mistakes.push(Mistake::new(path, span, message));
        let last = self.mistakes.len() - 1;
        &mut self.mistakes[last]
    }

    /// Opens a map with fixed keys: unknown, repeated and missing ones are noted.
    pub(super) fn open<'t>(&mut self, field: &Field<'t>, table: &'static Table) -> Option<Fields<'t>> {
        let entries = self.entries(field)?;
        let mut fields = Fields { of: field.clone(), table, present: Vec::new(), named: Vec::new() };
        for entry in entries {
            let path = join(&field.path, &entry.key);
            let known = table.keys.iter().find(|key| key.name == entry.key || key.also.contains(&&*entry.key));
            let Some(key) = known else {
                match named_key(&entry.key, table) {
                    Some((key, rest)) => {
                        let field = field.inner(&entry.node, path, &key.kind, entry.key_span.clone());
                        fields.named.push((key.name, rest, field));
                    }
                    None => self.unknown_key(&path, entry, table),
                }
                continue;
            };
            let spelled = entry.key.as_str();
            match fields.present.iter().find(|present| present.key.name == key.name).map(|present| present.spelled) {
                None => {
                    let field = field.inner(&entry.node, path, &key.kind, entry.key_span.clone());
                    fields.present.push(Present { key, spelled, field });
                }
                Some(other) if other != spelled => {
                    let message = format!("`{spelled}` means the same as `{other}`, which stands here too");
                    self.note(&path, entry.key_span.clone(), message);
                }
                Some(_) => {}
            }
        }
        for key in table.keys.iter().filter(|key| key.required) {
            if fields.get(key.name).is_none() {
                self.at_key(field, format!("`{}` is missing", key.name)).help(key.about);
            }
        }
        Some(fields)
    }

    fn unknown_key(&mut self, path: &str, entry: &Entry, table: &Table) {
        let span = entry.key_span.clone();
        let first_word = entry.key.split(' ').next().unwrap_or_default();
        if table.later.contains(&&*entry.key) || (first_word != entry.key && table.later.contains(&first_word)) {
            let message = format!("{} is not supported by this version", quoted(&entry.key));
            self.note(path, span, message);
            return;
        }
        let names: Vec<&str> = table.keys.iter().chain(table.named).map(|key| key.name).collect();
        self.note(path, span, format!("unknown key {}", quoted(&entry.key))).help(did_you_mean(&entry.key, &names));
    }

    /// The entries of a map, each key once.
    fn entries<'t>(&mut self, field: &Field<'t>) -> Option<&'t [Entry]> {
        let Value::Map(entries) = &field.node.value else {
            self.wanted(field, "a map");
            return None;
        };
        let mut known = std::collections::HashSet::new();
        for entry in entries.iter().filter(|entry| !known.insert(entry.key.as_str())) {
            let message = format!("the key {} stands here twice", quoted(&entry.key));
            self.note(&join(&field.path, &entry.key), entry.key_span.clone(), message);
        }
        Some(entries)
    }

    /// The values of a map from names of the user's choice.
    pub(super) fn named<'t>(&mut self, field: &Field<'t>) -> Vec<(&'t str, Field<'t>)> {
        let Some(Kind::Map { of, max }) = field.kind.find(|kind| matches!(kind, Kind::Map { .. })) else {
            return vec![];
        };
        let Some(entries) = self.entries(field) else { return vec![] };
        if entries.len() > *max {
            self.at_key(field, format!("wanted at most {max} entries, found {}", entries.len()));
            return vec![];
        }
        let each = |entry: &'t Entry| {
            let path = join(&field.path, &entry.key);
            (entry.key.as_str(), field.inner(&entry.node, path, of, entry.key_span.clone()))
        };
        entries.iter().map(each).collect()
    }

    /// The items of a list, of which there must be at least one.
    pub(super) fn items<'t>(&mut self, field: &Field<'t>) -> Vec<Field<'t>> {
        let Some(Kind::List { of, max }) = field.kind.find(|kind| matches!(kind, Kind::List { .. })) else {
            return vec![];
        };
        let Value::List(items) = &field.node.value else {
            self.wanted(field, "a list");
            return vec![];
        };
        if items.is_empty() || items.len() > *max {
            self.at_key(field, format!("wanted a list of 1 to {max}, found one of {}", items.len()));
            return vec![];
        }
        let each = |(index, node)| {
            let item = field.inner(node, format!("{}[{index}]", field.path), of, None);
            Field { key_span: None, ..item }
        };
        items.iter().enumerate().map(each).collect()
    }

    /// The items of a list, or the one item that stands in its place.
    pub(super) fn one_or_more<'t>(&mut self, field: &Field<'t>) -> Vec<Field<'t>> {
        if matches!(field.node.value, Value::List(_)) { self.items(field) } else { vec![field.clone()] }
    }

    /// A text that is the same each time: templates that are so are made now.
    pub(super) fn text<'t>(&mut self, field: &Field<'t>) -> Option<Cow<'t, str>> {
        let text = self.any_text(field)?;
        template::constant(self, field, text)
    }

    /// A text that may be a template.
    pub(super) fn template<'t>(&mut self, field: &Field<'t>) -> Option<&'t str> {
        let text = self.any_text(field)?;
        template::check(self, field, text).then_some(text)
    }

    fn any_text<'t>(&mut self, field: &Field<'t>) -> Option<&'t str> {
        let text = field.node.scalar();
        if text.is_none() {
            self.wanted(field, "text");
        }
        text
    }

    /// Notes that a text is a template, where nothing could make anything of it.
    pub(super) fn no_template(&mut self, field: &Field<'_>, text: &str) {
        let message = format!("wanted a text without `{{{{`, found {}", quoted(text));
        self.wrong(field, message).help("templates can stand in paths, queries, header values and bodies");
    }

    /// A name: short, not empty, printable, and known when the plan is read.
    pub(super) fn name(&mut self, field: &Field<'_>) -> Option<String> {
        let before = self.mistakes.len();
        let Some(text) = self.text(field) else {
            if let Some(mistake) = self.mistakes[before..].iter_mut().find(|mistake| mistake.message.ends_with(VARIES))
            {
                mistake.help("names are those of series, of which the plan has a bounded number: use `vars` and `env`");
            }
            return None;
        };
        match name_mistake(&text) {
            None => Some(text.into_owned()),
            Some(what) => {
                self.wanted(field, what);
                None
            }
        }
    }

    pub(super) fn flag(&mut self, field: &Field<'_>) -> Option<bool> {
        if let Value::Flag(flag) = field.node.value {
            return Some(flag);
        }
        self.wanted(field, "`true` or `false`");
        None
    }

    pub(super) fn whole(&mut self, field: &Field<'_>) -> Option<u64> {
        let bounds = field.kind.find(|kind| matches!(kind, Kind::Whole { .. }));
        let Some(Kind::Whole { min, max }) = bounds else { return None };
        let number = match &field.node.value {
            Value::Number(text) => text.parse::<u64>().ok(),
            _ => None,
        };
        if let Some(number) = number.filter(|number| (min..=max).contains(&number)) {
            return Some(number);
        }
        let mistake = match max {
            &u64::MAX => self.wanted(field, &format!("a whole number of at least {min}")),
            max => self.wanted(field, &format!("a whole number from {min} to {max}")),
        };
        if let Value::Text(text) = &field.node.value
            && text.parse::<u64>().is_ok()
        {
            mistake.help("write it without quotes");
        }
        None
    }

    /// As [`Reader::whole`], for bounds that fit.
    pub(super) fn whole_u32(&mut self, field: &Field<'_>) -> Option<u32> {
        self.whole(field).and_then(|number| u32::try_from(number).ok())
    }

    /// One of the words of the description.
    pub(super) fn choice(&mut self, field: &Field<'_>) -> Option<&'static str> {
        let kind = field.kind.find(|kind| matches!(kind, Kind::OneOf(_)));
        let Some(Kind::OneOf(words)) = kind else { return None };
        let found = field.node.scalar().unwrap_or_default();
        if let Some(word) = words.iter().find(|word| **word == found) {
            return Some(word);
        }
        let mistake = self.wanted(field, &one_of(words));
        if let Some(word) = closest(found, words.iter().copied()) {
            mistake.help(format!("did you mean `{word}`?"));
        }
        None
    }

    pub(super) fn duration(&mut self, field: &Field<'_>) -> Option<Duration> {
        let duration = self.quantity(field, "a duration such as `10s`", parse_duration)?;
        let Some(Kind::Duration { min, max }) = field.kind.find(|kind| matches!(kind, Kind::Duration { .. })) else {
            return Some(duration);
        };
        if (min..=max).contains(&&duration) {
            return Some(duration);
        }
        self.wanted(field, &format!("a duration from {} to {}", format_duration(*min), format_duration(*max)));
        None
    }

    pub(super) fn rate(&mut self, field: &Field<'_>) -> Option<Rate> {
        self.quantity(field, "a rate such as `500/s`", parse_rate)
    }

    pub(super) fn size(&mut self, field: &Field<'_>) -> Option<u64> {
        let size = self.quantity(field, "a size such as `64KiB`", parse_size)?;
        let Some(Kind::Size { min, max }) = field.kind.find(|kind| matches!(kind, Kind::Size { .. })) else {
            return Some(size);
        };
        if (min..=max).contains(&&size) {
            return Some(size);
        }
        self.wanted(field, &format!("a size from {min} to {max} bytes"));
        None
    }

    /// A part of a whole, in millionths.
    pub(super) fn part(&mut self, field: &Field<'_>) -> Option<u32> {
        self.quantity(field, "a part such as `1%`", parse_part)
    }

    fn quantity<T>(
        &mut self,
        field: &Field<'_>,
        what: &str,
        parse: impl Fn(&str) -> Result<T, UnitMistake>,
    ) -> Option<T> {
        let Some(text) = field.node.scalar() else {
            self.wanted(field, what);
            return None;
        };
        match parse(text) {
            Ok(quantity) => Some(quantity),
            Err(UnitMistake { message, help }) => {
                let mistake = self.wrong(field, message);
                mistake.help = help;
                None
            }
        }
    }
}

/// A key that goes on with a name or pattern, and that.
fn named_key<'t>(spelled: &'t str, table: &'static Table) -> Option<(&'static Key, &'t str)> {
    let (word, rest) = spelled.split_once(char::is_whitespace)?;
    let key = table.named.iter().find(|key| key.name == word)?;
    Some((key, rest.trim()))
}

/// What a name should have been, if it is none.
pub(super) fn name_mistake(text: &str) -> Option<&'static str> {
    const _: () = assert!(NAME_BYTES_MAX == 256, "the message below names the bound");
    match text {
        "" => Some("a name that is not empty"),
        text if text.len() > NAME_BYTES_MAX => Some("a name of at most 256 bytes"),
        text if text.chars().any(char::is_control) => Some("a name without control characters"),
        _ => None,
    }
}

impl Kind {
    /// This kind, or the alternative of it, that is as asked.
    fn find(&'static self, asked: impl Fn(&Self) -> bool + Copy) -> Option<&'static Self> {
        match self {
            Self::AnyOf(kinds) => kinds.iter().find(|kind| asked(kind)),
            kind => asked(kind).then_some(kind),
        }
    }
}

/// The path of a key: its name after a dot, in quotes where it would be misread.
pub(super) fn join(path: &str, key: &str) -> String {
    let plain = !key.is_empty()
        && beginning(key) == key
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    let key = if plain { key.to_owned() } else { quoted(key) };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}
