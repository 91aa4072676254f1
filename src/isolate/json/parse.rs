//! `JSON.parse` over the string itself.
//!
//! The engine's own compiles the text as a script: ten times the memory, thirty times the time, and
//! every string of it stays in the engine's tables for as long as the process lives. It is still
//! what serves a reviver, which may ask for source text.

use boa_engine::native_function::NativeFunction;
use boa_engine::object::builtins::{JsArray, JsFunction};
use boa_engine::object::{FunctionObjectBuilder, JsObject};
use boa_engine::property::{PropertyDescriptor, PropertyKey};
use boa_engine::string::JsStrVariant;
use boa_engine::{
    Context, JsArgs, JsError, JsNativeError, JsResult, JsStr, JsString, JsValue, js_string,
};

use crate::isolate::host::type_error;
use crate::limits::JSON_DEPTH_MAX;

/// Puts it in the place of the engine's.
pub fn install(context: &mut Context) -> JsResult<()> {
    let json = context.global_object().get(js_string!("JSON"), context)?;
    let json = json
        .as_object()
        .ok_or_else(|| type_error("There is no JSON"))?;
    let engine = json
        .get(js_string!("parse"), context)?
        .as_object()
        .and_then(JsFunction::from_object)
        .ok_or_else(|| type_error("There is no JSON.parse"))?;
    let native = NativeFunction::from_copy_closure_with_captures(json_parse, engine);
    let native = FunctionObjectBuilder::new(context.realm(), native)
        .name(js_string!("parse"))
        .length(2)
        .build();
    let descriptor = PropertyDescriptor::builder()
        .value(native)
        .writable(true)
        .enumerable(false)
        .configurable(true);
    json.define_property_or_throw(js_string!("parse"), descriptor, context)?;
    Ok(())
}

fn json_parse(
    this: &JsValue,
    args: &[JsValue],
    engine: &JsFunction,
    context: &mut Context,
) -> JsResult<JsValue> {
    if args.get_or_undefined(1).is_callable() {
        return engine.call(this, args, context);
    }
    let text = args.get_or_undefined(0).to_string(context)?;
    match text.as_str().variant() {
        JsStrVariant::Latin1(units) => Parser::new(units).parse(context),
        JsStrVariant::Utf16(units) => Parser::new(units).parse(context),
    }
}

/// A code unit of either kind of string.
trait Unit: Copy + Into<u16> {
    /// A string of such units.
    fn string(units: &[Self]) -> JsString;
}

impl Unit for u8 {
    fn string(units: &[u8]) -> JsString {
        JsString::from(JsStr::latin1(units))
    }
}

impl Unit for u16 {
    fn string(units: &[u16]) -> JsString {
        // One character beyond Latin-1 in a text must not make all its strings twice as long.
        let narrow: Option<Vec<u8>> = units.iter().map(|unit| u8::try_from(*unit).ok()).collect();
        match narrow {
            Some(bytes) => JsString::from(JsStr::latin1(&bytes)),
            None => JsString::from(units),
        }
    }
}

/// What a value is in.
enum Container {
    Array(Vec<JsValue>),
    Object(JsObject, PropertyKey),
}

struct Parser<'a, U> {
    units: &'a [U],
    at: usize,
}

impl<'a, U: Unit> Parser<'a, U> {
    fn new(units: &'a [U]) -> Self {
        Self { units, at: 0 }
    }

