//! Interfaces: web classes made in Rust, shaped as Web IDL asks.
//!
//! An object of such a class carries its data natively, so the brand check is a downcast and no
//! program can forge it. Members are enumerable, constants read-only, and a missing argument is a
//! `TypeError`.

use boa_engine::builtins::proxy::Proxy;
use boa_engine::native_function::NativeFunctionPointer;
use boa_engine::object::{FunctionObjectBuilder, NativeObject};
use boa_engine::property::{PropertyDescriptor, PropertyKey};
use boa_engine::{
    Context, Finalize, JsData, JsError, JsNativeError, JsObject, JsResult, JsString, JsSymbol,
    JsValue, NativeFunction, Trace, js_string,
};
use std::any::TypeId;

/// The prototypes of native classes, by the Rust type of their data.
#[derive(Debug, Default, Trace, Finalize, JsData)]
struct Prototypes {
    entries: Vec<PrototypeEntry>,
}

#[derive(Debug, Trace, Finalize)]
struct PrototypeEntry {
    #[unsafe_ignore_trace]
    kind: TypeId,
    prototype: JsObject,
}

/// The prototypes of all native classes so far.
pub fn prototypes(context: &Context) -> Vec<JsObject> {
    let host = context.realm().host_defined();
    let entries = host.get::<Prototypes>().map(|known| &known.entries);
    let prototypes = entries.into_iter().flatten();
    prototypes.map(|entry| entry.prototype.clone()).collect()
}

/// The object that the web scripts share, kept where native code finds it.
#[derive(Debug, Trace, Finalize, JsData)]
struct WebObject(JsObject);

/// How platform objects are shown: functions of the platform's own scripts, by prototype.
#[derive(Debug, Default, Trace, Finalize, JsData)]
pub struct PlatformDescriptions {
    entries: Vec<(JsObject, JsObject)>,
}

impl PlatformDescriptions {
    /// Makes `describe` the function that gives, for an object with this prototype, a plain object
    /// to show.
    pub fn add(prototype: JsObject, describe: JsObject, context: &mut Context) {
        let mut host = context.realm().host_defined_mut();
        if !host.has::<Self>() {
            host.insert_default::<Self>();
        }
        if let Some(descriptions) = host.get_mut::<Self>() {
            descriptions.entries.push((prototype, describe));
        }
    }

    /// The function for an object, found by its prototypes.
    pub fn find(object: &JsObject, context: &mut Context) -> Option<JsObject> {
        // No class of the platform is deeper below another.
        const PROTOTYPES_MAX: usize = 8;
        let host = context.realm().host_defined();
        let descriptions = host.get::<Self>()?;
        let mut prototype = object.prototype()?;
        for _ in 0..PROTOTYPES_MAX {
            let known = |entry: &&(JsObject, JsObject)| JsObject::equals(&entry.0, &prototype);
            if let Some((_, describe)) = descriptions.entries.iter().find(known) {
                return Some(describe.clone());
            }
            if prototype.is::<Proxy>() {
                return None;
            }
            prototype = prototype.prototype()?;
        }
        None
    }
}

/// A web class in the making.
#[derive(Debug)]
pub struct Interface<'context> {
    constructor: JsObject,
    prototype: JsObject,
    context: &'context mut Context,
}

impl<'context> Interface<'context> {
    /// A class whose `construct` gets `new.target` as `this`.
    pub fn new(
        name: &'static str,
        length: usize,
        construct: NativeFunctionPointer,
        context: &'context mut Context,
    ) -> Self {
        let constructor =
            FunctionObjectBuilder::new(context.realm(), NativeFunction::from_fn_ptr(construct))
                .name(JsString::from(name))
                .length(length)
                .constructor(true)
                .build();
        let prototype = JsObject::with_object_proto(context.intrinsics());
        let constructor = JsObject::from(constructor);
        define(
            &constructor,
            js_string!("prototype"),
            prototype.clone(),
            Shape::FIXED,
        );
        define(
            &prototype,
            js_string!("constructor"),
            constructor.clone(),
            Shape::HIDDEN,
        );
        define(
            &prototype,
            JsSymbol::to_string_tag(),
            JsString::from(name),
            Shape::TAG,
        );
        Self {
            constructor,
            prototype,
            context,
        }
    }

