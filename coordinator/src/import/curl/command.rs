//! One curl command: its options, and the requests that it makes.

use std::time::Duration;

use url::form_urlencoded::byte_serialize;

use super::flags::{self, Effect, Flag};
use super::form;
use super::shell::Word;
use crate::import::address::{Address, escaped};
use crate::import::body::{Body, FORM, JSON, PARTS};
use crate::import::headers::{Kind, kind_by_hand};
use crate::import::journey::{Connect, Headers, Journey, Request};
use crate::import::notes::Notes;
use crate::import::parts::Found;
use crate::import::text::Text;

/// How many redirects `--location` is taken to mean: curl's own bound is more than a plan has.
const REDIRECTS: u8 = 10;
/// The port of a proxy that does not say, as curl has it.
const PROXY_PORT: u16 = 1080;

/// What a command line says.
#[derive(Default)]
pub(super) struct Command {
    urls: Vec<String>,
    method: Option<String>,
    headers: Headers,
    data: Option<String>,
    parts: Found,
    has_json: bool,
    /// The method that goes with a body, kept or left out.
    body_method: Option<&'static str>,
    into_url: bool,
    head: bool,
    follows: bool,
    redirects: Option<u8>,
    timeout: Option<Duration>,
    proxy: Option<String>,
    insecure: bool,
}

impl Command {
    /// Reads the arguments.
    pub(super) fn read(words: &[Word], notes: &mut Notes) -> Self {
        let mut command = Self::default();
        let mut words = words.iter();
        let mut only_urls = false;
        while let Some(word) = words.next() {
            if word.expands {
                notes.add_of("variables and commands of a shell are taken as they are written", "in a URL");
            }
            match word.text.as_str() {
                "--" => only_urls = true,
                text if only_urls || !text.starts_with('-') || text == "-" => command.urls.push(text.to_owned()),
                text => match text.strip_prefix("--") {
                    Some(name) => command.long(name, &mut words, notes),
                    None => command.short(&text[1..], &mut words, notes),
                },
            }
        }
        command
    }

