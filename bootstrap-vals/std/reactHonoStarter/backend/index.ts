/** A page in React, an API in Hono, and a list in SQLite between them. */

import { Hono } from "npm:hono@4";
import { sqlite } from "https://esm.town/v/std/sqlite/main.ts";
import { readFile, serveFile } from "https://esm.town/v/std/utils/index.ts";
import { NOTE_LENGTH_MAX, type Note } from "../shared/note.ts";

await sqlite.execute("CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, text TEXT NOT NULL)");

const app = new Hono();

app.get("/", async (c) => c.html(await readFile("/frontend/index.html", import.meta.url)));
// c.req.path is as this val sees it, by host and by path alike.
app.get("/frontend/*", (c) => serveFile(c.req.path, import.meta.url));
app.get("/shared/*", (c) => serveFile(c.req.path, import.meta.url));

app.get("/api/notes", async (c) => {
  const { rows } = await sqlite.execute("SELECT id, text FROM note ORDER BY id DESC LIMIT 100");
  return c.json(rows as unknown as Note[]);
});

app.post("/api/notes", async (c) => {
  const { text } = await c.req.json<{ text?: string }>();
  if (typeof text !== "string" || text === "" || text.length > NOTE_LENGTH_MAX) return c.json({ error: "A note has a text" }, 400);
  const { lastInsertRowid } = await sqlite.execute({ sql: "INSERT INTO note (text) VALUES (:text)", args: { text } });
  return c.json({ id: Number(lastInsertRowid), text } satisfies Note, 201);
});

// What fails is in the val's log, with its stack.
app.onError((error) => Promise.reject(error));

export default app.fetch;
