//! One request of a collection.

use super::body;
use super::variables::Variables;
use crate::import::address::{Address, ORIGIN_DEFAULT};
use crate::import::headers::{Kind, holds_nothing_else, kind_by_hand};
use crate::import::journey::Request;
use crate::import::json::Json;
use crate::import::notes::Notes;
use crate::import::text::Text;

/// Reads a request, which may be just a URL. The error tells why it can go nowhere.
pub(super) fn read(of: &Json, variables: &mut Variables, name: &str, notes: &mut Notes) -> Result<Request, String> {
    let url = if of.text().is_some() { of } else { of.get("url") };
    let address = Address::parse(&address(url, variables, notes).ok_or("it has no URL")?)?;
    let mut request = Request::new(of.text_of("method").unwrap_or("GET"), address);
    for field in of.get("header").items() {
        header(&mut request, field, variables, notes);
    }
    body::read(&mut request, of.get("body"), variables, name, notes);
    Ok(request)
}

/// Whether an entry of a list counts.
pub(super) fn is_enabled(entry: &Json) -> bool {
    *entry.get("disabled") != Json::Flag(true)
}

fn header(request: &mut Request, field: &Json, variables: &mut Variables, notes: &mut Notes) {
    let (Some(key), true) = (field.text_of("key"), is_enabled(field)) else { return };
    let name = key.trim().to_ascii_lowercase();
    let given = field.get("value").scalar().unwrap_or_default();
    match kind_by_hand(&name) {
        Kind::Kept => request.headers.push((name, variables.text(&given))),
        // A variable keeps the secret out of the plan.
        Kind::Secret if holds_nothing_else(&name, &variables.secret_text(&given)) => {
            request.headers.push((name, variables.text(&given)));
        }
        Kind::Secret => notes.add_of("header fields that hold secrets are left out", &name),
        Kind::Passing => notes.add_of("header fields that follow from the request are left out", &name),
    }
}

/// The URL with its host known.
fn address(url: &Json, variables: &mut Variables, notes: &mut Notes) -> Option<Text> {
    let raw = with_path_variables(url, raw(url)?);
    let (host, path) = with_host(&raw, variables, notes);
    let mut text = Text::literal(&host);
    text.push(variables.text(&path));
    Some(text)
}

/// The URL as one text, from its parts if it is not given as one.
fn raw(url: &Json) -> Option<String> {
    if let Some(raw) = url.text().or(url.text_of("raw")) {
        return Some(raw.trim().to_owned()).filter(|raw| !raw.is_empty());
    }
    let joined = |key: &str, separator: &str| match url.get(key) {
        Json::List(parts) => parts.iter().filter_map(Json::scalar).collect::<Vec<_>>().join(separator),
        part => part.scalar().unwrap_or_default(),
    };
    let host = Some(joined("host", ".")).filter(|host| !host.is_empty())?;
    let scheme = url.text_of("protocol").map(|scheme| format!("{scheme}://")).unwrap_or_default();
    let port = url.get("port").scalar().map(|port| format!(":{port}")).unwrap_or_default();
    let pair = |entry: &Json| {
        let name = entry.text_of("key")?;
        Some(entry.text_of("value").map_or_else(|| name.to_owned(), |value| format!("{name}={value}")))
    };
    let query: Vec<String> = url.get("query").items().iter().filter(|one| is_enabled(one)).filter_map(pair).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    Some(format!("{scheme}{host}{port}/{}{query}", joined("path", "/")))
}

/// Puts values in place of `:name` parts of the path.
fn with_path_variables(url: &Json, raw: String) -> String {
    let variables = url.get("variable").items();
    if variables.is_empty() {
        return raw;
    }
    let (path, query) = raw.split_at(raw.find('?').unwrap_or(raw.len()));
    let value = |part: &str| {
        let name = part.strip_prefix(':')?;
        let variable = variables.iter().find(|variable| variable.text_of("key") == Some(name))?;
        variable.get("value").scalar().filter(|value| !value.is_empty())
    };
    let parts: Vec<String> = path.split('/').map(|part| value(part).unwrap_or_else(|| part.to_owned())).collect();
    format!("{}{query}", parts.join("/"))
}

/// The scheme and the host with the values of their variables, and what stands behind them as it was written.
fn with_host(raw: &str, variables: &Variables, notes: &mut Notes) -> (String, String) {
    let begin = raw.find("://").map_or(0, |at| at + "://".len());
    let end = begin + raw[begin..].find(['/', '?', '#']).unwrap_or(raw.len() - begin);
    let (host, path) = raw.split_at(end);
    let host = match variables.expanded(host).filter(|host| !host.is_empty()) {
        Some(host) => host,
        None => {
            notes.add_of("hosts that no variable tells are set to the one of this machine", host);
            ORIGIN_DEFAULT.to_owned()
        }
    };
    let host = if host.contains("://") { host } else { format!("http://{host}") };
    // A variable may end with the slash with which the path begins; expressions stand behind the host's own.
    let host = host.trim_end_matches('/').to_owned();
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    (host, path)
}
