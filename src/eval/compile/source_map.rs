//! Looking up the author's positions: from a place in compiled code to the place it was compiled
//! from.
//!
//! Needs no compiler, so that it can be used where stacks are made.

use serde::Deserialize;

/// The positions of one compiled source, parsed from its map once and then only looked up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Positions {
    // Invariant: sorted by line, then column, of the compiled code.
    segments: Vec<Segment>,
}

/// Why a map or its compact form was not understood.
#[derive(Debug, thiserror::Error)]
pub enum PositionsError {
    /// The map is not JSON of the expected form.
    #[error("The source map is not understood: {0}")]
    Json(#[from] serde_json::Error),
    /// The mappings, or the compact form, end early or hold a character that does not belong there.
    #[error("The source map is malformed at byte {at}")]
    Malformed {
        /// Where in the mappings or in the compact form.
        at: usize,
    },
}

/// From here in the compiled code on, until the next segment: there in the source. All counted from
/// 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Segment {
    line: u32,
    column: u32,
    source_line: u32,
    source_column: u32,
}

#[derive(Deserialize)]
struct Map {
    mappings: String,
}

impl Positions {
    /// Parses the map (ECMA-426) of one source. `code` is the code that the map belongs to: maps
    /// count columns in UTF-16 code units, the engine counts characters.
    pub fn parse(map: &str, code: &str) -> Result<Self, PositionsError> {
        let map: Map = serde_json::from_str(map)?;
        let mut segments = decode_mappings(&map.mappings)?;
        if !code.is_ascii() || code.contains('\r') {
            recount(&mut segments, code);
        }
        Ok(Self { segments })
    }

    /// Where in the source the code at `line` and `column` comes from. All counted from 1; the
    /// answer's column is in UTF-16 code units, as editors count.
    pub fn original(&self, line: u32, column: u32) -> Option<(u32, u32)> {
        let sought = (line.checked_sub(1)?, column.checked_sub(1)?);
        let after = self
            .segments
            .partition_point(|one| (one.line, one.column) <= sought);
        let segment = self.segments.get(after.checked_sub(1)?)?;
        (segment.line == sought.0).then_some((segment.source_line + 1, segment.source_column + 1))
    }

    /// A compact form, to be sent along with the code.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.segments.len() * 5);
        let mut last = Segment::default();
        for segment in &self.segments {
            let lines = segment.line - last.line;
            let from = if lines == 0 { last.column } else { 0 };
            push_varint(&mut bytes, lines);
            push_varint(&mut bytes, segment.column - from);
            push_varint(&mut bytes, zigzag(segment.source_line, last.source_line));
            push_varint(
                &mut bytes,
                zigzag(segment.source_column, last.source_column),
            );
            last = *segment;
        }
        bytes
    }

    /// What `to_bytes` made.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PositionsError> {
        let mut segments = Vec::with_capacity(bytes.len() / 5);
        let mut last = Segment::default();
        let mut at = 0;
        while at < bytes.len() {
            let malformed = PositionsError::Malformed { at };
            let mut next = || take_varint(bytes, &mut at);
            let (Some(lines), Some(columns), Some(source_lines), Some(source_columns)) =
                (next(), next(), next(), next())
            else {
                return Err(malformed);
            };
            let from = if lines == 0 { last.column } else { 0 };
            let (Some(line), Some(column), Some(source_line), Some(source_column)) = (
                last.line.checked_add(lines),
                from.checked_add(columns),
                unzigzag(source_lines, last.source_line),
                unzigzag(source_columns, last.source_column),
            ) else {
                return Err(malformed);
            };
            last = Segment {
                line,
                column,
                source_line,
                source_column,
            };
            segments.push(last);
        }
        Ok(Self { segments })
    }
}

/// Rewrites every `(<specifier>:<line>:<column>)` of a stack to the author's positions. `lookup`
/// knows the positions of a specifier; frames it does not know stay as they are.
pub fn map_stack<'a>(stack: &str, lookup: impl Fn(&str) -> Option<&'a Positions>) -> String {
    let mut mapped = String::with_capacity(stack.len());
    for line in stack.split_inclusive('\n') {
        match map_frame(line, &lookup) {
            Some(frame) => mapped.push_str(&frame),
            None => mapped.push_str(line),
        }
    }
    mapped
}

