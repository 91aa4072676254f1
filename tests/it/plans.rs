//! How SQLite goes about what is asked often: by an index, however much there is.

use serde_json::Value;

use crate::town::Town;

/// A program that asks what the platform asks, of a database of its own, and has each statement
/// explained first.
const ASKING: &str = r#"
import { env, loader, storage, system } from "town:kernel";
import { apiRoutes } from "town:system/api/routes.ts";
import { arrive } from "town:system/lib/mount.ts";
import { dispatch } from "town:system/lib/router.ts";
import { pageRoutes } from "town:system/pages/routes.ts";
import { createAccount, findAccount, findAccountById } from "town:system/model/accounts.ts";
import { findBranch, listBranches } from "town:system/model/branches.ts";
import { listDeletedVals } from "town:system/model/deletion.ts";
import { listVariables, variableQueries } from "town:system/model/environment.ts";
import { addFile, findFile, readContent, readEntry, readTree } from "town:system/model/files.ts";
import { listFileVersions } from "town:system/model/history.ts";
import { listRemixes, listUsers } from "town:system/model/references.ts";
import { migrate } from "town:system/model/schema.ts";
import { searchVals } from "town:system/model/search.ts";
import { askerBySession, openSession } from "town:system/model/sessions.ts";
import { addToken, findByToken, listTokens } from "town:system/model/tokens.ts";
import { changeVal, createVal, findVal, findValByName, findValOnBranch, findValOnBranchNamed, listVals } from "town:system/model/vals.ts";
import { listVersions, readDiagnostics, save } from "town:system/model/versions.ts";
import { listSchedules, readSchedule, setSchedule } from "town:system/model/cron.ts";
import { listMail, readSent, rearmMail, send, takeDue } from "town:system/model/mail.ts";
import { forget, keep, latestPositions, listLogs, listRuns, readRun } from "town:system/model/runs.ts";
import { endpointOf, endpointOfFile, endpointOfNamed } from "town:system/run/endpoint.ts";

const plans: { what: string; sql: string; plan: string[] }[] = [];
let what = "";

async function explain(storage: any, statement: any) {
  const { sql, args } = typeof statement === "string" ? { sql: statement, args: undefined } : statement;
  if (!/^\s*(select|insert|update|delete|with)/i.test(sql) || what === "") return;
  const { rows } = await storage.execute({ sql: `EXPLAIN QUERY PLAN ${sql}`, args });
  plans.push({ what, sql: sql.replace(/\s+/g, " "), plan: rows.map((row) => String(row[3])) });
}

const explaining = (storage: any): any => ({
  async execute(statement: any) { await explain(storage, statement); return storage.execute(statement); },
  async batch(statements: any[], mode?: any) {
    for (const statement of statements) await explain(storage, statement);
    return storage.batch(statements, mode);
  },
  sub: (name: string) => explaining(storage.sub(name)),
  drop: (name: string) => storage.drop(name),
  setAlarm: (at: Date | null) => storage.setAlarm(at),
  get revision() { return storage.revision; },
});
const explained = explaining(storage);

