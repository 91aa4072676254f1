//! Why a source was refused, in the author's lines and columns.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use swc_common::errors::{DiagnosticBuilder, Emitter, HANDLER, Handler};
use swc_common::{BytePos, SourceFile, Spanned};

use crate::limits::{
    CHAIN_LINKS_MAX, DIAGNOSTICS_MAX, EXCERPT_CHARS_MAX, NESTING_LEVEL_KB, NESTING_STACK_KB_MAX,
};

/// Why there is no code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum CompileError {
    /// The source is wrong; in the order of the source, at least one.
    #[error("{}", first(.diagnostics))]
    Syntax {
        /// What is wrong, the first being the one to show.
        diagnostics: Vec<Diagnostic>,
    },
    /// The source is too long.
    #[error("The source is {bytes} bytes, over the limit of {max}")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// `SOURCE_BYTES_MAX`.
        max: usize,
    },
    /// Something in the source is nested too deep for the parser's or the engine's stack.
    #[error("{}", .diagnostic)]
    TooDeep {
        /// Where the limit was reached, and which.
        diagnostic: Diagnostic,
    },
    /// A fault of the compiler's own.
    #[error("The compiler failed: {message}")]
    Internal {
        /// What the compiler said.
        message: String,
    },
}

impl CompileError {
    /// The place to show, if the error has one.
    pub fn diagnostic(&self) -> Option<&Diagnostic> {
        match self {
            CompileError::Syntax { diagnostics } => diagnostics.first(),
            CompileError::TooDeep { diagnostic } => Some(diagnostic),
            CompileError::TooLarge { .. } | CompileError::Internal { .. } => None,
        }
    }

    pub(super) fn internal(error: impl fmt::Display) -> Self {
        CompileError::Internal {
            message: error.to_string(),
        }
    }

    pub(super) fn too_deep(source: &str, offset: usize) -> Self {
        let levels = NESTING_STACK_KB_MAX / NESTING_LEVEL_KB;
        let message = format!("Nested too deep: brackets may be {levels} levels deep");
        CompileError::TooDeep {
            diagnostic: Diagnostic::at(message, source, offset),
        }
    }

    pub(super) fn too_long(source: &str, offset: usize) -> Self {
        let message = format!("Too long a chain of operators: it may have {CHAIN_LINKS_MAX}");
        CompileError::TooDeep {
            diagnostic: Diagnostic::at(message, source, offset),
        }
    }
}

fn first(diagnostics: &[Diagnostic]) -> String {
    diagnostics
        .first()
        .map(Diagnostic::to_string)
        .unwrap_or_default()
}

/// One thing wrong with a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// What is wrong.
    pub message: String,
    /// From 1.
    pub line: u32,
    /// From 1, in UTF-16 code units, as editors count.
    pub column: u32,
    /// The line of the source and, below it, a caret under the column.
    pub excerpt: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}:{})\n{}",
            self.message, self.line, self.column, self.excerpt
        )
    }
}

impl Diagnostic {
    pub(super) fn of_parser(error: &swc_ecma_parser::error::Error, file: &SourceFile) -> Self {
        let message = error.kind().msg().into_owned();
        Self::at(message, &file.src, offset_in(file, error.span().lo()))
    }

    /// A diagnostic about the byte at `offset`.
    pub(super) fn at(message: String, source: &str, offset: usize) -> Self {
        let (line, column) = line_and_column(source, offset);
        Self {
            message,
            line,
            column,
            excerpt: excerpt(source, offset),
        }
    }
}

/// Line and column of a position in the file, from 1, the column in UTF-16 code units.
pub(super) fn position(file: &SourceFile, at: BytePos) -> (u32, u32) {
    line_and_column(&file.src, offset_in(file, at))
}

/// Byte offset of a position; generated nodes, which have none, count as the start of the file.
fn offset_in(file: &SourceFile, at: BytePos) -> usize {
    let offset = at.0.saturating_sub(file.start_pos.0) as usize;
    offset.min(file.src.len())
}

fn line_and_column(source: &str, offset: usize) -> (u32, u32) {
    let offset = source.floor_char_boundary(offset);
    let before = &source[..offset];
    let line = before.bytes().filter(|byte| *byte == b'\n').count();
    let column = before[line_start(before)..].encode_utf16().count();
    (line as u32 + 1, column as u32 + 1)
}

fn line_start(before: &str) -> usize {
    before.rfind('\n').map_or(0, |newline| newline + 1)
}

/// The line and a caret; of a very long line, the part around the column.
fn excerpt(source: &str, offset: usize) -> String {
    let offset = source.floor_char_boundary(offset);
    let start = line_start(&source[..offset]);
    let line = source[start..].lines().next().unwrap_or_default();
    let caret = line
        .get(..offset - start)
        .map_or(0, |before| before.chars().count());
    let skipped = caret.saturating_sub(EXCERPT_CHARS_MAX / 2);
    let shown: String = line.chars().skip(skipped).take(EXCERPT_CHARS_MAX).collect();
    // Tabs before the caret are kept, so that it stays under its column however wide they are
    // shown.
    let indent: String = shown
        .chars()
        .chain(std::iter::repeat(' '))
        .take(caret - skipped)
        .map(|char| if char == '\t' { '\t' } else { ' ' })
        .collect();
    format!("{shown}\n{indent}^")
}

/// What the passes after the parser have to say about the source.
#[derive(Default)]
pub(super) struct Reports(Rc<RefCell<Vec<(BytePos, String)>>>);

impl Reports {
    /// Runs `passes` with the handler in place that swc's passes and ours report to.
    pub(super) fn collect<T>(&self, passes: impl FnOnce() -> T) -> T {
        let emitter = Collector(Rc::clone(&self.0));
        let handler = Handler::with_emitter(false, false, Box::new(emitter));
        HANDLER.set(&handler, passes)
    }

    pub(super) fn diagnostics(&self, file: &SourceFile) -> Vec<Diagnostic> {
        let mut reports = self.0.borrow().clone();
        reports.sort();
        reports.dedup();
        reports.truncate(DIAGNOSTICS_MAX);
        reports
            .into_iter()
            .map(|(at, message)| Diagnostic::at(message, &file.src, offset_in(file, at)))
            .collect()
    }
}

struct Collector(Rc<RefCell<Vec<(BytePos, String)>>>);

impl Emitter for Collector {
    fn emit(&mut self, report: &mut DiagnosticBuilder<'_>) {
        let at = report
            .span
            .primary_span()
            .map_or(BytePos(0), |span| span.lo());
        self.0.borrow_mut().push((at, report.message()));
    }
}

/// Reports an error of our own at a node.
pub(super) fn report(node: &impl Spanned, message: &str) {
    HANDLER.with(|handler| handler.struct_span_err(node.span(), message).emit());
}
