//! `-F` and `--form-string`: parts of a body.

use crate::import::notes::Notes;
use crate::import::parts::Found;
use crate::import::text::Text;

/// Adds a part that is written as `name=content`, `name=content;type=KIND`, or with `@` or `<` before a file.
pub(super) fn add(found: &mut Found, text: &str, files: bool, notes: &mut Notes) {
    let Some((name, value)) = text.split_once('=') else {
        return notes.add("parts of bodies without a name are left out");
    };
    if !files {
        return found.add(name, Text::literal(value), None);
    }
    if value.starts_with(['@', '<']) {
        return found.files.push(name.to_owned());
    }
    let (content, rest) = content(value);
    let mut kind: Option<String> = None;
    for section in rest.split(';').map(str::trim).filter(|section| !section.is_empty()) {
        match (section.strip_prefix("type="), &mut kind) {
            (Some(said), _) => kind = Some(said.to_owned()),
            // A media type may have parameters of its own.
            (None, Some(kind)) if !section.starts_with("filename=") && !section.starts_with("headers=") => {
                kind.push_str(&format!(";{section}"));
            }
            _ => notes.add_of("what else curl says of a part is left out", section),
        }
    }
    found.add(name, Text::literal(&content), kind.as_deref());
}

/// The content, which may stand in quotes, and what follows it.
fn content(value: &str) -> (String, &str) {
    let Some(quoted) = value.strip_prefix('"') else {
        let (content, rest) = value.split_at(value.find(';').unwrap_or(value.len()));
        return (content.to_owned(), rest);
    };
    let mut content = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (content, &quoted[at + 1..]),
            '\\' => content.extend(chars.next().map(|(_, c)| c)),
            c => content.push(c),
        }
    }
    // Without an end, the quote stands for itself.
    let (content, rest) = value.split_at(value.find(';').unwrap_or(value.len()));
    (content.to_owned(), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_what_curl_takes_it_for() {
        let added = |text: &str, files: bool| {
            let (mut found, mut notes) = (Found::default(), Notes::default());
            add(&mut found, text, files, &mut notes);
            let part = found.texts.first().map(|part| (part.text.written(), part.kind.clone()));
            (part, notes.lines().len() + found.files.len())
        };
        let part = |text: &str, kind: Option<&str>| Some((text.to_owned(), kind.map(str::to_owned)));
        assert_eq!(added("a=b;c", true), (part("b", None), 1));
        assert_eq!(added("a=b;c", false), (part("b;c", None), 0));
        assert_eq!(added("a=@b", false), (part("@b", None), 0));
        assert_eq!(added("a=@b;type=c/d", true), (None, 1));
        assert_eq!(added("a=<b", true), (None, 1));
        assert_eq!(added("a", true), (None, 1));
        assert_eq!(added("a={\"x\":1};type=text/x;charset=y", true), (part("{\"x\":1}", Some("text/x;charset=y")), 0));
        assert_eq!(added(r#"a="b;\"c";type=d/e;filename=f"#, true), (part("b;\"c", Some("d/e")), 1));
        assert_eq!(added("a=\"b;type=c/d", true), (part("\"b", Some("c/d")), 0));
    }
}
