//! Statements that the lowerings make.

use swc_common::DUMMY_SP;
use swc_ecma_ast::{
    AssignExpr, AssignOp, Decl, Expr, ExprStmt, Ident, Lit, Pat, Stmt, VarDecl, VarDeclKind,
    VarDeclarator,
};

/// Where statements may begin: after `"use strict"` and the like, which count only when they come
/// first.
pub(super) fn after_directives(statements: &[Stmt]) -> usize {
    statements
        .iter()
        .take_while(|one| is_directive(one))
        .count()
}

fn is_directive(statement: &Stmt) -> bool {
    statement
        .as_expr()
        .is_some_and(|statement| matches!(&*statement.expr, Expr::Lit(Lit::Str(_))))
}

/// `<kind> <name> = <value>;`
pub(super) fn variable(kind: VarDeclKind, name: Pat, value: Option<Box<Expr>>) -> Stmt {
    Stmt::Decl(Decl::Var(Box::new(declaration(kind, name, value))))
}

/// `<kind> <name> = <value>`
pub(super) fn declaration(kind: VarDeclKind, name: Pat, value: Option<Box<Expr>>) -> VarDecl {
    let variable = VarDeclarator {
        span: DUMMY_SP,
        name,
        init: value,
        definite: false,
    };
    VarDecl {
        kind,
        decls: vec![variable],
        ..Default::default()
    }
}

/// `<name> = <value>`
pub(super) fn assignment(name: &Ident, value: Box<Expr>) -> Expr {
    Expr::Assign(AssignExpr {
        span: DUMMY_SP,
        op: AssignOp::Assign,
        left: name.clone().into(),
        right: value,
    })
}

/// `<expression>;`
pub(super) fn expression(expr: Expr) -> Stmt {
    Stmt::Expr(ExprStmt {
        span: DUMMY_SP,
        expr: Box::new(expr),
    })
}
