/** What every page has: head, bar, foot, and headers that let nothing run but what we wrote. */

import { assetsOf } from "../editor/assets.ts";
import { readCookie } from "../lib/cookie.ts";
import { HttpError } from "../lib/http.ts";
import { html, type Html, type HtmlValue } from "../lib/html.ts";
import { href, type Arrival } from "../lib/mount.ts";
import { checkOrigin } from "../lib/origin.ts";
import type { Town } from "../lib/town.ts";
import type { Asker } from "../model/accounts.ts";
import { askerBySession } from "../model/sessions.ts";
import { readSettings } from "../model/settings.ts";
import { isTheme, THEME_COOKIE, THEMES } from "./theme.ts";

export { askerBySession };

export interface PageWish {
  title: string;
  asker: Asker | undefined;
  body: HtmlValue;
  /** The files this page is made of, as in `town:system/<path>`. */
  made: string[];
  status?: number;
  headers?: Record<string, string>;
  /** `narrow` is for one form, `medium` for several; `whole` leaves the window to the body. */
  width?: "narrow" | "medium" | "whole";
  /** A module of `editor/client/` in place of the usual one, and what it may import by name. */
  script?: { name: string; imports?: string[] };
  /** What is in the search box. */
  query?: string;
  /** Drawn below the bar, before the main part. */
  above?: HtmlValue;
}

export async function pageOf(request: Request, town: Town, wish: PageWish): Promise<Response> {
  const { arrival } = town;
  const [assets, { title }] = await Promise.all([assetsOf(town), readSettings(town)]);
  const nonce = randomNonce();
  const theme = readCookie(request, THEME_COOKIE) ?? "";
  const script = wish.script ?? { name: "page.ts" };
  const imports = (script.imports ?? []).map((name) => [name.replace(/\.js$/, ""), assets.vendor(name)]);
  const document: Html = html`<!doctype html>
<html lang="en"${isTheme(theme) ? html` data-theme="${theme}"` : null}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${wish.title}</title>
<link rel="stylesheet" href="${assets.style}">
<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(ICON)}">
${imports.length === 0 ? null : importMap(imports, nonce)}
<script type="module" nonce="${nonce}" src="${assets.client(script.name)}"></script>
</head>
<body data-base="${arrival.prefix}">
<a class="skip" href="#main">Skip to content</a>
${bar(arrival, wish, title)}
${wish.above}
<main id="main"${wish.width === undefined ? null : html` class="${wish.width}"`}>${wish.body}</main>
${wish.width === "whole" ? null : foot(arrival, wish, theme)}
</body>
</html>
`;
  return new Response(document.html, {
    status: wish.status ?? 200,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy(arrival, nonce),
      "x-content-type-options": "nosniff",
      "referrer-policy": "same-origin",
      "cache-control": "no-store",
      ...wish.headers,
    },
  });
}

/** Scripts by nonce only, nothing from elsewhere, and in frames nothing but vals, which have other origins than ours. */
function policy(arrival: Arrival, nonce: string): string {
  // By path, vals are fenced off by a sandbox of their own responses.
  const vals = arrival.byHost ? `${arrival.protocol}://*.${arrival.host}` : "'self'";
  return [
    "default-src 'none'", `script-src 'nonce-${nonce}'`, `style-src 'self' 'nonce-${nonce}'`, "img-src 'self' data:",
    "connect-src 'self'", "worker-src 'self'", `frame-src ${vals}`, "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
  ].join("; ");
}

function importMap(imports: string[][], nonce: string): Html {
  const json = JSON.stringify({ imports: Object.fromEntries(imports) }).replaceAll("<", "\\u003c");
  return { html: `<script type="importmap" nonce="${nonce}">${json}</script>` };
}

const NONCE_BYTES = 16;

function randomNonce(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(NONCE_BYTES))));
}

// ---- Bar and foot ---------------------------------------------------------------------------------

// A house whose door is a house.
const MARK = `<path d="M3 21V10.5L12 3l9 7.5V21H3Z" fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round"/>`
  + `<path d="M8.5 21v-5.2L12 12.9l3.5 2.9V21Z" fill="currentColor"/>`;
const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" color="#0a6b4d">${MARK}</svg>`;

function bar(arrival: Arrival, wish: PageWish, title: string): Html {
  const to = (path: string) => href(arrival, path);
  const { asker } = wish;
  return html`<header class="bar"><nav aria-label="Town">
<a class="brand" href="${to("/")}"><svg viewBox="0 0 24 24" aria-hidden="true">${{ html: MARK }}</svg>${title}</a>
<form class="find" role="search" aria-label="Vals" action="${to("/search")}"><input type="search" name="q" value="${wish.query ?? ""}" placeholder="Search vals" aria-label="Search vals" aria-keyshortcuts="/"><kbd aria-hidden="true">/</kbd></form>
<span class="push">${asker === undefined
    ? html`<a class="button" href="${to("/signin")}">Sign in</a>`
    : html`<a class="button first" href="${to("/new")}">New val</a>
<details class="menu"><summary class="button quiet" aria-label="Account of ${asker.username}"><span class="avatar" aria-hidden="true">${asker.username[0]}</span></summary>
<div><a href="${to(`/@${asker.username}`)}">@${asker.username}</a>
<a href="${to("/settings")}">Settings</a><a href="${to("/settings/tokens")}">API tokens</a>
<a href="${to("/instances")}">Towns inside</a>
${asker.role === "owner" ? html`<a href="${to("/admin")}">This town</a><a href="${to("/@town/system")}">System files</a>` : null}
<form method="post" action="${to("/signout")}"><button>Sign out</button></form></div></details>`}</span>
</nav></header>`;
}

