/** Setting up the owner, signing in and out. */

import { sessionCookie } from "../lib/cookie.ts";
import { html, type HtmlValue } from "../lib/html.ts";
import { HttpError, readForm, redirect } from "../lib/http.ts";
import { href, isSafe, ownOrigin, SAFE_PREFIX, sitePrefix } from "../lib/mount.ts";
import { checkOrigin } from "../lib/origin.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { createAccount, type Account } from "../model/accounts.ts";
import { currentSetupToken } from "../model/boot.ts";
import { signUp } from "../model/invitations.ts";
import { openSession, signIn, signOut } from "../model/sessions.ts";
import { readSettings } from "../model/settings.ts";
import { fault, orFault, pageOf } from "./layout.ts";

/** What somebody without an account is told where not everybody may make one. */
const CLOSED: Record<string, string> = {
  closed: "This town takes no new accounts. Its owner may add one for you.",
  invitation: "This town takes new accounts by invitation: use the link that you were sent.",
};

export const accountRoutes: Route[] = [
  ["GET", "/setup", async (request, _params, town) => {
    const token = new URLSearchParams(town.arrival.search).get("token") ?? "";
    await checkSetup(town, token);
    return setupForm(request, town, token, "");
  }],
  ["POST", "/setup", setUp],
  ["GET", "/signin", (request, _params, town) =>
    signInForm(request, town, new URLSearchParams(town.arrival.search).get("next") ?? "", "")],
  ["POST", "/signin", async (request, _params, town) => {
    checkOrigin(town.arrival, request);
    const form = await readForm(request);
    const username = form.get("username") ?? "";
    const next = form.get("next") ?? "";
    return orFault(async () => {
      const session = await signIn(town, username, form.get("password") ?? "");
      if (session === undefined) throw new HttpError(401, "unauthorized", "Username and password do not fit");
      return redirect(href(town.arrival, safePath(next)), { "set-cookie": sessionCookie(town.arrival, session.secret, session.seconds) });
    }, (error) => signInForm(request, town, next, username, error));
  }],
  ["GET", "/signup", async (request, _params, town) => {
    const query = new URLSearchParams(town.arrival.search);
    return signUpForm(request, town, { invitation: query.get("invitation") ?? "", next: query.get("next") ?? "", username: "" });
  }],
  ["POST", "/signup", async (request, _params, town) => {
    checkOrigin(town.arrival, request);
    const form = await readForm(request);
    const username = form.get("username") ?? "";
    const invitation = form.get("invitation") ?? "";
    const next = form.get("next") ?? "";
    return orFault(
      async () => enter(town, await signUp(town, { username, password: form.get("password") ?? "", invitation }), next),
      (error) => signUpForm(request, town, { invitation, next, username }, error),
    );
  }],
  ["POST", "/signout", async (request, _params, town) => {
    checkOrigin(town.arrival, request);
    await signOut(town, request);
    return redirect(href(town.arrival, "/"), { "set-cookie": sessionCookie(town.arrival, "", 0) });
  }],
];

/** A path of ours to go on to; anything else would let a link send people elsewhere by way of our form. */
function safePath(next: string): string {
  return /^\/(?![/\\])/.test(next) ? next : "/";
}

/** A new session for an account, and on to where it wanted to go, or its first page. */
export async function enter(town: Town, account: Account, next = ""): Promise<Response> {
  const session = await openSession(town, account);
  return redirect(href(town.arrival, safePath(next)), { "set-cookie": sessionCookie(town.arrival, session.secret, session.seconds) });
}

async function setUp(request: Request, _params: unknown, town: Town): Promise<Response> {
  const form = await readForm(request);
  const token = form.get("token") ?? "";
  const username = form.get("username") ?? "";
  await checkSetup(town, token);
  return orFault(
    async () => enter(town, await createAccount(town, { username, password: form.get("password") ?? "", role: "owner" })),
    (error) => setupForm(request, town, token, username, error),
  );
}

/** The token of the link is what lets one in here; it is gone once there is an owner. */
async function checkSetup(town: Town, token: string): Promise<void> {
  const current = await currentSetupToken(town);
  if (current === undefined) throw new HttpError(404, "not_found", "This town has its owner already: sign in");
  if (token !== current) throw new HttpError(404, "not_found", "This is not the newest set-up link: take the one that the town printed when it was started last");
}

