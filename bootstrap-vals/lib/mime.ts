/**
 * Mail as it travels (RFC 5322 and MIME) to what a handler gets. It runs where the handler runs, because whoever sends
 * a mail decides what is in it. Text is searched as one character a byte; the bytes of a part are never copied twice.
 */

/** A mail as handlers of Val Town know it. */
export interface Email {
  from: string;
  to: string[];
  cc: string[] | undefined;
  bcc: string[] | undefined;
  subject: string | undefined;
  text: string | undefined;
  html: string | undefined;
  attachments: File[];
  /** By their names as they were written; of one that is repeated the values are lines. */
  headers: Record<string, string>;
}

// Ten times what mail programs make; more is meant to hurt.
const PARTS_MAX = 1_000;
const DEPTH_MAX = 20;
const HEAD_CHARACTERS_MAX = 256 * 1024;

interface Part {
  headers: [name: string, value: string][];
  /** Where its body is. */
  from: number;
  to: number;
}

interface Mail {
  bytes: Uint8Array;
  /** One character a byte; bytes above 127 are characters above U+F700. */
  text: string;
  parts: number;
}

/** Reads a mail. What is malformed is read as far as it goes: there is nobody to send it back to. */
export function parseEmail(bytes: Uint8Array): Email {
  const mail: Mail = { bytes, text: new TextDecoder("x-user-defined").decode(bytes), parts: 0 };
  const root = partAt(mail, 0, bytes.length);
  const email: Email = {
    from: headerOf(root, "from") ?? "", to: addresses(root, "to") ?? [], cc: addresses(root, "cc"), bcc: addresses(root, "bcc"),
    subject: headerOf(root, "subject"), text: undefined, html: undefined, attachments: [], headers: {},
  };
  for (const [name, value] of root.headers) {
    const before = Object.hasOwn(email.headers, name) ? `${email.headers[name]}\n` : "";
    Object.defineProperty(email.headers, name, { value: before + decodeWords(value), enumerable: true, writable: true, configurable: true });
  }
  collect(mail, root, email, 0);
  return email;
}

/** The addresses, without names, of those header lines of a mail's beginning. */
export function addressesIn(head: string, names: string[]): string[] {
  const mail: Mail = { bytes: new Uint8Array(0), text: head, parts: 0 };
  const part = partAt(mail, 0, head.length);
  for (const name of names) {
    const found = (addresses(part, name) ?? []).map(bareAddress).filter((address) => address !== "");
    if (found.length > 0) return found;
  }
  return [];
}

/** `jane@example.com` of `Jane <jane@example.com>`. */
export function bareAddress(text: string): string {
  const open = text.lastIndexOf("<");
  const close = text.indexOf(">", open);
  return (open >= 0 && close > open ? text.slice(open + 1, close) : text).trim();
}

/** The addresses of a list, each with its name: commas within quotes, comments and brackets part nothing. */
export function splitAddresses(text: string): string[] {
  const list: string[] = [];
  let start = 0;
  let quoted = false;
  let depth = 0;
  const take = (end: number) => {
    const address = text.slice(start, end).trim();
    if (address !== "") list.push(address);
    start = end + 1;
  };
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === "\\") index++;
    else if (character === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (character === "(" || character === "<") depth++;
    else if (character === ")" || character === ">") depth--;
    else if (depth > 0) continue;
    else if (character === "," || character === ";") take(index);
    // `friends: a, b;` is a group; its name is no address.
    else if (character === ":") start = index + 1;
  }
  take(text.length);
  return list;
}

// ---- Parts ------------------------------------------------------------------------------------------

function partAt(mail: Mail, from: number, to: number): Part {
  const { text } = mail;
  const headers: Part["headers"] = [];
  const headEnd = Math.min(to, from + HEAD_CHARACTERS_MAX);
  let at = from;
  while (at < headEnd) {
    let end = text.indexOf("\n", at);
    if (end < 0 || end >= to) end = to;
    const line = text.slice(at, text[end - 1] === "\r" ? end - 1 : end);
    at = end + 1;
    if (line === "") break;
    const last = headers[headers.length - 1];
    const colon = line.indexOf(":");
    if (line[0] === " " || line[0] === "\t") {
      if (last !== undefined) last[1] += ` ${line.trim()}`;
    } else if (colon > 0) headers.push([line.slice(0, colon).trim(), line.slice(colon + 1).trim()]);
    // The first line of a mailbox file begins with "From "; anything else that is no header begins the body.
    else if (!line.startsWith("From ")) {
      at = end - line.length;
      break;
    }
  }
  return { headers, from: Math.min(at, to), to };
}

