/**
 * Markdown as HTML: what readmes use of it. Everything goes through the escaping tag, so no text can become markup that
 * is not made here; HTML in the text stays text.
 */

import { html, type Html, type HtmlValue } from "../lib/html.ts";

// Deeper lists and quotes are drawn flat.
const DEPTH_MAX = 8;

/** `base` is the path that relative links start from. */
export function markdown(text: string, base: string): Html {
  return html`${blocks(text.replaceAll("\r\n", "\n").split("\n"), 0, base)}`;
}

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+-]*)/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])\s+/;
const TABLE_RULE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

function blocks(lines: string[], depth: number, base: string): HtmlValue[] {
  const out: HtmlValue[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] as string;
    const fence = FENCE.exec(line);
    const heading = HEADING.exec(line);
    if (line.trim() === "") at++;
    else if (fence !== null) {
      const end = endOf(lines, at + 1, (other) => other.trim().startsWith(fence[1] as string));
      out.push(html`<pre tabindex="0"><code>${lines.slice(at + 1, end).join("\n")}</code></pre>`);
      at = end + 1;
    } else if (heading !== null) {
      out.push(headingOf((heading[1] as string).length, heading[2] as string, base));
      at++;
    } else if (RULE.test(line)) {
      out.push(html`<hr>`);
      at++;
    } else if (QUOTE.test(line) && depth < DEPTH_MAX) {
      const end = endOf(lines, at, (other) => !QUOTE.test(other));
      out.push(html`<blockquote>${blocks(lines.slice(at, end).map((other) => other.replace(QUOTE, "")), depth + 1, base)}</blockquote>`);
      at = end;
    } else if (ITEM.test(line) && depth < DEPTH_MAX) {
      const end = listEnd(lines, at);
      out.push(list(lines.slice(at, end), depth, base));
      at = end;
    } else if (line.includes("|") && TABLE_RULE.test(lines[at + 1] ?? "") && (lines[at + 1] as string).includes("-")) {
      const end = endOf(lines, at + 2, (other) => !other.includes("|"));
      out.push(table(line, lines.slice(at + 2, end), base));
      at = end;
    } else {
      const end = endOf(lines, at + 1, (other) => other.trim() === "" || FENCE.test(other) || HEADING.test(other) || QUOTE.test(other) || ITEM.test(other));
      out.push(html`<p>${inline(lines.slice(at, end).join("\n"), base)}</p>`);
      at = end;
    }
  }
  return out;
}

function endOf(lines: string[], from: number, isEnd: (line: string) => boolean): number {
  let end = from;
  while (end < lines.length && !isEnd(lines[end] as string)) end++;
  return end;
}

/** Headings of a readme are below the page's own. */
function headingOf(level: number, text: string, base: string): Html {
  const content = inline(text, base);
  if (level === 1) return html`<h2>${content}</h2>`;
  return level === 2 ? html`<h3>${content}</h3>` : html`<h4>${content}</h4>`;
}

function listEnd(lines: string[], from: number): number {
  let end = from;
  while (end < lines.length) {
    const line = lines[end] as string;
    const continues = ITEM.test(line) || /^ {2,}\S/.test(line) || (line.trim() === "" && /^( {2,}\S)/.test(lines[end + 1] ?? "")) ||
      (line.trim() === "" && ITEM.test(lines[end + 1] ?? ""));
    if (!continues) break;
    end++;
  }
  return end;
}

function list(lines: string[], depth: number, base: string): Html {
  const ordered = /^\s*\d/.test(lines[0] as string);
  const items: string[][] = [];
  const indent = ITEM.exec(lines[0] as string)?.[1]?.length ?? 0;
  for (const line of lines) {
    const item = ITEM.exec(line);
    // Further in than the first one: a list within its item.
    if (item !== null && (item[1] as string).length <= indent + 1) items.push([line.slice(item[0].length)]);
    else items[items.length - 1]?.push(line.replace(/^ {1,4}/, ""));
  }
  const drawn = items.map((item) => {
    const [first = "", ...rest] = item;
    const task = /^\[([ xX])\]\s+/.exec(first);
    const text = task === null ? first : `${task[1] === " " ? "☐" : "☑"} ${first.slice(task[0].length)}`;
    return html`<li>${inline(text, base)}${rest.some((line) => line.trim() !== "") ? blocks(rest, depth + 1, base) : null}</li>`;
  });
  return ordered ? html`<ol>${drawn}</ol>` : html`<ul>${drawn}</ul>`;
}

function table(head: string, rows: string[], base: string): Html {
  const cells = (line: string) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => inline(cell.trim(), base));
  return html`<div class="table"><table><thead><tr>${cells(head).map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr>${cells(row).map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table></div>`;
}

// In the order in which they win: code, image, link, address, strong, emphasis, struck, hard break.
const INLINE =
  /(`+)(.+?)\1|!\[([^\]]*)\]\(([^)\s]+)[^)]*\)|\[([^\]]+)\]\(([^)\s]+)[^)]*\)|(https?:\/\/[^\s<>()]+[^\s<>().,;:!?'"])|\*\*(.+?)\*\*|__(.+?)__|\*([^*\s][^*]*?)\*|\b_([^_]+?)_\b|~~(.+?)~~|( {2,}\n)/s;

function inline(text: string, base: string): HtmlValue[] {
  const out: HtmlValue[] = [];
  let rest = text;
  for (let match = INLINE.exec(rest); match !== null; match = INLINE.exec(rest)) {
    out.push(rest.slice(0, match.index), piece(match, base));
    rest = rest.slice(match.index + match[0].length);
  }
  out.push(rest);
  return out;
}

function piece(match: RegExpExecArray, base: string): HtmlValue {
  const [whole, , code, alt, image, text, target, address, strong, strong2, emphasis, emphasis2, struck] = match;
  if (code !== undefined) return html`<code>${code.trim()}</code>`;
  // Pages load nothing from elsewhere, so an image of elsewhere is a link to it.
  if (image !== undefined) return isOurs(image) ? html`<img src="${image}" alt="${alt}">` : link(image, alt || image, base);
  if (target !== undefined) return link(target, inline(text as string, base), base);
  if (address !== undefined) return link(address, address, base);
  if (strong !== undefined || strong2 !== undefined) return html`<strong>${inline((strong ?? strong2) as string, base)}</strong>`;
  if (emphasis !== undefined || emphasis2 !== undefined) return html`<em>${inline((emphasis ?? emphasis2) as string, base)}</em>`;
  if (struck !== undefined) return html`<s>${inline(struck, base)}</s>`;
  return whole.endsWith("\n") ? html`<br>` : whole;
}

function link(target: string, text: HtmlValue, base: string): HtmlValue {
  const isRelative = !/^([a-z][a-z0-9+.-]*:|#|\/)/i.test(target);
  if (!isRelative && !/^(https?:\/\/|mailto:|#|\/(?!\/))/i.test(target)) return text;
  return html`<a href="${isRelative ? base + target.replace(/^\.\//, "") : target}" rel="nofollow ugc">${text}</a>`;
}

function isOurs(address: string): boolean {
  return /^data:image\/(png|gif|jpeg|webp|svg\+xml)[;,]/.test(address) || /^\/(?!\/)/.test(address);
}
