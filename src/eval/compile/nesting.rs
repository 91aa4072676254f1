//! How deep a source is nested, estimated from its text before anything recursive reads it.
//!
//! The parser, the passes, the printer and the engine all recurse over the source, so a source nested deep
//! enough exhausts the native stack, which nothing can catch. This reads tokens only, in one loop, and adds up
//! the stack that the nesting will need. It need not be exact: where a slash or an angle bracket could be two
//! things it takes the likelier one, a bracket without a partner is forgotten, and what slips through ends the
//! process that compiles, which was made for that.

use super::{CompileError, SourceKind};
use crate::limits::{
    CHAIN_LINKS_MAX, NESTING_LEVEL_KB, NESTING_LEVELS_OF_JSX, NESTING_LINK_KB, NESTING_PREFIX_KB,
    NESTING_STACK_KB_MAX,
};

/// Refuses a source that is nested too deep.
pub(super) fn check(source: &str, kind: SourceKind) -> Result<(), CompileError> {
    let mut scanner = Scanner::new(source, kind);
    match scanner.scan() {
        Ok(()) => Ok(()),
        Err(TooDeep::Nesting) => Err(CompileError::too_deep(source, scanner.at)),
        Err(TooDeep::Chain) => Err(CompileError::too_long(source, scanner.at)),
    }
}

/// What a `<` in TypeScript counts for: 300 in one expression take a tenth of a second, 1,400 take seven.
const TRIAL_PREFIXES: usize = 4;

/// How often something may be read twice within something read twice: 12 take a twentieth of a second, 24 minutes.
const DOUBLINGS_MAX: usize = 12;

enum TooDeep {
    Nesting,
    Chain,
}

/// What encloses the place that is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Enclosure {
    Module,
    /// `(` of a call or a declaration: commas separate.
    Arguments,
    /// `(` of an expression: commas are operators.
    Group,
    /// `(` after `if`, `for`, `while`: a statement follows it.
    Control,
    Array,
    Braces,
    /// `${`: the template goes on after the brace.
    Template,
    /// Between a JSX element's tags.
    Children,
    /// Between the angle brackets of a JSX tag.
    Tag,
}

struct Frame {
    enclosure: Enclosure,
    /// Stack needed by everything around this frame.
    outer_kb: usize,
    /// Operators that nest to the right, since the statement or the element of a list began.
    prefixes: usize,
    /// Links of the chain being read, with those of what it began with.
    links: usize,
    /// The most links of a chain of this frame.
    links_peak: usize,
    /// Whether a `class` began whose body has not.
    class: bool,
    /// What the passes read twice, each within the other: what follows `extends` in a class, and what follows
    /// a `<` that may begin a type assertion or the type parameters of an arrow function.
    doublings: usize,
    /// Those of everything around this frame.
    outer_doublings: usize,
    /// Whether a colon came since the last comma: then the comma is one of an object, not an operator.
    colon: bool,
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

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    kind: SourceKind,
    frames: Vec<Frame>,
    last: Last,
    /// Whether a line ended since the last token.
    newline: bool,
}

type Scan = Result<(), TooDeep>;

impl<'a> Scanner<'a> {
    fn new(source: &'a str, kind: SourceKind) -> Self {
        let mut scanner = Self {
            bytes: source.as_bytes(),
            at: 0,
            kind,
            frames: Vec::new(),
            last: Last::Operator,
            newline: false,
        };
        scanner.frames.push(Frame::new(Enclosure::Module, 0));
        scanner
    }

    fn scan(&mut self) -> Scan {
        while let Some(byte) = self.peek(0) {
            match self.frame().enclosure {
                Enclosure::Children => self.children(byte)?,
                Enclosure::Tag => self.tag(byte)?,
                _ => self.token(byte)?,
            }
        }
        Ok(())
    }

