// The pictures of the README, taken from a town that is made for them: `scripts/screenshots`.
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { openWindow, signIn, startBrowser } from "./browser.js";
import { makeVal, startTown } from "./town.js";

const FOLDER = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../docs/images");

const MAIN = `import { greet } from "./lib/greet.ts";
import { storage } from "town:kernel";

/** Greets whoever asks, and counts. */
export default async function (request: Request): Promise<Response> {
  const name = new URL(request.url).searchParams.get("name") ?? "world";
  console.log("greeting", name);
  const visits = await count();
  return new Response(page(greet(name), visits), {
    headers: { "content-type": "text/html" },
  });
}

async function count(): Promise<number> {
  await storage?.execute("CREATE TABLE IF NOT EXISTS visit (at TEXT)");
  await storage?.execute({ sql: "INSERT INTO visit VALUES (?)", args: [new Date()] });
  const result = await storage?.execute("SELECT count(*) FROM visit");
  return Number(result?.rows[0]?.[0] ?? 0);
}

function page(title: string, visits: number): string {
  return \`<!doctype html><html lang="en"><title>\${title}</title>
<body style="font: 18px system-ui; display: grid; place-items: center; height: 90vh">
<div><h1>\${title}</h1><p>Visit \${visits}</p></div></body></html>\`;
}
`;
const GREET = `/** A greeting for somebody. */
export function greet(name: string): string {
  return \`Hello, \${name}!\`;
}
`;
const README = `# Hello

Greets whoever asks, by \`?name=\`.

- counts its visits in **SQLite**
- has a [module](./lib/greet.ts) that others may import

| ask | answer |
|---|---|
| \`/\` | Hello, world! |
| \`/?name=you\` | Hello, you! |
`;

const town = await startTown();
const browser = await startBrowser();
try {
  await mkdir(FOLDER, { recursive: true });
  await makeVal(town, "hello", [
    { path: "main.ts", type: "http", content: MAIN }, { path: "lib/greet.ts", type: "script", content: GREET },
    { path: "cleanup.ts", type: "interval", content: "export default () => console.log('swept');\n" }, { path: "README.md", type: "file", content: README },
  ]);
  const shoot = async (name, options, work) => {
    const window = await openWindow(browser, town, options);
    await signIn(window);
    await work(window, window.page);
    await window.page.screenshot({ path: path.join(FOLDER, `${name}.png`), animations: "disabled" });
    await window.close();
  };
  const opened = async (window, page) => {
    await window.go("/@alice/hello/code/main.ts");
    await page.waitForSelector(".ed[data-types]");
    await page.frameLocator(".ed-stage iframe").getByText("Visit").waitFor();
    await page.locator(".ed-runs .lines li").first().waitFor();
  };
  await shoot("editor", {}, async (window, page) => {
    await opened(window, page);
    await page.locator(".cm-line", { hasText: "const visits = await count();" }).click();
    await page.keyboard.press("End");
    await page.keyboard.insertText("\n  visits.toFixed");
    await page.waitForFunction(() => Number(document.querySelector("#view")?.dataset.diagnosed ?? "-1") >= 0);
    await page.keyboard.type("(");
    await page.locator(".cm-card").first().waitFor();
    // Clicking has brought the middle of a long line into view.
    await page.evaluate(() => (document.querySelector(".cm-scroller").scrollLeft = 0));
  });
  await shoot("editor-dark", { dark: true }, opened);
  await shoot("val", {}, (window) => window.go("/@alice/hello"));
  await shoot("phone", { phone: true, dark: true }, async (window, page) => {
    await window.go("/@alice/hello/code/main.ts");
    await page.waitForSelector(".ed[data-types]");
  });
} finally {
  await browser.close();
  await town.stop();
}
