//! `var` of a parameter's name, in a function whose parameters hold expressions.
//!
//! `(a, b = a) => { var a; ... }` gives the body an `a` of its own that starts as the parameter's.
//! The engine leaves it uninitialized, so the body's is renamed and told its first value.

use std::collections::{HashMap, HashSet};

use swc_common::DUMMY_SP;
use swc_ecma_ast::{
    ArrowExpr, ArrowFunctionBody, AssignPat, AssignPatProp, Class, ComputedPropName, Constructor,
    Decl, Expr, FnDecl, Function, FunctionBody, Id, Ident, Pat, Stmt, VarDecl, VarDeclKind,
    VarDeclarator,
};
use swc_ecma_visit::{Visit, VisitMut, VisitMutWith, VisitWith};

use super::names::{Declared, Renaming};
use super::statements;

/// Gives bodies variables that are told apart from the parameters.
pub(super) struct Lowering;

impl VisitMut for Lowering {
    fn visit_mut_function(&mut self, function: &mut Function) {
        function.visit_mut_children_with(self);
        if let Some(body) = &mut function.body {
            separate(&function.params, body);
        }
    }

    fn visit_mut_constructor(&mut self, constructor: &mut Constructor) {
        constructor.visit_mut_children_with(self);
        if let Some(body) = &mut constructor.body {
            separate(&constructor.params, body);
        }
    }

    fn visit_mut_arrow_expr(&mut self, arrow: &mut ArrowExpr) {
        arrow.visit_mut_children_with(self);
        if let ArrowFunctionBody::FunctionBody(body) = &mut *arrow.body {
            separate(&arrow.params, body);
        }
    }
}

fn separate<P>(parameters: &P, body: &mut FunctionBody)
where
    P: VisitWith<HasExpressions> + VisitWith<Declared>,
{
    let mut expressions = HasExpressions(false);
    parameters.visit_with(&mut expressions);
    if !expressions.0 {
        return;
    }
    let mut names = Declared(Vec::new());
    parameters.visit_with(&mut names);
    let mut variables = Variables::default();
    body.visit_children_with(&mut variables);
    let shared: Vec<Ident> = names
        .0
        .into_iter()
        .filter(|name| {
            let id = name.to_id();
            variables.declared.contains(&id) && !variables.functions.contains(&id)
        })
        .collect();
    if shared.is_empty() {
        return;
    }
    let renames: HashMap<Id, Ident> = shared
        .iter()
        .map(|name| (name.to_id(), Ident::new_private(name.sym.clone(), DUMMY_SP)))
        .collect();
    body.visit_mut_with(&mut Renaming { renames: &renames });
    let first_values = shared.into_iter().map(|name| VarDeclarator {
        span: DUMMY_SP,
        name: Pat::Ident(renames[&name.to_id()].clone().into()),
        init: Some(Box::new(
            Ident {
                span: DUMMY_SP,
                ..name
            }
            .into(),
        )),
        definite: false,
    });
    let declaration = VarDecl {
        kind: VarDeclKind::Var,
        decls: first_values.collect(),
        ..Default::default()
    };
    let at = statements::after_directives(&body.stmts);
    body.stmts
        .insert(at, Stmt::Decl(Decl::Var(Box::new(declaration))));
}

/// Whether parameters hold expressions.
struct HasExpressions(bool);

impl Visit for HasExpressions {
    fn visit_assign_pat(&mut self, _: &AssignPat) {
        self.0 = true;
    }

    fn visit_assign_pat_prop(&mut self, property: &AssignPatProp) {
        self.0 |= property.value.is_some();
    }

    fn visit_computed_prop_name(&mut self, _: &ComputedPropName) {
        self.0 = true;
    }
}

/// The variables of one body; those of functions inside it are not its own.
#[derive(Default)]
struct Variables {
    declared: HashSet<Id>,
    functions: HashSet<Id>,
}

impl Visit for Variables {
    fn visit_var_decl(&mut self, variables: &VarDecl) {
        if variables.kind == VarDeclKind::Var {
            let mut names = Declared(Vec::new());
            variables
                .decls
                .iter()
                .for_each(|variable| variable.name.visit_with(&mut names));
            self.declared.extend(names.0.iter().map(Ident::to_id));
        }
    }

    fn visit_fn_decl(&mut self, function: &FnDecl) {
        self.functions.insert(function.ident.to_id());
    }

    fn visit_expr(&mut self, _: &Expr) {}

    fn visit_class(&mut self, _: &Class) {}
}
