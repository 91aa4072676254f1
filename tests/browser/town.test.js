// A whole town from the browser: setting it up, changing it from inside, another account, a town inside it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { axe, openEditor, openWindow, signIn, startBrowser, typeCode } from "./browser.js";
import { makeVal, OWNER, startTown, TOKEN } from "./town.js";

let town;
let browser;

before(async () => {
  [town, browser] = await Promise.all([startTown(), startBrowser()]);
});
after(async () => {
  await browser?.close();
  await town?.stop();
});

test("the set-up link leads to a first running val", async () => {
  const fresh = await startTown({ owner: false });
  try {
    const window = await openWindow(browser, fresh);
    const { page } = window;
    await page.goto(fresh.setup);
    assert.deepEqual(await axe(page), []);
    await page.fill("#username", "first");
    await page.fill("#password", "correct horse battery");
    await page.click("main button.first");
    await page.getByText("Make the first one").click();
    await page.fill("#name", "hello");
    await page.click("main button.first");
    await page.waitForSelector(".ed[data-ready]");
    await typeCode(page, 'export default () => new Response("<h1>It runs</h1>", { headers: { "content-type": "text/html" } });\n');
    await page.getByRole("button", { name: "Send", exact: true }).first().click();
    await page.frameLocator(".ed-stage iframe").getByText("It runs").waitFor();
    const answer = await fetch(`${fresh.url}/run/first/hello`);
    assert.equal(await answer.text(), "<h1>It runs</h1>");
    // The link worked once.
    window.expect(/404/);
    const again = await page.goto(fresh.setup);
    assert.equal(again.status(), 404);
    window.check();
    await window.close();
  } finally {
    await fresh.stop();
  }
});

test("a page is forked, overridden, broken in vain, and restored", async () => {
  const window = await openWindow(browser, town);
  const { page } = window;
  await signIn(window);
  await window.go("/search?q=");
  await page.locator(".foot [data-made]", { hasText: "pages/search.ts" }).click();
  await page.getByText("Fork into a val").click();
  await page.waitForURL(/\/@alice\/fork-pages-search\/code\/pages\/search\.ts/);
  await page.waitForSelector(".ed[data-ready]");
  assert.match(await page.locator("#view .cm-content").innerText(), /town:system\/lib\/html\.ts/);
  await page.evaluate(() => window.scrollTo(0, 0));

  // The fork, changed, becomes the override.
  const { id } = await town.api("GET", "/api/v2/alias/vals/alice/fork-pages-search");
  const text = await (await fetch(`${town.url}/v/alice/fork-pages-search@0-main/pages/search.ts`, { headers: { accept: "application/typescript" } })).text();
  await town.api("PUT", `/api/v2/vals/${id}/files?path=pages/search.ts`, { content: text.replace('"Search" : html`Vals', '"Looking glass" : html`Vals') });
  await window.go("/@town/system/pages/search.ts?edit&from=alice/fork-pages-search/pages/search.ts");
  await page.getByText("Save and reload").click();
  await page.getByText("Difference to the image").first().waitFor();
  await window.go("/search?q=");
  assert.equal(await page.locator("h1").textContent(), "Looking glass");

  // What does not load is refused, and the town runs on as it was.
  window.expect(/422/);
  await window.go("/@town/system/pages/search.ts?edit");
  await page.click(".cm-content");
  await page.keyboard.press("Control+Home");
  await page.keyboard.insertText("this is no program\n");
  await page.getByText("Save and reload").click();
  await page.getByText("With this text the town does not load").waitFor();
  await page.getByText(/pages\/search\.ts:1:/).first().waitFor();
  await window.go("/search?q=");
  assert.equal(await page.locator("h1").textContent(), "Looking glass");

  await window.go("/@town/system/pages/search.ts");
  await page.getByRole("button", { name: "Restore" }).click();
  await page.getByText("Override", { exact: true }).waitFor();
  await window.go("/search?q=");
  assert.equal(await page.locator("h1").textContent(), "Search");
  window.check();
  await window.close();
});

test("a private val does not exist for another account, and its author's pages are closed to it", async () => {
  await makeVal(town, "secret", "export default () => new Response('x');\n", "private");
  await makeVal(town, "open", "export default () => new Response('x');\n");
  const { token } = await town.api("POST", "/api/town/users", { username: "bob" });
  const window = await openWindow(browser, town);
  window.expect(/404|403/);
  await signIn(window, "bob", token);
  for (const path of ["", "/code", "/versions", "/logs", "/settings", "/environment", "/database", "/blobs"]) {
    assert.equal((await window.go(`/@alice/secret${path}`)).status(), 404, path);
  }
  for (const path of ["/logs", "/settings", "/environment", "/database", "/blobs", "/schedules"]) {
    assert.equal((await window.go(`/@alice/open${path}`)).status(), 404, path);
  }
  assert.equal((await window.go("/admin")).status(), 403);
  await window.go("/search?q=secret");
  await window.page.getByText("Nothing was found").waitFor();
  // A stranger's val runs in the preview only when asked to.
  await openEditor(window, "/@alice/open/code/main.ts", { types: false });
  assert.equal(await window.page.locator(".ed-stage iframe").count(), 0);
  await window.page.getByText("Show the preview").click();
  await window.page.frameLocator(".ed-stage iframe").getByText("x").waitFor();
  await window.go("/@alice/open");
  await window.page.getByRole("button", { name: "Remix" }).click();
  await window.page.waitForURL(/\/@bob\/open\/code/);
  window.check();
  await window.close();
});

