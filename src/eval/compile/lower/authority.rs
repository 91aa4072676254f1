//! Globals that depend on the authority of a module: they are imported instead.
//!
//! All modules of a program share one global object, so what is there is without any authority.
//! `Deno`, `process` and `globalThis.process` where nothing declares them become names of an
//! import, which the module loader answers for each module as its authority is.

use std::collections::{BTreeSet, HashSet};

use swc_common::{DUMMY_SP, SyntaxContext};
use swc_ecma_ast::{
    BindingIdent, ClassDecl, ClassExpr, Expr, FnDecl, FnExpr, Id, Ident, ImportDecl,
    ImportNamedSpecifier, ImportPhase, ImportSpecifier, MemberProp, ModuleDecl, ModuleItem,
    Program,
};
use swc_ecma_visit::{Visit, VisitMut, VisitMutWith, VisitWith};

/// What is imported; the module loader exports at least these.
const NAMES: [&str; 3] = ["Deno", "addEventListener", "process"];
/// The specifier, which only the module loader knows.
const SPECIFIER: &str = "town:globals";
/// The global object.
const GLOBAL: [&str; 4] = ["globalThis", "self", "global", "window"];

/// Turns `globalThis.process` into `process`, and answers which of the names are free.
pub(super) fn lower(program: &mut Program, source: &str, unresolved: SyntaxContext) -> Vec<String> {
    if !NAMES.iter().any(|name| source.contains(name)) {
        return Vec::new();
    }
    let mut declared = Declared::default();
    program.visit_with(&mut declared);
    let mut members = Members {
        declared: &declared.names,
        unresolved,
    };
    program.visit_mut_with(&mut members);
    let mut free = Free {
        declared: &declared.names,
        names: BTreeSet::new(),
    };
    program.visit_with(&mut free);
    free.names.into_iter().collect()
}

/// Adds the import, when all else is done: it is none of the author's.
pub(in super::super) fn import(program: &mut Program, names: &[String]) {
    let Program::Module(module) = program else {
        return;
    };
    if names.is_empty() {
        return;
    }
    let specifiers = names.iter().map(|name| {
        ImportSpecifier::Named(ImportNamedSpecifier {
            span: DUMMY_SP,
            local: Ident::new_no_ctxt(name.as_str().into(), DUMMY_SP),
            imported: None,
            is_type_only: false,
        })
    });
    let import = ImportDecl {
        span: DUMMY_SP,
        specifiers: specifiers.collect(),
        src: Box::new(SPECIFIER.into()),
        type_only: false,
        with: None,
        phase: ImportPhase::Evaluation,
    };
    let item = ModuleItem::ModuleDecl(ModuleDecl::Import(import));
    module.body.insert(0, item);
}

/// Everything that has a declaration. A name that was only declared as a type has none any more.
#[derive(Default)]
struct Declared {
    names: HashSet<Id>,
}

impl Declared {
    fn add(&mut self, name: &Ident) {
        if NAMES.contains(&name.sym.as_str()) || GLOBAL.contains(&name.sym.as_str()) {
            self.names.insert(name.to_id());
        }
    }
}

impl Visit for Declared {
    fn visit_binding_ident(&mut self, name: &BindingIdent) {
        self.add(&name.id);
    }

    fn visit_fn_decl(&mut self, function: &FnDecl) {
        self.add(&function.ident);
        function.visit_children_with(self);
    }

    fn visit_fn_expr(&mut self, function: &FnExpr) {
        function.ident.iter().for_each(|name| self.add(name));
        function.visit_children_with(self);
    }

    fn visit_class_decl(&mut self, class: &ClassDecl) {
        self.add(&class.ident);
        class.visit_children_with(self);
    }

    fn visit_class_expr(&mut self, class: &ClassExpr) {
        class.ident.iter().for_each(|name| self.add(name));
        class.visit_children_with(self);
    }

    fn visit_import_specifier(&mut self, specifier: &ImportSpecifier) {
        self.add(specifier.local());
    }
}

struct Members<'a> {
    declared: &'a HashSet<Id>,
    unresolved: SyntaxContext,
}

impl VisitMut for Members<'_> {
    // What is assigned to is no expression, and stays a property of the global.
    fn visit_mut_expr(&mut self, expr: &mut Expr) {
        expr.visit_mut_children_with(self);
        let Expr::Member(member) = expr else { return };
        let of_global = member.obj.as_ident().is_some_and(|object| {
            GLOBAL.contains(&object.sym.as_str()) && !self.declared.contains(&object.to_id())
        });
        let name = match &member.prop {
            MemberProp::Ident(name) => Some(name.sym.clone()),
            MemberProp::Computed(_) | MemberProp::PrivateName(_) => None,
        };
        if let Some(name) = name.filter(|name| of_global && NAMES.contains(&name.as_str())) {
            *expr = Ident::new(name, member.span, self.unresolved).into();
        }
    }
}

struct Free<'a> {
    declared: &'a HashSet<Id>,
    names: BTreeSet<String>,
}

impl Visit for Free<'_> {
    fn visit_ident(&mut self, name: &Ident) {
        if NAMES.contains(&name.sym.as_str()) && !self.declared.contains(&name.to_id()) {
            self.names.insert(name.sym.to_string());
        }
    }
}
