// Every page, in light, dark and on a phone: nothing that axe finds, no error, nothing from elsewhere, nothing too wide.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { asOwner, axe, openWindow, overflow, signIn, startBrowser } from "./browser.js";
import { makeVal, startTown, TOKEN } from "./town.js";

const LONG = "a-name-as-long-as-names-may-be-so-that-it-wraps-x";
const PAGES = [
  "/", "/new", "/search?q=hello", "/search?q=nothing-like-it", "/settings", "/settings/tokens", "/settings/groups", "/settings/mail", "/settings/evaluations", "/settings/callsites", "/settings/deleted", "/admin",
  "/@alice", "/@alice/hello", "/@alice/hello/versions", "/@alice/hello/versions/1", "/@alice/hello/logs", "/@alice/hello/schedules",
  "/@alice/hello/environment", "/@alice/hello/database?table=visit", "/@alice/hello/blobs", "/@alice/hello/blobs?key=notes%2Ffirst.txt", "/settings/blobs", "/@alice/hello/settings", "/@alice/hello/remix", `/@alice/${LONG.slice(0, 48)}`,
  "/@town/system", "/@town/system/pages/home.ts", "/@town/system/pages/home.ts?edit", "/@town/system?q=home", "/@town/changes", "/instances", "/@alice/hello/branches", "/no/such/page",
  "/@alice/caller", "/@alice/hello/code", "/@alice/hello/code/README.md", "/@alice/hello/code/cron.ts", "/@alice/hello/code/mail.ts", "/@alice/caller/code/main.ts",
];
const VISITED = ["/", "/signin", "/signup", "/search?q=hello", "/@alice/hello", "/@alice/hello/versions/1", "/@alice/hello/code/main.ts", "/@town/system/main.ts"];
// No pages; and the page of a town that nobody owns, which the test of the set-up link looks at.
const NOT_LOOKED_AT = /^\/(-\/|v\/|[ux]\/:|healthz$|setup$)|^\/@town$/;
const LISTING = 'import { pageRoutes } from "town:system/pages/routes.ts";\nexport default () => Response.json(pageRoutes.map(([method, path]) => [method, path]));\n';

const MAIN = `import { storage } from "town:kernel";
export default async function (request: Request): Promise<Response> {
  await storage?.execute("CREATE TABLE IF NOT EXISTS visit (at TEXT)");
  await storage?.execute("INSERT INTO visit (at) VALUES ('now')");
  console.log("visited");
  console.warn("careful");
  if (request.url.endsWith("bad")) throw new Error("Something broke");
  return new Response("hello");
}
`;

let town;
let browser;
let withOwner;
let routes;

before(async () => {
  [town, browser] = await Promise.all([startTown(), startBrowser()]);
  withOwner = asOwner(browser, town);
  const { id, files } = await makeVal(town, "hello", [
    { path: "main.ts", type: "http", content: MAIN },
    { path: "cron.ts", type: "interval", content: "export default () => console.log('tick');\n" },
    { path: "README.md", type: "file", content: "# Hello\n\nA *val* with a `readme`.\n\n- one\n  - two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> quoted\n\n```ts\nconst x = 1;\n```\n" },
  ]);
  await makeVal(town, LONG.slice(0, 48), MAIN);
  await town.api("PUT", `/api/v2/vals/${id}/files?path=main.ts`, { content: `${MAIN}// changed\n` });
  await town.api("POST", `/api/v2/vals/${id}/environment_variables`, { key: "SECRET", value: "hidden" });
  const put = await fetch(`${town.url}/api/v2/blob/notes/first.txt?val_id=${id}`, { method: "POST", headers: { authorization: `Bearer ${TOKEN}` }, body: "first\n" });
  assert.equal(put.status, 201);
  for (const path of ["", "/bad"]) await fetch(`${town.url}/run/alice/hello${path}`);
  // Pages of one thing, whose addresses nobody can know before.
  const inner = await town.api("POST", "/api/town/instances", { name: "inner" });
  let run;
  while (run === undefined) run = (await town.api("GET", "/api/town/runs")).data[0];
  const { endpoint } = files.find(({ type }) => type === "http").links;
  PAGES.push(`/oauth/authorize?redirect_uri=${encodeURIComponent(endpoint)}&state=x`, `/instances/${inner.val.id}`, `/settings/evaluations/${run.id}`, `/@alice/hello/logs/${run.id}`);
  const { token } = await town.api("POST", "/api/town/users", { username: "bert" });
  const library = { name: "llm", files: [{ path: "main.ts", type: "script", content: "export default () => Deno.env.get('KEY');\n" }] };
  const made = await fetch(`${town.url}/api/town/vals`, { method: "POST", headers: { authorization: `Bearer ${token}` }, body: JSON.stringify(library) });
  assert.equal(made.status, 201);
  await makeVal(town, "listing", LISTING, "unlisted");
  routes = await (await fetch(`${town.url}/run/alice/listing`)).json();
  // Among the broken calls of the settings, and a problem on its own pages.
  await makeVal(town, "caller", 'import llm from "https://esm.town/v/bert/llm";\nexport default () => new Response(llm());\n');
});
after(async () => {
  await browser?.close();
  await town?.stop();
});

