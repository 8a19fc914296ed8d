//! A query's keys and values.

/// The pairs of a query, decoded. A key without `=` has an empty value; empty pairs are left out.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(key), decode(value))
    })
}

/// Undoes percent-encoding. What is not properly encoded stays as it is.
fn decode(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        match (byte, tail) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                decoded.push(hex(*high) << 4 | hex(*low));
                rest = after;
            }
            _ => {
                decoded.push(*byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex(digit: u8) -> u8 {
    (digit as char).to_digit(16).unwrap_or(0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_and_survive_nonsense() {
        let found: Vec<_> = pairs("a=1%202&b&&c=%zz%4&d=x=y&%").collect();
        let wanted = [("a", "1 2"), ("b", ""), ("c", "%zz%4"), ("d", "x=y"), ("%", "")];
        assert!(found.iter().map(|(key, value)| (&**key, &**value)).eq(wanted), "{found:?}");
    }
}
