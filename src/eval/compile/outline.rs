//! What a module imports and exports, read from the finished code.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use swc_common::{BytePos, SourceFile};
use swc_ecma_ast::{
    CallExpr, Callee, Decl, DefaultDecl, ExportSpecifier, Expr, ExprOrSpread, ImportSpecifier,
    KeyValueProp, Lit, ModuleDecl, ModuleExportName, ObjectLit, ObjectPatProp, Pat, Program, Prop,
    PropName, PropOrSpread, Str,
};
use swc_ecma_visit::{Visit, VisitWith};

use super::diagnostics::position;

/// One import, static or dynamic, or a re-export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// What is imported, as it is written.
    pub specifier: String,
    /// Line of the specifier in the source, from 1. What JSX imports by itself is at 1:1.
    pub line: u32,
    /// Its column, from 1, in UTF-16 code units.
    pub column: u32,
    /// Whether it is an `import()`; only those whose specifier is a literal are known.
    pub dynamic: bool,
    /// As in `with { type: "json" }`.
    pub attributes: Vec<(String, String)>,
    /// The names that must be among the exports of what is imported.
    pub names: Vec<String>,
}

/// The imports and exports of a module.
#[derive(Default)]
pub(super) struct Outline {
    pub(super) imports: Vec<Import>,
    pub(super) exports: Vec<String>,
}

/// Reads the outline of a module.
pub(super) fn read(program: &Program, file: &SourceFile) -> Outline {
    let mut reader = Reader {
        file,
        outline: Outline::default(),
    };
    program.visit_with(&mut reader);
    let mut seen = BTreeSet::new();
    reader
        .outline
        .exports
        .retain(|name| seen.insert(name.clone()));
    reader.outline
}

struct Reader<'a> {
    file: &'a SourceFile,
    outline: Outline,
}

impl Reader<'_> {
    fn import(&mut self, specifier: &Str, attributes: Option<&ObjectLit>, dynamic: bool) {
        self.import_at(text(specifier), specifier.span.lo, attributes, dynamic);
    }

    // The names of the import that was read last.
    fn name_last(&mut self, names: Vec<String>) {
        if let Some(import) = self.outline.imports.last_mut() {
            import.names = names;
        }
    }

    fn import_at(
        &mut self,
        specifier: String,
        at: BytePos,
        attributes: Option<&ObjectLit>,
        dynamic: bool,
    ) {
        let (line, column) = position(self.file, at);
        let attributes = attributes.map(literal_pairs).unwrap_or_default();
        self.outline.imports.push(Import {
            specifier,
            line,
            column,
            dynamic,
            attributes,
            names: Vec::new(),
        });
    }

    fn export(&mut self, name: impl Into<String>) {
        self.outline.exports.push(name.into());
    }

    fn export_declaration(&mut self, declaration: &Decl) {
        match declaration {
            Decl::Class(class) => self.export(class.ident.sym.as_str()),
            Decl::Fn(function) => self.export(function.ident.sym.as_str()),
            Decl::Var(variables) => {
                for variable in &variables.decls {
                    self.export_pattern(&variable.name);
                }
            }
            // Types are gone by now, and `using` cannot be exported.
            _ => {}
        }
    }

    fn export_pattern(&mut self, pattern: &Pat) {
        match pattern {
            Pat::Ident(name) => self.export(name.sym.as_str()),
            Pat::Array(array) => {
                array
                    .elems
                    .iter()
                    .flatten()
                    .for_each(|element| self.export_pattern(element));
            }
            Pat::Rest(rest) => self.export_pattern(&rest.arg),
            Pat::Assign(assign) => self.export_pattern(&assign.left),
            Pat::Object(object) => {
                for property in &object.props {
                    match property {
                        ObjectPatProp::KeyValue(pair) => self.export_pattern(&pair.value),
                        ObjectPatProp::Assign(assign) => self.export(assign.key.sym.as_str()),
                        ObjectPatProp::Rest(rest) => self.export_pattern(&rest.arg),
                    }
                }
            }
            Pat::Invalid(_) | Pat::Expr(_) => {}
        }
    }

    fn export_specifier(&mut self, specifier: &ExportSpecifier) {
        match specifier {
            ExportSpecifier::Namespace(namespace) => self.export(name_of(&namespace.name)),
            ExportSpecifier::Default(default) => self.export(default.exported.sym.as_str()),
            ExportSpecifier::Named(named) => {
                self.export(name_of(named.exported.as_ref().unwrap_or(&named.orig)));
            }
        }
    }
}

