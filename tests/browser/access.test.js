// Who may see which page, and post which form: every page that there is, as nobody, as another account, as the author and as
// the owner of the town, about a public, an unlisted and a private val. Without a browser: pages are HTML over HTTP.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { OWNER, startTown, TOKEN } from "./town.js";

// In the names, texts and descriptions of what only its author may know of.
const SECRET = "known-to-its-author";
const AUTHOR = "bea";

// By what a page is about. A val's pages that are not named here are for its author.
const OPEN_VAL_PAGES = [/^\/@:username\/:name$/, /\/code(\/\*)?$/, /\/versions(\/:number)?$/, /\/branches$/];
const EDITOR_OF_VISITORS = /^\/-\/editor\/:id\/state$/;

let town;
let routes;
const vals = {};
const cookies = {};

async function signIn(username, password) {
  const response = await fetch(`${town.url}/signin`, { method: "POST", redirect: "manual", body: new URLSearchParams({ username, password }) });
  assert.equal(response.status, 303, username);
  return response.headers.get("set-cookie").split(";")[0];
}

before(async () => {
  town = await startTown();
  const make = (token, name, privacy, files) => fetch(`${town.url}/api/town/vals`, {
    method: "POST", headers: { authorization: `Bearer ${token}`, "content-type": "application/json" }, body: JSON.stringify({ name, privacy, files }),
  }).then((response) => response.json());
  const listing = 'import { pageRoutes } from "town:system/pages/routes.ts";\nexport default () => Response.json(pageRoutes.map(([method, path]) => [method, path]));\n';
  await make(TOKEN, "listing", "public", [{ path: "main.ts", type: "http", content: listing }]);
  routes = await (await fetch(`${town.url}/run/${OWNER}/listing`)).json();
  const tokens = { owner: TOKEN };
  for (const [who, username] of [["author", AUTHOR], ["another", "cay"]]) tokens[who] = (await town.api("POST", "/api/town/users", { username })).token;
  cookies.nobody = "";
  for (const [who, username] of [["owner", OWNER], ["author", AUTHOR], ["another", "cay"]]) cookies[who] = await signIn(username, tokens[who]);
  for (const privacy of ["public", "unlisted", "private"]) {
    const name = privacy === "public" ? "open" : `${SECRET}-${privacy}`;
    const content = `// ${name}\nexport default () => new Response();\n`;
    vals[privacy] = await make(tokens.author, name, privacy, [
      { path: "main.ts", type: "http", content }, { path: "tick.ts", type: "interval", content },
    ]);
    const saved = await fetch(`${town.url}/api/v2/vals/${vals[privacy].id}/files?path=main.ts`, {
      method: "PUT", headers: { authorization: `Bearer ${tokens.author}`, "content-type": "application/json" }, body: JSON.stringify({ content: `${content}// again\n` }),
    });
    assert.equal(saved.status, 200);
  }
});
after(() => town?.stop());

/** An address of a route; about a val where it names one. */
function addressOf(path, val) {
  return path.replace("/v/:user/*", `/v/${AUTHOR}/${val.name}`).replace(":username", AUTHOR).replace(":name", val.name).replace(":number", "1")
    .replace(":id", val.id).replace("/code/*", "/code/main.ts").replace("system/*", "system/main.ts");
}

async function ask(method, address, who, headers = {}) {
  // A stream does not end; what it says first is enough.
  const response = await fetch(town.url + address, {
    method, redirect: "manual", headers: { cookie: cookies[who], accept: "text/html", ...headers },
    ...(method === "POST" ? { body: new URLSearchParams() } : {}),
  });
  if (response.headers.get("content-type") === "text/event-stream") {
    await response.body.cancel();
    return { status: response.status, text: "" };
  }
  return { status: response.status, text: await response.text() };
}

/** What the answers may be, or undefined where this test promises nothing but that nothing leaks. */
function expected(path, who, privacy) {
  if (/^\/settings/.test(path) && !path.includes("/:")) return who === "nobody" ? [401] : [200];
  if (path === "/admin") return { nobody: [401], owner: [200] }[who] ?? [403];
  if (path === "/new") return who === "nobody" ? [401, 303] : [200];
  const isOfVal = path.startsWith("/@:username/:name") || path.startsWith("/-/editor/:id");
  if (!isOfVal) return undefined;
  if (who === "author") return path.includes("/:run") ? [404] : [200];
  if (privacy !== "private" && (OPEN_VAL_PAGES.some((page) => page.test(path)) || EDITOR_OF_VISITORS.test(path))) return [200];
  // A form that anybody may see who sees the val, and who has an account to take it into.
  if (path.endsWith("/remix") && privacy !== "private") return who === "nobody" ? [303] : [200];
  return who === "nobody" ? [401, 404] : [404];
}

test("every page is for whom it is for, and tells nobody else of what is private", async () => {
  const pages = routes.filter(([method, path]) => method === "GET" && path !== "/healthz");
  assert.ok(pages.length > 35, "the list of pages is the town's own");
  for (const privacy of ["public", "unlisted", "private"]) {
    for (const [, path] of pages) {
      // What is about no val is the same whatever the val.
      if (privacy !== "private" && !/:username\/:name|:id|^\/v\//.test(path)) continue;
      await Promise.all(["nobody", "another", "owner", "author"].map(async (who) => {
        const address = addressOf(path, vals[privacy]);
        const { status, text } = await ask("GET", path === "/search" ? "/search?q=known" : address, who);
        const about = `${who} ${address} (${privacy}): ${status}`;
        assert.ok(status < 500, about);
        const wanted = expected(path, who, privacy);
        if (wanted !== undefined) assert.ok(wanted.includes(status), `${about}, expected ${wanted}`);
        // That the way back from signing in leads to what was asked for tells nothing.
        const told = text.replaceAll(encodeURIComponent(address), "");
        if (privacy === "private" && who !== "author") assert.ok(!told.includes(SECRET), `${about} tells of it`);
      }));
    }
  }
});

test("a form is taken from whom it is for, and from no other site", async () => {
  const forms = routes.filter(([method, path]) => method === "POST" && !/^\/(setup|signin|signup|signout|theme|@town)/.test(path));
  for (const [, path] of forms) {
    for (const privacy of ["public", "private"]) {
      const address = addressOf(path, vals[privacy]);
      const isOfVal = /:username\/:name|:id/.test(path);
      const { status: nobody } = await ask("POST", address, "nobody");
      // What everybody may do with a public val leads to the sign-in first.
      const isOpen = /\/(remix|like)$/.test(path);
      assert.ok([401, 403, 404, ...(isOpen ? [303] : [])].includes(nobody), `nobody ${address}: ${nobody}`);
      const { status: elsewhere } = await ask("POST", address, path === "/admin" ? "owner" : "author", { origin: "http://elsewhere.example" });
      assert.equal(elsewhere, 403, `from another site ${address}`);
      if (!isOfVal || isOpen && privacy === "public") continue;
      for (const who of ["another", "owner"]) {
        const { status } = await ask("POST", address, who);
        assert.ok(privacy === "private" ? status === 404 : [403, 404].includes(status), `${who} ${address}: ${status}`);
      }
    }
  }
  for (const { id } of Object.values(vals)) {
    const { version } = await (await fetch(`${town.url}/-/editor/${id}/state`, { headers: { cookie: cookies.author } })).json();
    assert.equal(version, 1, "nothing was changed");
  }
});