    fn token(&mut self, byte: u8) -> Scan {
        match byte {
            b'\n' | b'\r' => {
                self.newline = true;
                self.at += 1;
                return Ok(());
            }
            b' ' | b'\t' => {
                self.at += 1;
                return Ok(());
            }
            b'/' if matches!(self.peek(1), Some(b'/' | b'*')) => {
                self.comment();
                return Ok(());
            }
            b'"' | b'\'' => {
                self.operand_begins();
                self.string(byte);
                self.last = Last::Operand;
            }
            b'`' => {
                self.at += 1;
                if self.continues() {
                    self.link(1)?;
                }
                self.template()?;
            }
            b'0'..=b'9' => {
                self.operand_begins();
                self.skip(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_'));
                self.last = Last::Operand;
            }
            b'(' | b'[' | b'{' => self.open(byte)?,
            b')' | b']' | b'}' => self.close(byte)?,
            _ if is_word(byte) => self.word()?,
            _ => self.operator(byte)?,
        }
        self.newline = false;
        Ok(())
    }

    fn word(&mut self) -> Scan {
        let start = self.at;
        self.skip(is_word);
        let word = &self.bytes[start..self.at];
        if self.last == Last::Dot {
            self.last = Last::Operand;
            return Ok(());
        }
        if word == b"extends" && self.frame().class {
            self.frame().doublings += 1;
            self.last = Last::Operator;
            return Ok(());
        }
        match word {
            b"else" | b"do" => {
                self.last = Last::Operator;
                return self.prefix();
            }
            b"if" | b"for" | b"while" | b"with" => {
                self.operand_begins();
                self.last = Last::Control;
                return self.prefix();
            }
            b"in" | b"instanceof" | b"as" | b"satisfies" | b"is" | b"extends"
                if self.continues() && self.last != Last::Brace =>
            {
                self.last = Last::Operator;
                return self.link(1);
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
                self.prefix()?;
            }
            b"var" | b"let" | b"const" | b"import" | b"export" | b"case" | b"return" | b"throw" => {
                self.ended();
                self.last = Last::Operator;
            }
            // What they are followed by is part of them, on whichever line.
            b"class" => {
                self.last = Last::Operator;
                self.frame().class = true;
            }
            b"function" | b"async" => self.last = Last::Operator,
            _ => self.last = Last::Operand,
        }
        Ok(())
    }

    fn operator(&mut self, byte: u8) -> Scan {
        let next = self.peek(1);
        let continues = self.continues();
        match byte {
            b';' => {
                self.at += 1;
                self.last = Last::Semicolon;
            }
            b',' => {
                self.at += 1;
                self.last = Last::Operator;
                self.comma()?;
            }
            b'.' => {
                self.skip(|byte| byte == b'.');
                self.last = Last::Dot;
                if continues {
                    self.link(1)?;
                } else {
                    // `...x`, `.5`
                    self.last = Last::Operator;
                }
            }
            b'?' if next == Some(b'.')
                && !self.peek(2).is_some_and(|byte| byte.is_ascii_digit()) =>
            {
                self.at += 2;
                self.link(1)?;
                // `?.(` and `?.[` are links of their own, and operands come before them.
                let bracket = matches!(self.peek(0), Some(b'(' | b'['));
                self.last = if bracket { Last::Operand } else { Last::Dot };
            }
            b':' => {
                self.at += 1;
                self.last = Last::Operator;
                self.frame().colon = true;
                self.prefix()?;
            }
            b'/' if !continues => {
                self.regular_expression();
                self.last = Last::Operand;
            }
            b'<' if self.kind.has_jsx() && !continues && self.element_begins() => {
                self.operand_begins();
                self.element()?;
            }
            b'!' if continues && !self.newline && next != Some(b'=') => {
                self.at += 1;
                self.link(1)?;
            }
            b'+' | b'-' if next == Some(byte) => {
                // `a++` adds nothing; `++a` is as `-a`.
                self.at += 2;
                if !continues || self.newline {
                    self.last = Last::Operator;
                    self.prefix()?;
                }
            }
            b'@' | b'#' | b'\\' => {
                self.at += 1;
                self.last = Last::Operator;
            }
            _ => self.symbol(byte, continues)?,
        }
        Ok(())
    }

    /// Operators made of symbols.
    fn symbol(&mut self, byte: u8, continues: bool) -> Scan {
        if !byte.is_ascii_punctuation() {
            self.at += 1;
            return Ok(());
        }
        let start = self.at;
        if matches!(byte, b'<' | b'>') {
            // One at a time: in types `>>` closes twice.
            self.at += 1;
        } else {
            self.at += 1;
            let same = |next: u8| next == byte || matches!(next, b'=' | b'>');
            while self.at - start < 4
                && self.peek(0).is_some_and(same)
                && byte != b'~'
                && byte != b'!'
            {
                self.at += 1;
            }
            if byte == b'!' {
                self.skip(|byte| byte == b'=');
            }
        }
        let symbol = &self.bytes[start..self.at];
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
            // Each may begin type arguments, which the parser tries out within what it tries out already.
            self.frame().prefixes += TRIAL_PREFIXES - 1;
            self.frame().doublings += usize::from(!continues);
        }
        if nests_right {
            return self.prefix();
        }
        if symbol != b">" {
            self.frame().doublings = 0;
        }
        self.link(1)
    }

