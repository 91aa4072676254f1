/**
 * What the editor in the browser asks: the newest state of a val, saving several files at once, sending a request, logs as
 * they come, and the types of modules. By session, as pages are; whatever it changes, the REST API can change too.
 */

import { badRequest, HttpError, json, notFound, readJson, stringOf } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { mayChange, maySee } from "../model/access.ts";
import type { Asker } from "../model/accounts.ts";
import { addFile, changeFile, readContent, readEntry, readTree, removeFile, type Tree } from "../model/files.ts";
import { entryOf } from "../model/names.ts";
import { listLogs, listRuns, logsOf } from "../model/runs.ts";
import { findVal, findValByName, type Val } from "../model/vals.ts";
import { save } from "../model/versions.ts";
import { parseSpecifier } from "../modules/reference.ts";
import { askerBySession, formAsker } from "../pages/layout.ts";
import { runNow } from "../run/cron.ts";
import { sendRequest } from "./request.ts";
import { editorState } from "./state.ts";

// Half of what proxies commonly allow a silent connection.
const WAIT_MS = 20_000;
const RUNS_MAX = 50;
const LINES_MAX = 1_000;

export const editorRoutes: Route[] = [
  ["GET", "/-/editor/:id/state", async (request, params, town) => {
    const { val, asker } = await visible(request, params, town);
    return json(await editorState(town, val, await readTree(town, val), asker));
  }],
  ["POST", "/-/editor/:id/save", saveAll],
  ["POST", "/-/editor/:id/request", async (request, params, town) => {
    const { val } = await changeable(request, params, town);
    return json(await sendRequest(town, val, await readJson(request)));
  }],
  ["POST", "/-/editor/:id/run", async (request, params, town) => {
    const { val } = await changeable(request, params, town);
    return json(await run(town, val, stringOf(await readJson(request), "path")));
  }],
  ["GET", "/-/editor/:id/logs", logs],
  ["GET", "/-/types", types],
];

type Params = { id?: string };

async function visible(request: Request, params: Params, town: Town): Promise<{ val: Val; asker: Asker | undefined }> {
  const asker = await askerBySession(town, request);
  const val = await findVal(town, params.id as string);
  if (val === undefined || !maySee(asker, val)) throw notFound("Val");
  return { val, asker };
}

async function changeable(request: Request, params: Params, town: Town): Promise<{ val: Val; asker: Asker }> {
  const asker = await formAsker(town, request);
  const val = await findVal(town, params.id as string);
  if (val === undefined || !maySee(asker, val)) throw notFound("Val");
  if (!mayChange(asker, val)) throw new HttpError(403, "forbidden", "Only the author of this val may do that");
  return { val, asker };
}

/** All changes as one version, or none: 412 with the newest state when another version is there than was expected. */
async function saveAll(request: Request, params: Params, town: Town): Promise<Response> {
  const { val, asker } = await changeable(request, params, town);
  const body = await readJson(request);
  if (!Number.isSafeInteger(body.expected)) throw badRequest('"expected" must be a version');
  if (!Array.isArray(body.changes)) throw badRequest('"changes" must be an array');
  const changes = body.changes as Record<string, unknown>[];
  try {
    const saved = await save(town, val, asker.id, async (tree) => {
      for (const change of changes) await apply(tree, change);
    }, { expected: body.expected as number });
    return json(await editorState(town, saved.val, saved.tree, asker));
  } catch (error) {
    if (!(error instanceof HttpError) || error.status !== 412) throw error;
    const newest = (await findVal(town, val.id)) as Val;
    const state = await editorState(town, newest, await readTree(town, newest), asker);
    return json({ message: error.message, code: error.code, state }, 412);
  }
}