function setupForm(request: Request, town: Town, token: string, username: string, error?: HttpError): Promise<Response> {
  return pageOf(request, town, {
    title: "Create the owner account",
    asker: undefined,
    status: error?.status ?? 200,
    width: "narrow",
    made: ["pages/account.ts"],
    body: html`<h1>Welcome to your town</h1>
      <p>Create the account that owns it. It can change everything here, the platform's own files included.</p>
      ${fault(error)}
      <form method="post" action="${href(town.arrival, "/setup")}">
        <input type="hidden" name="token" value="${token}">${credentials(username, "new-password")}
        <p class="actions"><button class="first">Create account</button></p>
      </form>`,
  });
}

interface SignUp {
  invitation: string;
  next: string;
  username: string;
}

async function signUpForm(request: Request, town: Town, { invitation, next, username }: SignUp, error?: HttpError): Promise<Response> {
  const { signUp: mode } = await readSettings(town);
  const open = mode === "open" || (mode === "invitation" && invitation !== "");
  return pageOf(request, town, {
    title: "Make an account",
    asker: undefined,
    status: error?.status ?? 200,
    width: "narrow",
    made: ["pages/account.ts"],
    body: html`<h1>Make an account</h1>${fault(error)}${open
      ? html`<form method="post" action="${href(town.arrival, "/signup")}"><input type="hidden" name="invitation" value="${invitation}"><input type="hidden" name="next" value="${next}">${credentials(username, "new-password")}
        <p class="actions"><button class="first">Make account</button></p></form>`
      : html`<p>${CLOSED[mode]}</p>`}`,
  });
}

async function signInForm(request: Request, town: Town, next: string, username: string, error?: HttpError): Promise<Response> {
  const { signUp: mode } = await readSettings(town);
  return pageOf(request, town, {
    title: "Sign in",
    asker: undefined,
    status: error?.status ?? 200,
    width: "narrow",
    made: ["pages/account.ts"],
    body: html`<h1>Sign in</h1>${elsewhere(town)}${fault(error)}
      <form method="post" action="${href(town.arrival, "/signin")}">
        <input type="hidden" name="next" value="${next}">${credentials(username, "current-password")}
        <p class="hint">An API token with every scope does in place of the password.</p>
        <p class="actions"><button class="first">Sign in</button>${
          mode === "open" ? html`<a class="button quiet" href="${href(town.arrival, next === "" ? "/signup" : `/signup?next=${encodeURIComponent(next)}`)}">Make an account</a>` : null}</p>
      </form>${mode === "open" ? null : html`<p class="hint">New here? ${CLOSED[mode]}</p>`}`,
  });
}

/**
 * A town reached by path is fenced by the one around it, whose origin it must not have. Browsers then send its forms from
 * nowhere, so it can be looked at there and not signed in to.
 */
function elsewhere({ arrival }: Town): HtmlValue {
  if (!arrival.nested || sitePrefix(arrival) === "") return null;
  const own = `${ownOrigin(arrival)}${isSafe(arrival) ? SAFE_PREFIX : ""}/signin`;
  return html`<div class="notice"><p>By this address this town can be read and its vals used. A browser signs in at its own: <a href="${own}">${own}</a></p></div>`;
}

export function credentials(username: string, autocomplete: string): HtmlValue {
  const isNew = autocomplete === "new-password";
  return html`<label for="username">Username</label>
    <input id="username" name="username" value="${username}" autocomplete="username" autocapitalize="none" spellcheck="false" required${isNew ? html` aria-describedby="username-hint" maxlength="29"` : null}>
    ${isNew ? html`<p class="hint" id="username-hint">Letters, digits, _ and -. It is part of the addresses of your vals.</p>` : null}
    <label for="password">Password</label>
    <input id="password" name="password" type="password" autocomplete="${autocomplete}" required${
      isNew ? html` minlength="8" aria-describedby="password-hint"` : null}>${isNew ? html`<p class="hint" id="password-hint">At least 8 characters.</p>` : null}`;
}