    fn long<'w>(&mut self, name: &str, words: &mut impl Iterator<Item = &'w Word>, notes: &mut Notes) {
        match flags::long(name) {
            None => notes.add_of("options that are not known are left out", &format!("--{name}")),
            Some(flag) if flag.takes_value => self.with_value(flag, words.next(), &format!("--{name}"), notes),
            Some(flag) => self.apply(flag.effect, &Word::default(), &format!("--{name}"), notes),
        }
    }

    /// Reads letters in one word, the last of which may have its value behind it.
    fn short<'w>(&mut self, letters: &str, words: &mut impl Iterator<Item = &'w Word>, notes: &mut Notes) {
        for (at, letter) in letters.char_indices() {
            let shown = format!("-{letter}");
            let behind = &letters[at + letter.len_utf8()..];
            match flags::short(letter) {
                None => notes.add_of("options that are not known are left out", &shown),
                Some(flag) if flag.takes_value && behind.is_empty() => {
                    return self.with_value(flag, words.next(), &shown, notes);
                }
                Some(flag) if flag.takes_value => {
                    let value = Word { text: behind.to_owned(), ..Word::default() };
                    return self.with_value(flag, Some(&value), &shown, notes);
                }
                Some(flag) => self.apply(flag.effect, &Word::default(), &shown, notes),
            }
        }
    }

    fn with_value(&mut self, flag: &Flag, value: Option<&Word>, shown: &str, notes: &mut Notes) {
        let Some(value) = value else {
            return notes.add_of("options without their value are left out", shown);
        };
        if value.expands && flag.effect != Effect::Secret {
            notes.add_of("variables and commands of a shell are taken as they are written", shown);
        }
        self.apply(flag.effect, value, shown, notes);
    }

    fn apply(&mut self, effect: Effect, value: &Word, shown: &str, notes: &mut Notes) {
        let text = value.text.as_str();
        match effect {
            Effect::Method => self.method = Some(text.to_owned()),
            Effect::Header => self.header(text, notes),
            Effect::Data { files: true } if text.starts_with('@') => {
                self.body_method = Some("POST");
                notes.add_of("bodies from files are left out: write `body: { file: PATH }`", text);
            }
            Effect::Data { .. } | Effect::Json | Effect::Part { .. } if value.is_binary => {
                self.body_method = Some("POST");
                notes.add_of("bodies that are no text are left out", shown);
            }
            Effect::Data { .. } => self.data(text, "&"),
            Effect::Urlencoded => self.urlencoded(text, notes),
            Effect::Json => {
                self.has_json = true;
                self.data(text, "");
            }
            Effect::Get => self.into_url = true,
            Effect::Head => self.head = true,
            Effect::Url => self.urls.push(text.to_owned()),
            Effect::UserAgent => self.set("user-agent", text),
            Effect::Referer => self.set("referer", text),
            Effect::Proxy => self.proxy(text, notes),
            Effect::Insecure => self.insecure = true,
            Effect::Location => self.follows = true,
            Effect::MaxRedirects => self.redirects = text.parse::<u64>().ok().map(|count| count.min(255) as u8),
            Effect::MaxTime => self.timeout = seconds(text),
            Effect::Secret => notes.add_of("secrets are left out: set the header fields that stand for them", shown),
            Effect::Part { files } => {
                self.body_method = Some("POST");
                form::add(&mut self.parts, text, files, notes);
            }
            Effect::Upload => {
                self.body_method = Some("PUT");
                notes.add_of("bodies from files are left out: write `body: { file: PATH }`", shown);
            }
            Effect::Elsewhere => notes.add_of("options that change more than a request are left out", shown),
            Effect::Nothing => {}
        }
    }

    fn set(&mut self, name: &str, value: &str) {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), Text::literal(value)));
    }

    /// `Name: value`, `Name;` for an empty one, `Name:` for none.
    fn header(&mut self, text: &str, notes: &mut Notes) {
        if text.starts_with('@') {
            return notes.add_of("header fields from files are left out", text);
        }
        let (name, value) = match text.split_once(':') {
            Some((name, value)) => (name, value.trim()),
            None => (text.trim_end_matches(';'), ""),
        };
        let name = name.trim().to_ascii_lowercase();
        match kind_by_hand(&name) {
            Kind::Secret => notes.add_of("header fields that hold secrets are left out", &name),
            Kind::Passing => notes.add_of("header fields that follow from the request are left out", &name),
            Kind::Kept if value.is_empty() && text.contains(':') => self.headers.retain(|(known, _)| *known != name),
            // Browsers copy what their own decoder accepts; bodies are counted as they come.
            Kind::Kept if name == "accept-encoding" => {}
            Kind::Kept => self.headers.push((name, Text::literal(value))),
        }
    }

    fn data(&mut self, text: &str, separator: &str) {
        self.body_method = Some("POST");
        match &mut self.data {
            Some(data) => {
                data.push_str(separator);
                data.push_str(text);
            }
            None => self.data = Some(text.to_owned()),
        }
    }

    /// `content`, `=content` or `name=content`; with `@` for a file.
    fn urlencoded(&mut self, text: &str, notes: &mut Notes) {
        let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        match text.find(['=', '@']).map(|at| (&text[..at], &text[at..at + 1], &text[at + 1..])) {
            Some((name, "=", content)) => {
                let name = if name.is_empty() { String::new() } else { format!("{name}=") };
                self.data(&format!("{name}{}", encode(content)), "&");
            }
            Some(_) => {
                self.body_method = Some("POST");
                notes.add_of("bodies from files are left out: write `body: { file: PATH }`", text);
            }
            None => self.data(&encode(text), "&"),
        }
    }

    fn proxy(&mut self, text: &str, notes: &mut Notes) {
        let url = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let origin = Address::parse(&Text::literal(&url)).ok().map(|address| address.origin);
        let Some(origin) = origin.filter(|origin| origin.starts_with("http://")) else {
            return notes.add("proxies other than HTTP are left out");
        };
        let has_port = origin.rsplit([':', ']']).next().is_some_and(|port| port.parse::<u16>().is_ok());
        // The port that a URL implies is not the one that curl means by none.
        let port = if url.trim_end_matches('/').ends_with(":80") { 80 } else { PROXY_PORT };
        self.proxy = Some(if has_port { origin } else { format!("{origin}:{port}") });
    }

    /// Adds its requests to a journey.
    pub(super) fn finish(mut self, journey: &mut Journey) {
        self.parts.texts = std::mem::take(&mut self.parts).without_files(&mut journey.notes);
        let is_first = journey.requests.is_empty();
        if self.urls.is_empty() {
            journey.notes.add("commands without a URL are left out");
        }
        for url in &self.urls {
            let with_scheme = if url.contains("://") { url.clone() } else { format!("http://{url}") };
            match Address::parse(&Text::literal(&with_scheme)) {
                Ok(address) => journey.requests.push(self.request(address)),
                // The URL itself may hold a password.
                Err(why) => journey.notes.add_of("URLs are left out to which no request can go", &why),
            }
        }
        self.connect(journey, is_first);
    }

    /// How connections are made, which a plan says once.
    fn connect(self, journey: &mut Journey, is_first: bool) {
        let own = Connect { proxy: self.proxy, insecure: self.insecure };
        if !is_first && own != journey.connect {
            journey.notes.add(
                "commands differ in proxy or --insecure: the plan has the first proxy, and what one accepts, all do",
            );
        }
        let connect = &mut journey.connect;
        connect.insecure |= own.insecure;
        connect.proxy = connect.proxy.take().or(own.proxy);
    }

    fn request(&self, mut address: Address) -> Request {
        let has_body = self.data.is_some() && !self.into_url;
        if let Some(data) = self.data.as_ref().filter(|_| self.into_url) {
            let has_query = address.path.as_literal().is_some_and(|path| path.contains('?'));
            address.path.push_literal(if has_query { "&" } else { "?" });
            address.path.push_literal(&escaped(data));
        }
        let implied = match self.body_method {
            _ if self.head => "HEAD",
            Some(method) if !self.into_url => method,
            _ => "GET",
        };
        let mut request = Request::new(self.method.as_deref().unwrap_or(implied), address);
        request.headers.clone_from(&self.headers);
        if let Some(data) = self.data.as_ref().filter(|_| has_body) {
            let kind = if self.has_json { JSON } else { FORM };
            if self.has_json && request.header("accept").is_none() {
                request.headers.push(("accept".to_owned(), Text::literal(JSON)));
            }
            let stated = request.header("content-type").and_then(Text::as_literal).unwrap_or(kind).to_owned();
            request.set_body(Body::recorded(&stated, data), kind);
        }
        if !self.parts.texts.is_empty() {
            request.set_body(Body::Parts(self.parts.texts.clone()), PARTS);
        }
        request.redirects = self.follows.then(|| self.redirects.unwrap_or(REDIRECTS));
        request.timeout = self.timeout;
        request
    }
}

/// A number of seconds with a fraction; nothing for none, which means no bound.
fn seconds(text: &str) -> Option<Duration> {
    let seconds = text.trim().parse::<f64>().ok().filter(|seconds| *seconds > 0.0)?;
    Duration::try_from_secs_f64(seconds).ok().map(|duration| Duration::from_millis(duration.as_millis() as u64))
}