function collect(mail: Mail, part: Part, email: Email, depth: number): void {
  if (++mail.parts > PARTS_MAX || depth > DEPTH_MAX) return;
  const type = parameterised(rawHeader(part, "content-type") ?? "text/plain");
  const disposition = parameterised(rawHeader(part, "content-disposition") ?? "");
  const boundary = type.parameters.get("boundary");
  if (type.value.startsWith("multipart/") && boundary !== undefined && boundary !== "") {
    for (const [from, to] of between(mail, part, boundary)) collect(mail, partAt(mail, from, to), email, depth + 1);
    return;
  }
  const name = disposition.parameters.get("filename") ?? type.parameters.get("name");
  const isText = type.value === "text/plain" || type.value === "text/html" || !type.value.includes("/");
  if (isText && disposition.value !== "attachment" && name === undefined) {
    const text = textOf(mail, part, type.parameters.get("charset")).replaceAll("\r\n", "\n");
    const key = type.value === "text/html" ? "html" : "text";
    email[key] = email[key] === undefined ? text : `${email[key]}\n${text}`;
    return;
  }
  const fallback = type.value === "message/rfc822" ? "message.eml" : `attachment-${email.attachments.length + 1}`;
  email.attachments.push(new File([bytesOf(mail, part)], name ?? fallback, { type: type.value }));
}

/** Where the parts between boundary lines are. */
function between(mail: Mail, part: Part, boundary: string): [from: number, to: number][] {
  const { text } = mail;
  const line = `--${boundary}`;
  const found: [number, number][] = [];
  let start = -1;
  for (let at = text.indexOf(line, part.from); at >= 0 && at < part.to; at = text.indexOf(line, at + line.length)) {
    if (at > part.from && text[at - 1] !== "\n") continue;
    // The line break before a boundary is the boundary's.
    if (start >= 0) found.push([start, Math.max(start, at - (text[at - 2] === "\r" ? 2 : 1))]);
    if (text.startsWith("--", at + line.length)) return found;
    const end = text.indexOf("\n", at);
    if (end < 0 || end >= part.to) return found;
    start = end + 1;
    if (found.length >= PARTS_MAX) return found;
  }
  if (start >= 0) found.push([start, part.to]);
  return found;
}

function bytesOf(mail: Mail, part: Part): Uint8Array<ArrayBuffer> {
  const encoding = (rawHeader(part, "content-transfer-encoding") ?? "").toLowerCase();
  if (encoding === "base64") return fromBase64(mail.text.slice(part.from, part.to));
  if (encoding === "quoted-printable") return fromQuoted(mail.text.slice(part.from, part.to), false);
  return mail.bytes.slice(part.from, part.to);
}

function textOf(mail: Mail, part: Part, charset = "utf-8"): string {
  const encoding = (rawHeader(part, "content-transfer-encoding") ?? "").toLowerCase();
  const bytes = encoding === "base64" || encoding === "quoted-printable" ? bytesOf(mail, part) : mail.bytes.subarray(part.from, part.to);
  return decoded(bytes, charset);
}

const EIGHT_BITS = /[\uF780-\uF7FF]/;

function decoded(bytes: Uint8Array, charset: string): string {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    return base64.fromBase64(text);
  } catch {
    const clean = text.replace(/[^A-Za-z0-9+/]/g, "");
    return base64.fromBase64(clean.slice(0, clean.length % 4 === 1 ? -1 : undefined));
  }
}

/** The compiler's library does not know it yet; the engine does. */
const base64 = Uint8Array as unknown as { fromBase64(text: string): Uint8Array<ArrayBuffer> };

function withoutSoftBreaks(text: string): string {
  return text.replaceAll("=\r\n", "").replaceAll("=\n", "");
}

