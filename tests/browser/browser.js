// A Chromium that refuses to leave the machine, and pages that remember everything that went wrong on them.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

import { OWNER, TOKEN } from "./town.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
// The machine may be busy with other tests; whoever waits for a failure sets less.
export const PATIENCE_MS = Number(process.env.TOWN_TEST_PATIENCE_MS ?? 60_000);

const PLACES = [process.env.TOWN_CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export async function startBrowser() {
  const executablePath = PLACES.find((place) => place !== undefined && existsSync(place));
  if (executablePath === undefined) throw new Error("There is no Chromium: install the package chromium, or name one in TOWN_CHROMIUM");
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--disable-sync",
      // Nothing else has an address. Asking a handler here about every request would also turn the browser's cache off.
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost",
    ],
  });
}

/** A window of its own, with its own cookies and cache, and a first tab. */
export async function openWindow(browser, town, options = {}) {
  const { dark = false, phone = false, permissions = [], javaScriptEnabled = true } = options;
  const context = await browser.newContext({
    viewport: phone ? { width: 390, height: 844 } : { width: 1280, height: 860 }, isMobile: phone, hasTouch: phone,
    colorScheme: dark ? "dark" : "light", reducedMotion: "reduce", locale: "en-GB", permissions, javaScriptEnabled,
  });
  const first = await openTab(context, town);
  return { ...first, tab: () => openTab(context, town), close: () => context.close() };
}

/** A page of a window. `faults` has what went wrong on it; `check` fails if there is any. */
async function openTab(context, town) {
  const faults = [];
  const expected = [];
  const watch = (page) => {
    page.setDefaultTimeout(PATIENCE_MS);
    page.on("popup", watch);
    page.on("request", (request) => {
      const { protocol, hostname, href } = new URL(request.url());
      if (/^https?:$/.test(protocol) && hostname !== "localhost" && !hostname.endsWith(".localhost")) faults.push(`left the machine: ${href}`);
    });
    page.on("console", (message) => {
      // What a val answers in the preview is its author's affair.
      const ours = new URL(message.location().url || town.url).host === town.host;
      if (message.type() === "error" && ours && !expected.some((pattern) => pattern.test(message.text()))) faults.push(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => faults.push(`uncaught: ${error.stack ?? error}`));
  };
  const page = await context.newPage();
  watch(page);
  return {
    page, context, faults,
    /** Console errors that a test brings about, such as the browser's line for a refused form. */
    expect: (pattern) => expected.push(pattern),
    go: (path) => page.goto(town.url + path),
    check: () => assert.deepEqual(faults, []),
    close: () => page.close(),
  };
}

/**
 * Does `work` in a tab of the window in which the owner is signed in. The tests of a file share it, by what it is like: what
 * one has loaded and compiled is there for the next, as it is for people.
 */
export function asOwner(browser, town) {
  const windows = new Map();
  const signedIn = async (options) => {
    const window = await openWindow(browser, town, options);
    await signIn(window);
    return window;
  };
  return async (options, work) => {
    const kind = JSON.stringify(options);
    if (!windows.has(kind)) windows.set(kind, signedIn(options));
    const tab = await (await windows.get(kind)).tab();
    try {
      await work(tab, tab.page);
      tab.check();
    } finally {
      await tab.close();
    }
  };
}

export async function signIn(window, username = OWNER, password = TOKEN) {
  const { page } = window;
  await window.go("/signin");
  await page.fill("#username", username);
  await page.fill("#password", password);
  await page.click("main button.first");
  await page.waitForURL((url) => url.pathname === "/");
}

/** What axe finds on the page as it is now, a line each; of all that it looks for, or of some rules alone. */
export async function axe(page, wish = RULES) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(AXE);
  return page.evaluate(async (rules) => {
    const { violations } = await globalThis.axe.run(document, { runOnly: rules, resultTypes: ["violations"] });
    return violations.flatMap(({ id, impact, nodes }) => nodes.map((node) => `${impact} ${id}: ${node.target.join(" ")} ${node.failureSummary}`));
  }, wish);
}

export function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** Opens a file in the editor and waits until types are checked. */
export async function openEditor(window, path, { types = true } = {}) {
  await window.go(path);
  await window.page.waitForSelector(".ed[data-ready]");
  if (types) await window.page.waitForSelector(".ed[data-types]");
}

/** Puts a text in place of all that is in the editor. */
export async function typeCode(page, text) {
  await page.click("#view .cm-content");
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText(text);
}
