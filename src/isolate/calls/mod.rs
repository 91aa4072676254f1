//! Kernel calls as native functions: JavaScript arguments to `Call`, `Answer` to JavaScript.

mod http;
mod loader;
mod program;
mod runs;
mod storage;
mod system;
mod values;

use boa_engine::object::{FunctionObjectBuilder, JsObject};
use boa_engine::{Context, JsResult, JsValue, NativeFunction, js_string};

pub use self::http::{body_down, flat_headers};
use self::loader::{
    compile, fetch, isolate_alarm, isolate_call, isolate_cancel, isolate_fetch, isolate_prepare,
    isolate_usage,
};
pub use self::runs::from_run;
use self::runs::{
    cancel_source, close_sink, describe, done, enter, fail, line, open_sink, pull, refuse, renew,
    resolved, respond, returned, run, untouched, write,
};
use self::storage::{
    batch, changed, copy, drop_below, execute, export, import, revision, set_alarm, subs, usage,
};
use self::system::{
    system_change, system_health, system_history, system_list, system_read, system_reload,
    system_restore, system_text, system_write,
};
pub use self::values::{names, text};

/// Integers up to here are exact in a JavaScript number.
const SAFE_INTEGER: i64 = (1 << 53) - 1;

type Native = fn(&JsValue, &[JsValue], &mut Context) -> JsResult<JsValue>;

/// The object that the bridge script gets.
pub fn natives(context: &mut Context) -> JsResult<JsObject> {
    let table: &[(&str, usize, Native)] = &[
        ("execute", 2, execute),
        ("batch", 3, batch),
        ("subs", 2, subs),
        ("drop", 2, drop_below),
        ("changed", 2, changed),
        ("usage", 1, usage),
        ("setAlarm", 2, set_alarm),
        ("export", 2, export),
        ("import", 3, import),
        ("copy", 4, copy),
        ("revision", 1, revision),
        ("compile", 2, compile),
        ("isolateFetch", 6, isolate_fetch),
        ("isolateCall", 3, isolate_call),
        ("isolateAlarm", 4, isolate_alarm),
        ("isolateCancel", 2, isolate_cancel),
        ("isolatePrepare", 1, isolate_prepare),
        ("isolateUsage", 1, isolate_usage),
        ("fetch", 6, fetch),
        ("systemList", 0, system_list),
        ("systemRead", 1, system_read),
        ("systemWrite", 3, system_write),
        ("systemRestore", 2, system_restore),
        ("systemChange", 3, system_change),
        ("systemHistory", 3, system_history),
        ("systemText", 1, system_text),
        ("systemReload", 0, system_reload),
        ("systemHealth", 0, system_health),
        ("respond", 5, respond),
        ("returned", 2, returned),
        ("fail", 2, fail),
        ("done", 1, done),
        ("resolved", 2, resolved),
        ("openSink", 0, open_sink),
        ("write", 2, write),
        ("closeSink", 2, close_sink),
        ("pull", 1, pull),
        ("cancelSource", 1, cancel_source),
        ("untouched", 1, untouched),
        ("line", 2, line),
        ("refuse", 2, refuse),
        ("run", 0, run),
        ("enter", 1, enter),
        ("renew", 0, renew),
        ("describe", 1, describe),
    ];
    let object = JsObject::with_null_proto();
    for (name, length, function) in table {
        let function =
            FunctionObjectBuilder::new(context.realm(), NativeFunction::from_fn_ptr(*function))
                .name(js_string!(*name))
                .length(*length)
                .build();
        object.create_data_property_or_throw(js_string!(*name), function, context)?;
    }
    Ok(object)
}
