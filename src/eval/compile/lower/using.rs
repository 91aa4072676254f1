//! `using` and `await using`: the engine parses them and disposes of nothing.
//!
//! What follows a `using` in its list of statements runs in a `try` whose `finally` disposes. At
//! the top level of a module, exports and functions stay outside of it and other declarations
//! become `var`, which reach out.

use swc_common::util::take::Take;
use swc_common::{DUMMY_SP, SyntaxContext};
use swc_ecma_ast::{
    AssignExpr, AssignOp, AwaitExpr, BlockStmt, CallExpr, Callee, CatchClause, ClassDecl,
    ClassExpr, Decl, DefaultDecl, Expr, ForHead, ForOfStmt, Ident, IdentName, MemberExpr,
    MemberProp, ModuleDecl, ModuleItem, Pat, Stmt, SwitchCase, TryStmt, UsingDecl, VarDecl,
    VarDeclKind,
};
use swc_ecma_transforms_base::enable_helper;
use swc_ecma_visit::{VisitMut, VisitMutWith};

use super::{names, statements};
use crate::eval::compile::diagnostics::report;

/// Disposes of what `using` declares.
pub(super) struct Lowering;

impl VisitMut for Lowering {
    fn visit_mut_stmts(&mut self, list: &mut Vec<Stmt>) {
        list.visit_mut_children_with(self);
        let Some(mut disposal) = Disposal::of(list.iter()) else {
            return;
        };
        let rest = list.split_off(statements::after_directives(list));
        let body = rest
            .into_iter()
            .map(|one| disposal.lower(one, VarDeclKind::Const))
            .collect();
        list.extend(disposal.around(body));
    }

    fn visit_mut_module_items(&mut self, items: &mut Vec<ModuleItem>) {
        items.visit_mut_children_with(self);
        let Some(mut disposal) = Disposal::of(items.iter().filter_map(ModuleItem::as_stmt)) else {
            return;
        };
        let (mut outside, mut body, mut exports) = (Vec::new(), Vec::new(), Vec::new());
        for item in std::mem::take(items) {
            match item {
                ModuleItem::Stmt(Stmt::Decl(Decl::Fn(_))) => outside.push(item),
                ModuleItem::Stmt(statement) => {
                    body.push(reaching_out(disposal.lower(statement, VarDeclKind::Var)));
                }
                ModuleItem::ModuleDecl(declaration) => match exported(declaration) {
                    Ok((statement, names)) => {
                        body.push(reaching_out(statement));
                        exports.push(names::export_of(names.into_iter()));
                    }
                    Err(declaration) => outside.push(ModuleItem::ModuleDecl(declaration)),
                },
            }
        }
        items.extend(outside);
        items.extend(disposal.around(body).map(ModuleItem::Stmt));
        items.extend(exports);
    }

    fn visit_mut_switch_case(&mut self, case: &mut SwitchCase) {
        for statement in &case.cons {
            if let Stmt::Decl(Decl::Using(using)) = statement {
                report(&**using, "`using` in a `case` needs a block of its own");
                return;
            }
        }
        case.visit_mut_children_with(self);
    }

    fn visit_mut_for_of_stmt(&mut self, statement: &mut ForOfStmt) {
        if let ForHead::UsingDecl(using) = &mut statement.left
            && let Some(variable) = using.decls.first_mut()
        {
            // for (using x of xs) body  ->  for (const y of xs) { using x = y; body }
            let element = Ident::new_private("_element".into(), DUMMY_SP);
            variable.init = Some(Box::new(element.clone().into()));
            let using = Stmt::Decl(Decl::Using(using.take()));
            let body = BlockStmt {
                stmts: vec![using, *statement.body.take()],
                ..Default::default()
            };
            *statement.body = Stmt::Block(body);
            let head =
                statements::declaration(VarDeclKind::Const, Pat::Ident(element.into()), None);
            statement.left = ForHead::VarDecl(Box::new(head));
        }
        statement.visit_mut_children_with(self);
    }
}

/// The disposal of one list of statements.
struct Disposal {
    scope: Ident,
    is_await: bool,
}

