//! Reading a source token by token, as far as it takes to tell what nests in what.

use super::text::{Text, is_word};
use super::{Enclosure, Nest, Weighed};
use crate::eval::compile::SourceKind;
use crate::limits::{NESTING_LEVEL_KB, NESTING_LEVELS_OF_JSX, NESTING_PREFIX_KB};

/// What a `<` in TypeScript counts for: 300 in one expression take a tenth of a second, 1,400 take
/// seven.
const TRIAL_PREFIXES: usize = 4;

/// What a namespace counts for besides its braces: it becomes the call of a function in
/// parentheses.
const NAMESPACE_PREFIXES: usize = 2 * NESTING_LEVEL_KB / NESTING_PREFIX_KB;

/// What a decorator counts for: what it decorates becomes an argument of calls within a list of
/// expressions.
const DECORATOR_PREFIXES: usize = 3 * NESTING_LEVEL_KB / NESTING_PREFIX_KB;

/// Reads a source and weighs how it nests.
pub(super) struct Scanner<'a> {
    text: Text<'a>,
    kind: SourceKind,
    nest: Nest,
    last: Last,
}

/// What the last token was.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// An operator, an opening bracket, the beginning: an operand follows.
    Operator,
    /// A name, a literal, `)` or `]`.
    Operand,
    /// `}`, which ends an operand or a statement.
    Brace,
    /// `;`, after which only `else` continues.
    Semicolon,
    /// `if`, `for`, `while`, `with`.
    Control,
    /// `.` or `?.`: whatever word follows is a name.
    Dot,
}

impl<'a> Scanner<'a> {
    /// At the beginning of a source.
    pub(super) fn new(source: &'a str, kind: SourceKind) -> Self {
        Self {
            text: Text::new(source),
            kind,
            nest: Nest::new(),
            last: Last::Operator,
        }
    }

    /// Offset of what comes next.
    pub(super) fn at(&self) -> usize {
        self.text.at
    }

    /// Reads it all, or up to where it is too deep.
    pub(super) fn scan(&mut self) -> Weighed {
        while let Some(byte) = self.text.peek(0) {
            match self.nest.frame().enclosure {
                Enclosure::Children => self.children(byte)?,
                Enclosure::Tag => self.tag(byte)?,
                _ => self.token(byte)?,
            }
        }
        Ok(())
    }

