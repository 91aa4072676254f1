//! Writing a value: one walk, which numbers objects in the order it meets them.

use super::{DEPTH_MAX, ERROR_NAMES, FORMAT, Uncloneable, data_clone_error, tag};
use crate::isolate::web::blob::{BlobData, file_facts};
use crate::isolate::web::bytes::{ByteView, from_units, str_text};
use crate::isolate::web::interface::web_member;
use boa_engine::builtins::error::Error as ErrorData;
use boa_engine::builtins::map::ordered_map::OrderedMap;
use boa_engine::builtins::proxy::Proxy;
use boa_engine::builtins::set::ordered_set::OrderedSet;
use boa_engine::builtins::typed_array::TypedArrayKind;
use boa_engine::object::IndexProperties;
use boa_engine::object::builtins::{JsArrayBuffer, JsDataView, JsDate, JsRegExp, JsTypedArray};
use boa_engine::property::PropertyKey;
use boa_engine::string::JsStrVariant;
use boa_engine::value::JsVariant;
use boa_engine::{
    Context, JsBigInt, JsError, JsObject, JsResult, JsString, JsSymbol, JsValue, js_string,
};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Why a value was not written.
enum Failure {
    /// A getter of the value threw.
    Thrown(JsError),
    /// It cannot be cloned; the place is collected on the way up, innermost step first.
    Refused { what: String, path: Vec<String> },
}

impl From<JsError> for Failure {
    fn from(error: JsError) -> Self {
        Self::Thrown(error)
    }
}

impl Failure {
    #[cold]
    fn refused(what: impl Into<String>) -> Self {
        Self::Refused {
            what: what.into(),
            path: Vec::new(),
        }
    }

    #[cold]
    fn below(mut self, step: impl FnOnce() -> String) -> Self {
        if let Self::Refused { path, .. } = &mut self {
            path.push(step());
        }
        self
    }
}

type Written = Result<(), Failure>;

/// Hashes an address: one multiplication spreads its bits.
#[derive(Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_usize(usize::from(*byte));
        }
    }

    fn write_usize(&mut self, value: usize) {
        // 2^64 divided by the golden ratio, as Knuth has it.
        const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
        let mixed = (self.0.rotate_left(5) ^ value as u64).wrapping_mul(SPREAD);
        self.0 = mixed ^ (mixed >> 32);
    }
}

/// An object met before: its number, and where its tag was written.
struct Seen {
    number: u64,
    position: usize,
}

pub(super) struct Writer<'context> {
    context: &'context mut Context,
    bytes: Vec<u8>,
    // Keeps the objects alive, so that no address is used twice.
    seen: HashMap<JsObject, Seen, BuildHasherDefault<AddressHasher>>,
    keys: HashMap<JsString, u64>,
    depth: usize,
}

impl<'context> Writer<'context> {
    /// A writer that takes `moved` for written: the reader has something in their place.
    pub(super) fn new(moved: &[JsObject], context: &'context mut Context) -> Self {
        let numbered = moved.iter().zip(0..);
        let seen = numbered.map(|(object, number)| {
            let position = 0;
            (object.clone(), Seen { number, position })
        });
        Self {
            context,
            bytes: vec![FORMAT],
            seen: seen.collect(),
            keys: HashMap::new(),
            depth: 0,
        }
    }

    pub(super) fn run(mut self, value: &JsValue) -> JsResult<Vec<u8>> {
        match self.value(value) {
            Ok(()) => Ok(self.bytes),
            Err(Failure::Thrown(error)) => Err(error),
            Err(Failure::Refused { what, mut path }) => {
                path.reverse();
                let place = if path.is_empty() { "" } else { " at value" };
                let message = format!("{what} cannot be cloned{place}{}", path.concat());
                Err(data_clone_error(&message, self.context))
            }
        }
    }

    fn value(&mut self, value: &JsValue) -> Written {
        match value.variant() {
            JsVariant::Undefined => self.bytes.push(tag::UNDEFINED),
            JsVariant::Null => self.bytes.push(tag::NULL),
            JsVariant::Boolean(true) => self.bytes.push(tag::TRUE),
            JsVariant::Boolean(false) => self.bytes.push(tag::FALSE),
            JsVariant::Integer32(integer) => self.integer(integer),
            JsVariant::Float64(number) => self.number(number),
            JsVariant::String(string) => {
                self.string(&string, tag::STRING_NARROW, tag::STRING_WIDE);
            }
            JsVariant::BigInt(bigint) => self.bigint(&bigint),
            JsVariant::Symbol(symbol) => return Err(symbol_refused(&symbol)),
            JsVariant::Object(object) => return self.object(&object),
        }
        Ok(())
    }

