//! Reading a source byte by byte, past what nests nothing: comments, strings, regular expressions.

/// A place in a source.
pub(super) struct Text<'a> {
    bytes: &'a [u8],
    /// Offset of the next byte.
    pub(super) at: usize,
    /// Whether a line ended since the last token.
    pub(super) newline: bool,
}

impl<'a> Text<'a> {
    /// The beginning of a source.
    pub(super) fn new(source: &'a str) -> Self {
        Self {
            bytes: source.as_bytes(),
            at: 0,
            newline: false,
        }
    }

    /// What was read since `start`.
    pub(super) fn since(&self, start: usize) -> &'a [u8] {
        self.bytes.get(start..self.at).unwrap_or_default()
    }

    /// The byte that many ahead.
    pub(super) fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    /// Skips bytes.
    pub(super) fn skip(&mut self, while_is: impl Fn(u8) -> bool) {
        while self.peek(0).is_some_and(&while_is) {
            self.at += 1;
        }
    }

    /// Skips a comment.
    pub(super) fn comment(&mut self) {
        if self.peek(1) == Some(b'/') {
            self.skip(|byte| byte != b'\n');
            return;
        }
        self.at += 2;
        while let Some(byte) = self.peek(0) {
            if byte == b'*' && self.peek(1) == Some(b'/') {
                self.at += 2;
                return;
            }
            self.newline |= byte == b'\n';
            self.at += 1;
        }
    }

    /// Skips a string. One that is not closed ends with its line.
    pub(super) fn string(&mut self, quote: u8) {
        self.at += 1;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\\' => self.at += 2,
                b'\n' => return,
                _ => self.at += 1,
            }
            if byte == quote {
                return;
            }
        }
    }

    /// Skips a regular expression with its flags.
    pub(super) fn regular_expression(&mut self) {
        self.at += 1;
        let mut in_class = false;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\\' => self.at += 1,
                b'[' => in_class = true,
                b']' => in_class = false,
                b'\n' => return,
                b'/' if !in_class => break,
                _ => {}
            }
            self.at += 1;
        }
        self.at += 1;
        self.skip(is_word);
    }

    /// Whether `<` begins an element and not the type parameters of an arrow function.
    pub(super) fn element_begins(&self) -> bool {
        let rest = self.bytes.get(self.at + 1..).unwrap_or_default();
        let name = rest.iter().take_while(|byte| is_word(**byte)).count();
        let after = rest[name..].iter().find(|byte| !byte.is_ascii_whitespace());
        match after {
            Some(b',') | None => false,
            Some(b'>') => true,
            Some(_) => name > 0 && !rest[name..].trim_ascii_start().starts_with(b"extends "),
        }
    }
}

/// Bytes of names and keywords; all beyond ASCII count, whatever they are.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}
