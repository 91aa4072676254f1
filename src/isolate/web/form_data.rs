//! `FormData`, and the two encodings in which forms travel.

use super::blob::{BlobData, file, file_facts, file_of, is_file};
use super::bytes::{ByteView, from_latin1, from_utf8, text, uint8_array, usv_string};
use super::interface::{
    Interface, construct, create, dom_exception, function, put, receiver, require, require_new,
    type_error,
};
use super::multipart::{self, Part};
use super::pairs::{self, PairList};
use super::random;
use boa_engine::native_function::NativeFunctionPointer;
use boa_engine::object::JsObject as Object;
use boa_engine::object::builtins::JsArray;
use boa_engine::{
    Context, Finalize, JsArgs, JsData, JsObject, JsResult, JsString, JsValue, Trace, js_string,
};

/// A `FormData`.
#[derive(Debug, Default, Trace, Finalize, JsData)]
pub struct FormData {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Trace, Finalize)]
struct Entry {
    #[unsafe_ignore_trace]
    name: JsString,
    // A string, or a `File`.
    value: JsValue,
}

impl PairList for FormData {
    fn pair(&self, index: usize) -> Option<(JsValue, JsValue)> {
        let entry = self.entries.get(index)?;
        Some((entry.name.clone().into(), entry.value.clone()))
    }
}

/// The class, and what the bodies of requests and responses need of it.
pub fn natives(context: &mut Context) -> JsResult<JsObject> {
    pairs::iterators::<FormData>("FormData", context);
    let class = Interface::new("FormData", 0, new_form_data, context)
        .method("append", 2, append)
        .method("delete", 1, delete)
        .method("get", 1, get)
        .method("getAll", 1, get_all)
        .method("has", 1, has)
        .method("set", 2, set)
        .method("entries", 0, pairs::entries::<FormData>)
        .method("forEach", 1, pairs::for_each::<FormData>)
        .method("keys", 0, pairs::keys::<FormData>)
        .method("values", 0, pairs::values::<FormData>)
        .iterate_by("entries")?
        .build::<FormData>();
    let natives = JsObject::with_object_proto(context.intrinsics());
    put(&natives, "FormData", class);
    let list: [(&str, usize, NativeFunctionPointer); 4] = [
        ("isFormData", 1, is_form_data),
        ("encodeFormData", 1, encode_form_data),
        ("parseMultipart", 2, parse_multipart),
        ("parseUrlencoded", 1, parse_urlencoded),
    ];
    for (name, length, pointer) in list {
        let native = function(name, length, pointer, context);
        put(&natives, name, native);
    }
    Ok(natives)
}

fn new_form_data(
    new_target: &JsValue,
    arguments: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    require_new(new_target)?;
    if !arguments.get_or_undefined(0).is_undefined() {
        return Err(type_error("FormData: there are no form elements here"));
    }
    Ok(construct(new_target, FormData::default(), context)?.into())
}

fn name_of(
    this: &JsValue,
    arguments: &[JsValue],
    count: usize,
    context: &mut Context,
) -> JsResult<(Object<FormData>, JsString)> {
    let this = receiver::<FormData>(this)?;
    require(arguments, count, "FormData")?;
    Ok((this, usv_string(arguments.get_or_undefined(0), context)?))
}

/// The entry that `append` and `set` are given.
fn entry_of(name: JsString, arguments: &[JsValue], context: &mut Context) -> JsResult<Entry> {
    let value = arguments.get_or_undefined(1);
    let file_name = arguments.get_or_undefined(2);
    let Some(data) = BlobData::of(value) else {
        if arguments.len() > 2 {
            return Err(type_error("FormData: only a Blob can have a file name"));
        }
        return Ok(Entry {
            name,
            value: usv_string(value, context)?.into(),
        });
    };
    if file_name.is_undefined() && is_file(value) {
        return Ok(Entry {
            name,
            value: value.clone(),
        });
    }
    let file_name = if file_name.is_undefined() {
        js_string!("blob")
    } else {
        usv_string(file_name, context)?
    };
    let last_modified = value.as_object().and_then(|given| file_facts(&given));
    let value = match last_modified {
        Some((_, at)) => file_of(data, file_name, at, context),
        None => file(data, file_name, context),
    };
    Ok(Entry {
        name,
        value: value.into(),
    })
}

fn append(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (this, name) = name_of(this, arguments, 2, context)?;
    let entry = entry_of(name, arguments, context)?;
    this.borrow_mut().data_mut().entries.push(entry);
    Ok(JsValue::undefined())
}

fn delete(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (this, name) = name_of(this, arguments, 1, context)?;
    this.borrow_mut()
        .data_mut()
        .entries
        .retain(|entry| entry.name != name);
    Ok(JsValue::undefined())
}

