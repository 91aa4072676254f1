/**
 * What the editor in the browser asks: the newest state of a val, saving several files at once, sending a request, logs as
 * they come, and the types of modules. By session, as pages are; whatever it changes, the REST API can change too.
 */

import { badRequest, HttpError, json, notFound, readJson, stringOf } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { mayChange, maySee } from "../model/access.ts";
import type { Asker } from "../model/accounts.ts";
import { addFile, changeFile, readTree, removeFile, type Tree } from "../model/files.ts";
import { latestPositions, listLogs, listRuns } from "../model/runs.ts";
import { findVal, findValOnBranch, type Val } from "../model/vals.ts";
import { save } from "../model/versions.ts";
import { askerBySession, formAsker } from "../pages/layout.ts";
import { markdown } from "../pages/markdown.ts";
import { valPath } from "../pages/pieces.ts";
import { follow } from "../run/follow.ts";
import { servePackageTypes } from "./package-types.ts";
import { sendRequest } from "./request.ts";
import { runFile } from "./run.ts";
import { editorState } from "./state.ts";
import { serveTypes } from "./types.ts";

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
    const { val, asker } = await changeable(request, params, town);
    return json(await runFile(town, val, asker, await readJson(request)));
  }],
  ["POST", "/-/editor/:id/readme", async (request, params, town) => {
    const { val } = await changeable(request, params, town);
    const { html } = markdown(stringOf(await readJson(request), "text"), href(town.arrival, valPath(val, "code/")));
    return json({ html });
  }],
  ["GET", "/-/editor/:id/logs", logs],
  ["GET", "/-/editor/:id/stream", stream],
  ["GET", "/-/types", (request, _params, town) => serveTypes(request, town)],
  ["GET", "/-/types/package", (request, _params, town) => servePackageTypes(request, town)],
];

type Params = { id?: string };

/** By the id of `EditorState`. */
function find(town: Town, id: string): Promise<Val | undefined> {
  const [valId = "", branchId] = id.split("@");
  return branchId === undefined ? findVal(town, valId) : findValOnBranch(town, valId, branchId);
}

async function visible(request: Request, params: Params, town: Town): Promise<{ val: Val; asker: Asker | undefined }> {
  const asker = await askerBySession(town, request);
  const val = await find(town, params.id as string);
  if (val === undefined || !maySee(asker, val)) throw notFound("Val");
  return { val, asker };
}

async function changeable(request: Request, params: Params, town: Town): Promise<{ val: Val; asker: Asker }> {
  const asker = await formAsker(town, request);
  const val = await find(town, params.id as string);
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

/** The newest runs and lines, oldest first, and where what comes after them begins. */
async function logs(request: Request, params: Params, town: Town): Promise<Response> {
  const { val } = await followed(request, params, town);
  // Before the lists, which may have more by then: nothing falls between them and what follows.
  const [run, line] = await latestPositions(town);
  const [runs, lines] = await Promise.all([listRuns(town, val.id, { limit: RUNS_MAX }), listLogs(town, val.id, { limit: LINES_MAX })]);
  const last = [Math.max(Number(run), Number(runs[0]?.position ?? 0)), Math.max(Number(line), Number(lines[0]?.position ?? 0))].join(".");
  return json({ runs: runs.reverse(), lines: lines.reverse(), last });
}

/** Runs and lines as they come, from `last` on. */
async function stream(request: Request, params: Params, town: Town): Promise<Response> {
  const { val, asker } = await followed(request, params, town);
  const last = request.headers.get("last-event-id") ?? new URLSearchParams(town.arrival.search).get("last") ?? undefined;
  return follow(town, val.id, asker.id, last);
}

/** Only who may change a val is told what it did. */
async function followed(request: Request, params: Params, town: Town): Promise<{ val: Val; asker: Asker }> {
  const { val, asker } = await visible(request, params, town);
  if (asker === undefined || !mayChange(asker, val)) throw notFound("Logs");
  return { val, asker };
}
