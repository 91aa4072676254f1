/** Parts that several pages draw: lists of vals, badges, tabs, empty states. */

import { html, type Html, type HtmlValue } from "../lib/html.ts";
import { href, type Arrival } from "../lib/mount.ts";
import { time } from "./layout.ts";

/** What the lists need to know of a val. */
export interface Listed {
  username: string;
  name: string;
  privacy: string;
  description: string | null;
  version: number;
  updated_at: number;
}

export function valPath(val: { username: string; name: string }, tab = ""): string {
  return `/@${val.username}/${val.name}${tab === "" ? "" : `/${tab}`}`;
}

export function valList(arrival: Arrival, vals: Listed[], options: { author: boolean; about?: (val: Listed) => HtmlValue }): Html {
  return html`<ul class="list">${vals.map((val) => html`<li>
    <a class="title" href="${href(arrival, valPath(val))}">${options.author ? html`<span class="soft">@${val.username}/</span>` : null}${val.name}</a>
    ${val.privacy === "public" ? null : html`<span class="badge">${val.privacy}</span>`}
    <span class="aside">v${val.version} · ${time(val.updated_at)}</span>
    ${options.about?.(val) ?? (val.description === null ? null : html`<span class="about">${val.description}</span>`)}</li>`)}</ul>`;
}

export function empty(text: string, action?: { href: string; text: string }): Html {
  return html`<div class="empty"><p>${text}</p>${action && html`<a class="button" href="${action.href}">${action.text}</a>`}</div>`;
}

/** What a file is called where people read it. */
export const TYPE_NAMES: Record<string, string> = {
  http: "HTTP", interval: "Cron", email: "Email", script: "Script", file: "File", directory: "Folder",
};

export function typeBadge(type: string): Html {
  return html`<span class="badge ${type}">${TYPE_NAMES[type] ?? type}</span>`;
}

export function avatar(username: string, size = ""): Html {
  return html`<span class="avatar ${size}" aria-hidden="true">${username[0]}</span>`;
}

export function tabs(label: string, current: string, items: [name: string, title: string, to: string][]): Html {
  return html`<nav class="tabs" aria-label="${label}">${items.map(([name, title, to]) =>
    html`<a href="${to}"${name === current ? html` aria-current="page"` : null}>${title}</a>`)}</nav>`;
}

export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  if (count < 1024 * 1024) return `${(count / 1024).toFixed(1)} KiB`;
  if (count < 1024 * 1024 * 1024) return `${(count / 1024 / 1024).toFixed(1)} MiB`;
  return `${(count / 1024 / 1024 / 1024).toFixed(1)} GiB`;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Text by lines, each with an anchor `#L12`. */
export function source(text: string, label: string): Html {
  const lines = text.split("\n");
  if (lines[lines.length - 1] === "") lines.pop();
  return html`<pre class="source" tabindex="0" role="region" aria-label="${label}"><code>${lines.map((line, index) =>
    html`<span class="l" id="L${index + 1}">${line}
</span>`)}</code></pre>`;
}
