//! The header list of a message: a flat JavaScript array of lower-case names and their values.
//!
//! The scripts and the bridge to the kernel hand the array around as it is; what reads and writes
//! it by name is here, because a loop over strings in the engine costs more than the rest of a
//! request.

use boa_engine::{
    Context, JsArgs, JsObject, JsResult, JsString, JsValue, js_error, js_string,
    object::builtins::JsArray,
};

use super::native_object;

/// The functions that `headers.js` is handed.
pub fn natives(context: &mut Context) -> JsResult<JsObject> {
    native_object(
        &[
            ("append", append),
            ("remove", remove),
            ("set", set),
            ("get", get),
            ("has", has),
            ("cookies", cookies),
            ("sorted", sorted),
        ],
        context,
    )
}

const SET_COOKIE: &[u8] = b"set-cookie";

/// A list as it is while a native function works on it.
struct List {
    array: JsArray,
    items: Vec<JsString>,
}

impl List {
    /// Reads the list; null stands for one that must not be changed.
    fn of(value: &JsValue, context: &mut Context) -> JsResult<Self> {
        let Some(object) = value.as_object() else {
            return Err(js_error!(TypeError: "The headers are immutable"));
        };
        let array = JsArray::from_object(object.clone())?;
        let length = array.length(context)?;
        let mut items = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        for index in 0..length {
            items.push(array.get(index, context)?.to_string(context)?);
        }
        Ok(Self { array, items })
    }

    fn pairs(&self) -> impl Iterator<Item = (&JsString, &JsString)> {
        self.items
            .as_chunks::<2>()
            .0
            .iter()
            .map(|[name, value]| (name, value))
    }

    fn contains(&self, name: &JsString) -> bool {
        self.pairs().any(|(given, _)| given == name)
    }

    /// Writes the items back over the array.
    fn store(self, context: &mut Context) -> JsResult<()> {
        let length = self.items.len();
        for (index, item) in self.items.into_iter().enumerate() {
            self.array.set(index, item, true, context)?;
        }
        self.array
            .set(js_string!("length"), length, true, context)?;
        Ok(())
    }
}

/// The characters of a field name (RFC 9110, `token`).
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A ByteString: code units up to 255, one byte each.
fn byte_string(value: &JsValue, context: &mut Context) -> JsResult<Vec<u8>> {
    let text = value.to_string(context)?;
    text.iter()
        .map(|unit| {
            u8::try_from(unit)
                .map_err(|_| js_error!(TypeError: "A header has a character above 255"))
        })
        .collect()
}

fn latin1(bytes: &[u8]) -> JsString {
    if bytes.is_ascii()
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return JsString::from(text);
    }
    let units: Vec<u16> = bytes.iter().copied().map(u16::from).collect();
    JsString::from(units.as_slice())
}

/// A header's name in lower case; a TypeError unless it is a token.
fn header_name(value: &JsValue, context: &mut Context) -> JsResult<JsString> {
    let mut bytes = byte_string(value, context)?;
    if bytes.is_empty() || !bytes.iter().copied().all(is_token) {
        return Err(js_error!(TypeError: "{} is not a header name", value.display()));
    }
    if let Some(text) = value.as_string()
        && !bytes.iter().any(u8::is_ascii_uppercase)
    {
        return Ok(text.clone());
    }
    bytes.make_ascii_lowercase();
    Ok(latin1(&bytes))
}

/// A header's value without the whitespace around it; a TypeError on line breaks and NUL.
fn header_value(value: &JsValue, context: &mut Context) -> JsResult<JsString> {
    let bytes = byte_string(value, context)?;
    let blank = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' ');
    let start = bytes
        .iter()
        .position(|byte| !blank(byte))
        .unwrap_or(bytes.len());
    let end = bytes
        .iter()
        .rposition(|byte| !blank(byte))
        .map_or(start, |last| last + 1);
    let trimmed = bytes.get(start..end).unwrap_or_default();
    if trimmed
        .iter()
        .any(|byte| matches!(byte, b'\0' | b'\n' | b'\r'))
    {
        return Err(js_error!(TypeError: "A header's value has a line break or a NUL"));
    }
    match value.as_string() {
        Some(text) if trimmed.len() == bytes.len() => Ok(text.clone()),
        _ => Ok(latin1(trimmed)),
    }
}

