//! The web APIs: a Rust file and a JavaScript file side by side per API, installed in order.
//!
//! Each script's completion value is a function `(native, web)`. `native` holds the functions of
//! the Rust file beside it; `web` is what the scripts share, and no program ever sees it.

use std::path::Path;

use boa_engine::native_function::NativeFunctionPointer;
use boa_engine::{Context, JsObject, JsResult, JsValue, NativeFunction, js_error, js_string};

pub mod base64;
pub mod blob;
pub mod body;
pub mod buffers;
pub mod bytes;
pub mod clone;
pub mod codec;
pub mod compression;
pub mod console;
pub mod crypto;
pub mod encoding;
pub mod form_data;
pub mod headers;
pub mod inspect;
pub mod interface;
pub mod multipart;
pub mod pairs;
pub mod performance;
pub mod prelude;
pub mod random;
pub mod search_params;
mod shared;
pub mod table;
pub mod timers;
pub mod url;
pub mod url_pattern;
pub mod wasm;
pub mod websocket;

/// One API: its script, and the functions in Rust that the script is handed.
#[derive(Debug, Clone, Copy)]
struct Api {
    /// The script's name in stacks.
    name: &'static str,
    /// A classic script whose completion value is a function of `(native, web)`.
    script: &'static str,
    /// Makes the object handed over as `native`.
    natives: Option<fn(&mut Context) -> JsResult<JsObject>>,
}

/// In the order in which they are loaded. Only the first are needed by others while those load;
/// everything else that one script wants of another it looks up on `web` when it is used.
const APIS: &[Api] = &[
    api(
        "prelude",
        include_str!("prelude.js"),
        Some(prelude::natives),
    ),
    api("dom_exception", include_str!("dom_exception.js"), None),
    api(
        "quota_exceeded_error",
        include_str!("quota_exceeded_error.js"),
        None,
    ),
    api("events", include_str!("events.js"), None),
    api("report", include_str!("report.js"), None),
    api("timers", include_str!("timers.js"), Some(timers::natives)),
    api("abort", include_str!("abort.js"), None),
    api(
        "encoding",
        include_str!("encoding.js"),
        Some(encoding::natives),
    ),
    api("base64", include_str!("base64.js"), Some(base64::natives)),
    api("url", include_str!("url.js"), Some(url::natives)),
    api(
        "url_pattern",
        include_str!("url_pattern.js"),
        Some(url_pattern::natives),
    ),
    api(
        "crypto/algorithms",
        include_str!("crypto/algorithms.js"),
        Some(crypto::natives),
    ),
    api("crypto/keys", include_str!("crypto/keys.js"), None),
    api("crypto/secrets", include_str!("crypto/secrets.js"), None),
    api("crypto/pairs", include_str!("crypto/pairs.js"), None),
    api("crypto/subtle", include_str!("crypto/subtle.js"), None),
    api("clone", include_str!("clone.js"), Some(clone::natives)),
    api(
        "console",
        include_str!("console.js"),
        Some(console::natives),
    ),
    api("blob", include_str!("blob.js"), Some(blob::natives)),
    api("file_reader", include_str!("file_reader.js"), None),
    api(
        "form_data",
        include_str!("form_data.js"),
        Some(form_data::natives),
    ),
    api(
        "performance",
        include_str!("performance.js"),
        Some(performance::natives),
    ),
    api("shared", include_str!("shared.js"), Some(shared::natives)),
    api(
        "streams",
        include_str!("streams.js"),
        Some(buffers::natives),
    ),
    api("writable", include_str!("writable.js"), None),
    api("transform", include_str!("transform.js"), None),
    api(
        "compression",
        include_str!("compression.js"),
        Some(compression::natives),
    ),
    api(
        "headers",
        include_str!("headers.js"),
        Some(headers::natives),
    ),
    api("body", include_str!("body.js"), Some(body::natives)),
    api("request", include_str!("request.js"), None),
    api("response", include_str!("response.js"), None),
    api("fetch", include_str!("fetch.js"), None),
    api(
        "wasm/wasm",
        include_str!("wasm/wasm.js"),
        Some(wasm::natives),
    ),
    api("messages", include_str!("messages.js"), None),
    api("event_source", include_str!("event_source.js"), None),
    api(
        "websocket",
        include_str!("websocket.js"),
        Some(websocket::natives),
    ),
];

/// Loads the APIs into the context and answers the object their scripts share.
///
/// The caller gives it `host` (`fetch`, `uncaught`) and `log` before the first program runs.
pub fn install(context: &mut Context) -> JsResult<JsObject> {
    let web = JsObject::with_object_proto(context.intrinsics());
    interface::keep_web_object(&web, context);
    for api in APIS {
        load(api, &web, context)?;
    }
    clone::refuse_platform_classes(context)?;
    Ok(web)
}

/// To be called in every process after its fork: what was drawn before must not come again.
pub fn reseed() -> Result<(), random::RandomError> {
    performance::restart_clock();
    random::reseed()
}

/// Whether no random numbers were drawn so far.
pub fn untouched() -> bool {
    random::untouched()
}

// Runs one API's script on the shared object.
fn load(api: &Api, web: &JsObject, context: &mut Context) -> JsResult<()> {
    let path = format!("town:runtime/web/{}.js", api.name);
    let script = context.eval_text(api.script, Some(Path::new(&path)))?;
    let Some(script) = script.as_callable() else {
        return Err(js_error!(TypeError: "the script of a web API must be a function"));
    };
    let native = match api.natives {
        Some(natives) => natives(context)?.into(),
        None => JsValue::undefined(),
    };
    script.call(
        &JsValue::undefined(),
        &[native, web.clone().into()],
        context,
    )?;
    Ok(())
}

const fn api(
    name: &'static str,
    script: &'static str,
    natives: Option<fn(&mut Context) -> JsResult<JsObject>>,
) -> Api {
    Api {
        name,
        script,
        natives,
    }
}

/// Makes the object of native functions that a script is handed.
pub(crate) fn native_object(
    functions: &[(&str, NativeFunctionPointer)],
    context: &mut Context,
) -> JsResult<JsObject> {
    let object = JsObject::with_object_proto(context.intrinsics());
    for &(name, pointer) in functions {
        let function = NativeFunction::from_fn_ptr(pointer).to_js_function(context.realm());
        object.create_data_property_or_throw(js_string!(name), function, context)?;
    }
    Ok(object)
}