    /// A class that nothing can construct but native code.
    pub fn unconstructible(name: &'static str, context: &'context mut Context) -> Self {
        Self::new(name, 0, illegal_constructor, context)
    }

    /// Makes this a subclass of `parent`, a constructor made here.
    pub fn extends(self, parent: &JsObject) -> JsResult<Self> {
        let prototype = parent.get(js_string!("prototype"), self.context)?;
        self.prototype.set_prototype(prototype.as_object());
        self.constructor.set_prototype(Some(parent.clone()));
        Ok(self)
    }

    /// An operation on the prototype.
    #[must_use]
    pub fn method(self, name: &str, length: usize, method: NativeFunctionPointer) -> Self {
        let function = function(name, length, method, self.context);
        define(
            &self.prototype,
            JsString::from(name),
            function,
            Shape::MEMBER,
        );
        self
    }

    /// Makes `[Symbol.iterator]` the same function as `method`.
    pub fn iterate_by(self, method: &str) -> JsResult<Self> {
        let function = self.prototype.get(JsString::from(method), self.context)?;
        define(
            &self.prototype,
            JsSymbol::iterator(),
            function,
            Shape::HIDDEN,
        );
        Ok(self)
    }

    /// An operation on the constructor.
    #[must_use]
    pub fn static_method(self, name: &str, length: usize, method: NativeFunctionPointer) -> Self {
        let function = function(name, length, method, self.context);
        define(
            &self.constructor,
            JsString::from(name),
            function,
            Shape::MEMBER,
        );
        self
    }

    /// A read-only attribute.
    #[must_use]
    pub fn getter(self, name: &str, get: NativeFunctionPointer) -> Self {
        self.attribute(name, get, None)
    }

    /// An attribute that can be written.
    #[must_use]
    pub fn accessor(
        self,
        name: &str,
        get: NativeFunctionPointer,
        set: NativeFunctionPointer,
    ) -> Self {
        self.attribute(name, get, Some(set))
    }

    /// Ends the class; objects made by [`create`] for data of type `T` are of it.
    #[must_use]
    pub fn build<T: NativeObject>(self) -> JsObject {
        keep_prototype::<T>(self.prototype, self.context);
        self.constructor
    }

    fn attribute(
        self,
        name: &str,
        get: NativeFunctionPointer,
        set: Option<NativeFunctionPointer>,
    ) -> Self {
        let getter = function(&format!("get {name}"), 0, get, self.context);
        let mut descriptor = PropertyDescriptor::builder()
            .get(getter)
            .enumerable(true)
            .configurable(true);
        if let Some(set) = set {
            descriptor = descriptor.set(function(&format!("set {name}"), 1, set, self.context));
        }
        self.prototype
            .insert_property(JsString::from(name), descriptor.build());
        self
    }
}

/// Makes `prototype` that of the objects that [`create`] makes for data of type `T`.
pub fn keep_prototype<T: NativeObject>(prototype: JsObject, context: &mut Context) {
    let mut host = context.realm().host_defined_mut();
    if !host.has::<Prototypes>() {
        host.insert_default::<Prototypes>();
    }
    if let Some(prototypes) = host.get_mut::<Prototypes>() {
        let kind = TypeId::of::<T>();
        prototypes.entries.retain(|entry| entry.kind != kind);
        prototypes.entries.push(PrototypeEntry { kind, prototype });
    }
}

/// Keeps the object that the web scripts share, for [`web_member`] and [`dom_exception`].
pub fn keep_web_object(web: &JsObject, context: &mut Context) {
    context
        .realm()
        .host_defined_mut()
        .insert(WebObject(web.clone()));
}