fn map_frame<'a>(frame: &str, lookup: &impl Fn(&str) -> Option<&'a Positions>) -> Option<String> {
    let end = frame.rfind(')')?;
    let open = frame[..end].find(" (")? + 2;
    // A function's own name may hold a parenthesis; a place that is not known as a whole is tried
    // from the next.
    let starts = frame[open..end]
        .match_indices(" (")
        .map(|(at, _)| open + at + 2);
    std::iter::once(open).chain(starts).find_map(|start| {
        let (rest, column) = frame[start..end].rsplit_once(':')?;
        let (specifier, line) = rest.rsplit_once(':')?;
        let (line, column) =
            lookup(specifier)?.original(line.parse().ok()?, column.parse().ok()?)?;
        Some(format!(
            "{}{specifier}:{line}:{column}{}",
            &frame[..start],
            &frame[end..]
        ))
    })
}

/// Decodes the `mappings` of a map: lines by `;`, segments by `,`, four differences each in base
/// 64.
fn decode_mappings(mappings: &str) -> Result<Vec<Segment>, PositionsError> {
    let mut segments = Vec::with_capacity(mappings.len() / 6);
    let (mut line, mut column, mut source_line, mut source_column) = (0u32, 0i64, 0i64, 0i64);
    let bytes = mappings.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b';' => {
                line += 1;
                column = 0;
                at += 1;
            }
            b',' => at += 1,
            _ => {
                let start = at;
                let malformed = || PositionsError::Malformed { at: start };
                let mut fields = [0i64; 5];
                let mut count = 0;
                while at < bytes.len() && !matches!(bytes[at], b',' | b';') {
                    let field = fields.get_mut(count).ok_or_else(malformed)?;
                    *field = take_base64(bytes, &mut at).ok_or_else(malformed)?;
                    count += 1;
                }
                column += fields[0];
                source_line += fields[2];
                source_column += fields[3];
                // A single field maps to nothing in the source.
                if count >= 4 {
                    segments.push(Segment {
                        line,
                        column: u32::try_from(column).map_err(|_| malformed())?,
                        source_line: u32::try_from(source_line).map_err(|_| malformed())?,
                        source_column: u32::try_from(source_column).map_err(|_| malformed())?,
                    });
                }
            }
        }
    }
    segments.sort_by_key(|segment| (segment.line, segment.column));
    Ok(segments)
}

/// One number in base 64: five bits a digit, the sixth says that more follow, the lowest bit is the
/// sign.
fn take_base64(bytes: &[u8], at: &mut usize) -> Option<i64> {
    let (mut value, mut shift) = (0i64, 0);
    loop {
        let digit = match bytes.get(*at)? {
            upper @ b'A'..=b'Z' => upper - b'A',
            lower @ b'a'..=b'z' => lower - b'a' + 26,
            digit @ b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        *at += 1;
        value |= i64::from(digit & 31) << shift;
        if digit & 32 == 0 {
            return Some(if value & 1 == 0 {
                value >> 1
            } else {
                -(value >> 1)
            });
        }
        shift += 5;
        // Differences fit 32 bits and a sign.
        if shift > 35 {
            return None;
        }
    }
}

/// Counts as the engine does: lines end at U+2028 and U+2029 too, columns are characters.
fn recount(segments: &mut [Segment], code: &str) {
    let mut pending = segments.iter_mut().peekable();
    let (mut line, mut units) = (0, 0);
    let (mut engine_line, mut engine_column) = (0, 0);
    let mut chars = code.chars().peekable();
    loop {
        while let Some(segment) =
            pending.next_if(|segment| (segment.line, segment.column) <= (line, units))
        {
            (segment.line, segment.column) = (engine_line, engine_column);
        }
        let Some(char) = chars.next() else { break };
        match char {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' | '\r' => {
                (line, units) = (line + 1, 0);
                (engine_line, engine_column) = (engine_line + 1, 0);
            }
            '\u{2028}' | '\u{2029}' => {
                units += 1;
                (engine_line, engine_column) = (engine_line + 1, 0);
            }
            _ => {
                units += char.len_utf16() as u32;
                engine_column += 1;
            }
        }
    }
}

fn push_varint(bytes: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn take_varint(bytes: &[u8], at: &mut usize) -> Option<u32> {
    let mut value = 0u32;
    for shift in (0..32).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u32::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// A difference as an unsigned number, small for small differences of either sign.
fn zigzag(value: u32, last: u32) -> u32 {
    let difference = value.wrapping_sub(last) as i32;
    ((difference << 1) ^ (difference >> 31)) as u32
}

fn unzigzag(difference: u32, last: u32) -> Option<u32> {
    let difference = (difference >> 1) as i32 ^ -((difference & 1) as i32);
    last.checked_add_signed(difference)
}
