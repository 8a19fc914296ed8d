//! What a response should be like: the same small grammar for a whole target and for a single request.

mod fault;
mod latency;
mod query;
mod unit;

use std::str::FromStr;
use std::time::Duration;

use rand_core::Rng;
use thiserror::Error;

pub use fault::Fault;
pub use latency::Latency;
pub(crate) use query::pairs;

/// The keys that a script knows, for messages.
const KEYS: &str = "latency, pause, status, fault, p, size, body, close, interval";

/// What a response should be like. Written as `latency=5ms&status=503&p=0.01`; see the crate's table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Script {
    /// The wait before the response begins.
    pub latency: Latency,
    /// A wait between head and body.
    pub pause: Duration,
    /// The status of those responses that are struck; the others have 200.
    pub status: u16,
    /// What those responses that are struck do wrong; the others do nothing wrong.
    pub fault: Option<Fault>,
    /// The share of requests that are struck by `status` and `fault`, from 0 to 1.
    pub p: f64,
    /// The bytes of the body.
    pub size: u64,
    /// How the body's end is told.
    pub body: Framing,
    /// After how many responses a connection is closed, which the last of them announces.
    pub close: Option<u32>,
    /// The wait before each byte of [`Fault::Trickle`].
    pub interval: Duration,
}

/// How a response tells where its body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// By its `content-length`.
    Length,
    /// In chunks of at most 16 KiB. A client of HTTP/1.0 gets [`Framing::Close`] instead.
    Chunked,
    /// By the connection's end.
    Close,
}

/// A script that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScriptError {
    /// A key that no script has.
    #[error("unknown key {key:?}, wanted one of {KEYS}{also}")]
    UnknownKey {
        /// The key as found.
        key: String,
        /// Further keys that the requested path knows.
        also: &'static str,
    },
    /// A value that its key does not take.
    #[error("{key}: found {found:?}, wanted {wanted}")]
    BadValue {
        /// The key.
        key: &'static str,
        /// The value as found.
        found: String,
        /// What the key takes.
        wanted: String,
    },
}

/// What becomes of one request, once chance has spoken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Act {
    pub(crate) latency: Duration,
    pub(crate) struck: bool,
}

impl ScriptError {
    /// Names further keys that are known where this was found.
    pub(crate) fn also(self, further: &'static str) -> Self {
        match self {
            Self::UnknownKey { key, .. } => Self::UnknownKey { key, also: further },
            other => other,
        }
    }
}

impl Default for Script {
    fn default() -> Self {
        Self {
            latency: Latency::NONE,
            pause: Duration::ZERO,
            status: 200,
            fault: None,
            p: 1.0,
            size: 16,
            body: Framing::Length,
            close: None,
            interval: Duration::from_millis(100),
        }
    }
}

impl Script {
    /// Changes what one key says.
    ///
    /// # Errors
    /// When the key is unknown, or the value is not one that it takes.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), ScriptError> {
        match key {
            "latency" => self.latency = read("latency", value, Latency::parse(value), Latency::WANTED)?,
            "pause" => self.pause = read("pause", value, unit::duration(value), "a duration up to 1h such as 5ms")?,
            "interval" => self.interval = read("interval", value, unit::duration(value), "a duration such as 100ms")?,
            "status" => self.status = read("status", value, status(value), "a number from 200 to 999")?,
            "fault" => self.fault = Some(read("fault", value, Fault::parse(value), &Fault::names())?),
            "p" => self.p = read("p", value, share(value), "a number from 0 to 1")?,
            "size" => self.size = read("size", value, unit::size(value), "bytes up to 1024Mi such as 500, 10k or 4Ki")?,
            "body" => self.body = read("body", value, framing(value), "length, chunked or close")?,
            "close" => self.close = Some(read("close", value, count(value), "a number of responses from 1")?),
            _ => return Err(ScriptError::UnknownKey { key: key.to_owned(), also: "" }),
        }
        Ok(())
    }

    /// Checks what was built rather than read.
    ///
    /// # Errors
    /// When a number is one that its key does not take.
    pub(crate) fn check(&self) -> Result<(), ScriptError> {
        let mut same = Self::default();
        same.set("status", &self.status.to_string())?;
        same.set("p", &self.p.to_string())?;
        same.set("size", &self.size.to_string())?;
        self.close.map_or(Ok(()), |close| same.set("close", &close.to_string()))
    }

    /// Lets chance speak for one request, which came `elapsed` after the target's start.
    pub(crate) fn draw(&self, random: &mut impl Rng, elapsed: Duration) -> Act {
        let struck = latency::unit_interval(random) < self.p;
        Act { latency: self.latency.sample(random, elapsed), struck }
    }

    /// Whether every response is the same and leaves at once, so that it can be rendered beforehand.
    pub(crate) fn is_plain(&self) -> bool {
        let same = self.fault.is_none() && (self.status == 200 || self.p >= 1.0);
        let at_once = self.latency == Latency::NONE && self.pause.is_zero();
        same && at_once && self.close.is_none() && self.body != Framing::Close
    }
}

