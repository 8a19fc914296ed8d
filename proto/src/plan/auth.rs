//! Who requests say they come from, where that is found out when they are sent.

use std::fmt;

use super::Url;

/// Who a request says it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// It is signed for a service of AWS (Signature Version 4).
    Aws(Box<Aws>),
    /// It carries the token from this place among the plan's.
    Token(u16),
}

/// The most places from which a plan's tokens come.
pub const TOKENS_MAX: usize = 100;

/// Where tokens come from: a grant of client credentials (RFC 6749, 4.4). Its texts may be templates, which are the same for
/// all that an agent does.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenSource {
    /// Where tokens are given.
    pub url: Url,
    /// Who asks.
    pub client_id: String,
    /// What proves it.
    pub client_secret: String,
    /// What for.
    pub scope: Option<String>,
    /// For whom.
    pub audience: Option<String>,
    /// Whether the client says who it is in the body, rather than by its `authorization`.
    pub in_body: bool,
}

impl fmt::Debug for TokenSource {
    /// Leaves the secret out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource").field("url", &self.url.host).field("scope", &self.scope).finish_non_exhaustive()
    }
}

impl TokenSource {
    /// How much its texts take, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let texts = [&self.url.host, &self.url.path, &self.client_id, &self.client_secret];
        texts.into_iter().chain(&self.scope).chain(&self.audience).map(String::len).sum()
    }
}

/// Keys of AWS, and what they are for. Each text may be a template.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Aws {
    /// The region, such as `eu-central-1`.
    pub region: String,
    /// The service, such as `execute-api`.
    pub service: String,
    /// The key by which the signer is known.
    pub access_key: String,
    /// The key that signs.
    pub secret_key: String,
    /// The token of keys that last for a time only.
    pub session_token: Option<String>,
}

impl fmt::Debug for Aws {
    /// Leaves the keys out, so that no log or panic can tell them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").field("region", &self.region).field("service", &self.service).finish_non_exhaustive()
    }
}

impl Auth {
    /// How much its texts take, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let Self::Aws(aws) = self else { return 0 };
        let texts = [&aws.region, &aws.service, &aws.access_key, &aws.secret_key];
        texts.into_iter().chain(&aws.session_token).map(String::len).sum()
    }
}
