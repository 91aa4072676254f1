//! `console`: formats, counts and times, and hands each line to `web.log(level, text)`.

use super::inspect::{DEPTH_SHOWN, LINE_CHARS_MAX, bigint_text, inspect, own_data, shown};
use super::interface::{PlatformDescriptions, functions, require, web_member};
use super::table;
use boa_engine::object::JsObject as Object;
use boa_engine::value::JsVariant;
use boa_engine::{
    Context, Finalize, JsArgs, JsData, JsObject, JsResult, JsString, JsValue, Trace, js_string,
};
use std::collections::HashMap;
use std::time::Instant;

// How many counters, and how many timers, a program may have at a time.
const LABELS_MAX: usize = 1_000;

// Deeper groups are not indented further: the text would be all margin.
const INDENTS_MAX: usize = 32;

/// What the console remembers between calls.
#[derive(Debug, Default, Trace, Finalize, JsData)]
struct ConsoleState {
    #[unsafe_ignore_trace]
    counters: HashMap<String, u64>,
    #[unsafe_ignore_trace]
    timers: HashMap<String, Instant>,
    groups: usize,
}

/// How much a line matters.
#[derive(Debug, Clone, Copy)]
enum Level {
    Debug,
    Info,
    Log,
    Warn,
    Error,
}

impl Level {
    fn name(self) -> JsString {
        match self {
            Self::Debug => js_string!("debug"),
            Self::Info => js_string!("info"),
            Self::Log => js_string!("log"),
            Self::Warn => js_string!("warn"),
            Self::Error => js_string!("error"),
        }
    }
}

/// The methods, and `describe(prototype, function)` for platform classes.
pub fn natives(context: &mut Context) -> JsResult<JsObject> {
    context
        .realm()
        .host_defined_mut()
        .insert(ConsoleState::default());
    let natives = functions(
        &[("describe", 2, describe), ("inspect", 1, inspected)],
        context,
    );
    let methods = functions(
        &[
            ("debug", 0, |_, it, context| {
                print(Level::Debug, it, context)
            }),
            ("error", 0, |_, it, context| {
                print(Level::Error, it, context)
            }),
            ("info", 0, |_, it, context| print(Level::Info, it, context)),
            ("log", 0, |_, it, context| print(Level::Log, it, context)),
            ("warn", 0, |_, it, context| print(Level::Warn, it, context)),
            ("assert", 0, assert),
            ("clear", 0, clear),
            ("count", 0, count),
            ("countReset", 0, count_reset),
            ("dir", 0, dir),
            ("dirxml", 0, |_, it, context| print(Level::Log, it, context)),
            ("group", 0, group),
            ("groupCollapsed", 0, group),
            ("groupEnd", 0, group_end),
            ("table", 0, table),
            ("time", 0, time),
            ("timeEnd", 0, time_end),
            ("timeLog", 0, time_log),
            ("trace", 0, trace),
        ],
        context,
    );
    super::interface::put(&natives, "methods", methods);
    Ok(natives)
}

fn describe(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let prototype = arguments.get_or_undefined(0).as_object();
    let describe = arguments.get_or_undefined(1).as_callable();
    if let (Some(prototype), Some(describe)) = (prototype, describe) {
        PlatformDescriptions::add(prototype, describe, context);
    }
    Ok(JsValue::undefined())
}

fn inspected(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let depth = match arguments.get_or_undefined(1) {
        depth if depth.is_undefined() => DEPTH_SHOWN,
        depth => usize::try_from(depth.to_u32(context)?).unwrap_or(usize::MAX),
    };
    let text = inspect(arguments.get_or_undefined(0), depth, context);
    Ok(JsString::from(text).into())
}

/// The text of a list of arguments: the first may be a format.
pub fn format(arguments: &[JsValue], context: &mut Context) -> String {
    let mut text = String::new();
    let mut rest = arguments;
    if let [first, others @ ..] = arguments
        && let Some(string) = first.as_string()
    {
        let string = shown(&string);
        rest = if others.is_empty() {
            text.push_str(&string);
            others
        } else {
            substitute(&string, others, &mut text, context)
        };
        if !rest.is_empty() {
            text.push(' ');
        }
    }
    for (index, argument) in rest.iter().enumerate() {
        if text.len() > LINE_CHARS_MAX {
            break;
        }
        if index > 0 {
            text.push(' ');
        }
        text.push_str(&plain(argument, DEPTH_SHOWN, context));
    }
    text
}

