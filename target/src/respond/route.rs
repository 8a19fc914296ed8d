//! What a request asks for: which document, and by which script.

use crate::lane::Shared;
use crate::request::Request;
use crate::script::{Script, ScriptError, pairs, read};

/// The most hops that a chain of redirects may have.
pub const REDIRECTS_MAX: u32 = 1_000;

/// Which document is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Scripted,
    Json,
    Echo,
    Redirect { location: String },
    Counts,
    Ids(Option<u64>),
}

/// A request, understood.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) route: Route,
    pub(crate) script: Script,
}

/// Whether a target asks for more than the target's own script says.
pub(crate) fn is_special(target: &str) -> bool {
    target.contains('?')
        || matches!(target, "/json" | "/echo")
        || target.starts_with("/redirect")
        || is_uncounted(target)
}

/// Whether a request asks about the target itself. These are not scripted and not counted.
pub(crate) fn is_uncounted(target: &str) -> bool {
    matches!(split(target).0, "/_counts" | "/_ids")
}

/// Reads what a request asks for.
pub(crate) fn order(request: &Request, shared: &Shared) -> Result<Order, ScriptError> {
    let (path, query) = split(&request.target);
    match path {
        "/_counts" => Ok(Order { route: Route::Counts, script: Script::default() }),
        "/_ids" => Ok(Order { route: Route::Ids(asked_id(query)?), script: Script::default() }),
        "/json" => Ok(Order { route: Route::Json, script: scripted(shared.config.script, query)? }),
        "/echo" => Ok(Order { route: Route::Echo, script: scripted(shared.config.script, query)? }),
        "/redirect" => redirect(shared.config.script, query),
        _ => Ok(Order { route: Route::Scripted, script: scripted(shared.config.script, query)? }),
    }
}

fn scripted(mut script: Script, query: &str) -> Result<Script, ScriptError> {
    for (key, value) in pairs(query) {
        script.set(&key, &value)?;
    }
    Ok(script)
}

/// The keys `to` and `n` say where the chain ends and how many hops it has; all others stay as they are from hop to
/// hop.
fn redirect(mut script: Script, query: &str) -> Result<Order, ScriptError> {
    script.status = 302;
    let (mut to, mut hops, mut others) = ("/".to_owned(), 1, String::new());
    for (pair, (key, value)) in query.split('&').filter(|pair| !pair.is_empty()).zip(pairs(query)) {
        match key.as_str() {
            "to" => to = read("to", &value, location(&value), "printable ASCII without spaces, such as /x")?,
            "n" => hops = read("n", &value, hops_of(&value), "a number of hops from 1 to 1000")?,
            _ => script.set(&key, &value).map_err(|error| error.also(", to, n"))?,
        }
        if key != "n" {
            others = others + "&" + pair;
        }
    }
    let location = if hops == 1 { to } else { format!("/redirect?n={}{others}", hops - 1) };
    Ok(Order { route: Route::Redirect { location }, script })
}

/// A location stands in a header and must not be able to end it.
fn location(text: &str) -> Option<String> {
    text.bytes().all(|byte| byte.is_ascii_graphic()).then(|| text.to_owned()).filter(|text| !text.is_empty())
}

fn hops_of(text: &str) -> Option<u32> {
    text.parse().ok().filter(|hops| (1..=REDIRECTS_MAX).contains(hops))
}

fn asked_id(query: &str) -> Result<Option<u64>, ScriptError> {
    let mut asked = None;
    for (key, value) in pairs(query) {
        if key != "id" {
            return Err(ScriptError::UnknownKey { key, also: "; /_ids takes id alone" });
        }
        asked = Some(read("id", &value, value.parse().ok(), "a number")?);
    }
    Ok(asked)
}

fn split(target: &str) -> (&str, &str) {
    target.split_once('?').unwrap_or((target, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location_of(query: &str) -> Result<String, String> {
        match redirect(Script::default(), query).map(|order| order.route) {
            Ok(Route::Redirect { location }) => Ok(location),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn a_chain_of_redirects_ends_where_it_should() {
        let last = location_of("to=/x%3Fsize=3&status=307&n=1").unwrap();
        assert_eq!(last, "/x?size=3");
        let hop = location_of("to=/x%3Fsize=3&status=307&n=3").unwrap();
        assert_eq!(hop, "/redirect?n=2&to=/x%3Fsize=3&status=307");
        assert_eq!(location_of(hop.split_once('?').unwrap().1).unwrap(), hop.replace("n=2", "n=1"));
        assert_eq!(location_of("").unwrap(), "/");
    }

    #[test]
    fn a_location_cannot_smuggle_a_header() {
        for query in ["to=/x%0d%0aset-cookie:%20a", "to=", "n=0", "n=1001", "to=/a%20b"] {
            assert!(location_of(query).is_err(), "{query}");
        }
    }

    #[test]
    fn the_plain_path_keeps_away_from_what_is_special() {
        for target in ["/?a", "/json", "/echo", "/redirect", "/redirect?to=/", "/_counts", "/_ids?id=1"] {
            assert!(is_special(target), "{target}");
        }
        for target in ["/", "/products", "/_other", "/jsonx"] {
            assert!(!is_special(target), "{target}");
        }
    }
}
