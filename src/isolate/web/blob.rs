//! `Blob` and `File`: bytes that never change, so that slices share them.

use super::bytes::{ByteView, array_buffer, from_utf8, text, uint8_array, usv_string};
use super::interface::{
    Interface, construct, create, for_each_of, function, iterator_method, put, receiver, require,
    require_new, type_error,
};
use boa_engine::native_function::NativeFunctionPointer;
use boa_engine::object::builtins::JsPromise;
use boa_engine::value::IntegerOrInfinity;
use boa_engine::{
    Context, Finalize, JsArgs, JsData, JsError, JsObject, JsResult, JsString, JsValue, Trace,
    js_string,
};
use std::ops::Range;
use std::rc::Rc;

/// The contents of a `Blob`: a part of some bytes, and what they are said to be.
#[derive(Debug, Clone)]
pub struct BlobData {
    bytes: Rc<Vec<u8>>,
    range: Range<usize>,
    /// The media type, in lower case; empty when unknown.
    pub kind: String,
}

impl BlobData {
    /// Contents of these bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>, kind: String) -> Self {
        let range = 0..bytes.len();
        Self {
            bytes: Rc::new(bytes),
            range,
            kind,
        }
    }

    /// The contents of a value that is a `Blob` or a `File`.
    #[must_use]
    pub fn of(value: &JsValue) -> Option<Self> {
        let object = value.as_object()?;
        if let Some(blob) = object.downcast_ref::<Blob>() {
            return Some(blob.data.clone());
        }
        object.downcast_ref::<File>().map(|file| file.data.clone())
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        // The range is made from the length of these bytes, or within an earlier range.
        self.bytes.get(self.range.clone()).unwrap_or_default()
    }
}

/// A `Blob`.
#[derive(Debug, Trace, Finalize, JsData)]
pub struct Blob {
    #[unsafe_ignore_trace]
    data: BlobData,
}

/// A `File`.
#[derive(Debug, Trace, Finalize, JsData)]
pub struct File {
    #[unsafe_ignore_trace]
    data: BlobData,
    #[unsafe_ignore_trace]
    name: JsString,
    last_modified: f64,
}

/// The two classes, and what the bodies of requests and responses need of them.
pub fn natives(context: &mut Context) -> JsResult<JsObject> {
    let blob = Interface::new("Blob", 0, new_blob, context)
        .getter("size", size)
        .getter("type", kind)
        .method("arrayBuffer", 0, |this, _, context| {
            promise(this, buffer_of, context)
        })
        .method("bytes", 0, |this, _, context| {
            promise(this, bytes_of, context)
        })
        .method("slice", 0, slice)
        .method("text", 0, |this, _, context| {
            promise(this, text_of, context)
        })
        .build::<Blob>();
    let file = Interface::new("File", 2, new_file, context)
        .extends(&blob)?
        .getter("name", name)
        .getter("lastModified", last_modified)
        .build::<File>();
    let natives = JsObject::with_object_proto(context.intrinsics());
    put(&natives, "Blob", blob);
    put(&natives, "File", file);
    let list: [(&str, NativeFunctionPointer); 3] = [
        ("isBlob", is_blob),
        ("blobParts", blob_parts),
        ("makeBlob", make_blob),
    ];
    for (name, pointer) in list {
        let native = function(name, 1, pointer, context);
        put(&natives, name, native);
    }
    Ok(natives)
}

/// A new `File`, made by native code.
pub fn file(data: BlobData, name: JsString, context: &mut Context) -> JsObject {
    let last_modified = context.clock().system_time_millis() as f64;
    create(
        File {
            data,
            name,
            last_modified,
        },
        context,
    )
}

/// A new `Blob`, made by native code.
pub fn blob(data: BlobData, context: &mut Context) -> JsObject {
    create(Blob { data }, context)
}

/// A new `File` with a date of its own, made by native code.
pub fn file_of(
    data: BlobData,
    name: JsString,
    last_modified: f64,
    context: &mut Context,
) -> JsObject {
    create(
        File {
            data,
            name,
            last_modified,
        },
        context,
    )
}

/// The name and the date of a `File`.
#[must_use]
pub fn file_facts(object: &JsObject) -> Option<(JsString, f64)> {
    let file = object.downcast_ref::<File>()?;
    Some((file.name.clone(), file.last_modified))
}

