//! Names that the engine takes for keywords: `async` and `using` anywhere, `of` when imported.
//!
//! Local bindings of those names are renamed; what a module exports and the keys of objects keep
//! theirs.

use std::collections::HashMap;

use swc_common::util::take::Take;
use swc_common::{DUMMY_SP, SyntaxContext};
use swc_ecma_ast::{
    AssignPat, BindingIdent, BreakStmt, ContinueStmt, Decl, ExportNamedSpecifier, ExportSpecifier,
    Expr, Id, Ident, IdentName, ImportNamedSpecifier, ImportSpecifier, KeyValuePatProp,
    KeyValueProp, LabeledStmt, ModuleDecl, ModuleExportName, ModuleItem, NamedExport,
    ObjectPatProp, Pat, Program, Prop, PropName, Stmt, Str,
};
use swc_ecma_visit::{Visit, VisitMut, VisitMutWith, VisitWith};

/// Renames local bindings, so that none is called what the engine takes for a keyword.
pub(super) fn lower(program: &mut Program, unresolved: SyntaxContext) {
    let mut search = Search {
        unresolved,
        renames: HashMap::new(),
    };
    program.visit_with(&mut search);
    if !search.renames.is_empty() {
        program.visit_mut_with(&mut ExportSplit {
            renames: &search.renames,
        });
        program.visit_mut_with(&mut Renaming {
            renames: &search.renames,
        });
    }
    program.visit_mut_with(&mut OtherNames);
}

/// Renames bindings and every use of them; whatever a name is visible as from outside stays.
pub(super) struct Renaming<'a> {
    pub(super) renames: &'a HashMap<Id, Ident>,
}

impl Renaming<'_> {
    fn new_name(&self, name: &Ident) -> Option<Ident> {
        let new_name = self.renames.get(&name.to_id())?;
        Some(Ident {
            span: name.span,
            ..new_name.clone()
        })
    }
}

impl VisitMut for Renaming<'_> {
    fn visit_mut_ident(&mut self, name: &mut Ident) {
        if let Some(new_name) = self.new_name(name) {
            *name = new_name;
        }
    }

    fn visit_mut_prop(&mut self, property: &mut Prop) {
        if let Prop::Shorthand(name) = property
            && let Some(new_name) = self.new_name(name)
        {
            let key = PropName::Ident(IdentName::from(name.clone()));
            *property = Prop::KeyValue(KeyValueProp {
                key,
                value: Box::new(new_name.into()),
            });
        } else {
            property.visit_mut_children_with(self);
        }
    }

    fn visit_mut_object_pat_prop(&mut self, property: &mut ObjectPatProp) {
        // `{ name = value }` is `{ name: name = value }`, of which only the second is a binding.
        if let ObjectPatProp::Assign(assign) = property
            && let Some(new_name) = self.new_name(&assign.key.id)
        {
            let name = Pat::Ident(new_name.into());
            let value = match assign.value.take() {
                Some(right) => Pat::Assign(AssignPat {
                    span: assign.span,
                    left: Box::new(name),
                    right,
                }),
                None => name,
            };
            let key = PropName::Ident(IdentName::from(assign.key.id.clone()));
            *property = ObjectPatProp::KeyValue(KeyValuePatProp {
                key,
                value: Box::new(value),
            });
        }
        property.visit_mut_children_with(self);
    }

    fn visit_mut_import_named_specifier(&mut self, specifier: &mut ImportNamedSpecifier) {
        if let Some(new_name) = self.new_name(&specifier.local) {
            let old = specifier.local.clone();
            specifier
                .imported
                .get_or_insert(ModuleExportName::Ident(old));
            specifier.local = new_name;
        }
    }

    fn visit_mut_named_export(&mut self, export: &mut NamedExport) {
        // In a re-export the names are another module's.
        if export.src.is_none() {
            export.visit_mut_children_with(self);
        }
    }

    fn visit_mut_export_named_specifier(&mut self, specifier: &mut ExportNamedSpecifier) {
        if let ModuleExportName::Ident(local) = &mut specifier.orig
            && let Some(new_name) = self.new_name(local)
        {
            let old = std::mem::replace(local, new_name);
            specifier
                .exported
                .get_or_insert(ModuleExportName::Ident(old));
        }
    }
}

/// Finds the bindings to rename.
struct Search {
    unresolved: SyntaxContext,
    renames: HashMap<Id, Ident>,
}

