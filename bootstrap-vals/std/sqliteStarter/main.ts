/** A guestbook: a form, and a table in the val's own SQLite database. */

import { sqlite } from "https://esm.town/v/std/sqlite/main.ts";

await sqlite.execute(`CREATE TABLE IF NOT EXISTS entry (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, text TEXT NOT NULL, at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)`);

const SHOWN_MAX = 50;
const TEXT_LENGTH_MAX = 500;

export default async function (request: Request): Promise<Response> {
  if (request.method === "POST") return add(request);
  const { rows } = await sqlite.execute({ sql: "SELECT name, text, at FROM entry ORDER BY id DESC LIMIT ?", args: [SHOWN_MAX] });
  const entries = rows.map(({ name, text, at }) => `<li><b>${escape(name)}</b> <small>${escape(at)}</small><p>${escape(text)}</p></li>`);
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Guestbook</title><style>:root { color-scheme: light dark; font-family: system-ui } body { margin: 3rem auto; max-width: 36rem; padding: 0 1rem }
label { display: block; margin: .5rem 0 } input, textarea { box-sizing: border-box; font: inherit; width: 100% }</style>
<h1>Guestbook</h1><form method="post"><label>Name <input name="name" required maxlength="80"></label>
<label>Text <textarea name="text" required maxlength="${TEXT_LENGTH_MAX}"></textarea></label><button>Write</button></form>
<ul>${entries.join("")}</ul></html>`;
  return new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } });
}

async function add(request: Request): Promise<Response> {
  const form = await request.formData();
  const [name, text] = ["name", "text"].map((key) => String(form.get(key) ?? "").trim().slice(0, TEXT_LENGTH_MAX));
  if (!name || !text) return new Response("A name and a text, please", { status: 400 });
  await sqlite.execute({ sql: "INSERT INTO entry (name, text) VALUES (:name, :text)", args: { name, text } });
  // To where the form was, also where this val is reached by a path.
  return new Response(null, { status: 303, headers: { location: request.url } });
}

function escape(value: unknown): string {
  return String(value).replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
