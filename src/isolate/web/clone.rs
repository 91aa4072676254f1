//! Structured clone: values as bytes, for calls between processes and for `structuredClone`.
//!
//! What is written is compact and private to one build of the kernel. Errors keep their own `name`
//! where the standard would drop it, since a caller in another process has nothing else to tell
//! them apart by.

mod read;
mod write;

use super::interface::{dom_exception, functions, list_of, require, type_error, web_member};
use boa_engine::builtins::function::OrdinaryFunction;
use boa_engine::native_function::NativeFunctionPointer;
use boa_engine::object::builtins::JsArrayBuffer;
use boa_engine::property::PropertyKey;
use boa_engine::{
    Context, Finalize, JsArgs, JsData, JsError, JsObject, JsResult, JsValue, Trace, js_string,
};

/// How deep values may nest. The walk is recursive; a level takes about seven kilobytes of stack in
/// a build that is not optimised, and an isolate has 64 MB.
pub const DEPTH_MAX: usize = 1_000;

/// The first byte of every clone.
const FORMAT: u8 = 1;

/// The type of the value that follows. The numbers are the format.
mod tag {
    pub const UNDEFINED: u8 = 0;
    pub const NULL: u8 = 1;
    pub const TRUE: u8 = 2;
    pub const FALSE: u8 = 3;
    pub const INTEGER: u8 = 4;
    pub const NUMBER: u8 = 5;
    pub const BIGINT_SMALL: u8 = 6;
    pub const BIGINT: u8 = 7;
    pub const STRING_NARROW: u8 = 8;
    pub const STRING_WIDE: u8 = 9;
    /// An object met before, by its number.
    pub const SEEN: u8 = 10;
    pub const OBJECT: u8 = 11;
    pub const ARRAY: u8 = 12;
    /// An array that is met again: it must exist before its elements.
    pub const ARRAY_SHARED: u8 = 13;
    pub const ARRAY_SPARSE: u8 = 14;
    pub const MAP: u8 = 15;
    pub const SET: u8 = 16;
    pub const DATE: u8 = 17;
    pub const REGEXP: u8 = 18;
    pub const ERROR: u8 = 19;
    pub const DOM_EXCEPTION: u8 = 20;
    pub const ARRAY_BUFFER: u8 = 21;
    pub const TYPED_ARRAY: u8 = 22;
    pub const DATA_VIEW: u8 = 23;
    pub const BOXED: u8 = 24;
    pub const BLOB: u8 = 25;
    pub const FILE: u8 = 26;
    // Keys of properties.
    pub const KEY_END: u8 = 0;
    pub const KEY_INDEX: u8 = 1;
    pub const KEY_SEEN: u8 = 2;
    pub const KEY_NARROW: u8 = 3;
    pub const KEY_WIDE: u8 = 4;
    // Parts of an error.
    pub const ERROR_MESSAGE: u8 = 1;
    pub const ERROR_NAME: u8 = 2;
    pub const ERROR_STACK: u8 = 4;
    pub const ERROR_CAUSE: u8 = 8;
}

/// The error classes that a clone keeps, by their place in this list.
const ERROR_NAMES: [&str; 7] = [
    "Error",
    "EvalError",
    "RangeError",
    "ReferenceError",
    "SyntaxError",
    "TypeError",
    "URIError",
];

/// Prototypes of platform objects, whose state is not in their properties.
#[derive(Debug, Default, Trace, Finalize, JsData)]
struct Uncloneable {
    prototypes: Vec<JsObject>,
}

/// Writes a value as bytes; what cannot be cloned is a `DataCloneError` that names its place.
///
/// Getters of the value run, as the standard has it.
pub fn serialize(value: &JsValue, context: &mut Context) -> JsResult<Vec<u8>> {
    write::Writer::new(context).run(value)
}

/// Reads what [`serialize`] wrote. Other bytes give a `DataCloneError` or some value, and never
/// more work than there are bytes.
pub fn deserialize(bytes: &[u8], context: &mut Context) -> JsResult<JsValue> {
    match read::Reader::new(bytes).run(context) {
        Ok(value) => Ok(value),
        Err(read::ReadError::Thrown(error)) => Err(error),
        Err(error @ (read::ReadError::Malformed | read::ReadError::TooDeep)) => {
            Err(data_clone_error(&error.to_string(), context))
        }
    }
}

