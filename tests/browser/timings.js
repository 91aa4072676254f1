// How long the editor takes, as people feel it: `scripts/editor-timings`. Medians of several rounds, each in a window of
// its own, so that nothing is in a cache. Only figures of a quiet machine mean anything.
import { openWindow, signIn, startBrowser, typeCode } from "./browser.js";
import { makeVal, startTown } from "./town.js";

const ROUNDS = Number(process.env.ROUNDS ?? 7);
// What they should be, in milliseconds.
const AIMS = { "first contentful paint": 200, "editor usable": 600, "type errors shown, nothing cached": 2_500, "keystroke to diagnostics in sight, 1,000 lines": 100, "keystroke to diagnostics, 1,000 lines": 150, "save to live preview": 300 };

const LINES = 1_000;
const LONG = [
  'import { storage } from "town:kernel";',
  "export default () => new Response(String(sum0([1, 2])));",
  ...Array.from({ length: LINES / 4 }, (_, index) => [
    `/** Number ${index}. */`, `export function sum${index}(numbers: number[]): number {`, `  return numbers.reduce((sum, one) => sum + one * ${index}, 0);`, "}",
  ]).flat(),
].join("\n");
const PAGE = (text) => `export default () => new Response("<p id=it>${text}</p>", { headers: { "content-type": "text/html" } });\n`;
const WRONG = `const count: number = "three";\n${PAGE("wrong")}`;

const town = await startTown();
const browser = await startBrowser();
const taken = Object.fromEntries(Object.keys(AIMS).map((what) => [what, []]));

try {
  await makeVal(town, "wrong", WRONG);
  await makeVal(town, "long", LONG);
  await makeVal(town, "shown", PAGE("before"));
  for (let round = 0; round < ROUNDS; round++) {
    const window = await openWindow(browser, town);
    const { page } = window;
    await signIn(window);
    await page.goto(`${town.url}/@alice/wrong/code/main.ts`, { waitUntil: "commit" });
    await page.waitForSelector(".ed[data-ready]");
    taken["editor usable"].push(await page.evaluate(() => performance.getEntriesByName("town-ready")[0].startTime));
    await page.waitForSelector('#view[data-diagnosed="1"]');
    taken["type errors shown, nothing cached"].push(await page.evaluate(() => performance.getEntriesByName("town-diagnosed")[0].startTime));
    taken["first contentful paint"].push(await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime));

    await page.goto(`${town.url}/@alice/long/code/main.ts`);
    await page.waitForSelector('#view[data-diagnosed="0"]');
    await page.click("#view .cm-content");
    await page.keyboard.press("Control+End");
    await page.keyboard.type("\nconst last: number = 'x';");
    await page.waitForSelector('#view[data-diagnosed="1"]');
    // Its own diagnostics must not be taken for those of the next key.
    await page.waitForTimeout(500);
    await page.evaluate(() => {
      const view = document.querySelector("#view");
      view.addEventListener("keydown", () => (globalThis.begun = performance.now()), { once: true, capture: true });
      const times = (globalThis.times = {});
      new MutationObserver((changes) => changes.forEach(({ attributeName }) => (times[attributeName] ??= performance.now() - globalThis.begun)))
        .observe(view, { attributeFilter: ["data-glanced", "data-diagnosed"] });
    });
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => "data-diagnosed" in globalThis.times);
    const times = await page.evaluate(() => globalThis.times);
    taken["keystroke to diagnostics in sight, 1,000 lines"].push(times["data-glanced"]);
    taken["keystroke to diagnostics, 1,000 lines"].push(times["data-diagnosed"]);

    await page.goto(`${town.url}/@alice/shown/code/main.ts`);
    await page.waitForSelector(".ed[data-types]");
    await page.frameLocator(".ed-stage iframe").locator("#it").waitFor();
    await typeCode(page, PAGE(`after ${round}`));
    const seen = page.frameLocator(".ed-stage iframe").getByText(`after ${round}`).waitFor().then(() => performance.now());
    const begun = performance.now();
    await page.keyboard.press("Control+s");
    taken["save to live preview"].push((await seen) - begun);
    await window.close();
  }
} finally {
  await browser.close();
  await town.stop();
}

console.log("| what | median | lowest | highest | aim |\n|---|---|---|---|---|");
for (const [what, times] of Object.entries(taken)) {
  times.sort((a, b) => a - b);
  const [lowest, median, highest] = [times[0], times[Math.floor(times.length / 2)], times.at(-1)].map((ms) => `${Math.round(ms)} ms`);
  console.log(`| ${what} | ${median} | ${lowest} | ${highest} | ${AIMS[what]} ms |`);
}
