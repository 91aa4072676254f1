/** What a new val may begin as. */

import type { FileType } from "../model/names.ts";

export interface Starter {
  title: string;
  about: string;
  path: string;
  type: FileType;
  content: string;
}

const HTTP = `export default async function (request: Request): Promise<Response> {
  const { searchParams } = new URL(request.url);
  const name = searchParams.get("name") ?? "world";
  console.log("greeting", name);
  return Response.json({ hello: name });
}
`;

const PAGE = `export default function (): Response {
  const page = \`<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>My page</title></head>
  <body><h1>It works</h1><p>Served at \${new Date().toISOString()}</p></body>
</html>\`;
  return new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } });
}
`;

const CRON = `interface Interval {
  lastRunAt: Date | undefined;
}

export default function (interval: Interval): void {
  console.log("the last run was", interval.lastRunAt);
}
`;

const EMAIL = `interface Email {
  from: string;
  to: string[];
  subject: string | undefined;
  text: string | undefined;
  html: string | undefined;
  attachments: File[];
  headers: Record<string, string>;
}

export default function (email: Email): void {
  console.log("mail from", email.from, "about", email.subject);
}
`;

const SCRIPT = `export function greet(name: string): string {
  return \`Hello, \${name}\`;
}
`;

const DATABASE = `import { storage } from "town:kernel";

export default async function (): Promise<Response> {
  if (storage === undefined) return new Response("There is no storage here", { status: 500 });
  await storage.execute("CREATE TABLE IF NOT EXISTS visit (at TEXT NOT NULL)");
  await storage.execute({ sql: "INSERT INTO visit (at) VALUES (?)", args: [new Date()] });
  const { rows } = await storage.execute("SELECT count(*) FROM visit");
  return Response.json({ visits: rows[0]?.[0] });
}
`;

/** The whole program of a town: the platform's own, on the val's storage. */
export const TOWN_SOURCE = 'export { default } from "town:system/main.ts";\n';

export const STARTERS: Record<string, Starter> = {
  http: { title: "HTTP", about: "Answers requests at an address of its own", path: "main.ts", type: "http", content: HTTP },
  page: { title: "Web page", about: "A page of HTML", path: "main.ts", type: "http", content: PAGE },
  database: { title: "Database", about: "Counts visits in the val's own SQLite", path: "main.ts", type: "http", content: DATABASE },
  interval: { title: "Cron", about: "Runs at times that you set", path: "cron.ts", type: "interval", content: CRON },
  email: { title: "Email", about: "Runs for each mail to its address", path: "email.ts", type: "email", content: EMAIL },
  script: { title: "Script", about: "A module for other vals to import", path: "main.ts", type: "script", content: SCRIPT },
  town: { title: "Town", about: "A whole town inside this one, with vals of its own", path: "main.ts", type: "http", content: TOWN_SOURCE },
};
