//! `JSON.stringify` into one buffer.
//!
//! The engine's own makes a string of each value and joins them level by level. It is still what
//! serves a replacer.

use boa_engine::native_function::NativeFunction;
use boa_engine::object::builtins::JsFunction;
use boa_engine::object::{FunctionObjectBuilder, JsObject};
use boa_engine::property::{PropertyDescriptor, PropertyKey};
use boa_engine::string::JsStrVariant;
use boa_engine::value::IntegerOrInfinity;
use boa_engine::{
    Context, Finalize, JsArgs, JsBigInt, JsNativeError, JsResult, JsStr, JsString, JsValue,
    JsVariant, Trace, js_string,
};

use crate::isolate::host::type_error;
use crate::limits::JSON_DEPTH_MAX;

/// Code units of an indentation that count, by the standard.
const GAP_UNITS_MAX: usize = 10;

/// The engine's functions, as they were before any program.
#[derive(Trace, Finalize)]
struct Engine {
    stringify: JsFunction,
    is_raw: JsFunction,
    is_array: JsFunction,
    keys: JsFunction,
}

/// Puts it in the place of the engine's.
pub fn install(context: &mut Context) -> JsResult<()> {
    let json = global("JSON", context)?;
    let engine = Engine {
        stringify: function(&json, "stringify", context)?,
        is_raw: function(&json, "isRawJSON", context)?,
        is_array: function(&global("Array", context)?, "isArray", context)?,
        keys: function(&global("Object", context)?, "keys", context)?,
    };
    let native = NativeFunction::from_copy_closure_with_captures(json_stringify, engine);
    let native = FunctionObjectBuilder::new(context.realm(), native)
        .name(js_string!("stringify"))
        .length(3)
        .build();
    let descriptor = PropertyDescriptor::builder()
        .value(native)
        .writable(true)
        .enumerable(false)
        .configurable(true);
    json.define_property_or_throw(js_string!("stringify"), descriptor, context)?;
    Ok(())
}

fn global(name: &str, context: &mut Context) -> JsResult<JsObject> {
    let value = context.global_object().get(JsString::from(name), context)?;
    value
        .as_object()
        .ok_or_else(|| type_error(format!("There is no {name}")))
}

fn function(of: &JsObject, name: &str, context: &mut Context) -> JsResult<JsFunction> {
    of.get(JsString::from(name), context)?
        .as_object()
        .and_then(JsFunction::from_object)
        .ok_or_else(|| type_error(format!("There is no {name}")))
}

fn json_stringify(
    this: &JsValue,
    args: &[JsValue],
    engine: &Engine,
    context: &mut Context,
) -> JsResult<JsValue> {
    if args.get_or_undefined(1).is_object() {
        return engine.stringify.call(this, args, context);
    }
    let gap = gap(args.get_or_undefined(2), context)?;
    let mut writer = Writer {
        engine,
        text: Text::Latin1(Vec::new()),
        gap,
        open: Vec::new(),
    };
    let value = args.get_or_undefined(0).clone();
    if !writer.value(value, &Key::Root, context)? {
        return Ok(JsValue::undefined());
    }
    Ok(writer.text.finish().into())
}

// What each level is indented by, from the third argument.
fn gap(space: &JsValue, context: &mut Context) -> JsResult<Vec<u16>> {
    let space = match space.as_object() {
        Some(object) if object.is::<f64>() => space.to_number(context)?.into(),
        Some(object) if object.is::<JsString>() => space.to_string(context)?.into(),
        Some(_) | None => space.clone(),
    };
    if let Some(text) = space.as_string() {
        return Ok(text.as_str().iter().take(GAP_UNITS_MAX).collect());
    }
    if !space.is_number() {
        return Ok(Vec::new());
    }
    let width = match space.to_integer_or_infinity(context)? {
        IntegerOrInfinity::PositiveInfinity => GAP_UNITS_MAX,
        IntegerOrInfinity::NegativeInfinity => 0,
        IntegerOrInfinity::Integer(width) => usize::try_from(width).unwrap_or(0),
    };
    Ok(vec![0x20; width.min(GAP_UNITS_MAX)])
}

