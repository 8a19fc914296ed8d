//! Where a request goes: text as written -> the parts that a connection and a request line need.

use muster_proto::plan::Url;
use url::{Host, Position, form_urlencoded};

use super::limits::PATH_BYTES_MAX;
use super::reader::{Field, Reader};
use super::template;
use super::tree::{beginning, quoted};

/// Reads the base URL of the plan, which keeps its path but has no query.
pub(super) fn target(reader: &mut Reader, field: &Field<'_>) -> Option<Url> {
    let text = reader.text(field)?;
    let url = parsed(reader, field, &text)?;
    if url.path.contains('?') {
        reader.wrong(field, "wanted a base URL without a query").help("use `query` in the steps");
        return None;
    }
    Some(Url { path: url.path.trim_end_matches('/').to_owned(), ..url })
}

/// The base URL as far as steps care.
#[derive(Clone)]
pub(super) enum Target {
    Known(Url),
    /// The plan has none.
    Absent,
    /// The plan's is wrong, which was told already.
    Wrong,
}

/// Reads the URL of a step: absolute, or a path that is put behind the target.
pub(super) fn step(reader: &mut Reader, field: &Field<'_>, target: &Target) -> Option<Url> {
    let text = reader.template(field).map(|text| template::with_host(reader, text))?;
    let (text, made) = text.split_at(text.find("{{").unwrap_or(text.len()));
    if template::is_in_host(text) && !made.is_empty() {
        let mistake = reader.wrong(field, "wanted templates that vary behind the host only");
        mistake.help("write `http://host:port/{{ ... }}`");
        return None;
    }
    let url = before_templates(reader, field, text, target)?;
    if made.is_empty() {
        return Some(url);
    }
    let path = format!("{}{made}", url.path);
    checked_length(reader, field, &path)?;
    Some(Url { path, ..url })
}

/// Reads the part of a step's URL that is the same each time.
fn before_templates(reader: &mut Reader, field: &Field<'_>, text: &str, target: &Target) -> Option<Url> {
    if text.contains("://") && !text.starts_with(['/', '?']) {
        return parsed(reader, field, text);
    }
    if !text.starts_with('/') {
        let mistake = reader.wanted(field, "a path that begins with `/`, or a URL");
        let path = text.trim_start_matches(['.', '/']);
        mistake.help(format!("write {}", quoted(&format!("/{}", beginning(path)))));
        return None;
    }
    match target {
        // The path is checked even where the target is not known.
        Target::Wrong => parsed(reader, field, &format!("http://target{text}")).and(None),
        Target::Absent => {
            if !std::mem::replace(&mut reader.told_no_target, true) {
                let mistake = reader.wanted(field, "a URL, because the plan has no `target`");
                mistake.help("add `target: http://host:port` to the plan");
            }
            parsed(reader, field, &format!("http://target{text}")).and(None)
        }
        Target::Known(base) => parsed(reader, field, &format!("{base}{text}")),
    }
}

/// Reads the proxy, of which only host and port count.
pub(super) fn proxy(reader: &mut Reader, field: &Field<'_>) -> Option<Url> {
    let text = reader.text(field)?;
    let url = parsed(reader, field, &text)?;
    if url.tls || url.path != "/" {
        reader.wanted(field, "a proxy as `http://host:port`, or `none`");
        return None;
    }
    Some(url)
}

/// Reads a URL of a command line, where `http://` may be left out.
pub(super) fn typed(reader: &mut Reader, field: &Field<'_>) -> Option<Url> {
    let text = reader.text(field)?;
    match text.contains("://") {
        true => parsed(reader, field, &text),
        false => parsed(reader, field, &format!("http://{text}")),
    }
}

/// Appends parameters, percent-encoded.
pub(super) fn with_query(reader: &mut Reader, field: &Field<'_>, url: Url) -> Option<Url> {
    let query = pairs(reader, field, "%20")?;
    let separator = if url.path.contains('?') { '&' } else { '?' };
    let path = if query.is_empty() { url.path } else { format!("{}{separator}{query}", url.path) };
    checked_length(reader, field, &path)?;
    Some(Url { path, ..url })
}

/// The entries of `query` or `form` as `application/x-www-form-urlencoded`, with this in place of a space.
pub(super) fn pairs(reader: &mut Reader, field: &Field<'_>, space: &str) -> Option<String> {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', space);
    let mut pairs = Vec::new();
    let before = reader.mistakes.len();
    for (name, values) in reader.named(field) {
        if template::is_template(name) {
            reader.no_template(&values, name);
        }
        for value in reader.one_or_more(&values) {
            if let Some(value) = reader.template(&value) {
                pairs.push(format!("{}={}", encode(name), template::encoded(value, encode, "urlencode")));
            }
        }
    }
    (reader.mistakes.len() == before).then(|| pairs.join("&"))
}

fn parsed(reader: &mut Reader, field: &Field<'_>, text: &str) -> Option<Url> {
    if text.contains(|c: char| c.is_control()) || text.trim() != text {
        reader.wanted(field, "a URL without line breaks, and without space around it");
        return None;
    }
    let url = match url::Url::parse(text) {
        Ok(url) => url,
        Err(error) => {
            let mistake = reader.wrong(field, format!("wanted a URL, found {}: {error}", field.node.found()));
            mistake.help("write `http://host:port/path`");
            return None;
        }
    };
    let wrong = match &url {
        url if !matches!(url.scheme(), "http" | "https") => {
            let what = format!("{} is not supported by this version", quoted(&format!("{}:", url.scheme())));
            Some((what, "use `http://` or `https://`"))
        }
        url if !url.username().is_empty() || url.password().is_some() => {
            Some(("wanted a URL without user and password".to_owned(), "send an `authorization` header"))
        }
        url if url.fragment().is_some() => Some((
            "wanted a URL without `#`, because fragments are never sent".to_owned(),
            "write `%23` for a literal `#`",
        )),
        url if url.port() == Some(0) => {
            Some(("wanted a port from 1 to 65535, found 0".to_owned(), "leave the port out for the default"))
        }
        _ => None,
    };
    if let Some((message, help)) = wrong {
        reader.wrong(field, message).help(help);
        return None;
    }
    let host = match url.host()? {
        Host::Domain(name) => name.to_ascii_lowercase(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    };
    let path = url[Position::BeforePath..Position::AfterQuery].to_owned();
    checked_length(reader, field, &path)?;
    Some(Url { tls: url.scheme() == "https", host, port: url.port_or_known_default()?, path })
}

fn checked_length(reader: &mut Reader, field: &Field<'_>, path: &str) -> Option<()> {
    if path.len() <= PATH_BYTES_MAX {
        return Some(());
    }
    reader.wrong(field, format!("wanted a path and query of at most {PATH_BYTES_MAX} bytes, found {}", path.len()));
    None
}
