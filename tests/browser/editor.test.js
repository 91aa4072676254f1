// The editor as people meet it: types, saving, running, logs, conflicts, drafts, keys.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { asOwner, openEditor, openWindow, PATIENCE_MS, signIn, startBrowser, typeCode } from "./browser.js";
import { startRegistry } from "./registry.js";
import { makeVal, startTown } from "./town.js";

let town;
let browser;
let withOwner;

before(async () => {
  [town, browser] = await Promise.all([startTown(), startBrowser()]);
  withOwner = asOwner(browser, town);
});
after(async () => {
  await browser?.close();
  await town?.stop();
});

const errors = (page, count) =>
  page.waitForFunction((wanted) => Number(document.querySelector("#view")?.dataset.diagnosed ?? "-1") === wanted, count);
/** Points at something until what it tells is there: what is found meanwhile draws the line anew under the pointer. */
async function hoverFor(page, target, told) {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end;) {
    await page.mouse.move(0, 0);
    await target.hover();
    if (await told.waitFor({ timeout: 2000 }).then(() => true, () => false)) return;
  }
  await told.waitFor({ timeout: 1 });
}
const preview = (page, text) => page.frameLocator(".ed-stage iframe").getByText(text).first().waitFor();

test("a type error is underlined, and gone when it is mended", async () => {
  await makeVal(town, "typed", 'import { length } from "./length.ts";\nexport default () => new Response(String(length("a")));\n');
  await withOwner({}, async (window, page) => {
    await openEditor(window, "/@alice/typed/code/main.ts");
    await typeCode(page, "const count: number = [1, 2].mapp(String);\nexport default () => Response.json(count);\n");
    await errors(page, 1);
    assert.equal(await page.locator(".cm-lintRange-error").first().textContent(), "mapp");
    await page.locator(".cm-lintRange-error").first().hover();
    await page.getByText(/Property 'mapp' does not exist/).first().waitFor();
    await typeCode(page, "const count: number = [1, 2].length;\nexport default () => Response.json(count);\n");
    await errors(page, 0);
    // A file of the val that is not there is a mistake before it is saved.
    await typeCode(page, 'import { gone } from "./gone.ts";\nexport default () => Response.json(gone);\n');
    await errors(page, 1);
  });
});