/// Where a value is, which its `toJSON` is told.
enum Key<'a> {
    Root,
    Index(u64),
    Name(&'a JsString),
}

impl Key<'_> {
    fn text(&self) -> JsString {
        match self {
            Key::Root => js_string!(),
            Key::Index(index) => JsString::from(index.to_string()),
            Key::Name(name) => (*name).clone(),
        }
    }
}

struct Writer<'a> {
    engine: &'a Engine,
    text: Text,
    gap: Vec<u16>,
    // The objects that the value being written is in.
    open: Vec<JsObject>,
}

impl Writer<'_> {
    // Writes a value, and says whether it is one that JSON has.
    fn value(&mut self, value: JsValue, key: &Key<'_>, context: &mut Context) -> JsResult<bool> {
        let value = if value.is_object() || value.is_bigint() {
            self.replaced(value, key, context)?
        } else {
            value
        };
        match value.variant() {
            JsVariant::Null => self.text.ascii(b"null"),
            JsVariant::Boolean(true) => self.text.ascii(b"true"),
            JsVariant::Boolean(false) => self.text.ascii(b"false"),
            JsVariant::String(string) => self.text.quoted(string.as_str()),
            JsVariant::Integer32(number) => self.text.ascii(number.to_string().as_bytes()),
            JsVariant::Float64(number) if number.is_finite() => {
                let number = value.to_string(context)?;
                self.text.plain(number.as_str());
            }
            JsVariant::Float64(_) => self.text.ascii(b"null"),
            JsVariant::BigInt(_) => {
                return Err(type_error("Do not know how to serialize a BigInt"));
            }
            JsVariant::Object(object) => return self.object(&object, context),
            JsVariant::Undefined | JsVariant::Symbol(_) => return Ok(false),
        }
        Ok(true)
    }

    // What `toJSON` makes of a value, or what an object is around.
    fn replaced(
        &mut self,
        value: JsValue,
        key: &Key<'_>,
        context: &mut Context,
    ) -> JsResult<JsValue> {
        let to_json = match value.as_object() {
            Some(object) => object.get(js_string!("toJSON"), context)?,
            None => value
                .to_object(context)?
                .get(js_string!("toJSON"), context)?,
        };
        let value = match to_json.as_callable() {
            Some(to_json) => to_json.call(&value, &[key.text().into()], context)?,
            None => value,
        };
        let Some(object) = value.as_object() else {
            return Ok(value);
        };
        if object.is_ordinary() || object.is_array() {
            return Ok(value);
        }
        if object.is::<f64>() {
            return Ok(value.to_number(context)?.into());
        }
        if object.is::<JsString>() {
            return Ok(value.to_string(context)?.into());
        }
        let inside = object.downcast_ref::<bool>().map(|inside| (*inside).into());
        let inside = inside.or_else(|| {
            let inside = object.downcast_ref::<JsBigInt>();
            inside.map(|inside| (*inside).clone().into())
        });
        Ok(inside.unwrap_or(value))
    }

    fn object(&mut self, object: &JsObject, context: &mut Context) -> JsResult<bool> {
        if object.is_callable() {
            return Ok(false);
        }
        let plain = object.is_ordinary();
        if !plain && !object.is_array() && self.says(&self.engine.is_raw, object, context)? {
            let raw = object.get(js_string!("rawJSON"), context)?;
            self.text.plain(raw.to_string(context)?.as_str());
            return Ok(true);
        }
        if self.open.contains(object) {
            return Err(type_error("Converting circular structure to JSON"));
        }
        if self.open.len() >= JSON_DEPTH_MAX {
            let message = format!("JSON nested deeper than {JSON_DEPTH_MAX} levels");
            return Err(JsNativeError::range().with_message(message).into());
        }
        self.open.push(object.clone());
        if object.is_array() || !plain && self.says(&self.engine.is_array, object, context)? {
            self.array(object, context)?;
        } else if plain {
            self.members(object, context)?;
        } else {
            self.listed(object, context)?;
        }
        self.open.pop();
        Ok(true)
    }

    fn says(
        &self,
        question: &JsFunction,
        object: &JsObject,
        context: &mut Context,
    ) -> JsResult<bool> {
        let answer = question.call(&JsValue::undefined(), &[object.clone().into()], context)?;
        Ok(answer.to_boolean())
    }

    fn array(&mut self, array: &JsObject, context: &mut Context) -> JsResult<()> {
        let length = array
            .get(js_string!("length"), context)?
            .to_length(context)?;
        self.text.ascii(b"[");
        for index in 0..length {
            if index > 0 {
                self.text.ascii(b",");
            }
            self.line(self.open.len());
            let value = array.get(index, context)?;
            if !self.value(value, &Key::Index(index), context)? {
                self.text.ascii(b"null");
            }
        }
        if length > 0 {
            self.line(self.open.len() - 1);
        }
        self.text.ascii(b"]");
        Ok(())
    }

    // The members of an object whose properties are nothing but that.
    fn members(&mut self, object: &JsObject, context: &mut Context) -> JsResult<()> {
        let keys = object.own_property_keys(context)?;
        self.text.ascii(b"{");
        let mut first = true;
        for key in keys {
            let name = match &key {
                PropertyKey::String(name) => name.clone(),
                PropertyKey::Index(index) => JsString::from(index.get().to_string()),
                PropertyKey::Symbol(_) => continue,
            };
            let property = object.borrow().properties().get(&key);
            let value = match property {
                Some(property) if property.enumerable() == Some(false) => continue,
                Some(property) if property.is_data_descriptor() => {
                    property.value().cloned().unwrap_or_default()
                }
                // A `toJSON` may have taken it away.
                Some(_) | None => object.get(key, context)?,
            };
            self.member(&name, value, &mut first, context)?;
        }
        self.close(first);
        Ok(())
    }

    // The members of any other object: a proxy has them made up.
    fn listed(&mut self, object: &JsObject, context: &mut Context) -> JsResult<()> {
        let keys = &self.engine.keys;
        let keys = keys.call(&JsValue::undefined(), &[object.clone().into()], context)?;
        let keys = keys.to_object(context)?;
        let count = keys
            .get(js_string!("length"), context)?
            .to_length(context)?;
        self.text.ascii(b"{");
        let mut first = true;
        for index in 0..count {
            let name = keys.get(index, context)?.to_string(context)?;
            let value = object.get(name.clone(), context)?;
            self.member(&name, value, &mut first, context)?;
        }
        self.close(first);
        Ok(())
    }

    fn member(
        &mut self,
        name: &JsString,
        value: JsValue,
        first: &mut bool,
        context: &mut Context,
    ) -> JsResult<()> {
        let before = self.text.len();
        if !*first {
            self.text.ascii(b",");
        }
        self.line(self.open.len());
        self.text.quoted(name.as_str());
        self.text
            .ascii(if self.gap.is_empty() { b":" } else { b": " });
        if self.value(value, &Key::Name(name), context)? {
            *first = false;
        } else {
            self.text.truncate(before);
        }
        Ok(())
    }

    fn close(&mut self, empty: bool) {
        if !empty {
            self.line(self.open.len() - 1);
        }
        self.text.ascii(b"}");
    }

    // A new line and its indentation, where there is one.
    fn line(&mut self, depth: usize) {
        if self.gap.is_empty() {
            return;
        }
        self.text.ascii(b"\n");
        for _ in 0..depth {
            self.text.plain(JsStr::utf16(&self.gap));
        }
    }
}

