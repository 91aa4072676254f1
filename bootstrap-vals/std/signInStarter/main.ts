/** A page that knows who looks at it: visitors sign in with their account of this town. */

import { getOAuthUserData, oauthMiddleware } from "https://esm.town/v/std/oauth";

async function handler(request: Request): Promise<Response> {
  const visitor = await getOAuthUserData(request);
  const words = visitor === null
    ? `<p>I do not know you. <a href="auth/login">Sign in</a></p>`
    : `<p>Hello, <b>@${visitor.username}</b>. <a href="auth/logout">Sign out</a></p>`;
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Who are you?</title><style>:root { color-scheme: light dark; font-family: system-ui }</style><h1>Who are you?</h1>${words}</html>`;
  return new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } });
}

export default oauthMiddleware(handler);
