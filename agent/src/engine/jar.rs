//! The cookies of an iteration (RFC 6265).

use cookie_store::CookieStore;
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

    /// Keeps what a response sets that came from this URL. A cookie that cannot be understood is none.
    pub(super) fn keep(&mut self, url: &Url, response: &Kept) {
        let cookies = response.header("set-cookie").filter(|cookie| cookie.len() <= COOKIE_BYTES_MAX);
        let mut cookies = cookies.filter(|cookie| !cookie.bytes().any(|byte| byte.is_ascii_control())).peekable();
        if cookies.peek().is_none() {
            return;
        }
        let Ok(url) = url::Url::parse(&url.to_string()) else { return };
        let store = self.store.get_or_insert_default();
        for cookie in cookies.take(COOKIES_MAX - self.kept) {
            self.kept += usize::from(store.parse(cookie, &url).is_ok());
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