/// Replaces the directives of a format; gives back the arguments it did not use.
fn substitute<'list>(
    format: &str,
    mut arguments: &'list [JsValue],
    text: &mut String,
    context: &mut Context,
) -> &'list [JsValue] {
    let mut characters = format.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        let directive = characters.peek().copied();
        if directive == Some('%') {
            characters.next();
            text.push('%');
            continue;
        }
        let known = directive.filter(|it| "sdifjoOc".contains(*it));
        let (Some(directive), [argument, others @ ..]) = (known, arguments) else {
            text.push('%');
            continue;
        };
        if text.len() > LINE_CHARS_MAX {
            return &[];
        }
        characters.next();
        arguments = others;
        match directive {
            's' => text.push_str(&plain(argument, 0, context)),
            'd' => text.push_str(&number_text(argument, false)),
            'i' => text.push_str(&number_text(argument, true)),
            'f' => text.push_str(&JsValue::from(number(argument)).display().to_string()),
            // Styles have no meaning in a log.
            'c' => {}
            // JSON would run the program's code; what is shown of an object is nearly that.
            _ => text.push_str(&inspect(argument, DEPTH_SHOWN, context)),
        }
    }
    arguments
}

/// A string as it is, anything else as it is shown.
fn plain(value: &JsValue, depth: usize, context: &mut Context) -> String {
    match value.as_string() {
        Some(string) => shown(&string),
        None => inspect(value, depth, context),
    }
}

/// The number that a primitive is; an object is none, since asking it would run its code.
fn number(value: &JsValue) -> f64 {
    match value.variant() {
        JsVariant::Integer32(integer) => f64::from(integer),
        JsVariant::Float64(number) => number,
        JsVariant::Boolean(boolean) => f64::from(u8::from(boolean)),
        JsVariant::Null => 0.0,
        JsVariant::String(string) => string.to_number(),
        JsVariant::BigInt(bigint) => bigint.to_f64(),
        JsVariant::Undefined | JsVariant::Symbol(_) | JsVariant::Object(_) => f64::NAN,
    }
}

fn number_text(value: &JsValue, whole: bool) -> String {
    if let Some(bigint) = value.as_bigint() {
        return bigint_text(&bigint);
    }
    let number = number(value);
    let number = if whole { number.trunc() } else { number };
    JsValue::from(number).display().to_string()
}

fn print(level: Level, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let text = format(arguments, context);
    emit(level, &text, context)
}

/// Hands a text to the log, indented by the open groups and cut to its limit.
fn emit(level: Level, text: &str, context: &mut Context) -> JsResult<JsValue> {
    let groups = with_state(context, |state| state.groups);
    let margin = "  ".repeat(groups.min(INDENTS_MAX));
    let mut line = if groups == 0 {
        text.to_owned()
    } else {
        format!("{margin}{}", text.replace('\n', &format!("\n{margin}")))
    };
    if let Some((end, _)) = line.char_indices().nth(LINE_CHARS_MAX) {
        line.truncate(end);
        line.push_str("...");
    }
    if let Some(log) = web_member("log", context)?.as_callable() {
        let arguments = [level.name().into(), JsString::from(line).into()];
        log.call(&JsValue::undefined(), &arguments, context)?;
    }
    Ok(JsValue::undefined())
}

fn with_state<R: Default>(context: &Context, f: impl FnOnce(&mut ConsoleState) -> R) -> R {
    let mut host = context.realm().host_defined_mut();
    host.get_mut::<ConsoleState>().map(f).unwrap_or_default()
}

fn label(arguments: &[JsValue], context: &mut Context) -> JsResult<String> {
    // Long enough for every label that a person wrote.
    const CHARS_MAX: usize = 200;
    let label = arguments.get_or_undefined(0);
    if label.is_undefined() {
        return Ok("default".to_owned());
    }
    let text = if label.is_object() {
        shown(&label.to_string(context)?)
    } else {
        plain(label, 0, context)
    };
    Ok(text.chars().take(CHARS_MAX).collect())
}

