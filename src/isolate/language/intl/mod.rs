//! `Intl`: the tables of each locale and what is made of letters here, the rest in the scripts.

use std::path::Path;

use boa_engine::object::JsObject;
use boa_engine::object::builtins::{JsArray, JsFunction};
use boa_engine::property::PropertyDescriptor;
use boa_engine::{Context, JsArgs, JsResult, JsString, JsValue, js_string};
use unicode_segmentation::UnicodeSegmentation;

use crate::isolate::host::type_error;
use crate::isolate::web::native_object;

mod order;

/// A line for each locale: its tag, a space, and JSON. Written by `scripts/locales`.
const LOCALES: &str = include_str!("locales.txt");

const SCRIPTS: [(&str, &str); 5] = [
    ("locale.js", include_str!("locale.js")),
    ("numbers.js", include_str!("numbers.js")),
    ("number_format.js", include_str!("number_format.js")),
    ("dates.js", include_str!("dates.js")),
    ("words.js", include_str!("words.js")),
];

/// Puts `Intl` on the global. Each script gets what those before it have returned.
pub fn install(context: &mut Context) -> JsResult<()> {
    let native = native_object(
        &[
            ("tags", tags),
            ("data", data),
            ("compare", order::compare),
            ("segments", segments),
        ],
        context,
    )?;
    let intl = JsObject::with_object_proto(context.intrinsics());
    let mut formats = JsObject::with_object_proto(context.intrinsics());
    let mut shared = JsValue::undefined();
    for (name, text) in SCRIPTS {
        let path = format!("town:runtime/intl/{name}");
        let script = context
            .eval_text(text, Some(Path::new(&path)))?
            .as_object()
            .and_then(JsFunction::from_object)
            .ok_or_else(|| type_error(format!("{name} is no function")))?;
        let made = script.call(
            &JsValue::undefined(),
            &[
                native.clone().into(),
                intl.clone().into(),
                shared.clone(),
                formats.clone().into(),
            ],
            context,
        )?;
        if shared.is_undefined() {
            shared = made;
        } else if let Some(made) = made.as_object() {
            let all = JsObject::with_object_proto(context.intrinsics());
            for object in [&formats, &made] {
                all.copy_data_properties::<JsString>(&object.clone().into(), Vec::new(), context)?;
            }
            formats = all;
        }
    }
    let property = PropertyDescriptor::builder()
        .value(intl)
        .writable(true)
        .enumerable(false)
        .configurable(true);
    let global = context.global_object();
    global.define_property_or_throw(js_string!("Intl"), property, context)?;
    Ok(())
}

/// The tags of all locales.
fn tags(_: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let tags = LOCALES.lines().filter_map(|line| line.split_once(' '));
    let tags = tags.map(|(tag, _)| JsValue::from(JsString::from(tag)));
    Ok(JsArray::from_iter(tags, context).into())
}

/// `(tag)`: the JSON of a locale.
fn data(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let tag = args
        .get_or_undefined(0)
        .to_string(context)?
        .to_std_string_lossy();
    let mut lines = LOCALES.lines().filter_map(|line| line.split_once(' '));
    match lines.find(|(other, _)| *other == tag) {
        Some((_, json)) => Ok(JsString::from(json).into()),
        None => Err(type_error(format!("There is no locale {tag}"))),
    }
}

/// `(text, granularity)`: where each segment ends, in units of the text; of words, those that are
/// none with a minus.
fn segments(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let text = args.get_or_undefined(0).to_string(context)?;
    let kind = args.get_or_undefined(1).to_string(context)?;
    // A lone surrogate becomes another character of one unit, so places stay.
    let text = text.to_std_string_lossy();
    let mut end = 0i32;
    let mut ends = Vec::new();
    let mut add = |piece: &str, sign: i32| {
        end = end.saturating_add(i32::try_from(piece.encode_utf16().count()).unwrap_or(i32::MAX));
        ends.push(JsValue::from(end * sign));
    };
    match kind.to_std_string_lossy().as_str() {
        "word" => {
            for piece in text.split_word_bounds() {
                let is_word = piece.chars().any(char::is_alphanumeric);
                add(piece, if is_word { 1 } else { -1 });
            }
        }
        "sentence" => text.split_sentence_bounds().for_each(|piece| add(piece, 1)),
        _ => text.graphemes(true).for_each(|piece| add(piece, 1)),
    }
    Ok(JsArray::from_iter(ends, context).into())
}