/// What is written: a byte a character for as long as that is enough.
enum Text {
    Latin1(Vec<u8>),
    Utf16(Vec<u16>),
}

impl Text {
    fn len(&self) -> usize {
        match self {
            Text::Latin1(units) => units.len(),
            Text::Utf16(units) => units.len(),
        }
    }

    fn truncate(&mut self, length: usize) {
        match self {
            Text::Latin1(units) => units.truncate(length),
            Text::Utf16(units) => units.truncate(length),
        }
    }

    fn ascii(&mut self, bytes: &[u8]) {
        match self {
            Text::Latin1(units) => units.extend_from_slice(bytes),
            Text::Utf16(units) => units.extend(bytes.iter().copied().map(u16::from)),
        }
    }

    fn plain(&mut self, string: JsStr<'_>) {
        match string.variant() {
            JsStrVariant::Latin1(bytes) => self.ascii(bytes),
            JsStrVariant::Utf16(wide) => self.wide(wide),
        }
    }

    fn wide(&mut self, wide: &[u16]) {
        if let Text::Latin1(units) = self {
            let narrow: Option<Vec<u8>> =
                wide.iter().map(|unit| u8::try_from(*unit).ok()).collect();
            if let Some(narrow) = narrow {
                units.extend_from_slice(&narrow);
                return;
            }
            *self = Text::Utf16(units.iter().copied().map(u16::from).collect());
        }
        if let Text::Utf16(units) = self {
            units.extend_from_slice(wide);
        }
    }

