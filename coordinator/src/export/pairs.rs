//! Names with values as the environment has them: `name=value,name=value`, values percent-encoded.

/// All of them, or the number of the first that is none. It is not told itself, for it may be a secret.
pub(super) fn pairs(text: &str) -> Result<Vec<(&str, String)>, String> {
    let each = text.split(',').map(str::trim).enumerate().filter(|(_, pair)| !pair.is_empty());
    let read = each.map(|(number, pair)| match pair.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim(), unescaped(value.trim()))),
        _ => Err(wrong(number)),
    });
    read.collect()
}

/// What is wrong with the pair of this number, counted from 0.
pub(super) fn wrong(number: usize) -> String {
    format!("wanted name=value,name=value, and number {} is something else", number + 1)
}

/// A plus is a plus here, as it is in base64.
fn unescaped(value: &str) -> String {
    let value = value.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(value.as_bytes()).map(|(text, _)| text.into_owned()).collect()
}
