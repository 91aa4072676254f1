//! Values as text for people: what `console.log` prints.
//!
//! It reads objects from outside and never runs a program's code: no getter, no `toString`, no trap
//! of a Proxy. The work is bounded however great the value is.

mod text;

pub use self::text::{bigint_text, quoted};
use self::text::{
    class_name, element_bytes, element_text, empty_items, function_text, key_text, more,
    named_prefix, plain_prefix,
};
use crate::isolate::web::bytes::{ByteView, from_units, str_text};
use crate::isolate::web::interface::{PlatformDescriptions, web_member};
use boa_engine::builtins::error::Error as ErrorData;
use boa_engine::builtins::map::ordered_map::OrderedMap;
use boa_engine::builtins::promise::PromiseState;
use boa_engine::builtins::proxy::Proxy;
use boa_engine::builtins::set::ordered_set::OrderedSet;
use boa_engine::native_function::NativeFunctionObject;
use boa_engine::object::IndexProperties;
use boa_engine::object::builtins::{
    JsArrayBuffer, JsDataView, JsDate, JsPromise, JsRegExp, JsTypedArray,
};
use boa_engine::property::{PropertyDescriptor, PropertyKey};
use boa_engine::value::JsVariant;
use boa_engine::{Context, JsBigInt, JsObject, JsString, JsSymbol, JsValue, js_string};
use std::fmt::Write as _;

/// The most characters that one text has.
pub const LINE_CHARS_MAX: usize = 16 * 1024;

/// How deep objects are shown unless told.
pub const DEPTH_SHOWN: usize = 4;

// How many items of a container are shown, as in Node and Deno.
const ITEMS_MAX: usize = 100;

// How many properties are looked through for one text: an object may be great and be met at many
// places.
const WORK_MAX: usize = 200_000;

// The width that fits a terminal of 80 with some indentation.
const LINE_WIDTH: usize = 72;

// How many bytes of a buffer are shown.
const BUFFER_BYTES_SHOWN: usize = 50;

// How long a chain of prototypes is looked through for a name.
const PROTOTYPES_MAX: usize = 100;

/// Which quotes strings are in: the first that needs no escapes, or else the first.
pub type Quotes = [char; 3];

/// As in Deno.
pub const DOUBLE_FIRST: Quotes = ['"', '\'', '`'];

/// As in Node.
pub const SINGLE_FIRST: Quotes = ['\'', '"', '`'];

/// The text of a value; a string is quoted.
pub fn inspect(value: &JsValue, depth_shown: usize, context: &mut Context) -> String {
    inspect_by(value, depth_shown, DOUBLE_FIRST, context)
}

/// As [`inspect`], with other quotes.
pub fn inspect_by(
    value: &JsValue,
    depth_shown: usize,
    quotes: Quotes,
    context: &mut Context,
) -> String {
    let mut inspector = Inspector {
        context,
        left: LINE_CHARS_MAX,
        work: WORK_MAX,
        depth_shown,
        quotes,
        path: Vec::new(),
        circular: Vec::new(),
    };
    inspector.value(value, 0)
}

/// The first characters of a string, no more than are ever shown.
pub fn shown(string: &JsString) -> String {
    if string.len() <= LINE_CHARS_MAX {
        return str_text(string.as_str()).into_owned();
    }
    let units: Vec<u16> = string.as_str().iter().take(LINE_CHARS_MAX + 1).collect();
    str_text(from_units(&units).as_str()).into_owned()
}

/// An own property that is no accessor, read without running anything.
pub fn own_data(object: &JsObject, key: impl Into<PropertyKey>) -> Option<JsValue> {
    own(object, &key.into())?.value().cloned()
}

fn own(object: &JsObject, key: &PropertyKey) -> Option<PropertyDescriptor> {
    if object.is::<Proxy>() {
        return None;
    }
    object.borrow().properties().get(key)
}

