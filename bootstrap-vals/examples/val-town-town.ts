/**
 * Val Town Town: a text box, code kept in SQLite, and `/handler/:id` running each row in a sandbox of its own, with
 * storage, network and the power to run others passed on. After Max McDonnell's val of that name; row 37 is the one that
 * could not run there: this program itself.
 */

import { loader, storage, system } from "town:kernel";
import type { TailBatch } from "town:kernel";

const LINES_SHOWN = 20;

const TLDRAW = `export default () => new Response(\`<!doctype html><title>tldraw</title>
<link rel="stylesheet" href="https://esm.sh/tldraw@2.4.6/tldraw.css"><div id="root" style="position:fixed;inset:0"></div>
<script type="module">
import { createElement } from "https://esm.sh/react@18.2.0";
import { createRoot } from "https://esm.sh/react-dom@18.2.0/client";
import { Tldraw } from "https://esm.sh/tldraw@2.4.6?deps=react@18.2.0,react-dom@18.2.0";
createRoot(document.getElementById("root")).render(createElement(Tldraw));
</script>\`, { headers: { "content-type": "text/html; charset=utf-8" } });
`;

const STREAM = `export default function (req: Request): Response {
  let timer: ReturnType<typeof setInterval>;
  const body = new ReadableStream({
    start(controller) {
      const encoder = new TextEncoder();
      const send = () => controller.enqueue(encoder.encode("data: " + new Date().toISOString() + "\\n\\n"));
      send();
      timer = setInterval(send, 1000);
    },
    cancel() {
      console.log("The reader left");
      clearInterval(timer);
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream", "cache-control": "no-cache" } });
}
`;

const PLAYGROUND = `const page = \`<!doctype html><title>React playground</title>
<style>body { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; height: 95vh; margin: 1rem }</style>
<textarea id="code" aria-label="Code" spellcheck="false">export default function App() {
  const [count, setCount] = React.useState(0);
  return <button onClick={() => setCount(count + 1)}>Clicked {count} times</button>;
}</textarea>
<iframe id="view" title="Result" sandbox="allow-scripts"></iframe>
<script type="module">
import { transform } from "https://esm.sh/sucrase@3.35.0";
const code = document.getElementById("code"), view = document.getElementById("view");
const show = () => {
  let js;
  try {
    js = transform(code.value, { transforms: ["typescript", "jsx"], production: true }).code;
  } catch (error) {
    js = "throw new Error(" + JSON.stringify(error.message) + ")";
  }
  view.srcdoc = '<div id="root"></div><script type="module">onerror = (message) => { document.body.textContent = message };' +
    'import React from "https://esm.sh/react@18.2.0"; import { createRoot } from "https://esm.sh/react-dom@18.2.0/client";' +
    js.replace("export default function", "const Main = function") +
    ';createRoot(document.getElementById("root")).render(React.createElement(Main));</scr' + 'ipt>';
};
code.addEventListener("input", show);
show();
</script>\`;
export default () => new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } });
`;

async function fetch(request: Request): Promise<Response> {
  await makeTables();
  const { pathname, searchParams } = new URL(request.url);
  const [, word, id, ...rest] = pathname.split("/");
  if (word === "handler" && id !== undefined) return handle(request, id, rest.join("/"));
  if (request.method === "POST" && pathname === "/save") return save(request);
  if (pathname === "/") return page(request, searchParams.get("edit") ?? "");
  return new Response("Not found\n", { status: 404 });
}

/** Runs a row. It sees a request to its own root; the header says where that root is, so that links can be made. */
async function handle(request: Request, id: string, rest: string): Promise<Response> {
  const { rows } = await storage!.execute({ sql: "SELECT code, saves FROM handler WHERE id = ?", args: [id] });
  if (rows[0] === undefined) return new Response("No such handler\n", { status: 404 });
  const [source, saves] = rows[0] as [string, number];
  const inner = new Request(new URL(`/${rest}${new URL(request.url).search}`, request.url), request);
  inner.headers.set("x-forwarded-prefix", `${mountOf(request)}/handler/${id}`);
  const main = `file:///handler/${id}.tsx`;
  const isolate = loader!.get(`${id}@${saves}`, () => ({
    main, modules: { [main]: { type: "tsx", source, trusted: true } }, storage: storage!.sub(`handler-${id}`), loader: {}, outbound: {},
  }));
  try {
    return await isolate.fetch(inner);
  } catch (error) {
    return new Response(`The handler gave no answer: ${(error as { outcome?: string }).outcome}\n`, { status: 500 });
  }
}