/// Whether a value is a `File`.
#[must_use]
pub fn is_file(value: &JsValue) -> bool {
    receiver::<File>(value).is_ok()
}

fn is_blob(_: &JsValue, arguments: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    Ok(BlobData::of(arguments.get_or_undefined(0)).is_some().into())
}

/// `{ bytes, type }` of a blob.
fn blob_parts(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let data = this_data(arguments.get_or_undefined(0))?;
    let bytes = uint8_array(data.bytes(), context)?;
    let parts = JsObject::with_object_proto(context.intrinsics());
    put(&parts, "bytes", bytes);
    put(&parts, "type", JsString::from(data.kind.as_str()));
    Ok(parts.into())
}

/// A blob of bytes and of a type that is one already.
fn make_blob(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let bytes = match ByteView::of(arguments.get_or_undefined(0), context)? {
        Some(view) => view.to_vec(),
        None => return Err(type_error("makeBlob: not bytes")),
    };
    let kind = arguments.get_or_undefined(1).to_string(context)?;
    let kind = text(&kind).into_owned();
    Ok(blob(BlobData::new(bytes, kind), context).into())
}

fn this_data(this: &JsValue) -> JsResult<BlobData> {
    BlobData::of(this).ok_or_else(|| type_error("Illegal invocation"))
}

fn new_blob(
    new_target: &JsValue,
    arguments: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    require_new(new_target)?;
    let parts = arguments.get_or_undefined(0);
    let parts = if parts.is_undefined() {
        Vec::new()
    } else {
        parts_of(parts, context)?
    };
    let options = Options::of(arguments.get_or_undefined(1), "Blob", context)?;
    let data = BlobData::new(joined(&parts, options.native_endings), options.kind);
    Ok(construct(new_target, Blob { data }, context)?.into())
}

fn new_file(
    new_target: &JsValue,
    arguments: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    require_new(new_target)?;
    require(arguments, 2, "File constructor")?;
    let parts = parts_of(arguments.get_or_undefined(0), context)?;
    let name = usv_string(arguments.get_or_undefined(1), context)?;
    let given = arguments.get_or_undefined(2);
    let options = Options::of(given, "File", context)?;
    let last_modified = match given.as_object() {
        Some(given) => given.get(js_string!("lastModified"), context)?,
        None => JsValue::undefined(),
    };
    let last_modified = if last_modified.is_undefined() {
        context.clock().system_time_millis() as f64
    } else {
        whole(&last_modified, context)?
    };
    let data = BlobData::new(joined(&parts, options.native_endings), options.kind);
    Ok(construct(
        new_target,
        File {
            data,
            name,
            last_modified,
        },
        context,
    )?
    .into())
}

/// A number as Web IDL's `long long` has it.
fn whole(value: &JsValue, context: &mut Context) -> JsResult<f64> {
    Ok(match value.to_integer_or_infinity(context)? {
        IntegerOrInfinity::Integer(integer) => integer as f64,
        IntegerOrInfinity::PositiveInfinity | IntegerOrInfinity::NegativeInfinity => 0.0,
    })
}

/// What both constructors take as options.
struct Options {
    kind: String,
    native_endings: bool,
}

impl Options {
    fn of(options: &JsValue, class: &str, context: &mut Context) -> JsResult<Self> {
        if options.is_null_or_undefined() {
            return Ok(Self {
                kind: String::new(),
                native_endings: false,
            });
        }
        let Some(options) = options.as_object() else {
            return Err(type_error(format!(
                "{class}: the options are not an object"
            )));
        };
        let endings = options.get(js_string!("endings"), context)?;
        let native_endings = if endings.is_undefined() {
            false
        } else {
            match text(&endings.to_string(context)?).as_ref() {
                "native" => true,
                "transparent" => false,
                _ => {
                    return Err(type_error(format!(
                        "{class}: endings is not one of its values"
                    )));
                }
            }
        };
        let kind = options.get(js_string!("type"), context)?;
        let kind = if kind.is_undefined() {
            String::new()
        } else {
            media_type(&kind.to_string(context)?)
        };
        Ok(Self {
            kind,
            native_endings,
        })
    }
}

