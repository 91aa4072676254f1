//! WebAssembly: the classes and functions of its JavaScript API, on the interpreter wasmi.
//!
//! `wasm.js` beside this has what is made of promises, the errors, and exceptions.

use boa_engine::{Context, JsObject, JsResult};

use crate::isolate::web::interface::{functions, put};

mod descriptors;
mod errors;
mod functions;
mod global;
mod instance;
mod island;
mod machine;
mod memory;
mod module;
mod table;
mod values;

/// The classes, and the functions that the script makes the namespace's of.
pub fn natives(context: &mut Context) -> JsResult<JsObject> {
    let natives = functions(
        &[
            ("compile", 1, module::compile),
            ("validate", 1, module::validate),
            ("isModule", 1, module::is_module),
            ("isExported", 1, self::functions::is_exported),
        ],
        context,
    );
    let classes = [
        ("Module", module::class(context)),
        ("Instance", instance::class(context)),
        ("Memory", memory::class(context)),
        ("Table", table::class(context)),
        ("Global", global::class(context)),
    ];
    for (name, class) in classes {
        put(&natives, name, class);
    }
    Ok(natives)
}