export default async function (request: Request): Promise<Response> {
  const arrival = arrive("http://localhost/", new Headers(), "http://localhost");
  const town: any = { storage: explained, loader, system, env, arrival };
  await migrate(storage!);
  const page = { limit: 21, offset: 0 };
  const ask = async (name: string, act: () => unknown) => { what = name; await act(); what = ""; };
  const account = await createAccount(town, { username: "one", role: "owner" });
  const secret = await addToken(town, account, { name: "a", scopes: ["*"] });
  const tree = new Map();
  const file = await addFile(tree, "main.ts", "http", "export default () => new Response('words')");
  const wish = { name: "first", privacy: "public" as const, description: null, tree };
  let made: any;
  await ask("createVal", async () => made = (await createVal(town, account, wish)).val);
  const cookie = new Request("http://localhost/", { headers: { cookie: "town=unknown" } });
  const at = { createdAt: Date.now(), id: made.id };
  await ask("findVal", () => findVal(town, made.id));
  await ask("findValByName", () => findValByName(town, "one", "first"));
  await ask("findValByName of a former name", () => findValByName(town, "one", "before"));
  await ask("findValOnBranch", () => findValOnBranch(town, made.id, made.branch_id));
  await ask("findValOnBranchNamed", () => findValOnBranchNamed(town, made.id, "main"));
  await ask("listVals for nobody", () => listVals(town, { limit: 21, after: at }));
  await ask("listVals for somebody", () => listVals(town, { asker: account.id, limit: 21, after: at }));
  await ask("listVals of oneself", () => listVals(town, { asker: account.id, owner: account.id, limit: 21 }));
  await ask("listVals of another", () => listVals(town, { asker: "x", owner: account.id, limit: 21 }));
  await ask("listVals by privacy", () => listVals(town, { privacy: "public", limit: 21 }));
  await ask("findAccount", () => findAccount(town, "one"));
  await ask("findAccountById", () => findAccountById(town, account.id));
  await ask("findByToken", () => findByToken(town, secret));
  await ask("askerBySession", () => askerBySession(town, cookie));
  await ask("listTokens", () => listTokens(town, account, page));
  await ask("readTree", () => readTree(town, made));
  await ask("readTree of an old version", () => readTree(town, { ...made, version: 9 }, 0));
  await ask("readEntry", () => readEntry(town, made, "main.ts"));
  await ask("readContent", () => readContent(town, file.hash as string));
  await ask("findFile", () => findFile(town, file.file_id));
  await ask("listFileVersions", () => listFileVersions(town, made, "main.ts", page));
  await ask("listVersions", () => listVersions(town, made, page));
  await ask("readDiagnostics", () => readDiagnostics(town, made));
  await ask("listBranches", () => listBranches(town, made, page));
  await ask("findBranch", () => findBranch(town, made, made.branch_id));
  await ask("listVariables", () => listVariables(town, made, page));
  await ask("variableQueries", () => town.storage.batch(variableQueries(made.id)));
  await ask("listUsers", () => listUsers(town, made, page));
  await ask("listRemixes", () => listRemixes(town, made, page));
  await ask("listDeletedVals", () => listDeletedVals(town, account.id, page));
  await ask("searchVals", () => searchVals(town, "words", page));
  await ask("changeVal", () => changeVal(town, made, { name: "second" }));
  await ask("save", () => save(town, made, account.id, (tree) => addFile(tree, "b.ts", "script", "export {}")));
  await ask("endpointOf", () => endpointOf(town, "one", "second"));
  await ask("endpointOfFile", () => endpointOfFile(town, file.file_id, "interval"));
  await ask("endpointOfNamed", () => endpointOfNamed(town, "one", "third", "email"));

  const run = { type: "run", run: "00", id: made.id + "@0/main.ts?env=0&owner=" + account.id, kind: "fetch", startedAt: 1, endedAt: 2,
    cpuMs: 1, memoryPeak: 0, outcome: "ok", linesDropped: 0 };
  await keep(town, { json: JSON.stringify([run]), events: [] });
  await ask("listRuns", () => listRuns(town, made.id, { limit: 21, outcome: "failed", search: "x" }));
  await ask("listRuns from there", () => listRuns(town, made.id, { limit: 21, after: "0", since: 5 }));
  await ask("listLogs", () => listLogs(town, made.id, { limit: 21, level: "error" }));
  let whole: unknown;
  await ask("readRun", async () => whole = await readRun(town, made.id, "00"));
  if (whole === undefined) throw new Error("The run was not kept");
  await ask("latestPositions", () => latestPositions(town));
  await ask("forget", () => forget(town, "another"));
  await readSchedule(town, "another");
  const interval = { file_id: file.file_id, val_id: made.id, owner_id: account.id };
  await ask("setSchedule", () => setSchedule(town, interval, { text: "@daily" }));
  await ask("listSchedules of a val", () => listSchedules(town, { val_id: made.id }));
  await ask("listSchedules of an account", () => listSchedules(town, { owner_id: account.id }));
  await listMail(town, "outbox", account.id, { limit: 21, before: 9 });
  await ask("send", () => send(town, { account }, { text: "x" }));
  await ask("takeDue", () => takeDue(town));
  await ask("rearmMail", () => rearmMail(town));
  await ask("listMail sent", () => listMail(town, "outbox", account.id, { limit: 21, before: 9 }));
  await ask("listMail received", () => listMail(town, "inbox", account.id, { limit: 21, before: 9 }));
  await ask("readSent", () => readSent(town, account.id, "none"));

  // Whatever can be read, by its author: each route as it is asked, with what its parameters can be.
  const { secret: session } = await openSession(town, account);
  const headers = { authorization: `Bearer ${secret}`, cookie: `town_session=${session}; town=${session}` };
  const values: Record<string, string> = {
    username: "one", name: "second", branch: made.branch_id, run: "00", number: "0", val_name: "second", "*": "main.ts", rest: "main.ts",
  };
  const query = `?path=main.ts&query=words&q=words&prefix=a&name=x&val_id=${made.id}&file_id=${file.file_id}&trace_ids=${"0".repeat(16)}00&branch_ids=${made.branch_id}`;
  const endless = ["/api/town/vals/:id/stream", "/api/town/export", "/api/town/instances/:instance/export", "/-/editor/:id/stream"];
  let asked = 0;
  for (const [method, pattern] of [...apiRoutes, ...pageRoutes]) {
    if (method !== "GET" || endless.includes(pattern)) continue;
    const id = pattern.includes("/files/") ? file.file_id : pattern.includes("/users/") ? account.id : made.id;
    const path = pattern.replace(/:(\w+)/g, (_, name) => (name === "id" ? id : values[name] ?? id)).replace(/\*$/, "main.ts");
    const url = `http://localhost${path}${query}`;
    const asking = { ...town, arrival: arrive(url, new Headers(headers), "http://localhost") };
    await ask(`GET ${pattern}`, async () => {
      const answer = await Promise.resolve(dispatch([...apiRoutes, ...pageRoutes], new Request(url, { headers }), asking)).catch(() => undefined);
      if (answer?.ok) asked++;
      await answer?.body?.cancel();
    });
  }
  return Response.json({ plans, asked });
}
"#;