    fn open(&mut self, bracket: u8) -> Scan {
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
            || self.last == Last::Brace && (self.newline || bracket == b'{')
        {
            self.ended();
        } else if continues && bracket != b'{' {
            self.link(1)?;
        }
        self.at += 1;
        if bracket == b'{' && std::mem::take(&mut self.frame().class) {
            self.frame().doublings = 0;
        }
        self.enter(enclosure, 1)
    }

    fn close(&mut self, bracket: u8) -> Scan {
        self.at += 1;
        let fits = |frame: &Frame| {
            matches!(
                (bracket, frame.enclosure),
                (
                    b')',
                    Enclosure::Arguments | Enclosure::Group | Enclosure::Control
                ) | (b']', Enclosure::Array)
                    | (b'}', Enclosure::Braces | Enclosure::Template)
            )
        };
        let Some(depth) = self.frames.iter().rposition(fits) else {
            self.last = Last::Operand;
            return Ok(());
        };
        self.frames.truncate(depth + 1);
        let enclosure = self.leave()?;
        match enclosure {
            Enclosure::Template => self.template()?,
            Enclosure::Control => self.last = Last::Operator,
            Enclosure::Braces => self.last = Last::Brace,
            _ => self.last = Last::Operand,
        }
        // An attribute or a child of an element may be an expression in braces.
        Ok(())
    }

    fn enter(&mut self, enclosure: Enclosure, levels: usize) -> Scan {
        let frame = self.frame();
        let outer_kb =
            frame.outer_kb + frame.prefixes * NESTING_PREFIX_KB + levels * NESTING_LEVEL_KB;
        let outer_doublings = frame.outer_doublings + frame.doublings;
        if outer_doublings > DOUBLINGS_MAX {
            return Err(TooDeep::Nesting);
        }
        self.frames.push(Frame {
            outer_doublings,
            ..Frame::new(enclosure, outer_kb)
        });
        self.last = Last::Operator;
        self.weigh()
    }

    /// Leaves the innermost frame. What was in it is what a chain of the frame around it may begin with.
    fn leave(&mut self) -> Result<Enclosure, TooDeep> {
        // The module's own frame stays; nothing closes it.
        let Some(frame) = (self.frames.len() > 1).then(|| self.frames.pop()).flatten() else {
            return Ok(Enclosure::Module);
        };
        let outer = self.frame();
        outer.links = outer.links.max(frame.links_peak);
        outer.links_peak = outer.links_peak.max(outer.links);
        self.weigh()?;
        Ok(frame.enclosure)
    }

    fn prefix(&mut self) -> Scan {
        self.frame().prefixes += 1;
        self.weigh()
    }

    fn link(&mut self, links: usize) -> Scan {
        let frame = self.frame();
        frame.links += links;
        frame.links_peak = frame.links_peak.max(frame.links);
        if frame.links > CHAIN_LINKS_MAX {
            return Err(TooDeep::Chain);
        }
        self.weigh()
    }

    fn comma(&mut self) -> Scan {
        let frame = self.frame();
        let is_operator = match frame.enclosure {
            Enclosure::Group | Enclosure::Control => true,
            Enclosure::Module | Enclosure::Braces | Enclosure::Template => !frame.colon,
            Enclosure::Arguments | Enclosure::Array | Enclosure::Children | Enclosure::Tag => false,
        };
        (frame.prefixes, frame.doublings, frame.colon) = (0, 0, false);
        if is_operator {
            return self.link(1);
        }
        frame.links = 0;
        Ok(())
    }

