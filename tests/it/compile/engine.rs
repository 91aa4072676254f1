//! Compiles sources and runs them in the engine.

use std::path::Path;
use std::rc::Rc;

use boa_engine::builtins::promise::PromiseState;
use boa_engine::module::MapModuleLoader;
use boa_engine::{Context, JsValue, Module, js_string};
use town::eval::compile::{Compiled, Options, Positions, SourceKind, compile, map_stack};

/// The specifier of a module to import from.
const LIBRARY: &str = "library";

/// A module with exports of every awkward name.
const LIBRARY_SOURCE: &str = "export const of = 'of', async = 'async', using = 'using', a = 1;
export { a as null, a as true, a as await, a as let, a as 'x y' };
export const h = (tag, props, ...children) => tag + JSON.stringify(props) + children.join('');
export default 'default';";

pub fn options(kind: SourceKind) -> Options {
    Options {
        kind,
        jsx_import_source: None,
        runs_here: true,
    }
}

pub fn compiled(kind: SourceKind, source: &str) -> Compiled {
    compile(source, &options(kind)).unwrap_or_else(|error| panic!("{error}\nin\n{source}"))
}

/// How a module ended.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    /// Its export `r`, as JSON.
    Value(String),
    /// What it threw, with the stack as the engine made it.
    Thrown { message: String, stack: String },
    /// The engine did not understand the code.
    Refused(String),
    /// Something it awaits never happens.
    Pending,
}

/// Compiles a module and gives its export `r` as JSON.
#[track_caller]
pub fn value(kind: SourceKind, source: &str) -> String {
    let code = compiled(kind, source).code;
    match run(&code) {
        Outcome::Value(value) => value,
        other => panic!("{other:?}\nin\n{code}"),
    }
}

/// Compiles a TypeScript module that throws and gives its stack in the author's positions.
#[track_caller]
pub fn stack(kind: SourceKind, source: &str) -> String {
    let compiled = compiled(kind, source);
    let positions = Positions::parse(&compiled.map, &compiled.code).unwrap();
    match run(&compiled.code) {
        Outcome::Thrown { stack, .. } => map_stack(&stack, |specifier| {
            (specifier == "main").then_some(&positions)
        }),
        other => panic!("{other:?}\nin\n{}", compiled.code),
    }
}

/// A context that knows `library` and the modules that JSX imports.
fn context() -> (Context, Rc<MapModuleLoader>) {
    let loader = Rc::new(MapModuleLoader::default());
    let mut context = Context::builder()
        .module_loader(loader.clone())
        .build()
        .unwrap();
    let jsx = "export const jsx = (tag, props) => typeof tag === 'function' ? tag(props)
        : `<${tag}>${[props.children].flat(9).join('')}</${tag}>`;
    export const jsxs = jsx, Fragment = (props) => [props.children].flat().join('');";
    for (specifier, source) in [
        (LIBRARY, LIBRARY_SOURCE),
        ("react/jsx-runtime", jsx),
        ("https://esm.sh/preact/jsx-runtime", jsx),
    ] {
        let module = Module::parse_text(source, None, &mut context).unwrap();
        loader.insert(specifier, module);
    }
    (context, loader)
}

pub fn run(code: &str) -> Outcome {
    let (mut context, loader) = context();
    let module = match Module::parse_text(code, Some(Path::new("main")), &mut context) {
        Ok(module) => module,
        Err(error) => return Outcome::Refused(error.to_string()),
    };
    loader.insert("main", module.clone());
    let promise = module.load_link_evaluate(&mut context);
    context.run_jobs().unwrap();
    match promise.state() {
        PromiseState::Pending => Outcome::Pending,
        PromiseState::Rejected(error) => {
            let stack = property(&error, "stack", &mut context);
            Outcome::Thrown {
                message: error.display().to_string(),
                stack,
            }
        }
        PromiseState::Fulfilled(_) => {
            let namespace = module.namespace(&mut context);
            let value = namespace.get(js_string!("r"), &mut context).unwrap();
            let json = value.to_json(&mut context).unwrap();
            Outcome::Value(json.map_or("undefined".to_owned(), |json| json.to_string()))
        }
    }
}

/// Whether the engine understands a module, up to and including its linking.
pub fn links(code: &str) -> Result<(), String> {
    let (mut context, _) = context();
    let module = Module::parse_text(code, None, &mut context).map_err(|error| error.to_string())?;
    let loaded = module.load(&mut context);
    context.run_jobs().map_err(|error| error.to_string())?;
    match loaded.state() {
        PromiseState::Fulfilled(_) => module.link(&mut context).map_err(|error| error.to_string()),
        other => Err(format!("{other:?}")),
    }
}

fn property(value: &JsValue, name: &str, context: &mut Context) -> String {
    let Some(object) = value.as_object() else {
        return String::new();
    };
    let value = object.get(js_string!(name), context).unwrap();
    value.to_string(context).unwrap().to_std_string_escaped()
}
