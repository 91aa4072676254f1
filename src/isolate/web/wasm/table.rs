//! `WebAssembly.Table`: references by index, which code calls and JavaScript reads and writes.

use boa_engine::{
    Context, Finalize, JsArgs, JsData, JsObject, JsResult, JsValue, Trace, js_string,
};
use wasmi::{RefType, Table, TableType};

use super::descriptors::{dictionary, limits, unsigned, value_kind};
use super::errors::range_error;
use super::island::{Island, Stands};
use super::machine::{Machine, TABLE_ELEMENTS_MAX};
use super::values::{Border, ValueType, key_of};
use crate::isolate::web::interface::{
    Interface, construct, create, receiver, require, require_new, type_error,
};

const OUT_OF_BOUNDS: &str = "WebAssembly.Table: the index is out of bounds";

/// The data of a `WebAssembly.Table`.
#[derive(Trace, Finalize, JsData)]
pub struct TableData {
    #[unsafe_ignore_trace]
    table: Table,
    island: Island,
    #[unsafe_ignore_trace]
    element: RefType,
}

/// The class.
pub fn class(context: &mut Context) -> JsObject {
    Interface::new("Table", 1, new, context)
        .method("grow", 1, grow)
        .method("get", 1, get)
        .method("set", 1, set)
        .getter("length", length)
        .build::<TableData>()
}

/// The object of a table: the same one each time.
pub fn table_object(
    island: &Island,
    table: Table,
    machine: &Machine,
    context: &mut Context,
) -> JsResult<JsObject> {
    let island = island.root();
    let key = key_of(&table);
    if let Some(object) = island.object(Stands::Table, key) {
        return Ok(object);
    }
    let element = machine.with(|store| table.ty(&*store).element())?;
    let data = TableData {
        table,
        island: island.clone(),
        element,
    };
    let object = create(data, context);
    island.keep_object(Stands::Table, key, object.clone());
    Ok(object)
}

/// The table behind an object, and its island.
pub fn imported(object: &JsObject) -> Option<(Table, Island)> {
    let data = object.downcast_ref::<TableData>()?;
    Some((data.table, data.island.root()))
}

fn new(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    const WHAT: &str = "WebAssembly.Table()";
    require_new(this)?;
    require(arguments, 1, WHAT)?;
    let descriptor = dictionary(arguments.get_or_undefined(0), WHAT)?;
    let element = descriptor.get(js_string!("element"), context)?;
    let element = match value_kind(&element, WHAT, context)? {
        ValueType::FuncRef => RefType::Func,
        ValueType::ExternRef => RefType::Extern,
        _ => return Err(type_error("'element' must be 'anyfunc' or 'externref'")),
    };
    let limits = limits(&descriptor, WHAT, context)?;
    // Within 32 bits on all machines that this runs on.
    let limits = limits.check(TABLE_ELEMENTS_MAX as u32)?;
    let machine = Machine::of(context);
    let island = Island::new(&machine);
    let border = Border {
        machine: &machine,
        island: &island,
    };
    let initial = border.element_from(arguments.get(1), element, context)?;
    let kind = TableType::new(element, limits.initial, limits.maximum);
    let table = machine
        .with(|store| Table::new(store, kind, initial))?
        .map_err(|_| range_error("Out of memory for a WebAssembly.Table"))?;
    let island = island.root();
    let data = TableData {
        table,
        island: island.clone(),
        element,
    };
    let object = construct(this, data, context)?;
    island.keep_object(Stands::Table, key_of(&table), object.clone());
    Ok(object.into())
}

/// What an operation works with.
struct Opened {
    table: Table,
    island: Island,
    element: RefType,
}

fn open(this: &JsValue) -> JsResult<Opened> {
    let object = receiver::<TableData>(this)?;
    let object = object.borrow();
    let data = object.data();
    Ok(Opened {
        table: data.table,
        island: data.island.root(),
        element: data.element,
    })
}

fn grow(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let opened = open(this)?;
    require(arguments, 1, "WebAssembly.Table.grow()")?;
    let delta = unsigned(arguments.get_or_undefined(0), "delta", context)?;
    let machine = Machine::of(context);
    let border = Border {
        machine: &machine,
        island: &opened.island,
    };
    let value = border.element_from(arguments.get(1), opened.element, context)?;
    let before = machine
        .with(|store| opened.table.grow(store, u64::from(delta), value))?
        .map_err(|_| range_error("WebAssembly.Table.grow(): failed to grow the table"))?;
    Ok(JsValue::from(before))
}

fn get(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let opened = open(this)?;
    require(arguments, 1, "WebAssembly.Table.get()")?;
    let index = unsigned(arguments.get_or_undefined(0), "index", context)?;
    let machine = Machine::of(context);
    let element = machine.with(|store| opened.table.get(&*store, u64::from(index)))?;
    let element = element.ok_or_else(|| range_error(OUT_OF_BOUNDS))?;
    let border = Border {
        machine: &machine,
        island: &opened.island,
    };
    border.element_out(element, context)
}

fn set(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let opened = open(this)?;
    require(arguments, 1, "WebAssembly.Table.set()")?;
    let index = unsigned(arguments.get_or_undefined(0), "index", context)?;
    let machine = Machine::of(context);
    let border = Border {
        machine: &machine,
        island: &opened.island,
    };
    let value = border.element_from(arguments.get(1), opened.element, context)?;
    machine
        .with(|store| opened.table.set(store, u64::from(index), value))?
        .map_err(|_| range_error(OUT_OF_BOUNDS))?;
    Ok(JsValue::undefined())
}

fn length(this: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let opened = open(this)?;
    let machine = Machine::of(context);
    Ok(JsValue::from(
        machine.with(|store| opened.table.size(&*store))?,
    ))
}
