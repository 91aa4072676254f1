//! `WebAssembly.Global`: a variable that code and JavaScript share.

use boa_engine::{
    Context, Finalize, JsArgs, JsData, JsObject, JsResult, JsValue, Trace, js_string,
};
use wasmi::{Global, GlobalType, Mutability, Nullable};

use super::descriptors::{dictionary, value_kind};
use super::island::{Island, Stands};
use super::machine::Machine;
use super::values::{Border, Value, ValueType, key_of};
use crate::isolate::web::interface::{
    Interface, construct, create, receiver, require, require_new, type_error,
};

/// The data of a `WebAssembly.Global`.
#[derive(Trace, Finalize, JsData)]
pub struct GlobalData {
    #[unsafe_ignore_trace]
    global: Global,
    island: Island,
    #[unsafe_ignore_trace]
    kind: GlobalType,
}

/// The class.
pub fn class(context: &mut Context) -> JsObject {
    Interface::new("Global", 1, new, context)
        .method("valueOf", 0, value)
        .accessor("value", value, set_value)
        .build::<GlobalData>()
}

/// The object of a global: the same one each time.
pub fn global_object(
    island: &Island,
    global: Global,
    machine: &Machine,
    context: &mut Context,
) -> JsResult<JsObject> {
    let island = island.root();
    let key = key_of(&global);
    if let Some(object) = island.object(Stands::Global, key) {
        return Ok(object);
    }
    let kind = machine.with(|store| global.ty(&*store))?;
    let data = GlobalData {
        global,
        island: island.clone(),
        kind,
    };
    let object = create(data, context);
    island.keep_object(Stands::Global, key, object.clone());
    Ok(object)
}

/// The global behind an object, and its island.
pub fn imported(object: &JsObject) -> Option<(Global, Island)> {
    let data = object.downcast_ref::<GlobalData>()?;
    Some((data.global, data.island.root()))
}

fn new(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    const WHAT: &str = "WebAssembly.Global()";
    require_new(this)?;
    require(arguments, 1, WHAT)?;
    let descriptor = dictionary(arguments.get_or_undefined(0), WHAT)?;
    let mutable = descriptor.get(js_string!("mutable"), context)?.to_boolean();
    let kind = descriptor.get(js_string!("value"), context)?;
    let kind = value_kind(&kind, WHAT, context)?;
    let machine = Machine::of(context);
    let island = Island::new(&machine);
    let border = Border {
        machine: &machine,
        island: &island,
    };
    let given = arguments.get_or_undefined(1);
    let initial = match kind {
        ValueType::V128 => return Err(type_error("A global of v128 has no value in JavaScript")),
        ValueType::FuncRef if given.is_undefined() => Value::FuncRef(Nullable::Null),
        ValueType::I32 | ValueType::I64 | ValueType::F32 | ValueType::F64
            if given.is_undefined() =>
        {
            Value::default_for_ty(kind)
        }
        _ => border.value_from(given, kind, context)?,
    };
    let mutability = match mutable {
        true => Mutability::Var,
        false => Mutability::Const,
    };
    let global = machine.with(|store| Global::new(store, initial, mutability))?;
    let island = island.root();
    let data = GlobalData {
        global,
        island: island.clone(),
        kind: GlobalType::new(kind, mutability),
    };
    let object = construct(this, data, context)?;
    island.keep_object(Stands::Global, key_of(&global), object.clone());
    Ok(object.into())
}

fn open(this: &JsValue) -> JsResult<(Global, Island, GlobalType)> {
    let object = receiver::<GlobalData>(this)?;
    let object = object.borrow();
    let data = object.data();
    Ok((data.global, data.island.root(), data.kind))
}

fn value(this: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (global, island, _) = open(this)?;
    let machine = Machine::of(context);
    let value = machine.with(|store| global.get(&*store))?;
    let border = Border {
        machine: &machine,
        island: &island,
    };
    border.value_out(&value, context)
}

fn set_value(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (global, island, kind) = open(this)?;
    require(arguments, 1, "set WebAssembly.Global.value")?;
    if kind.mutability().is_const() {
        return Err(type_error("The value of an immutable global cannot be set"));
    }
    let machine = Machine::of(context);
    let border = Border {
        machine: &machine,
        island: &island,
    };
    let value = border.value_from(arguments.get_or_undefined(0), kind.content(), context)?;
    machine
        .with(|store| global.set(store, value))?
        .map_err(|error| type_error(error.to_string()))?;
    Ok(JsValue::undefined())
}
