/** Setting up the owner, signing in and out. */

import { sessionCookie } from "../lib/cookie.ts";
import { html, type HtmlValue } from "../lib/html.ts";
import { HttpError, readForm, redirect } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { createAccount, openSession, signIn, signOut } from "../model/accounts.ts";
import { currentSetupToken } from "../model/boot.ts";
import { checkOrigin, pageOf } from "./layout.ts";

export const accountRoutes: Route[] = [
  ["GET", "/setup", async (_request, _params, town) => {
    const token = new URLSearchParams(town.arrival.search).get("token") ?? "";
    await checkSetup(town, token);
    return setupForm(town, token);
  }],
  ["POST", "/setup", setUp],
  ["GET", "/signin", (_request, _params, town) => signInForm(town)],
  ["POST", "/signin", async (request, _params, town) => {
    checkOrigin(town, request);
    const form = await readForm(request);
    const session = await signIn(town, form.get("username") ?? "", form.get("password") ?? "");
    if (session === undefined) return signInForm(town, "Username and password do not fit");
    return redirect(href(town.arrival, "/"), { "set-cookie": sessionCookie(town.arrival, session.secret, session.seconds) });
  }],
  ["POST", "/signout", async (request, _params, town) => {
    checkOrigin(town, request);
    await signOut(town, request);
    return redirect(href(town.arrival, "/"), { "set-cookie": sessionCookie(town.arrival, "", 0) });
  }],
];

async function setUp(request: Request, _params: unknown, town: Town): Promise<Response> {
  const form = await readForm(request);
  const token = form.get("token") ?? "";
  await checkSetup(town, token);
  const wish = { username: form.get("username") ?? "", password: form.get("password") ?? "", role: "owner" as const };
  try {
    const account = await createAccount(town, wish);
    const session = await openSession(town, account);
    return redirect(href(town.arrival, "/"), { "set-cookie": sessionCookie(town.arrival, session.secret, session.seconds) });
  } catch (error) {
    if (error instanceof HttpError) return setupForm(town, token, error.message);
    throw error;
  }
}

/** The token of the link is what lets one in here; it is gone once there is an owner. */
async function checkSetup(town: Town, token: string): Promise<void> {
  const current = await currentSetupToken(town);
  if (current === undefined || token !== current) throw new HttpError(404, "not_found", "Page not found");
}

function setupForm(town: Town, token: string, fault?: string): Response {
  return pageOf(town.arrival, {
    title: "Create the owner account",
    asker: undefined,
    status: fault === undefined ? 200 : 400,
    body: html`<h1>Create the owner account</h1>
      <form method="post" action="${href(town.arrival, "/setup")}">
        <input type="hidden" name="token" value="${token}">${fields(fault, "new-password")}
        <p><button>Create account</button></p>
      </form>`,
  });
}

function signInForm(town: Town, fault?: string): Response {
  return pageOf(town.arrival, {
    title: "Sign in",
    asker: undefined,
    status: fault === undefined ? 200 : 401,
    body: html`<h1>Sign in</h1>
      <form method="post" action="${href(town.arrival, "/signin")}">${fields(fault, "current-password")}
        <p class="note">An API token with every scope does in place of the password.</p>
        <p><button>Sign in</button></p>
      </form>`,
  });
}

function fields(fault: string | undefined, autocomplete: string): HtmlValue {
  return html`${fault === undefined ? null : html`<p class="bad" role="alert">${fault}</p>`}
    <label for="username">Username</label>
    <input id="username" name="username" autocomplete="username" autocapitalize="none" required>
    <label for="password">Password</label>
    <input id="password" name="password" type="password" autocomplete="${autocomplete}" required>`;
}