test("a town inside the town is made and used in the browser", async () => {
  const window = await openWindow(browser, town);
  const { page } = window;
  await signIn(window);
  await window.go("/new?template=town");
  await page.fill("#name", "inner");
  await page.click("main button.first");
  const secret = await page.locator("code.secret").textContent();
  await page.getByText("Open the town").click();
  await page.waitForURL((url) => url.host === `alice--inner.${town.host}`);
  await page.fill("#username", "alice");
  await page.fill("#password", secret);
  await page.click("main button.first");
  await page.getByText("Make the first one").click();
  await page.fill("#name", "deep");
  await page.click("main button.first");
  await page.waitForSelector(".ed[data-ready]");
  await typeCode(page, 'export default () => new Response("from below");\n');
  await page.keyboard.press("Control+Enter");
  await page.frameLocator(".ed-stage iframe").getByText("from below").waitFor();
  assert.ok((await page.locator(".ed-stage iframe").getAttribute("src")).startsWith(`http://alice--deep.alice--inner.${town.host}/`));
  // Neither knows the other's session.
  assert.notEqual(secret, TOKEN);
  await window.go("/");
  await page.getByText("Your vals").first().waitFor();
  window.check();
  await window.close();
});

test("from signing in to a running val, by keyboard alone", async () => {
  const window = await openWindow(browser, town);
  const { page } = window;
  const { keyboard } = page;
  const tabTo = async (selector) => {
    for (let presses = 0; presses < 80; presses++) {
      if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) === true, selector)) return;
      await keyboard.press("Tab");
    }
    assert.fail(`Tab does not lead to ${selector}`);
  };
  const focused = () => page.evaluate(() => document.activeElement?.textContent);
  await window.go("/");
  await tabTo('a[href="/signin"]');
  await keyboard.press("Enter");
  await page.waitForURL(/signin/);
  await tabTo("#username");
  await keyboard.type(OWNER);
  await tabTo("#password");
  await keyboard.type(TOKEN);
  await keyboard.press("Enter");
  await page.waitForURL((url) => url.pathname === "/");
  await tabTo('a[href="/new"]');
  await keyboard.press("Enter");
  await page.waitForURL(/\/new/);
  await tabTo("#name");
  await keyboard.type("typed");
  await keyboard.press("Enter");
  await page.waitForSelector(".ed[data-types]");

  // Code with a fault, which F8 finds and whose message the list of problems has.
  await tabTo("#view .cm-content");
  await keyboard.press("Control+a");
  await keyboard.insertText("const greeting = [1].mapp(String);\nexport default () => { console.log('by key'); return new Response(greeting); };\n");
  await page.waitForFunction(() => document.querySelector("#view").dataset.diagnosed === "1");
  await keyboard.press("Control+Home");
  await keyboard.press("F8");
  assert.equal(await page.evaluate(() => document.getSelection().toString()), "mapp");
  await keyboard.press("Control+Shift+M");
  await page.locator(".cm-panel-lint", { hasText: "Property 'mapp' does not exist" }).waitFor();
  await keyboard.press("Escape");
  await tabTo("#view .cm-content");
  await keyboard.press("Control+a");
  await keyboard.insertText("const greeting = 'typed it';\nexport default () => { console.log('by key'); return new Response(greeting); };\n");
  await page.waitForFunction(() => document.querySelector("#view").dataset.diagnosed === "0");
  // A symbol gets another name.
  await keyboard.press("Control+Home");
  for (let step = 0; step < "const g".length; step++) await keyboard.press("ArrowRight");
  await keyboard.press("F2");
  await page.locator("dialog #asked").waitFor();
  await keyboard.type("welcome");
  await keyboard.press("Enter");
  await page.locator("#view .cm-content", { hasText: "new Response(welcome)" }).waitFor();

  // Saved, run, and what it logged read.
  await tabTo("#view .cm-content");
  await keyboard.press("Control+s");
  await page.getByText(/Saved as version 1/).waitFor();
  await keyboard.press("Control+Enter");
  await page.frameLocator(".ed-stage iframe").getByText("typed it").waitFor();
  await page.locator(".ed-runs li", { hasText: "by key" }).first().waitFor();
  await keyboard.press("Escape");
  await tabTo(".ed-runs");
  await keyboard.press("Tab");
  assert.match(await focused(), /200/);
  await keyboard.press("Enter");
  assert.equal(await page.locator(".ed-runs details").first().getAttribute("open"), null, "a run is closed by its key");

  // Another file, and back.
  await page.keyboard.press("Control+k");
  await page.locator("dialog.palette input").waitFor();
  await keyboard.press("Escape");
  await tabTo(".ed-tree-actions button");
  await keyboard.press("Enter");
  await page.locator("dialog #asked").waitFor();
  await keyboard.type("lib.ts");
  await keyboard.press("Enter");
  await page.waitForURL(/code\/lib\.ts/);
  assert.match(await page.evaluate(() => document.activeElement?.getAttribute("aria-label")), /Code of lib/, "a new file is there to be typed");
  await keyboard.press("Escape");
  await tabTo('[role="treeitem"][tabindex="0"]');
  await keyboard.press("ArrowDown");
  assert.match(await focused(), /main\.ts/);
  await keyboard.press("Enter");
  await page.waitForURL(/code\/main\.ts/);
  await keyboard.press("Control+s");
  await page.getByText(/Saved as version 2/).waitFor();

  // And away.
  await keyboard.press("Control+k");
  await page.locator("dialog.palette input").waitFor();
  await keyboard.type("versions");
  await keyboard.press("Enter");
  await page.waitForURL(/\/@alice\/typed\/versions/);
  window.check();
  await window.close();
});