/// What a web script has put on the shared object under `name`.
pub fn web_member(name: &str, context: &mut Context) -> JsResult<JsValue> {
    let web = context
        .realm()
        .host_defined()
        .get::<WebObject>()
        .map(|web| web.0.clone());
    match web {
        Some(web) => web.get(JsString::from(name), context),
        None => Ok(JsValue::undefined()),
    }
}

/// A `DOMException` to throw.
pub fn dom_exception(name: &str, message: &str, context: &mut Context) -> JsError {
    let arguments = [JsString::from(message).into(), JsString::from(name).into()];
    let made = web_member("DOMException", context).and_then(|class| match class.as_constructor() {
        Some(class) => class.construct(&arguments, None, context),
        None => Err(JsNativeError::error()
            .with_message(format!("{name}: {message}"))
            .into()),
    });
    match made {
        Ok(exception) => JsError::from_opaque(exception.into()),
        Err(error) => error,
    }
}

/// An object of a native class, as its constructor makes it: `new.target` gives the prototype.
pub fn construct<T: NativeObject>(
    new_target: &JsValue,
    data: T,
    context: &mut Context,
) -> JsResult<JsObject> {
    let Some(new_target) = new_target.as_object() else {
        return Err(not_constructed());
    };
    match new_target
        .get(js_string!("prototype"), context)?
        .as_object()
    {
        Some(prototype) => Ok(JsObject::new(context.root_shape(), prototype, data).upcast()),
        None => Ok(create(data, context)),
    }
}

/// An object of a native class, made by native code.
pub fn create<T: NativeObject>(data: T, context: &mut Context) -> JsObject {
    let kind = TypeId::of::<T>();
    let prototype = context
        .realm()
        .host_defined()
        .get::<Prototypes>()
        .and_then(|prototypes| {
            let entry = prototypes.entries.iter().find(|entry| entry.kind == kind)?;
            Some(entry.prototype.clone())
        });
    let prototype =
        prototype.unwrap_or_else(|| context.intrinsics().constructors().object().prototype());
    JsObject::new(context.root_shape(), prototype, data).upcast()
}

/// Refuses a call of a constructor without `new`.
pub fn require_new(new_target: &JsValue) -> JsResult<()> {
    if new_target.is_object() {
        Ok(())
    } else {
        Err(not_constructed())
    }
}

/// Refuses a call with too few arguments.
pub fn require(arguments: &[JsValue], count: usize, operation: &str) -> JsResult<()> {
    if arguments.len() >= count {
        return Ok(());
    }
    let plural = if count == 1 { "" } else { "s" };
    let given = arguments.len();
    Err(type_error(format!(
        "{operation}: {count} argument{plural} required, but only {given} given"
    )))
}

/// The typed object behind `this`, or the `TypeError` for a foreign receiver.
pub fn receiver<T: NativeObject>(this: &JsValue) -> JsResult<JsObject<T>> {
    this.as_object()
        .and_then(|object| object.downcast::<T>().ok())
        .ok_or_else(|| type_error("Illegal invocation"))
}

/// A `TypeError` to throw.
pub fn type_error(message: impl Into<std::borrow::Cow<'static, str>>) -> JsError {
    JsNativeError::typ().with_message(message).into()
}

/// A function that is no constructor.
pub fn function(
    name: &str,
    length: usize,
    pointer: NativeFunctionPointer,
    context: &mut Context,
) -> JsObject {
    FunctionObjectBuilder::new(context.realm(), NativeFunction::from_fn_ptr(pointer))
        .name(JsString::from(name))
        .length(length)
        .build()
        .into()
}

