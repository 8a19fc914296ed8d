//! AWS Signature Version 4: header fields by which a service knows whose request it is, and that nobody has changed it.
//!
//! Written from its public description; every text is in the form in which it stands there.

use std::time::{SystemTime, UNIX_EPOCH};

use ring::digest::{SHA256, digest};
use ring::hmac::{HMAC_SHA256, Key, sign};

use super::template::hex_of;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The field that tells the hash of the body, where a service wants it.
const CONTENT_HASH: &str = "x-amz-content-sha256";
/// Fields that are not signed: others may change them on the way, or they are filled in later.
const UNSIGNED: [&str; 8] = [
    "authorization",
    "connection",
    "content-length",
    "expect",
    "transfer-encoding",
    "user-agent",
    "x-amzn-trace-id",
    "x-request-id",
];

/// Who signs, and for which service.
pub(super) struct Signer {
    pub(super) region: String,
    pub(super) service: String,
    pub(super) access_key: String,
    pub(super) secret_key: String,
    pub(super) session_token: Option<String>,
}

/// A request as it goes out.
pub(super) struct Outgoing<'a> {
    pub(super) method: &'a str,
    /// As it stands in the request line.
    pub(super) path_and_query: &'a str,
    /// Names and values, in any order.
    pub(super) headers: Vec<(String, &'a str)>,
    pub(super) body: &'a [u8],
}

impl<'a> Outgoing<'a> {
    /// Reads what is about to be written.
    pub(super) fn of(head: &'a str, body: &'a [u8]) -> Self {
        let mut lines = head.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        // A proxy is told the whole URL.
        let path_and_query = match target.split_once("://") {
            Some((_, rest)) if !target.starts_with('/') => rest.find('/').map_or("/", |at| &rest[at..]),
            _ => target,
        };
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        Self { method, path_and_query, headers, body }
    }
}

impl Signer {
    /// The header fields to add to a request that is sent now.
    pub(super) fn fields(&self, request: &Outgoing<'_>) -> Vec<(&'static str, String)> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.fields_at(request, since.as_secs())
    }

    /// The same at a moment, in seconds since 1970.
    fn fields_at(&self, request: &Outgoing<'_>, unix_s: u64) -> Vec<(&'static str, String)> {
        let stamp = stamp(unix_s);
        let day = &stamp[..8];
        let given = request.headers.iter().find(|(name, _)| name == CONTENT_HASH);
        let content = given.map_or_else(|| hash(request.body), |(_, value)| value.trim().to_owned());
        let mut fields = vec![("x-amz-date", stamp.clone())];
        if self.is_s3() && given.is_none() {
            fields.push((CONTENT_HASH, content.clone()));
        }
        fields.extend(self.session_token.clone().map(|token| ("x-amz-security-token", token)));
        let (signed_names, headers) = canonical_headers(request, &fields);
        let (path, query) = request.path_and_query.split_once('?').unwrap_or((request.path_and_query, ""));
        let canonical = format!(
            "{}\n{}\n{}\n{headers}\n{signed_names}\n{content}",
            request.method,
            self.canonical_path(path),
            canonical_query(query),
        );
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let to_sign = format!("{ALGORITHM}\n{stamp}\n{scope}\n{}", hash(canonical.as_bytes()));
        let first = hmac(format!("AWS4{}", self.secret_key).as_bytes(), day.as_bytes());
        let key =
            [&self.region, &self.service, "aws4_request"].iter().fold(first, |key, text| hmac(&key, text.as_bytes()));
        let signature = hex_of(&hmac(&key, to_sign.as_bytes()));
        let credential = format!("{}/{scope}", self.access_key);
        let authorization =
            format!("{ALGORITHM} Credential={credential}, SignedHeaders={signed_names}, Signature={signature}");
        fields.push(("authorization", authorization));
        fields
    }

    fn is_s3(&self) -> bool {
        matches!(self.service.as_str(), "s3" | "s3-object-lambda" | "s3-outposts")
    }

    /// The path in normal form, and encoded once more; that of an object is what it is.
    fn canonical_path(&self, path: &str) -> String {
        if self.is_s3() {
            return encoded(&decoded(path), true);
        }
        let mut segments: Vec<&str> = Vec::new();
        for segment in path.split('/') {
            match segment {
                "" | "." => {}
                ".." => _ = segments.pop(),
                segment => segments.push(segment),
            }
        }
        let end = if path.ends_with('/') && !segments.is_empty() { "/" } else { "" };
        encoded(format!("/{}{end}", segments.join("/")).as_bytes(), true)
    }
}

/// The names of the fields that are signed, and the fields.
fn canonical_headers(request: &Outgoing<'_>, added: &[(&'static str, String)]) -> (String, String) {
    let mut fields: Vec<(&str, String)> = Vec::new();
    let given = request.headers.iter().map(|(name, value)| (name.as_str(), *value));
    for (name, value) in given.chain(added.iter().map(|(name, value)| (*name, value.as_str()))) {
        let value = value.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        match fields.iter_mut().find(|(known, _)| *known == name) {
            _ if UNSIGNED.contains(&name) => {}
            Some((_, values)) => *values = format!("{values},{value}"),
            None => fields.push((name, value)),
        }
    }
    fields.sort();
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    (names.join(";"), fields.iter().map(|(name, value)| format!("{name}:{value}\n")).collect())
}

/// The parameters in the order of their names, each encoded in the one way.
fn canonical_query(query: &str) -> String {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<(String, String)> = pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| [name, value].map(|text| encoded(&decoded(&text.replace('+', "%20")), false)))
        .map(|[name, value]| (name, value))
        .collect();
    pairs.sort();
    pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// The bytes that a text stands for in which some are percent-encoded.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let digits = behind.get(..2).filter(|digits| *first == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        let code = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &behind[2..] } else { behind };
    }
    bytes
}

