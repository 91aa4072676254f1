//! Two faults of the engine with classes: it does not look into the computed keys of methods when
//! it decides where variables live, and `super` is missing in the initializers of instance fields.
//!
//! A computed key is evaluated into a variable just before its class; an initializer with `super`
//! becomes a private method.

use swc_common::util::take::Take;
use swc_common::{DUMMY_SP, Mark, SyntaxContext};
use swc_ecma_ast::{
    ArrowExpr, AssignExpr, AssignTarget, CallExpr, Callee, Class, ClassExpr, ClassMember,
    Constructor, Decl, DefaultDecl, Expr, Function, FunctionBody, Ident, KeyValueProp, MemberExpr,
    MemberProp, MethodKind, ModuleDecl, ModuleItem, Pat, PrivateMethod, PrivateName, PropName,
    ReturnStmt, SeqExpr, SimpleAssignTarget, Stmt, Super, ThisExpr, VarDeclKind, VarDeclarator,
};
use swc_ecma_visit::{Visit, VisitMut, VisitMutWith, VisitWith};

use super::statements;

/// Moves computed keys and initializers with `super` to where the engine sees them.
pub(super) struct Lowering {
    unresolved: SyntaxContext,
    // Variables to declare at the top of the innermost list of statements.
    variables: Vec<Ident>,
    // Assignments to put before the class declaration just visited.
    keys: Vec<Expr>,
}

