//! Vals as one writes them for Val Town, unchanged: an app over SQL, a job that remembers, a
//! mailbox; with packages as they come from npm.

use reqwest::Method;
use serde_json::{Value, json};

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
