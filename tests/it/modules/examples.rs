//! Vals as one writes them for Val Town, unchanged: an app over SQL, a job that remembers, a
//! mailbox; with packages as they come from npm.

use reqwest::Method;
use serde_json::{Value, json};

use super::npm_folder::installed;
use super::packages::{answer, town_beside};
use super::{elsewhere::Elsewhere, registry::Registry};
use crate::serving::{endpoint, eventually};
use crate::town::Town;

const APP: &str = r#"import { Hono } from "npm:hono@4";
import { cors } from "npm:hono@4/cors";
import { sqlite } from "https://esm.town/v/std/sqlite/global.ts";

await sqlite.execute(`CREATE TABLE IF NOT EXISTS guests (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL
)`);

const app = new Hono();
app.use("/api/*", cors());

app.get("/", async (c) => {
  const { rows } = await sqlite.execute("SELECT name FROM guests ORDER BY id");
  return c.html(`<ul>${rows.map(([name]) => `<li>${name}</li>`).join("")}</ul>`);
});

app.post("/api/guests", async (c) => {
  const { name } = await c.req.json<{ name: string }>();
  const result = await sqlite.execute({
    sql: "INSERT INTO guests (name) VALUES (:name)",
    args: { name },
  });
  return c.json({ id: result.lastInsertRowid }, 201);
});

app.notFound((c) => c.text("Nobody here", 404));

export default app.fetch;
"#;

const JOB: &str = r#"import { blob } from "https://esm.town/v/std/blob";

const KEY = "job_state";

interface State {
  runs: number;
  last?: string;
}

export default async function job(interval: Interval) {
  const state: State = (await blob.getJSON(KEY)) ?? { runs: 0 };
  await blob.setJSON(KEY, { runs: state.runs + 1, last: new Date().toISOString() });
  console.log("ran before:", state.runs, interval.lastRunAt instanceof Date);
}
"#;

const MAILBOX: &str = r#"import { blob } from "https://esm.town/v/std/blob";
import { email as send } from "https://esm.town/v/std/email";

export default async function (email: Email) {
  const key = `mail/${email.subject}`;
  await blob.setJSON(key, { from: email.from, text: email.text?.trim() });
  await send({ subject: `Re: ${email.subject}`, text: `Kept under ${key}` });
}
"#;

/// One file that draws the page and is the page's script.
const PAGE: &str = r#"/** @jsxImportSource https://esm.sh/preact@11 */
import { render } from "https://esm.sh/preact@11";
import { useState } from "https://esm.sh/preact@11/hooks";
import { renderToString } from "https://esm.sh/preact-render-to-string?deps=preact@11";

function App() {
  const [count, setCount] = useState(0);
  return <button onClick={() => setCount((c) => c + 1)}>Clicked {count} times</button>;
}

function client() {
  render(<App />, document.getElementById("root")!);
}
if (typeof document !== "undefined") client();

export default async function server(request: Request): Promise<Response> {
  const page = renderToString(<html><body><div id="root"><App /></div><script type="module" src={import.meta.url} /></body></html>);
  return new Response("<!DOCTYPE html>" + page, { headers: { "content-type": "text/html" } });
}
"#;

const BACKEND: &str = r#"import { Hono } from "npm:hono@4";
import { parseProject, readFile, serveFile } from "https://esm.town/v/std/utils@85-main/index.ts";
import { insertMessage, listMessages, runMigrations } from "./database/queries.ts";

await runMigrations();
const app = new Hono();
app.get("/api/messages", async (c) => c.json(await listMessages(10)));
app.post("/api/messages", async (c) => {
  const body = await c.req.json();
  await insertMessage(body.content);
  return c.json({ ok: true });
});
app.get("/frontend/*", (c) => serveFile(c.req.path, import.meta.url));
app.get("/source", (c) => c.redirect(parseProject(import.meta.url).links.self.project));
app.get("/", async (c) => {
  const html = await readFile("/frontend/index.html", import.meta.url);
  const data = JSON.stringify({ messages: await listMessages(10) });
  return c.html(html.replace("</head>", `<script>window.__INITIAL_DATA__ = ${data};</script></head>`));
});
app.onError((error) => Promise.reject(error));
export default app.fetch;
"#;

const QUERIES: &str = r#"import { sqlite } from "https://esm.town/v/std/sqlite@14-main/main.ts";
const TABLE = "messages_v1";
export async function runMigrations() {
  await sqlite.batch([
    `CREATE TABLE IF NOT EXISTS ${TABLE} (id INTEGER PRIMARY KEY AUTOINCREMENT, content TEXT NOT NULL)`,
    [`DELETE FROM ${TABLE} WHERE id > ?`, [1000]],
  ]);
}
export async function listMessages(limit: number) {
  return (await sqlite.execute(`SELECT content FROM ${TABLE} ORDER BY id LIMIT ?`, [limit])).rows;
}
export async function insertMessage(content: string) {
  await sqlite.execute(`INSERT INTO ${TABLE} (content) VALUES (:content)`, { content });
}
"#;