function foot(arrival: Arrival, wish: PageWish, theme: string): Html {
  return html`<footer class="foot"><div><span>This page is a val:</span>
${wish.made.map((path) => html`<a href="${href(arrival, `/@town/system/${path}`)}" data-made>${path}</a>`)}
<form method="post" action="${href(arrival, "/theme")}"><label for="theme">Colours</label>
<select id="theme" name="theme">${THEMES.map((name) =>
    html`<option value="${name}"${name === (theme || "system") ? html` selected` : null}>${name}</option>`)}</select>
<button class="small">Set</button></form></div></footer>`;
}

// ---- Errors ---------------------------------------------------------------------------------------

const EXPLAINED: Record<number, string> = {
  404: "There is nothing here, or nothing that you may see. Whoever owns it may have renamed, deleted or hidden it.",
  403: "You are signed in, but not as somebody who may do this.",
  401: "This needs an account.",
  500: "The town itself failed. Its log says why.",
};

/** An error in the words of the API's, as a page or, for who does not read HTML, as a line. */
export async function errorPage(request: Request, town: Town, error: HttpError): Promise<Response> {
  const headers = { ...error.headers };
  if (!(request.headers.get("accept") ?? "").includes("text/html")) {
    headers["content-type"] = "text/plain; charset=utf-8";
    return new Response(`${error.message}\n`, { status: error.status, headers });
  }
  const { arrival } = town;
  const asker = await askerBySession(town, request).catch(() => undefined);
  // Whoever has to sign in first comes back here.
  const next = error.status === 401 && request.method === "GET" ? `/signin?next=${encodeURIComponent(arrival.path + arrival.search)}` : "/signin";
  const body = html`<div class="hero"><p class="soft">${error.status}</p><h1>${error.message}</h1><p>${EXPLAINED[error.status]}</p>
    <p class="row"><a class="button" href="${href(arrival, "/")}">Home</a>${
      asker === undefined ? html`<a class="button first" href="${href(arrival, next)}">Sign in</a>` : null}</p></div>`;
  return pageOf(request, town, { title: error.message, asker, body, status: error.status, headers, made: ["pages/layout.ts"] });
}

/** An error where a val should have answered. It links to nothing: on a val's own host there is nothing of ours. */
export function valErrorPage(request: Request, error: HttpError): Response {
  return bareDocument(request, error, error.message, error.status >= 500 ? html`<p>Its author finds the reason in the val's logs.</p>` : null);
}

/** An error as a page of its own, that needs nothing else; for who does not read HTML, as a line. */
export function bareDocument(request: Request, error: HttpError, title: string, body: HtmlValue): Response {
  const headers: Record<string, string> = {
    ...error.headers, "access-control-allow-origin": "*", "cache-control": "no-store", "content-type": "text/plain; charset=utf-8",
  };
  if (!(request.headers.get("accept") ?? "").includes("text/html")) {
    return new Response(`${error.message}\n`, { status: error.status, headers });
  }
  headers["content-type"] = "text/html; charset=utf-8";
  headers["content-security-policy"] = "default-src 'none'; style-src 'unsafe-inline'";
  const document = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>${title}</title>
<style>body{font:16px/1.55 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1.25rem}h1{font-size:1.5rem;line-height:1.25}h2{font-size:1.1rem}</style></head>
<body><main><p>${error.status}</p><h1>${title}</h1>${body}</main></body></html>
`;
  return new Response(document.html, { status: error.status, headers });
}

// ---- Forms ----------------------------------------------------------------------------------------

/** Who posts a form: signed in, and from a page of ours rather than from somewhere that only has the cookie sent along. */
export async function formAsker(town: Town, request: Request): Promise<Asker> {
  checkOrigin(town.arrival, request);
  return requireSession(town, request);
}

/** Who looks at a page that needs an account. */
export async function requireSession(town: Town, request: Request): Promise<Asker> {
  const asker = await askerBySession(town, request);
  if (asker === undefined) throw new HttpError(401, "unauthorized", "Sign in first");
  return asker;
}

/** What was refused, above the form it is about. */
export function fault(error: HttpError | undefined): HtmlValue {
  return error === undefined ? null : html`<div class="notice bad" role="alert">${error.message}</div>`;
}

/** The outcome of a form, or the page it came from with the reason of its refusal. */
export async function orFault(
  work: () => Promise<Response>,
  again: (error: HttpError) => Response | Promise<Response>,
): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof HttpError) || error.status >= 500) throw error;
    const response = await again(error);
    for (const [name, value] of Object.entries(error.headers)) response.headers.set(name, value);
    return response;
  }
}

export function time(ms: number): Html {
  const iso = new Date(ms).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 16).replace("T", " ")}</time>`;
}

