//! Who a request says it comes from.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::keys::{AUTH, BASIC};
use super::reader::{Field, Reader};
use super::template;

/// Reads what goes into the `authorization` header field.
pub(super) fn read(reader: &mut Reader, field: &Field<'_>) -> Option<String> {
    let fields = reader.open(field, &AUTH)?;
    match (fields.get("basic"), fields.get("bearer")) {
        (Some(basic), None) => self::basic(reader, &basic),
        (None, Some(bearer)) => reader.template(&bearer).map(|token| format!("Bearer {token}")),
        _ => {
            let mistake = reader.at_key(field, "wanted one way to say who it is");
            mistake.help("write `{ bearer: TOKEN }`, or `{ basic: { user: NAME, password: WORD } }`");
            None
        }
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