impl Disposal {
    /// Of a list that has a `using`.
    fn of<'a>(list: impl Iterator<Item = &'a Stmt>) -> Option<Self> {
        let mut usings = list.filter_map(|statement| match statement {
            Stmt::Decl(Decl::Using(using)) => Some(using.is_await),
            _ => None,
        });
        let first = usings.next()?;
        let scope = Ident::new_private("_scope".into(), DUMMY_SP);
        Some(Self {
            scope,
            is_await: first || usings.any(|is_await| is_await),
        })
    }

    /// `using x = y` becomes `const x = scope.u(y)`.
    fn lower(&mut self, statement: Stmt, kind: VarDeclKind) -> Stmt {
        let Stmt::Decl(Decl::Using(using)) = statement else {
            return statement;
        };
        let UsingDecl {
            span,
            is_await,
            mut decls,
        } = *using;
        for variable in &mut decls {
            if let Some(value) = variable.init.take() {
                let method = if is_await { "a" } else { "u" };
                variable.init = Some(Box::new(self.call(method, Some(value))));
            }
        }
        Stmt::Decl(Decl::Var(Box::new(VarDecl {
            span,
            kind,
            decls,
            ..Default::default()
        })))
    }

    /// `const scope = _using_ctx(); try { body } catch (error) { scope.e = error } finally {
    /// scope.d() }`
    fn around(self, body: Vec<Stmt>) -> impl Iterator<Item = Stmt> {
        let mark = enable_helper!(using_ctx);
        let context = SyntaxContext::empty().apply_mark(mark);
        let make = Expr::Ident(Ident::new("_using_ctx".into(), DUMMY_SP, context));
        let make = Expr::Call(CallExpr {
            callee: Callee::Expr(Box::new(make)),
            ..Default::default()
        });
        let scope = Pat::Ident(self.scope.clone().into());
        let scope = statements::variable(VarDeclKind::Const, scope, Some(Box::new(make)));

        let error = Ident::new_private("_error".into(), DUMMY_SP);
        let keep = Expr::Assign(AssignExpr {
            span: DUMMY_SP,
            op: AssignOp::Assign,
            left: self.member("e").into(),
            right: Box::new(error.clone().into()),
        });
        let handler = CatchClause {
            span: DUMMY_SP,
            param: Some(Pat::Ident(error.into())),
            body: block(vec![statements::expression(keep)]),
        };
        let mut dispose = self.call("d", None);
        if self.is_await {
            dispose = Expr::Await(AwaitExpr {
                span: DUMMY_SP,
                arg: Box::new(dispose),
            });
        }
        let attempt = Stmt::Try(Box::new(TryStmt {
            span: DUMMY_SP,
            block: block(body),
            handler: Some(handler),
            finalizer: Some(block(vec![statements::expression(dispose)])),
        }));
        [scope, attempt].into_iter()
    }

    fn member(&self, name: &str) -> MemberExpr {
        MemberExpr {
            span: DUMMY_SP,
            obj: Box::new(self.scope.clone().into()),
            prop: MemberProp::Ident(IdentName::new(name.into(), DUMMY_SP)),
        }
    }

    fn call(&self, method: &str, argument: Option<Box<Expr>>) -> Expr {
        Expr::Call(CallExpr {
            callee: Callee::Expr(Box::new(self.member(method).into())),
            args: argument.into_iter().map(Into::into).collect(),
            ..Default::default()
        })
    }
}

fn block(stmts: Vec<Stmt>) -> BlockStmt {
    BlockStmt {
        stmts,
        ..Default::default()
    }
}

/// Lets what a module declares be seen outside of the `try` around it.
fn reaching_out(statement: Stmt) -> Stmt {
    match statement {
        Stmt::Decl(Decl::Var(mut variables)) => {
            variables.kind = VarDeclKind::Var;
            Stmt::Decl(Decl::Var(variables))
        }
        Stmt::Decl(Decl::Class(ClassDecl { ident, class, .. })) => {
            let value = Expr::Class(ClassExpr {
                ident: Some(ident.clone()),
                class,
            });
            statements::variable(
                VarDeclKind::Var,
                Pat::Ident(ident.into()),
                Some(Box::new(value)),
            )
        }
        statement => statement,
    }
}

type Names = Vec<(Ident, Option<Ident>)>;

/// An exported declaration as a statement and what to export of it; others as they are.
fn exported(declaration: ModuleDecl) -> Result<(Stmt, Names), ModuleDecl> {
    match declaration {
        ModuleDecl::ExportDecl(export) if !export.decl.is_fn_decl() => {
            let names = names::declared(&export.decl)
                .into_iter()
                .map(|name| (name, None))
                .collect();
            Ok((Stmt::Decl(export.decl), names))
        }
        ModuleDecl::ExportDefaultExpr(export) => Ok(default(export.expr)),
        ModuleDecl::ExportDefaultDecl(export) => match export.decl {
            DefaultDecl::Class(ClassExpr {
                ident: Some(ident),
                class,
            }) => {
                let names = vec![(ident.clone(), Some(default_name()))];
                Ok((
                    Stmt::Decl(Decl::Class(ClassDecl {
                        ident,
                        declare: false,
                        class,
                    })),
                    names,
                ))
            }
            DefaultDecl::Class(class) => Ok(default(Box::new(Expr::Class(class)))),
            decl => Err(ModuleDecl::ExportDefaultDecl(
                swc_ecma_ast::ExportDefaultDecl { decl, ..export },
            )),
        },
        declaration => Err(declaration),
    }
}

fn default(value: Box<Expr>) -> (Stmt, Names) {
    let local = Ident::new_private("_default".into(), DUMMY_SP);
    let name = Pat::Ident(local.clone().into());
    let statement = statements::variable(VarDeclKind::Var, name, Some(value));
    (statement, vec![(local, Some(default_name()))])
}

fn default_name() -> Ident {
    Ident::new_no_ctxt("default".into(), DUMMY_SP)
}