/// A property found along the prototypes.
fn found(object: &JsObject, key: impl Into<PropertyKey>) -> Option<PropertyDescriptor> {
    let key = key.into();
    let mut object = object.clone();
    for _ in 0..PROTOTYPES_MAX {
        if let Some(property) = own(&object, &key) {
            return Some(property);
        }
        if object.is::<Proxy>() {
            return None;
        }
        object = object.prototype()?;
    }
    None
}

fn found_string(object: &JsObject, key: impl Into<PropertyKey>) -> Option<String> {
    let value = found(object, key)?.value()?.as_string()?;
    Some(shown(&value))
}

struct Inspector<'context> {
    context: &'context mut Context,
    // Characters still to be spent on leaves.
    left: usize,
    // Properties still to be looked through.
    work: usize,
    depth_shown: usize,
    quotes: Quotes,
    // The objects being shown, from the outermost in.
    path: Vec<JsObject>,
    // Those of them that contain themselves, in the order of their numbers.
    circular: Vec<JsObject>,
}

/// The entries of an object, and what is written around them.
struct Listing {
    prefix: String,
    brackets: [char; 2],
    entries: Vec<String>,
}

impl Listing {
    fn new(prefix: impl Into<String>) -> Self {
        Self {
            prefix: prefix.into(),
            brackets: ['{', '}'],
            entries: Vec::new(),
        }
    }

    fn list(prefix: impl Into<String>) -> Self {
        Self {
            prefix: prefix.into(),
            brackets: ['[', ']'],
            entries: Vec::new(),
        }
    }

    /// On one line where it fits, else an entry a line; many short items share lines.
    fn text(self, indent: usize) -> String {
        let [open, close] = self.brackets;
        let prefix = &self.prefix;
        let space = if prefix.is_empty() { "" } else { " " };
        if self.entries.is_empty() {
            return format!("{prefix}{space}{open}{close}");
        }
        let width: usize = self
            .entries
            .iter()
            .map(|entry| entry.chars().count() + 2)
            .sum();
        let breaks = self.entries.iter().any(|entry| entry.contains('\n'));
        if !breaks && width + indent + prefix.len() <= LINE_WIDTH {
            return format!("{prefix}{space}{open} {} {close}", self.entries.join(", "));
        }
        let pad = " ".repeat(indent + 2);
        let packed = open == '[' && !breaks && self.entries.len() > 6;
        let separator = format!(",\n{pad}");
        let body = if packed {
            pack(&self.entries, &separator)
        } else {
            self.entries.join(&separator)
        };
        format!(
            "{prefix}{space}{open}\n{pad}{body}\n{}{close}",
            " ".repeat(indent)
        )
    }
}

/// Joins entries, as many to a line as fit.
fn pack(entries: &[String], separator: &str) -> String {
    let mut body = String::new();
    let mut width = 0;
    for (index, entry) in entries.iter().enumerate() {
        let length = entry.chars().count() + 2;
        if index > 0 {
            let full = width + length > LINE_WIDTH;
            body.push_str(if full { separator } else { ", " });
            width = if full { 0 } else { width };
        }
        body.push_str(entry);
        width += length;
    }
    body
}

