//! Who a request says it comes from.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use muster_agent::engine::template::Names;
use muster_proto::plan::{Auth, Aws, TOKENS_MAX, TokenSource};

use super::headers::{self, Headers};
use super::keys::{AUTH, AWS, BASIC, OAUTH2};
use super::reader::{Field, Reader};
use super::template;
use super::url::{self, Target};

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
pub(super) fn read(reader: &mut Reader, field: &Field<'_>, target: &Target) -> Option<Who> {
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
        "oauth2" => token(reader, &field, target).map(|place| Who::Auth(Auth::Token(place))),
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

/// The place from which a token comes, among all of the plan: who asks for the same at the same has the same.
fn token(reader: &mut Reader, field: &Field<'_>, target: &Target) -> Option<u16> {
    let fields = reader.open(field, &OAUTH2)?;
    let before = reader.mistakes.len();
    let url = fields.get("token").and_then(|field| {
        let url = url::step(reader, &field, target)?;
        if template::is_template(&url.path) {
            reader.no_template(&field, &url.path);
            return None;
        }
        Some(url)
    });
    // A token is not any iteration's, so it can depend on nothing that an iteration finds out.
    let of_all = Names::new(reader.vars.clone(), []);
    let names = std::mem::replace(&mut reader.names, of_all);
    let mut text = |name: &str| fields.get(name).and_then(|field| reader.template(&field)).map(str::to_owned);
    let [client_id, client_secret, scope, audience] =
        ["client_id", "client_secret", "scope", "audience"].map(&mut text);
    reader.names = names;
    let in_body = fields.get("client").and_then(|field| reader.choice(&field)) == Some("body");
    if reader.mistakes.len() > before {
        return None;
    }
    let source =
        TokenSource { url: url?, client_id: client_id?, client_secret: client_secret?, scope, audience, in_body };
    if let Some(place) = reader.tokens.iter().position(|known| *known == source) {
        return Some(place as u16);
    }
    if reader.tokens.len() == TOKENS_MAX {
        reader.at_key(field, format!("wanted tokens from at most {TOKENS_MAX} places, found more"));
        return None;
    }
    reader.plan_bytes += source.bytes() + 32;
    reader.tokens.push(source);
    Some(reader.tokens.len() as u16 - 1)
}
