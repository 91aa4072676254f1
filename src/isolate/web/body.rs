//! Bytes of bodies: joining chunks, recognising byte arguments, MIME types, `data:` URLs.

use boa_engine::{
    Context, JsArgs, JsObject, JsResult, JsString, JsValue, js_string,
    object::builtins::{JsArrayBuffer, JsDataView, JsTypedArray},
};

use super::{
    buffers::{clone_view, concat, uint8_array},
    headers::is_token,
    native_object,
};

/// The functions that `body.js` and `fetch.js` are handed.
pub fn natives(context: &mut Context) -> JsResult<JsObject> {
    native_object(
        &[
            ("concat", concat),
            ("copyBytes", copy_bytes),
            ("isBinary", is_binary),
            ("kindOf", kind_of),
            ("mimeType", mime_type),
            ("dataUrl", data_url),
        ],
        context,
    )
}

fn is_buffer_source(value: &JsValue) -> bool {
    value.as_object().is_some_and(|object| {
        JsArrayBuffer::from_object(object.clone()).is_ok()
            || JsTypedArray::from_object(object.clone()).is_ok()
            || JsDataView::from_object(object.clone()).is_ok()
    })
}

fn is_binary(_: &JsValue, args: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    Ok(is_buffer_source(args.get_or_undefined(0)).into())
}

/// A copy of what a view or an ArrayBuffer covers; null for any other value.
fn copy_bytes(this: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    if is_buffer_source(args.get_or_undefined(0)) {
        clone_view(this, args, context)
    } else {
        Ok(JsValue::null())
    }
}

/// The name of a typed array's kind; undefined for any other value.
fn kind_of(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    match args
        .get_or_undefined(0)
        .as_object()
        .map(|object| JsTypedArray::from_object(object.clone()))
    {
        Some(Ok(array)) => array.to_string_tag(context),
        _ => Ok(JsValue::undefined()),
    }
}

/// A MIME type as the MIME Sniffing Standard parses it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MimeType {
    essence: String,
    parameters: Vec<(String, String)>,
}

fn is_blank(byte: char) -> bool {
    matches!(byte, '\t' | '\n' | '\r' | ' ')
}

fn is_token_text(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token)
}

