//! The texts of what has no parts: keys, strings, numbers, functions, and what stands before the
//! parts of others.

use std::fmt::Write as _;

use boa_engine::builtins::function::OrdinaryFunction;
use boa_engine::builtins::proxy::Proxy;
use boa_engine::builtins::typed_array::TypedArrayKind;
use boa_engine::property::PropertyKey;
use boa_engine::string::CodePoint;
use boa_engine::{JsBigInt, JsObject, JsString, JsSymbol, JsValue, js_string};

use super::{PROTOTYPES_MAX, Quotes, found_string, own, own_data, shown};
use crate::isolate::web::bytes::from_units;

/// What stands before the braces of an ordinary object.
pub(super) fn plain_prefix(object: &JsObject) -> String {
    let tag = found_string(object, JsSymbol::to_string_tag());
    let name = class_name(object);
    match (name, tag) {
        (None, _) => "[Object: null prototype]".to_owned(),
        (Some(name), Some(tag)) if tag != name && !tag.is_empty() => format!("{name} [{tag}]"),
        (Some(name), _) if name == "Object" => String::new(),
        (Some(name), _) => name,
    }
}

/// The name of a built-in class with its size, and of the subclass where it is one.
pub(super) fn named_prefix(object: &JsObject, kind: &str, size: Option<usize>) -> String {
    let name = class_name(object).unwrap_or_else(|| kind.to_owned());
    match size {
        Some(size) => format!("{name}({size})"),
        None => name,
    }
}

/// The name of the constructor that made an object; nothing without a prototype.
pub(super) fn class_name(object: &JsObject) -> Option<String> {
    let mut prototype = object.prototype()?;
    for _ in 0..PROTOTYPES_MAX {
        let class =
            own_data(&prototype, js_string!("constructor")).and_then(|class| class.as_object());
        let name = class.and_then(|class| own_data(&class, js_string!("name"))?.as_string());
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            return Some(shown(&name));
        }
        if prototype.is::<Proxy>() {
            break;
        }
        let Some(next) = prototype.prototype() else {
            break;
        };
        prototype = next;
    }
    Some("Object".to_owned())
}

pub(super) fn function_text(function: &JsObject) -> String {
    let name = own_data(function, js_string!("name")).and_then(|name| name.as_string());
    let name = name
        .map(|name| shown(&name))
        .filter(|name| !name.is_empty());
    // Only a class has a prototype that cannot be assigned, among the functions that programs
    // write.
    let prototype = own(function, &js_string!("prototype").into());
    let is_class = function.is::<OrdinaryFunction>()
        && prototype.is_some_and(|property| property.writable() == Some(false));
    if is_class {
        let name = name.unwrap_or_else(|| "(anonymous)".to_owned());
        let parent = function
            .prototype()
            .filter(|parent| parent.is::<OrdinaryFunction>());
        let parent = parent.and_then(|parent| own_data(&parent, js_string!("name"))?.as_string());
        return match parent {
            Some(parent) => format!("[class {name} extends {}]", shown(&parent)),
            None => format!("[class {name}]"),
        };
    }
    let kind = found_string(function, JsSymbol::to_string_tag());
    let kind = kind.unwrap_or_else(|| "Function".to_owned());
    match name {
        Some(name) => format!("[{kind}: {name}]"),
        None => format!("[{kind} (anonymous)]"),
    }
}

pub(super) fn key_text(key: &PropertyKey, chars_max: usize, quotes: Quotes) -> String {
    match key {
        PropertyKey::Symbol(symbol) => format!("[{}]", shown(&symbol.descriptive_string())),
        PropertyKey::Index(index) => format!("\"{}\"", index.get()),
        PropertyKey::String(name) => {
            let mut units = name.as_str().iter();
            let letter = |unit: u16| {
                u8::try_from(unit)
                    .is_ok_and(|byte| byte.is_ascii_alphabetic() || b"_$".contains(&byte))
            };
            let digit = |unit: u16| u8::try_from(unit).is_ok_and(|byte| byte.is_ascii_digit());
            let plain = units.next().is_some_and(letter)
                && name.len() <= chars_max
                && units.all(|unit| letter(unit) || digit(unit));
            if plain {
                shown(name)
            } else {
                quoted(name, chars_max, quotes)
            }
        }
    }
}