    /// A statement, or an element of a list, has ended.
    fn ended(&mut self) {
        let frame = self.frame();
        (frame.prefixes, frame.links, frame.colon) = (0, 0, false);
        (frame.class, frame.doublings) = (false, 0);
    }

    /// Two operands in a row are two statements, if a line ended between them or the first is in braces.
    fn operand_begins(&mut self) {
        match self.last {
            Last::Semicolon | Last::Brace => self.ended(),
            Last::Operand if self.newline => self.ended(),
            Last::Operand | Last::Operator | Last::Control | Last::Dot => {}
        }
    }

    /// Whether an operand has just ended, so that an operator may follow.
    fn continues(&self) -> bool {
        match self.last {
            Last::Operand => true,
            Last::Brace => !self.newline,
            Last::Operator | Last::Semicolon | Last::Control | Last::Dot => false,
        }
    }

    fn weigh(&mut self) -> Scan {
        let frame = self.frame();
        let stack_kb =
            frame.outer_kb + frame.prefixes * NESTING_PREFIX_KB + frame.links * NESTING_LINK_KB;
        if stack_kb > NESTING_STACK_KB_MAX {
            Err(TooDeep::Nesting)
        } else {
            Ok(())
        }
    }

    fn frame(&mut self) -> &mut Frame {
        self.frames
            .last_mut()
            .expect("the module's own frame is never left")
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn skip(&mut self, while_is: impl Fn(u8) -> bool) {
        while self.peek(0).is_some_and(&while_is) {
            self.at += 1;
        }
    }

    fn comment(&mut self) {
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

    fn string(&mut self, quote: u8) {
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

    fn regular_expression(&mut self) {
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

    /// The text of a template up to its end or its next expression.
    fn template(&mut self) -> Scan {
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\\' => self.at += 2,
                b'`' => {
                    self.at += 1;
                    self.last = Last::Operand;
                    return Ok(());
                }
                b'$' if self.peek(1) == Some(b'{') => {
                    self.at += 2;
                    return self.enter(Enclosure::Template, 1);
                }
                _ => self.at += 1,
            }
        }
        Ok(())
    }

    /// Whether `<` begins an element and not the type parameters of an arrow function.
    fn element_begins(&self) -> bool {
        let rest = &self.bytes[self.at + 1..];
        let name = rest.iter().take_while(|byte| is_word(**byte)).count();
        let after = rest[name..].iter().find(|byte| !byte.is_ascii_whitespace());
        match after {
            Some(b',') | None => false,
            Some(b'>') => true,
            Some(_) => name > 0 && !rest[name..].trim_ascii_start().starts_with(b"extends "),
        }
    }

    fn element(&mut self) -> Scan {
        self.at += 1;
        self.enter(Enclosure::Tag, NESTING_LEVELS_OF_JSX)
    }

    fn tag(&mut self, byte: u8) -> Scan {
        match byte {
            b'"' | b'\'' => {
                // No escapes here, and lines may end.
                self.at += 1;
                self.skip(|other| other != byte);
                self.at += 1;
            }
            b'{' => {
                self.at += 1;
                self.enter(Enclosure::Braces, 1)?;
            }
            b'/' if self.peek(1) == Some(b'>') => {
                self.at += 2;
                self.leave()?;
                self.last = Last::Operand;
            }
            b'>' => {
                self.at += 1;
                self.frame().enclosure = Enclosure::Children;
            }
            _ => self.at += 1,
        }
        Ok(())
    }

    fn children(&mut self, byte: u8) -> Scan {
        match byte {
            b'{' => {
                self.at += 1;
                self.enter(Enclosure::Braces, 1)?;
            }
            b'<' if self.peek(1) == Some(b'/') => {
                self.skip(|byte| byte != b'>');
                self.at += 1;
                self.leave()?;
                self.last = Last::Operand;
            }
            b'<' => self.element()?,
            _ => self.at += 1,
        }
        Ok(())
    }
}

impl Frame {
    fn new(enclosure: Enclosure, outer_kb: usize) -> Self {
        Self {
            enclosure,
            outer_kb,
            prefixes: 0,
            links: 0,
            links_peak: 0,
            class: false,
            doublings: 0,
            outer_doublings: 0,
            colon: false,
        }
    }
}

/// Bytes of names and keywords; all beyond ASCII count, whatever they are.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}