/// Makes every class that a script has defined on the global object so far uncloneable: they are
/// the platform's, and a copy of their properties would be an empty shell. To be called when the
/// last script has run.
pub fn refuse_platform_classes(context: &mut Context) -> JsResult<()> {
    let global = context.global_object();
    let exception = web_member("DOMException", context)?;
    for key in global.own_property_keys(context)? {
        let class = match &key {
            PropertyKey::String(_) => global.borrow().properties().get(&key),
            PropertyKey::Symbol(_) | PropertyKey::Index(_) => None,
        };
        let class = class.and_then(|property| property.value()?.as_object());
        let Some(class) = class.filter(|class| class.is::<OrdinaryFunction>()) else {
            continue;
        };
        if exception
            .as_object()
            .is_some_and(|exception| JsObject::equals(&exception, &class))
        {
            continue;
        }
        if let Some(prototype) = class.get(js_string!("prototype"), context)?.as_object() {
            refuse(prototype, context);
        }
    }
    Ok(())
}

/// Makes objects with this prototype uncloneable.
fn refuse(prototype: JsObject, context: &mut Context) {
    let mut host = context.realm().host_defined_mut();
    if !host.has::<Uncloneable>() {
        host.insert_default::<Uncloneable>();
    }
    if let Some(uncloneable) = host.get_mut::<Uncloneable>() {
        uncloneable.prototypes.push(prototype);
    }
}

/// `structuredClone`, and `refuse`, for the prototype of a platform class that is on no global.
pub fn natives(context: &mut Context) -> JsResult<JsObject> {
    let list: [(&str, usize, NativeFunctionPointer); 2] = [
        ("structuredClone", 1, structured_clone),
        ("refuse", 1, refuse_prototype),
    ];
    Ok(functions(&list, context))
}

fn refuse_prototype(
    _: &JsValue,
    arguments: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    if let Some(prototype) = arguments.get_or_undefined(0).as_object() {
        refuse(prototype, context);
    }
    Ok(JsValue::undefined())
}

fn structured_clone(
    _: &JsValue,
    arguments: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    require(arguments, 1, "structuredClone")?;
    let transfer = transfer_list(arguments.get_or_undefined(1), context)?;
    let bytes = serialize(arguments.get_or_undefined(0), context)?;
    // Getters ran meanwhile: what is transferred must still be there.
    for buffer in &transfer {
        if buffer.data().is_none() {
            return Err(data_clone_error(
                "A buffer to transfer is detached",
                context,
            ));
        }
    }
    let clone = deserialize(&bytes, context)?;
    for buffer in &transfer {
        buffer.detach(&JsValue::undefined())?;
    }
    Ok(clone)
}

fn transfer_list(options: &JsValue, context: &mut Context) -> JsResult<Vec<JsArrayBuffer>> {
    if options.is_null_or_undefined() {
        return Ok(Vec::new());
    }
    let Some(options) = options.as_object() else {
        return Err(type_error("structuredClone: the options are not an object"));
    };
    let list = options.get(js_string!("transfer"), context)?;
    if list.is_undefined() {
        return Ok(Vec::new());
    }
    let mut objects: Vec<JsObject> = Vec::new();
    let mut buffers = Vec::new();
    for item in list_of(&list, context)? {
        let Some(object) = item.as_object() else {
            return Err(type_error(
                "structuredClone: transfer is not a list of objects",
            ));
        };
        let buffer = JsArrayBuffer::from_object(object.clone());
        let Ok(buffer) = buffer else {
            return Err(data_clone_error(
                "Only ArrayBuffers can be transferred",
                context,
            ));
        };
        if buffer.data().is_none() {
            return Err(data_clone_error(
                "A buffer to transfer is detached",
                context,
            ));
        }
        if objects.iter().any(|known| JsObject::equals(known, &object)) {
            return Err(data_clone_error(
                "A buffer is to be transferred twice",
                context,
            ));
        }
        objects.push(object);
        buffers.push(buffer);
    }
    Ok(buffers)
}

fn data_clone_error(message: &str, context: &mut Context) -> JsError {
    dom_exception("DataCloneError", message, context)
}