    // Without recursion: how deep a text goes is its author's choice.
    fn parse(&mut self, context: &mut Context) -> JsResult<JsValue> {
        let mut open: Vec<Container> = Vec::new();
        'value: loop {
            let mut value = match self.peek() {
                Some(b'{') => {
                    self.check_depth(open.len())?;
                    self.at += 1;
                    let object = JsObject::with_object_proto(context.intrinsics());
                    if !self.take(b'}') {
                        let key = self.key("Expected property name or '}' in JSON")?;
                        open.push(Container::Object(object, key));
                        continue 'value;
                    }
                    object.into()
                }
                Some(b'[') => {
                    self.check_depth(open.len())?;
                    self.at += 1;
                    if !self.take(b']') {
                        open.push(Container::Array(Vec::new()));
                        continue 'value;
                    }
                    JsArray::new(context)?.into()
                }
                Some(b'"') => self.string()?.into(),
                Some(b't') => self.word("true", true.into())?,
                Some(b'f') => self.word("false", false.into())?,
                Some(b'n') => self.word("null", JsValue::null())?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                _ => return Err(self.unexpected()),
            };
            loop {
                match open.pop() {
                    None if self.peek().is_none() && self.at == self.units.len() => {
                        return Ok(value);
                    }
                    None => {
                        return Err(self.fault("Unexpected non-whitespace character after JSON"));
                    }
                    Some(Container::Array(mut values)) => {
                        values.push(value);
                        if self.take(b',') {
                            open.push(Container::Array(values));
                            continue 'value;
                        }
                        self.expect(b']', "Expected ',' or ']' after array element in JSON")?;
                        value = JsArray::from_iter(values, context).into();
                    }
                    Some(Container::Object(object, key)) => {
                        object.create_data_property_or_throw(key, value, context)?;
                        if self.take(b',') {
                            let key = self.key("Expected double-quoted property name in JSON")?;
                            open.push(Container::Object(object, key));
                            continue 'value;
                        }
                        self.expect(b'}', "Expected ',' or '}' after property value in JSON")?;
                        value = object.into();
                    }
                }
            }
        }
    }

    // The next unit that is no white space, where it is ASCII; what is not is never expected.
    fn peek(&mut self) -> Option<u8> {
        loop {
            let unit: u16 = (*self.units.get(self.at)?).into();
            match unit {
                0x20 | 0x09 | 0x0a | 0x0d => self.at += 1,
                _ => return u8::try_from(unit).ok().filter(u8::is_ascii),
            }
        }
    }

    fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: u8, otherwise: &str) -> JsResult<()> {
        if self.take(wanted) {
            return Ok(());
        }
        Err(self.fault(otherwise))
    }

    fn key(&mut self, otherwise: &str) -> JsResult<PropertyKey> {
        if self.peek() != Some(b'"') {
            return Err(self.fault(otherwise));
        }
        let key = self.string()?;
        self.expect(b':', "Expected ':' after property name in JSON")?;
        Ok(PropertyKey::from(key))
    }

    fn word(&mut self, word: &str, value: JsValue) -> JsResult<JsValue> {
        for wanted in word.bytes() {
            if self.unit() != Some(wanted.into()) {
                return Err(self.unexpected());
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn unit(&self) -> Option<u16> {
        self.units.get(self.at).map(|unit| (*unit).into())
    }

    fn digits(&mut self, text: &mut String) -> JsResult<()> {
        let before = text.len();
        while let Some(unit @ 0x30..=0x39) = self.unit() {
            text.push(char::from(unit.to_le_bytes()[0]));
            self.at += 1;
        }
        if text.len() == before {
            return Err(self.unexpected());
        }
        Ok(())
    }

    fn sign(&mut self, text: &mut String, signs: &[u8]) {
        for sign in signs {
            if self.unit() == Some((*sign).into()) {
                text.push(char::from(*sign));
                self.at += 1;
                return;
            }
        }
    }

    fn number(&mut self) -> JsResult<JsValue> {
        let mut text = String::new();
        self.sign(&mut text, b"-");
        if self.unit() == Some(b'0'.into()) {
            text.push('0');
            self.at += 1;
        } else {
            self.digits(&mut text)?;
        }
        if self.unit() == Some(b'.'.into()) {
            text.push('.');
            self.at += 1;
            self.digits(&mut text)?;
        }
        if matches!(self.unit(), Some(0x45 | 0x65)) {
            text.push('e');
            self.at += 1;
            self.sign(&mut text, b"+-");
            self.digits(&mut text)?;
        }
        // An integer for the engine is a number whose operations are faster; -0 is none.
        match text.parse::<i32>() {
            Ok(integer) if integer != 0 || !text.starts_with('-') => Ok(integer.into()),
            _ => text
                .parse::<f64>()
                .map(JsValue::from)
                .map_err(|_| self.unexpected()),
        }
    }

    // From its first quote to behind its last.
    fn string(&mut self) -> JsResult<JsString> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.unit() {
                Some(0x22) => {
                    let string = U::string(&self.units[start..self.at]);
                    self.at += 1;
                    return Ok(string);
                }
                Some(0x5c) => return self.escaped(start),
                Some(0x20..) => self.at += 1,
                Some(_) | None => return Err(self.unexpected()),
            }
        }
    }

    // The same from its first escape on.
    fn escaped(&mut self, start: usize) -> JsResult<JsString> {
        let before = &self.units[start..self.at];
        let mut units: Vec<u16> = before.iter().map(|unit| (*unit).into()).collect();
        loop {
            let unit = self.unit().ok_or_else(|| self.unexpected())?;
            match unit {
                0x22 => {
                    self.at += 1;
                    return Ok(u16::string(&units));
                }
                0x5c => {
                    self.at += 1;
                    units.push(self.escape()?);
                }
                0x20.. => {
                    units.push(unit);
                    self.at += 1;
                }
                _ => return Err(self.unexpected()),
            }
        }
    }

    // What is behind a backslash. Halves of a pair are units like others.
    fn escape(&mut self) -> JsResult<u16> {
        let unit = self.unit().and_then(|unit| u8::try_from(unit).ok());
        let plain = match unit {
            Some(unit @ (b'"' | b'\\' | b'/')) => unit,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => 0x0a,
            Some(b'r') => 0x0d,
            Some(b't') => 0x09,
            Some(b'u') => {
                self.at += 1;
                return self.hexadecimal();
            }
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(plain.into())
    }

    fn hexadecimal(&mut self) -> JsResult<u16> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = self.unit().and_then(|unit| char::from_u32(unit.into()));
            let digit = digit.and_then(|digit| digit.to_digit(16));
            value = value * 16 + digit.ok_or_else(|| self.unexpected())?;
            self.at += 1;
        }
        Ok(u16::try_from(value).expect("four hexadecimal digits are 16 bits"))
    }

    // Before one level more.
    fn check_depth(&self, open: usize) -> JsResult<()> {
        if open < JSON_DEPTH_MAX {
            return Ok(());
        }
        Err(self.fault(&format!("More than {JSON_DEPTH_MAX} levels in JSON")))
    }

    // In the words of V8, which programs show and compare.
    fn unexpected(&self) -> JsError {
        /// What is shown of a text on either side of the place.
        const SHOWN_UNITS: usize = 10;
        const NO_JSON: [&str; 4] = ["NaN", "Infinity", "undefined", "[object Object]"];
        let text = |from: usize, to: usize| {
            let units: Vec<u16> = self.units[from..to].iter().map(|u| (*u).into()).collect();
            String::from_utf16_lossy(&units)
        };
        let length = self.units.len();
        let Some(unit) = self.unit() else {
            return syntax_error("Unexpected end of JSON input".into());
        };
        let around = if length <= 2 * SHOWN_UNITS {
            format!("\"{}\"", text(0, length))
        } else {
            let from = self.at.saturating_sub(SHOWN_UNITS);
            let to = length.min(self.at + SHOWN_UNITS);
            let before = if from > 0 { "..." } else { "" };
            let after = if to < length { "..." } else { "" };
            format!("{before}\"{}\"{after}", text(from, to))
        };
        if length <= 2 * SHOWN_UNITS && NO_JSON.contains(&text(0, length).as_str()) {
            return syntax_error(format!("{around} is not valid JSON"));
        }
        let token = String::from_utf16_lossy(&[unit]);
        syntax_error(format!(
            "Unexpected token '{token}', {around} is not valid JSON"
        ))
    }

    fn fault(&self, what: &str) -> JsError {
        let before = &self.units[..self.at];
        let is_break = |unit: &U| (*unit).into() == 0x0a;
        let line = before.iter().filter(|unit| is_break(unit)).count() + 1;
        let column = before
            .iter()
            .rev()
            .take_while(|unit| !is_break(unit))
            .count()
            + 1;
        let at = self.at;
        syntax_error(format!(
            "{what} at position {at} (line {line} column {column})"
        ))
    }
}

