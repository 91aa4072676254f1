//! The compiler: TypeScript, JSX and JavaScript in, what the engine can run out.
//!
//! Parse, erase types, expand JSX, lower what the engine cannot parse or run, print with a source
//! map. It knows no files and resolves no specifier. It is meant for a process that may die: what
//! it bounds itself (size, nesting) is bounded for the sake of a clear message.

mod diagnostics;
mod lower;
mod nesting;
mod outline;
mod source_map;

pub use diagnostics::{CompileError, Diagnostic};
pub use outline::Import;
pub use source_map::{Positions, PositionsError, map_stack};

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::{Deserialize, Serialize};
use swc_common::comments::{Comments, SingleThreadedComments};
use swc_common::source_map::SourceMapGenConfig;
use swc_common::sync::Lrc;
use swc_common::{BytePos, FileName, GLOBALS, Globals, LineCol, Mark, SourceFile, SourceMap};
use swc_ecma_ast::{EsVersion, Module, Program};
use swc_ecma_codegen::{Config as PrintConfig, Emitter, text_writer::JsWriter};
use swc_ecma_parser::{EsSyntax, Parser, StringInput, Syntax, TsSyntax, lexer::Lexer};
use swc_ecma_transforms_base::fixer::fixer;
use swc_ecma_transforms_base::helpers::{HELPERS, Helpers};
use swc_ecma_transforms_base::hygiene::hygiene;
use swc_ecma_transforms_base::resolver;
use swc_ecma_transforms_react::{Options as JsxOptions, Runtime, react};
use swc_ecma_transforms_typescript::{
    Config as TypesConfig, TsImportExportAssignConfig, TsxConfig, tsx, typescript,
};

use crate::limits::{DIAGNOSTICS_MAX, SOURCE_BYTES_MAX};
use diagnostics::Reports;

/// What a source is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// TypeScript.
    Ts,
    /// TypeScript with JSX.
    Tsx,
    /// JavaScript.
    Js,
    /// JavaScript with JSX.
    Jsx,
}

impl SourceKind {
    fn has_types(self) -> bool {
        matches!(self, SourceKind::Ts | SourceKind::Tsx)
    }

    fn has_jsx(self) -> bool {
        matches!(self, SourceKind::Tsx | SourceKind::Jsx)
    }

    fn syntax(self) -> Syntax {
        if self.has_types() {
            Syntax::Typescript(TsSyntax {
                tsx: self.has_jsx(),
                decorators: true,
                ..Default::default()
            })
        } else {
            Syntax::Es(EsSyntax {
                jsx: self.has_jsx(),
                decorators: true,
                decorators_before_export: true,
                auto_accessors: true,
                explicit_resource_management: true,
                import_attributes: true,
                ..Default::default()
            })
        }
    }
}

/// How to compile one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// What the source is written in.
    pub kind: SourceKind,
    /// Where JSX comes from when the file has no pragma; `react` unless told.
    pub jsx_import_source: Option<String>,
    /// Whether it is to run here, where some globals go by the authority of a module and are
    /// imported; what runs elsewhere has its own.
    pub runs_here: bool,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compiled {
    /// A module in the JavaScript that the engine understands.
    pub code: String,
    /// Source map (ECMA-426) as JSON, without the source itself, which it calls by no name.
    pub map: String,
    /// What it imports, in the order of the code. Imports of types are not among them.
    pub imports: Vec<Import>,
    /// The names it exports; `*` stands for a re-export of everything.
    pub exports: Vec<String>,
}

/// What a map calls its source. A source may have several names, and is compiled once.
const UNNAMED: &str = "";

impl Compiled {
    /// The map with a name for the source.
    pub fn map_of(&self, specifier: &str) -> String {
        let sources = |name: &str| format!("\"sources\":[{}]", serde_json::json!(name));
        self.map.replacen(&sources(UNNAMED), &sources(specifier), 1)
    }
}

/// Compiles one source. Never panics; deep nesting is refused before it can exhaust the stack.
pub fn compile(source: &str, options: &Options) -> Result<Compiled, CompileError> {
    if source.len() > SOURCE_BYTES_MAX {
        return Err(CompileError::TooLarge {
            bytes: source.len(),
            max: SOURCE_BYTES_MAX,
        });
    }
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    nesting::check(source, options.kind)?;
    // Nothing outlives the call: the globals, the syntax tree and the reports are all made inside
    // it.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        GLOBALS.set(&Globals::new(), || {
            HELPERS.set(&Helpers::new(false), || {
                Compilation::new(source, options).run()
            })
        })
    }));
    outcome.unwrap_or_else(|panic| {
        Err(CompileError::Internal {
            message: panic_message(&*panic),
        })
    })
}

/// Refuses JavaScript that nobody compiles before the engine reads it, where it is nested too deep.
pub fn check_nesting(source: &str) -> Result<(), CompileError> {
    nesting::check(source, SourceKind::Js)
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "The compiler panicked without a message".to_owned())
}

/// One source on its way through the passes.
struct Compilation<'a> {
    options: &'a Options,
    sources: Lrc<SourceMap>,
    file: Lrc<SourceFile>,
    comments: SingleThreadedComments,
    reports: Reports,
}

impl<'a> Compilation<'a> {
    fn new(source: &str, options: &'a Options) -> Self {
        let sources: Lrc<SourceMap> = Lrc::default();
        let name = FileName::Custom(UNNAMED.to_owned());
        let file = sources.new_source_file(Lrc::new(name), source.to_owned());
        Self {
            options,
            sources,
            file,
            comments: SingleThreadedComments::default(),
            reports: Reports::default(),
        }
    }