fn assert(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    if arguments.get_or_undefined(0).to_boolean() {
        return Ok(JsValue::undefined());
    }
    let text = format(arguments.get(1..).unwrap_or_default(), context);
    if text.is_empty() {
        return emit(Level::Error, "Assertion failed", context);
    }
    emit(Level::Error, &format!("Assertion failed: {text}"), context)
}

fn clear(_: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    with_state(context, |state| state.groups = 0);
    Ok(JsValue::undefined())
}

fn count(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let label = label(arguments, context)?;
    let count = with_state(context, |state| {
        if state.counters.len() >= LABELS_MAX && !state.counters.contains_key(&label) {
            state.counters.clear();
        }
        let count = state.counters.entry(label.clone()).or_default();
        *count += 1;
        *count
    });
    emit(Level::Log, &format!("{label}: {count}"), context)
}

fn count_reset(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let label = label(arguments, context)?;
    if with_state(context, |state| state.counters.remove(&label)).is_some() {
        return Ok(JsValue::undefined());
    }
    emit(
        Level::Warn,
        &format!("Count for '{label}' does not exist"),
        context,
    )
}

fn dir(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    // As deep as a person reads; the work is bounded anyway.
    const DEPTH_MAX: f64 = 20.0;
    let options = arguments.get_or_undefined(1).as_object();
    let depth = options.and_then(|options: Object| own_data(&options, js_string!("depth")));
    let depth = match depth {
        Some(depth) if depth.is_null() => DEPTH_MAX,
        Some(depth) => depth
            .as_number()
            .unwrap_or(DEPTH_SHOWN as f64)
            .clamp(0.0, DEPTH_MAX),
        None => DEPTH_SHOWN as f64,
    };
    let text = inspect(arguments.get_or_undefined(0), depth as usize, context);
    emit(Level::Log, &text, context)
}

fn group(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    if !arguments.is_empty() {
        print(Level::Log, arguments, context)?;
    }
    with_state(context, |state| {
        state.groups = state.groups.saturating_add(1)
    });
    Ok(JsValue::undefined())
}

fn group_end(_: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    with_state(context, |state| {
        state.groups = state.groups.saturating_sub(1)
    });
    Ok(JsValue::undefined())
}

fn table(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    require(arguments, 0, "console.table")?;
    match table::text(arguments, context) {
        Some(text) => emit(Level::Log, &text, context),
        None => print(Level::Log, arguments, context),
    }
}

fn time(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let label = label(arguments, context)?;
    let exists = with_state(context, |state| {
        if state.timers.contains_key(&label) {
            return true;
        }
        if state.timers.len() >= LABELS_MAX {
            state.timers.clear();
        }
        state.timers.insert(label.clone(), Instant::now());
        false
    });
    if exists {
        return emit(
            Level::Warn,
            &format!("Timer '{label}' already exists"),
            context,
        );
    }
    Ok(JsValue::undefined())
}

fn time_end(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let label = label(arguments, context)?;
    let started = with_state(context, |state| state.timers.remove(&label));
    elapsed(&label, started, &[], context)
}

fn time_log(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let label = label(arguments, context)?;
    let started = with_state(context, |state| state.timers.get(&label).copied());
    elapsed(
        &label,
        started,
        arguments.get(1..).unwrap_or_default(),
        context,
    )
}

fn elapsed(
    label: &str,
    started: Option<Instant>,
    data: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    let Some(started) = started else {
        return emit(
            Level::Warn,
            &format!("Timer '{label}' does not exist"),
            context,
        );
    };
    let elapsed_ms = started.elapsed().as_secs_f64() * 1000.0;
    let mut text = format!("{label}: {elapsed_ms:.1}ms");
    if !data.is_empty() {
        text.push(' ');
        text.push_str(&format(data, context));
    }
    emit(Level::Log, &text, context)
}

fn trace(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let text = format(arguments, context);
    let class = context.intrinsics().constructors().error().constructor();
    let error = class.construct(&[], None, context)?;
    let stack = inspect(&error.into(), 0, context);
    let frames = stack.split_once('\n').map_or("", |(_, frames)| frames);
    let colon = if text.is_empty() { "" } else { ": " };
    emit(
        Level::Log,
        format!("Trace{colon}{text}\n{frames}").trim_end(),
        context,
    )
}