async function apply(tree: Tree, change: Record<string, unknown>): Promise<void> {
  const path = stringOf(change, "path");
  switch (change.act) {
    case "write": {
      const content = stringOf(change, "content");
      const type = stringOf(change, "type");
      if (tree.has(path)) await changeFile(tree, path, { content, type });
      else await addFile(tree, path, type, content);
      return;
    }
    case "type":
      await changeFile(tree, path, { type: stringOf(change, "type") });
      return;
    case "move":
      await changeFile(tree, path, { path: stringOf(change, "to") });
      return;
    case "delete":
      return removeFile(tree, path, true);
    default:
      throw badRequest('"act" must be write, type, move or delete');
  }
}

/** Runs a file that answers no requests. */
async function run(town: Town, val: Val, path: string) {
  const entry = await readEntry(town, val, path);
  if (entry === undefined) throw notFound("File");
  if (entry.type !== "interval") throw new HttpError(422, "not_runnable", `A file of type ${entry.type} is not run by hand`);
  const { outcome, error, startedAt, endedAt } = await runNow(town, entry.file_id);
  return { outcome, error, durationMs: endedAt - startedAt };
}

/** Runs and lines after the positions given; waits for some while there are none. */
async function logs(request: Request, params: Params, town: Town): Promise<Response> {
  const { val, asker } = await visible(request, params, town);
  if (!mayChange(asker, val)) throw notFound("Logs");
  const query = new URLSearchParams(town.arrival.search);
  const afterRun = Number(query.get("run") ?? "0");
  const afterLine = Number(query.get("line") ?? "0");
  const storage = await logsOf(town);
  const until = Date.now() + WAIT_MS;
  for (;;) {
    const { revision } = storage;
    const runs = (await listRuns(town, val.id, { limit: RUNS_MAX })).filter((run) => Number(run.position) > afterRun);
    const lines = (await listLogs(town, val.id, { limit: LINES_MAX })).filter((line) => Number(line.position) > afterLine);
    const left = until - Date.now();
    if (runs.length > 0 || lines.length > 0 || left <= 0 || request.signal.aborted) return json({ runs: runs.reverse(), lines: lines.reverse() });
    let timer: ReturnType<typeof setTimeout> | undefined;
    await Promise.race([storage.changed(revision), new Promise((done) => (timer = setTimeout(done, left)))]);
    clearTimeout(timer);
  }
}

/** The source of a module, for type checks: of this town's vals, of the platform, of the kernel's own interface. */
async function types(request: Request, _params: unknown, town: Town): Promise<Response> {
  const specifier = new URLSearchParams(town.arrival.search).get("specifier") ?? "";
  const found = specifier.startsWith("town:") ? await ofTown(town, specifier) : await ofVal(request, town, specifier);
  if (found === undefined) throw notFound("Module");
  return json(found, 200, { "cache-control": "private, max-age=60" });
}

interface Typed {
  /** Where relative imports of it start. */
  specifier: string;
  source: string;
}

async function ofTown(town: Town, specifier: string): Promise<Typed | undefined> {
  const path = specifier === "town:kernel" ? "kernel.d.ts" : specifier.replace(/^town:system\//, "");
  const file = await town.system?.read(path);
  return typeof file?.source === "string" ? { specifier, source: file.source } : undefined;
}

async function ofVal(request: Request, town: Town, specifier: string): Promise<Typed | undefined> {
  const reference = parseSpecifier(town.arrival, specifier);
  const val = reference && await findValByName(town, reference.username, reference.name);
  if (reference === undefined || val === undefined || !maySee(await askerBySession(town, request), val)) return undefined;
  const version = Math.min(reference.version ?? val.version, val.version);
  const path = reference.path ?? entryOf((await readTree(town, val, version)).values())?.path;
  const entry = path === undefined ? undefined : await readEntry(town, val, path, version);
  if (entry === undefined || entry.hash === null) return undefined;
  return { specifier: `https://esm.town/v/${val.username}/${val.name}@${version}-main/${entry.path}`, source: await readContent(town, entry.hash) };
}