impl Search {
    fn add(&mut self, name: &Ident) {
        if name.ctxt != self.unresolved {
            let new_name = format!("_{}", name.sym);
            self.renames
                .entry(name.to_id())
                .or_insert_with(|| Ident::new_private(new_name.into(), DUMMY_SP));
        }
    }
}

impl Visit for Search {
    fn visit_ident(&mut self, name: &Ident) {
        if matches!(name.sym.as_str(), "async" | "using") {
            self.add(name);
        }
    }

    fn visit_import_specifier(&mut self, specifier: &ImportSpecifier) {
        let local = specifier.local();
        if matches!(local.sym.as_str(), "async" | "using" | "of") {
            self.add(local);
        }
    }

    fn visit_named_export(&mut self, export: &NamedExport) {
        if export.src.is_none() {
            export.visit_children_with(self);
        }
    }

    fn visit_export_named_specifier(&mut self, specifier: &ExportNamedSpecifier) {
        specifier.orig.visit_with(self);
    }
}

/// Turns `export const async = 1` into `const async = 1; export { async };`, of which the first can
/// be renamed.
struct ExportSplit<'a> {
    renames: &'a HashMap<Id, Ident>,
}

impl VisitMut for ExportSplit<'_> {
    fn visit_mut_module_items(&mut self, items: &mut Vec<ModuleItem>) {
        let old = std::mem::take(items);
        for item in old {
            match item {
                ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => {
                    let names = declared(&export.decl);
                    if names
                        .iter()
                        .any(|name| self.renames.contains_key(&name.to_id()))
                    {
                        items.push(ModuleItem::Stmt(Stmt::Decl(export.decl)));
                        items.push(export_of(names.into_iter().map(|name| (name, None))));
                    } else {
                        items.push(ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)));
                    }
                }
                item => items.push(item),
            }
        }
    }
}

/// `export { local as exported, ... };`
pub(super) fn export_of(names: impl Iterator<Item = (Ident, Option<Ident>)>) -> ModuleItem {
    let specifiers = names
        .map(|(local, exported)| {
            ExportSpecifier::Named(ExportNamedSpecifier {
                span: local.span,
                orig: ModuleExportName::Ident(local),
                exported: exported.map(ModuleExportName::Ident),
                is_type_only: false,
            })
        })
        .collect();
    let export = NamedExport {
        specifiers,
        ..NamedExport::dummy()
    };
    ModuleItem::ModuleDecl(ModuleDecl::ExportNamed(export))
}

/// The names that a declaration declares.
pub(super) fn declared(declaration: &Decl) -> Vec<Ident> {
    let mut names = Declared(Vec::new());
    match declaration {
        Decl::Class(class) => names.0.push(class.ident.clone()),
        Decl::Fn(function) => names.0.push(function.ident.clone()),
        Decl::Var(variables) => {
            variables
                .decls
                .iter()
                .for_each(|variable| variable.name.visit_with(&mut names));
        }
        _ => {}
    }
    names.0
}

/// Collects the names a pattern binds.
pub(super) struct Declared(pub(super) Vec<Ident>);

impl Visit for Declared {
    fn visit_binding_ident(&mut self, name: &BindingIdent) {
        self.0.push(name.id.clone());
    }

    fn visit_expr(&mut self, _: &Expr) {}
}

/// Names that are not bindings: labels, and imported names that the engine takes for literals.
struct OtherNames;

impl OtherNames {
    fn rename_label(&self, label: &mut Ident) {
        if matches!(label.sym.as_str(), "async" | "using") {
            label.sym = format!("_{}", label.sym).into();
        }
    }
}

impl VisitMut for OtherNames {
    fn visit_mut_labeled_stmt(&mut self, statement: &mut LabeledStmt) {
        self.rename_label(&mut statement.label);
        statement.body.visit_mut_with(self);
    }

    fn visit_mut_break_stmt(&mut self, statement: &mut BreakStmt) {
        statement
            .label
            .iter_mut()
            .for_each(|label| self.rename_label(label));
    }

    fn visit_mut_continue_stmt(&mut self, statement: &mut ContinueStmt) {
        statement
            .label
            .iter_mut()
            .for_each(|label| self.rename_label(label));
    }

    fn visit_mut_module_export_name(&mut self, name: &mut ModuleExportName) {
        // `import { null as a }` is understood as `import { "null" as a }`.
        if let ModuleExportName::Ident(ident) = name
            && matches!(ident.sym.as_str(), "null" | "true" | "false")
        {
            let value = ident.sym.clone().into();
            *name = ModuleExportName::Str(Str {
                span: ident.span,
                value,
                raw: None,
            });
        }
    }
}