/// Percent-encodes all but what RFC 3986 leaves unreserved, and slashes if they stand between segments.
fn encoded(bytes: &[u8], slashes: bool) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(char::from(*byte)),
            b'/' if slashes => text.push('/'),
            byte => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

fn hash(bytes: &[u8]) -> String {
    hex_of(digest(&SHA256, bytes).as_ref())
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    sign(&Key::new(HMAC_SHA256, key), text).as_ref().to_vec()
}

/// A moment as `20150830T123600Z`, by the proleptic Gregorian calendar.
fn stamp(unix_s: u64) -> String {
    let (days, second) = (unix_s / 86_400 + 719_468, unix_s % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months are counted from March, so that the day that may be missing is the last of all.
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = 400 * era + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The moment of the published vectors.
    const AT: u64 = 1_440_938_160;

    fn signer(service: &str) -> Signer {
        Signer {
            region: "us-east-1".to_owned(),
            service: service.to_owned(),
            access_key: "AKIDEXAMPLE".to_owned(),
            secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            session_token: None,
        }
    }

    fn authorization(signer: &Signer, head: &str, body: &[u8]) -> String {
        let fields = signer.fields_at(&Outgoing::of(head, body), AT);
        fields.into_iter().find(|(name, _)| *name == "authorization").unwrap().1
    }

    fn signature(head: &str, body: &str) -> String {
        let authorization = authorization(&signer("service"), head, body.as_bytes());
        authorization.rsplit('=').next().unwrap().to_owned()
    }

    #[test]
    fn a_moment_has_its_day() {
        assert_eq!(stamp(0), "19700101T000000Z");
        assert_eq!(stamp(AT), "20150830T123600Z");
        assert_eq!(stamp(951_782_399), "20000228T235959Z");
        assert_eq!(stamp(951_782_400), "20000229T000000Z");
        assert_eq!(stamp(4_107_542_400), "21000301T000000Z");
    }

    #[test]
    fn the_published_vectors_are_signed_as_published() {
        const HOST: &str = "Host:example.amazonaws.com";
        let whole = authorization(&signer("service"), &format!("GET / HTTP/1.1\r\n{HOST}\r\n\r\n"), b"");
        assert_eq!(
            whole,
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
        let unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let unreserved_query = format!("/?{unreserved}={unreserved}");
        for (method, path, signed) in [
            ("GET", "/?Param1=value1", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"),
            (
                "GET",
                "/?Param2=value2&Param1=value1",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            ("GET", &unreserved_query, "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"),
            ("GET", "/?\u{1234}=bar", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"),
            ("GET", &format!("/{unreserved}"), "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"),
            ("GET", "/\u{1234}", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
            ("GET", "/example/..", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            ("GET", "/./", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            ("GET", "//", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            ("POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ] {
            assert_eq!(
                signature(&format!("{method} {path} HTTP/1.1\r\n{HOST}\r\n\r\n"), ""),
                signed,
                "{method} {path}"
            );
        }
        let trimmed = format!("GET / HTTP/1.1\r\n{HOST}\r\nMy-Header1: value1\r\nMy-Header2: \"a   b   c\"\r\n\r\n");
        assert_eq!(signature(&trimmed, ""), "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
        let twice =
            format!("GET / HTTP/1.1\r\n{HOST}\r\nMy-Header1:value2\r\nMy-Header1:value2\r\nMy-Header1:value1\r\n\r\n");
        assert_eq!(signature(&twice, ""), "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea");
        let form = format!("POST / HTTP/1.1\r\nContent-Type:application/x-www-form-urlencoded\r\n{HOST}\r\n\r\n");
        assert_eq!(
            signature(&form, "Param1=value1"),
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
        );
    }

    /// What is odd about a request is signed as another implementation of the specification signs it.
    #[test]
    fn odd_requests_are_signed_as_others_sign_them() {
        let mut temporary = signer("execute-api");
        temporary.session_token = Some("tok/en+1==".to_owned());
        for (signer, head, body, signed) in [
            (
                signer("service"),
                "POST /a//b/../c%20d/?b=2&a=1&a=0&x=%C3%BC&y= HTTP/1.1\r\nhost: example.amazonaws.com\r\nuser-agent: x\r\n\
                 accept: */*\r\ncontent-length: 7\r\ncontent-type: application/json\r\nx-made: a   b\r\n\r\n",
                &b"{\"a\":1}"[..],
                "accept;content-type;host;x-amz-date;x-made, \
                 Signature=d166c6d78dc22505a0422b2b869a9c86d63bd4faed2151244cf6842931cbf735",
            ),
            (
                signer("s3"),
                "PUT http://example.amazonaws.com/a//b/../c%20d/(x)?prefix=a/b&list-type=2 HTTP/1.1\r\n\
                 host: example.amazonaws.com\r\naccept: */*\r\n\r\n",
                b"\0\xff body",
                "accept;host;x-amz-content-sha256;x-amz-date, \
                 Signature=affe8909b7eb28b0c4b6e155540caae07529bfe60723d15fbe30339f662419a6",
            ),
            (
                temporary,
                "GET /prod/x%2Fy HTTP/1.1\r\nhost: example.amazonaws.com\r\naccept: */*\r\n\r\n",
                b"",
                "accept;host;x-amz-date;x-amz-security-token, \
                 Signature=9ef719f581fa402f9d5d336f9ac7b99a5d51f14ab0573bf0198cfaab2257d75a",
            ),
        ] {
            let authorization = authorization(&signer, head, body);
            assert_eq!(authorization.split_once("SignedHeaders=").map(|(_, rest)| rest), Some(signed), "{head}");
        }
    }
}