    fn run(&self) -> Result<Compiled, CompileError> {
        let module = self.parse()?;
        let (mut program, globals) = self.reports.collect(|| self.transform(module));
        let diagnostics = self.reports.diagnostics(&self.file);
        if !diagnostics.is_empty() {
            return Err(CompileError::Syntax { diagnostics });
        }
        let outline = outline::read(&program, &self.file);
        lower::authority::import(&mut program, &globals);
        let (code, map) = self.print(&program)?;
        Ok(Compiled {
            code,
            map,
            imports: outline.imports,
            exports: outline.exports,
        })
    }

    fn parse(&self) -> Result<Module, CompileError> {
        let lexer = Lexer::new(
            self.options.kind.syntax(),
            EsVersion::latest(),
            StringInput::from(&*self.file),
            Some(&self.comments),
        );
        let mut parser = Parser::new_from(lexer);
        let parsed = parser.parse_module();
        // Errors from which the parser recovered are errors all the same.
        let mut errors = parser.take_errors();
        let module = match parsed {
            Ok(module) if errors.is_empty() => return Ok(module),
            Ok(_) => None,
            Err(error) => Some(error),
        };
        errors.extend(module);
        errors.dedup();
        errors.truncate(DIAGNOSTICS_MAX);
        let diagnostics = errors
            .iter()
            .map(|error| Diagnostic::of_parser(error, &self.file))
            .collect();
        Err(CompileError::Syntax { diagnostics })
    }

    fn transform(&self, module: Module) -> (Program, Vec<String>) {
        let kind = self.options.kind;
        let (unresolved, top) = (Mark::new(), Mark::new());
        let runtime = self.jsx_runtime(&module);
        let mut program = Program::Module(module);
        program.mutate(resolver(unresolved, top, kind.has_types()));
        lower::refuse(&program);
        match kind {
            SourceKind::Js | SourceKind::Jsx => {}
            SourceKind::Ts => program.mutate(typescript(types_config(), unresolved, top)),
            SourceKind::Tsx => program.mutate(tsx(
                self.sources.clone(),
                types_config(),
                TsxConfig::default(),
                self.comments.clone(),
                unresolved,
                top,
            )),
        }
        if kind.has_jsx() {
            let options = JsxOptions {
                runtime: Some(runtime),
                import_source: self.options.jsx_import_source.clone().map(Into::into),
                ..Default::default()
            };
            let comments = Some(self.comments.clone());
            program.mutate(react(
                self.sources.clone(),
                comments,
                options,
                top,
                unresolved,
            ));
        }
        let globals = lower::lower(
            &mut program,
            &self.file.src,
            unresolved,
            self.options.runs_here,
        );
        program.mutate(hygiene());
        program.mutate(fixer(None));
        lower::parenthesize(&mut program);
        (program, globals)
    }

    /// `@jsx` and `@jsxFrag` name functions to call, which the newer way of JSX does not do.
    fn jsx_runtime(&self, module: &Module) -> Runtime {
        let comments = self
            .comments
            .get_leading(module.span.lo)
            .unwrap_or_default();
        let words = || {
            comments
                .iter()
                .flat_map(|comment| comment.text.split_whitespace())
        };
        let has = |pragma: &str| words().any(|word| word == pragma);
        if (has("@jsx") || has("@jsxFrag")) && !has("@jsxImportSource") && !has("@jsxRuntime") {
            Runtime::Classic
        } else {
            Runtime::Automatic
        }
    }

    fn print(&self, program: &Program) -> Result<(String, String), CompileError> {
        let mut code = Vec::with_capacity(self.file.src.len());
        let mut mappings = Vec::new();
        let writer = JsWriter::new(self.sources.clone(), "\n", &mut code, Some(&mut mappings));
        // Comments are left out: they cost the engine time and nothing reads them there.
        let mut emitter = Emitter {
            cfg: PrintConfig::default().with_target(EsVersion::latest()),
            cm: self.sources.clone(),
            comments: None,
            wr: writer,
        };
        emitter
            .emit_program(program)
            .map_err(CompileError::internal)?;
        drop(emitter);
        let code = String::from_utf8(code).map_err(CompileError::internal)?;
        // The printer takes the last byte of a statement for its semicolon, whatever character it
        // belongs to.
        mappings.retain(|(at, _)| self.is_boundary(*at));
        Ok((code, self.map(&mappings)?))
    }

    fn is_boundary(&self, at: BytePos) -> bool {
        let offset = at.0.checked_sub(self.file.start_pos.0);
        offset.is_none_or(|offset| {
            let offset = offset as usize;
            offset >= self.file.src.len() || self.file.src.is_char_boundary(offset)
        })
    }

    fn map(&self, mappings: &[(BytePos, LineCol)]) -> Result<String, CompileError> {
        let map = self.sources.build_source_map(mappings, None, MapConfig);
        let mut json = Vec::new();
        map.to_writer(&mut json).map_err(CompileError::internal)?;
        String::from_utf8(json).map_err(CompileError::internal)
    }
}

/// Unused imports go, as with tsc: otherwise a forgotten `type` would be an error when linking.
fn types_config() -> TypesConfig {
    TypesConfig {
        verbatim_module_syntax: false,
        native_class_properties: true,
        no_empty_export: true,
        import_export_assign_config: TsImportExportAssignConfig::EsNext,
        ..Default::default()
    }
}

struct MapConfig;

impl SourceMapGenConfig for MapConfig {
    fn file_name_to_source(&self, _: &FileName) -> String {
        UNNAMED.to_owned()
    }

    fn inline_sources_content(&self, _: &FileName) -> bool {
        false
    }

    fn skip(&self, name: &FileName) -> bool {
        !matches!(name, FileName::Custom(name) if name == UNNAMED)
    }
}
