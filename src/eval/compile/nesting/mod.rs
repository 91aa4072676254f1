//! How deep a source is nested, estimated from its text before anything recursive reads it.
//!
//! The parser, the passes, the printer and the engine all recurse over the source, so a source
//! nested deep enough exhausts the native stack, which nothing can catch. This reads tokens only,
//! in one loop, and adds up the stack that the nesting will need. It need not be exact: where a
//! slash or an angle bracket could be two things it takes the likelier one, a bracket without a
//! partner is forgotten, and what slips through ends the process that compiles, which was made for
//! that.

mod scanner;
mod text;

use super::{CompileError, SourceKind};
use crate::limits::{
    CHAIN_LINKS_MAX, NESTING_DOUBLINGS_MAX, NESTING_LEVEL_KB, NESTING_LINK_KB, NESTING_PREFIX_KB,
    NESTING_STACK_KB_MAX,
};
use scanner::Scanner;

/// Refuses a source that is nested too deep.
pub(super) fn check(source: &str, kind: SourceKind) -> Result<(), CompileError> {
    let mut scanner = Scanner::new(source, kind);
    match scanner.scan() {
        Ok(()) => Ok(()),
        Err(TooDeep::Nesting) => Err(CompileError::too_deep(source, scanner.at())),
        Err(TooDeep::Chain) => Err(CompileError::too_long(source, scanner.at())),
    }
}

/// What there is too much of.
enum TooDeep {
    Nesting,
    Chain,
}

type Weighed = Result<(), TooDeep>;

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

/// What is known of the inside of one pair of brackets.
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
    /// What the passes read twice, each within the other: what follows `extends` in a class, and
    /// what follows a `<` that may begin a type assertion or the type parameters of an arrow
    /// function.
    doublings: usize,
    /// Those of everything around this frame.
    outer_doublings: usize,
    /// Whether a colon came since the last comma: then the comma is one of an object, not an
    /// operator.
    colon: bool,
}

/// The frames from the module down to the place that is read, and what they weigh.
struct Nest {
    // Invariant: never empty; the first is the module's own.
    frames: Vec<Frame>,
}

impl Nest {
    fn new() -> Self {
        Self {
            frames: vec![Frame::new(Enclosure::Module, 0)],
        }
    }

    /// Goes into brackets that come to that many levels of them.
    fn enter(&mut self, enclosure: Enclosure, levels: usize) -> Weighed {
        let frame = self.frame();
        let outer_kb =
            frame.outer_kb + frame.prefixes * NESTING_PREFIX_KB + levels * NESTING_LEVEL_KB;
        let outer_doublings = frame.outer_doublings + frame.doublings;
        if outer_doublings > NESTING_DOUBLINGS_MAX {
            return Err(TooDeep::Nesting);
        }
        self.frames.push(Frame {
            outer_doublings,
            ..Frame::new(enclosure, outer_kb)
        });
        self.weigh()
    }

    /// Leaves the innermost frame. What was in it is what a chain of the frame around it may begin
    /// with.
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

    /// Operators that nest to their right.
    fn prefix(&mut self, prefixes: usize) -> Weighed {
        self.frame().prefixes += prefixes;
        self.weigh()
    }

    /// One more link of a chain.
    fn link(&mut self) -> Weighed {
        let frame = self.frame();
        frame.links += 1;
        frame.links_peak = frame.links_peak.max(frame.links);
        if frame.links > CHAIN_LINKS_MAX {
            return Err(TooDeep::Chain);
        }
        self.weigh()
    }

    /// An operator or a separator, as the enclosure says.
    fn comma(&mut self) -> Weighed {
        let frame = self.frame();
        let is_operator = match frame.enclosure {
            Enclosure::Group | Enclosure::Control => true,
            Enclosure::Module | Enclosure::Braces | Enclosure::Template => !frame.colon,
            Enclosure::Arguments | Enclosure::Array | Enclosure::Children | Enclosure::Tag => false,
        };
        (frame.prefixes, frame.doublings, frame.colon) = (0, 0, false);
        if is_operator {
            return self.link();
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

    fn weigh(&mut self) -> Weighed {
        let frame = self.frame();
        let stack_kb =
            frame.outer_kb + frame.prefixes * NESTING_PREFIX_KB + frame.links * NESTING_LINK_KB;
        if stack_kb > NESTING_STACK_KB_MAX {
            Err(TooDeep::Nesting)
        } else {
            Ok(())
        }
    }

    /// The innermost frame.
    fn frame(&mut self) -> &mut Frame {
        self.frames
            .last_mut()
            .expect("the module's own frame is never left")
    }

    /// Leaves the frames inside the innermost one that `fits`; whether there is one.
    fn unwind(&mut self, fits: impl Fn(Enclosure) -> bool) -> bool {
        let depth = self.frames.iter().rposition(|frame| fits(frame.enclosure));
        if let Some(depth) = depth {
            self.frames.truncate(depth + 1);
        }
        depth.is_some()
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