    fn quoted(&mut self, string: JsStr<'_>) {
        self.ascii(b"\"");
        match string.variant() {
            JsStrVariant::Latin1(bytes) => {
                let mut rest = bytes;
                let is_special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
                while let Some(at) = rest.iter().position(is_special) {
                    self.ascii(&rest[..at]);
                    self.escaped(rest[at].into());
                    rest = &rest[at + 1..];
                }
                self.ascii(rest);
            }
            JsStrVariant::Utf16(units) => {
                let mut from = 0;
                for (at, unit) in units.iter().copied().enumerate() {
                    let half = (0xd800..0xe000).contains(&unit) && !is_paired(units, at);
                    if unit < 0x20 || unit == 0x22 || unit == 0x5c || half {
                        self.wide(&units[from..at]);
                        self.escaped(unit);
                        from = at + 1;
                    }
                }
                self.wide(&units[from..]);
            }
        }
        self.ascii(b"\"");
    }

    fn escaped(&mut self, unit: u16) {
        match unit {
            0x08 => self.ascii(b"\\b"),
            0x09 => self.ascii(b"\\t"),
            0x0a => self.ascii(b"\\n"),
            0x0c => self.ascii(b"\\f"),
            0x0d => self.ascii(b"\\r"),
            0x22 => self.ascii(b"\\\""),
            0x5c => self.ascii(b"\\\\"),
            other => self.ascii(format!("\\u{other:04x}").as_bytes()),
        }
    }

    fn finish(self) -> JsString {
        match self {
            Text::Latin1(units) => JsString::from(JsStr::latin1(&units)),
            Text::Utf16(units) => JsString::from(units.as_slice()),
        }
    }
}