/// The media type in lower case, or nothing when a character does not belong into one.
fn media_type(kind: &JsString) -> String {
    let kind = text(kind);
    if kind.bytes().all(|byte| (0x20..=0x7E).contains(&byte)) {
        kind.to_ascii_lowercase()
    } else {
        String::new()
    }
}

/// What a blob is made of.
enum Part {
    Bytes(Vec<u8>),
    Blob(BlobData),
    Text(String),
}

/// Converts each part as the iterator gives it, so that a part can still change the list.
fn parts_of(parts: &JsValue, context: &mut Context) -> JsResult<Vec<Part>> {
    let method = match parts.as_object() {
        Some(object) => iterator_method(&object, context)?,
        None => None,
    };
    let Some(method) = method else {
        return Err(type_error("Blob: the parts are not iterable"));
    };
    let mut list = Vec::new();
    for_each_of(parts, &method, context, |part, context| {
        list.push(if let Some(view) = ByteView::of(&part, context)? {
            Part::Bytes(view.to_vec())
        } else if let Some(blob) = BlobData::of(&part) {
            Part::Blob(blob)
        } else {
            Part::Text(text(&part.to_string(context)?).into_owned())
        });
        Ok(())
    })?;
    Ok(list)
}

fn joined(parts: &[Part], native_endings: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        match part {
            Part::Bytes(part) => bytes.extend_from_slice(part),
            Part::Blob(part) => bytes.extend_from_slice(part.bytes()),
            Part::Text(part) if native_endings => {
                bytes.extend_from_slice(part.replace("\r\n", "\n").replace('\r', "\n").as_bytes());
            }
            Part::Text(part) => bytes.extend_from_slice(part.as_bytes()),
        }
    }
    bytes
}

fn size(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    Ok(JsValue::from(this_data(this)?.range.len() as f64))
}

fn kind(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    Ok(JsString::from(this_data(this)?.kind).into())
}

fn name(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    Ok(receiver::<File>(this)?.borrow().data().name.clone().into())
}

fn last_modified(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    Ok(receiver::<File>(this)?.borrow().data().last_modified.into())
}

fn slice(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let data = this_data(this)?;
    let size = data.range.len();
    let mut position = |index: usize, default: usize| {
        let value = arguments.get_or_undefined(index);
        if value.is_undefined() {
            return Ok(default);
        }
        // `[Clamp] long long`: halves go to the even neighbour, and NaN is 0.
        let relative = value.to_number(context)?.round_ties_even();
        let size_float = size as f64;
        let from_start = if relative < 0.0 {
            size_float + relative
        } else {
            relative
        };
        // A cast of NaN is 0.
        Ok::<_, JsError>(from_start.clamp(0.0, size_float) as usize)
    };
    let start = position(0, 0)?;
    let end = position(1, size)?.max(start);
    let kind = arguments.get_or_undefined(2);
    let kind = if kind.is_undefined() {
        String::new()
    } else {
        media_type(&kind.to_string(context)?)
    };
    let range = data.range.start + start..data.range.start + end;
    Ok(create(
        Blob {
            data: BlobData {
                range,
                kind,
                ..data
            },
        },
        context,
    )
    .into())
}

/// Answers with a promise; a foreign receiver makes it a rejected one.
fn promise(
    this: &JsValue,
    read: fn(&BlobData, &mut Context) -> JsResult<JsValue>,
    context: &mut Context,
) -> JsResult<JsValue> {
    let value = this_data(this).and_then(|data| read(&data, context));
    let promise = match value {
        Ok(value) => JsPromise::resolve(value, context)?,
        Err(error) => JsPromise::reject(error, context)?,
    };
    Ok(promise.into())
}

fn buffer_of(data: &BlobData, context: &mut Context) -> JsResult<JsValue> {
    Ok(array_buffer(data.bytes(), context)?.into())
}

fn bytes_of(data: &BlobData, context: &mut Context) -> JsResult<JsValue> {
    uint8_array(data.bytes(), context)
}

fn text_of(data: &BlobData, _: &mut Context) -> JsResult<JsValue> {
    const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
    let bytes = data.bytes();
    Ok(from_utf8(bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)).into())
}