impl Inspector<'_> {
    fn value(&mut self, value: &JsValue, indent: usize) -> String {
        let text = match value.variant() {
            JsVariant::Object(object) => return self.object(&object, indent),
            JsVariant::String(string) => quoted(&string, self.left, self.quotes),
            JsVariant::Symbol(symbol) => shown(&symbol.descriptive_string()),
            JsVariant::BigInt(bigint) => bigint_text(&bigint),
            JsVariant::Null
            | JsVariant::Undefined
            | JsVariant::Boolean(_)
            | JsVariant::Integer32(_)
            | JsVariant::Float64(_) => value.display().to_string(),
        };
        self.leaf(text)
    }

    fn leaf(&mut self, text: String) -> String {
        self.left = self.left.saturating_sub(text.len() + 2);
        text
    }

    fn object(&mut self, object: &JsObject, indent: usize) -> String {
        if object.is::<Proxy>() {
            return self.leaf("[Proxy]".to_owned());
        }
        if self
            .path
            .iter()
            .any(|known| JsObject::equals(known, object))
        {
            let number = self.circular_number(object);
            return self.leaf(format!("[Circular *{number}]"));
        }
        if self.path.len() > self.depth_shown || self.left == 0 || self.work == 0 {
            let name = match class_name(object) {
                Some(name) => name,
                None if object.is_array() => "Array".to_owned(),
                None => "Object".to_owned(),
            };
            return self.leaf(format!("[{name}]"));
        }
        self.path.push(object.clone());
        let text = self.whole_object(object, indent);
        self.path.pop();
        match self
            .circular
            .iter()
            .position(|known| JsObject::equals(known, object))
        {
            Some(index) => format!("<ref *{}> {text}", index + 1),
            None => text,
        }
    }

    fn circular_number(&mut self, object: &JsObject) -> usize {
        let known = self
            .circular
            .iter()
            .position(|known| JsObject::equals(known, object));
        known.map_or_else(
            || {
                self.circular.push(object.clone());
                self.circular.len()
            },
            |index| index + 1,
        )
    }

    fn whole_object(&mut self, object: &JsObject, indent: usize) -> String {
        if object.is_array() {
            return self.array(object, indent);
        }
        if object.is_callable() {
            return self.base(object, function_text(object), indent);
        }
        if object.is::<ErrorData>() {
            return self.error(object, indent);
        }
        if let Some(text) = self.collection(object, indent) {
            return text;
        }
        if let Some(text) = self.buffer(object, indent) {
            return text;
        }
        if let Some(text) = self.boxed(object) {
            return self.base(object, text, indent);
        }
        if let Some(text) = self.described(object, indent) {
            return text;
        }
        let mut listing = Listing::new(plain_prefix(object));
        self.indexed(object, &mut listing, indent);
        self.named(object, &mut listing, indent);
        listing.text(indent)
    }

    /// A text that stands for the object, with its properties only where it has some.
    fn base(&mut self, object: &JsObject, text: String, indent: usize) -> String {
        let text = self.leaf(text);
        let mut listing = Listing::new(text.clone());
        self.named(object, &mut listing, indent);
        if listing.entries.is_empty() {
            text
        } else {
            listing.text(indent)
        }
    }

    fn array(&mut self, array: &JsObject, indent: usize) -> String {
        let length = own_data(array, js_string!("length"));
        let length = length.and_then(|length| length.as_number()).unwrap_or(0.0) as usize;
        let prefix = match class_name(array) {
            Some(name) if name != "Array" => format!("{name}({length})"),
            Some(_) => String::new(),
            None => format!("[Array({length}): null prototype]"),
        };
        let mut listing = Listing::list(prefix);
        let mut next = 0;
        for (index, property) in self.first_indexed(array) {
            let index = index as usize;
            if index > next {
                listing.entries.push(empty_items(index - next));
            }
            let text = self.property_value(&property, indent + 2);
            listing.entries.push(text);
            next = index + 1;
            if listing.entries.len() >= ITEMS_MAX || self.left == 0 {
                break;
            }
        }
        if next < length {
            let rest = length - next;
            let only_holes = listing.entries.len() < ITEMS_MAX
                && self.left > 0
                && array.borrow().properties().index_property_keys().len() <= listing.entries.len();
            listing.entries.push(if only_holes {
                empty_items(rest)
            } else {
                more(rest, "item")
            });
        }
        self.named(array, &mut listing, indent);
        listing.text(indent)
    }

    /// The first properties with an index, in order.
    fn first_indexed(&mut self, object: &JsObject) -> Vec<(u32, PropertyDescriptor)> {
        let object = object.borrow();
        let properties = object.properties().index_properties();
        match properties {
            IndexProperties::DenseI32(_)
            | IndexProperties::DenseF64(_)
            | IndexProperties::DenseElement(_) => properties.take(ITEMS_MAX).collect(),
            IndexProperties::SparseElement(_) | IndexProperties::SparseProperty(_) => {
                let mut keys: Vec<u32> = object
                    .properties()
                    .index_property_keys()
                    .take(self.work)
                    .collect();
                self.work -= keys.len();
                keys.sort_unstable();
                keys.truncate(ITEMS_MAX);
                let descriptor = |index| {
                    let key = PropertyKey::from(index);
                    Some((index, object.properties().get(&key)?))
                };
                keys.into_iter().filter_map(descriptor).collect()
            }
        }
    }

    fn indexed(&mut self, object: &JsObject, listing: &mut Listing, indent: usize) {
        let count = object.borrow().properties().index_property_keys().len();
        let mut shown = 0;
        for (index, property) in self.first_indexed(object) {
            let value = self.property_value(&property, indent + 2);
            listing.entries.push(format!("\"{index}\": {value}"));
            shown += 1;
        }
        if count > shown {
            listing.entries.push(more(count - shown, "item"));
        }
    }

    /// The enumerable properties with a name or a symbol.
    fn named(&mut self, object: &JsObject, listing: &mut Listing, indent: usize) {
        self.named_without(&[], object, listing, indent);
    }

    fn named_without(
        &mut self,
        hidden: &[JsString],
        object: &JsObject,
        listing: &mut Listing,
        indent: usize,
    ) {
        let mut keys = object.borrow().shape().keys();
        self.work = self.work.saturating_sub(keys.len());
        if !hidden.is_empty() {
            keys.retain(|key| !matches!(key, PropertyKey::String(name) if hidden.contains(name)));
        }
        let mut enumerable = 0;
        for key in &keys {
            let Some(property) = own(object, key) else {
                continue;
            };
            if property.enumerable() != Some(true) {
                continue;
            }
            enumerable += 1;
            if enumerable > ITEMS_MAX || self.left == 0 {
                continue;
            }
            let name = key_text(key, self.left, self.quotes);
            let name = self.leaf(name);
            let value = self.property_value(&property, indent + 2);
            listing.entries.push(format!("{name}: {value}"));
        }
        if enumerable > ITEMS_MAX {
            listing
                .entries
                .push(more(enumerable - ITEMS_MAX, "property"));
        }
    }

    fn property_value(&mut self, property: &PropertyDescriptor, indent: usize) -> String {
        if let Some(value) = property.value() {
            return self.value(&value.clone(), indent);
        }
        let defined = |accessor: Option<&JsValue>| accessor.is_some_and(|it| !it.is_undefined());
        let text = match (defined(property.get()), defined(property.set())) {
            (true, true) => "[Getter/Setter]",
            (true, false) => "[Getter]",
            (false, true) => "[Setter]",
            (false, false) => "undefined",
        };
        self.leaf(text.to_owned())
    }

    fn collection(&mut self, object: &JsObject, indent: usize) -> Option<String> {
        let map = object.downcast_ref::<OrderedMap<JsValue>>().map(|map| {
            let pairs = map.iter().take(ITEMS_MAX);
            let pairs: Vec<_> = pairs
                .map(|(key, value)| (key.clone(), Some(value.clone())))
                .collect();
            (pairs, map.len(), "Map")
        });
        let set = object.downcast_ref::<OrderedSet>().map(|set| {
            let items = set.iter().take(ITEMS_MAX);
            let items: Vec<_> = items.map(|item| (item.clone(), None)).collect();
            (items, set.len(), "Set")
        });
        let Some((items, count, kind)) = map.or(set) else {
            return self.promise(object, indent);
        };
        let mut listing = Listing::new(named_prefix(object, kind, Some(count)));
        let shown = items.len();
        for (key, value) in items {
            if self.left == 0 {
                break;
            }
            let mut text = self.value(&key, indent + 2);
            if let Some(value) = value {
                let value = self.value(&value, indent + 2);
                let _ = write!(text, " => {value}");
            }
            listing.entries.push(text);
        }
        if count > shown {
            listing.entries.push(more(count - shown, "item"));
        }
        self.named(object, &mut listing, indent);
        Some(listing.text(indent))
    }

    fn promise(&mut self, object: &JsObject, indent: usize) -> Option<String> {
        let promise = JsPromise::from_object(object.clone()).ok()?;
        let mut listing = Listing::new(named_prefix(object, "Promise", None));
        let state = match promise.state() {
            PromiseState::Pending => self.leaf("<pending>".to_owned()),
            PromiseState::Fulfilled(value) => self.value(&value, indent + 2),
            PromiseState::Rejected(reason) => {
                format!("<rejected> {}", self.value(&reason, indent + 2))
            }
        };
        listing.entries.push(state);
        self.named(object, &mut listing, indent);
        Some(listing.text(indent))
    }

    fn buffer(&mut self, object: &JsObject, indent: usize) -> Option<String> {
        if let Ok(array) = JsTypedArray::from_object(object.clone()) {
            return Some(self.typed_array(object, &array, indent));
        }
        if let Ok(buffer) = JsArrayBuffer::from_object(object.clone()) {
            let mut listing = Listing::new(named_prefix(object, "ArrayBuffer", None));
            let Some(data) = buffer.data() else {
                return Some(self.leaf("ArrayBuffer { (detached), byteLength: 0 }".to_owned()));
            };
            let shown = &data[..data.len().min(BUFFER_BYTES_SHOWN)];
            let mut contents: Vec<String> =
                shown.iter().map(|byte| format!("{byte:02x}")).collect();
            if data.len() > shown.len() {
                contents.push(format!("... {} more bytes", data.len() - shown.len()));
            }
            listing
                .entries
                .push(format!("[Uint8Contents]: <{}>", contents.join(" ")));
            listing.entries.push(format!("byteLength: {}", data.len()));
            return Some(listing.text(indent));
        }
        let view = JsDataView::from_object(object.clone()).ok()?;
        let mut listing = Listing::new(named_prefix(object, "DataView", None));
        let bytes = view.byte_length(self.context).unwrap_or(0);
        let offset = view.byte_offset(self.context).unwrap_or(0);
        listing.entries.push(format!("byteLength: {bytes}"));
        listing.entries.push(format!("byteOffset: {offset}"));
        Some(listing.text(indent))
    }

    fn typed_array(&mut self, object: &JsObject, array: &JsTypedArray, indent: usize) -> String {
        let length = array.length(self.context).unwrap_or(0);
        let mut listing = Listing::list(named_prefix(object, "TypedArray", Some(length)));
        let view = ByteView::of(&object.clone().into(), self.context)
            .ok()
            .flatten();
        if let (Some(view), Some(kind)) = (view, array.kind()) {
            let size = element_bytes(kind);
            listing.entries = view.read(|bytes| {
                let elements = bytes.chunks_exact(size).take(ITEMS_MAX);
                elements
                    .map(|element| element_text(kind, element))
                    .collect()
            });
        }
        if length > listing.entries.len() {
            listing
                .entries
                .push(more(length - listing.entries.len(), "item"));
        }
        self.left = self
            .left
            .saturating_sub(listing.entries.iter().map(String::len).sum());
        self.named(object, &mut listing, indent);
        listing.text(indent)
    }

    fn boxed(&mut self, object: &JsObject) -> Option<String> {
        let (kind, value) = if let Some(boolean) = object.downcast_ref::<bool>() {
            ("Boolean", JsValue::from(*boolean))
        } else if let Some(number) = object.downcast_ref::<f64>() {
            ("Number", JsValue::from(*number))
        } else if let Some(string) = object.downcast_ref::<JsString>() {
            ("String", JsValue::from(string.clone()))
        } else if let Some(bigint) = object.downcast_ref::<JsBigInt>() {
            ("BigInt", JsValue::from(bigint.clone()))
        } else if let Some(symbol) = object.downcast_ref::<JsSymbol>() {
            ("Symbol", JsValue::from(symbol.clone()))
        } else if JsRegExp::from_object(object.clone()).is_ok() {
            // The engine's own display reads the pattern without asking the object.
            return Some(JsValue::from(object.clone()).display().to_string());
        } else {
            let date = JsDate::from_object(object.clone()).ok()?;
            let text = date
                .to_iso_string(self.context)
                .ok()
                .and_then(|text| text.as_string());
            return Some(text.map_or_else(|| "Invalid Date".to_owned(), |text| shown(&text)));
        };
        Some(format!("[{kind}: {}]", self.value(&value, 0)))
    }

    /// A platform object whose class has said how to describe its instances.
    fn described(&mut self, object: &JsObject, indent: usize) -> Option<String> {
        let describe = PlatformDescriptions::find(object, self.context)?;
        let described = describe.call(
            &JsValue::undefined(),
            &[object.clone().into()],
            self.context,
        );
        let mut listing = Listing::new(plain_prefix(object));
        if let Some(described) = described.ok().and_then(|described| described.as_object()) {
            self.named(&described, &mut listing, indent);
        }
        Some(listing.text(indent))
    }

    fn error(&mut self, error: &JsObject, indent: usize) -> String {
        let header = self.error_header(error);
        let text = match self.stack(error) {
            // A stack as other engines write it begins with the header already.
            Some(stack) if stack.starts_with(&header) => stack,
            Some(stack) if !stack.trim().is_empty() => format!("{header}\n{}", stack.trim_end()),
            _ => header,
        };
        let text = text.replace('\n', &format!("\n{}", " ".repeat(indent)));
        let text = self.leaf(text);
        let mut listing = Listing::new(text.clone());
        // These are in the text already.
        let hidden = [
            js_string!("name"),
            js_string!("message"),
            js_string!("stack"),
        ];
        self.named_without(&hidden, error, &mut listing, indent);
        for name in ["cause", "errors"] {
            let key = PropertyKey::from(JsString::from(name));
            let Some(property) = own(error, &key) else {
                continue;
            };
            if property.enumerable() != Some(true) {
                let value = self.property_value(&property, indent + 2);
                listing.entries.push(format!("[{name}]: {value}"));
            }
        }
        if listing.entries.is_empty() {
            text
        } else {
            listing.text(indent)
        }
    }

    fn error_header(&mut self, error: &JsObject) -> String {
        let name = self
            .error_part(error, "name")
            .unwrap_or_else(|| "Error".to_owned());
        let message = self.error_part(error, "message").unwrap_or_default();
        match (name.is_empty(), message.is_empty()) {
            (_, true) => name,
            (true, false) => message,
            (false, false) => format!("{name}: {message}"),
        }
    }

    /// The name or message: a plain property, or that of a `DOMException`, whose getters are the
    /// platform's.
    fn error_part(&mut self, error: &JsObject, part: &str) -> Option<String> {
        let key = PropertyKey::from(JsString::from(part));
        let property = found(error, key.clone())?;
        if let Some(value) = property.value() {
            return match value.variant() {
                JsVariant::String(string) => Some(shown(&string)),
                JsVariant::Object(_) => None,
                _ => Some(value.display().to_string()),
            };
        }
        let class = web_member("DOMException", self.context).ok()?.as_object()?;
        let prototype = own_data(&class, js_string!("prototype"))?.as_object()?;
        let platform = own(&prototype, &key)?.get()?.as_object()?;
        let getter = property.get()?.as_object()?;
        if !JsObject::equals(&platform, &getter) {
            return None;
        }
        let value = getter.call(&error.clone().into(), &[], self.context).ok()?;
        Some(shown(&value.as_string()?))
    }

    fn stack(&mut self, error: &JsObject) -> Option<String> {
        let key = PropertyKey::from(js_string!("stack"));
        if let Some(property) = own(error, &key) {
            return Some(shown(&property.value()?.as_string()?));
        }
        let prototype = self.context.intrinsics().constructors().error().prototype();
        let getter = own(&prototype, &key)?.get()?.as_object()?;
        if !getter.is::<NativeFunctionObject>() {
            return None;
        }
        let stack = getter.call(&error.clone().into(), &[], self.context).ok()?;
        Some(shown(&stack.as_string()?))
    }
}
