//! Who requests say they come from, where that is found out when they are sent.

use std::fmt;

/// Who a request says it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// It is signed for a service of AWS (Signature Version 4).
    Aws(Box<Aws>),
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
        let Self::Aws(aws) = self;
        let texts = [&aws.region, &aws.service, &aws.access_key, &aws.secret_key];
        texts.into_iter().chain(&aws.session_token).map(String::len).sum()
    }
}