impl Visit for Reader<'_> {
    fn visit_module_decl(&mut self, declaration: &ModuleDecl) {
        match declaration {
            ModuleDecl::Import(import) => {
                self.import(&import.src, import.with.as_deref(), false);
                let names = import.specifiers.iter().filter_map(imported_name).collect();
                self.name_last(names);
            }
            ModuleDecl::ExportAll(all) => {
                self.import(&all.src, all.with.as_deref(), false);
                self.export("*");
            }
            ModuleDecl::ExportNamed(named) => {
                if let Some(source) = &named.src {
                    self.import(source, named.with.as_deref(), false);
                    let names = named
                        .specifiers
                        .iter()
                        .filter_map(re_exported_name)
                        .collect();
                    self.name_last(names);
                }
                named
                    .specifiers
                    .iter()
                    .for_each(|specifier| self.export_specifier(specifier));
            }
            ModuleDecl::ExportDecl(export) => self.export_declaration(&export.decl),
            ModuleDecl::ExportDefaultDecl(default) => match &default.decl {
                DefaultDecl::Class(_) | DefaultDecl::Fn(_) => self.export("default"),
                DefaultDecl::TsInterfaceDecl(_) => {}
            },
            ModuleDecl::ExportDefaultExpr(_) => self.export("default"),
            ModuleDecl::TsImportEquals(_)
            | ModuleDecl::TsExportAssignment(_)
            | ModuleDecl::TsNamespaceExport(_) => {}
        }
        declaration.visit_children_with(self);
    }

    fn visit_call_expr(&mut self, call: &CallExpr) {
        if let (Callee::Import(_), [specifier, options @ ..]) = (&call.callee, &call.args[..]) {
            let attributes = options.first().and_then(dynamic_attributes);
            match &*specifier.expr {
                Expr::Lit(Lit::Str(specifier)) => self.import(specifier, attributes, true),
                Expr::Tpl(template) if template.exprs.is_empty() => {
                    let text = template
                        .quasis
                        .first()
                        .and_then(|quasi| quasi.cooked.as_ref());
                    if let Some(text) = text {
                        let specifier = text.to_string_lossy().into_owned();
                        self.import_at(specifier, template.span.lo, attributes, true);
                    }
                }
                _ => {}
            }
        }
        call.visit_children_with(self);
    }
}

/// The object in `import("x", { with: { ... } })`.
fn dynamic_attributes(options: &ExprOrSpread) -> Option<&ObjectLit> {
    let options = options.expr.as_object()?;
    options.props.iter().find_map(|property| {
        let pair = pair_of(property)?;
        if key_of(&pair.key)? == "with" {
            pair.value.as_object()
        } else {
            None
        }
    })
}

fn literal_pairs(object: &ObjectLit) -> Vec<(String, String)> {
    let pairs = object.props.iter().filter_map(pair_of);
    let literals = pairs.filter_map(|pair| match &*pair.value {
        Expr::Lit(Lit::Str(value)) => Some((key_of(&pair.key)?, text(value))),
        _ => None,
    });
    literals.collect()
}

fn pair_of(property: &PropOrSpread) -> Option<&KeyValueProp> {
    property.as_prop().and_then(|property| match &**property {
        Prop::KeyValue(pair) => Some(pair),
        _ => None,
    })
}

fn key_of(key: &PropName) -> Option<String> {
    match key {
        PropName::Ident(name) => Some(name.sym.as_str().to_owned()),
        PropName::Str(name) => Some(text(name)),
        PropName::Num(_) | PropName::BigInt(_) | PropName::Computed(_) => None,
    }
}

fn name_of(name: &ModuleExportName) -> String {
    match name {
        ModuleExportName::Ident(name) => name.sym.as_str().to_owned(),
        ModuleExportName::Str(name) => text(name),
    }
}

fn text(string: &Str) -> String {
    string.value.to_string_lossy().into_owned()
}

fn imported_name(specifier: &ImportSpecifier) -> Option<String> {
    match specifier {
        ImportSpecifier::Default(_) => Some("default".to_owned()),
        ImportSpecifier::Namespace(_) => None,
        ImportSpecifier::Named(named) => Some(match &named.imported {
            Some(name) => name_of(name),
            None => named.local.sym.to_string(),
        }),
    }
}

fn re_exported_name(specifier: &ExportSpecifier) -> Option<String> {
    match specifier {
        ExportSpecifier::Default(_) => Some("default".to_owned()),
        ExportSpecifier::Namespace(_) => None,
        ExportSpecifier::Named(named) => Some(name_of(&named.orig)),
    }
}
