//! The cookies of an iteration (RFC 6265).

use cookie_store::{Cookie, CookieStore};
use muster_proto::plan::Url;

use super::transport::Kept;

/// The most cookies that are kept in an iteration; further ones are left out.
const COOKIES_MAX: usize = 300;
/// The longest cookie that is kept, attributes included, in bytes.
const COOKIE_BYTES_MAX: usize = 4_096;

/// Cookies that targets have set. Takes no memory to speak of while there is none.
#[derive(Default)]
pub(super) struct Jar {
    store: Option<Box<CookieStore>>,
    kept: usize,
}

impl Jar {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        (self.store, self.kept) = (None, 0);
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.store.is_none()
    }

    /// Whether a response sets any.
    pub(super) fn is_set_by(response: &Kept) -> bool {
        response.header("set-cookie").next().is_some()
    }

    /// Keeps what a response sets that came from this URL. A cookie that cannot be understood is none.
    pub(super) fn keep(&mut self, url: &Url, response: &Kept) {
        let cookies = response.header("set-cookie").filter(|cookie| cookie.len() <= COOKIE_BYTES_MAX);
        let cookies = cookies.filter(|cookie| !cookie.bytes().any(|byte| byte.is_ascii_control()));
        let Ok(url) = url::Url::parse(&url.to_string()) else { return };
        let store = self.store.get_or_insert_default();
        for cookie in cookies.filter_map(|cookie| Cookie::parse(cookie, &url).ok()) {
            let is_known = store.contains_any(&String::from(&cookie.domain), &cookie.path, cookie.name());
            if is_known || self.kept < COOKIES_MAX {
                let is_kept = store.insert(cookie.into_owned(), &url).is_ok();
                self.kept += usize::from(is_kept && !is_known);
            }
        }
    }

    /// What a request to this URL says of them; nothing if there is nothing to say.
    pub(super) fn field(&self, url: &Url) -> Option<String> {
        let store = self.store.as_ref()?;
        let url = url::Url::parse(&url.to_string()).ok()?;
        let pairs: Vec<String> =
            store.get_request_values(&url).map(|(name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(host: &str, path: &str) -> Url {
        Url { tls: false, host: host.to_owned(), port: 8080, path: path.to_owned() }
    }

    fn setting(cookies: &[&str]) -> Kept {
        let lines: Vec<String> = cookies.iter().map(|cookie| format!("Set-Cookie: {cookie}\r\n")).collect();
        Kept { head: format!("HTTP/1.1 200 OK\r\n{}\r\n", lines.concat()).into_bytes(), body: Vec::new() }
    }

    #[test]
    fn cookies_go_back_to_where_they_came_from() {
        let mut jar = Jar::default();
        jar.keep(
            &at("127.0.0.1", "/login"),
            &setting(&["sid=a=b; Path=/; HttpOnly", "deep=1; Path=/admin", "far=1; Domain=other.test"]),
        );
        assert_eq!(jar.field(&at("127.0.0.1", "/x?q")).as_deref(), Some("sid=a=b"));
        let mut deep: Vec<String> =
            jar.field(&at("127.0.0.1", "/admin/x")).unwrap().split("; ").map(str::to_owned).collect();
        deep.sort();
        assert_eq!(deep, ["deep=1", "sid=a=b"]);
        assert_eq!(jar.field(&at("localhost", "/")), None);
        jar.keep(&at("127.0.0.1", "/"), &setting(&["sid=; Path=/; Max-Age=0"]));
        assert_eq!(jar.field(&at("127.0.0.1", "/x")), None, "taken back");
        jar.keep(&at("127.0.0.1", "/"), &setting(&["new=1"]));
        jar.clear();
        assert_eq!(jar.field(&at("127.0.0.1", "/")), None);
    }

    #[test]
    fn no_target_fills_the_jar_without_end() {
        let mut jar = Jar::default();
        for round in 0..1_000 {
            jar.keep(&at("127.0.0.1", "/"), &setting(&[&format!("c{round}=1"), &"x".repeat(COOKIE_BYTES_MAX + 1)]));
        }
        assert_eq!(jar.field(&at("127.0.0.1", "/")).unwrap().split("; ").count(), COOKIES_MAX);
    }

    #[test]
    fn a_cookie_can_be_set_again_however_often() {
        let mut jar = Jar::default();
        for round in 0..2 * COOKIES_MAX {
            jar.keep(&at("127.0.0.1", "/"), &setting(&[&format!("sid={round}")]));
        }
        let last = 2 * COOKIES_MAX - 1;
        assert_eq!(jar.field(&at("127.0.0.1", "/")), Some(format!("sid={last}")));
        for round in 0..COOKIES_MAX {
            jar.keep(&at("127.0.0.1", "/"), &setting(&[&format!("c{round}=1")]));
        }
        jar.keep(&at("127.0.0.1", "/"), &setting(&["sid=again"]));
        let field = jar.field(&at("127.0.0.1", "/")).unwrap();
        assert!(field.split("; ").any(|pair| pair == "sid=again"), "{field}");
        assert_eq!(field.split("; ").count(), COOKIES_MAX);
    }

    proptest! {
        #[test]
        fn no_cookie_does_harm(cookie in "[ -~é]{0,60}", path in "[ -~]{0,20}") {
            let mut jar = Jar::default();
            jar.keep(&at("127.0.0.1", "/"), &setting(&[&cookie]));
            let field = jar.field(&at("127.0.0.1", &format!("/{path}"))).unwrap_or_default();
            prop_assert!(!field.bytes().any(|byte| byte.is_ascii_control()));
        }
    }
}