/// A plain object of functions, as a script's `native`.
pub fn functions(list: &[(&str, usize, NativeFunctionPointer)], context: &mut Context) -> JsObject {
    let object = JsObject::with_object_proto(context.intrinsics());
    for (name, length, pointer) in list {
        let function = function(name, *length, *pointer, context);
        define(&object, JsString::from(*name), function, Shape::MEMBER);
    }
    object
}

/// Puts an ordinary property on an object of ours.
pub fn put(object: &JsObject, name: &str, value: impl Into<JsValue>) {
    define(object, JsString::from(name), value, Shape::MEMBER);
}

/// Hands each value of an iterable to `each`, and closes the iterator when that fails.
///
/// `method` is the value's own `[Symbol.iterator]`, which a caller has already read.
pub fn for_each_of(
    value: &JsValue,
    method: &JsObject,
    context: &mut Context,
    mut each: impl FnMut(JsValue, &mut Context) -> JsResult<()>,
) -> JsResult<()> {
    let iterator = method.call(value, &[], context)?;
    let Some(iterator) = iterator.as_object() else {
        return Err(type_error("The iterator is not an object"));
    };
    let next = iterator.get(js_string!("next"), context)?;
    let Some(next) = next.as_callable() else {
        return Err(type_error("The iterator's next is not a function"));
    };
    loop {
        let step = next.call(&iterator.clone().into(), &[], context)?;
        let Some(step) = step.as_object() else {
            return Err(type_error("The iterator's result is not an object"));
        };
        if step.get(js_string!("done"), context)?.to_boolean() {
            return Ok(());
        }
        let item = step.get(js_string!("value"), context)?;
        if let Err(error) = each(item, context) {
            if let Ok(close) = iterator.get(js_string!("return"), context)
                && let Some(close) = close.as_callable()
            {
                // The first error is the one to report, whatever closing does.
                let _ = close.call(&iterator.clone().into(), &[], context);
            }
            return Err(error);
        }
    }
}

/// The method under `[Symbol.iterator]`, if there is one.
pub fn iterator_method(object: &JsObject, context: &mut Context) -> JsResult<Option<JsObject>> {
    let method = object.get(JsSymbol::iterator(), context)?;
    if method.is_null_or_undefined() {
        return Ok(None);
    }
    match method.as_callable() {
        Some(method) => Ok(Some(method)),
        None => Err(type_error("[Symbol.iterator] is not a function")),
    }
}

/// All values of an iterable.
pub fn list_of(value: &JsValue, context: &mut Context) -> JsResult<Vec<JsValue>> {
    let method = match value.as_object() {
        Some(object) => iterator_method(&object, context)?,
        None => None,
    };
    let Some(method) = method else {
        return Err(type_error("The value is not iterable"));
    };
    let mut list = Vec::new();
    for_each_of(value, &method, context, |item, _| {
        list.push(item);
        Ok(())
    })?;
    Ok(list)
}

/// Which attributes a property gets.
#[derive(Clone, Copy)]
struct Shape {
    writable: bool,
    enumerable: bool,
    configurable: bool,
}

impl Shape {
    const MEMBER: Self = Self {
        writable: true,
        enumerable: true,
        configurable: true,
    };
    const HIDDEN: Self = Self {
        writable: true,
        enumerable: false,
        configurable: true,
    };
    const TAG: Self = Self {
        writable: false,
        enumerable: false,
        configurable: true,
    };
    const FIXED: Self = Self {
        writable: false,
        enumerable: false,
        configurable: false,
    };
}

fn define(object: &JsObject, key: impl Into<PropertyKey>, value: impl Into<JsValue>, shape: Shape) {
    let descriptor = PropertyDescriptor::builder()
        .value(value)
        .writable(shape.writable)
        .enumerable(shape.enumerable)
        .configurable(shape.configurable);
    object.insert_property(key, descriptor.build());
}

fn not_constructed() -> JsError {
    type_error("Class constructors cannot be invoked without 'new'")
}

fn illegal_constructor(_: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    Err(type_error("Illegal constructor"))
}