#[tokio::test]
async fn what_is_asked_often_is_found_by_an_index() {
    let town = Town::root().await;
    town.val("asking", ASKING).await;
    let (status, text) = town.run("asking").await;
    assert_eq!(status, 200, "{text}\n{}", town.log());
    let seen: Value = serde_json::from_str(&text).expect("JSON");
    let asked = seen["asked"].as_u64().expect("a number");
    assert!(asked > 60, "{asked} routes answered");
    let plans = seen["plans"].as_array().expect("a list");
    assert!(plans.len() > 150, "{}", plans.len());
    let mut slow = Vec::new();
    for plan in plans {
        let what = plan["what"].as_str().expect("text");
        for line in plan["plan"].as_array().expect("lines") {
            let line = line.as_str().expect("text");
            // Arrays that a statement is given, and what a part of it has found, are small; the
            // full-text index is asked for a row or for words.
            let small = [
                "SCAN j ",
                "SCAN json_each ",
                "SCAN (",
                "SCAN m",
                "SCAN h",
                "SCAN found",
                "SCAN sqlite_schema",
                // The towns inside: as many as somebody has set limits for.
                "SCAN instance",
            ];
            let by_index = [
                "USING INDEX",
                "USING COVERING INDEX",
                "INDEX 0:=",
                ":M",
                "CONSTANT ROW",
            ];
            let scans = line.starts_with("SCAN ")
                && !small.iter().any(|part| line.starts_with(part))
                && !by_index.iter().any(|part| line.contains(part));
            // Lists are read in the order of an index, or they are of one val.
            let listed = ["listVals", "listRuns", "listLogs", "listMail"];
            let sorts =
                line.contains("TEMP B-TREE") && listed.iter().any(|list| what.starts_with(list));
            let one_of_many = ["readRun", "readSent"].contains(&what)
                && (line.contains("run_val") || line.contains("run_owner"));
            if scans || sorts || one_of_many {
                slow.push(format!("{what}: {line}\n  {}", plan["sql"]));
            }
        }
    }
    assert!(slow.is_empty(), "{}", slow.join("\n"));
}
