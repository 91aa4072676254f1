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
use boa_engine::object::builtins::{JsArray, JsArrayBuffer};
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
    /// A platform object with a plain form: by which class, and the form.
    pub const SHAPED: u8 = 27;
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
    shaped: Vec<Shaped>,
}

/// A platform class whose objects have a plain form, from which they can be made again.
#[derive(Debug, Clone, Trace, Finalize)]
struct Shaped {
    prototype: JsObject,
    write: JsObject,
    read: JsObject,
}

/// Writes a value as bytes; what cannot be cloned is a `DataCloneError` that names its place.
///
/// Getters of the value run, as the standard has it.
pub fn serialize(value: &JsValue, context: &mut Context) -> JsResult<Vec<u8>> {
    write::Writer::new(&[], context).run(value)
}

/// Reads what [`serialize`] wrote. Other bytes give a `DataCloneError` or some value, and never
/// more work than there are bytes.
pub fn deserialize(bytes: &[u8], context: &mut Context) -> JsResult<JsValue> {
    deserialize_with(bytes, &[], context)
}

// `moved`: what stands for the objects that the writer was told to leave alone.
fn deserialize_with(bytes: &[u8], moved: &[JsObject], context: &mut Context) -> JsResult<JsValue> {
    match read::Reader::new(bytes, moved).run(context) {
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
    let exception = web_member("DOMException", context)?.as_object();
    let is_exception = |class: &JsObject| {
        let exception = exception.as_ref();
        exception.is_some_and(|exception| JsObject::equals(exception, class))
    };
    for key in global.own_property_keys(context)? {
        let class = match &key {
            PropertyKey::String(_) => global.borrow().properties().get(&key),
            PropertyKey::Symbol(_) | PropertyKey::Index(_) => None,
        };
        let class = class.and_then(|property| property.value()?.as_object());
        let Some(class) = class.filter(|class| class.is::<OrdinaryFunction>()) else {
            continue;
        };
        // Errors of the platform are copied by name and message, those of a subclass too.
        if is_exception(&class)
            || class
                .prototype()
                .is_some_and(|parent| is_exception(&parent))
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

/// `structuredClone`; `transfer`, which also tells the ports that moved; `refuse`, for the
/// prototype of a platform class that is on no global; and `shape`, for one whose objects have a
/// plain form.
pub fn natives(context: &mut Context) -> JsResult<JsObject> {
    let list: [(&str, usize, NativeFunctionPointer); 4] = [
        ("structuredClone", 1, structured_clone),
        ("transfer", 2, transfer),
        ("refuse", 1, refuse_prototype),
        ("shape", 3, shape),
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

/// `(prototype, write, read)`: to the plain form, and back.
fn shape(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let object = |index: usize| {
        let object = arguments.get_or_undefined(index).as_object();
        object.ok_or_else(|| type_error("shape takes a prototype and two functions"))
    };
    let shaped = Shaped {
        prototype: object(0)?,
        write: object(1)?,
        read: object(2)?,
    };
    refuse(shaped.prototype.clone(), context);
    if let Some(classes) = context.realm().host_defined_mut().get_mut::<Uncloneable>() {
        classes.shaped.push(shaped);
    }
    Ok(JsValue::undefined())
}

fn structured_clone(
    _: &JsValue,
    arguments: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    require(arguments, 1, "structuredClone")?;
    let options = arguments.get_or_undefined(1);
    let list = if options.is_null_or_undefined() {
        JsValue::undefined()
    } else {
        let Some(options) = options.as_object() else {
            return Err(type_error("structuredClone: the options are not an object"));
        };
        options.get(js_string!("transfer"), context)?
    };
    let transferred = Transferred::of(&list, context)?;
    Ok(transferred.carry(arguments.get_or_undefined(0), context)?.0)
}

/// `[clone, ports]` of a value and the list of what is transferred.
fn transfer(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let transferred = Transferred::of(arguments.get_or_undefined(1), context)?;
    let (clone, ports) = transferred.carry(arguments.get_or_undefined(0), context)?;
    let ports = JsArray::from_iter(ports.into_iter().map(JsValue::from), context);
    Ok(JsArray::from_iter([clone, ports.into()], context).into())
}

/// What moves instead of being copied.
#[derive(Default)]
struct Transferred {
    buffers: Vec<JsArrayBuffer>,
    ports: Vec<JsObject>,
}

impl Transferred {
    fn of(list: &JsValue, context: &mut Context) -> JsResult<Self> {
        let mut transferred = Self::default();
        if list.is_undefined() {
            return Ok(transferred);
        }
        let mut objects: Vec<JsObject> = Vec::new();
        for item in list_of(list, context)? {
            let Some(object) = item.as_object() else {
                return Err(type_error("transfer is not a list of objects"));
            };
            if objects.iter().any(|known| JsObject::equals(known, &object)) {
                let message = "An object is to be transferred twice";
                return Err(data_clone_error(message, context));
            }
            objects.push(object.clone());
            if let Ok(buffer) = JsArrayBuffer::from_object(object.clone()) {
                transferred.buffers.push(buffer);
            } else if call(web_member("isTransferredPort", context)?, &object, context)?
                .to_boolean()
            {
                transferred.ports.push(object);
            } else {
                let message = "Only an ArrayBuffer or a MessagePort can be transferred";
                return Err(data_clone_error(message, context));
            }
        }
        transferred.still_there(context)?;
        Ok(transferred)
    }

    fn still_there(&self, context: &mut Context) -> JsResult<()> {
        if self.buffers.iter().all(|buffer| buffer.data().is_some()) {
            return Ok(());
        }
        let message = "A buffer to transfer is detached";
        Err(data_clone_error(message, context))
    }

    // The clone, and the ports in their new places.
    fn carry(self, value: &JsValue, context: &mut Context) -> JsResult<(JsValue, Vec<JsObject>)> {
        let bytes = write::Writer::new(&self.ports, context).run(value)?;
        // Getters ran meanwhile: what is transferred must still be there.
        self.still_there(context)?;
        let mut moved = Vec::with_capacity(self.ports.len());
        for port in &self.ports {
            let new = call(web_member("movePort", context)?, port, context)?;
            moved.extend(new.as_object());
        }
        let clone = deserialize_with(&bytes, &moved, context)?;
        for buffer in &self.buffers {
            buffer.detach(&JsValue::undefined())?;
        }
        Ok((clone, moved))
    }
}

fn call(function: JsValue, argument: &JsObject, context: &mut Context) -> JsResult<JsValue> {
    match function.as_callable() {
        Some(function) => {
            let arguments = [argument.clone().into()];
            function.call(&JsValue::undefined(), &arguments, context)
        }
        // Before the script that has it is loaded there are no ports.
        None => Ok(JsValue::undefined()),
    }
}

fn data_clone_error(message: &str, context: &mut Context) -> JsError {
    dom_exception("DataCloneError", message, context)
}
