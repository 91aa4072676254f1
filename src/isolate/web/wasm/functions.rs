//! Functions on the border: those that WebAssembly exports, and those that it imports.

use std::rc::Rc;

use boa_engine::object::FunctionObjectBuilder;
use boa_engine::object::builtins::JsArray;
use boa_engine::{
    Context, Finalize, JsArgs, JsObject, JsResult, JsString, JsValue, NativeFunction, Trace,
    js_string,
};
use wasmi::{Func, FuncType};

use super::island::Island;
use super::machine::Machine;
use super::values::{Border, Value, ValueType, key_of};
use crate::isolate::web::interface::{list_of, type_error};

/// Values of one call that need no memory of their own.
const VALUES_INLINE: usize = 8;

/// What an exported function is made of.
#[derive(Trace, Finalize)]
struct Exported {
    #[unsafe_ignore_trace]
    machine: Rc<Machine>,
    island: Island,
    #[unsafe_ignore_trace]
    func: Func,
    #[unsafe_ignore_trace]
    kind: FuncType,
}

/// The object of a function that WebAssembly has: the same one each time.
///
/// Its name is its index in its module, where that is known.
pub fn function_object(
    border: &Border<'_>,
    func: Func,
    index: Option<u32>,
    context: &mut Context,
) -> JsResult<JsObject> {
    let island = border.island.root();
    let key = key_of(&func);
    if let Some(object) = island.function(key) {
        return Ok(object);
    }
    let machine = border.machine.clone();
    let kind = machine.with(|store| func.ty(store))?;
    let length = kind.params().len();
    let index = index.or_else(|| machine.index_of(key));
    let name = index.map_or(js_string!(""), |index| JsString::from(index.to_string()));
    let exported = Exported {
        machine,
        island: island.clone(),
        func,
        kind,
    };
    let function = NativeFunction::from_copy_closure_with_captures(
        |_, arguments, exported: &Exported, context| exported.call(arguments, context),
        exported,
    );
    let object: JsObject = FunctionObjectBuilder::new(context.realm(), function)
        .name(name)
        .length(length)
        .build()
        .into();
    island.keep_function(key, func, object.clone());
    Ok(object)
}

impl Exported {
    fn call(&self, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
        let (params, results) = (self.kind.params(), self.kind.results());
        let has_vector = |kinds: &[ValueType]| kinds.contains(&ValueType::V128);
        if has_vector(params) || has_vector(results) {
            return Err(type_error("A v128 cannot be a value of JavaScript"));
        }
        let border = Border {
            machine: &self.machine,
            island: &self.island,
        };
        let undefined = JsValue::undefined();
        let mut inputs = Values::of(params.len());
        for (position, kind) in params.iter().enumerate() {
            let argument = arguments.get(position).unwrap_or(&undefined);
            inputs.all()[position] = border.value_from(argument, *kind, context)?;
        }
        let mut outputs = Values::of(results.len());
        self.machine.run(&self.island, context, |store| {
            self.func.call(store, inputs.all(), outputs.all())
        })?;
        match outputs.all() {
            [] => Ok(undefined),
            [output] => border.value_out(output, context),
            outputs => {
                let mut list = Vec::with_capacity(outputs.len());
                for output in outputs {
                    list.push(border.value_out(output, context)?);
                }
                Ok(JsArray::from_iter(list, context).into())
            }
        }
    }
}

/// Makes a function of JavaScript one that a module can import.
pub fn import_function(border: &Border<'_>, callable: JsObject, kind: &FuncType) -> JsResult<Func> {
    let id = border.machine.id();
    border.island.root().keep_import(id, callable);
    border.machine.with(|store| {
        let kind = kind.clone();
        let results_kind = kind.clone();
        Func::new(store, kind, move |mut caller, params, results| {
            let Some(machine) = caller.data().machine() else {
                return Err(wasmi::Error::new("the machine is gone"));
            };
            let called = machine.lend(&mut caller, |context| {
                call_import(&machine, id, params, results, &results_kind, context)
            });
            match called {
                Some(Ok(())) => Ok(()),
                Some(Err(error)) => Err(machine.throw(error)),
                None => Err(wasmi::Error::new("no JavaScript waits for this call")),
            }
        })
    })
}

/// `(value)`: whether it is null or a function that WebAssembly exports.
pub fn is_exported(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let value = arguments.get_or_undefined(0);
    let machine = Machine::of(context);
    let object = value.as_object();
    let exported = object.is_some_and(|object| machine.exported(&object).is_some());
    Ok((value.is_null() || exported).into())
}

fn call_import(
    machine: &Rc<Machine>,
    id: u32,
    params: &[Value],
    results: &mut [Value],
    kind: &FuncType,
    context: &mut Context,
) -> JsResult<()> {
    let Some(island) = machine.running() else {
        return Err(type_error("No code of WebAssembly runs"));
    };
    let Some(callable) = island.import(id) else {
        return Err(type_error("An imported function is gone"));
    };
    // The code may have made its memory grow before it called.
    island.refresh(machine)?;
    let border = Border {
        machine,
        island: &island,
    };
    let mut arguments = Vec::with_capacity(params.len());
    for param in params {
        arguments.push(border.value_out(param, context)?);
    }
    if kind.results().contains(&ValueType::V128) {
        return Err(type_error("A v128 cannot be a value of JavaScript"));
    }
    let returned = callable.call(&JsValue::undefined(), &arguments, context)?;
    match (results, kind.results()) {
        ([], _) => Ok(()),
        ([result], [kind]) => {
            *result = border.value_from(&returned, *kind, context)?;
            Ok(())
        }
        (results, kinds) => {
            let list = list_of(&returned, context)?;
            if list.len() != results.len() {
                return Err(type_error(
                    "An imported function returned too few or too many values",
                ));
            }
            for ((result, kind), value) in results.iter_mut().zip(kinds).zip(&list) {
                *result = border.value_from(value, *kind, context)?;
            }
            Ok(())
        }
    }
}

/// The values of a call.
struct Values {
    inline: [Value; VALUES_INLINE],
    more: Vec<Value>,
    count: usize,
}

impl Values {
    fn of(count: usize) -> Self {
        let more = match count > VALUES_INLINE {
            true => vec![Value::I32(0); count],
            false => Vec::new(),
        };
        Self {
            inline: [const { Value::I32(0) }; VALUES_INLINE],
            more,
            count,
        }
    }

    fn all(&mut self) -> &mut [Value] {
        match self.count > VALUES_INLINE {
            true => &mut self.more,
            false => &mut self.inline[..self.count],
        }
    }
}