/// What others call when something happens, by the modules of Node and vals of before there were files.
const WEBHOOK: &str = r#"import { createHmac, timingSafeEqual } from "node:crypto";
import { Buffer } from "node:buffer";
import process from "node:process";
import { greet } from "https://esm.town/v/alice/greet?v=0";
import { listFilesByPath } from "https://esm.town/v/std/utils/index.ts";

function verify(body: string, signature: string | null): boolean {
  const expected = "sha256=" + createHmac("sha256", process.env.WEBHOOK_SECRET!).update(body).digest("hex");
  return signature?.length === expected.length && timingSafeEqual(Buffer.from(signature), Buffer.from(expected));
}

export let webhook = async (req: Request) => {
  if (req.method !== "POST") return new Response("Method not allowed", { status: 405 });
  const body = await req.text();
  if (!verify(body, req.headers.get("x-hub-signature-256"))) return new Response("Unauthorized", { status: 401 });
  const files = await listFilesByPath("docs/", import.meta.url);
  const stream = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(`data: ${greet(JSON.parse(body).action)} ${files.map((f) => f.path)}\n\n`));
      setTimeout(() => controller.close(), 1);
    },
  });
  return new Response(stream, { headers: { "Content-Type": "text/event-stream" } });
};
"#;

const NOTHING: &str =
    "export const createRoot = 1, useEffect = 1, useState = 1, jsx = 1, jsxs = 1, Fragment = 1";

/// Preact as a CDN has it: its modules import each other by address.
fn serve_preact(elsewhere: &Elsewhere) {
    let modules = [
        ("preact@11", "preact/dist/preact.mjs"),
        ("preact@11/hooks", "preact/hooks/dist/hooks.mjs"),
        (
            "preact@11/jsx-runtime",
            "preact/jsx-runtime/dist/jsxRuntime.mjs",
        ),
        (
            "preact-render-to-string?deps=preact@11",
            "preact-render-to-string/dist/index.mjs",
        ),
    ];
    for (address, file) in modules {
        let code = std::fs::read_to_string(installed(file)).expect("a module");
        let code = code
            .replace("\"preact\"", "\"/preact@11\"")
            .replace("'preact'", "'/preact@11'");
        elsewhere.put(
            &format!("esm.sh/{address}"),
            "application/javascript; charset=utf-8",
            &code,
        );
    }
}

/// A val of one file, which has no trigger by HTTP; the file's id.
async fn file_of(town: &Town, name: &str, kind: &str, code: &str) -> Value {
    let made = town.val_of(name, &[("main.ts", kind, code)]).await;
    assert_eq!(made["diagnostics"], json!([]), "{name}");
    made["files"][0].clone()
}