impl FromStr for Script {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Self, ScriptError> {
        let mut script = Self::default();
        for (key, value) in pairs(text) {
            script.set(&key, &value)?;
        }
        Ok(script)
    }
}

pub(crate) fn read<T>(key: &'static str, found: &str, value: Option<T>, wanted: &str) -> Result<T, ScriptError> {
    value.ok_or_else(|| ScriptError::BadValue { key, found: found.to_owned(), wanted: wanted.to_owned() })
}

fn status(text: &str) -> Option<u16> {
    text.parse().ok().filter(|status| (200..=999).contains(status))
}

fn share(text: &str) -> Option<f64> {
    text.parse().ok().filter(|share| (0.0..=1.0).contains(share))
}

fn count(text: &str) -> Option<u32> {
    text.parse().ok().filter(|&count| count > 0)
}

fn framing(text: &str) -> Option<Framing> {
    match text {
        "length" => Some(Framing::Length),
        "chunked" => Some(Framing::Chunked),
        "close" => Some(Framing::Close),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn a_script_says_what_was_written() {
        let script: Script =
            "latency=5ms&status=503&size=10k&body=chunked&fault=close-mid-body&p=0.01".parse().unwrap();
        let wanted = Script {
            latency: Latency::Fixed(Duration::from_millis(5)),
            status: 503,
            size: 10_000,
            body: Framing::Chunked,
            fault: Some(Fault::CloseMidBody),
            p: 0.01,
            ..Script::default()
        };
        assert_eq!(script, wanted);
        assert_eq!("latency=uniform%281ms%2c2ms%29".parse::<Script>(), "latency=1ms..2ms".parse());
        assert_eq!("".parse(), Ok(Script::default()));
    }

    #[test]
    fn mistakes_are_told_with_what_was_wanted() {
        let unknown = "latncy=5ms".parse::<Script>().unwrap_err().to_string();
        assert_eq!(unknown, format!("unknown key \"latncy\", wanted one of {KEYS}"));
        let bad = "status=99".parse::<Script>().unwrap_err().to_string();
        assert_eq!(bad, "status: found \"99\", wanted a number from 200 to 999");
        for text in
            ["p=2", "p=NaN", "size=-1", "body=no", "close=0", "fault=", "pause=1", "latency", "=", "status=1000"]
        {
            assert!(text.parse::<Script>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_fault_has_a_name_of_its_own() {
        for &fault in Fault::ALL {
            assert_eq!(Fault::parse(fault.name()), Some(fault));
        }
    }

    #[test]
    fn the_share_that_is_struck_is_the_one_asked_for() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        for (p, low, high) in [(0.0, 0, 0), (0.1, 900, 1100), (1.0, 10_000, 10_000)] {
            let script = Script { p, ..Script::default() };
            let struck = (0..10_000).filter(|_| script.draw(&mut random, Duration::ZERO).struck).count();
            assert!((low..=high).contains(&struck), "{p}: {struck}");
        }
    }
}
