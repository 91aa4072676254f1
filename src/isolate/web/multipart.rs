//! `multipart/form-data` as bytes: written as browsers write it, read as browsers and servers agree
//! on it.

// More parts than any form of ours has; a body of nothing but boundaries must not become millions
// of objects.
const PARTS_MAX: usize = 10_000;

/// One field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// The name of the file, if it is one.
    pub file_name: Option<String>,
    /// Its media type, if it says one.
    pub kind: Option<String>,
    /// Its contents.
    pub body: Vec<u8>,
}

/// Why a body is no form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MultipartError {
    /// It does not begin with the boundary, or ends before the last one.
    #[error("The body is not multipart/form-data with that boundary")]
    Boundary,
    /// The headers of a part do not end, or give it no name.
    #[error("A part of the body has no name")]
    Headers,
    /// There are too many parts.
    #[error("The body has more than {PARTS_MAX} parts")]
    TooMany,
}

/// A boundary that no body contains by chance.
#[must_use]
pub fn boundary(random: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut boundary = String::from("----ValTownTownFormBoundary");
    for byte in random {
        // Writing to a string cannot fail.
        let _ = write!(boundary, "{byte:02x}");
    }
    boundary
}

/// The text with every line break as CR LF, as forms have them.
#[must_use]
pub fn line_breaks(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .replace('\n', "\r\n")
}

/// Writes the end of a form.
pub fn end(boundary: &str, body: &mut Vec<u8>) {
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
}

impl Part {
    /// Writes the part with the boundary before it.
    pub fn write(&self, boundary: &str, body: &mut Vec<u8>) {
        let name = escape(&line_breaks(&self.name));
        let mut head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"");
        if let Some(file_name) = &self.file_name {
            head.push_str(&format!("; filename=\"{}\"", escape(file_name)));
        }
        if let Some(kind) = &self.kind {
            head.push_str(&format!("\r\nContent-Type: {kind}"));
        }
        head.push_str("\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(&self.body);
        body.extend_from_slice(b"\r\n");
    }
}

fn escape(name: &str) -> String {
    name.replace('\n', "%0A")
        .replace('\r', "%0D")
        .replace('"', "%22")
}

fn unescape(name: &str) -> String {
    name.replace("%0A", "\n")
        .replace("%0D", "\r")
        .replace("%22", "\"")
}

/// Takes a body apart.
pub fn parse(body: &[u8], boundary: &[u8]) -> Result<Vec<Part>, MultipartError> {
    let delimiter = [b"\r\n--", boundary].concat();
    let mut parts = Vec::new();
    // What comes before the first boundary does not count.
    let mut rest = match body.strip_prefix(&delimiter[2..]) {
        Some(rest) => rest,
        None => after(body, &delimiter).ok_or(MultipartError::Boundary)?.1,
    };
    loop {
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        // A boundary may be followed by spaces.
        let blank = rest
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        rest = rest[blank..]
            .strip_prefix(b"\r\n")
            .ok_or(MultipartError::Boundary)?;
        if parts.len() >= PARTS_MAX {
            return Err(MultipartError::TooMany);
        }
        // A part without headers begins with the empty line.
        let (head, contents) = match rest.strip_prefix(b"\r\n") {
            Some(contents) => (&rest[..0], contents),
            None => after(rest, b"\r\n\r\n").ok_or(MultipartError::Headers)?,
        };
        let (contents, next) = after(contents, &delimiter).ok_or(MultipartError::Boundary)?;
        parts.push(part(head, contents)?);
        rest = next;
    }
}

/// What is before and after the first occurrence.
fn after<'bytes>(bytes: &'bytes [u8], wanted: &[u8]) -> Option<(&'bytes [u8], &'bytes [u8])> {
    let first = *wanted.first()?;
    let mut from = 0;
    loop {
        let found = from + bytes.get(from..)?.iter().position(|byte| *byte == first)?;
        if bytes[found..].starts_with(wanted) {
            return Some((&bytes[..found], &bytes[found + wanted.len()..]));
        }
        from = found + 1;
    }
}

fn part(head: &[u8], body: &[u8]) -> Result<Part, MultipartError> {
    let head = String::from_utf8_lossy(head);
    let mut name = None;
    let mut file_name = None;
    let mut kind = None;
    for line in head.split("\r\n") {
        let Some((header, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        if header.eq_ignore_ascii_case("content-type") {
            kind = Some(value.to_owned());
        } else if header.eq_ignore_ascii_case("content-disposition") {
            for (parameter, value) in parameters(value) {
                if parameter.eq_ignore_ascii_case("name") {
                    name = Some(unescape(&value));
                } else if parameter.eq_ignore_ascii_case("filename") {
                    file_name = Some(unescape(&value));
                }
            }
        }
    }
    let name = name.ok_or(MultipartError::Headers)?;
    Ok(Part {
        name,
        file_name,
        kind,
        body: body.to_vec(),
    })
}

/// The parameters after the first `;` of a header, quoted or not.
fn parameters(value: &str) -> Vec<(&str, String)> {
    let mut list = Vec::new();
    let mut rest = value.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_start_matches([';', ' ', '\t']).trim_end();
        let after = after.trim_start();
        if let Some(quoted) = after.strip_prefix('"') {
            let mut value = String::new();
            let mut end = quoted.len();
            let mut characters = quoted.char_indices().peekable();
            while let Some((index, character)) = characters.next() {
                match (character, characters.peek()) {
                    ('"', _) => {
                        end = index + 1;
                        break;
                    }
                    // Some clients escape a quote with a backslash; a path of Windows has others.
                    ('\\', Some((_, '"'))) => {
                        value.push('"');
                        characters.next();
                    }
                    _ => value.push(character),
                }
            }
            list.push((name, value));
            rest = &quoted[end..];
        } else {
            let end = after.find(';').unwrap_or(after.len());
            list.push((name, after[..end].trim().to_owned()));
            rest = &after[end..];
        }
    }
    list
}