/** One load of a page is looked at as each of these: what differs is the stylesheet's affair. */
const LOOKS = [
  { name: "light", colorScheme: "light", width: 1280 },
  // The same elements in other colours.
  { name: "dark", colorScheme: "dark", width: 1280, rules: ["color-contrast"] },
  { name: "narrow", colorScheme: "dark", width: 390, rules: ["target-size", "scrollable-region-focusable"] },
];

async function lookAt(page, path) {
  for (const { name, colorScheme, width, rules } of LOOKS) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize({ width, height: 860 });
    assert.deepEqual(await axe(page, rules), [], `${path}, ${name}`);
    // The page moves it there when its window gets another width.
    const isInSight = (wide) => (document.querySelector(".tabs [aria-current]")?.getBoundingClientRect().right ?? 0) <= wide;
    await page.waitForFunction(isInSight, width).catch(() => assert.fail(`${path}, ${name}: its tab is out of sight`));
    assert.ok(await overflow(page) <= 1, `${path}, ${name}: wider than the window`);
  }
}

for (const signedIn of [false, true]) {
  test(`pages are accessible and quiet: ${signedIn ? "for an owner" : "for a visitor"}`, async () => {
    const window = await openWindow(browser, town);
    window.expect(/status of (404|401)/);
    if (signedIn) await signIn(window);
    for (const path of signedIn ? PAGES : VISITED) {
      await window.go(path);
      if (path.includes("/code/")) await window.page.waitForSelector(".ed[data-types]");
      await lookAt(window.page, path);
    }
    window.check();
    await window.close();
  });
}

test("every page that there is is among those that are looked at", () => {
  const patterns = routes.filter(([method]) => method === "GET").map(([, path]) => path);
  const routeOf = (address) => patterns.find((path) =>
    new RegExp(`^${path.replace(/:\w+/g, "[^/]+").replace(/\*$/, ".+")}$`).test(new URL(address, town.url).pathname));
  assert.ok(patterns.length > 35, "the list is the town's own");
  const seen = new Set([...PAGES, ...VISITED].map(routeOf));
  assert.deepEqual(patterns.filter((path) => !seen.has(path) && !NOT_LOOKED_AT.test(path)), []);
});

for (const look of [{ name: "light" }, { name: "phone", phone: true, dark: true }]) {
  test(`the editor with its palette is accessible and quiet: ${look.name}`, () => withOwner(look, async (window, page) => {
    await window.go("/@alice/hello/code/main.ts");
    await page.waitForSelector(".ed[data-types]");
    assert.deepEqual(await axe(page), []);
    assert.ok(await overflow(page) <= 1);
    await page.keyboard.press("Control+k");
    await page.waitForSelector("dialog.palette");
    assert.deepEqual(await axe(page), []);
  }));
}

test("everything but the editor's comforts works without scripts", async () => {
  const window = await openWindow(browser, town, { javaScriptEnabled: false });
  await signIn(window);
  await window.go("/new");
  await window.page.fill("#name", "plain");
  await window.page.click("main button.first");
  await window.page.fill("#content", 'export default () => new Response("by form");\n');
  await window.page.click("main button.first");
  await window.page.waitForURL(/\/@alice\/plain\/code\/main\.ts$/);
  const answer = await fetch(`${town.url}/run/alice/plain`);
  assert.equal(await answer.text(), "by form");
  await window.go("/@alice/plain/environment");
  await window.page.getByText("Set several").click();
  await window.page.fill("#lines", 'ONE=1\nexport TWO="a b" # with a comment\n');
  await window.page.getByRole("button", { name: "Set all" }).click();
  await window.page.locator("tbody tr").nth(1).waitFor();
  assert.deepEqual(await window.page.locator("tbody td:first-child").allTextContents(), ["ONE", "TWO"]);
  await window.close();
});

