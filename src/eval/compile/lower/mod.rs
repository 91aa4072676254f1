//! Lowering: what the engine cannot parse or run, rewritten into what it can.
//!
//! Each file below is one fault of boa 0.22 or one piece of syntax it lacks; when the engine learns
//! it, the file goes.

pub(super) mod authority;
mod classes;
mod decorators;
mod names;
mod parameters;
mod statements;
mod using;

use swc_common::util::take::Take;
use swc_common::{Mark, Spanned, SyntaxContext};
use swc_ecma_ast::{
    AssignTarget, CallExpr, ExportDefaultExpr, Expr, ImportDecl, ImportPhase, OptChainBase,
    ParenExpr, Program, SimpleAssignTarget,
};
use swc_ecma_transforms_base::helpers::inject_helpers;
use swc_ecma_visit::{Visit, VisitMut, VisitMutWith, VisitWith};

use super::diagnostics::report;

/// Reports what can neither be run nor lowered.
pub(super) fn refuse(program: &Program) {
    program.visit_with(&mut Refusal);
    decorators::refuse(program);
}

/// Lowers a program from which types and JSX are gone. A pass runs only where `source` has a word
/// that it is for. Answers which globals the module is to import.
pub(super) fn lower(
    program: &mut Program,
    source: &str,
    unresolved: Mark,
    runs_here: bool,
) -> Vec<String> {
    if source.contains('@') || source.contains("accessor") {
        decorators::lower(program);
    }
    if source.contains("using") {
        program.visit_mut_with(&mut using::Lowering);
    }
    if source.contains("class") {
        program.visit_mut_with(&mut classes::Lowering::new(unresolved));
    }
    if source.contains("var") {
        program.visit_mut_with(&mut parameters::Lowering);
    }
    program.mutate(inject_helpers(unresolved));
    // Last, as the helpers have such names too.
    let unresolved = SyntaxContext::empty().apply_mark(unresolved);
    names::lower(program, unresolved);
    if !runs_here {
        return Vec::new();
    }
    authority::lower(program, source, unresolved)
}

/// The one lowering that the printer's own parentheses would undo, so it comes after them.
///
/// `export default async ...` is taken for a named function declaration; in parentheses it is an
/// expression, and still named `default`.
pub(super) fn parenthesize(program: &mut Program) {
    program.visit_mut_with(&mut Parentheses);
}

struct Refusal;

impl Visit for Refusal {
    fn visit_import_decl(&mut self, import: &ImportDecl) {
        match import.phase {
            ImportPhase::Evaluation => {}
            ImportPhase::Source => report(import, "`import source` is not supported"),
            ImportPhase::Defer => report(import, "`import defer` is not supported"),
        }
    }

    fn visit_call_expr(&mut self, call: &CallExpr) {
        if let Some(import) = call.callee.as_import()
            && import.phase != ImportPhase::Evaluation
        {
            report(call, "`import.source` and `import.defer` are not supported");
        }
        call.visit_children_with(self);
    }
}

struct Parentheses;

impl VisitMut for Parentheses {
    fn visit_mut_export_default_expr(&mut self, export: &mut ExportDefaultExpr) {
        if starts_with_async(&export.expr) {
            let expr = export.expr.take();
            let span = expr.span();
            *export.expr = Expr::Paren(ParenExpr { span, expr });
        }
    }
}

/// Whether `async` is the first word of an expression.
fn starts_with_async(expr: &Expr) -> bool {
    match expr {
        Expr::Arrow(arrow) => arrow.is_async,
        Expr::Fn(function) => function.function.is_async,
        Expr::Ident(name) => name.sym == "async",
        Expr::Member(member) => starts_with_async(&member.obj),
        Expr::Call(call) => call
            .callee
            .as_expr()
            .is_some_and(|callee| starts_with_async(callee)),
        Expr::TaggedTpl(template) => starts_with_async(&template.tag),
        Expr::Bin(binary) => starts_with_async(&binary.left),
        Expr::Cond(condition) => starts_with_async(&condition.test),
        Expr::Seq(sequence) => sequence
            .exprs
            .first()
            .is_some_and(|first| starts_with_async(first)),
        Expr::Update(update) => !update.prefix && starts_with_async(&update.arg),
        Expr::OptChain(chain) => match &*chain.base {
            OptChainBase::Member(member) => starts_with_async(&member.obj),
            OptChainBase::Call(call) => starts_with_async(&call.callee),
        },
        Expr::Assign(assign) => match &assign.left {
            AssignTarget::Simple(SimpleAssignTarget::Ident(name)) => name.sym == "async",
            AssignTarget::Simple(SimpleAssignTarget::Member(member)) => {
                starts_with_async(&member.obj)
            }
            _ => false,
        },
        _ => false,
    }
}
