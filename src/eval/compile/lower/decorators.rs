//! Decorators (the standard's, of 2023-11) and `accessor`: the engine knows neither.

use swc_common::Span;
use swc_ecma_ast::{AutoAccessor, Decorator, Param, Program, TsParamProp};
use swc_ecma_transforms_proposal::decorator_2023_11::decorator_2023_11;
use swc_ecma_visit::{Visit, VisitWith};

use crate::eval::compile::diagnostics::report;

/// Reports decorators of parameters, which only TypeScript's `experimentalDecorators` has.
pub(super) fn refuse(program: &Program) {
    program.visit_with(&mut Refusal);
}

/// Lowers decorators, if there are any.
pub(super) fn lower(program: &mut Program) {
    if find(program).is_none() {
        return;
    }
    program.mutate(decorator_2023_11());
    // The pass does not look for classes in the expressions of decorators.
    if let Some(left) = find(program) {
        report(
            &left,
            "A decorated class within a decorator is not supported",
        );
    }
}

/// The first thing that the pass is for.
fn find(program: &Program) -> Option<Span> {
    let mut search = Search { found: None };
    program.visit_with(&mut search);
    search.found
}

struct Refusal;

impl Refusal {
    fn refuse(&self, decorators: &[Decorator]) {
        for decorator in decorators {
            report(
                decorator,
                "Decorators of parameters are not part of the language",
            );
        }
    }
}

impl Visit for Refusal {
    fn visit_param(&mut self, parameter: &Param) {
        self.refuse(&parameter.decorators);
        parameter.visit_children_with(self);
    }

    fn visit_ts_param_prop(&mut self, parameter: &TsParamProp) {
        self.refuse(&parameter.decorators);
        parameter.visit_children_with(self);
    }
}

struct Search {
    found: Option<Span>,
}

impl Visit for Search {
    fn visit_decorator(&mut self, decorator: &Decorator) {
        self.found.get_or_insert(decorator.span);
    }

    fn visit_param(&mut self, parameter: &Param) {
        // Its decorators have been refused.
        parameter.pat.visit_with(self);
    }

    fn visit_auto_accessor(&mut self, accessor: &AutoAccessor) {
        self.found.get_or_insert(accessor.span);
    }
}
