//! Dates as people write them: `Date.parse` and `new Date(text)` take what V8 takes besides the
//! standard's format. Time is UTC, as everywhere in a process.

use boa_engine::object::{FunctionObjectBuilder, JsObject};
use boa_engine::property::{PropertyDescriptor, PropertyKey};
use boa_engine::{
    Context, Finalize, JsArgs, JsData, JsResult, JsValue, NativeFunction, Trace, js_string,
};

use crate::isolate::host::type_error;

/// The longest text that is looked at: no date is longer.
const TEXT_CHARS_MAX: usize = 200;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Names of zones, with their hours from UTC.
const ZONES: [(&str, i64); 12] = [
    ("z", 0),
    ("ut", 0),
    ("utc", 0),
    ("gmt", 0),
    ("est", -5),
    ("edt", -4),
    ("cst", -6),
    ("cdt", -5),
    ("mst", -7),
    ("mdt", -6),
    ("pst", -8),
    ("pdt", -7),
];

/// The engine's constructor, and its `parse`.
#[derive(Trace, Finalize, JsData)]
struct Engine {
    constructor: JsObject,
    parse: JsObject,
}

/// Puts a `Date` into the realm that reads more.
pub fn install(context: &mut Context) -> JsResult<()> {
    let global = context.global_object();
    let engine = context.intrinsics().constructors().date().constructor();
    let parse = engine.get(js_string!("parse"), context)?;
    let parse = parse
        .as_object()
        .ok_or_else(|| type_error("There is no Date.parse"))?;
    context.insert_data(Engine {
        constructor: engine.clone(),
        parse,
    });
    let native = NativeFunction::from_fn_ptr(construct);
    let date = FunctionObjectBuilder::new(context.realm(), native)
        .name(js_string!("Date"))
        .length(7)
        .constructor(true)
        .build();
    let native = NativeFunction::from_fn_ptr(parse_text);
    let parse = FunctionObjectBuilder::new(context.realm(), native)
        .name(js_string!("parse"))
        .length(1)
        .build();
    for key in engine.own_property_keys(context)? {
        let own = [
            js_string!("name"),
            js_string!("length"),
            js_string!("parse"),
        ];
        let taken = own.iter().any(|own| PropertyKey::from(own.clone()) == key);
        if taken {
            continue;
        }
        let value = engine.get(key.clone(), context)?;
        let writable = key != PropertyKey::from(js_string!("prototype"));
        let property = hidden(value, writable);
        date.define_property_or_throw(key, property, context)?;
    }
    let property = hidden(parse.into(), true);
    date.define_property_or_throw(js_string!("parse"), property, context)?;
    let prototype = context.intrinsics().constructors().date().prototype();
    let property = hidden(date.clone().into(), true);
    prototype.define_property_or_throw(js_string!("constructor"), property, context)?;
    let property = hidden(date.into(), true);
    global.define_property_or_throw(js_string!("Date"), property, context)?;
    Ok(())
}

fn hidden(value: JsValue, writable: bool) -> PropertyDescriptor {
    PropertyDescriptor::builder()
        .value(value)
        .writable(writable)
        .enumerable(false)
        .configurable(writable)
        .build()
}

fn engine(context: &Context) -> JsResult<(JsObject, JsObject)> {
    let engine = context.get_data::<Engine>();
    let engine = engine.ok_or_else(|| type_error("There is no Date"))?;
    Ok((engine.constructor.clone(), engine.parse.clone()))
}

// `this` is `new.target`.
fn construct(this: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (date, _) = engine(context)?;
    let Some(target) = this.as_object() else {
        // Called: the text of now.
        return date.call(&JsValue::undefined(), args, context);
    };
    if let [only] = args
        && let Some(text) = only.as_string()
    {
        let time = time_of(&text.into(), context)?;
        return Ok(date.construct(&[time], Some(&target), context)?.into());
    }
    Ok(date.construct(args, Some(&target), context)?.into())
}

fn parse_text(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let text = args.get_or_undefined(0).to_string(context)?;
    time_of(&text.into(), context)
}

fn time_of(text: &JsValue, context: &mut Context) -> JsResult<JsValue> {
    let (_, parse) = engine(context)?;
    let time = parse.call(&JsValue::undefined(), std::slice::from_ref(text), context)?;
    if time.as_number().is_some_and(|time| !time.is_nan()) {
        return Ok(time);
    }
    let text = text.to_string(context)?;
    if text.len() > TEXT_CHARS_MAX {
        return Ok(time);
    }
    #[allow(
        clippy::cast_precision_loss,
        reason = "a time in the range of dates is exact"
    )]
    Ok(match milliseconds(&text.to_std_string_lossy()) {
        Some(found) => JsValue::from(found as f64),
        None => time,
    })
}

/// The last year all of which can be a date.
const YEAR_MAX: i64 = 275_759;

/// What a text that is not in the standard's format may say, in parts.
#[derive(Default)]
struct Parts {
    numbers: Vec<(i64, usize)>,
    month: Option<i64>,
    clock: Vec<i64>,
    milliseconds: i64,
    afternoon: Option<bool>,
    zone_minutes: Option<i64>,
}

/// Milliseconds since 1970 of a date in words and numbers, in any usual order.
fn milliseconds(text: &str) -> Option<i64> {
    let mut parts = Parts::default();
    let text = without_comments(text).to_ascii_lowercase();
    let mut rest = text.as_str();
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '0'..='9' => parts.number(rest, before)?,
            'a'..='z' => parts.word(rest)?,
            '+' | '-' if !parts.clock.is_empty() || parts.zone_minutes == Some(0) => {
                parts.zone(rest)?
            }
            ' ' | ',' | '/' | '-' | '.' => 1,
            _ => return None,
        };
        before = rest[..taken].chars().last()?;
        rest = &rest[taken..];
    }
    parts.time()
}