// Whether the half of a pair at an index has its other half beside it.
fn is_paired(units: &[u16], at: usize) -> bool {
    let beside = |index: Option<usize>| index.and_then(|index| units.get(index)).copied();
    match units[at] {
        0xd800..0xdc00 => matches!(beside(at.checked_add(1)), Some(0xdc00..0xe000)),
        _ => matches!(beside(at.checked_sub(1)), Some(0xd800..0xdc00)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::harness::run;

    #[test]
    fn it_writes_what_the_engine_writes() {
        let code = r#"
            class Point { #z = 1; x = 1; get y() { return 2; } static s = 3; }
            const accessor = { get a() { return [1]; }, b: undefined, c() {}, [Symbol('d')]: 1 };
            const shrinking = { a: { toJSON() { delete shrinking.b; return 1; } }, b: 2, c: 3 };
            const hidden = Object.defineProperty({ shown: 1 }, 'hidden', { value: 2 });
            const keyed = { k: { toJSON(key) { return [key, this.v]; }, v: 1 } };
            const inventive = new Proxy({}, {
                ownKeys: () => ['p'], get: (_, key) => key === 'p' ? 9 : undefined,
                getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true }),
            });
            const made = () => [
                null, true, false, 0, -0, 1.5, 1e21, -1e-7, NaN, Infinity, 'a', '', 2 ** 31,
                undefined, () => 1, Symbol('x'), 'é"\\\b\f\n\r\t\u0000\u001f\u007f\u2028',
                '\u20ac\ud83d\ude00\ud83d', '\ude00x', 'x'.repeat(70) + '"', ['\u20ac', 'abc'],
                [], {}, [[], {}], [undefined, () => 1, , 3], { '\u20ac': 1, b: 2 },
                { 2: 'b', 1: 'a', x: null, 'a b': { '': [] } }, new Point(), accessor, hidden,
                new Date(0), new Map([[1, 2]]), /x/, new Error('e'), Object.assign([1], { x: 1 }),
                Object.create({ inherited: 1 }, { own: { value: 1, enumerable: true } }),
                Object.create(null), new Number(1), new String('s'), new Boolean(false),
                [new Number(NaN)], JSON.rawJSON('1.0'), { raw: JSON.rawJSON('"r"') },
                new Proxy({ a: 1, b: [2] }, {}), new Proxy([1, 2], {}), inventive, { toJSON: 1 },
                { toJSON: (key) => 'key ' + key }, [{ toJSON: (key) => typeof key + key }], keyed,
                new Uint8Array([1, 2]), Object('abc'),
            ];
            const gaps = [undefined, null, 2, '--', '\u20ac', 20, -1, 1.9, '0123456789ab', true, '',
                new Number(1), new String('\t')];
            const wrong = [];
            for (const gap of gaps) made().forEach((value, i) => {
                const ours = JSON.stringify(value, null, gap);
                const theirs = engine.stringify(made()[i], null, gap);
                if (ours !== theirs) wrong.push(i + ': ' + ours + ' not ' + theirs);
            });
            const ours = JSON.stringify(shrinking);
            shrinking.b = 2;
            if (ours !== engine.stringify(shrinking)) wrong.push(ours);
            wrong.join('\n')"#;
        assert_eq!(run(code), "");
    }

    #[test]
    fn what_cannot_be_written_is_an_error() {
        let code = r#"
            const loop = { a: [] }; loop.a.push(loop);
            const twice = {}, thrower = { get a() { throw new RangeError(); } };
            const outcome = (value) => {
                try { return typeof JSON.stringify(value); } catch (error) { return error.name; }
            };
            let deep = []; for (let i = 1; i < 5000; i++) deep = [deep];
            let deeper = []; for (let i = 0; i < 1e5; i++) deeper = { deeper };
            const seen = [loop, [twice, twice], 1n, thrower, deep, [deep], deeper].map(outcome);
            BigInt.prototype.toJSON = function () { return 'big ' + this; };
            seen.join() + JSON.stringify([2n])"#;
        assert_eq!(
            run(code),
            r#"TypeError,string,TypeError,RangeError,string,RangeError,RangeError["big 2"]"#
        );
    }

    #[test]
    fn a_replacer_is_called_as_before() {
        let code = "const more = (k, v) => typeof v === 'number' ? v + 1 : v; \
            JSON.stringify({ a: 1, b: [2, 'c'] }, more) + JSON.stringify({ a: 1, b: 2 }, ['b'], 1) \
            + JSON.stringify.length + JSON.stringify.name";
        assert_eq!(
            run(code),
            "{\"a\":2,\"b\":[3,\"c\"]}{\n \"b\": 2\n}3stringify"
        );
    }
}