#[tokio::test]
async fn vals_written_for_val_town_run_unchanged() {
    let elsewhere = Elsewhere::start().await;
    let mut registry = Registry::default();
    registry.add_installed(&elsewhere, "hono");
    let town = town_beside(&elsewhere).await;

    let made = town.val("guestbook", APP).await;
    assert_eq!(made["diagnostics"], json!([]));
    let at = format!("{}/api/guests", endpoint(&made));
    for (number, name) in ["Ada", "Grace"].iter().enumerate() {
        let post = town
            .bare(Method::POST, &at)
            .header("content-type", "application/json");
        let posted = post
            .body(json!({ "name": name }).to_string())
            .send()
            .await
            .expect("an answer");
        assert_eq!(posted.status(), 201);
        assert_eq!(posted.headers()["access-control-allow-origin"], "*");
        let id: Value = serde_json::from_str(&posted.text().await.expect("a body")).expect("JSON");
        assert_eq!(id["id"], number + 1);
    }
    let expected = "<ul><li>Ada</li><li>Grace</li></ul>";
    assert_eq!(town.text(endpoint(&made)).await, (200, expected.into()));
    let none = format!("{}/none", endpoint(&made));
    assert_eq!(town.text(&none).await, (404, "Nobody here".into()));

    let job = file_of(&town, "job", "interval", JOB).await;
    let run = format!("/api/town/files/{}/run", job["id"].as_str().expect("an id"));
    for runs in 1..=2 {
        let (status, ran) = town.api(Method::POST, &run, None).await;
        assert!(status < 300, "{status}: {ran}");
        eventually("the state of the job", async || {
            let (_, state) = town.api(Method::GET, "/api/v1/blob/job_state", None).await;
            (state["runs"] == runs).then_some(())
        })
        .await;
    }

    let mailbox = file_of(&town, "mailbox", "email", MAILBOX).await;
    let address = mailbox["links"]["email"].as_str().expect("an address");
    let raw =
        format!("From: Ada <ada@x.test>\r\nTo: {address}\r\nSubject: hello\r\n\r\nGood day\r\n");
    let sent = town
        .request(Method::POST, "/api/town/email")
        .body(raw)
        .send()
        .await
        .expect("an answer");
    assert!(
        sent.status().is_success(),
        "{}",
        sent.text().await.expect("a body")
    );
    let kept = eventually("the mail", async || {
        let (status, kept) = town.api(Method::GET, "/api/v1/blob/mail/hello", None).await;
        (status == 200).then_some(kept)
    });
    let kept = kept.await;
    assert!(
        kept["from"]
            .as_str()
            .expect("a text")
            .contains("ada@x.test"),
        "{kept}"
    );
    assert_eq!(kept["text"], "Good day");
    let answered = eventually("the answer", async || {
        let (_, outbox) = town.api(Method::GET, "/api/town/email/outbox", None).await;
        outbox.to_string().contains("Re: hello").then_some(())
    });
    answered.await;

    serve_preact(&elsewhere);
    let made = town.val("counter", PAGE).await;
    assert_eq!(made["diagnostics"], json!([]));
    let (status, page) = town.text(endpoint(&made)).await;
    let button = "<button>Clicked 0 times</button>";
    assert!(status == 200 && page.contains(button), "{page}");
    let script = page
        .split("src=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let (status, script) = town.text(script.expect("the page's script")).await;
    assert!(
        status == 200 && script.contains("function client() {\n"),
        "{script}"
    );
    assert!(
        !script.contains("): Promise<Response>"),
        "it is JavaScript: {script}"
    );

    let index = "<html><head></head><body><script type=\"module\" src=\"/frontend/index.tsx\"></script></body></html>";
    let files = [
        ("backend/index.ts", "http", BACKEND),
        ("backend/database/queries.ts", "script", QUERIES),
        ("frontend/index.html", "file", index),
        (
            "frontend/index.tsx",
            "script",
            "const word: string = 'typed';\nconsole.log(word);\n",
        ),
        ("frontend/style.css", "file", "body { margin: 0 }"),
    ];
    let made = town.val_of("starter", &files).await;
    assert_eq!(made["diagnostics"], json!([]));
    let at = |path: &str| format!("{}{path}", endpoint(&made));
    let posted = town
        .bare(Method::POST, &at("/api/messages"))
        .body(r#"{"content":"hi"}"#)
        .send()
        .await
        .expect("an answer");
    assert_eq!(posted.status(), 200, "{}", town.log());
    let (_, page) = town.text(&at("/")).await;
    assert!(
        page.contains(r#"__INITIAL_DATA__ = {"messages":[{"content":"hi"}]}"#),
        "{page}"
    );
    let (status, script) = town.text(&at("/frontend/index.tsx")).await;
    let code = "const word = 'typed';\nconsole.log(word);\n";
    assert!(status == 200 && script.starts_with(code), "{script}");
    let style = town.get(&at("/frontend/style.css")).await;
    assert!(
        style.headers()["content-type"]
            .to_str()
            .expect("text")
            .starts_with("text/css")
    );
    let source = town.get(&at("/source")).await;
    assert_eq!(
        (
            source.status().as_u16(),
            source.headers()["location"].to_str().expect("text")
        ),
        (302, format!("{}/@alice/starter", town.base).as_str())
    );

    // The town's own starter of the same kind. What the page imports is for browsers, so any module does.
    for address in [
        "react@19.2.0",
        "react@19.2.0/jsx-runtime",
        "react-dom@19.2.0/client?deps=react@19.2.0",
    ] {
        elsewhere.put(&format!("esm.sh/{address}"), "text/javascript", NOTHING);
    }
    let body = json!({ "name": "notes", "template": "reactHonoStarter" });
    let (status, made) = town.api(Method::POST, "/api/town/vals", Some(body)).await;
    assert_eq!((status, &made["diagnostics"]), (201, &json!([])), "{made}");
    let notes = format!("{}/run/alice/notes", town.base);
    let (_, page) = town.text(&format!("{notes}/")).await;
    assert!(page.contains("src=\"frontend/index.tsx\""), "{page}");
    let (status, script) = town.text(&format!("{notes}/frontend/index.tsx")).await;
    assert!(status == 200 && script.contains("_jsx("), "{script}");
    assert_eq!(town.text(&format!("{notes}/shared/note.ts")).await.0, 200);
    let note = town
        .bare(Method::POST, &format!("{notes}/api/notes"))
        .body(r#"{"text":"first"}"#);
    assert_eq!(note.send().await.expect("an answer").status(), 201);
    let kept = town.text(&format!("{notes}/api/notes")).await;
    assert_eq!(kept, (200, r#"[{"id":1,"text":"first"}]"#.into()));

    file_of(
        &town,
        "greet",
        "script",
        "export const greet = (name: string) => `Hi, ${name}`;",
    )
    .await;
    let files = [
        ("main.ts", "http", WEBHOOK),
        ("docs/a.md", "file", "A"),
        ("docs/deep/b.md", "file", "B"),
    ];
    let made = town.val_of("webhook", &files).await;
    assert_eq!(made["diagnostics"], json!([]));
    let variables = format!(
        "/api/v2/vals/{}/environment_variables",
        made["id"].as_str().expect("an id")
    );
    let secret = json!({ "key": "WEBHOOK_SECRET", "value": "shh" });
    assert_eq!(
        town.api(Method::POST, &variables, Some(secret)).await.0,
        201
    );
    assert_eq!(town.text(endpoint(&made)).await.0, 405);
    // The digest of that body by that secret.
    let signature = "sha256=ef92923be02dc70dbf5f54a4b73d4e1caa838b56f19143a57ddf555d972f9bfd";
    for (signature, expected) in [("sha256=no", 401), (signature, 200)] {
        let call = town
            .bare(Method::POST, endpoint(&made))
            .header("x-hub-signature-256", signature);
        let answer = call
            .body(r#"{"action":"opened"}"#)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), expected, "{}", town.log());
        let text = answer.text().await.expect("a body");
        assert!(
            expected != 200 || text == "data: Hi, opened docs/a.md,docs/deep,docs/deep/b.md\n\n",
            "{text}"
        );
    }
}

#[tokio::test]
async fn libraries_run_as_they_come_from_npm() {
    let elsewhere = Elsewhere::start().await;
    let mut registry = Registry::default();
    for name in ["zod", "preact", "preact-render-to-string", "drizzle-orm"] {
        registry.add_installed(&elsewhere, name);
    }
    let town = town_beside(&elsewhere).await;
    let page = r#"/** @jsxImportSource npm:preact */
import { renderToString } from "npm:preact-render-to-string";
import { useState } from "npm:preact/hooks";
const Counter = ({ from }: { from: number }) => { const [n] = useState(from); return <b class="n">{n}</b>; };
export default () => new Response(renderToString(<p>Count <Counter from={2} /></p>));"#;
    let made = town.val("page", page).await;
    assert_eq!(made["diagnostics"], json!([]));
    assert_eq!(
        town.run("page").await,
        (200, "<p>Count <b class=\"n\">2</b></p>".into())
    );

    let schema = r#"import { z } from "npm:zod@4/mini";
const shape = z.object({ name: z.string(), age: z.number() });
export default () => Response.json([shape.safeParse({ name: "a", age: 1 }).success, shape.safeParse({ name: 1 }).success]);"#;
    let made = town.val("schema", schema).await;
    assert_eq!(made["diagnostics"], json!([]));
    assert_eq!(answer(&town, "schema").await, json!([true, false]));

    let queries = r#"import { drizzle } from "npm:drizzle-orm@0.45/sqlite-proxy";
import { integer, sqliteTable, text } from "npm:drizzle-orm@0.45/sqlite-core";
import { eq } from "npm:drizzle-orm@0.45";
import { sqlite } from "https://esm.town/v/std/sqlite/global.ts";
const words = sqliteTable("words", { id: integer("id").primaryKey(), word: text("word").notNull() });
const db = drizzle(async (sql, args, method) => {
  const { rows } = await sqlite.execute({ sql, args });
  return { rows: method === "get" ? rows[0] : rows };
});
export default async () => {
  await sqlite.batch(["DROP TABLE IF EXISTS words", "CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT NOT NULL)"]);
  await db.insert(words).values([{ word: "one" }, { word: "two" }]);
  await db.update(words).set({ word: "deux" }).where(eq(words.id, 2));
  return Response.json(await db.select().from(words).orderBy(words.id));
};"#;
    let made = town.val("queries", queries).await;
    assert_eq!(made["diagnostics"], json!([]));
    let expected = json!([{ "id": 1, "word": "one" }, { "id": 2, "word": "deux" }]);
    assert_eq!(answer(&town, "queries").await, expected);
}