async function save(request: Request): Promise<Response> {
  const form = new URLSearchParams(await request.text());
  const args = { id: form.get("id") || null, code: form.get("code") ?? "" };
  const sql = `INSERT INTO handler (id, code) VALUES (:id, :code)
    ON CONFLICT (id) DO UPDATE SET code = excluded.code, saves = saves + 1 RETURNING id`;
  const { rows } = await storage!.execute({ sql, args });
  return new Response(null, { status: 303, headers: { location: `${mountOf(request)}/?edit=${rows[0]![0]}` } });
}

async function page(request: Request, edited: string): Promise<Response> {
  const [handlers, lines] = await storage!.batch([
    "SELECT id, code FROM handler ORDER BY id",
    { sql: "SELECT handler, at, level, text FROM line ORDER BY position DESC LIMIT ?", args: [LINES_SHOWN] },
  ], "read");
  const mount = mountOf(request);
  const code = handlers!.rows.find(([id]) => String(id) === edited)?.[1] ?? 'export default (req: Request) => Response.json("I work!")\n';
  const body = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Val Town Town</title><style>:root { color-scheme: light dark; font-family: system-ui } body { max-width: 50rem; margin: auto; padding: 1rem }
textarea { width: 100%; height: 20rem; font: 14px monospace }</style>
<h1>Val Town Town</h1><form method="post" action="${mount}/save"><input type="hidden" name="id" value="${escape(edited)}">
<label for="code">${edited === "" ? "New handler" : `Handler ${escape(edited)}`}</label>
<textarea id="code" name="code" spellcheck="false">\n${escape(code)}</textarea><p><button>Save</button></form>
<h2>Handlers</h2><ul>${handlers!.rows.map(([id]) =>
    `<li><a href="${mount}/handler/${id}/">/handler/${id}</a> <a href="${mount}/?edit=${id}">edit ${id}</a></li>`).join("")}</ul>
<h2>Logs</h2><ul>${lines!.rows.map(([handler, at, level, text]) =>
    `<li>${new Date(Number(at)).toISOString()} /handler/${handler} ${level}: ${escape(text)}</li>`).join("")}</ul></html>`;
  return new Response(body, { headers: { "content-type": "text/html; charset=utf-8" } });
}

/** What the rows did: a line a run and a line a console call. */
async function tail({ events }: TailBatch): Promise<void> {
  const sql = "INSERT INTO line (handler, at, level, text) VALUES (:handler, :at, :level, :text)";
  await storage!.batch(events.map((event) => {
    const handler = event.id?.split("@")[0] ?? "";
    if (event.type === "log") return { sql, args: { handler, at: event.at, level: event.level, text: event.text } };
    const took = `${event.method} ${event.url} ${event.outcome} ${event.status} in ${event.endedAt - event.startedAt} ms`;
    return { sql, args: { handler, at: event.endedAt, level: "run", text: event.error === null ? took : `${took}: ${event.error.message}` } };
  }));
}

// That the tables are there stays true while this isolate lives.
let made: Promise<unknown> | undefined;

function makeTables(): Promise<unknown> {
  return made ??= (async () => {
    const itself = (await system?.read("examples/val-town-town.ts"))?.source ?? 'export { default } from "town:system/examples/val-town-town.ts"';
    const rows = JSON.stringify([[29, TLDRAW], [30, STREAM], [31, PLAYGROUND], [37, itself]]);
    return storage!.batch([
      "CREATE TABLE IF NOT EXISTS handler (id INTEGER PRIMARY KEY, code TEXT NOT NULL, saves INTEGER NOT NULL DEFAULT 0)",
      "CREATE TABLE IF NOT EXISTS line (position INTEGER PRIMARY KEY, handler TEXT, at INTEGER, level TEXT, text TEXT)",
      { sql: "INSERT OR IGNORE INTO handler (id, code) SELECT value ->> 0, value ->> 1 FROM json_each(?)", args: [rows] },
    ]);
  })();
}

function mountOf(request: Request): string {
  return request.headers.get("x-forwarded-prefix") ?? "";
}

function escape(value: unknown): string {
  return String(value).replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

export default { fetch, tail };
