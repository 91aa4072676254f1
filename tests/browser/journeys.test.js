// What depends on where a town is: addresses, cookies, streams, sockets, modules, and getting in. These, unlike the rest, are
// also run in towns inside towns: TOWN_TEST_DEPTH=3.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { openWindow, signIn, startBrowser } from "./browser.js";
import { DEPTH, makeVal, OWNER, startTown, TOKEN } from "./town.js";

/** A page that uses all that a browser has for talking to where it came from, and says how that went. */
const MEETS = `import { shout } from "./lib/shout.ts";
const page = (module: string) => \`<!doctype html><html lang="en"><title>Meets</title><ul id="heard"></ul><a href="there?x=1">on</a>
<script type="module">
  const say = (text) => { document.querySelector("#heard").append(Object.assign(document.createElement("li"), { textContent: text })); };
  const base = new URL(".", location.href);
  const socket = new WebSocket(new URL("socket", base).href.replace(/^http/, "ws"));
  socket.onopen = () => socket.send("hello");
  socket.onmessage = ({ data }) => say("socket " + data);
  const events = new EventSource(new URL("events", base));
  events.onmessage = ({ data, lastEventId }) => { say("event " + data); if (data === "3") events.close(); };
  const { shout } = await import("\${module}");
  say("module " + shout("loud"));
  say("cookie " + document.cookie);
</script></html>\`;
export default async function (request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/socket") {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => socket.send(shout(String(data)));
    return response;
  }
  if (pathname === "/events") {
    const stream = new ReadableStream({
      async start(controller) {
        for (const number of [1, 2, 3]) {
          controller.enqueue(new TextEncoder().encode(\`data: \${number}\\n\\n\`));
          await new Promise((done) => setTimeout(done, 20));
        }
        controller.close();
      },
    });
    return new Response(stream, { headers: { "content-type": "text/event-stream" } });
  }
  if (pathname === "/there") return new Response("arrived " + searchParams.get("x") + " with " + request.headers.get("cookie"));
  if (pathname === "/away") return Response.redirect(new URL("/there?x=2", request.url));
  const headers = { "content-type": "text/html", "set-cookie": "own=yes; Path=/; Domain=localhost" };
  return new Response(page(new URL("./lib/shout.ts", import.meta.url).href), { headers });
}
`;

let town;
let browser;
let meets;

before(async () => {
  [town, browser] = await Promise.all([startTown(), startBrowser()]);
  meets = await makeVal(town, "meets", [
    { path: "main.ts", type: "http", content: MEETS },
    { path: "lib/shout.ts", type: "script", content: "export const shout = (text: string): string => text.toUpperCase();\n" },
  ]);
});
after(async () => {
  await browser?.close();
  await town?.stop();
});

test("a val's page talks to its val: socket, events, module, cookie, link, redirect", async () => {
  const window = await openWindow(browser, town);
  const { page } = window;
  const endpoint = meets.files.find(({ type }) => type === "http").links.endpoint;
  assert.equal(new URL(endpoint).host, `alice--meets.${town.host}`);
  await page.goto(endpoint);
  for (const heard of ["socket HELLO", "event 1", "event 3", "module LOUD", "cookie own=yes"]) await page.locator("#heard li", { hasText: heard }).waitFor();
  await page.getByText("on", { exact: true }).click();
  await page.getByText("arrived 1 with own=yes").waitFor();
  await page.goto(new URL("away", endpoint).href);
  assert.equal(page.url(), new URL("there?x=2", endpoint).href);
  // Its cookie is nobody else's: not that of the town's pages, and not of a val beside it.
  assert.deepEqual((await window.context.cookies(town.url)).map(({ name }) => name), []);
  window.check();
  await window.close();
});

test("who is signed in stays so over the pages, which lead nowhere else, and signing out ends it", async () => {
  const window = await openWindow(browser, town);
  const { page } = window;
  await signIn(window);
  const [session] = await window.context.cookies(town.url);
  assert.equal(session.domain, new URL(town.url).hostname, "no host but the town's own");
  for (const path of ["/", "/settings", "/@alice/meets", "/@alice/meets/logs", "/@alice/meets/versions", "/instances", "/@town/changes", "/@town/safe/"]) {
    await window.go(path);
    await page.locator("details.menu").waitFor();
    const links = await page.evaluate(() => [...document.querySelectorAll("a[href], form[action]")].map((one) => one.href || one.action));
    const elsewhere = links.filter((link) => /^http/.test(link) && new URL(link).host !== town.host && !new URL(link).host.endsWith(`.${town.host}`));
    assert.deepEqual(elsewhere.filter((link) => !/github|esm\.town/.test(link)), [], path);
  }
  await window.go("/@town/safe/@town/changes");
  await page.getByText("Differences to the image").waitFor();
  await window.go("/");
  await page.locator("details.menu summary").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.locator("header").getByText("Sign in").waitFor();
  window.check();
  await window.close();
});

test("a town reached by path shows its pages and vals, and says where to sign in", { skip: DEPTH === 0 }, async () => {
  const window = await openWindow(browser, town);
  const { page } = window;
  // The way by path from the host that is not inside any other.
  const labels = new URL(town.url).hostname.split(".").slice(0, DEPTH).reverse();
  const root = `http://${new URL(town.url).host.split(".").slice(DEPTH).join(".")}`;
  const prefix = labels.map((label) => `/run/${label.replace("--", "/")}`).join("");
  window.expect(/./);
  const answered = await page.goto(`${root}${prefix}/`);
  assert.equal(answered.status(), 200);
  assert.match(answered.headers()["content-security-policy"], /sandbox(?! allow-same-origin)/, "it shares no origin with the town around it");
  await page.getByText("meets").first().click();
  await page.waitForURL(`${root}${prefix}/@alice/meets`);
  await page.getByRole("heading", { name: "meets" }).first().waitFor();
  await page.goto(`${root}${prefix}/run/alice/meets/away`);
  assert.equal(page.url(), `${root}${prefix}/run/alice/meets/there?x=2`);
  await page.goto(`${root}${prefix}/signin`);
  const link = page.locator("main a", { hasText: town.host });
  assert.equal(await link.getAttribute("href"), `${town.url}/signin`);
  await link.click();
  await page.fill("#username", OWNER);
  await page.fill("#password", TOKEN);
  await page.click("main button.first");
  await page.waitForURL(`${town.url}/`);
  assert.deepEqual(window.faults.filter((fault) => fault.startsWith("left the machine")), []);
  await window.close();
});
