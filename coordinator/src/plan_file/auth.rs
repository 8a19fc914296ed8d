//! Who a request says it comes from.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use muster_proto::plan::{Auth, Aws};

use super::headers::{self, Headers};
use super::keys::{AUTH, AWS, BASIC};
use super::reader::{Field, Reader};
use super::template;

/// Who a request says it comes from.
pub(super) enum Who {
    /// What goes into its `authorization`.
    Header(String),
    /// What is found out when it is sent.
    Auth(Auth),
}

/// Adds to header fields who they come from, unless they say so themselves; gives back what is found out later.
pub(super) fn add(headers: &mut Headers, who: Option<Who>) -> Option<Auth> {
    let is_said = headers.iter().any(|(name, _)| name == "authorization");
    match who.filter(|_| !is_said)? {
        Who::Header(value) => {
            headers::set_default(headers, "authorization", &value);
            None
        }
        Who::Auth(auth) => Some(auth),
    }
}

/// Reads `auth`.
pub(super) fn read(reader: &mut Reader, field: &Field<'_>) -> Option<Who> {
    let fields = reader.open(field, &AUTH)?;
    let ways: Vec<&str> = fields.names().collect();
    let [way] = ways[..] else {
        let mistake = reader.at_key(field, "wanted one way to say who it is");
        mistake.help("write `{ bearer: TOKEN }`, or `{ basic: { user: NAME, password: WORD } }`");
        return None;
    };
    let field = fields.get(way)?;
    match way {
        "basic" => basic(reader, &field).map(Who::Header),
        "bearer" => reader.template(&field).map(|token| Who::Header(format!("Bearer {token}"))),
        _ => aws(reader, &field).map(|aws| Who::Auth(Auth::Aws(Box::new(aws)))),
    }
}

/// A name and a password (RFC 7617), which may be templates.
fn basic(reader: &mut Reader, field: &Field<'_>) -> Option<String> {
    let fields = reader.open(field, &BASIC)?;
    let user = fields.get("user").and_then(|field| reader.template(&field));
    let password = fields.get("password").and_then(|field| reader.template(&field));
    let (user, password) = (user?, password?);
    if user.contains(':') {
        let field = fields.get("user")?;
        reader.wrong(&field, "a name with `:` in it cannot be told from its password");
        return None;
    }
    let both = format!("{user}:{password}");
    Some(match template::is_template(&both) {
        true => format!("Basic {{{{ ({}) | base64 }}}}", template::to_expression(&both)),
        false => format!("Basic {}", STANDARD.encode(both)),
    })
}

/// Keys of AWS, which may be templates.
fn aws(reader: &mut Reader, field: &Field<'_>) -> Option<Aws> {
    let fields = reader.open(field, &AWS)?;
    let mut text = |name: &str| fields.get(name).and_then(|field| reader.template(&field)).map(str::to_owned);
    let [region, service, access_key, secret_key, session_token] =
        ["region", "service", "access_key", "secret_key", "session_token"].map(&mut text);
    if fields.get("session_token").is_some() && session_token.is_none() {
        return None;
    }
    Some(Aws { region: region?, service: service?, access_key: access_key?, secret_key: secret_key?, session_token })
}
