//! Storage.

use boa_engine::JsArgs as _;
use boa_engine::object::builtins::{JsArray, JsUint8Array};
use boa_engine::property::PropertyKey;
use boa_engine::{Context, JsBigInt, JsResult, JsValue, js_string};

use super::SAFE_INTEGER;
use super::http::{body_up, response};
use super::values::{
    data, items, milliseconds, names, number, object, optional_text, plain, strings, text,
    unexpected,
};
use crate::isolate::host::{Host, text_property, type_error, uint8_array};
use crate::limits::BATCH_STATEMENTS_MAX;
use crate::storage::{BatchMode, ResultSet, SqlArguments, SqlValue, Statement};
use crate::wire::{Answer, Call};

pub(super) fn execute(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let names = names(args.get_or_undefined(0), context)?;
    let statement = statement(args.get_or_undefined(1), context)?;
    let call = Call::StorageExecute {
        names: names.clone(),
        statement,
    };
    Host::of(context).call(call, names, one_set, context)
}

pub(super) fn batch(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let names = names(args.get_or_undefined(0), context)?;
    let list = items(args.get_or_undefined(1), context)?;
    if list.len() > BATCH_STATEMENTS_MAX {
        return Err(type_error(format!(
            "A batch of {} statements is over the limit of {BATCH_STATEMENTS_MAX}",
            list.len()
        )));
    }
    let statements = list
        .iter()
        .map(|item| statement(item, context))
        .collect::<JsResult<Vec<_>>>()?;
    let mode = match optional_text(args.get_or_undefined(2), context)?.as_deref() {
        None | Some("write") => BatchMode::Write,
        Some("read") => BatchMode::Read,
        Some("deferred") => BatchMode::Deferred,
        Some(other) => {
            return Err(type_error(format!(
                "{other} is no mode: write, read or deferred"
            )));
        }
    };
    let call = Call::StorageBatch {
        names: names.clone(),
        statements,
        mode,
    };
    Host::of(context).call(call, names, all_sets, context)
}

pub(super) fn subs(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let names = names(args.get_or_undefined(0), context)?;
    let prefix = optional_text(args.get_or_undefined(1), context)?.unwrap_or_default();
    Host::of(context).call(
        Call::StorageSubs { names, prefix },
        Vec::new(),
        plain,
        context,
    )
}

pub(super) fn drop_below(
    _: &JsValue,
    args: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    let names = names(args.get_or_undefined(0), context)?;
    let name = text(args.get_or_undefined(1), context)?;
    Host::of(context).call(
        Call::StorageDrop { names, name },
        Vec::new(),
        plain,
        context,
    )
}

pub(super) fn changed(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let names = names(args.get_or_undefined(0), context)?;
    let after = args.get_or_undefined(1).to_number(context)?;
    let after = if after.is_finite() && after > 0.0 {
        after as u64
    } else {
        0
    };
    let call = Call::StorageChanged {
        names: names.clone(),
        after,
    };
    Host::of(context).call(call, names, plain, context)
}

pub(super) fn usage(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let names = names(args.get_or_undefined(0), context)?;
    Host::of(context).call(Call::StorageUsage { names }, Vec::new(), plain, context)
}

pub(super) fn set_alarm(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let names = names(args.get_or_undefined(0), context)?;
    let at = args.get_or_undefined(1);
    let at_ms = if at.is_null() {
        None
    } else {
        Some(milliseconds(at, context)?)
    };
    let call = Call::StorageSetAlarm { names, at_ms };
    Host::of(context).call(call, Vec::new(), plain, context)
}

pub(super) fn export(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let names = names(args.get_or_undefined(0), context)?;
    let note = optional_text(args.get_or_undefined(1), context)?;
    let call = Call::StorageExport { names, note };
    Host::of(context).call(call, Vec::new(), response, context)
}

pub(super) fn import(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let names = names(args.get_or_undefined(0), context)?;
    let name = text(args.get_or_undefined(1), context)?;
    let body = body_up(args.get_or_undefined(2), context)?;
    let call = Call::StorageImport { names, name, body };
    Host::of(context).call(call, Vec::new(), plain, context)
}

pub(super) fn copy(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let into = names(args.get_or_undefined(0), context)?;
    let name = text(args.get_or_undefined(1), context)?;
    let from = names(args.get_or_undefined(2), context)?;
    let selection = data(args.get_or_undefined(3), "selection", context)?;
    let call = Call::StorageCopy {
        names: into,
        name,
        from,
        selection,
    };
    Host::of(context).call(call, Vec::new(), plain, context)
}

pub(super) fn revision(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let names = names(args.get_or_undefined(0), context)?;
    Ok(number(Host::of(context).revision(&names)))
}

