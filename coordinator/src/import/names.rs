//! Names that expressions of a plan can use.

use muster_agent::engine::template;

/// The longest name, in characters.
const NAME_CHARS_MAX: usize = 60;

/// Words that mean something in an expression.
const WORDS: [&str; 16] = [
    "True", "False", "None", "true", "false", "none", "and", "or", "not", "in", "is", "if", "else", "for", "loop",
    "self",
];

/// A name as near to a text as an expression allows, and none of those that are taken.
pub(super) fn identifier(text: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let known = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let mut name: String = text.trim().chars().take(NAME_CHARS_MAX).map(known).collect();
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    let free = |name: &str| !WORDS.contains(&name) && !template::is_taken(name) && !is_taken(name);
    let mut numbered = name.clone();
    for number in 2.. {
        if free(&numbered) {
            break;
        }
        numbered = format!("{name}_{number}");
    }
    numbered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_near_as_they_can_be() {
        let none = |_: &str| false;
        assert_eq!(identifier("baseUrl", none), "baseUrl");
        assert_eq!(identifier("user-id 2", none), "user_id_2");
        assert_eq!(identifier("2fa", none), "_2fa");
        assert_eq!(identifier("", none), "_");
        assert_eq!(identifier("uuid", none), "uuid_2");
        assert_eq!(identifier("not", none), "not_2");
        assert_eq!(identifier("id", |name| ["id", "id_2"].contains(&name)), "id_3");
    }
}
