//! SQLite's own `instr`, `replace`, `trim` and `unhex`, in linear time.
//!
//! The built-in ones take time by the product of their arguments, and no deadline interrupts a
//! function: two values of some megabytes would keep a thread busy for hours.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ffi::{CStr, c_int};
use std::slice;

use memchr::memmem;
use rusqlite::{Connection, ffi};

use crate::limits::VALUE_BYTES_MAX;

/// Replaces the built-in functions of this connection.
pub(super) fn bound_patterns(connection: &Connection) -> rusqlite::Result<()> {
    for (name, arguments, function) in [
        (c"instr", 2, instr as Function),
        (c"replace", 3, replace),
        (c"trim", 2, trim),
        (c"ltrim", 2, trim_start),
        (c"rtrim", 2, trim_end),
        (c"unhex", 2, unhex),
    ] {
        install(connection, name, arguments, function)?;
    }
    Ok(())
}

/// A function of SQL: its arguments, none of them NULL, to its result.
type Function = fn(&[Argument<'_>]) -> Answer;

/// What a function answers.
enum Answer {
    Null,
    Integer(i64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
    TooBig,
}

/// An argument as text; a blob's bytes are taken for text, as SQLite does.
struct Argument<'v> {
    bytes: &'v [u8],
    is_blob: bool,
}

fn instr(arguments: &[Argument<'_>]) -> Answer {
    let [haystack, needle] = arguments else {
        return Answer::Null;
    };
    let Some(at) = memmem::find(haystack.bytes, needle.bytes) else {
        return Answer::Integer(0);
    };
    let before = &haystack.bytes[..at];
    let position = if haystack.is_blob && needle.is_blob {
        before.len()
    } else {
        before.iter().filter(|byte| !continues(**byte)).count()
    };
    Answer::Integer(position as i64 + 1)
}

fn replace(arguments: &[Argument<'_>]) -> Answer {
    let [text, pattern, replacement] = arguments else {
        return Answer::Null;
    };
    // To SQLite a pattern that begins with NUL is an empty one.
    if pattern.bytes.first().is_none_or(|byte| *byte == 0) {
        return Answer::Text(text.bytes.to_vec());
    }
    let mut result = Vec::with_capacity(text.bytes.len());
    let mut copied = 0;
    for at in memmem::find_iter(text.bytes, pattern.bytes) {
        result.extend_from_slice(&text.bytes[copied..at]);
        result.extend_from_slice(replacement.bytes);
        copied = at + pattern.bytes.len();
        if result.len() > VALUE_BYTES_MAX as usize {
            return Answer::TooBig;
        }
    }
    result.extend_from_slice(&text.bytes[copied..]);
    Answer::Text(result)
}

fn trim(arguments: &[Argument<'_>]) -> Answer {
    trimmed(arguments, true, true)
}

fn trim_start(arguments: &[Argument<'_>]) -> Answer {
    trimmed(arguments, true, false)
}

fn trim_end(arguments: &[Argument<'_>]) -> Answer {
    trimmed(arguments, false, true)
}

fn trimmed(arguments: &[Argument<'_>], start: bool, end: bool) -> Answer {
    let [text, characters] = arguments else {
        return Answer::Null;
    };
    let characters: HashSet<char> = characters.text().chars().collect();
    let text = text.text();
    let mut rest = text.as_ref();
    if start {
        rest = rest.trim_start_matches(|c| characters.contains(&c));
    }
    if end {
        rest = rest.trim_end_matches(|c| characters.contains(&c));
    }
    Answer::Text(rest.as_bytes().to_vec())
}

fn unhex(arguments: &[Argument<'_>]) -> Answer {
    let [text, ignored] = arguments else {
        return Answer::Null;
    };
    let ignored: HashSet<char> = ignored.text().chars().collect();
    let mut bytes = Vec::with_capacity(text.bytes.len() / 2);
    let text = text.text();
    let mut characters = text.chars();
    while let Some(first) = characters.next() {
        let Some(high) = first.to_digit(16) else {
            if ignored.contains(&first) {
                continue;
            }
            return Answer::Null;
        };
        // Nothing may stand between the two digits of a byte.
        let Some(low) = characters.next().and_then(|c| c.to_digit(16)) else {
            return Answer::Null;
        };
        bytes.push((high << 4 | low) as u8);
    }
    Answer::Blob(bytes)
}

/// Whether a byte continues a character of UTF-8.
fn continues(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

impl Argument<'_> {
    fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.bytes)
    }
}

fn install(
    connection: &Connection,
    name: &CStr,
    arguments: c_int,
    function: Function,
) -> rusqlite::Result<()> {
    let flags = ffi::SQLITE_UTF8 | ffi::SQLITE_DETERMINISTIC | ffi::SQLITE_INNOCUOUS;
    // SAFETY: the handle is that of an open connection; the function's address, passed as the data
    // of the callback, is valid for ever and needs no destructor; `call` turns it back into its own
    // type.
    let code = unsafe {
        ffi::sqlite3_create_function_v2(
            connection.handle(),
            name.as_ptr(),
            arguments,
            flags,
            function as *mut std::ffi::c_void,
            Some(call),
            None,
            None,
            None,
        )
    };
    if code == ffi::SQLITE_OK {
        return Ok(());
    }
    Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
}

/// What SQLite calls: fetches the arguments, calls the function, hands over its result.
unsafe extern "C" fn call(
    context: *mut ffi::sqlite3_context,
    count: c_int,
    values: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: SQLite passes `count` values that live until this function returns, and as user data
    // what `install` gave it: the address of a `Function`. Each value's text is fetched before its
    // length, and results are copied by SQLite before the vectors end.
    unsafe {
        let function: Function = std::mem::transmute(ffi::sqlite3_user_data(context));
        let values = slice::from_raw_parts(values, usize::try_from(count).unwrap_or(0));
        let mut arguments = Vec::with_capacity(values.len());
        for value in values {
            let is_blob = ffi::sqlite3_value_type(*value) == ffi::SQLITE_BLOB;
            if ffi::sqlite3_value_type(*value) == ffi::SQLITE_NULL {
                return ffi::sqlite3_result_null(context);
            }
            let start: *const u8 = if is_blob {
                ffi::sqlite3_value_blob(*value).cast()
            } else {
                ffi::sqlite3_value_text(*value)
            };
            let bytes = usize::try_from(ffi::sqlite3_value_bytes(*value)).unwrap_or(0);
            if start.is_null() && bytes > 0 {
                return ffi::sqlite3_result_error_nomem(context);
            }
            let bytes = if bytes == 0 {
                &[]
            } else {
                slice::from_raw_parts(start, bytes)
            };
            arguments.push(Argument { bytes, is_blob });
        }
        let copied = ffi::SQLITE_TRANSIENT();
        match function(&arguments) {
            Answer::Null => ffi::sqlite3_result_null(context),
            Answer::Integer(integer) => ffi::sqlite3_result_int64(context, integer),
            Answer::TooBig => ffi::sqlite3_result_error_toobig(context),
            Answer::Text(text) => ffi::sqlite3_result_text64(
                context,
                text.as_ptr().cast(),
                text.len() as u64,
                copied,
                ffi::SQLITE_UTF8 as u8,
            ),
            Answer::Blob(bytes) => ffi::sqlite3_result_blob64(
                context,
                bytes.as_ptr().cast(),
                bytes.len() as u64,
                copied,
            ),
        }
    }
}
