//! Calls of which whole expressions consist, with numbers as they stand: frequent, so made without evaluating anything.

use std::fmt::Write;

use super::functions::{TEXT_CHARS_MAX, below, timestamp, uuid, write_letters};
use super::names::Scope;
use super::people;

/// A call, prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call {
    what: What,
    /// Whether it stands between quotes.
    quoted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Iteration,
    User,
    Turn,
    /// A number from the first to the second, which is not below it.
    Random(i64, i64),
    Text(usize),
    Timestamp,
    Uuid,
    Name,
    Email,
}

impl Call {
    /// What a sound expression calls, if that is all that it does, and cannot fail. Parts of a URL or of a JSON text are
    /// encoded by a filter, after [`GIVEN`](super::GIVEN); what is made here is not changed by it, but for quotes around it.
    pub(super) fn of(expression: &str) -> Option<Self> {
        let Some((inner, filter)) = expression.strip_prefix('(').and_then(|rest| rest.rsplit_once(") | given | "))
        else {
            return What::of(expression).map(|what| Self { what, quoted: false });
        };
        let what = What::of(inner)?;
        match filter {
            "tojson" => Some(Self { what, quoted: what.is_text() }),
            "json_text" => Some(Self { what, quoted: false }),
            "urlencode" if !matches!(what, What::Name | What::Email) => Some(Self { what, quoted: false }),
            _ => None,
        }
    }

    /// The name that a plan may have given to something else.
    pub(super) fn name(self) -> Option<&'static str> {
        match self.what {
            What::User => Some("user"),
            What::Turn => Some("turn"),
            _ => None,
        }
    }

    /// Adds what it gives to a text.
    pub(super) fn write_to(self, text: &mut String, scope: &Scope) {
        let quote = if self.quoted { "\"" } else { "" };
        text.push_str(quote);
        self.what.write_to(text, scope);
        text.push_str(quote);
    }
}

impl What {
    fn of(expression: &str) -> Option<Self> {
        match expression {
            "iteration" => return Some(Self::Iteration),
            "turn" => return Some(Self::Turn),
            "user" => return Some(Self::User),
            _ => {}
        }
        let (name, arguments) = expression.strip_suffix(')')?.split_once('(')?;
        let arguments = match arguments {
            "" => Vec::new(),
            some => some.split(',').map(|number| number.trim().parse().ok()).collect::<Option<Vec<i64>>>()?,
        };
        match (name, &arguments[..]) {
            ("random", &[low, high]) if high.checked_sub(low)? >= 0 => Some(Self::Random(low, high)),
            ("text", &[length]) => usize::try_from(length).ok().filter(|of| *of <= TEXT_CHARS_MAX).map(Self::Text),
            ("timestamp", []) => Some(Self::Timestamp),
            ("uuid", []) => Some(Self::Uuid),
            ("name", []) => Some(Self::Name),
            ("email", []) => Some(Self::Email),
            _ => None,
        }
    }

    fn is_text(self) -> bool {
        matches!(self, Self::Text(_) | Self::Uuid | Self::Name | Self::Email)
    }

    fn write_to(self, text: &mut String, scope: &Scope) {
        match self {
            Self::Iteration => write!(text, "{}", scope.iteration()).unwrap_or_default(),
            Self::Turn => write!(text, "{}", scope.turn()).unwrap_or_default(),
            Self::User => write!(text, "{}", scope.user()).unwrap_or_default(),
            Self::Random(low, high) => {
                write!(text, "{}", low + below(high.abs_diff(low) + 1) as i64).unwrap_or_default();
            }
            Self::Text(length) => write_letters(text, length),
            Self::Timestamp => write!(text, "{}", timestamp()).unwrap_or_default(),
            Self::Uuid => text.push_str(uuid().hyphenated().encode_lower(&mut [0; 36])),
            Self::Name => text.push_str(&people::name()),
            Self::Email => text.push_str(&people::email()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_made_at_once_is_a_call() {
        let call = |what, quoted| Some(Call { what, quoted });
        assert_eq!(Call::of("iteration"), call(What::Iteration, false));
        assert_eq!(Call::of("random(-3,  5)"), call(What::Random(-3, 5), false));
        assert_eq!(Call::of("(random(1, 5)) | given | tojson"), call(What::Random(1, 5), false));
        assert_eq!(Call::of("(uuid()) | given | tojson"), call(What::Uuid, true));
        assert_eq!(Call::of("(text(5)) | given | urlencode"), call(What::Text(5), false));
        for other in [
            "random(5, 1)",
            "random(-9223372036854775808, 9223372036854775807)",
            "random(1, pages)",
            "random(1.5, 2)",
            "text(-1)",
            "text(65537)",
            "uuid() ~ uuid()",
            "(name()) | given | urlencode",
            "(uuid()) | tojson",
            "(uuid()) | given | upper",
            "uuid",
            "range(3)",
            "",
        ] {
            assert_eq!(Call::of(other), None, "{other}");
        }
    }
}
