//! `WebAssembly.Instance`: a module with what it imports, and what it exports.

use boa_engine::object::IntegrityLevel;
use boa_engine::{Context, Finalize, JsArgs, JsData, JsObject, JsResult, JsString, JsValue, Trace};
use wasmi::{Extern, ExternType, Global, GlobalType, Instance, Mutability};

use super::errors::Kind;
use super::functions::{function_object, import_function};
use super::global::global_object;
use super::island::Island;
use super::machine::Machine;
use super::memory::{made, memory_object};
use super::module::{Compiled, Import, compiled};
use super::table::table_object;
use super::values::{Border, ValueType};
use super::{global, memory, table};
use crate::isolate::web::interface::{
    Interface, construct, receiver, require, require_new, type_error,
};

const WHAT: &str = "WebAssembly.Instance()";

/// The data of a `WebAssembly.Instance`.
#[derive(Trace, Finalize, JsData)]
pub struct InstanceData {
    exports: JsObject,
}

/// The class.
pub fn class(context: &mut Context) -> JsObject {
    Interface::new("Instance", 1, new, context)
        .getter("exports", exports)
        .build::<InstanceData>()
}

fn exports(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    let object = receiver::<InstanceData>(this)?;
    let exports = object.borrow().data().exports.clone();
    Ok(exports.into())
}

fn new(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    require_new(this)?;
    require(arguments, 1, WHAT)?;
    let Some(compiled) = compiled(arguments.get_or_undefined(0)) else {
        return Err(type_error(format!(
            "{WHAT}: a WebAssembly.Module is required"
        )));
    };
    let given = arguments.get_or_undefined(1);
    let imports = given.as_object();
    if imports.is_none() && !given.is_undefined() {
        return Err(type_error(format!("{WHAT}: the imports must be an object")));
    }
    let exports = instantiate(&compiled, imports.as_ref(), context)?;
    Ok(construct(this, InstanceData { exports }, context)?.into())
}

fn instantiate(
    compiled: &Compiled,
    imports: Option<&JsObject>,
    context: &mut Context,
) -> JsResult<JsObject> {
    let machine = Machine::of(context);
    let island = Island::new(&machine);
    let border = Border {
        machine: &machine,
        island: &island,
    };
    let kinds: Vec<_> = compiled.module.imports().collect();
    let mut externs = vec![None; kinds.len()];
    let mut imported = Imported::default();
    for import in compiled.imports.iter() {
        let Import { module, name, .. } = import;
        let named = format!("{WHAT}: Import '{name}' of '{module}'");
        let (Some(kind), Some(place)) =
            (kinds.get(import.position), externs.get_mut(import.position))
        else {
            return Err(type_error(format!("{named}: there is no such import")));
        };
        let Some(imports) = imports else {
            return Err(type_error(format!(
                "{WHAT}: there must be an object of imports"
            )));
        };
        let holder = imports.get(JsString::from(module.as_str()), context)?;
        let Some(holder) = holder.as_object() else {
            return Err(type_error(format!("{named}: the module is not an object")));
        };
        let value = holder.get(JsString::from(name.as_str()), context)?;
        let found = match kind.ty() {
            ExternType::Func(kind) => {
                imported.functions += 1;
                let callable = value.as_callable();
                match callable {
                    Some(callable) => Some(match machine.exported(&callable) {
                        Some((func, from)) => {
                            island.join(&from);
                            Extern::Func(func)
                        }
                        None => Extern::Func(import_function(&border, callable, kind)?),
                    }),
                    None => None,
                }
            }
            ExternType::Global(kind) => global_for(&value, *kind, &border, context)?,
            ExternType::Memory(_) => {
                imported.memories += 1;
                let found = value
                    .as_object()
                    .and_then(|object| memory::imported(&object));
                found.map(|(memory, from)| {
                    island.join(&from);
                    Extern::Memory(memory)
                })
            }
            ExternType::Table(_) => {
                let found = value
                    .as_object()
                    .and_then(|object| table::imported(&object));
                found.map(|(table, from)| {
                    island.join(&from);
                    Extern::Table(table)
                })
            }
        };
        let Some(found) = found else {
            let message = format!("{named}: the value is not what the module imports");
            return Err(Kind::Link.error(&message, context));
        };
        *place = Some(found);
    }
    let externs: Vec<_> = externs.into_iter().flatten().collect();
    let instance = machine.run(&island, context, |store| {
        Instance::new(store, &compiled.module, &externs)
    })?;
    let island = island.root();
    hold(instance, &imported, &island, &machine)?;
    let border = Border {
        machine: &machine,
        island: &island,
    };
    exports_object(compiled, instance, &border, context)
}

/// How many of each there are before the module's own.
#[derive(Debug, Default)]
struct Imported {
    functions: u32,
    memories: u32,
}

// Makes the instance's own memories such that are given back, and its functions known by index.
fn hold(
    instance: Instance,
    imported: &Imported,
    island: &Island,
    machine: &Machine,
) -> JsResult<()> {
    let mut bytes = 0;
    let own = machine.with(|store| {
        let mut own = Vec::new();
        while let Some(memory) = instance.memory_at(&*store, imported.memories + own.len() as u32) {
            bytes += memory.data_size(&*store);
            own.push(memory);
        }
        own
    })?;
    for memory in own {
        island.hold_memory(memory);
    }
    let first = machine.with(|store| {
        let first = instance.func_at(&*store, imported.functions)?;
        Some((first, instance.func_at(&*store, imported.functions + 1)))
    })?;
    if let Some((first, second)) = first {
        machine.note_functions(first, second, imported.functions);
    }
    // Last: the collector may run.
    made(bytes);
    Ok(())
}

fn global_for(
    value: &JsValue,
    kind: GlobalType,
    border: &Border<'_>,
    context: &mut Context,
) -> JsResult<Option<Extern>> {
    if let Some((global, from)) = value
        .as_object()
        .and_then(|object| global::imported(&object))
    {
        border.island.join(&from);
        return Ok(Some(Extern::Global(global)));
    }
    let fits = match kind.content() {
        ValueType::I32 | ValueType::F32 | ValueType::F64 => value.is_number(),
        ValueType::I64 => value.is_bigint(),
        ValueType::ExternRef => true,
        ValueType::FuncRef => {
            let object = value.as_object();
            value.is_null()
                || object.is_some_and(|object| border.machine.exported(&object).is_some())
        }
        ValueType::V128 => false,
    };
    if !fits || kind.mutability().is_mut() {
        return Ok(None);
    }
    let value = border.value_from(value, kind.content(), context)?;
    let global = border
        .machine
        .with(|store| Global::new(store, value, Mutability::Const))?;
    Ok(Some(Extern::Global(global)))
}

fn exports_object(
    compiled: &Compiled,
    instance: Instance,
    border: &Border<'_>,
    context: &mut Context,
) -> JsResult<JsObject> {
    let exports = JsObject::with_null_proto();
    for export in compiled.exports.iter() {
        let found = border
            .machine
            .with(|store| instance.get_export(&*store, &export.name))?;
        let object = match found {
            Some(Extern::Func(func)) => function_object(border, func, Some(export.index), context)?,
            Some(Extern::Memory(memory)) => memory_object(border.island, memory, context),
            Some(Extern::Table(table)) => {
                table_object(border.island, table, border.machine, context)?
            }
            Some(Extern::Global(global)) => {
                global_object(border.island, global, border.machine, context)?
            }
            None => continue,
        };
        exports.create_data_property(JsString::from(export.name.as_str()), object, context)?;
    }
    exports.set_integrity_level(IntegrityLevel::Frozen, context)?;
    Ok(exports)
}