/// A quoted string at the start of `text`: its value, and what follows it.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return (value, text.get(index + 1..).unwrap_or_default()),
            '\\' => value.push(characters.next().map_or('\\', |(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

impl MimeType {
    /// Parses one MIME type; None when there is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches(is_blank);
        let (essence, mut rest) = text.split_at(text.find(';').unwrap_or(text.len()));
        let (kind, subtype) = essence.split_once('/')?;
        let subtype = subtype.trim_end_matches(is_blank);
        if !is_token_text(kind) || !is_token_text(subtype) {
            return None;
        }
        let essence = format!("{kind}/{subtype}").to_ascii_lowercase();
        let mut parameters: Vec<(String, String)> = Vec::new();
        while let Some(after) = rest.strip_prefix(';') {
            let after = after.trim_start_matches(is_blank);
            let (name, value) = after.split_at(after.find([';', '=']).unwrap_or(after.len()));
            let name = name.to_ascii_lowercase();
            let Some(value) = value.strip_prefix('=') else {
                rest = value;
                continue;
            };
            let is_quoted = value.starts_with('"');
            let (value, tail) = if is_quoted {
                let (value, tail) = quoted(value);
                (
                    value,
                    tail.find(';')
                        .and_then(|end| tail.get(end..))
                        .unwrap_or_default(),
                )
            } else {
                let (value, tail) = value.split_at(value.find(';').unwrap_or(value.len()));
                (value.trim_end_matches(is_blank).to_owned(), tail)
            };
            rest = tail;
            let valid = value.chars().all(|c| {
                c == '\t' || (' '..='~').contains(&c) || ('\u{80}'..='\u{ff}').contains(&c)
            });
            if is_token_text(&name)
                && valid
                && (is_quoted || !value.is_empty())
                && !parameters.iter().any(|(given, _)| *given == name)
            {
                parameters.push((name, value));
            }
        }
        Some(Self {
            essence,
            parameters,
        })
    }

    /// The MIME type of a `content-type` header whose values are joined by commas: the last valid
    /// one, with the charset of an earlier one of the same essence.
    pub(crate) fn extract(text: &str) -> Option<Self> {
        let mut result: Option<Self> = None;
        for part in split_unquoted(text) {
            let Some(mut mime) = Self::parse(part) else {
                continue;
            };
            if mime.essence == "*/*" {
                continue;
            }
            if let Some(earlier) = result
                && earlier.essence == mime.essence
                && mime.parameter("charset").is_none()
                && let Some(charset) = earlier.parameter("charset")
            {
                mime.parameters
                    .push(("charset".to_owned(), charset.to_owned()));
            }
            result = Some(mime);
        }
        result
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.as_str())
    }

    fn serialize(&self) -> String {
        let mut text = self.essence.clone();
        for (name, value) in &self.parameters {
            text.push(';');
            text.push_str(name);
            text.push('=');
            if is_token_text(value) {
                text.push_str(value);
                continue;
            }
            text.push('"');
            for character in value.chars() {
                if matches!(character, '"' | '\\') {
                    text.push('\\');
                }
                text.push(character);
            }
            text.push('"');
        }
        text
    }
}

fn split_unquoted(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut inside, mut escaped) = (0, false, false);
    for (index, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => inside = !inside,
            ',' if !inside => {
                parts.extend(text.get(start..index));
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts
}

/// `{ essence, text, boundary }` of a content type, or null.
fn mime_type(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let text = args
        .get_or_undefined(0)
        .to_string(context)?
        .to_std_string_lossy();
    let Some(mime) = MimeType::extract(&text) else {
        return Ok(JsValue::null());
    };
    let boundary = mime
        .parameter("boundary")
        .map_or_else(JsValue::null, |boundary| JsString::from(boundary).into());
    let object = JsObject::with_object_proto(context.intrinsics());
    let essence = JsString::from(mime.essence.as_str());
    object.create_data_property(js_string!("essence"), essence, context)?;
    object.create_data_property(
        js_string!("text"),
        JsString::from(mime.serialize()),
        context,
    )?;
    object.create_data_property(js_string!("boundary"), boundary, context)?;
    Ok(object.into())
}

fn percent_decode(text: &str) -> Vec<u8> {
    let digit = |byte: &u8| {
        char::from(*byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(&byte) = bytes.get(index) {
        let high = bytes.get(index + 1).and_then(digit);
        let low = bytes.get(index + 2).and_then(digit);
        match (byte, high, low) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(high << 4 | low);
                index += 3;
            }
            _ => {
                decoded.push(byte);
                index += 1;
            }
        }
    }
    decoded
}

/// What a `data:` URL (without its fragment) says: the content type and the bytes.
pub(crate) fn parse_data_url(url: &str) -> Option<(String, Vec<u8>)> {
    let (kind, data) = url.strip_prefix("data:")?.split_once(',')?;
    let mut bytes = percent_decode(data);
    let mut kind = kind.trim_matches(' ');
    let is_base64 = kind
        .len()
        .checked_sub("base64".len())
        .and_then(|at| Some((kind.get(..at)?, kind.get(at..)?)))
        .filter(|(_, end)| end.eq_ignore_ascii_case("base64"))
        .and_then(|(before, _)| before.trim_end_matches(' ').strip_suffix(';'));
    if let Some(before) = is_base64 {
        bytes = base64_simd::forgiving_decode_to_vec(&bytes).ok()?;
        kind = before;
    }
    let prefixed = if kind.starts_with(';') {
        format!("text/plain{kind}")
    } else {
        kind.to_owned()
    };
    let mime = MimeType::parse(&prefixed).map_or_else(
        || "text/plain;charset=US-ASCII".to_owned(),
        |mime| mime.serialize(),
    );
    Some((mime, bytes))
}

/// `{ type, bytes }` of a `data:` URL, or null.
fn data_url(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let url = args
        .get_or_undefined(0)
        .to_string(context)?
        .to_std_string_lossy();
    let url = url
        .split_once('#')
        .map_or(url.as_str(), |(before, _)| before);
    let Some((mime, bytes)) = parse_data_url(url) else {
        return Ok(JsValue::null());
    };
    let bytes = uint8_array(&bytes, context)?;
    let object = JsObject::with_object_proto(context.intrinsics());
    object.create_data_property(js_string!("type"), JsString::from(mime), context)?;
    object.create_data_property(js_string!("bytes"), bytes, context)?;
    Ok(object.into())
}
