//! Plain values, both ways.

use boa_engine::object::JsObject;
use boa_engine::object::builtins::JsArray;
use boa_engine::{Context, JsResult, JsValue, js_string};
use serde::de::DeserializeOwned;

use crate::isolate::host::{type_error, uint8_array};
use crate::isolate::web::clone;
use crate::storage::Usage;
use crate::wire::{Answer, FileContent, FileFrom, Spent, SystemFile};

pub(super) fn plain(answer: Answer, context: &mut Context) -> JsResult<JsValue> {
    Ok(match answer {
        Answer::Nothing | Answer::NeedProgram => JsValue::undefined(),
        Answer::Names(names) => strings(&names, context),
        Answer::Revision(revision) => number(revision),
        Answer::Value(bytes) => {
            // One more level, so that `undefined` as a value is not "no program".
            let value = clone::deserialize(&bytes, context)?;
            JsArray::from_iter([value], context).into()
        }
        Answer::Usage(Usage {
            bytes,
            bytes_below,
            bytes_max,
        }) => object(
            &[
                ("bytes", number(bytes)),
                ("bytesBelow", number(bytes_below)),
                ("bytesMax", number(bytes_max)),
            ],
            context,
        )?,
        Answer::Spent(Spent {
            isolates,
            runs,
            cpu_us,
        }) => object(
            &[
                ("isolates", number(isolates)),
                ("runs", number(runs)),
                ("cpuMs", number(cpu_us / 1000)),
            ],
            context,
        )?,
        Answer::Imported {
            databases,
            bytes,
            note,
        } => {
            let note = note.map_or(JsValue::null(), |note| js_string!(note.as_str()).into());
            let fields = [
                ("databases", number(databases)),
                ("bytes", number(bytes)),
                ("note", note),
            ];
            object(&fields, context)?
        }
        Answer::File(None) => JsValue::undefined(),
        Answer::File(Some(SystemFile {
            content,
            from,
            image,
            base,
            note,
        })) => {
            let or_null = |text: Option<String>| {
                text.map_or(JsValue::null(), |text| js_string!(text.as_str()).into())
            };
            let source = match content {
                FileContent::Text(text) => js_string!(text.as_str()).into(),
                FileContent::Bytes(bytes) => uint8_array(bytes, context)?,
            };
            let fields = [
                ("source", source),
                ("from", file_from(from)),
                ("image", or_null(image)),
                ("base", or_null(base)),
                ("note", or_null(note)),
            ];
            object(&fields, context)?
        }
        Answer::Json(json) => {
            let json = serde_json::from_str(&json)
                .map_err(|_| type_error("The kernel gave an answer that is no JSON"))?;
            JsValue::from_json(&json, context)?
        }
        Answer::Rows { .. } | Answer::Compiled(_) | Answer::Response { .. } | Answer::Module(_) => {
            return unexpected();
        }
    })
}

fn file_from(from: FileFrom) -> JsValue {
    let word = match from {
        FileFrom::Image => "image",
        FileFrom::Override => "override",
        FileFrom::Added => "added",
    };
    js_string!(word).into()
}

pub(super) fn unexpected() -> JsResult<JsValue> {
    Err(type_error("The kernel gave an answer of another kind"))
}

/// An argument that is plain data of a shape.
pub(super) fn data<T: DeserializeOwned>(
    value: &JsValue,
    name: &str,
    context: &mut Context,
) -> JsResult<T> {
    let json = value.to_json(context)?.unwrap_or_default();
    serde_json::from_value(json).map_err(|error| type_error(format!("`{name}`: {error}")))
}

/// A plain object.
pub fn object(fields: &[(&str, JsValue)], context: &mut Context) -> JsResult<JsValue> {
    let object = JsObject::with_object_proto(context.intrinsics());
    for (key, value) in fields {
        object.create_data_property_or_throw(js_string!(*key), value.clone(), context)?;
    }
    Ok(object.into())
}

pub(super) fn strings(list: &[String], context: &mut Context) -> JsValue {
    let values: Vec<JsValue> = list
        .iter()
        .map(|text| js_string!(text.as_str()).into())
        .collect();
    JsArray::from_iter(values, context).into()
}

#[allow(
    clippy::cast_precision_loss,
    reason = "counts and sizes are far below 2^53"
)]
pub fn number(value: u64) -> JsValue {
    match i32::try_from(value) {
        Ok(small) => small.into(),
        Err(_) => (value as f64).into(),
    }
}

/// The value as text, lone surrogates replaced.
pub fn text(value: &JsValue, context: &mut Context) -> JsResult<String> {
    Ok(value.to_string(context)?.to_std_string_lossy())
}

pub(super) fn optional_text(value: &JsValue, context: &mut Context) -> JsResult<Option<String>> {
    if value.is_null_or_undefined() {
        Ok(None)
    } else {
        text(value, context).map(Some)
    }
}

/// The items of an array as texts.
pub fn names(value: &JsValue, context: &mut Context) -> JsResult<Vec<String>> {
    items(value, context)?
        .iter()
        .map(|item| text(item, context))
        .collect()
}

pub(super) fn milliseconds(value: &JsValue, context: &mut Context) -> JsResult<i64> {
    let at = value.to_number(context)?;
    if !at.is_finite() {
        return Err(type_error("A time is a Date or a number of milliseconds"));
    }
    Ok(at as i64)
}

pub(super) fn items(value: &JsValue, context: &mut Context) -> JsResult<Vec<JsValue>> {
    let object = value
        .as_object()
        .ok_or_else(|| type_error("A list is needed"))?;
    let array = JsArray::from_object(object)?;
    let length = array.length(context)?;
    (0..length).map(|index| array.get(index, context)).collect()
}