fn statement(value: &JsValue, context: &mut Context) -> JsResult<Statement> {
    let Some(object) = value.as_object() else {
        return Ok(Statement {
            sql: text(value, context)?,
            arguments: SqlArguments::None,
        });
    };
    let sql = text_property(&object, "sql", context)?
        .ok_or_else(|| type_error("A statement is a string, or an object with `sql`"))?;
    let args = object.get(js_string!("args"), context)?;
    let Some(args) = args.as_object() else {
        return Ok(Statement {
            sql,
            arguments: SqlArguments::None,
        });
    };
    let arguments = if args.is_array() {
        let values = items(&args.into(), context)?;
        let values = values.iter().map(|value| sql_value(value, context));
        SqlArguments::Positional(values.collect::<JsResult<_>>()?)
    } else {
        let mut named = Vec::new();
        for key in args.own_property_keys(context)? {
            let PropertyKey::String(name) = &key else {
                continue;
            };
            let name = name.to_std_string_lossy();
            let value = args.get(key, context)?;
            named.push((name, sql_value(&value, context)?));
        }
        SqlArguments::Named(named)
    };
    Ok(Statement { sql, arguments })
}

fn sql_value(value: &JsValue, context: &mut Context) -> JsResult<SqlValue> {
    if value.is_null_or_undefined() {
        return Ok(SqlValue::Null);
    }
    if let Some(flag) = value.as_boolean() {
        return Ok(SqlValue::Integer(i64::from(flag)));
    }
    if let Some(string) = value.as_string() {
        return Ok(SqlValue::Text(string.to_std_string_lossy()));
    }
    if let Some(real) = value.as_number() {
        #[allow(clippy::cast_precision_loss, reason = "the bound is exact")]
        let integral = real.fract() == 0.0 && real.abs() <= SAFE_INTEGER as f64;
        return Ok(if integral {
            SqlValue::Integer(real as i64)
        } else {
            SqlValue::Real(real)
        });
    }
    if let Some(big) = value.as_bigint() {
        let integer = big
            .to_string()
            .parse()
            .map_err(|_| type_error("A bigint beyond 64 bits does not fit into SQLite"))?;
        return Ok(SqlValue::Integer(integer));
    }
    if let Some(object) = value.as_object() {
        if let Ok(array) = JsUint8Array::from_object(object.clone()) {
            return Ok(SqlValue::Blob(array.to_vec(context)?));
        }
        if let Ok(buffer) = boa_engine::object::builtins::JsArrayBuffer::from_object(object.clone())
        {
            return Ok(SqlValue::Blob(buffer.to_vec().unwrap_or_default()));
        }
        if let Ok(date) = boa_engine::object::builtins::JsDate::from_object(object.clone()) {
            let iso = date.to_iso_string(context)?;
            return Ok(SqlValue::Text(text(&iso, context)?));
        }
    }
    Err(type_error(
        "SQLite takes null, numbers, bigints, strings, booleans, Dates and Uint8Arrays",
    ))
}

fn one_set(answer: Answer, context: &mut Context) -> JsResult<JsValue> {
    let Answer::Rows { sets, .. } = answer else {
        return unexpected();
    };
    match sets.into_iter().next() {
        Some(set) => result_set(set, context),
        None => unexpected(),
    }
}

fn all_sets(answer: Answer, context: &mut Context) -> JsResult<JsValue> {
    let Answer::Rows { sets, .. } = answer else {
        return unexpected();
    };
    let sets = sets
        .into_iter()
        .map(|set| result_set(set, context))
        .collect::<JsResult<Vec<_>>>()?;
    Ok(JsArray::from_iter(sets, context).into())
}

fn result_set(set: ResultSet, context: &mut Context) -> JsResult<JsValue> {
    let mut rows = Vec::with_capacity(set.rows.len());
    for row in set.rows {
        let values = row
            .into_iter()
            .map(|v| from_sql(v, context))
            .collect::<JsResult<Vec<_>>>()?;
        rows.push(JsValue::from(JsArray::from_iter(values, context)));
    }
    let columns = strings(&set.columns, context);
    let column_types = strings(&set.column_types, context);
    let rows = JsArray::from_iter(rows, context).into();
    let rowid = integer(set.last_insert_rowid);
    object(
        &[
            ("columns", columns),
            ("columnTypes", column_types),
            ("rows", rows),
            ("rowsAffected", number(set.rows_affected)),
            ("lastInsertRowid", rowid),
        ],
        context,
    )
}

fn from_sql(value: SqlValue, context: &mut Context) -> JsResult<JsValue> {
    Ok(match value {
        SqlValue::Null => JsValue::null(),
        SqlValue::Integer(value) => integer(value),
        SqlValue::Real(value) => value.into(),
        SqlValue::Text(value) => js_string!(value.as_str()).into(),
        SqlValue::Blob(bytes) => uint8_array(bytes, context)?,
    })
}

fn integer(value: i64) -> JsValue {
    if let Ok(small) = i32::try_from(value) {
        small.into()
    } else if value.unsigned_abs() <= SAFE_INTEGER.unsigned_abs() {
        #[allow(clippy::cast_precision_loss, reason = "just checked")]
        let exact = value as f64;
        exact.into()
    } else {
        JsBigInt::from(value).into()
    }
}