fn without_comments(text: &str) -> String {
    let mut depth = 0u32;
    let keep = |c: &char| {
        match c {
            '(' => depth += 1,
            ')' => {
                depth = depth.saturating_sub(1);
                return false;
            }
            _ => {}
        }
        depth == 0
    };
    text.chars().filter(keep).collect()
}

fn digits(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_digit());
    &text[..end.unwrap_or(text.len())]
}

impl Parts {
    // A number, or the clock that it begins.
    fn number(&mut self, rest: &str, before: char) -> Option<usize> {
        let first = digits(rest);
        if first.len() > 6 {
            return None;
        }
        let value = first.parse().ok()?;
        let after = &rest[first.len()..];
        if !after.starts_with(':') || !self.clock.is_empty() {
            // Of a year before the first one V8 knows nothing.
            if before == '-' && self.numbers.is_empty() && self.month.is_none() {
                return None;
            }
            self.numbers.push((value, first.len()));
            return Some(first.len());
        }
        self.clock.push(value);
        let mut taken = first.len();
        while rest[taken..].starts_with(':') && self.clock.len() < 3 {
            let next = digits(&rest[taken + 1..]);
            self.clock.push(next.parse().ok()?);
            taken += 1 + next.len();
        }
        if rest[taken..].starts_with('.') && self.clock.len() == 3 {
            let fraction = digits(&rest[taken + 1..]);
            let thousandths: String = fraction.chars().chain("000".chars()).take(3).collect();
            self.milliseconds = thousandths.parse().ok()?;
            taken += 1 + fraction.len();
        }
        Some(taken)
    }

    fn word(&mut self, rest: &str) -> Option<usize> {
        let end = rest.find(|c: char| !c.is_ascii_lowercase());
        let word = &rest[..end.unwrap_or(rest.len())];
        if let Some((_, hours)) = ZONES.iter().find(|(name, _)| *name == word) {
            self.zone_minutes = Some(hours * 60);
        } else if word == "am" || word == "pm" {
            self.afternoon = Some(word == "pm");
        } else if word == "t" && !self.numbers.is_empty() {
            // Between a date and a time.
        } else {
            let short = word.get(..3)?;
            match MONTHS.iter().position(|month| *month == short) {
                Some(month) => self.month = Some(i64::try_from(month).ok()?),
                None if DAYS.contains(&short) => {}
                None => return None,
            }
        }
        Some(word.len())
    }

    // `+0100`, `-01:00` or `+1`.
    fn zone(&mut self, rest: &str) -> Option<usize> {
        let sign = if rest.starts_with('-') { -1 } else { 1 };
        let first = digits(&rest[1..]);
        let mut taken = 1 + first.len();
        let value: i64 = first.parse().ok()?;
        let mut minutes = if first.len() > 2 {
            value / 100 * 60 + value % 100
        } else {
            value * 60
        };
        if first.len() <= 2 && rest[taken..].starts_with(':') {
            let more = digits(&rest[taken + 1..]);
            minutes += more.parse::<i64>().ok()?;
            taken += 1 + more.len();
        }
        self.zone_minutes = Some(sign * minutes);
        Some(taken)
    }

    fn time(&self) -> Option<i64> {
        let (year, month, day) = self.date()?;
        let at = |index: usize| self.clock.get(index).copied().unwrap_or(0);
        let (mut hour, minute, second) = (at(0), at(1), at(2));
        if let Some(afternoon) = self.afternoon {
            if !(1..=12).contains(&hour) {
                return None;
            }
            hour = hour % 12 + if afternoon { 12 } else { 0 };
        }
        let valid = (0..12).contains(&month)
            && (1..=31).contains(&day)
            && (0..=24).contains(&hour)
            && minute < 60
            && second < 60;
        if !valid || (hour == 24 && (minute, second, self.milliseconds) != (0, 0, 0)) {
            return None;
        }
        let minutes = (days(year, month + 1, day) * 24 + hour) * 60 + minute;
        let minutes = minutes - self.zone_minutes.unwrap_or(0);
        Some((minutes * 60 + second) * 1000 + self.milliseconds)
    }

    // Year, month from 0, and day, by which numbers there are.
    fn date(&self) -> Option<(i64, i64, i64)> {
        let full = |(value, length): (i64, usize)| match (value, length) {
            (0..50, ..=2) => value + 2000,
            (50..100, ..=2) => value + 1900,
            _ => value,
        };
        match (self.month, self.numbers.as_slice()) {
            // `Jan 5 2020`, `5 Jan 2020`, `2020 Jan 5`.
            (Some(month), [(year, 3..), (day, _)]) => Some((*year, month, *day)),
            (Some(month), [(day, _), year]) => Some((full(*year), month, *day)),
            (Some(month), [(year, 3..)]) => Some((*year, month, 1)),
            // As in V8, a year that is not said is 2001.
            (Some(month), [(day, _)]) => Some((2001, month, *day)),
            (None, [(year, 3..), (month, _), (day, _)]) => Some((*year, month - 1, *day)),
            (None, [(month, _), (day, _), year]) => Some((full(*year), month - 1, *day)),
            (None, [(month, _), (day, _)]) => Some((2001, month - 1, *day)),
            // A number alone is a month if it could be a day, else a year.
            (None, [(month @ 1..=31, _)]) => Some((2001, month - 1, 1)),
            (None, [(0, _)]) => Some((2000, 0, 1)),
            (None, [year @ (..=YEAR_MAX, _)]) => Some((full(*year), 0, 1)),
            _ => None,
        }
    }
}

// Days since 1970 of a date in the Gregorian calendar, by the usual formula of 400-year eras.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}