test("types of other files, of other vals and of the kernel are known", async () => {
  await makeVal(town, "library", [{ path: "main.ts", type: "script", content: "/** Doubles. */\nexport const twice = (n: number): number => n * 2;\n" }]);
  await makeVal(town, "consumer", [
    { path: "main.ts", type: "http", content: "export default () => new Response();\n" },
    { path: "near.ts", type: "script", content: "export const near = 'near';\n" },
  ]);
  await withOwner({}, async (window, page) => {
    await openEditor(window, "/@alice/consumer/code/main.ts");
    await typeCode(page, `import { near } from "./near.ts";
import { twice } from "https://esm.town/v/alice/library/main.ts";
import { storage } from "town:kernel";
const a: number = near;
const b: string = twice(2);
const c: number = storage;
export default () => Response.json([a, b, c, Deno.env.get("HOME")]);
`);
    await errors(page, 3);
    const marked = await page.locator(".cm-lintRange-error").allTextContents();
    assert.deepEqual(marked, ["a", "b", "c"]);
    await page.locator(".cm-line", { hasText: "const b" }).getByText("twice").hover();
    await page.locator(".cm-tooltip-hover .cm-card", { hasText: "twice(n: number): number" }).getByText("Doubles.").waitFor();
    // Where it is defined is a page of its own, in another tab.
    await page.locator(".cm-line", { hasText: "const b" }).getByText("twice").click();
    const [other] = await Promise.all([window.context.waitForEvent("page"), page.keyboard.press("F12")]);
    await other.waitForURL(/\/@alice\/library\/code\/main\.ts#L2$/);
    await other.close();
  });
});

test("a call that needs what its author's code has is underlined, and one click makes it a call as an API", async () => {
  const { token } = await town.api("POST", "/api/town/users", { username: "bert" });
  const file = { path: "main.ts", type: "script", content: 'export default (x: string) => x + Deno.env.get("KEY");\n' };
  const made = await fetch(`${town.url}/api/town/vals`, {
    method: "POST", headers: { authorization: `Bearer ${token}` }, body: JSON.stringify({ name: "keyed", files: [file] }),
  });
  assert.equal(made.status, 201);
  await makeVal(town, "caller", 'import keyed from "https://esm.town/v/bert/keyed";\nexport default async () => new Response(await keyed("a "));\n');
  await withOwner({}, async (window, page) => {
    await openEditor(window, "/@alice/caller/code/main.ts");
    await errors(page, 0);
    const marked = page.locator(".cm-lintRange-warning");
    await hoverFor(page, marked, page.getByText("keyed reads environment variables of bert"));
    await page.getByRole("button", { name: "Call as an API" }).click();
    await page.locator(".cm-content").getByText('run("bert.keyed", "a ")').waitFor();
    await marked.waitFor({ state: "detached" });
    assert.equal(await page.locator(".ed-status").getByText("Version 1").count(), 1);
    assert.equal(await (await fetch(`${town.url}/run/alice/caller`)).text(), "a undefined");
  });
});

test("the page of logs shows what runs while it is looked at", async () => {
  await makeVal(town, "watched", 'export default (request: Request) => {\n  console.log("asked", new URL(request.url).search);\n  return new Response();\n};\n');
  await withOwner({}, async (window, page) => {
    await window.go("/@alice/watched/logs");
    await page.getByText("Nothing ran yet").waitFor();
    await page.locator(".ed-live.on").waitFor();
    for (const number of [1, 2]) {
      await fetch(`${town.url}/run/alice/watched?${number}`);
      await page.locator("details.run[open]").getByText(`asked ?${number}`).waitFor();
    }
    assert.equal(await page.locator("details.run").count(), 2);
    assert.equal(await page.getByText("Nothing ran yet").count(), 0);
    // The same in a new window, of which the server drew what was.
    await page.reload();
    await page.locator(".ed-live.on").waitFor();
    await fetch(`${town.url}/run/alice/watched?3`);
    await page.locator("details.run[open]").getByText("asked ?3").waitFor();
    assert.equal(await page.locator("details.run").count(), 3);
  });
});

test("types of packages and of modules from elsewhere are known, before they are saved too", async () => {
  const registry = await startRegistry({
    boxes: {
      "package.json": JSON.stringify({ name: "boxes", version: "2.1.0", type: "module", exports: { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" }, "./lid": "./dist/lid.js" }, dependencies: { "box-core": "^1.0.0" } }),
      "dist/index.js": "export const box = (size) => ({ size });\n",
      "dist/index.d.ts": 'import type { Core } from "box-core";\nexport * from "./near.js";\nexport declare const box: (size: number) => Core;\n',
      "dist/near.d.ts": "export declare const near: 'near';\n",
      "dist/lid.js": "export const lid = 1;\n",
      "dist/lid.d.ts": "export declare const lid: number;\n",
    },
    "box-core": {
      "package.json": JSON.stringify({ name: "box-core", version: "1.4.0", main: "core.js", types: "core.d.ts" }),
      "core.js": "module.exports = {};\n", "core.d.ts": "export interface Core { size: number }\n",
    },
    "@jsr/std__text": {
      "package.json": JSON.stringify({ name: "@jsr/std__text", version: "1.0.3", type: "module", exports: { ".": { types: "./_dist/mod.d.ts", default: "./mod.js" } } }),
      "mod.js": "export const shout = (text) => text.toUpperCase();\n", "_dist/mod.d.ts": "export declare function shout(text: string): string;\n",
    },
    bare: { "package.json": JSON.stringify({ name: "bare", version: "1.0.0", main: "bare.js" }), "bare.js": "exports.count = 1;\n" },
    "@types/bare": { "package.json": JSON.stringify({ name: "@types/bare", version: "1.0.2", types: "index.d.ts" }), "index.d.ts": "export declare const count: number;\n" },
  }, {
    "/far.example/mod.js": { headers: { "content-type": "text/javascript", "x-typescript-types": "https://far.example/types/mod.d.ts" }, body: "export const far = 1;\n" },
    "/far.example/types/mod.d.ts": { headers: { "content-type": "application/typescript" }, body: 'export * from "./more.d.ts";\n' },
    "/far.example/types/more.d.ts": { headers: { "content-type": "application/typescript" }, body: "export declare const far: number;\n" },
  });
  const own = await startTown({ variables: { TOWN_NPM_REGISTRY: registry.url, TOWN_JSR_REGISTRY: registry.url, TOWN_MODULE_MIRROR: registry.url, TOWN_ALLOW_PRIVATE_NETWORK: "true" } });
  try {
    await makeVal(own, "packed", [
      { path: "deno.json", type: "file", content: JSON.stringify({ imports: { bare: "npm:bare@1", "@types/bare": "npm:@types/bare@1" } }) },
      { path: "main.ts", type: "http", content: "export default () => new Response();\n" },
    ]);
    const window = await openWindow(browser, own);
    await signIn(window);
    const { page } = window;
    // A package that there is none of is a 404, which the browser tells.
    window.expect(/404/);
    await openEditor(window, "/@alice/packed/code/main.ts");
    await typeCode(page, `import { box, near } from "npm:boxes@2";
import { lid } from "npm:boxes@2/lid";
import { count } from "bare";
import { far } from "https://far.example/mod.js";
import { anything } from "npm:nowhere";
// @ts-types="npm:@types/bare@1"
import { count as counted } from "npm:nowhere@2";
import { shout } from "jsr:@std/text@1";
const a: string = box(1).size;
const b: number = near;
const c: string = lid;
const d: string = count;
const e: string = far;
const f: number = anything;
const g: string = counted;
const i: number = shout("a");
export default () => Response.json([a, b, c, d, e, f, g, i]);
`);
    await errors(page, 7);
    assert.deepEqual(await page.locator(".cm-lintRange-error").allTextContents(), ["a", "b", "c", "d", "e", "g", "i"]);
    // A name is asked for when it stands, and not with every letter.
    await page.keyboard.press("Control+End");
    await page.keyboard.type('import {} from "npm:box-core";\n', { delay: 20 });
    await page.keyboard.type("const h: number = 1 as unknown as import('npm:box-core').Core;\n");
    await errors(page, 8);
    assert.deepEqual(registry.asked.filter((path) => /^\/(b|bo|box|box-|box-c)$/.test(path)), []);
    window.check();
    await window.close();
  } finally {
    await own.stop();
    await registry.stop();
  }
});

test("completion, signature and hover come from the types", async () => {
  await makeVal(town, "completing", "export default () => new Response();\n");
  await withOwner({}, async (window, page) => {
    await openEditor(window, "/@alice/completing/code/main.ts");
    await typeCode(page, "");
    await page.keyboard.type("[1, 2].fla");
    await page.locator(".cm-tooltip-autocomplete li", { hasText: "flatMap" }).first().waitFor();
    await page.keyboard.press("Escape");
    await typeCode(page, "");
    await page.keyboard.type("parseInt(");
    await page.locator(".cm-card", { hasText: "radix" }).first().waitFor();
  });
});

test("a symbol is renamed in all files, and a definition is found", async () => {
  await makeVal(town, "renaming", [
    { path: "main.ts", type: "http", content: 'import { old } from "./lib.ts";\nexport default () => new Response(old);\n' },
    { path: "lib.ts", type: "script", content: "export const old = 'x';\n" },
  ]);
  await withOwner({}, async (window, page) => {
    await openEditor(window, "/@alice/renaming/code/main.ts");
    await page.click("#view .cm-content");
    await page.keyboard.press("Control+Home");
    for (let step = 0; step < 11; step++) await page.keyboard.press("ArrowRight");
    await page.keyboard.press("F2");
    await page.fill("dialog #asked", "fresh");
    await page.keyboard.press("Enter");
    await page.locator("#view .cm-content", { hasText: "new Response(fresh)" }).waitFor();
    await page.keyboard.press("F12");
    await page.waitForURL(/code\/lib\.ts/);
    assert.match(await page.locator("#view .cm-content").innerText(), /export const fresh/);
    await page.keyboard.press("Control+s");
    await page.getByText(/Saved as version 1/).waitFor();
  });
});

test("saving shows the new preview, and its logs arrive as it runs", async () => {
  await makeVal(town, "live", 'export default () => new Response("first", { headers: { "content-type": "text/html" } });\n');
  await withOwner({}, async (window, page) => {
    await openEditor(window, "/@alice/live/code/main.ts", { types: false });
    await preview(page, "first");
    await typeCode(page, 'export default () => { console.log("said live"); return new Response("<b>second</b>", { headers: { "content-type": "text/html" } }); };\n');
    await page.keyboard.press("Control+s");
    await preview(page, "second");
    await page.locator(".ed-runs li", { hasText: "said live" }).first().waitFor();
    // What others ask of it appears too.
    await fetch(`${town.url}/run/alice/live/from-outside`);
    await page.locator(".ed-runs summary", { hasText: "/from-outside" }).first().waitFor();
    // Who does not see the list is told of it.
    await page.locator(".ed-logs [role=status]", { hasText: "GET /from-outside: 200" }).waitFor({ state: "attached" });
    // A page out of sight lets go of its connection, and has what it missed when it is looked at again, once.
    const look = (state) => page.evaluate((visibilityState) => {
      Object.defineProperty(document, "visibilityState", { value: visibilityState, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, state);
    await page.locator(".ed-live", { hasText: "live" }).waitFor();
    await look("hidden");
    await page.locator(".ed-live", { hasText: "connecting" }).waitFor();
    await fetch(`${town.url}/run/alice/live/missed`);
    await look("visible");
    await page.locator(".ed-runs summary", { hasText: "/missed" }).first().waitFor();
    assert.equal(await page.locator(".ed-runs summary", { hasText: "/missed" }).count(), 1);
    assert.equal(await page.locator(".ed-runs summary", { hasText: "/from-outside" }).count(), 1);
    await window.go("/");
  });
  assert.doesNotMatch(town.said(), /ERROR|WARN/, "a page that is left is nothing to complain of");
});

test("a request of any method shows its answer, and a stack leads to its line", async () => {
  await makeVal(town, "answering", 'export default async (r: Request) => {\n  const text = await r.text();\n  if (text === "fail") throw new Error("as asked");\n  return Response.json({ got: text, method: r.method });\n};\n');
  await withOwner({}, async (window, page) => {
    await openEditor(window, "/@alice/answering/code/main.ts", { types: false });
    await page.selectOption(".ed-method", "POST");
    await page.fill('[aria-label="Request body"]', "payload");
    await page.click(".ed-address button");
    await page.locator(".ed-answer", { hasText: '"got": "payload"' }).waitFor();
    await page.fill('[aria-label="Request body"]', "fail");
    await page.click(".ed-address button");
    await page.locator(".ed-answer .badge", { hasText: "500" }).waitFor();
    // What was asked and answered is there to be opened, and to be sent again, which fails again.
    window.expect(/500/);
    const failed = page.locator(".ed-runs details.run.failed").last();
    await failed.locator(".badge.failed").waitFor();
    if (!(await failed.evaluate((box) => box.open))) await failed.locator("summary").first().click();
    await failed.getByText("Request and answer").click();
    await failed.getByLabel("Request, body").getByText("fail").waitFor();
    await failed.getByRole("button", { name: "Send again" }).click();
    await page.waitForFunction(() => document.querySelectorAll(".ed-runs details.run.failed").length === 2);
    await page.locator(".ed-runs pre a", { hasText: "main.ts:3" }).first().click();
    const line = await page.evaluate(() => document.querySelector(".cm-activeLine")?.textContent);
    assert.match(line, /throw new Error/);
  });
});

test("beside the code is what its file is for: a schedule in words, a mailbox, a readme as it is read", async () => {
  const { files } = await makeVal(town, "kinds", [
    { path: "cron.ts", type: "interval", content: "export default () => {};\n" },
    { path: "mail.ts", type: "email", content: "export default (mail: Email) => console.log('mail', mail.text);\n" },
    { path: "README.md", type: "file", content: "# Before\n" },
  ]);
  const idOf = (path) => files.find((file) => file.path === path);
  const { words } = await town.api("PUT", `/api/town/files/${idOf("cron.ts").id}/schedule`, { schedule: "0 9 * * 1-5" });
  await withOwner({ permissions: ["clipboard-read", "clipboard-write"] }, async (window, page) => {
    await openEditor(window, "/@alice/kinds/code/README.md", { types: false });
    const card = page.locator(".ed-card");
    await card.getByRole("heading", { name: "Before" }).waitFor();
    await typeCode(page, "# After\n\n<script>alert(1)</script>\n");
    await card.getByRole("heading", { name: "After" }).waitFor();
    assert.match(await card.innerText(), /<script>/, "markup in a readme stays text");
    const open = (name) => page.locator(".ed-tree li", { hasText: name }).click();
    await open("cron.ts");
    await card.getByText(words).waitFor();
    await card.getByLabel("Schedule", { exact: true }).fill("every 2 hours");
    await page.keyboard.press("Enter");
    await card.getByRole("heading", { name: /2 hours/ }).waitFor();
    await open("mail.ts");
    await card.getByText(idOf("mail.ts").links.email).waitFor();
    await card.getByRole("button", { name: "Send test mail" }).click();
    await page.fill("dialog #asked", "posted");
    await page.keyboard.press("Enter");
    await page.locator(".ed-runs li", { hasText: "mail posted" }).first().waitFor();
    await page.locator(".ed-close").first().click();
    assert.equal(await page.locator(".ed-tabs [role=tab]").count(), 2);
    await page.getByText("Share", { exact: true }).click();
    await page.getByText("Copy address of this module").click();
    await page.waitForFunction(async () => /\/v\/alice\/kinds@\d+-main\/mail\.ts$/.test(await navigator.clipboard.readText()));
  });
});

test("two tabs that change the same file both keep what was typed", async () => {
  const val = await makeVal(town, "shared", "// one\nexport default () => new Response();\n");
  await withOwner({}, async (window, page) => {
    await openEditor(window, "/@alice/shared/code/main.ts", { types: false });
    await typeCode(page, "// mine\nexport default () => new Response();\n");
    await town.api("PUT", `/api/v2/vals/${val.id}/files?path=main.ts`, { content: "// theirs\nexport default () => new Response();\n" });
    window.expect(/412/);
    await page.keyboard.press("Control+s");
    const dialog = page.locator("dialog[open]");
    await dialog.getByText("was changed elsewhere").waitFor();
    assert.match(await dialog.innerText(), /\/\/ theirs[\s\S]*\/\/ mine/);
    // Who puts it off is asked again.
    await dialog.getByText("Not now").click();
    await dialog.waitFor({ state: "detached" });
    await page.keyboard.press("Control+s");
    await dialog.getByText("was changed elsewhere").waitFor();
    const before = await town.api("GET", `/api/v2/vals/${val.id}`);
    assert.equal(before.version, 1, "nothing was overwritten");
    await dialog.getByText("Save the right side").click();
    await page.getByText(/Saved as version 2/).waitFor();
    const text = await (await fetch(`${town.url}/v/alice/shared@2-main/main.ts`, { headers: { accept: "application/typescript" } })).text();
    assert.match(text, /\/\/ mine/);
  });
});

test("what is not saved is offered again, and put in only when asked for", async () => {
  await makeVal(town, "drafted", "// saved\nexport default () => new Response();\n");
  await withOwner({}, async (window, page) => {
    page.on("dialog", (dialog) => dialog.accept());
    await openEditor(window, "/@alice/drafted/code/main.ts", { types: false });
    await typeCode(page, "// drafted\nexport default () => new Response();\n");
    assert.match(await page.title(), /^● /);
    // Left at once, without a pause in which it would have been kept.
    await openEditor(window, "/@alice/drafted/code/main.ts", { types: false });
    await page.getByText("You left changes to main.ts unsaved").waitFor();
    assert.match(await page.locator("#view .cm-content").innerText(), /\/\/ saved/);
    await page.getByText("Take them up").click();
    await page.locator("#view .cm-content", { hasText: "// drafted" }).waitFor();
    // Whoever is signed out meanwhile is told so, and keeps what was typed.
    const cookies = await window.context.cookies();
    await window.context.clearCookies();
    window.expect(/401/);
    await page.keyboard.press("Control+s");
    await page.locator(".ed-notice", { hasText: "You are signed out." }).waitFor();
    await window.context.addCookies(cookies);
    await page.keyboard.press("Control+s");
    await page.getByText(/Saved as version 1/).waitFor();
  });
});

test("the keys of vim and of Emacs edit and save", async () => {
  await makeVal(town, "keyed-as", "// first\nexport default () => new Response();\n");
  await withOwner({}, async (window, page) => {
    await openEditor(window, "/@alice/keyed-as/code/main.ts");
    const next = async (name) => {
      await page.getByText("More", { exact: true }).click();
      await page.getByText("Keys: standard").click();
      await page.getByText(name).waitFor();
    };
    const isGone = (text) => page.waitForFunction((wanted) => !document.querySelector("#view .cm-content").textContent.includes(wanted), text);
    await next("Keys of vim");
    await page.locator("#view .cm-vimMode").waitFor();
    await page.click("#view .cm-content");
    await page.keyboard.type("ggdd");
    await isGone("// first");
    await page.keyboard.type(":w");
    await page.keyboard.press("Enter");
    await page.getByText("Saved as version 1").waitFor();
    await next("Keys of Emacs");
    await page.locator("#view .cm-emacsMode").waitFor();
    await page.click("#view .cm-content");
    for (const key of ["Control+Home", "Control+a", "Control+k", "Control+x", "Control+s"]) await page.keyboard.press(key);
    await isGone("export default");
    await page.getByText("Saved as version 2").waitFor();
    await next("Standard keys");
  });
});

test("files are made, renamed, typed and deleted", async () => {
  const val = await makeVal(town, "files", "export default () => new Response();\n");
  const paths = async () => (await town.api("GET", `/api/v2/vals/${val.id}/files?path=&recursive=true`)).data.map(({ path, type }) => `${path} ${type}`);
  await withOwner({}, async (window, page) => {
    page.on("dialog", (dialog) => dialog.accept());
    await openEditor(window, "/@alice/files/code/main.ts", { types: false });
    await page.getByRole("button", { name: "New file" }).click();
    await page.fill("dialog #asked", "lib/more.ts");
    await page.keyboard.press("Enter");
    await page.waitForURL(/code\/lib\/more\.ts/);
    await typeCode(page, "export const more = 1;\n");
    await page.keyboard.press("Control+s");
    await page.getByText(/Saved as version 1/).waitFor();
    // Its folder is closed and opened.
    const folder = page.getByRole("treeitem", { name: "lib" });
    await folder.click();
    await page.getByRole("treeitem", { name: /more\.ts/ }).waitFor({ state: "detached" });
    await page.keyboard.press("ArrowRight");
    await page.getByRole("treeitem", { name: /more\.ts/ }).waitFor();
    await page.getByRole("button", { name: "Rename", exact: true }).click();
    await page.fill("dialog #asked", "most.ts");
    await page.keyboard.press("Enter");
    await page.getByText(/Saved as version 2/).waitFor();
    assert.deepEqual((await paths()).filter((path) => !path.endsWith("directory")), ["main.ts http", "most.ts script"]);
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByText(/Saved as version 3/).waitFor();
    assert.deepEqual((await paths()).filter((path) => !path.endsWith("directory")), ["main.ts http"]);
    await page.setInputFiles('.ed-files input[type="file"]', [
      { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("from here") }, { name: "picture.png", mimeType: "image/png", buffer: Buffer.from("\xff\x00", "latin1") },
    ]);
    await page.getByText("picture.png is no text").waitFor();
    await page.locator("#view .cm-content", { hasText: "from here" }).waitFor();
  });
});

test("everything is reached by keyboard alone", async () => {
  await makeVal(town, "keys", "export default () => new Response();\n");
  await withOwner({}, async (window, page) => {
    await openEditor(window, "/@alice/keys/code/main.ts", { types: false });
    await page.focus("#view .cm-content");
    // Tab stays in the code until Escape lets it go.
    await page.keyboard.press("Escape");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.querySelector("#view").contains(document.activeElement)), false);
    await page.keyboard.press("Control+k");
    await page.locator("dialog.palette input").waitFor();
    await page.keyboard.type("versions");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/@alice\/keys\/versions/);
    await page.keyboard.press("/");
    await page.keyboard.type("keys");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/search\?q=keys/);
    await page.locator("main").getByText("keys").first().waitFor({ timeout: PATIENCE_MS });
  });
});

test("on a phone one pane fills the screen and the others are a touch away", async () => {
  await makeVal(town, "small", 'export default () => new Response("tiny");\n');
  await withOwner({ phone: true }, async (window, page) => {
    await openEditor(window, "/@alice/small/code/main.ts", { types: false });
    await page.locator(".ed-code").waitFor({ state: "visible" });
    await page.locator('[data-pane="side"][aria-pressed]').tap();
    await preview(page, "tiny");
    await page.locator('[data-pane="files"][aria-pressed]').tap();
    await page.getByRole("treeitem", { name: /main\.ts/ }).waitFor();
  });
});
