/** Keeps notes in the val's own database: GET lists them, POST adds one. */
import { storage } from "town:kernel";

export default async function (request: Request): Promise<Response> {
  if (storage === undefined) return new Response("There is no storage here", { status: 500 });
  await storage.execute("CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, text TEXT NOT NULL)");
  if (request.method === "POST") {
    await storage.execute({ sql: "INSERT INTO note (text) VALUES (?)", args: [await request.text()] });
    return new Response(null, { status: 201 });
  }
  const { rows } = await storage.execute("SELECT id, text FROM note ORDER BY id DESC LIMIT 100");
  return Response.json(rows.map(([id, text]) => ({ id, text })));
}