fn get(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (this, name) = name_of(this, arguments, 1, context)?;
    let this = this.borrow();
    let found = this.data().entries.iter().find(|entry| entry.name == name);
    Ok(found.map_or_else(JsValue::null, |entry| entry.value.clone()))
}

fn get_all(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (this, name) = name_of(this, arguments, 1, context)?;
    let found: Vec<JsValue> = {
        let this = this.borrow();
        let entries = this
            .data()
            .entries
            .iter()
            .filter(|entry| entry.name == name);
        entries.map(|entry| entry.value.clone()).collect()
    };
    Ok(JsArray::from_iter(found, context).into())
}

fn has(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (this, name) = name_of(this, arguments, 1, context)?;
    let found = this
        .borrow()
        .data()
        .entries
        .iter()
        .any(|entry| entry.name == name);
    Ok(found.into())
}

fn set(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (this, name) = name_of(this, arguments, 2, context)?;
    let entry = entry_of(name.clone(), arguments, context)?;
    let mut this = this.borrow_mut();
    let entries = &mut this.data_mut().entries;
    let mut entry = Some(entry);
    // The first of that name becomes the new one; the others go.
    entries.retain_mut(|known| {
        if known.name != name {
            return true;
        }
        entry.take().map(|entry| *known = entry).is_some()
    });
    entries.extend(entry);
    Ok(JsValue::undefined())
}

fn is_form_data(_: &JsValue, arguments: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    Ok(receiver::<FormData>(arguments.get_or_undefined(0))
        .is_ok()
        .into())
}

/// `{ contentType, bytes }` of a form, as `multipart/form-data`.
fn encode_form_data(
    _: &JsValue,
    arguments: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    let form = receiver::<FormData>(arguments.get_or_undefined(0))?;
    let mut random = [0; 16];
    random::fill(&mut random)
        .map_err(|error| dom_exception("OperationError", &error.to_string(), context))?;
    let boundary = multipart::boundary(&random);
    let mut body = Vec::new();
    let entries = form.borrow().data().entries.clone();
    for entry in &entries {
        let part = match BlobData::of(&entry.value) {
            Some(data) => {
                let file = entry.value.as_object();
                let name = match file {
                    Some(file) => file.get(js_string!("name"), context)?.to_string(context)?,
                    None => js_string!(),
                };
                let kind = if data.kind.is_empty() {
                    "application/octet-stream".to_owned()
                } else {
                    data.kind.clone()
                };
                Part {
                    name: text(&entry.name).into_owned(),
                    file_name: Some(text(&name).into_owned()),
                    kind: Some(kind),
                    body: data.bytes().to_vec(),
                }
            }
            None => {
                let value = entry.value.to_string(context)?;
                Part {
                    name: text(&entry.name).into_owned(),
                    file_name: None,
                    kind: None,
                    body: multipart::line_breaks(&text(&value)).into_bytes(),
                }
            }
        };
        part.write(&boundary, &mut body);
    }
    multipart::end(&boundary, &mut body);
    let bytes = uint8_array(&body, context)?;
    let encoded = JsObject::with_object_proto(context.intrinsics());
    let kind = format!("multipart/form-data; boundary={boundary}");
    put(&encoded, "contentType", from_latin1(kind.as_bytes()));
    put(&encoded, "bytes", bytes);
    Ok(encoded.into())
}

/// `(bytes, boundary)`: the form, or a `TypeError`.
fn parse_multipart(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let Some(view) = ByteView::of(arguments.get_or_undefined(0), context)? else {
        return Err(type_error("A body of bytes is required"));
    };
    let boundary = arguments.get_or_undefined(1).to_string(context)?;
    let parts = view.read(|bytes| multipart::parse(bytes, text(&boundary).as_bytes()));
    let parts = parts.map_err(|error| type_error(error.to_string()))?;
    let mut form = FormData::default();
    for part in parts {
        let name = from_utf8(part.name.as_bytes());
        let value = match part.file_name {
            Some(file_name) => {
                let kind = part.kind.unwrap_or_else(|| "text/plain".to_owned());
                let data = BlobData::new(part.body, kind.to_ascii_lowercase());
                file(data, from_utf8(file_name.as_bytes()), context).into()
            }
            None => from_utf8(&part.body).into(),
        };
        form.entries.push(Entry { name, value });
    }
    Ok(create(form, context).into())
}

/// `(text)`: the form of an `application/x-www-form-urlencoded` body.
fn parse_urlencoded(
    _: &JsValue,
    arguments: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    let body = arguments.get_or_undefined(0).to_string(context)?;
    let body = text(&body);
    let entries = form_urlencoded::parse(body.as_bytes()).map(|(name, value)| Entry {
        name: from_utf8(name.as_bytes()),
        value: from_utf8(value.as_bytes()).into(),
    });
    let form = FormData {
        entries: entries.collect(),
    };
    Ok(create(form, context).into())
}