/** In header words `_` is a space. */
function fromQuoted(text: string, isWord: boolean): Uint8Array<ArrayBuffer> {
  const source = isWord ? text.replaceAll("_", " ") : withoutSoftBreaks(text);
  // The engine's own decoders do it a hundred times as fast as a loop in it could.
  try {
    if (!EIGHT_BITS.test(source)) return fromBase64(btoa(unescape(source.replaceAll("%", "%25").replaceAll("=", "%"))));
  } catch {
    // Not well formed: byte by byte.
  }
  const bytes = new Uint8Array(source.length);
  let length = 0;
  for (let index = 0; index < source.length; index++) {
    const value = source[index] === "=" ? parseInt(source.slice(index + 1, index + 3), 16) : NaN;
    if (Number.isNaN(value)) bytes[length++] = source.charCodeAt(index) & 0xff;
    else {
      bytes[length++] = value;
      index += 2;
    }
  }
  return bytes.slice(0, length);
}

// ---- Headers ----------------------------------------------------------------------------------------

function rawHeader(part: Part, name: string): string | undefined {
  return part.headers.find(([other]) => other.toLowerCase() === name)?.[1];
}

function headerOf(part: Part, name: string): string | undefined {
  const value = rawHeader(part, name);
  return value === undefined ? undefined : decodeWords(value);
}

function addresses(part: Part, name: string): string[] | undefined {
  const lines = part.headers.filter(([other]) => other.toLowerCase() === name);
  // Decoded after they are parted: an encoded name may have a comma.
  const list = lines.flatMap(([, value]) => splitAddresses(value)).map(decodeWords);
  return list.length === 0 ? undefined : list;
}

const WORD = /=\?([^?*\s]+)(?:\*[^?\s]*)?\?([bq])\?([^?\s]*)\?=/gi;

/** `=?utf-8?q?Gr=C3=BC=C3=9Fe?=` and bytes of UTF-8 as text. */
function decodeWords(value: string): string {
  const joined = plain(value);
  if (!joined.includes("=?")) return joined;
  let text = "";
  let end = 0;
  // A character may be parted between two words that follow each other, so their bytes are put together first.
  let waiting: { charset: string; bytes: number[] } | undefined;
  const flush = () => {
    if (waiting !== undefined) text += decoded(new Uint8Array(waiting.bytes), waiting.charset);
    waiting = undefined;
  };
  for (const match of joined.matchAll(WORD)) {
    const [whole, charset = "", encoding = "", content = ""] = match;
    const gap = joined.slice(end, match.index);
    if (waiting === undefined || gap.trim() !== "" || waiting.charset !== charset.toLowerCase()) {
      flush();
      if (end === 0 || gap.trim() !== "") text += gap;
      waiting = { charset: charset.toLowerCase(), bytes: [] };
    }
    waiting.bytes.push(...(encoding.toLowerCase() === "b" ? fromBase64(content) : fromQuoted(content, true)));
    end = match.index + whole.length;
  }
  flush();
  return text + joined.slice(end);
}

/** A header that was sent as it is, in UTF-8. */
function plain(value: string): string {
  if (!EIGHT_BITS.test(value)) return value;
  return decoded(Uint8Array.from(value, (character) => character.charCodeAt(0) & 0xff), "utf-8");
}

/** `text/plain; charset=utf-8` and its kind, with names in pieces and other alphabets (RFC 2231). */
function parameterised(header: string): { value: string; parameters: Map<string, string> } {
  const parameters = new Map<string, string>();
  const pieces = new Map<string, { text: string; charset: string }>();
  const [value = ""] = header.split(";", 1);
  for (const match of header.slice(value.length).matchAll(/;\s*([^=;\s]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))/g)) {
    const key = (match[1] as string).toLowerCase();
    const text = match[2]?.replace(/\\(.)/g, "$1") ?? match[3] ?? "";
    const parts = /^([^*]+)(?:\*(\d+))?(\*)?$/.exec(key);
    if (parts === null || (parts[2] === undefined && parts[3] === undefined)) {
      parameters.set(key, decodeWords(text));
      continue;
    }
    const name = parts[1] as string;
    const piece = pieces.get(name) ?? { text: "", charset: "utf-8" };
    const marked = parts[3] === undefined ? null : /^([^']*)'[^']*'(.*)$/s.exec(text);
    if (marked !== null && piece.text === "") piece.charset = marked[1] || "utf-8";
    const content = marked === null ? text : (marked[2] as string);
    piece.text += parts[3] === undefined ? content.replaceAll("%", "%25") : content;
    pieces.set(name, piece);
  }
  for (const [name, { text, charset }] of pieces) {
    parameters.set(name, decoded(fromQuoted(text.replaceAll("=", "%3D").replaceAll("%", "="), false), charset));
  }
  return { value: value.trim().toLowerCase(), parameters };
}