fn syntax_error(message: String) -> JsError {
    JsNativeError::syntax().with_message(message).into()
}

#[cfg(test)]
mod tests {
    use super::super::harness::run;
    use super::JSON_DEPTH_MAX;

    #[test]
    fn it_reads_what_the_engine_reads() {
        let texts = r#"[
            "null", " true ", "false", "0", "-0", "12", "-7", "1.5", "1e3", "-1.25E-2",
            "2147483647", "2147483648", "12345678901234567890", "0.1", "5e-324", "\"\"", "\"a\"",
            "\"\\u0041\\n\\t\\\"\\\\\\/\\b\\f\\r\"", "\"\u00e9\"", "\"\u{1f600}\"",
            "\"\\ud83d\\ude00\"", "[]", "[ ]", "[1,[2,[3]]]", "{}", "{ }", "{\"a\":1,\"a\":2}",
            "{\"b\":{\"1\":[],\"0\":{}},\"\":null}", "{\"__proto__\":[1]}", "\t\r\n[\n1 , 2\n]\n",
            "\"\u2028\"", "[\"x\", \"\u4e2d\"]"
        ]"#;
        let code = format!(
            "const show = (v) =>
                Object.is(v, -0) ? '-0' : JSON.stringify([v, Object.keys(Object(v))]);
            {texts}.filter((text) => show(JSON.parse(text)) !== show(engine.parse(text))).join()"
        );
        assert_eq!(run(&code), "");
        // The engine's refuses this one.
        assert_eq!(run("JSON.parse('[1e400, -1e400]')"), "Infinity,-Infinity");
    }

    #[test]
    fn it_refuses_what_is_no_json_with_its_place() {
        let texts = r#"["", " ", "{", "[", "[1", "[1,", "[1,]", "{\"a\"", "{\"a\":", "{\"a\":1,}",
            "{a:1}", "'a'", "\"a", "\"\\x\"", "\"\\u12g4\"", "\"\n\"", "01", "-", "1.", ".5", "1e",
            "+1", "tru", "truee", "nul", "NaN", "undefined", "1 2", "[1 2]", "{,}", "[,]", "]", "}",
            "\ufeff1", "\u00a01", "[1]]", "{\"a\":1}}", "//", "\"\\\"", "0x1", "--1", "1e+"]"#;
        let code = format!(
            "{texts}.filter((text) => {{ try {{ JSON.parse(text); return true }} \
             catch (error) {{ return !(error instanceof SyntaxError) }} }}).join()"
        );
        assert_eq!(run(&code), "");
        let told = |text: &str| {
            run(&format!(
                "try {{ JSON.parse({text:?}) }} catch (error) {{ error.message }}"
            ))
        };
        for (text, message) in [
            (
                "{\n \"a\" x }",
                "Expected ':' after property name in JSON at position 7 (line 2 column 6)",
            ),
            ("[1,", "Unexpected end of JSON input"),
            ("[1,]", "Unexpected token ']', \"[1,]\" is not valid JSON"),
            (
                "[1,2,x3333333333333333333333333]",
                "Unexpected token 'x', \"[1,2,x333333333\"... is not valid JSON",
            ),
            (
                "[111111111111111111111111111,x",
                "Unexpected token 'x', ...\"111111111,x\" is not valid JSON",
            ),
            ("undefined", "\"undefined\" is not valid JSON"),
            (
                "{} x",
                "Unexpected non-whitespace character after JSON at position 3 (line 1 column 4)",
            ),
        ] {
            assert_eq!(told(text), message);
        }
    }

    #[test]
    fn it_keeps_lone_halves_of_pairs_and_own_properties_named_proto() {
        assert_eq!(
            run(r#"JSON.parse('"\\ud800"').charCodeAt(0) === 0xd800"#),
            "true"
        );
        let code = r#"const o = JSON.parse('{"__proto__": 1}');
            Object.getPrototypeOf(o) === Object.prototype && Object.hasOwn(o, "__proto__")"#;
        assert_eq!(run(code), "true");
    }

    #[test]
    fn depth_is_bounded_by_an_error() {
        let at = |depth: usize| {
            run(&format!(
                "try {{ JSON.parse('['.repeat({depth}) + ']'.repeat({depth})); 'read' }} \
                 catch (error) {{ error.name }}"
            ))
        };
        assert_eq!(at(JSON_DEPTH_MAX), "read");
        assert_eq!(at(JSON_DEPTH_MAX + 1), "SyntaxError");
        assert_eq!(at(1_000_000), "SyntaxError");
    }

    #[test]
    fn a_reviver_is_called_as_before() {
        let code = r#"const more = (k, v) => (typeof v === "number" ? v + 1 : v);
            JSON.stringify(JSON.parse('{"a":[1,2]}', more))"#;
        assert_eq!(run(code), r#"{"a":[2,3]}"#);
        assert_eq!(run("JSON.parse.length + JSON.parse.name"), "2parse");
    }
}
