//! A text as a shell takes it apart: commands of words, with quotes of all kinds, and nothing carried out.

/// A word of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    /// Whether a shell would put the value of a variable, or what a command prints, into it.
    pub(super) expands: bool,
    /// Whether it has bytes in it that are no text.
    pub(super) is_binary: bool,
}

/// The commands of a text, each in words.
pub(super) fn commands(text: &str) -> Vec<Vec<Word>> {
    let mut shell = Shell { rest: text, word: None, words: Vec::new(), commands: Vec::new() };
    while let Some(c) = shell.next() {
        shell.take(c);
    }
    shell.end_command();
    shell.commands
}

struct Shell<'t> {
    rest: &'t str,
    /// The word that is being read.
    word: Option<Open>,
    words: Vec<Word>,
    commands: Vec<Vec<Word>>,
}

#[derive(Default)]
struct Open {
    bytes: Vec<u8>,
    expands: bool,
}

impl<'t> Shell<'t> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    /// Goes past a text if it comes next.
    fn skip(&mut self, text: &str) -> bool {
        let found = self.rest.strip_prefix(text);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn take(&mut self, c: char) {
        match c {
            '\\' if self.skip("\n") || self.skip("\r\n") => self.end_word(),
            '\\' => {
                let escaped = self.next().unwrap_or('\\');
                self.push(escaped);
            }
            '\'' => self.single_quoted(),
            '"' => self.double_quoted(),
            '$' if self.skip("'") => self.ansi_quoted(),
            '$' if self.skip("\"") => self.double_quoted(),
            '#' if self.word.is_none() => self.comment(),
            '\n' | ';' | '|' | '&' => self.end_command(),
            c if c.is_whitespace() => self.end_word(),
            c => {
                let expands = c == '`' || (c == '$' && self.begins_expansion());
                self.open().expands |= expands;
                self.push(c);
            }
        }
    }

    fn open(&mut self) -> &mut Open {
        self.word.get_or_insert_default()
    }

    fn push(&mut self, c: char) {
        self.open().bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
    }

    fn end_word(&mut self) {
        let Some(Open { bytes, expands }) = self.word.take() else { return };
        let (text, is_binary) = match String::from_utf8(bytes) {
            Ok(text) => (text, false),
            Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), true),
        };
        self.words.push(Word { text, expands, is_binary });
    }

    fn end_command(&mut self) {
        self.end_word();
        if !self.words.is_empty() {
            self.commands.push(std::mem::take(&mut self.words));
        }
    }

    fn comment(&mut self) {
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        self.rest = &self.rest[end..];
    }

    fn begins_expansion(&self) -> bool {
        self.rest.starts_with(|c: char| c.is_ascii_alphabetic() || "_{(@".contains(c))
    }

    /// `'...'`: everything stands for itself.
    fn single_quoted(&mut self) {
        let end = self.rest.find('\'').unwrap_or(self.rest.len());
        let (quoted, rest) = self.rest.split_at(end);
        self.open().bytes.extend(quoted.bytes());
        self.rest = rest.strip_prefix('\'').unwrap_or(rest);
    }

    /// `"..."`: a few characters can be escaped.
    fn double_quoted(&mut self) {
        self.open();
        while let Some(c) = self.next() {
            match c {
                '"' => return,
                '\\' if self.skip("\n") || self.skip("\r\n") => {}
                '\\' if self.rest.starts_with(['"', '\\', '$', '`']) => {
                    let escaped = self.next().unwrap_or('\\');
                    self.push(escaped);
                }
                c => {
                    let expands = c == '`' || (c == '$' && self.begins_expansion());
                    self.open().expands |= expands;
                    self.push(c);
                }
            }
        }
    }

    /// `$'...'`: escapes as in C.
    fn ansi_quoted(&mut self) {
        self.open();
        while let Some(c) = self.next() {
            match c {
                '\'' => return,
                '\\' => self.ansi_escape(),
                c => self.push(c),
            }
        }
    }

    fn ansi_escape(&mut self) {
        let Some(c) = self.next() else { return self.push('\\') };
        match c {
            'a' => self.push('\u{7}'),
            'b' => self.push('\u{8}'),
            'e' | 'E' => self.push('\u{1b}'),
            'f' => self.push('\u{c}'),
            'n' => self.push('\n'),
            'r' => self.push('\r'),
            't' => self.push('\t'),
            'v' => self.push('\u{b}'),
            'x' => {
                let byte = self.digits(16, 2) as u8;
                self.open().bytes.push(byte);
            }
            'u' | 'U' => {
                let code = self.digits(16, if c == 'u' { 4 } else { 8 });
                self.code_point(code);
            }
            '0'..='7' => {
                let high = c.to_digit(8).unwrap_or_default();
                let digits = self.rest.chars().take(2).take_while(|c| c.is_digit(8)).count() as u32;
                let byte = (high * 8_u32.pow(digits) + self.digits(8, 2)) as u8;
                self.open().bytes.push(byte);
            }
            other => self.push(other),
        }
    }

    /// A character by its number. Browsers write one beyond 65535 as two halves.
    fn code_point(&mut self, code: u32) {
        let mut code = code;
        if (0xd800..0xdc00).contains(&code) && self.skip("\\u") {
            let low = self.digits(16, 4);
            code = 0x10000 + ((code - 0xd800) << 10) + (low.wrapping_sub(0xdc00) & 0x3ff);
        }
        self.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
    }

    /// The number that at most so many digits make.
    fn digits(&mut self, radix: u32, max: usize) -> u32 {
        let digits: String = self.rest.chars().take(max).take_while(|c| c.is_digit(radix)).collect();
        self.rest = &self.rest[digits.len()..];
        u32::from_str_radix(&digits, radix).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<String>> {
        commands(text).into_iter().map(|words| words.into_iter().map(|word| word.text).collect()).collect()
    }

    #[test]
    fn words_are_quoted_in_every_way() {
        for (text, word) in [
            (r"'a b'", "a b"),
            (r#"a"b c"'d'"#, "ab cd"),
            (r#""a \"b\" \n \$""#, r#"a "b" \n $"#),
            (r"a\ b", "a b"),
            (r"'it'\''s'", "it's"),
            (r"$'\u0021\x41\n\'\\\101\ud83d\ude00'", "!A\n'\\A😀"),
            ("''", ""),
            ("\"a\\\nb\"", "ab"),
            ("'open", "open"),
        ] {
            assert_eq!(words(text), [[word]], "{text}");
        }
    }

    #[test]
    fn lines_and_separators_end_commands() {
        assert_eq!(words("curl a \\\n  b\n\n# no\ncurl c; d && e | f"), {
            vec![vec!["curl", "a", "b"], vec!["curl", "c"], vec!["d"], vec!["e"], vec!["f"]]
        });
        assert_eq!(words("a#b #c"), [["a#b"]]);
    }

    #[test]
    fn what_a_shell_would_expand_is_known() {
        let expands = |text: &str| commands(text)[0][0].expands;
        assert!(expands("$TOKEN") && expands("\"a $(b)\"") && expands("`x`"));
        assert!(!expands("'$TOKEN'") && !expands("a$") && !expands("\"\\$A\""));
        assert!(commands(r"$'\xff'")[0][0].is_binary);
    }
}