test("a val is liked by a form, and listed where the liked ones are", async () => {
  const window = await openWindow(browser, town, { javaScriptEnabled: false });
  const { page } = window;
  await signIn(window);
  await window.go("/@alice/hello");
  await page.getByRole("button", { name: "Like, 0 likes" }).click();
  await page.getByRole("button", { name: "You like this, 1 like" }).waitFor();
  const liked = async () => (await town.api("GET", "/api/v1/me/likes")).data.map(({ name }) => name);
  assert.deepEqual(await liked(), ["hello"]);
  await window.go("/");
  await page.getByRole("heading", { name: "Liked most" }).waitFor();
  await page.getByText("1 like", { exact: true }).waitFor();
  await window.go("/@alice/hello");
  await page.getByRole("button", { name: "You like this" }).click();
  await page.getByRole("button", { name: "Like, 0 likes" }).waitFor();
  assert.deepEqual(await liked(), []);
  window.check();
  await window.close();
});

test("blobs are put, found, changed, taken and deleted by forms", async () => {
  await makeVal(town, "shelf", "export default () => new Response();\n");
  const window = await openWindow(browser, town, { javaScriptEnabled: false });
  const { page } = window;
  await signIn(window);
  for (const shelf of ["/@alice/shelf/blobs", "/settings/blobs"]) {
    await window.go(shelf);
    await page.getByText("Nothing is stored yet").waitFor();
    for (const [key, name, body] of [["", "plain.txt", "some text"], ["pages/x.html", "x.html", "<script>alert(1)</script>"], ["bytes", "b", "\xff\x00"]]) {
      await window.go(shelf);
      await page.fill("#key", key);
      await page.setInputFiles("#file", { name, mimeType: "text/html", buffer: Buffer.from(body, "latin1") });
      await page.click("main button.first");
      await page.waitForURL(/\?key=/);
    }
    await page.getByText("This is no text").waitFor();
    await window.go(`${shelf}?prefix=pages%2F`);
    assert.deepEqual(await page.locator("tbody a").allTextContents(), ["pages/x.html"]);
    await page.click("tbody a");
    assert.equal(await page.locator("#text").inputValue(), "<script>alert(1)</script>");
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByText("Download").click()]);
    assert.equal(download.suggestedFilename(), "x.html");
    await page.fill("#text", "changed\n");
    await page.getByRole("button", { name: "Save" }).click();
    await page.waitForURL(/\?key=/);
    assert.equal(await page.locator("#text").inputValue(), "changed\n");
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByText("No key begins with pages/").waitFor();
  }
  window.check();
  await window.close();
});

test("a readme becomes markup only where it says so, and its links lead into the val", async () => {
  await makeVal(town, "read", [{
    path: "README.md", type: "file",
    content: "# A & B\n\n<script>alert(1)</script> [x](javascript:alert(1)) [near](./lib/a.ts) ![far](https://example.com/a.png) `<b>`\n\n- one\n  - two\n",
  }]);
  const page = await (await fetch(`${town.url}/@alice/read`)).text();
  const readme = /<article class="readme card">([\s\S]*?)<\/article>/.exec(page)[1];
  assert.match(readme, /<h2>A &amp; B<\/h2>/);
  assert.match(readme, /&lt;script&gt;alert\(1\)&lt;\/script&gt;/);
  assert.doesNotMatch(readme, /javascript:|<img|<script/);
  assert.match(readme, /<a href="\/@alice\/read\/code\/lib\/a\.ts"/);
  assert.match(readme, /<ul><li>one<ul><li>two<\/li><\/ul><\/li><\/ul>/);
});

test("a page's policy lets no script of others run, and vals have no place on its origin", async () => {
  const response = await fetch(`${town.url}/`);
  const policy = response.headers.get("content-security-policy");
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /script-src 'nonce-[\w+/=]+'(;|$)/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe-/);
  const signedIn = await fetch(`${town.url}/signin`, { method: "POST", redirect: "manual", body: new URLSearchParams({ username: "alice", password: "a-token-for-tests-only" }) });
  assert.doesNotMatch(signedIn.headers.get("set-cookie"), /Domain/i);
  assert.match(signedIn.headers.get("set-cookie"), /HttpOnly; SameSite=Lax/);
});
