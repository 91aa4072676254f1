//! Requests, responses and bodies, as the bridge has them.

use boa_engine::JsArgs as _;
use boa_engine::object::builtins::JsArray;
use boa_engine::{Context, JsResult, JsString, JsValue, js_string};

use super::values::{items, object, text, unexpected};
use crate::isolate::host::{Host, bytes_of, uint8_array};
use crate::wire::{Answer, BodyDown, BodyUp, Header, RequestHead};

pub(super) fn response(answer: Answer, context: &mut Context) -> JsResult<JsValue> {
    let (status, headers, url, redirected, body) = match answer {
        Answer::NeedProgram => return Ok(JsValue::undefined()),
        Answer::Response {
            status,
            headers,
            url,
            redirected,
            body,
        } => (status, headers, url, redirected, body),
        _ => return unexpected(),
    };
    let headers = flat_headers(&headers, context);
    let body = body_down(body, context)?;
    object(
        &[
            ("status", status.into()),
            ("headers", headers),
            ("url", js_string!(url.as_str()).into()),
            ("redirected", redirected.into()),
            ("body", body),
        ],
        context,
    )
}

/// What the bridge makes a body from: null, bytes, or the number of a stream.
pub fn body_down(body: BodyDown, context: &mut Context) -> JsResult<JsValue> {
    Ok(match body {
        BodyDown::Empty => JsValue::null(),
        BodyDown::Bytes(bytes) => uint8_array(bytes, context)?,
        BodyDown::Stream(stream) => {
            Host::of(context).open_source(stream);
            stream.into()
        }
    })
}

/// `[name, value, ...]`; each byte of a value is a character.
pub fn flat_headers(headers: &[Header], context: &mut Context) -> JsValue {
    let mut flat = Vec::with_capacity(2 * headers.len());
    for (name, value) in headers {
        flat.push(JsValue::from(js_string!(name.as_str())));
        let value = match std::str::from_utf8(value) {
            Ok(text) if text.is_ascii() => js_string!(text),
            _ => {
                let units: Vec<u16> = value.iter().copied().map(u16::from).collect();
                JsString::from(units.as_slice())
            }
        };
        flat.push(value.into());
    }
    JsArray::from_iter(flat, context).into()
}

pub(super) fn request_head(args: &[JsValue], context: &mut Context) -> JsResult<RequestHead> {
    Ok(RequestHead {
        method: text(args.get_or_undefined(0), context)?,
        url: text(args.get_or_undefined(1), context)?,
        headers: headers(args.get_or_undefined(2), context)?,
    })
}

pub(super) fn headers(value: &JsValue, context: &mut Context) -> JsResult<Vec<Header>> {
    let flat = items(value, context)?;
    flat.chunks_exact(2)
        .map(|pair| {
            let name = text(&pair[0], context)?;
            let value = pair[1].to_string(context)?;
            let bytes = value.iter().map(|unit| unit.to_le_bytes()[0]).collect();
            Ok((name, bytes))
        })
        .collect()
}

// null, a Uint8Array, the number of a kernel stream to join, or `[number]` of a stream of ours.
pub(super) fn body_up(value: &JsValue, context: &mut Context) -> JsResult<BodyUp> {
    if value.is_null_or_undefined() {
        return Ok(BodyUp::Empty);
    }
    if value.is_number() {
        let stream = value.to_u32(context)?;
        Host::of(context).give_up(stream);
        return Ok(BodyUp::Join(stream));
    }
    if value.as_object().is_some_and(|object| object.is_array()) {
        let parts = items(value, context)?;
        let stream = parts.as_slice().get_or_undefined(0).to_u32(context)?;
        let length = parts.as_slice().get_or_undefined(2).as_number();
        #[allow(clippy::cast_sign_loss, reason = "the length of an array of bytes")]
        let length = length.map(|length| length as u64);
        return Ok(BodyUp::Stream { stream, length });
    }
    Ok(BodyUp::Bytes(bytes_of(value, context)?))
}