/// A string in quotes, with escapes.
pub fn quoted(string: &JsString, chars_max: usize, quotes: Quotes) -> String {
    let units: Vec<u16> = string
        .as_str()
        .iter()
        .take(chars_max.saturating_add(1))
        .collect();
    let has = |quote: char| {
        units
            .iter()
            .any(|unit| u32::from(*unit) == u32::from(quote))
    };
    let free = quotes.into_iter().find(|quote| !has(*quote));
    let quote = free.unwrap_or(quotes[0]);
    let mut text = String::from(quote);
    for point in from_units(&units).code_points().take(chars_max) {
        match point {
            CodePoint::UnpairedSurrogate(unit) => {
                let _ = write!(text, "\\u{unit:04X}");
            }
            CodePoint::Unicode(character) => match character {
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                '\\' => text.push_str("\\\\"),
                '\u{8}' => text.push_str("\\b"),
                '\u{B}' => text.push_str("\\v"),
                '\u{C}' => text.push_str("\\f"),
                control if control.is_control() => {
                    let _ = write!(text, "\\x{:02X}", control as u32);
                }
                character => {
                    if character == quote {
                        text.push('\\');
                    }
                    text.push(character);
                }
            },
        }
    }
    text.push(quote);
    if string.len() > chars_max {
        text.push_str("...");
    }
    text
}

/// A bigint as JavaScript writes it. Beyond some size the digits would take too long, and nobody
/// reads them.
pub fn bigint_text(bigint: &JsBigInt) -> String {
    const BITS_MAX: u64 = 16_384;
    let bits = bigint.as_inner().bits();
    if bits > BITS_MAX {
        format!("[BigInt of {bits} bits]")
    } else {
        format!("{bigint}n")
    }
}

pub(super) fn empty_items(count: usize) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("<{count} empty item{plural}>")
}

pub(super) fn more(count: usize, what: &str) -> String {
    let what = match (what, count) {
        (what, 1) => what.to_owned(),
        ("property", _) => "properties".to_owned(),
        (what, _) => format!("{what}s"),
    };
    format!("... {count} more {what}")
}

pub(super) fn element_bytes(kind: TypedArrayKind) -> usize {
    match kind {
        TypedArrayKind::Int8 | TypedArrayKind::Uint8 | TypedArrayKind::Uint8Clamped => 1,
        TypedArrayKind::Int16 | TypedArrayKind::Uint16 | TypedArrayKind::Float16 => 2,
        TypedArrayKind::Int32 | TypedArrayKind::Uint32 | TypedArrayKind::Float32 => 4,
        TypedArrayKind::BigInt64 | TypedArrayKind::BigUint64 | TypedArrayKind::Float64 => 8,
    }
}

pub(super) fn element_text(kind: TypedArrayKind, element: &[u8]) -> String {
    let mut word = [0; 8];
    word[..element.len()].copy_from_slice(element);
    let bits = u64::from_le_bytes(word);
    match kind {
        TypedArrayKind::Int8 => (bits as i8).to_string(),
        TypedArrayKind::Int16 => (bits as i16).to_string(),
        TypedArrayKind::Int32 => (bits as i32).to_string(),
        TypedArrayKind::Uint8
        | TypedArrayKind::Uint8Clamped
        | TypedArrayKind::Uint16
        | TypedArrayKind::Uint32 => bits.to_string(),
        TypedArrayKind::BigInt64 => format!("{}n", bits as i64),
        TypedArrayKind::BigUint64 => format!("{bits}n"),
        TypedArrayKind::Float16 => number_text(half(bits as u16)),
        TypedArrayKind::Float32 => number_text(f64::from(f32::from_bits(bits as u32))),
        TypedArrayKind::Float64 => number_text(f64::from_bits(bits)),
    }
}

pub(super) fn number_text(number: f64) -> String {
    JsValue::from(number).display().to_string()
}

/// A number of IEEE 754's half precision.
pub(super) fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from(bits >> 10 & 0x1F);
    let fraction = f64::from(bits & 0x3FF) / 1024.0;
    sign * match exponent {
        0 => fraction * 2f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1.0 + fraction) * 2f64.powi(exponent - 15),
    }
}
