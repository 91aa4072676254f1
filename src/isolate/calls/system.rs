//! The files of the system.

use boa_engine::JsArgs as _;
use boa_engine::{Context, JsResult, JsValue};

use super::values::{data, optional_text, plain, text};
use crate::isolate::host::Host;
use crate::wire::{Call, SystemChange};

pub(super) fn system_list(_: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    Host::of(context).call(Call::SystemList, Vec::new(), plain, context)
}

pub(super) fn system_read(
    _: &JsValue,
    args: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    let path = text(args.get_or_undefined(0), context)?;
    Host::of(context).call(Call::SystemRead { path }, Vec::new(), plain, context)
}

pub(super) fn system_write(
    _: &JsValue,
    args: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    let call = Call::SystemWrite {
        path: text(args.get_or_undefined(0), context)?,
        source: text(args.get_or_undefined(1), context)?,
        note: optional_text(args.get_or_undefined(2), context)?,
    };
    Host::of(context).call(call, Vec::new(), plain, context)
}

pub(super) fn system_restore(
    _: &JsValue,
    args: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    let call = Call::SystemRestore {
        path: optional_text(args.get_or_undefined(0), context)?,
        note: optional_text(args.get_or_undefined(1), context)?,
    };
    Host::of(context).call(call, Vec::new(), plain, context)
}

pub(super) fn system_change(
    _: &JsValue,
    args: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    let reload = args.get_or_undefined(2);
    let change = SystemChange {
        changes: data(args.get_or_undefined(0), "changes", context)?,
        note: optional_text(args.get_or_undefined(1), context)?,
        reload: if reload.is_undefined() {
            None
        } else {
            Some(data(reload, "reload", context)?)
        },
    };
    let call = Call::SystemChange(Box::new(change));
    Host::of(context).call(call, Vec::new(), plain, context)
}

pub(super) fn system_history(
    _: &JsValue,
    args: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    let before = args.get_or_undefined(1);
    let limit = args.get_or_undefined(2);
    let call = Call::SystemHistory {
        path: optional_text(args.get_or_undefined(0), context)?,
        before: if before.is_undefined() {
            None
        } else {
            Some(before.to_length(context)?.try_into().unwrap_or(i64::MAX))
        },
        limit: if limit.is_undefined() {
            u32::MAX
        } else {
            limit.to_u32(context)?
        },
    };
    Host::of(context).call(call, Vec::new(), plain, context)
}

pub(super) fn system_text(
    _: &JsValue,
    args: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    let digest = text(args.get_or_undefined(0), context)?;
    Host::of(context).call(Call::SystemText { digest }, Vec::new(), plain, context)
}

pub(super) fn system_reload(
    _: &JsValue,
    _: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    Host::of(context).call(Call::SystemReload, Vec::new(), plain, context)
}

pub(super) fn system_health(
    _: &JsValue,
    _: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    Host::of(context).call(Call::SystemHealth, Vec::new(), plain, context)
}
