//! Where the operations of a description are served.

use crate::import::address::ORIGIN_DEFAULT;
use crate::import::json::Json;
use crate::import::notes::Notes;

/// The URL before every path, without a slash at its end.
pub(super) fn base(root: &Json, notes: &mut Notes) -> String {
    let server = root.get("servers").items().first();
    let url = server.map(with_defaults).unwrap_or_default();
    let is_absolute = url.starts_with("http://") || url.starts_with("https://");
    let base = if is_absolute {
        url
    } else {
        notes.add_of("the description names no host: set `target`, in place of", ORIGIN_DEFAULT);
        let path = url.trim_start_matches('/');
        if path.is_empty() || path.contains("://") {
            ORIGIN_DEFAULT.to_owned()
        } else {
            format!("{ORIGIN_DEFAULT}/{path}")
        }
    };
    base.trim_end_matches('/').to_owned()
}

/// A server's URL with the default of each of its variables.
fn with_defaults(server: &Json) -> String {
    let mut url = server.text_of("url").unwrap_or_default().to_owned();
    for (name, variable) in server.get("variables").entries() {
        let default = variable.get("default").scalar().unwrap_or_default();
        url = url.replace(&format!("{{{name}}}"), &default);
    }
    url
}
