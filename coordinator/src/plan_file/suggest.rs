//! "Did you mean": the known word that a mistyped one is closest to.

/// How alike two words must be, from 0 to 1, for one to be offered in place of the other.
const LIKENESS_MIN: f64 = 0.78;

/// The candidate closest to `found`, if one is close enough.
pub(super) fn closest<'a>(found: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let found: String = found.chars().take(64).collect::<String>().to_lowercase().replace(['_', ' '], "-");
    let likeness = |candidate: &&str| strsim::jaro_winkler(&found, &candidate.to_lowercase().replace(['_', ' '], "-"));
    let scored = candidates.into_iter().map(|candidate| (likeness(&candidate), candidate));
    let best = scored.max_by(|one, other| one.0.total_cmp(&other.0))?;
    (best.0 >= LIKENESS_MIN).then_some(best.1)
}

/// The help text that offers the closest candidate, or else lists them all.
pub(super) fn did_you_mean(found: &str, candidates: &[&str]) -> String {
    match closest(found, candidates.iter().copied()) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => format!("known here: {}", one_of(candidates)),
    }
}

/// `` `a`, `b` or `c` ``.
pub(super) fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_mistake_finds_its_word_and_nonsense_finds_none() {
        let words = ["duration", "target", "steps"];
        assert_eq!(closest("duratoin", words), Some("duration"));
        assert_eq!(closest("Target", words), Some("target"));
        assert_eq!(closest("xyzzy", words), None);
        assert_eq!(closest(&"a".repeat(1 << 20), words), None);
        assert_eq!(closest("", []), None);
    }

    #[test]
    fn lists_read_like_english() {
        assert_eq!(one_of(&["a"]), "`a`");
        assert_eq!(one_of(&["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
