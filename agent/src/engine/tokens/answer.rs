//! What is answered to whoever asks for a token (RFC 6749, 5).

use std::time::Duration;

use serde_json::Value;

/// How long a token is taken to last that does not say.
const LIFE_UNSAID: Duration = Duration::from_secs(300);
/// The longest life that is counted on.
const LIFE_MAX: Duration = Duration::from_secs(24 * 3600);
/// The longest token, in bytes.
const TOKEN_BYTES_MAX: usize = 8 << 10;
/// The longest reason, in characters.
const REASON_CHARS_MAX: usize = 200;

/// A token.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// What requests carry.
    pub(super) authorization: String,
    /// How long it lasts from when it was given.
    pub(super) life: Duration,
}

/// Why there is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) reason: String,
    /// Whether it may be given when it is asked for again.
    pub(super) may_pass: bool,
}

/// Reads an answer with this status.
pub(super) fn read(status: u16, body: &[u8]) -> Result<Token, Refused> {
    let refused = |reason: String| Refused { reason: shown(&reason), may_pass: status >= 500 || status == 429 };
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| json.get(name).and_then(Value::as_str);
    if !(200..300).contains(&status) {
        let told = [text("error"), text("error_description")].into_iter().flatten();
        let words = told.fold(format!("status {status}"), |words, told| format!("{words}: {told}"));
        return Err(refused(words));
    }
    let Some(token) = text("access_token") else {
        return Err(refused(format!("status {status}, but no JSON with an `access_token`")));
    };
    if token.is_empty() || token.len() > TOKEN_BYTES_MAX || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(refused("its `access_token` cannot be sent in a header field".to_owned()));
    }
    if let Some(kind) = text("token_type").filter(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(refused(format!("wanted a bearer token, got one of the type `{kind}`")));
    }
    // Some give the number as a text.
    let seconds = json.get("expires_in").and_then(|value| value.as_f64().or_else(|| value.as_str()?.parse().ok()));
    let life = seconds.map_or(LIFE_UNSAID, |seconds| {
        Duration::try_from_secs_f64(seconds.max(0.0)).map_or(LIFE_MAX, |life| life.min(LIFE_MAX))
    });
    Ok(Token { authorization: format!("Bearer {token}"), life })
}

/// A stranger's text, short and without what a terminal would obey.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lasts_as_long_as_it_says() {
        let life =
            |rest: &str| read(200, format!("{{\"access_token\": \"t0k\"{rest}}}").as_bytes()).map(|token| token.life);
        assert_eq!(life(", \"expires_in\": 2.5, \"token_type\": \"bearer\""), Ok(Duration::from_millis(2_500)));
        assert_eq!(life(", \"expires_in\": \"60\""), Ok(Duration::from_secs(60)));
        assert_eq!(life(""), Ok(LIFE_UNSAID));
        assert_eq!(life(", \"expires_in\": -1"), Ok(Duration::ZERO));
        assert_eq!(life(", \"expires_in\": 1e300"), Ok(LIFE_MAX));
    }

    #[test]
    fn why_there_is_none_is_told_in_short() {
        let refused =
            |status, body: &str| read(status, body.as_bytes()).map_err(|refused| (refused.reason, refused.may_pass));
        let told = |reason: &str, may_pass| Err((reason.to_owned(), may_pass));
        let error = r#"{"error": "invalid_client", "error_description": "no\nsuch"}"#;
        assert_eq!(refused(401, error), told("status 401: invalid_client: no such", false));
        assert_eq!(refused(503, "<html>"), told("status 503", true));
        assert_eq!(refused(200, "{}"), told("status 200, but no JSON with an `access_token`", false));
        assert!(refused(200, r#"{"access_token": "a\r\nb: c"}"#).is_err());
        let mac = r#"{"access_token": "a", "token_type": "mac"}"#;
        assert_eq!(refused(200, mac), told("wanted a bearer token, got one of the type `mac`", false));
        let long = format!(r#"{{"error": "{}"}}"#, "x".repeat(9_000));
        assert_eq!(refused(400, &long).unwrap_err().0.len(), REASON_CHARS_MAX);
    }
}