impl Lowering {
    pub(super) fn new(unresolved: Mark) -> Self {
        let unresolved = SyntaxContext::empty().apply_mark(unresolved);
        Self {
            unresolved,
            variables: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// Moves the keys of a class out of it; returns the assignments to evaluate before it.
    fn take_keys(&mut self, class: &mut Class) -> Vec<Expr> {
        let needs =
            |member: &ClassMember| method_key(member).is_some_and(|key| !self.is_closed(key));
        let Some(last) = class.body.iter().rposition(needs) else {
            return Vec::new();
        };
        // Keys are evaluated in order, after what is extended. Where that can be noticed, all up to
        // the last move.
        let members = &mut class.body[..=last];
        let noticed = members
            .iter()
            .filter_map(computed_key)
            .any(|key| !is_quiet(key));
        let mut keys = Vec::new();
        if noticed
            && let Some(base) = &mut class.super_class
            && !is_quiet(base)
        {
            self.take_key("_base", base, &mut keys);
        }
        for member in members {
            let moves = noticed || method_key(member).is_some_and(|key| !self.is_closed(key));
            if let Some(key) = computed_key_mut(member)
                && moves
            {
                self.take_key("_key", key, &mut keys);
            }
        }
        keys
    }

    fn take_key(&mut self, name: &str, value: &mut Box<Expr>, keys: &mut Vec<Expr>) {
        let name = Ident::new_private(name.into(), DUMMY_SP);
        let old = std::mem::replace(value, Box::new(name.clone().into()));
        keys.push(statements::assignment(&name, old));
        self.variables.push(name);
    }

    /// Whether a key needs no variable of the program's: a literal, or a property of a global, as
    /// `Symbol.iterator`.
    fn is_closed(&self, key: &Expr) -> bool {
        match key {
            Expr::Lit(_) => true,
            Expr::Ident(name) => name.ctxt == self.unresolved,
            Expr::Member(MemberExpr {
                obj,
                prop: MemberProp::Ident(_),
                ..
            }) => self.is_closed(obj),
            _ => false,
        }
    }

    fn list<T>(&mut self, items: &mut Vec<T>, first: impl Fn(&[T]) -> usize)
    where
        T: VisitMutWith<Self> + From<Stmt>,
    {
        let outer = std::mem::take(&mut self.variables);
        let old = std::mem::take(items);
        items.reserve(old.len());
        for mut item in old {
            item.visit_mut_with(self);
            items.extend(
                self.keys
                    .drain(..)
                    .map(|key| statements::expression(key).into()),
            );
            items.push(item);
        }
        let variables = std::mem::replace(&mut self.variables, outer);
        if !variables.is_empty() {
            let at = first(items);
            let declarations = variables
                .into_iter()
                .map(|name| statements::variable(VarDeclKind::Let, Pat::Ident(name.into()), None));
            items.splice(at..at, declarations.map(T::from));
        }
    }
}

impl VisitMut for Lowering {
    fn visit_mut_stmts(&mut self, statements: &mut Vec<Stmt>) {
        self.list(statements, statements::after_directives);
    }

    fn visit_mut_module_items(&mut self, items: &mut Vec<ModuleItem>) {
        self.list(items, |_| 0);
    }

    fn visit_mut_class(&mut self, class: &mut Class) {
        class.visit_mut_children_with(self);
        move_initializers(class);
    }

    fn visit_mut_decl(&mut self, declaration: &mut Decl) {
        declaration.visit_mut_children_with(self);
        if let Decl::Class(class) = declaration {
            self.keys = self.take_keys(&mut class.class);
        }
    }

    fn visit_mut_module_decl(&mut self, declaration: &mut ModuleDecl) {
        declaration.visit_mut_children_with(self);
        if let ModuleDecl::ExportDefaultDecl(export) = declaration
            && let DefaultDecl::Class(class) = &mut export.decl
        {
            self.keys = self.take_keys(&mut class.class);
        }
    }

    fn visit_mut_expr(&mut self, expr: &mut Expr) {
        expr.visit_mut_children_with(self);
        if let Expr::Class(class) = expr {
            let mut exprs: Vec<Box<Expr>> = self
                .take_keys(&mut class.class)
                .into_iter()
                .map(Box::new)
                .collect();
            if !exprs.is_empty() {
                exprs.push(Box::new(expr.take()));
                *expr = Expr::Seq(SeqExpr {
                    span: DUMMY_SP,
                    exprs,
                });
            }
        }
    }

    fn visit_mut_var_declarator(&mut self, variable: &mut VarDeclarator) {
        if let (Pat::Ident(name), Some(value)) = (&variable.name, &mut variable.init) {
            self.keep_name(value, name.id.clone());
        }
        variable.visit_mut_children_with(self);
    }

    fn visit_mut_assign_expr(&mut self, assign: &mut AssignExpr) {
        if let AssignTarget::Simple(SimpleAssignTarget::Ident(name)) = &assign.left {
            self.keep_name(&mut assign.right, name.id.clone());
        }
        assign.visit_mut_children_with(self);
    }

    fn visit_mut_key_value_prop(&mut self, pair: &mut KeyValueProp) {
        if let PropName::Ident(key) = &pair.key {
            let name = Ident::new_private(key.sym.clone(), DUMMY_SP);
            self.keep_name(&mut pair.value, name);
        }
        pair.visit_mut_children_with(self);
    }
}

impl Lowering {
    /// A class without a name is named by where it stands; one whose keys move will no longer stand
    /// there.
    fn keep_name(&self, value: &mut Expr, name: Ident) {
        if let Expr::Class(ClassExpr {
            ident: ident @ None,
            class,
        }) = value
            && class
                .body
                .iter()
                .filter_map(method_key)
                .any(|key| !self.is_closed(key))
        {
            *ident = Some(name);
        }
    }
}

/// The computed key of a method, accessors included.
fn method_key(member: &ClassMember) -> Option<&Expr> {
    matches!(member, ClassMember::Method(_)).then(|| computed_key(member))?
}

fn computed_key(member: &ClassMember) -> Option<&Expr> {
    let key = match member {
        ClassMember::Method(method) => &method.key,
        ClassMember::ClassProp(property) => &property.key,
        _ => return None,
    };
    key.as_computed().map(|key| &*key.expr)
}

fn computed_key_mut(member: &mut ClassMember) -> Option<&mut Box<Expr>> {
    let key = match member {
        ClassMember::Method(method) => &mut method.key,
        ClassMember::ClassProp(property) => &mut property.key,
        _ => return None,
    };
    key.as_mut_computed().map(|key| &mut key.expr)
}

/// Whether nobody can tell when an expression is evaluated, getters aside.
fn is_quiet(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(_) | Expr::Ident(_) | Expr::This(_) => true,
        Expr::Member(MemberExpr {
            obj,
            prop: MemberProp::Ident(_),
            ..
        }) => is_quiet(obj),
        _ => false,
    }
}

/// `x = super.y` becomes `x = this.#initial0()`, with `#initial0() { return super.y; }`.
fn move_initializers(class: &mut Class) {
    let mut methods = Vec::new();
    for member in &mut class.body {
        let value = match member {
            ClassMember::ClassProp(property) if !property.is_static => &mut property.value,
            ClassMember::PrivateProp(property) if !property.is_static => &mut property.value,
            _ => continue,
        };
        let Some(value) = value else { continue };
        let mut search = SuperSearch(false);
        value.visit_with(&mut search);
        if search.0 {
            let name = PrivateName {
                span: DUMMY_SP,
                name: format!("initial{}_", methods.len()).into(),
            };
            let initial = std::mem::replace(value, Box::new(call_of(name.clone())));
            methods.push(ClassMember::PrivateMethod(method_returning(name, initial)));
        }
    }
    class.body.extend(methods);
}

fn call_of(method: PrivateName) -> Expr {
    let callee = MemberExpr {
        span: DUMMY_SP,
        obj: Box::new(Expr::This(ThisExpr { span: DUMMY_SP })),
        prop: MemberProp::PrivateName(method),
    };
    let callee = Callee::Expr(Box::new(Expr::Member(callee)));
    Expr::Call(CallExpr {
        callee,
        ..Default::default()
    })
}

fn method_returning(key: PrivateName, value: Box<Expr>) -> PrivateMethod {
    let result = Stmt::Return(ReturnStmt {
        span: DUMMY_SP,
        arg: Some(value),
    });
    let body = FunctionBody {
        stmts: vec![result],
        ..Default::default()
    };
    PrivateMethod {
        key,
        function: Box::new(Function {
            body: Some(body),
            ..Default::default()
        }),
        kind: MethodKind::Method,
        ..Default::default()
    }
}

/// Whether `super` occurs that belongs to the expression itself.
struct SuperSearch(bool);

impl Visit for SuperSearch {
    fn visit_super(&mut self, _: &Super) {
        self.0 = true;
    }

    fn visit_function(&mut self, _: &Function) {}

    fn visit_constructor(&mut self, _: &Constructor) {}

    fn visit_class(&mut self, class: &Class) {
        // Its own members have a `super` of their own; what it extends and its keys do not.
        class.super_class.visit_with(self);
        class
            .body
            .iter()
            .filter_map(computed_key)
            .for_each(|key| key.visit_with(self));
    }

    fn visit_arrow_expr(&mut self, arrow: &ArrowExpr) {
        arrow.visit_children_with(self);
    }
}