    fn token(&mut self, byte: u8) -> Weighed {
        match byte {
            b'\n' | b'\r' => {
                self.text.newline = true;
                self.text.at += 1;
                return Ok(());
            }
            b' ' | b'\t' => {
                self.text.at += 1;
                return Ok(());
            }
            b'/' if matches!(self.text.peek(1), Some(b'/' | b'*')) => {
                self.text.comment();
                return Ok(());
            }
            b'"' | b'\'' => {
                self.operand_begins();
                self.text.string(byte);
                self.last = Last::Operand;
            }
            b'`' => {
                self.text.at += 1;
                if self.continues() {
                    self.nest.link()?;
                }
                self.template()?;
            }
            b'0'..=b'9' => {
                self.operand_begins();
                self.text
                    .skip(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_'));
                self.last = Last::Operand;
            }
            b'(' | b'[' | b'{' => self.open(byte)?,
            b')' | b']' | b'}' => self.close(byte)?,
            _ if is_word(byte) => self.word()?,
            _ => self.operator(byte)?,
        }
        self.text.newline = false;
        Ok(())
    }

    fn word(&mut self) -> Weighed {
        let start = self.text.at;
        self.text.skip(is_word);
        let word = self.text.since(start);
        if self.last == Last::Dot {
            self.last = Last::Operand;
            return Ok(());
        }
        if word == b"extends" && self.nest.frame().class {
            self.nest.frame().doublings += 1;
            self.last = Last::Operator;
            return Ok(());
        }
        match word {
            b"else" | b"do" => {
                self.last = Last::Operator;
                return self.nest.prefix(1);
            }
            b"if" | b"for" | b"while" | b"with" => {
                self.operand_begins();
                self.last = Last::Control;
                return self.nest.prefix(1);
            }
            b"in" | b"instanceof" | b"as" | b"satisfies" | b"is" | b"extends"
                if self.continues() && self.last != Last::Brace =>
            {
                self.last = Last::Operator;
                return self.nest.link();
            }
            _ => {}
        }
        let control = self.last == Last::Control;
        self.operand_begins();
        match word {
            // `for await (`
            b"await" if control => self.last = Last::Control,
            b"typeof" | b"void" | b"delete" | b"await" | b"yield" | b"new" | b"keyof"
            | b"infer" => {
                self.last = Last::Operator;
                self.nest.prefix(1)?;
            }
            b"var" | b"let" | b"const" | b"import" | b"export" | b"case" | b"return" | b"throw" => {
                self.nest.ended();
                self.last = Last::Operator;
            }
            // What they are followed by is part of them, on whichever line.
            b"class" => {
                self.last = Last::Operator;
                self.nest.frame().class = true;
            }
            b"function" | b"async" => self.last = Last::Operator,
            b"namespace" | b"module" if self.kind.has_types() => {
                self.last = Last::Operand;
                self.nest.prefix(NAMESPACE_PREFIXES)?;
            }
            _ => self.last = Last::Operand,
        }
        Ok(())
    }

    fn operator(&mut self, byte: u8) -> Weighed {
        let next = self.text.peek(1);
        let continues = self.continues();
        match byte {
            b';' => {
                self.text.at += 1;
                self.last = Last::Semicolon;
            }
            b',' => {
                self.text.at += 1;
                self.last = Last::Operator;
                self.nest.comma()?;
            }
            b'.' => {
                self.text.skip(|byte| byte == b'.');
                self.last = Last::Dot;
                if continues {
                    self.nest.link()?;
                } else {
                    // `...x`, `.5`
                    self.last = Last::Operator;
                }
            }
            b'?' if next == Some(b'.')
                && !self.text.peek(2).is_some_and(|byte| byte.is_ascii_digit()) =>
            {
                self.text.at += 2;
                self.nest.link()?;
                // `?.(` and `?.[` are links of their own, and operands come before them.
                let bracket = matches!(self.text.peek(0), Some(b'(' | b'['));
                self.last = if bracket { Last::Operand } else { Last::Dot };
            }
            b':' => {
                self.text.at += 1;
                self.last = Last::Operator;
                self.nest.frame().colon = true;
                self.nest.prefix(1)?;
            }
            b'/' if !continues => {
                self.text.regular_expression();
                self.last = Last::Operand;
            }
            b'<' if self.kind.has_jsx() && !continues && self.text.element_begins() => {
                self.operand_begins();
                self.element()?;
            }
            b'!' if continues && !self.text.newline && next != Some(b'=') => {
                self.text.at += 1;
                self.nest.link()?;
            }
            b'+' | b'-' if next == Some(byte) => {
                // `a++` adds nothing; `++a` is as `-a`.
                self.text.at += 2;
                if !continues || self.text.newline {
                    self.last = Last::Operator;
                    self.nest.prefix(1)?;
                }
            }
            b'@' => {
                self.text.at += 1;
                self.last = Last::Operator;
                self.nest.prefix(DECORATOR_PREFIXES)?;
            }
            b'#' | b'\\' => {
                self.text.at += 1;
                self.last = Last::Operator;
            }
            _ => self.symbol(byte, continues)?,
        }
        Ok(())
    }

    /// Operators made of symbols.
    fn symbol(&mut self, byte: u8, continues: bool) -> Weighed {
        if !byte.is_ascii_punctuation() {
            self.text.at += 1;
            return Ok(());
        }
        let start = self.text.at;
        if matches!(byte, b'<' | b'>') {
            // One at a time: in types `>>` closes twice.
            self.text.at += 1;
        } else {
            self.text.at += 1;
            let same = |next: u8| next == byte || matches!(next, b'=' | b'>');
            while self.text.at - start < 4
                && self.text.peek(0).is_some_and(same)
                && byte != b'~'
                && byte != b'!'
            {
                self.text.at += 1;
            }
            if byte == b'!' {
                self.text.skip(|byte| byte == b'=');
            }
        }
        let symbol = self.text.since(start);
        self.last = Last::Operator;
        let nests_right = !continues
            || matches!(symbol, b"?" | b"=>" | b"=" | b"**" | b"<" | b"**=" | b"??=")
            || matches!(
                symbol,
                [
                    b'+' | b'-' | b'*' | b'/' | b'%' | b'&' | b'|' | b'^',
                    ..,
                    b'='
                ]
            );
        if symbol == b"<" && self.kind.has_types() {
            // Each may begin type arguments, which the parser tries out within what it tries out
            // already.
            self.nest.frame().prefixes += TRIAL_PREFIXES - 1;
            self.nest.frame().doublings += usize::from(!continues);
        }
        if nests_right {
            return self.nest.prefix(1);
        }
        if symbol != b">" {
            self.nest.frame().doublings = 0;
        }
        self.nest.link()
    }

    fn open(&mut self, bracket: u8) -> Weighed {
        let continues = self.continues();
        let enclosure = match (bracket, self.last) {
            (b'(', Last::Control) => Enclosure::Control,
            (b'(', _) if continues => Enclosure::Arguments,
            (b'(', _) => Enclosure::Group,
            (b'[', _) => Enclosure::Array,
            _ => Enclosure::Braces,
        };
        // A statement in braces may follow one; what else opens after an operand continues it.
        if self.last == Last::Semicolon
            || self.last == Last::Brace && (self.text.newline || bracket == b'{')
        {
            self.nest.ended();
        } else if continues && bracket != b'{' {
            self.nest.link()?;
        }
        self.text.at += 1;
        if bracket == b'{' && std::mem::take(&mut self.nest.frame().class) {
            self.nest.frame().doublings = 0;
        }
        self.enter(enclosure, 1)
    }

    fn close(&mut self, bracket: u8) -> Weighed {
        self.text.at += 1;
        let closed = self.nest.unwind(|enclosure| match bracket {
            b')' => matches!(
                enclosure,
                Enclosure::Arguments | Enclosure::Group | Enclosure::Control
            ),
            b']' => enclosure == Enclosure::Array,
            _ => matches!(enclosure, Enclosure::Braces | Enclosure::Template),
        });
        if !closed {
            self.last = Last::Operand;
            return Ok(());
        }
        match self.nest.leave()? {
            Enclosure::Template => self.template()?,
            Enclosure::Control => self.last = Last::Operator,
            Enclosure::Braces => self.last = Last::Brace,
            _ => self.last = Last::Operand,
        }
        Ok(())
    }

    /// Two operands in a row are two statements, if a line ended between them or the first is in
    /// braces.
    fn operand_begins(&mut self) {
        match self.last {
            Last::Semicolon | Last::Brace => self.nest.ended(),
            Last::Operand if self.text.newline => self.nest.ended(),
            Last::Operand | Last::Operator | Last::Control | Last::Dot => {}
        }
    }

    /// Whether an operand has just ended, so that an operator may follow.
    fn continues(&self) -> bool {
        match self.last {
            Last::Operand => true,
            Last::Brace => !self.text.newline,
            Last::Operator | Last::Semicolon | Last::Control | Last::Dot => false,
        }
    }

    /// The text of a template up to its end or its next expression.
    fn template(&mut self) -> Weighed {
        while let Some(byte) = self.text.peek(0) {
            match byte {
                b'\\' => self.text.at += 2,
                b'`' => {
                    self.text.at += 1;
                    self.last = Last::Operand;
                    return Ok(());
                }
                b'$' if self.text.peek(1) == Some(b'{') => {
                    self.text.at += 2;
                    return self.enter(Enclosure::Template, 1);
                }
                _ => self.text.at += 1,
            }
        }
        Ok(())
    }

    fn element(&mut self) -> Weighed {
        self.text.at += 1;
        self.enter(Enclosure::Tag, NESTING_LEVELS_OF_JSX)
    }

    fn tag(&mut self, byte: u8) -> Weighed {
        match byte {
            b'"' | b'\'' => {
                // No escapes here, and lines may end.
                self.text.at += 1;
                self.text.skip(|other| other != byte);
                self.text.at += 1;
            }
            b'{' => {
                self.text.at += 1;
                self.enter(Enclosure::Braces, 1)?;
            }
            b'/' if self.text.peek(1) == Some(b'>') => {
                self.text.at += 2;
                self.nest.leave()?;
                self.last = Last::Operand;
            }
            b'>' => {
                self.text.at += 1;
                self.nest.frame().enclosure = Enclosure::Children;
            }
            _ => self.text.at += 1,
        }
        Ok(())
    }

    fn children(&mut self, byte: u8) -> Weighed {
        match byte {
            b'{' => {
                self.text.at += 1;
                self.enter(Enclosure::Braces, 1)?;
            }
            b'<' if self.text.peek(1) == Some(b'/') => {
                self.text.skip(|byte| byte != b'>');
                self.text.at += 1;
                self.nest.leave()?;
                self.last = Last::Operand;
            }
            b'<' => self.element()?,
            _ => self.text.at += 1,
        }
        Ok(())
    }

    fn enter(&mut self, enclosure: Enclosure, levels: usize) -> Weighed {
        self.last = Last::Operator;
        self.nest.enter(enclosure, levels)
    }
}