    fn integer(&mut self, integer: i32) {
        self.bytes.push(tag::INTEGER);
        // Zigzag: small numbers of either sign are short.
        self.count(u64::from(((integer << 1) ^ (integer >> 31)) as u32));
    }

    fn number(&mut self, number: f64) {
        self.bytes.push(tag::NUMBER);
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    fn bigint(&mut self, bigint: &JsBigInt) {
        if let Ok(small) = i64::try_from(bigint.as_inner()) {
            self.bytes.push(tag::BIGINT_SMALL);
            self.bytes.extend_from_slice(&small.to_le_bytes());
            return;
        }
        let digits = bigint.to_string_radix(16);
        self.bytes.push(tag::BIGINT);
        self.count(digits.len() as u64);
        self.bytes.extend_from_slice(digits.as_bytes());
    }

    fn string(&mut self, string: &JsString, narrow: u8, wide: u8) {
        match string.as_str().variant() {
            JsStrVariant::Latin1(units) => {
                self.bytes.push(narrow);
                self.count(units.len() as u64);
                self.bytes.extend_from_slice(units);
            }
            JsStrVariant::Utf16(units) => {
                self.bytes.push(wide);
                self.count(units.len() as u64);
                self.bytes
                    .extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
            }
        }
    }

    /// Seven bits a byte, the lowest first.
    fn count(&mut self, mut count: u64) {
        while count >= 0x80 {
            self.bytes.push((count as u8) | 0x80);
            count >>= 7;
        }
        self.bytes.push(count as u8);
    }

    fn object(&mut self, object: &JsObject) -> Written {
        if let Some(seen) = self.seen.get(object) {
            let number = seen.number;
            let first = &mut self.bytes[seen.position];
            if *first == tag::ARRAY {
                *first = tag::ARRAY_SHARED;
            }
            self.bytes.push(tag::SEEN);
            self.count(number);
            return Ok(());
        }
        if self.depth >= DEPTH_MAX {
            return Err(Failure::refused(format!(
                "What is nested deeper than {DEPTH_MAX} levels"
            )));
        }
        let seen = Seen {
            number: self.seen.len() as u64,
            position: self.bytes.len(),
        };
        self.seen.insert(object.clone(), seen);
        self.depth += 1;
        let written = if object.is_ordinary() {
            self.plain(object)
        } else if object.is_array() && !object.is::<Proxy>() {
            self.array(object)
        } else {
            self.other(object)
        };
        self.depth -= 1;
        written
    }

    fn plain(&mut self, object: &JsObject) -> Written {
        if let Some((place, write)) = self.shaped(object) {
            let form = write.call(
                &JsValue::undefined(),
                &[object.clone().into()],
                self.context,
            );
            self.bytes.push(tag::SHAPED);
            self.count(place);
            return self.value(&form?);
        }
        if let Some(name) = self.platform_class(object) {
            return Err(Failure::refused(format!("A {name}")));
        }
        self.bytes.push(tag::OBJECT);
        self.properties(object)
    }

    /// The class of an object that has a plain form, by its place, and what makes the form.
    fn shaped(&self, object: &JsObject) -> Option<(u64, JsObject)> {
        let prototype = object.prototype()?;
        let host = self.context.realm().host_defined();
        let mut classes = (0..).zip(&host.get::<Uncloneable>()?.shaped);
        let (place, class) =
            classes.find(|(_, class)| JsObject::equals(&class.prototype, &prototype))?;
        Some((place, class.write.clone()))
    }

    /// The name of the platform's class that an object is of, if it is of one.
    fn platform_class(&mut self, object: &JsObject) -> Option<String> {
        let mut prototype = object.prototype()?;
        let plain = self
            .context
            .intrinsics()
            .constructors()
            .object()
            .prototype();
        let mut found = None;
        {
            let host = self.context.realm().host_defined();
            let uncloneable = host.get::<Uncloneable>()?;
            // A chain of prototypes that are no proxies is finite.
            while !JsObject::equals(&prototype, &plain) && !prototype.is::<Proxy>() {
                if uncloneable
                    .prototypes
                    .iter()
                    .any(|known| JsObject::equals(known, &prototype))
                {
                    found = Some(prototype.clone());
                    break;
                }
                let Some(next) = prototype.prototype() else {
                    break;
                };
                prototype = next;
            }
        }
        found.map(|prototype| class_name(&prototype))
    }

    fn properties(&mut self, object: &JsObject) -> Written {
        for key in object.own_property_keys(self.context)? {
            self.property(object, key)?;
        }
        self.bytes.push(tag::KEY_END);
        Ok(())
    }

    fn property(&mut self, object: &JsObject, key: PropertyKey) -> Written {
        if matches!(key, PropertyKey::Symbol(_)) {
            return Ok(());
        }
        // Looked up again for each key: a getter may have removed it.
        let Some(property) = object.borrow().properties().get(&key) else {
            return Ok(());
        };
        if property.enumerable() != Some(true) {
            return Ok(());
        }
        let value = match property.value() {
            Some(value) => value.clone(),
            None => object.get(key.clone(), self.context)?,
        };
        self.key(&key);
        self.value(&value)
            .map_err(|failure| failure.below(|| step(&key)))
    }

    fn key(&mut self, key: &PropertyKey) {
        match key {
            PropertyKey::Index(index) => {
                self.bytes.push(tag::KEY_INDEX);
                self.count(u64::from(index.get()));
            }
            PropertyKey::String(name) => {
                let number = self.keys.len() as u64;
                if let Some(known) = self.keys.get(name) {
                    let known = *known;
                    self.bytes.push(tag::KEY_SEEN);
                    self.count(known);
                    return;
                }
                self.keys.insert(name.clone(), number);
                self.string(name, tag::KEY_NARROW, tag::KEY_WIDE);
            }
            // Symbols are no names of data; `property` leaves them out.
            PropertyKey::Symbol(_) => {}
        }
    }

    fn array(&mut self, array: &JsObject) -> Written {
        let length = array
            .borrow()
            .properties()
            .get(&js_string!("length").into());
        let length = length
            .and_then(|property| property.value()?.as_number())
            .unwrap_or(0.0);
        let position = self.bytes.len();
        self.bytes.push(tag::ARRAY);
        self.count(length as u64);
        let dense = {
            let array = array.borrow();
            match array.properties().index_properties() {
                IndexProperties::DenseI32(items) if items.len() as f64 == length => {
                    for (_, integer) in items {
                        self.integer(*integer);
                    }
                    Some(Vec::new())
                }
                IndexProperties::DenseF64(items) if items.len() as f64 == length => {
                    for (_, number) in items {
                        self.number(*number);
                    }
                    Some(Vec::new())
                }
                IndexProperties::DenseElement(items) if items.len() as f64 == length => {
                    Some(items.map(|(_, item)| item.clone()).collect())
                }
                _ => None,
            }
        };
        let Some(dense) = dense else {
            self.bytes[position] = tag::ARRAY_SPARSE;
            return self.properties(array);
        };
        for (index, item) in dense.iter().enumerate() {
            self.value(item)
                .map_err(|failure| failure.below(|| format!("[{index}]")))?;
        }
        // An array has its length as the first of its named properties, and mostly no other.
        let names = array.borrow().shape().keys();
        for key in names.into_iter().skip(1) {
            self.property(array, key)?;
        }
        self.bytes.push(tag::KEY_END);
        Ok(())
    }

    /// Objects with a state of their own.
    fn other(&mut self, object: &JsObject) -> Written {
        let map = object.downcast_ref::<OrderedMap<JsValue>>().map(|map| {
            let pairs = map.iter().map(|(key, value)| [key.clone(), value.clone()]);
            pairs.collect::<Vec<_>>()
        });
        if let Some(pairs) = map {
            return self.map(&pairs);
        }
        let set = object
            .downcast_ref::<OrderedSet>()
            .map(|set| set.iter().cloned().collect::<Vec<_>>());
        if let Some(items) = set {
            return self.set(&items);
        }
        if object.is::<ErrorData>() {
            return self.error(object);
        }
        if let Ok(date) = JsDate::from_object(object.clone()) {
            let time = date.get_time(self.context)?.as_number().unwrap_or(f64::NAN);
            self.bytes.push(tag::DATE);
            self.bytes.extend_from_slice(&time.to_le_bytes());
            return Ok(());
        }
        if let Ok(regexp) = JsRegExp::from_object(object.clone()) {
            return self.regexp(object, &regexp);
        }
        if let Some(written) = self.buffer(object)? {
            return Ok(written);
        }
        if let Some(data) = BlobData::of(&object.clone().into()) {
            self.blob(object, &data);
            return Ok(());
        }
        self.boxed(object)
    }

    fn map(&mut self, pairs: &[[JsValue; 2]]) -> Written {
        self.bytes.push(tag::MAP);
        self.count(pairs.len() as u64);
        for [key, value] in pairs {
            self.value(key)
                .map_err(|failure| failure.below(|| ".keys()".to_owned()))?;
            self.value(value)
                .map_err(|failure| failure.below(|| ".values()".to_owned()))?;
        }
        Ok(())
    }

    fn set(&mut self, items: &[JsValue]) -> Written {
        self.bytes.push(tag::SET);
        self.count(items.len() as u64);
        for item in items {
            self.value(item)
                .map_err(|failure| failure.below(|| ".values()".to_owned()))?;
        }
        Ok(())
    }

    fn regexp(&mut self, object: &JsObject, regexp: &JsRegExp) -> Written {
        let source = object
            .get(js_string!("source"), self.context)?
            .to_string(self.context)?;
        let source = unescaped_source(&source);
        let flags = JsString::from(regexp.flags(self.context)?);
        self.bytes.push(tag::REGEXP);
        self.string(&source, tag::STRING_NARROW, tag::STRING_WIDE);
        self.string(&flags, tag::STRING_NARROW, tag::STRING_WIDE);
        Ok(())
    }

    fn error(&mut self, error: &JsObject) -> Written {
        if self.is_dom_exception(error)? {
            self.bytes.push(tag::DOM_EXCEPTION);
            for part in ["message", "name", "stack"] {
                let part = error.get(JsString::from(part), self.context)?;
                let part = part.as_string().unwrap_or_default();
                self.string(&part, tag::STRING_NARROW, tag::STRING_WIDE);
            }
            return Ok(());
        }
        let name = error.get(js_string!("name"), self.context)?;
        let name = if name.is_undefined() {
            js_string!("Error")
        } else {
            name.to_string(self.context)?
        };
        let kind = ERROR_NAMES.iter().position(|known| name == **known);
        let message = own_data(error, "message");
        let message = match message {
            Some(message) => Some(message.to_string(self.context)?),
            None => None,
        };
        let stack = error.get(js_string!("stack"), self.context)?.as_string();
        let cause = own_data(error, "cause");
        let mut parts = 0;
        for (present, part) in [
            (message.is_some(), tag::ERROR_MESSAGE),
            (kind.is_none(), tag::ERROR_NAME),
            (stack.is_some(), tag::ERROR_STACK),
            (cause.is_some(), tag::ERROR_CAUSE),
        ] {
            parts |= if present { part } else { 0 };
        }
        self.bytes
            .extend_from_slice(&[tag::ERROR, kind.unwrap_or(0) as u8, parts]);
        let own_name = if kind.is_none() { Some(name) } else { None };
        for part in [message, own_name, stack].into_iter().flatten() {
            self.string(&part, tag::STRING_NARROW, tag::STRING_WIDE);
        }
        match cause {
            Some(cause) => self
                .value(&cause)
                .map_err(|failure| failure.below(|| ".cause".to_owned())),
            None => Ok(()),
        }
    }

    fn is_dom_exception(&mut self, error: &JsObject) -> Result<bool, Failure> {
        let Some(class) = web_member("DOMException", self.context)?.as_object() else {
            return Ok(false);
        };
        let Some(wanted) = class
            .get(js_string!("prototype"), self.context)?
            .as_object()
        else {
            return Ok(false);
        };
        let mut prototype = error.prototype();
        while let Some(current) = prototype {
            if JsObject::equals(&current, &wanted) {
                return Ok(true);
            }
            prototype = current.prototype();
        }
        Ok(false)
    }

    /// Buffers and their views; a view is written with all of its buffer, as the standard has it.
    fn buffer(&mut self, object: &JsObject) -> Result<Option<()>, Failure> {
        if let Ok(buffer) = JsArrayBuffer::from_object(object.clone()) {
            let Some(data) = buffer.data() else {
                return Err(Failure::refused("A detached ArrayBuffer"));
            };
            self.bytes.push(tag::ARRAY_BUFFER);
            self.count(data.len() as u64);
            self.bytes.extend_from_slice(&data);
            return Ok(Some(()));
        }
        let (kind, buffer) = if let Ok(array) = JsTypedArray::from_object(object.clone()) {
            (array.kind(), array.buffer(self.context)?)
        } else if let Ok(view) = JsDataView::from_object(object.clone()) {
            (None, view.buffer(self.context)?)
        } else {
            return Ok(None);
        };
        let view = ByteView::of(&object.clone().into(), self.context)?;
        let Some(range) = view.and_then(|view| view.bounds()) else {
            return Err(Failure::refused("A view of a detached buffer"));
        };
        match kind {
            Some(kind) => self
                .bytes
                .extend_from_slice(&[tag::TYPED_ARRAY, kind_number(kind)]),
            None => self.bytes.push(tag::DATA_VIEW),
        }
        self.count(range.start as u64);
        self.count(range.len() as u64);
        self.value(&buffer)?;
        Ok(Some(()))
    }

    fn blob(&mut self, object: &JsObject, data: &BlobData) {
        let file = file_facts(object);
        self.bytes
            .push(if file.is_some() { tag::FILE } else { tag::BLOB });
        if let Some((name, last_modified)) = file {
            self.string(&name, tag::STRING_NARROW, tag::STRING_WIDE);
            self.bytes.extend_from_slice(&last_modified.to_le_bytes());
        }
        let kind = JsString::from(data.kind.as_str());
        self.string(&kind, tag::STRING_NARROW, tag::STRING_WIDE);
        self.count(data.bytes().len() as u64);
        self.bytes.extend_from_slice(data.bytes());
    }

    fn boxed(&mut self, object: &JsObject) -> Written {
        let value = if let Some(boolean) = object.downcast_ref::<bool>() {
            JsValue::from(*boolean)
        } else if let Some(number) = object.downcast_ref::<f64>() {
            JsValue::from(*number)
        } else if let Some(string) = object.downcast_ref::<JsString>() {
            JsValue::from(string.clone())
        } else if let Some(bigint) = object.downcast_ref::<JsBigInt>() {
            JsValue::from(bigint.clone())
        } else {
            return Err(Failure::refused(description(object)));
        };
        self.bytes.push(tag::BOXED);
        self.value(&value)
    }
}

/// The pattern of a regular expression from its `source`: the engine (boa 0.22) puts a backslash
/// before every slash, even one that has it.
fn unescaped_source(source: &JsString) -> JsString {
    let mut units = Vec::with_capacity(source.len());
    for unit in source.as_str().iter() {
        if unit == u16::from(b'/') && units.last() == Some(&u16::from(b'\\')) {
            units.pop();
        }
        units.push(unit);
    }
    from_units(&units)
}

/// The number of a typed array's element type in the format.
pub(super) fn kind_number(kind: TypedArrayKind) -> u8 {
    match kind {
        TypedArrayKind::Int8 => 0,
        TypedArrayKind::Uint8 => 1,
        TypedArrayKind::Uint8Clamped => 2,
        TypedArrayKind::Int16 => 3,
        TypedArrayKind::Uint16 => 4,
        TypedArrayKind::Int32 => 5,
        TypedArrayKind::Uint32 => 6,
        TypedArrayKind::BigInt64 => 7,
        TypedArrayKind::BigUint64 => 8,
        TypedArrayKind::Float16 => 9,
        TypedArrayKind::Float32 => 10,
        TypedArrayKind::Float64 => 11,
    }
}

/// An own property that is no accessor.
fn own_data(object: &JsObject, name: &str) -> Option<JsValue> {
    let key = PropertyKey::from(JsString::from(name));
    object.borrow().properties().get(&key)?.value().cloned()
}

#[cold]
fn step(key: &PropertyKey) -> String {
    match key {
        PropertyKey::Index(index) => format!("[{}]", index.get()),
        PropertyKey::String(name) => format!(".{}", str_text(name.as_str())),
        PropertyKey::Symbol(symbol) => {
            format!("[{}]", str_text(symbol.descriptive_string().as_str()))
        }
    }
}

#[cold]
fn symbol_refused(symbol: &JsSymbol) -> Failure {
    Failure::refused(str_text(symbol.descriptive_string().as_str()).into_owned())
}

/// What a message calls an object, found without running any of the program's code.
#[cold]
fn description(object: &JsObject) -> String {
    if object.is::<Proxy>() {
        return "A Proxy".to_owned();
    }
    if object.is_callable() {
        let name = own_data(object, "name")
            .and_then(|name| name.as_string())
            .unwrap_or_default();
        return format!("function {}", str_text(name.as_str()))
            .trim_end()
            .to_owned();
    }
    match object.prototype() {
        Some(prototype) => format!("A {}", class_name(&prototype)),
        None => "An object".to_owned(),
    }
}

fn class_name(prototype: &JsObject) -> String {
    if prototype.is::<Proxy>() {
        return "Proxy".to_owned();
    }
    let class = own_data(prototype, "constructor").and_then(|class| class.as_object());
    let name = class
        .and_then(|class| own_data(&class, "name"))
        .and_then(|name| name.as_string());
    let tag = || {
        let key = PropertyKey::from(JsSymbol::to_string_tag());
        prototype
            .borrow()
            .properties()
            .get(&key)?
            .value()?
            .as_string()
    };
    match name.or_else(tag) {
        Some(name) => str_text(name.as_str()).into_owned(),
        None => "object".to_owned(),
    }
}
