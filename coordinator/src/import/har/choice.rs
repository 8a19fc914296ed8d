//! Which requests of a recording a load test repeats.

use std::collections::HashMap;

use url::Url;

use super::HarOptions;
use crate::import::body::essence;
use crate::import::json::Json;
use crate::import::notes::Notes;

/// What decides.
pub(super) struct Choice {
    options: HarOptions,
    /// The host whose site was visited.
    host: Option<String>,
}

impl Choice {
    /// The site is the first page's, or else that of the most requests.
    pub(super) fn of<'h>(entries: impl Iterator<Item = &'h Json> + Clone, options: HarOptions) -> Self {
        let page = entries.clone().find(|entry| mime_type(entry) == "text/html" && status(entry) != 0);
        let host = page.and_then(host).or_else(|| most_frequent(entries.filter_map(host)));
        Self { options, host }
    }

    /// Whether an entry becomes a request. If not, a note says why.
    pub(super) fn admits(&self, entry: &Json, notes: &mut Notes) -> bool {
        let Some(url) = url(entry) else {
            notes.add("entries without a URL are left out");
            return false;
        };
        let shown = format!("{}{}", url.host_str().unwrap_or_default(), url.path());
        let is_http = matches!(url.scheme(), "http" | "https");
        if !is_http || status(entry) == 101 || entry.text_of("_resourceType") == Some("websocket") {
            let scheme = if is_http { "websocket" } else { url.scheme() };
            notes.add_of("what is no HTTP request is left out", scheme);
            return false;
        }
        if !self.options.all_origins && !self.is_of_the_site(url.host_str()) {
            let origin = url.origin().ascii_serialization();
            notes.add_of("requests to other sites are left out (--all-origins keeps them)", &origin);
            return false;
        }
        if !self.options.assets && is_asset(entry, &url) {
            notes.add_of("images, fonts, styles and scripts are left out (--assets keeps them)", &shown);
            return false;
        }
        if status(entry) == 0 {
            notes.add_of("requests that got no response are left out", &shown);
            return false;
        }
        true
    }

    /// Whether a host is that of the site, or has a name under it.
    fn is_of_the_site(&self, host: Option<&str>) -> bool {
        let (Some(site), Some(host)) = (&self.host, host) else { return true };
        let domain = site.strip_prefix("www.").unwrap_or(site);
        host == site || host == domain || host.strip_suffix(domain).is_some_and(|under| under.ends_with('.'))
    }
}

fn url(entry: &Json) -> Option<Url> {
    Url::parse(entry.at(&["request", "url"]).text()?).ok()
}

fn host(entry: &Json) -> Option<String> {
    let url = url(entry).filter(|url| matches!(url.scheme(), "http" | "https"))?;
    url.host_str().map(str::to_owned)
}

/// The most frequent of several, the first of those that are.
fn most_frequent(hosts: impl Iterator<Item = String>) -> Option<String> {
    let hosts: Vec<String> = hosts.collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    hosts.iter().for_each(|host| *counts.entry(host).or_default() += 1);
    let most = counts.values().max()?;
    hosts.iter().find(|host| counts[host.as_str()] == *most).cloned()
}

/// The status of an entry's response, 0 if there was none.
pub(super) fn status(entry: &Json) -> u64 {
    entry.at(&["response", "status"]).whole().unwrap_or_default()
}

fn mime_type(entry: &Json) -> String {
    essence(entry.at(&["response", "content", "mimeType"]).text().unwrap_or_default())
}

/// Whether an entry is a part of a page that any cache would serve.
fn is_asset(entry: &Json, url: &Url) -> bool {
    const RESOURCES: [&str; 7] = ["image", "font", "stylesheet", "script", "media", "manifest", "texttrack"];
    const KINDS: [&str; 4] = ["image/", "font/", "audio/", "video/"];
    const TYPES: [&str; 6] = [
        "text/css",
        "text/javascript",
        "application/javascript",
        "application/x-javascript",
        "application/ecmascript",
        "application/manifest+json",
    ];
    const ENDINGS: [&str; 20] = [
        "avif", "css", "eot", "gif", "ico", "jpeg", "jpg", "js", "map", "mjs", "mp3", "mp4", "otf", "png", "svg",
        "ttf", "webm", "webp", "woff", "woff2",
    ];
    let is_get = entry.at(&["request", "method"]).text().is_none_or(|method| method.eq_ignore_ascii_case("GET"));
    let mime_type = mime_type(entry);
    let ending = url.path().rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    is_get
        && (entry.text_of("_resourceType").is_some_and(|resource| RESOURCES.contains(&resource))
            || KINDS.iter().any(|kind| mime_type.starts_with(kind))
            || TYPES.contains(&mime_type.as_str())
            || ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str())))
}