fn append(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let name = header_name(args.get_or_undefined(1), context)?;
    let value = header_value(args.get_or_undefined(2), context)?;
    let Some(object) = args.get_or_undefined(0).as_object() else {
        return Err(js_error!(TypeError: "The headers are immutable"));
    };
    let array = JsArray::from_object(object.clone())?;
    let length = array.length(context)?;
    array.create_data_property(length, name, context)?;
    array.create_data_property(length + 1, value, context)?;
    Ok(JsValue::undefined())
}

fn remove(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let name = header_name(args.get_or_undefined(1), context)?;
    let mut list = List::of(args.get_or_undefined(0), context)?;
    if list.contains(&name) {
        list.items = list
            .pairs()
            .filter(|(given, _)| **given != name)
            .flat_map(|(name, value)| [name.clone(), value.clone()])
            .collect();
        list.store(context)?;
    }
    Ok(JsValue::undefined())
}

/// Replaces the first value of the name and drops its others.
fn set(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let name = header_name(args.get_or_undefined(1), context)?;
    let value = header_value(args.get_or_undefined(2), context)?;
    let mut list = List::of(args.get_or_undefined(0), context)?;
    let mut items = Vec::with_capacity(list.items.len() + 2);
    let mut placed = false;
    for (given, old) in list.pairs() {
        if *given != name {
            items.extend([given.clone(), old.clone()]);
        } else if !placed {
            placed = true;
            items.extend([name.clone(), value.clone()]);
        }
    }
    if !placed {
        items.extend([name, value]);
    }
    list.items = items;
    list.store(context)?;
    Ok(JsValue::undefined())
}

fn combined<'a>(values: impl Iterator<Item = &'a JsString>) -> Option<JsString> {
    let separator = js_string!(", ");
    values.fold(None, |all, value| match all {
        None => Some(value.clone()),
        Some(all) => Some(js_string!(&all, &separator, value)),
    })
}

fn get(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let name = header_name(args.get_or_undefined(1), context)?;
    let list = List::of(args.get_or_undefined(0), context)?;
    let values = list
        .pairs()
        .filter(|(given, _)| **given == name)
        .map(|(_, value)| value);
    Ok(combined(values).map_or_else(JsValue::null, JsValue::from))
}

fn has(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let name = header_name(args.get_or_undefined(1), context)?;
    Ok(List::of(args.get_or_undefined(0), context)?
        .contains(&name)
        .into())
}

fn is_set_cookie(name: &JsString) -> bool {
    name.len() == SET_COOKIE.len() && name.iter().eq(SET_COOKIE.iter().copied().map(u16::from))
}

fn cookies(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let list = List::of(args.get_or_undefined(0), context)?;
    let cookies: Vec<JsValue> = list
        .pairs()
        .filter(|(name, _)| is_set_cookie(name))
        .map(|(_, value)| value.clone().into())
        .collect();
    Ok(JsArray::from_iter(cookies, context).into())
}

/// The list as iteration shows it: sorted by name, values combined except those of set-cookie.
fn sorted(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let list = List::of(args.get_or_undefined(0), context)?;
    let mut pairs: Vec<_> = list.pairs().collect();
    pairs.sort_by(|(left, _), (right, _)| left.iter().cmp(right.iter()));
    let mut items: Vec<JsValue> = Vec::with_capacity(list.items.len());
    for group in pairs.chunk_by(|(left, _), (right, _)| left == right) {
        let Some((first, _)) = group.first() else {
            continue;
        };
        let name = JsValue::from((*first).clone());
        if is_set_cookie(first) {
            for (_, value) in group {
                items.extend([name.clone(), (*value).clone().into()]);
            }
        } else if let Some(value) = combined(group.iter().map(|(_, value)| *value)) {
            items.extend([name, value.into()]);
        }
    }
    Ok(JsArray::from_iter(items, context).into())
}
