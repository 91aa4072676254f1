/** What every page has: head, bar, and headers that let nothing run but what we wrote. */

import { HttpError } from "../lib/http.ts";
import { html, type Html, type HtmlValue } from "../lib/html.ts";
import { href, pageOrigin, type Arrival } from "../lib/mount.ts";
import type { Town } from "../lib/town.ts";
import { askerBySession, type Asker } from "../model/accounts.ts";

// No script at all: pages are plain HTML and forms.
const POLICY =
  "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

export interface PageWish {
  title: string;
  asker: Asker | undefined;
  body: HtmlValue;
  status?: number;
  headers?: Record<string, string>;
}

export function pageOf(arrival: Arrival, wish: PageWish): Response {
  const to = (path: string) => href(arrival, path);
  const { asker } = wish;
  const account = asker === undefined
    ? html`<a href="${to("/signin")}">Sign in</a>`
    : html`<a href="${to("/new")}">New val</a> <a href="${to(`/@${asker.username}`)}">@${asker.username}</a>
      <form method="post" action="${to("/signout")}"><button>Sign out</button></form>`;
  const document: Html = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${wish.title}</title>
<link rel="stylesheet" href="${to("/style.css")}">
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header><nav aria-label="Town"><a class="home" href="${to("/")}">Val Town Town</a><span class="account">${account}</span></nav></header>
<main id="main">${wish.body}</main>
</body>
</html>
`;
  return new Response(document.html, {
    status: wish.status ?? 200,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": POLICY,
      "x-content-type-options": "nosniff",
      "referrer-policy": "same-origin",
      "cache-control": "no-store",
      ...wish.headers,
    },
  });
}

/** An error in the words of the API's, as a page or, for who does not read HTML, as a line. */
export function errorPage(request: Request, town: Town, error: HttpError): Response {
  const headers = { ...error.headers };
  if (!(request.headers.get("accept") ?? "").includes("text/html")) {
    headers["content-type"] = "text/plain; charset=utf-8";
    return new Response(`${error.message}\n`, { status: error.status, headers });
  }
  const body = html`<h1>${error.status}</h1><p>${error.message}</p>`;
  return pageOf(town.arrival, { title: error.message, asker: undefined, body, status: error.status, headers });
}

/** An error where a val should have answered. It links to nothing: on a val's own host there is nothing of ours. */
export function valErrorPage(request: Request, error: HttpError): Response {
  const headers: Record<string, string> = {
    ...error.headers, "access-control-allow-origin": "*", "cache-control": "no-store", "content-type": "text/plain; charset=utf-8",
  };
  if (!(request.headers.get("accept") ?? "").includes("text/html")) {
    return new Response(`${error.message}\n`, { status: error.status, headers });
  }
  headers["content-type"] = "text/html; charset=utf-8";
  headers["content-security-policy"] = "default-src 'none'";
  const document = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>${error.message}</title></head>
<body><main><h1>${error.status}</h1><p>${error.message}.</p>${
    error.status >= 500 ? html`<p>Its author finds the reason in the val's logs.</p>` : null}</main></body></html>
`;
  return new Response(document.html, { status: error.status, headers });
}

/** Who posts a form: signed in, and from a page of ours rather than from somewhere that only has the cookie sent along. */
export async function formAsker(town: Town, request: Request): Promise<Asker> {
  checkOrigin(town, request);
  const asker = await askerBySession(town, request);
  if (asker === undefined) throw new HttpError(401, "unauthorized", "Sign in first");
  return asker;
}

/** Refuses a form of another origin. Whoever sends neither header is no browser and carries nobody's cookies by accident. */
export function checkOrigin(town: Town, request: Request): void {
  const origin = request.headers.get("origin");
  const site = request.headers.get("sec-fetch-site");
  const foreign = origin === null ? site !== null && site !== "same-origin" && site !== "none" : origin !== pageOrigin(town.arrival);
  if (foreign) throw new HttpError(403, "forbidden", "This form was sent from another site");
}

export function time(ms: number): Html {
  const iso = new Date(ms).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 16).replace("T", " ")}</time>`;
}
